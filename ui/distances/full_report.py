"""The part *Full report*: every metric with new samples, what lies behind the numbers, and files to take away."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict

import streamlit as st

from gan_core import (
    METRICS,
    TITLES,
    DatasetInfo,
    Job,
    MeasureParameters,
    Report,
    in_json,
    mark_of,
    shown_value,
    verdict_of,
    with_spread,
    z_value,
)
from ui.charts import captions
from ui.charts import report as report_charts
from ui.distances.metric_cards import MARKS
from ui.distances.samples import show_kinds
from ui.distances.shown import Shown
from ui.frame.faults import part
from ui.frame.feature_spaces import SPACES, Space, compared_by
from ui.frame.glossary import in_sentence, meaning, show_caption, with_terms
from ui.frame.held import held, held_index
from ui.frame.job_answers import Request, send_request, show_request
from ui.frame.navigation import keep_step
from ui.frame.page import Page, chart
from ui.frame.text import plain
from ui.frame.verdict_chip import of_draw, show_verdict

SIZES = (200, 360, 500, 1000, 2000, 5000, 10_000)
ASKED = "full report"
"""The key of the session state under which the last Request stands."""
K_NEAREST = (
    f"**k-NN ball**: {meaning('k-NN ball')} Precision, recall, density and coverage count which samples lie in the "
    "balls of others."
)


def show_full_report(shown: Shown) -> None:
    """Every metric, with new samples: does the number hold for another draw, a larger n, another space?"""
    page, run, data, step = shown.page, shown.run, shown.data, shown.kept_at
    st.header("Full report", anchor=False)
    show_caption(
        "Every metric. Without a change below it is of the very samples that the training measured at this step, so "
        "it has the numbers of the part *Verdict*. For settings that are used for the first time, real against real "
        "is measured too: that takes 20 times as long as the report, seconds for points and small digits, minutes "
        "for MNIST. Both results are saved.",
        "real against real",
    )
    kept = page.lab.results.kept_number(run, step)
    most = data.parts["test"] if kept is None else min(data.parts["test"], kept)
    of_training = min(run.config.recording.rows, most)
    sizes = sorted({of_training, *(n for n in SIZES if n <= most)})
    spaces: list[Space] = list(SPACES) if data.kind == "image" else ["pixels"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox(
            "Samples of each kind",
            sizes,
            index=held_index("n", sizes, sizes.index(of_training)),
            key="n",
            persist_state="session",
            width=160,
            help=meaning("n"),
        )
        space = st.selectbox(
            "Feature space",
            spaces,
            index=held_index("space", spaces),
            key="space",
            persist_state="session",
            format_func=lambda name: SPACES[name][0],
            width=200,
            help=meaning("feature space"),
        )
        k = st.number_input(
            "Neighbours (k)", 1, 50, held("k", 5), key="k", persist_state="session", width=140, help=K_NEAREST
        )
        seed = st.number_input(
            "Draw",
            0,
            10_000,
            held("draw seed", 0),
            key="draw seed",
            persist_state="session",
            width=140,
            help="0: the samples that were measured during the training. Any other number: "
            + ("new samples" if kept is None else f"another choice among the {kept:,} that are kept")
            + f".\n\n**Draw**: {in_sentence('draw')}",
        )
        if st.button("Measure everything", key="measure", type="primary", icon=":material/straighten:"):
            asked = MeasureParameters(n, int(seed), space, "full", int(k))
            st.session_state[ASKED] = send_request(page, asked, run_id=run.id, step=step)
            keep_step(step)  # the next snapshot of a running run must not take the report away
    if data.kind == "image":
        show_caption(SPACES[space][1], "principal component", "features")
    last: Request | None = st.session_state.get(ASKED)
    if last and (last.run_id, last.step) == (run.id, step):
        show_request(page, last, lambda job: draw_report(page, job, data), key="measured")


def draw_report(page: Page, job: Job, data: DatasetInfo) -> None:
    report = page.lab.jobs.answer(job.id, by=page.me)
    show_verdict(verdict_of(report), report, key="why full")
    numbers, charts = st.tabs(["Numbers", "Charts"], key="report view", on_change="rerun")
    if charts.open:
        with charts:
            show_details(report, data, "full")
    else:
        with numbers:
            show_table(report, "full")
            show_downloads(report, f"ganometer-{job.run_id}-step-{job.step}-{report.space}-n{report.n_fake}")
    show_caption(
        f"{report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, k = {report.k}, "
        f"{of_draw(report)}, compared by their {compared_by(report.space, data)}; measured in {report.seconds:.1f} s.",
        "held-out",
        "draw",
    )


def show_details(report: Report, data: DatasetInfo, key: str) -> None:
    """Everything of a full report that is more than a number."""
    details = report.details
    left, right = st.columns(2)
    if curve := details.get("prd"):
        with left, part("This chart"):
            st.markdown("**Precision against recall**")
            chart(report_charts.prd(curve), f"{key} prd", "Highest precision at each recall")
            about = with_terms(captions.prd(curve), "F-score", "recall", "precision")
            st.caption(f"{about} Sajjadi et al. 2018, arXiv\\:1806.00035.", unsafe_allow_html=True)
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
            show_caption(captions.copies(copies), "held-out")
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


def show_table(report: Report, key: str) -> None:
    """Every metric, in the order of the catalogue; for one that was not measured, what it needs."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    config = {
        "value": text(alignment="right", width=90),
        "real against real": text(alignment="right", width=130),
        "ideal": number(format="%.4g", width=90),
        "metric": text(pinned=True, width=180),
        "mark": st.column_config.MultiselectColumn(options=list(MARKS), color=list(MARKS.values()), width=115),
        "z": text(width=70),
        "p": number(format="%.2g", width=70),
        "better": text(width=85),
        "in words": text(width=460),
        "group": text(width=200),
    }
    rows = [
        {
            "metric": about.title,
            "value": shown_value(metric),
            "mark": [mark_of(metric)],
            "real against real": None if metric.reference_mean is None else with_spread(metric),
            "z": z_value(metric.z) or None,
            "p": metric.p,
            "ideal": metric.ideal,
            "better": about.better,
            "in words": metric.verdict,
            "group": about.group,
        }
        for name, about in METRICS.items()
        if (metric := report.metrics.get(name))
    ]
    st.dataframe(rows, hide_index=True, height="content", column_config=config, placeholder="—", key=f"{key} metrics")


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
