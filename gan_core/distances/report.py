"""measure(real=, fake=): every metric of one set of generated samples, beside what real samples give.

ruler = RealPart.of(real)                     # once: what depends on the real samples alone
report = measure(real=real, fake=fake, reference=reference, real_part=ruler)
print(report.verdict)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter

import numpy as np

from gan_core.distances import pairwise, verdict
from gan_core.distances.catalogue import METRICS, VERSION
from gan_core.distances.inputs import Case, KnownModes, RealPart
from gan_core.distances.registry import STEPS, Step, Value
from gan_core.records import Histogram, MeasureError, MetricResult, Panel, Reference, Report

PERMUTATIONS = {"live": 199, "full": 999}
FEW_PERMUTATIONS_FROM = 2_000
"""Samples of each kind above which 199 permutations have to do: each costs as much as the distances themselves."""


def measure(
    *,
    real,
    fake,
    reference: Reference | None = None,
    train=None,
    holdout=None,
    modes: KnownModes | None = None,
    space: str = "pixels",
    panel: Panel = "live",
    k: int = 5,
    seed: int = 0,
    precision: pairwise.Precision | None = None,
    budget_seconds: float | None = None,
    real_part: RealPart | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Every metric of a panel between `real` (n, ...) and `fake` (m, ...), points or images of one shape, n, m >= 2.

    `reference` is the calibration at this n; without it nothing is judged. `train` and `holdout` (N, ...) are what
    the metrics of copying look at, `modes` anything with `centres` (K, d) and `std`. A metric that lacks an input has
    no value and says in `needs` what it lacks. `precision` is of the sums: float64 up to 2,000 samples, float32
    above, unless said. After `budget_seconds` no further step is begun. `real_part` saves what depends on the real
    samples alone, and then brings k, seed, train and holdout. `progress` is told the share of steps that are done.
    Fakes that are not finite give status "diverged" and no values, fakes that are all the same "collapsed".
    Raises MeasureError when the arrays, the reference and real_part do not fit together, `real` is not finite,
    k < 1, or the panel is unknown.
    """
    started = perf_counter()
    real, fake = np.asarray(real), np.asarray(fake)
    _check(real, fake, reference, real_part, panel, k)
    part = real_part or RealPart.of(real, train=train, holdout=holdout, k=k, seed=seed, precision=precision)
    about = {"n_real": len(real), "n_fake": len(fake), "k": part.k, "space": space, "seed": seed, "panel": panel}
    if bad := pairwise.count_unusable(fake):
        needs = "finite samples"
        metrics = {name: _result(name, None, reference, 0.0, len(fake), needs=needs) for name in METRICS}
        said = (
            f"The generator diverged: {bad:,} of its {fake.size:,} numbers are not finite, so nothing can be measured. "
            "Go back to an earlier step, or train with smaller step sizes."
        )
        seconds = perf_counter() - started
        return Report("diverged", **about, metrics=metrics, verdict=said, seconds=seconds, version=VERSION)

    permutations = PERMUTATIONS[panel if max(len(real), len(fake)) <= FEW_PERMUTATIONS_FROM else "live"]
    case = Case(part, pairwise.rows(fake, "fake"), modes, permutations, reference)
    metrics, details = {}, {}
    for done, step in enumerate(STEPS):
        begun = perf_counter()
        needs = lacks(step, case, panel, budget_seconds, begun - started)
        found = None
        if not needs:
            try:
                found = step.take(case)
            except MeasureError as error:  # these data do not suit this step: the others go on
                needs = f"other data ({error})"
        seconds = perf_counter() - begun
        for name in step.names:
            value = found.values[name] if found else None
            metrics[name] = _result(name, value, reference, seconds, len(fake), needs=needs)
        details |= found.details if found else {}
        if progress:
            progress((done + 1) / len(STEPS))
    report = Report(
        "collapsed" if case.collapsed else "measured",
        **about,
        metrics={name: metrics[name] for name in METRICS},
        histogram=_histogram(case),
        details=json.loads(json.dumps(details)),
        version=VERSION,
    )
    return verdict.judged(report, seconds=perf_counter() - started)


def lacks(step: Step, case: Case, panel: Panel, budget: float | None = None, spent: float = 0.0) -> str | None:
    """What a step lacks, in words for `needs`: an input, the full panel, or time; None when it can be taken."""
    if panel == "live" and not step.live:
        return "the full panel"
    if missing := step.lacks(case):
        return missing
    return f"more than {budget:g} seconds" if budget is not None and spent >= budget else None


def check_ranges(*, real, fake, names: tuple[str, str] = ("real", "fake")) -> None:
    """Raises MeasureError when the values of one array span more than 8 times those of the other.

    The classic silent error is 0..255 against 0..1. The span includes 0; an array of zeros is not judged.
    """
    spans = []
    for x, name in zip((real, fake), names, strict=True):
        values = pairwise.rows(x, name)
        spans.append(float(max(values.max(), 0) - min(values.min(), 0)))
    if min(spans) > 0 and max(spans) > 8 * min(spans):
        raise MeasureError(
            f"the values of {names[0]} span {spans[0]:.4g} and those of {names[1]} {spans[1]:.4g}, more than 8 times "
            "apart; bring both to one scale (images: 0 to 1)"
        )


def _check(real, fake, reference: Reference | None, part: RealPart | None, panel: str, k: int) -> None:
    pairwise.same_shape(real=real, fake=fake)
    if panel not in PERMUTATIONS:
        raise MeasureError(f"panel is {panel!r}; choose live or full")
    if k < 1:
        raise MeasureError(f"k is {k}; choose at least 1 neighbour")
    if min(real.shape[:1] + fake.shape[:1], default=0) < 2:
        raise MeasureError(f"real is {real.shape} and fake is {fake.shape}; a measurement needs 2 samples of each")
    if reference:
        verdict.check_size(reference, len(real), len(fake))
    if part and (part.shape != real.shape[1:] or not np.array_equal(part.rows, pairwise.rows(real, "real"))):
        raise MeasureError(f"real_part was made of {len(part.rows)} other samples; make it from this real array")


def _result(
    name: str, value: Value | None, reference: Reference | None, seconds: float, n: int, *, needs: str | None
) -> MetricResult:
    about = METRICS[name]
    metric = MetricResult(name, None, direction=about.better, ideal=about.ideal, seconds=seconds, needs=needs)
    if value is not None:
        ideal = about.ideal if value.ideal is None else value.ideal
        metric = MetricResult(
            name, value.value, p=value.p, direction=about.better, ideal=ideal, seconds=seconds,
            parameters=value.parameters,
        )  # fmt: skip
    return verdict.placed(metric, reference, n)


def _histogram(case: Case) -> Histogram:
    """Densities on shared edges, without empty bins at the end; the last reaches out to the largest distance."""
    moments = (case.part.within.moments, case.within.moments, case.across.moments)
    used = max(np.flatnonzero(np.sum([m.counts for m in moments], axis=0)), default=0) + 1
    edges = case.part.edges[: used + 1].copy()
    edges[-1] = max(edges[-1], *(m.largest for m in moments))
    widths = np.diff(edges)
    densities = (tuple((np.array(m.counts[:used]) / (m.pairs * widths)).tolist()) for m in moments)
    return Histogram(tuple(edges.tolist()), *densities)
