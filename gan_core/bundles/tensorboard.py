"""The curves of a run as an event file of TensorBoard, written by hand.

An event file is a row of records: its length, the length's checksum, an event in protocol buffers, the event's
checksum. Writing that takes this page of code; TensorBoard itself, or TensorFlow, would have to be loaded for it.
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.h and
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable

from gan_core.records import History


def event_file(history: History, time_of: Callable[[int], float]) -> bytes:
    """The bytes of the event file of all curves: for every step one event with a scalar (float32) for each curve.

    `time_of(step)` is the time of a step in seconds since 1970.
    """
    values: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for name, (steps, curve) in sorted(history.curves.items()):
        for step, value in zip(steps.tolist(), curve.tolist()):
            values[int(step)].append((name, value))
    first = min(values, default=0)
    records = [_event(time_of(first), 0, _text(3, "brain.Event:2"))]
    for step in sorted(values):
        summary = b"".join(_message(1, _text(1, name) + _float(2, value)) for name, value in values[step])
        records.append(_event(time_of(step), step, _message(5, summary)))
    return b"".join(map(_record, records))


# ---------------------------------------------------------------- protocol buffers


def _event(time: float, step: int, what: bytes) -> bytes:
    return b"\x09" + struct.pack("<d", time) + b"\x10" + _varint(step) + what


def _message(field: int, data: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _float(field: int, value: float) -> bytes:
    return bytes([field << 3 | 5]) + struct.pack("<f", _as_float32(value))


def _as_float32(value: float) -> float:
    """What is beyond float32 is infinite there."""
    return float("inf") * (1 if value > 0 else -1) if abs(value) > 3.4028234e38 else value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


# ---------------------------------------------------------------- records


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    """CRC-32C (RFC 3720), rotated and shifted, so that a checksum of what holds checksums is a good one, too."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _table() -> tuple[int, ...]:
    table: list[int] = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()
