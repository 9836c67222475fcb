"""The data sets there are: the built-in ones, and what people have uploaded."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gan_core import machine
from gan_core.data import datasets
from gan_core.records import DatasetError, DatasetInfo, short_data_name
from gan_core.service import permissions
from gan_core.service.upload_folder import ChosenFile, UploadFolder
from gan_core.service.upload_reader import Answer, Asked, UploadReader
from gan_core.settings import Settings
from gan_core.store import Store


@dataclass(frozen=True)
class DataShape:
    """What a configuration has to suit: the shape of a sample, (d,) or (h, w, c), and the number of classes."""

    shape: tuple[int, ...]
    classes: int


class UploadService:
    """Reads, keeps and publishes people's own data sets, and knows the shape of every data set."""

    def __init__(self, store: Store, settings: Settings):
        self._store, self._settings = store, settings
        self._folder = UploadFolder(settings.home)
        self._reader = UploadReader(self._folder)

    def about(self, name: str, *, by: str | None = "") -> DataShape:
        """The shape of a data set that `by` may train on, built-in or uploaded. Raises DatasetError without one."""
        if name in datasets.OPTIONS:
            return DataShape(datasets.OPTIONS[name].shape, datasets.OPTIONS[name].classes)
        info = self._visible(name, by)
        return DataShape(info.shape, len(info.classes))

    def visible(self, *, by: str | None = "") -> list[DatasetInfo]:
        """The uploads that `by` may train on, the newest first."""
        found = self._store.datasets.uploads()
        return [info for info in found if permissions.may_see_data(self._settings, info, by)]

    def choose(self, data: bytes, name: str) -> ChosenFile:
        """Keep a file of somebody on this server's disk for a while, so that it can be read.

        Raises DatasetError for a file of another kind, an empty one and one that is too large.
        """
        return self._folder.put(data, name)

    def look(self, file: ChosenFile, *, size: int = 28, colour: bool = False, by: str | None = "") -> Answer:
        """How far the reading of a file is, which begins with the first look; to be asked again until it has ended.

        Pictures become `size` x `size` pixels, in `colour` or grey. Raises DatasetError for a file that is gone.
        """
        return self._reader.look(Asked(file, size, colour), by or "")

    def try_again(self, answer: Answer) -> None:
        """Have a file read again that could not be read, because it took too long or too much."""
        self._reader.forget(answer.key)

    def read(self, data: bytes, filename: str, *, size: int = 28, colour: bool = False, by: str | None = "") -> Answer:
        """What a file holds, for whoever can wait. Raises DatasetError, which says what is wrong with the file."""
        answer = self._reader.wait(Asked(self.choose(data, filename), size, colour), by or "")
        if answer.reading is None:
            raise DatasetError(answer.reason)
        return answer

    def keep(self, answer: Answer, *, by: str | None = "") -> str:
        """Put a file that was read into the store; returns the data set's name, the same for the same content.

        Raises NotAllowed for a visitor of whom nothing is known on a shared server, and DatasetError for a file that
        was not read, or is gone.
        """
        permissions.check_known(self._settings, by)
        if answer.reading is None:
            raise DatasetError(answer.reason or "The file has not been read yet; wait for it.")
        info = answer.reading.info
        self._store.datasets.put(replace(info, owner=by or ""), self._reader.packed(answer.key))
        self._store.datasets.add_owner(info.name, by or "")
        machine.return_freed_memory()
        return info.name

    def close(self) -> None:
        """End the process that reads a file, if there is one."""
        self._reader.close()

    def publish(self, name: str, published: bool, *, by: str | None = "") -> None:
        """Let everybody train on one's own data and see the runs on them, or no longer.

        Raises DatasetError for data that `by` does not see, and NotAllowed for data of somebody else.
        """
        info = self._visible(name, by)
        permissions.check_owner(self._settings, info.owner, by, short_data_name(name))
        self._store.datasets.publish(name, published)

    def _visible(self, name: str, by: str | None) -> DatasetInfo:
        info = self._store.datasets.named(name)
        if info is None or not permissions.may_see_data(self._settings, info, by):
            raise datasets.unknown_dataset(name)
        return info
