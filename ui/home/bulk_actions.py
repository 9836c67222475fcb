"""What can be done with several runs at once: compare, tag, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from gan_core import MOST_RUNS, RunInfo
from ui.frame.faults import attempt, guarded
from ui.frame.page import Page

TAG = "tag of the selected"


def box_of(run_id: str) -> str:
    """The key of the checkbox that selects a run."""
    return f"select {run_id}"


def selected(runs: Iterable[RunInfo]) -> list[RunInfo]:
    """Those of the runs whose checkbox is ticked."""
    return [run for run in runs if st.session_state.get(box_of(run.id))]


def select(runs: Iterable[RunInfo], on: bool) -> None:
    """Tick the checkboxes of some runs, or empty them; for callbacks."""
    for run in runs:
        st.session_state[box_of(run.id)] = on


def show_bulk_actions(page: Page, shown: Sequence[RunInfo]) -> None:
    """A row above the cards. What is selected and not shown is left alone: nobody deletes what is out of sight."""
    chosen = selected(shown)
    mine = [run for run in chosen if page.lab.runs.may_change(run, by=page.me)]
    ended = [run for run in mine if not run.active]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="bulk"):
        everything = len(chosen) == len(shown)
        st.button(
            "Select none" if everything else "Select all",
            key="select all",
            icon=":material/check_box_outline_blank:" if everything else ":material/select_all:",
            type="tertiary",
            on_click=guarded(select),
            args=(shown, not everything),
        )
        st.caption(f"{len(chosen)} selected" if chosen else "Select runs to act on several at once", width="content")
        compare = st.button(
            "Compare",
            key="compare selected",
            icon=":material/compare:",
            disabled=not 2 <= len(chosen) <= MOST_RUNS,
        )
        with st.popover("Tag", icon=":material/sell:", disabled=not mine, key="tag selected"):
            st.text_input("Tag", key=TAG, on_change="ignore")
            st.button("Add the tag", key="add tag", on_click=guarded(lambda: _tag(page, mine)))
        with st.popover("Delete", icon=":material/delete:", disabled=not ended, key="delete selected"):
            st.markdown(f"Delete {_counted(ended)} with all samples and measurements? This cannot be undone.")
            if left := len(chosen) - len(ended):
                st.caption(f"{left} of the selected stay: they still train, or belong to somebody else.")
            st.button(
                "Delete permanently",
                key="delete all selected",
                type="primary",
                icon=":material/delete:",
                on_click=guarded(lambda: _each(ended, lambda run: page.lab.runs.delete(run.id, by=page.me))),
            )
    if compare:
        st.switch_page("pages/compare.py", query_params={"runs": ",".join(run.id for run in chosen)})


def _tag(page: Page, runs: Sequence[RunInfo]) -> None:
    tag = st.session_state.get(TAG, "")
    _each(runs, lambda run: page.lab.runs.tag(run.id, (*run.tags, tag), by=page.me))


def _each(runs: Sequence[RunInfo], act: Callable[[RunInfo], object]) -> None:
    """Act on each run; of one with which it cannot be done the reason is shown, and the others are done."""
    for run in runs:
        attempt(act, run)
    select(runs, False)


def _counted(runs: Sequence[RunInfo]) -> str:
    return "1 run" if len(runs) == 1 else f"{len(runs)} runs"
