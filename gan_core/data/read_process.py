"""The process that reads one file of a stranger, writes what it became into a folder, and ends.

    python -m gan_core.data.read_process < asked.json

It knows no store, no network and no other file. Whatever a decoder does here, with memory or with time, ends with this
process; who has started it watches it too, because not every system keeps the limits that are set here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

OUT_OF_MEMORY, DISK_FULL = 3, 4
"""The exit codes of a process that gets no more memory, and of one that cannot write what it has read."""

EVERY_SECONDS = 0.2


def main() -> int:
    """Read the file that standard input names.

    {file, ending, size, colour, label, leave_out, most_bytes, most_unpacked, folder, progress, memory, seconds}
    """
    asked = json.load(sys.stdin)
    try:
        bound_this_process(asked["memory"], asked["seconds"])
        _read(asked)
    except MemoryError:
        return OUT_OF_MEMORY
    except OSError:
        return DISK_FULL
    return 0


def _read(asked: dict[str, Any]) -> None:
    from gan_core.data import readings
    from gan_core.data.reading.contents import Limits
    from gan_core.data.uploads import read_upload
    from gan_core.records import DatasetError

    folder, told = Path(asked["folder"]), _Progress(Path(asked["progress"]))
    try:
        upload = read_upload(
            Path(asked["file"]),
            f"file{asked['ending']}",
            size=asked["size"],
            colour=asked["colour"],
            label=asked["label"],
            leave_out=asked["leave_out"],
            limits=Limits(asked["most_bytes"], asked["most_unpacked"]),
            progress=lambda share: told(0.9 * share),
        )
        told(0.9)
        readings.write_reading(folder, upload)
    except DatasetError as error:
        readings.write_refusal(folder, error)


class _Progress:
    """Writes the share that is done into a file, a few times a second."""

    def __init__(self, file: Path):
        self._file, self._last = file, 0.0

    def __call__(self, share: float) -> None:
        if (now := time.monotonic()) - self._last < EVERY_SECONDS:
            return
        self._last = now
        with suppress(OSError):  # it is only shown
            self._file.write_text(f"{share:.3f}", encoding="ascii")


def bound_this_process(memory: int, seconds: float) -> None:
    """Have the system end this process, or refuse it memory, beyond so many bytes and seconds of computing.

    Where memory is short, the system should end this process before any other. A system that has none of this (Windows)
    does nothing.
    """
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        import resource
    except ImportError:
        return
    limits = {"RLIMIT_DATA": memory, "RLIMIT_CPU": int(seconds) + 1, "RLIMIT_CORE": 0}
    if sys.platform == "darwin":
        del limits["RLIMIT_DATA"]  # it counts nothing there
    for name, limit in limits.items():
        with suppress(OSError, ValueError):
            which = getattr(resource, name)
            _, most = resource.getrlimit(which)
            limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
            resource.setrlimit(which, (limit, most))
    with suppress(OSError):
        os.nice(10)


if __name__ == "__main__":
    sys.exit(main())
