"""Arrays that somebody's own program hands over -> samples in storage form, and a data set of its real ones.

    given = dataset_of(x_real, train=x_train)          # NumPy arrays, or tensors of any library
    form = form_of(generated, given.dataset.shape, real_scale=given.scale)
    samples = form.read(generated)                     # uint8 pictures (n, h, w, c), or float points (n, d)

What the arrays mean is declared by whoever gives them, or found out from them; then `notes` and `Form.said` say what
was assumed, and what does not fit together is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from gan_core.arrays import Array, Ints
from gan_core.data import sample_checks
from gan_core.data.datasets import SEED, SIZES, Dataset, Pair, disjoint, row_keys
from gan_core.data.reading.notes import Notes
from gan_core.records import DatasetError, upload_name

Scale = Literal["0..1", "-1..1", "0..16", "0..255"]
"""Between which numbers a picture's pixels lie: black and white of the data, whatever a sample reaches of them."""
SCALES: tuple[Scale, ...] = get_args(Scale)
OVERSHOOT = 0.1
"""What a generator without a last activation may pass the range by, as a share of it; it is clipped."""
MOST_NUMBERS = 64 * 64 * 3
"""Of one sample. The distances are of all of them."""
FEWEST_TEST = 50
"""Different real samples that are measured against, at least."""
_PARTS_OF_REAL: Mapping[tuple[bool, bool], tuple[str, str, str, str]] = {
    (False, False): ("test", "test", "holdout", "train"),
    (True, False): ("test", "test", "test", "holdout"),
    (False, True): ("test", "test", "test", "train"),
    (True, True): ("test", "test", "test", "test"),
}
"""By whether training samples and held-out ones were given: which part each of four real samples belongs to."""


@dataclass(frozen=True)
class Form:
    """How arrays of pictures or points are read: the `shape` of a sample, (h, w, c) or (d,), the order of its axes in
    these arrays, and the scale of its pixels, None for points."""

    shape: tuple[int, ...]
    order: Literal["last", "first", "none", "flat"] = "last"
    scale: Scale | None = None

    @property
    def said(self) -> str:
        """What is assumed, in a sentence."""
        if self.scale is None:
            return f"Samples are read as points of {self.shape[0]} numbers, as they are."
        order = {
            "last": "channels last",
            "first": "channels first",
            "none": "without an axis of channels",
            "flat": "as rows of pixels",
        }[self.order]
        return f"Samples are read as pictures of {_by(self.shape)} pixels, {order}, with values in {self.scale}."

    def arranged(self, x: Array) -> Array:
        """The same values as (n, *shape). Raises DatasetError for an array of another shape."""
        wanted = _given_shape(self.shape, self.order)
        if x.shape[1:] != wanted:
            raise DatasetError(f"samples are {x.shape}; give (n, {_by(wanted, ', ')}) as before")
        return np.moveaxis(x, 1, 3) if self.order == "first" else x.reshape(len(x), *self.shape)

    def clips(self, x: Array) -> bool:
        """Whether pixels of an array lie beyond the scale."""
        if self.scale is None:
            return False
        low, high = _ends(self.scale)
        return bool(x.min() < low - 1e-3 or x.max() > high + 1e-3)

    def read(self, x: Any) -> Array:
        """The samples (n, *shape) in storage form; pixels beyond the scale are clipped. Raises DatasetError."""
        x = self.arranged(as_numpy(x))
        if self.scale is None:
            return np.ascontiguousarray(x, np.float32)
        if x.dtype == np.uint8 and self.scale == "0..255":
            return np.ascontiguousarray(x)
        low, high = _ends(self.scale)
        x = x.astype(np.result_type(x.dtype, np.float32), copy=False)
        return np.ascontiguousarray(np.clip((x - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8))


@dataclass(frozen=True, eq=False)
class Given:
    """A data set of somebody's arrays, named by its content; the scale its pixels came in, and what was assumed."""

    dataset: Dataset
    scale: Scale | None
    notes: tuple[str, ...]


def as_numpy(x: Any) -> Array:
    """An array of numbers on this processor, of whatever library; nothing is imported for it. Raises DatasetError."""
    for release in ("detach", "cpu"):  # a tensor with a gradient, or on another device, says no to NumPy
        if callable(method := getattr(x, release, None)):
            x = method()
    try:
        found = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"samples are {type(x).__name__}, which NumPy cannot read ({error}); give float32") from None
    if found.dtype.kind not in "uif" or found.ndim < 2:
        raise DatasetError(f"samples are {found.dtype} {found.shape}; give numbers, (n, d) or (n, h, w, c)")
    return found


