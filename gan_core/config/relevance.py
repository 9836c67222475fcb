"""Which settings have an effect, given the others: what nothing reads need not be shown to anybody."""

from __future__ import annotations

from typing import Any, Mapping

from gan_core.config.sections import ADVERSARIAL_LOSSES

DECIDING = (
    "objective.loss",
    "objective.gradient_penalty",
    "generator.architecture",
    "discriminator.architecture",
)
"""The settings that decide which others have an effect."""
BASIC = (
    *DECIDING,
    "training.steps",
    "training.batch",
    "training.discriminator_steps",
    "optimizer.learning_rate_generator",
    "optimizer.learning_rate_discriminator",
    "objective.r1",
    "objective.r2",
    "objective.gradient_penalty_weight",
    "objective.energy_weight",
    "objective.instance_noise",
    "generator.latent_dim",
    "generator.hidden",
    "generator.channels",
    "discriminator.hidden",
    "discriminator.channels",
)
"""The settings that are changed most; all the others are for experts."""


def has_effect(key: str, values: Mapping[str, Any]) -> bool:
    """Whether a training reads this setting, where `values` holds at least those of DECIDING, {dotted key: value}."""
    loss = values["objective.loss"]
    section, _, name = key.partition(".")
    if section in ("generator", "discriminator"):
        dense = values[f"{section}.architecture"] == "mlp"
        if name == ("channels" if dense else "hidden"):
            return False
    if loss in ADVERSARIAL_LOSSES:
        return key != "objective.gradient_penalty_weight" or values["objective.gradient_penalty"] != "none"
    # The others have no discriminator; of a vae it is the encoder.
    if section == "objective":
        return name == "loss"
    if key in ("training.discriminator_steps", "training.fresh_samples", "training.simultaneous"):
        return False
    if loss == "vae":
        return key not in ("discriminator.spectral_norm", "discriminator.clip", "discriminator.packing")
    return section != "discriminator" and key != "optimizer.learning_rate_discriminator"
