"""The form of a new run: its Start is always in sight, soon reached by keyboard, and leads to the new run."""

import pytest

pytestmark = pytest.mark.slow

START = ".st-key-start-bar button"
FOCUSED = "() => document.activeElement === document.body ? '' : document.activeElement.textContent"


@pytest.fixture(scope="module")
def server(serve):
    return serve(env={"GANOMETER_WORKER": "none"})


def test_start_by_keyboard_in_at_most_15_presses(server, store, open_page, wait_idle):
    page = open_page(server, "/train")
    presses = 0
    while "Start training" not in page.evaluate(FOCUSED):
        page.keyboard.press("Tab")
        presses += 1
        assert presses <= 15, page.evaluate(FOCUSED)
        if page.evaluate(FOCUSED) == "Skip to a new run":
            page.keyboard.press("Enter")
            page.wait_for_function(f"() => document.activeElement === document.querySelector('{START}')")
    page.keyboard.press("Enter")
    page.wait_for_url("**run=*")
    wait_idle(page)
    assert store.runs.all()[0].id in page.url


@pytest.mark.parametrize("width", [390, 1366])
def test_start_is_in_sight_wherever_the_form_is_scrolled_to_and_then_the_page_is_at_its_top(
    server, store, open_page, wait_idle, width
):
    page = open_page(server, "/train?part=new", width=width)  # a run of the test before may wait
    page.locator(".st-key-form").get_by_text("All settings").click()
    page.get_by_label("Search the settings").wait_for()
    for part in ("Data", "Recipe", "Seed", "Search the settings"):
        page.locator(".st-key-form").get_by_label(part, exact=True).first.scroll_into_view_if_needed()
        box = page.locator(START).bounding_box()
        assert box and 0 <= box["y"] and box["y"] + box["height"] <= 900, part
    known = {run.id for run in store.runs.all()}
    page.get_by_role("spinbutton", name="Seed").fill(str(width))
    page.locator(START).click()
    page.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop === 0")
    wait_idle(page)
    (new,) = {run.id for run in store.runs.all()} - known
    assert f"run={new}" in page.url
