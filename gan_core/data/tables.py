"""Tables and arrays of a person's file -> samples as the file has them, and labels. Refuses while it reads."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.data import safe_archives
from gan_core.data.data_names import shown_names
from gan_core.data.safe_archives import no_arrays, open_zip, parse_npy, short
from gan_core.data.sample_checks import MAX_ROWS, MIN_ROWS, SIZES, check_columns, check_rows
from gan_core.records import DatasetError

MAX_CLASSES = 100
MAX_COLUMNS = SIZES[-1] ** 2 + 1
"""Columns of a .csv: those of the largest grey image, and a label."""
MAX_LINES = 3 * MAX_ROWS
"""Lines of a .csv: some may be blank, and a text in quotes may have several."""
MAX_ROW_CHARACTERS = 2**17
"""Characters of one row of a .csv: 128 for each of so many columns."""

_LABELS = ("label", "labels", "class", "target", "y")


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes y (n,) of samples, and the names of class 0, 1 ..., which are empty where the file has numbers."""

    y: Ints
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """Samples as the file has them, their labels, and what their columns are called, if it says so."""

    x: Array
    labels: Labels | None = None
    columns: tuple[str, ...] = ()


def read_npz(data: bytes, notes: list[str]) -> Table:
    """The array x, or the only one, and the labels under one of their names. Nothing else is unpacked."""
    archive = open_zip(data)
    members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
    if not members:
        raise no_arrays()
    key = next((k for k in _LABELS if k in members), None) if len(members) > 1 else None
    samples = [name for name in members if name != key]
    if "x" not in members and len(samples) != 1:
        raise DatasetError(f"The .npz holds the arrays {listed(samples)}; name the samples x and their labels y.")
    shape = _shape(archive, member := members["x" if "x" in members else samples[0]])
    if shape and shape[0] > MAX_ROWS:  # before they are unpacked
        check_rows(shape[0])
    if key is None:
        return Table(safe_archives.read_npy(archive, member))
    about = _shape(archive, members[key])
    if not about or math.prod(about[1:]) != 1:
        raise DatasetError(f"The labels {key} have shape {about}; give one label for each sample.")
    if shape:  # a single value is no row, and is refused as such
        check_labels(about[0], shape[0])
    x, labels = (safe_archives.read_npy(archive, m) for m in (member, members[key]))
    return Table(x, classes(labels.ravel().tolist(), f"the array {key}", notes) if shape else None)


def _shape(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, ...]:
    """What the header of an array says; nothing else of it is unpacked."""
    with safe_archives.open_npy(archive, member) as (header, _):
        return header.shape


def read_npy(data: bytes, notes: list[str]) -> Table:
    """The samples; an .npy has no labels."""
    return Table(parse_npy(data))


def read_csv(data: bytes, notes: list[str]) -> Table:
    """Numeric columns with what their first line calls them, and the labels where a column has one of their names.

    Row by row: a table that is too long, too wide, or of endless lines is refused at the place where it becomes that.
    """
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"The .csv is no UTF-8 text (see byte {error.start}); save it as CSV UTF-8.") from None
    lines = _Lines(data)
    rows = csv.reader(lines, delimiter=lines.delimiter)
    values: array[float] = array("d")
    labels: list[str] = []
    header: list[str] = []
    width: int | None = None
    at: int | None = None  # the column of the labels
    count = 0
    try:
        for row in rows:
            lines.end_row()
            if not row:
                continue
            if width is None:
                width = len(row)
                if _numbers(row) is None:
                    header = [name.strip() for name in row]
                    names = [name.lower() for name in header]
                    known = [name for name in _LABELS if name in names and not (name == "y" and "x" in names)]
                    at = names.index(known[0]) if known else None  # y beside x is a coordinate
                    continue
            if len(row) != width:
                raise DatasetError(f"Line {rows.line_num} has {len(row)} columns, line 1 has {width}; make them equal.")
            if not count:
                _check_width(width, labelled=at is not None)
            if (count := count + 1) > MAX_ROWS:
                raise DatasetError(f"There are over {MAX_ROWS} rows; give at most {MAX_ROWS}.")
            if at is not None:
                labels.append(row.pop(at))
            numbers = _numbers(row)
            if numbers is None:
                wrong = next(cell for cell in row if _numbers([cell]) is None)
                raise DatasetError(
                    f"Line {rows.line_num} holds {short(wrong)} where a number should be; "
                    "write 1.5 for numbers, and put text only in a column called label."
                )
            values.extend(numbers)
    except csv.Error as error:
        raise DatasetError(f"Line {rows.line_num} is not CSV ({error}); save the table again as CSV.") from None
    columns = (width or 0) - (at is not None)
    if not values:
        raise DatasetError(f"The .csv is empty (no row of numbers); give at least {MIN_ROWS} rows.")
    x = np.frombuffer(values).reshape(-1, columns)
    if at is None:
        return Table(x, columns=shown_names(header))
    found = classes(labels, f"the column {header[at]}", notes)
    if found is None and (numbers := _numbers(labels)) is not None:
        notes.append(f"The column {header[at]} was kept as a coordinate.")
        return Table(np.insert(x, at, numbers, axis=1), columns=shown_names(header))
    return Table(x, found, shown_names(name for place, name in enumerate(header) if place != at))


