"""A person's own file -> samples: .npz, .npy, .csv, or a .zip of pictures, read in memory and never unpickled.

    upload = read_upload(data, "cats.zip", size=28)
    upload.notes        # ("500 pictures were cropped to their central square.", ...)

The bytes are not trusted: every size is checked before it is allocated, nothing is written to disk, and whatever is
wrong becomes one DatasetError that says what to do about it.
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.data.datasets import Dataset, dataset_from_bytes, dataset_to_bytes, disjoint, row_keys, split
from gan_core.data.safe_archives import megabytes, open_zip, parse_npy, read_member, read_npz, readable, short
from gan_core.records import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["Upload", "dataset_from_bytes", "dataset_from_upload", "dataset_to_bytes", "read_upload"]

MAX_UPLOAD_BYTES = 20 * 2**20
MAX_ROWS = 70_000
MIN_ROWS = 250
"""Different rows an upload needs: a fifth of them, 50, are the test part, and the metrics need so many."""
MAX_SIDE = 4096
"""Pixels along one side of one source picture."""
MAX_PIXELS = 500_000_000
"""Pixels of all source pictures together: some seconds of decoding. A few kilobytes of PNG can hold millions."""
MAX_DIMENSIONS = 32
"""Columns of a table that is read as points; more of them, in a square count, are grey images."""
COARSE = 1e-3
"""Steps between float32 numbers, as a share of a column's standard deviation, from which on a note warns."""
SIZES = range(8, 33)
"""Sides an image can be brought to."""
MAX_CLASSES = 100

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")
_ARCHIVES = (".zip", ".npz", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".7z", ".rar")
_LABELS = ("label", "labels", "class", "target", "y")
_PREVIEWS, _PREVIEW_SIDE = 8, 128


@dataclass(frozen=True, eq=False)
class Upload:
    """What a file held, in storage form: all rows of x, uint8 (n, h, w, c) or floats (n, d), differ; y int64 (n,).

    Points are float32 if that keeps every digit, and float64 otherwise.

    `notes` says in plain sentences what was done. `originals` and `converted` are the same up to 8 pictures
    before and after the conversion, uint8 (h, w, 3) each; both are empty for points.
    """

    x: Array
    y: Ints
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    notes: tuple[str, ...]
    originals: tuple[Array, ...] = ()
    converted: tuple[Array, ...] = ()


def read_upload(data: bytes, filename: str, *, size: int = 28, colour: bool = False) -> Upload:
    """Read a file by its extension; images become `size` x `size` pixels, grey unless `colour`.

    .npz: array x (or the only one) and labels y or labels. .npy: the samples. .csv: numeric columns, with a
    label column called label, class, target or y. .zip: pictures; sub-folders are labels. Arrays and tables of up to
    MAX_DIMENSIONS columns are points. Raises DatasetError for whatever cannot be used.
    """
    suffix = PurePosixPath(filename).suffix.lower()
    if suffix not in (".zip", *_READERS):
        raise DatasetError(f"{short(filename)} ends in {suffix or 'nothing'!r}; upload a .npz, .npy, .csv or .zip.")
    if size not in SIZES:
        raise DatasetError(f"The image size is {size}; choose {SIZES[0]} to {SIZES[-1]} pixels.")
    if not data:
        raise DatasetError(f"{short(filename)} is empty (0 bytes); save it again and upload the new copy.")
    if len(data) > MAX_UPLOAD_BYTES:
        raise DatasetError(f"The file has {megabytes(len(data))}; upload at most {megabytes(MAX_UPLOAD_BYTES)}.")

    notes: list[str] = []
    if suffix == ".zip":
        n, pictures, labels = _read_pictures(data, notes)
    else:
        samples, labels = _READERS[suffix](data, notes)
        samples = _arrange(samples, notes)
        if samples.ndim == 2:
            return _finish(_points(samples, notes), labels=labels, notes=notes)
        n, pictures = len(samples), _drawn(samples, _scale(samples, notes))
    return _finish(*_pack(pictures, n, size, colour, notes), labels=labels, notes=notes)


