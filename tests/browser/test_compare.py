"""Comparing as a person does it: from a link to a verdict over seeds, with a real worker and a real Chromium."""

import re
import sys
import time

import psutil
import pytest
from playwright.sync_api import expect

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.store import Store

pytestmark = pytest.mark.slow  # minutes: `make test-slow` runs it

LEARNS = override(
    preset("auto", data="digits"),
    {"generator.hidden": "48", "discriminator.hidden": "48", "training.steps": 500, "training.batch": 64},
)
HARDLY = override(LEARNS, {"optimizer.learning_rate_generator": 1e-6, "optimizer.learning_rate_discriminator": 1e-6})


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(autouse=True)
def quiet_console(console_errors):
    """No page reports an error, but for an address that Streamlit itself tries first on a deep link."""
    yield
    assert [error for error in console_errors if not re.search(r"404.*/\w+/_stcore/", error)] == []


@pytest.fixture
def pair(server, open_page, store) -> list[str]:
    """A run that learns and one that hardly does, trained by the server's own worker for all of these tests."""
    open_page(server)  # the first visitor wakes the worker
    known = {run.config: run.id for run in store.runs.all()}
    ids = [known.get(config) or store.runs.create(config) for config in (LEARNS, HARDLY)]
    wait_finished(store, 2)
    return ids


def wait_finished(store: Store, count: int, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while sum(run.state == "finished" and run.total_steps == 500 for run in store.runs.all()) < count:
        assert time.monotonic() < deadline, [(run.id, run.state, run.error) for run in store.runs.all()]
        time.sleep(0.2)


def test_from_one_seed_to_a_verdict_over_five(server, open_page, wait_idle, store, pair):
    page = open_page(server, f"/compare?runs={','.join(pair)}")
    verdict = page.locator(".st-key-verdict")
    expect(verdict).to_contain_text("The run of A is closer to real than the run of B", timeout=60_000)
    expect(verdict).to_contain_text("no comparison of the settings")
    page.get_by_role("button", name="How is this decided?").click()
    expect(page.get_by_text("Efron & Tibshirani 1993")).to_be_visible()
    page.keyboard.press("Escape")

    for letter, runs in (("A", 6), ("B", 10)):
        page.locator(f".st-key-repeat-{letter}").get_by_role("button").click()
        page.wait_for_url(lambda url, runs=runs: len(re.findall("%2C|,", url)) == runs - 1)
        wait_idle(page)  # the row of the other group moves up when this one's button goes
    wait_finished(store, 10)
    expect(verdict).to_contain_text("means of 5 seeds each", timeout=60_000)
    expect(verdict).to_contain_text("A is better than B")
    number = re.compile(r"^5 seeds, energy distance 0\.\d{4} ± 0\.\d{4} \(n = \d+\)$")
    expect(verdict.get_by_text(number)).to_have_count(2)
    expect(verdict.get_by_text("A over B")).to_be_visible()
    expect(page.get_by_role("button", name="Repeat with 5 seeds")).to_have_count(0)
    curves = page.get_by_role("figure", name=re.compile("a curve for each group"))
    curves.scroll_into_view_if_needed()  # what nobody sees is not drawn again
    page.wait_for_function(
        "box => box.data.filter(curve => curve.name?.endsWith('(n = 5)')).length === 2", arg=curves.element_handle()
    )

    page.get_by_role("slider").press("Home")
    expect(page).to_have_url(re.compile(r"step=0"))
    sheets = page.get_by_alt_text(re.compile(r"^64 generated samples of [AB] · .* at step 0$"))
    expect(sheets).to_have_count(2)
    expect(verdict).to_contain_text("nothing is decided", timeout=60_000)  # at step 0 nobody has learned anything
    again = open_page(server, page.url.removeprefix(server.url))  # whoever gets the link sees the same
    expect(again.locator(".st-key-verdict")).to_contain_text("nothing is decided", timeout=20_000)
    expect(again.get_by_role("slider")).to_have_attribute("aria-valuetext", "0")


@pytest.mark.parametrize("width, colours", [(390, "light"), (390, "dark"), (1920, "dark")])
def test_it_fits_any_window(server, open_page, pair, width, colours):
    page = open_page(server, f"/compare?runs={','.join(pair)}", color_scheme=colours, width=width)
    expect(page.locator(".st-key-verdict")).to_contain_text("closer to real", timeout=60_000)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width


def test_a_link_to_nowhere_is_answered_in_words(server, open_page, pair):
    page = open_page(server, f"/compare?runs=%3Cscript%3Ealert(1)%3C/script%3E,{pair[0]}&step=-1")
    expect(page.get_by_text("Unknown run")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("One setting so far")).to_be_visible()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the libraries of another process")
def test_the_verdict_is_computed_by_the_worker_and_not_where_pages_are_drawn(server, open_page, pair):
    page = open_page(server, f"/compare?runs={','.join(pair)}")
    expect(page.locator(".st-key-verdict")).to_contain_text("closer to real", timeout=60_000)
    process = psutil.Process(server.process.pid)
    (worker,) = (child for child in process.children() if "gan_core" in child.cmdline())
    for library in ("/scipy/", "/numba/", "libtensorflow"):
        loaded = [any(library in path.path for path in by.memory_maps()) for by in (worker, process)]
        assert loaded == [True, False], library
