"""What samples may be: the limits of an upload, and the checks that stand between a file's arrays and a data set."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gan_core.arrays import Array, Bools
from gan_core.data.reading.contents import CanLeaveOut
from gan_core.data.reading.notes import COLUMNS, PICTURES, ROWS, VALUES, Notes
from gan_core.records import DatasetError

MAX_ROWS = 70_000
MAX_FILE_ROWS = 2_000_000
"""Rows of a file, of which MAX_ROWS are drawn."""
MIN_ROWS = 250
"""Different rows an upload needs: a fifth of them, 50, are the test part, and the metrics need so many."""
LEAST_DIFFERENT_POINTS = 20
"""Different rows that a table needs: whole numbers may repeat, and how often they do is learned too."""
MAX_SIDE = 4096
"""Pixels along one side of one source picture."""
MAX_DIMENSIONS = 32
"""Columns of a table that is read as points; more of them, in a square count, are grey images."""
COARSE = 1e-3
"""Steps between float32 numbers, as a share of a column's standard deviation, from which on a note warns."""
LARGEST, SMALLEST = 1e15, 1e-15
"""Values of points beyond which, and spreads below which, training diverges at once: float32 holds 1e-38 to 1e38, and
squares of sums of squares have to fit."""
UNEVEN = 100
"""How many times wider than another a column is before a note says so."""
SIZES = range(8, 33)
"""Sides an image can be brought to."""
SIZES_OF_FILES = range(8, 257)
"""Sides of square pictures that are looked for on the first two axes of an array."""


def check_rows(n: int) -> None:
    """Raises DatasetError for too few samples to make a data set of, before any of them is read."""
    if n < MIN_ROWS:
        raise too_few(f"{n}")


def check_file_rows(n: int) -> None:
    """Raises DatasetError for more rows than are read of a file, before any of them is."""
    if n > MAX_FILE_ROWS:
        raise DatasetError(f"There are {n} rows; give at most {MAX_FILE_ROWS}.")


def too_few(found: str, *, n: int = 0, points: bool = False) -> DatasetError:
    """The error for too few samples; `found` says how many, of `n` rows."""
    if points and n >= MIN_ROWS:
        return DatasetError(
            f"There are {found} rows, each of them many times; give at least {LEAST_DIFFERENT_POINTS} different ones."
        )
    return DatasetError(
        f"There are {found} rows; give at least {MIN_ROWS} different ones, so that the test part has enough to measure."
    )


def check_side(width: int, height: int) -> None:
    """Raises DatasetError for a picture with too many pixels along a side."""
    if max(width, height) > MAX_SIDE:
        raise DatasetError(f"A picture has {width} x {height} pixels; give at most {MAX_SIDE} along a side.")


def fits_width(columns: int) -> bool:
    """Whether so many columns mean points, or grey images."""
    side = math.isqrt(max(columns, 0))
    return 0 < columns <= MAX_DIMENSIONS or (side * side == columns and side in SIZES)


def check_columns(columns: int) -> None:
    """Raises DatasetError for a number of columns that means neither points nor grey images."""
    if not fits_width(columns):
        raise DatasetError(
            f"The samples have {columns} columns; give up to {MAX_DIMENSIONS} for points, "
            f"or a square count from {SIZES[0] ** 2} to {SIZES[-1] ** 2} for grey images."
        )


def arrange(x: Array, notes: Notes, *, leave_out: bool = False) -> tuple[Array, Bools | None]:
    """Samples as a file has them -> finite points (n, d) or images (n, h, w, c), values untouched.

    The second value says which of the file's rows are left, None for all of them. Raises DatasetError for other shapes,
    and CanLeaveOut for rows that are not finite unless they are to be left out.
    """
    if x.dtype.kind == "U" or not x.ndim:
        raise DatasetError(f"The samples are {'text' if x.ndim else 'one single value'}; save rows of numbers.")
    x = _first_axis_first(x, notes)
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim == 2:
        _check_not_turned(x)
        check_columns(x.shape[1])
        if x.shape[1] > MAX_DIMENSIONS:
            side = math.isqrt(x.shape[1])
            notes.add(PICTURES, f"Each row of {x.shape[1]} numbers was read as a grey image of {side} x {side} pixels.")
            x = x.reshape(len(x), side, side)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim == 4 and x.shape[3] not in (1, 3, 4) and x.shape[1] in (1, 3, 4):
        notes.add(PICTURES, "The colour channels came first and were moved last.")
        x = np.moveaxis(x, 1, 3)
    if x.ndim > 2 and (x.ndim != 4 or x.shape[3] not in (1, 3, 4)):
        raise DatasetError(f"The samples have shape {x.shape}; give (rows, columns), (n, h, w) or (n, h, w, 3).")
    if x.ndim == 4:
        check_side(x.shape[2], x.shape[1])
        _check_no_series(x)
    check_rows(len(x))
    return _finite(x, notes, leave_out)


