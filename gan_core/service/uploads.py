"""The data sets there are: the built-in ones, and what people have uploaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from gan_core import machine
from gan_core.data import datasets
from gan_core.data.data_names import in_one_line
from gan_core.data.reading.archives import zip_of_folder
from gan_core.data.reading.contents import LARGE, SMALL, CanLeaveOut, Limits
from gan_core.data.reading.endings import is_picture
from gan_core.data.reading.source import Source
from gan_core.records import NO_NAMES, DatasetError, DatasetInfo, GanometerError
from gan_core.service import permissions
from gan_core.service.upload_folder import ChosenFile, UploadFolder
from gan_core.service.upload_reader import Answer, Asked, UploadReader
from gan_core.settings import Settings
from gan_core.store import Store
from gan_core.store.datasets import StoredUpload

__all__ = ["CanLeaveOut", "DataShape", "KeptUpload", "UploadService", "is_picture", "shown_file_name"]

LONGEST_FILE_NAME = 60
MOST_NAMED = 3
"""Runs that a sentence names; more are counted."""


@dataclass(frozen=True)
class KeptUpload:
    """An upload of one's own: the data set's name, the bytes it takes, and why it cannot be deleted now, if so."""

    name: str
    size: int
    needed: str | None


def shown_file_name(name: str) -> str | None:
    """A file's name as pages show it: without its folder, in one line, not too long; None where nothing is left."""
    return in_one_line(PurePosixPath(name.replace("\\", "/")).name, LONGEST_FILE_NAME) or None


SMALL_MACHINE = 2 * 2**30
"""Bytes of memory below which a machine takes only files that a shared server would take."""


def _limits_of_files(settings: Settings) -> Limits:
    """What a file may have: the limit `file_mb`, or else what this machine can read."""
    if settings.limits.file_mb is not None:
        return Limits.of_megabytes(settings.limits.file_mb)
    return SMALL if machine.all_memory() < SMALL_MACHINE else LARGE


@dataclass(frozen=True)
class DataShape:
    """What a configuration has to suit: the shape of a sample, (d,) or (h, w, c), and the number of classes."""

    shape: tuple[int, ...]
    classes: int


