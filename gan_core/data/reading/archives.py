"""Archives (.zip) and folders -> the one table in them, IDX files that belong together, or pictures with their labels.

a.zip: cats/1.png dogs/2.png           labels from the folders
       train/cats/1.png test/...       and the parts as they are given
       00000/img00000001.png + dataset.json   StyleGAN's shards are no labels; dataset.json has them
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.data.reading.arrays import say_parts
from gan_core.data.reading.contents import HOLDOUT, TEST, TRAIN, Contents, Labels, Limits, PictureFile
from gan_core.data.reading.endings import IDX, ending_of, is_picture
from gan_core.data.reading.idx import parse_idx
from gan_core.data.reading.labels import check_labels, classes, listed
from gan_core.data.reading.notes import FILES, LABELS, PICTURES, Notes
from gan_core.data.reading.source import gunzipped
from gan_core.data.safe_archives import MAX_MEMBERS, open_zip, read_member, short
from gan_core.data.sample_checks import check_file_rows
from gan_core.records import DatasetError

_ARCHIVES = (".zip", ".tgz", ".bz2", ".xz", ".tar", ".7z", ".rar", ".gz")
_PARTS = {
    "train": TRAIN, "training": TRAIN, "val": HOLDOUT, "valid": HOLDOUT, "validation": HOLDOUT, "holdout": HOLDOUT,
    "test": TEST, "testing": TEST,
}  # fmt: skip
_STRAY = 10
"""Pictures beside the folders up to which they are left out, or one in a hundred."""


@dataclass(frozen=True)
class Member:
    """A file of an archive or a folder: its place in there, and how its bytes are had."""

    path: PurePosixPath
    read: Callable[[], bytes] = field(repr=False)

    @property
    def name(self) -> str:
        """The place as text."""
        return str(self.path)


def members_of_zip(data: bytes, limits: Limits) -> list[Member]:
    """The files of an archive, which are unpacked one by one. Raises DatasetError for one that is not safe to open."""
    archive = open_zip(data, limits.unpacked)
    files = [m for m in archive.infolist() if not m.is_dir()]
    return [Member(PurePosixPath(m.filename.replace("\\", "/")), partial(read_member, archive, m)) for m in files]


def members_of_folder(folder: Path) -> list[Member]:
    """The files below a folder, in the order of their names. Raises DatasetError for more than are read."""
    found: list[Path] = []
    for path in folder.rglob("*"):
        if path.is_file():
            found.append(path)
            if len(found) > 10 * MAX_MEMBERS:
                raise DatasetError(f"The folder {folder} holds over {10 * MAX_MEMBERS} files; give fewer.")
    found.sort()
    return [Member(PurePosixPath(p.relative_to(folder).as_posix()), partial(_bytes_of, p)) for p in found]


def zip_of_folder(folder: Path) -> bytes:
    """A folder as one archive, which is the same for the same files whenever it is made."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for member in members_of_folder(folder):
            archive.writestr(zipfile.ZipInfo(member.name), member.read())
    return stream.getvalue()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}.") from None


def read_members(
    members: Sequence[Member], notes: Notes, limits: Limits, read_one: Callable[[Member], Contents], what: str
) -> Contents:
    """What a .zip or a folder holds. `read_one` reads a single table in it, `what` is "archive" or "folder"."""
    seen = [m for m in members if not any(part.startswith((".", "__MACOSX")) for part in m.path.parts)]
    seen = [m for m in seen if m.path.name.lower() not in ("thumbs.db", "desktop.ini")]
    pictures = [m for m in seen if is_picture(m.name)]
    if not pictures:
        if idx := [m for m in seen if _is_idx(m)]:
            return _read_idx_files(idx, notes, limits)
        tables = [m for m in seen if ending_of(m.name) not in ("", ".zip")]
        if len(tables) == 1:
            notes.add(FILES, f"The {what} holds one table, {tables[0].path.name}.")
            return read_one(tables[0])
        if len(tables) > 1:
            names = listed(m.name for m in tables)
            raise DatasetError(f"The {what} holds {len(tables)} tables ({names}); give one of them.")
    if inner := next((m for m in seen if m.path.suffix.lower() in _ARCHIVES and not _is_idx(m)), None):
        raise DatasetError(f"The {what} holds another archive, {short(inner.name)}; zip the pictures themselves.")
    if not pictures:
        hidden = f" ({len(members) - len(seen)} of them hidden)" if len(members) > len(seen) else ""
        raise DatasetError(
            f"The {what} holds {len(members)} files{hidden} but no pictures; give .png, .jpg, .gif, .bmp, .webp, .tif "
            "or .pgm files."
        )
    check_file_rows(len(pictures))
    described = next((m for m in seen if m.path.name == "dataset.json"), None)
    others = [m for m in seen if not is_picture(m.name) and m is not described]
    if others:
        names = listed(m.name for m in others)
        notes.add(FILES, f"{len(others)} files that are not pictures were left out: {names}.")
    pictures, labels, parts = _labelled(pictures, described, notes)
    return Contents([PictureFile(m.name, m.read) for m in pictures], labels, parts=parts)


# ---------------------------------------------------------------- labels of pictures


