"""One training against the store: what the loop's Recorder and Control ask for, buffered until a commit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from gan_core.codec import to_storage
from gan_core.config.live_edits import edited
from gan_core.config.run_config import ConfigError, RunConfig, differences, override
from gan_core.records import RunInfo, StoreError
from gan_core.store import PATIENCE_SECONDS, Commit, Edit, LeaseLost, NewPreview, Store
from gan_core.worker.inbox import Decision, Inbox
from gan_core.worker.live_measurement import LiveMeasurement
from gan_core.worker.preview_writer import PreviewWriter
from gan_core.worker.training_clock import TrainingClock
from gan_core.worker.write_buffer import WriteBuffer

T = TypeVar("T")

PAUSE_SECONDS = 60.0
"""A run paused for so long gives its place to the next one in the queue."""
RETRY_SECONDS = 1.0
"""How often a training tries a store that cannot be used."""


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
        most_steps: int | None = None,
        on_phase: Callable[[str], None] = lambda phase: None,
    ):
        self.store, self.run, self.worker_id, self.config = store, run, worker_id, run.config
        self._key = (run.id, worker_id, run.claim_no)
        self._on_phase, self._pause_seconds = on_phase, pause_seconds
        self._most_seconds = math.inf if most_minutes is None else 60 * most_minutes
        self._most_steps = most_steps
        self._rested = 0.0
        self._inbox = Inbox()
        self._buffer = WriteBuffer()
        self._previews = PreviewWriter(partial(store.progress.preview, *self._key))
        self._clock = TrainingClock(clock, slow_commits=not store.is_sqlite)
        self._measurement: LiveMeasurement | None = None
        self._state = "running"
        self._out_of_time: str | None = None

    # ------------------------------------------------------------ asked from other threads

    def refresh(self, *, beat: bool) -> None:
        """Fetch the commands that were sent, and (with `beat`) say that the run is being looked after."""
        if beat and not self.store.leases.renew(*self._key):
            self._inbox.release()
        self._inbox.put(self.store.commands.waiting(self.run.id))

    def release(self) -> None:
        """Ask the loop to commit and let go of the run."""
        self._inbox.release()

    def stop(self) -> None:
        """Stop the run as if somebody had sent that command."""
        self._inbox.stop()

    # ------------------------------------------------------------ Control

    def new_config(self, step: int) -> RunConfig | None:
        """The configuration after what people have set since the last question; what cannot be set is refused."""
        for command in self._inbox.take_settings():
            try:
                after = edited(self.config, command.payload["changes"], step=step)
            except ConfigError as error:
                self.patiently(partial(self.store.commands.finish, command.id, f"refused: {error}"))
                continue
            if changes := differences(self.config, after):
                self._buffer.edits.append(Edit(command.id, changes, command.by))
                self.config = after
            else:
                self.patiently(partial(self.store.commands.finish, command.id, "nothing to change"))
        return self.config if self._buffer.edits else None

    def command(self, step: int) -> Decision:
        """What to do at this step: what the commands say; a run whose time on this server is over stops."""
        if self._trained_in_all() >= self._most_seconds and not self._inbox.released:
            minutes = self._most_seconds / 60
            self._out_of_time = f"stopped after {minutes:g} minutes: this server gives a run no more"
            return "stop"
        return self._inbox.decide(step)

    def _trained_in_all(self) -> float:
        current = self._clock.uncommitted if self._state == "running" else 0.0
        return self.run.seconds + self._clock.committed + current

    def next_command_step(self) -> int | None:
        """The step at which a command for some steps is done."""
        return self._inbox.until

    def wait_while_paused(self) -> None:
        """Until somebody sends a command, or `pause_seconds` are over: then the run is given up, still paused.

        While others wait, all its pauses count together: a run that makes a step a minute does not hold its place.
        """
        began, left = self._clock.now(), self._pause_seconds
        if self.patiently(self.store.leases.anybody_waits):
            left = max(0.0, left - self._rested)
        waited_long = not self._inbox.wait_while_paused(left)
        if waited_long and self.patiently(partial(self.store.leases.release, *self._key)):
            self._inbox.release()
        self._rested += self._clock.now() - began
        self._clock.restart()  # resting is not training time

    def phase(self, name: str) -> None:
        """Say what the worker does before, between and after the steps."""
        self._clock.restart()  # neither is loading or compiling
        self.describe(phase=name)
        self._on_phase(name)

    # ------------------------------------------------------------ Recorder

    def measure_with(self, measurement: LiveMeasurement) -> None:
        """How every snapshot is measured, known once the data are loaded."""
        self._measurement = measurement

    def resolved(self, config: RunConfig) -> RunConfig:
        """Keep the configuration with the number of steps that the loop has found, at most what this server gives."""
        found, most = config.training.steps, self._most_steps
        if most is not None and found > most:
            config = override(config, {"training.steps": most})
            changes = {"training.steps": (found, most)}
            self.store.progress.note(*self._key, 0, "set", {"changes": changes, "by": "the limits of this server"})
        self.config = config
        self.describe(config=config)
        return config

    def describe(self, **values: Any) -> None:
        """Write columns of the run at once, outside commits."""
        self.patiently(partial(self.store.progress.describe, *self._key, **values))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record values of curves; those that are not finite are left out."""
        self._buffer.add_values(step, values)

    def snapshot(self, step: int, samples: np.ndarray, weights: bytes, fake: np.ndarray) -> None:
        """Record a snapshot, and the measurement of `fake` (n, *shape), fresh samples in measured form."""
        if self._measurement is None:
            raise RuntimeError("a snapshot was recorded before measure_with")
        report = self.patiently(partial(self._measurement.report, fake))
        self._buffer.add_snapshot(step, to_storage(samples), weights, report)

    def preview(self, step: int, samples: np.ndarray, raw: np.ndarray, game: Mapping[str, np.ndarray] | None) -> None:
        """Show this (n, *shape) soon, outside of commits; the commit where a run comes to rest shows its own step."""
        self._previews.put(NewPreview(step, to_storage(samples), to_storage(raw), game))

    def due(self) -> bool:
        """Whether a commit is due: after a while, and at once where the state has changed."""
        return self._state != "running" or self._clock.uncommitted >= self._clock.interval

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
        seconds, shown = self._clock.uncommitted, self._previews.newest
        at_rest = state != "running" and shown is not None and shown.step == step
        everything = Commit(
            state=state,
            step=step,
            seconds=seconds,
            steps_per_second=steps_per_second,
            values=self._buffer.values,
            measured=self._buffer.reports,
            taken=self._buffer.snapshots,
            checkpoint=checkpoint,
            commands_up_to=self._inbox.seen,
            error=error or self._out_of_time,
            edits=self._buffer.edits,
            config=self.config,
            at_risk=self._clock.interval,
            preview=shown if at_rest else None,
        )

        def write() -> float:
            began = self._clock.now()
            self.store.progress.commit(*self._key, everything)
            return began

        began = self.patiently(write, patience)
        self._buffer.clear()
        self._clock.commit(seconds, began=began)
        self._state = state

    def fail(self, step: int, error: str) -> None:
        """End the run as failed; what was recorded up to then is kept."""
        try:
            self.commit(step, None, "failed", None, error, patience=0)
        except StoreError:  # perhaps it is what was recorded that the store refuses
            self._buffer.drop_recordings()
            self.commit(step, None, "failed", None, error)

    def interrupt(self, why: str) -> None:
        """Give the run back as interrupted, with the reason: as soon as that can be written, unless told to let go."""
        about = dict(state="interrupted", error=why)
        self.patiently(partial(self.store.leases.release, *self._key, **about), math.inf)

    # ------------------------------------------------------------ a store that cannot be used

    def patiently(self, use: Callable[[], T], patience: float = PATIENCE_SECONDS) -> T:
        """What `use` of the store returns. Where the store cannot be used, the training waits for it, so many seconds;
        then, and when it is told to let go, this raises StoreError with the reason.
        """
        begun, told = self._clock.now(), ""
        while True:
            tried = self._clock.now()
            try:
                found = use()
                break
            except LeaseLost:
                self.release()
                raise
            except StoreError as error:
                if self._inbox.released or tried - begun >= patience:
                    raise
                if error.reason != told and self._tell(error.reason):
                    told = error.reason
                self._inbox.wait_for_news(RETRY_SECONDS)
        if told:
            self._tell(None)
        return found

    def _tell(self, trouble: str | None) -> bool:
        """Write down what the training waits for; there may be room for that where there is none for a commit."""
        try:
            self.store.progress.describe(*self._key, error=trouble)
        except StoreError:
            return False
        except LeaseLost:  # the run has ended: nobody waits any more
            pass
        return True
