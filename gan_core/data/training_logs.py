"""What a training has left in files: a table of metrics, and a folder with samples of some steps.

    read_metrics(Path("log.csv"))                # {"loss_g": {0: 1.3, 100: 0.9}}, by its column `step`
    for step, file in sample_files(Path("samples")): read_samples(file, (28, 28, 1))

A file of samples is an array (.npy, .npz), a picture with all samples in rows and columns, or a folder of pictures.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
from PIL import Image

from gan_core.arrays import Array
from gan_core.data.measured_files import read_array
from gan_core.records import DatasetError

STEP_COLUMNS = ("step", "steps", "global_step", "iteration", "iter", "epoch")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
MOST_ROWS = 1_000_000
MOST_PICTURES = 10_000
MOST_SIDE = 8192
"""Pixels along a side of a picture with all samples of a step."""
PADDINGS = (0, 2, 1)
"""Pixels between the samples in such a picture, and around them; torchvision leaves 2."""
_NUMBER = re.compile(r"\d+")


def read_metrics(file: Path) -> dict[str, dict[int, float]]:
    """{column: {step: value}} of a CSV file with a header; the first of STEP_COLUMNS in it says the step.

    Cells without a finite number are left out, and so are columns without any. Raises DatasetError.
    """
    found: dict[str, dict[int, float]] = {}
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            names = {name.strip().lower(): name for name in reversed(rows.fieldnames or [])}
            steps = next((names[name] for name in STEP_COLUMNS if name in names), None)
            if steps is None:
                raise DatasetError(f"{file} has no column called {', '.join(STEP_COLUMNS)}; name the steps of its rows")
            for number, row in enumerate(rows):
                if number >= MOST_ROWS:
                    raise DatasetError(f"{file} has more than {MOST_ROWS:,} rows; keep fewer")
                step = _number(row.get(steps))
                if step is None or step != int(step) or step < 0:
                    where = f"{row.get(steps)!r} in row {number + 2}"
                    raise DatasetError(f"{file} has the step {where}; give whole numbers from 0 on")
                for name in rows.fieldnames or []:
                    if name != steps and (value := _number(row.get(name))) is not None:
                        found.setdefault(name.strip(), {})[int(step)] = value
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}") from None
    except (UnicodeError, csv.Error) as error:
        raise DatasetError(f"{file} is no table in UTF-8 ({error})") from None
    return found


def sample_files(folder: Path) -> list[tuple[int, Path]]:
    """(step, file or folder) of the samples in a folder, by step: the last number in each name is its step.

    Raises DatasetError where there are none, and for two of one step.
    """
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        numbers = _NUMBER.findall(path.stem)
        if not numbers or not (path.is_dir() or path.suffix.lower() in (".npy", ".npz", *PICTURES)):
            continue
        step = int(numbers[-1])
        if step in found:
            raise DatasetError(f"{path.name} and {found[step].name} are both of step {step:,}; keep one of them")
        found[step] = path
    if not found:
        raise DatasetError(f"{folder} holds no samples like step_000100.npz, step_000100.png or a folder step_000100")
    return sorted(found.items())


def read_samples(path: Path, shape: tuple[int, ...]) -> Array:
    """The samples of a step; of pictures uint8 (n, *shape), of arrays as `read_array` has them. Raises DatasetError."""
    if path.is_file() and path.suffix.lower() not in PICTURES:
        return read_array(path)
    if len(shape) != 3:
        raise DatasetError(f"{path.name} holds pictures and the real samples are points; give .npy or .npz")
    if path.is_file():
        return _cut(_pixels(path, shape[2]), shape, path)
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
    if not files or len(files) > MOST_PICTURES:
        raise DatasetError(f"{path} holds {len(files):,} pictures; give 1 to {MOST_PICTURES:,}")
    pictures = [_pixels(file, shape[2]) for file in files]
    if wrong := [file.name for file, x in zip(files, pictures) if x.shape != shape]:
        by = " × ".join(map(str, shape))
        raise DatasetError(f"{wrong[0]} has not the {by} pixels of the real samples; resize it")
    return np.stack(pictures)


def _pixels(file: Path, channels: int) -> Array:
    try:
        with Image.open(file) as picture:
            if max(picture.size) > MOST_SIDE:
                raise DatasetError(f"{file} has {max(picture.size):,} pixels along a side; give at most {MOST_SIDE:,}")
            return np.asarray(picture.convert("L" if channels == 1 else "RGB")).reshape(*picture.size[::-1], channels)
    except DatasetError:
        raise
    except Exception as error:  # decoders raise a dozen kinds on damaged bytes, and all of them mean one thing
        raise DatasetError(f"{file} is no picture that can be read ({type(error).__name__})") from None


def _cut(x: Array, shape: tuple[int, ...], path: Path) -> Array:
    """The samples of a picture that holds them in rows and columns, without empty places at its end."""
    h, w, c = shape
    for padding in PADDINGS:
        rows, columns = (x.shape[0] - padding) / (h + padding), (x.shape[1] - padding) / (w + padding)
        if rows >= 1 and columns >= 1 and rows == int(rows) and columns == int(columns):
            inner = x[padding:, padding:].reshape(int(rows), h + padding, int(columns), w + padding, c)
            tiles = inner.swapaxes(1, 2)[:, :, :h, :w].reshape(-1, h, w, c)
            used = np.flatnonzero((tiles != tiles[:, :1, :1]).any(axis=(1, 2, 3)))
            return tiles[: used[-1] + 1] if len(used) else tiles
    raise DatasetError(f"{path.name} has {x.shape[1]} × {x.shape[0]} pixels, which are no rows of {w} × {h} each")


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
