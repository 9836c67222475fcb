"""A report in a real Chromium, from a disk: it asks nobody for anything, moves, and runs no script of a stranger's."""

import pytest

from gan_core.reports.html_page import html_of
from tests.reports.documents import HOSTILE, document


@pytest.fixture
def opened(browser, tmp_path):
    """`opened(document)`: its page, everything that it asked for, and every error."""
    contexts = []

    def show(about, **options):
        file = tmp_path / "report.html"
        file.write_bytes(html_of(about))
        contexts.append(browser.new_context(**options))
        page, asked, errors = contexts[-1].new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.goto(file.as_uri())
        page.wait_for_selector(".chart path.curve")
        return page, asked, errors

    yield show
    for context in contexts:
        context.close()


def asked_of_others(asked: list[str]) -> list[str]:
    assert [url for url in asked if url.startswith("file:")] == asked[:1]  # the file itself
    return [url for url in asked[1:] if not url.startswith("data:")]


def test_it_moves_and_asks_nobody_for_anything(opened):
    page, asked, errors = opened(document("digits", "mnist"))
    picture, slider = page.locator(".samples .generated").first, page.locator(".samples input").first
    last = picture.get_attribute("src")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator(".samples output").first.text_content() == "10"
    assert picture.get_attribute("src") != last
    page.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") == last

    chart = page.locator(".chart svg[tabindex]").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=4)
    page.mouse.up()
    low, high = (float(chart.get_attribute(f"data-{end}")) for end in ("from", "to"))
    assert 2000 < low < high < 10_000
    assert page.locator(".told").first.text_content().startswith("step ")
    page.get_by_role("button", name="All steps").first.click()
    assert chart.get_attribute("data-from") == "0" and chart.get_attribute("data-to") == "11960"
    chart.focus()
    page.keyboard.press("+")
    assert float(chart.get_attribute("data-from")) > 0
    page.keyboard.press("0")
    assert chart.get_attribute("data-from") == "0"
    assert asked_of_others(asked) == [] and errors == []


@pytest.mark.parametrize("size", [(390, 844), (1366, 768)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_both_schemes(opened, size, scheme):
    name = "a" * 100
    page, asked, errors = opened(
        document(name, "digits"), viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert asked_of_others(asked) == [] and errors == []


def test_no_name_runs_anything(opened):
    page, asked, errors = opened(document(*HOSTILE))
    page.locator("h2").nth(1).hover()
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("window.hacked") is None and page.locator("img[src=x]").count() == 0
    assert HOSTILE[0] in page.locator(".legend").first.text_content()
    assert asked_of_others(asked) == [] and errors == []


def test_the_policy_holds_for_what_a_template_would_let_through(opened):
    """The second lock: a script that stands in the page all the same does not run."""
    page, asked, errors = opened(document("digits"))
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hacked=1'}))"
    )
    page.wait_for_function("performance.now() > 0")
    assert page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in error for error in errors)
