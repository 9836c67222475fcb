"""What stands beside the picture: all that can be done with the run that is shown, or the form of a new one."""

import streamlit as st

from gan_core import RunInfo
from ui.frame.faults import part
from ui.frame.page import Page
from ui.train.all_settings import show_all_settings
from ui.train.details import what_it_is
from ui.train.run_buttons import show_run_buttons
from ui.train.run_controls import show_run_controls
from ui.train.run_form import show_setup
from ui.train.tweaks import show_tweaks
from ui.train.upload_form import show_upload
from ui.train.uploads_list import show_uploads

WITHOUT_NETWORKS = (
    "This run was not trained here, so there are no sliders and nothing to resume or fork. Its samples are measured, "
    "shown and compared like those of any run."
)
NOT_OVER = ("queued", "running", "paused", "stopped", "interrupted")


def show_run_side(page: Page, run: RunInfo, pending: str | None) -> None:
    """The buttons, the sliders with all settings behind them, and what can be made of the run; of a run that was not
    trained here only what it is."""
    if not run.trained_here:
        with part("The run"):
            st.markdown(what_it_is(page, run))
            st.caption(WITHOUT_NETWORKS)
        return
    with part("The buttons"):
        show_run_buttons(page, run, pending)
    if run.state in NOT_OVER and page.lab.runs.may_change(run, by=page.me):
        with part("The sliders"):
            show_tweaks(page, run)
        with part("The settings"):
            show_all_settings(page, run)
    else:
        with part("The recipe"):
            st.markdown(what_it_is(page, run))
    with part("The controls"):
        show_run_controls(page, run)


def show_form_side(page: Page) -> None:
    """The form of a new run, and a person's own data."""
    with part("The form"):
        show_setup(page)
    with part("Your own data"):
        show_upload(page)
        show_uploads(page.lab, page.me)
