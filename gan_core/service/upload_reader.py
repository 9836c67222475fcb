"""Reads the files that people have chosen: outside this process, one after the other, and each only once.

Whoever waits asks again and again (`look`), and whoever does not any more is not waited for: a file that nobody has
asked for in FORGOTTEN_SECONDS is not read, and its reading is ended. One person waits with one file, in whose place
comes the next that this person chooses.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from gan_core import machine
from gan_core.data import read_process, readings
from gan_core.data.reading.contents import SMALL, CanLeaveOut, Limits
from gan_core.data.readings import Reading
from gan_core.data.safe_archives import megabytes
from gan_core.records import DatasetError
from gan_core.service.bounded_process import Bounds, Outcome, run_bounded
from gan_core.service.upload_folder import ChosenFile, UploadFolder, gone

log = logging.getLogger("ganometer.uploads")

MODULE = "gan_core.data.read_process"
FORMAT = 3
"""Raised when files are read in another way than before, so that nothing is kept of what was read in the old way."""
MOST_MEMORY, LEAST_MEMORY = 800 * 2**20, 200 * 2**20
"""70,000 colour pictures of 32 x 32 pixels take 600 MB while they become a data set."""
MOST_SECONDS = 60.0
BYTES_A_SECOND = 2**20
"""Of a file that is larger than a shared server takes, in each further second."""
MAX_WAITING = 20
"""Files that wait. Whoever comes then is told to wait too, and gets a place as soon as there is one."""
FORGOTTEN_SECONDS = 20.0
REMEDY = "give fewer rows, or fewer and smaller pictures"
DIED = f"The process that read this file has ended before it was done; try again, or {REMEDY}."
ENDINGS: dict[int, Outcome] = {read_process.OUT_OF_MEMORY: "memory", read_process.DISK_FULL: "disk"}


@dataclass(frozen=True)
class Asked:
    """A file, and how to read it, as ReadOptions says."""

    file: ChosenFile
    size: int = 28
    colour: bool = False
    label: str | None = None
    leave_out: bool = False

    @property
    def key(self) -> str:
        """Under what the reading is kept: the same for all files of these bytes and this ending."""
        about = [FORMAT, self.file.sha256, self.file.ending, self.size, self.colour, self.label, self.leave_out]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Answer:
    """How far a file is. "waiting" behind `ahead` others, "reading" for so many `seconds`, of which `share` is done, or
    ended.

    "read" has the `reading`. "refused" and "failed" have the `reason`; what has failed may be tried again, and where
    only `can_be_left_out` was wrong, the file may be read without that.
    """

    state: Literal["waiting", "reading", "read", "refused", "failed"]
    key: str
    ahead: int = 0
    seconds: float = 0.0
    reading: Reading | None = None
    reason: str = ""
    file: str = ""
    """What the person's file is called."""
    share: float = 0.0
    can_be_left_out: tuple[str, ...] = ()


@dataclass
class _Request:
    asked: Asked
    last_asked: float
    began: float = 0.0
    progress: Path | None = None


