"""What a job answered, or how it is getting on, in its place on a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from gan_core import GanometerError, Job, Lab, Parameters
from ui.frame.page import Page
from ui.frame.refresh_rate import PENDING_SECONDS
from ui.frame.text import plain

WAITING = ("waiting", "working")


def show_answer(
    page: Page, job_id: int, draw: Callable[..., object], *, key: str, again: Callable[[], object] | None = None
) -> None:
    """What a job answered: `draw(job)`, which comes without its answer (`answered` keeps that for all who look).

    Until then, how it is getting on; and what was answered here before of the same run stays in its place, so that
    a step that follows another changes a chart instead of building it anew. `draw` therefore tells of the job it
    is given, whichever was asked for. `again` asks anew for a failed one.
    """
    job = page.lab.jobs.get(job_id, result=False)
    waiting = job is not None and job.state in WAITING
    shown = _answered_before(page, key, job) if waiting else job

    def look():
        now = page.lab.jobs.get(job_id, result=False)
        if now is None or now.state not in WAITING:
            st.rerun()  # the rhythm can rest
        elif shown:
            st.badge(_awaited(now, shown), icon=":material/hourglass_top:", color="orange")
        else:
            st.progress(now.progress, "Working …" if now.state == "working" else "Waiting for the worker …")

    def tell():
        if shown is None:
            st.caption("This answer has been cleared away: ask again.")
        elif shown.state == "done":
            st.session_state[f"{key} answered"] = shown.id
            draw(shown)
        else:
            st.error(plain(shown.error), icon=":material/error:")
            if again:
                st.button("Try again", key=f"{key} again", on_click=page.do, args=(lambda by: again(),))

    # Always the same two places: what moves on a page is built anew.
    with st.container(key=f"answer {key}"):
        with st.container(key=f"pending {key}" if waiting and shown else f"progress {key}"):
            if waiting:
                page.live(look, every=PENDING_SECONDS, key=f"{key} awaited")
        with st.container():
            if shown or not waiting:
                page.live(tell, every=None, key=key)


def _answered_before(page: Page, key: str, job: Job) -> Job | None:
    """The answer that was last drawn in a place, if it told of the same run."""
    before = st.session_state.get(f"{key} answered")
    found = page.lab.jobs.get(before, result=False) if before and job.run_id else None
    alike = found and (found.kind, found.run_id, found.state) == (job.kind, job.run_id, "done")
    return found if alike else None


def ask_worker(
    page: Page, asked: Parameters, draw: Callable[[Any, Job], object], *, key: str, run_id: str, step: int
) -> int:
    """Ask the worker, and `draw(found, job)`: the decoded answer, and the job that was answered.

    That is the job asked for, or the one before while its answer is awaited. Returns the id of the job asked for.
    """
    job_id = page.lab.jobs.request(asked, run_id=run_id, step=step)
    show_answer(
        page,
        job_id,
        lambda job: draw(answered(job.id, page.lab), job),
        key=key,
        again=lambda: page.lab.jobs.request(asked, run_id=run_id, step=step, retry=True),
    )
    return job_id


def _awaited(job: Job, shown: Job) -> str:
    """What is on its way, in a few words, beside an answer that was asked for before it."""
    what = f"Step {job.step:,}" if job.step != shown.step and job.step is not None else "The next answer"
    old = f"; this is step {shown.step:,}" if job.step != shown.step and shown.step is not None else ""
    return f"{what} is being computed" + (f" ({job.progress:.0%})" if job.progress else "") + old


@st.cache_resource(max_entries=8, show_spinner=False)
def answered(job_id: int, _lab: Lab) -> Any:
    """The answer of a job that is done, as its kind decodes it, for everybody who looks at it; nobody writes to it."""
    job = _lab.jobs.get(job_id)
    if job is None:
        raise GanometerError("this answer has been cleared away: ask again")
    return _lab.jobs.answer(job)
