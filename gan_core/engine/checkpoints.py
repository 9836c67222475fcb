"""Everything an exact resume needs <-> bytes. NumPy's own format, and never a pickle."""

from __future__ import annotations

import io
from typing import Iterable

import numpy as np

from gan_core.engine.gan import GAN


def capture(gan: GAN, step: int, window: np.ndarray) -> bytes:
    """Weights of all three networks, both optimizers' moments and counters, the step, and the open log window."""
    arrays = {f"{part}.{i}": np.asarray(v) for part, variables in _parts(gan) for i, v in enumerate(variables)}
    return _to_bytes(arrays | {"step": np.int64(step), "window": window})


def restore(gan: GAN, data: bytes) -> tuple[int, np.ndarray]:
    """Put a captured state back, bit for bit; returns the step and the open log window.

    Raises ValueError when the bytes belong to other networks.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        for part, variables in _parts(gan):
            _assign(variables, [arrays.get(f"{part}.{i}") for i in range(len(variables))])
        gan.step.assign(int(arrays["step"]))
        return int(arrays["step"]), arrays["window"]


def weights_to_bytes(weights: Iterable) -> bytes:
    """The weights of one network, in order."""
    return _to_bytes({str(i): np.asarray(w) for i, w in enumerate(weights)})


def load_weights(network, data: bytes) -> None:
    """Put weights back into a network of the same structure. Raises ValueError where the shapes differ."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        _assign(network.weights, [arrays.get(str(i)) for i in range(len(network.weights))])


def _parts(gan: GAN):
    yield "generator", gan.generator.weights
    yield "discriminator", gan.discriminator.weights
    yield "ema", gan.ema_generator.weights
    yield "generator_optimizer", gan.generator_optimizer.variables
    yield "discriminator_optimizer", gan.discriminator_optimizer.variables


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values):
        if value is None or tuple(value.shape) != tuple(variable.shape):
            found = "nothing" if value is None else f"shape {tuple(value.shape)}"
            raise ValueError(f"the stored weights are of another network: {variable.path} needs shape "
                             f"{tuple(variable.shape)}, found {found}")
        variable.assign(value)


def _to_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()
