"""The samples of a run at its steps as pictures, as many as a file has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gan_core.codec import to_storage
from gan_core.pictures.grid import embedded, grid
from gan_core.pictures.scatter import scatter, window
from gan_core.records import Snapshot

AT_MOST = (64, 36, 16, 4)
"""Images of one picture: fewer where those of all steps would not fit."""
POINTS_SIDE = 360
"""Pixels of a picture of points."""


@dataclass(frozen=True)
class Picture:
    """The samples of a step as a data URL."""

    step: int
    url: str


@dataclass(frozen=True)
class Pictures:
    """Of `kept` steps those that had room, ascending; each shows `samples` images, or all points (0), of which
    `over_real` says whether they lie over real ones."""

    shown: tuple[Picture, ...]
    kept: int
    samples: int
    over_real: bool = False


def pictures_of(snapshots: Sequence[Snapshot], *, real: np.ndarray | None, room: int) -> Pictures:
    """Pictures of the steps within about `room` characters; the last step is always there.

    Points lie over the `real` ones (n, d), where these may be shown, and images stand alone.
    """
    if not snapshots:
        return Pictures((), 0, 0)
    last = snapshots[-1].samples
    if last.ndim == 2:
        limits = window(last if real is None or not len(real) else real)
        real = None if real is None or not len(real) else real

        def points(samples: np.ndarray) -> str:
            return embedded(scatter(fake=samples, real=real, size=POINTS_SIDE, limits=limits))

        return Pictures(_within(snapshots, points, room), len(snapshots), 0, over_real=real is not None)
    for samples in AT_MOST:
        if len(snapshots) * len(image_grid(last[:samples])) <= room:
            break

    def images(found: np.ndarray) -> str:
        return image_grid(found[:samples])

    return Pictures(_within(snapshots, images, room), len(snapshots), min(samples, len(last)))


def image_grid(images: np.ndarray) -> str:
    """Images (n, h, w, c) as a data URL, a pixel for each of theirs and one between them."""
    side = max(1, round(len(images) ** 0.5))
    return embedded(grid(to_storage(images), columns=side, scale=1, gap=1))


def _within(snapshots: Sequence[Snapshot], draw: Callable[[np.ndarray], str], room: int) -> tuple[Picture, ...]:
    """Pictures of as many steps, evenly left out, as have room."""
    every, last = 1, Picture(snapshots[-1].step, draw(snapshots[-1].samples))
    while (len(snapshots) - 1) // every * len(last.url) > room:
        every += 1
    chosen = snapshots[:-1][(len(snapshots) - 1) % every :: every] if every > 1 else snapshots[:-1]
    made, size = [last], len(last.url)
    for snapshot in reversed(chosen):
        picture = Picture(snapshot.step, draw(snapshot.samples))
        size += len(picture.url)
        if size > room:
            break
        made.append(picture)
    return tuple(reversed(made))
