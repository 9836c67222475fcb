"""The real samples of a run that is not trained here: a data set by its name, or somebody's arrays, kept in the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_core.data.dataset_cache import DatasetCache
from gan_core.data.datasets import dataset_to_bytes
from gan_core.data.given_arrays import Given, Scale, dataset_of
from gan_core.jobs import references, registry
from gan_core.jobs.reference import ReferenceParameters
from gan_core.records import UPLOAD, DatasetError, GanometerError
from gan_core.store import Store


def real_data(
    store: Store,
    real: Any,
    *,
    labels: Any = None,
    train: Any = None,
    holdout: Any = None,
    scale: Scale | None = None,
    shape: tuple[int, ...] | None = None,
    folder: Path | None = None,
) -> Given:
    """What generated samples are measured against: `real` names a data set, or holds samples (see `dataset_of`).

    `folder` is where MNIST is kept. Raises DatasetError for a name that there is not, and for unsuitable arrays.
    """
    if not isinstance(real, str):
        return dataset_of(real, labels=labels, train=train, holdout=holdout, scale=scale, shape=shape)
    given = {"labels": labels, "train": train, "holdout": holdout, "shape": shape}
    if extra := [name for name, value in given.items() if value is not None]:
        raise DatasetError(f"real is the data set {real!r}, which has its own parts; leave out {', '.join(extra)}")
    return Given(DatasetCache(folder, store.datasets.upload_bytes).dataset(real), None, ())


def packed(store: Store, given: Given) -> bytes | None:
    """The bytes that the store has to keep of the data; None where it has them, or where everybody has."""
    dataset = given.dataset
    if not dataset.name.startswith(UPLOAD) or store.datasets.upload_bytes(dataset.name) is not None:
        return None
    return dataset_to_bytes(dataset)


def keep_data(store: Store, given: Given, data: bytes | None, *, owner: str, title: str) -> None:
    """Have the store keep the data, and those of an upload, which are `packed`, for their owner, who calls them
    `title`."""
    dataset = given.dataset
    if not dataset.name.startswith(UPLOAD) or data is not None:
        store.datasets.put(dataset.info(), data)
    known = store.datasets.named(dataset.name)
    if dataset.name.startswith(UPLOAD) and (known is None or owner not in known.owners):
        store.datasets.add_owner(dataset.name, owner, title)


def ask_for_reference(store: Store, given: Given, rows: int) -> None:
    """Have a worker measure real against real at this number, unless somebody has: once for a data set and a number."""
    dataset = given.dataset
    if references.known(store, dataset.sha256, "pixels", rows) is None:
        registry.request(store, ReferenceParameters(dataset.name, rows))


def check_enough(samples: int, fewest: int, what: str) -> None:
    """Raises GanometerError for fewer generated samples than can be measured."""
    if samples < fewest:
        raise GanometerError(f"there are {samples:,} {what}; give at least {fewest:,}, or a distance says nothing")
