"""What reading a person's file gave, as the files of a folder: what a page shows, and the data set for the store.

The process that reads a file writes it (read_process.py), and the server reads it: never all of the samples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gan_core.arrays import Array
from gan_core.data.datasets import write_dataset
from gan_core.data.reading.contents import CanLeaveOut
from gan_core.data.reading.notes import Note
from gan_core.data.safe_archives import megabytes
from gan_core.data.uploads import Upload, dataset_from_upload
from gan_core.records import DataNames, DatasetError, DatasetInfo, upload_name
from gan_core.validation import checked

MAX_PACKED_BYTES = 48 * 2**20
"""What a data set may take in the store, packed: MNIST takes 12 MB. It goes there through the server's memory."""

MOST_ITEMS = 10_000
"""Names of broken pictures, or of rows, that are kept."""

_ABOUT, _SHOWN, _DATASET = "reading.json", "shown.npz", "dataset.npz"


@dataclass(frozen=True, eq=False)
class Reading:
    """What a file became. `notes` say what was found and done; `originals` and `converted` are the same up to
    8 pictures before and after the conversion, uint8 (h, w, 3) each; both are empty for points. `classes` counts the
    samples by the name of their class, and is empty without labels; `choices` are the columns that could be the labels,
    and `label` is the one that is.
    """

    info: DatasetInfo
    notes: tuple[Note, ...]
    originals: tuple[Array, ...]
    converted: tuple[Array, ...]
    classes: Mapping[str, int]
    choices: tuple[str, ...] = ()
    label: str = ""

    @property
    def rows(self) -> int:
        """Samples in all parts."""
        return sum(self.info.parts.values())


def write_reading(folder: Path, upload: Upload) -> None:
    """Write a file that was read, split into its parts. Raises DatasetError for more than the store should hold."""
    dataset = dataset_from_upload(upload, "upload")
    with (folder / _DATASET).open("wb") as stream:
        write_dataset(dataset, stream)
    if (size := (folder / _DATASET).stat().st_size) > MAX_PACKED_BYTES:
        raise DatasetError(
            f"The data set would take {megabytes(size)} in the store, over {megabytes(MAX_PACKED_BYTES)}; choose a "
            "smaller image size or grey, or give fewer rows."
        )
    info = dataset.info()
    pictures = {f"original {i}": picture for i, picture in enumerate(upload.originals)}
    pictures |= {f"converted {i}": picture for i, picture in enumerate(upload.converted)}
    np.savez(folder / _SHOWN, allow_pickle=False, preview=info.preview, labels=info.labels, **pictures)
    about = {"sha256": info.sha256, "kind": info.kind, "shape": info.shape, "parts": dict(info.parts)}
    about |= {"names": asdict(upload.names), "notes": [asdict(note) for note in upload.notes]}
    _write(folder, {**about, "classes": upload.classes, "choices": upload.choices, "label": upload.label})


def write_refusal(folder: Path, error: DatasetError) -> None:
    """Write why a file cannot be used, and remove what has been written of it."""
    (folder / _DATASET).unlink(missing_ok=True)
    items = error.items[:MOST_ITEMS] if isinstance(error, CanLeaveOut) else ()
    _write(folder, {"refused": str(error), "can be left out": items})


def load_reading(folder: Path) -> Reading:
    """What was written. Raises DatasetError with the reason for a file that was refused, OSError for one not read.

    It is CanLeaveOut where something of the file can be left out.
    """
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    if "refused" in about:
        items = about["can be left out"]
        raise CanLeaveOut(about["refused"], items) if items else DatasetError(about["refused"])
    with np.load(folder / _SHOWN, allow_pickle=False) as shown:
        arrays = dict(shown)
    sha256, shape, parts = about["sha256"], tuple(about["shape"]), about["parts"]
    names = checked(DataNames, about["names"], what="a name in the data")
    rows = arrays["preview"], arrays["labels"]
    info = DatasetInfo(upload_name(sha256), sha256, about["kind"], shape, parts, *rows, names=names)
    originals, converted = (
        tuple(arrays[f"{which} {i}"] for i in range(len(arrays)) if f"{which} {i}" in arrays)
        for which in ("original", "converted")
    )
    notes = tuple(Note(**note) for note in about["notes"])
    about_labels = about["classes"], tuple(about["choices"]), about["label"]
    return Reading(info, notes, originals, converted, *about_labels)


def load_packed(folder: Path) -> bytes:
    """The data set of a file that was read, as `datasets.dataset_to_bytes` packs it."""
    return (folder / _DATASET).read_bytes()


def _write(folder: Path, about: dict[str, object]) -> None:
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
