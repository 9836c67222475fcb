"""Charts in a real browser: what their reader did to them outlives new data, and a click on a curve chooses a step."""

import re
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, Page, expect

from gan_core import preset
from gan_core.config.run_config import override
from gan_core.store import Store

pytestmark = pytest.mark.slow  # together they take minutes, which a run of all tests has not got

FIRST = 60_000
"""Milliseconds within which a run's first curves show."""
UPDATES = 5

NEWEST = "box => Math.max(...box.calcdata.map(curve => curve.at(-1).x || 0))"
"""The step a chart's curves have reached."""
RANGES = "box => ['xaxis', 'yaxis'].map(axis => box.layout[axis].range.map(Number))"
HIDDEN = "box => box.data.filter(curve => curve.visible === 'legendonly').map(curve => curve.name)"
DRAWN = "box => box.querySelector('.main-svg') !== null && !!box.calcdata"


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture
def run_id(server, store, open_page):
    """The ring recipe, training for as long as the test takes."""
    run_id = store.runs.create(override(preset("auto", data="ring-8"), {"training.steps": 200_000}), name="live")
    yield run_id
    store.commands.send(run_id, "stop")


@pytest.fixture(autouse=True)
def quiet_console(console_errors):
    """No page reports an error, but for an address that Streamlit itself tries first on a deep link."""
    yield
    assert [error for error in console_errors if not re.search(r"404.*/\w+/_stcore/", error)] == []


def chart(page: Page, alt: str) -> Locator:
    """A chart by its description, as soon as it is drawn; in sight, as it is not drawn again where nobody sees it."""
    box = page.get_by_role("figure", name=alt)
    box.scroll_into_view_if_needed(timeout=FIRST)
    expect(box.locator(".main-svg").first).to_be_visible(timeout=FIRST)
    return box


def wait_for(box: Locator, expression: str, than: object, timeout: float = FIRST) -> None:
    """Until `expression` of the chart is more than a value."""
    box.scroll_into_view_if_needed()
    box.page.wait_for_function(
        f"([box, than]) => ({expression})(box) > than", arg=[box.element_handle(), than], timeout=timeout
    )


def place(box: Locator) -> dict:
    """Where the curves are drawn, in pixels of the page."""
    box.scroll_into_view_if_needed()
    return box.locator(".nsewdrag").first.bounding_box()


def zoom(box: Locator) -> None:
    """Drag over the middle of the chart."""
    inside, mouse = place(box), box.page.mouse
    mouse.move(inside["x"] + 0.3 * inside["width"], inside["y"] + 0.3 * inside["height"])
    mouse.down()
    mouse.move(inside["x"] + 0.6 * inside["width"], inside["y"] + 0.7 * inside["height"], steps=5)
    mouse.up()


def example_of(store: Store) -> str:
    return next(run.id for run in store.runs.all() if "example" in run.name)


def test_zoom_and_hidden_curves_outlive_five_updates_without_flicker(server, open_page, run_id):
    page = open_page(server, f"/train?run={run_id}")
    distance, losses = chart(page, "Energy distance over steps"), chart(page, "Losses over steps")
    wait_for(distance, NEWEST, 100)
    whole = distance.evaluate(RANGES)
    distance.evaluate("box => { box.mine = true; box.querySelector('.main-svg').mine = true; }")
    losses.locator(".legendtoggle").first.click()
    expect(losses.locator(".legend .traces").first).to_have_css("opacity", "0.5")
    (hidden,) = losses.evaluate(HIDDEN)
    zoom(distance)
    page.wait_for_function(
        f"([box, whole]) => ({RANGES})(box)[0][0] > whole", arg=[distance.element_handle(), whole[0][0]]
    )
    zoomed = distance.evaluate(RANGES)
    for _ in range(UPDATES):
        for each in (distance, losses):
            wait_for(each, NEWEST, each.evaluate(NEWEST))
        assert distance.evaluate(RANGES) == zoomed
        assert losses.evaluate(HIDDEN) == [hidden]
    assert distance.evaluate("box => box.isConnected && box.mine && box.querySelector('.main-svg').mine")

    inside = place(distance)
    page.mouse.dblclick(inside["x"] + inside["width"] / 2, inside["y"] + inside["height"] / 2)
    wait_for(distance, "box => box.layout.xaxis.range[1]", whole[0][1])
    follows = distance.evaluate(RANGES)
    wait_for(distance, "box => box.layout.xaxis.range[1]", follows[0][1])


