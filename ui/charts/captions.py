"""What a chart shows, in a sentence or two that follow its data: pure functions from curves and reports to captions.

    st.caption(captions.scores(history, step))

No caption says what its data do not show: who is ahead is read from D(x) and D(G(z)), and what has settled from the
curve itself. "Now" is the last fifth of a curve up to the step that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from gan_core import (
    BELOW_ZERO,
    METRICS,
    NOTABLE,
    Comparison,
    History,
    MetricResult,
    Reference,
    Report,
    badness,
    spread_ratio,
)

EASILY, APART = 0.6, 0.2
"""D(x) minus D(G(z)) from which on the discriminator distinguishes the samples with ease, and at all."""

TAIL, FEWEST_POINTS = 0.2, 10
"""The share of a curve that is its present, and the number of its points below which nothing is said of its course."""

CHANGED = 0.1
"""How much of its range a curve moves between its last two fifths, at least, where it has not settled."""

Course = Literal["settled", "rising", "falling", "unknown"]


# ---------------------------------------------------------------- the curves of a training


def distance(history: History, reference: Reference | None, step: int | None = None) -> str:
    """Where the energy distance is beside the band of real samples, and where it is going."""
    return _beside_the_band(history, "energy_distance", reference, step)


def metric(history: History, name: str, reference: Reference | None, step: int | None = None) -> str:
    """What a metric is, and where it is beside the band of real samples."""
    where = _beside_the_band(history, name, reference, step)
    return f"{METRICS[name].sentence} {where}".strip()


def losses(history: History, loss: str, step: int | None = None) -> str:
    """What the losses say: who is ahead, and whether they have settled. `loss` is the name of the objective."""
    if loss == "vae":
        return (
            "Reconstruction: the error of the decoded samples. Divergence: how far the encoded latents are from a "
            "normal distribution (Kullback–Leibler). Training minimises the sum of the two. "
            f"{_course_of('The sum', course(history, 'loss_generator', step))}"
        ).strip()
    if "score_real" not in history.curves:
        about = _course_of("It", course(history, "loss_generator", step))
        return f"There is no discriminator. The generator minimises this loss. {about}".strip()
    lead = gap(history, step)
    both = {course(history, f"loss_{network}", step) for network in ("generator", "discriminator")}
    settled = both == {"settled"}
    no_goal = "Low values are not a goal: each network raises the loss of the other."
    if lead is None:
        return no_goal
    if lead >= EASILY:
        also = "The curves have settled, but not in balance: the" if settled else "The"
        wins = f"{also} discriminator wins. It tells the samples apart with ease, and the generator learns little."
        return f"{wins} {no_goal}"
    if lead >= APART:
        return f"The discriminator is ahead, and the generator still learns from it. {no_goal}"
    if lead <= -APART:
        return f"The generator is ahead: the discriminator takes its samples for real ones. {no_goal}"
    if settled:
        return f"The curves have settled and neither network is ahead: the two are in balance. {no_goal}"
    return f"Neither network is ahead. {no_goal}"


def scores(history: History, step: int | None = None) -> str:
    """Whether the discriminator distinguishes real and generated samples."""
    what = (
        "D(x) is the mean probability of being real for real samples x, and D(G(z)) for samples G(z) that the "
        "generator makes from latent vectors z."
    )
    lead = gap(history, step)
    if lead is None:
        return what
    if lead >= EASILY:
        found = "The discriminator tells them apart with ease: the generator learns little."
    elif lead >= APART:
        found = "The curves are apart: the discriminator can still distinguish them."
    elif lead <= -APART:
        found = "The curves have changed places: the discriminator takes generated samples for real ones."
    else:
        found = (
            "The curves are close: the discriminator cannot distinguish them. The samples may be good, or the "
            "discriminator weak; the distance to real samples decides."
        )
    return f"{what} {found}"


def spread(history: History, reference: Reference | None, step: int | None = None) -> str:
    """What the three mean distances say of variety and of place."""
    real, fake, across = (now(history, f"mean_{kind}", step) for kind in ("real_real", "fake_fake", "real_fake"))
    if real is None or fake is None or across is None or real <= 0:
        return "Three curves that meet: the samples are like real ones."
    mean, sd = (reference.metrics.get("mean_fake_fake") if reference else None) or (real, 0.02 * real)
    reach = NOTABLE * sd
    if fake < mean - reach:
        return f"Generated below real: the samples vary less than real ones do, {100 * fake / real:.0f} % as much."
    if fake > mean + reach:
        return f"Generated above real: the samples vary more than real ones do, {100 * fake / real:.0f} % as much."
    if across > max(real, fake) + reach:
        return "The generated samples vary like real ones, but they lie elsewhere: the third curve is above both."
    return "The three curves meet: in variety and place the samples are like real ones."


# ---------------------------------------------------------------- one measurement


def histograms(report: Report) -> str:
    """Whether generated samples are as far from each other as real ones are."""
    ratio = spread_ratio(report)
    if ratio is None or ratio.value is None:
        return "If the three curves coincide, the samples vary like real ones."
    far = badness(ratio) >= NOTABLE if ratio.reference_mean is not None else abs(ratio.value - 1) > 0.05
    if far:
        side, word = ("left", "more") if ratio.value < (ratio.reference_mean or 1) else ("right", "less")
        return (
            f"Orange lies {side} of blue: generated samples are {word} alike than real ones "
            f"(their mean distance is {ratio.value:.2f} times as large)."
        )
    energy = report.metrics.get("energy_distance")
    if energy is not None and badness(energy) >= NOTABLE:
        return (
            "Orange and blue coincide, so the samples vary like real ones. Violet does not: they lie elsewhere, or are "
            "unlike real ones in detail."
        )
    return "The three curves coincide: the samples vary like real ones."


def nearest(found: Mapping[str, Any]) -> str:
    """Whether generated samples are too near to real ones, or too far, by the share of pairs `auc`."""
    share = found["auc"]
    said = (
        f"A generated sample is nearer to a real one than another real sample is in {100 * share:.0f} % of all pairs; "
        "50 % is ideal."
    )
    if share > 0.6:
        return f"{said} Orange lies left of blue: typical, blurred or copied."
    if share < 0.4:
        return f"{said} Orange lies right of blue: many are unlike any real sample."
    return f"{said} That is close to it."


def prd(curve: Mapping[str, Any]) -> str:
    """Whether realism or variety is missing, by the two F-scores."""
    recall, precision = curve["f8"], curve["f1_8"]
    said = (
        f"Best F-score with recall weighted eightfold: {recall:.3f}; with precision: {precision:.3f}. Both are 1 for "
        "equal distributions."
    )
    if max(recall, precision) < 0.5:
        return f"{said} Both are low: few samples are realistic, and most of the variety is missing."
    if abs(recall - precision) > 0.05:
        return f"{said} The smaller one says what is missing: {'variety' if recall < precision else 'realism'}."
    return said


def copies(rows: Sequence[Sequence[Any]]) -> str:
    """Whether samples are copies, by the rows (generated, training, distance to it, to the nearest held-out one)."""
    if not rows:
        return "No sample is nearer to the training data than 99 % of the held-out samples are."
    exact = sum(to_train <= 0.25 * to_holdout for *_, to_train, to_holdout in rows)
    if exact:
        return (
            f"{exact:,} of these {len(rows):,} are nearly copies: less than a quarter as far from a training sample as "
            "from any held-out one."
        )
    return "None of these is a copy: a copy would be far nearer to a training sample than to any held-out one."


def intervals(comparisons: Sequence[Comparison]) -> str:
    """Which leads are more than noise."""
    sure = sum(found.decided != "undecided" for found in comparisons)
    if sure == len(comparisons):
        return "No whisker crosses the dotted line: the lead of the best group is more than noise."
    if sure:
        return (
            "Where the whiskers cross the dotted line the difference may be noise; elsewhere the best group is ahead."
        )
    return "The whiskers cross the dotted line: the difference may be noise."


def class_nearest(*, fake: Sequence[float], real: Sequence[float]) -> str:
    """Whether some classes are too near to training samples; both are distances by class, NaN where there are none."""
    pairs = [(f, r) for f, r in zip(fake, real) if np.isfinite(f) and np.isfinite(r) and r > 0]
    near, far = sum(f < 0.75 * r for f, r in pairs), sum(f > 1.25 * r for f, r in pairs)
    said: list[str] = []
    if near:
        said.append(f"Orange is far below blue in {near} of {len(pairs)} classes: typical, blurred or copied.")
    if far:
        said.append(f"Orange is far above blue in {far} of {len(pairs)} classes: unlike the training samples.")
    return " ".join(said) or "Orange is about as high as blue: the samples of every class are as near as real ones are."


# ---------------------------------------------------------------- parts


def now(history: History, name: str, step: int | None = None) -> float | None:
    """The mean of a curve's last fifth up to a step; None without a finite value."""
    values = _until(history, name, step)
    return float(values[-_tail(values) :].mean()) if len(values) else None


