"""Checkpoints and weights <-> bytes in NumPy's .npz format, never pickled.

A checkpoint holds everything that an exact resume needs.
"""

from __future__ import annotations

import io
from typing import Any, Iterable

import keras
import numpy as np

from gan_core.engine.base_model import BaseModel
from gan_core.records import Unreadable


class WrongWeights(Unreadable, ValueError):
    """Weights that are damaged, or belong to another network: a run may have been imported with them."""


def capture(model: BaseModel, step: int, window: np.ndarray) -> bytes:
    """A checkpoint: all weights, the optimizers' moments and counts, the step, and the open log window.

    `window` (steps, STEP_METRICS) holds the values of the steps since the last logged mean.
    """
    arrays = {name: np.asarray(variable) for name, variable in model.state.items()}
    return _to_bytes(arrays | {"step": np.asarray(step, np.int64), "window": window})


def restore(model: BaseModel, data: bytes) -> tuple[int, np.ndarray]:
    """Put a captured state back, bit for bit; returns the step and the open log window.

    Raises WrongWeights, and changes nothing, when the bytes belong to other networks.
    """
    arrays = _from_bytes(data)
    about = {name: arrays.pop(name) for name in ("step", "window") if name in arrays}
    _assign(model.state, arrays)
    step = int(about["step"])
    model.step.assign(step)
    return step, about["window"]


def start_from(model: BaseModel, step: int, weights: bytes) -> int:
    """Start at a step with the weights of another run's snapshot; whatever the snapshot lacks stays untrained.

    Returns the step. Raises WrongWeights, and changes nothing, when the weights belong to another network.
    """
    load_weights(model.ema_generator, weights)
    model.generator.set_weights(model.ema_generator.get_weights())
    if has_network(weights, "discriminator") and "discriminator" in model.networks:
        load_weights(model.networks["discriminator"], weights, "discriminator")
    model.step.assign(step)
    return step


def weights_to_bytes(weights: Iterable, **others: Iterable) -> bytes:
    """The weights of one network, in order, and those of further networks under their names."""
    arrays = {str(i): np.asarray(w) for i, w in enumerate(weights)}
    return _to_bytes(arrays | {f"{name}.{i}": np.asarray(w) for name in others for i, w in enumerate(others[name])})


def has_network(data: bytes, name: str) -> bool:
    """Whether a snapshot or a checkpoint holds the weights of a network under `name`."""
    return any(key.startswith(f"{name}.") for key in _from_bytes(data))


def load_weights(network: keras.Model, data: bytes, name: str = "") -> None:
    """Put weights back into a network of the same structure, those stored under `name` if it is given.

    Raises WrongWeights, and changes nothing, when the shapes differ.
    """
    parts = {key.rpartition("."): array for key, array in _from_bytes(data).items()}
    arrays = {number: array for (of, _, number), array in parts.items() if of == name}
    _assign({str(i): w for i, w in enumerate(network.weights)}, arrays)


def _assign(variables: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Assign all of the arrays or none: their shapes are compared before the first one is assigned."""
    needed = {name: tuple(variable.shape) for name, variable in variables.items()}
    found = {name: array.shape for name, array in arrays.items()}
    for name in [*needed, *found]:
        if needed.get(name) != found.get(name):
            path = variables[name].path if name in variables else name
            raise WrongWeights(
                f"the stored weights are of another network: {path} needs "
                f"{_shape(needed.get(name))}, found {_shape(found.get(name))}"
            )
    if others := [array.dtype for array in arrays.values() if array.dtype.kind not in "biuf"]:
        raise WrongWeights(f"the stored weights are {others[0]}, not numbers")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _shape(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else f"shape {shape}"


def _to_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # pyright: ignore[reportArgumentType]  (none of the names is NumPy's own `allow_pickle`)
    return out.getvalue()


def _from_bytes(data: bytes) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception:  # decoders raise a dozen kinds on damaged bytes, and advise to unpickle what they do not know
        raise WrongWeights("the stored weights cannot be read: their bytes are no file of plain arrays") from None
