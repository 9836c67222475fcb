"""A setting goes from one browser to another as a link, and the run it starts is the same."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from gan_core.config.run_config import flatten_config
from gan_core.records import MetricResult
from gan_core.store import Commit
from tests.stored_runs import report

pytestmark = pytest.mark.slow  # together they take minutes, which a run of all tests has not got

SOON = 15_000


@pytest.fixture(scope="module")
def server(serve):
    return serve(env={"GANOMETER_WORKER": "none"})


@pytest.fixture(autouse=True)
def quiet_console(console_errors):
    yield
    assert [error for error in console_errors if not re.search(r"404.*/\w+/_stcore/", error)] == []


def set_number(page, label: str, value: str) -> None:
    field = page.get_by_role("spinbutton", name=label, exact=True).first
    field.fill(value)
    field.press("Tab")


def opened_share(page):
    """The link's field and button, once the form's values have arrived."""
    page.get_by_role("button", name="Share these settings").click()
    field = page.get_by_role("textbox", name="Link", exact=True)
    expect(field).to_have_value(re.compile("^http"), timeout=SOON)  # its script writes it
    return field, page.get_by_role("button", name="Copy link")


def start(page) -> str:
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run=\w{8}"))
    return re.search(r"run=(\w+)", page.url)[1]


def test_a_copied_link_fills_another_browser_s_form_and_starts_the_same_run(server, open_page, store, wait_idle):
    page = open_page(server, "/train")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("All settings").click()
    set_number(page, "R1", "0.25")
    set_number(page, "Seed", "7")
    set_number(page, "Steps", "345")
    wait_idle(page)
    field, button = opened_share(page)
    button.click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == field.input_value()
    assert link.startswith(f"{server.url}/train?preset=auto&data=digits&seed=7&")
    page.keyboard.press("Escape")
    first = start(page)
    assert "preset=" not in page.url

    other = open_page(server, link.removeprefix(server.url))
    expect(other.get_by_text("This link brings the recipe")).to_contain_text("seed 7")
    expect(other.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(other.get_by_label("Steps", exact=True)).to_have_value("345")
    count = len(store.runs.all())
    second = start(other)
    assert second != first and len(store.runs.all()) == count + 1  # nothing had started by itself
    one, two = (flatten_config(store.runs.get(run_id).config) for run_id in (first, second))
    assert one == two and (one["objective.r1"], one["seed"], one["training.steps"]) == (0.25, 7, 345)


def test_the_keyboard_is_enough_and_a_refused_clipboard_leaves_the_link_selected(server, open_page):
    page = open_page(server, "/train?part=new")  # a run of the test before waits, and would be shown
    page.evaluate(
        """() => {
            navigator.clipboard.writeText = () => Promise.reject(new Error("refused"))
            document.execCommand = () => false
        }"""
    )
    share = page.get_by_role("button", name="Share these settings")
    share.focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Link", exact=True)
    expect(field).to_be_visible(timeout=SOON)
    button = page.get_by_role("button", name="Copy link")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("press Ctrl+C")).to_be_visible()
    selected = field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)")
    assert selected == field.input_value() != ""


def test_below_a_path_the_link_has_the_path(serve, open_page):
    below = serve(env={"GANOMETER_WORKER": "none"}, below="/lab/gan")
    page = open_page(below, "/train")
    field, _ = opened_share(page)
    assert re.match(r"http://[\d.:]+/lab/gan/train\?preset=auto&", field.input_value())
    other = open_page(below, field.input_value().removeprefix(below.url))
    expect(other.get_by_text("This link brings the recipe")).to_be_visible(timeout=SOON)


def test_a_menu_stays_open_and_a_search_keeps_its_focus_while_a_run_trains(server, open_page, store):
    """The store is written by hand, as a worker would: the card follows, and nothing else is drawn again."""
    page = open_page(server)
    run_id = store.runs.create(next(run for run in store.runs.all()).config, name="moving")
    run = store.leases.claim("hand", run_id=run_id)

    def commit(step: int, distance: float) -> None:
        energy = MetricResult("energy_distance", distance, 0.1, 0.02, 20.0, direction="lower", ideal=0.0)
        seen = dict(
            values=[(step, "energy_distance", distance)],
            measured=[(step, replace(report(), metrics={"energy_distance": energy}))],
        )
        about = dict(state="running", seconds=1.0, steps_per_second=9.0)
        store.progress.commit(run_id, "hand", run.claim_no, Commit(step=step, **seen, **about))

    commit(10, 0.5)
    card = page.locator(f".st-key-run-{run_id}")
    expect(card).to_contain_text("step 10 of", timeout=SOON)
    search = page.get_by_label("Search", exact=True)
    search.click()
    page.keyboard.type("mov")
    commit(20, 0.25)
    expect(card).to_contain_text("0.2500", timeout=SOON)
    page.keyboard.type("ing")
    expect(search).to_be_focused()
    expect(search).to_have_value("moving")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^1 of \d+ runs"))).to_be_visible(timeout=SOON)

    card.get_by_role("button", name="Edit").click()
    name = page.get_by_label("Name", exact=True)
    name.fill("moved")
    commit(30, 0.125)
    expect(card).to_contain_text("0.1250", timeout=SOON)
    expect(name).to_have_value("moved")
    name.press("Tab")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("No run matches")).to_be_visible(timeout=SOON)  # it is not called "moving" any more
    assert store.runs.get(run_id).name == "moved"
    assert store.leases.interrupt(["hand"]) == [run_id]
