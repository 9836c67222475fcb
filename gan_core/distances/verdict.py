"""From numbers to words: each metric beside real-vs-real, and one sentence on all of them.

A verdict needs two metrics of different families that agree. Only text and arithmetic: importing it is cheap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from gan_core.distances.catalogue import METRICS
from gan_core.records import MeasureError, MetricResult, Reference, Report

NOTABLE = 3.0
"""Standard deviations from real-vs-real from which on a difference is reported."""

FAR = 100.0
"""Standard deviations beyond which their number is not given any more."""

SMALL = 400
"""Samples below which the smallest effect that could be detected is given too."""

COPIES = 5.0
"""Standard errors above .5 from which on the share that is closer to training data is called copying."""

FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all distances", ("energy_distance", "mmd_rbf")),
    ("nearest neighbours", ("nn_accuracy_real", "nn_accuracy_fake")),
    ("fidelity", ("symmetric_precision",)),
    ("variety", ("symmetric_recall", "coverage")),
    ("projections", ("sliced_wasserstein",)),
)
"""Metrics that measure different things; two families have to show a difference. (Blur improves precision and density:
they are not here.)"""


def judged(report: Report, *, seconds: float) -> Report:
    """The finished report with its sentence."""
    return replace(report, verdict=sentence(report), seconds=seconds)


def beside(report: Report, reference: Reference | None) -> Report:
    """The same measurement judged by a reference that was made later; without one, the report as it is.

    Raises MeasureError when the reference is for another n.
    """
    if reference is None:
        return report
    check_size(reference, report.n_real, report.n_fake)
    metrics = {name: placed(metric, reference, report.n_fake) for name, metric in report.metrics.items()}
    report = replace(report, metrics=metrics)
    return report if report.status == "diverged" else replace(report, verdict=sentence(report))


def placed(metric: MetricResult, reference: Reference | None, n: int) -> MetricResult:
    """A value beside what real samples give, with its z and its own sentence; `n` is the number of samples."""
    mean, sd = reference.metrics.get(metric.name, (None, None)) if reference else (None, None)
    z = (metric.value - mean) / sd if metric.value is not None and mean is not None and sd else None
    metric = replace(metric, reference_mean=mean, reference_sd=sd, z=z)
    return replace(metric, verdict=_of_one(metric, n))


def check_size(reference: Reference, n_real: int, n_fake: int) -> None:
    """Raises MeasureError when the reference is for another number of samples."""
    if not reference.n == n_real == n_fake:
        raise MeasureError(
            f"the reference is for {reference.n} samples, but there are {n_real} real and {n_fake} fake ones; "
            f"give {reference.n} of each or calibrate again"
        )


def badness(metric: MetricResult) -> float:
    """Standard deviations from real-vs-real towards worse; negative: beyond what real samples reach; 0: not known."""
    gap = _gap(metric)
    return {"lower": gap, "higher": -gap, "target": abs(gap), "diagnostic": 0.0}[metric.direction]


def smallest_effect(metric: MetricResult) -> float | None:
    """The smallest change of the value that can be detected at this n; None when that is not known."""
    return NOTABLE * metric.reference_sd if metric.reference_sd else None


def sentence(report: Report) -> str:
    """One or two sentences on a whole report; they say so where only one family of metrics shows a difference."""
    metrics, n = report.metrics, _sizes(report)
    distance = metrics["energy_distance"]
    collapsed = (
        f"The generator has collapsed: all {report.n_fake:,} samples are the same. "
        if report.status == "collapsed"
        else ""
    )
    if distance.value is None:
        return f"{collapsed}Nothing was judged at {n}: the energy distance needs {distance.needs}."
    found = f"{collapsed}Energy distance {distance.value:z.3g} at {n}"
    if distance.reference_mean is None:
        chance = "" if distance.p is None else f" (permutation test: p = {distance.p:.3g})"
        return (
            f"{found}{chance}. What two sets of real samples of this size give is missing, so this is not judged."
            f"{_copies(metrics)}"
        )
    z = "" if distance.z is None else f" (z = {distance.z:+z.0f})"
    text = f"{found}; two sets of real samples of this size give {with_spread(distance)}{z}: "
    signs = _signs(metrics)
    if len(signs) >= 2:
        others = [metric for metric in signs if metric.name != "energy_distance"][:2]
        shown = " and ".join(_named(metric) for metric in others)
        show = "show" if others[1:] else "shows"
        too = " too" if badness(distance) >= NOTABLE else ""
        text += f"the generated samples still differ from the real ones, as {shown} {show}{too}."
    elif badness(distance) <= -NOTABLE:
        text += "the generated samples lie closer to the real ones than real samples do, so look for copies."
    elif signs:
        text += f"only {_named(signs[0])} points to a difference. A verdict needs a second one: use more samples."
    else:
        text += "at this n the generated samples cannot be told from real ones."
    return f"{text}{_variety(metrics)}{_copies(metrics)}{_resolution(report)}"


def with_spread(metric: MetricResult) -> str:
    """Mean ± sd, both to the sd's first digit: -0.003 ± 0.003; one number where it is always the same."""
    mean, sd = metric.reference_mean, metric.reference_sd
    if not sd:
        return f"{mean:.4g} every time"
    places = max(0, -math.floor(math.log10(sd)))
    return f"{mean:z.{places}f} ± {sd:.{places}f}" if places <= 6 else f"{mean:.2g} ± {sd:.1g}"


