"""Tables as text (.csv, .tsv, .txt) -> columns, by pyarrow. Refuses while it reads.

The lines are looked at first, piece by piece: too many of them, lines without end and rows of another width are refused
at the place where they become that, before any cell is made an object.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_core.arrays import Array
from gan_core.data.reading.columns import Column, contents_of, text_column
from gan_core.data.reading.contents import Contents, Progress, ReadOptions
from gan_core.data.reading.notes import COLUMNS, FILES, Notes
from gan_core.data.sample_checks import MAX_FILE_ROWS, MIN_ROWS, SIZES, check_columns, fits_width
from gan_core.records import DatasetError

MAX_COLUMNS = SIZES[-1] ** 2 + 2
"""Columns of a table: those of the largest grey image, a label and the numbers of the rows."""
MAX_ROW_CHARACTERS = 2**17
"""Characters of one row: 128 for each of so many columns."""
MAX_LINES = MAX_FILE_ROWS + 200_000
"""Lines: some may be blank, and a text in quotes may have several."""
PIECE, PIECE_ROWS = 2**22, 50_000
"""Characters, and rows, that are made columns at once."""
BLANKS = ["", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-NaN", "-nan", "NULL", "null", "#N/A", "None"]
"""What stands for a missing value, as pandas writes and reads it."""
_FIRST = 50
"""Rows from which the form of a table is found out."""


@dataclass(frozen=True)
class Form:
    """How a table is written: what stands between cells (" " for any white space), the decimal sign, the names of the
    columns (none without a header), and how many columns there are."""

    delimiter: str
    decimal: str
    header: tuple[str, ...]
    width: int


def read_text_table(data: bytes, ending: str, options: ReadOptions, notes: Notes, progress: Progress) -> Contents:
    """The samples of a table, with the labels where a column has them. Raises DatasetError."""
    lines = _Lines(data, _encoding(data, ending, notes), ending)
    rows = lines.rows()
    first: list[str] = []
    for row in rows:
        first.append(row)
        if len(first) == _FIRST:
            break
    form = _form(first, lines, notes, ending)
    if form.header and not lines.header_in_comment:
        del first[0]
        lines.starts.pop(0)
    parts: list[list[Array]] = []
    for piece in _pieces(first, rows):
        _check_rows_of(piece, form, lines, sum(len(part[0]) for part in parts))
        parts.append(_parsed(piece, form))
        progress(min(1.0, lines.read / len(data)))
    if not parts:
        raise DatasetError(f"The {ending} is empty (no row of numbers); give at least {MIN_ROWS} rows.")
    columns = [_joined(form.header[i] if form.header else "", [part[i] for part in parts]) for i in range(form.width)]
    starts = lines.starts
    return contents_of(columns, options, notes, lambda row: f"line {starts[row]}", ending)


# ---------------------------------------------------------------- lines


def _encoding(data: bytes, ending: str, notes: Notes) -> str:
    """How the text is written: UTF-8, UTF-16 with its mark, or the Western European of old Windows programs."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        notes.add(FILES, "The text is UTF-16, as Excel writes it.")
        return "utf-16"
    decoder = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline="")
    try:
        while decoder.read(2**20):
            pass
    except UnicodeDecodeError as error:
        if re.search(rb"[\x00-\x08\x0e-\x1f]", data[: 2**16]):
            at = _first_bad_byte(data)
            raise DatasetError(
                f"The {ending} is no UTF-8 text (see byte {error.start if at is None else at}); save it as CSV UTF-8."
            ) from None
        notes.add(FILES, "The text is no UTF-8 and was read as Windows-1252: look at the names.", warning=True)
        return "cp1252"
    return "utf-8-sig"


def _first_bad_byte(data: bytes) -> int | None:
    try:
        data[: 2**20].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return None


