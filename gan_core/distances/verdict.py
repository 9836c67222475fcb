"""From a report to words: one verdict of six kinds, the numbers behind it, and a sentence on each metric.

verdict = verdict_of(report)
print(TITLES[verdict.kind], verdict.sentence)     # for everybody
print(report.verdict)                             # the numbers behind it

Every page, the command line and every file take their words from here. Only text and arithmetic: importing it is cheap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

from gan_core.distances.catalogue import METRICS
from gan_core.records import MeasureError, MetricResult, Reference, Report, Verdict, VerdictKind

TITLES: dict[VerdictKind, str] = {
    "like_real": "Like real",
    "nearly": "Nearly",
    "far_off": "Far off",
    "collapsed": "Collapsed",
    "copies": "Copies",
    "cannot_tell": "Cannot tell yet",
}
"""The word for each kind of verdict."""

NOTABLE = 3.0
"""Standard deviations from real-vs-real from which on a difference is reported."""

CERTAIN = 6.0
"""... and from which on the metrics of one family are enough to report it."""

FAR = 100.0
"""... and from which on their number is not given any more."""

SMALL = 400
"""Samples below which the smallest effect that could be detected is given too."""

FEWEST = 50
"""Samples below which nothing is judged: the spread between sets of real samples is too large."""

FAR_EFFECT = 0.1
"""Energy distance over the mean distance of real samples from which on samples are far off: about the effect of moving
every coordinate by half of its standard deviation."""

FAR_SHARE = 1 / 3
"""Realistic samples, and real variety that is found, both over what real samples reach: below it they are far off."""

ALIKE = 0.1
"""Mean distance within generated samples over that within real ones, below which they are nearly all alike."""

TINY = 1e-6
"""Distances below it are those of data on a tiny scale, whose digits four decimals would hide."""

REALISTIC = 0.2
"""Share of realistic samples, over what real ones reach, from which on missing kinds are a collapse and not noise."""

LOST, MISSING = 0.7, 0.4
"""Share of the known modes or classes, or of the real variety, that a collapsed generator has lost at least, and one
that is far off."""

COPIES, COPIED = 3.0, 0.1
"""Samples are copies where the share that is closer to training data than to unseen data is so many standard errors
above .5, and so many samples are nearer to a training sample than 99 % of the unseen real ones are."""

FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all distances", ("energy_distance", "mmd_rbf")),
    ("nearest neighbours", ("nn_accuracy_real", "nn_accuracy_fake")),
    ("fidelity", ("symmetric_precision",)),
    ("variety", ("symmetric_recall", "coverage")),
    ("projections", ("sliced_wasserstein",)),
)
"""Metrics that measure different things; two families have to show a difference. (Blur improves precision and density:
they are not here.)"""

UNBIASED = ("energy_distance", "mmd_rbf", "mmd_polynomial")
"""Metrics whose estimate is right on average, so it may be negative, which the distance itself never is."""

BELOW_ZERO = "An estimate that is right on average may fall slightly below 0 where nothing differs."

NOT_MEASURED = Verdict("cannot_tell", "Nothing has been measured yet: that happens with the first step.")
"""Of a run without a report."""


# ---------------------------------------------------------------- the verdict


def verdict_of(report: Report) -> Verdict:
    """What a report says of the generated samples.

    A difference counts where metrics of two families are `NOTABLE` standard deviations worse than real samples, or
    those of one are `CERTAIN`. Then its size decides between *nearly* and *far off*: the energy distance over the mean
    distance of real samples, and which share of realism and of variety is left. Nothing is *like real* that was
    measured with so few samples that even *far off* might look like it.
    """
    metrics = report.metrics
    if report.status == "diverged":
        return Verdict(
            "far_off",
            "The training has diverged: the generator gives numbers that are not finite. Go back to an earlier step, "
            "or train with smaller learning rates.",
        )
    if report.status == "collapsed" and _value(metrics, "mean_real_real") != 0:
        return Verdict("collapsed", f"The generator has collapsed: all {report.n_fake:,} samples are the same.")
    if cannot := _missing(report):
        return Verdict("cannot_tell", cannot)
    if collapse := _collapse(report):
        return Verdict("collapsed", f"The generator has collapsed: {collapse}.")
    if copied := _copied(metrics):
        return Verdict("copies", f"The generator copies: {copied}.")
    if _differs(metrics):
        missing = max(_lost_modes(report), _lost_classes(report)) >= MISSING
        few = min(_realism(metrics), _variety_found(metrics)) < FAR_SHARE
        far = missing or few or _effect(metrics) >= FAR_EFFECT
        how_far = "are far from real ones" if far else "come close to real ones"
        return Verdict(
            "far_off" if far else "nearly", f"The generated samples {how_far}: {_what_differs(report, far=far)}."
        )
    if _resolution(metrics) >= FAR_EFFECT:
        return Verdict("cannot_tell", f"{_sizes(report)} are too few here: even a large difference would not be seen.")
    alone = " One of the checks shows a small difference, which may be chance." if _signs(metrics) else ""
    return Verdict(
        "like_real", f"The generated samples cannot be told apart from real ones with {_sizes(report)}.{alone}"
    )


def _missing(report: Report) -> str:
    """Why nothing can be judged; empty where it can."""
    distance, n = report.metrics.get("energy_distance"), min(report.n_real, report.n_fake)
    if distance is None or distance.value is None:
        needs = distance.needs if distance else "the energy distance"
        return f"The samples could not be measured: that needs {needs}."
    if not math.isfinite(distance.value):
        return "The samples could not be measured: their energy distance is not a finite number."
    if n < FEWEST:
        return f"{n:,} samples are too few to tell: {FEWEST} or more are needed."
    if distance.reference_mean is None:
        return "It is not known yet what two sets of real samples of this size give, and only that shows what is good."
    return ""


def _collapse(report: Report) -> str:
    """What is left of a collapsed generator's variety; empty where it has not collapsed."""
    metrics = report.metrics
    if _lost_modes(report) >= LOST:
        counts = _numbers(report, "modes", "counts")
        return f"nearly all of its samples lie at {_few(counts)} of {len(counts)} modes"
    if _lost_classes(report) >= LOST:
        classes = _numbers(report, "classes", "fake")
        return f"nearly all of its samples show {_few(classes)} of {len(classes)} classes"
    own, spread = _value(metrics, "mean_real_real"), _value(metrics, "mean_fake_fake")
    if own and spread is not None and spread / own < ALIKE:
        return "its samples are nearly all alike"
    of_fake, of_real = (_numbers(report, "nearest", name) for name in ("fake_to_fake_median", "real_to_real"))
    if of_fake and of_real and of_fake[0] < ALIKE * of_real[len(of_real) // 2]:
        return "its samples are only a few different ones"
    kinds = max(len(_numbers(report, name, key)) for name, key in (("modes", "counts"), ("classes", "fake")))
    lost = 1 - (_over_real(metrics, "coverage") or 1.0)
    if kinds < 2 and lost >= LOST and _realism(metrics) >= REALISTIC and _effect(metrics) >= FAR_EFFECT:
        return "most kinds of real samples never appear"
    return ""


def _lost_modes(report: Report) -> float:
    """The share of the known modes that is gone; 0 where none are known, and where few samples lie at any."""
    counts, high = _numbers(report, "modes", "counts"), _numbers(report, "modes", "high_quality")
    return _lost([1.0] * len(counts), counts) if high and high[0] >= REALISTIC else 0.0


def _lost_classes(report: Report) -> float:
    """The share of the classes that is gone; 0 where none are known, and for noise, which is of no class."""
    real, fake = _numbers(report, "classes", "real"), _numbers(report, "classes", "fake")
    return _lost(real, fake) if real and fake and _realism(report.metrics) >= REALISTIC else 0.0


def _numbers(report: Report, name: str, key: str) -> list[float]:
    """Numbers of the report's details, one or several; none where a file of another program has something else."""
    about: Any = report.details.get(name)
    found: Any = cast("Mapping[str, Any]", about).get(key) if isinstance(about, Mapping) else None
    values = list(cast("Sequence[Any]", found)) if isinstance(found, (list, tuple)) else [found]
    usable = all(isinstance(x, (int, float)) and math.isfinite(x) and x >= 0 for x in values)
    return [float(x) for x in values] if usable else []


def _lost(real: Sequence[float], fake: Sequence[float]) -> float:
    """How many kinds are gone, from 0 for as many as real samples have to 1 for one kind alone.

    Kinds are counted by the exponential of their shares' entropy, so a kind that hardly appears hardly counts.
    """
    expected, found = _kinds(real), _kinds(fake)
    return (expected - found) / (expected - 1) if expected > 1 else 0.0


def _kinds(shares: Sequence[float]) -> float:
    total = sum(shares)
    return math.exp(-sum(s / total * math.log(s / total) for s in shares if s > 0)) if total else 1.0


def _few(shares: Sequence[float]) -> int:
    """The fewest kinds that nine of ten samples are of."""
    reached = 0.0
    for place, share in enumerate(sorted(shares, reverse=True), 1):
        reached += share
        if reached >= 0.9 * sum(shares):
            return place
    return len(shares)


def _copied(metrics: Mapping[str, MetricResult]) -> str:
    """Which share of the samples is too close to training samples; empty where they are no copies."""
    share, close = metrics.get("dcr_share"), _value(metrics, "copy_share")
    error = share.parameters.get("standard_error") if share else None
    if share is not None and share.value is not None and isinstance(error, (int, float)) and error > 0:
        if share.value - 0.5 >= COPIES * error and close is not None and close >= COPIED:
            return (
                f"{100 * share.value:.0f} % of its samples are closer to a training sample than to unseen real ones, "
                "where 50 % is normal"
            )
    accuracy = metrics.get("nn_accuracy_fake")
    if accuracy is not None and _gap(accuracy) <= -CERTAIN:
        return "its samples are closer to the real ones than other real samples are"
    return ""


def _differs(metrics: Mapping[str, MetricResult]) -> bool:
    signs = _signs(metrics)
    return len(signs) >= 2 or any(CERTAIN <= badness(metric) < math.inf for metric in signs)


def _effect(metrics: Mapping[str, MetricResult]) -> float:
    """The energy distance beyond that of real samples, over the mean distance of real samples."""
    distance, own = metrics["energy_distance"], _value(metrics, "mean_real_real")
    if distance.value is None or distance.reference_mean is None:
        return 0.0
    beyond = distance.value - distance.reference_mean
    if not own:  # all real samples are the same, or this is the report of another program
        return math.inf if badness(distance) >= FAR else 0.0
    return beyond / own


def _resolution(metrics: Mapping[str, MetricResult]) -> float:
    """The smallest effect that can be detected at this n."""
    effect, own = smallest_effect(metrics["energy_distance"]), _value(metrics, "mean_real_real")
    return effect / own if effect and own else 0.0


def _realism(metrics: Mapping[str, MetricResult]) -> float:
    """Realistic samples, over what real ones reach; 1 where that is not known."""
    share = _over_real(metrics, "symmetric_precision")
    return 1.0 if share is None else share


def _variety_found(metrics: Mapping[str, MetricResult]) -> float:
    """Real variety that is found, over what real samples reach; 1 where that is not known."""
    shares = [_over_real(metrics, name) for name in ("symmetric_recall", "coverage")]
    return min((share for share in shares if share is not None), default=1.0)


def _over_real(metrics: Mapping[str, MetricResult], name: str) -> float | None:
    metric = metrics.get(name)
    if metric is None or metric.value is None or not metric.reference_mean:
        return None
    return metric.value / metric.reference_mean


def _what_differs(report: Report, *, far: bool) -> str:
    """What a student would look for: how many are realistic, how much of the variety is there."""
    metrics = report.metrics
    realism, variety = _realism(metrics), _variety_found(metrics)
    notable = {metric.name for metric in metrics.values() if badness(metric) >= NOTABLE}
    said: list[str] = []
    if "symmetric_precision" in notable:
        said.append(f"{_how_many(realism)} of them are realistic")
    if notable & {"symmetric_recall", "coverage"}:
        said.append(f"they show {_how_many(variety)} of the real variety")
    if _lost_modes(report) >= MISSING:
        said.append("modes are missing")
    elif _lost_classes(report) >= MISSING:
        said.append("classes are missing")
    elif far and min(realism, variety) >= FAR_SHARE:
        said.append("as a whole they lie elsewhere")
    return ", and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said) or "only small differences remain"


def _how_many(share: float) -> str:
    """A share in words that need no decimals."""
    if share < 0.05:
        return "hardly any"
    return f"about {max(10, min(90, round(share * 10) * 10))} %"


# ---------------------------------------------------------------- the numbers behind it


def judged(report: Report, *, seconds: float) -> Report:
    """The finished report with the numbers behind its verdict in words."""
    return replace(report, verdict=numbers_of(report), seconds=seconds)


def beside(report: Report, reference: Reference | None) -> Report:
    """The same measurement judged by a reference that was made later; without one, the report as it is.

    Raises MeasureError when the reference is for another n.
    """
    if reference is None:
        return report
    check_size(reference, report.n_real, report.n_fake)
    metrics = {name: placed(metric, reference, report.n_fake) for name, metric in report.metrics.items()}
    report = replace(report, metrics=metrics)
    return report if report.status == "diverged" else replace(report, verdict=numbers_of(report))


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


def numbers_of(report: Report) -> str:
    """The numbers behind the verdict: the energy distance beside real samples, and which metrics show a difference."""
    metrics = report.metrics
    n = f"n = {report.n_real:,}" if report.n_real == report.n_fake else _sizes(report)
    distance = metrics.get("energy_distance", MetricResult("energy_distance", None, needs="a measurement"))
    collapsed = (
        f"The generator has collapsed: all {report.n_fake:,} samples are the same. "
        if report.status == "collapsed"
        else ""
    )
    if distance.value is None:
        return f"{collapsed}Nothing was judged at {n}: the energy distance needs {distance.needs}."
    found = f"{collapsed}Energy distance {shown_value(distance)} at {n}"
    if distance.reference_mean is None:
        chance = "" if distance.p is None else f" (permutation test: p = {distance.p:.3g})"
        return (
            f"{found}{chance}. What two sets of real samples of this size give is missing, so this is not judged."
            f"{below_zero(distance)}{_copies(metrics)}"
        )
    z = "" if distance.z is None else f" ({with_z(distance.z)})"
    text = f"{found}; two sets of real samples of this size give {with_spread(distance)}{z}: "
    signs = _signs(metrics)
    if badness(distance) <= -NOTABLE and len(signs) < 2:
        text += "the generated samples lie closer to the real ones than real samples do, so look for copies."
    elif _differs(metrics):
        others = [metric for metric in signs if metric.name != "energy_distance"][:2]
        shown = " and ".join(_named(metric) for metric in others or signs)
        show = "show" if others[1:] else "shows"
        too = " too" if others and badness(distance) >= NOTABLE else ""
        text += f"the generated samples differ from the real ones, as {shown} {show}{too}."
    elif signs:
        text += f"only {_named(signs[0])} points to a difference. A verdict needs a second one: use more samples."
    else:
        text += "at this n the generated samples cannot be told apart from real ones."
    return f"{text}{below_zero(distance)}{_variety(metrics)}{_copies(metrics)}{_smallest(report)}"


def shown_value(metric: MetricResult) -> str:
    """A value with four decimals, and with two digits where all of these would be 0; the energy distance has four
    unless these say nothing, so that it is the same number on every page. "—" for what was not measured.
    """
    if metric.value is None:
        return "—"
    if metric.name == "energy_distance":
        return shown_distance(metric.value)
    return f"{metric.value:.2g}" if 0 < abs(metric.value) < 0.001 else f"{metric.value:z.4f}"


def shown_distance(value: float) -> str:
    """An energy distance with four decimals, and with two digits where data on a tiny scale would be shown as 0."""
    return f"{value:.2g}" if 0 < abs(value) < TINY else f"{value:z.4f}"


def with_spread(metric: MetricResult) -> str:
    """Mean ± sd, both to the sd's first digit: -0.003 ± 0.003; one number where it is always the same."""
    mean, sd = metric.reference_mean, metric.reference_sd
    if not sd:
        return f"{mean:.4g} every time"
    places = max(0, -math.floor(math.log10(sd)))
    return f"{mean:z.{places}f} ± {sd:.{places}f}" if places <= 6 else f"{mean:.2g} ± {sd:.1g}"


def z_value(z: float | None) -> str:
    """A number of standard deviations with one decimal, "+2.6"; beyond 100 only that it is beyond; empty for None."""
    if z is None or math.isnan(z):
        return "" if z is None else "?"
    rounded = round(z, 1)
    return f"{rounded:+z.1f}" if abs(rounded) < FAR else f"{'>' if z > 0 else '<'} {math.copysign(FAR, z):.0f}"


def with_z(z: float) -> str:
    """The same with its name: "z = +2.6", "z > 100"."""
    shown = z_value(z)
    return f"z {shown}" if shown[0] in "<>" else f"z = {shown}"


def below_zero(metric: MetricResult) -> str:
    """Why an estimate, or the mean of real samples beside it, is negative, to follow them; empty where none is."""
    numbers = [number for number in (metric.value, metric.reference_mean) if number is not None]
    return f" {BELOW_ZERO}" if metric.name in UNBIASED and any(number < 0 for number in numbers) else ""


def in_json(report: Report) -> dict[str, Any]:
    """A report as a JSON value for files and the command line: `verdict` in words, and the `numbers` behind it."""
    verdict = verdict_of(report)
    words = {"kind": verdict.kind, "title": TITLES[verdict.kind], "sentence": verdict.sentence}
    return asdict(report) | {"verdict": words, "numbers": report.verdict}


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
    below = below_zero(metric)
    if isinstance(pool := metric.parameters.get("pool"), int):
        below += f" {pool:,} training samples were searched."
    if metric.reference_mean is None:
        chance = "" if metric.p is None else f" By chance alone a value like this has p = {metric.p:.3g}."
        return f"Not judged: what real samples give at this n is not known.{chance}{below}"
    real = with_spread(metric)
    if metric.direction == "diagnostic":
        return f"Real samples give {real}; by itself this is no score."
    worse = badness(metric)
    if worse >= NOTABLE:
        far = f"{worse:.1f}" if round(worse, 1) < FAR else f"more than {FAR:.0f}"
        return f"Off by {far} standard deviations: real samples give {real}.{below}"
    if worse <= -NOTABLE:
        return f"Beyond what real samples reach ({real}): too typical, blurred or copied, and not better.{below}"
    effect = smallest_effect(metric)
    small = f" At n = {n} a change below {effect:.2g} could not be seen." if n < SMALL and effect else ""
    return f"Like real samples, which give {real}.{small}{below}"


def _named(metric: MetricResult) -> str:
    z = "" if metric.z is None else f" ({with_z(metric.z)})"
    title = METRICS[metric.name].title
    return f"{title[0].lower() if title[1].islower() else title[0]}{title[1:]} {shown_value(metric)}{z}"


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
    if share is None or share.value is None or not _copied(metrics):
        return ""
    return f" They copy: {share.value:.0%} are closer to a training sample than to any of as many held-out ones."


def _smallest(report: Report) -> str:
    effect = smallest_effect(report.metrics["energy_distance"])
    n = min(report.n_real, report.n_fake)
    if n >= SMALL or not effect:
        return ""
    return f" With {n} samples an energy distance has to change by {effect:.2g} to be seen."


def _sizes(report: Report) -> str:
    n, m = report.n_real, report.n_fake
    return f"{n:,} samples of each kind" if n == m else f"{n:,} real and {m:,} generated samples"


def _value(metrics: Mapping[str, MetricResult], name: str) -> float | None:
    metric = metrics.get(name)
    return metric.value if metric else None


def _gap(metric: MetricResult) -> float:
    """Standard deviations from real-vs-real, with one decimal as they are shown, so that what is shown is what decides;
    without a spread any difference is infinitely many."""
    if metric.value is None or metric.reference_mean is None:
        return 0.0
    if metric.z is not None:
        return round(metric.z, 1)
    difference = metric.value - metric.reference_mean
    return math.copysign(math.inf, difference) if difference else 0.0
