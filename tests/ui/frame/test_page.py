"""What drawing a page takes of the server: what thirty people do at once must not be done twice a second by each."""

import gc
import weakref
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gan_core.config import presets
from gan_core.store import Store
from ui.frame import page as frame
from ui.frame.refresh_rate import LIVE_SECONDS, PENDING_SECONDS

APP = Path(__file__).resolve().parents[3] / "app.py"


@pytest.fixture
def store(home):
    st.cache_resource.clear()
    st.cache_data.clear()
    store = Store(f"sqlite:///{home / 'ganometer.sqlite'}")
    yield store
    store.close()
    st.cache_resource.clear()
    st.cache_data.clear()


def test_every_page_stands_in_the_menu():
    files = {f"pages/{file.name}" for file in (APP.parent / "pages").glob("*.py")}
    menu = {path for path, *_ in frame.PAGES.values()}
    assert menu == files | {"app.py"}, "PAGES in ui/frame/page.py has a line for each file of pages/"


def test_only_who_is_next_in_the_queue_looks_twice_a_second(store, monkeypatch):
    every, live = {}, frame.Page.live

    def heard(page, draw, **about):
        every[about["key"]] = about["every"]
        return live(page, draw, **about)

    monkeypatch.setattr(frame.Page, "live", heard)
    waiting = [store.runs.create(presets.preset("auto", data="digits", shape=(8, 8, 1), seed=s)) for s in range(3)]
    rhythms = []
    for run_id in waiting:
        at = AppTest.from_file(APP, default_timeout=30)
        at.switch_page("pages/train.py")
        at.query_params["run"] = run_id
        assert not at.run().exception
        rhythms.append(every["live"])
    assert rhythms == [PENDING_SECONDS, LIVE_SECONDS, LIVE_SECONDS]


def test_garbage_is_not_looked_for_among_what_was_imported(store):
    frame._set_aside.cache_clear()
    gc.unfreeze()
    at = AppTest.from_file(APP, default_timeout=30)
    assert not at.run().exception
    left = len(gc.get_objects())
    try:
        assert gc.get_freeze_count() > 5 * left  # what every later page searches through is the rest
    finally:
        gc.unfreeze()


def test_what_is_drawn_later_is_garbage_when_its_page_has_gone(store):
    class Drawn: ...

    frame._set_aside(-1)
    try:
        once = Drawn()
        once.itself = once
        gone = weakref.ref(once)
        del once
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_a_page_whose_store_goes_away_says_so_and_is_whole_again_when_it_is_back(home, store):
    run_id = store.runs.create(presets.preset("auto", data="digits", shape=(8, 8, 1)))
    for path in ("app.py", "pages/train.py"):
        at = AppTest.from_file(APP, default_timeout=30)
        if path != "app.py":
            at.switch_page(path)
        at.query_params["run"] = run_id
        assert not at.run().exception and not at.error
        file, away = home / "ganometer.sqlite", home / "away.sqlite"
        file.rename(away)
        assert not at.run().exception
        assert [error.proto.title for error in at.error] == ["The store cannot be used"]
        assert any("tries again after 2 seconds" in caption.value for caption in at.caption)
        away.rename(file)
        assert not at.run().exception and not at.error
