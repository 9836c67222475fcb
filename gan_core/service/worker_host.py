"""The worker that trains what is queued in a store: started by this server, adopted, or somebody else's."""

from __future__ import annotations

import logging
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import psutil

from gan_core import machine
from gan_core.records import RunInfo, StoreError, WorkerInfo
from gan_core.service import worker_words
from gan_core.service.worker_words import Trouble
from gan_core.settings import Settings
from gan_core.store import Store

log = logging.getLogger("ganometer.server")

ROOT = Path(__file__).resolve().parents[2]
LOG_BYTES = 2_000_000
LOOK_SECONDS = 2.0
"""How often at most the host looks after its worker, and for dead workers before somebody reads runs."""
PROBE_AFTER, PROBE_SECONDS = 1.8, 1.0
"""A worker that was silent for so long may have a store that cannot be written; and how often at most that is tried."""
HUNG_SECONDS, BEGINS_SECONDS = 30.0, 90.0
"""A worker that stays silent for so long is replaced; so long it may take until it is heard for the first time."""
SEEN_SECONDS = 5.0
"""Of the time between two looks, no more counts as silence: this process may have slept itself."""
SHORT_LIFE, LONGEST_PAUSE = 60.0, 60.0
"""Workers that live shorter than this one after the other are started again after longer and longer pauses."""


