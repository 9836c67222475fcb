"""How a number is written on every page; files and the command line's JSON keep all of its digits."""

from __future__ import annotations

import math

DECIMALS = 4
"""Of a metric's value: what it is rounded to."""
FEWEST_DIGITS, MOST_DECIMALS = 2, 8
"""... unless only zeros, or one digit after them, would be left: then so many digits, within so many decimals."""


ALWAYS_ROUNDED = ("energy_distance",)
"""Metrics that are rounded all the same: they stand on every page, and are one number there."""
TINY = 1e-6
"""... but for data on a tiny scale, whose digits four decimals would hide."""


def shown_number(value: float, metric: str = "") -> str:
    """Four decimals, "0.5000"; below .001 two digits, "0.00015", of an always rounded `metric` only where tiny."""
    decimals = DECIMALS
    if 0 < abs(value) < TINY:
        return f"{value:.2g}"
    if 0 < abs(value) < 0.001 and metric not in ALWAYS_ROUNDED:
        decimals = min(MOST_DECIMALS, FEWEST_DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{value:z.{decimals}f}"
