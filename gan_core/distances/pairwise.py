"""Exact Euclidean distances, one tile at a time: everything the metrics need of n² pairs, in memory that grows with n.

    real, fake = within(real, k=5), within(fake, k=5)     # neighbours and radii of each set
    both = across(real=real, fake=fake)                   # nearest rows both ways, who lies in whose ball

A tile of squared distances is one matrix product, ||a||² + ||b||² - 2 a·b, of rows centred first. Up to 2,000 rows
it is taken in float64; above, float32 is twice as fast, and only sums and histograms keep its rounding. Whatever
decides something (a neighbour, a radius, a ball's member) is measured again by differences of the rows as they came,
in float64, wherever the product's rounding error leaves it open. So a duplicate is at exactly 0, and neighbours,
radii and counts are the same for every precision, tile, number of threads and order of the rows in memory.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np
from threadpoolctl import ThreadpoolController

from gan_core import codec
from gan_core.records import MeasureError

Precision = Literal["float32", "float64"]

TILE = 512
"""Rows of a tile: its products fit into a core's cache, and are large enough for a fast matrix product. Half of that
where one tile would hold everything, and leave the other cores nothing to do."""

EXACT_UP_TO = 2_000
"""Rows up to which everything is in float64 when nothing is said: it takes a fraction of a second there."""

LARGEST = float(np.finfo(np.float32).max)
"""Anything larger counts as infinite; below it no square overflows float64."""

NOBODY = np.iinfo(np.int64).max
"""The index in an empty place of a list of neighbours; larger than any real one, so it loses every tie."""

FEW_COORDINATES = 8  # fewer than this cost less by differences than by a product
CANCELS = {"float32": 1e-3, "float64": 1e-4}  # below this share of ||a||² + ||b||², too few digits are left
SAFE_NORMS = (1e-20, 1e30)  # outside, squares in float32 lose their digits or overflow


@dataclass(frozen=True)
class Moments:
    """The sum of d, and the largest d, over `pairs` pairs; `counts` (b,) how many fall into each bin, if asked for."""

    pairs: int
    total: float
    largest: float
    counts: tuple[int, ...] | None = None

    @property
    def mean(self) -> float:
        return self.total / self.pairs


@dataclass(frozen=True, eq=False)
class Within:
    """A set of n rows and its own geometry; a row is never its own neighbour, by index and not by value.

    `distances` and `indices` (n, k): the nearest other rows, sorted by distance and, among equals, by index.
    `square_radii` (n,): the square of the k-th distance, the ball of each row. `clipped_square_radii` (n,): the same,
    at most the median ball's. `_squares` and `_indices` hold one neighbour more, which tells shared borders.
    """

    rows: np.ndarray
    moments: Moments
    distances: np.ndarray
    indices: np.ndarray
    square_radii: np.ndarray
    clipped_square_radii: np.ndarray
    _squares: np.ndarray
    _indices: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def k(self) -> int:
        return self.distances.shape[1]

    @cached_property
    def in_clipped(self) -> np.ndarray:
        """In how many other rows' clipped balls each row lies, (n,); counted when asked for: of fakes nobody does."""
        return _in_balls(self.rows, self._squares, self._indices, self.clipped_square_radii, self.k)


@dataclass(frozen=True, eq=False)
class Across:
    """Real (n rows) against fake (m rows). A ball reaches to the k-th neighbour in its own set, border included.

    For each real row: `real_nearest`, `real_nearest_index` (n,) its nearest fake; `fakes_in_ball` (n,) how many
    fakes its ball holds; `in_fake_balls` (n,) how many fakes' balls hold it. For each fake the same the other way
    round: `fake_nearest`, `fake_nearest_index`, `reals_in_ball`, `in_real_balls` (m,), and `in_clipped_real_balls`.
    """

    moments: Moments
    real_nearest: np.ndarray
    real_nearest_index: np.ndarray
    fakes_in_ball: np.ndarray
    in_fake_balls: np.ndarray
    fake_nearest: np.ndarray
    fake_nearest_index: np.ndarray
    reals_in_ball: np.ndarray
    in_real_balls: np.ndarray
    in_clipped_real_balls: np.ndarray


