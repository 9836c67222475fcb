"""A file's bytes, from memory or from the disk, unpacked where they are packed by gzip."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

from gan_core.data.safe_archives import PIECE, megabytes, readable
from gan_core.records import DatasetError


@dataclass(frozen=True)
class Source:
    """A file's name, which says how it is read, and where its bytes are."""

    name: str
    place: Path | bytes = field(repr=False)

    def bytes(self) -> bytes:
        """All of the file as it is. Raises DatasetError where it cannot be read."""
        if isinstance(self.place, bytes):
            return self.place
        try:
            return self.place.read_bytes()
        except OSError as error:
            raise DatasetError(f"{self.name} cannot be read: {error.strerror or error}.") from None


def gunzipped(data: bytes, limit: int) -> bytes:
    """What a file packed by gzip holds. Raises DatasetError for more than `limit` bytes, before they are unpacked."""
    pieces: list[bytes] = []
    total = 0
    with readable("The file", "pack it again with gzip"):
        while data:  # a file may have several members, one after the other
            unpacker = zlib.decompressobj(wbits=31)
            while not unpacker.eof:
                piece = unpacker.decompress(data, PIECE)
                data = unpacker.unconsumed_tail
                total += len(piece)
                if total > limit:
                    raise DatasetError(f"The file unpacks to over {megabytes(limit)}; give fewer rows.")
                pieces.append(piece)
                if not piece and not data:
                    raise EOFError
            data = unpacker.unused_data.lstrip(b"\0")
    return b"".join(pieces)
