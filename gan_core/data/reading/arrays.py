"""Arrays of .npy and .npz -> samples as the file has them, with labels, and parts where it has those.

Knows the keys that people use: x and y, keras' x_train, y_train, x_test, y_test, MedMNIST's train_images, val_labels.
Nothing is unpickled, and the header of an array is looked at before it is unpacked.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.data import safe_archives
from gan_core.data.reading.contents import HOLDOUT, TEST, TRAIN, Contents, Labels, Limits, ReadOptions
from gan_core.data.reading.labels import MAX_CLASSES, NAMES, check_labels, classes, listed, look_like_classes, named
from gan_core.data.reading.notes import COLUMNS, FILES, LABELS, PARTS, Notes
from gan_core.data.safe_archives import no_arrays, open_zip, parse_npy
from gan_core.data.sample_checks import check_file_rows
from gan_core.records import DatasetError

_PARTS = {
    "train": TRAIN, "training": TRAIN, "val": HOLDOUT, "valid": HOLDOUT, "validation": HOLDOUT, "holdout": HOLDOUT,
    "test": TEST, "testing": TEST,
}  # fmt: skip
_SAMPLES = ("x", "images", "image", "imgs", "data", "samples", "features", "arr_0")
_CLASS_NAMES = ("class_names", "label_names", "target_names", "names")

Members = Mapping[str, zipfile.ZipInfo]


def read_npy(data: bytes) -> Contents:
    """The samples; an .npy has no labels."""
    return Contents(parse_npy(data))


def read_npz(data: bytes, limits: Limits, options: ReadOptions, notes: Notes) -> Contents:
    """The samples, and the labels under one of their names. What is not used is not unpacked."""
    archive = open_zip(data, limits.unpacked)
    members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
    if not members:
        raise no_arrays()
    if divided := _divided(members):
        return _read_divided(archive, members, divided, notes)
    named_axes = _coordinates(archive, members)
    if named_axes:
        x = np.stack([_read(archive, members[name]).astype(np.float64) for name in named_axes], axis=1)
        notes.add(COLUMNS, f"The arrays {listed(named_axes)} were read as the columns of one table.")
        return Contents(x, columns=tuple(named_axes))
    lower = {name.lower(): name for name in reversed(members)}
    key = _label_key(archive, members, lower, options)
    samples = _samples_key(members, lower, key)
    shape = _shape(archive, members[samples])
    check_file_rows(math.prod(shape[:1]))
    if key is not None:
        about = _shape(archive, members[key])
        if not about or (len(about) > 1 and math.prod(about[1:]) > MAX_CLASSES) or len(about) > 2:
            raise DatasetError(f"The labels {key} have shape {about}; give one label for each sample.")
        if shape:  # a single value is no row, and is refused as such
            check_labels(math.prod(about[:1]), math.prod(shape[:1]))
    x = _read(archive, members[samples])
    names = next((lower[name] for name in _CLASS_NAMES if name in lower and lower[name] not in (key, samples)), None)
    labels = None
    if key is not None and shape:
        labels = _labels(_read(archive, members[key]), f"the array {key}", notes)
        if labels is not None and names is not None and (texts := _texts(archive, members[names])) is not None:
            labels = named(labels, texts, f"the array {names}", notes)
    if rest := [name for name in members if name not in (key, samples, names)]:
        notes.add(FILES, f"The arrays {listed(rest)} were not used.", warning=True)
    choices = tuple(name for name in members if name != samples and _shape(archive, members[name])[:1] == shape[:1])
    return Contents(x, labels, choices=choices, label=key or "")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    return safe_archives.read_npy(archive, member)


def _shape(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, ...]:
    """What the header of an array says; nothing else of it is unpacked."""
    with safe_archives.open_npy(archive, member) as (header, _):
        return header.shape


def _label_key(archive: zipfile.ZipFile, members: Members, lower: dict[str, str], options: ReadOptions) -> str | None:
    """The array that holds the labels."""
    if options.label is not None:
        if options.label and options.label not in members:
            raise DatasetError(f"There is no array {options.label!r} for the labels; the file holds {listed(members)}.")
        return options.label or None
    if len(members) == 1:
        return None
    if (known := next((lower[name] for name in NAMES if name in lower), None)) is not None:
        return known
    if len(members) == 2 and {"arr_0", "arr_1"} == set(members):  # numpy.savez(file, samples, labels)
        first, second = (_shape(archive, members[name]) for name in ("arr_0", "arr_1"))
        if len(first) > 1 and first[:1] == second:
            return "arr_1"
    return None


def _samples_key(members: Members, lower: dict[str, str], key: str | None) -> str:
    left = [name for name in members if name != key]
    known = next((lower[name] for name in _SAMPLES if name in lower and lower[name] in left), None)
    if len(left) == 1:
        return left[0]
    if known is None or known == "arr_0":
        raise DatasetError(f"The .npz holds the arrays {listed(left)}; name the samples x and their labels y.")
    return known


def _coordinates(archive: zipfile.ZipFile, members: Members) -> list[str]:
    """The arrays (n,) of numbers that are the columns of one table, such as x and y; [] for anything else."""
    if len(members) < 2 or len(members) > 32:
        return []
    headers = []
    for member in members.values():
        with safe_archives.open_npy(archive, member) as (header, _):
            headers.append(header)
    if len({header.shape for header in headers}) > 1 or len(headers[0].shape) != 1:
        return []
    if any(header.dtype.kind not in "iuf" for header in headers):
        return []
    names = list(members)
    for name in names:
        if name.lower() in NAMES and look_like_classes(_read(archive, members[name])):
            return []
    return names


def _labels(y: Array, where: str, notes: Notes) -> Labels | None:
    """Labels (n,), (n, 1) or one-hot (n, k)."""
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = y.dtype.kind in "biuf" and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()
        if not one_hot:
            raise DatasetError(
                f"The labels {where.removeprefix('the array ')} have shape {y.shape}; give one label for each sample."
            )
        notes.add(LABELS, f"The {y.shape[1]} columns of {where} have a 1 at the class of each sample (one-hot).")
        y = y.argmax(axis=1)
    return classes(y.ravel().tolist(), where, notes)


def _texts(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> list[str] | None:
    found = _read(archive, member)
    return found.tolist() if found.dtype.kind == "U" and found.ndim == 1 else None


# ---------------------------------------------------------------- files that are divided already


def _divided(members: Members) -> dict[str, tuple[str, str | None]]:
    """{part: (samples, labels or None)} of a file that holds a train part and at least one other."""
    found: dict[str, dict[str, str]] = {}
    for name in members:
        words = name.lower().split("_")
        if len(words) != 2:
            continue
        part, what = words if words[0] in _PARTS else reversed(words)
        if part in _PARTS:
            role = "x" if what in _SAMPLES else "y" if what in NAMES else ""
            if role:
                found.setdefault(part, {})[role] = name
    pairs = {part: (about["x"], about.get("y")) for part, about in found.items() if "x" in about}
    numbers = [_PARTS[part] for part in pairs]
    return pairs if TRAIN in numbers and len(numbers) == len(set(numbers)) else {}


def _read_divided(
    archive: zipfile.ZipFile, members: Members, divided: dict[str, tuple[str, str | None]], notes: Notes
) -> Contents:
    rows = {part: _shape(archive, members[x])[:1] for part, (x, _) in divided.items()}
    check_file_rows(sum(n for shape in rows.values() for n in shape))
    have_labels = all(y is not None for _, y in divided.values())
    if have_labels:
        for part, (_, y) in divided.items():
            check_labels(math.prod(_shape(archive, members[y or ""])[:1]), math.prod(rows[part]))
    xs = [_read(archive, members[x]) for x, _ in divided.values()]
    if len({x.shape[1:] for x in xs}) > 1:
        shapes = ", ".join(f"{part} {x.shape}" for part, x in zip(divided, xs))
        raise DatasetError(f"The parts have samples of different shapes ({shapes}); make them alike.")
    parts = np.concatenate([np.full(len(x), _PARTS[part], np.int64) for part, x in zip(divided, xs)])
    labels = None
    if have_labels:
        ys = [_read(archive, members[y or ""]) for _, y in divided.values()]
        if len({y.shape[1:] for y in ys}) > 1:
            raise DatasetError("The labels of the parts have different shapes; give one label for each sample.")
        where = "the arrays " + ", ".join(str(y) for _, y in divided.values())
        labels = _labels(np.concatenate(ys), where, notes)
    used = {name for pair in divided.values() for name in pair if name}
    if rest := [name for name in members if name not in used]:
        notes.add(FILES, f"The arrays {listed(rest)} were not used.", warning=True)
    say_parts(parts, notes)
    return Contents(np.concatenate(xs) if len(xs) > 1 else xs[0], labels, parts=_several(parts))


def _several(parts: Ints) -> Ints | None:
    return parts if len(np.unique(parts)) > 1 else None


def say_parts(parts: Ints, notes: Notes) -> None:
    """Note how many samples a file has in each of its parts."""
    counts = {
        name: int((parts == part).sum()) for name, part in (("train", TRAIN), ("holdout", HOLDOUT), ("test", TEST))
    }
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    if len([count for count in counts.values() if count]) > 1:
        notes.add(PARTS, f"The file is divided already, and the parts were kept: {said}.")
