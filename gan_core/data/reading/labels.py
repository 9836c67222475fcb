"""What a file says of its samples' classes -> whole numbers with names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gan_core.arrays import Array
from gan_core.data.data_names import shown_names
from gan_core.data.reading.contents import Labels
from gan_core.data.reading.notes import LABELS, Notes
from gan_core.records import DatasetError

MAX_CLASSES = 100
NAMES = ("label", "labels", "class", "target", "y")
"""What labels are called, in the order in which they are looked for."""
LIKELY_NAMES = (
    *("classes", "targets", "outcome", "species", "variety", "category", "diagnosis", "digit", "cls", "class_label"),
    *("label_id", "class_id", "klasse"),
)
"""What labels are called, too; these names are believed only of a column whose values look like classes."""
FEW = 20
"""Different whole numbers up to which a column looks like classes."""


def check_labels(labels: int, samples: int) -> None:
    """Raises DatasetError unless there are as many labels as samples."""
    if labels != samples:
        raise DatasetError(f"There are {labels} labels for {samples} samples; give one label for each sample.")


def numbers(cells: Sequence[Any]) -> list[float] | None:
    """The cells as numbers; None where one of them is something else."""
    try:
        return [float(cell) for cell in cells]
    except (TypeError, ValueError):
        return None


def classes(labels: list[Any], where: str, notes: Notes, *, warning: bool = False) -> Labels | None:
    """Whole numbers stay what they are, text is numbered in alphabetical order; None if these are no classes."""
    called: tuple[str, ...] = ()
    values = numbers(labels)
    if values is None:
        labels = [str(label).strip() for label in labels]
        names = sorted(set(labels))
        index = {name: i for i, name in enumerate(names)}
        y = np.array([index[label] for label in labels], dtype=np.int64)
        called = shown_names(names[: MAX_CLASSES + 1])
    elif all(abs(v) < 2**53 and v == int(v) for v in values):
        y = np.array(values).astype(np.int64)
        names = [str(v) for v in np.unique(y)]
    else:
        decimals = any(math.isfinite(v) and v % 1 for v in values)
        found = "decimals" if decimals else "NaN, infinite or very large numbers"
        notes.add(LABELS, f"No labels were taken from {where}: it holds {found}, not classes.")
        return None
    if len(names) > MAX_CLASSES:
        notes.add(LABELS, f"No labels were taken from {where}: {len(names)} values, at most {MAX_CLASSES} are classes.")
        return None
    notes.add(LABELS, f"Labels were found in {where}, {len(names)} of them: {listed(names)}.", warning=warning)
    return Labels(y, called)


def named(labels: Labels, names: Sequence[str], where: str, notes: Notes) -> Labels:
    """Labels 0, 1 ... with names from another place, where there is one for each."""
    if labels.names or not len(names) or labels.y.min() < 0 or labels.y.max() >= len(names):
        return labels
    notes.add(LABELS, f"The names of the classes come from {where}: {listed(names)}.")
    return Labels(labels.y, shown_names(names[: MAX_CLASSES + 1]))


def look_like_classes(values: Array) -> bool:
    """Whether numbers (n,) are few different whole ones, as classes are."""
    if values.dtype.kind == "f" and not (values == np.floor(values)).all():
        return False
    return 2 <= len(np.unique(values)) <= FEW < len(values)


def listed(names: Iterable[str]) -> str:
    """The first ten names for a message, each cut after 30 characters."""
    names = [name if len(name) <= 30 else name[:27] + "..." for name in names]
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
