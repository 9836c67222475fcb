"""The compiled inner loops of pairwise.py. Each works on one tile of squared distances and holds no lock.

A tile comes from a matrix product and is only nearly right: every pair is off by at most `slack` times the sum of
its two squared norms. So whatever decides something (which row is a neighbour, which lies in a ball) is measured again
by `exact`, in float64 and always in the same order: decisions depend neither on the tile nor on its precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

from gan_core.arrays import Bools, Floats, Ints, Reals
from gan_core.distances.tiles import Balls, Neighbours, Rounding, Rows, Tile, Totals

Function = TypeVar("Function", bound=Callable[..., Any])

CHUNK = 128
"""Pairs looked at together: only a chunk with something to decide is gone through one by one."""


def _compiled(fastmath: bool | set[str] = False, **options: str) -> Callable[[Function], Function]:
    """njit that keeps its machine code on disk, and does without where no folder can be written.

    `fastmath` is always given: otherwise it is inherited from whichever caller has a function compiled first.
    """
    settings: dict[str, Any] = {"nogil": True, "fastmath": fastmath, **options}

    def decorate(function: Function) -> Function:
        compiled: Any
        try:
            compiled = njit(cache=True, **settings)(function)
        except RuntimeError:  # "no locator available"
            compiled = njit(**settings)(function)
        return compiled

    return decorate


@_compiled()
def _few(a: Reals, b: Reals) -> float:
    """Summed one after the other, as `differences` does: below 8 coordinates both must give the same bits."""
    total = 0.0
    for c in range(len(a)):
        t = np.float64(a[c]) - np.float64(b[c])
        total += t * t
    return total


@_compiled(fastmath={"reassoc"})
def _many(a: Reals, b: Reals) -> float:
    """The same loop, but the compiler may sum in lanes, which is several times faster."""
    total = 0.0
    for c in range(len(a)):
        t = np.float64(a[c]) - np.float64(b[c])
        total += t * t
    return total


@_compiled()
def exact(a: Reals, b: Reals) -> float:
    """Squared distance of two rows (d,) in float64, by differences: the same number whoever calls it."""
    return _few(a, b) if len(a) < 8 else _many(a, b)


@_compiled()
def centre_rows(raw: Reals, columns: Ints, centre: Floats, centred: Reals, norms: Reals) -> None:
    """Fill `centred` (n, used) with the used columns of raw less the centre, and `norms` (n,) with squared norms."""
    for i in range(raw.shape[0]):
        total = 0.0
        for c in range(len(columns)):
            value = centred.dtype.type(np.float64(raw[i, columns[c]]) - centre[columns[c]])
            centred[i, c] = value
            total += np.float64(value) * np.float64(value)
        norms[i] = total


@_compiled()
def differences(a: Reals, b: Reals, tile: Reals) -> None:
    """Fill `tile` (len a, len b) with -d²/2 for rows of few coordinates: what a product would give about norms of 0.

    The sum has `_few`'s order, so below 8 coordinates it is `exact`.
    """
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            tile[i, j] = 0.0
        for c in range(a.shape[1]):
            for j in range(b.shape[0]):
                t = np.float64(a[i, c]) - np.float64(b[j, c])
                tile[i, j] += t * t
        for j in range(b.shape[0]):
            tile[i, j] *= -0.5


@_compiled()
def _insert(squares: Floats, indices: Ints, row: int, square: float, index: int) -> None:
    """Put a neighbour into its row's sorted list, if it belongs there: by distance and, among equals, by index."""
    place = squares.shape[1]
    while place > 0 and (
        square < squares[row, place - 1] or (square == squares[row, place - 1] and index < indices[row, place - 1])
    ):
        place -= 1
    if place == squares.shape[1]:
        return
    for p in range(squares.shape[1] - 1, place, -1):
        squares[row, p] = squares[row, p - 1]
        indices[row, p] = indices[row, p - 1]
    squares[row, place] = square
    indices[row, place] = index


