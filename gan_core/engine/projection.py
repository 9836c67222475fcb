"""The way back: which latent makes this sample? What cannot be found, the generator cannot make."""

from __future__ import annotations

import math
from typing import Callable, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gan_core.engine import sampling

CANDIDATES = 1000
"""Random latents of which the best ones are started from."""
RATE = 0.1


class Found(NamedTuple):
    """The best latent `z` (d,) that was met, its sample `x` in measured form and their `distance` to the target; the
    best random sample `start`; and `curve` (steps,), the best distance so far."""

    z: np.ndarray
    x: np.ndarray
    distance: float
    start: np.ndarray
    start_distance: float
    curve: np.ndarray


def project(
    generator,
    target: np.ndarray,
    *,
    seed: int,
    told: np.ndarray | None = None,
    steps: int = 300,
    starts: int = 8,
    progress: Callable[[float], None] | None = None,
) -> Found:
    """The latent whose sample is nearest to `target` (*shape), in measured form, by Euclidean distance.

    From the best `starts` of 1,000 random latents Adam goes down in ||G(z) - target||² / s² + (|z| / sqrt(d) - 1)²,
    where s is the distance of the best of them. The second part is a soft reminder of what a generator is fed with: in
    many dimensions nearly all of N(0, I) lies about sqrt(d) from 0, and a latent far from there is one that no sample
    is made from. On the digits it costs 2 % of the distance; without it latents become up to twice as long.
    The rise and fall of the rate are those of StyleGAN2's projector (Karras et al. 2020, arXiv:1912.04958, appendix D),
    which looks for an inner latent by a perceptual distance.

    `told` (classes,) is the one-hot class of the target, for a generator that is told. The same seed finds the same.
    """
    told = np.zeros(0, np.float32) if told is None else told.astype(np.float32)
    dim = generator.input_shape[1] - len(told)
    z = sampling.latents(seed, CANDIDATES, dim, sampling.PROJECTION)
    made = sampling.generate(generator, np.concatenate([z, np.tile(told, (CANDIDATES, 1))], axis=1))
    far = np.sqrt(((made - target).astype(np.float64) ** 2).reshape(CANDIDATES, -1).sum(axis=1))
    best = np.argsort(far, kind="stable")[:starts]
    start, start_distance = made[best[0]], float(far[best[0]])
    latents = tf.Variable(z[best])
    step = _descent(generator, latents, target, told, unit=start_distance or 1.0)
    found, distance, curve = z[best[0]], start_distance, np.empty(steps, np.float32)
    for done in range(steps):
        here = latents.numpy()
        distances = step(tf.constant(_rate(done / steps), tf.float32)).numpy()
        if distances.min() < distance:
            found, distance = here[distances.argmin()], float(distances.min())
        curve[done] = distance
        if progress and done % max(1, steps // 20) == 0:
            progress(done / steps)
    x = sampling.generate(generator, np.concatenate([found, told])[None])[0]
    return Found(found, x, distance, start, start_distance, curve)


def _descent(generator, latents: tf.Variable, target: np.ndarray, told: np.ndarray, unit: float) -> Callable:
    """One step of Adam at a given rate; returns the distances (starts,) before it."""
    starts, dim = latents.shape
    adam, classes = keras.optimizers.Adam(RATE), tf.constant(np.tile(told, (starts, 1)))
    adam.build([latents])
    target = tf.constant(target, tf.float32)

    # Not compiled by XLA: there convolutions are a hundred times slower on a CPU, and no program is ever freed.
    @tf.function(autograph=False, jit_compile=False)
    def step(rate):
        with tf.GradientTape() as tape:
            made = generator(tf.concat([latents, classes], axis=1), training=False)
            squares = tf.reduce_sum(tf.reshape((made - target) ** 2, (starts, -1)), axis=1)
            lengths = tf.sqrt(tf.reduce_sum(latents**2, axis=1) + 1e-12)
            loss = tf.reduce_sum(squares / unit**2 + (lengths / math.sqrt(dim) - 1.0) ** 2)
        adam.learning_rate.assign(rate)
        adam.apply(tape.gradient(loss, [latents]), [latents])
        return tf.sqrt(squares)

    return step


def _rate(share: float) -> float:
    """Up within a twentieth of the search, flat, and down to 0 along a cosine in its last quarter."""
    rise, fall = min(1.0, share / 0.05), min(1.0, (1 - share) / 0.25)
    return RATE * rise * (0.5 - 0.5 * math.cos(math.pi * fall))
