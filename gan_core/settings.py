"""Where this installation keeps things, read from the environment once and passed on as a value."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

WORKER_MODES = ("process", "thread", "none")


@dataclass(frozen=True)
class Settings:
    """`store_url` names the database, `home` holds logs and the default database, `data_folder` data set files.

    `worker` says who trains: a child process, a thread of this process, or somebody else. `notice` is what
    a person should know about the place (for example that it is a temporary one).
    """

    home: Path
    store_url: str
    data_folder: Path | None
    worker: str = "process"
    at_once: int = 1
    notice: str = ""


def from_environment(environ: Mapping[str, str] = os.environ, *, store_url: str | None = None) -> Settings:
    """GANOMETER_HOME, GANOMETER_STORE, GANOMETER_DATA, GANOMETER_WORKER; `store_url` wins over the environment.

    A home that cannot be written is replaced by a temporary one, with a notice. Raises ValueError for an
    unknown worker mode.
    """
    home, notice = _writable(Path(environ.get("GANOMETER_HOME") or Path.home() / ".ganometer").expanduser().resolve())
    url = store_url or environ.get("GANOMETER_STORE") or f"sqlite:///{home / 'ganometer.sqlite'}"
    worker = environ.get("GANOMETER_WORKER") or "process"
    if worker not in WORKER_MODES:
        raise ValueError(f"GANOMETER_WORKER is {worker!r}; choose one of {', '.join(WORKER_MODES)}")
    folder = environ.get("GANOMETER_DATA")
    return Settings(home, url, Path(folder).expanduser().resolve() if folder else None, worker, notice=notice)


def _writable(home: Path) -> tuple[Path, str]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return home, ""
    except OSError as error:
        other = Path(tempfile.gettempdir()) / "ganometer"
        other.mkdir(parents=True, exist_ok=True)
        return other, (
            f"{home} cannot be written ({error.strerror}), so runs are kept in {other} and may be lost when this "
            "machine restarts. Set GANOMETER_HOME to a folder of yours to keep them."
        )
