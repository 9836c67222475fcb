"""Exact Euclidean distances, one tile at a time: everything the metrics need of n² pairs, in memory that grows with n.

    real, fake = within(real, k=5), within(fake, k=5)     # neighbours and radii of each set
    both = across(real=real, fake=fake)                   # nearest rows both ways, which rows lie in which balls

A tile of squared distances is one matrix product, ||a||² + ||b||² - 2 a·b, of rows centred first. Up to 2,000 rows
it is taken in float64; above, float32 is twice as fast, and only sums and histograms keep its rounding. Whatever
decides something (a neighbour, a radius, a ball's member) is measured again by differences of the rows as they came,
in float64, wherever the product's rounding error leaves it open. So a duplicate is at exactly 0, and neighbours,
radii and counts are the same for every precision, tile, number of threads and order of the rows in memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np

from gan_core import codec
from gan_core.arrays import Array, ArrayLike, Bools, Floats, Ints, Reals
from gan_core.distances.threads import in_threads, look, one_blas_thread, workers
from gan_core.distances.tiles import Balls, Neighbours, Rounding, Rows, Tile, Totals
from gan_core.records import MeasureError

Precision = Literal["float32", "float64"]
Result = TypeVar("Result")

TILE = 512
"""Rows of a tile: its products fit into a core's cache, and are large enough for a fast matrix product. Half of that
where one tile would hold everything, and leave the other cores nothing to do."""

EXACT_UP_TO = 2_000
"""Rows up to which everything is in float64 unless a precision is given: it takes a fraction of a second there."""

LARGEST = float(np.finfo(np.float32).max)
"""Anything larger counts as infinite; below it no square overflows float64."""

NO_ROW = np.iinfo(np.int64).max
"""The index in an empty place of a list of neighbours; larger than any real one, so it loses every tie."""

FEW_COORDINATES = 8  # fewer than this cost less by differences than by a product
CANCELS = {"float32": 1e-3, "float64": 1e-4}  # below this share of ||a||² + ||b||², too few digits are left
SAFE_NORMS = (1e-20, 1e30)  # outside, squares in float32 lose their digits or overflow


@dataclass(frozen=True)
class Moments:
    """The sum of d, and the largest d, over `pairs` pairs; `counts` (b,) of a histogram, empty without bins."""

    pairs: int
    total: float
    largest: float
    counts: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """The mean distance over the pairs."""
        return self.total / self.pairs


@dataclass(frozen=True, eq=False)
class Within:
    """The distances within one set of n rows; a row is never its own neighbour, by index and not by value.

    `distances` and `indices` (n, k): the nearest other rows, sorted by distance and, among equals, by index.
    `square_radii` (n,): the square of the k-th distance, the ball of each row. `clipped_square_radii` (n,): the same,
    at most the median ball's. `_squares` and `_indices` hold one neighbour more, which shows
    where other rows lie on a ball's border.
    """

    rows: Reals
    moments: Moments
    distances: Floats
    indices: Ints
    square_radii: Floats
    clipped_square_radii: Floats
    _squares: Floats
    _indices: Ints

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def k(self) -> int:
        """How many neighbours of every row are known."""
        return self.distances.shape[1]

    @cached_property
    def in_clipped(self) -> Ints:
        """In how many other rows' clipped balls each row lies, (n,); counted on first use, of real rows only."""
        return _in_balls(self.rows, self._squares, self._indices, self.clipped_square_radii, self.k)


@dataclass(frozen=True, eq=False)
class Across:
    """Real (n rows) against fake (m rows). A ball reaches to the k-th neighbour in its own set, border included.

    For each real row: `real_nearest`, `real_nearest_index` (n,) its nearest fake; `fakes_in_ball` (n,) how many
    fakes its ball holds; `in_fake_balls` (n,) how many fakes' balls hold it. For each fake the same the other way
    round: `fake_nearest`, `fake_nearest_index`, `reals_in_ball`, `in_real_balls` (m,), and `in_clipped_real_balls`.
    """

    moments: Moments
    real_nearest: Floats
    real_nearest_index: Ints
    fakes_in_ball: Ints
    in_fake_balls: Ints
    fake_nearest: Floats
    fake_nearest_index: Ints
    reals_in_ball: Ints
    in_real_balls: Ints
    in_clipped_real_balls: Ints


