"""How far would samples have to move to become real ones? Wasserstein-2 in full, along directions, and for Gaussians.

The exact distance pairs every real row with one fake in the best way, which takes n³ steps. Along one direction the
best pairing is sorting, so many directions are cheap: their mean is the sliced distance, the worst of them shows
what differs most. For two Gaussians there is a formula of means and covariances: the Fréchet distance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from gan_core.arrays import ArrayLike, Floats, Ints, Reals
from gan_core.distances import pairwise
from gan_core.distances.threads import in_threads, look, one_blas_thread
from gan_core.records import MeasureError

ROWS_AT_ONCE = 4096
DIRECTIONS_AT_ONCE = 64
ROUNDING = 1e-13
"""Of the largest projection: what a matrix product may make of one row in two places, with a margin of ten."""

STARTS = 8  # of each kind: principal, spread and random directions
CLIMBS = 4  # ascents from the most promising of them
TURNS = 6  # multiplications that turn random directions into leading ones
SUBSET_DRAW, DIRECTIONS_DRAW, STARTS_DRAW = 91, 92, 93  # keep the draws of one seed apart


def wasserstein2(*, real: ArrayLike, fake: ArrayLike, seed: int = 0, most: int = 1000, repeats: int = 5) -> float:
    """The root mean squared distance between `real` (n, ...) and `fake` (m, ...), paired one to one in the best way.

    In the data's units (Peyré & Cuturi 2019, equation 2.2). All rows when n = m <= `most`; otherwise the mean over
    `repeats` subsets of min(n, m, most) rows each, drawn by `seed`. Two sets from one distribution are not at 0.
    Raises MeasureError for unusable arrays, or when `most` or `repeats` is below 1.
    """
    if min(most, repeats) < 1:
        raise MeasureError(f"most is {most} and repeats {repeats}; both must be at least 1")
    real, fake = pairwise.pair(real=real, fake=fake)
    if len(real) == len(fake) <= most:
        return _matched(real, fake)
    rng, size = np.random.default_rng([seed, SUBSET_DRAW]), min(len(real), len(fake), most)
    return float(
        np.mean([_matched(*(rng.choice(x, size, replace=False) for x in (real, fake))) for _ in range(repeats)])
    )


def _matched(real: Reals, fake: Reals) -> float:
    costs = np.concatenate([distances for _, distances in pairwise.blocks(real, fake)]) ** 2
    i, j = optimize.linear_sum_assignment(costs)
    return float(np.sqrt(costs[i, j].mean()))


# ---------------------------------------------------------------- along many directions


@dataclass(frozen=True, eq=False)
class Projections:
    """Fixed unit directions, the columns of `directions` (d, L), and the real rows projected onto them.

    `real` (L, n): the sorted projections of the real rows minus their mean `centre` (d,), for it would cost digits.
    """

    directions: Floats
    centre: Floats
    real: Floats

    @classmethod
    def of(cls, real: ArrayLike, directions: int = 512, seed: int = 0) -> Projections:
        """`directions` L uniform on the sphere, a function of d, L and `seed` only; one is enough when d = 1.

        Raises MeasureError when `real`, (n, d) or (n, h, w, c), is unusable, or L is below 1.
        """
        if directions < 1:
            raise MeasureError(f"directions is {directions}; give at least 1")
        real = pairwise.rows(real, "real")
        d = real.shape[1]
        drawn = np.random.default_rng([seed, DIRECTIONS_DRAW]).normal(size=(d, 1 if d == 1 else directions))
        drawn /= np.linalg.norm(drawn, axis=0)
        centre = real.mean(axis=0, dtype=np.float64)
        return cls(drawn, centre, _sorted_projections(real, centre, drawn))


def sliced_wasserstein(
    *,
    real: ArrayLike,
    fake: ArrayLike,
    directions: int = 512,
    seed: int = 0,
    projections: Projections | None = None,
) -> float:
    """sqrt(d · mean over L directions t of W2²(real·t, fake·t)), in the data's units (Bonneel et al. 2015).

    W2² along a direction is exact for any n and m: the squared difference of the two quantile functions. The factor d
    makes a pure shift by v count about |v|. `projections` are `Projections.of(real)` when they are known; then
    `directions` and `seed` are theirs. Raises MeasureError for unusable arrays or projections of other rows.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    known = projections or Projections.of(real, directions, seed)
    if (len(known.directions), known.real.shape[1]) != real.shape[::-1]:
        raise MeasureError(
            f"projections holds {known.real.shape[1]} rows of length {len(known.directions)} and real is {real.shape}; "
            "give Projections.of(real)"
        )
    of_fake = _sorted_projections(fake, known.centre, known.directions)
    square = float(_squares(known.real, of_fake).mean())
    # The same row may come out of a matrix product with another last digit, depending on its place.
    scale = max(np.abs(known.real).max(), np.abs(of_fake).max())
    return 0.0 if square <= (ROUNDING * scale) ** 2 else float(np.sqrt(real.shape[1] * square))


