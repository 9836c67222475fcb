"""What drawing a page takes of the server: what thirty people do at once must not be done twice a second by each."""

import gc
import json
import time
import weakref
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gan_core.config import presets
from gan_core.store import Store
from ui.frame import page as shell

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


def test_only_who_is_next_in_the_queue_looks_twice_a_second(store, monkeypatch):
    every, live = {}, shell.Page.live

    def heard(page, draw, **about):
        every[about["key"]] = about["every"]
        return live(page, draw, **about)

    monkeypatch.setattr(shell.Page, "live", heard)
    waiting = [store.runs.create(presets.preset("auto", data="digits", shape=(8, 8, 1), seed=s)) for s in range(3)]
    rhythms = []
    for run_id in waiting:
        at = AppTest.from_file(APP, default_timeout=30)
        at.switch_page("pages/train.py")
        at.query_params["run"] = run_id
        assert not at.run().exception
        rhythms.append(every["live"])
    assert rhythms == [shell.PENDING_SECONDS, shell.LIVE_SECONDS, shell.LIVE_SECONDS]


def test_garbage_is_not_looked_for_among_what_was_imported(store):
    shell._set_aside.cache_clear()
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

    shell._set_aside(-1)
    try:
        once = Drawn()
        once.itself = once
        gone = weakref.ref(once)
        del once
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    ("ago", "said", "shown"),
    [(1, {"run": "old", "step": "3"}, "new"), (1, {}, "new"), (60, {"run": "old"}, "old"), (1, {"run": "new"}, "new")],
    ids=["another run", "no run", "long afterwards", "the same"],
)
def test_a_timer_s_old_word_on_where_the_browser_is_does_not_count(ago, said, shown):
    """It comes with the address from before the click that chose another run."""

    def timer():
        import streamlit as st

        from ui.frame import page as shell

        shell._stay_there()
        st.json(st.query_params.to_dict())

    at = AppTest.from_function(timer)
    at.session_state["went to"] = "new", "old", time.monotonic() - ago
    for name, value in said.items():
        at.query_params[name] = value
    assert json.loads(at.run().json[0].value) == {"run": shown}


def test_a_page_that_has_followed_a_new_run_is_not_led_back_by_what_the_browser_said_before(store):
    """Nobody has chosen a run, so the page shows the example, and then the one that somebody starts. What a timer sends
    just then still has the list of runs as the browser was shown it."""
    at = AppTest.from_file(APP, default_timeout=30)
    at.switch_page("pages/train.py")
    assert not at.run().exception
    example = at.selectbox(key="train run").value
    run_id = store.runs.create(presets.preset("auto", data="digits", shape=(8, 8, 1)))
    assert not at.run().exception
    assert at.selectbox(key="train run").value == run_id
    at.selectbox(key="train run").set_value(example)
    assert not at.run().exception
    assert at.selectbox(key="train run").value == run_id and "run" not in at.query_params

    at.session_state["went to"] = (None, example, time.monotonic() - shell.LATE_SECONDS)  # a person, later
    at.selectbox(key="train run").set_value(example)
    assert not at.run().exception
    assert at.selectbox(key="train run").value == at.query_params["run"] == example
