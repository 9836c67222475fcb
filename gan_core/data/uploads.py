"""A person's own file -> samples: .npz, .npy, .csv, or a .zip of pictures, read in memory and never unpickled.

    upload = read_upload(data, "cats.zip", size=28)
    upload.notes        # ("500 pictures were cropped to their central square.", ...)

The bytes are not trusted: every size is checked before it is allocated, nothing is written to disk, and whatever is
wrong becomes one DatasetError that says what to do about it. A server reads strangers' files in a process of their own
(read_process.py), because a decoder may still take long, or much memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.data import sample_checks, tables
from gan_core.data.datasets import Dataset, dataset_from_bytes, dataset_to_bytes, disjoint, row_keys, split
from gan_core.data.picture_archives import drawn, pack, read_pictures
from gan_core.data.safe_archives import megabytes, short
from gan_core.data.sample_checks import MIN_ROWS, SIZES
from gan_core.records import NO_NAMES, DataNames, DatasetError

__all__ = ["Upload", "check_file", "dataset_from_bytes", "dataset_from_upload", "dataset_to_bytes", "read_upload"]

MAX_UPLOAD_BYTES = 20 * 2**20


@dataclass(frozen=True, eq=False)
class Upload:
    """What a file held, in storage form: all rows of x, uint8 (n, h, w, c) or floats (n, d), differ; y int64 (n,).

    Points are float32 if that keeps every digit, and float64 otherwise.

    `names` are what the file calls its classes and columns. `notes` says in plain sentences what was done.
    `originals` and `converted` are the same up to 8 pictures before and after the conversion, uint8 (h, w, 3) each;
    both are empty for points.
    """

    x: Array
    y: Ints
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    notes: tuple[str, ...]
    originals: tuple[Array, ...] = ()
    converted: tuple[Array, ...] = ()
    names: DataNames = NO_NAMES


def check_file(filename: str, length: int) -> None:
    """Raises DatasetError for a file that is not worth opening: of another kind, empty, or too large."""
    suffix = PurePosixPath(filename).suffix.lower()
    if suffix not in (".zip", *_READERS):
        raise DatasetError(f"{short(filename)} ends in {suffix or 'nothing'!r}; upload a .npz, .npy, .csv or .zip.")
    if not length:
        raise DatasetError(f"{short(filename)} is empty (0 bytes); save it again and upload the new copy.")
    if length > MAX_UPLOAD_BYTES:
        raise DatasetError(f"The file has {megabytes(length)}; upload at most {megabytes(MAX_UPLOAD_BYTES)}.")


def read_upload(data: bytes, filename: str, *, size: int = 28, colour: bool = False) -> Upload:
    """Read a file by its extension; images become `size` x `size` pixels, grey unless `colour`.

    .npz: array x (or the only one) and labels y or labels. .npy: the samples. .csv: numeric columns, with a
    label column called label, class, target or y. .zip: pictures; sub-folders are labels. Arrays and tables of up to
    MAX_DIMENSIONS columns are points. Raises DatasetError for whatever cannot be used.
    """
    check_file(filename, len(data))
    if size not in SIZES:
        raise DatasetError(f"The image size is {size}; choose {SIZES[0]} to {SIZES[-1]} pixels.")
    notes: list[str] = []
    suffix = PurePosixPath(filename).suffix.lower()
    if suffix == ".zip":
        n, pictures, labels = read_pictures(data, notes)
    else:
        table = _READERS[suffix](data, notes)
        samples, labels = sample_checks.arrange(table.x, notes), table.labels
        if samples.ndim == 2:
            return _finish(sample_checks.points(samples, notes), labels=labels, columns=table.columns, notes=notes)
        n, pictures = len(samples), drawn(samples, sample_checks.pixel_scale(samples, notes))
    return _finish(*pack(pictures, n, size, colour, notes), labels=labels, notes=notes)


def dataset_from_upload(upload: Upload, name: str) -> Dataset:
    """An upload split 60/20/20 into train, holdout and test, each class in the same proportions."""
    return disjoint(name, split(upload.x, upload.y))


def _finish(
    x: Array,
    originals: tuple[Array, ...] = (),
    converted: tuple[Array, ...] = (),
    *,
    labels: tables.Labels | None,
    columns: tuple[str, ...] = (),
    notes: list[str],
) -> Upload:
    n = len(x)
    if labels is not None:
        tables.check_labels(len(labels.y), n)
    first = {key: i for i, key in reversed(list(enumerate(row_keys(x))))}
    keep = np.sort(np.fromiter(first.values(), np.int64))
    if len(keep) == 1:
        raise DatasetError(f"All {n} rows are the same; a generator needs samples that differ.")
    if len(keep) < MIN_ROWS:
        raise sample_checks.too_few(f"{len(keep)} different")
    if len(keep) < n:
        notes.append(f"{n - len(keep)} of {n} rows were dropped as exact duplicates.")
    if labels is None:
        notes.append("Without labels every row counts as class 0.")
    y = np.zeros(n, np.int64) if labels is None else labels.y
    kind = "image" if x.ndim == 4 else "points"
    if len(keep) < n:  # a copy only where it is another array: images may take 200 MB
        x, y = x[keep], y[keep]
    names = DataNames(labels.names if labels else (), columns)
    return Upload(x, y, kind, x.shape[1:], tuple(notes), originals, converted, names)


_READERS: dict[str, Callable[[bytes, list[str]], tables.Table]] = {
    ".npz": tables.read_npz,
    ".npy": tables.read_npy,
    ".csv": tables.read_csv,
}
