"""A configuration -> the model that it trains, and a cache of compiled models for later runs of the same structure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from gan_core.config.run_config import LIVE_HYPERPARAMETERS, RunConfig, flatten_config
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine.base_model import BaseModel
from gan_core.engine.distance_matching import DistanceMatching
from gan_core.engine.gan import GAN
from gan_core.engine.networks import DataStatistics
from gan_core.engine.vae import VAE


def build(config: RunConfig, data: DataStatistics) -> BaseModel:
    """An untrained model, whose class follows from `objective.loss`: GAN, VAE, or a generator with a distance loss."""
    loss = config.objective.loss
    return (GAN if loss in ADVERSARIAL_LOSSES else VAE if loss == "vae" else DistanceMatching)(config, data)


class CompiledModels:
    """Models that no run uses at present, kept because of what was compiled for them; safe to use from threads.

    model = compiled_models.borrow(config, data)
    ...
    compiled_models.give_back(model)
    """

    KEPT = 3
    """How many models are kept; the oldest is dropped first."""

    def __init__(self) -> None:
        self._models: dict[tuple, BaseModel] = {}
        self._seconds: dict[bool, float] = {}
        self._lock = threading.Lock()
        self.compilations = 0
        """How many models have been compiled inside `timed`."""

    def borrow(self, config: RunConfig, data: DataStatistics) -> BaseModel:
        """An untrained model: a kept one of the same structure with newly initialised weights, or else a new one."""
        new = build(config, data)
        with self._lock:
            kept = self._models.pop(structure(config, data), None)
        if kept is None:
            return new
        kept.copy_state(new)
        return kept

    def give_back(self, model: BaseModel) -> None:
        """Keep a model that its run no longer uses."""
        with self._lock:
            self._models[structure(model.settings, model.data)] = model
            for key in list(self._models)[: -self.KEPT]:
                del self._models[key]

    def seconds_to_compile(self, model: BaseModel) -> float | None:
        """How long the last model of this kind took to compile; None if there was none or `model` is compiled."""
        return None if model.is_compiled else self._seconds.get(model.uses_xla)

    @contextmanager
    def timed(self, model: BaseModel) -> Iterator[None]:
        """Measures the first call of a model, which compiles it."""
        was_compiled, start = model.is_compiled, time.perf_counter()
        yield
        if not was_compiled:
            self._seconds[model.uses_xla] = time.perf_counter() - start
            self.compilations += 1


@cache
def compiled_in_this_process() -> CompiledModels:
    """The models of this process. One cache for all workers in it: TensorFlow never frees a compiled program before the
    process ends, so both the reuse and the count of compilations belong to the process."""
    return CompiledModels()


def structure(config: RunConfig, data: DataStatistics) -> tuple:
    """Everything that a compiled step depends on: not the seed, the number of steps, or the live hyperparameters."""
    free = {"seed", "preset", "data.name", "training.steps", "training.seconds"}
    kept = {
        key: value
        for key, value in flatten_config(config).items()
        if key not in free and key.split(".")[0] != "recording"
    }
    kept |= {key: bool(kept[key]) for key in LIVE_HYPERPARAMETERS}
    return (*kept.items(), data.shape, data.mean.tobytes(), data.scale, data.class_frequencies)
