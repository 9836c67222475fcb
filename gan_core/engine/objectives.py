"""Adversarial losses as pure pairs on logits: what the discriminator and the generator each minimise.

Every function takes `real_logits` and `fake_logits` of shape (batch,), as the discriminator returns them
before any sigmoid, and gives a scalar. Softplus keeps log(sigmoid) finite for any logit.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import tensorflow as tf

softplus = tf.nn.softplus


class Objective(NamedTuple):
    discriminator: Callable[..., tf.Tensor]
    generator: Callable[..., tf.Tensor]
    paired: bool
    """Whether the generator's loss also looks at real logits."""


def _binary_discriminator(*, real_logits, fake_logits):
    """−E log D(x) − E log(1 − D(G(z))). Goodfellow et al. 2014, arXiv:1406.2661, eq. 1."""
    return tf.reduce_mean(softplus(-real_logits)) + tf.reduce_mean(softplus(fake_logits))


def _minimax_generator(*, real_logits, fake_logits):
    """E log(1 − D(G(z))): the same value with the opposite sign; its gradient vanishes when D wins."""
    return -tf.reduce_mean(softplus(fake_logits))


def _non_saturating_generator(*, real_logits, fake_logits):
    """−E log D(G(z)): the same fixed point with a strong gradient early. arXiv:1406.2661, section 3."""
    return tf.reduce_mean(softplus(-fake_logits))


def _relativistic_discriminator(*, real_logits, fake_logits):
    """−E log σ(D(x) − D(G(z))), paired within the batch. Jolicoeur-Martineau 2018, arXiv:1807.00734."""
    return tf.reduce_mean(softplus(fake_logits - real_logits))


def _relativistic_generator(*, real_logits, fake_logits):
    """−E log σ(D(G(z)) − D(x)); no bad basins for dropped modes (Sun et al. 2020, arXiv:2011.04926)."""
    return tf.reduce_mean(softplus(real_logits - fake_logits))


OBJECTIVES: dict[str, Objective] = {
    "minimax": Objective(_binary_discriminator, _minimax_generator, paired=False),
    "non-saturating": Objective(_binary_discriminator, _non_saturating_generator, paired=False),
    "relativistic": Objective(_relativistic_discriminator, _relativistic_generator, paired=True),
}


def scores(objective: Objective, *, real_logits, fake_logits) -> tuple[tf.Tensor, tf.Tensor]:
    """What the discriminator believes on average, in [0, 1]: D(x) and D(G(z)).

    A relativistic discriminator only ranks: any constant added to its logits leaves it unchanged. It is
    therefore read against the mean logit of the other side (the relativistic average, arXiv:1807.00734).
    """
    if objective.paired:
        real_logits, fake_logits = (
            real_logits - tf.reduce_mean(fake_logits),
            fake_logits - tf.reduce_mean(real_logits),
        )
    return tf.reduce_mean(tf.sigmoid(real_logits)), tf.reduce_mean(tf.sigmoid(fake_logits))
