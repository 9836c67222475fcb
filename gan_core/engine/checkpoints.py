"""Everything an exact resume needs <-> bytes. NumPy's own format, and never a pickle."""

from __future__ import annotations

import io
from typing import Iterable

import numpy as np

from gan_core.engine.gan import GAN


def capture(gan: GAN, step: int, window: np.ndarray) -> bytes:
    """Weights of all three networks, both optimizers' moments and counters, the step, and the open log window."""
    arrays = {name: np.asarray(variable) for name, variable in _variables(gan).items()}
    return _to_bytes(arrays | {"step": np.int64(step), "window": window})


def restore(gan: GAN, data: bytes) -> tuple[int, np.ndarray]:
    """Put a captured state back, bit for bit; returns the step and the open log window.

    Raises ValueError, and changes nothing, when the bytes belong to other networks.
    """
    arrays = _from_bytes(data)
    step, window = arrays.pop("step", None), arrays.pop("window", None)
    _assign(_variables(gan), arrays)
    gan.step.assign(int(step))
    return int(step), window


def weights_to_bytes(weights: Iterable) -> bytes:
    """The weights of one network, in order."""
    return _to_bytes({str(i): np.asarray(w) for i, w in enumerate(weights)})


def load_weights(network, data: bytes) -> None:
    """Put weights back into a network of the same structure. Raises ValueError where the shapes differ."""
    _assign({str(i): w for i, w in enumerate(network.weights)}, _from_bytes(data))


def _variables(gan: GAN) -> dict:
    parts = {
        "generator": gan.generator.weights,
        "discriminator": gan.discriminator.weights,
        "ema": gan.ema_generator.weights,
        "generator_optimizer": gan.generator_optimizer.variables,
        "discriminator_optimizer": gan.discriminator_optimizer.variables,
    }
    return {f"{part}.{i}": variable for part, variables in parts.items() for i, variable in enumerate(variables)}


def _assign(variables: dict, arrays: dict[str, np.ndarray]) -> None:
    """All of the arrays or none of them: one that does not fit is found before the first is put in place."""
    needed = {name: tuple(variable.shape) for name, variable in variables.items()}
    found = {name: array.shape for name, array in arrays.items()}
    for name in [*needed, *found]:
        if needed.get(name) != found.get(name):
            path = variables[name].path if name in variables else name
            raise ValueError(
                f"the stored weights are of another network: {path} needs "
                f"{_shape(needed.get(name))}, found {_shape(found.get(name))}"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _shape(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else f"shape {shape}"


def _to_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _from_bytes(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)
