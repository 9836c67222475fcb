"""Gradient penalties: pure functions of the discriminator, as a function samples -> logits (n,), and its inputs."""

from __future__ import annotations

from typing import Callable

import tensorflow as tf

Logits = Callable[[tf.Tensor], tf.Tensor]


def logits_and_squared_gradients(logits_of: Logits, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """D(x) and ||∇_x D(x)||² for every logit, both of shape (n,).

    One pass serves any number of samples because no penalised layer mixes them: the gradient of the sum of
    the logits is then every sample's own gradient. Where a logit judges several samples together (packing), its
    gradient is that with respect to all of them. No square root is taken, so nothing is undefined at 0.
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = logits_of(x)
    gradient = tape.gradient(logits, x)
    return logits, tf.reduce_sum(tf.reshape(gradient, (tf.shape(logits)[0], -1)) ** 2, axis=1)


def zero_centred(squared_gradients: tf.Tensor, weight) -> tf.Tensor:
    """weight / 2 · E ||∇D||²: R1 on real samples, R2 on generated ones.

    Mescheder et al. 2018, arXiv:1801.04406, eq. 9, with its factor one half.
    """
    return 0.5 * weight * tf.reduce_mean(squared_gradients)


def away_from(target: float, squared_gradients: tf.Tensor, weight, scale: float = 1.0) -> tf.Tensor:
    """weight · E (scale · ||∇D|| − target)², where `scale` is the data's spread, the unit of its gradients.

    Target 1: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3; Kodali et al. 2017, arXiv:1705.07215. Target 0:
    Thanh-Tung et al. 2019, arXiv:1902.03984. Where a gradient is 0, that of its length is taken as 0.
    """
    if target == 0:
        return weight * scale**2 * tf.reduce_mean(squared_gradients)
    return weight * tf.reduce_mean((scale * tf.sqrt(squared_gradients + 1e-12) - target) ** 2)


def between(*, real: tf.Tensor, fake: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Points on the straight lines from real to generated samples: `share` (n,) of the way, uniform in [0, 1]."""
    return real + _column(share, real) * (fake - real)


def around(*, real: tf.Tensor, noise: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Points on the way from real samples to disturbed ones, which lie up to half the batch's own spread away.

    `noise` is uniform in [0, 1) and of the samples' shape: not centred, as in the authors' code. Kodali et al. 2017,
    arXiv:1705.07215, algorithm 1.
    """
    disturbed = real + 0.5 * tf.math.reduce_std(real) * noise
    return real + _column(share, real) * (disturbed - real)


TARGET = {"wgan-gp": 1.0, "wgan-gp0": 0.0, "dragan": 1.0}


def _column(share: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(share, (-1, *[1] * (len(x.shape) - 1)))
