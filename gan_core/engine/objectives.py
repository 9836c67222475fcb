"""Adversarial losses as pure pairs on logits: what the discriminator and the generator each minimise.

Every function takes `real_logits` and `fake_logits` of shape (batch,), as the discriminator returns them
before any sigmoid, and gives a scalar. Softplus keeps log(sigmoid) finite for any logit.
"""

from __future__ import annotations

from typing import Callable, Literal, NamedTuple

import tensorflow as tf

softplus = tf.nn.softplus


class Objective(NamedTuple):
    discriminator: Callable[..., tf.Tensor]
    generator: Callable[..., tf.Tensor]
    paired: bool
    """Whether the generator's loss also looks at real logits."""
    logit: Literal["log-odds", "probability", "rank"] = "log-odds"
    """What an output of the discriminator means; a rank is compared with others, its own size says nothing."""


def _binary_discriminator(*, real_logits, fake_logits):
    """−E log D(x) − E log(1 − D(G(z))). Goodfellow et al. 2014, arXiv:1406.2661, eq. 1."""
    return tf.reduce_mean(softplus(-real_logits)) + tf.reduce_mean(softplus(fake_logits))


def _minimax_generator(*, real_logits, fake_logits):
    """E log(1 − D(G(z))): the same value with the opposite sign; its gradient vanishes when D wins."""
    return -tf.reduce_mean(softplus(fake_logits))


def _non_saturating_generator(*, real_logits, fake_logits):
    """−E log D(G(z)): the same fixed point with a strong gradient early. arXiv:1406.2661, section 3."""
    return tf.reduce_mean(softplus(-fake_logits))


def _least_squares_discriminator(*, real_logits, fake_logits):
    """½ E (D(x) − 1)² + ½ E D(G(z))², on outputs without a sigmoid. Mao et al. 2017, arXiv:1611.04076, eq. 9."""
    return 0.5 * tf.reduce_mean((real_logits - 1.0) ** 2) + 0.5 * tf.reduce_mean(fake_logits**2)


def _least_squares_generator(*, real_logits, fake_logits):
    """½ E (D(G(z)) − 1)²: samples far from the boundary are pulled too, however sure the discriminator is."""
    return 0.5 * tf.reduce_mean((fake_logits - 1.0) ** 2)


def _hinge_discriminator(*, real_logits, fake_logits):
    """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))). Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, eq. 16."""
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))


def _wasserstein_discriminator(*, real_logits, fake_logits):
    """E D(G(z)) − E D(x): minus a Wasserstein-1 distance only where D is 1-Lipschitz, so it needs a penalty.

    Arjovsky et al. 2017, arXiv:1701.07875, eq. 2.
    """
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def _critic_generator(*, real_logits, fake_logits):
    """−E D(G(z)): the generator of both the hinge and the Wasserstein game."""
    return -tf.reduce_mean(fake_logits)


def _relativistic_discriminator(*, real_logits, fake_logits):
    """−E log σ(D(x) − D(G(z))), paired within the batch. Jolicoeur-Martineau 2018, arXiv:1807.00734."""
    return tf.reduce_mean(softplus(fake_logits - real_logits))


def _relativistic_generator(*, real_logits, fake_logits):
    """−E log σ(D(G(z)) − D(x)); no bad basins for dropped modes (Sun et al. 2020, arXiv:2011.04926)."""
    return tf.reduce_mean(softplus(real_logits - fake_logits))


OBJECTIVES: dict[str, Objective] = {
    "minimax": Objective(_binary_discriminator, _minimax_generator, paired=False),
    "non-saturating": Objective(_binary_discriminator, _non_saturating_generator, paired=False),
    "least-squares": Objective(_least_squares_discriminator, _least_squares_generator, False, logit="probability"),
    "hinge": Objective(_hinge_discriminator, _critic_generator, paired=False),
    "wasserstein": Objective(_wasserstein_discriminator, _critic_generator, paired=False, logit="rank"),
    "relativistic": Objective(_relativistic_discriminator, _relativistic_generator, paired=True, logit="rank"),
}


def scores(objective: Objective, *, real_logits, fake_logits) -> tuple[tf.Tensor, tf.Tensor]:
    """What the discriminator believes on average, in [0, 1]: D(x) and D(G(z)).

    Relativistic and Wasserstein discriminators only rank: any constant added to their logits leaves the loss
    unchanged. They are therefore read against the mean logit of the other side (the relativistic average,
    arXiv:1807.00734). A least-squares one estimates the probability itself (arXiv:1611.04076, eq. 11).
    """
    if objective.logit == "probability":
        return tuple(tf.reduce_mean(tf.clip_by_value(logits, 0.0, 1.0)) for logits in (real_logits, fake_logits))
    if objective.logit == "rank":
        real_logits, fake_logits = (
            real_logits - tf.reduce_mean(fake_logits),
            fake_logits - tf.reduce_mean(real_logits),
        )
    return tf.reduce_mean(tf.sigmoid(real_logits)), tf.reduce_mean(tf.sigmoid(fake_logits))
