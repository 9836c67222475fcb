"""measure(real=, fake=): every metric of one set of generated samples, beside what real samples give.

ruler = RealPart.of(real)                     # once: what depends on the real samples alone
report = measure(real=real, fake=fake, reference=reference, real_part=ruler)
print(report.verdict)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from gan_core.distances import pairwise
from gan_core.distances.energy import EnergyDistance
from gan_core.records import Histogram, MeasureError, MetricResult, Reference, Report

METRICS: dict[str, tuple[str, float | None]] = {
    "mean_real_real": ("diagnostic", None),
    "mean_fake_fake": ("diagnostic", None),
    "mean_real_fake": ("diagnostic", None),
    "energy_distance": ("lower", 0.0),
    "energy_coefficient": ("lower", 0.0),
}
"""For every metric, which direction is better and what is ideal."""

ROOM = 1.25  # the histogram reaches this much beyond the largest real-real distance
NOTABLE = 3.0  # standard deviations from real-vs-real before the verdict speaks of a difference
SAME = 1e-6  # all fakes within this share of the real spread are one sample, rounded in float32


@dataclass(frozen=True, eq=False)
class RealPart:
    """What a measurement needs of the real samples alone: their rows (n, d), their distances, the histogram's edges."""

    rows: np.ndarray
    shape: tuple[int, ...]
    within: pairwise.Moments
    edges: tuple[float, ...]

    @classmethod
    def of(cls, real, bins: int = 60) -> RealPart:
        """Raises MeasureError when `real`, (n, d) or (n, h, w, c), has n < 2 or is not finite."""
        rows = pairwise.rows(real, "real")
        # Edges of the real samples alone hold the picture still while a generator learns.
        edges = np.linspace(0, ROOM * pairwise.within(rows).largest or 1.0, bins + 1)
        return cls(rows, np.shape(real)[1:], pairwise.within(rows, edges=edges), tuple(edges.tolist()))


def measure(
    *,
    real,
    fake,
    reference: Reference | None = None,
    space: str = "pixels",
    k: int = 5,
    seed: int = 0,
    bins: int = 60,
    real_part: RealPart | None = None,
) -> Report:
    """Every metric between `real` (n, ...) and `fake` (m, ...), points or images of one shape, n, m >= 2.

    `reference` is the calibration at this n; without it nothing is judged. `real_part` saves the real-real
    distances when the same rows are measured again, and then decides the bins. Metrics share one pass: `seconds`
    of each is what it added. Fakes that are not finite give status "diverged" and no values, fakes that are all
    the same "collapsed". Raises MeasureError when the arrays, the reference and real_part do not fit together,
    or `real` is not finite.
    """
    started = perf_counter()
    real, fake = np.asarray(real), np.asarray(fake)
    _check(real, fake, reference, real_part)
    about = {"n_real": len(real), "n_fake": len(fake), "k": k, "space": space, "seed": seed}
    if bad := pairwise.count_unusable(fake):
        metrics = {name: _result(name, None, reference, 0.0) for name in METRICS}
        verdict = (
            f"The generator diverged: {bad:,} of its {fake.size:,} numbers are not finite, so nothing can be measured. "
            "Go back to an earlier step, or train with smaller step sizes."
        )
        return Report("diverged", **about, metrics=metrics, verdict=verdict, seconds=perf_counter() - started)

    part, seconds_rr = _timed(lambda: real_part or RealPart.of(real, bins))
    fake = pairwise.rows(fake, "fake")
    ff, seconds_ff = _timed(lambda: pairwise.within(fake, edges=part.edges))
    rf, seconds_rf = _timed(lambda: pairwise.across(real=part.rows, fake=fake, edges=part.edges))
    result = EnergyDistance(len(real), len(fake), part.within.mean, ff.mean, rf.mean)
    seconds = {"mean_real_real": seconds_rr, "mean_fake_fake": seconds_ff, "mean_real_fake": seconds_rf}
    metrics = {n: _result(n, v, reference, seconds.get(n, 0.0)) for n, v in result.as_metrics().items()}
    status = "collapsed" if ff.largest <= SAME * part.within.mean else "measured"
    return Report(
        status,
        **about,
        metrics=metrics,
        histogram=_histogram(part.edges, part.within, ff, rf),
        verdict=_verdict(metrics, status, len(real), len(fake)),
        seconds=perf_counter() - started,
    )


def beside(report: Report, reference: Reference | None) -> Report:
    """The same measurement judged by a reference that was made later; without one, the report as it is.

    Raises MeasureError when the reference is for another n.
    """
    if reference is None:
        return report
    _check_size(reference, report.n_real, report.n_fake)
    metrics = {name: _result(name, m.value, reference, m.seconds) for name, m in report.metrics.items()}
    if report.status == "diverged":
        return replace(report, metrics=metrics)
    return replace(report, metrics=metrics, verdict=_verdict(metrics, report.status, report.n_real, report.n_fake))


