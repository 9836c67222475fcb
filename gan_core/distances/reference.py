"""What "perfect" looks like: every metric between two sets of real samples, at the n that will be measured.

Hardly any metric reaches its textbook ideal at finite n, so a number means something only beside these.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np

from gan_core.arrays import Array, ArrayLike, Ints
from gan_core.distances import pairwise
from gan_core.distances.catalogue import VERSION
from gan_core.distances.inputs import Inputs, RealPart
from gan_core.distances.registry import STEPS, Step, Value
from gan_core.distances.report import lacks
from gan_core.records import MeasureError, Modes, Panel, Reference


def test_rows(test: Array, n: int, seed: int = 0) -> Array:
    """The n fixed rows of `test` (N, ...) that stand for "real", in every calibration and every measurement.

    Raises MeasureError when n is not in 2..len(test).
    """
    if not 2 <= n <= len(test):
        raise MeasureError(f"{n} test samples are wanted, but there are {len(test)}; choose n from 2 to {len(test)}")
    return test[np.sort(np.random.default_rng(seed).choice(len(test), n, replace=False))]


test_rows.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # else pytest takes it for a test


def calibrate(
    *,
    test: ArrayLike,
    pool: ArrayLike,
    n: int,
    train: ArrayLike | None = None,
    holdout: ArrayLike | None = None,
    real_part: RealPart | None = None,
    transform: Callable[[Array], Array] = pairwise.rows,
    modes: Modes | None = None,
    panel: Panel = "live",
    k: int = 5,
    draws: int = 20,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Reference:
    """Mean and sd (ddof=1) of every metric between `test_rows(test, n, seed)` and `draws` sets of n rows of `pool`.

    `test` and `pool` are disjoint parts of one data set, (N, d) or (N, h, w, c); `train` and `holdout` are what the
    metrics of copying look at, and there other rows of `test` stand in for generated ones. `transform` carries samples
    into the space of the measurement; `real_part` are the fixed rows prepared in it, if that was done already.

    The draws are disjoint while the rows last; then they are shuffled and cut anew, and the Reference says
    `overlap`: its sd is a little too small.
    A pool of less than 2n rows would give nearly the same draw every time; there the fixed rows are shuffled in
    with it, and each draw compares n rows of all with n others, as in a permutation test. A test part of less than
    2n rows is drawn from with replacement.
    `progress` is called after every draw with the share of draws that are done. Raises MeasureError when n is larger
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
    if real_part is None:
        train_rows, holdout_rows = (None if x is None else transform(np.asarray(x)) for x in (train, holdout))
        real_part = RealPart.of(
            transform(fixed), train=train_rows, holdout=holdout_rows, k=k, seed=seed, threads=threads
        )
    if len(pool) < 2 * n:
        everything = np.concatenate([transform(fixed), transform(pool)])
        from_pool = (
            (real_part.of_rows(everything[i[:n]]), everything[i[n:]]) for i in _draws(len(everything), 2 * n, seed)
        )
    else:
        from_pool = ((real_part, transform(pool[i])) for i in _draws(len(pool), n, seed))
    known = pool if train is None else np.asarray(train)
    from_train = ((real_part, transform(known[i])) for i in _draws(len(known), n, seed))
    draws_of_test = (_draws if len(test) >= 2 * n else _redraws)(len(test), n, seed)
    from_test = ((real_part, transform(test[i])) for i in draws_of_test)
    fakes = {"pool": from_pool, "test": from_test}
    if len(known) >= 2 * n:  # else it would be nearly the same draw every time
        fakes["train"] = from_train
    values: dict[str, list[float]] = defaultdict(list)
    spreads: dict[str, list[float]] = defaultdict(list)
    for done in range(draws):
        for source, pairs in fakes.items():
            steps = [step for step in STEPS if step.names and step.fake_from == source]
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
    return Reference(n, draws, seed, metrics, overlap, real_part.k, panel, real_part.bandwidth, VERSION)


def _values(
    real_part: RealPart, fake: Array, steps: list[Step], modes: Modes | None, panel: Panel
) -> Iterator[tuple[str, Value]]:
    inputs = Inputs(real_part, pairwise.rows(fake, "pool"), modes, permutations=0)
    for step in steps:
        if not lacks(step, inputs, panel):
            with suppress(MeasureError):  # these data do not suit the step: the reference has one metric less
                yield from step.compute(inputs).values.items()


def _draws(size: int, n: int, seed: int) -> Iterator[Ints]:
    """Indices (n,) of one draw after the other: a shuffled pool cut into pieces, shuffled again when it is used up."""
    rng = np.random.default_rng([seed, 1])  # another stream than the test rows
    while True:
        order = rng.permutation(size)
        for start in range(0, size - n + 1, n):
            yield order[start : start + n]


def _redraws(size: int, n: int, seed: int) -> Iterator[Ints]:
    """Indices (n,) drawn with replacement, for a part with too few rows to be cut into pieces."""
    rng = np.random.default_rng([seed, 4])
    while True:
        yield rng.integers(size, size=n)
