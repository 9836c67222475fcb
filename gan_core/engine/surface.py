"""A game in the plane, drawn: what the discriminator believes where, what the generator reaches, who is pushed where.

Everything is a function of the networks of one snapshot, for samples (n, 2). After Kahng et al. 2019 (GAN Lab),
doi:10.1109/TVCG.2018.2864500.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine import checkpoints, models, objectives, sampling
from gan_core.engine.base_model import Dials, Trainable
from gan_core.engine.loop import PREVIEWS
from gan_core.engine.networks import statistics
from gan_core.records import GanometerError

AXIS, LINES = 61, 21
"""Places along each side of the surface, and lines of latents each way."""
BATCHES = 16
"""Batches of real samples over which a push is averaged."""


def draw(
    config: RunConfig,
    weights: bytes,
    step: int,
    samples: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    label: int | None = None,
) -> dict[str, np.ndarray]:
    """The picture of a snapshot, from its weights and the run's training `samples` (m, 2) with class numbers `labels`.

    `points` (64, 2) of the run's fixed latents, `manifold` (classes, 21, 21, 2); where there is a discriminator `x` and
    `y` (61,) with its `belief` (61, 61) at each (x_j, y_i); and where samples are what the loss looks at, `pushes` of
    the first (64 or a little fewer, 2) points. `label` is the number of the one class to be shown; otherwise a place
    is believed as the class that suits it best. Raises GanometerError for a snapshot without its discriminator.
    """
    data, loss = statistics(samples, labels), config.objective.loss
    model, packing = models.new(config, data), config.discriminator.packing
    checkpoints.load_weights(model.ema_generator, weights)
    classes = np.eye(data.classes, dtype=np.float32) if data.classes else np.zeros((1, 0), np.float32)
    classes = classes if label is None else classes[[label]]
    inputs = sampling.inputs(model.ema_generator, config.seed, PREVIEWS, sampling.PREVIEW, label=label)
    points = sampling.generate(model.ema_generator, inputs)
    found = {"points": points, "manifold": manifold(model.ema_generator, config, classes)}
    if loss in ADVERSARIAL_LOSSES:
        try:
            checkpoints.load_weights(model.discriminator, weights, "discriminator")
        except ValueError:
            raise GanometerError(
                "this snapshot holds no discriminator: an earlier version kept none; train the run again to see it"
            ) from None
    # A discriminator that judges several samples together has no belief about a place.
    if loss in ADVERSARIAL_LOSSES and packing == 1:
        x, y = axes(samples)
        places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        told = inputs[:, config.generator.latent_dim :]
        on_fake, beliefs = logits(model.discriminator, points, told), []
        for c in classes:
            values = logits(model.discriminator, places, np.tile(c, (len(places), 1)))
            beliefs.append(belief(objectives.OBJECTIVES[loss], values, on_fake[(told == c).all(axis=1)]))
        found |= {"x": x, "y": y, "belief": np.max(beliefs, axis=0).reshape(len(y), len(x))}
    if loss != "vae":
        n = PREVIEWS - PREVIEWS % (2 * packing)
        z, told = np.split(inputs[:n], [config.generator.latent_dim], axis=1)
        of = np.zeros(n, int) if labels is None else told.argmax(axis=1)
        reals = real_batches(samples, np.zeros(len(samples), int) if labels is None else labels, of, config.seed)
        about = dict(fake=points[:n], z=z, classes=tf.constant(told) if data.classes else None)
        found["pushes"] = pushes(model, step, reals=reals, **about)
    return found


def axes(samples: np.ndarray, n: int = AXIS) -> tuple[np.ndarray, np.ndarray]:
    """`n` places along each side of a square around samples (m, 2), with a margin of an eighth of their extent."""
    low, high = samples.min(axis=0), samples.max(axis=0)
    reach = 0.625 * (float((high - low).max()) or 1.0)
    x, y = (np.linspace(middle - reach, middle + reach, n, dtype=np.float32) for middle in (low + high) / 2)
    return x, y


def logits(discriminator, points: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The discriminator's outputs (n,) at `points` (n, 2), taken as of `classes` (n, c) where it is told of them."""
    points = tf.constant(points)
    inputs = [points, tf.constant(classes)] if classes.shape[1] else points
    return discriminator(inputs, training=False).numpy()[:, 0]


def belief(objective: objectives.Objective, values: np.ndarray, on_fake: np.ndarray) -> np.ndarray:
    """Outputs -> how real, in [0, 1], as `objectives.scores` reads them: a rank against the mean of generated ones."""
    if objective.logit == "probability":
        return np.clip(values, 0.0, 1.0)
    return tf.sigmoid(values - on_fake.mean() if objective.logit == "rank" else values).numpy()


def manifold(generator, config: RunConfig, classes: np.ndarray, n: int = LINES) -> np.ndarray:
    """What a grid of latents becomes, once for each row of `classes` (k, c): (k, n, n, 2)."""
    z = latent_grid(config.generator.latent_dim, config.seed, n).reshape(n * n, -1)
    made = [sampling.generate(generator, np.concatenate([z, np.tile(c, (n * n, 1))], axis=1)) for c in classes]
    return np.reshape(made, (len(classes), n, n, 2))


def latent_grid(dim: int, seed: int, n: int) -> np.ndarray:
    """(n, n, dim) float32 latents, whose cells are all equally likely where there are two.

    Of more, a random plane through 0 is shown, so far stretched that its latents are as long as others are.
    """
    cuts = np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
    along = np.eye(2, dim)
    if dim > 2:
        along = (dim / 2) ** 0.5 * np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, 2)))[0].T
    return np.einsum("ijk,kd->ijd", np.stack(np.meshgrid(cuts, cuts), axis=-1), along).astype(np.float32)


def real_batches(samples: np.ndarray, labels: np.ndarray, wanted: np.ndarray, seed: int) -> np.ndarray:
    """(BATCHES, n, 2): for each of `wanted` (n,) class numbers, real samples of that class, drawn at random."""
    rng = np.random.default_rng(seed)
    return np.stack([samples[rng.choice(np.flatnonzero(labels == c), BATCHES)] for c in wanted], axis=1)


def pushes(model: Trainable, step: int, *, fake, z, reals, classes=None) -> np.ndarray:
    """Where each of n generated points is pushed: minus the gradient (n, 2) of the run's own generator loss, times n.

    The mean over `reals` (batches, n, 2), beside each of which the points are looked at.
    """
    dials, step = Dials.of(model.settings), tf.constant(step, tf.int64)
    fake, total = tf.constant(fake), 0.0
    for real in reals:
        with tf.GradientTape() as tape:
            tape.watch(fake)
            loss = model.generator_loss(step, dials, real=tf.constant(real), fake=fake, z=z, classes=classes)
        total += tape.gradient(loss, fake)
    return -(len(fake) / len(reals) * total).numpy()
