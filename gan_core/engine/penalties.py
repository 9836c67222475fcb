"""Gradient penalties: pure functions of the discriminator, a function samples -> logits (n,), and of its inputs."""

from __future__ import annotations

from typing import Callable

import tensorflow as tf

Logits = Callable[[tf.Tensor], tf.Tensor]


def logits_and_squared_gradients(logits_of: Logits, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """D(x) and ||∇_x D(x)||² for every logit, both of shape (n,).

    One pass serves any number of samples because no penalised layer mixes them: the gradient of the sum of the logits
    then consists of every sample's own gradient. With packing, a logit belongs to several samples, and its gradient is
    taken with respect to all of them. No square root is taken, so nothing is undefined at 0.
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = logits_of(x)
    gradient = tf.convert_to_tensor(tape.gradient(logits, x))
    return logits, tf.reduce_sum(tf.reshape(gradient, (tf.shape(logits)[0], -1)) ** 2, axis=1)


def zero_centred(squared_gradients: tf.Tensor, weight: tf.Tensor | float) -> tf.Tensor:
    """weight / 2 · E ||∇D||², a scalar: R1 on real samples, R2 on generated ones. `squared_gradients` is (n,).

    Mescheder et al. 2018, arXiv:1801.04406, eq. 9, with its factor one half.
    """
    return 0.5 * weight * tf.reduce_mean(squared_gradients)


def norm_penalty(
    target: float, squared_gradients: tf.Tensor, weight: tf.Tensor | float, scale: float = 1.0
) -> tf.Tensor:
    """weight · E (scale · ||∇D|| − target)², a scalar; `scale` is the data's standard deviation.

    Target 1: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3; Kodali et al. 2017, arXiv:1705.07215. Target 0:
    Thanh-Tung et al. 2019, arXiv:1902.03984. Where a gradient is 0, the derivative of its norm is taken as 0.
    """
    if target == 0:
        return weight * scale**2 * tf.reduce_mean(squared_gradients)
    return weight * tf.reduce_mean((scale * tf.sqrt(squared_gradients + 1e-12) - target) ** 2)


def interpolate(*, real: tf.Tensor, fake: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """Points (n, *shape) on the straight lines from real to generated samples, `fraction` (n,) of the way."""
    return real + _per_sample(fraction, real) * (fake - real)


def perturb(*, real: tf.Tensor, noise: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """Points (n, *shape) between real samples and noisy ones, at most half the batch's standard deviation away.

    `noise` is uniform in [0, 1) and of the samples' shape: not centred, as in the authors' code. `fraction` is (n,).
    Kodali et al. 2017, arXiv:1705.07215, algorithm 1.
    """
    noisy = real + 0.5 * tf.math.reduce_std(real) * noise
    return real + _per_sample(fraction, real) * (noisy - real)


TARGET = {"wgan-gp": 1.0, "wgan-gp0": 0.0, "dragan": 1.0}
"""The gradient norm that each penalty asks for."""


def _per_sample(fraction: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """(n,) -> (n, 1, ...), to be multiplied with samples."""
    return tf.reshape(fraction, (-1, *[1] * (len(x.shape) - 1)))
