"""Untrusted files -> bytes and arrays: nothing is unpickled, unpacked beyond a limit, or written to disk."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from gan_core.arrays import Array
from gan_core.records import DatasetError

MAX_DECOMPRESSED_BYTES = 200 * 2**20
"""What an archive may unpack to; checked before a byte is unpacked, and held to while reading."""
PIECE = 2**18
"""Bytes that are unpacked at once."""
MAX_MEMBERS = 100_000
"""Files in an archive: in 20 MB there is room for 400,000 names, and each becomes an object of half a kilobyte."""
MAX_NAME = 1000
"""Characters of a file's name with its folders."""
_DIRECTORY_ENTRY = b"PK\x01\x02"


def read_npz(data: bytes, limit: int = MAX_DECOMPRESSED_BYTES) -> dict[str, Array]:
    """Every array of an .npz by its name, read-only; at most `limit` bytes decompressed. Raises DatasetError."""
    archive = open_zip(data, limit)
    members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
    if not members:
        raise no_arrays()
    return {m.filename.removesuffix(".npy"): read_npy(archive, m) for m in members}


def no_arrays() -> DatasetError:
    """The error for an archive in which there is no array."""
    return DatasetError("The .npz holds no arrays; save it with numpy.savez(file, x=samples, y=labels).")


def parse_npy(data: bytes) -> Array:
    """The array of an .npy file: real numbers or text, not empty, read-only. Raises DatasetError; never unpickles."""
    stream = io.BytesIO(data)
    with readable("The array", "save it again with numpy.save or numpy.savez"):
        header = _read_header(stream, len(data))
        flat = np.frombuffer(data, header.dtype, offset=stream.tell())
        return flat.reshape(header.shape, order="F" if header.fortran else "C")


@dataclass(frozen=True)
class NpyHeader:
    """What an .npy file says of its array; `fortran`: the first axis varies fastest."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


@contextmanager
def open_npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[tuple[NpyHeader, Iterator[bytes]]]:
    """The header of an array in an archive, and its bytes in pieces. Raises DatasetError, also inside the block."""
    with readable(short(member.filename), "save it again with numpy.savez"), archive.open(member) as stream:
        yield _read_header(stream, member.file_size), iter(lambda: stream.read(PIECE), b"")


def read_npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """An array of an archive, as `parse_npy` gives it, in no more memory than it has bytes. Raises DatasetError."""
    with open_npy(archive, member) as (header, pieces):
        flat = np.empty(math.prod(header.shape), header.dtype)
        room, at = flat.view(np.uint8), 0
        for piece in pieces:
            room[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
        flat.flags.writeable = False
        return flat.reshape(header.shape, order="F" if header.fortran else "C")


def _read_header(stream: IO[bytes], length: int) -> NpyHeader:
    """The header of an .npy file of `length` bytes, once it is certain that the array is what it says."""
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = headers[np.lib.format.read_magic(stream)](stream)
    if dtype.hasobject:
        raise DatasetError("The array holds Python objects (pickled), which are never opened; save plain numbers.")
    if dtype.kind not in "biufU":
        raise DatasetError(f"The array has type {dtype}; save plain real numbers.")
    # A header of 100 bytes may claim terabytes, so nothing is allocated before the bytes are known to be there.
    promised, there = math.prod(shape) * dtype.itemsize, length - stream.tell()
    if promised != there:
        raise DatasetError(f"The array should have {promised} bytes but {there} follow its header; save it again.")
    if not promised:
        raise DatasetError(f"The array is empty (shape {shape}); save rows of numbers.")
    return NpyHeader(shape, fortran, dtype)


def open_zip(data: bytes, limit: int = MAX_DECOMPRESSED_BYTES) -> zipfile.ZipFile:
    """An archive whose every member is safe to read by `read_member`: `limit` bytes in all. Raises DatasetError."""
    if (found := data.count(_DIRECTORY_ENTRY)) > MAX_MEMBERS:  # before zipfile makes an object of each
        raise DatasetError(f"The archive holds {found} files; give at most {MAX_MEMBERS}.")
    with readable("The archive", "zip it again, without a password, and upload the new copy"):
        archive = zipfile.ZipFile(io.BytesIO(data))
    members = archive.infolist()
    if (total := sum(m.file_size for m in members)) > limit:
        raise DatasetError(f"The archive would unpack to {megabytes(total)}, over {megabytes(limit)}; give fewer rows.")
    for member in members:
        path = member.filename.replace("\\", "/")
        if len(path) > MAX_NAME:
            raise DatasetError(f"{short(path)} has a name of {len(path)} characters; give at most {MAX_NAME}.")
        if re.match(r"/|[A-Za-z]:", path) or ".." in path.split("/"):
            raise DatasetError(f"The archive names {short(path)}, outside itself; zip the plain folder again.")
        if member.flag_bits & 1:
            raise DatasetError(f"{short(path)} has a password; zip it without one.")
        # bz2 and lzma can ask for gigabytes before the first byte comes out.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(f"{short(path)} is packed by method {member.compress_type}; zip it with deflate.")
    return archive


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """What the member unpacks to, never more than its header says. Raises DatasetError."""
    with readable(short(member.filename), "zip it again and upload the new copy"):
        with archive.open(member) as stream:
            # In pieces: a plain read() inflates everything first, however small the header says it is.
            # Pieces end at the header's size, and a header that lied then fails its checksum.
            return b"".join(iter(lambda: stream.read(PIECE), b""))


@contextmanager
def readable(what: str, remedy: str) -> Iterator[None]:
    """Turns whatever a decoder raises into one DatasetError: `what` is damaged; `remedy`.

    On damaged bytes decoders raise a dozen different exceptions, which all mean the same to a person. A lack of memory
    means something else.
    """
    try:
        yield
    except (DatasetError, MemoryError):
        raise
    except Exception as error:
        raise DatasetError(f"{what} is damaged or mislabelled ({type(error).__name__}); {remedy}.") from error


def megabytes(n: int) -> str:
    """A number of bytes for a message."""
    return f"{n / 2**20:.1f} MB"


def short(text: str) -> str:
    """A text from a file for a message: in quotes, cut after 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