def dataset_from_upload(upload: Upload, name: str) -> Dataset:
    """An upload split 60/20/20 into train, holdout and test, each class in the same proportions."""
    return disjoint(name, split(upload.x, upload.y))


# ---------------------------------------------------------------- files -> arrays and labels

Table = tuple[Array, Ints | None]
"""Samples as the file has them, and their labels (n,), if there are any."""


def _read_npz(data: bytes, notes: list[str]) -> Table:
    arrays = read_npz(data)
    key = next((k for k in _LABELS if k in arrays), None)
    labels = arrays.pop(key) if key and len(arrays) > 1 else None
    if "x" not in arrays and len(arrays) != 1:
        raise DatasetError(f"The .npz holds the arrays {_listed(arrays)}; name the samples x and their labels y.")
    x = arrays.get("x", next(iter(arrays.values())))
    if labels is not None and (labels.ndim == 0 or math.prod(labels.shape[1:]) != 1):
        raise DatasetError(f"The labels {key} have shape {labels.shape}; give one label for each sample.")
    return x, None if labels is None else _classes(labels.ravel().tolist(), f"the array {key}", notes)


def _read_npy(data: bytes, notes: list[str]) -> Table:
    return parse_npy(data), None


def _read_csv(data: bytes, notes: list[str]) -> Table:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"The .csv is not text (byte {error.start} is not UTF-8); save it as CSV UTF-8.") from None
    delimiter = max(",;\t", key=text.lstrip().partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    values: array[float] = array("d")
    labels: list[str] = []
    header: list[str] = []
    width: int | None = None
    at: int | None = None  # the column of the labels
    try:
        for row in filter(None, rows):
            if width is None:
                width = len(row)
                if _numbers(row) is None:
                    header = [name.strip() for name in row]
                    names = [name.lower() for name in header]
                    known = [name for name in _LABELS if name in names and not (name == "y" and "x" in names)]
                    at = names.index(known[0]) if known else None  # y beside x is a coordinate
                    continue
            if len(row) != width:
                raise DatasetError(f"Line {rows.line_num} has {len(row)} columns, line 1 has {width}; make them equal.")
            if at is not None:
                labels.append(row.pop(at))
            numbers = _numbers(row)
            if numbers is None:
                wrong = next(cell for cell in row if _numbers([cell]) is None)
                raise DatasetError(
                    f"Line {rows.line_num} holds {short(wrong)} where a number should be; "
                    "write 1.5 for numbers, and put text only in a column called label."
                )
            values.extend(numbers)
    except csv.Error as error:
        raise DatasetError(f"Line {rows.line_num} is not CSV ({error}); save the table again as CSV.") from None
    columns = (width or 0) - (at is not None)
    if not values:
        raise DatasetError(f"The .csv is empty (no row of numbers); give at least {MIN_ROWS} rows.")
    x = np.frombuffer(values).reshape(-1, columns)
    if at is None:
        return x, None
    y = _classes(labels, f"the column {header[at]}", notes)
    if y is None and (numbers := _numbers(labels)) is not None:
        notes.append(f"The column {header[at]} was kept as a coordinate.")
        x = np.insert(x, at, numbers, axis=1)
    return x, y


def _numbers(cells: Sequence[Any]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None


def _classes(labels: list[Any], where: str, notes: list[str]) -> Ints | None:
    """Whole numbers stay what they are, text is numbered in alphabetical order; None if these are no classes."""
    numbers = _numbers(labels)
    if numbers is None:
        labels = [str(label).strip() for label in labels]
        names = sorted(set(labels))
        index = {name: i for i, name in enumerate(names)}
        y = np.array([index[label] for label in labels], dtype=np.int64)
    elif all(abs(v) < 2**53 and v == int(v) for v in numbers):
        y = np.array(numbers).astype(np.int64)
        names = [str(v) for v in np.unique(y)]
    else:
        notes.append(f"No labels were taken from {where}: it holds decimals, not classes.")
        return None
    if len(names) > MAX_CLASSES:
        notes.append(f"No labels were taken from {where}: {len(names)} values, at most {MAX_CLASSES} are classes.")
        return None
    notes.append(f"Labels were found in {where}, {len(names)} of them: {_listed(names)}.")
    return y


# ---------------------------------------------------------------- pictures


def _read_pictures(data: bytes, notes: list[str]) -> tuple[int, Iterator[Picture], Ints | None]:
    archive = open_zip(data)
    files = [(PurePosixPath(m.filename.replace("\\", "/")), m) for m in archive.infolist() if not m.is_dir()]
    files = [(p, m) for p, m in files if not any(part.startswith((".", "__MACOSX")) for part in p.parts)]
    if inner := next((p for p, _ in files if p.suffix.lower() in _ARCHIVES), None):
        raise DatasetError(f"The archive holds another archive, {short(str(inner))}; zip the pictures themselves.")
    pictures = [(p, m) for p, m in files if p.suffix.lower() in _PICTURES]
    if not pictures:
        raise DatasetError(f"The archive holds {len(files)} files but no pictures; zip .png, .jpg, .gif or .bmp files.")
    _check_rows(len(pictures))
    if len(files) > len(pictures):
        notes.append(f"{len(files) - len(pictures)} files that are not pictures were left out.")
    folders = [p.parent.name for p, _ in pictures]
    labels = None
    if len(set(folders)) > 1:
        labels = _classes([folder or "(no folder)" for folder in folders], "the folder names", notes)
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
            _check_side(*picture.size)
            if (pixels := pixels + math.prod(picture.size)) > MAX_PIXELS:
                raise DatasetError(f"The pictures have over {MAX_PIXELS} pixels together; make them smaller first.")
            picture = _plain(ImageOps.exif_transpose(picture))
        yield picture


def _drawn(x: Array, scale: float) -> Iterator[Picture]:
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
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture if picture.mode in ("L", "RGB") else picture.convert("L" if picture.mode == "1" else "RGB")


def _pack(
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
        small = picture.crop((left, top, left + side, top + side)).convert(mode)
        small = small.resize((size, size), Image.Resampling.LANCZOS)
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


# ---------------------------------------------------------------- checks on samples


def _arrange(x: Array, notes: list[str]) -> Array:
    """Samples as a file has them -> finite points (n, d) or images (n, h, w, c), values untouched."""
    if x.dtype.kind == "U" or not x.ndim:
        raise DatasetError(f"The samples are {'text' if x.ndim else 'one single value'}; save rows of numbers.")
    _check_rows(len(x))
    if x.ndim == 1:
        x = x[:, None]
    side = math.isqrt(x.shape[1])
    if x.ndim == 2 and x.shape[1] > MAX_DIMENSIONS:
        if side * side != x.shape[1] or side not in SIZES:
            raise DatasetError(
                f"The samples have {x.shape[1]} columns; give up to {MAX_DIMENSIONS} for points, "
                f"or a square count from {SIZES[0] ** 2} to {SIZES[-1] ** 2} for grey images."
            )
        notes.append(f"Each row of {x.shape[1]} numbers was read as a grey image of {side} x {side} pixels.")
        x = x.reshape(len(x), side, side)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim == 4 and x.shape[3] not in (1, 3, 4) and x.shape[1] in (1, 3, 4):
        notes.append("The colour channels came first and were moved last.")
        x = np.moveaxis(x, 1, 3)
    if x.ndim > 2 and (x.ndim != 4 or x.shape[3] not in (1, 3, 4)):
        raise DatasetError(f"The samples have shape {x.shape}; give (rows, columns), (n, h, w) or (n, h, w, 3).")
    if x.ndim == 4:
        _check_side(x.shape[2], x.shape[1])
    if x.dtype.kind == "f" and not (finite := np.isfinite(x)).all():
        if np.isnan(x).all():
            raise DatasetError(f"All {x.size} values are NaN (not a number); check how the file was made.")
        name = "NaN (not a number)" if np.isnan(x).any() else "infinite"
        raise DatasetError(f"{x.size - int(finite.sum())} of {x.size} values are {name}; remove or fill these rows.")
    return x


def _points(x: Array, notes: list[str]) -> Array:
    """The values in float32, or in float64 where float32 would lose digits."""
    exact = x.astype(np.float64) + 0.0  # -0 becomes 0: one point, one bit pattern
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    if not np.isfinite(rounded).all():
        raise DatasetError(f"The largest value is {np.abs(x).max():g}, beyond float32; rescale the data to about 1.")
    if (rounded == exact).all():
        return rounded
    if (rounded == rounded[0]).all() and (exact != exact[0]).any():
        raise DatasetError(
            f"In float32, which a generator works in, all {len(x)} rows are the same; subtract each column's mean and "
            "rescale the data to about 1."
        )
    step, spread = np.spacing(np.abs(rounded).max(axis=0)), np.maximum(exact.std(axis=0), np.finfo(np.float64).tiny)
    coarseness = np.where(np.ptp(exact, axis=0) > 0, step / spread, 0)
    if coarseness[worst := int(coarseness.argmax())] > COARSE:
        notes.append(
            f"Column {worst + 1} varies by {spread[worst]:.2g}, but a generator works in float32, whose neighbouring "
            f"numbers are {step[worst]:.2g} apart there: its samples will be coarser than your data, and distances "
            "show it. Subtract each column's mean and upload the data again."
        )
    return exact


def _scale(x: Array, notes: list[str]) -> float:
    """What pixel values are multiplied by to lie in 0..255."""
    low, high = float(x.min()), float(x.max())
    top = next((top for top in (1, 16, 255) if high <= top * (1 + 1e-6)), None)
    if low < 0 or top is None:
        raise DatasetError(f"The pixels run from {low:g} to {high:g}; give values in 0..1, 0..16 or 0..255.")
    notes.append(f"Pixel values were read as 0..{top}" + (" and scaled to 0..255." if top < 255 else "."))
    return 255 / top


def _check_rows(n: int) -> None:
    if n > MAX_ROWS:
        raise DatasetError(f"There are {n} rows; give at most {MAX_ROWS}.")


def _check_side(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE:
        raise DatasetError(f"A picture has {width} x {height} pixels; give at most {MAX_SIDE} along a side.")


def _finish(
    x: Array,
    originals: tuple[Array, ...] = (),
    converted: tuple[Array, ...] = (),
    *,
    labels: Ints | None,
    notes: list[str],
) -> Upload:
    n = len(x)
    if labels is not None and len(labels) != n:
        raise DatasetError(f"There are {len(labels)} labels for {n} samples; give one label for each sample.")
    if n > 1 and (x == x[0]).all():
        raise DatasetError(f"All {n} rows are the same; a generator needs samples that differ.")
    first = {key: i for i, key in reversed(list(enumerate(row_keys(x))))}
    keep = np.sort(np.fromiter(first.values(), np.int64))
    if len(keep) < MIN_ROWS:
        raise DatasetError(
            f"There are {len(keep)} different rows; give at least {MIN_ROWS}, "
            "so that the test part has enough to measure."
        )
    if len(keep) < n:
        notes.append(f"{n - len(keep)} of {n} rows were dropped as exact duplicates.")
    if labels is None:
        notes.append("Without labels every row counts as class 0.")
    y = np.zeros(n, np.int64) if labels is None else labels
    kind = "image" if x.ndim == 4 else "points"
    return Upload(x[keep], y[keep], kind, x.shape[1:], tuple(notes), originals, converted)


# ---------------------------------------------------------------- messages


def _listed(names: Iterable[str]) -> str:
    names = [name if len(name) <= 30 else name[:27] + "..." for name in names]
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


_READERS = {".npz": _read_npz, ".npy": _read_npy, ".csv": _read_csv}
