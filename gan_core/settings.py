"""Where this installation keeps things and what people may do on it, read once and passed on as a value."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Mapping, get_args

from msgspec import Meta

from gan_core.validation import AtLeastOne, Invalid, Positive, converted, from_text, is_table, kinds_of, shown

WorkerMode = Literal["process", "thread", "none"]
WORKER_MODES: tuple[str, ...] = get_args(WorkerMode)


@dataclass(frozen=True)
class Limits:
    """What one server, and one person on it, may do; None is no limit.

    `at_once` runs train at the same time, `queued` ones of one owner wait or train, and one of them may take `steps`
    steps with batches of `batch`, `minutes` of training, and `memory` MB. One visitor waits for the answers of `jobs`
    requests, and keeps `uploads` files of `upload_mb` MB together; all visitors' files have `all_uploads_mb` MB. A file
    that somebody chooses has at most `file_mb` MB; None is what this machine can read.
    """

    at_once: AtLeastOne = 1
    queued: AtLeastOne | None = None
    steps: AtLeastOne | None = None
    batch: AtLeastOne | None = None
    minutes: Positive | None = None
    memory: Positive | None = None
    jobs: AtLeastOne | None = None
    uploads: AtLeastOne | None = None
    upload_mb: Positive | None = None
    all_uploads_mb: Positive | None = None
    file_mb: Positive | None = None


SHARED_LIMITS = Limits(queued=5, minutes=30, jobs=20, uploads=10, upload_mb=60, all_uploads_mb=1000, file_mb=20)
"""What holds on a server that strangers share, unless its limits say otherwise."""


@dataclass(frozen=True)
class Settings:
    """`store_url` names the database, `home` holds logs and the default database, `data_folder` data set files.

    `worker` says who trains: a child process, a thread of this process, or somebody else. `resume`: runs whose worker
    has died go on by themselves. `shared`: people see each other's runs and control their own; `admins` (e-mails)
    control all. `notice` is what a person should know about the home (for example that it is temporary).
    """

    home: Path
    store_url: str = field(repr=False)  # it may hold a password
    data_folder: Path | None
    worker: WorkerMode = "process"
    resume: bool = False
    shared: bool = False
    admins: Annotated[tuple[str, ...], Meta(description="expected names, as a list")] = ()
    limits: Limits = Limits()
    notice: str = ""

    def is_admin(self, name: str) -> bool:
        """Whether a visitor may see and change what belongs to others: on a person's own machine everybody may."""
        # Only ASCII: other letters may become those of an admin in lower case.
        return not self.shared or (name.isascii() and name.lower() in self.admins)

    def limits_of_run(self, owner: str) -> Limits:
        """What a worker gives to a run. On a shared server the admins, and whoever runs it, have no limits."""
        return Limits() if self.shared and (owner == "" or self.is_admin(owner)) else self.limits

    def environment(self) -> dict[str, str]:
        """The variables that give a child process the same settings."""
        about = {
            "GANOMETER_HOME": str(self.home),
            "GANOMETER_STORE": self.store_url,
            "GANOMETER_SHARED": str(self.shared).lower(),
            "GANOMETER_ADMINS": " ".join(self.admins),
            "GANOMETER_LIMITS": _told(self.limits),
        }
        return about | ({"GANOMETER_DATA": str(self.data_folder)} if self.data_folder else {})


