"""Runs of networks that never learned anything, with one snapshot: enough to ask every kind of job about."""

import numpy as np

from gan_core.codec import to_storage
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.engine import checkpoints, models, sampling
from gan_core.engine.networks import statistics
from gan_core.jobs import registry
from gan_core.jobs.kind import Parameters
from gan_core.store import Commit, Store

DIGITS, RING = datasets.load("digits"), datasets.load("ring-8")
STEP = 30
TINY = {"generator.hidden": "8", "discriminator.hidden": "8", "generator.latent_dim": 4, "training.batch": 32}


def kept(store: Store, data: datasets.Dataset, *, weights: float | None = None, **changes) -> str:
    """The id of a run with one snapshot and its checkpoint; `weights`: what all of them are instead of random."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = override(preset("auto", data=data.name, shape=data.shape), TINY | changes)
    labels = np.searchsorted(data.classes, data.train.y) if config.data.conditional else None
    model, rng = models.build(config, statistics(data.train.x, labels)), np.random.default_rng(1)
    for weight in [*model.ema_generator.weights, *model.discriminator.weights]:
        if len(weight.shape) == 2 and min(weight.shape) > 1:
            weight.assign(np.asarray(weight) + rng.normal(0, 0.4, weight.shape))
        if weights is not None:
            weight.assign(np.full(weight.shape, weights))
    inputs = sampling.inputs(model.ema_generator, config.seed, 64, sampling.PREVIEW)
    shown = to_storage(sampling.generate(model.ema_generator, inputs))
    others = {"discriminator": model.discriminator.weights} if data.shape == (2,) else {}
    saved = checkpoints.weights_to_bytes(model.ema_generator.weights, **others)
    run_id = store.runs.create(config, worker_id="hand")
    store.datasets.put(data.info())
    store.progress.describe(run_id, "hand", 1, dataset=data.sha256)
    state = checkpoints.capture(model, STEP, np.zeros((0, len(model.STEP_METRICS)), np.float32))
    about = dict(seconds=1.0, checkpoint=state)
    store.progress.commit(run_id, "hand", 1, Commit(state="finished", step=STEP, taken=[(STEP, shown, saved)], **about))
    return run_id


def answered(
    store: Store,
    asked: Parameters,
    run_id: str | None = None,
    step: int | None = STEP,
    *,
    data: datasets.Dataset | None = None,
    progress=lambda share: None,
):
    """What a worker answers, as the kind of the job decodes it."""
    job = store.jobs.get(registry.request(store, asked, run_id=run_id, step=step))
    known = {"digits": DIGITS, "ring-8": RING}
    made = registry.answer(store, job, lambda name: data or known[name], progress)
    return registry.kind_named(job.kind).decode(made)


def flat(x: np.ndarray) -> np.ndarray:
    """Samples as rows of numbers, images in [0, 1]."""
    return x.reshape(len(x), -1) / (255.0 if x.dtype == np.uint8 else 1.0)