class UploadService:
    """Reads, keeps and publishes people's own data sets, and knows the shape of every data set."""

    def __init__(self, store: Store, settings: Settings):
        self._store, self._settings = store, settings
        self.file_limits = _limits_of_files(settings)
        self._folder = UploadFolder(settings.home, self.file_limits)
        self._reader = UploadReader(self._folder, limits=self.file_limits)

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

    def choose(self, data: bytes, filename: str) -> ChosenFile:
        """Keep a file of somebody on this server's disk for a while, so that it can be read.

        Raises DatasetError for a file of another kind, an empty one and one that is too large.
        """
        machine.return_large_blocks_at_once()  # such as this one, of which the server needs no more than the hash
        return self._folder.put(data, filename)

    def packed(self, path: Path) -> tuple[bytes, str]:
        """A file of this machine and its name; a folder is packed into one archive. Raises DatasetError."""
        if not path.exists():
            raise DatasetError(f"{path} cannot be read: there is no such file or folder.")
        name = path.resolve().name
        return (zip_of_folder(path), f"{name}.zip") if path.is_dir() else (Source(name, path).bytes(), name)

    def look(
        self,
        file: ChosenFile,
        *,
        size: int = 28,
        colour: bool = False,
        label: str | None = None,
        leave_out: bool = False,
        by: str | None = "",
    ) -> Answer:
        """How far the reading of a file is, which begins with the first look; to be asked again until it has ended.

        Pictures become `size` x `size` pixels, in `colour` or grey. `label` names the column of the labels: None lets
        the reader find it, "" is none. `leave_out`: what is broken or blank is left out. Raises DatasetError for a file
        that is gone.
        """
        asked = Asked(file, size, colour, label, leave_out)
        return replace(self._reader.look(asked, by or ""), file=file.name)

    def try_again(self, answer: Answer) -> None:
        """Have a file read again that could not be read, because it took too long or too much."""
        self._reader.forget(answer.key)

    def read(
        self,
        data: bytes,
        filename: str,
        *,
        size: int = 28,
        colour: bool = False,
        label: str | None = None,
        leave_out: bool = False,
        by: str | None = "",
        progress: Callable[[float], None] | None = None,
    ) -> Answer:
        """What a file holds, for whoever can wait; `progress` is told the share that is done.

        Raises DatasetError, which says what is wrong with the file, and CanLeaveOut where some of it is.
        """
        file = self.choose(data, filename)
        asked = Asked(file, size, colour, label, leave_out)
        answer = replace(self._reader.wait(asked, by or "", progress), file=file.name)
        if answer.reading is None:
            raise CanLeaveOut(answer.reason, answer.can_be_left_out) if answer.can_be_left_out else DatasetError(
                answer.reason
            )
        return answer

    def keep(self, answer: Answer, *, by: str | None = "") -> str:
        """Put a file that was read into the store; returns the data set's name, the same for the same content.

        Raises NotAllowed for a visitor of whom nothing is known on a shared server, and for more than it keeps;
        DatasetError for a file that was not read, or is gone.
        """
        permissions.check_known(self._settings, by)
        if answer.reading is None:
            raise DatasetError(answer.reason or "The file has not been read yet; wait for it.")
        info, data = answer.reading.info, self._reader.packed(answer.key)
        with self._store.together():
            self._check_room_of(info.name, len(data), by=by)
            self._store.datasets.put(replace(info, names=NO_NAMES), data)  # the names are those of this owner
            self._store.datasets.add_owner(info.name, by or "", shown_file_name(answer.file), info.names)
        machine.return_freed_memory()
        return info.name

    def titles(self, *, by: str | None = "") -> dict[str, str]:
        """What `by` may call each upload: the name of one's own file, else that of an owner who has published the data.

        The name of a file may say as much as the data: to whom these are private, so is their name.
        """
        titles: dict[str, str] = {}
        for name, owners in self._store.datasets.files().items():
            mine = [file for owner, _, file in owners if owner == by]
            shared = [file for _, published, file in owners if published or permissions.is_admin(self._settings, by)]
            if mine or shared:
                titles[name] = [*mine, *shared][0]
        return titles

    def title(self, name: str, *, by: str | None = "") -> str:
        """What `by` may call a data set, built-in or uploaded."""
        return datasets.title_of(name, None if name in datasets.OPTIONS else self.titles(by=by))

    def close(self) -> None:
        """End the process that reads a file, if there is one."""
        self._reader.close()

    def kept(self, *, by: str | None = "") -> list[KeptUpload]:
        """The uploads that belong to `by`, the newest first; on a person's own machine all."""
        mine = [one for one in self._store.datasets.stored() if self._is_of(one, by)]
        return [KeptUpload(one.name, one.size, self._why_needed(one, by)) for one in mine]

    def delete(self, name: str, *, by: str | None = "") -> None:
        """Remove an upload that no run needs. One that belongs to others, too, stays theirs.

        Raises DatasetError for data that `by` does not see, NotAllowed for data of somebody else, and GanometerError
        naming the runs of `by`, or how many of others, that need the data.
        """
        self._visible(name, by)
        with self._store.together():
            upload = next((one for one in self._store.datasets.stored() if one.name == name), None)
            if upload is None:
                raise datasets.unknown_dataset(name)
            if not self._is_of(upload, by) and not permissions.is_admin(self._settings, by):
                raise permissions.of_somebody_else(self.title(name, by=by))
            if why := self._why_needed(upload, by):
                raise GanometerError(why)
            if by in upload.owners and len(upload.owners) > 1:
                self._store.datasets.remove_owner(name, by)
            else:
                self._store.datasets.delete(name)
        self._store.datasets.shrink()

    def _is_of(self, upload: StoredUpload, by: str | None) -> bool:
        return by is None or not self._settings.shared or by in upload.owners

    def _why_needed(self, upload: StoredUpload, by: str | None) -> str | None:
        """Why an upload cannot be deleted by `by`, in one sentence; None where it can.

        A run of another owner does not count as long as that owner keeps the data.
        """
        runs = self._store.runs.on_data(upload.name)
        mine = [name for name, owner in runs if owner == by or not self._settings.shared]
        if len(mine) == 1:
            return f"your run {mine[0]} needs these data: delete it first"
        if mine:
            more = f" and {len(mine) - MOST_NAMED} more" if len(mine) > MOST_NAMED else ""
            return f"your runs {', '.join(mine[:MOST_NAMED])}{more} need these data: delete them first"
        keepers = set(upload.owners) - {by} if by in upload.owners else set[str]()
        others = sum(owner not in keepers for _, owner in runs)
        if others:
            need = "1 run of somebody else needs" if others == 1 else f"{others} runs of other people need"
            return f"{need} these data, so they stay until nobody's does"
        return None

    def check_room(self, size: int, *, stored: int = 0, by: str | None = "") -> None:
        """Raises NotAllowed where so many bytes of `by`, beside the uploads that there are and `stored` bytes of
        others, would be more than this server keeps."""
        everything = self._store.datasets.stored()
        mine, theirs = [one.size for one in everything if self._is_of(one, by)], sum(one.size for one in everything)
        permissions.check_upload(self._settings, by, own=mine, stored=stored + theirs, size=size, new=True)

    def _check_room_of(self, name: str, size: int, *, by: str | None = "") -> None:
        """Raises NotAllowed where an upload of so many bytes would be more than this server keeps."""
        stored = self._store.datasets.stored()
        mine = {one.name: one.size for one in stored if self._is_of(one, by)}
        if name in mine:
            return
        everything, new = sum(one.size for one in stored), all(one.name != name for one in stored)
        permissions.check_upload(self._settings, by, own=[*mine.values()], stored=everything, size=size, new=new)

    def publish(self, name: str, published: bool, *, by: str | None = "") -> None:
        """Let everybody train on one's own data and see one's own runs on them, or no longer.

        It is the share of `by` alone: what another owner of the same file keeps private stays so. An admin who is no
        owner decides for all. Raises DatasetError for data that `by` does not see, and NotAllowed for data of somebody
        else.
        """
        owners = self._visible(name, by).owners
        owner = by if by is not None and by in owners else None
        if owner is None and not permissions.is_admin(self._settings, by):
            raise permissions.of_somebody_else(self.title(name, by=by))
        self._store.datasets.publish(name, published, owner=owner)

    def _visible(self, name: str, by: str | None) -> DatasetInfo:
        info = self._store.datasets.named(name)
        if info is None or not permissions.may_use_data(self._settings, info.owners, by):
            raise datasets.unknown_dataset(name)
        return info