def settings_from_environment(
    environ: Mapping[str, str] = os.environ, *, store_url: str | None = None, secrets: Mapping[str, Any] | None = None
) -> Settings:
    """GANOMETER_HOME, _STORE, _DATA, _WORKER, _RESUME, _SHARED, _ADMINS and _LIMITS.

    `store_url`, and what `secrets` say under `resume`, `shared`, `admins` and `limits`, win over the environment. A
    home that cannot be written is replaced by a temporary one, with a notice. A shared server has SHARED_LIMITS where
    none are told; "none" lifts one. Raises Invalid (a ValueError) naming everything that cannot be understood, and
    where nothing at all can be written.
    """
    told = secrets or {}
    limits, wrong_limits = _limits(told.get("limits", environ.get("GANOMETER_LIMITS")) or "")
    values = {
        "GANOMETER_WORKER": environ.get("GANOMETER_WORKER") or "process",
        "GANOMETER_RESUME": _switch(told.get("resume", environ.get("GANOMETER_RESUME"))),
        "GANOMETER_SHARED": _switch(told.get("shared", environ.get("GANOMETER_SHARED"))),
        "GANOMETER_ADMINS": _names(told.get("admins", environ.get("GANOMETER_ADMINS") or "")),
    }
    found, problems = converted(_KINDS, values, what="a variable of Ganometer")
    if problems := problems + [f"GANOMETER_LIMITS: {problem}" for problem in wrong_limits]:
        raise Invalid(problems)
    home, notice = _writable(_folder(environ.get("GANOMETER_HOME") or "~/.ganometer", "GANOMETER_HOME"))
    folder = environ.get("GANOMETER_DATA")
    return Settings(
        home,
        store_url or environ.get("GANOMETER_STORE") or f"sqlite:///{home / 'ganometer.sqlite'}",
        _folder(folder, "GANOMETER_DATA") if folder else None,
        worker=found["GANOMETER_WORKER"],
        resume=found["GANOMETER_RESUME"],
        shared=found["GANOMETER_SHARED"],
        admins=tuple(admin.lower() for admin in found["GANOMETER_ADMINS"]),
        limits=replace(SHARED_LIMITS if found["GANOMETER_SHARED"] else Limits(), **limits),
        notice=notice,
    )


_KINDS = {f"GANOMETER_{name.upper()}": kinds_of(Settings)[name] for name in ("worker", "resume", "shared", "admins")}
_SWITCHES = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def _switch(value: Any) -> Any:
    """True or false, where the value means one of them; otherwise the value."""
    return _SWITCHES.get("" if value is None else str(value).lower(), value)


def _names(value: Any) -> Any:
    """Names with commas or spaces in between as a list; anything else as it is."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _limits(told: Any) -> tuple[dict[str, Any], list[str]]:
    """Limits from "steps=20000 minutes=10", or from a table of the same; and what is wrong with them."""
    if isinstance(told, str):
        parts = (part.partition("=") for part in told.replace(",", " ").split())
        told = {name: value for name, _, value in parts}
    if not is_table(told):
        return {}, [f"{shown(told)} is no table; write for example steps=20000 minutes=10"]
    kinds = kinds_of(Limits)
    known = {name: from_text(kinds[name], value) for name, value in told.items() if name in kinds and value != ""}
    return converted(kinds, {**told, **known}, what="a limit")


def _told(limits: Limits) -> str:
    values = {field.name: getattr(limits, field.name) for field in fields(limits)}
    return " ".join(f"{name}={'none' if value is None else value}" for name, value in values.items())


def _folder(text: str, variable: str) -> Path:
    """The folder that a variable names. Raises Invalid where nobody knows what ~ stands for, or links form a circle."""
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise Invalid([f"{variable} is {shown(text)}, which names no folder ({error}); give its whole path"]) from None


def _writable(home: Path) -> tuple[Path, str]:
    """The home, or where it cannot be written a temporary one, with a notice. Raises Invalid where there is neither."""
    if (why := _reason_against(home)) is None:
        return home, ""
    try:
        other = Path(tempfile.gettempdir()) / "ganometer"
        if _reason_against(other) is not None:  # somebody else's, or no folder at all
            other = Path(tempfile.mkdtemp(prefix="ganometer-"))
    except OSError as error:
        raise Invalid(
            [
                f"{home} cannot be written ({why}), and there is no folder for temporary files "
                f"({error.strerror or error}); set GANOMETER_HOME to a folder of yours"
            ]
        ) from None
    return other, (
        f"{home} cannot be written ({why}), so runs are kept in {other} and may be lost when this machine restarts. "
        "Set GANOMETER_HOME to a folder of yours to keep them."
    )


def _reason_against(folder: Path) -> str | None:
    """Why nothing can be written into a folder, which is made where it is missing; None where it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
