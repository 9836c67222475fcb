"""Scalars from TensorBoard's event files, read without TensorFlow and without TensorBoard.

An event file is a row of records, each with its length before it. A record is a protocol buffer `Event`, of which three
fields matter here: 2 the step, 5 the summary, and in it field 1 the values. PyTorch writes a scalar as field 2 of a
value (`simple_value`), TensorFlow 2 and Keras as a tensor, field 8.

Sources: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and tensor.proto,
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core.records import DatasetError

MOST_BYTES = 500 * 2**20
"""Of all event files of a folder."""
_FLOAT, _DOUBLE = 1, 2
"""Types of a tensor."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of a field."""


def read_event_files(folder: Path) -> dict[str, dict[int, float]]:
    """{tag: {step: value}} of every scalar in the event files below a folder; the last value of a step counts.

    A file that is still written, or was cut, is read as far as it goes. Raises DatasetError for a folder without event
    files, and for files that are too large or hold something else.
    """
    files = sorted(folder.rglob("*tfevents*")) if folder.is_dir() else []
    if not files:
        raise DatasetError(f"{folder} holds no event files of TensorBoard (*tfevents*); name the folder of the log")
    if (size := sum(file.stat().st_size for file in files)) > MOST_BYTES:
        raise DatasetError(f"the event files have {size / 2**20:,.0f} MB; at most {MOST_BYTES / 2**20:,.0f} are read")
    found: dict[str, dict[int, float]] = {}
    for file in files:
        run = str(file.parent.relative_to(folder))
        try:
            for step, tag, value in _scalars(file.read_bytes()):
                found.setdefault(tag if run == "." else f"{run}/{tag}", {})[step] = value
        except OSError as error:
            raise DatasetError(f"{file} cannot be read: {error.strerror or error}") from None
        except (ValueError, IndexError, struct.error, UnicodeError) as error:
            raise DatasetError(f"{file} is no event file of TensorBoard ({error})") from None
    return found


def _scalars(data: bytes) -> Iterator[tuple[int, str, float]]:
    place = 0
    while place + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        start, place = place + 12, place + 12 + length + 4
        if place > len(data):
            return
        event = dict[int, Any]()
        for number, value in _fields(data[start : start + length]):
            event[number] = value
        summary = event.get(5)
        for number, value in _fields(summary) if isinstance(summary, bytes) else ():
            if number == 1 and isinstance(value, bytes):
                fields: dict[int, Any] = dict(_fields(value))
                scalar, tag = _scalar(fields), fields.get(1)
                if scalar is not None and isinstance(tag, bytes):
                    yield _signed(event.get(2, 0)), tag.decode(), scalar


def _scalar(value: dict[int, Any]) -> float | None:
    """What a value of a summary is, if it is one number."""
    if isinstance(simple := value.get(2), bytes) and len(simple) == 4:
        return struct.unpack("<f", simple)[0]
    if not isinstance(value.get(8), bytes):
        return None
    tensor: dict[int, Any] = dict(_fields(value[8]))
    form, width = {_FLOAT: ("<f", 4), _DOUBLE: ("<d", 8)}.get(tensor.get(1, 0), ("", 0))
    given = tensor.get(4) or tensor.get(5 if width == 4 else 6)
    return struct.unpack(form, given)[0] if width and isinstance(given, bytes) and len(given) == width else None


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer: number and value, an int for a varint, else its bytes."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(data, place)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"a field has the unknown type {wire}")
        if place + length > len(data):
            raise ValueError("a field is longer than its record")
        yield number, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place
    raise ValueError("a number has no end")


def _signed(value: Any) -> int:
    return int(value) - 2**64 if int(value) >= 2**63 else int(value)
