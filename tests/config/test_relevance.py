"""Settings that have an effect: what nothing reads is named, and changing it changes nothing that is."""

import pytest

from gan_core.config.losses import IMPROPER_LOSSES, LOSS_UNITS
from gan_core.config.presets import preset
from gan_core.config.relevance import DECIDING, has_effect
from gan_core.config.run_config import SETTINGS, flatten_config, setting_type
from gan_core.config.sections import ADVERSARIAL_LOSSES

DIGITS = preset("auto", data="digits")


def effective(**deciding) -> set[str]:
    values = {key: flatten_config(DIGITS)[key] for key in DECIDING} | deciding
    return {key for key in SETTINGS if has_effect(key, values)}


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_in_a_game_everything_but_the_other_architecture_and_an_absent_penalty_has_an_effect(loss):
    without = {"generator.channels", "discriminator.channels", "objective.gradient_penalty_weight"}
    about = {"objective.loss": loss, "objective.gradient_penalty": "none"}
    assert set(SETTINGS) - effective(**about) == without
    about["objective.gradient_penalty"] = "wgan-gp"
    assert "objective.gradient_penalty_weight" in effective(**about)


@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_convolutions_have_channels_and_dense_layers_have_widths(part):
    assert f"{part}.hidden" in effective() and f"{part}.channels" not in effective()
    convolved = effective(**{f"{part}.architecture": "dcgan"})
    assert f"{part}.channels" in convolved and f"{part}.hidden" not in convolved


def test_without_a_discriminator_nothing_of_it_has_an_effect():
    shown = effective(**{"objective.loss": "energy"})
    assert not {key for key in shown if key.startswith("discriminator.")}
    assert {key for key in shown if key.startswith("objective.")} == {"objective.loss"}
    assert "optimizer.learning_rate_discriminator" not in shown and "training.steps" in shown


def test_the_encoder_of_a_vae_is_a_discriminator_without_what_bounds_one():
    shown = effective(**{"objective.loss": "vae"})
    assert "discriminator.hidden" in shown and "optimizer.learning_rate_discriminator" in shown
    assert not {"discriminator.clip", "discriminator.spectral_norm", "discriminator.packing"} & shown


@pytest.mark.parametrize("loss", ["energy", "vae"])
def test_what_a_loss_forbids_has_no_effect_with_it(loss):
    """A setting whose change would be refused need not be offered."""
    for key in ("objective.r1", "objective.feature_matching", "discriminator.clip"):
        assert key not in effective(**{"objective.loss": loss})


def test_every_loss_that_is_named_exists():
    losses = setting_type("objective.loss")[1]
    assert set(LOSS_UNITS) <= set(losses) and set(IMPROPER_LOSSES) <= set(losses) - set(ADVERSARIAL_LOSSES)
