"""The worker process: claims runs and trains them, answers jobs, obeys commands, and goes on after errors.

Four threads share one process. The main thread trains. The beat thread fetches commands ten times a second, and says
every second that the worker lives: it renews the lease of the run and reports the worker. Two lanes answer jobs, also
while a run trains: quick and long ones.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

import psutil

from gan_core import machine
from gan_core.data.dataset_cache import DatasetCache
from gan_core.plain_errors import sentence
from gan_core.records import GanometerError, RunInfo, StoreError
from gan_core.settings import Settings
from gan_core.store import Store
from gan_core.store.turns import Line
from gan_core.worker.job_lane import JobLane
from gan_core.worker.run_session import Session
from gan_core.worker.train_run import train_run

log = logging.getLogger("ganometer.worker")

IDLE_SECONDS = 0.1
BEAT_SECONDS, LOOK_SECONDS = 1.0, 5.0
"""From one heartbeat to the next, and from one look for workers that are gone."""
MIB = 2**20
MOST_PROGRAMS = 8
"""What is compiled for a run stays in the process for ever, some 30 MB each: TensorFlow frees its graphs, and XLA not
its programs. After so many a worker process begins afresh before the next run."""


class Worker:
    """Trains the runs of one store. `serve` returns after `stop`, or when the process `parent` is gone.

    `alone`: this process does nothing else, so the worker may divide its cores, and may have it begin afresh.
    """

    def __init__(self, store: Store, settings: Settings, *, parent: int | None = None, alone: bool = False):
        self.id = f"{machine.HOST}-{os.getpid()}-{secrets.token_hex(2)}"
        self.store, self.settings = store, settings
        self._stopping, self._warm = threading.Event(), threading.Event()
        self._parent_lives = _watch(parent) if parent else None
        self._unwanted, self.ending = False, False
        self._alone, self.outgrown = alone, False
        self._session: Session | None = None
        self._phase, self._error = "starting", None
        self._versions = machine.versions()
        self._datasets = DatasetCache(settings.data_folder, store.datasets.upload_bytes)

    def announce(self) -> None:
        """Say that this worker is there, before it takes a run: a run whose worker nobody knows waits for its lease."""
        self._enter(self._phase)

    def withdraw(self) -> None:
        """Say that it is there no longer."""
        _quietly(self.store.workers.remove, self.id)

    def stop(self) -> None:
        """Commit, let go of the run, and end; safe to call from a signal handler or another thread."""
        self.ending = True
        self._stopping.set()
        if session := self._session:
            session.release()

    def stop_run(self) -> None:
        """Stop the run for good (what Ctrl-C means to a person at the command line), even before it has begun."""
        self._unwanted = True
        if session := self._session:
            session.stop()

    def serve(self) -> None:
        """Train one run after the other until told to stop.

        When it is `alone` also until another process would do better (then it is `outgrown`): so many programs have
        been compiled, or the cores are divided for other networks than those of the next run.
        """
        with self._helpers():
            while not self._stopping.is_set() and not self.outgrown:
                self._enter("idle")
                try:
                    run = self.store.leases.claim(self.id, at_once=self.settings.limits.at_once)
                except StoreError as error:
                    self._note(error)
                    self._stopping.wait(2)
                    continue
                if run is None:
                    self._warm.set()
                    self._stopping.wait(IDLE_SECONDS)
                elif not self._suits(run):
                    _quietly(self.store.leases.release, run.id, self.id, run.claim_no, state="queued")
                    self.outgrown = True
                else:
                    outcome = self._train(run)
                    from gan_core.engine import models

                    enough = outcome == "queued" or models.compiled_in_this_process().compilations >= MOST_PROGRAMS
                    self.outgrown = self._alone and not self.ending and enough

    def train(self, run: RunInfo) -> str:
        """Train one run that is already claimed for this worker; returns the state it ends in.

        "queued": a process that has done nothing yet should train it (`begin_afresh`).
        """
        try:
            with self._helpers():
                self._suits(run)
                return self._train(run)
        except GanometerError as error:  # TensorFlow cannot be loaded: nothing has begun
            about = dict(state="interrupted", error=sentence(error))
            _quietly(self.store.leases.release, run.id, self.id, run.claim_no, **about)
            raise

    def _suits(self, run: RunInfo) -> bool:
        """Have the cores divided for the run, and the first jobs after that: TensorFlow divides them only once."""
        from gan_core.engine import cpu_threads

        return cpu_threads.configure(run.config) if self._alone else True

    def _train(self, run: RunInfo) -> str:
        self._warm.set()
        log.info("run %s: begins at step %s", run.id, run.step)
        limits = self.settings.limits_of_run(run.owner)
        self._session = Session(
            self.store,
            run,
            self.id,
            most_minutes=limits.minutes,
            most_steps=limits.steps,
            on_phase=lambda phase: self._begin(f"run {run.id}: {phase}"),
        )
        if self._stopping.is_set():
            self._session.release()
        if self._unwanted:
            self._session.stop()
        try:
            outcome = train_run(self._session, self._datasets.dataset, free_memory=self._free_memory)
        except GanometerError as error:
            self._note(error)
            outcome = "lost"
        finally:
            self._session = None
        log.info("run %s: %s", run.id, outcome)
        return outcome

    def _free_memory(self) -> int:
        most = self.settings.limits.memory
        return machine.free_memory() if most is None else min(machine.free_memory(), int(most * MIB))

    @contextmanager
    def _helpers(self) -> Iterator[None]:
        """The beat and the lanes of jobs, while the main thread warms up and trains."""
        lines: tuple[Line, ...] = ("quick jobs", "long jobs")
        work = [self._beat_forever, *(partial(self._answer_forever, line) for line in lines)]
        threads = [threading.Thread(target=target, daemon=True) for target in work]
        for thread in threads:
            thread.start()
        try:
            self._warm_up()
            yield
        finally:
            self._stopping.set()
            self._warm.set()
            for thread in threads:
                thread.join(timeout=5)
            _quietly(self.store.jobs.give_back, [self.id], died=False)
            self.withdraw()

    def _warm_up(self) -> None:
        """Have TensorFlow ready before the first click. Where it cannot be loaded, say so until told to end."""
        self._enter("importing TensorFlow")
        try:
            import gan_core.engine.loop  # noqa: F401
        except ImportError as error:  # ending here would only have the server start us again and again
            self._note(error)
            self._enter(f"cannot train: {sentence(error)}")
            if self._parent_lives:
                self._stopping.wait()
            raise GanometerError(f"TensorFlow cannot be loaded: {sentence(error)}") from error
        gc.freeze()  # these half a million objects never go away: no collection need look at them again

    # ------------------------------------------------------------ the beat

    def _beat_forever(self) -> None:
        interval = 0.1 if self.store.is_sqlite else 0.5
        watch = machine.Watch(self.store, resume=self.settings.resume)
        beaten, looked = -math.inf, time.monotonic()
        while True:
            try:
                if self._parent_lives and not self._parent_lives():
                    log.info("the server is gone: stopping")
                    self.stop()
                beat = time.monotonic() - beaten >= BEAT_SECONDS
                if session := self._session:
                    session.refresh(beat=beat)
                if beat:
                    beaten = time.monotonic()
                    self._enter(self._phase)
                if time.monotonic() - looked >= LOOK_SECONDS:
                    looked = time.monotonic()
                    watch.look()
                    machine.return_freed_memory()
            except Exception as error:  # whatever it is: who falls silent is taken for dead
                self._note(error)
            if self._stopping.wait(interval):
                if self._session is None:
                    return
                time.sleep(interval)  # still committing: go on renewing the lease

    def _answer_forever(self, line: Line) -> None:
        self._warm.wait()
        lane = JobLane(
            self.store,
            self.id,
            line,
            self._datasets.dataset,
            stopping=self._stopping,
            training=lambda: self._session is not None,
            note=self._note,
        )
        lane.answer_forever()

    # ------------------------------------------------------------ presence

    def _begin(self, phase: str) -> None:
        machine.return_freed_memory()  # what the phase before has left, compiling above all
        self._enter(phase)

    def _enter(self, phase: str) -> None:
        self._phase = phase
        memory = psutil.Process().memory_info().rss
        _quietly(
            self.store.workers.report,
            self.id,
            host=machine.HOST,
            pid=os.getpid(),
            phase=phase,
            memory=memory,
            versions=self._versions,
            error=self._error,
        )

    def _note(self, error: Exception) -> None:
        said = sentence(error)
        if self._error is None or not self._error.endswith(said):  # a fault that lasts is logged once
            log.error("%s", error, exc_info=not isinstance(error, GanometerError))
        self._error = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {said}"


def _watch(parent: int) -> Callable[[], bool]:
    """A function that returns whether the process `parent` still runs."""
    try:
        process = psutil.Process(parent)
    except psutil.NoSuchProcess:
        return lambda: False
    return lambda: machine.is_running(process)


def _quietly(call: Callable[..., object], *args: object, **kwargs: object) -> None:
    """Call it; where the store cannot be reached, only the log can say so."""
    try:
        call(*args, **kwargs)
    except GanometerError as error:
        log.warning("%s", error)


def on_signals(call: Callable[[], None], *names: str) -> None:
    """Have `call` called at these signals: in a thread, since the main one may hold the very lock it needs."""
    for name in names:
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), lambda *_: threading.Thread(target=call).start())


def serve(settings: Settings, *, parent: int | None = None) -> int:
    """The worker as a process: train until told to end by a signal, or until the parent process is gone."""
    store = Store(settings.store_url)
    worker = Worker(store, settings, parent=parent, alone=True)
    on_signals(worker.stop, "SIGTERM", "SIGINT")
    log.info("worker %s on %s", worker.id, store.shown_url)
    worker.serve()
    store.close()
    if worker.outgrown and not worker.ending and os.name == "posix":  # elsewhere the server starts another one
        begin_afresh(sys.argv[1:])
    return 0


def begin_afresh(arguments: list[str]) -> NoReturn:
    """Replace this process by one of the same command line with these arguments."""
    log.info("beginning afresh")
    command = [sys.executable, "-m", "gan_core", *arguments]
    if os.name == "posix":
        os.execv(sys.executable, command)
    sys.exit(subprocess.call(command))
