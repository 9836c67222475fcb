"""Starting a run from a page. Where an equal run is there already, the page leads to that one and says so."""

from __future__ import annotations

import streamlit as st

from gan_core import Lab, RunConfig, RunInfo
from ui.frame.faults import guarded
from ui.frame.navigation import go_to_run
from ui.frame.page import Page
from ui.frame.text import plain

ANSWERED = "run that answered a start"
"""The key of the session state: the id of the equal run that a start has led to."""


def start_run(lab: Lab, me: str, config: RunConfig, nonce: str | None) -> str:
    """Start a run of `me`, or find the equal one that is there; returns its id. Raises what `lab.runs.start` does."""
    run_id = lab.runs.start(config, by=me, nonce=nonce)
    run = lab.runs.get(run_id, by=me)
    if run.state == "finished" or not lab.people.is_mine(run, by=me):
        st.session_state[ANSWERED] = run_id
    return run_id


def show_equal_run(page: Page, run: RunInfo) -> None:
    """Below the run that has answered a start: why it is this one, and how to train all the same."""
    if st.session_state.get(ANSWERED) != run.id:
        return
    done = "has been trained already" if run.state == "finished" else "is being trained already"
    whose = page.lab.people.owners(by=page.me).get(run.owner, "somebody else")
    by = "" if page.lab.people.is_mine(run, by=page.me) else f", by {plain(whose)}"
    st.info(
        f"This run {done}{by}: the same settings, seed, data and versions give the same samples. You can look at it, "
        "measure it and fork it here.",
        icon=":material/done_all:",
    )
    st.button("Train anyway", key="train anyway", icon=":material/replay:", on_click=guarded(_again), args=(page, run))


def _again(page: Page, run: RunInfo) -> None:
    go_to_run(page.lab.runs.start(run.config, by=page.me, again=True))
    st.session_state.pop(ANSWERED, None)
