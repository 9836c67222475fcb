"""An archive of pictures, or an array of pixels -> images of one size. One picture at a time is decoded."""

from __future__ import annotations

import io
import math
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from gan_core.arrays import Array
from gan_core.data.safe_archives import open_zip, read_member, readable, short
from gan_core.data.sample_checks import MAX_SIDE, check_rows, check_side
from gan_core.data.tables import Labels, classes
from gan_core.records import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 500_000_000
"""Pixels of all source pictures together: some seconds of decoding. A few kilobytes of PNG can hold millions."""

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")
_ARCHIVES = (".zip", ".npz", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".7z", ".rar")
_PREVIEWS, _PREVIEW_SIDE = 8, 128
_STRIP = 256


def read_pictures(data: bytes, notes: list[str]) -> tuple[int, Iterator[Picture], Labels | None]:
    """How many pictures an archive holds, each of them as it is needed, and the labels that its folders give."""
    archive = open_zip(data)
    files = [(PurePosixPath(m.filename.replace("\\", "/")), m) for m in archive.infolist() if not m.is_dir()]
    all_files = len(files)
    files = [(p, m) for p, m in files if not any(part.startswith((".", "__MACOSX")) for part in p.parts)]
    if inner := next((p for p, _ in files if p.suffix.lower() in _ARCHIVES), None):
        raise DatasetError(f"The archive holds another archive, {short(str(inner))}; zip the pictures themselves.")
    pictures = [(p, m) for p, m in files if p.suffix.lower() in _PICTURES]
    if not pictures:
        hidden = f" ({all_files - len(files)} of them hidden)" if all_files > len(files) else ""
        raise DatasetError(
            f"The archive holds {all_files} files{hidden} but no pictures; zip .png, .jpg, .gif or .bmp files."
        )
    check_rows(len(pictures))
    if len(files) > len(pictures):
        notes.append(f"{len(files) - len(pictures)} files that are not pictures were left out.")
    folders = [p.parent.name for p, _ in pictures]
    labels = None
    if len(set(folders)) > 1:
        labels = classes([folder or "(no folder)" for folder in folders], "the folder names", notes)
    return len(pictures), _decoded(archive, [m for _, m in pictures]), labels


def _decoded(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Iterator[Picture]:
    from PIL import Image, ImageOps

    pixels = 0
    for member in members:
        data = read_member(archive, member)
        with readable(short(member.filename), "replace it by a .png, .jpg, .gif or .bmp picture or leave it out"):
            try:
                picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP"))  # reads the header only
            except Image.DecompressionBombError:
                raise DatasetError(f"A picture has far over {MAX_SIDE} pixels along a side; make it smaller.") from None
            check_side(*picture.size)
            if (pixels := pixels + math.prod(picture.size)) > MAX_PIXELS:
                raise DatasetError(f"The pictures have over {MAX_PIXELS} pixels together; make them smaller first.")
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            picture = _plain(picture)
        yield picture


def drawn(x: Array, scale: float) -> Iterator[Picture]:
    """The images of an array (n, h, w, c) as pictures; `scale` brings their values to 0..255."""
    from PIL import Image

    for row in x:
        pixels = np.clip(np.rint(row * scale), 0, 255).astype(np.uint8)
        yield _plain(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def _plain(picture: Picture) -> Picture:
    """Any Pillow picture as mode L or RGB: 16 bits become 8, what is transparent becomes white."""
    from PIL import Image

    if picture.mode.startswith("I"):
        return Image.fromarray(np.clip(np.asarray(picture) // 257, 0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        if layer.getchannel("A").getextrema() == (255, 255):  # nothing is transparent: half the time, half the memory
            return layer.convert("RGB")
        return _on_white(layer)
    return picture if picture.mode in ("L", "RGB") else picture.convert("L" if picture.mode == "1" else "RGB")


def _on_white(layer: Picture) -> Picture:
    """What an RGBA picture looks like on white paper, strip by strip: in one piece that takes twice the memory."""
    from PIL import Image

    width, height = layer.size
    flat = Image.new("RGB", layer.size)
    for top in range(0, height, _STRIP):
        strip = layer.crop((0, top, width, min(top + _STRIP, height)))
        flat.paste(Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip).convert("RGB"), (0, top))
    return flat


def pack(
    pictures: Iterable[Picture], n: int, size: int, colour: bool, notes: list[str]
) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """Images (n, size, size, channels), and some of the pictures before and after."""
    from PIL import Image

    mode, channels = ("RGB", 3) if colour else ("L", 1)
    x = np.empty((n, size, size, channels), np.uint8)
    shown = set(np.linspace(0, n - 1, min(n, _PREVIEWS)).astype(int).tolist())
    originals: list[Array] = []
    converted: list[Array] = []
    done: Counter[str] = Counter()
    for i, picture in enumerate(pictures):
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = picture if width == height else picture.crop((left, top, left + side, top + side))
        small = square.convert(mode).resize((size, size), Image.Resampling.LANCZOS)
        x[i] = np.asarray(small).reshape(size, size, channels)
        done["cropped to their central square"] += width != height
        done["turned to grey"] += mode == "L" and picture.mode != "L"
        done["copied from grey into three colour channels"] += mode == "RGB" and picture.mode == "L"
        done[f"resized to {size} x {size} pixels"] += side != size
        if i in shown:
            picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
            originals.append(np.asarray(picture.convert("RGB")))
            converted.append(np.asarray(small.convert("RGB")))
    notes += [f"{count} of {n} pictures were {what}." for what, count in done.items() if count]
    return x, tuple(originals), tuple(converted)
