"""What a discriminator is shown instead of the samples themselves: disturbed, shifted, or several at once.

The same for real and generated samples, in both networks' steps: the generator learns what is done to one side only.
"""

from __future__ import annotations

import tensorflow as tf

DRAWN_BY = "philox"
"""The generator of random numbers inside a step. What XLA would choose by itself is twenty times slower on a CPU."""


def disturb(x: tf.Tensor, deviation, seed) -> tf.Tensor:
    """x + N(0, deviation²): supports that do not meet are made to. Sønderby et al. 2016, arXiv:1610.04490."""
    return x + deviation * tf.random.stateless_normal(tf.shape(x), seed, alg=DRAWN_BY)


def translate(x: tf.Tensor, share: float, seed) -> tf.Tensor:
    """Each image of (n, h, w, c) shifted by a whole number of pixels, up to `share` of a side; what comes in is 0.

    Zhao et al. 2020, arXiv:2006.10738. As two products with shifted unit matrices, which any compiler differentiates
    twice.
    """
    height, width = x.shape[1:3]
    draws = tf.random.stateless_uniform((2, tf.shape(x)[0]), seed, alg=DRAWN_BY)

    def shifted_units(side, draw):
        most = int(side * share + 0.5)
        shift = tf.cast(tf.floor(draw * (2 * most + 1)), tf.int32) - most
        return tf.one_hot(tf.range(side) - shift[:, None], side)

    down, right = shifted_units(height, draws[0]), shifted_units(width, draws[1])
    return tf.einsum("nij,njwc,nvw->nivc", down, x, right)


def pack(x: tf.Tensor, together: int) -> tf.Tensor:
    """(n, ..., c) -> (n / together, ..., c · together): neighbours in the batch side by side.

    Lin et al. 2018, arXiv:1712.04086: a discriminator that sees several samples at once sees a lack of variety.
    """
    if together == 1:
        return x
    parts = tf.reshape(x, (-1, together, *x.shape[1:]))
    return tf.concat(tf.unstack(parts, axis=1), axis=-1)
