"""The sliders beside the picture: what each moves, and what it cannot be moved to."""

import pytest

from tests.drawing import open_page, text_of
from tests.ui.test_pages import trained

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")


def sliders(at) -> dict:
    return {slider.label: slider for slider in at.select_slider}


def test_a_slider_that_cannot_be_moved_says_why(home, store, data):
    run_id = trained(
        store, data("digits"), "running", discriminator__batch_norm=True, objective__r1=0, objective__r2=0
    )
    at = open_page("pages/train.py", run=run_id)
    assert "R1 and R2" not in sliders(at)
    text = text_of(at)
    assert "**R1 and R2** stays at 0: no other value goes together with the rest" in text
    assert "Batch norm of the discriminator makes every sample" in text and "discriminator.batch" not in text


def test_values_that_are_left_out_are_named_with_their_reason(home, store, data):
    run_id = trained(store, data("digits"), "running", training__simultaneous=True, training__fresh_samples=False)
    text = text_of(open_page("pages/train.py", run=run_id))
    assert "**Discriminator steps** stays at 1" in text and "Simultaneous is one update of each network" in text


def test_a_slider_of_which_some_values_do_not_go_says_which(home, store, data):
    changes = dict(objective__loss="wasserstein", objective__r1=1, objective__r2=1)
    at = open_page("pages/train.py", run=trained(store, data("digits"), "running", **changes))
    assert "0" not in sliders(at)["R1 and R2"].options
    assert "does not go together with the rest: 0. Loss is 'wasserstein' and nothing bounds" in text_of(at)


def test_the_lines_of_the_rates_say_that_one_takes_the_other_along(home, store, data):
    text = text_of(open_page("pages/train.py", run=trained(store, data("digits"), "running")))
    assert "Of both networks." in text and "The discriminator's rate over the generator's." in text
