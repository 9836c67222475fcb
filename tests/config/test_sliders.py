"""Which sliders a run gets, and which settings they set."""

import pytest

from gan_core.config.live_edits import EDITABLE, edited
from gan_core.config.presets import PRESETS, preset
from gan_core.config.sliders import sliders_of

POINTS = preset("auto", data="ring-8", shape=(2,))


def by_label(config):
    return {slider.label: slider for slider in sliders_of(config)}


@pytest.mark.parametrize("name", PRESETS)
def test_each_recipe_has_sliders_whose_settings_may_change_while_it_trains(name):
    config = preset(name, data="digits", shape=(8, 8, 1))
    sliders = sliders_of(config)
    assert 1 <= len(sliders) <= 6
    for slider in sliders:
        assert set(slider.keys) <= set(EDITABLE)
        assert slider.value(config) in slider.offered(config)
        assert list(slider.offered(config)) == sorted(slider.offered(config))
        assert slider.expect.endswith(".")


def test_the_generators_rate_takes_the_discriminators_with_it():
    changed = edited(POINTS, by_label(POINTS)["Learning rate"].changes(POINTS, 1e-4), step=5)
    before, after = POINTS.optimizer, changed.optimizer
    assert after.learning_rate_generator == 1e-4
    assert after.learning_rate_discriminator / 1e-4 == pytest.approx(
        before.learning_rate_discriminator / before.learning_rate_generator, rel=1e-3
    )


def test_the_ratio_moves_the_discriminators_rate_alone():
    ratio = by_label(POINTS)["D / G rate"]
    changed = edited(POINTS, ratio.changes(POINTS, 5.0), step=5)
    assert changed.optimizer.learning_rate_generator == POINTS.optimizer.learning_rate_generator
    assert changed.optimizer.learning_rate_discriminator == pytest.approx(
        5 * POINTS.optimizer.learning_rate_generator, rel=1e-3
    )
    assert ratio.value(changed) == pytest.approx(5, rel=1e-3)


def test_one_slider_sets_both_penalties_where_they_are_equal():
    changed = edited(POINTS, by_label(POINTS)["R1 and R2"].changes(POINTS, 0.5), step=5)
    assert (changed.objective.r1, changed.objective.r2) == (0.5, 0.5)


def test_a_loss_without_opponents_has_only_a_rate():
    assert list(by_label(preset("vae", data="digits", shape=(8, 8, 1)))) == ["Learning rate"]