def dataset_of(
    real: Any,
    *,
    labels: Any = None,
    train: Any = None,
    holdout: Any = None,
    scale: Scale | None = None,
    shape: tuple[int, ...] | None = None,
) -> Given:
    """Real samples as a data set: `real` (n, ...) is what is measured against.

    `train` is what the generator was trained on and `holdout` what it never saw. What is not given is taken from
    `real`, a fourth of it each, so that real can be measured against real; no row stands in two parts. `labels` (n,)
    are whole numbers. `scale` says between which numbers the pixels lie, `shape` that rows of pixels are pictures.
    Raises DatasetError for arrays that cannot be used.
    """
    x = _finite(as_numpy(real), "real")
    form = _form_of_real(x, scale, shape)
    x, notes = _read_exactly(form, x, "real")
    y = _labels(labels, len(x), "labels")
    first = {key: i for i, key in reversed(list(enumerate(row_keys(x))))}
    keep = np.sort(np.fromiter(first.values(), np.int64))
    if len(keep) < len(x):
        notes.append(f"{len(x) - len(keep):,} of {len(x):,} real samples are exact duplicates and were left out.")
        x, y = x[keep], y[keep]
    parts = _parts(x, y, train is not None, holdout is not None)
    for name, given in (("train", train), ("holdout", holdout)):
        if given is not None:
            others, _ = _read_exactly(form, _finite(as_numpy(given), name), name)
            parts[name] = others, np.zeros(len(others), np.int64)
    if train is not None and y.any():
        notes.append("The classes of the real samples are not used, because those of the training samples are unknown.")
        parts = {name: (x, np.zeros_like(y)) for name, (x, y) in parts.items()}
    if missing := [name for name, given in (("training", train), ("held-out", holdout)) if given is None]:
        notes.append(f"No {' and no '.join(missing)} samples were given: a fourth of the real ones stands for each.")
    parts = {name: _fewer(name, *pair, notes) for name, pair in parts.items()}
    try:
        dataset = disjoint("given", parts)
    except DatasetError:
        raise DatasetError(
            "the training or held-out samples are all among the real ones; give real samples that were not trained on, "
            "or leave out train and holdout"
        ) from None
    if len(dataset.test) < FEWEST_TEST:
        raise DatasetError(
            f"{len(dataset.test)} different real samples are left to measure against; give so many that there are "
            f"{FEWEST_TEST} (without training and held-out samples, twice as many)"
        )
    notes.insert(0, f"Real samples: {form.said[len('Samples are ') :]}")
    return Given(replace(dataset, name=upload_name(dataset.sha256)), form.scale, tuple(notes))


def form_of(
    fake: Any, shape: tuple[int, ...], *, real_scale: Scale | None = None, scale: Scale | None = None
) -> Form:
    """How generated samples are read that shall be measured against real ones of this shape, found out from the first.

    `scale` declares between which numbers the pixels lie. Without it that is `real_scale`, the scale that the real
    samples of the same program came in, unless these are whole numbers as files have them (0..255); where that is
    not known either, the range of the values decides. Raises DatasetError where they do not fit.
    """
    x = _finite(as_numpy(fake), "the array of generated samples")
    order = _order(x, shape)
    if len(shape) == 1:
        if scale is not None:
            raise DatasetError(f"scale is {scale!r} and the samples are points, taken as they are: leave it out")
        return Form(shape, order)
    _check_scale(scale)
    if scale is None and real_scale not in (None, "0..255", "0..16"):
        scale = real_scale
        if not _within(x, scale) or (scale == "-1..1" and float(x.min()) >= 0):
            low, high = float(x.min()), float(x.max())
            raise DatasetError(
                f"the real samples have values in {scale} and the generated ones run from {low:.4g} to {high:.4g}; "
                f"bring both to one scale, or say which the generated ones have: scale= one of {', '.join(SCALES)}"
            )
    scale = scale or _detected(x, sixteen=real_scale == "0..16")
    if not _within(x, scale):
        low, high = float(x.min()), float(x.max())
        raise DatasetError(
            f"the generated samples run from {low:.4g} to {high:.4g}, which is not {scale}; say which scale they have: "
            f"scale= one of {', '.join(SCALES)}"
        )
    return Form(shape, order, scale)


# ---------------------------------------------------------------- what arrays mean


def _form_of_real(x: Array, scale: Scale | None, shape: tuple[int, ...] | None) -> Form:
    """How the real samples are read."""
    _check_scale(scale)
    if shape is None:
        shape, order = _shape_of(x)
    else:
        shape = (*shape, 1) if len(shape) == 2 else shape
        order = _order(x, shape)
    if not 1 <= int(np.prod(shape)) <= MOST_NUMBERS:
        raise DatasetError(f"a sample has {int(np.prod(shape)):,} numbers; give at most {MOST_NUMBERS:,}: shrink them")
    if len(shape) == 1:
        return Form(shape, order)
    return Form(shape, order, scale or _detected(x, sixteen=True))


def _shape_of(x: Array) -> tuple[tuple[int, ...], Literal["last", "first", "none"]]:
    if x.ndim == 2:
        return x.shape[1:], "last"
    if x.ndim == 3:
        return (*x.shape[1:], 1), "none"
    if x.ndim == 4 and x.shape[3] in (1, 3):
        return x.shape[1:], "last"
    if x.ndim == 4 and x.shape[1] in (1, 3):
        return (*x.shape[2:], x.shape[1]), "first"
    raise DatasetError(f"real samples are {x.shape}; give points (n, d), or pictures (n, h, w), (n, h, w, 1 or 3)")


