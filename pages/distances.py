"""Distances: how far are the generated samples from real ones? Every number beside what real-vs-real gives."""

from functools import partial

import streamlit as st

from gan_core import (
    CORRUPTION_TITLES,
    METRICS,
    OPTIONS,
    Corruptions,
    CorruptionTest,
    DatasetInfo,
    Job,
    MeasureParameters,
    ReferenceParameters,
    Report,
    RunInfo,
)
from ui.charts import report as report_charts
from ui.charts import training
from ui.charts.plot import Click
from ui.distances.full_report import (
    history_to_csv,
    show_details,
    show_distances,
    show_downloads,
    show_kinds,
    show_tables,
)
from ui.distances.metric_cards import show_cards, show_headline
from ui.distances.sample_map import show_map
from ui.frame.curves import history_of
from ui.frame.feature_spaces import SPACES
from ui.frame.job_answers import show_answer
from ui.frame.navigation import go_to_step, keep_step
from ui.frame.page import chart, open_page, page_link
from ui.frame.pickers import pick_run, pick_step, play_on
from ui.frame.text import plain
from ui.train.event_log import marks_of

SIZES = (200, 360, 500, 1000, 2000, 5000, 10_000)
CORRUPTION_SIZES = (200, 360, 600, 1000, 2000)
ALL = "all"


def show_live(run: RunInfo, data: DatasetInfo, step: int, report: Report) -> None:
    """The measurement of the training itself, at the step nearest to the one that is looked at."""
    show_headline(report)
    if report.status == "diverged":
        return
    if report.metrics["energy_distance"].reference_mean is None:
        show_reference(run, report)
    show_cards(report, history_of(page, run), step)
    show_distances(report, "live")
    show_kinds(report, data, "live")
    st.caption(
        f"{report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, in the space of "
        f"{report.space}; measured in {report.seconds:.2f} s."
    )


def names_of(report: Report) -> list[str]:
    """The metrics that are measured all along a training."""
    return [name for name in METRICS if name in report.metrics and METRICS[name].live]


def show_reference(run: RunInfo, report: Report) -> None:
    """Real against real at this n: how far its measurement is."""
    st.info(
        f"What two sets of {report.n_fake:,} real samples give is being measured. Until then nothing is judged.",
        icon=":material/hourglass_top:",
    )
    asked = ReferenceParameters(run.config.data.name, report.n_fake)
    show_answer(
        page,
        page.lab.jobs.request(asked),
        lambda job: st.caption("It has been measured: open this page again to see it."),
        key="reference",
        again=lambda: page.lab.jobs.request(asked, retry=True),
    )


def show_curves(run: RunInfo, step: int, report: Report) -> None:
    history = history_of(page, run)
    names = [name for name in names_of(report) if name in history.curves]
    if not names:
        return
    st.subheader("Over the training", anchor=False)
    reference, marks = page.lab.results.live_reference(run), marks_of(page.lab, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Metric",
            names,
            key="metric",
            persist_state="session",
            format_func=lambda name: METRICS[name].title,
            width=320,
        )
        st.download_button(
            "Metric history as CSV",
            lambda: history_to_csv(page.lab.results.curves(run, points=10**9, by=page.me)),
            f"ganometer-{run.id}-history.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="history csv",
        )
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{METRICS[name].title}**")
        figure = training.metric_curve(history, name, reference, step, marks)
        chart(figure, f"curve {run.id} {name}", f"{METRICS[name].title} over steps", on_click=partial(go_to, run))
        st.caption(
            f"{plain(METRICS[name].sentence)} In the blue band it is like real against real. A click shows that step."
        )
    with right:
        st.markdown("**The three mean distances**")
        chart(training.spread_curve(history, reference, step), f"spread {run.id}", "Mean distances over steps")
        st.caption("Three curves that become one. Generated below real: too little variety.")


def go_to(run: RunInfo, click: Click) -> None:
    """The whole page shows the snapshot nearest to where a curve was clicked."""
    if isinstance(click.x, (int, float)):
        steps = page.lab.results.snapshot_steps(run.id)
        go_to_step(min(steps, key=lambda step: abs(step - click.x)), steps)


@st.cache_resource(max_entries=32, show_spinner=False)
def measured(run_id: str, version: int) -> dict[int, Report]:
    """What was measured during the training, by step; not what people have asked for since."""
    return page.lab.results.measured(run_id)


# ---------------------------------------------------------------- on demand


