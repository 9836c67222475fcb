"""Projection of a sample into latent space (GAN inversion): the latent whose generated sample is nearest to it.

A sample that no latent comes near is one that the generator cannot make.
"""

from __future__ import annotations

import math
from typing import Callable, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gan_core.engine import sampling
from gan_core.engine.optimizers import apply_gradients

CANDIDATES = 1000
"""Random latents, of which the best ones are the initial points of the search."""
LEARNING_RATE = 0.1


class Projection(NamedTuple):
    """The best latent `z` (d,), its sample `x` (*shape) in measured form and the `distance` of `x` to the target; the
    best sample of a random latent, `start`, at `start_distance`; and `curve` (steps,), the smallest distance so far."""

    z: np.ndarray
    x: np.ndarray
    distance: float
    start: np.ndarray
    start_distance: float
    curve: np.ndarray


def project(
    generator: keras.Model,
    target: np.ndarray,
    *,
    seed: int,
    one_hot: np.ndarray | None = None,
    steps: int = 300,
    starts: int = 8,
    progress: Callable[[float], None] | None = None,
) -> Projection:
    """The latent whose sample is nearest to `target` (*shape), in measured form, by Euclidean distance.

    Adam minimises ||G(z) − target||² / s² + (|z| / sqrt(d) − 1)² from the best `starts` of 1,000 random latents, where
    s is the distance of the best one. The second term keeps the latent typical: in many dimensions nearly all draws
    from N(0, I) have a norm of about sqrt(d), and the generator has been trained on no others. On the digits it costs
    2 % of the distance; without it latents become up to twice as long. The learning rate schedule is that of
    StyleGAN2's projector (Karras et al. 2020, arXiv:1912.04958, appendix D), which looks for an intermediate latent by
    a perceptual distance.

    `one_hot` (classes,) is the target's class, for a conditional generator. `progress` is called with the fraction
    that is done. The same seed gives the same result.
    """
    one_hot = np.zeros(0, np.float32) if one_hot is None else one_hot.astype(np.float32)
    dim = generator.input_shape[1] - len(one_hot)
    z = sampling.latents(seed, CANDIDATES, dim, sampling.PROJECTION)
    candidates = sampling.generate(generator, np.concatenate([z, np.tile(one_hot, (CANDIDATES, 1))], axis=1))
    squares = ((candidates - target).astype(np.float64) ** 2).reshape(CANDIDATES, -1)
    to_target = np.sqrt(squares.sum(axis=1))
    best = np.argsort(to_target, kind="stable")[:starts]
    start, start_distance = candidates[best[0]], float(to_target[best[0]])
    latents = tf.Variable(tf.constant(z[best]))
    adam_step = _compiled_adam_step(generator, latents, target, one_hot, unit=start_distance or 1.0)
    nearest, distance, curve = z[best[0]], start_distance, np.empty(steps, np.float32)
    for done in range(steps):
        before = latents.numpy()
        distances = adam_step(tf.constant(_learning_rate(done / steps), tf.float32)).numpy()
        if distances.min() < distance:
            nearest, distance = before[distances.argmin()], float(distances.min())
        curve[done] = distance
        if progress and done % max(1, steps // 20) == 0:
            progress(done / steps)
    x = sampling.generate(generator, np.concatenate([nearest, one_hot])[None])[0]
    return Projection(nearest, x, distance, start, start_distance, curve)


def _compiled_adam_step(
    generator: keras.Model, latents: tf.Variable, target: np.ndarray, one_hot: np.ndarray, unit: float
) -> Callable[[tf.Tensor], tf.Tensor]:
    """One step of Adam at a given learning rate; returns the distances (starts,) before it."""
    starts, dim = latents.numpy().shape
    adam, classes = keras.optimizers.Adam(LEARNING_RATE), tf.constant(np.tile(one_hot, (starts, 1)))
    adam.build([latents])
    wanted = tf.constant(target, tf.float32)

    # Not compiled by XLA: there convolutions are a hundred times slower on a CPU, and no program is ever freed.
    @tf.function(autograph=False, jit_compile=False)
    def step(learning_rate: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            x = generator(tf.concat([latents, classes], axis=1), training=False)
            squares = tf.reduce_sum(tf.reshape((x - wanted) ** 2, (starts, -1)), axis=1)
            norms = tf.sqrt(tf.reduce_sum(latents**2, axis=1) + 1e-12)
            loss = tf.reduce_sum(squares / unit**2 + (norms / math.sqrt(dim) - 1.0) ** 2)
        apply_gradients(adam, learning_rate, [tape.gradient(loss, latents)], [latents])
        return tf.sqrt(squares)

    return step


def _learning_rate(fraction: float) -> float:
    """A linear warm-up over a twentieth of the search, constant, then a cosine decay to 0 in its last quarter."""
    warmup, left = min(1.0, fraction / 0.05), min(1.0, (1 - fraction) / 0.25)
    return LEARNING_RATE * warmup * (0.5 - 0.5 * math.cos(math.pi * left))
