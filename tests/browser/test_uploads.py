"""What strangers' files cost a server: little memory, all of it given back, and no other visitor's time."""

import io
import re
import threading
import time
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from playwright.sync_api import expect

from tests import hostile_files

pytestmark = pytest.mark.slow

MB = 2**20
ENDED = re.compile("This file cannot be used|Use this data")
CASES = (
    "a line of five million cells",
    "nine million rows",
    "a quotation of 19 MB",
    "sixty million labels",
    "very many files",
    "large pictures",
)


@pytest.fixture(scope="module")
def server(serve):
    return serve(env={"GANOMETER_WORKER": "none"})


def memory(server) -> float:
    """Megabytes that the server holds."""
    return psutil.Process(server.process.pid).memory_info().rss / MB


@contextmanager
def highest(server):
    """The most memory that the server holds inside the block, as a list of one number."""
    found, done = [memory(server)], threading.Event()

    def watch():
        while not done.wait(0.02):
            found[0] = max(found[0], memory(server))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def settled(server, before: float) -> float:
    """The megabytes that the server holds more than `before`, once it has had time to give others back."""
    end = time.monotonic() + 10
    while (kept := memory(server) - before) > 10 and time.monotonic() < end:
        time.sleep(0.2)
    return kept


def open_form(page) -> None:
    if not page.get_by_test_id("stFileUploader").is_visible():
        page.get_by_text("Use your own data").click()


def remove(page) -> None:
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()


def give(page, tmp_path, name: str, data: bytes) -> None:
    open_form(page)
    (tmp_path / name).write_bytes(data)
    page.locator("input[type=file]").set_input_files(tmp_path / name)


def test_a_hostile_file_takes_little_memory_and_all_of_it_is_given_back(server, open_page, tmp_path):
    page = open_page(server, "/train")
    give(page, tmp_path, "first.csv", b"1,2\n")
    expect(page.get_by_text(ENDED).first).to_be_visible(timeout=60_000)
    remove(page)
    for case in CASES:
        name, make, _ = hostile_files.REFUSED[case]
        data, before = make(), memory(server)
        with highest(server) as most:
            give(page, tmp_path, name, data)
            expect(page.get_by_text("This file cannot be used")).to_be_visible(timeout=60_000)
        assert most[0] - before < 2 * len(data) / MB + 100, case
        remove(page)
        assert settled(server, before) < 10, case


def test_another_visitor_s_home_does_not_wait_for_a_file(server, open_page, tmp_path, wait_idle):
    other, mine = open_page(server), open_page(server, "/train")

    def seconds() -> float:
        began = time.monotonic()
        other.reload()
        wait_idle(other)
        return time.monotonic() - began

    alone = max(seconds() for _ in range(3))
    give(mine, tmp_path, "a.zip", hostile_files.SLOW["interlaced pictures"][1]())
    expect(mine.get_by_text("Reading the file")).to_be_visible(timeout=30_000)
    assert max(seconds() for _ in range(3)) < max(2.0, 2 * alone)
    remove(mine)


def test_seven_visitors_who_hold_files_cost_the_server_hardly_anything(server, open_page, tmp_path):
    """Each has chosen a file of 11 MB, and leaves the page open; then all of them go."""
    pages = [open_page(server, "/train", timeout=120) for _ in range(7)]
    for page in pages:
        open_form(page)
    before, rng = memory(server), np.random.default_rng(0)
    for number, page in enumerate(pages):
        file = io.BytesIO()
        np.save(file, rng.integers(0, 256, (60_000, 14, 14), dtype=np.uint8))
        give(page, tmp_path, f"{number}.npy", file.getvalue())
    for page in pages:
        expect(page.get_by_role("button", name="Remove")).to_be_visible(timeout=120_000)
    assert settled(server, before) < 40
    for page in pages:
        page.context.close()
    assert settled(server, before) < 20
