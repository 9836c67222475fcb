"""Pictures -> images of one size. One picture at a time is decoded; what is broken is found in all of them.

Some things are decided over all pictures, when the first one asks for it: the scale of pictures of more than eight
bits, and the ground below what is transparent.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_core.arrays import Array, Bools
from gan_core.data.pixel_range import PixelRange, pixel_range
from gan_core.data.reading.contents import CanLeaveOut, PictureFile, Progress
from gan_core.data.reading.notes import BROKEN, PICTURES, TRANSPARENCY, Notes
from gan_core.data.safe_archives import short
from gan_core.data.sample_checks import MAX_SIDE, check_side
from gan_core.records import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 500_000_000
"""Pixels of all source pictures together: some seconds of decoding. A few kilobytes of PNG can hold millions."""
MOST_LOOKED_AT, PIXELS_LOOKED_AT = 200, 50_000_000
"""Transparent pictures, and their pixels, from which the ground below them is decided."""
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_PREVIEWS, _PREVIEW_SIDE = 8, 128
_STRIP = 256
_REMEDY = "replace it by a .png, .jpg, .gif or .bmp picture or leave it out"


@dataclass(frozen=True)
class _Style:
    """How the pictures of one file are drawn: the scale of those of many bits, and the ground of transparent ones."""

    scale: PixelRange | None
    ground: str


class Decoder:
    """Decodes pictures one after the other, `for place, picture in decoder`, and then says which ones were broken."""

    def __init__(self, pictures: Sequence[PictureFile], notes: Notes, *, leave_out: bool = False):
        self._pictures, self._notes, self._leave_out = pictures, notes, leave_out
        self._style: _Style | None = None
        self._transparent = 0
        self._broken: dict[int, str] = {}
        self._pixels = 0

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[tuple[int, Picture]]:
        self._pixels = 0
        for place, file in enumerate(self._pictures):
            try:
                picture = self._decoded(file)
            except CanLeaveOut as error:
                self._broken[place] = str(error)
                continue
            yield place, picture

    def whole(self) -> Bools | None:
        """Which pictures (n,) could be decoded, once all have been tried; None for all of them.

        Raises CanLeaveOut where some could not, unless they are to be left out.
        """
        if self._transparent and self._style:
            self._notes.add(
                TRANSPARENCY,
                f"{self._transparent} of {len(self)} pictures are transparent and were drawn on {self._style.ground}"
                + (", since white hides all of them." if self._style.ground == "black" else "."),
                warning=self._style.ground == "black",
            )
        if not self._broken:
            return None
        items = [self._pictures[place].name for place in self._broken]
        if not self._leave_out:
            if len(items) == 1:
                raise CanLeaveOut(next(iter(self._broken.values())), items)
            shown = ", ".join(map(short, items[:3])) + (f" and {len(items) - 3} more" if len(items) > 3 else "")
            raise CanLeaveOut(
                f"{len(items)} of {len(self)} pictures are damaged or mislabelled: {shown}; replace them, or leave "
                "them out.",
                items,
            )
        shown = ", ".join(items[:10]) + (", ..." if len(items) > 10 else "")
        self._notes.add(BROKEN, f"{len(items)} of {len(self)} pictures were left out: {shown}.", warning=True)
        keep = np.ones(len(self), bool)
        keep[list(self._broken)] = False
        return keep

    def _decoded(self, file: PictureFile) -> Picture:
        from PIL import ImageOps

        with _sound(file):
            picture = _opened(file)
            if (pixels := self._pixels + math.prod(picture.size)) > MAX_PIXELS:
                raise DatasetError(f"The pictures have over {MAX_PIXELS} pixels together; make them smaller first.")
            self._pixels = pixels
            if picture.format == "TIFF" and getattr(picture, "n_frames", 1) > 1:
                self._notes.add(PICTURES, "Of pictures with several pages the first one was read.", warning=True)
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            if _is_deep(picture) or picture.has_transparency_data:
                if self._style is None:
                    self._style = _style_of(self._pictures, self._notes)
                if _is_deep(picture):
                    return _shallow(picture, self._style.scale)
                self._transparent += 1
                return _on_ground(picture, self._style.ground)
            return picture if picture.mode in ("L", "RGB") else picture.convert("L" if picture.mode == "1" else "RGB")


@contextmanager
def _sound(file: PictureFile) -> Iterator[None]:
    """Whatever a decoder raises becomes one error, which says that this picture can be left out."""
    try:
        yield
    except (DatasetError, MemoryError):
        raise
    except Exception as error:
        what = short(file.name)
        why = f"{what} is damaged or mislabelled ({type(error).__name__}); {_REMEDY}."
        raise CanLeaveOut(why, [file.name]) from error


def _opened(file: PictureFile) -> Picture:
    """A picture of which only the header has been read."""
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(file.read()), formats=_FORMATS)
    except Image.DecompressionBombError:
        raise DatasetError(f"A picture has far over {MAX_SIDE} pixels along a side; make it smaller.") from None
    check_side(*picture.size)
    return picture


# ---------------------------------------------------------------- what is decided over all pictures


def _style_of(pictures: Sequence[PictureFile], notes: Notes) -> _Style:
    """Look at all pictures of many bits, and at some of the transparent ones."""
    low, high, whole, deep, all_pixels = math.inf, -math.inf, True, 0, 0
    looked, pixels, seen, on_black = 0, 0, False, 0
    for file in pictures:
        try:
            with _sound(file):
                picture = _opened(file)
                if (all_pixels := all_pixels + math.prod(picture.size)) > MAX_PIXELS:
                    break  # said when it is decoded
                if _is_deep(picture):
                    values = np.asarray(picture)
                    low, high, deep = min(low, float(values.min())), max(high, float(values.max())), deep + 1
                    whole = whole and (values.dtype.kind in "iu" or bool((values == np.floor(values)).all()))
                elif picture.has_transparency_data and not seen and looked < MOST_LOOKED_AT:
                    if (pixels := pixels + math.prod(picture.size)) > PIXELS_LOOKED_AT:
                        looked = MOST_LOOKED_AT
                        continue
                    looked += 1
                    seen = _is_seen_on(picture, "white")
                    on_black += not seen and _is_seen_on(picture, "black")
        except CanLeaveOut:  # said when it is decoded
            continue
    scale = pixel_range(low, high, whole, notes) if deep else None
    return _Style(scale, "black" if on_black and not seen else "white")


def _is_seen_on(picture: Picture, ground: str) -> bool:
    """Whether anything of a transparent picture can be seen on a ground."""
    extrema = _on_ground(picture, ground).convert("L").getextrema()
    return extrema[0] != extrema[1]


def _is_deep(picture: Picture) -> bool:
    return picture.mode.startswith("I") or picture.mode == "F"


def _shallow(picture: Picture, scale: PixelRange | None) -> Picture:
    """A picture of more than eight bits in eight."""
    from PIL import Image

    values = np.asarray(picture)
    if scale is None or (scale.black, scale.white) == (0, 65535):
        return Image.fromarray(np.clip(values // 257, 0, 255).astype(np.uint8))
    return Image.fromarray(scale.to_bytes(values.astype(np.float64)))


def _on_ground(picture: Picture, ground: str) -> Picture:
    """What a picture looks like on white or black, strip by strip: in one piece that takes twice the memory."""
    from PIL import Image

    layer = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):  # nothing is transparent: half the time, half the memory
        return layer.convert("RGB")
    width, height = layer.size
    flat = Image.new("RGB", layer.size)
    for top in range(0, height, _STRIP):
        strip = layer.crop((0, top, width, min(top + _STRIP, height)))
        flat.paste(Image.alpha_composite(Image.new("RGBA", strip.size, ground), strip).convert("RGB"), (0, top))
    return flat


# ---------------------------------------------------------------- images of one size


def drawn(x: Array, scale: PixelRange) -> Iterator[tuple[int, Picture]]:
    """The images of an array (n, h, w, c) as pictures, with their places."""
    from PIL import Image

    for place, row in enumerate(x):
        pixels = scale.to_bytes(row)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        yield place, _on_ground(picture, "white") if picture.mode == "RGBA" else picture


def pack(
    pictures: Iterable[tuple[int, Picture]], n: int, size: int, colour: bool, notes: Notes, progress: Progress
) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """Images (n, size, size, channels), and some of the pictures before and after. What does not come stays black."""
    from PIL import Image

    mode, channels = ("RGB", 3) if colour else ("L", 1)
    x = np.zeros((n, size, size, channels), np.uint8)
    shown = set(np.linspace(0, n - 1, min(n, _PREVIEWS)).astype(int).tolist())
    originals: list[Array] = []
    converted: list[Array] = []
    done: Counter[str] = Counter()
    for i, picture in pictures:
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
        if not i % 64:
            progress(i / n)
    for what, count in done.items():
        if count:
            notes.add(PICTURES, f"{count} of {n} pictures were {what}.")
    return x, tuple(originals), tuple(converted)
