"""Euclidean distances between two batches as something to minimise: the proper one, and two that are not.

All take `real` and `fake` (n, d) and give a scalar in units of the real samples' own mean distance.
"""

from __future__ import annotations

import tensorflow as tf


def relative_energy_distance(*, real, fake):
    """The energy distance of two batches in units of the real samples' own mean distance: a scalar, about 0 at best.

    (2 E||X − Y|| − E||X − X'|| − E||Y − Y'||) / E||X − X'|| as a U-statistic: no sample is paired with itself, so its
    mean and its gradient are those of the distributions. `real` and `fake` are (n, d) with n of at least 2. Without the
    last term the best generator would be a single point. Székely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018; for
    generators Bellemare et al. 2017, arXiv:1705.10743.
    """
    between = tf.reduce_mean(_distances(real, fake))
    within_real, within_fake = (_mean_of_pairs(_distances(x, x)) for x in (real, fake))
    return (2.0 * between - within_real - within_fake) / tf.maximum(within_real, 1e-6)


def mean_distance(*, real, fake):
    """E||X − G(z)|| over random pairs: improper. Its best answer is one point in the middle, always the same."""
    return tf.reduce_mean(tf.sqrt(tf.reduce_sum((real - fake) ** 2, axis=1) + 1e-12)) / _unit(real)


def nearest_distance(*, real, fake):
    """E min_x ||x − G(z)||: improper. Its best answer is any few real samples, copied again and again."""
    return tf.reduce_mean(tf.reduce_min(_distances(fake, real), axis=1)) / _unit(real)


LOSSES = {"energy": relative_energy_distance, "mean-distance": mean_distance, "nearest-distance": nearest_distance}


def spread(*, fake, z, real):
    """How far apart generated samples lie for how far apart their latents are, capped where it is as in real data.

    E min(1, (||G(z₁) − G(z₂)|| / E||X₁ − X₂||) / (||z₁ − z₂|| / E||z₁ − z₂||)) over the two halves of a batch, in
    [0, 1]: a generator that ignores its latents has 0. The bounded form of Yang et al. 2019 (arXiv:1901.09024) with
    Euclidean lengths; all arguments are (n, d) with n even.
    """
    on_fake, on_z, on_real = (_length(*tf.split(x, 2)) for x in (fake, z, real))
    usual = tf.stop_gradient(tf.reduce_mean(on_real) / tf.reduce_mean(on_z))
    return tf.reduce_mean(tf.minimum(1.0, on_fake / (on_z * usual)))


def _length(a, b):
    return tf.sqrt(tf.reduce_sum((a - b) ** 2, axis=1) + 1e-12)


def _unit(real):
    """The mean distance of two real samples; 1 where a batch has no pair."""
    return 1.0 if real.shape[0] == 1 else tf.maximum(_mean_of_pairs(_distances(real, real)), 1e-6)


def _distances(a, b):
    """||a_i − b_j||, (n, m). Where two samples coincide the gradient is 0 and not undefined."""
    squared = (
        tf.reduce_sum(a**2, axis=1)[:, None] + tf.reduce_sum(b**2, axis=1) - 2.0 * tf.matmul(a, b, transpose_b=True)
    )
    return tf.sqrt(tf.nn.relu(squared) + 1e-12)


def _mean_of_pairs(distances):
    n = tf.shape(distances)[0]
    others = 1.0 - tf.eye(n, dtype=distances.dtype)
    return tf.reduce_sum(distances * others) / tf.cast(n * (n - 1), distances.dtype)
