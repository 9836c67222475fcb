"""Exact Euclidean distances in float64, one block at a time: memory grows with n, never with n².

A block of squared distances is one matrix product, ||a||² + ||b||² - 2 a·b, of rows centred by the mean of the
real samples. Where the product cancels (near copies) or costs nothing to avoid (few coordinates), the distance
is taken from the differences of the rows instead. So a duplicate is at exactly 0, a near copy keeps all its
digits, and nothing depends on where the origin lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gan_core import codec
from gan_core.records import MeasureError

BLOCK_BYTES = 2**21
"""One block of distances: small enough to stay in a core's cache, large enough for a fast matrix product."""

LARGEST = float(np.finfo(np.float32).max)
"""Anything larger counts as infinite; below it no square overflows float64."""

FEW_COORDINATES = 8
CANCELS = 1e-4  # below this share of ||a||² + ||b||², the product has lost 4 of 16 digits or more
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Moments:
    """What one pass over all pairs leaves behind.

    `total` is the sum of d**exponent and `largest` the maximum of d over `pairs` pairs; `counts` (b,) says how
    many distances fall into each bin, or is None when no edges were asked for.
    """

    pairs: int
    total: float
    largest: float
    exponent: float = 1.0
    counts: tuple[int, ...] | None = None

    @property
    def mean(self) -> float:
        return self.total / self.pairs


def within(x, *, edges=None, exponent: float = 1.0, block_bytes: int = BLOCK_BYTES) -> Moments:
    """Moments of the n(n-1)/2 distances between different rows of x, (n, d) or (n, h, w, c), n >= 2.

    A row is left out of its own pairs by index, so duplicates count as pairs at distance 0. `exponent` is in
    (0, 2]. `edges` (b+1,) are equally spaced from 0; what lies beyond the last edge counts in the last bin.
    Raises MeasureError when x is not finite, has another shape, or has fewer than 2 rows.
    """
    x = rows(x)
    if len(x) < 2:
        raise MeasureError(f"there is only {len(x)} sample, so no distance between two; give at least 2")
    points = _Points.of(x, centre=x.mean(axis=0))

    def blocks() -> Iterator[np.ndarray]:
        for part in _slices(len(x), len(x), block_bytes):
            square = _squared(points[part], points[part])
            yield square[np.triu_indices(len(square), k=1)]
            yield _squared(points[part], points[part.stop :]).ravel()

    return _reduce(blocks(), edges, exponent)


def across(*, real, fake, edges=None, exponent: float = 1.0, block_bytes: int = BLOCK_BYTES) -> Moments:
    """Moments of the n·m distances from every row of `real` (n, ...) to every row of `fake` (m, ...).

    `edges` and `exponent` as in `within`. Raises MeasureError when one is not finite or the shapes differ.
    """
    real, fake = pair(real=real, fake=fake)
    centre = real.mean(axis=0)
    ours, theirs = _Points.of(real, centre), _Points.of(fake, centre)
    slices = _slices(len(real), len(fake), block_bytes)
    return _reduce((_squared(ours[part], theirs).ravel() for part in slices), edges, exponent)


def nearest(
    *, queries, points, k: int, exclude_self: bool = False, block_bytes: int = BLOCK_BYTES
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of `points` (m, ...) for every row of `queries` (n, ...).

    Returns (distances (n, k) float64, indices (n, k)), sorted by distance and, among equals, by index.
    The matrix product only proposes candidates: all that its rounding error cannot rule out are measured again
    by differences. With `exclude_self` query i never finds point i (give the same rows twice).
    Raises MeasureError when k is not between 1 and the number of points that can be found.
    """
    queries, points = pair(real=queries, fake=points, names=("queries", "points"))
    if exclude_self and len(queries) != len(points):
        raise MeasureError(
            f"queries has {len(queries)} rows and points {len(points)}; "
            "to exclude each row itself, give the same rows twice"
        )
    available = len(points) - exclude_self
    if not 1 <= k <= available:
        raise MeasureError(f"k is {k}, but {available} neighbours can be found; choose k from 1 to {available}")
    centre = points.mean(axis=0)
    asked, known = _Points.of(queries, centre), _Points.of(points, centre)
    found = []
    for part in _slices(len(queries), len(points), block_bytes):
        squared = _squared(asked[part], known)
        if exclude_self:
            squared[np.arange(len(squared)), np.arange(part.start, part.stop)] = np.inf
        found.append(_closest(asked[part], known, squared, k))
    distances, indices = zip(*found, strict=True)
    return np.concatenate(distances), np.concatenate(indices)


def rows(x, name: str = "the array") -> np.ndarray:
    """Samples (n, d) or (n, h, w, c) as float64 rows (n, d); uint8 becomes [0, 1] as in the codec.

    Raises MeasureError for another shape, something that is not a number, NaN, or values beyond float32.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "buif" or x.ndim not in (2, 4) or x.size == 0:
        raise MeasureError(f"{name} is {x.dtype} {x.shape}; give numbers, as (n, d) points or (n, h, w, c) images")
    if bad := count_unusable(x):
        raise MeasureError(f"{name} has {bad} of {x.size} values that are NaN, infinite or beyond float32; remove them")
    x = codec.to_unit(x) if x.dtype == np.uint8 else x
    return np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float64)


