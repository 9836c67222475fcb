"""What pairwise.py hands to its compiled kernels: named tuples of arrays, which Numba takes apart for nothing.

They are made once for each pass, or for each thread of it, and the kernels fill their arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gan_core.arrays import Floats, Ints, Reals


class Rows(NamedTuple):
    """One set: its rows `values` (n, d) as they came, and `norms` (n,), the squared norms of the centred rows.

    Tiles have the type of the norms. Of few coordinates the norms are 0, because there tiles are differences.
    """

    values: Reals
    norms: Reals


class Balls(NamedTuple):
    """Squared radii (n,) of the balls around the rows of one set: up to the k-th neighbour, and the same clipped.

    -1 where balls do not matter: nothing lies inside.
    """

    squares: Floats
    clipped: Floats


class Neighbours(NamedTuple):
    """What one thread knows of each row of one set: its nearest rows of the other set, and which balls hold which rows.

    `squares` and `indices` (n, keep) are the nearest rows found so far, by squared distance and, among equals, by
    index. `limits` (n,) are squared distances beyond which a pair does not matter to that row; all threads share them,
    because whatever one of them writes there is right, and lower is only quicker. Counts (n,): `holds` rows of the
    other set in this row's ball; `held` by so many balls of the other set, `held_clipped` by so many clipped ones.
    """

    squares: Floats
    indices: Ints
    limits: Reals
    holds: Ints
    held: Ints
    held_clipped: Ints


class Tile(NamedTuple):
    """The `products` a·b of rows a[first_row:] and b[first_column:], in the type of the norms.

    On a `diagonal` tile, of rows with themselves, only the pairs above the diagonal count. `buffer` (CHUNK,) is room
    for squared distances.
    """

    products: Reals
    buffer: Reals
    first_row: int
    first_column: int
    diagonal: bool


class Rounding(NamedTuple):
    """How wrong a product may be: `slack` times the sum of both squared norms at most.

    Below `cancels` times that sum a squared distance has lost too many digits, and is measured by differences.
    """

    slack: np.floating
    cancels: np.floating


class Totals(NamedTuple):
    """What is summed over all pairs of a tile: `sums` is [sum of distances, largest distance].

    `counts` (4, bins) are four rows of a histogram with bins of width 1 / `scale`; only their sum means something.
    """

    sums: Floats
    counts: Ints
    scale: np.floating
