"""What "perfect" looks like: every metric between two sets of real samples, at the n that will be measured.

Hardly any metric reaches its textbook ideal at finite n, so a number means something only beside these.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np

from gan_core.distances import pairwise
from gan_core.distances.catalogue import VERSION
from gan_core.distances.inputs import Case, KnownModes, RealPart
from gan_core.distances.registry import STEPS, Step, Value
from gan_core.distances.report import lacks
from gan_core.records import MeasureError, Panel, Reference


def test_rows(test: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """The n fixed rows of the test part that stand for "real", in every calibration and every measurement.

    Raises MeasureError when n is not in 2..len(test).
    """
    if not 2 <= n <= len(test):
        raise MeasureError(f"{n} test samples are wanted, but there are {len(test)}; choose n from 2 to {len(test)}")
    return test[np.sort(np.random.default_rng(seed).choice(len(test), n, replace=False))]


test_rows.__test__ = False  # pytest would take a function of this name for a test


def calibrate(
    *,
    test,
    pool,
    n: int,
    train=None,
    holdout=None,
    ruler: RealPart | None = None,
    transform: Callable = pairwise.rows,
    modes: KnownModes | None = None,
    panel: Panel = "live",
    k: int = 5,
    draws: int = 20,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Reference:
    """Mean and sd (ddof=1) of every metric between `test_rows(test, n, seed)` and `draws` sets of n rows of `pool`.

    `test` and `pool` are disjoint parts of one data set, (N, d) or (N, h, w, c); `train` and `holdout` are what the
    metrics of copying look at, and there other rows of `test` play the generator. `transform` carries samples into
    the space of the measurement; `ruler` is the fixed rows' side in it, if it is known already.

    The draws are disjoint while the rows last; then they are shuffled and cut anew, and the Reference says
    `overlap`: its sd is a little too small.
    A pool of less than 2n rows would give nearly the same draw every time; there the fixed rows are shuffled in
    with it, and each draw compares n rows of all with n others, as in a permutation test. A test part of less than
    2n rows is drawn from with replacement.
    `progress` is called after every draw with the share that is done. Raises MeasureError when n is larger
    than either part, or draws < 2.
    """
    if draws < 2:
        raise MeasureError(f"draws is {draws}; a spread needs at least 2")
    test, pool = np.asarray(test), np.asarray(pool)
    if n > len(pool):
        raise MeasureError(f"n is {n}, but the pool has {len(pool)} real samples; choose n up to {len(pool)}")
    fixed = test_rows(test, n, seed)
    pairwise.same_shape(real=fixed, fake=pool, names=("test", "pool"))
    for x, name in ((fixed, "test"), (pool, "pool")):
        pairwise.check_finite(x, name)
    if ruler is None:
        given = {name: transform(x) for name, x in (("train", train), ("holdout", holdout)) if x is not None}
        ruler = RealPart.of(transform(fixed), **given, k=k, seed=seed, threads=threads)
    if len(pool) < 2 * n:
        everything = np.concatenate([transform(fixed), transform(pool)])
        from_pool = (
            (ruler.of_rows(everything[i[:n]]), everything[i[n:]]) for i in _draws(len(everything), 2 * n, seed)
        )
    else:
        from_pool = ((ruler, transform(pool[i])) for i in _draws(len(pool), n, seed))
    known = pool if train is None else np.asarray(train)
    from_train = ((ruler, transform(known[i])) for i in _draws(len(known), n, seed))
    draws_of_test = (_draws if len(test) >= 2 * n else _redraws)(len(test), n, seed)
    from_test = ((ruler, transform(test[i])) for i in draws_of_test)
    players = {"pool": from_pool, "test": from_test}
    if len(known) >= 2 * n:  # else it would be nearly the same draw every time
        players["train"] = from_train
    values, spreads = defaultdict(list), defaultdict(list)
    for done in range(draws):
        for who, pairs in players.items():
            steps = [step for step in STEPS if step.names and step.players == who]
            for name, found in _values(*next(pairs), steps, modes, panel):
                values[name].append(found.value)
                spreads[name].append(found.value if found.spread is None else found.spread)
        if progress:
            progress((done + 1) / draws)
    # statistics is exact: a metric that is the same in every draw has a spread of 0, not of a rounding error.
    metrics = {
        name: (statistics.fmean(v), statistics.stdev(spreads[name])) for name, v in values.items() if len(v) == draws
    }
    overlap = draws * n > len(pool) // n * n
    return Reference(n, draws, seed, metrics, overlap, ruler.k, panel, ruler.bandwidth, VERSION)


def _values(part: RealPart, rows, steps: list[Step], modes, panel: Panel) -> Iterator[tuple[str, Value]]:
    case = Case(part, pairwise.rows(rows, "pool"), modes, permutations=0)
    for step in steps:
        if not lacks(step, case, panel):
            with suppress(MeasureError):  # a report says what these data lack; here it is one metric less
                yield from step.take(case).values.items()


def _draws(size: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """Indices (n,) of one draw after the other: a shuffled pool cut into pieces, shuffled again when it is used up."""
    rng = np.random.default_rng([seed, 1])  # another stream than the test rows
    while True:
        order = rng.permutation(size)
        for start in range(0, size - n + 1, n):
            yield order[start : start + n]


def _redraws(size: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """Indices (n,) drawn with replacement, for a part with too few rows to be cut into pieces."""
    rng = np.random.default_rng([seed, 4])
    while True:
        yield rng.integers(size, size=n)
