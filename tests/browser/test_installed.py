"""`ganometer app` of an installed package serves the pages of the checkout, with their theme and their charts."""

import json
import os
import re
import subprocess

import pytest
from playwright.sync_api import expect

FIRST = 60_000
"""Milliseconds within which a server nobody has used yet, and its worker, have done what they were asked."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(installed, serve):
    return serve(app=[str(installed / "ganometer"), "app"])


def test_home_is_served_in_its_theme(server, open_page, console_errors):
    page = open_page(server, color_scheme="light")
    expect(page.get_by_text("A finished run")).to_be_visible(timeout=FIRST)
    # Streamlit's own menu would be a second one.
    expect(page.get_by_role("link", name="Train", exact=True)).to_have_count(1)
    colour = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert colour == "rgb(252, 252, 251)"  # backgroundColor of .streamlit/config.toml
    assert console_errors == []


def test_charts_are_drawn_by_the_script_that_keeps_their_zoom(server, open_page):
    page = open_page(server)
    page.get_by_role("link", name="See how it trained").click(timeout=FIRST)
    scripts = "() => performance.getEntriesByType('resource').filter(e => /app\\/static\\/plot/.test(e.name)).length"
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=FIRST)
    assert page.evaluate(scripts) == 2


def test_a_run_is_trained_by_the_worker_it_starts(server, installed, open_page, tmp_path):
    environ = os.environ | {"GANOMETER_HOME": str(server.home), "GANOMETER_WORKER": "none"}
    line = [installed / "ganometer", "train", "--data", "digits", "--steps", "60", "--queue", "--json"]
    queued = subprocess.run(line, cwd=tmp_path, env=environ, check=True, capture_output=True, text=True).stdout
    page = open_page(server, f"/train?run={json.loads(queued)['run']}")
    expect(page.locator(".st-key-state")).to_contain_text(re.compile("finished", re.IGNORECASE), timeout=FIRST)
