"""A whole report: what lies behind the numbers, the tables of all of them, and files to take away."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from dataclasses import asdict

import streamlit as st

from gan_core import METRICS, TITLES, DatasetInfo, History, Report, in_json, mark_of, verdict_of, z_value
from ui.charts import captions, training
from ui.charts import report as report_charts
from ui.distances.metric_cards import MARKS
from ui.frame.faults import part
from ui.frame.page import chart
from ui.frame.text import plain


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


def show_kinds(report: Report, data: DatasetInfo, key: str) -> None:
    """Which modes or classes are generated, and how often."""
    modes, classes = report.details.get("modes"), report.details.get("classes")
    if modes:
        count = len(modes["counts"])
        st.markdown("**How often each mode is found**")
        figure = report_charts.shares(
            range(1, count + 1),
            [modes["ideal_high_quality"] / count] * count,
            [found / report.n_fake for found in modes["counts"]],
            "mode",
        )
        chart(figure, f"{key} modes", "Share of each mode")
        st.caption(
            f"{modes['captured']} of {count} modes have a sample within three standard deviations, {modes['balanced']} "
            f"at least half of their share; {modes['high_quality']:.1%} of the samples lie so near to a mode "
            f"({modes['ideal_high_quality']:.1%} is perfect)."
        )
    elif classes and len(classes["labels"]) > 1 and data.kind == "image":
        st.markdown("**How often each class is drawn**")
        chart(
            report_charts.shares(classes["labels"], classes["real"], classes["fake"], "class"),
            f"{key} classes",
            "Share of each class",
        )
        words = "so the shares differ" if classes["p"] < 0.01 else "so chance alone explains the differences"
        right = f"; that is right for {classes['accuracy']:.1%} of held-out ones" if classes["accuracy"] else ""
        st.caption(
            f"Each sample counts for the class of its nearest training sample{right}. "
            f"Chi-squared test: p = {classes['p']:.2g}, {words}."
        )


def show_details(report: Report, data: DatasetInfo, key: str) -> None:
    """Everything of a full report that is more than a number."""
    details = report.details
    left, right = st.columns(2)
    if curve := details.get("prd"):
        with left, part("This chart"):
            st.markdown("**Precision against recall**")
            chart(report_charts.prd(curve), f"{key} prd", "Highest precision at each recall")
            st.caption(f"{captions.prd(curve)} Sajjadi et al. 2018, arXiv\\:1806.00035.")
    with right, part("This chart"):
        show_kinds(report, data, key)
    left, right = st.columns(2)
    if (widest := details.get("direction")) and data.kind == "image" and report.space == "pixels":
        with left, part("This chart"):
            st.markdown("**Direction of the largest difference**")
            figure = report_charts.direction(widest["vector"], data.shape)
            chart(figure, f"{key} direction", "The direction of the largest difference, as an image")
            st.caption(
                "The direction in pixel space along which the two sets differ most (max-sliced Wasserstein distance "
                f"{widest['distance']:.3g}). Orange: brighter in generated images; blue: brighter in real ones."
            )
    with right, part("This table"):
        if copies := details.get("copies"):
            st.markdown("**Most like a training sample**")
            names = ("generated no.", "training row", "distance to it", "to the nearest held-out one")
            config = {name: st.column_config.NumberColumn(format="%.4g") for name in names[2:]}
            rows = [dict(zip(names, row)) for row in copies]
            st.dataframe(rows, hide_index=True, column_config=config, key=f"{key} copies")
            st.caption(captions.copies(copies))
        elif "copies" in details:
            st.markdown("**Most like a training sample**")
            st.caption(captions.copies(()))
    if rows := details.get("parzen"):
        with part("This table"):
            _show_parzen(rows, key)


def _show_parzen(rows, key: str) -> None:
    st.markdown("**Historical: Parzen log-likelihood in comparison**")
    names = {"value": "log-likelihood (nats)", "standard_error": "±", "sigma": "width"}
    st.dataframe(
        [{"samples": who} | {label: row[name] for name, label in names.items()} for who, row in rows.items()],
        hide_index=True,
        key=f"{key} parzen",
    )
    real, centroids = (rows.get(who, {}).get("value") for who in ("real training samples", "k-means centroids"))
    text = METRICS["parzen_log_likelihood"].sentence
    if real is not None and centroids is not None:
        more = "more" if centroids > real else "less"
        text += f" Here: the centroids get {abs(centroids - real):.3g} nats {more} than real training samples."
    if any(row["at_edge"] for row in rows.values()):
        text += " A kernel width lies at the end of the range that was tried, so its value could be higher."
    st.caption(plain(text))


# ---------------------------------------------------------------- the table of all, and files


def show_tables(report: Report, key: str) -> None:
    """Every metric, a table for each group of the catalogue; for one that was not measured, what it needs."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    config = {name: number(format="%.4g", width=90) for name in ("value", "real vs real", "±", "ideal")} | {
        "metric": text(pinned=True, width=180),
        "mark": st.column_config.MultiselectColumn(options=list(MARKS), color=list(MARKS.values()), width=115),
        "z": text(width=70),
        "p": number(format="%.2g", width=70),
        "better": text(width=85),
        "in words": text(width=460),
    }
    tables = defaultdict(list)
    for name, about in METRICS.items():
        if metric := report.metrics.get(name):
            tables[about.group].append(
                {
                    "metric": about.title,
                    "value": metric.value,
                    "mark": [mark_of(metric)],
                    "real vs real": metric.reference_mean,
                    "±": metric.reference_sd,
                    "z": z_value(metric.z) or None,
                    "p": metric.p,
                    "ideal": metric.ideal,
                    "better": about.better,
                    "in words": metric.verdict,
                }
            )
    for group, rows in tables.items():
        st.markdown(f"**{group}**")
        st.dataframe(
            rows, hide_index=True, height="content", column_config=config, placeholder="—", key=f"{key} {group}"
        )


def show_downloads(report: Report, name: str) -> None:
    with st.container(horizontal=True):
        for label, kind, make in (("CSV", "text/csv", to_csv), ("JSON", "application/json", to_json)):
            st.download_button(
                f"Download all as {label}",
                make(report),
                f"{name}.{label.lower()}",
                kind,
                icon=":material/download:",
                on_click="ignore",
                key=f"{name} {label}",
            )


def to_json(report: Report) -> str:
    """The whole report, and its verdict in words."""
    return json.dumps(in_json(report), sort_keys=True)


def to_csv(report: Report) -> str:
    """A line for every metric, by the names it has in JSON and on the command line; the first one is the verdict.

    Every line says of which samples it is: their number, the draw and the space.
    """
    verdict, lines = verdict_of(report), io.StringIO()
    skipped = ("parameters",)
    names = [name for name in asdict(report.metrics["energy_distance"]) if name not in skipped]
    samples = {"n": report.n_fake, "draw": report.seed, "space": report.space}
    header = ["name", "group", *names[1:], *samples]
    writer = csv.DictWriter(lines, header, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    in_words = f"{TITLES[verdict.kind]}. {verdict.sentence}"
    writer.writerow({"name": "verdict", "group": verdict.kind, "verdict": in_words} | samples)
    for name, about in METRICS.items():
        if name in report.metrics:
            writer.writerow({"group": about.group} | asdict(report.metrics[name]) | samples)
    return lines.getvalue()


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
