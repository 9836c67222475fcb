"""What Ganometer does with two sets of rows, and the bare matrix products of it."""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from gan_core import codec
from gan_core.data import datasets
from gan_core.distances import neighbours, pairwise
from gan_core.distances.inputs import Inputs, RealPart
from gan_core.distances.report import measure
from gan_core.jobs import measurement
from gan_core.jobs.measure_parameters import MeasureParameters

K = 5


def summary(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    """Everything of one pass over all pairs: three means and histograms, nearest rows both ways, counts of balls."""
    return lambda: _numbers(RealPart.of(real, k=K), fake)


def cached(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    """The same when the real samples were measured before."""
    part = RealPart.of(real, k=K)
    assert part.within.k == K
    return lambda: _numbers(part, fake)


def _numbers(part: RealPart, fake: np.ndarray) -> dict:
    inputs = Inputs(part, pairwise.rows(fake, "fake"), permutations=0)
    equal = len(part) == len(fake)
    accuracies = {"nn_accuracy": [inputs.accuracies.real, inputs.accuracies.fake]} if equal else {}
    nearest = asdict(neighbours.chamfer(across=inputs.across))
    return asdict(inputs.manifold) | accuracies | nearest | {"energy_distance": inputs.energy_distance.u}


def products(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    """Only the matrix products of the summary: the same tiles of centred rows, on as many threads."""
    kind = np.float64 if max(len(real), len(fake)) <= pairwise.EXACT_UP_TO else np.float32
    centre = real.mean(axis=0, dtype=np.float64)
    x, y = ((rows - centre).astype(kind) for rows in (real, fake))
    pairs = [(a[i], b[j]) for a, b in ((x, x), (y, y), (x, y)) for i, j in _tiles(len(a), len(b), a is b)]
    size, threads = pairwise.TILE, os.cpu_count() or 1

    def every(which: int) -> None:
        tile = np.empty(size * size, kind)
        for a, b in pairs[which::threads]:
            np.matmul(a, b.T, out=tile[: len(a) * len(b)].reshape(len(a), len(b)))

    def work() -> dict:
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
            list(pool.map(every, range(threads)))
        return {"tiles": len(pairs)}

    return work


def _tiles(n: int, m: int, alone: bool) -> list[tuple[slice, slice]]:
    ours, theirs = ([slice(at, at + pairwise.TILE) for at in range(0, size, pairwise.TILE)] for size in (n, m))
    return [(i, j) for i, j in itertools.product(ours, theirs) if not alone or j.start >= i.start]


def live(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    """What is measured again and again while something trains, on one core, as the app asks for it: of `real` only
    the number counts."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    threadpool_limits(1)
    return _panel("live", len(real), threads=1)


def full(real: np.ndarray, fake: np.ndarray, folder: Path) -> Callable[[], dict]:
    """The full report of as many samples, the real side included."""
    return _panel("full", len(real), threads=None)


def _panel(panel: str, n: int, threads: int | None) -> Callable[[], dict]:
    mnist = datasets.load("mnist", folder=Path(os.environ["GANOMETER_DATA"]))
    part = measurement.real_part(mnist, MeasureParameters(n, panel=panel), codec.to_unit, threads=threads)
    rng = np.random.default_rng(0)
    some = codec.to_unit(mnist.train.x[rng.choice(len(mnist.train.x), n, replace=False)])
    fake = np.clip(some + rng.normal(0, 0.05, some.shape), 0, 1).astype(np.float32)

    def work() -> dict:
        report = measure(real=part, fake=fake, panel=panel)
        seconds = {name: metric.seconds for name, metric in report.metrics.items() if metric.value is not None}
        return {"verdict": report.verdict, "metrics": len(seconds), "seconds": seconds}

    if panel == "live":
        work()  # the real side is kept between two measurements of a training
    return work
