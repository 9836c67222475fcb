"""Which run is better: samples of every run, one bootstrap for all, and a verdict that may be "undecided"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from msgspec import Meta

from gan_core.codec import flatten
from gan_core.distances.catalogue import METRICS
from gan_core.jobs import comparison
from gan_core.jobs.comparison import FEWEST_SAMPLES, MOST_RUNS, MOST_SAMPLES, Comparison, ComparisonReport, Group
from gan_core.jobs.kept_samples import kept_number
from gan_core.jobs.kind import JobContext, JobKind, Parameters, everything
from gan_core.jobs.sample import draw_of_training
from gan_core.records import GanometerError, RunInfo, short_data_name
from gan_core.store import Store
from gan_core.validation import Count

OTHERS = ("symmetric_precision", "symmetric_recall", "coverage", "sliced_wasserstein")
"""Metrics of the stored measurements. They are no means of pairs, so of them only the seeds are drawn again."""
FEWEST_SEEDS = 3
"""... which needs at least so many of each group."""


@dataclass(frozen=True)
class Compare(Parameters):
    """`runs` are pairs of a run's id and the step of one of its snapshots; `n` samples of each are compared.

    Without `n` as many as the runs were measured with, or the fewest of that; never more than a run keeps that has no
    generator.
    """

    runs: Annotated[tuple[tuple[str, Count], ...], Meta(min_length=1, max_length=MOST_RUNS, title="runs")]
    n: Annotated[int, Meta(ge=FEWEST_SAMPLES, le=MOST_SAMPLES)] | None = None

    def named_runs(self) -> tuple[str, ...]:
        """The runs."""
        return tuple(run_id for run_id, _ in self.runs)


def answer(context: JobContext, asked: Compare) -> ComparisonReport:
    """The best group of these runs, each at a step, against every other; of one group alone only its values.

    Raises GanometerError where the runs have different data, or a generator has diverged.
    """
    from gan_core.distances import bootstrap, pairwise, reference
    from gan_core.distances.inputs import Inputs, RealPart

    store, progress, steps_by_run = context.store, context.progress, dict(asked.runs)
    runs = [store.runs.get(run_id) for run_id in steps_by_run]
    if len(hashes := {run.dataset for run in runs}) > 1 or None in hashes:
        raise GanometerError(f"the runs have not the same data ({_data_of(runs)}); compare runs on one data set")
    groups = comparison.group_runs(runs)
    dataset = context.dataset_named(runs[0].config.data.name)
    n = asked.n or min(MOST_SAMPLES, *(run.config.recording.rows for run in runs))
    kept = (kept_number(store, run, steps_by_run[run.id]) for run in runs)
    n = min(n, len(dataset.test.x), *(number for number in kept if number is not None))
    members = [run for group in groups for run in group.runs]
    fakes = []
    for done, run in enumerate(members, 1):
        x = flatten(draw_of_training(store, run.id, steps_by_run[run.id], n))
        if pairwise.count_unusable(x):
            raise GanometerError(
                f"run {run.id} diverged: its samples of step {steps_by_run[run.id]} are not finite; choose another "
                "step, or leave it out"
            )
        fakes.append(x)
        progress(0.5 * done / len(members))
    real = flatten(reference.test_rows(dataset.test.x, n))
    part = RealPart.of(real, threads=context.threads)
    values = np.array([Inputs(part, pairwise.rows(x, "fake")).energy_distance.u for x in fakes])  # as in reports
    _, replicates = bootstrap.energies(
        real=real,
        fakes=fakes,
        threads=context.threads,
        progress=lambda share: progress(0.5 + share / 2),
    )
    ends = np.cumsum([len(group.runs) for group in groups])[:-1]
    measured = dict(zip((group.name for group in groups), np.split(values, ends)))
    redrawn = dict(zip(measured, np.split(replicates, ends)))
    comparisons = of_groups("energy_distance", groups, measured, redrawn)
    return ComparisonReport(
        n,
        {run.id: steps_by_run[run.id] for run in members},
        {group.name: tuple(zip(group.seeds, measured[group.name].tolist())) for group in groups},
        comparisons,
        tuple(c for name in OTHERS for c in _of_reports(store, name, groups, steps_by_run)),
        *(comparison.summary(comparisons) if comparisons else ()),
    )


def of_groups(
    metric: str,
    groups: Sequence[Group],
    values: dict[str, np.ndarray],
    replicates: dict[str, np.ndarray] | None = None,
) -> tuple[Comparison, ...]:
    """The best group by a metric against each of the others; both mappings are by a group's name, a row a seed.

    Which group is the best is seen only when all are measured, so Holm's levels are those of all pairs of groups,
    not of these comparisons alone.
    """
    from gan_core.distances import bootstrap

    sign = -1.0 if METRICS[metric].better == "higher" else 1.0
    pairs = list(itertools.combinations(groups, 2))
    found = []
    for one, other in pairs:
        drawn = [replicates[group.name] if replicates else None for group in (one, other)]
        paired = one.seeds == other.seeds
        found.append(bootstrap.difference(values[one.name], values[other.name], *drawn, paired=paired))
    decided, levels = bootstrap.holm([difference.p for difference in found])
    best = min(groups, key=lambda group: sign * values[group.name].mean())
    made = []
    for (one, other), difference, sure, level in zip(pairs, found, decided, levels):
        if best not in (one, other):
            continue
        low, high = difference.interval(level)
        if other is best:
            one, other, low, high = other, one, -high, -low
        both = (one, other)
        alone = min(len(group.runs) for group in both) == 1
        found_of_pair = Comparison(
            metric,
            one.name,
            other.name,
            values=(float(values[one.name].mean()), float(values[other.name].mean())),
            per_seed=(_per_seed(one, values), _per_seed(other, values)),
            difference=float(values[one.name].mean() - values[other.name].mean()),
            interval=(low, high),
            level=level,
            p=difference.p,
            covers="seeds" if replicates is None else "samples" if alone else "seeds and samples",
            decided="first" if sure else "undecided",
        )
        made.append(replace(found_of_pair, sentence=comparison.in_words(found_of_pair, METRICS[metric].title)))
    return tuple(made)


def _per_seed(group: Group, values: Mapping[str, np.ndarray]) -> tuple[tuple[int, float], ...]:
    return tuple(zip(group.seeds, values[group.name].tolist()))


def _of_reports(
    store: Store, metric: str, groups: Sequence[Group], steps_by_run: Mapping[str, int]
) -> tuple[Comparison, ...]:
    """The same by a metric that was measured during the trainings; nothing where a run has no such measurement."""
    if len(groups) < 2 or min(len(group.runs) for group in groups) < FEWEST_SEEDS:
        return ()
    found, sizes = {}, set()
    for group in groups:
        for run in group.runs:
            live = (
                (report.metrics[metric].value, (report.n_fake, report.k))
                for step, report in store.measurements.reports(run.id)
                if step == steps_by_run[run.id] and (report.seed, report.space, report.panel) == (0, "pixels", "live")
            )
            value, size = next(live, (None, None))
            if value is None:
                return ()
            found.setdefault(group.name, []).append(value)
            sizes.add(size)
    if len(sizes) > 1:  # at another n, or k, another number is normal
        return ()
    return of_groups(metric, groups, {name: np.array(values) for name, values in found.items()})


def _data_of(runs: Iterable[RunInfo]) -> str:
    return ", ".join(
        sorted({short_data_name(run.config.data.name) if run.dataset else f"{run.id} has not begun" for run in runs})
    )


KIND = JobKind(
    "compare",
    Compare,
    answer,
    encode=lambda verdict: comparison.to_json(verdict).encode(),
    decode=lambda data: comparison.from_json(data.decode()),
    of_run=False,
    without_rows=everything,
)