def gap(history: History, step: int | None = None) -> float | None:
    """D(x) minus D(G(z)) now; None where they are not known."""
    real, fake = now(history, "score_real", step), now(history, "score_fake", step)
    return None if real is None or fake is None else real - fake


def course(history: History, name: str, step: int | None = None) -> Course:
    """Whether a curve still moves: the mean of its last fifth beside that of the fifth before it."""
    values = _until(history, name, step)
    if len(values) < FEWEST_POINTS:
        return "unknown"
    size = _tail(values)
    last, before = values[-size:], values[-2 * size : -size]
    moved = float(last.mean() - before.mean())
    noise = float(np.sqrt((last.var() + before.var()) / size))
    if abs(moved) <= max(CHANGED * float(np.ptp(values)), 2 * noise):
        return "settled"
    return "rising" if moved > 0 else "falling"


def _until(history: History, name: str, step: int | None) -> np.ndarray:
    steps, values = history.curves.get(name, (np.empty(0), np.empty(0)))
    kept = np.isfinite(values) if step is None else np.isfinite(values) & (np.asarray(steps) <= step)
    return np.asarray(values, np.float64)[kept]


def _tail(values: np.ndarray) -> int:
    return max(1, int(TAIL * len(values)))


def _course_of(subject: str, found: Course) -> str:
    words = {"settled": "has settled.", "rising": "rises now.", "falling": "still falls."}
    return f"{subject} {words[found]}" if found in words else ""


