"""A person's own file -> samples that can be trained on, and what was done with the file, note by note.

    upload = read_upload(data, "cats.zip", size=28)
    upload.notes        # (Note("Pictures", "500 of 500 pictures were cropped to their central square."), ...)

The bytes are not trusted: every size is checked before it is allocated, nothing is written to disk, and whatever is
wrong becomes one DatasetError that says what to do about it. A server reads strangers' files in a process of their own
(read_process.py), because a decoder may still take long, or much memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from gan_core.arrays import Array, Bools, Ints
from gan_core.data import sample_checks
from gan_core.data.datasets import (
    SEED,
    Dataset,
    Pair,
    Part,
    disjoint,
    row_keys,
    split,
)
from gan_core.data.pixel_range import range_of
from gan_core.data.reading.contents import (
    HOLDOUT,
    SMALL,
    TEST,
    TRAIN,
    Contents,
    Labels,
    Limits,
    Progress,
    ReadOptions,
)
from gan_core.data.reading.door import read_contents
from gan_core.data.reading.endings import ending_of, unknown_kind
from gan_core.data.reading.labels import check_labels
from gan_core.data.reading.notes import LABELS, PARTS, ROWS, Note, Notes
from gan_core.data.reading.pictures import Decoder, drawn, pack
from gan_core.data.reading.source import Source
from gan_core.data.safe_archives import megabytes, short
from gan_core.data.sample_checks import LEAST_DIFFERENT_POINTS, MAX_ROWS, MIN_ROWS, SIZES, check_file_rows
from gan_core.data.shift import without_offsets
from gan_core.records import NO_NAMES, DataNames, DatasetError

__all__ = ["Upload", "check_file", "dataset_from_upload", "read_upload"]


@dataclass(frozen=True, eq=False)
class Upload:
    """What a file held, in storage form: x, uint8 (n, h, w, c) or floats (n, d), and y int64 (n,).

    All pictures differ; the rows of a table may be equal, since how often one occurs is part of what there is to learn.
    Points are float32 if that keeps every digit, and float64 otherwise. `parts` (n,) says TRAIN, HOLDOUT or TEST of
    each sample where the file is divided.

    `names` are what the file calls its classes and columns, `notes` what was found and done. `choices` are the columns
    that could be the labels, `label` is the one that is. `originals` and `converted` are the same up to 8 pictures
    before and after the conversion, uint8 (h, w, 3) each; both are empty for points.
    """

    x: Array
    y: Ints
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    notes: tuple[Note, ...]
    originals: tuple[Array, ...] = ()
    converted: tuple[Array, ...] = ()
    names: DataNames = NO_NAMES
    parts: Ints | None = None
    labelled: bool = False
    choices: tuple[str, ...] = ()
    label: str = ""

    @property
    def classes(self) -> dict[str, int]:
        """How many samples each class has, by its name; nothing without labels."""
        if not self.labelled:
            return {}
        values, counts = np.unique(self.y, return_counts=True)
        return {self._class_name(value): count for value, count in zip(values.tolist(), counts.tolist())}

    def _class_name(self, value: int) -> str:
        known = self.names.classes
        return known[value] if 0 <= value < len(known) and known[value] else str(value)


def check_file(filename: str, length: int, limits: Limits = SMALL) -> None:
    """Raises DatasetError for a file that is not worth opening: of another kind, empty, or too large."""
    if not ending_of(filename):
        raise unknown_kind(filename)
    name = PurePosixPath(filename.replace("\\", "/")).name
    if not length:
        raise DatasetError(f"{short(name)} is empty (0 bytes); save it again and upload the new copy.")
    if length > limits.file:
        raise DatasetError(
            f"The file has {megabytes(length)}; upload at most {megabytes(limits.file)} (the limit file_mb)."
        )


def _ignore(share: float) -> None:
    pass


def read_upload(
    data: bytes | Path,
    filename: str,
    *,
    size: int = 28,
    colour: bool = False,
    label: str | None = None,
    leave_out: bool = False,
    limits: Limits = SMALL,
    progress: Progress = _ignore,
) -> Upload:
    """Read a file of any kind that `reading.endings` names. Rows of up to MAX_DIMENSIONS numbers are points.

    `size`, `colour`, `label` and `leave_out` are those of ReadOptions; `progress` is told the share that is done.

    Raises DatasetError for whatever cannot be used, and CanLeaveOut where some samples of it cannot.
    """
    check_file(filename, len(data) if isinstance(data, bytes) else data.stat().st_size, limits)
    options = ReadOptions(size, colour, label, leave_out)
    if size not in SIZES:
        raise DatasetError(f"The image size is {size}; choose {SIZES[0]} to {SIZES[-1]} pixels.")
    notes = Notes()
    contents = read_contents(Source(filename, data), options, notes, limits, lambda share: progress(share / 2))
    samples = contents.samples
    check_file_rows(len(samples) if getattr(samples, "ndim", 1) else 1)
    if isinstance(samples, np.ndarray):
        samples, kept = sample_checks.arrange(samples, notes, leave_out=leave_out)
        contents = _only(replace(contents, samples=samples), kept)
    _check_labels(contents)
    sample_checks.check_rows(len(samples))
    contents = _drawn(contents, notes)
    samples = contents.samples
    if isinstance(samples, np.ndarray) and samples.ndim == 2:
        samples, columns = without_offsets(samples, contents.columns, notes)
        contents = replace(contents, columns=columns)
        return _finish(sample_checks.points(samples, notes, columns), contents, notes=notes)
    decoder = None
    if isinstance(samples, np.ndarray):
        pictures = drawn(samples, range_of(samples, notes))
    else:
        pictures = decoder = Decoder(samples, notes, leave_out=leave_out)
    x, *shown = pack(pictures, len(samples), size, colour, notes, lambda share: progress(0.5 + share / 2))
    if decoder is not None and (whole := decoder.whole()) is not None:
        x, contents = x[whole], _only(contents, whole)
    return _finish(x, contents, *shown, notes=notes)


def dataset_from_upload(upload: Upload, name: str) -> Dataset:
    """An upload in three parts: those of the file, or else 60/20/20, each class in the same proportions.

    Equal rows of a table may stand in different parts, pictures that are equal do not.
    """
    parts = split(upload.x, upload.y) if upload.parts is None else _as_given(upload, upload.parts)
    if upload.kind == "image":
        return disjoint(name, parts)
    train, holdout, test = (Part(*parts[part]) for part in ("train", "holdout", "test"))
    return Dataset(name, "points", upload.shape, train, holdout, test)


def _as_given(upload: Upload, parts: Ints) -> dict[str, Pair]:
    """The parts of a file. A part that it lacks is taken from train, every sixth row or as many as the other has."""
    parts = parts.copy()
    rng = np.random.default_rng(SEED)
    for lacking, other in ((HOLDOUT, TEST), (TEST, HOLDOUT)):
        if not (parts == lacking).any():
            train = np.flatnonzero(parts == TRAIN)
            count = max(1, min(len(train) // 6, int((parts == other).sum()) or len(train)))
            parts[rng.choice(train, count, replace=False)] = lacking
    return {
        part: (upload.x[parts == number], upload.y[parts == number])
        for part, number in (("train", TRAIN), ("holdout", HOLDOUT), ("test", TEST))
    }


def _check_labels(contents: Contents) -> None:
    if contents.labels is not None:
        check_labels(len(contents.labels.y), len(contents.samples))


def _only(contents: Contents, keep: Bools | None) -> Contents:
    """The labels and parts of the samples that are kept; all of them for None."""
    if keep is None:
        return contents
    labels = contents.labels
    if labels is not None and len(labels.y) == len(keep):
        labels = Labels(labels.y[keep], labels.names)
    return replace(contents, labels=labels, parts=None if contents.parts is None else contents.parts[keep])


def _drawn(contents: Contents, notes: Notes) -> Contents:
    """At most MAX_ROWS of the samples, drawn at random where there are more."""
    samples, n = contents.samples, len(contents.samples)
    if n <= MAX_ROWS:
        return contents
    notes.add(ROWS, f"{MAX_ROWS:,} of {n:,} samples were drawn at random, which is as many as are kept.", warning=True)
    rows = np.sort(np.random.default_rng(SEED).permutation(n)[:MAX_ROWS])
    keep = np.zeros(n, bool)
    keep[rows] = True
    some = samples[rows] if isinstance(samples, np.ndarray) else [samples[row] for row in rows]
    return _only(replace(contents, samples=some), keep)


def _finish(
    x: Array,
    contents: Contents,
    originals: tuple[Array, ...] = (),
    converted: tuple[Array, ...] = (),
    *,
    notes: Notes,
) -> Upload:
    n, labels, parts = len(x), contents.labels, contents.parts
    keys = row_keys(x)
    # Of equal pictures the first one stays, with its label, and in test before holdout before train.
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    if len(first) == 1:
        raise DatasetError(f"All {n} rows are the same; a generator needs samples that differ.")
    points = x.ndim == 2
    if n < MIN_ROWS or len(first) < (LEAST_DIFFERENT_POINTS if points else MIN_ROWS):
        raise sample_checks.too_few(f"{len(first)} different", n=n, points=points)
    y = np.zeros(n, np.int64) if labels is None else labels.y
    if points:
        if len(first) < n:
            notes.add(ROWS, f"{n - len(first)} of {n} rows repeat another one; they are kept, as often as they occur.")
    elif len(first) < n:
        notes.add(ROWS, f"{n - len(first)} of {n} rows were dropped as exact duplicates.", warning=True)
        if parts is None:
            keep = np.sort(np.fromiter(first.values(), np.int64))
        else:  # `disjoint` decides between parts
            seen: set[tuple[bytes, int]] = set()
            fresh = [not ((key, part) in seen or seen.add((key, part))) for key, part in zip(keys, parts.tolist())]
            keep = np.flatnonzero(fresh)
        x, y = x[keep], y[keep]  # a copy only where it is another array: images may take 200 MB
        parts = None if parts is None else parts[keep]
    if labels is None:
        notes.add(LABELS, "Without labels every row counts as class 0.")
    if parts is not None:
        parts = _parts_with_enough(parts, notes)
    notes.add(ROWS, f"{len(x):,} samples are used.")
    return Upload(
        x,
        y,
        "points" if points else "image",
        x.shape[1:],
        notes.all(),
        originals,
        converted,
        DataNames(labels.names if labels else (), contents.columns if points else ()),
        parts,
        labels is not None,
        contents.choices,
        contents.label,
    )


def _parts_with_enough(parts: Ints, notes: Notes) -> Ints | None:
    """The parts as they are given; None where test or train would have too few to measure."""
    counts = {part: int((parts == part).sum()) for part in (TRAIN, HOLDOUT, TEST)}
    least = MIN_ROWS // 5
    small = [
        name for name, part in (("train", TRAIN), ("holdout", HOLDOUT), ("test", TEST)) if 0 < counts[part] < least
    ]
    if small or not counts[TRAIN]:
        notes.add(
            PARTS,
            f"The parts of the file have too few samples ({', '.join(small) or 'no train'}); all were divided anew.",
            warning=True,
        )
        return None
    for name, part in (("holdout", HOLDOUT), ("test", TEST)):
        if not counts[part]:
            notes.add(PARTS, f"The file has no {name} part: it is drawn from train.")
    return parts
