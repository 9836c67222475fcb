"""Batches of images -> one PNG (bytes): grids, strips of steps, rows of neighbours, thumbnails.

    st.image(grid.embedded(grid.grid(snapshot.samples)), alt="64 samples")

Everything here is a pure function, and the same input always gives the same bytes, so a page that shows an unchanged
picture again sends nothing. Images are uint8 (n, h, w, c) with c 1 or 3. Gaps and backgrounds are transparent, so that
the pictures suit light and dark pages.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gan_core.pictures.png import png
from gan_core.pictures.scatter import Limits, scatter
from gan_core.records import GanometerError

WIDTH = 640
"""A picture is at most this many pixels wide, as far as whole-number scales allow."""
CELL = 112
"""... and one sample in it at most this many, so that three samples do not fill the page."""


def embedded(picture: bytes) -> str:
    """A PNG as a data URL.

    From bytes, Streamlit makes a file and deletes it at the next rerun, before a slow browser has loaded it.
    """
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def grid(images: np.ndarray, *, columns: int = 8, scale: int | None = None, gap: int = 1) -> bytes:
    """Images side by side, row after row: (n, h, w, c) -> PNG.

    Every pixel becomes a square of `scale` pixels (default: the largest that keeps `columns` images within WIDTH);
    `gap` is in pixels of the picture. Images wider than WIDTH / `columns` are not shrunk.
    Raises GanometerError if `images` is not such a batch, or empty.
    """
    images = _checked(images)
    scale = scale or _scale(images.shape[2], columns, gap * (columns - 1))
    return png(grid_pixels(images, columns=columns, scale=scale, gap=gap))


def grid_pixels(images: np.ndarray, *, columns: int = 8, scale: int = 1, gap: int = 0) -> np.ndarray:
    """The pixels of `grid`, uint8 (height, width, c + 1): the images' channels, then alpha.

    Raises GanometerError if `images` is not such a batch, or empty.
    """
    images = _checked(images)
    n, (height, width) = len(images), images.shape[1:3]
    columns = min(columns, n)
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, *images.shape[1:3], images.shape[3] + 1), np.uint8)
    cells[:n] = _opaque(images)
    return _compose(cells.reshape(rows, columns, height, width, -1), scale, gap, [gap] * (columns - 1))


def strip(steps: Sequence[np.ndarray], *, scale: int | None = None, gap: int = 2) -> bytes:
    """The same latents at several steps: one column a step, one row a latent; each step is a batch (n, h, w, c).

    Raises GanometerError if a step is not such a batch or the steps differ in shape.
    """
    steps = [_checked(step) for step in steps]
    shapes = {step.shape for step in steps}
    if len(shapes) != 1:
        raise GanometerError(f"the steps hold batches of shapes {sorted(shapes)}; give one or more of one shape")
    table = np.stack(steps, axis=1)
    gaps = [gap] * (len(steps) - 1)
    return png(_compose(_opaque(table), scale or _scale(table.shape[3], len(steps), sum(gaps)), gap, gaps))


def pairs(queries: np.ndarray, neighbours: np.ndarray, *, scale: int | None = None, gap: int = 1) -> bytes:
    """Each generated image (n, h, w, c), a wider gap, then its k nearest real images (n, k, h, w, c), nearest first.

    Raises GanometerError if the shapes do not fit together.
    """
    queries, neighbours = _checked(queries), np.asarray(neighbours)
    fits = neighbours.ndim == 5 and neighbours.shape[1] > 0 and neighbours.dtype == np.uint8
    if not fits or (len(neighbours), *neighbours.shape[2:]) != queries.shape:
        raise GanometerError(
            f"the queries have shape {queries.shape} and their neighbours {neighbours.shape} "
            f"({neighbours.dtype}); give uint8 neighbours of shape (n, k, h, w, c)"
        )
    table = np.concatenate([queries[:, None], neighbours], axis=1)
    gaps = [8 + gap] + [gap] * (neighbours.shape[1] - 1)
    return png(_compose(_opaque(table), scale or _scale(table.shape[3], table.shape[1], sum(gaps)), gap, gaps))


def shrunk(picture: np.ndarray, *, width: int) -> bytes:
    """One image of any size, uint8 (h, w, 3) -> PNG of at most `width` × 4 `width` pixels; never enlarged."""
    image = Image.fromarray(picture)
    image.thumbnail((width, 4 * width))
    return png(np.asarray(image))


def thumbnail(
    samples: np.ndarray, *, real: np.ndarray | None = None, size: int = 160, limits: Limits | None = None
) -> bytes:
    """A PNG about `size` pixels wide: of images (n, h, w, c) the first 16, of points (n, d) all, over the `real` ones.

    `real` (m, d) and `limits` matter to points only.
    """
    if np.ndim(samples) != 4:
        return scatter(fake=samples, real=real, size=size, limits=limits)
    samples = _checked(samples)
    return grid(samples[:16], columns=4, scale=max(1, (size - 3) // (4 * samples.shape[2])))


def _checked(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3) or images.size == 0:
        raise GanometerError(
            f"the images have shape {images.shape} and type {images.dtype}; "
            "give at least one as uint8 of shape (n, h, w, 1) or (n, h, w, 3)"
        )
    return images


def _opaque(images: np.ndarray) -> np.ndarray:
    """(..., c) -> (..., c + 1): an alpha channel of 255, so that what stays 0 is transparent."""
    return np.concatenate([images, np.full_like(images[..., :1], 255)], axis=-1)


def _scale(width: int, columns: int, gaps: int) -> int:
    return max(1, min(CELL, (WIDTH - gaps) // columns) // width)


def _compose(table: np.ndarray, scale: int, gap: int, gaps: list[int]) -> np.ndarray:
    """(rows, columns, h, w, channels) -> (height, width, channels); `gaps` are the free pixels between columns, `gap`
    those between rows."""
    rows, columns, height, width, channels = table.shape
    height, width = height * scale, width * scale
    canvas = np.zeros((rows * (height + gap) - gap, columns * width + sum(gaps), channels), np.uint8)
    for column in range(columns):
        left = column * width + sum(gaps[:column])
        for row in range(rows):
            top = row * (height + gap)
            cell = table[row, column].repeat(scale, axis=0).repeat(scale, axis=1)
            canvas[top : top + height, left : left + width] = cell
    return canvas
