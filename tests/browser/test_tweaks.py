"""Sliders that are moved while a run trains: each change is seen in the picture."""

import re

import pytest
from playwright.sync_api import expect

from gan_core.config.presets import preset
from gan_core.config.run_config import override

pytestmark = pytest.mark.slow  # a worker trains

BEGINS, CHANGES = 120_000, 60_000
"""Milliseconds for the first picture, and from a slider to the picture; the benchmarks hold both to far less."""


@pytest.fixture(scope="module")
def server(serve):
    return serve()


def test_each_of_four_sliders_changes_the_picture_of_one_run(server, open_page, store):
    open_page(server)
    run_id = store.runs.create(override(preset("auto", data="digits"), {"training.steps": 400_000}), name="tweaked")
    page = open_page(server, f"/train?run={run_id}")
    picture = page.locator("img[alt^='64 generated samples at step ']")
    expect(picture).to_have_attribute("alt", re.compile(r"after 0 changes of settings$"), timeout=BEGINS)
    for count, label in enumerate(("Learning rate", "D / G rate", "R1 and R2", "Energy weight"), 1):
        before = picture.get_attribute("src")
        page.get_by_test_id("stSlider").filter(has_text=label).get_by_role("slider").press("ArrowRight")
        seen = re.compile(rf"after {count} changes? of settings$")
        expect(picture).to_have_attribute("alt", seen, timeout=CHANGES)
        assert picture.get_attribute("src") != before
    store.commands.send(run_id, "stop")
