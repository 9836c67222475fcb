"""One training against the store: what the loop's Recorder and Control ask for, buffered until a commit."""

from __future__ import annotations

import math
import threading
import time
from typing import Callable, Literal, Mapping

import numpy as np

from gan_core.codec import flatten, to_storage
from gan_core.config import RunConfig
from gan_core.distances.case import KnownModes, RealPart
from gan_core.distances.report import measure
from gan_core.records import Reference, Report, RunInfo, StoreError
from gan_core.store import LeaseLost, Store

COMMIT_SECONDS = 5.0
"""Between two commits of a long training; of a young one people want to see more, and there it is a second or two."""
PAUSE_SECONDS = 60.0
"""A run paused for so long gives its place to the next one in the queue."""


class Session:
    """The run `run` while `worker_id` trains it. The worker's beat thread calls `refresh`, the loop all else."""

    def __init__(
        self,
        store: Store,
        run: RunInfo,
        worker_id: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause_seconds: float = PAUSE_SECONDS,
        on_phase: Callable[[str], None] = lambda phase: None,
    ):
        self.store, self.run, self.worker_id = store, run, worker_id
        self._key = (run.id, worker_id, run.claim_no)
        self._clock, self._on_phase, self._pause_seconds = clock, on_phase, pause_seconds
        self._news = threading.Condition()
        self._pending: tuple[str, int] = ("go", 0)
        self._release = self._stopped = False
        self._answered = 0
        self._state = "running"
        self._real: np.ndarray | None = None
        self._values: list[tuple[int, str, float]] = []
        self._reports: list[tuple[int, Report]] = []
        self._taken: list[tuple[int, np.ndarray, bytes]] = []
        self._committed = clock()
        self._trained = 0.0

    # ------------------------------------------------------------ asked from other threads

    def refresh(self, *, beat: bool) -> None:
        """Fetch what people want, and (with `beat`) say that the run is being looked after."""
        lost = beat and not self.store.runs.beat(*self._key)
        wishes = self.store.runs.pending(self.run.id)
        with self._news:
            if lost:
                self._release = True
            if wishes and not self._stopped:
                kind = wishes[-1].kind
                self._pending = ({"resume": "go"}.get(kind, kind), wishes[-1].id)
            self._news.notify_all()

    def release(self) -> None:
        """Ask the loop to commit and let go of the run."""
        with self._news:
            self._release = True
            self._news.notify_all()

    def stop(self) -> None:
        """Stop the run as if somebody had asked for it."""
        with self._news:
            self._pending = ("stop", self._pending[1])
            self._stopped = True
            self._news.notify_all()

    # ------------------------------------------------------------ Control

    def wish(self) -> Literal["go", "pause", "stop", "release"]:
        with self._news:
            wish, self._answered = self._pending
            return "release" if self._release else wish

    def wait_while_paused(self) -> None:
        """Until somebody wants something else, or `pause_seconds` are over: then the run is given up, still paused."""
        with self._news:
            changed = self._news.wait_for(
                lambda: self._release or self._pending[0] != "pause", timeout=self._pause_seconds
            )
        if not changed and self.store.runs.release(*self._key):
            self._release = True
        self._committed = self._clock()  # resting is not training time

    def phase(self, name: str) -> None:
        self._committed = self._clock()  # neither is loading or compiling
        self.describe(phase=name)
        self._on_phase(name)

    # ------------------------------------------------------------ Recorder

    def measure_against(
        self,
        real: np.ndarray,
        part: RealPart,
        modes: KnownModes | None,
        find_reference: Callable[[], Reference | None],
    ) -> None:
        """The held-out rows to measure every snapshot against; real-vs-real at their number may still be on its way."""
        self._real, self._part, self._modes, self._reference = real, part, modes, None
        self._find_reference = find_reference

    def resolved(self, config: RunConfig) -> None:
        self.describe(config=config)

    def describe(self, **values) -> None:
        self.store.runs.describe(*self._key, **values)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the finite values: what is not a number has no place on a curve."""
        self._values += [(step, name, float(value)) for name, value in values.items() if math.isfinite(value)]

    def snapshot(self, step: int, samples: np.ndarray, weights: bytes, fake: np.ndarray) -> None:
        self._reference = self._reference or self._find_reference()
        report = measure(
            real=self._real,
            fake=flatten(fake),
            reference=self._reference,
            modes=self._modes,
            real_part=self._part,
        )
        self._reports.append((step, report))
        self._taken.append((step, to_storage(samples), weights))
        self.metrics(step, {name: metric.value for name, metric in report.metrics.items() if metric.value is not None})

    def due(self) -> bool:
        interval = min(COMMIT_SECONDS, 1.0 + self._trained / 5)
        return self._state != "running" or self._clock() - self._committed >= interval

    def commit(
        self, step: int, checkpoint: bytes | None, state: str, steps_per_second: float | None, error: str | None = None
    ) -> None:
        """Everything buffered and the state it leads to, at once; a lost lease ends the training unwritten."""
        now = self._clock()
        try:
            self.store.runs.commit(
                *self._key,
                state=state,
                step=step,
                seconds=now - self._committed,
                steps_per_second=steps_per_second,
                values=self._values,
                measured=self._reports,
                taken=self._taken,
                checkpoint=checkpoint,
                answered=self._answered,
                error=error,
            )
        except LeaseLost:
            self.release()
            raise
        self._values, self._reports, self._taken = [], [], []
        self._trained += now - self._committed
        self._state, self._committed = state, now

    def fail(self, step: int, error: str) -> None:
        """End the run as failed; what was recorded up to then is kept."""
        try:
            self.commit(step, None, "failed", None, error)
        except StoreError:  # perhaps it is what was recorded that the store refuses
            self._values, self._reports, self._taken = [], [], []
            self.commit(step, None, "failed", None, error)