def check_ranges(*, real, fake) -> None:
    """Raises MeasureError when the values of one array span more than 8 times those of the other.

    The classic silent error is 0..255 against 0..1. The span includes 0; an array of zeros is not judged.
    """
    spans = []
    for x, name in ((real, "real"), (fake, "fake")):
        values = pairwise.rows(x, name)
        spans.append(float(max(values.max(), 0) - min(values.min(), 0)))
    if min(spans) > 0 and max(spans) > 8 * min(spans):
        raise MeasureError(
            f"the values of real span {spans[0]:.4g} and those of fake {spans[1]:.4g}, more than 8 times apart; "
            "bring both to one scale (images: 0 to 1)"
        )


def _check(real: np.ndarray, fake: np.ndarray, reference: Reference | None, part: RealPart | None) -> None:
    pairwise.same_shape(real=real, fake=fake)
    if min(real.shape[:1] + fake.shape[:1], default=0) < 2:
        raise MeasureError(f"real is {real.shape} and fake is {fake.shape}; a measurement needs 2 samples of each")
    _check_size(reference, len(real), len(fake))
    rows = pairwise.rows(real, "real")
    if part and (part.shape != real.shape[1:] or not np.array_equal(part.rows, rows)):
        raise MeasureError(f"real_part was made of {len(part.rows)} other samples; make it from this real array")


def _check_size(reference: Reference | None, n_real: int, n_fake: int) -> None:
    if reference and {n_real, n_fake} != {reference.n}:
        raise MeasureError(
            f"the reference is for {reference.n} samples, but there are {n_real} real and {n_fake} fake; "
            f"give {reference.n} of each or calibrate again"
        )


def _timed(compute):
    started = perf_counter()
    return compute(), perf_counter() - started


def _result(name: str, value: float | None, reference: Reference | None, seconds: float) -> MetricResult:
    mean, sd = reference.metrics.get(name, (None, None)) if reference else (None, None)
    z = (value - mean) / sd if value is not None and sd else None
    direction, ideal = METRICS[name]
    return MetricResult(name, value, mean, sd, z, direction=direction, ideal=ideal, seconds=seconds)


def _histogram(edges, rr: pairwise.Moments, ff: pairwise.Moments, rf: pairwise.Moments) -> Histogram:
    """Densities on shared edges; the last bin reaches out to the largest distance, so nothing is left out."""
    edges = np.array(edges)
    edges[-1] = max(edges[-1], rr.largest, ff.largest, rf.largest)
    widths = np.diff(edges)
    densities = (tuple((np.array(m.counts) / (m.pairs * widths)).tolist()) for m in (rr, ff, rf))
    return Histogram(tuple(edges.tolist()), *densities)


def _verdict(metrics: dict[str, MetricResult], status: str, n_real: int, n_fake: int) -> str:
    distance, spread = metrics["energy_distance"], metrics["mean_fake_fake"]
    n = f"n = {n_real:,}" if n_real == n_fake else f"{n_real:,} real and {n_fake:,} generated samples"
    collapsed = f"The generator has collapsed: all {n_fake:,} samples are the same. " if status == "collapsed" else ""
    found = f"{collapsed}Energy distance {distance.value:z.3g} at {n}"
    if distance.reference_mean is None:
        return f"{found}. What two sets of real samples of this size give is missing, so this is not judged."
    gap, z = _gap(distance), "" if distance.z is None else f" (z = {distance.z:+.0f})"
    if gap >= NOTABLE:
        judged = "the generated samples still differ from the real ones."
    elif gap > -NOTABLE:
        judged = "at this n the generated samples cannot be told from real ones by this distance."
    else:
        judged = "the generated samples lie closer to the real ones than real samples do, so look for copies."
    text = f"{found}; two sets of real samples of this size give {_with_spread(distance)}{z}: {judged}"
    ratio = spread.value / metrics["mean_real_real"].value if metrics["mean_real_real"].value else None
    if collapsed or ratio is None or spread.reference_mean is None or abs(_gap(spread)) < NOTABLE:
        return text
    compared = "less" if _gap(spread) < 0 else "more"
    return f"{text} They are {compared} varied than real ones (spread {ratio:.2f} of real)."


def _gap(metric: MetricResult) -> float:
    """Standard deviations from real-vs-real; without a spread any difference is infinitely many."""
    if metric.z is not None:
        return metric.z
    difference = metric.value - metric.reference_mean
    return math.copysign(math.inf, difference) if difference else 0.0


def _with_spread(metric: MetricResult) -> str:
    """Mean ± sd, both to the sd's first digit: -0.003 ± 0.003."""
    mean, sd = metric.reference_mean, metric.reference_sd
    places = max(0, -math.floor(math.log10(sd))) if sd else 3
    return f"{mean:z.{places}f} ± {sd:.{places}f}" if places <= 6 else f"{mean:.2g} ± {sd:.1g}"
