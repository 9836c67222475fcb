"""The answer to a `compare` job: new samples of every run, one bootstrap for all, and a verdict that may refuse."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gan_core.codec import flatten
from gan_core.data.datasets import Dataset
from gan_core.distances import bootstrap, pairwise, reference
from gan_core.distances.catalogue import METRICS
from gan_core.jobs import comparison
from gan_core.jobs.comparison import Comparison, Group, Verdict
from gan_core.records import GanometerError, Job
from gan_core.store import Store

Sample = Callable[[Store, str, int, int, int], np.ndarray]
"""`sample(store, run_id, step, n, seed)`: new samples of a snapshot, in measured form."""
OTHERS = ("symmetric_precision", "symmetric_recall", "coverage", "sliced_wasserstein")
"""Metrics of the stored measurements. They are no means of pairs, so of them only the seeds are drawn again."""
FEWEST_SEEDS = 3
"""... which needs at least so many of each group."""


def answer(
    sample: Sample,
    store: Store,
    job: Job,
    dataset_named: Callable[[str], Dataset],
    progress: Callable[[float], None],
    threads: int | None = None,
) -> bytes:
    """`runs` of the job's parameters are pairs of a run's id and the step of one of its snapshots, `n` samples each."""
    found = compare(sample, store, job.params["runs"], job.params["n"], dataset_named, progress, threads=threads)
    return comparison.to_json(found).encode()


def compare(
    sample: Sample,
    store: Store,
    places: Sequence[tuple[str, int]],
    n: int,
    dataset_named: Callable[[str], Dataset],
    progress: Callable[[float], None] = lambda share: None,
    *,
    threads: int | None = None,
) -> Verdict:
    """The best group of these runs, each at a step, against every other; of one group alone only its values.

    Raises GanometerError where the runs have different data, or a generator has diverged.
    """
    comparison.check(places, n)
    steps = dict(places)
    runs = [store.runs.get(run_id) for run_id in steps]
    if len(hashes := {run.dataset for run in runs}) > 1 or None in hashes:
        raise GanometerError(f"the runs have not the same data ({_data_of(runs)}); compare runs on one data set")
    groups = comparison.group_runs(runs)
    dataset = dataset_named(runs[0].config.data.name)
    n = min(n, len(dataset.test.x))
    members = [run for group in groups for run in group.runs]
    fakes = []
    for done, run in enumerate(members, 1):
        x = flatten(sample(store, run.id, steps[run.id], n, 0))
        if pairwise.count_unusable(x):
            raise GanometerError(
                f"run {run.id} diverged: its samples of step {steps[run.id]} are not finite; choose another step, or "
                "leave it out"
            )
        fakes.append(x)
        progress(0.5 * done / len(members))
    values, replicates = bootstrap.energies(
        real=flatten(reference.test_rows(dataset.test.x, n)),
        fakes=fakes,
        threads=threads,
        progress=lambda share: progress(0.5 + share / 2),
    )
    ends = np.cumsum([len(group.runs) for group in groups])[:-1]
    measured = dict(zip((group.name for group in groups), np.split(values, ends)))
    redrawn = dict(zip(measured, np.split(replicates, ends)))
    comparisons = of_groups("energy_distance", groups, measured, redrawn)
    return Verdict(
        n,
        {run.id: steps[run.id] for run in members},
        {group.name: tuple(zip(group.seeds, measured[group.name].tolist())) for group in groups},
        comparisons,
        tuple(c for name in OTHERS for c in _of_reports(store, name, groups, steps)),
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
        told = Comparison(
            metric,
            *(group.name for group in both),
            values=tuple(float(values[group.name].mean()) for group in both),
            per_seed=tuple(tuple(zip(group.seeds, values[group.name].tolist())) for group in both),
            difference=float(values[one.name].mean() - values[other.name].mean()),
            interval=(low, high),
            level=level,
            p=difference.p,
            covers="seeds" if replicates is None else "samples" if alone else "seeds and samples",
            decided="first" if sure else "undecided",
        )
        made.append(replace(told, sentence=comparison.in_words(told, METRICS[metric].title)))
    return tuple(made)


def _of_reports(store: Store, metric: str, groups: Sequence[Group], steps: dict[str, int]) -> tuple[Comparison, ...]:
    """The same by a metric that was measured during the trainings; nothing where a run has no such measurement."""
    if len(groups) < 2 or min(len(group.runs) for group in groups) < FEWEST_SEEDS:
        return ()
    found, sizes = {}, set()
    for group in groups:
        for run in group.runs:
            live = (
                (report.metrics[metric].value, (report.n_fake, report.k))
                for step, report in store.measurements.reports(run.id)
                if step == steps[run.id] and (report.seed, report.space, report.panel) == (0, "pixels", "live")
            )
            value, size = next(live, (None, None))
            if value is None:
                return ()
            found.setdefault(group.name, []).append(value)
            sizes.add(size)
    if len(sizes) > 1:  # at another n, or k, another number is normal
        return ()
    return of_groups(metric, groups, {name: np.array(values) for name, values in found.items()})


def _data_of(runs) -> str:
    return ", ".join(sorted({run.config.data.name if run.dataset else f"{run.id} has not begun" for run in runs}))
