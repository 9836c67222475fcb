"""A name -> three disjoint labelled parts: train for the two networks, holdout and test for the metrics.

    dataset = load("digits")
    dataset.test.x.shape          # (360, 8, 8, 1), uint8
    dataset_from_bytes(dataset_to_bytes(dataset), "digits").sha256 == dataset.sha256

A person's own file becomes a Dataset in uploads.py.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.codec import to_storage
from gan_core.data.safe_archives import MAX_DECOMPRESSED_BYTES, open_npy, open_zip, read_npy, read_npz
from gan_core.records import SNAPSHOT_SAMPLES, UPLOAD, DatasetError, DatasetInfo, Modes, short_data_name, upload_name

Progress = Callable[[float, str], None]
"""Is called with the share that is done, in [0, 1], and one sentence on what is being done."""
Pair = tuple[Array, Ints]
"""Samples (n, ...) and their labels (n,)."""

SIZES = {"train": 50_000, "holdout": 10_000, "test": 10_000}
"""Rows of the parts where the data have so many."""
SEED = 0
"""Fixes the draws of the 2-D sets and every split, so that one name always means one data set."""
STORED = (("uint8", 4), ("float32", 2), ("float64", 2))
"""Types and numbers of axes that samples have in storage form."""


@dataclass(frozen=True, eq=False)
class Part:
    """x in storage form, uint8 (n, h, w, c) or float32 or float64 (n, d), and its labels y, int64 (n,); read-only.

    Raises DatasetError if the arrays are anything else.
    """

    x: Array
    y: Ints

    def __post_init__(self) -> None:
        x, y = (np.ascontiguousarray(a).view() for a in (self.x, self.y))
        if (x.dtype.name, x.ndim) not in STORED or x.size == 0:
            raise DatasetError(f"Samples are {x.dtype} {x.shape}; give uint8 (n, h, w, c), float32 or float64 (n, d).")
        if y.dtype != np.int64 or y.shape != x.shape[:1]:
            raise DatasetError(f"Labels are {y.dtype} {y.shape} for {len(x)} samples; give int64 ({len(x)},).")
        for name, array in (("x", x), ("y", y)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three parts that share no row; `shape` is one sample's. Raises DatasetError if the parts' shapes differ.

    `modes` are the Gaussians the data are drawn from, where they are known.
    """

    name: str
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    train: Part
    holdout: Part
    test: Part
    modes: Modes | None = None

    def __post_init__(self) -> None:
        for name, part in self.parts.items():
            if part.x.shape[1:] != self.shape:
                raise DatasetError(f"The {name} part holds {part.x.shape[1:]}, not {self.shape}; make the parts alike.")

    @property
    def parts(self) -> dict[str, Part]:
        """The three parts by name."""
        return {"train": self.train, "holdout": self.holdout, "test": self.test}

    @cached_property
    def classes(self) -> Ints:
        """The labels (c,) that occur in the train part, ascending: class number i is `classes[i]`."""
        return np.unique(self.train.y)

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the parts' dtypes, shapes and bytes: the same data has the same hash, whatever its name."""
        digest = hashlib.sha256()
        for part in self.parts.values():
            for array in (part.x, part.y):
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(array.data)
        return digest.hexdigest()

    def info(self) -> DatasetInfo:
        """What pages show: the sizes, and some of the test rows."""
        sizes = {name: len(part) for name, part in self.parts.items()}
        return DatasetInfo(self.name, self.sha256, self.kind, self.shape, sizes, *preview_of(self.test))


def preview_of(test: Part) -> Pair:
    """Up to 64 rows of the test part, taken from the classes in turn, points in float32; and their labels."""
    y = test.y
    order = np.argsort(y, kind="stable")
    _, starts, counts = np.unique(y[order], return_index=True, return_counts=True)
    turn = np.arange(len(y)) - np.repeat(starts, counts)  # 0 for each class's first row, 1 for its second ...
    rows = order[np.argsort(turn, kind="stable")][:SNAPSHOT_SAMPLES]
    return to_storage(test.x[rows]), y[rows]


