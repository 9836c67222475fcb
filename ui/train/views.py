"""The three views of the Train page, by their name in the address: a run, the form of a new one, and a large one."""

import streamlit as st

from gan_core import RunInfo
from ui.frame.faults import guarded
from ui.frame.navigation import go_to_part, keep, navigation
from ui.frame.pickers import show_parts

BESIDE = {"run": "This run", "new": "New run"}
"""What stands beside the picture: the sliders of the run that is shown, or the form."""
PRESENT = "present"
"""The picture and its verdict alone, large enough for a projector."""


def view_of(run: RunInfo | None, before: str | None) -> str:
    """The view that the address names. Otherwise the form for whoever came to train: no run is named, and none trains.

    `before` is the run that was shown before: a run that the form has just started is looked at, and not the form.
    """
    place = navigation().place
    if run is None:
        return "new"
    if place.part == "new" and before not in (None, run.id) and place.run == run.id:
        go_to_part("run")
        return "run"
    if place.part in (*BESIDE, PRESENT):
        return place.part
    if "preset" in st.query_params or (place.run is None and not run.active):
        keep(navigation().drew_run(run.id))
        go_to_part("new")  # and it stays, also when another run begins meanwhile
        return "new"
    return "run"


def pick_view(view: str) -> None:
    """The switch between the run and the form of a new one."""
    show_parts("view", BESIDE, view, label="Beside the picture")


def show_view_button(view: str) -> None:
    """The button that opens the large view, or leaves it."""
    if view == PRESENT:
        label, icon, to = "Leave", ":material/close_fullscreen:", "run"
    else:
        label, icon, to = "Present", ":material/open_in_full:", PRESENT
    st.button(label, key="present", icon=icon, on_click=guarded(go_to_part), args=(to,), type="tertiary")
