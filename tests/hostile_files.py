"""Files that somebody may choose to harm a server: each at most 20 MB, and each would take it much memory or time."""

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, PngImagePlugin

from gan_core.data.sample_checks import MAX_SIDE

MB = 2**20


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def encoded(picture: Image.Image, kind: str = "PNG", **how) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **how)
    return stream.getvalue()


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


@functools.cache
def small_pictures() -> dict[str, bytes]:
    """Three hundred pictures that may be used."""
    rows = np.random.default_rng(0).integers(0, 256, (300, 8, 8), dtype=np.uint8)
    return {f"{i:03}.png": encoded(Image.fromarray(row)) for i, row in enumerate(rows)}


@functools.cache
def large_picture(mode: str = "RGBA", interlaced: bool = False) -> bytes:
    """16 million pixels in some 70 kilobytes."""
    if not interlaced:
        return encoded(Image.new(mode, (MAX_SIDE, MAX_SIDE)), compress_level=9)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    n, rows = MAX_SIDE, 0
    for x0, y0, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        rows += len(range(y0, n, dy)) * (1 + 4 * len(range(x0, n, dx)))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", n, n, 8, 6, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b"")


def with_text(bytes_of_text: int) -> bytes:
    """A small picture with a compressed text."""
    about = PngImagePlugin.PngInfo()
    about.add_text("Comment", "a" * bytes_of_text, zip=True)
    return encoded(Image.new("L", (8, 8)), pnginfo=about)


def directory(members: int, name: str) -> bytes:
    """An archive of so many empty files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for i in range(members):
            archive.writestr(zipfile.ZipInfo(f"{i}{name}"), b"")
    return stream.getvalue()


def labels(count: int) -> bytes:
    return npz(x=np.random.default_rng(0).standard_normal((300, 2)), y=np.zeros(count, np.int8))


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a line of five million cells": ("a.csv", lambda: b"1.5," * 5_000_000, "over 131,072 characters"),
    "a header of two million names": ("a.csv", lambda: b"name00000," * 2_000_000, "over 131,072 characters"),
    "nine million rows": ("a.csv", lambda: b"1\n" * 9_500_000, "over 2000000 rows"),
    "nine million rows of text": ("a.csv", lambda: b"label\n" + b"b\n" * 9_500_000, "over 2000000 rows"),
    "twenty million blank lines": ("a.csv", lambda: b"\n" * (20 * MB), "over 2200000 lines"),
    "lines that only return": ("a.csv", lambda: b"1\r" * 9_500_000, "over 2000000 rows"),
    "a quotation of 19 MB": ("a.csv", lambda: b'"' + b"1\n" * 9_500_000, "over 131,072 characters"),
    "a row of quotations": ("a.csv", lambda: b'"\n",' * 4_500_000, "over 131,072 characters"),
    "quotes": ("a.csv", lambda: b'"' * (20 * MB), "over 131,072 characters"),
    "zeros": ("a.csv", lambda: bytes(20 * MB), "over 131,072 characters"),
    "letters of four bytes": ("a.csv", lambda: "\U0001f600".encode() * (5 * MB), "over 131,072 characters"),
    "a thousand columns": ("a.csv", lambda: (b"1," * 999 + b"1\n") * 9_000, "1000 columns"),
    "large pictures": ("a.zip", lambda: zipped({f"{i}.png": large_picture() for i in range(29)}), "29 rows"),
    "far too many pixels": (
        "a.zip",
        lambda: zipped(small_pictures() | {f"z{i}.png": large_picture("1") for i in range(30)}),
        "over 500000000 pixels",
    ),
    "a bomb of text": (
        "a.zip",
        lambda: zipped(small_pictures() | {"z.png": with_text(190 * MB)}),
        "'z.png' is damaged",
    ),
    "very many files": ("a.zip", lambda: directory(150_000, ".png"), "holds 150000 files"),
    "very many arrays": ("a.npz", lambda: directory(150_000, ".npy"), "holds 150000 files"),
    "long names": ("a.zip", lambda: directory(290, "a/" * 7_500 + ".png"), "has a name of"),
    "a bomb": ("a.zip", lambda: zipped({"a.png": bytes(201 * MB)}), "would unpack to"),
    "sixty million labels": ("a.npz", lambda: labels(60_000_000), "60000000 labels for 300 samples"),
    "very many samples": ("a.npz", lambda: npz(x=np.zeros((90_000_000, 2), np.uint8)), "90000000 rows"),
    "large images": ("a.npz", lambda: npz(x=np.zeros((3, MAX_SIDE, MAX_SIDE, 4), np.uint8)), "3 rows"),
}  # fmt: skip
"""What is chosen, and what is said: after a second or two, and within 300 MB."""

SLOW: dict[str, tuple[str, Callable[[], bytes]]] = {
    "large pictures among small ones": (
        "a.zip",
        lambda: zipped(small_pictures() | {f"z{i}.png": large_picture() for i in range(29)}),
    ),
    "interlaced pictures": (
        "a.zip",
        lambda: zipped(small_pictures() | {f"z{i}.png": large_picture(interlaced=True) for i in range(29)}),
    ),
    "animations": (
        "a.zip",
        lambda: zipped(small_pictures() | {f"z{i}.gif": animation() for i in range(50)}),
    ),
}
"""What may be used, and takes long to read."""


@functools.cache
def animation() -> bytes:
    """A thousand frames, of which one is read."""
    frames = [Image.new("L", (64, 64), i % 256) for i in range(1000)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
