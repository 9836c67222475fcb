"""What samples may be: the limits of an upload, and the checks that stand between a file's arrays and a data set."""

from __future__ import annotations

import math

import numpy as np

from gan_core.arrays import Array
from gan_core.records import DatasetError

MAX_ROWS = 70_000
MIN_ROWS = 250
"""Different rows an upload needs: a fifth of them, 50, are the test part, and the metrics need so many."""
MAX_SIDE = 4096
"""Pixels along one side of one source picture."""
MAX_DIMENSIONS = 32
"""Columns of a table that is read as points; more of them, in a square count, are grey images."""
COARSE = 1e-3
"""Steps between float32 numbers, as a share of a column's standard deviation, from which on a note warns."""
SIZES = range(8, 33)
"""Sides an image can be brought to."""


def check_rows(n: int) -> None:
    """Raises DatasetError for a number of samples that no data set can be made of, before any of them is read."""
    if n > MAX_ROWS:
        raise DatasetError(f"There are {n} rows; give at most {MAX_ROWS}.")
    if n < MIN_ROWS:
        raise too_few(f"{n}")


def too_few(found: str) -> DatasetError:
    """The error for too few samples; `found` says how many."""
    return DatasetError(
        f"There are {found} rows; give at least {MIN_ROWS} different ones, so that the test part has enough to measure."
    )


def check_side(width: int, height: int) -> None:
    """Raises DatasetError for a picture with too many pixels along a side."""
    if max(width, height) > MAX_SIDE:
        raise DatasetError(f"A picture has {width} x {height} pixels; give at most {MAX_SIDE} along a side.")


def check_columns(columns: int) -> None:
    """Raises DatasetError for a number of columns that means neither points nor grey images."""
    side = math.isqrt(columns)
    if columns > MAX_DIMENSIONS and (side * side != columns or side not in SIZES):
        raise DatasetError(
            f"The samples have {columns} columns; give up to {MAX_DIMENSIONS} for points, "
            f"or a square count from {SIZES[0] ** 2} to {SIZES[-1] ** 2} for grey images."
        )


def arrange(x: Array, notes: list[str]) -> Array:
    """Samples as a file has them -> finite points (n, d) or images (n, h, w, c), values untouched."""
    if x.dtype.kind == "U" or not x.ndim:
        raise DatasetError(f"The samples are {'text' if x.ndim else 'one single value'}; save rows of numbers.")
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim == 2:
        check_columns(x.shape[1])
        if x.shape[1] > MAX_DIMENSIONS:
            side = math.isqrt(x.shape[1])
            notes.append(f"Each row of {x.shape[1]} numbers was read as a grey image of {side} x {side} pixels.")
            x = x.reshape(len(x), side, side)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim == 4 and x.shape[3] not in (1, 3, 4) and x.shape[1] in (1, 3, 4):
        notes.append("The colour channels came first and were moved last.")
        x = np.moveaxis(x, 1, 3)
    if x.ndim > 2 and (x.ndim != 4 or x.shape[3] not in (1, 3, 4)):
        raise DatasetError(f"The samples have shape {x.shape}; give (rows, columns), (n, h, w) or (n, h, w, 3).")
    if x.ndim == 4:
        check_side(x.shape[2], x.shape[1])
    check_rows(len(x))
    if x.dtype.kind == "f" and not (finite := np.isfinite(x)).all():
        if np.isnan(x).all():
            raise DatasetError(f"All {x.size} values are NaN (not a number); check how the file was made.")
        name = "NaN (not a number)" if np.isnan(x).any() else "infinite"
        raise DatasetError(f"{x.size - int(finite.sum())} of {x.size} values are {name}; remove or fill these rows.")
    return x


def points(x: Array, notes: list[str]) -> Array:
    """The values in float32, or in float64 where float32 would lose digits."""
    exact = x.astype(np.float64) + 0.0  # -0 becomes 0: one point, one bit pattern
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    if not np.isfinite(rounded).all():
        raise DatasetError(f"The largest value is {np.abs(x).max():g}, beyond float32; rescale the data to about 1.")
    if (rounded == exact).all():
        return rounded
    if (rounded == rounded[0]).all() and (exact != exact[0]).any():
        raise DatasetError(
            f"In float32, which a generator works in, all {len(x)} rows are the same; subtract each column's mean and "
            "rescale the data to about 1."
        )
    step, spread = np.spacing(np.abs(rounded).max(axis=0)), np.maximum(exact.std(axis=0), np.finfo(np.float64).tiny)
    coarseness = np.where(np.ptp(exact, axis=0) > 0, step / spread, 0)
    if coarseness[worst := int(coarseness.argmax())] > COARSE:
        notes.append(
            f"Column {worst + 1} varies by {spread[worst]:.2g}, but a generator works in float32, whose neighbouring "
            f"numbers are {step[worst]:.2g} apart there: its samples will be coarser than your data, and distances "
            "show it. Subtract each column's mean and upload the data again."
        )
    return exact


def pixel_scale(x: Array, notes: list[str]) -> float:
    """What pixel values are multiplied by to lie in 0..255."""
    low, high = float(x.min()), float(x.max())
    top = next((top for top in (1, 16, 255) if high <= top * (1 + 1e-6)), None)
    if low < 0 or top is None:
        raise DatasetError(f"The pixels run from {low:g} to {high:g}; give values in 0..1, 0..16 or 0..255.")
    notes.append(f"Pixel values were read as 0..{top}" + (" and scaled to 0..255." if top < 255 else "."))
    return 255 / top
