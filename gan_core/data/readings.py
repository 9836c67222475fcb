"""What reading a person's file gave, as the files of a folder: what a page shows, and the data set for the store.

The process that reads a file writes it (read_process.py), and the server reads it: never all of the samples.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gan_core.arrays import Array
from gan_core.data.datasets import write_dataset
from gan_core.data.safe_archives import megabytes
from gan_core.data.uploads import Upload, dataset_from_upload
from gan_core.records import DataNames, DatasetError, DatasetInfo, upload_name
from gan_core.validation import checked

MAX_PACKED_BYTES = 48 * 2**20
"""What a data set may take in the store, packed: MNIST takes 12 MB. It goes there through the server's memory."""

_ABOUT, _SHOWN, _DATASET = "reading.json", "shown.npz", "dataset.npz"


@dataclass(frozen=True, eq=False)
class Reading:
    """What a file became. `notes` say in plain sentences what was done; `originals` and `converted` are the same up to
    8 pictures before and after the conversion, uint8 (h, w, 3) each; both are empty for points.
    """

    info: DatasetInfo
    notes: tuple[str, ...]
    originals: tuple[Array, ...]
    converted: tuple[Array, ...]


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
    _write(folder, {**about, "names": asdict(upload.names), "notes": upload.notes})


def write_refusal(folder: Path, why: str) -> None:
    """Write why a file cannot be used, and remove what has been written of it."""
    (folder / _DATASET).unlink(missing_ok=True)
    _write(folder, {"refused": why})


def load_reading(folder: Path) -> Reading:
    """What was written. Raises DatasetError with the reason for a file that was refused, OSError for one not read."""
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    if "refused" in about:
        raise DatasetError(about["refused"])
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
    return Reading(info, tuple(about["notes"]), originals, converted)


def load_packed(folder: Path) -> bytes:
    """The data set of a file that was read, as `datasets.dataset_to_bytes` packs it."""
    return (folder / _DATASET).read_bytes()


def _write(folder: Path, about: dict[str, object]) -> None:
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