def pair(*, real, fake, names: tuple[str, str] = ("real", "fake")) -> tuple[np.ndarray, np.ndarray]:
    """Both sets as `rows`. Raises MeasureError when a real and a fake sample differ in shape."""
    same_shape(real=real, fake=fake, names=names)
    return rows(real, names[0]), rows(fake, names[1])


def same_shape(*, real, fake, names: tuple[str, str] = ("real", "fake")) -> None:
    """Raises MeasureError when a real and a fake sample differ in shape."""
    one, other = np.shape(real), np.shape(fake)
    if one[1:] != other[1:]:
        raise MeasureError(f"{names[0]} is {one} and {names[1]} is {other}; all but the first number must agree")


def count_unusable(x: np.ndarray) -> int:
    """How many values are NaN, infinite, or too large for float32."""
    if x.dtype.kind != "f" or max(x.max(), -x.min()) <= LARGEST:  # a NaN is in both, and is never <=
        return 0
    return int(x.size - np.count_nonzero(np.abs(x) <= LARGEST))


@dataclass(frozen=True, eq=False)
class _Points:
    raw: np.ndarray
    centred: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, raw: np.ndarray, centre: np.ndarray) -> _Points:
        centred = raw - centre
        return cls(raw, centred, np.einsum("ij,ij->i", centred, centred))

    def __getitem__(self, part: slice) -> _Points:
        return _Points(self.raw[part], self.centred[part], self.squares[part])


def _slices(n: int, columns: int, block_bytes: int) -> Iterator[slice]:
    height = max(1, block_bytes // (8 * columns))
    return (slice(start, min(start + height, n)) for start in range(0, n, height))


def _squared(a: _Points, b: _Points) -> np.ndarray:
    """Squared distances (len a, len b), right to about 1e-11 of each."""
    if a.raw.shape[1] <= FEW_COORDINATES:
        return sum(np.subtract.outer(u, v) ** 2 for u, v in zip(a.raw.T, b.raw.T, strict=True))
    squared = (-2 * a.centred) @ b.centred.T
    norms = np.add.outer(a.squares, b.squares)
    squared += norms
    norms *= CANCELS
    i, j = np.nonzero(squared <= norms)
    squared[i, j] = _by_differences(a, b, i, j)
    return squared


def _by_differences(a: _Points, b: _Points, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Squared distances (p,) of the pairs (i, j), from the rows as they came: centring would round them."""
    squared = np.empty(len(i))
    height = max(1, BLOCK_BYTES // (8 * a.raw.shape[1]))
    for start in range(0, len(i), height):
        part = slice(start, start + height)
        difference = a.raw[i[part]] - b.raw[j[part]]
        squared[part] = np.einsum("ij,ij->i", difference, difference)
    return squared


def _closest(a: _Points, b: _Points, squared: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    kth = np.partition(squared, k - 1, axis=1)[:, k - 1]
    # Twice the bound on a dot product's rounding error (Higham, Accuracy and Stability, 3.1), on both sides.
    slack = 8 * EPS * (a.raw.shape[1] + 8) * (a.squares + b.squares.max())
    i, j = np.nonzero(squared <= (kth + slack)[:, None])
    distance = np.sqrt(_by_differences(a, b, i, j))
    order = np.lexsort((j, distance, i))
    first = np.searchsorted(i, np.arange(len(squared)))  # nonzero lists row by row, so i is sorted
    chosen = order[first[:, None] + np.arange(k)]
    return distance[chosen], j[chosen]


def _reduce(blocks: Iterator[np.ndarray], edges, exponent: float) -> Moments:
    if not 0 < exponent <= 2:
        raise MeasureError(f"exponent is {exponent}; choose one above 0 and at most 2")
    pairs, largest, totals = 0, 0.0, []
    counts = None if edges is None else np.zeros(len(edges) - 1, dtype=np.int64)
    for squared in blocks:
        if not squared.size:
            continue
        distance = np.sqrt(squared)
        pairs += distance.size
        largest = max(largest, float(distance.max()))
        totals.append(float((distance if exponent == 1 else squared ** (exponent / 2)).sum()))
        if counts is not None:
            top = edges[-1]
            counts += np.histogram(np.minimum(distance, top), bins=len(counts), range=(edges[0], top))[0]
    return Moments(pairs, math.fsum(totals), largest, exponent, None if counts is None else tuple(counts.tolist()))
