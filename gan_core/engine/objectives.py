"""Adversarial losses as pairs of pure functions: what the discriminator and what the generator minimises.

Every function takes `real_logits` and `fake_logits` of shape (batch,), the discriminator's outputs before any sigmoid,
and returns a scalar. Softplus keeps log(sigmoid) finite for any logit.
"""

from __future__ import annotations

from typing import Callable, Literal, NamedTuple

import tensorflow as tf

softplus = tf.nn.softplus


class Objective(NamedTuple):
    """The losses of both networks."""

    discriminator: Callable[..., tf.Tensor]
    generator: Callable[..., tf.Tensor]
    paired: bool
    """Whether the generator's loss also depends on the real logits."""
    logit: Literal["log-odds", "probability", "rank"] = "log-odds"
    """What an output of the discriminator means; of a rank only the differences to other outputs mean anything."""


def _binary_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """−E log D(x) − E log(1 − D(G(z))). Goodfellow et al. 2014, arXiv:1406.2661, eq. 1."""
    return tf.reduce_mean(softplus(-real_logits)) + tf.reduce_mean(softplus(fake_logits))


def _minimax_generator(*, real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
    """E log(1 − D(G(z))): the discriminator's term with the opposite sign; its gradient vanishes when D is accurate."""
    return -tf.reduce_mean(softplus(fake_logits))


def _non_saturating_generator(*, real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
    """−E log D(G(z)): the same fixed point with a strong gradient early. arXiv:1406.2661, section 3."""
    return tf.reduce_mean(softplus(-fake_logits))


def _least_squares_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """½ E (D(x) − 1)² + ½ E D(G(z))², on outputs without a sigmoid. Mao et al. 2017, arXiv:1611.04076, eq. 9."""
    return 0.5 * tf.reduce_mean((real_logits - 1.0) ** 2) + 0.5 * tf.reduce_mean(fake_logits**2)


def _least_squares_generator(*, real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
    """½ E (D(G(z)) − 1)²: the gradient does not vanish for samples far from the decision boundary."""
    return 0.5 * tf.reduce_mean((fake_logits - 1.0) ** 2)


def _hinge_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))). Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, eq. 16."""
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))


def _wasserstein_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """E D(G(z)) − E D(x): minus the Wasserstein-1 distance if D is the best 1-Lipschitz function,
    so it needs a gradient penalty or clipped weights.

    Arjovsky et al. 2017, arXiv:1701.07875, eq. 2.
    """
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def _critic_generator(*, real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
    """−E D(G(z)): the generator's loss for both the hinge and the Wasserstein discriminator."""
    return -tf.reduce_mean(fake_logits)


def _relativistic_discriminator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """−E log σ(D(x) − D(G(z))), paired within the batch. Jolicoeur-Martineau 2018, arXiv:1807.00734."""
    return tf.reduce_mean(softplus(fake_logits - real_logits))


def _relativistic_generator(*, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """−E log σ(D(G(z)) − D(x)); no local minima with dropped modes (Sun et al. 2020, arXiv:2011.04926)."""
    return tf.reduce_mean(softplus(real_logits - fake_logits))


OBJECTIVES: dict[str, Objective] = {
    "minimax": Objective(_binary_discriminator, _minimax_generator, paired=False),
    "non-saturating": Objective(_binary_discriminator, _non_saturating_generator, paired=False),
    "least-squares": Objective(_least_squares_discriminator, _least_squares_generator, False, logit="probability"),
    "hinge": Objective(_hinge_discriminator, _critic_generator, paired=False),
    "wasserstein": Objective(_wasserstein_discriminator, _critic_generator, paired=False, logit="rank"),
    "relativistic": Objective(_relativistic_discriminator, _relativistic_generator, paired=True, logit="rank"),
}


def scores(objective: Objective, *, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The discriminator's mean probability of being real for real and for generated samples: D(x) and D(G(z)).

    Relativistic and Wasserstein discriminators only rank: a constant added to all logits leaves their loss unchanged.
    So their logits are taken relative to the mean logit of the other side (the relativistic average,
    arXiv:1807.00734). A least-squares discriminator estimates the probability itself (arXiv:1611.04076, eq. 11).
    """
    if objective.logit == "probability":
        on_real, on_fake = (tf.clip_by_value(logits, 0.0, 1.0) for logits in (real_logits, fake_logits))
        return tf.reduce_mean(on_real), tf.reduce_mean(on_fake)
    if objective.logit == "rank":
        real_logits, fake_logits = (
            real_logits - tf.reduce_mean(fake_logits),
            fake_logits - tf.reduce_mean(real_logits),
        )
    return tf.reduce_mean(tf.sigmoid(real_logits)), tf.reduce_mean(tf.sigmoid(fake_logits))
