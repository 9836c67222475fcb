"""Augmentations of the discriminator's inputs: noise, shifts, and packing of several samples into one input.

They are applied to real and to generated samples alike, in the steps of both networks: otherwise the generator would
learn to imitate the augmentation.
"""

from __future__ import annotations

from typing import cast

import tensorflow as tf

RANDOM_ALGORITHM = "philox"
"""The random number generator inside a step. XLA's default is twenty times slower on a CPU."""


def add_noise(x: tf.Tensor, deviation: tf.Tensor | float, seed: tf.Tensor) -> tf.Tensor:
    """x + N(0, deviation²) for `x` of any shape; `seed` is two int64.

    Noise makes the supports of real and generated samples overlap. Sønderby et al. 2016, arXiv:1610.04490.
    """
    return x + deviation * tf.random.stateless_normal(tf.shape(x), seed, alg=RANDOM_ALGORITHM)


def translate(x: tf.Tensor, max_fraction: float, seed: tf.Tensor) -> tf.Tensor:
    """Shift each image of (n, h, w, c) by whole pixels, at most `max_fraction` of a side; the new pixels are 0.

    `seed` is two int64. Zhao et al. 2020, arXiv:2006.10738. Computed as two products with shifted identity matrices,
    which any compiler can differentiate twice.
    """
    height, width = cast(tuple[int, int], tuple(x.shape[1:3]))
    uniform = tf.random.stateless_uniform(tf.stack([2, tf.shape(x)[0]]), seed, alg=RANDOM_ALGORITHM)

    def shifted_identity(side: int, draw: tf.Tensor) -> tf.Tensor:
        most = int(side * max_fraction + 0.5)
        shift = tf.cast(tf.floor(draw * (2 * most + 1)), tf.int32) - most
        return tf.one_hot(tf.range(side) - shift[:, None], side)

    down, right = shifted_identity(height, uniform[0]), shifted_identity(width, uniform[1])
    return tf.einsum("nij,njwc,nvw->nivc", down, x, right)


def pack(x: tf.Tensor, packing: int) -> tf.Tensor:
    """(n, ..., c) -> (n / packing, ..., c · packing): neighbours in the batch are joined along the last axis.

    A discriminator that sees several samples at once can detect a lack of variety. PacGAN: Lin et al. 2018,
    arXiv:1712.04086.
    """
    if packing == 1:
        return x
    parts = tf.reshape(x, (-1, packing, *x.shape[1:]))
    return tf.concat(tf.unstack(parts, axis=1), axis=-1)
