"""Energy distance and MMD: how far apart are two distributions, and could it be chance?

The mean distance between real and fake alone is not a distance between distributions: a generator that always
shows the average image scores better than real samples do. Subtracting the two within-set means repairs it
(Székely & Rizzo 2004, 2013): D² = 2E|X-Y| - E|X-X'| - E|Y-Y'| is 0 exactly when both distributions are equal.
MMD (Gretton et al. 2012) is the same with a kernel in the place of the distance (Sejdinovic et al. 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gan_core.arrays import ArrayLike, Floats, Reals
from gan_core.distances import pairwise
from gan_core.distances.threads import in_threads
from gan_core.records import MeasureError


@dataclass(frozen=True)
class EnergyDistance:
    """The three mean distances between n real and m fake samples, and what follows from them.

    `rr` and `ff` are means over different rows (U-statistics), `rf` over all n·m pairs; all d**exponent.
    """

    n: int
    m: int
    rr: float
    ff: float
    rf: float
    exponent: float = 1.0

    @property
    def u(self) -> float:
        """The unbiased estimate of D²: 0 on average when the distributions are equal, so it can be negative."""
        return 2 * self.rf - self.rr - self.ff

    @property
    def v(self) -> float:
        """The estimate with zero self-distances in the means: never negative, (1/n + 1/m)·E|X-X'| at equality."""
        rr, ff = self.rr * (self.n - 1) / self.n, self.ff * (self.m - 1) / self.m
        return max(2 * self.rf - rr - ff, 0.0)  # two equal sets may round to just below 0

    @property
    def h(self) -> float:
        """The coefficient of inhomogeneity V / (2 rf), in [0, 1] and free of units; 0 when all samples are equal."""
        return self.v / (2 * self.rf) if self.rf else 0.0

    @property
    def t(self) -> float:
        """The two-sample test statistic nm/(n+m)·V (Székely & Rizzo 2004)."""
        return self.n * self.m / (self.n + self.m) * self.v


def energy(*, real: ArrayLike, fake: ArrayLike, exponent: float = 1.0) -> EnergyDistance:
    """Energy distance between `real` (n, ...) and `fake` (m, ...), n, m >= 2, in units of d**exponent.

    Raises MeasureError for unusable arrays, or an exponent outside (0, 2).
    """
    if not 0 < exponent < 2:
        raise MeasureError(
            f"exponent is {exponent}; choose one above 0 and below 2, "
            "because at 2 the energy distance compares only the means"
        )
    real, fake = _two_of_each(real=real, fake=fake)
    n, m = len(real), len(fake)

    def total(a: Reals, b: Reals) -> float:
        return math.fsum(float((d**exponent).sum()) for _, d in pairwise.blocks(a, b))

    rr, ff = total(real, real) / (n * (n - 1)), total(fake, fake) / (m * (m - 1))
    return EnergyDistance(n, m, rr, ff, total(real, fake) / (n * m), exponent)


def _two_of_each(*, real: ArrayLike, fake: ArrayLike) -> tuple[Reals, Reals]:
    of_real, of_fake = pairwise.pair(real=real, fake=fake)
    for x in (of_real, of_fake):
        if len(x) < 2:
            raise MeasureError(f"there is only {len(x)} sample, so no distance between two; give at least 2")
    return of_real, of_fake


@dataclass(frozen=True)
class TwoSampleTest:
    """Permutation tests of both statistics; `mmd` is the unbiased MMD², `mmd_p` and `energy_p` in (0, 1]."""

    energy_v: float
    energy_p: float
    mmd: float
    mmd_p: float
    permutations: int


