"""A report at a glance: a card for every number that is measured live.

No number stands alone: below it is what real samples give against other real ones, and a mark says how the two
compare, in words and not only in colour.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from gan_core import METRICS, NOTABLE, History, Report, mark_of, shown_value, spread_ratio, with_spread, with_z
from ui.charts.sparkline import spark
from ui.frame.faults import part
from ui.frame.glossary import in_sentence, show_caption, with_terms
from ui.frame.text import Colour, plain
from ui.frame.verdict_chip import OF_Z

MARKS: dict[str, Colour] = {
    "like real": "green",
    "off": "orange",
    "beyond real": "violet",
    "for comparison": "gray",
    "not judged yet": "gray",
    "not measured": "gray",
}
CARDS = {
    "At a glance": ("energy_distance", "symmetric_precision", "symmetric_recall", "spread_ratio"),
    "Which modes are found?": ("modes_captured", "high_quality_share"),
    "Told apart, or copied?": ("nn_accuracy_real", "nn_accuracy_fake", "dcr_share"),
    "The three mean distances": ("mean_real_fake", "mean_real_real", "mean_fake_fake"),
    "The same, measured otherwise": ("energy_coefficient", "sliced_wasserstein", "coverage"),
}
"""The plain ones first."""
SHOWS = {
    "energy_distance": "How far all generated samples together are from all real ones.",
    "symmetric_precision": "How many generated samples look real.",
    "symmetric_recall": "How much of the variety of real samples is generated.",
    "spread_ratio": "How far apart generated samples are on average, beside real ones; 1 is as far.",
    "modes_captured": "How many of the known modes have a sample.",
    "high_quality_share": "How many samples lie at a mode.",
    "nn_accuracy_real": "How often the sample nearest to a real one is real, too; ideal is half of the time.",
    "nn_accuracy_fake": "How often the sample nearest to a generated one is generated, too; ideal is half of the time.",
    "dcr_share": "How many samples are closer to training data than to unseen real data; half of them unless copied.",
    "mean_real_fake": "From a real sample to a generated one.",
    "mean_real_real": "From a real sample to another real one.",
    "mean_fake_fake": "From a generated sample to another generated one.",
    "energy_coefficient": "The energy distance as a share of the largest possible one.",
    "sliced_wasserstein": "How far generated samples have to move to become real ones.",
    "coverage": "How many real samples have a generated one close by.",
}
"""What each card shows, in words that need no other ones."""
UNSYMMETRIC = {"symmetric_precision": "precision", "symmetric_recall": "recall"}
CARD_WIDTH = 230
SPREAD = (
    "Mean distance within the generated samples over that within the real ones. Below 1 they are too alike. A few "
    "samples that repeat, far apart from each other, still have a spread near 1."
)


def show_cards(report: Report, history: History, step: int) -> None:
    """The live panel: what was measured at a step, each number on a card of its own with how it came about."""
    known = {name: metric for name, metric in report.metrics.items() if metric.value is not None}
    if ratio := spread_ratio(report):
        known["spread_ratio"] = ratio
    for title, names in CARDS.items():
        shown = [known[name] for name in names if name in known]
        if not shown:
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{with_terms(title, 'mode')}**", unsafe_allow_html=True)
            if "mean_real_fake" in names:
                _show_arithmetic(report)
        grid = st.grid(4, min_column_width=CARD_WIDTH, border=True)
        for metric in shown:
            with grid.cell(), part("This number"):
                _card(metric, report, history, step)
    marks = {word: f":{MARKS[word]}-badge[{word}]" for word in ("like real", "off", "beyond real")}
    show_caption(
        f"{marks['like real']} within {NOTABLE:g} standard deviations of what real samples give · {marks['off']} worse "
        f"than that · {marks['beyond real']} closer than real samples get: too typical, blurred or copied, and not "
        "better.  \n"
        "Each **small curve** shows the value over the training, with a dot at this step. The blue band is the value "
        "of real samples (± 2 standard deviations).",
        "standard deviation",
    )


def _card(metric, report: Report, history: History, step: int) -> None:
    word = mark_of(metric)
    title = "Spread" if metric.name == "spread_ratio" else METRICS[metric.name].title
    help = _help(metric, report)
    st.metric(title, _number(metric), word, delta_color=MARKS[word], delta_arrow="off", help=help)
    alt = f"{title} over the training, with the band of real samples"
    curve, band = _curve(metric.name, history), dict(mean=metric.reference_mean, sd=metric.reference_sd)
    if picture := spark(metric.name, *curve, **band, step=step, alt=alt):
        st.html(picture)
    st.caption(f"{SHOWS[metric.name]}  \n{plain(_beside(metric))}")


def _curve(name: str, history: History) -> tuple[np.ndarray, np.ndarray]:
    """A metric's steps and values; empty where there is no curve."""
    nothing = np.zeros(0), np.zeros(0)
    if name != "spread_ratio":
        return history.curves.get(name, nothing)
    (steps, spread), (at, own) = (history.curves.get(f"mean_{kind}", nothing) for kind in ("fake_fake", "real_real"))
    return (steps, np.divide(spread, own)) if np.array_equal(steps, at) else nothing


