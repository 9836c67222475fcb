"""This machine: its name, its free memory, its versions, and which workers on it are dead."""

from __future__ import annotations

import ctypes
import platform
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import psutil

from gan_core import __version__
from gan_core.records import StoreError, WorkerInfo
from gan_core.store import LEASE_SECONDS, Store

HOST = socket.gethostname()
_M_MMAP_THRESHOLD = -3


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


def all_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory that the machine has, or that its container may take if that is less."""
    memory = psutil.virtual_memory().total
    for limit in (cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such file, or the word "max": no limit of this kind
            memory = min(memory, int(limit.read_text()))
    return memory


def return_freed_memory() -> None:
    """Return memory that this process has freed to the system: after compiling 150 MB, after measuring 80 MB.

    It takes about 10 ms. Only glibc has such a call; with other libraries nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def return_large_blocks_at_once() -> None:
    """From now on return blocks of 1 MB and more to the system as soon as they are freed.

    Once glibc has freed a large block, it keeps the next ones of that size for the thread that had them, where
    `return_freed_memory` does not reach them.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 2**20)


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


GRACE_SECONDS = 10.0
"""A worker that has lost its lease, and may live all the same, is given so long to beat again."""
JOBS_SECONDS = 60.0
"""The jobs of a worker that was silent for so long wait for another one."""
RESUMED_AFTER = (0.0, 0.0, 60.0, 240.0, 960.0)
"""Seconds until a run that was interrupted goes on by itself, by how many times that happened since its last step.
After more times it has had its chances, and waits for a person."""


class Watch:
    """Looks again and again for workers that are gone, and gives back what they have left.

    A worker of this machine is gone when its process has ended. One whose process is there, or works elsewhere, is gone
    when its lease has run out and it stays silent under the eyes of the watch, for GRACE_SECONDS of `clock`. After the
    machine has slept, the database's clock was set or the store was out of reach, all leases have run out, and the
    workers that live beat again within moments. With `resume`, runs that were interrupted go on by themselves.
    """

    def __init__(self, store: Store, *, resume: bool = False, clock: Callable[[], float] = time.monotonic):
        self._store, self._resume, self._clock = store, resume, clock
        self._doubted: dict[tuple[str, float], float] = {}  # who, by the last heartbeat -> since when

    def look(self, *, at_once: bool = False) -> list[str]:
        """Interrupt the runs, and give back the jobs, of workers that are gone; returns the runs' ids.

        `at_once`: those elsewhere are believed to be gone as soon as their lease has run out.
        """
        store, workers = self._store, self._store.workers.all()
        here = {worker.id for worker in workers if worker.host == HOST}
        dead = [worker.id for worker in workers if worker.id in here and not _is_there(worker)]
        silent = {(w.id, w.heartbeat): w.id for w in workers if _is_silent(w.age, JOBS_SECONDS)}
        lost = {(r.run_id, r.heartbeat): r.worker_id for r in store.leases.held() if _is_silent(r.age, LEASE_SECONDS)}
        now, all_doubted = self._clock(), silent | lost
        if all_doubted and not self._can_write():
            self._doubted = dict.fromkeys(all_doubted, now)  # nor can they: that they are silent says nothing
            return []
        self._doubted = {who: self._doubted.get(who, now) for who in all_doubted}
        gone = {
            who
            for who, since in self._doubted.items()
            if now - since >= GRACE_SECONDS or (at_once and all_doubted[who] not in here)
        }
        try:
            interrupted = store.leases.interrupt(dead, dict(who for who in lost if who in gone))
            if workers_gone := [*dead, *(worker for who, worker in silent.items() if who in gone)]:
                store.jobs.give_back(workers_gone)
            for worker_id in dead:
                store.workers.remove(worker_id)
            if self._resume:
                self._resume_interrupted()
        except StoreError:  # another look does it; whoever only reads need not wait for that
            return []
        return interrupted

    def _can_write(self) -> bool:
        try:
            self._store.check_writable()
        except StoreError:
            return False
        return True

    def _resume_interrupted(self) -> None:
        for run in self._store.leases.interrupted():
            if run.times < len(RESUMED_AFTER) and run.age >= RESUMED_AFTER[run.times]:
                self._store.commands.send(run.run_id, "resume", by="the server")


def reap_dead_workers(store: Store, *, resume: bool = False) -> list[str]:
    """Look once for workers that are gone; returns the ids of the runs that were interrupted.

    Whoever reads or changes runs for a person does this first, since a process that was killed cannot write that it is
    gone.
    """
    return Watch(store, resume=resume).look(at_once=True)


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
        lower = getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", None)  # the constant exists on Windows only
        process.nice(lower if lower is not None else min(19, process.nice() + 5))


def _is_silent(age: float, seconds: float) -> bool:
    """Whether a heartbeat is too old; one in the future was written before the database's clock was set back."""
    return not -1 < age <= seconds


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
