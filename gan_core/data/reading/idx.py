"""IDX, the format of the MNIST files: a header of four bytes and the lengths, then the numbers, largest byte first.

Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database, "File formats for the MNIST database".
"""

from __future__ import annotations

import math
import struct

import numpy as np

from gan_core.arrays import Array
from gan_core.records import DatasetError

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def parse_idx(data: bytes) -> Array:
    """The array of an IDX file, read-only. Raises DatasetError for bytes that are none, or that lack some."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES or not data[3]:
        raise DatasetError("The file does not begin as an IDX file does; get the original file again.")
    dtype, axes = np.dtype(_TYPES[data[2]]), data[3]
    start = 4 + 4 * axes
    if len(data) < start:
        raise DatasetError("The IDX file ends within its header; get the original file again.")
    shape = struct.unpack(f">{axes}I", data[4:start])
    promised, there = math.prod(shape) * dtype.itemsize, len(data) - start
    if promised != there:
        raise DatasetError(
            f"The IDX file should have {promised} bytes but {there} follow its header; get the original file again."
        )
    if not promised:
        raise DatasetError(f"The IDX file is empty (shape {shape}); give rows of numbers.")
    return np.frombuffer(data, dtype, offset=start).reshape(shape)
