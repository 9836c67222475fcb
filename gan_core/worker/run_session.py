"""One training against the store: what the loop's Recorder and Control ask for, buffered until a commit."""

from __future__ import annotations

import math
import threading
import time
from typing import Callable, Literal, Mapping, NamedTuple

import numpy as np

from gan_core.codec import flatten, to_storage
from gan_core.config.live_edits import edited
from gan_core.config.run_config import ConfigError, RunConfig, differences
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import measure
from gan_core.records import Command, Modes, Reference, Report, RunInfo, StoreError
from gan_core.store import Edit, LeaseLost, Store

COMMIT_SECONDS = 5.0
"""Between two commits of a long training; of a young one people want to see more, and there it is a second or two."""
COMMIT_SHARE = 0.05
"""Of the training time, at most, goes into commits."""
PAUSE_SECONDS = 60.0
"""A run paused for so long gives its place to the next one in the queue."""


PATIENCE_SECONDS, RETRY_SECONDS = 60.0, 1.0
"""How long a training waits for a store that cannot be written, and how often it tries."""


class Wish(NamedTuple):
    """What people want last of all: go, pause, stop, or `steps` more and then a pause; 0 is nobody's command."""

    kind: str
    command: int = 0
    steps: int = 0


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
        most_minutes: float | None = None,
        on_phase: Callable[[str], None] = lambda phase: None,
    ):
        self.store, self.run, self.worker_id, self.config = store, run, worker_id, run.config
        self._key = (run.id, worker_id, run.claim_no)
        self._clock, self._on_phase, self._pause_seconds = clock, on_phase, pause_seconds
        self._most_seconds = math.inf if most_minutes is None else 60 * most_minutes
        self._news = threading.Condition()
        self._pending = Wish("go")
        self._waiting: list[Command] = []
        self._taken_up_to = 0
        self._edits: list[Edit] = []
        self._pause_at: tuple[int, int] | None = None
        self._release = self._stopped = False
        self._answered = 0
        self._state = "running"
        self._real: np.ndarray | None = None
        self._values: list[tuple[int, str, float]] = []
        self._reports: list[tuple[int, Report]] = []
        self._taken: list[tuple[int, np.ndarray, bytes]] = []
        self._committed = clock()
        self._trained = 0.0
        self._commit_took = 0.0
        self._over: str | None = None

    # ------------------------------------------------------------ asked from other threads

    def refresh(self, *, beat: bool) -> None:
        """Fetch what people want, and (with `beat`) say that the run is being looked after."""
        lost = beat and not self.store.leases.renew(*self._key)
        commands = self.store.commands.waiting(self.run.id)
        wishes = [command for command in commands if command.kind != "set"]
        with self._news:
            if lost:
                self._release = True
            if wishes and not self._stopped:
                last = wishes[-1]
                kind = {"resume": "go"}.get(last.kind, last.kind)
                self._pending = Wish(kind, last.id, last.payload.get("steps", 0))
            self._waiting = [c for c in commands if c.kind == "set" and c.id > self._taken_up_to]
            self._news.notify_all()

    def release(self) -> None:
        """Ask the loop to commit and let go of the run."""
        with self._news:
            self._release = True
            self._news.notify_all()

    def stop(self) -> None:
        """Stop the run as if somebody had asked for it."""
        with self._news:
            self._pending = Wish("stop", self._pending.command)
            self._stopped = True
            self._news.notify_all()

    # ------------------------------------------------------------ Control

    def new_config(self, step: int) -> RunConfig | None:
        """The configuration after what people have set since the last question; what cannot be set is refused."""
        with self._news:
            waiting, self._waiting = self._waiting, []
            self._taken_up_to = max([self._taken_up_to, *(command.id for command in waiting)])
        for command in waiting:
            try:
                after = edited(self.config, command.payload["changes"], step=step)
            except ConfigError as error:
                self.store.commands.finish(command.id, f"refused: {error}")
                continue
            if changes := differences(self.config, after):
                self._edits.append(Edit(command.id, changes, command.by))
                self.config = after
            else:
                self.store.commands.finish(command.id, "nothing to change")
        return self.config if self._edits else None

    def command(self, step: int) -> Literal["go", "pause", "stop", "release"]:
        """What to do at this step. A wish for some steps is one for a pause after them; a run whose time on this
        server is over stops."""
        with self._news:
            if self._trained_in_all() >= self._most_seconds and not self._release:
                self._over = f"stopped after {self._most_seconds / 60:g} minutes: this server gives a run no more"
                return "stop"
            wanted = self._pending
            if wanted.kind == "step":
                if self._pause_at is None or self._pause_at[0] != wanted.command:
                    self._pause_at = wanted.command, step + wanted.steps
                if step < self._pause_at[1]:
                    return "release" if self._release else "go"
            else:
                self._pause_at = None
            self._answered = wanted.command
            return "release" if self._release else "pause" if wanted.kind == "step" else wanted.kind

    def _trained_in_all(self) -> float:
        return self.run.seconds + self._trained + (self._clock() - self._committed if self._state == "running" else 0.0)

    def next_command_step(self) -> int | None:
        return self._pause_at[1] if self._pause_at else None

    def wait_while_paused(self) -> None:
        """Until somebody wants something else, or `pause_seconds` are over: then the run is given up, still paused."""

        def news() -> bool:
            asked = self._pending.command != self._answered or self._pending.kind not in ("pause", "step")
            return self._release or bool(self._waiting) or asked

        with self._news:
            changed = self._news.wait_for(news, timeout=self._pause_seconds)
        if not changed and self.store.leases.release(*self._key):
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
        modes: Modes | None,
        find_reference: Callable[[], Reference | None],
    ) -> None:
        """The held-out rows to measure every snapshot against; real-vs-real at their number may still be on its way."""
        self._real, self._part, self._modes, self._reference = real, part, modes, None
        self._find_reference = find_reference

    def resolved(self, config: RunConfig) -> None:
        self.config = config
        self.describe(config=config)

    def describe(self, **values) -> None:
        self.store.progress.describe(*self._key, **values)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the finite values: what is not a number has no place on a curve."""
        self._values += [(step, name, float(value)) for name, value in values.items() if math.isfinite(value)]

    def snapshot(self, step: int, samples: np.ndarray, weights: bytes, fake: np.ndarray) -> None:
        self._reference = self._reference or self._find_reference()
        report = measure(
            real=self._part,
            fake=flatten(fake),
            reference=self._reference,
            modes=self._modes,
        )
        self._reports.append((step, report))
        self._taken.append((step, to_storage(samples), weights))
        self.metrics(step, {name: metric.value for name, metric in report.metrics.items() if metric.value is not None})

    def due(self) -> bool:
        return self._state != "running" or self._clock() - self._committed >= self.interval

    @property
    def interval(self) -> float:
        """Seconds between two commits; on a database far away, where one takes long, there are fewer of them."""
        usual = min(COMMIT_SECONDS, 1.0 + self._trained / 5)
        return usual if self.store.is_sqlite else max(usual, self._commit_took / COMMIT_SHARE)

    def commit(
        self,
        step: int,
        checkpoint: bytes | None,
        state: str,
        steps_per_second: float | None,
        error: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Everything buffered and the state it leads to, at once; a lost lease ends the training unwritten.

        Where the store cannot be written (its disk is full, somebody holds it), the training waits for it, so long.
        """
        begun = self._clock()
        while True:
            now = self._clock()
            try:
                self._write(step, checkpoint, state, steps_per_second, error, seconds=begun - self._committed)
                break
            except LeaseLost:
                self.release()
                raise
            except StoreError:
                with self._news:
                    if self._release or now - begun >= patience:
                        raise
                    self._news.wait(RETRY_SECONDS)
        self._values, self._reports, self._taken, self._edits = [], [], [], []
        self._commit_took = self._clock() - now
        self._trained += begun - self._committed
        self._state, self._committed = state, self._clock()

    def _write(self, step, checkpoint, state, steps_per_second, error, *, seconds: float) -> None:
        self.store.progress.commit(
            *self._key,
            state=state,
            step=step,
            seconds=seconds,
            steps_per_second=steps_per_second,
            values=self._values,
            measured=self._reports,
            taken=self._taken,
            checkpoint=checkpoint,
            commands_up_to=self._answered,
            error=error or self._over,
            edits=self._edits,
            config=self.config,
            at_risk=self.interval,
        )

    def fail(self, step: int, error: str) -> None:
        """End the run as failed; what was recorded up to then is kept."""
        try:
            self.commit(step, None, "failed", None, error, patience=0)
        except StoreError:  # perhaps it is what was recorded that the store refuses
            self._values, self._reports, self._taken = [], [], []
            self.commit(step, None, "failed", None, error, patience=0)
