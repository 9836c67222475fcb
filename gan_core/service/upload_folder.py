"""The folder in which a server keeps the files that people have chosen, and what reading them gave, for a while.

Both are known by hashes, so that the same file is kept and read once. What has not been asked for longest goes first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gan_core.data.reading.contents import SMALL, Limits
from gan_core.data.reading.endings import ending_of
from gan_core.data.uploads import check_file
from gan_core.records import DatasetError

MAX_BYTES = 400 * 2**20
"""What all files, and what all readings, may take on the disk: twenty files of the largest size on a shared server."""
MAX_ENTRIES = 500
MAX_AGE = 24 * 3600.0
"""Seconds after which what nobody has asked for is removed in any case."""


@dataclass(frozen=True)
class ChosenFile:
    """A file that a person has chosen, and that this server keeps: the hash of its bytes, its name and its length."""

    sha256: str
    name: str
    length: int

    @property
    def ending(self) -> str:
        """The ending of its name, which says how to read it: ".csv"."""
        return ending_of(self.name)


class UploadFolder:
    """Files and readings below `home`. Raises DatasetError where the disk does not keep what it is given."""

    def __init__(self, home: Path, limits: Limits = SMALL):
        self._limits = limits
        self._files, self._readings = home / "uploads" / "files", home / "uploads" / "readings"

    def put(self, data: bytes, name: str) -> ChosenFile:
        """Keep a file. Raises DatasetError for one that is not worth reading."""
        check_file(name, len(data), self._limits)
        file = ChosenFile(hashlib.sha256(data).hexdigest(), name, len(data))
        with _disk():
            if not _touched(self._files / file.sha256):
                with self._beside(self._files) as place:
                    (place / "file").write_bytes(data)
                    os.replace(place / "file", self._files / file.sha256)
                _evict(self._files)
        return file

    def file(self, file: ChosenFile) -> Path:
        """Where a file is kept. Raises DatasetError for one that has been removed to make room."""
        path = self._files / file.sha256
        if not _touched(path):
            raise gone()
        return path

    def reading(self, key: str) -> Path | None:
        """The folder with a reading that is kept under this key."""
        path = self._readings / key
        return path if _touched(path) else None

    @contextmanager
    def new_reading(self, key: str) -> Generator[Path, None, None]:
        """An empty folder, for a reading that is kept under `key` if it has been written when the block ends."""
        with _disk(), self._beside(self._readings) as place:
            (place / key).mkdir()
            yield place / key
            if any((place / key).iterdir()):
                shutil.rmtree(self._readings / key, ignore_errors=True)
                os.replace(place / key, self._readings / key)
                _evict(self._readings)

    def forget(self, key: str) -> None:
        """Remove a reading, so that its file is read again."""
        shutil.rmtree(self._readings / key, ignore_errors=True)

    @contextmanager
    def _beside(self, folder: Path) -> Generator[Path, None, None]:
        """A folder of its own on the same disk: what is complete is moved from there, so nobody sees half of it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left, asked, _ in _entries(folder.parent, "new-*"):  # by a server that was killed
            if time.time() - asked > MAX_AGE:
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-", ignore_cleanup_errors=True) as place:
            yield Path(place)


def gone() -> DatasetError:
    """The error for what has been removed to make room."""
    return DatasetError("This server no longer keeps the file you chose; choose it again.")


@contextmanager
def _disk() -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:  # the sentence names no path: it is for a stranger
        why = error.strerror or type(error).__name__
        raise DatasetError(f"This server cannot keep the file ({why}); try again later.") from None


def _touched(path: Path) -> bool:
    """Whether it is there; from now on it counts as just asked for."""
    try:
        os.utime(path)
    except OSError:
        return False
    return True


def _evict(folder: Path) -> None:
    """Remove what has not been asked for longest, until the rest has room."""
    kept = 0
    newest_first = sorted(_entries(folder), key=lambda entry: entry[1], reverse=True)
    for number, (path, asked, size) in enumerate(newest_first):
        kept += size
        if number and (number >= MAX_ENTRIES or kept > MAX_BYTES or time.time() - asked > MAX_AGE):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _entries(folder: Path, pattern: str = "*") -> list[tuple[Path, float, int]]:
    """What lies in a folder, when it was last asked for, and its bytes; without what another thread just removes."""
    found: list[tuple[Path, float, int]] = []
    for path in folder.glob(pattern):
        with suppress(OSError):
            found.append((path, path.stat().st_mtime, _size(path)))
    return found


def _size(path: Path) -> int:
    return sum(f.stat().st_size for f in path.iterdir()) if path.is_dir() else path.stat().st_size
