"""A word explains itself to the pointer, to the keyboard and to a finger, inside the window."""

import pytest
from playwright.sync_api import Locator, Page, expect

PATHS = ("/train", "/distances", "/gallery", "/")


@pytest.fixture(scope="module")
def server(serve):
    return serve()


def words_of(page: Page) -> list[Locator]:
    words = page.locator(".term").filter(visible=True)
    expect(words.first).to_be_visible(timeout=30_000)
    return words.all()


def explanation(word: Locator) -> Locator:
    return word.locator(".term-explained")


def test_the_keyboard_opens_an_explanation_and_escape_closes_it(server, open_page, console_errors):
    page = open_page(server, "/train")
    word = words_of(page)[0]
    expect(explanation(word)).to_be_hidden()
    for _ in range(60):
        page.keyboard.press("Tab")
        if word.evaluate("word => word === document.activeElement"):
            break
    expect(explanation(word)).to_be_visible()
    page.keyboard.press("Escape")
    expect(explanation(word)).to_be_hidden()
    expect(word).to_be_focused()
    page.keyboard.press("Tab")
    word.focus()
    expect(explanation(word)).to_be_visible()
    assert not [error for error in console_errors if "_stcore" not in error]


def test_escape_closes_an_explanation_and_not_the_dialog_around_it(server, open_page):
    page = open_page(server)
    page.get_by_role("button", name="What is a GAN?").click()
    dialog = page.get_by_role("dialog")
    word = dialog.locator(".term").first
    word.focus()
    expect(explanation(word)).to_be_visible()
    page.keyboard.press("Escape")
    expect(explanation(word)).to_be_hidden()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("path", PATHS)
def test_a_finger_opens_each_explanation_inside_a_telephone(server, browser, wait_idle, path):
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(server.url + path)
        wait_idle(page)
        for word in words_of(page):
            word.scroll_into_view_if_needed()
            word.tap()
            expect(explanation(word)).to_be_visible()
            box = explanation(word).bounding_box()
            assert 0 <= box["x"] and box["x"] + box["width"] <= 390 and box["height"] < 200, word.inner_text()
            assert 0 <= box["y"] and box["y"] + box["height"] <= 844, word.inner_text()
            assert in_front(page, word), word.inner_text()
            page.keyboard.press("Escape")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def in_front(page: Page, word: Locator) -> bool:
    """Whether nothing covers or cuts off the four corners of an explanation."""
    return explanation(word).evaluate("""text => {
        const { left, right, top, bottom } = text.getBoundingClientRect()
        const corners = [[left + 4, top + 4], [right - 4, top + 4], [left + 4, bottom - 4], [right - 4, bottom - 4]]
        return corners.every(([x, y]) => text.contains(document.elementFromPoint(x, y)))
    }""")
