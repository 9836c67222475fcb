"""Does every metric see what it should? Real samples are corrupted on purpose, and measured as if generated.

    found = corruption_test(test=test, pool=pool, labels_of_pool=labels, n=600)
    {cell.level: cell.z for cell in found.cells if (cell.corruption, cell.metric) == ("blur", "precision")}

Every cell compares the same real rows with the same fresh draw, and a stronger level corrupts what a milder one did
and more, so whatever differs from the row without corruption is due to the corruption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from gan_core import codec
from gan_core.arrays import Array, ArrayLike, Ints, Reals
from gan_core.distances import pairwise
from gan_core.distances.catalogue import CORRUPTION_TITLES
from gan_core.distances.inputs import RealPart
from gan_core.distances.reference import calibrate, test_rows
from gan_core.distances.report import measure
from gan_core.records import CorruptionCell, CorruptionTest, MeasureError, Modes, Panel, Reference

Kind = Literal["image", "points"]

NOTHING = "none"
"""The name of the row without corruption: what a perfect generator scores."""

MATERIAL_DRAW, CORRUPTION_DRAW = 91, 92  # keep the draws of one seed apart


@dataclass(frozen=True, eq=False)
class Material:
    """Different real rows in measured form: `rows` (n, ...) to be corrupted, and what corruptions are made of.

    `spare` (s, ...) are further rows, `train` (t, ...) and `holdout` (t, ...) those that copies are made of and
    compared with. The labels are None where the data have none.
    """

    rows: Reals
    labels: Array | None
    spare: Reals
    spare_labels: Array | None
    train: Reals
    holdout: Reals

    @property
    def kind(self) -> Kind:
        """Images have four axes, points have two."""
        return "image" if self.rows.ndim == 4 else "points"


def _nothing(material: Material) -> str | None:
    return None


@dataclass(frozen=True)
class Corruption:
    """One way to corrupt real samples. `levels` go from mild to strong, `most` is the largest level there can be.

    `apply` returns as many rows (n, ...) as the material has; `lacks` names what is missing for it, or is None.
    """

    name: str
    levels: tuple[float, ...]
    apply: Callable[[Material, float, np.random.Generator], Reals]
    kinds: tuple[Kind, ...] = ("image", "points")
    most: float = np.inf
    lacks: Callable[[Material], str | None] = _nothing

    @property
    def title(self) -> str:
        """What pages call it."""
        return CORRUPTION_TITLES[self.name][0]

    @property
    def sentence(self) -> str:
        """What one level does."""
        return CORRUPTION_TITLES[self.name][1]


def corruption_test(
    *,
    test: ArrayLike,
    pool: ArrayLike,
    n: int,
    labels_of_pool: ArrayLike | None = None,
    corruptions: Sequence[str] | None = None,
    levels: Mapping[str, Sequence[float]] | None = None,
    modes: Modes | None = None,
    panel: Panel = "live",
    reference: Reference | None = None,
    k: int = 5,
    seed: int = 0,
    draws: int = 20,
    progress: Callable[[float], None] | None = None,
    threads: int | None = None,
) -> CorruptionTest:
    """Corrupt one fresh draw of n rows of `pool` in every way, and measure each result against `test_rows(test, n)`.

    `test` and `pool` are disjoint parts of one data set, (N, d) or (N, h, w, c), in storage or measured form;
    `labels_of_pool` (N,) are needed to thin classes. Nothing is trained here, so any rows can play the training data:
    they are taken from the pool too (see `material_of`). `corruptions` by name, all that these data allow unless
    given; `levels` by name, the corruption's own unless given. `reference` is the calibration at n with this k, panel
    and seed; without one it is made from `draws` draws. `progress` is called with the share that is done.
    Raises MeasureError for an unknown corruption, one these data do not allow, a level it cannot have, n larger than
    either part, and whatever `calibrate` and `measure` raise.
    """
    real = codec.to_unit(test_rows(np.asarray(test), n, seed))
    material = material_of(pool, n=n, labels=labels_of_pool, seed=seed)
    chosen = _chosen(material, corruptions)
    tasks = [(name, level) for name in chosen for level in (levels or {}).get(name, CORRUPTIONS[name].levels)]
    for name, level in tasks:
        _check_level(CORRUPTIONS[name], level)
    train, holdout = (material.train, material.holdout) if len(material.train) else (None, None)
    real_part = RealPart.of(real, train=train, holdout=holdout, k=k, seed=seed, threads=threads)
    steps = (0 if reference else draws) + 1 + len(tasks)
    report_progress = progress or _ignore
    if reference is None:
        reference = calibrate(
            test=test, pool=pool, n=n, train=train, real_part=real_part, modes=modes, panel=panel, k=k,
            draws=draws, seed=seed, threads=threads, progress=lambda share: report_progress(share * draws / steps),
        )  # fmt: skip
    cells: list[CorruptionCell] = []
    for done, (name, level) in enumerate([(NOTHING, 0.0), *tasks], steps - len(tasks)):
        fake = material.rows if name == NOTHING else corrupted(material, name, level, seed=seed)
        report = measure(real=real_part, fake=fake, reference=reference, modes=modes, panel=panel)
        cells += [
            CorruptionCell(name, float(level), m.name, m.value, m.z, m.reference_mean, m.reference_sd)
            for m in report.metrics.values()
            if m.value is not None
        ]
        report_progress(done / steps)
    return CorruptionTest(n, material.kind, panel, seed, tuple(cells))


def _ignore(share: float) -> None:
    pass


def material_of(pool: ArrayLike, *, n: int, labels: ArrayLike | None = None, seed: int = 0) -> Material:
    """Cut n rows to corrupt from `pool` (N, ...), then as many spare ones, then two equal pools for copies.

    The pools have n rows each where there are 4n and more, and else what is left; beyond 4n more rows are spare, up
    to 3n. Raises MeasureError when there are fewer than n rows or not a label for each.
    """
    pool = np.asarray(pool)
    pairwise.check_finite(pool, "pool")
    if not 2 <= n <= len(pool):
        raise MeasureError(f"n is {n}, but the pool has {len(pool)} real samples; choose n from 2 to {len(pool)}")
    if labels is not None and np.shape(labels) != (len(pool),):
        raise MeasureError(f"the labels are {np.shape(labels)} for {len(pool)} samples; give one for each sample")
    order = np.random.default_rng([seed, MATERIAL_DRAW]).permutation(len(pool))
    known = min(n, max(len(pool) - 2 * n, 0) // 2)
    drawn, train, holdout, spare = np.split(order, np.cumsum([n, known, known]))
    spare = spare[: 3 * n]
    known_labels = None if labels is None else np.asarray(labels)
    return Material(
        rows=codec.to_unit(pool[drawn]),
        labels=None if known_labels is None else known_labels[drawn],
        spare=codec.to_unit(pool[spare]),
        spare_labels=None if known_labels is None else known_labels[spare],
        train=codec.to_unit(pool[train]),
        holdout=codec.to_unit(pool[holdout]),
    )


def corrupted(material: Material, name: str, level: float, *, seed: int = 0) -> Reals:
    """The rows (n, ...) of the material, in their type, corrupted in the way `name`.

    Raises MeasureError as `corruption_test` does.
    """
    corruption = CORRUPTIONS[_chosen(material, [name])[0]]
    _check_level(corruption, level)
    rng = np.random.default_rng([seed, CORRUPTION_DRAW])
    return corruption.apply(material, level, rng).astype(material.rows.dtype, copy=False)


def _chosen(material: Material, names: Sequence[str] | None) -> list[str]:
    """Names of corruptions that can be done; of those named, every one has to be."""
    missing = {name: _lacks(corruption, material) for name, corruption in CORRUPTIONS.items()}
    if names is None:
        return [name for name in CORRUPTIONS if not missing[name]]
    for name in names:
        if name not in CORRUPTIONS:
            raise MeasureError(f"corruption is {name!r}; choose from {', '.join(CORRUPTIONS)}")
        if missing[name]:
            raise MeasureError(f"{name} needs {missing[name]}; choose another corruption")
    return list(names)


def _lacks(corruption: Corruption, material: Material) -> str | None:
    if material.kind not in corruption.kinds:
        return "images"
    return corruption.lacks(material)


def _check_level(corruption: Corruption, level: float) -> None:
    if not (0 <= level <= corruption.most and np.isfinite(level)):
        up_to = f" to {corruption.most:g}" if np.isfinite(corruption.most) else " up"
        raise MeasureError(f"the level of {corruption.name} is {level}; choose a number from 0{up_to}")


# ---------------------------------------------------------------- the corruptions


def _drop(material: Material, level: float, rng: np.random.Generator) -> Reals:
    """Rows of the first half of the classes are replaced by spare rows of the others, so n stays as it is."""
    gone, others = _halves(material)
    gone, others = rng.permutation(gone), rng.permutation(others)
    count = round(level * len(gone))
    rows = material.rows.copy()
    rows[gone[:count]] = material.spare[others[:count]]
    return rows


def _halves(material: Material) -> tuple[Ints, Ints]:
    """Which rows are of the first half of the classes, and which spare rows are of the other half."""
    labels, spare_labels = material.labels, material.spare_labels
    if labels is None or spare_labels is None:
        raise MeasureError("drop needs labels; choose another corruption")
    classes = np.unique(labels)
    thinned = classes[: len(classes) // 2]
    return (
        np.flatnonzero(np.isin(labels, thinned)),
        np.flatnonzero(np.isin(spare_labels, thinned, invert=True)),
    )


def _drop_lacks(material: Material) -> str | None:
    if material.labels is None:
        return "labels"
    gone, others = _halves(material)
    if not len(gone):
        return "samples of several classes"
    return None if len(gone) <= len(others) else f"{len(gone)} spare samples of other classes (there are {len(others)})"


def _blur(material: Material, level: float, rng: np.random.Generator) -> Reals:
    return ndimage.gaussian_filter(material.rows, (0, level, level, 0))


def _noise(material: Material, level: float, rng: np.random.Generator) -> Reals:
    low, high = _range(material)
    noisy = material.rows + level * (high - low) * rng.standard_normal(material.rows.shape)
    return np.clip(noisy, low, high) if material.kind == "image" else noisy  # no pixel is darker than black


def _shift(material: Material, level: float, rng: np.random.Generator) -> Reals:
    if material.kind == "image":
        return ndimage.shift(material.rows, (0, 0, level, 0), order=1)
    return material.rows + level * material.rows.std(axis=0, dtype=np.float64)


def _dim(material: Material, level: float, rng: np.random.Generator) -> Reals:
    return material.rows * level


def _outliers(material: Material, level: float, rng: np.random.Generator) -> Reals:
    return _replaced(material.rows, level, rng.uniform(*_range(material), size=material.rows.shape), rng)


def _shrink(material: Material, level: float, rng: np.random.Generator) -> Reals:
    mean = material.rows.mean(axis=0, dtype=np.float64)
    return material.rows + level * (mean - material.rows)


def _atoms(material: Material, level: float, rng: np.random.Generator) -> Reals:
    n = len(material.rows)
    different = max(1, round(level * n))  # the order of the rows is random, so any of them will do
    return material.rows[np.r_[:different, rng.integers(different, size=n - different)]]


def _copies(material: Material, level: float, rng: np.random.Generator) -> Reals:
    each_once = np.resize(rng.permutation(len(material.train)), len(material.rows))  # twice only when there are too few
    return _replaced(material.rows, level, material.train[each_once], rng)


def _copies_lacks(material: Material) -> str | None:
    fewest = 2 * len(material.rows) + 4
    return None if len(material.train) >= 2 else f"a pool of at least {fewest} samples"


def _replaced(rows: Reals, share: float, by: Reals, rng: np.random.Generator) -> Reals:
    chosen = rng.permutation(len(rows))[: round(share * len(rows))]
    rows = rows.copy()
    rows[chosen] = by[chosen]
    return rows


def _range(material: Material) -> tuple[float, float]:
    return float(material.rows.min()), float(material.rows.max())


CORRUPTIONS: dict[str, Corruption] = {
    corruption.name: corruption
    for corruption in (
        Corruption("drop", (0.2, 0.5, 1.0), _drop, most=1, lacks=_drop_lacks),
        Corruption("blur", (0.3, 0.5, 1.0), _blur, kinds=("image",)),
        Corruption("noise", (0.02, 0.05, 0.1), _noise),
        Corruption("shift", (0.25, 0.5, 1.0), _shift),
        Corruption("dim", (0.95, 0.9, 0.8), _dim),
        Corruption("outliers", (0.02, 0.1, 0.3), _outliers, most=1),
        Corruption("shrink", (0.1, 0.3, 0.6), _shrink, most=1),
        Corruption("atoms", (1 / 2, 1 / 6, 1 / 20), _atoms, most=1),
        Corruption("copies", (0.01, 0.1, 1.0), _copies, most=1, lacks=_copies_lacks),
    )
}
