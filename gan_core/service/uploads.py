"""The data sets there are: the built-in ones, and what people have uploaded."""

from __future__ import annotations

from dataclasses import dataclass

from gan_core.data import datasets, uploads
from gan_core.records import DatasetInfo
from gan_core.service import permissions
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

    def about(self, name: str, *, by: str | None = "") -> DataShape:
        """The shape of a data set that `by` may train on, built-in or uploaded. Raises DatasetError without one."""
        if name in datasets.OPTIONS:
            return DataShape(datasets.OPTIONS[name].shape, datasets.OPTIONS[name].classes)
        info = self._visible(name, by)
        return DataShape(info.shape, len(info.classes))

    def visible(self, *, by: str | None = "") -> list[DatasetInfo]:
        """The uploads that `by` may train on, the newest first."""
        found = self._store.datasets.uploads()
        return [info for info in found if permissions.may_use_data(self._settings, info.owners, by)]

    def read(self, data: bytes, filename: str, *, size: int = 28, colour: bool = False) -> uploads.Upload:
        """The samples of a file; pictures become `size` x `size` pixels, in `colour` or grey.

        Raises DatasetError, which says what is wrong with the file.
        """
        return uploads.read_upload(data, filename, size=size, colour=colour)

    def keep(self, upload: uploads.Upload, *, by: str | None = "") -> str:
        """Put an upload into the store; returns the data set's name, the same for the same content.

        Raises NotAllowed for a visitor of whom nothing is known on a shared server.
        """
        permissions.check_known(self._settings, by)
        dataset = uploads.dataset_from_upload(upload, "upload")
        name = f"{permissions.UPLOAD}{dataset.sha256[:10]}"
        if self._store.datasets.upload_bytes(name) is None:
            named = uploads.dataset_from_upload(upload, name)
            self._store.datasets.put(named.info(), datasets.dataset_to_bytes(named))
        self._store.datasets.add_owner(name, by or "")
        return name

    def publish(self, name: str, published: bool, *, by: str | None = "") -> None:
        """Let everybody train on one's own data and see one's own runs on them, or no longer.

        It is the share of `by` alone: what another owner of the same file keeps private stays so. An admin who is no
        owner decides for all. Raises DatasetError for data that `by` does not see, and NotAllowed for data of somebody
        else.
        """
        owners = self._visible(name, by).owners
        owner = by if by is not None and by in owners else None
        if owner is None and not permissions.is_admin(self._settings, by):
            raise permissions.of_somebody_else(name)
        self._store.datasets.publish(name, published, owner=owner)

    def _visible(self, name: str, by: str | None) -> DatasetInfo:
        info = self._store.datasets.named(name)
        if info is None or not permissions.may_use_data(self._settings, info.owners, by):
            raise datasets.unknown_dataset(name)
        return info
