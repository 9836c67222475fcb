"""The part *Curves*: the metrics over the training, and the distances at one step."""

import csv
import io
from functools import partial

import streamlit as st

from gan_core import METRICS, History, Report, RunInfo
from ui.charts import captions, training
from ui.charts import report as report_charts
from ui.charts.plot import Click
from ui.distances.shown import Shown
from ui.frame.curves import history_of
from ui.frame.event_log import marked_events
from ui.frame.faults import part
from ui.frame.navigation import go_to_step
from ui.frame.page import Page, chart
from ui.frame.pickers import pick_metric
from ui.frame.text import plain


def show_curves(shown: Shown) -> None:
    """One metric at a time and the three mean distances, then every distance at the step that is shown."""
    step, report = shown.measured_at, shown.report
    history = history_of(shown.page, shown.run)
    names = [name for name in names_of(report) if name in history.curves]
    if names:
        show_history(shown, history, names)
    if report.status != "diverged":
        st.header(f"At step {step:,}", anchor=False)
        show_distances(report, "live")


def show_history(shown: Shown, history: History, names: list[str]) -> None:
    page, run, step = shown.page, shown.run, shown.measured_at
    st.header("Over the training", anchor=False)
    reference, marks = page.lab.results.live_reference(run), marked_events(page, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = pick_metric(names)
        st.download_button(
            "Metric history as CSV",
            lambda: history_of_now(page, run.id),
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
        chart(figure, f"curve {run.id} {name}", f"{METRICS[name].title} over steps", on_click=partial(go_to, page, run))
        st.caption(f"{plain(captions.metric(history, name, reference, step))} Click a point to show its step.")
    with right:
        st.markdown("**The three mean distances**")
        chart(training.spread_curve(history, reference, step), f"spread {run.id}", "Mean distances over steps")
        st.caption(captions.spread(history, reference, step))


def names_of(report: Report) -> list[str]:
    """The metrics that are measured all along a training."""
    return [name for name in METRICS if name in report.metrics and METRICS[name].live]


def go_to(page: Page, run: RunInfo, click: Click) -> None:
    """The whole page shows the snapshot nearest to where a curve was clicked."""
    if isinstance(at := click.x, (int, float)):
        steps = page.lab.results.snapshot_steps(run)
        go_to_step(min(steps, key=lambda step: abs(step - at)), steps)


def show_distances(report: Report, key: str) -> None:
    """How often each distance occurs, and how near the nearest ones are."""
    left, right = st.columns(2)
    if report.histogram:
        known = [report.metrics[name] for name, *_ in training.SPREADS if name in report.metrics]
        means = {metric.name: metric.value for metric in known if metric.value is not None}
        with left, part("This chart"):
            st.markdown("**How often each distance occurs**")
            chart(report_charts.histograms(report.histogram, means), f"{key} histograms", "Histograms of the distances")
            st.caption(captions.histograms(report))
    if found := report.details.get("nearest"):
        with right, part("This chart"):
            st.markdown("**Distance to the nearest sample**")
            chart(report_charts.nearest(found), f"{key} nearest", "Cumulative shares of nearest distances")
            st.caption(captions.nearest(found))


def history_of_now(page: Page, run_id: str) -> str:
    """All curves of a run as a file, if this visitor may see it when the button is pressed."""
    run = page.lab.runs.get(run_id, by=page.me)
    return history_to_csv(page.lab.results.curves(run, points=10**9, by=page.me))


def history_to_csv(history: History) -> str:
    """A line for every step at which something was written down, a column for every curve."""
    steps = sorted({int(step) for taken, _ in history.curves.values() for step in taken})
    curves = {name: dict(zip(taken.astype(int), values)) for name, (taken, values) in sorted(history.curves.items())}
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["step", *curves])
    for step in steps:
        writer.writerow([step, *(curve.get(step, "") for curve in curves.values())])
    return lines.getvalue()
