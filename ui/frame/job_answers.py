"""What a job answered, or its progress, in its place on a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gan_core import Job, Lab, Parameters
from ui.frame.faults import told
from ui.frame.page import Page
from ui.frame.refresh_rate import PENDING_SECONDS

WAITING = ("waiting", "working")


@dataclass(frozen=True)
class Request:
    """A job that a visitor has asked for with a button: its parameters, the snapshot it is about, and its id."""

    asked: Parameters
    job_id: int
    run_id: str | None = None
    step: int | None = None


def send_request(page: Page, asked: Parameters, *, run_id: str | None = None, step: int | None = None) -> Request:
    """Ask the worker for a job; one that has failed before is tried again."""
    job_id = page.lab.jobs.request(asked, run_id=run_id, step=step, retry=True, by=page.me)
    return Request(asked, job_id, run_id, step)


def show_request(page: Page, request: Request, draw: Callable[[Job], object], *, key: str) -> None:
    """The answer of a job that `send_request` has asked for, as `show_answer` shows it."""
    show_answer(
        page,
        request.job_id,
        draw,
        key=key,
        again=lambda: send_request(page, request.asked, run_id=request.run_id, step=request.step),
    )


def show_answer(
    page: Page, job_id: int, draw: Callable[[Job], object], *, key: str, again: Callable[[], object] | None = None
) -> None:
    """What a job answered: `draw(job)`, which comes without its answer (`answered` keeps that for all visitors).

    Until then, its progress; and the last answer of the same run that was shown here stays in its place, so that a
    step that follows another changes a chart instead of building it anew. `draw` therefore describes the job it is
    given, whichever was asked for. `again` asks anew for one that has failed or was cancelled.
    """
    job = page.lab.jobs.get(job_id, by=page.me, result=False)
    waiting = job is not None and job.state in WAITING
    shown = _answered_before(page, key, job) if job is not None and waiting else job

    def look():
        now = page.lab.jobs.get(job_id, by=page.me, result=False)
        if now is None or now.state not in WAITING:
            st.rerun()  # the rhythm can rest
        with st.container(horizontal=True, vertical_alignment="center"):
            if shown:
                st.badge(_awaited(now, shown), icon=":material/hourglass_top:", color="orange")
                if why := page.lab.worker.why_a_job_waits():
                    st.caption(told(why))
            else:
                st.progress(now.progress, _waiting(page, now))
            if now.cancellable:
                cancel = (page.lab.jobs.cancel, job_id)
                st.button("Cancel", key=f"{key} cancel", icon=":material/close:", on_click=page.do, args=cancel)

    def show():
        if shown is None:
            st.caption("This result has been deleted to save space. Ask for it again.")
        elif shown.state == "done":
            st.session_state[_key_of_shown(key)] = shown.id
            draw(shown)
        else:
            cancelled = shown.state == "cancelled"
            if cancelled:
                st.caption("This request was cancelled.")
            else:
                st.error(told(shown.error), icon=":material/error:")
            if again:
                label = "Ask again" if cancelled else "Try again"
                st.button(label, key=f"{key} again", on_click=page.do, args=(_for_all(again),))

    # Always the same two places: what moves on a page is built anew.
    with st.container(key=f"answer {key}"):
        with st.container(key=f"pending {key}" if waiting and shown else f"progress {key}"):
            if waiting:
                page.live(look, every=PENDING_SECONDS, key=f"{key} awaited")
        with st.container():
            if shown or not waiting:
                page.live(show, every=None, key=key)


def _waiting(page: Page, job: Job) -> str:
    """What a job waits for; also one that a worker has begun, which may have fallen silent since."""
    why = told(page.lab.worker.why_a_job_waits())
    return f"{'Working' if job.state == 'working' else 'Waiting for the worker'} … {why}".strip()


def _for_all(ask: Callable[[], object]) -> Callable[..., object]:
    """A job belongs to nobody, so it does not matter by whom it is asked for again."""
    return lambda by: ask()


def _key_of_shown(key: str) -> str:
    """The key of the session state under which the id of the job stands that was last shown in a place."""
    return f"{key} answered"


def _answered_before(page: Page, key: str, job: Job) -> Job | None:
    """The answer that was last shown in a place, if it is about the same run."""
    before = st.session_state.get(_key_of_shown(key))
    found = page.lab.jobs.get(before, by=page.me, result=False) if before and job.run_id else None
    alike = found and (found.kind, found.run_id, found.state) == (job.kind, job.run_id, "done")
    return found if alike else None


def ask_worker(
    page: Page, asked: Parameters, draw: Callable[[Any, Job], object], *, key: str, run_id: str | None, step: int | None
) -> int:
    """Ask the worker, and `draw(found, job)`: the decoded answer, and the job that was answered.

    That is the job asked for, or the one before while its answer is awaited. Returns the id of the job asked for.
    """
    job_id = page.lab.jobs.request(asked, run_id=run_id, step=step, by=page.me)
    with st.container(key=f"room {key}"):  # page.css keeps it free for what comes
        show_answer(
            page,
            job_id,
            lambda job: draw(answered(page, job), job),
            key=key,
            again=lambda: send_request(page, asked, run_id=run_id, step=step),
        )
    return job_id


def _awaited(job: Job, shown: Job) -> str:
    """What is being computed, in a few words, beside an answer that was asked for before it."""
    what = f"Step {job.step:,}" if job.step != shown.step and job.step is not None else "The next result"
    old = f"; this is step {shown.step:,}" if job.step != shown.step and shown.step is not None else ""
    return f"{what} is being computed" + (f" ({job.progress:.0%})" if job.progress else "") + old


def answered(page: Page, job: Job) -> Any:
    """The answer of a job that is done, as its kind decodes it for this visitor, who has been given the job."""
    return _decoded(job.id, job.data_hidden, page.lab, page.me)


@st.cache_resource(max_entries=8, show_spinner=False)
def _decoded(job_id: int, data_hidden: bool, _lab: Lab, _by: str) -> Any:
    """The same for all visitors from whom real samples are hidden, and for all others; nobody writes to it."""
    return _lab.jobs.answer(job_id, by=_by)
