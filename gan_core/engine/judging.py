"""What a discriminator makes of samples that were not made for it."""

from __future__ import annotations

import numpy as np

from gan_core.config import GAMES, RunConfig
from gan_core.engine import checkpoints, models
from gan_core.engine.networks import statistics

AT_ONCE = 500


def can_judge(config: RunConfig) -> bool:
    """Whether there is a discriminator, and one that looks at single samples."""
    return config.objective.loss in GAMES and config.discriminator.packing == 1


def scores(
    config: RunConfig,
    train: np.ndarray,
    labels: np.ndarray | None,
    fake: np.ndarray,
    classes: np.ndarray,
    *,
    weights: bytes,
    checkpoint: bytes | None,
) -> np.ndarray | None:
    """The discriminator's outputs (n,) at `fake` (n, ...), told `classes` (n, c): as logits, higher is more real.

    From a snapshot's `weights` if they hold it, else from the `checkpoint` of the same step; None where neither does.
    `train` and `labels` (class numbers, or None) are the run's training data, which fix what the networks begin with.
    """
    model = models.new(config, statistics(train, labels))
    try:
        checkpoints.load_weights(model.discriminator, weights, "discriminator")
    except ValueError:
        if checkpoint is None:
            return None
        try:
            checkpoints.restore(model, checkpoint)
        except ValueError:  # of an earlier version, with other state
            return None
    found = []
    for i in range(0, len(fake), AT_ONCE):
        part = fake[i : i + AT_ONCE]
        inputs = [part, classes[i : i + AT_ONCE]] if classes.shape[1] else part
        found.append(model.discriminator(inputs, training=False).numpy()[:, 0])
    return np.concatenate(found)