def two_sample_test(
    *,
    real: ArrayLike,
    fake: ArrayLike,
    bandwidth: float,
    permutations: int = 199,
    seed: int = 0,
    threads: int | None = None,
) -> TwoSampleTest:
    """Could n real and m fake rows come from one distribution? Energy distance and MMD with the RBF kernel.

    k(x, y) = exp(-|x-y|² / (2 bandwidth²)); MMD² unbiased, Gretton et al. 2012, equation 3. p = (1 + how many of
    the permuted labellings reach the observed statistic) / (1 + permutations): exact at every n under equality.
    With weights w (1/n for real, -1/m for fake) V = -wᵀDw, so all permutations are one matrix product for each
    block of the pooled distances D. Raises MeasureError when bandwidth is not positive, n or m is below 2, or the
    arrays do not fit.
    """
    if not bandwidth > 0:
        raise MeasureError(
            f"bandwidth is {bandwidth}; it must be above 0, for example the median distance of real samples"
        )
    real, fake = _two_of_each(real=real, fake=fake)
    n, m = len(real), len(fake)
    pooled = np.concatenate([real, fake])
    weights = np.concatenate([np.full(n, 1 / n), np.full(m, -1 / m)])
    rng = np.random.default_rng([seed, 2])
    columns = np.stack([weights, *(rng.permutation(weights) for _ in range(permutations))], axis=1)
    kinds = (weights > 0, weights < 0)

    def shares(part: slice, distances: Floats) -> tuple[Floats, Floats, Floats]:
        # What lies right of the square on the diagonal stands for its mirror image too.
        width, own, others = part.stop - part.start, columns[part], columns[part.start :]
        kernel = distances / bandwidth
        kernel *= kernel
        kernel *= -0.5
        np.exp(kernel, out=kernel)
        for terms in (distances, kernel):
            terms[:, width:] *= 2
        inside = np.array([kernel[kind[part]][:, kind[part.start :]].sum() for kind in kinds])
        of_distances, of_kernel = (np.einsum("ib,ib->b", own, terms @ others) for terms in (distances, kernel))
        return of_distances, of_kernel, inside

    # Sums of distances and of the kernel under every labelling, and of the kernel within real and within fake.
    block_bytes = min(2**24, len(pooled) ** 2)  # eight blocks at least: mirror images are saved, and threads share
    found = pairwise.map_blocks(shares, pooled, threads=threads, block_bytes=block_bytes)
    of_distances, b, inside = (_total(terms) for terms in zip(*found))
    v = -of_distances
    # What the pooled kernel sums to besides: the diagonal of ones, and the cross terms, from b = wᵀKw.
    own = (inside - (n, m)) / (n * (n - 1), m * (m - 1))
    cross = (inside[0] / n**2 + inside[1] / m**2 - b[0]) / 2
    v_p, b_p = _p(v, float(np.abs(v).max())), _p(b, 1.0)  # the kernel is at most 1
    return TwoSampleTest(max(float(v[0]), 0.0), v_p, float(own.sum() - 2 * cross), b_p, permutations)


def _total(terms: tuple[Floats, ...]) -> Floats:
    return sum(terms, start=np.zeros_like(terms[0]))


def _p(statistics: Floats, scale: float) -> float:
    observed, permuted = statistics[0], statistics[1:]
    reached = permuted >= observed - 1e-12 * scale  # equal up to rounding counts as reached; observed may be 0
    return float((1 + reached.sum()) / (1 + len(permuted)))


