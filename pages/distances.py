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
    verdict_of,
)
from ui.charts import captions, training
from ui.charts import report as report_charts
from ui.charts.plot import Click
from ui.distances.full_report import (
    history_to_csv,
    show_details,
    show_distances,
    show_downloads,
    show_kinds,
    show_tables,
)
from ui.distances.metric_cards import show_cards
from ui.distances.sample_map import show_map
from ui.frame.curves import history_of
from ui.frame.event_log import marked_events
from ui.frame.faults import part
from ui.frame.feature_spaces import SPACES, Space
from ui.frame.job_answers import Request, send_request, show_answer, show_request
from ui.frame.navigation import go_to_step, keep_step
from ui.frame.page import chart, open_page, page_link
from ui.frame.pickers import pick_run, pick_step, play_on
from ui.frame.text import plain
from ui.frame.verdict_chip import of_draw, show_verdict

SIZES = (200, 360, 500, 1000, 2000, 5000, 10_000)
CORRUPTION_SIZES = (200, 360, 600, 1000, 2000)
ALL = "all"
FULL_REPORT, CORRUPTION_TEST = "full report", "corruption test"
"""The keys of the session state under which the last Request of each kind stands."""
K_NEAREST = (
    "The k-NN ball of a sample reaches to its k-th nearest neighbour of the same kind. Precision, recall, density and "
    "coverage count which samples lie in the balls of others."
)


def show_live(run: RunInfo, data: DatasetInfo, step: int, report: Report) -> None:
    """The measurement made during training, at the step nearest to the one that is shown."""
    show_verdict(verdict_of(report), report)
    if report.status == "diverged":
        return
    if report.metrics["energy_distance"].reference_mean is None:
        show_reference(run, report)
    show_cards(report, history_of(page, run), step)
    show_distances(report, "live")
    with part("This chart"):
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
    if run.data_hidden:
        st.info("Real against real has not been measured for these data, so there is no verdict.")
        return
    st.info(
        f"Real against real is being measured for {report.n_fake:,} samples. There is no verdict until then.",
        icon=":material/hourglass_top:",
    )
    asked = ReferenceParameters(run.config.data.name, report.n_fake)
    show_answer(
        page,
        page.lab.jobs.request(asked, by=page.me),
        lambda job: st.caption("Real against real has been measured. Reload this page to see it."),
        key="reference",
        again=lambda: page.lab.jobs.request(asked, retry=True, by=page.me),
    )


def show_curves(run: RunInfo, step: int, report: Report) -> None:
    history = history_of(page, run)
    names = [name for name in names_of(report) if name in history.curves]
    if not names:
        return
    st.subheader("Over the training", anchor=False)
    reference, marks = page.lab.results.live_reference(run), marked_events(page, run)
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
            lambda: history_of_now(run.id),
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
        st.caption(f"{plain(captions.metric(history, name, reference, step))} Click a point to show its step.")
    with right:
        st.markdown("**The three mean distances**")
        chart(training.spread_curve(history, reference, step), f"spread {run.id}", "Mean distances over steps")
        st.caption(captions.spread(history, reference, step))


def history_of_now(run_id: str) -> str:
    """All curves of a run as a file, if this visitor may see it when the button is pressed."""
    run = page.lab.runs.get(run_id, by=page.me)
    return history_to_csv(page.lab.results.curves(run, points=10**9, by=page.me))


def go_to(run: RunInfo, click: Click) -> None:
    """The whole page shows the snapshot nearest to where a curve was clicked."""
    if isinstance(at := click.x, (int, float)):
        steps = page.lab.results.snapshot_steps(run)
        go_to_step(min(steps, key=lambda step: abs(step - at)), steps)


@st.cache_resource(max_entries=32, show_spinner=False)
def measured(run_id: str, version: int, data_hidden: bool, _run: RunInfo) -> dict[int, Report]:
    """What was measured during the training, by step; not what people have asked for since."""
    return page.lab.results.measured(_run)


# ---------------------------------------------------------------- on demand


