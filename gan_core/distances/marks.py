"""One metric at a glance: a mark that says how it compares with what real samples give.

Only text and arithmetic: pages may use it freely.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gan_core.distances.verdict import NOTABLE, badness, repeats, with_spread
from gan_core.records import MetricResult, Report

Mark = Literal["like real", "off", "beyond real", "for comparison", "not judged yet", "not measured"]

COPY, CLOSE, UNLIKE = 0.25, 0.75, 1.25
"""A sample's distance to its nearest training sample over that of a real one: below the first it is nearly a copy, up
to the second too close, from the third on unlike any training sample."""


def mark_of(metric: MetricResult) -> Mark:
    """How a value compares with real-vs-real: notably worse (off), notably closer (beyond real), or like it."""
    if metric.value is None:
        return "not measured"
    if metric.reference_mean is None:
        return "not judged yet"
    if metric.direction == "diagnostic":
        return "for comparison"
    worse = badness(metric)
    return "off" if worse >= NOTABLE else "beyond real" if worse <= -NOTABLE else "like real"


def spread_ratio(report: Report) -> MetricResult | None:
    """The generated samples' mean distance over the real ones', beside what other real samples give against the same
    real ones: below 1 the generated ones are too alike. None where one of the two is not known.
    """
    spread, of_real = (report.metrics.get(name) for name in ("mean_fake_fake", "mean_real_real"))
    own = of_real.value if of_real else None
    if spread is None or spread.value is None or not own:
        return None
    ratio = replace(spread, name="spread_ratio", value=spread.value / own, direction="target", ideal=1.0)
    mean, sd = spread.reference_mean, spread.reference_sd
    if mean is None or sd is None:
        return ratio
    ratio = replace(ratio, reference_mean=mean / own, reference_sd=sd / own)
    other = "Closer together than" if spread.value < mean else "Farther apart than"
    words = "On average as far apart as" if mark_of(ratio) == "like real" else other
    unseen = " That samples repeat does not show here: it is a mean distance." if repeats(report) else ""
    return replace(ratio, verdict=f"{words} other real samples, which give {with_spread(ratio)}.{unseen}")


def closeness(ratio: float) -> str:
    """What it means that a sample's nearest training sample is `ratio` times as far as a real sample's."""
    if ratio < COPY:
        return "this one is nearly a copy."
    if ratio < CLOSE:
        return "this one is closer than real samples are, so typical, blurred or partly copied."
    return "this one is as near as a real sample." if ratio < UNLIKE else "this one is unlike any training sample."
