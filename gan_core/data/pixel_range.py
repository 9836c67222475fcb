"""Which scale the values of pixels are on: 0..1, -1..1, 0..16, 0..255, or one of 10 to 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_core.arrays import Array
from gan_core.data.reading.notes import VALUES, Notes
from gan_core.records import DatasetError

_BITS = {1023: 10, 4095: 12, 16383: 14, 65535: 16}
_OVERSHOOT = 0.1
"""How far values may reach beyond 0..1 or -1..1, as a filter that sharpens makes them: they are cut off there."""


@dataclass(frozen=True)
class PixelRange:
    """The values that mean black and white."""

    black: float
    white: float

    def to_bytes(self, x: Array) -> Array:
        """Values as uint8, those beyond the range cut off."""
        scale = 255 / (self.white - self.black)
        values = x * scale if self.black == 0 else (x - self.black) * scale
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def pixel_range(low: float, high: float, whole: bool, notes: Notes) -> PixelRange:
    """The scale of values from `low` to `high`; `whole`: all of them are whole numbers.

    Raises DatasetError for values that are on none, or of which nobody could say on which.
    """
    found = _range(low, high, whole)
    if found is None:
        raise DatasetError(
            f"The pixels run from {low:g} to {high:g}; give values in 0..1, -1..1, 0..16, 0..255 or whole numbers of "
            "up to 16 bits."
        )
    black, white = found.black, found.white
    said = f"The values run from {low:.4g} to {high:.4g}. Pixel values were read as {black:g}..{white:g}"
    if white in _BITS:
        said += f" ({_BITS[int(white)]} bits)"
    said += " and scaled to 0..255" if (black, white) != (0, 255) else ""
    beyond = low < black - 1e-6 or high > white * (1 + 1e-6)
    said += "; what lies beyond was cut off." if beyond else "."
    notes.add(VALUES, said, warning=beyond or white in _BITS or white == 16)
    return found


def _range(low: float, high: float, whole: bool) -> PixelRange | None:
    if low >= 0:
        if whole:
            top = next((top for top in (1, 16, 255, *_BITS) if high <= top), None)
            return None if top is None else PixelRange(0, top)
        if high <= 1 + _OVERSHOOT:
            return PixelRange(0, 1)
        if 8 < high <= 16 * (1 + 1e-6):
            return PixelRange(0, 16)
        return PixelRange(0, 255) if 16 < high <= 255 * (1 + _OVERSHOOT) else None
    if low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT and not whole:
        return PixelRange(0, 1)
    if low >= -1 - _OVERSHOOT and high <= 1 + _OVERSHOOT:
        return PixelRange(-1, 1)
    return (
        PixelRange(0, 255) if low >= -255 * _OVERSHOOT and 128 < high <= 255 * (1 + _OVERSHOOT) and not whole else None
    )


def range_of(x: Array, notes: Notes) -> PixelRange:
    """The scale of an array's values, as `pixel_range` finds it."""
    whole = x.dtype.kind in "biu" or all((row == np.floor(row)).all() for row in x)
    return pixel_range(float(x.min()), float(x.max()), whole, notes)