class UploadReader:
    """The queue of files, and the thread that reads the first of them. Safe to call from any thread."""

    def __init__(
        self,
        folder: UploadFolder,
        *,
        seconds: float = MOST_SECONDS,
        memory: int = MOST_MEMORY,
        limits: Limits = SMALL,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._folder, self._seconds, self._memory, self._clock = folder, seconds, memory, clock
        self._limits = limits
        self._lock = threading.Condition()
        self._waiting: dict[str, _Request] = {}  # by who waits, the first first
        self._now: _Request | None = None
        self._failed: dict[str, str] = {}  # the reasons, by key: another time there may be memory and time enough
        self._thread: threading.Thread | None = None
        self._closed = False

    def look(self, asked: Asked, visitor: str) -> Answer:
        """How far a file is, which is read if it has not been. Returns at once.

        Raises DatasetError for a file that this server no longer keeps.
        """
        if (ended := self._ended(asked.key)) is not None:
            return ended
        self._folder.file(asked.file)
        with self._lock:
            now = self._clock()
            if self._now and self._now.asked.key == asked.key:
                self._now.last_asked = now
                return Answer("reading", asked.key, seconds=now - self._now.began, share=_share(self._now.progress))
            if visitor in self._waiting or len(self._waiting) < MAX_WAITING:
                self._waiting[visitor] = _Request(asked, now)
            self._begin()
            before = list(self._waiting).index(visitor) if visitor in self._waiting else len(self._waiting)
            return Answer("waiting", asked.key, ahead=before + (self._now is not None))

    def wait(
        self, asked: Asked, visitor: str, progress: Callable[[float], None] | None = None
    ) -> Answer:
        """Look until the file has been read or refused; `progress` is told the share that is done."""
        while (answer := self.look(asked, visitor)).state in ("waiting", "reading"):
            if progress is not None:
                progress(answer.share)
            with self._lock:
                self._lock.wait(timeout=1.0)
        return answer

    def forget(self, key: str) -> None:
        """Read a file again that could not be read."""
        with self._lock:
            self._failed.pop(key, None)

    def packed(self, key: str) -> bytes:
        """The data set of a file that was read. Raises DatasetError for one that this server no longer keeps."""
        folder = self._folder.reading(key)
        try:
            if folder is not None:
                return readings.load_packed(folder)
        except OSError:
            pass
        raise gone()

    def close(self) -> None:
        """End the process that reads."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread:
            thread.join(timeout=5)

    def _ended(self, key: str) -> Answer | None:
        if why := self._failed.get(key):
            return Answer("failed", key, reason=why)
        folder = self._folder.reading(key)
        if folder is None:
            return None
        try:
            return Answer("read", key, reading=readings.load_reading(folder))
        except DatasetError as error:
            items = error.items if isinstance(error, CanLeaveOut) else ()
            return Answer("refused", key, reason=str(error), can_be_left_out=items)
        except (OSError, ValueError, KeyError):  # damaged, or removed just now: it is read again
            self._folder.forget(key)
            return None

    # ------------------------------------------------------------ the thread

    def _begin(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._work, name="ganometer-uploads", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (request := self._next()) is not None:
            try:
                failed = self._read(request)
            except DatasetError as error:
                failed = str(error)
            except Exception:
                log.exception("a file could not be read")
                failed = DIED
            with self._lock:
                if failed:
                    self._failed = dict([*self._failed.items()][-99:]) | {request.asked.key: failed}
                self._now = None
                self._lock.notify_all()
            machine.return_freed_memory()  # also what the file took while it came in

    def _next(self) -> _Request | None:
        """The first request that somebody still waits for; None, and the thread ends, when there is no other."""
        with self._lock:
            while self._waiting and not self._closed:
                request = self._waiting.pop(next(iter(self._waiting)))
                if self._wanted(request) and self._folder.reading(request.asked.key) is None:
                    request.began, self._now = self._clock(), request
                    return request
            self._thread = None
            return None

    def _bounds(self, length: int) -> Bounds:
        """What reading a file of so many bytes may take: more than usual beyond what a shared server takes."""
        more = max(0, length - SMALL.file)
        memory = min(self._memory + 4 * more, max(LEAST_MEMORY, machine.free_memory() * 4 // 5))
        return Bounds(memory, self._seconds + more / BYTES_A_SECOND)

    def _wanted(self, request: _Request) -> bool:
        return not self._closed and self._clock() - request.last_asked < FORGOTTEN_SECONDS

    def _read(self, request: _Request) -> str:
        """Read a file in a process of its own; returns why it failed, "" if it did not."""
        asked = request.asked
        bounds = self._bounds(asked.file.length)
        with self._folder.new_reading(asked.key) as folder:
            request.progress = folder.parent / "progress"
            told = dict(
                file=str(self._folder.file(asked.file)),
                ending=asked.file.ending,
                size=asked.size,
                colour=asked.colour,
                label=asked.label,
                leave_out=asked.leave_out,
                most_bytes=self._limits.file,
                most_unpacked=self._limits.unpacked,
                folder=str(folder),
                progress=str(request.progress),
            )
            outcome = run_bounded(MODULE, told, bounds, wanted=partial(self._wanted, request), endings=ENDINGS)
            if outcome != "done":
                _clear(folder)
        return _reason(outcome, bounds)


def _share(progress: Path | None) -> float:
    """What the process that reads has written of how far it is."""
    try:
        return min(1.0, max(0.0, float(progress.read_text(encoding="ascii")))) if progress else 0.0
    except (OSError, ValueError):  # it is written just now, or has not been yet
        return 0.0


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _reason(outcome: Outcome, bounds: Bounds) -> str:
    return {
        "done": "",
        "unwanted": "",
        "time": f"Reading this file takes more than {bounds.seconds:.0f} seconds; {REMEDY}.",
        "memory": f"Reading this file takes more than {megabytes(bounds.memory)} of memory; {REMEDY}.",
        "disk": "This server cannot keep what was read from the file: its disk is full. Try again later.",
        "died": DIED,
    }[outcome]
