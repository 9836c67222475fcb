"""The numbers of a report that a person looks at first, in plain words and ready to be set in a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gan_core.distances.catalogue import METRICS
from gan_core.distances.marks import Mark, mark_of, spread_ratio
from gan_core.distances.verdict import badness, shown_value, with_spread, z_value
from gan_core.records import Direction, MetricResult, Report

PLAIN: Mapping[str, str] = {
    "energy_distance": "How far apart the two sets are",
    "sliced_wasserstein": "How far apart along straight lines",
    "symmetric_precision": "Generated samples that are realistic",
    "symmetric_recall": "Real variety that is found",
    "coverage": "Real samples with a generated one near",
    "spread_ratio": "How far apart they lie, over real ones",
    "nn_accuracy_real": "Real samples that can be told apart",
    "nn_accuracy_fake": "Generated ones that can be told apart",
    "modes_captured": "Modes that are found",
    "high_quality_share": "Samples that lie at a mode",
    "dcr_share": "Nearer to training than to unseen data",
}
"""The metrics of the table, in its order, and what each says."""
ARROWS: Mapping[Direction, str] = {"lower": "↓", "higher": "↑", "target": "≈", "diagnostic": " "}
"""Which values are better."""
BETTER: Mapping[str, str] = {
    "↓": "lower is better",
    "↑": "higher is better",
    "≈": "best where it is as between real samples",
}
"""The same in words, by the arrow."""


@dataclass(frozen=True)
class Row:
    """One line: what it says in plain words, the field's name for it, and the rest as it is shown.

    `real` is what two sets of real samples give, `z` the standard deviations from that; both are empty where it is not
    known. `worse`: standard deviations towards worse, as it is drawn, None where there is nothing to draw.
    """

    words: str
    title: str
    arrow: str
    value: str
    real: str
    z: str
    mark: Mark
    worse: float | None


def rows_of(report: Report) -> tuple[Row, ...]:
    """A line for every number of `PLAIN` that was measured."""
    known: dict[str, MetricResult] = dict(report.metrics)
    if ratio := spread_ratio(report):
        known["spread_ratio"] = ratio
    return tuple(_row(known[name]) for name in PLAIN if name in known and known[name].value is not None)


def judged(report: Report) -> bool:
    """Whether it is known what two sets of real samples of this size give."""
    distance = report.metrics.get("energy_distance")
    return distance is not None and distance.reference_mean is not None


def sizes_of(report: Report) -> str:
    """Of which samples the numbers are."""
    space = "" if report.space == "pixels" else f" in the space {report.space}"
    return f"{report.n_real:,} real and {report.n_fake:,} generated samples{space}, k = {report.k}, seed {report.seed}."


UNJUDGED = "What two sets of real samples give is not known: give more real samples as reference= to measure it."


def _row(metric: MetricResult) -> Row:
    about, mark = METRICS.get(metric.name), mark_of(metric)
    drawn = mark in ("like real", "off", "beyond real")
    value = shown_value(metric)
    if metric.name == "modes_captured" and metric.ideal is not None:
        value = f"{metric.value:.0f} of {metric.ideal:.0f}"
    return Row(
        words=PLAIN[metric.name],
        title=about.title if about else "Spread",
        arrow=ARROWS[metric.direction],
        value=value,
        real="" if metric.reference_mean is None else with_spread(metric),
        z=z_value(metric.z),
        mark=mark,
        worse=badness(metric) if drawn else None,
    )