# ---------------------------------------------------------------- parts


def _signs(metrics: Mapping[str, MetricResult]) -> list[MetricResult]:
    """The worst metric of every family that shows a difference."""
    strongest: list[MetricResult] = []
    for _, names in FAMILIES:
        known = [metrics[name] for name in names if name in metrics and metrics[name].value is not None]
        worst = max(known, key=badness, default=None)
        if worst is not None and badness(worst) >= NOTABLE:
            strongest.append(worst)
    return strongest


def _of_one(metric: MetricResult, n: int) -> str:
    if metric.value is None:
        return f"Not measured: it needs {metric.needs}."
    if metric.reference_mean is None:
        chance = "" if metric.p is None else f" By chance alone a value like this has p = {metric.p:.3g}."
        return f"Not judged: what real samples give at this n is not known.{chance}"
    real = with_spread(metric)
    if metric.direction == "diagnostic":
        return f"Real samples give {real}; by itself this is no score."
    worse = badness(metric)
    if worse >= NOTABLE:
        far = f" by {worse:.0f} standard deviations" if worse < FAR else " by far"
        return f"Off{far}: real samples give {real}."
    if worse <= -NOTABLE:
        return f"Beyond what real samples reach ({real}): too typical, blurred or copied, and not better."
    effect = smallest_effect(metric)
    small = f" At n = {n} a change below {effect:.2g} could not be seen." if n < SMALL and effect else ""
    return f"Like real samples, which give {real}.{small}"


def _named(metric: MetricResult) -> str:
    z = "" if metric.z is None else f" (z = {metric.z:+z.0f})"
    title = METRICS[metric.name].title
    return f"{title[0].lower() if title[1].islower() else title[0]}{title[1:]} {metric.value:.3g}{z}"


def _variety(metrics: Mapping[str, MetricResult]) -> str:
    spread, own = metrics.get("mean_fake_fake"), metrics.get("mean_real_real")
    if spread is None or own is None:  # a report of another program
        return ""
    if spread.value is None or spread.reference_mean is None or not own.value or abs(_gap(spread)) < NOTABLE:
        return ""
    compared = "less" if _gap(spread) < 0 else "more"
    return f" They are {compared} varied than real ones (spread {spread.value / own.value:.2f} of real)."


def _copies(metrics: Mapping[str, MetricResult]) -> str:
    share = metrics.get("dcr_share")
    if share is None or share.value is None:
        return ""
    error = share.parameters.get("standard_error")
    if not error or share.value - 0.5 < COPIES * error:
        return ""
    return f" They copy: {share.value:.0%} are closer to a training sample than to any of as many held-out ones."


def _resolution(report: Report) -> str:
    effect = smallest_effect(report.metrics["energy_distance"])
    n = min(report.n_real, report.n_fake)
    if n >= SMALL or not effect:
        return ""
    return f" With {n} samples an energy distance has to change by {effect:.2g} to be seen."


def _sizes(report: Report) -> str:
    n, m = report.n_real, report.n_fake
    return f"n = {n:,}" if n == m else f"{n:,} real and {m:,} generated samples"


def _gap(metric: MetricResult) -> float:
    """Standard deviations from real-vs-real; without a spread any difference is infinitely many."""
    if metric.value is None or metric.reference_mean is None:
        return 0.0
    if metric.z is not None:
        return metric.z
    difference = metric.value - metric.reference_mean
    return math.copysign(math.inf, difference) if difference else 0.0