def _sorted_projections(x: Reals, centre: Floats, directions: Floats) -> Floats:
    """(L, n): the rows of x minus the centre, along each direction, in increasing order.

    In threads of our own: those of BLAS keep a core busy for a while after each product, and a training needs it.
    """
    along = np.empty((directions.shape[1], len(x)))
    some = list(_parts(len(along), 2 * DIRECTIONS_AT_ONCE))
    for part in _parts(len(x), ROWS_AT_ONCE):
        centred = (x[part] - centre).T

        def project(lines: slice, part: slice = part, centred: Floats = centred) -> None:
            np.matmul(directions.T[lines], centred, out=along[lines, part])

        in_threads(project, some)
    in_threads(lambda lines: along[lines].sort(axis=1), some)
    return along


def _squares(x: Floats, y: Floats) -> Floats:
    """W2² (L,) between the sorted values of x (L, n) and of y (L, m), line by line."""
    i, j, widths = _steps(x.shape[1], y.shape[1])
    parts = _parts(len(x), DIRECTIONS_AT_ONCE)
    return np.concatenate([(x[part].take(i, axis=1) - y[part].take(j, axis=1)) ** 2 @ widths for part in parts])


def _steps(n: int, m: int) -> tuple[Ints, Ints, Floats]:
    """Where both quantile functions are constant: which of n, and of m, sorted values it is there, and how wide.

    They step at i/n and at j/m, in whole numbers i·m and j·n of nm parts; at most n + m - 1 pieces.
    """
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    return (ends - 1) // m, (ends - 1) // n, np.diff(ends, prepend=0) / (n * m)


def _parts(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))


# ---------------------------------------------------------------- along the worst direction


@dataclass(frozen=True, eq=False)
class MaxSliced:
    """`direction` (d,), a unit vector pointing from real to fake, and `value`, the Wasserstein-2 distance along it."""

    value: float
    direction: Floats


def max_sliced(*, real: ArrayLike, fake: ArrayLike, seed: int = 0) -> MaxSliced:
    """The direction along which `real` (n, ...) and `fake` (m, ...) differ most (Deshpande et al. 2019).

    Gradient ascent of W2² on the sphere. It starts from the difference of the means, from leading directions of the
    pooled variance and of the difference of both variances, and from random ones; the best of the ascents counts. So
    `value` is exact for `direction`, and a lower bound of the maximum. In the data's units, without the factor d.
    Fakes have the larger mean along it. Raises MeasureError for unusable arrays.
    """
    x, y = (rows.astype(np.float64) for rows in pairwise.pair(real=real, fake=fake))
    centre = (x.mean(axis=0) + y.mean(axis=0)) / 2
    x, y = x - centre, y - centre
    scale = max(np.abs(x).max(), np.abs(y).max()) or 1.0
    x, y = x / scale, y / scale
    with one_blas_thread:  # several threads would add up in another order, and an ascent magnifies that
        starts = _starts(x, y, np.random.default_rng([seed, STARTS_DRAW]))
        promising = starts[:, np.argsort(-_values(x, y, starts), kind="stable")[:CLIMBS]]
        climb = _climb(x, y)
        ends = [optimize.minimize(climb, start, jac=True, method="L-BFGS-B").x for start in promising.T]
        ends = np.stack([promising[:, 0], *(end / np.linalg.norm(end) for end in ends)], axis=1)
        values = _values(x, y, ends)
    best = ends[:, values.argmax()]
    towards = (y.mean(axis=0) - x.mean(axis=0)) @ best
    return MaxSliced(float(scale * np.sqrt(values.max())), -best if towards < 0 else best)


