"""All settings of a run that is not over, by group: changed together, between two steps."""

from collections.abc import Callable

import streamlit as st

from gan_core import RunInfo, edited, needs_compiling, settings_in_words
from ui.frame.faults import guarded, told
from ui.frame.page import Page
from ui.frame.text import plain
from ui.train.settings_widgets import settings_of


def show_all_settings(page: Page, run: RunInfo) -> None:
    """What may be changed of the run, and what became of earlier changes."""
    with st.expander("All settings", icon=":material/tune:", on_change="rerun", key="edit") as box:
        if not box.open:
            return
        st.caption(
            "A changed number applies at once. Another loss, or a term that was switched off, is compiled first, which "
            "takes some seconds."
        )
        changed = settings_of(page.lab.runs.config_to_be(run), f"edit {run.id}")
        with st.container(key="apply bar"):  # in sight at the bottom, however far up somebody changes something
            st.button(
                "Change from the next step on",
                key="set",
                type="primary",
                icon=":material/check:",
                on_click=guarded(lambda: page.do(change, page, run.id, changed)),
            )
        show_sent(page, run)


def change(page: Page, run_id: str, changed: Callable[[], dict], *, by: str) -> None:
    """Send what was entered and differs from what the run has."""
    run, changes = page.lab.runs.get(run_id, by=by), changed()
    before = page.lab.runs.config_to_be(run)
    outcome = page.lab.runs.change(run_id, changes, by=by)
    if outcome == "nothing to change":
        st.toast("Nothing was changed: every setting is as it was.", icon=":material/info:")
    elif needs_compiling(before, edited(before, changes, step=run.step)):
        st.toast("The change is compiled first. The run continues in some seconds.", icon=":material/build:")


def show_sent(page: Page, run: RunInfo) -> None:
    """The changes that wait for the worker, and what became of the others."""
    for command in page.lab.runs.sent_commands(run):
        if command.kind == "set":
            st.caption(f"Waits for the worker: {plain(settings_in_words(command.payload['changes']))}")
    for command, outcome in page.lab.runs.done_commands(run):
        if command.kind == "set":
            st.caption(f"{told(outcome).capitalize()}: {plain(settings_in_words(command.payload['changes']))}")