class WorkerHost:
    """Sees to it that somebody trains and answers. Safe to call from any thread.

    `settings.worker` decides who: a child process that is warm before the first click, a daemon thread of this
    process, or somebody else who works on the same store.
    """

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], float] = time.monotonic):
        self._store, self._settings, self._clock = store, settings, clock
        self._lock = threading.Lock()
        self._watch = machine.Watch(store, resume=settings.resume, clock=clock)
        self._child: psutil.Process | None = None
        self._thread: tuple[Callable[[], None], threading.Thread] | None = None  # how to stop it, and itself
        self._checked = self._reaped = -math.inf
        self._began = self._again_at = -math.inf
        self._short_lives, self._failure, self._log_begins = 0, "", 0
        self._heard: float | None = None
        self._unheard = 0.0  # seconds of silence of the child that this server has witnessed
        self._probed, self._unwritable = -math.inf, None

    # ------------------------------------------------------------ somebody works

    def ensure(self) -> None:
        """Start the worker, or adopt the one this server has; replace one that hangs; reap dead workers.

        Cheap when called often: whoever comes while another thread looks does not wait for it.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            now = self._clock()
            since = now - self._checked
            if since < LOOK_SECONDS:
                return
            self._checked = now
            if self._settings.worker == "process":
                self._look_after_child(now, since)
            if self._settings.worker == "thread":
                self._look_after_thread(now)
        finally:
            self._lock.release()
        self.reap()

    def reap(self, *, every: float = 0.0, at_once: bool = False) -> None:
        """Look for dead workers, unless that was done less than `every` seconds ago.

        `at_once`: a worker elsewhere whose lease is over has none any more, whatever the reason may be.
        """
        if self._clock() - self._reaped >= every:
            self._reaped = self._clock()
            self._watch.look(at_once=at_once)

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

    # ------------------------------------------------------------ what pages say

    def workers(self) -> list[WorkerInfo]:
        """Every worker of the store, the most recently heard-of first."""
        return self._store.workers.all()

    def why_a_run_waits(self) -> str:
        """What a queued run waits for, in a sentence; "" where a worker is about to take it."""
        workers = self.workers()
        return worker_words.why_a_run_waits(self._known(), workers, self._why_unwritable(workers))

    def why_a_job_waits(self) -> str:
        """What a job waits for, in a sentence; "" where a worker is about to answer it."""
        workers = self.workers()
        return worker_words.why_a_job_waits(self._known(), workers, self._why_unwritable(workers))

    def why_a_training_waits(self, run: RunInfo) -> Trouble | None:
        """What keeps a run that a worker has from going on; None where nothing does, or nobody has it."""
        if run.worker is None:
            return None
        silent = run.heartbeat_age is not None and run.heartbeat_age > PROBE_AFTER
        unwritable = self._probe() if silent else None
        if not (unwritable or run.error or silent):
            return None
        return worker_words.why_a_training_waits(self._known(), run, self.workers(), unwritable)

    def _known(self) -> worker_words.Host:
        child = self._child
        return worker_words.Host(
            self._settings.worker,
            child.pid if child is not None else None,
            self._failure,
            self._settings.resume,
            HUNG_SECONDS,
            self._settings.shared,
        )

    def _why_unwritable(self, workers: Sequence[WorkerInfo]) -> str | None:
        return self._probe() if workers and all(worker.age > PROBE_AFTER for worker in workers) else None

    def _probe(self) -> str | None:
        """Why the store cannot be written, where it cannot: all visitors of this server share one try a second."""
        if self._clock() - self._probed >= PROBE_SECONDS:
            self._probed = self._clock()
            try:
                self._store.check_writable()
                self._unwritable = None
            except StoreError as error:
                self._unwritable = error.reason
        return self._unwritable

    @property
    def log_path(self) -> Path:
        """The file with all that a worker process says."""
        return self._settings.home / "worker.log"

    # ------------------------------------------------------------ the child

    def _look_after_child(self, now: float, since: float) -> None:
        if self._child is not None and machine.is_running(self._child):
            if not self._hangs(now, since):
                return
            self._replace()
        if self._child is not None:
            self._has_ended(now, self._end_of_child())
            self._child = None
        if (own := _own_worker(self._settings.store_url)) is not None:
            self._adopt(own, now)
        elif now >= self._again_at:
            try:
                self._adopt(self._spawn(), now)
            except (OSError, psutil.Error) as error:
                reason = getattr(error, "strerror", None) or type(error).__name__
                self._has_ended(now, f"cannot be started: {reason}", started=False)

    def _adopt(self, child: psutil.Process, now: float) -> None:
        self._child, self._began = child, now
        self._heard, self._unheard = None, 0.0

    def _has_ended(self, now: float, how: str, *, started: bool = True) -> None:
        """Remember that a worker has ended or could not be started, and when to try again: at once the first time."""
        again_short = not started or now - self._began < SHORT_LIFE
        self._short_lives = self._short_lives + 1 if again_short else 1
        pause = 0.0 if started and self._short_lives == 1 else min(LONGEST_PAUSE, 2.0**self._short_lives)
        self._again_at = now + pause
        again = f"Another one is started after {pause:.0f} s." if pause else "Another one is starting."
        self._failure = f"The worker {how}. {again}"
        log.warning("%s", self._failure)

    def _hangs(self, now: float, since: float) -> bool:
        """Whether the child has been silent for too long while this server looked, and the store could be written."""
        assert self._child is not None
        mine = self._row_of_child()
        heard = mine.heartbeat if mine else None
        if heard != self._heard:
            self._heard, self._unheard = heard, 0.0
            if heard is not None:
                self._failure = ""
            return False
        self._unheard += min(since, SEEN_SECONDS)
        if self._unheard >= (BEGINS_SECONDS if heard is None else HUNG_SECONDS):
            if self._probe() is None:
                return True
            self._unheard = 0.0
        return False

    def _row_of_child(self) -> WorkerInfo | None:
        pid = self._child.pid if self._child is not None else None
        return next((w for w in self.workers() if w.host == machine.HOST and w.pid == pid), None)

    def _replace(self) -> None:
        """End a child that hangs; its run is interrupted for that reason, and its jobs wait for the next worker."""
        assert self._child is not None
        row = self._row_of_child()
        self._child.kill()
        psutil.wait_procs([self._child], timeout=5)
        if row is not None:
            why = f"its worker was silent for {row.age:.0f} s, so another one was started"
            self._store.leases.interrupt([row.id], {}, because=why)

    def _spawn(self) -> psutil.Process:
        # The store's URL may hold a password: it travels in the environment, not in the list of processes.
        environ = os.environ | self._settings.environment()
        environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        with self._log() as out:
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

    def _log(self) -> IO[bytes]:
        """The file that the worker writes to; nowhere, where that cannot be written: to train is more important."""
        path = self.log_path
        try:
            if path.exists() and path.stat().st_size > LOG_BYTES:
                path.replace(path.with_suffix(".old.log"))
            out = path.open("ab")
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror)
            return open(os.devnull, "ab")
        self._log_begins = out.tell()
        return out

    def _end_of_child(self) -> str:
        """How the child has ended, in words that follow "the worker", with its last words."""
        assert self._child is not None
        try:
            code = self._child.wait(timeout=0)
        except psutil.Error:
            code = None
        how = f"was ended by signal {-code}" if code is not None and code < 0 else "ended unexpectedly"
        words = "" if self._settings.shared else self._last_words()  # they may name somebody's run
        return how + (f", and said last: {words}" if words and not how.startswith("was") else "")

    def _last_words(self) -> str:
        """The last line that the last worker wrote."""
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(self._log_begins, file.seek(0, os.SEEK_END) - 4096))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")

    # ------------------------------------------------------------ the thread

    def _look_after_thread(self, now: float) -> None:
        if self._thread is not None and self._thread[1].is_alive():
            return
        if self._thread is not None:
            self._has_ended(now, "ended unexpectedly")
            self._thread = None
        if now >= self._again_at:
            self._began, self._thread = now, self._start_thread()

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
