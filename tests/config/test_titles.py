"""What a person calls a setting, and sentences in which the names stand for the keys."""

import pytest

from gan_core.config.run_config import SETTINGS
from gan_core.config.titles import setting_label, setting_title, with_titles


@pytest.mark.parametrize(
    ("key", "label", "title"),
    [
        ("optimizer.learning_rate_generator", "Learning rate generator", "Learning rate generator"),
        ("objective.r1", "R1", "R1"),
        ("discriminator.batch_norm", "Batch norm", "Batch norm of the discriminator"),
        ("recording.log_every", "Steps between records", "Steps between records"),
        ("seed", "Seed", "Seed"),
    ],
)
def test_a_setting_has_a_name(key, label, title):
    assert (setting_label(key), setting_title(key)) == (label, title)


def test_no_two_settings_are_called_alike():
    assert len({*map(setting_title, SETTINGS)}) == len(SETTINGS)


def test_a_sentence_names_settings_and_leaves_everything_else():
    said = with_titles(
        "objective.gradient_penalty_weight is 3. Set objective.r1, or training.batch; see my.training.batch.md"
    )
    assert said == "Further penalty weight is 3. Set R1, or Batch; see my.training.batch.md"