def _order(x: Array, shape: tuple[int, ...]) -> Literal["last", "first", "none", "flat"]:
    """In which order an array has the axes of samples of this shape. Raises DatasetError where it has none of them."""
    orders: tuple[Literal["last", "first", "none", "flat"], ...] = ("last", "first", "none", "flat")
    possible = 1 if len(shape) == 1 else 4 if shape[2] == 1 else 2  # rows of colours have several orders
    for order in orders[:possible]:
        if x.shape[1:] == _given_shape(shape, order):
            return order
    raise DatasetError(
        f"generated samples are {x.shape} and a real one is {_by(shape)}; give (n, {_by(shape, ', ')})"
        + (f" or (n, {_by(_given_shape(shape, 'first'), ', ')})" if len(shape) == 3 else "")
    )


def _given_shape(shape: tuple[int, ...], order: str) -> tuple[int, ...]:
    if order == "first":
        return shape[2], shape[0], shape[1]
    if order == "flat":
        return (int(np.prod(shape)),)
    return shape[:2] if order == "none" else shape


def _detected(x: Array, *, sixteen: bool) -> Scale:
    """The scale that the range of the values speaks for; `sixteen`: 0..16, as of the small digits, is among them.

    Raises DatasetError where it speaks for none.
    """
    low, high = float(x.min()), float(x.max())
    if sixteen and low >= 0 and 8 < high <= 16:
        return "0..16"
    if x.dtype == np.uint8 or (x.dtype.kind in "ui" and low >= 0 and 1 < high <= 255):
        return "0..255"
    if low >= 0 and high <= 1:
        return "0..1"
    if -1 - 2 * OVERSHOOT <= low < 0 and high <= 1 + 2 * OVERSHOOT:
        return "-1..1"
    if low >= 0 and 64 < high <= 255:
        return "0..255"
    raise DatasetError(
        f"the values run from {low:.4g} to {high:.4g}, and nobody can tell what is black and what is white; "
        f"say it: scale= one of {', '.join(SCALES)}"
    )


def _within(x: Array, scale: Scale) -> bool:
    low, high = _ends(scale)
    room = OVERSHOOT * (high - low)
    # Floats up to 1 are no picture in 0..255: nearly all of it would be black.
    too_small = scale == "0..255" and x.dtype.kind == "f" and float(x.max()) <= 1
    return low - room <= float(x.min()) and float(x.max()) <= high + room and not too_small


def _ends(scale: Scale) -> tuple[int, int]:
    low, _, high = scale.partition("..")
    return int(low), int(high)


def _check_scale(scale: object) -> None:
    if scale is not None and scale not in SCALES:
        raise DatasetError(f"scale is {scale!r}; choose one of {', '.join(SCALES)}")


def _by(shape: tuple[int, ...], between: str = " × ") -> str:
    return between.join(map(str, shape))


# ---------------------------------------------------------------- the parts


def _parts(x: Array, y: Ints, has_train: bool, has_holdout: bool) -> dict[str, Pair]:
    """The real samples by part, each class in the same proportions."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    which = np.array(_PARTS_OF_REAL[has_train, has_holdout])[np.arange(len(y)) % 4]
    rows = {name: rng.permutation(order[which == name]) for name in dict.fromkeys(which.tolist())}
    return {name: (x[mine], y[mine]) for name, mine in rows.items()}


def _fewer(name: str, x: Array, y: Ints, notes: list[str]) -> Pair:
    """At most as many rows as a part of a data set has, drawn by lot."""
    if len(x) <= SIZES[name]:
        return x, y
    notes.append(f"Of the {len(x):,} samples of the part {name} {SIZES[name]:,} are used.")
    rows = np.sort(np.random.default_rng(SEED).choice(len(x), SIZES[name], replace=False))
    return x[rows], y[rows]


def _read_exactly(form: Form, x: Array, name: str) -> tuple[Array, list[str]]:
    """The samples in storage form, points in float64 where float32 would lose digits, and what to look at in them."""
    found = Notes()
    try:
        read = form.read(x) if form.scale else sample_checks.points(form.arranged(x), found)
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from None
    return read, [note.text for note in found.all() if note.warning]


def _finite(x: Array, name: str) -> Array:
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise DatasetError(f"{name} holds values that are not finite (NaN or infinity); leave these samples out")
    return x


def _labels(labels: Any, n: int, name: str) -> Ints:
    if labels is None:
        return np.zeros(n, np.int64)
    found = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if found.shape != (n,) or found.dtype.kind not in "ui":
        raise DatasetError(f"{name} are {found.dtype} {found.shape} for {n:,} real samples; give whole numbers ({n},)")
    return found.astype(np.int64)
