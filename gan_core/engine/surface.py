"""Data for a picture of a GAN in the plane: the discriminator's probabilities, the generator's image of a latent grid,
and the gradients of the generator's loss at generated points.

Everything is computed from the networks of one snapshot, for samples (n, 2). After Kahng et al. 2019 (GAN Lab),
doi:10.1109/TVCG.2018.2864500.
"""

from __future__ import annotations

from statistics import NormalDist

import keras
import numpy as np
import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.engine import checkpoints, models, objectives, sampling
from gan_core.engine.base_model import BaseModel, LiveHyperparameters
from gan_core.engine.distance_matching import DistanceMatching
from gan_core.engine.gan import GAN
from gan_core.engine.networks import statistics
from gan_core.records import SNAPSHOT_SAMPLES, GanometerError

GRID_SIDE, LATENT_SIDE = 61, 21
"""Points along each side of the grid of probabilities, and along each side of the grid of latents."""
BATCHES = 16
"""Batches of real samples over which a gradient is averaged."""


def compute(
    config: RunConfig,
    weights: bytes,
    step: int,
    samples: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    label: int | None = None,
) -> dict[str, np.ndarray]:
    """The arrays of a snapshot's picture, from its weights and the training `samples` (m, 2) with their class numbers
    `labels` (m,).

    `points` (64, 2) are the samples of the run's fixed latents, `manifold` (classes, 21, 21, 2) those of a grid of
    latents. With a discriminator there are `x` and `y` (61,) and the probability `belief` (61, 61) that a point
    (x_j, y_i) is real. With a loss on samples there are `pushes`, the negative gradients at the first points (64 or a
    few less, 2). `label` is the number of the only class to be shown; without it a point's probability is the largest
    over all classes. Raises GanometerError for a snapshot without its discriminator.
    """
    model = models.build(config, statistics(samples, labels))
    checkpoints.load_weights(model.ema_generator, weights)
    if isinstance(model, GAN):
        try:
            checkpoints.load_weights(model.discriminator, weights, "discriminator")
        except ValueError:
            raise GanometerError(
                "this snapshot has no discriminator, because an earlier version stored none; train the run again"
            ) from None
    return of_model(model, step, samples, labels=labels, label=label)


def of_model(
    model: BaseModel,
    step: int,
    samples: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    label: int | None = None,
    batches: int = BATCHES,
) -> dict[str, np.ndarray]:
    """The arrays of `compute`, from a model at `step` of its training.

    Gradients are averaged over `batches` batches of real samples. They are those of a training step, which moves the
    model's running averages: give a copy of a model that goes on training.
    """
    config, data = model.settings, model.data
    loss, packing = config.objective.loss, config.discriminator.packing
    classes = np.eye(data.classes, dtype=np.float32) if data.classes else np.zeros((1, 0), np.float32)
    classes = classes if label is None else classes[[label]]
    inputs = sampling.inputs(model.ema_generator, config.seed, SNAPSHOT_SAMPLES, sampling.PREVIEW, label=label)
    points = sampling.generate(model.ema_generator, inputs)
    found = {"points": points, "manifold": manifold(model.ema_generator, config, classes)}
    if isinstance(model, GAN) and packing == 1:  # with packing a single point has no probability
        x, y = axes(samples)
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        one_hot = inputs[:, config.generator.latent_dim :]
        on_fake, of_each_class = logits(model.discriminator, points, one_hot), []
        for c in classes:
            values = logits(model.discriminator, grid, np.tile(c, (len(grid), 1)))
            on_fake_of_class = on_fake[(one_hot == c).all(axis=1)]
            of_each_class.append(probability_of_real(objectives.OBJECTIVES[loss], values, on_fake_of_class))
        found |= {"x": x, "y": y, "belief": np.max(of_each_class, axis=0).reshape(len(y), len(x))}
    if isinstance(model, GAN | DistanceMatching):
        n = SNAPSHOT_SAMPLES - SNAPSHOT_SAMPLES % (2 * packing)
        z, one_hot = np.split(inputs[:n], [config.generator.latent_dim], axis=1)
        numbers = np.zeros(n, int) if labels is None else one_hot.argmax(axis=1)
        known = np.zeros(len(samples), int) if labels is None else labels
        reals = real_batches(samples, known, numbers, config.seed, batches)
        classes = one_hot if data.classes else None
        found["pushes"] = negative_gradients(model, step, fake=points[:n], z=z, reals=reals, classes=classes)
    return found


