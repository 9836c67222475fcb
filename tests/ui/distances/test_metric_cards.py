"""The cards of the Distances page: which come first, and that each says what it shows."""

import pytest

from tests.drawing import open_page, text_of
from tests.ui.test_pages import calibrated, trained
from ui.distances.metric_cards import CARDS, SHOWS

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")


def test_every_card_says_what_it_shows_and_stands_once():
    names = [name for group in CARDS.values() for name in group]
    assert len(names) == len({*names}) and {*names} == {*SHOWS}


@pytest.mark.parametrize(("name", "by"), [("digits", "pixels"), ("ring-8", "coordinates")])
def test_the_page_says_by_what_samples_are_compared(home, store, data, name, by):
    at = open_page("pages/distances.py", run=trained(store, data(name)))
    assert f"generated ones, compared by their {by};" in text_of(at)


def test_the_plain_ones_come_first_and_have_no_z(home, store, data):
    digits = data("digits")
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    at = open_page("pages/distances.py", run=trained(store, digits), step="0")
    assert [card.label for card in at.metric][:4] == [
        "Energy distance",
        "Symmetric precision",
        "Symmetric recall",
        "Spread",
    ]
    assert not any(card.proto.delta_description for card in at.metric)
    text = text_of(at)
    assert "How many generated samples look real.  \nOff by " in text and "z =" not in text.split("**At a glance**")[1]