def _first_axis_first(x: Array, notes: Notes) -> Array:
    """Pictures that are counted by the last axis, (h, w, n) or (h, w, c, n), with that axis first."""
    n = x.shape[-1]
    if len(x) >= MIN_ROWS or n < MIN_ROWS:
        return x
    square = x.ndim in (3, 4) and x.shape[0] == x.shape[1] and x.shape[0] in SIZES_OF_FILES
    if square and (x.ndim == 3 or x.shape[2] in (1, 3, 4)):
        said = f"The samples were counted by the last axis of {x.shape}, which was moved first."
        notes.add(PICTURES, said, warning=True)
        return np.moveaxis(x, -1, 0)
    return x


def _check_not_turned(x: Array) -> None:
    n, d = x.shape
    if n <= MAX_DIMENSIONS and d >= MIN_ROWS:
        raise DatasetError(
            f"The samples have shape {x.shape}: {n} rows of {d} numbers. If these are {d} samples of {n} numbers on "
            "the last axis, turn the array (x.T) and save it again."
        )


def _check_no_series(x: Array) -> None:
    height, width = x.shape[1:3]
    short, long = min(height, width), max(height, width)
    if short != long and (short < SIZES[0] or long >= 3 * short):
        raise DatasetError(
            f"Each sample has {height} x {width} numbers, which looks like a series and not like a picture, of which "
            f"only the central {short} x {short} would be used; give pictures that are nearly square, or up to "
            f"{MAX_DIMENSIONS} numbers a row."
        )


def _finite(x: Array, notes: Notes, leave_out: bool) -> tuple[Array, Bools | None]:
    if x.dtype.kind != "f" or (finite := np.isfinite(x)).all():
        return x, None
    if np.isnan(x).all():
        raise DatasetError(f"All {x.size} values are NaN (not a number); check how the file was made.")
    name = "NaN (not a number)" if np.isnan(x).any() else "infinite"
    keep: Bools = np.asarray(finite.reshape(len(x), -1).all(axis=1))
    rows = np.flatnonzero(~keep)
    if not leave_out:
        raise CanLeaveOut(
            f"{x.size - int(finite.sum())} of {x.size} values are {name}, in {len(rows)} of {len(x)} rows; remove or "
            "fill these rows, or leave them out.",
            [f"row {row + 1}" for row in rows.tolist()],
        )
    said = f"{len(rows)} of {len(x)} rows were left out, since they hold values that are {name}."
    notes.add(ROWS, said, warning=True)
    return x[keep], keep


def points(x: Array, notes: Notes, columns: Sequence[str] = ()) -> Array:
    """The values in float32, or in float64 where float32 would lose digits.

    Raises DatasetError for values whose squares leave the range of float32.
    """

    def called(column: int) -> str:
        return columns[column] if column < len(columns) and columns[column] else f"column {column + 1}"

    exact = x.astype(np.float64) + 0.0  # -0 becomes 0: one point, one bit pattern
    varies = np.ptp(exact, axis=0) > 0
    deviation = exact.std(axis=0)
    largest = np.abs(exact).max(axis=0)
    if largest.max() > LARGEST:
        worst = int(largest.argmax())
        raise DatasetError(
            f"{_upper(called(worst))} reaches {largest[worst]:.3g}; a generator works in float32, beyond whose range "
            f"squares of such values are. Rescale the data to about 1 (at most {LARGEST:g})."
        )
    if varies.any() and deviation[varies].max() < SMALLEST:
        raise DatasetError(
            f"All columns vary by at most {deviation.max():.3g}; a generator works in float32, below whose range "
            "squares of such values are. Rescale the data to about 1."
        )
    rounded = exact.astype(np.float32)
    spread = deviation[varies]
    if len(spread) > 1 and spread.max() > UNEVEN * spread.min():
        wide = int(np.where(varies, deviation, 0).argmax())
        narrow = int(np.where(varies, deviation, np.inf).argmin())
        notes.add(
            COLUMNS,
            f"The columns are of very different spread: {called(wide)} varies by {deviation[wide]:.2g} and "
            f"{called(narrow)} by {deviation[narrow]:.2g}, so distances hardly see {called(narrow)}. "
            "Rescale them if they matter alike.",
            warning=True,
        )
    ranges = [f"{called(i)} {low:.6g} to {high:.6g}" for i, (low, high) in enumerate(zip(exact.min(0), exact.max(0)))]
    notes.add(VALUES, f"The values run from the smallest to the largest: {', '.join(ranges)}.")
    if (rounded == exact).all():
        return rounded
    step = np.spacing(np.abs(rounded).max(axis=0)).astype(np.float64)
    coarseness = np.where(varies, step / np.maximum(deviation, np.finfo(np.float64).tiny), 0)
    if coarseness[worst := int(coarseness.argmax())] > COARSE:
        notes.add(
            VALUES,
            f"{_upper(called(worst))} varies by {deviation[worst]:.2g}, but a generator works in float32, whose "
            f"neighbouring numbers are {step[worst]:.2g} apart there: its samples will be coarser than your data, "
            "and distances show it. Give the values as differences from a number near to them.",
            warning=True,
        )
    return exact


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("column ") else text
