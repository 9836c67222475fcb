"""Files of samples to be measured: in measured form and in their own precision, by the readers of uploads.

    files = read_measured({"real": "photos/", "fake": "fake.npz"}, Notes())
    files["real"].shape         # (10000, 28, 28, 1)

Nothing is cropped, resized or drawn from: whatever is measured is what the file has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from gan_core.arrays import Array
from gan_core.codec import to_unit
from gan_core.data.reading.contents import HOLDOUT, TEST, TRAIN, CanLeaveOut, Contents, Limits, ReadOptions
from gan_core.data.reading.door import read_contents
from gan_core.data.reading.labels import listed
from gan_core.data.reading.notes import COLUMNS, PARTS, PICTURES, Note, Notes
from gan_core.data.reading.pictures import Decoder
from gan_core.data.reading.source import Source
from gan_core.records import DatasetError

UNBOUNDED = Limits(2**50, 2**50)
"""Of files that a person measures on the own machine."""
PART_OF_ROLE = {"real": TEST, "reference": TEST, "train": TRAIN, "holdout": HOLDOUT}
"""Which part of a file that is divided stands for what; generated samples are all of a file."""


@dataclass(frozen=True)
class FileNote:
    """A note on one of the files of a measurement: `role` is "real", "fake" and so on."""

    role: str
    note: Note


def read_measured(
    files: Mapping[str, str | PathLike[str]], *, size: int | None = None, leave_out: bool = False
) -> tuple[dict[str, Array], list[FileNote]]:
    """The samples of each file, points (n, d) or images (n, h, w, c), by role, and what was found and done.

    Pictures become `size` x `size` pixels where that is given, and keep their own size otherwise. Raises DatasetError
    for a file that cannot be used, and for two that hold different columns or pictures of different sizes.
    """
    found = {role: _read(Path(file), role, size, leave_out) for role, file in files.items()}
    notes = [FileNote(role, note) for role, one in found.items() for note in one.notes.all()]
    arrays = {role: one.x for role, one in found.items()}
    columns = {role: one.columns for role, one in found.items() if any(one.columns)}
    arrays = _same_columns(arrays, columns, notes)
    return _same_channels(arrays, notes), notes


@dataclass(frozen=True, eq=False)
class _Measured:
    x: Array
    columns: tuple[str, ...]
    notes: Notes


def read_array(file: str | Path) -> Array:
    """The samples of one file, as `read_measured` reads them."""
    return _read(Path(file), "", None, False).x


def _read(path: Path, role: str, size: int | None, leave_out: bool) -> _Measured:
    """One file. Raises DatasetError that begins with its name."""
    notes = Notes()
    if not path.exists():
        raise DatasetError(f"{path} cannot be read: there is no such file or folder.")
    try:
        contents = read_contents(Source(path.name, path), ReadOptions(leave_out=leave_out), notes, UNBOUNDED)
        contents = _part_of(contents, role, notes)
        x = _samples(contents, notes, size, leave_out)
    except CanLeaveOut as error:
        raise CanLeaveOut(f"{path}: {error}", error.items) from None
    except MemoryError:
        raise DatasetError(f"{path} says that it holds more than there is memory for; give fewer rows.") from None
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from None
    return _Measured(x, contents.columns, notes)


def _part_of(contents: Contents, role: str, notes: Notes) -> Contents:
    """Of a file that is divided, the part that stands for this side."""
    if contents.parts is None or role not in PART_OF_ROLE:
        return contents
    names = {TRAIN: "train", HOLDOUT: "holdout", TEST: "test"}
    wanted = PART_OF_ROLE[role]
    keep = contents.parts == wanted
    if not keep.any():
        raise DatasetError(f"The file has no {names[wanted]} part; give that part in a file of its own.")
    samples = contents.samples
    some = samples[keep] if isinstance(samples, np.ndarray) else [s for s, k in zip(samples, keep) if k]
    notes.add(PARTS, f"The {names[wanted]} part of the file is measured: {int(keep.sum()):,} samples.", warning=True)
    return replace(contents, samples=some, labels=None, parts=None)


def _samples(contents: Contents, notes: Notes, size: int | None, leave_out: bool) -> Array:
    if not isinstance(contents.samples, np.ndarray):
        decoder = Decoder(contents.samples, notes, leave_out=leave_out)
        return to_unit(_pictures(decoder, size))
    x = contents.samples
    if x.dtype.kind not in "buif" or x.ndim not in (2, 3, 4):
        raise DatasetError(f"The file holds {x.dtype} of shape {x.shape}; samples are numbers, (n, d) or (n, h, w, c).")
    if not np.isfinite(x).all():
        rows = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        raise DatasetError(
            f"The file holds values that are not finite numbers (NaN or infinity), in {rows} of {len(x)} rows."
        )
    x = to_unit(x)
    return x[..., None] if x.ndim == 3 else x


def _pictures(decoder: Decoder, size: int | None) -> Array:
    """All pictures in one array, uint8 (n, h, w, c), with colours where any of them has some."""
    from PIL import Image

    images: dict[int, Array] = {}
    for place, picture in decoder:
        if size is not None and picture.size != (size, size):
            width, height = picture.size
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            square = picture.crop((left, top, left + side, top + side)) if width != height else picture
            picture = square.resize((size, size), Image.Resampling.LANCZOS)
        images[place] = np.asarray(picture)
    decoder.whole()
    sizes = sorted({image.shape[:2] for image in images.values()})
    if len(sizes) > 1:
        shown = ", ".join(f"{height} x {width}" for height, width in sizes[:5]) + (" ..." if len(sizes) > 5 else "")
        raise DatasetError(f"The pictures have {len(sizes)} sizes ({shown}); bring them to one with --size 28.")
    if not images:
        raise DatasetError("No picture could be read.")
    colour = any(_has_colours(image) for image in images.values())
    x = np.empty((len(images), *sizes[0], 3 if colour else 1), np.uint8)
    for row, image in zip(x, images.values()):
        row[...] = image[..., None] if image.ndim == 2 else image if colour else image[..., :1]
    return x


def _has_colours(image: Array) -> bool:
    """Whether channels differ: some kinds of files keep grey pictures in three equal ones."""
    return image.ndim == 3 and bool((image != image[..., :1]).any())


def _same_columns(
    arrays: dict[str, Array], columns: Mapping[str, Sequence[str]], notes: list[FileNote]
) -> dict[str, Array]:
    """Columns that are named in several files, in the order of the first one. Raises DatasetError for a lack."""
    if len(columns) < 2:
        return arrays
    first, wanted = next(iter(columns.items()))
    known = [name for name in wanted if name]
    for role, names in columns.items():
        if role == first or tuple(names) == tuple(wanted) or not set(known) & set(names):
            continue
        if missing := [name for name in wanted if name not in names]:
            raise DatasetError(
                f"{role} has no column {listed(missing)}, which {first} has; give both the same columns."
            )
        order = [list(names).index(name) for name in wanted]
        if extra := [name for name in names if name not in wanted]:
            notes.append(
                FileNote(role, Note(COLUMNS, f"Left out: {listed(extra)}, which {first} does not have.", True))
            )
        elif order != sorted(order):
            notes.append(FileNote(role, Note(COLUMNS, f"The columns were brought into the order of {first}.")))
        arrays = {**arrays, role: arrays[role][:, order]}
    return arrays


def _same_channels(arrays: dict[str, Array], notes: list[FileNote]) -> dict[str, Array]:
    """Grey images in three channels where others have colours. Raises DatasetError for images of different sizes."""
    images = {role: x for role, x in arrays.items() if x.ndim == 4}
    if len(images) < 2:
        return arrays
    shapes = {x.shape[1:3] for x in images.values()}
    if len(shapes) > 1:
        shown = ", ".join(f"{role} {x.shape[1]} x {x.shape[2]}" for role, x in images.items())
        raise DatasetError(f"The pictures have different sizes ({shown}); bring them to one with --size 28.")
    if {x.shape[3] for x in images.values()} == {1, 3}:
        for role, x in images.items():
            if x.shape[3] == 1:
                arrays = {**arrays, role: np.repeat(x, 3, axis=3)}
                about = Note(PICTURES, "Grey was copied into three colour channels, as the others have.", True)
                notes.append(FileNote(role, about))
    return arrays
