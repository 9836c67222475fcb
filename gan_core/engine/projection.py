"""From a sample back to a latent: what a generator can reach, looked for by descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np
import tensorflow as tf

from gan_core.engine import sampling

RATE = 0.1
"""Adam's step size at the beginning; it falls along a cosine to nothing."""
TIES = 1e-3
"""The weight that keeps a latent as long as random ones are."""


@dataclass(frozen=True)
class Found:
    """The closest sample `x` with its latent `z`, the best distance after each step `curve`, and the random sample
    `start` at `start_distance` that was closest before the search. Samples are in measured form."""

    x: np.ndarray
    z: np.ndarray
    curve: np.ndarray
    start: np.ndarray
    start_distance: float


def search(
    generator,
    target: np.ndarray,
    told: np.ndarray,
    *,
    latent_dim: int,
    seed: int,
    steps: int = 300,
    starts: int = 8,
    candidates: int = 1_000,
    progress: Callable[[float], None] = lambda share: None,
) -> Found:
    """The latent (d,) whose sample is nearest to `target` (1, ...) by Euclidean distance, looked for from the best
    `starts` of random `candidates` at once; `told` (c,) is the class the generator is told, or empty.

    After the projector of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958, appendix D), with distance in pixels instead
    of a learned one: Adam on the mean square difference, plus a soft tie (|z|² / d - 1)², because latents much longer
    or shorter than random ones are places the generator was never trained at. What was closest on the way is kept, so
    the result is never worse than its start.
    """
    z = sampling.latents(seed, candidates, latent_dim, sampling.REQUEST, index=1)
    classes = np.tile(told.astype(np.float32), (candidates, 1))
    made = sampling.generate(generator, np.concatenate([z, classes], axis=1))
    distances = _lengths(made - target)
    best = np.argsort(distances, kind="stable")[:starts]
    wanted, beside = tf.constant(target), tf.constant(classes[best])
    variable = tf.Variable(z[best])
    first = tf.Variable(tf.zeros_like(variable))
    second = tf.Variable(tf.zeros_like(variable))

    @tf.function(reduce_retracing=True)
    def step(number, rate):
        with tf.GradientTape() as tape:
            x = generator(tf.concat([variable, beside], axis=1), training=False)
            square = tf.reduce_sum(tf.reshape((x - wanted) ** 2, (len(best), -1)), axis=1)
            length = tf.reduce_mean(variable**2, axis=1)
            loss = tf.reduce_sum(square / tf.cast(tf.size(wanted), tf.float32) + TIES * (length - 1) ** 2)
        gradient = tape.gradient(loss, variable)
        at = variable.read_value()
        first.assign(0.9 * first + 0.1 * gradient)
        second.assign(0.99 * second + 0.01 * gradient**2)
        move = first / (1 - 0.9**number) / (tf.sqrt(second / (1 - 0.99**number)) + 1e-8)
        variable.assign_sub(rate * move)
        return at, x, tf.sqrt(square)

    found = z[best[0]], made[best[0]], float(distances[best[0]])
    curve = np.empty(steps, np.float32)
    for number in range(1, steps + 1):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * (number - 1) / steps))
        at, x, lengths = (v.numpy() for v in step(tf.constant(float(number)), tf.constant(float(rate))))
        nearest = int(lengths.argmin())
        if lengths[nearest] < found[2]:
            found = at[nearest], x[nearest], float(lengths[nearest])
        curve[number - 1] = found[2]
        if number % 25 == 0:
            progress(number / steps)
    return Found(found[1], found[0], curve, made[best[0]], float(distances[best[0]]))


def _lengths(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x.reshape(len(x), -1).astype(np.float64), axis=1)
