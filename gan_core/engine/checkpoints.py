"""Everything an exact resume needs <-> bytes. NumPy's own format, and never a pickle."""

from __future__ import annotations

import io
from typing import Iterable

import numpy as np

from gan_core.engine.base_model import Trainable


def capture(model: Trainable, step: int, window: np.ndarray) -> bytes:
    """Weights of all networks, the optimizers' moments and counters, the step, and the open log window."""
    arrays = {name: np.asarray(variable) for name, variable in model.state.items()}
    return _to_bytes(arrays | {"step": np.int64(step), "window": window})


def restore(model: Trainable, data: bytes) -> tuple[int, np.ndarray]:
    """Put a captured state back, bit for bit; returns the step and the open log window.

    Raises ValueError, and changes nothing, when the bytes belong to other networks.
    """
    arrays = _from_bytes(data)
    step, window = arrays.pop("step", None), arrays.pop("window", None)
    _assign(model.state, arrays)
    model.step.assign(int(step))
    return int(step), window


def begin(model: Trainable, step: int, weights: bytes) -> int:
    """Start at a step with the generator that another run had there; whatever the bytes lack is new.

    Returns the step. Raises ValueError, and changes nothing, where the weights are of another network.
    """
    load_weights(model.ema_generator, weights)
    model.generator.set_weights(model.ema_generator.get_weights())
    if holds(weights, "discriminator") and "discriminator" in model.networks:
        load_weights(model.networks["discriminator"], weights, "discriminator")
    model.step.assign(step)
    return step


def weights_to_bytes(weights: Iterable, **others: Iterable) -> bytes:
    """The weights of one network, in order; those of others beside it under their names."""
    arrays = {str(i): np.asarray(w) for i, w in enumerate(weights)}
    return _to_bytes(arrays | {f"{name}.{i}": np.asarray(w) for name in others for i, w in enumerate(others[name])})


def holds(data: bytes, name: str) -> bool:
    """Whether the weights of a network are kept under `name`, in a snapshot or in a checkpoint."""
    return any(key.startswith(f"{name}.") for key in _from_bytes(data))


def load_weights(network, data: bytes, name: str = "") -> None:
    """Put weights back into a network of the same structure, those kept under `name` if it is given.

    Raises ValueError where the shapes differ.
    """
    parts = {key.rpartition("."): array for key, array in _from_bytes(data).items()}
    arrays = {number: array for (of, _, number), array in parts.items() if of == name}
    _assign({str(i): w for i, w in enumerate(network.weights)}, arrays)


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
