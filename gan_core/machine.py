"""This machine: its name, the memory a process can still get, and which workers on it are gone."""

from __future__ import annotations

import platform
import socket
from importlib import metadata
from pathlib import Path

import psutil

from gan_core.store import Store

HOST = socket.gethostname()


def free_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that can still be allocated: the machine's, or the container's where that is less."""
    free = psutil.virtual_memory().available
    for limit, used in (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        try:
            free = min(free, int((cgroup / limit).read_text()) - int((cgroup / used).read_text()))
        except (OSError, ValueError):  # no such file, or the word "max": no limit of this kind
            continue
    return max(free, 0)


def versions() -> dict[str, str]:
    """What a run depends on to come out the same again."""
    names = ("tensorflow", "tensorflow_cpu", "keras", "numpy")
    found = {name.replace("_cpu", ""): _version(name) for name in names if _version(name)}
    return {"python": platform.python_version(), **found, "system": f"{platform.system()} {platform.machine()}"}


def bury_dead_workers(store: Store) -> list[str]:
    """Interrupt the runs, and give back the jobs, of workers that are gone; returns the runs' ids.

    A worker of this machine is gone when its process is; one elsewhere when its lease has run out.
    """
    dead = [w.id for w in store.presence.all() if w.host == HOST and not _is_worker(w.pid)]
    silent = [w.id for w in store.presence.all() if w.host != HOST and not w.alive and w.age > 60]
    interrupted = store.runs.interrupt(dead)
    if dead or silent:
        store.jobs.give_back([*dead, *silent])
        for worker_id in dead:
            store.presence.remove(worker_id)
    return interrupted


def _is_worker(pid: int) -> bool:
    """Whether this process exists and is a Python: a reused number is most likely something else."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "python" in process.name().lower()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
