"""Which run is better? Runs as groups of one setting, their curves over seeds, and the verdict in words.

    for group in group_runs(runs): print(group.name, group.seeds)
    curve = curve_of_group([history.curves["energy_distance"] for history in histories])

Only text and arithmetic: pages use it freely. What is drawn by lot for a verdict is in distances/bootstrap.py.
"""

from __future__ import annotations

import dataclasses
import json
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gan_core.config.run_config import RunConfig, differences, flatten_config
from gan_core.config.titles import setting_title, value_in_words
from gan_core.decimals import shown_number
from gan_core.records import RunInfo

MOST_RUNS = 40
FEWEST_SAMPLES, MOST_SAMPLES = 50, 2000
ENOUGH_SEEDS = 5
"""Fewer of them make an interval of seeds much wider than it need be."""
MOST_NAMED = 3
"""A group is named by at most so many settings; the table of settings has them all."""


@dataclass(frozen=True)
class Group:
    """Runs of one setting: a letter, what sets it apart from the other groups, and one run a seed, by seed.

    `again`: further runs of a seed that is there already. They would be the same run once more, so nothing counts
    them.
    """

    letter: str
    label: str
    runs: tuple[RunInfo, ...]
    again: tuple[RunInfo, ...] = ()

    @property
    def name(self) -> str:
        """The letter and the label: "A · R1 = 1"."""
        return f"{self.letter} · {self.label}"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each run, ascending."""
        return tuple(run.config.seed for run in self.runs)


def alike(one: RunInfo, other: RunInfo) -> bool:
    """Whether two runs are of one setting: they differ in nothing but the seed, names, and what a clock decided.

    A branch is like another one from the same step. Of runs that were not trained here nobody knows the settings:
    those of one name are repetitions, if their seeds differ.
    """
    if not (one.trained_here and other.trained_here):
        return one.kind == other.kind and one.name == other.name and one.config.seed != other.config.seed
    return one.parent_step == other.parent_step and same_setting(one.config, other.config)


def same_setting(one: RunConfig, other: RunConfig) -> bool:
    """Whether two configurations differ in nothing but the seed, names, and what a clock decided.

    Runs of one time budget are alike though their steps differ a little, and so are runs of as many steps, whether a
    clock or a person chose the number.
    """
    free = {"seed", "preset"}
    ours, theirs = one.training, other.training
    if ours.seconds is not None and ours.seconds == theirs.seconds:
        free.add("training.steps")
    if ours.steps == theirs.steps:
        free.add("training.seconds")
    return not set(differences(one, other)) - free


def group_runs(runs: Sequence[RunInfo]) -> tuple[Group, ...]:
    """The runs by setting, in the order in which each setting comes first.

    Of several runs with one seed the one that has come furthest counts.
    """
    sets: list[list[RunInfo]] = []
    for run in runs:
        fitting = [known for known in sets if any(alike(run, other) for other in known)]
        if fitting:  # two sets that seemed apart may be one, as the new run shows
            fitting[0] += [*(other for known in fitting[1:] for other in known), run]
            sets = [known for known in sets if not any(known is gone for gone in fitting[1:])]
        else:
            sets.append([run])
    made = []
    for place, (members, label) in enumerate(zip(sets, _labels([members[0] for members in sets]))):
        furthest = {run.config.seed: run for run in sorted(members, key=lambda run: run.step)}
        kept = tuple(furthest[seed] for seed in sorted(furthest))
        made.append(Group(_letter(place), label, kept, tuple(run for run in members if run not in kept)))
    return tuple(made)


def _letter(place: int) -> str:
    rounds, letter = divmod(place, 26)
    return string.ascii_uppercase[letter] + (str(rounds + 1) if rounds else "")


def _labels(firsts: Sequence[RunInfo]) -> list[str]:
    """What sets each group apart: its recipe, where recipes differ, and what differs among groups of that recipe; of
    runs that were not trained here their name.

    What is recorded of a run changes nothing of it, so it is named only where nothing else differs.
    """
    every, firsts = firsts, [run for run in firsts if run.trained_here]
    recipes = {run.config.preset for run in firsts}
    labels = []
    for run in every:
        if not run.trained_here:
            labels.append(run.name)
            continue
        near = [other.config for other in firsts if other.config.preset == run.config.preset]
        differing = [key for key in settings_diff(near) if key not in ("seed", "preset", "training.seconds")]
        differing = [key for key in differing if not key.startswith("recording.")] or differing
        values = flatten_config(run.config)
        words = [f"{setting_title(key)} = {value_in_words(values[key])}" for key in differing[:MOST_NAMED]]
        if more := len(differing) - len(words):
            words.append(f"{more} more")
        if len({other.parent_step for other in firsts}) > 1 and run.parent_step is not None:
            words.append(f"from step {run.parent_step:,}")
        told = [run.config.preset] if len(recipes) > 1 or not words else []
        labels.append(" · ".join([*told, *([", ".join(words)] if words else [])]))
    return labels


def settings_diff(configs: Sequence[RunConfig]) -> dict[str, tuple[Any, ...]]:
    """Only what differs: `{dotted key: the value of each configuration}`."""
    flat = [flatten_config(config) for config in configs]
    keys = flat[0] if flat else ()
    return {key: tuple(f[key] for f in flat) for key in keys if any(f[key] != flat[0][key] for f in flat)}


# ---------------------------------------------------------------- curves


@dataclass(frozen=True, eq=False)
class GroupCurve:
    """The mean of a metric over `n` seeds at each step, and its standard deviation (none of one seed)."""

    steps: np.ndarray
    mean: np.ndarray
    sd: np.ndarray | None
    n: int


def curve_of_group(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> GroupCurve | None:
    """Mean and sd (ddof=1) of curves (steps, values) at every recorded step that all of them reach; None where there
    is no such step. Between two recorded steps a curve is a straight line, and before or after them it is nothing.
    """
    curves = [(np.asarray(steps, np.float64), np.asarray(values, np.float64)) for steps, values in curves if len(steps)]
    if not curves:
        return None
    first, last = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    grid = np.unique(np.concatenate([steps for steps, _ in curves]))
    grid = grid[(grid >= first) & (grid <= last)]
    if not len(grid):
        return None
    table = np.array([np.interp(grid, steps, values) for steps, values in curves])
    return GroupCurve(grid, table.mean(axis=0), table.std(axis=0, ddof=1) if len(table) > 1 else None, len(table))


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean of values over seeds, and their standard deviation (ddof=1), which one value has not."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def step_of(run: RunInfo, steps: Sequence[int], asked: int | None) -> int | None:
    """At which of its snapshots a run is compared: the nearest to what is asked, the newest without; None for a run
    that still trains and has not come so far.
    """
    if not steps or (run.active and (asked is None or steps[-1] < asked)):
        return None
    return steps[-1] if asked is None else min(steps, key=lambda step: abs(step - asked))


# ---------------------------------------------------------------- the verdict


@dataclass(frozen=True)
class Comparison:
    """Two groups by one metric: each one's mean and value per seed, first minus second, and whether that is decided.

    `covers`: which noise the interval holds. `level`: of the interval, so strict that of all comparisons made
    together one is wrong in 5 % of cases at most. `decided`: which is better. Where samples alone are covered that is
    said of these very runs, and nothing of their settings.
    """

    metric: str
    first: str
    second: str
    values: tuple[float, float]
    per_seed: tuple[tuple[tuple[int, float], ...], tuple[tuple[int, float], ...]]
    difference: float
    interval: tuple[float, float]
    level: float
    p: float
    covers: Literal["seeds and samples", "samples", "seeds"]
    decided: Literal["first", "second", "undecided"]
    sentence: str = ""


@dataclass(frozen=True)
class ComparisonReport:
    """What a `compare` job answers: the best group against every other by energy distance of `n` new samples of each
    run, and by metrics of the stored measurements where there are enough seeds. `steps`: which snapshot of each run.
    """

    n: int
    steps: Mapping[str, int]
    values: Mapping[str, tuple[tuple[int, float], ...]]
    comparisons: tuple[Comparison, ...]
    others: tuple[Comparison, ...] = ()
    headline: str = ""
    sentence: str = ""


def to_json(verdict: ComparisonReport) -> str:
    """For the store."""
    return json.dumps(dataclasses.asdict(verdict), sort_keys=True)


def from_json(text: str) -> ComparisonReport:
    """The verdict that `to_json` wrote."""
    found = json.loads(text)
    for name in ("comparisons", "others"):
        found[name] = tuple(_comparison(values) for values in found[name])
    found["values"] = {name: _pairs(values) for name, values in found["values"].items()}
    return ComparisonReport(**found)


def _comparison(values: dict[str, Any]) -> Comparison:
    values |= {name: tuple(values[name]) for name in ("values", "interval")}
    values["per_seed"] = tuple(_pairs(seeds) for seeds in values["per_seed"])
    return Comparison(**values)


def _pairs(values: Iterable[Iterable[Any]]) -> tuple[tuple[int, float], ...]:
    return tuple((seed, value) for seed, value in values)


def headline(found: Comparison) -> str:
    """What a comparison says, in short; of runs only where nothing is known of their settings."""
    one, other = _letter_of(found.first), _letter_of(found.second)
    seeds = [len(values) for values in found.per_seed]
    if found.decided == "undecided":
        return f"Between {one} and {other} nothing is decided"
    sides = [(one, seeds[0]), (other, seeds[1])]
    (better, many), (worse, others) = sides if found.decided == "first" else sides[::-1]
    if found.covers == "samples":
        runs, lie = ("run", "is") if many == 1 else ("runs", "are")
        return f"The {runs} of {better} {lie} closer to real than the {'run' if others == 1 else 'runs'} of {worse}"
    return f"{better} is better than {worse}"


def in_words(found: Comparison, title: str) -> str:
    """The numbers behind the headline, and what they do not say."""
    low, high = found.interval
    one, other = (shown_number(value, found.metric) for value in found.values)
    seeds = [len(values) for values in found.per_seed]
    counted = f"{seeds[0]} seeds each" if seeds[0] == seeds[1] else f"{seeds[0]} and {seeds[1]} seeds"
    of = "" if found.covers == "samples" else f" (means of {counted})"
    said = (
        f"{title} {one} against {other}{of}. The difference is "
        f"{shown_number(found.difference)}, and with {100 * found.level:.3g} % confidence it lies between "
        f"{shown_number(low)} and {shown_number(high)}: "
    )
    said += "within the noise." if found.decided == "undecided" else "more than noise."
    if found.covers == "samples":
        return f"{said} {_ONE_SEED}"
    if found.decided == "undecided" and min(seeds) < ENOUGH_SEEDS:
        said += f" Few seeds ({min(seeds)}) give wide intervals: use {ENOUGH_SEEDS} or more."
    return said


_ONE_SEED = (
    "This covers the noise of sampling only. Another seed may reverse it, so it is no comparison of the settings: "
    "repeat each with more seeds to compare them."
)


def summary(comparisons: Sequence[Comparison]) -> tuple[str, str]:
    """A headline and a sentence on what the comparisons of the best group with each other one say together."""
    if len(comparisons) == 1:
        return headline(comparisons[0]), comparisons[0].sentence
    best = _letter_of(comparisons[0].first)
    worse = [_letter_of(c.second) for c in comparisons if c.decided == "first"]
    level = [_letter_of(c.second) for c in comparisons if c.decided != "first"]
    of_runs = any(c.covers == "samples" for c in comparisons)
    does = f"What was trained as {best} is closer to real than" if of_runs else f"{best} is better than"
    said = (
        f"Each is compared with {best}, which has the smallest distance; the intervals allow for the number of "
        "comparisons."
    )
    said += f" {_ONE_SEED}" if of_runs else ""
    if not worse:
        return f"Nothing is decided: {best} leads, but not by more than noise", said
    if level:
        return f"{does} {_listed(worse)}; between {best} and {_listed(level)} nothing is decided", said
    return f"{does} {_listed(worse)}", said


def _letter_of(name: str) -> str:
    return name.partition(" · ")[0]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
