"""measure(real=, fake=): every metric of one set of generated samples, beside what real samples give.

report = measure(real=real, fake=fake, reference=reference)
print(report.verdict)

real_part = RealPart.of(real, train=train, holdout=holdout, k=5)     # once: what depends on real samples alone
reports = [measure(real=real_part, fake=fake) for fake in fakes]
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from gan_core.arrays import Array, ArrayLike
from gan_core.distances import pairwise, verdict
from gan_core.distances.catalogue import METRICS, VERSION
from gan_core.distances.inputs import Inputs, RealPart
from gan_core.distances.registry import STEPS, Step, Value
from gan_core.records import Histogram, MeasureError, MetricResult, Modes, Panel, Reference, Report

PERMUTATIONS = {"live": 199, "full": 999}
FEW_PERMUTATIONS_FROM = 2_000
"""Samples of each kind above which 199 permutations have to do: each costs as much as the distances themselves."""


def measure(
    *,
    real: ArrayLike | RealPart,
    fake: ArrayLike,
    reference: Reference | None = None,
    modes: Modes | None = None,
    space: str = "pixels",
    panel: Panel = "live",
    budget_seconds: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Every metric of a panel between `real` (n, ...) and `fake` (m, ...), points or images of one shape, n, m >= 2.

    `real` are samples, or a `RealPart` that was made of them: it keeps what depends on real samples alone, and brings
    training and held-out rows for the metrics of copying, k, seed and precision. `reference` is the calibration at
    this n; without it nothing is judged. `modes`: those the data are drawn from. `space` is only the name of the
    feature space the samples are in. A metric that lacks an input has no value, and its `needs` names the input.
    After `budget_seconds` no further step is begun. `progress` is called with the share of steps that are done.
    Fakes that are not finite give status "diverged" and no values, fakes that are all the same "collapsed".
    Raises MeasureError when real, fake and reference do not fit together, real is not finite, or the panel is unknown.
    """
    started = perf_counter()
    real_part, fake = real if isinstance(real, RealPart) else RealPart.of(real), np.asarray(fake)
    _check(real_part, fake, reference, panel)
    about: dict[str, Any] = {
        "n_real": len(real_part),
        "n_fake": len(fake),
        "k": real_part.k,
        "space": space,
        "seed": real_part.seed,
        "panel": panel,
    }
    if bad := pairwise.count_unusable(fake):
        needs = "finite samples"
        metrics = {name: _result(name, None, reference, 0.0, len(fake), needs=needs) for name in METRICS}
        sentence = (
            f"The generator diverged: {bad:,} of its {fake.size:,} numbers are not finite, so nothing can be measured. "
            "Go back to an earlier step, or train with smaller learning rates."
        )
        seconds = perf_counter() - started
        return Report("diverged", **about, metrics=metrics, verdict=sentence, seconds=seconds, version=VERSION)

    permutations = PERMUTATIONS[panel if max(len(real_part), len(fake)) <= FEW_PERMUTATIONS_FROM else "live"]
    inputs = Inputs(real_part, pairwise.rows(fake, "fake"), modes, permutations, reference)
    metrics: dict[str, MetricResult] = {}
    details: dict[str, Any] = {}
    for done, step in enumerate(STEPS):
        begun = perf_counter()
        needs = lacks(step, inputs, panel, budget_seconds, begun - started)
        found = None
        if not needs:
            try:
                found = step.compute(inputs)
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
        "collapsed" if inputs.collapsed else "measured",
        **about,
        metrics={name: metrics[name] for name in METRICS},
        histogram=_histogram(inputs),
        details=json.loads(json.dumps(details)),
        version=VERSION,
    )
    return verdict.judged(report, seconds=perf_counter() - started)


def lacks(step: Step, inputs: Inputs, panel: Panel, budget: float | None = None, spent: float = 0.0) -> str | None:
    """What a step lacks, in words for `needs`: an input, the full panel, or time; None when it can be computed."""
    if panel == "live" and not step.live:
        return "the full panel"
    if missing := step.lacks(inputs):
        return missing
    return f"more than {budget:g} seconds" if budget is not None and spent >= budget else None


def check_ranges(*, real: ArrayLike, fake: ArrayLike, names: tuple[str, str] = ("real", "fake")) -> None:
    """Raises MeasureError when the values of one array span more than 8 times those of the other.

    The classic silent error is 0..255 against 0..1. The span includes 0; an array of zeros is not judged.
    """
    spans: list[float] = []
    for x, name in zip((real, fake), names, strict=True):
        values = pairwise.rows(x, name)
        spans.append(float(max(values.max(), 0) - min(values.min(), 0)))
    if min(spans) > 0 and max(spans) > 8 * min(spans):
        raise MeasureError(
            f"the values of {names[0]} span {spans[0]:.4g} and those of {names[1]} {spans[1]:.4g}, more than 8 times "
            "apart; bring both to one scale (images: 0 to 1)"
        )


def different_signs(*, real: ArrayLike, fake: ArrayLike, names: tuple[str, str] = ("real", "fake")) -> str | None:
    """A sentence where the values of one array lie in 0..1 and those of the other in -1..1; None otherwise.

    So do images before and after the tanh of a generator; points may lie so for good reasons.
    """
    spans = {name: (float(np.min(x)), float(np.max(x))) for name, x in zip(names, (real, fake), strict=True)}
    unit = [name for name, (low, high) in spans.items() if low >= 0 and 0.5 < high <= 1.001]
    signed = [name for name, (low, high) in spans.items() if -1.1 <= low < -0.5 and high <= 1.1]
    if not unit or not signed:
        return None
    (low, high), (other_low, other_high) = spans[unit[0]], spans[signed[0]]
    return (
        f"the values of {unit[0]} run from {low:.3g} to {high:.3g} and those of {signed[0]} from {other_low:.3g} to "
        f"{other_high:.3g}: 0..1 against -1..1; if both are pictures, bring {signed[0]} to 0..1 with (x + 1) / 2"
    )


def _check(real_part: RealPart, fake: Array, reference: Reference | None, panel: str) -> None:
    real_shape = (len(real_part), *real_part.shape)
    if fake.shape[1:] != real_part.shape:
        raise MeasureError(f"real is {real_shape} and fake is {fake.shape}; all but the first number must agree")
    if panel not in PERMUTATIONS:
        raise MeasureError(f"panel is {panel!r}; choose live or full")
    if len(fake) < 2:
        raise MeasureError(f"real is {real_shape} and fake is {fake.shape}; a measurement needs 2 samples of each")
    if reference:
        verdict.check_size(reference, len(real_part), len(fake))


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


def _histogram(inputs: Inputs) -> Histogram:
    """Densities on shared edges, without empty bins at the end; the last reaches out to the largest distance."""
    moments = (inputs.real_part.within.moments, inputs.within.moments, inputs.across.moments)
    used = max(np.flatnonzero(np.sum([m.counts for m in moments], axis=0)), default=0) + 1
    edges = inputs.real_part.edges[: used + 1].copy()
    edges[-1] = max(edges[-1], *(m.largest for m in moments))
    widths = np.diff(edges)
    densities = (tuple((np.array(m.counts[:used]) / (m.pairs * widths)).tolist()) for m in moments)
    return Histogram(tuple(edges.tolist()), *densities)