def median_distance(x: ArrayLike, *, threads: int | None = None) -> float:
    """The median of the n(n-1)/2 distances between different rows of x: the scale of the RBF kernel.

    The exact median. Above 2,000 rows a first pass only counts, and a second one collects what lies near it.
    """
    x = pairwise.rows(x)
    n, pairs = len(x), len(x) * (len(x) - 1) // 2
    if n < 2:
        raise MeasureError(f"there is only {n} sample, so no distance between two; give at least 2")
    if n <= pairwise.EXACT_UP_TO:
        return float(np.median(_collect(x, 0.0, math.inf, threads)[0]))
    offsets = x - x.mean(axis=0, dtype=np.float64)
    edges = np.linspace(0, 2 * math.sqrt((offsets**2).sum(axis=1).max()) or 1.0, 1001)
    counts = np.cumsum(pairwise.within(x, edges=edges, threads=threads).moments.counts)
    wanted = np.array([(pairs - 1) // 2, pairs // 2])
    first, last = np.searchsorted(counts, wanted, side="right").tolist()
    # One bin more on each side: in float32 a distance at an edge may be counted next door.
    edges[-1] = math.inf  # the last bin counts what lies on its edge
    near, below = _collect(x, float(edges[max(first - 1, 0)]), float(edges[min(last + 2, 1000)]), threads)
    return float(np.sort(near)[wanted - below].mean())


def _collect(x: Reals, low: float, high: float, threads: int | None) -> tuple[Floats, int]:
    """The distances of different rows in [low, high), and how many are below."""

    def near(part: slice, distances: Floats) -> tuple[Floats, int]:
        distances[np.tril_indices(part.stop - part.start)] = np.inf
        below = distances < low
        return distances[(distances < high) & ~below], int(below.sum())

    found, below = zip(*pairwise.map_blocks(near, x, threads=threads, block_bytes=2**24))
    return np.concatenate(found), sum(below)


FAR = 1e4
"""A mean square this many times the variance leaves too few digits to subtract cubes of it from each other."""


def mmd_polynomial(
    *, real: ArrayLike, fake: ArrayLike, real_own: float | None = None, threads: int | None = None
) -> float:
    """Unbiased MMD² with k(x, y) = (x·y/d + 1)³ on the values as they are (Bińkowski et al. 2018, the kernel of KID).

    `real_own` is `polynomial_own(real)` when it is known. Not invariant to translation: pixels in [0, 1], uncentred.
    Where real rows vary little beside 1 or beside their distance from 0, the terms that cancel are left out first.
    Raises MeasureError for unusable arrays or fewer than 2 rows.
    """
    real, fake = pairwise.pair(real=real, fake=fake)
    centre = _far_centre(real)
    cross = _kernel_sum(real, fake, centre, threads) / (len(real) * len(fake))
    own = _own(real, centre, threads) if real_own is None else real_own
    return own + _own(fake, centre, threads) - 2 * cross


def polynomial_own(x: ArrayLike, *, threads: int | None = None) -> float:
    """The mean of (x·x'/d + 1)³ over different rows of x, less what cancels in an MMD where that is nearly all."""
    x = pairwise.rows(x)
    return _own(x, _far_centre(x), threads)


def _own(x: Reals, centre: Floats | None, threads: int | None) -> float:
    if len(x) < 2:
        raise MeasureError(f"there is only {len(x)} sample, so no pair; give at least 2")
    if centre is None:
        diagonal = float((((x.astype(np.float64) ** 2).sum(axis=1) / x.shape[1] + 1) ** 3).sum())
    else:
        u, p, base = _about(x, centre)
        diagonal = float(_without_what_cancels((u**2).sum(axis=1) / x.shape[1], p, p, base).sum())
    return (_kernel_sum(x, x, centre, threads) - diagonal) / (len(x) * (len(x) - 1))


def _kernel_sum(a: Reals, b: Reals, centre: Floats | None, threads: int | None) -> float:
    if centre is None:
        u, v = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
        p, r, base = np.empty(len(u)), np.empty(len(v)), 1.0
    else:
        (u, p, base), (v, r, _) = _about(a, centre), _about(b, centre)

    def cubes(start: int) -> float:
        product = u[start : start + 512] @ v.T
        product /= u.shape[1]
        if centre is not None:
            return float(_without_what_cancels(product, p[start : start + 512, None], r, base).sum())
        product += 1
        return float((product * product * product).sum())

    return math.fsum(in_threads(cubes, list(range(0, len(u), 512)), threads))


def _far_centre(real: Reals) -> Floats | None:
    """The mean (d,) of rows that vary so little that the cubes of all pairs agree in most digits; else None."""
    centre = real.mean(axis=0, dtype=np.float64)
    variance = float(((real - centre) ** 2).mean())
    return centre if float((centre**2).mean()) + 1 > FAR * variance else None


def _about(x: Reals, centre: Floats) -> tuple[Floats, Floats, float]:
    """u = x - c, p = u·c/d (n,), and c·c/d + 1."""
    u, d = x - centre, len(centre)
    return u, u @ centre / d, float(centre @ centre) / d + 1


def _without_what_cancels(q: Floats, p: Floats, r: Floats, base: float) -> Floats:
    """(x·y/d + 1)³ less all that depends on x alone or on y alone, which an unbiased MMD² gives a weight of 0.

    With x = c + u and y = c + v the base of the cube is s + q, s = base + p + r: `q` is u·v/d, `p` is u·c/d and `r`
    is v·c/d. Of s³ only 3pr(base + s) depends on both.
    """
    s = base + p + r
    return q * (3 * s * s + 3 * s * q + q * q) + 3 * p * r * (base + s)
