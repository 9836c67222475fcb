"""The columns of a table -> samples, labels and names: what each column is, and which rows cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gan_core.arrays import Array, Bools, Floats
from gan_core.data.data_names import in_one_line, shown_names
from gan_core.data.reading import labels as labelling
from gan_core.data.reading.contents import CanLeaveOut, Contents, Labels, ReadOptions
from gan_core.data.reading.labels import FEW, LIKELY_NAMES, MAX_CLASSES, NAMES, listed, look_like_classes
from gan_core.data.reading.notes import COLUMNS, LABELS, ROWS, Notes
from gan_core.data.safe_archives import short
from gan_core.data.sample_checks import MAX_DIMENSIONS, MIN_ROWS, fits_width
from gan_core.records import LONGEST_DATA_NAME, DatasetError

INDEX_NAMES = ("index", "id", "idx", "row", "rownames", "row_id", "no", "nr", "#", "unnamed: 0")
MOST_SHOWN = 3
"""Rows that a sentence names; more are counted."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column as a file has it: `values` (n,) are numbers, with NaN for blanks, or texts, with None for blanks.

    `odd` are the texts among numbers, by row.
    """

    name: str
    values: Array
    kind: Literal["number", "switch", "text", "date", "other", "empty"]
    odd: tuple[tuple[int, str], ...] = ()


def text_column(name: str, texts: Sequence[str | None]) -> Column:
    """A column of texts, or of numbers where most of them are some."""
    cells = [text.strip() if text is not None and text.strip() else None for text in texts]
    filled = [(row, cell) for row, cell in enumerate(cells) if cell is not None]
    values = np.full(len(cells), np.nan)
    odd: list[tuple[int, str]] = []
    for row, cell in filled:
        try:
            values[row] = float(cell)
        except ValueError:
            odd.append((row, cell))
    if filled and len(odd) * 2 <= len(filled):
        return Column(name, values, "number", tuple(odd))
    if not filled:
        return Column(name, values, "empty")
    texts_array = np.empty(len(cells), object)
    texts_array[:] = cells
    return Column(name, texts_array, "text")


def contents_of(
    columns: Sequence[Column], options: ReadOptions, notes: Notes, where: Callable[[int], str], what: str
) -> Contents:
    """The samples of a table with its labels. `where(row)` says where a row stands: "line 3".

    Raises DatasetError where no column of numbers is left, and CanLeaveOut for rows with blanks unless they are to be.
    """
    table = [replace(column, name=in_one_line(column.name, 10 * LONGEST_DATA_NAME)) for column in columns]
    shown = {id(column): column.name or f"column {i + 1}" for i, column in enumerate(table)}  # counted from 1

    def called(column: Column) -> str:
        return shown[id(column)]

    left = _without_indices(table, notes, called)
    label = _label_column(left, options, notes, called)
    ends = left if len(left) <= 2 * MAX_DIMENSIONS else [left[0], left[-1]]  # pixels are none
    choices = tuple(called(c) for c in left if (c in ends or c is label) and _could_be_label(c))
    for kind, why in (("date", "dates"), ("other", "no single numbers"), ("empty", "nothing"), ("text", "words")):
        if dropped := [column for column in left if column.kind == kind and column is not label]:
            names = listed(map(called, dropped))
            hold = "it holds" if len(dropped) == 1 else "they hold"
            notes.add(COLUMNS, f"Left out: {names}, since {hold} {why}, not numbers.", warning=kind != "empty")
    used = [column for column in left if column.kind in ("number", "switch") and column is not label]
    if not used:
        raise DatasetError(f"The {what} is empty (no row of numbers); give at least {MIN_ROWS} rows.")
    found = None
    keep = _usable_rows([*used, *([label] if label else [])], options, notes, where, called)
    if label is not None:
        values = label.values if keep is None else label.values[keep]
        found = _labels(label, values, notes, called)
        if found is None and label.kind in ("number", "switch"):
            notes.add(COLUMNS, f"{_upper(_the(label, called))} was kept as a coordinate.")
            used = [column for column in left if column in used or column is label]
            label = None
    x = _matrix(used, keep)
    if x.shape[1] <= MAX_DIMENSIONS:
        _say_used(used, x, notes, called)
    taken = called(label) if label is not None and found is not None else ""
    return Contents(x, found, shown_names(column.name for column in used), choices=choices, label=taken)


def _without_indices(table: list[Column], notes: Notes, called: Callable[[Column], str]) -> list[Column]:
    """The columns but for one that only numbers the rows."""
    if len(table) < 2:
        return table
    header = any(column.name for column in table)
    for i, column in enumerate(table):
        if column.kind != "number" or column.odd or not _whole(column.values):
            continue
        name = column.name.lower()
        nameless = not name if header else i == 0
        if not (nameless or name in INDEX_NAMES):
            continue
        n, first = len(column.values), column.values[0]
        counts = first in (0, 1) and (column.values == first + np.arange(n)).all()
        if counts or (header and (not name or name in ("id", "index", "unnamed: 0")) and _all_differ(column.values)):
            how = f"it only counts the rows from {first:.0f}" if counts else "it only numbers the rows"
            notes.add(COLUMNS, f"Left out: {called(column)}, since {how}.", warning=not counts or not header)
            return [other for other in table if other is not column]
    return table


def _whole(values: Array) -> bool:
    return values.dtype.kind in "iu" or bool((values == np.floor(values)).all())


def _all_differ(values: Array) -> bool:
    return len(values) >= 2 and len(np.unique(values)) == len(values)


def _could_be_label(column: Column) -> bool:
    if column.kind == "text":
        return len({cell for cell in column.values if cell is not None}) <= MAX_CLASSES
    if column.kind not in ("number", "switch"):
        return False
    filled = column.values[~np.isnan(column.values)] if column.values.dtype.kind == "f" else column.values
    return _whole(filled) and len(np.unique(filled)) <= MAX_CLASSES


def _label_column(
    table: list[Column], options: ReadOptions, notes: Notes, called: Callable[[Column], str]
) -> Column | None:
    """The column that a person has named, or else the one that is the labels by its name or its values."""
    if options.label is not None:
        if not options.label:
            return None
        wanted = [c for c in table if options.label == called(c)] or [
            c for c in table if options.label.lower() == called(c).lower()
        ]
        if not wanted:
            names = listed(map(called, table))
            raise DatasetError(f"There is no column {short(options.label)} for the labels; the columns are {names}.")
        return wanted[0]
    by_name = {column.name.lower(): column for column in reversed(table) if column.name}
    known = [name for name in NAMES if name in by_name and not (name == "y" and "x" in by_name)]
    if known:  # y beside x is a coordinate
        return by_name[known[0]]
    texts = [column for column in table if column.kind == "text" and _could_be_label(column)]
    likely = [by_name[name] for name in LIKELY_NAMES if name in by_name]
    likely = [c for c in likely if c in texts or c.kind == "switch" or _looks_like_classes(c)]
    if likely:
        return likely[0]
    if len(texts) == 1 and len(set(texts[0].values)) * 2 <= len(texts[0].values):
        return texts[0]
    if len(texts) > 1:
        names = listed(map(called, texts))
        notes.add(LABELS, f"Several columns hold words ({names}); choose one if it is the label.", warning=True)
    numeric = [column for column in table if column.kind in ("number", "switch")]
    classlike = [column for column in numeric if column.kind == "switch" or _looks_like_classes(column)]
    if not fits_width(len(numeric)) and fits_width(len(numeric) - 1):
        for column in (numeric[0], numeric[-1]):
            if column in classlike:
                notes.add(
                    LABELS,
                    f"{_upper(_the(column, called))} looks like the label, since the other {len(numeric) - 1} columns "
                    "are a square.",
                    warning=True,
                )
                return column
    if len(classlike) == 1 and len(numeric) > 1 and classlike[0] in (numeric[0], numeric[-1]):
        values = listed(f"{value:.0f}" for value in np.unique(classlike[0].values.astype(np.float64)))
        notes.add(
            LABELS,
            f"{_upper(_the(classlike[0], called))} holds {values} only, and was read as a coordinate; choose it as the "
            "label if these are classes.",
            warning=True,
        )
    return None


def _looks_like_classes(column: Column) -> bool:
    if column.kind != "number" or column.odd:
        return False
    values = column.values
    filled = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return len(filled) > FEW and look_like_classes(filled)


def _labels(label: Column, values: Array, notes: Notes, called: Callable[[Column], str]) -> Labels | None:
    cells = values.astype(int) if label.kind == "switch" else values
    warning = label.name.lower() not in NAMES
    found = labelling.classes(cells.tolist(), _the(label, called), notes, warning=warning)
    if found is not None and label.kind == "switch":
        return Labels(found.y, ("False", "True"))
    return found


def _usable_rows(
    columns: list[Column], options: ReadOptions, notes: Notes, where: Callable[[int], str],
    called: Callable[[Column], str],
) -> Bools | None:  # fmt: skip
    """Which rows (n,) have no blanks; None for all of them."""
    bad: dict[int, str] = {}
    for column in columns:
        for row, cell in column.odd:
            bad.setdefault(row, f"holds {short(cell)} in {called(column)} where a number should be")
        for row in np.flatnonzero(_missing(column.values)).tolist():
            bad.setdefault(row, f"has no {'word' if column.kind == 'text' else 'number'} in {called(column)}")
        if column.values.dtype.kind == "f":
            for row in np.flatnonzero(np.isinf(column.values)).tolist():
                bad.setdefault(row, f"has an infinite number in {called(column)}")
    if not bad:
        return None
    n, items = len(columns[0].values), [f"{where(row)} {bad[row]}" for row in sorted(bad)]
    if not options.leave_out:
        if len(items) == 1:
            raise CanLeaveOut(f"{_upper(items[0])}; correct it, or leave the row out.", items)
        more = f"; and {len(items) - MOST_SHOWN} more" if len(items) > MOST_SHOWN else ""
        raise CanLeaveOut(
            f"{len(items)} of {n} rows cannot be used ({'; '.join(items[:MOST_SHOWN])}{more}); correct them, or leave "
            "these rows out.",
            items,
        )
    notes.add(ROWS, f"{len(items)} of {n} rows were left out: {'; '.join(items[:MOST_SHOWN])} …", warning=True)
    keep = np.ones(n, bool)
    keep[sorted(bad)] = False
    return keep


def _the(column: Column, called: Callable[[Column], str]) -> str:
    return f"the column {column.name}" if column.name else called(column)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _missing(values: Array) -> Bools:
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([value is None for value in values]) if values.dtype.kind == "O" else np.zeros(len(values), bool)


def _matrix(columns: list[Column], keep: Bools | None) -> Array:
    """Side by side (n, d): bytes where these are the pixels of pictures, and float64 otherwise."""
    pixels = len(columns) > MAX_DIMENSIONS and all(column.values.dtype == np.uint8 for column in columns)
    pixels = pixels and max(int(column.values.max()) for column in columns) > 16
    n = len(columns[0].values) if keep is None else int(keep.sum())
    x = np.empty((n, len(columns)), np.uint8 if pixels else np.float64)
    for i, column in enumerate(columns):
        x[:, i] = column.values if keep is None else column.values[keep]
    return x


def _say_used(columns: list[Column], x: Floats, notes: Notes, called: Callable[[Column], str]) -> None:
    names = [called(column) for column in columns]
    notes.add(COLUMNS, f"Used as coordinates: {', '.join(names)}.")
    if len(x) > 1 and (same := [name for name, values in zip(names, x.T) if (values == values[0]).all()]):
        if len(same) < len(names):
            notes.add(COLUMNS, f"The same value in every row: {listed(same)}.", warning=True)