def _beside_the_band(history: History, name: str, reference: Reference | None, step: int | None) -> str:
    """Where a curve is. What that means for the samples is the verdict's to say, which looks at other numbers too."""
    values = _until(history, name, step)
    if not len(values):
        return ""
    value, (mean, sd) = values[-1], (reference.metrics.get(name) if reference else None) or (None, None)
    below = f" {BELOW_ZERO}" if name == "energy_distance" and min(value, mean or 0.0) < 0 else ""
    if mean is None or sd is None:
        return f"The band of real samples is drawn as soon as it has been measured.{below}"
    found = MetricResult(name, float(value), mean, sd, (value - mean) / sd if sd else None, None, METRICS[name].better)
    if METRICS[name].better == "diagnostic":
        inside = abs(value - mean) <= 2 * sd
        return f"Now {'in' if inside else 'outside'} the blue band of real samples. By itself it is no score."
    worse = badness(found)
    if worse >= NOTABLE:
        best = _best_step(history, name, step)
        since = f" The best value was at step {best:,}; since then it has become worse." if best is not None else ""
        side = "Above" if value > mean else "Below"
        return f"{side} the blue band of real samples: by this number a difference is seen.{since}{below}"
    if worse <= -NOTABLE:
        return f"Beyond the blue band: closer than real samples get, so look for copies.{below}"
    inside = "In the blue band" if abs(value - mean) <= 2 * sd else "Close to the blue band"
    return f"{inside} of real samples: by this number alone no difference is seen.{below}"


def _best_step(history: History, name: str, step: int | None) -> int | None:
    """The step of the best value, where the newest is much worse (twice as far from it as it should be)."""
    if METRICS[name].better != "lower":
        return None
    steps, values = history.curves[name]
    kept = np.isfinite(values) if step is None else np.isfinite(values) & (np.asarray(steps) <= step)
    steps, values = np.asarray(steps)[kept], np.asarray(values)[kept]
    best = int(values.argmin())
    if len(values) < 3 or best == len(values) - 1 or values[-1] <= 0:
        return None
    return int(steps[best]) if values[-1] > 2 * max(values[best], 0) and values[best] >= 0 else None
