"""Sheets of .xlsx, by openpyxl, row by row."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from typing import Any

import numpy as np

from gan_core.data.reading.columns import Column, contents_of, text_column
from gan_core.data.reading.contents import Contents, Limits, Progress, ReadOptions
from gan_core.data.reading.labels import listed, numbers
from gan_core.data.reading.notes import COLUMNS, FILES, Notes
from gan_core.data.reading.text_tables import BLANKS, MAX_COLUMNS
from gan_core.data.safe_archives import open_zip, readable, short
from gan_core.data.sample_checks import MAX_FILE_ROWS, MIN_ROWS, check_columns
from gan_core.records import DatasetError


def read_excel(data: bytes, limits: Limits, options: ReadOptions, notes: Notes, progress: Progress) -> Contents:
    """The samples of the first sheet that holds anything. Raises DatasetError."""
    open_zip(data, limits.unpacked)  # a sheet is an archive, whose sizes are checked before anything is unpacked
    with readable("The workbook", "save it again as .xlsx or .csv"):
        import openpyxl

        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            rows, starts = _rows(sheet, progress)
            if rows:
                break
        else:
            raise DatasetError(f"The workbook is empty; give at least {MIN_ROWS} rows.")
    others = [other.title for other in book.worksheets if other.title != sheet.title]
    if others:
        notes.add(FILES, f"The sheet {short(sheet.title)} was read, and not: {listed(others)}.", warning=True)
    width = max(map(len, rows))
    rows = [[*row, *[None] * (width - len(row))] for row in rows]
    header: list[str] = []
    if any(isinstance(cell, str) and numbers([cell]) is None for cell in rows[0]) and not _alike(rows):
        header = ["" if cell is None else str(cell).strip() for cell in rows.pop(0)]
        starts.pop(0)
    elif width > 1 and [cell for cell in rows[0] if cell is not None] == list(
        range(sum(c is not None for c in rows[0]))
    ):
        notes.add(COLUMNS, "The first row counts the columns (0, 1 …), so it was read as their names.")
        header = ["" if cell is None else str(cell) for cell in rows.pop(0)]
        starts.pop(0)
    if not rows:
        raise DatasetError(f"The .xlsx is empty (no row of numbers); give at least {MIN_ROWS} rows.")
    columns = [_column(header[i] if header else "", [row[i] for row in rows]) for i in range(width)]
    return contents_of(columns, options, notes, lambda row: f"row {starts[row]}", ".xlsx")


def _rows(sheet: Any, progress: Progress) -> tuple[list[list[Any]], list[int]]:
    """The rows that hold anything, without blank cells at their ends, and their numbers."""
    rows: list[list[Any]] = []
    starts: list[int] = []
    blank = 0
    promised = max(1, sheet.max_row or 1)
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS + 1), 1):
        cells = list(row)
        while cells and (cells[-1] is None or cells[-1] == ""):
            cells.pop()
        if not cells:
            if (blank := blank + 1) > MAX_FILE_ROWS:
                break
            continue
        if len(cells) > MAX_COLUMNS:
            check_columns(len(cells))
        if len(rows) >= MAX_FILE_ROWS:
            raise DatasetError(f"There are over {MAX_FILE_ROWS} rows; give at most {MAX_FILE_ROWS}.")
        rows.append(cells)
        starts.append(number)
        if not number % 1000:
            progress(min(1.0, number / promised))
    return rows, starts


def _alike(rows: list[list[Any]]) -> bool:
    """Whether the first row has numbers and words where the second one has them, so that it is no row of names."""
    if len(rows) < 2:
        return False
    kinds = [[isinstance(cell, str) and numbers([cell]) is None for cell in row] for row in rows[:2]]
    return kinds[0] == kinds[1] and not all(kinds[0])


def _column(name: str, cells: list[Any]) -> Column:
    cells = [None if cell is None or (isinstance(cell, str) and cell.strip() in BLANKS) else cell for cell in cells]
    filled = [cell for cell in cells if cell is not None]
    if not filled:
        return Column(name, np.full(len(cells), np.nan), "empty")
    if all(isinstance(cell, bool) for cell in filled) and len(filled) == len(cells):
        return Column(name, np.array(cells, bool), "switch")
    if all(isinstance(cell, (int, float)) for cell in filled):
        values = np.array([np.nan if cell is None else float(cell) for cell in cells])
        if (
            len(filled) == len(cells)
            and values.min() >= 0
            and values.max() <= 255
            and (values == np.floor(values)).all()
        ):
            values = values.astype(np.uint8)
        return Column(name, values, "number")
    if all(isinstance(cell, (datetime, date, time)) for cell in filled):
        return Column(name, np.full(len(cells), np.nan), "date")
    return text_column(name, [None if cell is None else str(cell) for cell in cells])
