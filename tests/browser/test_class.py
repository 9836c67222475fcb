"""A class of thirty opens one link at the same moment: one run is trained, and everybody sees it."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from playwright.sync_api import expect

from gan_core.service.lab import Lab
from gan_core.service.share_links import config_from_query, encoded_query
from gan_core.settings import Settings

pytestmark = pytest.mark.slow

QUERY = {"preset": "auto", "data": "digits", "seed": "5", "training.steps": "300"}
BROWSERS, CLIENTS = 10, 20
SECONDS = 120
"""The longest wait for any of the pages: all of them are drawn by the same few cores."""


@pytest.fixture(scope="module")
def server(serve):
    return serve(env={"GANOMETER_SHARED": "1"})


def test_a_class_that_opens_one_link_trains_one_run_and_all_see_it(server, open_page, store):
    pages = [open_page(server, f"/train?{encoded_query(QUERY)}", timeout=SECONDS) for _ in range(BROWSERS)]
    url = f"sqlite:///{server.home / 'ganometer.sqlite'}"
    lab = Lab(Settings(server.home, url, None, "none", shared=True))  # what the other twenty browsers would ask
    try:
        link = config_from_query(
            {key: [value] for key, value in QUERY.items()}, preset_for=partial(lab.recipes.preset, by="a@x.org")
        )
        with ThreadPoolExecutor(CLIENTS) as pool:
            asked = [
                pool.submit(lab.runs.start, link.config, by=f"pupil{i}@x.org", nonce=f"{i}") for i in range(CLIENTS)
            ]
            for page in pages:
                page.get_by_role("button", name="Start training").click(timeout=SECONDS * 1000)
            ids = {one.result() for one in asked}
    finally:
        lab.close()
    for page in pages:
        page.wait_for_url(re.compile(r"run=\w{8}"), timeout=SECONDS * 1000)
        ids.add(re.search(r"run=(\w+)", page.url)[1])
    assert len(ids) == 1 and len([run for run in store.runs.all() if run.config.seed == 5]) == 1
    for page in pages:
        expect(page.get_by_text(re.compile(r"\bFinished\b")).first).to_be_visible(timeout=SECONDS * 1000)
        expect(page.get_by_alt_text("64 generated samples at step 300").first).to_be_visible(timeout=SECONDS * 1000)
