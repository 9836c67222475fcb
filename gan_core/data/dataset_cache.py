"""The data sets that a process has loaded: built-in ones from their files, uploads from wherever their bytes are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from gan_core.data import datasets
from gan_core.data.datasets import Dataset
from gan_core.records import DatasetError, short_data_name, upload_name


class DatasetCache:
    """Keeps the last two data sets. `folder` is where MNIST is kept; `uploaded(name)` gives an upload's bytes."""

    def __init__(self, folder: Path | None, uploaded: Callable[[str], bytes | None]):
        self._folder, self._uploaded = folder, uploaded
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._kept: dict[str, Dataset] = {}

    def dataset(self, name: str, progress: Callable[[float, str], None] | None = None) -> Dataset:
        """A built-in data set, or an upload. Raises DatasetError when there is none of that name.

        Of two threads that want the same one, the second waits for the first; nobody waits for another data set.
        """
        with self._lock:
            loading = self._loading.setdefault(name, threading.Lock())
        with loading:
            if (known := self._kept.get(name)) is not None:
                return known
            found = self._load(name, progress)
            with self._lock:
                self._kept = dict([*self._kept.items()][-1:]) | {name: found}
            return found

    def _load(self, name: str, progress: Callable[[float, str], None] | None) -> Dataset:
        if name in datasets.OPTIONS:
            return datasets.load(name, folder=self._folder, progress=progress)
        data = self._uploaded(name)
        if data is None:
            raise datasets.unknown_dataset(name)
        dataset = datasets.dataset_from_bytes(data, name)
        if upload_name(dataset.sha256) != name or dataset.modes:  # a store may hold what a bundle has claimed
            raise DatasetError(
                f"What the store holds as {short_data_name(name)} is other data than the name says; upload the "
                "original file again."
            )
        return dataset
