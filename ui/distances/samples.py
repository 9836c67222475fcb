"""The part *Samples*: where they lie among real ones, and how often each mode or class is generated."""

import streamlit as st

from gan_core import DatasetInfo, Report
from ui.charts import report as report_charts
from ui.distances.sample_map import show_map
from ui.distances.shown import Shown
from ui.frame.faults import part
from ui.frame.glossary import show_caption
from ui.frame.page import chart


def show_samples(shown: Shown) -> int | None:
    """Returns the job that makes the map; None where the real samples are hidden."""
    job_id = None
    with part("The map"):
        job_id = show_map(shown.page, shown.run, shown.data, shown.kept_at)
    if shown.report.status != "diverged":
        with part("This chart"):
            show_kinds(shown.report, shown.data, "live")
    return job_id


def show_kinds(report: Report, data: DatasetInfo, key: str) -> None:
    """Which modes or classes are generated, and how often."""
    modes, classes = report.details.get("modes"), report.details.get("classes")
    if modes:
        count = len(modes["counts"])
        st.markdown("**How often each mode is found**")
        figure = report_charts.shares(
            [data.class_name(mode) for mode in range(count)],
            [modes["ideal_high_quality"] / count] * count,
            [found / report.n_fake for found in modes["counts"]],
            "mode",
        )
        chart(figure, f"{key} modes", "Share of each mode")
        show_caption(
            f"{modes['captured']} of {count} modes have a sample within three standard deviations, "
            f"{modes['balanced']} at least half of their share; {100 * modes['high_quality']:.1f} % of the samples lie "
            f"so near to a mode ({100 * modes['ideal_high_quality']:.1f} % is perfect).",
            "mode",
            "standard deviation",
        )
    elif classes and len(classes["labels"]) > 1 and (data.kind == "image" or data.names.classes):
        st.markdown("**How often each class is drawn**")
        chart(
            report_charts.shares([*map(data.class_name, classes["labels"])], classes["real"], classes["fake"], "class"),
            f"{key} classes",
            "Share of each class",
        )
        words = "so the shares differ" if classes["p"] < 0.01 else "so chance alone explains the differences"
        right = f"; that is right for {100 * classes['accuracy']:.1f} % of held-out ones" if classes["accuracy"] else ""
        show_caption(
            f"Each sample counts for the class of its nearest training sample{right}. "
            f"Chi-squared test: p = {classes['p']:.2g}, {words}.",
            "held-out",
            "chi-squared test",
        )