def axes(samples: np.ndarray, n: int = GRID_SIDE) -> tuple[np.ndarray, np.ndarray]:
    """`n` points along each side of a square around samples (m, 2), with a margin of an eighth of their extent."""
    low, high = samples.min(axis=0), samples.max(axis=0)
    half = 0.625 * (float((high - low).max()) or 1.0)
    x, y = (np.linspace(middle - half, middle + half, n, dtype=np.float32) for middle in (low + high) / 2)
    return x, y


def logits(discriminator: keras.Model, points: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The discriminator's outputs (n,) for samples `points` (n, *shape) of one-hot `classes` (n, c); c may be 0."""
    x = tf.constant(points)
    inputs = [x, tf.constant(classes)] if classes.shape[1] else x
    return discriminator(inputs, training=False).numpy()[:, 0]


def probability_of_real(objective: objectives.Objective, values: np.ndarray, on_fake: np.ndarray) -> np.ndarray:
    """The discriminator's outputs `values` (n,) as probabilities of being real, in [0, 1].

    As in `objectives.scores`: ranks are taken relative to the mean of the outputs `on_fake` (m,) for generated samples.
    """
    if objective.logit == "probability":
        return np.clip(values, 0.0, 1.0)
    return tf.sigmoid(values - on_fake.mean() if objective.logit == "rank" else values).numpy()


def manifold(generator: keras.Model, config: RunConfig, classes: np.ndarray, n: int = LATENT_SIDE) -> np.ndarray:
    """The samples (k, n, n, 2) of a grid of latents, once for each one-hot class of `classes` (k, c)."""
    z = latent_grid(config.generator.latent_dim, config.seed, n).reshape(n * n, -1)
    samples = [sampling.generate(generator, np.concatenate([z, np.tile(c, (n * n, 1))], axis=1)) for c in classes]
    return np.reshape(samples, (len(classes), n, n, 2))


def latent_grid(dim: int, seed: int, n: int) -> np.ndarray:
    """(n, n, dim) float32 latents at the quantiles of N(0, I): in two dimensions all cells are equally probable.

    In more dimensions the grid lies in a random plane through 0 that follows from `seed`, scaled so that its latents
    have the norms of random ones.
    """
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
    basis = np.eye(2, dim)
    if dim > 2:
        basis = (dim / 2) ** 0.5 * np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, 2)))[0].T
    return np.einsum("ijk,kd->ijd", np.stack(np.meshgrid(quantiles, quantiles), axis=-1), basis).astype(np.float32)


def real_batches(
    samples: np.ndarray, labels: np.ndarray, wanted: np.ndarray, seed: int, batches: int = BATCHES
) -> np.ndarray:
    """(batches, n, 2): for each of the class numbers `wanted` (n,), real samples of that class, drawn at random.

    `samples` is (m, 2) and `labels` (m,) holds their class numbers.
    """
    rng = np.random.default_rng(seed)
    return np.stack([samples[rng.choice(np.flatnonzero(labels == c), batches)] for c in wanted], axis=1)


def negative_gradients(
    model: GAN | DistanceMatching,
    step: int,
    *,
    fake: np.ndarray,
    z: np.ndarray,
    reals: np.ndarray,
    classes: np.ndarray | None = None,
) -> np.ndarray:
    """The direction in which gradient descent moves each of n generated points `fake` (n, 2): (n, 2).

    Minus the gradient of the run's generator loss, times n, averaged over the real batches `reals` (batches, n, 2).
    `z` (n, latent) are the points' latents, `classes` (n, c) their one-hot classes.
    """
    live, number = LiveHyperparameters.of(model.settings), tf.constant(step, tf.int64)
    points, latents, one_hot = tf.constant(fake), tf.constant(z), None if classes is None else tf.constant(classes)
    total = np.zeros_like(fake)
    for real in reals:
        with tf.GradientTape() as tape:
            tape.watch(points)
            loss = model.generator_loss(number, live, real=tf.constant(real), fake=points, z=latents, classes=one_hot)
        total += tf.convert_to_tensor(tape.gradient(loss, points)).numpy()
    return -(len(fake) / len(reals) * total)
