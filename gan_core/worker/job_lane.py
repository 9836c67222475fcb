"""A lane of the worker: one thread that answers jobs, one after the other. Quick jobs have a lane of their own.

So an answer that takes a moment never waits for one that takes minutes. What the lanes share is safe: the number of
BLAS threads is counted (`distances.threads`), data sets are loaded once (`DatasetCache`), and every job builds networks
of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from gan_core import machine
from gan_core.data.datasets import Dataset
from gan_core.distances.threads import interrupted_by, one_blas_thread
from gan_core.jobs import registry
from gan_core.plain_errors import sentence
from gan_core.records import Job, StoreError
from gan_core.store import Store
from gan_core.store.jobs import Cancelled
from gan_core.store.turns import Line

IDLE_SECONDS, RETRY_SECONDS = 0.1, 2.0
LOOK_SECONDS = 0.5
"""How often a job that is computing looks whether its answer is still wanted."""


class JobLane:
    """Answers the jobs of one line for the worker `worker_id`, until `stopping` is set.

    `training()` says whether the worker trains meanwhile, and `note(error)` keeps what has gone wrong.
    """

    def __init__(
        self,
        store: Store,
        worker_id: str,
        line: Line,
        dataset_named: Callable[[str], Dataset],
        *,
        stopping: threading.Event,
        training: Callable[[], bool],
        note: Callable[[Exception], None],
    ):
        self._store, self._worker_id, self._dataset_named = store, worker_id, dataset_named
        self._line: Line = line
        self._stopping, self._training, self._note = stopping, training, note

    def answer_forever(self) -> None:
        """Answer one job after the other; whatever a job does, the next one is answered."""
        while not self._stopping.is_set():
            try:
                job = self._store.jobs.claim(self._worker_id, line=self._line, quick=registry.quick_kinds())
            except Exception as error:
                self._note(error)
                self._stopping.wait(RETRY_SECONDS)
                continue
            if job is None:
                self._stopping.wait(IDLE_SECONDS)
                continue
            try:
                result = self._answer(job)
                self._write(partial(self._store.jobs.finish, job.id, result=result))
            except Cancelled:
                pass
            except Exception as error:
                self._note(error)
                self._write(partial(self._store.jobs.finish, job.id, error=sentence(error)))
            machine.return_freed_memory()

    def _answer(self, job: Job) -> bytes:
        threads = 1 if self._training() else None  # training keeps a core
        report = _Report(self._store, job.id, self._worker_id)
        with one_blas_thread if threads else nullcontext(), interrupted_by(report.look):
            return registry.answer(self._store, job, self._dataset_named, report.progress, threads)

    def _write(self, write: Callable[[], None]) -> None:
        """Write down how a job has ended; a store that cannot be written is waited for."""
        while True:
            try:
                return write()
            except StoreError as error:
                self._note(error)
                if self._stopping.wait(RETRY_SECONDS):
                    return


class _Report:
    """The progress of one job. Both methods raise Cancelled where nobody wants its answer any more."""

    def __init__(self, store: Store, job_id: int, worker_id: str):
        self._store, self._job_id, self._worker_id = store, job_id, worker_id
        self._share, self._told = 0.0, time.monotonic()
        self._cancelled: Cancelled | None = None

    def progress(self, share: float) -> None:
        """Write down which share is done."""
        self._share, self._told = share, time.monotonic()
        try:
            self._store.jobs.progress(self._job_id, self._worker_id, share)
        except Cancelled as error:
            self._cancelled = error
            raise
        except StoreError:
            pass  # the answer does not depend on it

    def look(self) -> None:
        """The same share again, if nothing has been told for a while."""
        if self._cancelled:
            raise self._cancelled
        if time.monotonic() - self._told >= LOOK_SECONDS:
            self.progress(self._share)