@dataclass(frozen=True)
class Option:
    """A built-in data set as a page lists it, before anything is loaded; `class_names` where they are no numbers."""

    name: str
    title: str
    sentence: str
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    classes: int
    class_names: tuple[str, ...] = ()


_CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option(
            "ring-8",
            "ring-8",
            "Eight small clusters on a circle: does the generator find all of them?",
            "points",
            (2,),
            8,
        ),
        Option(
            "grid-25",
            "grid-25",
            "Twenty-five small clusters: missing some of them is called mode collapse.",
            "points",
            (2,),
            25,
        ),
        Option(
            "swiss-roll",
            "swiss-roll",
            "A thin spiral band: the data lie on a curve and form no clusters.",
            "points",
            (2,),
            6,
        ),
        Option("digits", "digits", "1,797 small handwritten digits: trains fast.", "image", (8, 8, 1), 10),
        Option(
            "mnist",
            "MNIST",
            "70,000 handwritten digits: the data of Goodfellow et al. (2014).",
            "image",
            (28, 28, 1),
            10,
        ),
        Option(
            "fashion-mnist",
            "Fashion-MNIST",
            "70,000 pictures of clothes: as many as MNIST and as large, but harder.",
            "image",
            (28, 28, 1),
            10,
            _CLOTHES,
        ),
    )
}


# ---------------------------------------------------------------- by name


def load(name: str, *, folder: Path | None = None, progress: Progress | None = None) -> Dataset:
    """A built-in data set; the same name is the same data every time.

    mnist and fashion-mnist are read from `folder`/<name>.npz (x_train, y_train, x_test, y_test) if it is there,
    else downloaded once by Keras; `progress` is called with (share, message). Exact duplicates of a row in another part
    are removed: a row stays in test before holdout before train. Raises DatasetError for a name that is not in
    OPTIONS, a file that is not this data set, and a download without network.
    """
    if name not in OPTIONS:
        raise DatasetError(f"{name!r} is not a data set; choose one of {', '.join(OPTIONS)}.")
    report_progress = progress or _ignore
    report_progress(0.0, f"Preparing {OPTIONS[name].title}")
    modes = None
    if name == "digits":
        parts = split(*_digits())
    elif name == "swiss-roll":
        parts = _cut(*_swiss_roll(sum(SIZES.values())))
    elif name in _MODES:
        modes = _MODES[name]()
        parts = _cut(*_draw(modes, sum(SIZES.values())))
    else:
        parts = _cut(*_mnist_like(name, folder, report_progress))
    dataset = disjoint(name, parts, modes)
    report_progress(1.0, f"{OPTIONS[name].title} is ready")
    return dataset


def _ignore(share: float, message: str) -> None:
    pass


def title_of(name: str, files: Mapping[str, str] | None = None) -> str:
    """What a data set is called wherever people read it: one spelling each.

    An upload has the name of its file, where `files` (`lab.uploads.titles`) know one.
    """
    if name in OPTIONS:
        return OPTIONS[name].title
    return (files or {}).get(name) or short_data_name(name).replace(UPLOAD, "Upload ")


def unknown_dataset(name: str) -> DatasetError:
    """The error for a name that neither a built-in data set has nor an upload."""
    return DatasetError(
        f"there is no data set {short_data_name(name)!r}: choose one of {', '.join(OPTIONS)}, or upload one"
    )


def dataset_to_bytes(dataset: Dataset) -> bytes:
    """The arrays as a compressed .npz, without the name; `dataset_from_bytes` gives back the same hash."""
    stream = io.BytesIO()
    write_dataset(dataset, stream)
    return stream.getvalue()


def write_dataset(dataset: Dataset, stream: BinaryIO) -> None:
    """Write what `dataset_to_bytes` returns; into a file this takes no memory."""
    arrays = {f"{axis}_{name}": getattr(part, axis) for name, part in dataset.parts.items() for axis in "xy"}
    if dataset.modes:
        arrays |= {"centres": dataset.modes.centres, "std": np.float64(dataset.modes.std)}
    np.savez_compressed(stream, **arrays)