class _Lines:
    """The rows of a text, each with the lines that belong to it. Raises DatasetError for too many, or one too long.

    `starts` has the number of the line in which each row begins.
    """

    def __init__(self, data: bytes, encoding: str, ending: str):
        self._text = io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace", newline="")
        self._ending, self._per_character = ending, 2 if encoding == "utf-16" else 1
        self.starts = array("q")
        self.read = 0
        self.comment = ""
        self.header_in_comment = False

    def rows(self) -> Iterator[str]:
        number, row, characters = 0, "", 0
        parts: list[str] = []
        odd_quotes = False
        while line := self._text.readline(MAX_ROW_CHARACTERS + 1):
            number += 1
            if number > MAX_LINES:
                raise DatasetError(f"The {self._ending} has over {MAX_LINES} lines; give at most {MAX_FILE_ROWS} rows.")
            self.read += len(line) * self._per_character
            characters += 0 if line.isspace() else len(line)
            if characters > MAX_ROW_CHARACTERS:
                raise DatasetError(
                    f"A row of the {self._ending} has over {MAX_ROW_CHARACTERS:,} characters; give one row for each "
                    f"sample, with at most {MAX_COLUMNS} columns."
                )
            if not parts:
                if line.isspace():
                    characters = 0
                    continue
                if line[0] == "#" and not self.starts:  # as numpy.savetxt begins a file
                    self.comment, characters = line[1:].strip() or self.comment, 0
                    continue
                if len(self.starts) > MAX_FILE_ROWS:
                    raise DatasetError(f"There are over {MAX_FILE_ROWS} rows; give at most {MAX_FILE_ROWS}.")
                self.starts.append(number)
            odd_quotes ^= line.count('"') % 2 == 1
            parts.append(line)
            if not odd_quotes:
                row = parts[0] if len(parts) == 1 else "".join(parts)
                yield row
                parts, characters = [], 0
        if parts:  # a quotation without an end
            raise DatasetError(
                f"Line {self.starts[-1]} opens a quotation that does not end; close it, or remove the quotation mark."
            )


def _cells(row: str, delimiter: str) -> list[str]:
    row = row.rstrip("\r\n")
    if delimiter == " ":
        return row.split()
    if '"' not in row:
        return row.split(delimiter)
    return next(csv.reader(io.StringIO(row, newline=""), delimiter=delimiter), [])


def _width(row: str, delimiter: str) -> int:
    if delimiter == " ":
        return len(row.split())
    return row.count(delimiter) + 1 if '"' not in row else len(_cells(row, delimiter))


# ---------------------------------------------------------------- form

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*")
_WITH_POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")


def _form(first: list[str], lines: _Lines, notes: Notes, ending: str) -> Form:
    """How a table is written, by its first rows."""
    if not first:
        return Form(",", ".", (), 0)
    delimiter = _delimiter(first, ending)
    cells = [_cells(row, delimiter) for row in first]
    decimal = "."
    if delimiter != ",":
        flat = [cell for row in cells for cell in row]
        if any(map(_DECIMAL_COMMA.fullmatch, flat)) and not any(map(_WITH_POINT.fullmatch, flat)):
            decimal = ","
            notes.add(COLUMNS, "Numbers are written with a decimal comma: 1,5 was read as 1.5.")
    header = _header(cells, decimal, notes)
    if not header and lines.comment:
        names = _cells(lines.comment, delimiter if delimiter in lines.comment else " ")
        if len(names) == len(cells[0]) and not any(_is_number(name, ".") for name in names):
            header, lines.header_in_comment = tuple(name.strip() for name in names), True
    width = len(header) or len(cells[0])
    body = cells[1:] if header and not lines.header_in_comment else cells
    if header and body and len(body[0]) == len(header) + 1:  # R's write.table names no column for the row names
        header, width = ("", *header), width + 1
    if body and len(body[0]) == width:
        numeric = sum(not cell.strip() or _is_number(cell, decimal) for cell in body[0])
        if numeric == width and not any(fits_width(width - other) for other in (0, 1, 2)):
            check_columns(width)
    if width > MAX_COLUMNS:
        check_columns(width)
    return Form(delimiter, decimal, header, width)


def _delimiter(first: list[str], ending: str) -> str:
    """What stands between cells: the sign that every one of the first rows has, equally often."""
    if ending.startswith(".tsv") and "\t" in first[0]:
        return "\t"
    lines = first[:20]
    for sign in (";", "\t", ",", "|"):
        found = {_width(line, sign) for line in lines}
        if min(found) > 1 and (len(found) == 1 or sign in ",\t"):
            return sign
    counts = {sign: lines[0].count(sign) for sign in ",;\t|"}
    if any(counts.values()):
        return max(counts, key=lambda sign: counts[sign])
    return " " if len(lines[-1].split()) > 1 and '"' not in lines[-1] else ","


def _is_number(cell: str, decimal: str) -> bool:
    try:
        float(cell.replace(decimal, ".") if decimal != "." else cell)
    except ValueError:
        return False
    return True


