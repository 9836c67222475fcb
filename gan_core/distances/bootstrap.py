"""Is the difference between two groups of runs more than noise? A paired bootstrap over samples and seeds.

    values, replicates = energies(real=real, fakes=[x, y])
    found = difference(values[:1], values[1:], replicates[:1], replicates[1:])
    found.interval(0.95)

Two things are random, and both are resampled. *Samples*: the same held-out rows serve every run, and runs of one seed
have the same latents at one step, so a replicate gives all runs the same weights (how often each row was drawn), and
what they share cancels in a difference (Efron & Tibshirani 1993, An Introduction to the Bootstrap). Runs of other
latents share nothing there, and equal weights are as good as any. *Seeds*: another seed would have given
another generator. For a mean, resampling seeds without end has a closed form; with k of them it is too narrow by
(k - 1)/k, and its normal quantiles are too, so it is multiplied up and Student's t takes their place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from gan_core.arrays import ArrayLike, Floats, Reals
from gan_core.distances import pairwise
from gan_core.records import MeasureError

REPLICATES = 1000


def energies(
    *,
    real: ArrayLike,
    fakes: Sequence[ArrayLike],
    replicates: int = REPLICATES,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Floats, Floats]:
    """The energy distance (unbiased) of each of `fakes` to `real` (n, ...): values (runs,), and replicates (runs, r).

    Every set has the same number of rows. With counts c (of real rows)
    and e a replicate is 2 c'De/nm - c'Dc/(n - 1)² - e'De/(m - 1)²: a row drawn twice lies at distance 0 from itself,
    and these divisors make up for that, so that replicates lie around the value itself. Raises MeasureError when the
    arrays are not finite, differ in shape, or have fewer than 2 rows.
    """
    shapes = {np.shape(fake) for fake in fakes}
    if len(shapes) != 1:
        raise MeasureError(f"the sets are of shapes {sorted(shapes)}; give one or more of one shape")
    pairs = [pairwise.pair(real=real, fake=fake) for fake in fakes]
    n, m = len(pairs[0][0]), len(pairs[0][1])
    if min(n, m) < 2:
        raise MeasureError(f"there are {n} real and {m} generated samples; give at least 2 of each")
    rng = np.random.default_rng([seed, 5])
    of_rows, of_latents = (_counts(rng, size, replicates) for size in (n, m))
    of_real = _own(pairs[0][0], of_rows, threads)
    found: list[Floats] = []
    for done, (rows, fake) in enumerate(pairs, 1):
        found.append(2 * _between(rows, fake, of_rows, of_latents, threads) - of_real - _own(fake, of_latents, threads))
        if progress:
            progress(done / len(pairs))
    table = np.array(found)
    return table[:, 0], table[:, 1:]


def _counts(rng: np.random.Generator, n: int, replicates: int) -> Floats:
    """(n, 1 + replicates): how often each row counts; the first column is every row once."""
    counts = rng.multinomial(n, np.full(n, 1 / n), replicates).T.astype(np.float64)
    return np.concatenate([np.ones((n, 1)), counts], axis=1)


def _between(a: Reals, b: Reals, counts: Floats, others: Floats, threads: int | None) -> Floats:
    """The mean distance between two sets under every column of counts."""

    def share(part: slice, distances: Floats) -> Floats:
        return np.einsum("ib,ib->b", counts[part], distances @ others)

    shares = pairwise.map_blocks(share, a, b, threads=threads, block_bytes=2**24)
    return sum(shares, start=np.zeros(counts.shape[1])) / (len(a) * len(b))


def _own(x: Reals, counts: Floats, threads: int | None) -> Floats:
    """The mean distance within a set under every column of counts."""

    def share(part: slice, distances: Floats) -> Floats:
        # What lies right of the square on the diagonal stands for its mirror image too.
        distances[:, part.stop - part.start :] *= 2
        return np.einsum("ib,ib->b", counts[part], distances @ counts[part.start :])

    shares = pairwise.map_blocks(share, x, threads=threads, block_bytes=min(2**24, len(x) ** 2))
    total = sum(shares, start=np.zeros(counts.shape[1]))
    divisors = np.full(counts.shape[1], (len(x) - 1.0) ** 2)
    divisors[0] = len(x) * (len(x) - 1.0)
    return total / divisors


@dataclass(frozen=True)
class Difference:
    """First minus second: the value, its standard error, and the degrees of freedom of that error."""

    value: float
    error: float
    freedom: float

    @property
    def p(self) -> float:
        """How often noise alone gives as large a difference; 1 for no difference at all."""
        if self.value == 0:
            return 1.0
        return float(2 * stats.t.sf(abs(self.value) / self.error, self.freedom)) if self.error else 0.0

    def interval(self, level: float) -> tuple[float, float]:
        """The confidence interval (low, high) of a level such as 0.95."""
        reach = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.error if self.error else 0.0
        return self.value - reach, self.value + reach


def difference(
    first: ArrayLike,
    second: ArrayLike,
    first_replicates: Floats | None = None,
    second_replicates: Floats | None = None,
    *,
    paired: bool = False,
) -> Difference:
    """The difference of two groups' means: `first` (k,) and `second` (l,) hold one value of each seed.

    `paired`: value i of both is of one seed (k = l). With replicates (k, r) and (l, r) the noise of samples is
    counted too. The seeds' own spread is counted where both groups have two or more; what samples add to that spread
    is counted twice, which makes the interval somewhat too wide and never too narrow. Degrees of freedom are those of
    the seeds (as Welch has them): two that happen to agree must not count as many. Raises MeasureError where the
    noise cannot be estimated: one value in a group, and no replicates.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    of_seeds, of_samples, freedom = 0.0, 0.0, 1.0
    if first_replicates is not None and second_replicates is not None:
        redrawn = np.mean(first_replicates, axis=0) - np.mean(second_replicates, axis=0)
        of_samples, freedom = redrawn.var(ddof=1), len(redrawn) - 1
    if min(len(first), len(second)) > 1:
        spread = [first - second] if paired else [first, second]
        parts = [values.var(ddof=1) / len(values) for values in spread]
        of_seeds = sum(parts)
        lost = sum(part**2 / (len(values) - 1) for part, values in zip(parts, spread))
        freedom = of_seeds**2 / lost if lost else min(len(first), len(second)) - 1
    elif first_replicates is None:
        raise MeasureError("one value in a group does not show its noise; give the values of two or more seeds")
    return Difference(float(first.mean() - second.mean()), float(np.sqrt(of_seeds + of_samples)), float(freedom))


def holm(p: Sequence[float], alpha: float = 0.05) -> tuple[list[bool], list[float]]:
    """Which of several differences are significant, and for each the level of the interval that decides the same.

    Holm 1979: the smallest p has to be below alpha / m, the next below alpha / (m - 1), and so on up to the first
    that is not. Then the chance that any of them is called significant by mistake is at most alpha.
    """
    decided, levels, strict = [False] * len(p), [0.0] * len(p), None
    for rank, place in enumerate(np.argsort(p, kind="stable")):
        allowed = strict or alpha / (len(p) - rank)
        decided[place] = strict is None and p[place] < allowed
        strict = strict if decided[place] else allowed
        levels[place] = 1 - allowed
    return decided, levels
