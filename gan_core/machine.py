"""This machine: its name, its free memory, its versions, and which workers on it are dead."""

from __future__ import annotations

import ctypes
import platform
import socket
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import psutil

from gan_core import __version__
from gan_core.records import WorkerInfo
from gan_core.store import Store

HOST = socket.gethostname()


def free_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that can still be allocated on the machine, or in the container if that is less.

    `cgroup` is the folder of the container's limits. Its memory in use includes the kernel's cache of files, which is
    free: the kernel drops it when memory is needed.
    """
    free = psutil.virtual_memory().available
    for folder, limit, used, cache in (
        (cgroup, "memory.max", "memory.current", "inactive_file"),
        (cgroup / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            allowed, taken = (int((folder / name).read_text()) for name in (limit, used))
            kept = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            free = min(free, allowed - taken + int(kept.get(cache, 0)))
        except (OSError, ValueError):  # no such file, or the word "max": no limit of this kind
            continue
    return max(free, 0)


def return_freed_memory() -> None:
    """Return memory that this process has freed to the system: after compiling 150 MB, after measuring 80 MB.

    It takes about 10 ms. Only glibc has such a call; with other libraries nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def versions() -> dict[str, str]:
    """The versions that a run's result depends on, by name."""
    names = ("tensorflow", "tensorflow_cpu", "keras", "numpy")
    found = {name.replace("_cpu", ""): _version(name) for name in names if _version(name)}
    return {
        "ganometer": __version__,
        "python": platform.python_version(),
        **found,
        "system": f"{platform.system()} {platform.machine()}",
    }


def reap_dead_workers(store: Store, *, resume: bool = False) -> list[str]:
    """Interrupt the runs, and give back the jobs, of workers that are gone; returns the runs' ids.

    A worker of this machine is gone when its process is; one elsewhere when its lease has run out. Whoever reads or
    changes runs for a person calls this first, since a process that was killed cannot write that it is gone. Where
    `resume` is set, an interrupted run is queued again.
    """
    workers = store.workers.all()
    dead = [w.id for w in workers if w.host == HOST and not _is_there(w)]
    silent = [w.id for w in workers if w.host != HOST and w.age > 60]
    interrupted = store.leases.interrupt(dead)
    if dead or silent:
        store.jobs.give_back([*dead, *silent])
        for worker_id in dead:
            store.workers.remove(worker_id)
    if resume:
        for run_id in interrupted:
            _resume_once(store, run_id)
    return interrupted


def is_running(process: psutil.Process | None) -> bool:
    """Whether the process exists and has not ended; a zombie, which waits for its parent, has ended."""
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def lower_priority(process: psutil.Process) -> None:
    """Let other processes on this machine go first, above all the pages, which need the cores for a short time only.

    Processes that it starts later inherit the priority. Where the system does not allow the change, nothing happens.
    """
    with suppress(psutil.Error):
        process.nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 5))  # the constant exists on Windows only


def _resume_once(store: Store, run_id: str) -> None:
    """Let a run whose worker died go on; one that has not moved since it last died this way has had its chance."""
    deaths = [event.step for event in store.recordings.events(run_id) if event.kind == "interrupted"]
    if len(deaths) < 2 or deaths[0] > deaths[1]:
        store.commands.send(run_id, "resume", by="the server")


def _is_there(worker: WorkerInfo) -> bool:
    """Whether the worker's process exists; a process that started after the last heartbeat has reused its number."""
    try:
        process = psutil.Process(worker.pid)
        return is_running(process) and process.create_time() <= time.time() - worker.age + 1
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
