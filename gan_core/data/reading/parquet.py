"""Tables of .parquet, by pyarrow; also the pictures that such a table may hold (`image` with bytes, as Hugging Face
saves them)."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from gan_core.data.reading import labels as labelling
from gan_core.data.reading.columns import Column, contents_of, text_column
from gan_core.data.reading.contents import Contents, Limits, PictureFile, ReadOptions
from gan_core.data.reading.notes import COLUMNS, PICTURES, Notes
from gan_core.data.reading.text_tables import MAX_COLUMNS, arrow_values
from gan_core.data.safe_archives import megabytes, readable
from gan_core.data.sample_checks import MAX_FILE_ROWS, check_columns
from gan_core.records import DatasetError

_PIXELS = ("bytes", "png", "jpg")


def read_parquet(data: bytes, limits: Limits, options: ReadOptions, notes: Notes) -> Contents:
    """The samples of a table, or its pictures. Raises DatasetError before more is unpacked than `limits` allow."""
    import pyarrow as pa
    from pyarrow import parquet, types

    with readable("The table", "save it again as .parquet or .csv"):
        file = parquet.ParquetFile(pa.BufferReader(data))
        about, schema = file.metadata, file.schema_arrow
        size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if size > limits.unpacked:
            raise DatasetError(
                f"The table unpacks to {megabytes(size)}, over {megabytes(limits.unpacked)}; give fewer rows."
            )
        if about.num_rows > MAX_FILE_ROWS:
            raise DatasetError(f"There are {about.num_rows} rows; give at most {MAX_FILE_ROWS}.")
        if len(schema.names) > MAX_COLUMNS:
            check_columns(len(schema.names))
        table = file.read(use_threads=False)
    names = _huggingface_names(schema)
    columns = [_column_of(table, name) for name in table.column_names if name not in _index_of_pandas(schema)]
    image = next((f.name for f in schema if _holds_pictures(f.type, types)), None)
    if image is None:
        return _named(contents_of(columns, options, notes, lambda row: f"row {row + 1}", ".parquet"), names, notes)
    return _pictures(table, image, options, notes, names)


def _column_of(table: Any, name: str) -> Column:
    """A column of a table of pyarrow."""
    values = arrow_values(table.column(name))
    if values.dtype.kind == "O":
        return text_column(name, values.tolist())
    if values.dtype.kind == "M":
        import pyarrow.types as types

        return Column(name, values, "date" if types.is_temporal(table.column(name).type) else "other")
    if values.dtype.kind == "f" and np.isnan(values).all():
        return Column(name, values, "empty")
    return Column(name, values, "switch" if values.dtype.kind == "b" else "number")


def _index_of_pandas(schema: Any) -> set[str]:
    """The columns that pandas keeps its index in."""
    with suppress(KeyError, TypeError, ValueError):
        found = json.loads(schema.metadata[b"pandas"])["index_columns"]
        return {name for name in found if isinstance(name, str) and name.startswith("__index_level_")}
    return set()


def _huggingface_names(schema: Any) -> dict[str, list[str]]:
    """What the classes of a column are called, where the `datasets` library has written the file."""
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return {name: [str(n) for n in about["names"]] for name, about in features.items() if "names" in about}
    return {}


def _named(contents: Contents, names: dict[str, list[str]], notes: Notes) -> Contents:
    if contents.labels is None or contents.label not in names:
        return contents
    labels = labelling.named(contents.labels, names[contents.label], "the file's own description", notes)
    return Contents(contents.samples, labels, contents.columns, None, contents.choices, contents.label)


def _holds_pictures(kind: Any, types: Any) -> bool:
    if types.is_struct(kind):
        return any(
            kind.field(i).name in _PIXELS and types.is_binary(kind.field(i).type) for i in range(kind.num_fields)
        )
    return types.is_binary(kind) or types.is_large_binary(kind)


def _pictures(table: Any, image: str, options: ReadOptions, notes: Notes, names: dict[str, list[str]]) -> Contents:
    column = table.column(image)
    pictures = [PictureFile(f"row {i + 1}", partial(_bytes_of, column, i)) for i in range(len(column))]
    others = [name for name in table.column_names if name != image]
    notes.add(PICTURES, f"The pictures are those of the column {image}.")
    wanted = options.label if options.label is not None else next((n for n in labelling.NAMES if n in others), None)
    wanted = wanted or (next((n for n in others if n in names), "") if options.label is None else "")
    if wanted and wanted not in others:
        raise DatasetError(f"There is no column {wanted!r} for the labels; the columns are {labelling.listed(others)}.")
    labels = None
    if wanted:
        labels = labelling.classes(table.column(wanted).to_pylist(), f"the column {wanted}", notes)
        if labels is not None and wanted in names:
            labels = labelling.named(labels, names[wanted], "the file's own description", notes)
    if rest := [name for name in others if name != wanted]:
        notes.add(COLUMNS, f"Left out: {labelling.listed(rest)}.")
    return Contents(pictures, labels, choices=tuple(others), label=wanted if labels else "")


def _bytes_of(column: Any, i: int) -> bytes:
    value = column[i].as_py()
    if isinstance(value, dict):
        value = next((value[key] for key in _PIXELS if value.get(key)), None)
    return value or b""