def _values(real: Floats, fake: Floats, directions: Floats) -> Floats:
    return _squares(*(np.sort(directions.T @ x.T, axis=1) for x in (real, fake)))


def _starts(real: Floats, fake: Floats, rng: np.random.Generator) -> Floats:
    """Unit directions (d, number) worth an ascent."""
    d = real.shape[1]
    shift = fake.mean(axis=0) - real.mean(axis=0)
    of_real, of_fake = (x - x.mean(axis=0) for x in (real, fake))

    def leading(sign: float) -> Floats:
        """Of S_real + sign · S_fake, by orthogonal iteration: close is good enough for a start."""
        turned = rng.normal(size=(d, min(STARTS, d)))
        for _ in range(TURNS):
            by_real = of_real.T @ (of_real @ turned) / len(of_real)
            by_fake = sign * of_fake.T @ (of_fake @ turned) / len(of_fake)
            turned = by_real + by_fake
            turned = np.linalg.qr(turned)[0]
        return turned

    starts = np.concatenate([shift[:, None], leading(1), leading(-1), rng.normal(size=(d, STARTS))], axis=1)
    lengths = np.linalg.norm(starts, axis=0)
    return starts[:, lengths > 0] / lengths[lengths > 0]


def _climb(real: Floats, fake: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    """What to minimise: -W2² along t/|t| and its gradient. The pairing is the best one, so it counts as constant."""
    i, j, widths = _steps(len(real), len(fake))
    look_first = look()

    def objective(t: Floats) -> tuple[float, Floats]:
        look_first()
        length = np.linalg.norm(t)
        unit = t / length
        of_real, of_fake = real @ unit, fake @ unit
        first, second = of_real.argsort(kind="stable")[i], of_fake.argsort(kind="stable")[j]
        gaps = of_real[first] - of_fake[second]
        pulls = widths * gaps
        slope = np.bincount(first, pulls, len(real)) @ real - np.bincount(second, pulls, len(fake)) @ fake
        return -float(pulls @ gaps), -2 * (slope - (slope @ unit) * unit) / length

    return objective


# ---------------------------------------------------------------- between Gaussians


@dataclass(frozen=True, eq=False)
class Gaussian:
    """`mean` (d,) and a `factor` F (at most d, d) of the unbiased covariance, which is FᵀF."""

    mean: Floats
    factor: Floats

    @classmethod
    def of(cls, x: ArrayLike) -> Gaussian:
        """Of the rows of x, (n, d) or (n, h, w, c). Raises MeasureError when x is unusable or n < 2."""
        x = pairwise.rows(x)
        if len(x) < 2:
            raise MeasureError(f"there is only {len(x)} sample, so no covariance; give at least 2")
        mean = x.mean(axis=0, dtype=np.float64)
        factor = np.empty((0, x.shape[1]))
        for part in _parts(len(x), ROWS_AT_ONCE):
            factor = np.linalg.qr(np.concatenate([factor, x[part] - mean]), mode="r")
        return cls(mean, factor / np.sqrt(len(x) - 1))


def frechet_distance(*, real: ArrayLike, fake: ArrayLike, real_gaussian: Gaussian | None = None) -> float:
    """|mu_X - mu_Y|² + Tr(S_X + S_Y - 2 (S_X^½ S_Y S_X^½)^½) of the sample means and unbiased covariances, n, m >= 2.

    In squared units of the data, not rooted (Heusel et al. 2017, equation 6). With S = FᵀF the last trace is the sum
    of the singular values of F_X F_Yᵀ, which needs no root of a matrix and keeps its digits when covariances are
    singular. `real_gaussian` is `Gaussian.of(real)` when it is known. Raises MeasureError for unusable arrays, or a
    Gaussian of another length.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    of_real, of_fake = real_gaussian or Gaussian.of(real), Gaussian.of(fake)
    if of_real.mean.shape != of_fake.mean.shape:
        raise MeasureError(
            f"real_gaussian has length {len(of_real.mean)} and fake {len(of_fake.mean)}; give Gaussian.of(real)"
        )
    shared = np.linalg.svd(of_real.factor @ of_fake.factor.T, compute_uv=False).sum()
    spread = (of_real.factor**2).sum() + (of_fake.factor**2).sum() - 2 * shared
    return max(float(((of_real.mean - of_fake.mean) ** 2).sum() + spread), 0.0)