@_compiled(fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def sweep(
    tile: Tile,
    a: Rows,
    b: Rows,
    a_balls: Balls,
    b_balls: Balls,
    of_a: Neighbours,
    of_b: Neighbours,
    rounding: Rounding,
    totals: Totals,
) -> None:
    """Add one tile to what is known: sums, histogram, neighbours of both sets, and which balls hold which rows.

    `of_a`, `of_b` and `totals` belong to the calling thread and are changed in place; for one set with itself both
    are the same arrays.
    """
    # Arrays by plain names: what is read in the inner loops is then loaded once.
    products_of_tile, buffer, first_row, first_column, diagonal = tile
    a_rows, a_norms = a
    b_rows, b_norms = b
    a_squared_radii, a_clipped = a_balls
    b_squared_radii = b_balls.squares
    a_squares, a_indices, a_limits, a_holds, a_held, _ = of_a
    b_squares, b_indices, b_limits, b_holds, b_held, b_held_clipped = of_b
    slack, cancels = rounding
    sums, counts, scale = totals
    kept_a, kept_b = a_squares.shape[1], b_squares.shape[1]
    kind = products_of_tile.dtype.type
    bins = counts.shape[1]
    last = kind(bins - 1)
    places = np.empty(CHUNK, np.int32)
    furthest = kind(0)
    for j in range(products_of_tile.shape[1]):
        furthest = max(furthest, b_norms[first_column + j])
    total, largest = 0.0, sums[1]
    for i in range(products_of_tile.shape[0]):
        row = first_row + i
        norm_a = a_norms[row]
        # The widest that any pair of this row may be off, and the farthest that may have lost its digits: which
        # chunk is gone through is decided by these, which pair counts by its own.
        widest, lost = slack * (norm_a + furthest), cancels * (norm_a + furthest)
        for start in range(i + 1 if diagonal else 0, products_of_tile.shape[1], CHUNK):
            width = min(CHUNK, products_of_tile.shape[1] - start)
            reach_a = max(a_limits[row] + widest, lost)
            first = first_column + start
            # As slices, because an index with an offset might be negative: that alone keeps a loop from being wide.
            products = products_of_tile[i, start : start + width]
            norms, limits = b_norms[first : first + width], b_limits[first : first + width]
            hits = np.int32(0)
            for j in range(width):
                square = max(norm_a + norms[j] - kind(2) * products[j], kind(0))
                buffer[j] = square
                hits += np.int32(square <= max(reach_a, limits[j] + widest))
            if hits:
                for j in range(width):
                    if buffer[j] > max(reach_a, limits[j] + widest):
                        continue
                    column = first + j
                    norm = norm_a + norms[j]
                    off = slack * norm
                    square = np.float64(buffer[j])
                    if square > max(max(a_limits[row], b_limits[column]) + off, cancels * norm):
                        continue
                    cancelled = square <= cancels * norm
                    best_a = a_squares[row, kept_a - 1] if kept_a else -1.0
                    best_b = b_squares[column, kept_b - 1] if kept_b else -1.0
                    if (
                        cancelled
                        or square <= max(best_a, best_b) + off
                        or abs(square - a_squared_radii[row]) <= off
                        or abs(square - a_clipped[row]) <= off
                        or abs(square - b_squared_radii[column]) <= off
                    ):
                        square = exact(a_rows[row], b_rows[column])
                        if cancelled:  # what else was measured depends on the tiles seen before: sums must not
                            buffer[j] = square
                        if square <= best_a:
                            _insert(a_squares, a_indices, row, square, column)
                            a_limits[row] = min(a_limits[row], max(a_squares[row, kept_a - 1], a_squared_radii[row]))
                        if square <= best_b:
                            _insert(b_squares, b_indices, column, square, row)
                            b_limits[column] = min(
                                b_limits[column], max(b_squares[column, kept_b - 1], b_squared_radii[column])
                            )
                    if square <= a_squared_radii[row]:
                        b_held[column] += 1
                        a_holds[row] += 1
                        b_held_clipped[column] += square <= a_clipped[row]
                    if square <= b_squared_radii[column]:
                        a_held[row] += 1
                        b_holds[column] += 1
            chunk_total, chunk_largest = kind(0), kind(0)
            for j in range(width):
                distance = np.sqrt(buffer[j])
                chunk_total += distance
                chunk_largest = max(chunk_largest, distance)
                places[j] = np.int32(min(distance * scale, last))  # compared first: it may exceed every integer
            total += chunk_total
            largest = max(largest, np.float64(chunk_largest))
            if bins:
                # Neighbouring pairs often share a bin: four rows of counts, so that one need not wait for the other.
                for j in range(width):
                    counts[j & 3, places[j]] += 1
    sums[0] += total
    sums[1] = largest


@_compiled()
def finish(tile: Floats, a: Reals, b: Reals, a_norms: Reals, b_norms: Reals, cancels: float) -> None:
    """Turn a tile of products a·b into distances; where too few digits are left, by differences."""
    for i in range(tile.shape[0]):
        for j in range(tile.shape[1]):
            norm = a_norms[i] + b_norms[j]
            square = norm - 2 * tile[i, j]
            if square <= cancels * norm:
                square = exact(a[i], b[j])
            tile[i, j] = math.sqrt(square)


@_compiled()
def tied(x: Reals, i: int, square: float) -> Bools:
    """Which rows (n,) of x lie within sqrt(square) of row i, itself left out."""
    found = np.zeros(len(x), dtype=np.bool_)
    for j in range(len(x)):
        found[j] = j != i and exact(x[i], x[j]) <= square
    return found
