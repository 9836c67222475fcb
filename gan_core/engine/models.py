"""A configuration -> the model that it trains. Nothing is compiled twice for the same structure in one process."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from gan_core.config.run_config import LIVE_HYPERPARAMETERS, RunConfig, flatten_config
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine.base_model import Trainable
from gan_core.engine.distance_matching import Matcher
from gan_core.engine.gan import GAN
from gan_core.engine.networks import DataStatistics
from gan_core.engine.vae import VAE

KEPT = 3
"""How many models that nobody trains are kept with what was compiled for them."""

_kept: dict[tuple, Trainable] = {}
_took: dict[bool, float] = {}
_compiled = 0
_lock = threading.Lock()


def build(config: RunConfig, data: DataStatistics) -> Trainable:
    """Two networks that play, a generator on its own, or an autoencoder, as `objective.loss` says: all at their start.

    A model of the same structure that was given back is used again, with the weights of a new one.
    """
    fresh = new(config, data)
    with _lock:
        known = _kept.pop(structure(config, data), None)
    if known is None:
        return fresh
    known.become(fresh)
    return known


def new(config: RunConfig, data: DataStatistics) -> Trainable:
    """What `build` gives, for one that will not be trained: nothing that was compiled is taken from the shelf."""
    loss = config.objective.loss
    return (GAN if loss in ADVERSARIAL_LOSSES else VAE if loss == "vae" else Matcher)(config, data)


def give_back(model: Trainable) -> None:
    """Keep a model that nobody trains any more for the next run of the same structure; the oldest one goes."""
    with _lock:
        _kept[structure(model.settings, model.data)] = model
        for key in list(_kept)[:-KEPT]:
            del _kept[key]


def seconds_to_compile(model: Trainable) -> float | None:
    """About how long the model's first call will compile, as the last one of its kind did; None where that is unknown,
    or where nothing is left to compile."""
    return None if model.ready else _took.get(model.dense)


@contextmanager
def timed(model: Trainable):
    """Around the first call of a model: remember how long it compiled."""
    global _compiled
    ready, start = model.ready, time.perf_counter()
    yield
    if not ready:
        _took[model.dense] = time.perf_counter() - start
        _compiled += 1


def programs() -> int:
    """How many models this process has compiled."""
    return _compiled


def structure(config: RunConfig, data: DataStatistics) -> tuple:
    """All that a compiled step depends on: not the seed, the length, the step sizes, or how large a weight is."""
    free = {"seed", "preset", "data.name", "training.steps", "training.seconds"}
    flat = flatten_config(config)
    kept = {key: value for key, value in flat.items() if key not in free and key.split(".")[0] != "recording"}
    kept |= {key: bool(kept[key]) for key in LIVE_HYPERPARAMETERS}
    return (*kept.items(), data.shape, data.mean.tobytes(), data.scale, data.shares)