def show_full(run: RunInfo, data: DatasetInfo, step: int) -> None:
    """Every metric, with new samples: does the number hold for another draw, a larger n, another space?"""
    st.subheader("Full report", anchor=False)
    st.caption(
        "Every metric. Without a change below it is of the very samples that the training measured at this step, so it "
        "has the numbers above. For settings that are used for the first time, real against real is measured too: that "
        "takes 20 times as long as the report, seconds for points and small digits, minutes for MNIST. Both results "
        "are saved."
    )
    most = data.parts["test"]
    of_training = min(run.config.recording.rows, most)
    sizes = sorted({of_training, *(n for n in SIZES if n <= most)})
    spaces: list[Space] = list(SPACES) if data.kind == "image" else ["pixels"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox("Samples of each kind", sizes, index=sizes.index(of_training), key="n", width=160)
        space = st.selectbox("Feature space", spaces, key="space", format_func=lambda name: SPACES[name][0], width=200)
        k = st.number_input("Neighbours (k)", 1, 50, 5, key="k", width=140, help=K_NEAREST)
        seed = st.number_input(
            "Draw",
            0,
            10_000,
            0,
            key="draw seed",
            width=140,
            help="0: the samples that were measured during the training. Any other number: new samples.",
        )
        if st.button("Measure everything", key="measure", type="primary", icon=":material/straighten:"):
            asked = MeasureParameters(n, int(seed), space, "full", int(k))
            st.session_state[FULL_REPORT] = send_request(page, asked, run_id=run.id, step=step)
            keep_step(step)  # the next snapshot of a running run must not take the report away
    if data.kind == "image":
        st.caption(SPACES[space][1])
    last: Request | None = st.session_state.get(FULL_REPORT)
    if last and (last.run_id, last.step) == (run.id, step):
        show_request(page, last, lambda job: draw_full(job, data), key="measured")


def draw_full(job: Job, data: DatasetInfo) -> None:
    report = page.lab.jobs.answer(job.id, by=page.me)
    show_verdict(verdict_of(report), report, key="why full")
    show_tables(report, "full")
    show_downloads(report, f"ganometer-{job.run_id}-step-{job.step}-{report.space}-n{report.n_fake}")
    show_details(report, data, "full")
    st.caption(
        f"{report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, k = {report.k}, "
        f"{of_draw(report)}, in the space of {report.space}; measured in {report.seconds:.1f} s."
    )


def show_corruptions(run: RunInfo) -> None:
    """Real samples are corrupted on purpose: does each metric detect it?"""
    st.subheader("Check the metrics on corrupted real data", anchor=False)
    st.caption("Can these numbers be trusted? Real samples are corrupted on purpose, and a good metric detects it.")
    own = [] if run.data_hidden else [run.config.data.name]
    names = list(dict.fromkeys([*own, "digits", "ring-8", "grid-25", "swiss-roll"]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox(
            "Data set",
            names,
            key="corruption data",
            format_func=lambda name: OPTIONS[name].title if name in OPTIONS else "The run's own data",
            width=200,
        )
        corruption = st.selectbox(
            "Corruption",
            [ALL, *CORRUPTION_TITLES],
            key="corruption",
            format_func=lambda name: CORRUPTION_TITLES[name][0] if name != ALL else "All of them",
            width=220,
        )
        n = st.selectbox("Samples", CORRUPTION_SIZES, index=2, key="corruption n", width=120)
        if st.button("Test", key="corruptions", icon=":material/science:"):
            asked = Corruptions(dataset, n, corruptions=() if corruption == ALL else (corruption,))
            st.session_state[CORRUPTION_TEST] = send_request(page, asked)
    if corruption != ALL:
        st.caption(CORRUPTION_TITLES[corruption][1])
    if CORRUPTION_TEST in st.session_state:
        show_request(page, st.session_state[CORRUPTION_TEST], draw_corruptions, key="tested")


def draw_corruptions(job: Job) -> None:
    found: CorruptionTest = page.lab.jobs.answer(job.id, by=page.me)
    st.markdown(f"**{found.n:,} corrupted real samples against {found.n:,} others**")
    chart(report_charts.corruptions(found.cells), "corruption test", "How every metric rates every corruption")
    st.caption(
        "A column is a metric, a row a corruption. Orange: the metric rates corrupted samples as worse than real ones, "
        f"by standard deviations of real against real (the colours end at {report_charts.FAR:g}). No colour: it does "
        "not detect the corruption. Blue: it rates corrupted samples as better, as the mean distance from real to "
        "generated does for blur."
    )
    used = {cell.corruption for cell in found.cells}
    with st.expander("What each corruption does", icon=":material/science:"):
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
    steps, data = page.lab.results.snapshot_steps(run), page.lab.results.dataset_of(run)
    reports = measured(run.id, run.version, run.data_hidden, run)
    if not reports or not steps or data is None:
        st.info(
            "This run has not been measured yet: that happens with its first step.", icon=":material/hourglass_top:"
        )
        page_link("train", "See what it is doing", run=run.id)
    else:
        every = tuple(sorted({*steps, *reports}))
        step = pick_step(page, every, "Step (measured, or saved as a snapshot)")
        measured_at, kept_at = (min(those, key=lambda s: (abs(s - step), s)) for those in (reports, steps))
        report = page.lab.results.judged(run, reports[measured_at])
        with part("This measurement"):
            show_live(run, data, measured_at, report)
        if measured_at != step:
            st.caption(f"Measured at step {measured_at:,}, the nearest measurement to step {step:,}.")
        if unreadable := page.lab.results.unreadable_reports(run):
            st.caption(f"{unreadable:,} measurements of this run cannot be read. They are left out.")
        with part("The curves"):
            show_curves(run, step, report)
        jobs = []
        with part("The map"):
            jobs.append(show_map(page, run, data, kept_at))
        with part("The full report"):
            show_full(run, data, kept_at)
        with part("The check of the metrics"):
            show_corruptions(run)
        play_on(page, every, after=jobs)
    page.watch(run)
