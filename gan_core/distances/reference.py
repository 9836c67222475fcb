"""What "perfect" looks like: every metric between two sets of real samples, at the n that will be measured.

Hardly any metric reaches its textbook ideal at finite n, so a number means something only beside these.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator

import numpy as np

from gan_core.distances import pairwise
from gan_core.distances.energy import energy
from gan_core.records import MeasureError, Reference


def test_rows(test: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """The n fixed rows of the test part that stand for "real", in every calibration and every measurement.

    Raises MeasureError when n is not in 2..len(test).
    """
    if not 2 <= n <= len(test):
        raise MeasureError(f"{n} test samples are wanted, but there are {len(test)}; choose n from 2 to {len(test)}")
    return test[np.sort(np.random.default_rng(seed).choice(len(test), n, replace=False))]


test_rows.__test__ = False  # pytest would take a function of this name for a test


def calibrate(
    *, test, pool, n: int, draws: int = 20, seed: int = 0, progress: Callable[[float], None] | None = None
) -> Reference:
    """Mean and sd (ddof=1) of every metric between `test_rows(test, n, seed)` and `draws` sets of n rows of `pool`.

    `test` and `pool` are disjoint parts of one data set, (N, d) or (N, h, w, c). The draws are disjoint while the
    pool lasts; then it is shuffled and cut anew, and the Reference says `overlap`: its sd is a little too small.
    A pool of less than 2n rows would give nearly the same draw every time; there the fixed rows are shuffled in
    with it, and each draw compares n rows of all with n others, as in a permutation test.
    `progress` is called after every draw with the share that is done. Raises MeasureError when n is larger
    than either part, or draws < 2.
    """
    if draws < 2:
        raise MeasureError(f"draws is {draws}; a spread needs at least 2")
    if n > len(pool):
        raise MeasureError(f"n is {n}, but the pool has {len(pool)} real samples; choose n up to {len(pool)}")
    fixed, pool = test_rows(np.asarray(test), n, seed), np.asarray(pool)
    pairwise.same_shape(real=fixed, fake=pool, names=("test", "pool"))
    fixed = pairwise.rows(fixed, "test")
    if len(pool) < 2 * n:
        everything = np.concatenate([fixed, pairwise.rows(pool, "pool")])
        within, pairs = None, ((everything[i[:n]], everything[i[n:]]) for i in _draws(len(everything), 2 * n, seed))
    else:
        within = pairwise.within(fixed)
        pairs = ((fixed, pairwise.rows(pool[i], "pool")) for i in _draws(len(pool), n, seed))
    measured = []
    for done, (real, fake) in enumerate(itertools.islice(pairs, draws), start=1):
        measured.append(energy(real=real, fake=fake, real_within=within).as_metrics())
        if progress:
            progress(done / draws)
    values = {name: [metrics[name] for metrics in measured] for name in measured[0]}
    # statistics is exact: a metric that is the same in every draw has a spread of 0, not of a rounding error.
    spread = {name: (statistics.fmean(v), statistics.stdev(v)) for name, v in values.items()}
    return Reference(n, draws, seed, spread, overlap=draws * n > len(pool) // n * n)


def _draws(size: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """Indices (n,) of one draw after the other: a shuffled pool cut into pieces, shuffled again when it is used up."""
    rng = np.random.default_rng([seed, 1])  # another stream than the test rows
    while True:
        order = rng.permutation(size)
        for start in range(0, size - n + 1, n):
            yield order[start : start + n]