def _labelled(
    pictures: list[Member], described: Member | None, notes: Notes
) -> tuple[list[Member], Labels | None, Ints | None]:
    """The pictures that are used, their labels, and their parts."""
    parts = _parts(pictures)
    if parts is not None:
        say_parts(parts, notes)
    if described is not None and (found := _described(pictures, described, notes)) is not None:
        return pictures, found, parts
    if _shards(pictures):
        notes.add(LABELS, "The folders only divide the pictures into thousands, so they are no labels.")
        return pictures, None, parts
    folders = [_class_folder(m) for m in pictures]
    if len(set(folders)) > 1 and "" in folders:
        beside = [m for m, folder in zip(pictures, folders) if not folder]
        if len(beside) <= max(_STRAY, len(pictures) // 100):
            names = listed(m.name for m in beside)
            notes.add(
                PICTURES,
                f"{len(beside)} pictures beside the folders, which give the labels, were left out: {names}.",
                warning=True,
            )
            stays = [bool(folder) for folder in folders]
            pictures = [m for m, keep in zip(pictures, stays) if keep]
            parts = None if parts is None else parts[np.array(stays)]
            folders = [folder for folder in folders if folder]
    if len(set(folders)) < 2:
        return pictures, None, parts
    return pictures, _folder_labels(folders, notes), parts


def _folder_labels(folders: list[str], notes: Notes) -> Labels | None:
    """Digits stay what they are; pictures without a folder are the last class."""
    if "" not in folders:
        return classes(list(folders), "the folder names", notes)
    last = "(no folder)"
    found = classes([folder or last for folder in folders], "the folder names", notes)
    if found is None or not found.names:
        return found
    at = found.names.index(last)
    order = [i for i in range(len(found.names)) if i != at] + [at]
    places = np.argsort(order)
    return Labels(places[found.y].astype(np.int64), tuple(found.names[i] for i in order))


def _class_folder(member: Member) -> str:
    """The folder that a picture lies in, unless it is that of a part."""
    name = member.path.parent.name
    return "" if name.lower() in _PARTS else name


def _parts(pictures: list[Member]) -> Ints | None:
    """The parts, where every picture lies below a folder of one, and there are at least two."""
    found: list[int] = []
    for member in pictures:
        part = next((_PARTS[p.lower()] for p in member.path.parts[:-1] if p.lower() in _PARTS), None)
        if part is None:
            return None
        found.append(part)
    parts = np.array(found, np.int64)
    return parts if TRAIN in found and len(set(found)) > 1 else None


def _described(pictures: list[Member], described: Member, notes: Notes) -> Labels | None:
    """The labels of StyleGAN's dataset.json: {"labels": [["00000/img00000000.png", 6], ...]}."""
    try:
        rows = json.loads(described.read())["labels"]
        if not rows:
            return None
        root = described.path.parent
        known = {str(root / PurePosixPath(str(name))): label for name, label in rows}
    except (ValueError, KeyError, TypeError, RecursionError):
        notes.add(LABELS, "dataset.json could not be read as a list of labels.", warning=True)
        return None
    found = [known.get(m.name) for m in pictures]
    if any(label is None for label in found):
        missing = sum(label is None for label in found)
        notes.add(LABELS, f"dataset.json has no label for {missing} of {len(found)} pictures.", warning=True)
        return None
    if all(isinstance(label, list) for label in found):
        found = [_hot(label) for label in found]
    if any(not isinstance(label, (int, float, str)) for label in found):
        notes.add(LABELS, "The labels of dataset.json are no single numbers or words.", warning=True)
        return None
    return classes(found, "dataset.json", notes)


def _hot(label: object) -> int | None:
    """The place of the only 1 in a list."""
    return label.index(1) if isinstance(label, list) and label.count(1) == 1 else None


def _shards(pictures: list[Member]) -> bool:
    """Whether folders hold a thousand pictures each, by their numbers: 00000/img00000123.png."""
    folders = {m.path.parent.name for m in pictures}
    if not all(re.fullmatch(r"\d{5}", folder) for folder in folders):
        return False
    for member in pictures:
        number = re.search(r"(\d+)$", member.path.stem)
        if number is None or int(number[1]) // 1000 != int(member.path.parent.name):
            return False
    return True


# ---------------------------------------------------------------- IDX files that belong together


def _is_idx(member: Member) -> bool:
    ending = ending_of(member.name)
    return ending.removesuffix(".gz") in IDX


def _read_idx_files(members: list[Member], notes: Notes, limits: Limits) -> Contents:
    """The images and labels of one part, or of train and test: train-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte."""
    arrays: dict[str, dict[str, Array]] = {}
    for member in members:
        data = member.read()
        array = parse_idx(gunzipped(data, limits.unpacked) if member.name.lower().endswith(".gz") else data)
        name = member.path.name.lower()
        part = "test" if name.startswith(("t10k", "test")) or "-t10k" in name or "-test" in name else "train"
        role = "labels" if array.ndim == 1 else "images"
        if role in arrays.setdefault(part, {}):
            raise DatasetError(f"The {part} part has two files of {role}; give one of them.")
        arrays[part][role] = array
    arrays = {part: found for part, found in arrays.items() if "images" in found}
    if not arrays:
        raise DatasetError("The IDX files hold labels only; add the one of the images.")
    if len({found["images"].shape[1:] for found in arrays.values()}) > 1:
        raise DatasetError("The IDX files hold images of different shapes; give those of one data set.")
    x = np.concatenate([found["images"] for found in arrays.values()])
    check_file_rows(len(x))
    labels = None
    if all("labels" in found for found in arrays.values()):
        for found in arrays.values():
            check_labels(len(found["labels"]), len(found["images"]))
        y = np.concatenate([found["labels"] for found in arrays.values()])
        labels = classes(y.tolist(), "the IDX files of labels", notes)
    numbers = {"train": TRAIN, "test": TEST}
    parts = np.concatenate([np.full(len(f["images"]), numbers[part], np.int64) for part, f in arrays.items()])
    if len(arrays) > 1:
        say_parts(parts, notes)
    return Contents(x, labels, parts=parts if len(arrays) > 1 else None)
