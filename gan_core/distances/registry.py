"""Which metrics there are to take, in the order of what they cost, and how each is taken from a Case.

A step gives the metrics of one pass. What it lacks it says in `lacks`, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gan_core.distances import energy, memorization, modes, neighbours, parzen, transport
from gan_core.distances.catalogue import METRICS
from gan_core.distances.inputs import Case


@dataclass(frozen=True)
class Value:
    """One number of a step, its p-value where there is a test, and `ideal` where that depends on n.

    `spread`: where the value is cut off, the number before that; calibrations take their sd from it, because
    perfect samples pile up at the cut, and would seem to have no spread at all.
    """

    value: float
    p: float | None = None
    ideal: float | None = None
    spread: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    values: Mapping[str, Value]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """`take` gives the metrics `names`; `lacks` says what is missing for it, or nothing.

    `players`: which real rows play the generator when real is measured against real. For copies these are test
    rows, which are in neither pool; for the Parzen window rows of train, because holdout chooses its width.
    """

    names: tuple[str, ...]
    take: Callable[[Case], Found]
    lacks: Callable[[Case], str | None] = lambda case: None
    live: bool = True
    players: Literal["pool", "test", "train"] = "pool"


# ---------------------------------------------------------------- what a step may lack


def _neighbours(case: Case) -> str | None:
    fewest = min(len(case.part), len(case.fake))
    return None if fewest > case.part.k else f"more than k = {case.part.k} samples of each kind (there are {fewest})"


def _as_many(case: Case) -> str | None:
    n, m = len(case.part), len(case.fake)
    return None if n == m else f"as many generated as real samples (there are {n} real and {m} generated)"


def _spread(case: Case) -> str | None:
    return None if case.bandwidth > 0 else "real samples that are not all the same"


def _part(*names: str) -> Callable[[Case], str | None]:
    def lacks(case: Case) -> str | None:
        return " and ".join(name for name in names if getattr(case.part, name) is None) or None

    return lacks


def _modes(case: Case) -> str | None:
    return None if case.modes else "modes (the known centres and their spread)"


def _bins(case: Case) -> str | None:
    if case.part.train is None:
        return "train"
    return None if len(case.part.train) >= 100 else f"at least 100 training samples (there are {len(case.part.train)})"


# ---------------------------------------------------------------- the steps


def _energy(case: Case) -> Found:
    found = case.energy
    about = {"permutations": case.permutations}
    p = case.test.energy_p if case.bandwidth > 0 else None  # constant data leave nothing to permute
    nearest = asdict(neighbours.nearest_curves(real=case.part.within, across=case.across)) if case.part.within.k else {}
    return Found(
        {
            "energy_distance": Value(found.u, p, parameters=about),
            "energy_coefficient": Value(found.h),
            "mean_real_real": Value(found.rr),
            "mean_fake_fake": Value(found.ff),
            "mean_real_fake": Value(found.rf),
        },
        {"nearest": nearest} if nearest else {},
    )


def _mmd(case: Case) -> Found:
    about = {"permutations": case.permutations, "bandwidth": case.bandwidth}
    return Found({"mmd_rbf": Value(case.test.mmd, case.test.mmd_p, parameters=about)})


def _accuracies(case: Case) -> Found:
    found, n = case.accuracies, len(case.part)
    about, ideal = {"permutations": case.permutations}, (n - 1) / (2 * n - 1)
    return Found(
        {
            "nn_accuracy_real": Value(found.real, found.real_p, ideal, parameters=about),
            "nn_accuracy_fake": Value(found.fake, found.fake_p, ideal, parameters=about),
        }
    )


def _chamfer(case: Case) -> Found:
    found = neighbours.chamfer(across=case.across)
    return Found(
        {
            "chamfer_real_to_fake": Value(found.real_to_fake),
            "chamfer_fake_to_real": Value(found.fake_to_real),
            "minimum_matching_distance": Value(found.minimum_matching_distance),
            "matching_coverage": Value(found.matching_coverage),
        }
    )


def _manifold(case: Case) -> Found:
    about = {"k": case.part.k}
    values = asdict(case.manifold)
    spread = dict(zip(("clipped_density", "clipped_coverage"), values.pop("before_clipping"), strict=True))
    ideal = {"coverage": neighbours.expected_coverage(len(case.part), len(case.fake), case.part.k)}
    return Found(
        {
            name: Value(value, ideal=ideal.get(name), spread=spread.get(name), parameters=about)
            for name, value in values.items()
        }
    )


def _sliced(case: Case) -> Found:
    part = case.part
    value = transport.sliced_wasserstein(real=part.rows, fake=case.fake, projections=part.projections)
    return Found({"sliced_wasserstein": Value(value, parameters={"directions": part.projections.directions.shape[1]})})


def _mode_counts(case: Case) -> Found:
    found = modes.mode_counts(fake=case.fake, centres=case.modes.centres, std=case.modes.std)
    return Found(
        {
            "modes_captured": Value(float(found.captured), ideal=float(len(found.counts))),
            "high_quality_share": Value(found.high_quality, ideal=found.ideal_high_quality),
        },
        {"modes": asdict(found)},
    )


def _classes(case: Case) -> Found:
    part = case.part
    found = modes.class_histogram(
        real=part.rows,
        fake=case.fake,
        labeller=part.labeller,
        real_shares=part.label_shares,
        fake_shares=part.labeller.shares_of(part.labeller.known[case.nearest_train[1]]),
    )
    p = modes.class_test(found, len(part), len(case.fake))
    return Found({}, {"classes": asdict(found) | {"p": p}})


def _copies(case: Case) -> Found:
    pools, distances = case.part.pools, case.to_pools
    share, close = memorization.dcr_share(distances), memorization.copy_share(pools, distances)
    about = {"pool": distances.pool_size}
    return Found(
        {
            "dcr_share": Value(share.value, share.p, parameters=about | {"standard_error": share.standard_error}),
            "copy_share": Value(close.value, close.p, parameters=about),
        },
        {"copies": [list(copy) for copy in memorization.copy_list(pools, distances)]},
    )


def _authenticity(case: Case) -> Found:
    part, pool, known = case.part, case.part.pool_of_train, case.nearest_in_pool
    value = memorization.authenticity(train=pool, fake=case.fake, to_train=known, apart=part.train_apart)
    about = {"pool": len(pool), "of_holdout": part.authenticity_of_holdout}
    return Found({"authenticity": Value(value, parameters=about)})


def _polynomial(case: Case) -> Found:
    part = case.part
    value = energy.mmd_polynomial(real=part.rows, fake=case.fake, real_own=part.polynomial_own, threads=part.threads)
    return Found({"mmd_polynomial": Value(value)})


def _frechet(case: Case) -> Found:
    part = case.part
    value = transport.frechet_distance(real=part.rows, fake=case.fake, real_gaussian=part.gaussian)
    return Found({"frechet_distance": Value(value)})


def _wasserstein(case: Case) -> Found:
    return Found(
        {"wasserstein2": Value(transport.wasserstein2(real=case.part.rows, fake=case.fake, seed=case.part.seed))}
    )


def _direction(case: Case) -> Found:
    widest = transport.max_sliced(real=case.part.rows, fake=case.fake, seed=case.part.seed)
    return Found({}, {"direction": {"distance": widest.value, "vector": widest.direction.tolist()}})


def _ndb(case: Case) -> Found:
    found = modes.ndb(real=case.part.rows, fake=case.fake, bins=case.part.bins)
    return Found({"ndb": Value(found.share, parameters={"bins": len(found.p_values)})})


def _prd(case: Case) -> Found:
    found = modes.prd_curve(real=case.part.rows, fake=case.fake, seed=case.part.seed)
    every = slice(None, None, 10)
    curve = {"precision": found.precision[every].tolist(), "recall": found.recall[every].tolist()}
    return Found({}, {"prd": curve | {"f8": found.f8, "f1_8": found.f1_8}})


def _ct(case: Case) -> Found:
    part = case.part
    value = memorization.ct_score(part.pools, case.to_pools, fake=case.fake, cells=part.cells, seed=part.seed)
    return Found({"ct_score": Value(value, parameters={"pool": case.to_pools.pool_size})})


def _parzen(case: Case) -> Found:
    part = case.part
    found = parzen.parzen_log_likelihood(samples=case.fake, holdout=part.holdout, test=part.rows, threads=part.threads)
    about = {"sigma": found.sigma, "at_edge": found.at_edge, "standard_error": found.standard_error}
    return Found({"parzen_log_likelihood": Value(found.value, parameters=about)})


def _museum(case: Case) -> Found:
    part = case.part
    rows = parzen.parzen_museum(
        real_train=part.train, fake=case.fake, holdout=part.holdout, test=part.rows, seed=part.seed
    )
    return Found({}, {"parzen": {name: asdict(row) for name, row in rows.items()}})


STEPS: tuple[Step, ...] = (
    Step(
        ("energy_distance", "energy_coefficient", "mean_real_real", "mean_fake_fake", "mean_real_fake"),
        _energy,
    ),
    Step(("mmd_rbf",), _mmd, _spread),
    Step(("nn_accuracy_real", "nn_accuracy_fake"), _accuracies, _as_many),
    Step(
        ("chamfer_real_to_fake", "chamfer_fake_to_real", "minimum_matching_distance", "matching_coverage"),
        _chamfer,
    ),
    Step(
        (
            "precision",
            "recall",
            "density",
            "coverage",
            "symmetric_precision",
            "symmetric_recall",
            "clipped_density",
            "clipped_coverage",
        ),
        _manifold,
        _neighbours,
    ),
    Step(("sliced_wasserstein",), _sliced),
    Step(("modes_captured", "high_quality_share"), _mode_counts, _modes),
    Step((), _classes, _part("train_labels")),
    Step(("dcr_share", "copy_share"), _copies, _part("train", "holdout"), players="test"),
    Step(("authenticity",), _authenticity, _part("train"), players="test"),
    Step(("frechet_distance",), _frechet, live=False),
    Step(("ndb",), _ndb, _bins, live=False),
    Step(("ct_score",), _ct, _part("train", "holdout"), live=False, players="test"),
    Step(("mmd_polynomial",), _polynomial, live=False),
    Step((), _prd, _as_many, live=False),
    Step(("wasserstein2",), _wasserstein, live=False),
    Step((), _direction, live=False),
    Step(("parzen_log_likelihood",), _parzen, _part("holdout"), live=False, players="train"),
    Step((), _museum, _part("train", "holdout"), live=False),
)

assert {name for step in STEPS for name in step.names} == set(METRICS)