def test_the_buttons_above_a_chart_do_what_they_say(server, open_page, store):
    open_page(server)
    page = open_page(server, f"/train?run={example_of(store)}")
    distance = chart(page, "Energy distance over steps")
    whole = distance.evaluate(RANGES)
    assert distance.get_by_role("button", include_hidden=True).evaluate_all("all => all.map(b => b.ariaLabel)") == [
        "Download plot as a PNG",
        "Zoom",
        "Pan",
        "Zoom in",
        "Zoom out",
        "Reset axes",
        "Full screen",
    ]
    distance.hover()
    distance.get_by_role("button", name="Zoom in").click()
    wait_for(distance, "box => box.layout.xaxis.range[0]", whole[0][0])
    distance.get_by_role("button", name="Reset axes").click()
    page.wait_for_function(f"box => JSON.stringify(({RANGES})(box)[0])", arg=distance.element_handle())
    assert distance.evaluate(RANGES) == whole
    distance.get_by_role("button", name="Full screen").click()
    page.wait_for_function("box => box.layout.height === innerHeight", arg=distance.element_handle())
    page.evaluate("document.exitFullscreen()")
    page.wait_for_function("box => box.layout.height === 128", arg=distance.element_handle())


def test_a_chart_is_as_wide_as_its_place(server, open_page, store):
    open_page(server)
    page = open_page(server, f"/train?run={example_of(store)}")
    distance = chart(page, "Energy distance over steps")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "([box, wide]) => box.layout.width === box.clientWidth && (box.clientWidth > 400) === wide",
            arg=[distance.element_handle(), width > 390],
        )


def test_colours_follow_the_theme_while_the_page_is_open(server, open_page, store):
    open_page(server)
    page = open_page(server, f"/train?run={example_of(store)}", color_scheme="light")
    distance = chart(page, "Losses over steps")
    for scheme, paper, text in (("light", "#fcfcfb", "#55637a"), ("dark", "#0f141a", "#aab7c6")):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "([box, paper]) => box.layout.template.layout.paper_bgcolor === paper",
            arg=[distance.element_handle(), paper],
        )
        assert distance.evaluate("box => box.layout.template.layout.font.color") == text
        title = distance.locator(".ytitle")
        expect(title).to_have_css("fill", "rgb({}, {}, {})".format(*bytes.fromhex(text[1:])))


def test_a_click_on_a_metrics_curve_chooses_the_step(server, open_page, store):
    open_page(server)
    run_id = example_of(store)
    steps = store.recordings.snapshot_steps(run_id)
    page = open_page(server, f"/distances?part=curves&run={run_id}")
    curve = chart(page, "Energy distance over steps")
    inside = place(curve)
    low, high = curve.evaluate("box => box.layout.xaxis.range.map(Number)")
    page.mouse.move(inside["x"] + inside["width"] / 3, inside["y"] + inside["height"] / 2)
    expect(curve.locator(".hoverlayer text").first).to_be_attached()
    page.mouse.click(inside["x"] + inside["width"] / 3, inside["y"] + inside["height"] / 2)
    page.wait_for_url(re.compile(r"step=\d+"))
    step = int(re.search(r"step=(\d+)", page.url)[1])
    assert step in steps
    assert step == min(steps, key=lambda s: abs(s - (low + (high - low) / 3)))
    expect(page.get_by_role("slider").first).to_have_attribute("aria-valuetext", f"{step:,}")


def test_charts_are_drawn_below_a_base_path(serve, server, open_page, store):
    open_page(server)
    run_id = example_of(store)
    below = serve(home=server.home, env={"GANOMETER_WORKER": "none"}, below="/some/where")
    page = open_page(below, f"/train?run={run_id}")
    chart(page, "Energy distance over steps")
    page.locator(".st-key-menu").get_by_role("link", name="Distances").click()
    chart(page, "Mean distances over steps")
    scripts = [s for s in page.evaluate("performance.getEntriesByType('resource').map(r => r.name)") if "/app/" in s]
    assert len(scripts) == 2 and all(s.startswith(f"{below.url}/app/static/plot") for s in scripts)
    for script in scripts:
        answer = urlopen(script)
        assert answer.headers["Content-Type"].startswith("application/javascript")
        assert "1970" in answer.headers["Last-Modified"]  # what a browser keeps for years


def test_a_chart_whose_script_does_not_arrive_says_so(server, open_page, store, browser, console_errors):
    open_page(server)
    context = browser.new_context()
    context.route("**/app/static/**", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{server.url}/train?run={example_of(store)}")
    expect(page.get_by_text("This chart could not be drawn").first).to_be_visible(timeout=FIRST)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    context.close()


def test_a_chart_that_stays_as_it_was_is_not_drawn_again(server, open_page, store):
    open_page(server)
    page = open_page(server, f"/distances?part=curves&run={example_of(store)}")
    spread = chart(page, "Mean distances over steps")
    spread.evaluate("box => { box.draws = 0; box.on('plotly_afterplot', () => box.draws++); }")
    metric = page.get_by_role("combobox", name="Metric", exact=True)
    metric.click()
    metric.fill("Coverage")
    page.get_by_role("option", name="Coverage", exact=True).click()
    chart(page, "Coverage over steps")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert spread.evaluate("box => box.draws") == 0
    page.set_viewport_size({"width": 900, "height": 900})
    page.wait_for_function("box => box.draws > 0 && box.layout.width === box.clientWidth", arg=spread.element_handle())
