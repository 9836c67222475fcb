"""The worker that trains what is queued in a store: started by this server, adopted, or somebody else's."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Callable

import psutil

from gan_core import machine
from gan_core.records import GanometerError, WorkerInfo
from gan_core.settings import Settings
from gan_core.store import Store

ROOT = Path(__file__).resolve().parents[2]
LOG_BYTES = 2_000_000
LOOK_SECONDS = 2.0
"""How often at most the host looks after its worker, and for dead workers before somebody reads runs."""
SILENT_SECONDS = 6.0
"""A worker beats every two seconds. After so many without one there may be something wrong with the store."""


class WorkerHost:
    """Sees to it that somebody trains and answers. Safe to call from any thread.

    `settings.worker` decides who: a child process that is warm before the first click, a daemon thread of this
    process, or somebody else who works on the same store.
    """

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], float] = time.monotonic):
        self._store, self._settings, self._clock = store, settings, clock
        self._lock = threading.Lock()
        self._child: psutil.Process | None = None
        self._thread: tuple[Callable[[], None], threading.Thread] | None = None  # how to stop it, and itself
        self._checked = self._reaped = -math.inf

    def ensure(self) -> None:
        """Start the worker, or adopt the one this server has; reap dead workers. Cheap when called often."""
        with self._lock:
            if self._clock() - self._checked < LOOK_SECONDS:
                return
            self._checked = self._clock()
            if self._settings.worker == "process" and not machine.is_running(self._child):
                self._child = _own_worker(self._settings.store_url) or self._spawn()
            if self._settings.worker == "thread" and not (self._thread and self._thread[1].is_alive()):
                self._thread = self._start_thread()
        self.reap()

    def reap(self, *, every: float = 0.0) -> None:
        """Look for dead workers, unless that was done less than `every` seconds ago."""
        if self._clock() - self._reaped >= every:
            self._reaped = self._clock()
            machine.reap_dead_workers(self._store, resume=self._settings.resume)

    def workers(self) -> list[WorkerInfo]:
        """Every worker of the store, the most recently heard-of first."""
        return self._store.workers.all()

    def trouble(self) -> str | None:
        """Why nothing is written any more, where a worker's heart has not been heard for long; else None."""
        beats = [run.heartbeat_age for run in self._store.runs.all(20) if run.worker is not None]
        if not any(age is not None and age > SILENT_SECONDS for age in beats):
            return None
        try:
            self._store.remember("probe", "written")
        except GanometerError as error:
            return str(error)
        return None

    @property
    def log_path(self) -> Path:
        """The file with all that a worker process says."""
        return self._settings.home / "worker.log"

    def close(self) -> None:
        """End the worker, which commits first."""
        if self._thread:
            stop, thread = self._thread
            stop()
            thread.join(timeout=10)
        if self._child is not None and machine.is_running(self._child):
            self._child.terminate()
            _, left = psutil.wait_procs([self._child], timeout=10)
            for process in left:
                process.kill()

    def _spawn(self) -> psutil.Process:
        # The store's URL may hold a password: it travels in the environment, not in the list of processes.
        environ = os.environ | self._settings.environment()
        environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        with self._open_log() as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "gan_core", "worker", "--parent", str(os.getpid())],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        worker = psutil.Process(child.pid)
        machine.lower_priority(worker)
        return worker

    def _open_log(self) -> IO[bytes]:
        """The log, to be written at its end; where it cannot be written, what the worker says is lost, and it works."""
        log = self.log_path
        try:
            if log.exists() and log.stat().st_size > LOG_BYTES:
                log.replace(log.with_suffix(".old.log"))
            return log.open("ab")
        except OSError:
            return open(os.devnull, "ab")

    def _start_thread(self) -> tuple[Callable[[], None], threading.Thread]:
        from gan_core.worker.process import Worker

        worker = Worker(self._store, self._settings)
        thread = threading.Thread(target=worker.serve, name="ganometer-worker", daemon=True)
        thread.start()
        return worker.stop, thread


def _own_worker(store_url: str) -> psutil.Process | None:
    """The worker of this store that this process started before its modules were reloaded or its caches cleared."""
    for child in psutil.Process().children():
        try:
            ours = child.cmdline()[1:4] == ["-m", "gan_core", "worker"] and machine.is_running(child)
            if ours and child.environ().get("GANOMETER_STORE", store_url) == store_url:
                return child
        except psutil.Error:
            continue
    return None
