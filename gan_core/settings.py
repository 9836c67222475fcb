"""Where this installation keeps things and what people may do on it, read once and passed on as a value."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Mapping

WORKER_MODES = ("process", "thread", "none")


@dataclass(frozen=True)
class Limits:
    """What one server, and one person on it, may do; None is no limit.

    `at_once` runs train at the same time, `queued` ones of one owner wait or train, and one of them may take `steps`
    steps with batches of `batch`, `minutes` of training, and `memory` MB.
    """

    at_once: int = 1
    queued: int | None = None
    steps: int | None = None
    batch: int | None = None
    minutes: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Settings:
    """`store_url` names the database, `home` holds logs and the default database, `data_folder` data set files.

    `worker` says who trains: a child process, a thread of this process, or somebody else. `resume`: runs whose worker
    has died go on by themselves. `shared`: people see each other's runs and control their own; `admins` (e-mails)
    control all. `notice` is what a person should know about the place (for example that it is a temporary one).
    """

    home: Path
    store_url: str
    data_folder: Path | None
    worker: str = "process"
    resume: bool = False
    shared: bool = False
    admins: tuple[str, ...] = ()
    limits: Limits = Limits()
    notice: str = ""

    def environment(self) -> dict[str, str]:
        """The variables that give a child process the same settings."""
        about = {
            "GANOMETER_HOME": str(self.home),
            "GANOMETER_STORE": self.store_url,
            "GANOMETER_LIMITS": _told(self.limits),
        }
        return about | ({"GANOMETER_DATA": str(self.data_folder)} if self.data_folder else {})


def from_environment(
    environ: Mapping[str, str] = os.environ, *, store_url: str | None = None, secrets: Mapping[str, Any] | None = None
) -> Settings:
    """GANOMETER_HOME, _STORE, _DATA, _WORKER, _RESUME, _SHARED, _ADMINS and _LIMITS.

    `store_url`, and what `secrets` say under `resume`, `shared`, `admins` and `limits`, win over the environment. A
    home that cannot be written is replaced by a temporary one, with a notice. Raises ValueError for what cannot be
    understood.
    """
    told = secrets or {}
    home, notice = _writable(Path(environ.get("GANOMETER_HOME") or Path.home() / ".ganometer").expanduser().resolve())
    url = store_url or environ.get("GANOMETER_STORE") or f"sqlite:///{home / 'ganometer.sqlite'}"
    worker = environ.get("GANOMETER_WORKER") or "process"
    if worker not in WORKER_MODES:
        raise ValueError(f"GANOMETER_WORKER is {worker!r}; choose one of {', '.join(WORKER_MODES)}")
    folder = environ.get("GANOMETER_DATA")
    admins = told.get("admins", (environ.get("GANOMETER_ADMINS") or "").replace(",", " ").split())
    return Settings(
        home,
        url,
        Path(folder).expanduser().resolve() if folder else None,
        worker,
        resume=_switch("GANOMETER_RESUME", told.get("resume", environ.get("GANOMETER_RESUME"))),
        shared=_switch("GANOMETER_SHARED", told.get("shared", environ.get("GANOMETER_SHARED"))),
        admins=tuple(str(admin).lower() for admin in ([admins] if isinstance(admins, str) else admins)),
        limits=_limits(told.get("limits", environ.get("GANOMETER_LIMITS")) or ""),
        notice=notice,
    )


def _switch(name: str, value: Any) -> bool:
    known = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
    text = "" if value is None else str(value).lower()
    if text not in known:
        raise ValueError(f"{name} is {value!r}; write true or false")
    return known[text]


def _limits(told: str | Mapping[str, Any]) -> Limits:
    """Limits from "steps=20000 minutes=10", or from a table of the same."""
    if isinstance(told, str):
        told = dict(part.partition("=")[::2] for part in told.replace(",", " ").split())
    known = {field.name: int if "int" in str(field.type) else float for field in fields(Limits)}
    values = {}
    for name, value in told.items():
        if name not in known:
            raise ValueError(f"GANOMETER_LIMITS names {name!r}; choose from {', '.join(known)}")
        try:
            number = known[name](str(value))
        except ValueError:
            number = 0
        if not number > 0:
            raise ValueError(f"GANOMETER_LIMITS has {name}={value}; give a number above 0")
        values[name] = number
    return Limits(**values)


def _told(limits: Limits) -> str:
    values = {field.name: getattr(limits, field.name) for field in fields(limits)}
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)


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
