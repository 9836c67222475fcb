"""Distances: how far are the generated samples from real ones? Every number beside what real-vs-real gives."""

from collections.abc import Callable

import streamlit as st

from gan_core import Report, RunInfo
from ui.distances.curves import show_curves
from ui.distances.full_report import show_full_report
from ui.distances.metric_check import show_metric_check
from ui.distances.samples import show_samples
from ui.distances.shown import Shown
from ui.distances.verdict import show_verdict_and_cards
from ui.frame.faults import part
from ui.frame.job_answers import show_answer
from ui.frame.page import Page, open_page, page_link
from ui.frame.pickers import pick_part, pick_run, pick_step, play_on
from ui.frame.report_button import report_button

PARTS: dict[str, tuple[str, Callable[[Shown], int | None]]] = {
    "verdict": ("Verdict", show_verdict_and_cards),
    "samples": ("Samples", show_samples),
    "curves": ("Curves", show_curves),
    "report": ("Full report", show_full_report),
    "check": ("Check the metrics", show_metric_check),
}
"""By its name in the address: the title of a part, and what draws it and may return the job that it waits for."""


@st.cache_resource(max_entries=32, show_spinner=False)
def measured(run_id: str, version: int, data_hidden: bool, _run: RunInfo) -> dict[int, Report]:
    """What was measured during the training, by step; not what people have asked for since."""
    return page.lab.results.measured(_run)


def wait_for_measurement(page: Page, run: RunInfo) -> None:
    """Samples of a file are measured once, by a worker."""
    st.info("These samples are being measured.", icon=":material/hourglass_top:")
    show_answer(
        page,
        page.lab.samples.ask_for_measurement(run, by=page.me),
        lambda job: st.rerun(),
        key="first measurement",
        again=lambda: page.lab.samples.ask_for_measurement(run, by=page.me, retry=True),
    )


with open_page("distances") as page:
    st.title("Distances", anchor=False)
    st.caption("How far are the generated samples from real ones?")
    run = pick_run(page)
    if run is None:
        st.info("No run yet, so there is nothing to measure.", icon=":material/straighten:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    steps, data = page.lab.results.snapshot_steps(run), page.lab.results.dataset_of(run)
    reports = measured(run.id, run.version, run.data_hidden, run)
    if steps and data is not None and not reports and run.kind == "samples":
        wait_for_measurement(page, run)
    elif not reports or not steps or data is None:
        st.info(
            "This run has not been measured yet: that happens with its first step.", icon=":material/hourglass_top:"
        )
        page_link("train", "See what it is doing", run=run.id)
    else:
        every = tuple(sorted({*steps, *reports}))
        step = pick_step(page, every, "Step (measured, or saved as a snapshot)")
        name = pick_part(page, {name: title for name, (title, _) in PARTS.items()})
        measured_at, kept_at = (min(those, key=lambda s: (abs(s - step), s)) for those in (reports, steps))
        title, show = PARTS[name]
        job_id = None
        with part(f"The part {title}"):
            report = page.lab.results.judged(run, reports[measured_at])
            job_id = show(Shown(page, run, data, measured_at, kept_at, report))
        if name in ("verdict", "curves"):
            if measured_at != step:
                st.caption(f"Measured at step {measured_at:,}, the nearest measurement to step {step:,}.")
            if unreadable := page.lab.results.unreadable_reports(run):
                st.caption(f"{unreadable:,} measurements of this run cannot be read. They are left out.")
        report_button(page, [run], key=f"report {run.id}", step=step)
        play_on(page, every, after=[job_id] if job_id else [])
    page.watch(run)
