"""Every page, by day and by night, on a screen and on a telephone: axe-core's rules, and nothing that jumps."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from gan_core.store import Store

PAGES = {
    "home": "/",
    "train": "/train?run={run}",
    "train, new": "/train?run={run}&part=new",
    **{
        f"distances, {part}": f"/distances?run={{run}}&part={part}"
        for part in ("verdict", "samples", "curves", "report", "check")
    },
    "gallery": "/gallery?run={run}",
    "compare": "/compare?runs={run}",
}
MOST_SHIFT = 0.1
"""What web.dev calls good: https://web.dev/articles/cls"""
SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
HIT = """all => all.filter(thing => {
    const { x, y, width, height } = thing.getBoundingClientRect();
    return thing.contains(document.elementFromPoint(x + width / 2, y + height / 2)) && width >= 24 && height >= 24;
}).map(thing => [...thing.querySelectorAll("p")].at(-1).textContent)"""
"""Which of some links and buttons a finger on their middle hits, by their words."""
SEEN = """() => {
    const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
    return !document.activeElement.matches("a, button") || outlineStyle !== "none" || boxShadow !== "none";
}"""
"""Whether the link or button that has focus is marked."""
SETTLED = "[class*='st-key-progress'] [data-testid='stProgress']"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(scope="module")
def run(server, browser) -> str:
    """The finished run that ships with the app, of which every page has been asked once."""
    visitor = browser.new_page()
    visitor.goto(server.url)
    expect(visitor.get_by_text("A finished run")).to_be_visible(timeout=60_000)
    store = Store(f"sqlite:///{server.home / 'ganometer.sqlite'}")
    run_id = next(run.id for run in store.runs.all() if "example" in run.name)
    store.close()
    for path in PAGES.values():
        visitor.goto(server.url + path.format(run=run_id))
        visitor.wait_for_timeout(1_000)
        expect(visitor.locator(SETTLED)).to_have_count(0, timeout=60_000)
    visitor.close()
    return run_id


@pytest.mark.parametrize("width", [1366, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(server, open_page, run, name, theme, width):
    page = open_page(server, PAGES[name].format(run=run), color_scheme=theme, width=width)
    expect(page.locator(SETTLED)).to_have_count(0, timeout=60_000)
    found = Axe().run(page, options={"rules": {"target-size": {"enabled": True}}}).response["violations"]
    assert [(broken["id"], node["target"], node["html"][:200]) for broken in found for node in broken["nodes"]] == []


@pytest.mark.parametrize("width", [1366, 390])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_jumps_while_a_page_arrives(server, browser, wait_idle, run, name, width):
    with browser.new_context(viewport={"width": width, "height": 768 if width > 400 else 844}) as context:
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.goto(server.url + PAGES[name].format(run=run))
        wait_idle(page)
        expect(page.locator(SETTLED)).to_have_count(0, timeout=60_000)
        assert page.evaluate("window.shift") <= MOST_SHIFT


@pytest.mark.parametrize("width", [1366, 390])
def test_nothing_jumps_where_the_style_comes_last(server, browser, wait_idle, run, width):
    with browser.new_context(viewport={"width": width, "height": 768 if width > 400 else 844}) as context:
        page, held = context.new_page(), []
        page.add_init_script(SHIFTS)
        page.route("**/rehype-raw.*.js", lambda route: held.append(route))
        page.goto(server.url + PAGES["train"].format(run=run))
        expect(page.get_by_alt_text("64 generated samples").first).to_be_attached(timeout=30_000)
        expect(page.get_by_role("button", name="Duplicate")).to_be_attached(timeout=30_000)
        held[0].continue_()
        wait_idle(page)
        assert page.evaluate("window.shift") <= MOST_SHIFT


@pytest.mark.parametrize("part", ["verdict", "samples", "curves", "report", "check"])
def test_no_part_is_longer_than_three_screens(server, browser, wait_idle, run, part):
    with browser.new_context(viewport={"width": 1366, "height": 768}) as context:
        page = context.new_page()
        page.goto(server.url + PAGES[f"distances, {part}"].format(run=run))
        wait_idle(page)
        expect(page.locator(SETTLED)).to_have_count(0, timeout=60_000)
        main = page.get_by_test_id("stMainBlockContainer")
        assert main.evaluate("box => box.scrollHeight") <= 3 * 768


def test_chart_tools_are_no_stops_of_the_keyboard(server, open_page, run):
    page = open_page(server, PAGES["distances, curves"].format(run=run))
    buttons = page.locator(".modebar-btn")
    expect(buttons.first).to_be_attached(timeout=30_000)
    assert set(buttons.evaluate_all("all => all.map(button => button.tabIndex)")) == {-1}


def test_a_finger_has_no_chart_tools_and_draws_along_the_plane(server, browser, wait_idle, run):
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(server.url + PAGES["distances, curves"].format(run=run))
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=30_000)
        expect(page.locator(".modebar-btn")).to_have_count(0)
        page.goto(server.url + PAGES["gallery"].format(run=run))
        wait_idle(page)
        page.get_by_text("Latent plane").first.click()
        cells = page.locator(".st-key-plane-grid .cells")
        cells.scroll_into_view_if_needed(timeout=60_000)
        expect(cells).to_have_attribute("data-drawn", "225", timeout=30_000)
        box = cells.bounding_box()
        words = page.locator(".st-key-plane-grid .enlarged div")
        touch = context.new_cdp_session(page)

        def finger(kind: str, share: float) -> None:
            points = [{"x": box["x"] + share * box["width"], "y": box["y"] + share * box["height"]}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

        finger("touchStart", 0.5 / 15)
        expect(words).to_have_text("row 1, column 1")
        for place in (3.5, 6.5, 9.5):
            finger("touchMove", place / 15)
            expect(words).to_have_text(f"row {int(place) + 1}, column {int(place) + 1}")
        finger("touchEnd", 9.5 / 15)
        assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("width", [1366, 390])
@pytest.mark.parametrize("name", PAGES)
def test_all_of_the_header_can_be_touched(server, open_page, run, name, width):
    page = open_page(server, PAGES[name].format(run=run), width=width)
    things = page.locator(".st-key-menu").locator("a, button")
    expect(things).to_have_count(6)
    assert things.evaluate_all(HIT) == ["Home", "Train", "Distances", "Gallery", "Compare", "What is a GAN?"]


def test_on_a_phone_the_curve_stands_behind_what_is_done_with_the_run(server, open_page, run):
    page = open_page(server, PAGES["train"].format(run=run), width=390)
    parts = (
        ".st-key-state",
        ".st-key-pictures",
        ".st-key-why-verdict",
        ".st-key-beside",
        "[class*='st-key-distance-']",
    )
    tops = [page.locator(part).first.bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)


@pytest.mark.parametrize("name", PAGES)
def test_a_keyboard_skips_the_menu_sees_where_it_is_and_knows_the_page(server, open_page, run, name):
    page = open_page(server, PAGES[name].format(run=run), width=1366)
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_attached()
    current = page.locator("[aria-current=page]").all_inner_texts()
    assert [text.rsplit("\n", 1)[-1].lower() for text in current] == [name.split(",")[0]]
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.get_by_role("link", name="Home").last.focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML")
