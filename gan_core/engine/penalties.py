"""Gradient penalties: pure functions of the discriminator and its inputs."""

from __future__ import annotations

import tensorflow as tf


def logits_and_squared_gradients(discriminator, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """D(x) and ||∇_x D(x)||² for every sample, both of shape (n,).

    One pass serves any number of samples because no layer of ours mixes them: the gradient of the sum of
    the logits is then every sample's own gradient. No square root is taken, so nothing is undefined at 0.
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = discriminator(x, training=True)[:, 0]
    gradient = tape.gradient(logits, x)
    return logits, tf.reduce_sum(tf.reshape(gradient, (tf.shape(x)[0], -1)) ** 2, axis=1)


def zero_centred(squared_gradients: tf.Tensor, weight) -> tf.Tensor:
    """weight / 2 · E ||∇D||²: R1 on real samples, R2 on generated ones.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 9, with its factor one half.
    """
    return 0.5 * weight * tf.reduce_mean(squared_gradients)