def _number(metric) -> str:
    if metric.name == "modes_captured" and metric.ideal is not None:
        return f"{metric.value:.0f} of {metric.ideal:.0f}"
    return shown_value(metric)


def _beside(metric) -> str:
    """The sentence below a number: in any case, the value of real samples."""
    if metric.reference_mean is None:
        return "The value of real samples is being measured."
    if metric.name == "mean_real_real" and not metric.reference_sd:
        return "For comparison: the same held-out samples at every step."
    if metric.name == "sliced_wasserstein" and metric.reference_mean:
        return f"{metric.verdict} This is {metric.value / metric.reference_mean:.2f} times as much."
    return metric.verdict


def _help(metric, report: Report) -> str:
    """The numbers behind the card: what it measures, z and p, and its paper."""
    odds = [] if metric.z is None else [f"{with_z(metric.z)}. {OF_Z}"]
    odds += [] if metric.p is None else [f"p = {metric.p:.2g}. **p**: {in_sentence('p-value')}"]
    if metric.name == "spread_ratio":
        return "\n\n".join([SPREAD, *odds])
    about = METRICS[metric.name]
    parts = [about.sentence]
    if (other := report.metrics.get(UNSYMMETRIC.get(metric.name, ""))) and other.value is not None:
        real = f" (real samples: {with_spread(other)})" if other.reference_mean is not None else ""
        parts.append(f"Original {other.name}: {shown_value(other)}{real}. {METRICS[other.name].sentence}")
    return "\n\n".join([*map(plain, parts), *odds, plain(f"Source: {about.source}.")])


def _show_arithmetic(report: Report) -> None:
    names = ("mean_real_fake", "mean_real_real", "mean_fake_fake", "energy_distance")
    rf, rr, ff, u = (metric.value if (metric := report.metrics.get(name)) else None for name in names)
    if rf is None or rr is None or ff is None or u is None:
        return
    with st.popover("What is this?", icon=":material/help:"):
        st.markdown(
            "The **Euclidean distance** between two samples is the length of the straight line between them, pixel by "
            "pixel (or coordinate by coordinate). We take all pairs and average.\n\n"
            "The mean distance from real to generated samples alone misleads: a generator that always gives the *mean "
            "image* has the smallest value of all. The **energy distance** corrects this by subtracting the mean "
            "distances within each kind:"
        )
        st.latex(rf"2\cdot {rf:.4f} - {rr:.4f} - {ff:.4f} = {u:.4f}")
        st.markdown(
            f"Finite samples never give exactly 0: with n = {report.n_fake:,} of each, two sets of *real* samples give "
            "the *real against real* value, which may fall a little below 0. Only a result well outside that range "
            "means a difference.  \n"
            "Székely & Rizzo 2013, *Energy statistics*, J. Stat. Plan. Inference 143."
        )
