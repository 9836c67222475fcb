"""The buttons of a run that is not over: pause, resume, some steps, stop."""

from collections.abc import Callable

import streamlit as st

from gan_core import RunInfo
from ui.frame.faults import guarded
from ui.frame.page import Page


def show_run_buttons(page: Page, run: RunInfo, pending: str | None) -> None:
    """They stand outside the live parts, so that a click never waits for a drawing to end."""
    mine = page.lab.runs.may_change(run, by=page.me)

    def act(label: str, command: Callable[..., object], icon: str, *, primary: bool = False) -> None:
        key, kind = label.lower(), "primary" if primary else "secondary"
        off = pending == key or not mine
        st.button(label, key=key, icon=icon, type=kind, disabled=off, on_click=page.do, args=(command, run.id))

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="controls"):
        if run.state in ("queued", "running"):
            act("Pause", page.lab.runs.pause, ":material/pause:")
        elif run.state in ("paused", "stopped", "interrupted"):
            act("Resume", page.lab.runs.resume, ":material/play_arrow:", primary=True)
        if run.active:
            show_steps(page, run, mine)
            act("Stop", page.lab.runs.stop, ":material/stop:")


def show_steps(page: Page, run: RunInfo, mine: bool) -> None:
    """Some steps, and then a pause."""
    with st.popover("Step", icon=":material/skip_next:", disabled=not mine):
        steps = st.number_input("Number of steps N", 1, 100_000, 100, key="step by", on_change="ignore")
        st.button(
            "Run N steps, then pause",
            key="step",
            icon=":material/skip_next:",
            on_click=guarded(lambda: page.do(page.lab.runs.step, run.id, int(st.session_state.get("step by", steps)))),
        )
