"""Columns that lie far from 0, such as coordinates of a map or Unix seconds, moved to where float32 keeps their digits.

Networks work in float32: near 1.7e9 its neighbouring numbers are 128 apart, so times of one day would fall on a coarse
grid, and different rows would become equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gan_core.arrays import Array, Floats
from gan_core.data.data_names import shown_names
from gan_core.data.reading.notes import VALUES, Notes
from gan_core.data.sample_checks import COARSE

FAR = 10
"""How many of its standard deviations a column lies from 0 before it is moved."""
WHOLE = 0.05
"""The standard deviation from which on a whole number is subtracted, since it is easier to read."""
LOST = 0.01
"""The share of a column's different values that may become equal in float32 before it is moved."""


def without_offsets(x: Array, columns: Sequence[str], notes: Notes) -> tuple[Array, tuple[str, ...]]:
    """Points (n, d) with a round number subtracted from each column that float32 would spoil, and the columns' names.

    The names say what was subtracted, and so does a note. The subtraction is exact, since the values lie within a
    factor of two of that number. Other columns keep their bits.
    """
    if x.dtype.kind not in "iuf":
        return x, tuple(columns)
    exact = x.astype(np.float64)
    offsets = [_offset(exact[:, i]) for i in range(exact.shape[1])]
    if not any(offsets):
        return x, tuple(columns)
    names = [columns[i] if i < len(columns) else "" for i in range(len(offsets))]
    for i, offset in enumerate(offsets):
        if offset:
            called, step = names[i] or f"x{i + 1}", float(np.spacing(np.float32(abs(offset))))
            exact[:, i] -= offset
            names[i] = f"{called} {'-' if offset > 0 else '+'} {abs(offset):.12g}"
            notes.add(
                VALUES,
                f"{offset:.12g} was subtracted from {called}: networks work in float32, whose neighbouring numbers are "
                f"{step:.2g} apart there. The samples of a generator lie there, too.",
                warning=True,
            )
    return exact, shown_names(names)


def _offset(values: Floats) -> float:
    """What to subtract from a column; 0 where float32 keeps it well, or where it does not lie far from 0."""
    deviation, mean = float(values.std()), float(values.mean())
    if not 0 < deviation < math.inf or abs(mean) < FAR * deviation:
        return 0.0
    low, high = float(values.min()), float(values.max())
    if low * high <= 0 or max(abs(low), abs(high)) > 2 * min(abs(low), abs(high)):  # the subtraction would round
        return 0.0
    step = float(np.spacing(np.float32(abs(mean))))
    if step <= COARSE * deviation and not (step > 1 and (values == np.floor(values)).all()):
        different = len(np.unique(values))
        if different - len(np.unique(values.astype(np.float32))) <= LOST * different:
            return 0.0
    unit = 1.0 if WHOLE <= deviation < 1 else 10.0 ** math.floor(math.log10(deviation))
    offset = round(mean / unit) * unit if unit >= 1 else round(mean / unit) / round(1 / unit)
    return offset if min(abs(low), abs(high)) / 2 <= abs(offset) <= 2 * max(abs(low), abs(high)) else 0.0
