"""How often pages look again: what thirty people do at once must not be done twice a second by each."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gan_core import presets
from gan_core.store import Store
from ui import shell

APP = Path(__file__).resolve().parents[1] / "app.py"


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
