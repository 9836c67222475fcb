"""The cards "What is a GAN?": their pictures are there and small, and somebody new is shown them."""

import io

import pytest
from PIL import Image

from gan_core.config.presets import preset
from tests.drawing import drawn, open_page, text_of
from ui.frame.gan_cards import CARDS, PICTURES, TITLE

SMALL = 60_000


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.picture)
def test_a_picture_moves_is_small_and_has_a_still_one(card):
    moving = (PICTURES / f"{card.picture}.webp").read_bytes()
    still = Image.open(PICTURES / f"{card.picture}-still.webp")
    assert len(moving) <= SMALL and Image.open(io.BytesIO(moving)).n_frames >= 8
    assert getattr(still, "n_frames", 1) == 1 and len(card.alt) > 30


def headings(at) -> list[str]:
    return [element.value for element in (*at.header, *at.subheader)]


@pytest.mark.usefixtures("no_cache_outlives_a_test", "store")
def test_somebody_new_sees_the_cards_until_they_close_them():
    at = open_page()
    assert TITLE in headings(at)
    at = drawn(at.button(key="close cards").click().run())
    assert TITLE not in headings(at)


@pytest.mark.usefixtures("no_cache_outlives_a_test")
def test_somebody_who_has_trained_sees_them_on_request(store):
    store.runs.create(preset("auto"), name="mine")
    at = open_page()
    assert TITLE not in headings(at) and "glossary search" not in [box.key for box in at.text_input]
    at = drawn(at.button(key="help").click().run())
    at = drawn(at.text_input(key="glossary search").set_value("sourdough").run())
    assert "No word of the glossary matches" in text_of(at)
