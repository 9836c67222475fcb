"""What every reader of a file gives: samples as the file has them, with labels, names and parts where it has those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gan_core.arrays import Array, Ints
from gan_core.records import DatasetError

Progress = Callable[[float], None]
"""Is called with the share that is done, in [0, 1]."""
TRAIN, HOLDOUT, TEST = 0, 1, 2
"""What the numbers of `Contents.parts` mean."""


@dataclass(frozen=True)
class Limits:
    """Bytes that a file may have, and bytes that an archive may unpack to."""

    file: int
    unpacked: int

    @classmethod
    def of_megabytes(cls, megabytes: float) -> Limits:
        """Of a file's megabytes; it unpacks to 200 MB, or to five times its own size where that is more."""
        file = int(megabytes * 2**20)
        return cls(file, max(200 * 2**20, 5 * file))


SMALL = Limits.of_megabytes(20)
"""Of a server that strangers share, or that has little memory."""
LARGE = Limits.of_megabytes(200)
"""Of a person's own machine."""


@dataclass(frozen=True)
class ReadOptions:
    """How a person wants a file to be read.

    Pictures become `size` x `size` pixels, in `colour` or grey. `label` names the column of the labels: None is found
    out, "" is none. `leave_out`: what is broken or blank is left out instead of refused.
    """

    size: int = 28
    colour: bool = False
    label: str | None = None
    leave_out: bool = False


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes y (n,) of samples, and the names of class 0, 1 ..., which are empty where the file has numbers."""

    y: Ints
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class PictureFile:
    """A picture that is not decoded yet: its name, and how its bytes are had."""

    name: str
    read: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Contents:
    """Samples as the file has them: an array (n, ...), or n pictures that are still to be decoded.

    `columns` are the names of a table's columns; `parts` (n,) says TRAIN, HOLDOUT or TEST of each sample where the file
    is divided. `choices` are the columns that could be the labels, `label` the one that is.
    """

    samples: Array | Sequence[PictureFile]
    labels: Labels | None = None
    columns: tuple[str, ...] = ()
    parts: Ints | None = None
    choices: tuple[str, ...] = ()
    label: str = ""


class CanLeaveOut(DatasetError):
    """Something of the file cannot be used, and the rest can: `items` are all of these things, in the file's words."""

    def __init__(self, sentence: str, items: Sequence[str]):
        super().__init__(sentence)
        self.items = tuple(items)
