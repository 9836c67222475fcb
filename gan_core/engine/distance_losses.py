"""Euclidean distances between two batches as losses: one proper distance, and two that are not proper.

A distance is proper when it is smallest for equal distributions and for nothing else. All functions take `real` and
`fake` (n, d) and return a scalar in units of the mean distance between two real samples.
"""

from __future__ import annotations

import tensorflow as tf


def relative_energy_distance(*, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The energy distance of two batches (n, d), n at least 2, relative to the real samples: a scalar, about 0 at best.

    (2 E||X − Y|| − E||X − X'|| − E||Y − Y'||) / E||X − X'|| as a U-statistic: no sample is paired with itself, so its
    expectation and its gradient are those of the distributions. Without the last term of the numerator the best
    generator would be a single point. Székely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018; for generators Bellemare et
    al. 2017, arXiv:1705.10743.
    """
    between = tf.reduce_mean(_distances(real, fake))
    within_real, within_fake = (_mean_of_pairs(_distances(x, x)) for x in (real, fake))
    return (2.0 * between - within_real - within_fake) / tf.maximum(within_real, 1e-6)


def mean_distance(*, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E||X − G(z)|| over random pairs, a scalar. Improper: its minimum is one point, the median, for every latent."""
    return tf.reduce_mean(tf.sqrt(tf.reduce_sum((real - fake) ** 2, axis=1) + 1e-12)) / _unit(real)


def nearest_distance(*, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E min_x ||x − G(z)||, a scalar. Improper: copies of a few real samples already reach its minimum."""
    return tf.reduce_mean(tf.reduce_min(_distances(fake, real), axis=1)) / _unit(real)


LOSSES = {"energy": relative_energy_distance, "mean-distance": mean_distance, "nearest-distance": nearest_distance}


def spread(*, fake: tf.Tensor, z: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """The distances between generated samples relative to those between their latents: a scalar in [0, 1].

    E min(1, (||G(z₁) − G(z₂)|| / E||X₁ − X₂||) / (||z₁ − z₂|| / E||z₁ − z₂||)) over the two halves of a batch: 0 for a
    generator that ignores its latents, 1 where generated samples lie as far apart as real ones. The bounded form of
    Yang et al. 2019 (arXiv:1901.09024) with Euclidean distances; `fake` and `real` are (n, d) and `z` is (n, latent)
    with n even.
    """
    fake_distances, z_distances, real_distances = (_row_distances(*tf.split(x, 2)) for x in (fake, z, real))
    expected = tf.stop_gradient(tf.reduce_mean(real_distances) / tf.reduce_mean(z_distances))
    return tf.reduce_mean(tf.minimum(1.0, fake_distances / (z_distances * expected)))


def _row_distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """||a_i − b_i||, (n,)."""
    return tf.sqrt(tf.reduce_sum((a - b) ** 2, axis=1) + 1e-12)


def _unit(real: tf.Tensor) -> tf.Tensor | float:
    """The mean distance between two real samples; 1 where the batch has no pair."""
    return 1.0 if real.shape[0] == 1 else tf.maximum(_mean_of_pairs(_distances(real, real)), 1e-6)


def _distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """||a_i − b_j||, (n, m). Where two samples coincide the gradient is 0 and not undefined."""
    squared = (
        tf.reduce_sum(a**2, axis=1)[:, None] + tf.reduce_sum(b**2, axis=1) - 2.0 * tf.matmul(a, b, transpose_b=True)
    )
    return tf.sqrt(tf.nn.relu(squared) + 1e-12)


def _mean_of_pairs(distances: tf.Tensor) -> tf.Tensor:
    """The mean of distances (n, n) without the diagonal."""
    n = tf.shape(distances)[0]
    others = 1.0 - tf.eye(n, dtype=distances.dtype)
    return tf.reduce_sum(distances * others) / tf.cast(n * (n - 1), distances.dtype)