def within(x, *, k: int = 0, edges=None, precision: Precision | None = None, threads: int | None = None) -> Within:
    """One pass over the n(n-1)/2 pairs of different rows of x, (n, d) or (n, h, w, c), n >= 2.

    `k` neighbours of every row, 0 <= k < n. `edges` (b+1,) are equally spaced from 0; what lies beyond the last one
    counts in the last bin. `precision` of sums and histogram: float64 up to 2,000 rows, float32 above, unless said.
    `threads`: all cores unless said. Raises MeasureError when x is not finite or has another shape, n < 2, or k
    does not fit.
    """
    x = rows(x)
    if len(x) < 2:
        raise MeasureError(f"there is only {len(x)} sample, so no distance between two; give at least 2")
    if not 0 <= k < len(x):
        raise MeasureError(f"k is {k}, but each of {len(x)} samples has {len(x) - 1} others; choose k up to that")
    # One neighbour more than asked for tells where a ball's border is shared with somebody outside the list.
    points = _Points.of(x, x.mean(axis=0, dtype=np.float64), _precision(precision, len(x), len(x)), _used(x))
    keep = min(k + 1, len(x) - 1) if k else 0
    found, _, summed = _sweep(points, points, keep=(keep, keep), edges=edges, threads=threads)
    squares, indices = found.squares, found.indices
    radii = squares[:, k - 1].copy() if k else np.zeros(len(x))
    clipped = np.minimum(radii, _median_square(radii))
    moments = Moments(len(x) * (len(x) - 1) // 2, *summed)
    return Within(x, moments, np.sqrt(squares[:, :k]), indices[:, :k], radii, clipped, squares, indices)


def across(
    *, real: Within, fake: Within, edges=None, precision: Precision | None = None, threads: int | None = None
) -> Across:
    """One pass over the n·m pairs of a real and a fake row; the balls are those that `within` found.

    `edges`, `precision` and `threads` as in `within`. Raises MeasureError when the rows differ in length.
    """
    same_shape(real=real.rows, fake=fake.rows)
    precision = _precision(precision, len(real), len(fake))
    centre = real.rows.mean(axis=0, dtype=np.float64)
    ours, theirs = _prepared(real.rows, fake.rows, centre, precision)
    balls = (real.square_radii, real.clipped_square_radii, fake.square_radii) if real.k and fake.k else None
    a, b, summed = _sweep(ours, theirs, keep=(1, 1), balls=balls, edges=edges, threads=threads)
    return Across(
        Moments(len(real) * len(fake), *summed),
        np.sqrt(a.squares[:, 0]),
        a.indices[:, 0],
        a.holds,
        a.held,
        np.sqrt(b.squares[:, 0]),
        b.indices[:, 0],
        b.holds,
        b.held,
        b.held_clipped,
    )


@dataclass(frozen=True, eq=False)
class Sought:
    """Rows (m, d) that are searched again and again: what a search makes of them beforehand is made once, and kept.

    `shape` is that of the array they came as. Of more than 2,000 rows nothing is kept: it would fill memory, and there
    the search itself takes far longer.
    """

    rows: np.ndarray
    shape: tuple[int, ...]

    @classmethod
    def of(cls, x, name: str = "the array") -> Sought:
        """Raises MeasureError when x, (m, d) or (m, h, w, c), is unusable."""
        return cls(rows(x, name), np.shape(x))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _centre(self) -> np.ndarray:
        return self.rows.mean(axis=0, dtype=np.float64)

    @cached_property
    def _kept(self) -> _Points | None:
        """With every coordinate: those in which all of these rows agree may be where a query differs."""
        few = len(self) <= EXACT_UP_TO
        return _Points.of(self.rows, self._centre, "float32", np.ones(self.rows.shape[1], bool)) if few else None

    def beside(self, queries: np.ndarray) -> tuple[_Points, _Points]:
        """`queries`, rows (n, d), and these rows, ready to be multiplied."""
        kept = self._kept
        if kept is not None and queries.dtype == self.rows.dtype:
            asked = _Points.of(queries, self._centre, "float32", np.ones(queries.shape[1], bool))
            if asked.norms.dtype == kept.norms.dtype:
                return asked, kept
        return _prepared(queries, self.rows, self._centre, "float32")


def nearest(
    *, queries, points, k: int, exclude_self: bool = False, threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of `points` (m, ...), which may be `Sought`, for every row of `queries` (n, ...).

    Returns (distances (n, k) float64, indices (n, k)), sorted by distance and, among equals, by index. With
    `exclude_self` query i never finds point i (give the same rows twice). Raises MeasureError when k is not between
    1 and the number of points that can be found.
    """
    sought = points if isinstance(points, Sought) else Sought.of(points, "points")
    same_shape(real=queries, fake=sought, names=("queries", "points"))
    queries, points = rows(queries, "queries"), sought.rows
    if exclude_self and len(queries) != len(points):
        raise MeasureError(
            f"queries has {len(queries)} rows and points {len(points)}; "
            "to exclude each row itself, give the same rows twice"
        )
    available = len(points) - exclude_self
    if not 1 <= k <= available:
        raise MeasureError(f"k is {k}, but {available} neighbours can be found; choose k from 1 to {available}")
    if exclude_self:
        of = within(queries, k=k, threads=threads)
        return of.distances, of.indices
    # In float32: every distance that is kept is made anew from the rows themselves.
    found, _, _ = _sweep(*sought.beside(queries), keep=(k, 0), threads=threads)
    return np.sqrt(found.squares), found.indices


def blocks(a, b, *, block_bytes: int = 2**22) -> Iterator[tuple[slice, np.ndarray]]:
    """Distances (rows of a, all of b) in float64, a few rows of `a` at a time, each with the slice it belongs to.

    For what needs every single distance. `a` and `b` are rows (n, d). Near copies are measured by differences, so
    each distance is right to about 1e-11 of itself.
    """
    ours, theirs = _prepared(a, b, b.mean(axis=0, dtype=np.float64), "float64")
    for part in _heights(len(a), len(b), block_bytes):
        yield part, _distances(ours, part, theirs, slice(0, len(b)))


def map_blocks(work, a, b=None, *, threads: int | None = None, block_bytes: int = 2**22) -> list:
    """[work(part, distances), ...] for the blocks of `blocks`, in order, but taken by several threads at once.

    Without `b` the distances are those of rows a[part] to a[part.start:]: every pair comes once, except on the
    square of the first len(part) columns, where it comes on both sides of a diagonal of zeros.
    """
    others = a if b is None else b
    centre = others.mean(axis=0, dtype=np.float64)
    if b is None:
        ours = theirs = _Points.of(a, centre, "float64", _used(a))
    else:
        ours, theirs = _prepared(a, b, centre, "float64")

    def taken(part: slice):
        distances = _distances(ours, part, theirs, slice(part.start if b is None else 0, len(others)))
        if b is None:
            np.fill_diagonal(distances, 0.0)
        return work(part, distances)

    return in_threads(taken, list(_heights(len(a), len(others), block_bytes)), threads)


def in_threads(work, tasks: list, threads: int | None = None) -> list:
    """[work(task), ...] in order, by so many threads at once (all cores unless said), each with BLAS to itself."""
    with _one_blas_thread(), ThreadPoolExecutor(max(1, min(threads or os.cpu_count() or 1, len(tasks)))) as pool:
        return list(pool.map(work, tasks))


def _heights(n: int, columns: int, block_bytes: int) -> Iterator[slice]:
    height = max(1, block_bytes // (8 * columns))
    return (slice(start, min(start + height, n)) for start in range(0, n, height))


def _distances(a: _Points, i: slice, b: _Points, j: slice) -> np.ndarray:
    from gan_core.distances import kernels

    tile = np.empty((i.stop - i.start, j.stop - j.start))
    _products(tile, a, i, b, j)
    kernels.finish(tile, a.raw[i], b.raw[j], a.norms[i], b.norms[j], CANCELS["float64"])
    return tile


def _products(tile: np.ndarray, a: _Points, i: slice, b: _Points, j: slice) -> None:
    """Fill a tile with a·b of centred rows; of few coordinates with -d²/2, as if all norms were 0."""
    if a.raw.shape[1] < FEW_COORDINATES:
        from gan_core.distances import kernels

        kernels.differences(a.raw[i], b.raw[j], tile)
    else:
        np.matmul(a.centred[i], b.centred[j].T, out=tile)


# ---------------------------------------------------------------- reading what was given


def rows(x, name: str = "the array") -> np.ndarray:
    """Samples (n, d) or (n, h, w, c) as rows (n, d), float64 or float32; uint8 becomes [0, 1] as in the codec.

    Raises MeasureError as `samples` does.
    """
    x = samples(x, name)
    x = codec.to_unit(x) if x.dtype == np.uint8 else x
    single = x.dtype in (np.float32, np.float16) and len(x) > EXACT_UP_TO  # half the memory, where that counts
    kept = np.float32 if single else np.float64
    return np.ascontiguousarray(x.reshape(len(x), -1), dtype=kept)


def samples(x, name: str = "the array") -> np.ndarray:
    """(n, d) or (n, h, w, c) as it is.

    Raises MeasureError for another shape, something that is not a number, NaN, or values beyond float32.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "buif" or x.ndim not in (2, 4) or x.size == 0:
        raise MeasureError(f"{name} is {x.dtype} {x.shape}; give numbers, as (n, d) points or (n, h, w, c) images")
    check_finite(x, name)
    return x


def pair(*, real, fake, names: tuple[str, str] = ("real", "fake")) -> tuple[np.ndarray, np.ndarray]:
    """Both sets as `rows`. Raises MeasureError when a real and a fake sample differ in shape."""
    same_shape(real=real, fake=fake, names=names)
    return rows(real, names[0]), rows(fake, names[1])


def same_shape(*, real, fake, names: tuple[str, str] = ("real", "fake")) -> None:
    """Raises MeasureError when a real and a fake sample differ in shape."""
    one, other = np.shape(real), np.shape(fake)
    if one[1:] != other[1:]:
        raise MeasureError(f"{names[0]} is {one} and {names[1]} is {other}; all but the first number must agree")


def check_finite(x: np.ndarray, name: str) -> None:
    """Raises MeasureError when a value is NaN, infinite, or too large for float32."""
    if bad := count_unusable(x):
        raise MeasureError(f"{name} has {bad} of {x.size} values that are NaN, infinite or beyond float32; remove them")


def count_unusable(x: np.ndarray) -> int:
    """How many values are NaN, infinite, or too large for float32."""
    largest = np.float32(LARGEST)  # to a plain number float16 would say it is infinite, like its own infinities
    if x.dtype.kind != "f" or max(x.max(), -x.min()) <= largest:  # a NaN is in both, and is never <=
        return 0
    return int(x.size - np.count_nonzero(np.abs(x) <= largest))


# ---------------------------------------------------------------- the sweep


@dataclass(frozen=True, eq=False)
class _Points:
    """Rows as they came, and centred in the precision of the product, with their squared norms."""

    raw: np.ndarray
    centred: np.ndarray
    norms: np.ndarray

    @classmethod
    def of(cls, raw: np.ndarray, centre: np.ndarray, precision: Precision, used: np.ndarray) -> _Points:
        """`used` (d,) are the coordinates in which any two rows differ: the others need not be multiplied."""
        if raw.shape[1] < FEW_COORDINATES:
            return cls(raw, raw, np.zeros(len(raw)))
        from gan_core.distances import kernels

        columns = np.flatnonzero(used)
        kind = np.float32 if precision == "float32" else np.float64
        centred, norms = np.empty((len(raw), len(columns)), kind), np.empty(len(raw), kind)
        kernels.centre_rows(raw, columns, centre, centred, norms)
        if precision == "float32" and not SAFE_NORMS[0] < norms.max() < SAFE_NORMS[1]:  # infinite is not safe either
            return cls.of(raw, centre, "float64", used)
        return cls(raw, centred, norms)


@dataclass(eq=False)
class _Side:
    """What is known so far of each row of one set: its nearest rows of the other, and how balls hold each other."""

    squares: np.ndarray
    indices: np.ndarray
    limits: np.ndarray
    holds: np.ndarray
    held: np.ndarray
    held_clipped: np.ndarray

    @classmethod
    def empty(cls, limits: np.ndarray, keep: int) -> _Side:
        n = len(limits)
        counts = (np.zeros(n, np.int64) for _ in range(3))
        return cls(np.full((n, keep), np.inf), np.full((n, keep), NOBODY), limits, *counts)

    @classmethod
    def merged(cls, sides: list[_Side]) -> _Side:
        """Lists by (distance, index), counts added: whoever saw which tile, the result is the same."""
        keep = sides[0].squares.shape[1]
        squares, indices = (np.concatenate([getattr(s, name) for s in sides], 1) for name in ("squares", "indices"))
        order = np.lexsort((indices, squares), axis=1)[:, :keep]
        lists = (np.take_along_axis(x, order, 1) for x in (squares, indices))
        counts = (sum(getattr(s, name) for s in sides) for name in ("holds", "held", "held_clipped"))
        return cls(*lists, sides[0].limits, *counts)


def _sweep(a: _Points, b: _Points, *, keep, balls=None, edges=None, threads=None) -> tuple[_Side, _Side, tuple]:
    """Every pair of a and b once (of one set with itself: every pair i < j), in tiles dealt out to threads.

    `keep`: how many neighbours each row of a, and of b, gets. `balls`: squared radii of a, clipped of a, of b.
    Returns both sides, and (total, largest, counts) of the distances.
    """
    from gan_core.distances import kernels  # Numba takes a second to import, and readers of reports need none of it

    alone, kind = a is b, a.norms.dtype
    slack = kind.type((a.raw.shape[1] + 16) * np.finfo(kind).eps)  # a dot product's bound: Higham, Accuracy, 3.1
    cancels = kind.type(CANCELS[kind.name])
    nowhere = (np.full(len(a.raw), -1.0), np.full(len(a.raw), -1.0), np.full(len(b.raw), -1.0))
    a_balls, a_clipped, b_balls = balls or nowhere
    bins = 0 if edges is None else len(edges) - 1
    scale = kind.type(bins / edges[-1]) if bins else kind.type(0)
    tiles, sums = _tiles(len(a.raw), len(b.raw), alone), []
    numbers = itertools.count()  # a thread's next() on it cannot be interrupted

    # Up to which square a pair may matter to a row, as far as any thread has found out.
    a_limits, b_limits = (
        np.full(len(held), np.inf, kind) if kept else held.astype(kind)
        for held, kept in zip((a_balls, b_balls), keep, strict=True)
    )

    def work(_) -> tuple[_Side, _Side, np.ndarray]:
        ours = _Side.empty(a_limits, keep[0])
        theirs = ours if alone else _Side.empty(b_limits, keep[1])
        counts, buffer, tile = np.zeros((4, bins), np.int64), np.empty(kernels.CHUNK, kind), np.empty(TILE**2, kind)
        for number in numbers:
            if number >= len(tiles):
                return ours, theirs, counts
            i, j = tiles[number]
            part = tile[: (i.stop - i.start) * (j.stop - j.start)].reshape(i.stop - i.start, -1)
            _products(part, a, i, b, j)
            summed = np.zeros(2)
            sums.append(summed)
            kernels.sweep(
                part, buffer, i.start, j.start, alone and i == j, a.raw, b.raw, a.norms, b.norms, slack, cancels,
                ours.squares, ours.indices, ours.limits, theirs.squares, theirs.indices, theirs.limits,
                a_balls, a_clipped, b_balls, ours.holds, ours.held, theirs.holds, theirs.held, theirs.held_clipped,
                scale, counts, summed,
            )  # fmt: skip

    workers = max(1, min(threads or os.cpu_count() or 1, len(tiles)))
    with _one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        ours, theirs, counts = zip(*pool.map(work, range(workers)), strict=True)
    total, largest = math.fsum(part[0] for part in sums), max(part[1] for part in sums)
    counted = None if edges is None else tuple(sum(counts).sum(axis=0).tolist())
    return _Side.merged(ours), _Side.merged(theirs), (total, float(largest), counted)


def _prepared(a: np.ndarray, b: np.ndarray, centre: np.ndarray, precision: Precision) -> tuple[_Points, _Points]:
    """Both sets in one type: the larger one, should one have come in float64 or be unsafe in float32."""
    raw, used = np.result_type(a, b), _used(a, b)
    ours, theirs = (_Points.of(x.astype(raw, copy=False), centre, precision, used) for x in (a, b))
    if ours.norms.dtype != theirs.norms.dtype:
        ours, theirs = (_Points.of(x.raw, centre, "float64", used) for x in (ours, theirs))
    return ours, theirs


def _used(*sets: np.ndarray) -> np.ndarray:
    """The coordinates (d,) in which any two rows differ; images have a rim in which none do."""
    low, high = (pick([getattr(x, pick.__name__)(axis=0) for x in sets], axis=0) for pick in (np.min, np.max))
    return low != high


def _tiles(n: int, m: int, alone: bool) -> list[tuple[slice, slice]]:
    tile = TILE if max(n, m) > TILE else TILE // 2
    ours, theirs = ([slice(start, min(start + tile, size)) for start in range(0, size, tile)] for size in (n, m))
    return [(i, j) for i in ours for j in theirs if not alone or j.start >= i.start]


def _precision(asked: Precision | None, n: int, m: int) -> Precision:
    if asked not in (None, "float32", "float64"):
        raise MeasureError(f"precision is {asked!r}; choose float32, float64, or leave it out")
    return asked or ("float64" if max(n, m) <= EXACT_UP_TO else "float32")


def _median_square(squares: np.ndarray) -> float:
    """The square of the median radius, exactly one of the squares wherever the median is one of the radii."""
    low, high = np.partition(squares, [(len(squares) - 1) // 2, len(squares) // 2])[
        [(len(squares) - 1) // 2, len(squares) // 2]
    ]
    return float(low) if low == high else float(((math.sqrt(low) + math.sqrt(high)) / 2) ** 2)


def _in_balls(x: np.ndarray, squares: np.ndarray, indices: np.ndarray, balls: np.ndarray, k: int) -> np.ndarray:
    """In how many other rows' balls (n,) each row lies; a ball with rows beyond the list on its border is swept."""
    from gan_core.distances import kernels

    inside = squares <= balls[:, None]
    shared = inside[:, -1] & (squares.shape[1] > k) if k else np.zeros(len(x), bool)
    counts = np.bincount(indices[~shared][inside[~shared]], minlength=len(x))
    for i in np.flatnonzero(shared):
        counts += kernels.tied(x, i, balls[i])
    return counts


_blas = threading.Lock()
_blas_users = 0
_blas_limit = None


@cache
def _controller() -> ThreadpoolController:
    """The BLAS libraries of this process, looked for once: that takes milliseconds, as long as a small sweep."""
    return ThreadpoolController()


@contextmanager
def _one_blas_thread():
    """Our threads each call BLAS: more threads inside would only fight. The first one in sets it, the last one out
    sets it back, so two measurements at once cannot leave it wrong."""
    global _blas_users, _blas_limit
    with _blas:
        if _blas_users == 0:
            _blas_limit = _controller().limit(limits=1, user_api="blas")
        _blas_users += 1
    try:
        yield
    finally:
        with _blas:
            _blas_users -= 1
            if _blas_users == 0:
                _blas_limit.restore_original_limits()