def show_full(run: RunInfo, data: DatasetInfo, step: int) -> None:
    """Every metric, with new samples: does the number hold for another draw, a larger n, another space?"""
    st.subheader("Full report", anchor=False)
    st.caption(
        "Every metric there is, with new samples of the same generator. If nobody has asked for these settings before, "
        "real against real is measured first, which takes 20 times as long as the report: seconds for points and "
        "small digits, minutes for MNIST. Both are kept."
    )
    most = data.parts["test"]
    sizes = [n for n in SIZES if n <= most] or [most]
    spaces = list(SPACES) if data.kind == "image" else ["pixels"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox("Samples of each kind", sizes, index=min(len(sizes) - 1, 3), key="n", width=160)
        space = st.selectbox("Space", spaces, key="space", format_func=lambda name: SPACES[name][0], width=200)
        k = st.number_input("Neighbours (k)", 1, 50, 5, key="k", width=140)
        # From 1 on: 0 is the draw that was measured during the training.
        seed = st.number_input("Seed of the draw", 1, 10_000, 1, key="draw seed", width=140)
        if st.button("Measure everything", key="measure", type="primary", icon=":material/straighten:"):
            asked = MeasureParameters(n, int(seed), space, "full", int(k))
            job = page.lab.jobs.request(asked, run_id=run.id, step=step, retry=True)
            st.session_state["measure job"] = (run.id, step, asked, job)
            keep_step(step)  # the next snapshot of a running run must not take the report away
    if data.kind == "image":
        st.caption(SPACES[space][1])
    *of, asked, job = st.session_state.get("measure job", (None, None, None, 0))
    if of == [run.id, step]:
        show_answer(
            page,
            job,
            lambda job: draw_full(job, data),
            key="measured",
            again=lambda: page.lab.jobs.request(asked, run_id=run.id, step=step, retry=True),
        )


def draw_full(job: Job, data: DatasetInfo) -> None:
    report = page.lab.jobs.answer(job)
    show_headline(report)
    show_tables(report, "full")
    show_downloads(report, f"ganometer-{job.run_id}-step-{job.step}-{report.space}-n{report.n_fake}")
    show_details(report, data, "full")
    st.caption(
        f"{report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, k = {report.k}, seed "
        f"{report.seed}, in the space of {report.space}; measured in {report.seconds:.1f} s."
    )


def show_corruptions(run: RunInfo) -> None:
    """Real samples damaged on purpose: does each metric see it?"""
    st.subheader("Check the metrics on corrupted real data", anchor=False)
    st.caption("Can these numbers be trusted? Real samples are damaged on purpose, and every metric has to notice.")
    names = list(dict.fromkeys([run.config.data.name, "digits", "ring-8", "grid-25", "swiss-roll"]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox(
            "Data set",
            names,
            key="corruption data",
            format_func=lambda name: OPTIONS[name].title if name in OPTIONS else "The run's own data",
            width=200,
        )
        damage = st.selectbox(
            "Damage",
            [ALL, *CORRUPTION_TITLES],
            key="corruption damage",
            format_func=lambda name: CORRUPTION_TITLES[name][0] if name != ALL else "All of them",
            width=220,
        )
        n = st.selectbox("Samples", CORRUPTION_SIZES, index=2, key="corruption n", width=120)
        if st.button("Test", key="corruptions", icon=":material/science:"):
            asked = Corruptions(dataset, n, corruptions=() if damage == ALL else (damage,))
            st.session_state["corruption job"] = (asked, page.lab.jobs.request(asked, retry=True))
    if damage != ALL:
        st.caption(CORRUPTION_TITLES[damage][1])
    if "corruption job" in st.session_state:
        asked, job = st.session_state["corruption job"]
        show_answer(page, job, draw_corruptions, key="tested", again=lambda: page.lab.jobs.request(asked, retry=True))


def draw_corruptions(job: Job) -> None:
    sheet: CorruptionTest = page.lab.jobs.answer(job)
    st.markdown(f"**{sheet.n:,} real samples, damaged, against {sheet.n:,} others**")
    chart(report_charts.corruptions(sheet.cells), "sheet", "What every metric makes of every damage")
    st.caption(
        "Read a column downwards: a good metric turns orange at every damage, the deeper the stronger (the colour ends "
        f"at {report_charts.FAR:g} standard deviations of real against real). Without colour: it is blind to this "
        "damage. Blue: it praises the damage, as the mean distance from real to generated praises blur."
    )
    used = {cell.corruption for cell in sheet.cells}
    with st.expander("What was done", icon=":material/science:"):
        for name, (title, sentence) in CORRUPTION_TITLES.items():
            if name in used:
                st.markdown(f"**{name}** — {title}. {sentence}")


with open_page("distances") as page:
    st.title("Distances", anchor=False)
    st.caption("How far are the generated samples from real ones?")
    run = pick_run(page)
    if run is None:
        st.info("No run yet, so there is nothing to measure.", icon=":material/straighten:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    steps, data = page.lab.results.snapshot_steps(run.id), page.lab.results.dataset_of(run)
    reports = measured(run.id, run.version)
    if not reports or not steps or data is None:
        st.info(
            "This run has not been measured yet: that happens with its first step.", icon=":material/hourglass_top:"
        )
        page_link("train", "See what it is doing", run=run.id)
    else:
        every = tuple(sorted({*steps, *reports}))
        step = pick_step(page, every, "Step (measured, or kept as a snapshot)")
        measured_at, kept_at = (min(those, key=lambda s: (abs(s - step), s)) for those in (reports, steps))
        report = page.lab.results.judged(run, reports[measured_at])
        show_live(run, data, measured_at, report)
        if measured_at != step:
            st.caption(f"Measured at step {measured_at:,}, the nearest measurement to step {step:,}.")
        show_curves(run, step, report)
        job_id = show_map(page, run, data, kept_at)
        show_full(run, data, kept_at)
        show_corruptions(run)
        play_on(page, every, after=[job_id])
    page.watch(run)