def within(
    x: ArrayLike,
    *,
    k: int = 0,
    edges: Floats | None = None,
    precision: Precision | None = None,
    threads: int | None = None,
) -> Within:
    """One pass over the n(n-1)/2 pairs of different rows of x, (n, d) or (n, h, w, c), n >= 2.

    `k` neighbours of every row, 0 <= k < n. `edges` (b+1,) are equally spaced from 0; what lies beyond the last one
    counts in the last bin. `precision` of sums and histogram: float64 up to 2,000 rows, float32 above, unless given.
    `threads`: all cores unless given. Raises MeasureError when x is not finite or has another shape, n < 2, or k
    does not fit.
    """
    x = rows(x)
    if len(x) < 2:
        raise MeasureError(f"there is only {len(x)} sample, so no distance between two; give at least 2")
    if not 0 <= k < len(x):
        raise MeasureError(f"k is {k}, but each of {len(x)} samples has {len(x) - 1} others; choose k up to that")
    # One neighbour more than k shows where rows outside the list lie on a ball's border too.
    points = _Points.of(x, x.mean(axis=0, dtype=np.float64), _precision(precision, len(x), len(x)), _used(x))
    keep = min(k + 1, len(x) - 1) if k else 0
    found, _, (total, largest, counts) = _sweep(points, points, keep=(keep, keep), edges=edges, threads=threads)
    squares, indices = found.squares, found.indices
    radii = squares[:, k - 1].copy() if k else np.zeros(len(x))
    clipped = np.minimum(radii, _median_square(radii))
    moments = Moments(len(x) * (len(x) - 1) // 2, total, largest, counts)
    return Within(x, moments, np.sqrt(squares[:, :k]), indices[:, :k], radii, clipped, squares, indices)


def across(
    *,
    real: Within,
    fake: Within,
    edges: Floats | None = None,
    precision: Precision | None = None,
    threads: int | None = None,
) -> Across:
    """One pass over the n·m pairs of a real and a fake row; the balls are those that `within` found.

    `edges`, `precision` and `threads` as in `within`. Raises MeasureError when the rows differ in length.
    """
    same_shape(real=real.rows, fake=fake.rows)
    precision = _precision(precision, len(real), len(fake))
    centre = real.rows.mean(axis=0, dtype=np.float64)
    of_real, of_fake = _prepared(real.rows, fake.rows, centre, precision)
    balls = None
    if real.k and fake.k:
        balls = (_balls(real), _balls(fake))
    a, b, (total, largest, counts) = _sweep(of_real, of_fake, keep=(1, 1), balls=balls, edges=edges, threads=threads)
    return Across(
        Moments(len(real) * len(fake), total, largest, counts),
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


def _balls(of: Within) -> Balls:
    return Balls(of.square_radii, of.clipped_square_radii)


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """Rows (m, d) that many searches look through: what a search prepares of them is made once, and kept.

    `shape` is that of the array they came as. Of more than 2,000 rows nothing is kept: it would fill memory, and there
    the search itself takes far longer.
    """

    rows: Reals
    shape: tuple[int, ...]

    @classmethod
    def of(cls, x: ArrayLike, name: str = "the array") -> SearchIndex:
        """Raises MeasureError when x, (m, d) or (m, h, w, c), is unusable."""
        return cls(rows(x, name), np.shape(x))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _centre(self) -> Floats:
        return self.rows.mean(axis=0, dtype=np.float64)

    @cached_property
    def _kept(self) -> _Points | None:
        """With every coordinate: those in which all of these rows agree may be where a query differs."""
        few = len(self) <= EXACT_UP_TO
        return _Points.of(self.rows, self._centre, "float32", np.ones_like(self._centre, np.bool_)) if few else None

    def prepare(self, queries: Reals) -> tuple[_Points, _Points]:
        """`queries`, rows (n, d), and these rows, ready to be multiplied."""
        kept = self._kept
        if kept is not None and queries.dtype == self.rows.dtype:
            prepared = _Points.of(queries, self._centre, "float32", np.ones_like(self._centre, np.bool_))
            if prepared.norms.dtype == kept.norms.dtype:
                return prepared, kept
        return _prepared(queries, self.rows, self._centre, "float32")


def nearest(
    *,
    queries: ArrayLike,
    points: ArrayLike | SearchIndex,
    k: int,
    exclude_self: bool = False,
    threads: int | None = None,
) -> tuple[Floats, Ints]:
    """The k nearest rows of `points` (m, ...), which may be a `SearchIndex`, for every row of `queries` (n, ...).

    Returns (distances (n, k) float64, indices (n, k)), sorted by distance and, among equals, by index. With
    `exclude_self` query i never finds point i (give the same rows twice). Raises MeasureError when k is not between
    1 and the number of points that can be found.
    """
    index = points if isinstance(points, SearchIndex) else SearchIndex.of(points, "points")
    same_shape(real=queries, fake=index, names=("queries", "points"))
    queries = rows(queries, "queries")
    if exclude_self and len(queries) != len(index):
        raise MeasureError(
            f"queries has {len(queries)} rows and points {len(index)}; "
            "to exclude each row itself, give the same rows twice"
        )
    available = len(index) - exclude_self
    if not 1 <= k <= available:
        raise MeasureError(f"k is {k}, but {available} neighbours can be found; choose k from 1 to {available}")
    if exclude_self:
        of = within(queries, k=k, threads=threads)
        return of.distances, of.indices
    # In float32: every distance that is kept is made anew from the rows themselves.
    found, _, _ = _sweep(*index.prepare(queries), keep=(k, 0), threads=threads)
    return np.sqrt(found.squares), found.indices


def blocks(a: Reals, b: Reals, *, block_bytes: int = 2**22) -> Iterator[tuple[slice, Floats]]:
    """Distances (rows of a, all of b) in float64, a few rows of `a` at a time, each with the slice it belongs to.

    For what needs every single distance. `a` and `b` are rows (n, d). Near copies are measured by differences, so
    each distance is right to about 1e-11 of itself.
    """
    of_a, of_b = _prepared(a, b, b.mean(axis=0, dtype=np.float64), "float64")
    for part in _heights(len(a), len(b), block_bytes):
        yield part, _distances(of_a, part, of_b, slice(0, len(b)))


def map_blocks(
    work: Callable[[slice, Floats], Result],
    a: Reals,
    b: Reals | None = None,
    *,
    threads: int | None = None,
    block_bytes: int = 2**22,
) -> list[Result]:
    """[work(part, distances), ...] for the blocks of `blocks`, in order, but taken by several threads at once.

    Without `b` the distances are those of rows a[part] to a[part.start:]: every pair comes once, except on the
    square of the first len(part) columns, where it comes on both sides of a diagonal of zeros.
    """
    others = a if b is None else b
    centre = others.mean(axis=0, dtype=np.float64)
    if b is None:
        of_a = of_others = _Points.of(a, centre, "float64", _used(a))
    else:
        of_a, of_others = _prepared(a, b, centre, "float64")

    def work_on(part: slice) -> Result:
        distances = _distances(of_a, part, of_others, slice(part.start if b is None else 0, len(others)))
        if b is None:
            np.fill_diagonal(distances, 0.0)
        return work(part, distances)

    return in_threads(work_on, list(_heights(len(a), len(others), block_bytes)), threads)


def _heights(n: int, columns: int, block_bytes: int) -> Iterator[slice]:
    height = max(1, block_bytes // (8 * columns))
    return (slice(start, min(start + height, n)) for start in range(0, n, height))


def _distances(a: _Points, i: slice, b: _Points, j: slice) -> Floats:
    from gan_core.distances import kernels

    tile = np.empty((i.stop - i.start, j.stop - j.start))
    _products(tile, a, i, b, j)
    kernels.finish(tile, a.raw[i], b.raw[j], a.norms[i], b.norms[j], CANCELS["float64"])
    return tile


def _products(tile: Reals, a: _Points, i: slice, b: _Points, j: slice) -> None:
    """Fill a tile with a·b of centred rows; of few coordinates with -d²/2, as if all norms were 0."""
    if a.raw.shape[1] < FEW_COORDINATES:
        from gan_core.distances import kernels

        kernels.differences(a.raw[i], b.raw[j], tile)
    else:
        np.matmul(a.centred[i], b.centred[j].T, out=tile)


# ---------------------------------------------------------------- checks of the arrays


def rows(x: ArrayLike, name: str = "the array") -> Reals:
    """Samples (n, d) or (n, h, w, c) as rows (n, d), float64 or float32; uint8 becomes [0, 1] as in the codec.

    Raises MeasureError as `samples` does.
    """
    x = samples(x, name)
    x = codec.to_unit(x) if x.dtype == np.uint8 else x
    single = x.dtype.name in ("float32", "float16") and len(x) > EXACT_UP_TO  # half the memory, where that counts
    return np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float32 if single else np.float64)


def samples(x: ArrayLike, name: str = "the array") -> Array:
    """(n, d) or (n, h, w, c) as it is.

    Raises MeasureError for another shape, something that is not a number, NaN, or values beyond float32.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "buif" or x.ndim not in (2, 4) or x.size == 0:
        raise MeasureError(f"{name} is {x.dtype} {x.shape}; give numbers, as (n, d) points or (n, h, w, c) images")
    check_finite(x, name)
    return x


def pair(*, real: ArrayLike, fake: ArrayLike, names: tuple[str, str] = ("real", "fake")) -> tuple[Reals, Reals]:
    """Both sets as `rows`. Raises MeasureError when a real and a fake sample differ in shape."""
    same_shape(real=real, fake=fake, names=names)
    return rows(real, names[0]), rows(fake, names[1])


def same_shape(
    *, real: ArrayLike | SearchIndex, fake: ArrayLike | SearchIndex, names: tuple[str, str] = ("real", "fake")
) -> None:
    """Raises MeasureError when a real and a fake sample differ in shape."""
    one, other = (x.shape if isinstance(x, SearchIndex) else np.shape(x) for x in (real, fake))
    if one[1:] != other[1:]:
        raise MeasureError(f"{names[0]} is {one} and {names[1]} is {other}; all but the first number must agree")


def check_finite(x: Array, name: str) -> None:
    """Raises MeasureError when a value is NaN, infinite, or too large for float32."""
    if bad := count_unusable(x):
        raise MeasureError(f"{name} has {bad} of {x.size} values that are NaN, infinite or beyond float32; remove them")


def count_unusable(x: Array) -> int:
    """How many values are NaN, infinite, or too large for float32."""
    largest = np.float32(LARGEST)  # to a plain number float16 would say it is infinite, like its own infinities
    if x.dtype.kind != "f" or max(x.max(), -x.min()) <= largest:  # a NaN is in both, and is never <=
        return 0
    return int(x.size - np.count_nonzero(np.abs(x) <= largest))


# ---------------------------------------------------------------- the sweep


@dataclass(frozen=True, eq=False)
class _Points:
    """Rows (n, d) as they came, and centred in the precision of the product, with their squared norms (n,)."""

    raw: Reals
    centred: Reals
    norms: Reals

    @classmethod
    def of(cls, raw: Reals, centre: Floats, precision: Precision, used: Bools) -> _Points:
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

    def __len__(self) -> int:
        return len(self.raw)


Sums = tuple[float, float, tuple[int, ...]]
"""(total, largest, counts) of the distances, as Moments holds them."""


def _sweep(
    a: _Points,
    b: _Points,
    *,
    keep: tuple[int, int],
    balls: tuple[Balls, Balls] | None = None,
    edges: Floats | None = None,
    threads: int | None = None,
) -> tuple[Neighbours, Neighbours, Sums]:
    """Every pair of a and b once (of one set with itself: every pair i < j), in tiles dealt out to threads.

    `keep`: how many neighbours each row of a, and of b, gets. `balls` of a and of b; without them nothing is counted.
    Returns what is known of the rows of a and of b, and the sums.
    """
    from gan_core.distances import kernels  # Numba takes a second to import, and readers of reports need none of it

    same_set, kind = a is b, a.norms.dtype
    rounding = Rounding(
        kind.type((a.raw.shape[1] + 16) * np.finfo(kind).eps),  # a dot product's bound: Higham, Accuracy, 3.1
        kind.type(CANCELS[kind.name]),
    )
    a_balls, b_balls = balls or (_no_balls(len(a)), _no_balls(len(b)))
    bins = 0 if edges is None else len(edges) - 1
    scale = kind.type(bins / edges[-1] if edges is not None and bins else 0)
    tiles, sums = _tiles(len(a), len(b), same_set), list[Floats]()
    numbers = itertools.count()  # a thread's next() on it cannot be interrupted
    a_rows, b_rows = Rows(a.raw, a.norms), Rows(b.raw, b.norms)
    a_limits, b_limits = _limits(a_balls, keep[0], kind), _limits(b_balls, keep[1], kind)
    look_first = look()

    def work(_: int) -> tuple[Neighbours, Neighbours, Ints]:
        of_a = _nothing_known(a_limits, keep[0])
        of_b = of_a if same_set else _nothing_known(b_limits, keep[1])
        counts, buffer, room = np.zeros((4, bins), np.int64), np.empty(kernels.CHUNK, kind), np.empty(TILE**2, kind)
        for number in numbers:
            if number >= len(tiles):
                break
            look_first()
            i, j = tiles[number]
            products = room[: (i.stop - i.start) * (j.stop - j.start)].reshape(i.stop - i.start, -1)
            _products(products, a, i, b, j)
            summed = np.zeros(2)
            sums.append(summed)
            tile = Tile(products, buffer, i.start, j.start, same_set and i == j)
            kernels.sweep(tile, a_rows, b_rows, a_balls, b_balls, of_a, of_b, rounding, Totals(summed, counts, scale))
        return of_a, of_b, counts

    threads = workers(len(tiles), threads)
    with one_blas_thread, ThreadPoolExecutor(threads) as pool:
        of_a, of_b, counts = zip(*pool.map(work, range(threads)), strict=True)
    total, largest = math.fsum(part[0] for part in sums), max(part[1] for part in sums)
    counted = tuple(np.sum(counts, axis=(0, 1)).tolist())
    return _merged(of_a), _merged(of_b), (total, float(largest), counted)


def _no_balls(n: int) -> Balls:
    return Balls(np.full(n, -1.0), np.full(n, -1.0))


def _limits(balls: Balls, keep: int, kind: np.dtype[Any]) -> Reals:
    """Up to which squared distance a pair may matter to each row, as far as any thread has found out."""
    return np.full(len(balls.squares), np.inf, kind) if keep else balls.squares.astype(kind)


def _nothing_known(limits: Reals, keep: int) -> Neighbours:
    n = len(limits)
    counts = (np.zeros(n, np.int64) for _ in range(3))
    return Neighbours(np.full((n, keep), np.inf), np.full((n, keep), NO_ROW), limits, *counts)


def _merged(parts: Sequence[Neighbours]) -> Neighbours:
    """Lists by (distance, index), counts added: whichever thread saw which tile, the result is the same."""
    keep = parts[0].squares.shape[1]
    squares = np.concatenate([part.squares for part in parts], 1)
    indices = np.concatenate([part.indices for part in parts], 1)
    order = np.lexsort((indices, squares), axis=1)[:, :keep]
    return Neighbours(
        np.take_along_axis(squares, order, 1),
        np.take_along_axis(indices, order, 1),
        parts[0].limits,
        np.sum([part.holds for part in parts], axis=0),
        np.sum([part.held for part in parts], axis=0),
        np.sum([part.held_clipped for part in parts], axis=0),
    )


def _prepared(a: Reals, b: Reals, centre: Floats, precision: Precision) -> tuple[_Points, _Points]:
    """Both sets in one type: the larger one, should one have come in float64 or be unsafe in float32."""
    raw, used = np.result_type(a, b), _used(a, b)
    of_a, of_b = (_Points.of(x.astype(raw, copy=False), centre, precision, used) for x in (a, b))
    if of_a.norms.dtype != of_b.norms.dtype:
        of_a, of_b = (_Points.of(x.raw, centre, "float64", used) for x in (of_a, of_b))
    return of_a, of_b


def _used(*sets: Reals) -> Bools:
    """The coordinates (d,) in which any two rows differ; images have a rim in which none do."""
    low = np.min([x.min(axis=0) for x in sets], axis=0)
    high = np.max([x.max(axis=0) for x in sets], axis=0)
    return low != high


def _tiles(n: int, m: int, same_set: bool) -> list[tuple[slice, slice]]:
    tile = TILE if max(n, m) > TILE else TILE // 2
    heights, widths = ([slice(start, min(start + tile, size)) for start in range(0, size, tile)] for size in (n, m))
    return [(i, j) for i in heights for j in widths if not same_set or j.start >= i.start]


def _precision(given: Precision | None, n: int, m: int) -> Precision:
    if given not in (None, "float32", "float64"):
        raise MeasureError(f"precision is {given!r}; choose float32, float64, or leave it out")
    return given or ("float64" if max(n, m) <= EXACT_UP_TO else "float32")


def _median_square(squares: Floats) -> float:
    """The square of the median radius, exactly one of the squares wherever the median is one of the radii."""
    low, high = np.partition(squares, [(len(squares) - 1) // 2, len(squares) // 2])[
        [(len(squares) - 1) // 2, len(squares) // 2]
    ]
    return float(low) if low == high else float(((math.sqrt(low) + math.sqrt(high)) / 2) ** 2)


def _in_balls(x: Reals, squares: Floats, indices: Ints, balls: Floats, k: int) -> Ints:
    """In how many other rows' balls (n,) each row lies; a ball with rows beyond the list on its border is swept."""
    from gan_core.distances import kernels

    inside = squares <= balls[:, None]
    shared = inside[:, -1] & (squares.shape[1] > k) if k else np.zeros(len(x), bool)
    counts = np.bincount(indices[~shared][inside[~shared]], minlength=len(x))
    for i in np.flatnonzero(shared):
        counts += kernels.tied(x, int(i), balls[i])
    return counts
