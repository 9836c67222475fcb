"""Train: a run on the left, as it is now, and beside it its sliders or the form of a new one; details below."""

from functools import partial

import streamlit as st

from gan_core import RunInfo
from ui.frame.faults import part
from ui.frame.navigation import navigation, shown_step
from ui.frame.page import open_page, page_link
from ui.frame.pickers import pick_run, play_on
from ui.frame.refresh_rate import IDLE_SECONDS, LIVE_SECONDS, PENDING_SECONDS
from ui.frame.start import show_equal_run
from ui.train.beside import show_form_side, show_run_side
from ui.train.details import show_details
from ui.train.picture import is_live, show_pictures
from ui.train.run_form import show_started
from ui.train.share_menu import show_share_menu
from ui.train.status import show_status
from ui.train.timeline import show_timeline
from ui.train.verdict import show_worth
from ui.train.views import PRESENT, pick_view, show_view_button, view_of


def show_head() -> tuple[RunInfo | None, str]:
    """One row: which run is shown, and what stands beside it. Returns the run and the view."""
    before = navigation().run
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="head"):
        st.title("Train", anchor=False, width="content")
        with st.container(key="pick"):
            run = pick_run(page, label_visibility="collapsed")
        view = view_of(run, before)
        if run is not None:
            if view != PRESENT:
                pick_view(view)
                show_share_menu(page, run)
            show_view_button(view)
            if view != PRESENT:
                show_links(run)
    return run, view


def show_links(run: RunInfo) -> None:
    """The other pages that show this run, at the step that is shown here."""
    steps = page.lab.results.snapshot_steps(run)
    step = shown_step(steps) if steps and "step" in st.query_params else None
    with st.container(horizontal=True, gap="small", width="content", key="elsewhere"):
        page_link("distances", "Distances", run=run.id, step=step)
        page_link("gallery", "Gallery", run=run.id, step=step)


def looks(run: RunInfo) -> tuple:
    """What the buttons, the sliders and the rhythm of this page depend on: another one needs the whole page anew."""
    live = is_live(page, run)
    seen = () if live else page.lab.results.snapshot_steps(run)
    return run.state, run.phase, page.lab.runs.last_command(run), live, seen, page.lab.runs.config_to_be(run)


def watch_state(run_id: str, drawn: tuple) -> None:
    """The line with the state; the whole page is drawn anew when more than its numbers has changed."""
    run = page.lab.runs.get(run_id, by=page.me)
    if looks(run) != drawn:
        st.rerun()
    if not run.active and "run" not in st.query_params:  # nobody chose this run: another one may have begun
        if any(other.active for other in page.lab.runs.newest(20, by=page.me)):
            st.rerun()
    show_status(page, run, drawn[2])


def rhythm_of(run: RunInfo, pending: str | None) -> float:
    """Fast while something is about to change. Not so far back in a queue, where a whole class may wait at once."""
    next_up = run.state == "queued" and run.position == 1
    soon = (pending and run.active) or next_up or run.phase not in ("training", "")
    return PENDING_SECONDS if soon else LIVE_SECONDS if run.active else IDLE_SECONDS


def show_state(run: RunInfo) -> None:
    """The state; it looks whether the page has to be drawn anew."""
    drawn = looks(run)
    with part("The state"):
        page.live(partial(watch_state, run.id, drawn), every=rhythm_of(run, drawn[2]), key="live")


def show_samples(run: RunInfo, *, large: bool = False) -> None:
    """The pictures. Each part of this page is drawn again in its own rhythm."""
    data = None
    with part():
        data = page.lab.results.dataset_of(run)
    with part("The samples"):
        show_pictures(page, run, data, large=large)


def show_verdict_and_curve(run: RunInfo, *, large: bool = False) -> None:
    with part("The verdict"):
        every = LIVE_SECONDS if run.active else IDLE_SECONDS
        page.live(partial(show_worth, page, run.id, large=large), every=every, key="worth of it")


def show_below(run_id: str) -> None:
    run = page.lab.runs.get(run_id, by=page.me)
    with part("The kept steps"):
        show_timeline(page, run)
    show_details(page, run)


with open_page("train") as page:
    run, view = show_head()
    show_started()
    if run is None:
        st.info("No run yet. Choose data and a recipe, and press **Start training**.", icon=":material/model_training:")
        show_form_side(page)
        page.wait_for_run()
    elif view == PRESENT:
        with st.container(key="present view"):
            show_state(run)
            left, right = st.columns([68, 32], gap="large")
            with left:
                show_samples(run, large=True)
            with right:
                show_verdict_and_curve(run, large=True)
    else:
        show_equal_run(page, run)
        with st.container(key=f"cockpit {view}"):
            shown, beside = st.columns([55, 45], gap="medium")
            with shown, st.container(key="shown"):
                show_state(run)
                show_samples(run)
                show_verdict_and_curve(run)
            with beside, st.container(key="beside"):
                if view == "new":
                    show_form_side(page)
                else:
                    show_run_side(page, run, page.lab.runs.last_command(run))
        usual = LIVE_SECONDS if run.active else IDLE_SECONDS
        page.live(partial(show_below, run.id), every=usual, key="below")
        play_on(page, page.lab.results.snapshot_steps(run))