def dataset_from_bytes(data: bytes, name: str) -> Dataset:
    """The inverse of `dataset_to_bytes`. Raises DatasetError for bytes that are not a data set."""
    arrays = read_npz(data, limit=2 * MAX_DECOMPRESSED_BYTES)  # three parts and their labels: more than one upload
    try:
        train, holdout, test = (Part(arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in SIZES)
        modes = Modes(arrays["centres"], float(arrays["std"])) if "centres" in arrays else None
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"The data set {name!r} is incomplete ({error}); upload the original file again.") from None
    return Dataset(name, _kind(train), train.x.shape[1:], train, holdout, test, modes)


def info_from_bytes(data: bytes) -> DatasetInfo:
    """What a person's data set is, from `dataset_to_bytes`, under the name that its content gives it.

    The bytes are not trusted, and little memory is taken: the hash is computed in pieces, and only the test part is
    held at once. Raises DatasetError for bytes that are not a data set, or hold anything else besides.
    """
    archive = open_zip(data, limit=2 * MAX_DECOMPRESSED_BYTES)
    members = [f"{axis}_{part}" for part in SIZES for axis in "xy"]
    if sorted(archive.namelist()) != sorted(f"{member}.npy" for member in members):
        raise DatasetError(f"A data set holds {', '.join(members)} and nothing else; export the run again.")
    digest, headers = hashlib.sha256(), {}
    for member in members:
        with open_npy(archive, archive.getinfo(f"{member}.npy")) as (header, pieces):
            if header.fortran and len(header.shape) > 1:
                raise DatasetError(f"{member} is in Fortran order; export the run again.")
            headers[member] = header
            digest.update(f"{header.dtype.str}{header.shape}".encode())
            for piece in pieces:
                digest.update(piece)
    test = Part(*(read_npy(archive, archive.getinfo(f"{axis}_test.npy")) for axis in "xy"))
    kind, shape, sha256 = _kind(test), test.x.shape[1:], digest.hexdigest()
    sizes = {part: headers[f"y_{part}"].shape[0] for part in SIZES}
    for part, n in sizes.items():
        x, y = headers[f"x_{part}"], headers[f"y_{part}"]
        if (
            (x.dtype.name, len(x.shape)) not in STORED
            or x.shape != (n, *shape)
            or y.dtype != np.int64
            or y.shape != (n,)
        ):
            raise DatasetError(f"The {part} part holds {x.shape} and {y.shape}; export the run again.")
    return DatasetInfo(upload_name(sha256), sha256, kind, shape, sizes, *preview_of(test))


# ---------------------------------------------------------------- three disjoint parts


def _cut(x: Array, y: Ints) -> dict[str, Pair]:
    """The first 50,000 rows, the next 10,000 and the last 10,000."""
    edges = np.cumsum([0, *SIZES.values()])
    return {name: (x[a:b], y[a:b]) for name, a, b in zip(SIZES, edges, edges[1:])}


def split(x: Array, y: Ints) -> dict[str, Pair]:
    """60/20/20, stratified: of every five rows of a class, in random order, three are train, one holdout, one test.

    `x` (n, ...) are samples and `y` (n,) their labels.
    """
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    turn = np.arange(len(y)) % 5
    rows = {"train": order[turn >= 2], "holdout": order[turn == 1], "test": order[turn == 0]}
    rows = {name: rng.permutation(mine) for name, mine in rows.items()}  # else every part would be sorted by label
    return {name: (x[mine], y[mine]) for name, mine in rows.items()}


def disjoint(name: str, parts: dict[str, Pair], modes: Modes | None = None) -> Dataset:
    """The parts without rows that are in another one: a row stays in test before holdout before train.

    What a metric compares with must not have been trained on. Raises DatasetError for parts that are not in storage
    form, or left empty.
    """
    known: set[bytes] = set()
    kept: dict[str, Part] = {}
    for which in ("test", "holdout", "train"):
        x, y = parts[which]
        keys = row_keys(x)
        fresh = np.array([key not in known for key in keys])
        known.update(keys)
        kept[which] = Part(x, y) if fresh.all() else Part(x[fresh], y[fresh])
    train, holdout, test = (kept[which] for which in SIZES)
    return Dataset(name, _kind(test), test.x.shape[1:], train, holdout, test, modes)