def _check_width(width: int, *, labelled: bool) -> None:
    """Raises DatasetError for so many columns; the one of the labels may turn out to be a coordinate."""
    if labelled:
        with suppress(DatasetError):
            return check_columns(width)
    check_columns(width - labelled)


class _Lines:
    """The lines of a text for a reader of CSV. Raises DatasetError where one row has too many characters.

    A row may have several lines, since a text in quotes may: `end_row` says that the reader has given one out.
    """

    def __init__(self, data: bytes):
        self._text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
        self._characters = self._lines = 0
        first = next((line for line in self if line.strip()), "")
        self.delimiter = max(",;\t", key=first.count)
        self._text.seek(0)
        self._characters = self._lines = 0

    def end_row(self) -> None:
        """The next line begins a row."""
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._next, "")

    def _next(self) -> str:
        line = self._text.readline(MAX_ROW_CHARACTERS + 1)
        self._lines += 1
        if self._lines > MAX_LINES + 1:  # the last one is the end
            raise DatasetError(f"The .csv has over {MAX_LINES} lines; give at most {MAX_ROWS} rows.")
        self._characters += 0 if line.isspace() else len(line)
        if self._characters > MAX_ROW_CHARACTERS:
            raise DatasetError(
                f"A row of the .csv has over {MAX_ROW_CHARACTERS:,} characters; give one row for each sample, with at "
                f"most {MAX_COLUMNS} columns."
            )
        return line


def check_labels(labels: int, samples: int) -> None:
    """Raises DatasetError unless there are as many labels as samples."""
    if labels != samples:
        raise DatasetError(f"There are {labels} labels for {samples} samples; give one label for each sample.")


def _numbers(cells: Sequence[Any]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None


def classes(labels: list[Any], where: str, notes: list[str]) -> Labels | None:
    """Whole numbers stay what they are, text is numbered in alphabetical order; None if these are no classes."""
    called: tuple[str, ...] = ()
    numbers = _numbers(labels)
    if numbers is None:
        labels = [str(label).strip() for label in labels]
        names = sorted(set(labels))
        index = {name: i for i, name in enumerate(names)}
        y = np.array([index[label] for label in labels], dtype=np.int64)
        called = shown_names(names[: MAX_CLASSES + 1])
    elif all(abs(v) < 2**53 and v == int(v) for v in numbers):
        y = np.array(numbers).astype(np.int64)
        names = [str(v) for v in np.unique(y)]
    else:
        decimals = any(math.isfinite(v) and v % 1 for v in numbers)
        found = "decimals" if decimals else "NaN, infinite or very large numbers"
        notes.append(f"No labels were taken from {where}: it holds {found}, not classes.")
        return None
    if len(names) > MAX_CLASSES:
        notes.append(f"No labels were taken from {where}: {len(names)} values, at most {MAX_CLASSES} are classes.")
        return None
    notes.append(f"Labels were found in {where}, {len(names)} of them: {listed(names)}.")
    return Labels(y, called)


def listed(names: Iterable[str]) -> str:
    """The first ten names for a message, each cut after 30 characters."""
    names = [name if len(name) <= 30 else name[:27] + "..." for name in names]
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