def _header(cells: list[list[str]], decimal: str, notes: Notes) -> tuple[str, ...]:
    """The names in the first row, if it is no row of numbers."""
    names = [cell.strip() for cell in cells[0]]
    numeric = [not name or _is_number(name, decimal) for name in names]
    if all(numeric):
        counted = [str(i) for i in range(len(names))]
        after_blank = len(names) > 1 and not names[0] and names[1:] == counted[:-1]
        if (len(names) > 1 and names == counted) or after_blank:
            notes.add(COLUMNS, "The first line counts the columns (0, 1 …), so it was read as their names.")
            return ("",) * len(names) if after_blank else tuple(names)
        return () if any(names) else tuple(names)
    if len(cells) > 1 and any(numeric) and len(cells[1]) == len(names):
        below = [not cell.strip() or _is_number(cell, decimal) for cell in cells[1]]
        if below == numeric:  # numbers and words as in the rows below: no names
            return ()
    return tuple(names)


# ---------------------------------------------------------------- cells


def _pieces(first: list[str], rows: Iterator[str]) -> Iterator[list[str]]:
    piece, characters = list(first), sum(map(len, first))
    for row in rows:
        piece.append(row)
        characters += len(row)
        if characters > PIECE or len(piece) > PIECE_ROWS:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def _check_rows_of(piece: list[str], form: Form, lines: _Lines, before: int) -> None:
    """Raises DatasetError for a row of another width."""
    for i, row in enumerate(piece):
        if (width := _width(row, form.delimiter)) != form.width:
            line, first = lines.starts[before + i], "the header" if form.header else f"line {lines.starts[0]}"
            raise DatasetError(f"Line {line} has {width} columns, {first} has {form.width}; make them equal.")


def _parsed(rows: list[str], form: Form) -> list[Array]:
    """The columns of some rows: numbers, texts (object), or dates (datetime64)."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    delimiter = form.delimiter
    if delimiter == " ":
        delimiter, rows = "\t", ["\t".join(row.split()) + "\n" for row in rows]
    text = "".join(row if row[-1] in "\r\n" else row + "\n" for row in rows).encode("utf-8", "replace")
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(i) for i in range(form.width)],
                use_threads=False,
                block_size=max(2**16, len(text) + 1),
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                null_values=BLANKS, strings_can_be_null=True, decimal_point=form.decimal
            ),
        )
    except pa.ArrowInvalid as error:
        why = str(error).splitlines()[0]
        raise DatasetError(f"The table cannot be read ({why}); save it again as CSV.") from None
    return [arrow_values(column) for column in table.columns]


def arrow_values(column: Any) -> Array:
    """A column of pyarrow as an array: numbers with NaN for nulls, bytes where they are pixels, or objects."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        if column.null_count:
            return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        values = np.asarray(
            column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
        )
        if values.dtype.kind in "iu" and values.dtype != np.uint8 and len(values):
            if values.min() >= 0 and values.max() <= 255:  # an eighth of the memory, for tables of pixels
                return values.astype(np.uint8)
        return values
    if types.is_decimal(kind):
        return column.cast(pa.float64()).to_numpy()
    if types.is_temporal(kind):
        return np.full(len(column), np.datetime64("NaT"))
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)):
        return np.full(len(column), np.datetime64("NaT"))
    # Each different text is one object, however often it stands there.
    encoded = pa.chunked_array(column).combine_chunks().dictionary_encode()
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)
    texts = np.empty(len(encoded.dictionary) + 1, object)
    texts[:-1], texts[-1] = encoded.dictionary.to_pylist(), None
    return texts[encoded.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)]


def _joined(name: str, parts: Sequence[Array]) -> Column:
    """A column from its pieces, which may be of different kinds."""
    kinds = {part.dtype.kind for part in parts}
    if kinds == {"b"}:
        return Column(name, np.concatenate(parts), "switch")
    if kinds <= {"M"}:
        return Column(name, np.concatenate(parts), "date")
    if kinds & {"O", "M"} or "b" in kinds:
        texts: list[str | None] = []
        for part in parts:
            values = part.tolist()
            texts += [None if value is None or value != value else str(value) for value in values]
        return text_column(name, texts)
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    empty = values.dtype.kind == "f" and bool(np.isnan(values).all())
    return Column(name, values, "empty" if empty else "number")