def row_keys(x: Array) -> list[bytes]:
    """One short digest for each row of x (n, ...): rows of equal bits, and only those, have equal keys."""
    return [hashlib.blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(x)]


def _kind(part: Part) -> Literal["image", "points"]:
    return "image" if part.x.ndim == 4 else "points"


# ---------------------------------------------------------------- sources


def _ring() -> Modes:
    """Eight means on the unit circle, std .01 (PacGAN, Lin et al. 2018, arXiv:1712.04086)."""
    angle = 2 * np.pi * np.arange(8) / 8  # eight different angles: 2 pi would be the first one again
    return Modes(np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.01)


def _grid() -> Modes:
    """Twenty-five means on {-4, -2, 0, 2, 4}², std .05 (PacGAN, as above)."""
    axis = np.arange(-4.0, 5.0, 2.0)
    return Modes(np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2), 0.05)


_MODES: dict[str, Callable[[], Modes]] = {"ring-8": _ring, "grid-25": _grid}


def _draw(modes: Modes, n: int) -> Pair:
    """n draws, each from a mode chosen with equal odds; the label is the mode."""
    rng = np.random.default_rng(SEED)
    y = rng.integers(len(modes.centres), size=n)
    return (modes.centres[y] + modes.std * rng.standard_normal((n, 2))).astype(np.float32), y.astype(np.int64)


def _swiss_roll(n: int) -> Pair:
    """scikit-learn's roll seen from its side, at the scale of the WGAN-GP paper's toy (Gulrajani et al. 2017).

    Labels are six bands of equal length in the roll's angle.
    """
    from sklearn.datasets import make_swiss_roll

    x, angle = make_swiss_roll(n, noise=0.25, random_state=SEED)
    y = np.floor(6 * (angle - 1.5 * np.pi) / (3 * np.pi)).clip(0, 5)
    return (x[:, [0, 2]] / 7.5).astype(np.float32), y.astype(np.int64)


def _digits() -> Pair:
    """scikit-learn's 1,797 digits: 8x8 counts of ink from 0 to 16, scaled to 0..255."""
    from sklearn.datasets import load_digits

    counts, y = load_digits(return_X_y=True)
    images = np.asarray(counts).reshape(-1, 8, 8, 1)
    return np.rint(images * 255 / 16).astype(np.uint8), np.asarray(y).astype(np.int64)


def _mnist_like(name: str, folder: Path | None, progress: Progress) -> Pair:
    """All 70,000 rows in their official order: 60,000 of the training file, then 10,000 of the test file."""
    path = None if folder is None else Path(folder) / f"{name}.npz"
    if path is not None and path.is_file():
        progress(0.1, f"Reading {path.name}")
        try:
            found, source = read_npz(path.read_bytes()), path.name
        except (DatasetError, OSError) as error:
            raise DatasetError(f"{path.name} cannot be read ({error}); get the original file again.") from error
    else:
        progress(0.1, f"Downloading {OPTIONS[name].title} (once, up to 30 MB)")
        found, source = _download(name), "the download"
    arrays: dict[str, Array] = {}
    for key, shape in _MNIST_SHAPES.items():
        if key not in found or found[key].shape != shape or found[key].dtype.kind not in "iu":
            got = f"{found[key].dtype} {found[key].shape}" if key in found else "missing"
            raise DatasetError(f"{key} of {source} is {got}, not whole numbers {shape}; get the original {name}.npz.")
        arrays[key] = found[key]
    x = np.concatenate([arrays["x_train"], arrays["x_test"]]).astype(np.uint8)
    return x[..., None], np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(np.int64)


_MNIST_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}


def _download(name: str) -> dict[str, Array]:
    try:
        import keras.datasets

        source = {"mnist": keras.datasets.mnist, "fashion-mnist": keras.datasets.fashion_mnist}[name]
        train, test = source.load_data()
    except Exception as error:  # Keras raises a bare Exception for a failed download
        raise DatasetError(
            f"{name} could not be downloaded ({type(error).__name__}); set GANOMETER_DATA to a folder with "
            f"{name}.npz, holding {', '.join(_MNIST_SHAPES)}."
        ) from error
    return dict(zip(_MNIST_SHAPES, (*train, *test)))
