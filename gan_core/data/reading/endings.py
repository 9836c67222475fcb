"""A file's name -> how it is read."""

from __future__ import annotations

from gan_core.data.safe_archives import short
from gan_core.records import DatasetError

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".pbm")
TEXTS = (".csv", ".tsv", ".txt", ".dat", ".data")
IDX = ("-ubyte", ".ubyte", ".idx")
_PACKED = tuple(f"{ending}.gz" for ending in (*TEXTS, *IDX, ".npy"))
TABLES = (*TEXTS, ".parquet", ".xlsx")
ARRAYS = (".npy", ".npz")
ALL = (*_PACKED, *TABLES, *ARRAYS, *IDX, ".zip")
"""The endings of what can be read, longer ones before those that they end in."""
KINDS = ".npy, .npz, .csv, .tsv, .txt, .parquet, .xlsx, .zip or IDX (-ubyte)"

_REMEDIES = {
    ".xls": "save it as .xlsx or .csv",
    ".ods": "save it as .xlsx or .csv",
    ".numbers": "export it as .csv",
    ".json": "save the rows as .csv, or with numpy.save",
    ".jsonl": "save the rows as .csv, or with numpy.save",
    ".pkl": "pickled files are never opened, since they may run anything: save the arrays with numpy.savez",
    ".pickle": "pickled files are never opened, since they may run anything: save the arrays with numpy.savez",
    ".pt": "pickled files are never opened, since they may run anything: save the tensor with numpy.save",
    ".pth": "pickled files are never opened, since they may run anything: save the tensor with numpy.save",
    ".mat": "save the arrays with numpy.savez",
    ".h5": "save the arrays with numpy.savez",
    ".hdf5": "save the arrays with numpy.savez",
    ".tar": "unpack it, and zip the folder",
    ".tgz": "unpack it, and zip the folder",
    ".7z": "unpack it, and zip the folder",
    ".rar": "unpack it, and zip the folder",
    ".tar.gz": "unpack it, and zip the folder",
    ".tfrecord": "save the arrays with numpy.savez",
    ".feather": "save the table as .parquet",
    ".arrow": "save the table as .parquet",
} | {ending: "zip it together with the others: one picture is one sample" for ending in PICTURES}


def ending_of(name: str) -> str:
    """The ending of a file that says how to read it, in small letters; "" for a file that cannot be read."""
    return next((ending for ending in ALL if name.lower().endswith(ending)), "")


def is_picture(name: str) -> bool:
    """Whether a file is a picture, by its name."""
    return name.lower().endswith(PICTURES)


def unknown_kind(name: str) -> DatasetError:
    """The error for a file that ends in something else."""
    last = name.replace("\\", "/").rpartition("/")[2]
    suffix = f".{last.rpartition('.')[2]}".lower() if "." in last.strip(".") else ""
    for ending, remedy in _REMEDIES.items():
        if last.lower().endswith(ending):
            return DatasetError(f"{short(last)} ends in {ending!r}, which is not read: {remedy}.")
    return DatasetError(f"{short(last)} ends in {suffix or 'nothing'!r}; give {KINDS}.")
