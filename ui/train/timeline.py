"""The kept steps of a run: a slider with a time-lapse, the way back to live, and where settings were changed."""

import streamlit as st

from gan_core import RunInfo
from ui.frame.event_log import marked_events
from ui.frame.faults import guarded
from ui.frame.navigation import go_to_step, navigation
from ui.frame.page import Page
from ui.frame.pickers import pick_step
from ui.frame.text import plain

MOST_MARKS = 3
"""So many changes of settings are named beside the slider, the newest first; the event log has all."""


def show_timeline(page: Page, run: RunInfo) -> None:
    steps = page.lab.results.snapshot_steps(run)
    if not steps:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="timeline"):
        with st.container(key="steps"):
            pick_step(page, steps)
        if navigation().place.step is not None:
            st.button(
                "Back to live" if run.active else "Back to the newest",
                key="back to live",
                icon=":material/sensors:",
                on_click=guarded(lambda: back_to_live(steps)),
            )
    marks = marked_events(page, run)
    if marks:
        newest = " · ".join(f"step {step:,}: {plain(words)}" for step, words in marks[: -MOST_MARKS - 1 : -1])
        more = f" · {len(marks) - MOST_MARKS} more in the event log" if len(marks) > MOST_MARKS else ""
        st.caption(f":material/flag: {newest}{more}")


def back_to_live(steps: tuple[int, ...]) -> None:
    go_to_step(steps[-1], steps)
    st.rerun()
