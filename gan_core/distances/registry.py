"""How each metric of the catalogue is computed from Inputs, in the order of what it costs.

A step computes the metrics of one pass. Where an input is missing, `lacks` names it and the other steps go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from gan_core.distances import energy, memorization, modes, neighbours, parzen, transport
from gan_core.distances.inputs import Inputs, required


@dataclass(frozen=True)
class Value:
    """One number of a step, its p-value `p` where there is a test, and `ideal` where that depends on n.

    `spread`: where the value is cut off, the number before that; calibrations take their sd from it, because
    perfect samples pile up at the cut, and would seem to have no spread at all.
    """

    value: float
    p: float | None = None
    ideal: float | None = None
    spread: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class StepResult:
    """What a step computed: `values` by the name of the metric, and `details`, whatever is more than a number."""

    values: Mapping[str, Value]
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _nothing(inputs: Inputs) -> str | None:
    return None


@dataclass(frozen=True)
class Step:
    """`compute` gives the metrics `names`; `lacks` names the input that is missing for it, or is None.

    `live`: whether the live panel takes it too, as METRICS says of each of its names.

    `fake_from`: which real rows stand in for generated ones in a calibration. For copies these are test rows, which
    are in neither pool; for the Parzen window they are rows of train, because holdout chooses its width.
    """

    names: tuple[str, ...]
    compute: Callable[[Inputs], StepResult]
    lacks: Callable[[Inputs], str | None] = _nothing
    live: bool = True
    fake_from: Literal["pool", "test", "train"] = "pool"


# ---------------------------------------------------------------- inputs that may be missing


def _neighbours(inputs: Inputs) -> str | None:
    k, fewest = inputs.real_part.k, min(len(inputs.real_part), len(inputs.fake))
    return None if fewest > k else f"more than k = {k} samples of each kind (there are {fewest})"


def _equal_sizes(inputs: Inputs) -> str | None:
    n, m = len(inputs.real_part), len(inputs.fake)
    return None if n == m else f"as many generated as real samples (there are {n} real and {m} generated)"


def _spread(inputs: Inputs) -> str | None:
    return None if inputs.bandwidth > 0 else "real samples that are not all the same"


def _parts(*names: str) -> Callable[[Inputs], str | None]:
    def lacks(inputs: Inputs) -> str | None:
        return " and ".join(name for name in names if getattr(inputs.real_part, name) is None) or None

    return lacks


def _modes(inputs: Inputs) -> str | None:
    return None if inputs.modes else "modes (the known centres and their spread)"


def _bins(inputs: Inputs) -> str | None:
    train = inputs.real_part.train
    if train is None:
        return "train"
    return None if len(train) >= 100 else f"at least 100 training samples (there are {len(train)})"


# ---------------------------------------------------------------- the steps


def _energy(inputs: Inputs) -> StepResult:
    found = inputs.energy_distance
    about = {"permutations": inputs.permutations}
    p = inputs.test.energy_p if inputs.bandwidth > 0 else None  # constant data leave nothing to permute
    within = inputs.real_part.within
    nearest = asdict(neighbours.nearest_curves(real=within, across=inputs.across)) if within.k else {}
    if nearest and inputs.within.k:
        nearest["fake_to_fake_median"] = float(np.median(inputs.within.distances[:, 0]))
    return StepResult(
        {
            "energy_distance": Value(found.u, p, parameters=about),
            "energy_coefficient": Value(found.h),
            "mean_real_real": Value(found.rr),
            "mean_fake_fake": Value(found.ff),
            "mean_real_fake": Value(found.rf),
        },
        {"nearest": nearest} if nearest else {},
    )


def _mmd(inputs: Inputs) -> StepResult:
    about = {"permutations": inputs.permutations, "bandwidth": inputs.bandwidth}
    return StepResult({"mmd_rbf": Value(inputs.test.mmd, inputs.test.mmd_p, parameters=about)})


def _accuracies(inputs: Inputs) -> StepResult:
    found, n = inputs.accuracies, len(inputs.real_part)
    about, ideal = {"permutations": inputs.permutations}, (n - 1) / (2 * n - 1)
    return StepResult(
        {
            "nn_accuracy_real": Value(found.real, found.real_p, ideal, parameters=about),
            "nn_accuracy_fake": Value(found.fake, found.fake_p, ideal, parameters=about),
        }
    )


def _chamfer(inputs: Inputs) -> StepResult:
    found = neighbours.chamfer(across=inputs.across)
    return StepResult(
        {
            "chamfer_real_to_fake": Value(found.real_to_fake),
            "chamfer_fake_to_real": Value(found.fake_to_real),
            "minimum_matching_distance": Value(found.minimum_matching_distance),
            "matching_coverage": Value(found.matching_coverage),
        }
    )


def _manifold(inputs: Inputs) -> StepResult:
    about = {"k": inputs.real_part.k}
    values = asdict(inputs.manifold)
    density, coverage = values.pop("before_clipping")
    spread: dict[str, float] = {"clipped_density": density, "clipped_coverage": coverage}
    ideal = {"coverage": neighbours.expected_coverage(len(inputs.real_part), len(inputs.fake), inputs.real_part.k)}
    return StepResult(
        {
            name: Value(value, ideal=ideal.get(name), spread=spread.get(name), parameters=about)
            for name, value in values.items()
        }
    )


def _sliced(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    value = transport.sliced_wasserstein(real=real_part.rows, fake=inputs.fake, projections=real_part.projections)
    return StepResult(
        {"sliced_wasserstein": Value(value, parameters={"directions": real_part.projections.directions.shape[1]})}
    )


def _mode_counts(inputs: Inputs) -> StepResult:
    known = required(inputs.modes, "modes")
    found = modes.mode_counts(fake=inputs.fake, centres=known.centres, std=known.std)
    return StepResult(
        {
            "modes_captured": Value(float(found.captured), ideal=float(len(found.counts))),
            "high_quality_share": Value(found.high_quality, ideal=found.ideal_high_quality),
        },
        {"modes": asdict(found)},
    )


def _classes(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    found = modes.class_histogram(
        real=real_part.rows,
        fake=inputs.fake,
        labeller=real_part.labeller,
        real_shares=real_part.label_shares,
        fake_shares=real_part.labeller.shares_of(real_part.labeller.known[inputs.nearest_train[1]]),
    )
    p = modes.class_test(found, len(real_part), len(inputs.fake))
    return StepResult({}, {"classes": asdict(found) | {"p": p}})


def _copies(inputs: Inputs) -> StepResult:
    pools, distances = inputs.real_part.pools, inputs.to_pools
    share, close = memorization.dcr_share(distances), memorization.copy_share(pools, distances)
    about = {"pool": distances.pool_size}
    return StepResult(
        {
            "dcr_share": Value(share.value, share.p, parameters=about | {"standard_error": share.standard_error}),
            "copy_share": Value(close.value, close.p, parameters=about),
        },
        {"copies": [list(copy) for copy in memorization.copy_list(pools, distances)]},
    )


def _authenticity(inputs: Inputs) -> StepResult:
    real_part, pool, known = inputs.real_part, inputs.real_part.pool_of_train, inputs.nearest_in_pool
    value = memorization.authenticity(train=pool, fake=inputs.fake, to_train=known, apart=real_part.train_apart)
    about = {"pool": len(pool), "of_holdout": real_part.authenticity_of_holdout}
    return StepResult({"authenticity": Value(value, parameters=about)})


def _polynomial(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    value = energy.mmd_polynomial(
        real=real_part.rows, fake=inputs.fake, real_own=real_part.polynomial_own, threads=real_part.threads
    )
    return StepResult({"mmd_polynomial": Value(value)})


def _frechet(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    value = transport.frechet_distance(real=real_part.rows, fake=inputs.fake, real_gaussian=real_part.gaussian)
    return StepResult({"frechet_distance": Value(value)})


def _wasserstein(inputs: Inputs) -> StepResult:
    return StepResult(
        {
            "wasserstein2": Value(
                transport.wasserstein2(real=inputs.real_part.rows, fake=inputs.fake, seed=inputs.real_part.seed)
            )
        }
    )


def _direction(inputs: Inputs) -> StepResult:
    widest = transport.max_sliced(real=inputs.real_part.rows, fake=inputs.fake, seed=inputs.real_part.seed)
    return StepResult({}, {"direction": {"distance": widest.value, "vector": widest.direction.tolist()}})


def _ndb(inputs: Inputs) -> StepResult:
    found = modes.ndb(real=inputs.real_part.rows, fake=inputs.fake, bins=inputs.real_part.bins)
    return StepResult({"ndb": Value(found.share, parameters={"bins": len(found.p_values)})})


def _prd(inputs: Inputs) -> StepResult:
    found = modes.prd_curve(real=inputs.real_part.rows, fake=inputs.fake, seed=inputs.real_part.seed)
    every = slice(None, None, 10)
    curve = {"precision": found.precision[every].tolist(), "recall": found.recall[every].tolist()}
    return StepResult({}, {"prd": curve | {"f8": found.f8, "f1_8": found.f1_8}})


def _ct(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    value = memorization.ct_score(
        real_part.pools, inputs.to_pools, fake=inputs.fake, cells=real_part.cells, seed=real_part.seed
    )
    return StepResult({"ct_score": Value(value, parameters={"pool": inputs.to_pools.pool_size})})


def _parzen(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    found = parzen.parzen_log_likelihood(
        samples=inputs.fake,
        holdout=required(real_part.holdout, "holdout"),
        test=real_part.rows,
        threads=real_part.threads,
    )
    about = {"sigma": found.sigma, "at_edge": found.at_edge, "standard_error": found.standard_error}
    return StepResult({"parzen_log_likelihood": Value(found.value, parameters=about)})


def _parzen_comparison(inputs: Inputs) -> StepResult:
    real_part = inputs.real_part
    rows = parzen.parzen_comparison(
        real_train=required(real_part.train, "train"),
        fake=inputs.fake,
        holdout=required(real_part.holdout, "holdout"),
        test=real_part.rows,
        seed=real_part.seed,
    )
    return StepResult({}, {"parzen": {name: asdict(row) for name, row in rows.items()}})


STEPS: tuple[Step, ...] = (
    Step(
        ("energy_distance", "energy_coefficient", "mean_real_real", "mean_fake_fake", "mean_real_fake"),
        _energy,
    ),
    Step(("mmd_rbf",), _mmd, _spread),
    Step(("nn_accuracy_real", "nn_accuracy_fake"), _accuracies, _equal_sizes),
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
    Step((), _classes, _parts("train_labels")),
    Step(("dcr_share", "copy_share"), _copies, _parts("train", "holdout"), fake_from="test"),
    Step(("authenticity",), _authenticity, _parts("train"), fake_from="test"),
    Step(("frechet_distance",), _frechet, live=False),
    Step(("ndb",), _ndb, _bins, live=False),
    Step(("ct_score",), _ct, _parts("train", "holdout"), live=False, fake_from="test"),
    Step(("mmd_polynomial",), _polynomial, live=False),
    Step((), _prd, _equal_sizes, live=False),
    Step(("wasserstein2",), _wasserstein, live=False),
    Step((), _direction, live=False),
    Step(("parzen_log_likelihood",), _parzen, _parts("holdout"), live=False, fake_from="train"),
    Step((), _parzen_comparison, _parts("train", "holdout"), live=False),
)
