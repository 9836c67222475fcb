"""Writes what a followed training logs, in a thread of its own, and says that its program lives.

A store that cannot be used for a while costs nothing but patience: what was logged waits, and is written when it is
back. A run that counts as interrupted meanwhile, because nothing was heard of its program, goes on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from gan_core import machine
from gan_core.config.run_config import RunConfig
from gan_core.following.log_buffer import LogBuffer
from gan_core.records import FOLLOWS, SNAPSHOT_SAMPLES, GanometerError
from gan_core.store import Commit, LeaseLost, Store

BEAT_SECONDS = 1.0
COMMIT_SECONDS, LONGEST_PAUSE = 2.0, 15.0
"""From one commit to the next, at least and at most."""
COMMIT_SHARE = 0.02
"""Of the time, at most, goes into commits; on a store far away, where one takes long, there are fewer of them."""


@dataclass(frozen=True)
class Position:
    """How far the training is, and the settings of its run where they are not yet written."""

    step: int
    config: RunConfig | None = None


class RunWriter:
    """The run `run_id` of the process `worker_id`, of a training of `steps` steps, 0 where nobody knows how many.

    `tell(error)` is told what keeps the store from being written, and None whenever it was written.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        worker_id: str,
        buffer: LogBuffer,
        *,
        steps: int,
        versions: Mapping[str, str],
        tell: Callable[[Exception | None], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._store, self._run_id, self._worker_id, self._claim_no = store, run_id, worker_id, 1
        self._buffer, self._versions, self._tell, self._clock = buffer, versions, tell, clock
        self._position, self._steps = Position(0), steps
        self._written = clock()
        self._step_written, self._pause = 0, COMMIT_SECONDS
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat_forever, name="ganometer-follow", daemon=True)

    def start(self) -> None:
        """Say that the program is there, and begin to write."""
        self._report()
        self._thread.start()

    def at(self, position: Position) -> None:
        """The training has come so far."""
        config = position.config or self._position.config
        self._position = Position(max(position.step, self._position.step), config)

    def end(self, state: str, error: str | None, *, patience: float) -> None:
        """Write all that is left and the state that the run ends in; a store that cannot be used is tried so long.

        Raises GanometerError where nothing could be written.
        """
        self._ending.set()
        self._thread.join()
        until = self._clock() + patience
        while True:
            try:
                self._commit("running" if state == "interrupted" else state, error)
                if state == "interrupted":  # no end: the store has it so of programs that were killed, too
                    key = self._run_id, self._worker_id, self._claim_no
                    self._store.leases.release(*key, state=state, error=error)
                break
            except GanometerError:
                if self._clock() >= until:
                    raise
                time.sleep(BEAT_SECONDS / 4)
        self._store.workers.remove(self._worker_id)

    # ------------------------------------------------------------ the thread

    def _beat_forever(self) -> None:
        while not self._ending.wait(BEAT_SECONDS):
            try:
                self._beat()
                self._tell(None)
            except Exception as error:  # whatever it is: the training goes on, and the next beat tries again
                self._tell(error)

    def _beat(self) -> None:
        self._report()
        if self._clock() - self._written >= self._pause:
            self._commit("running", None)
        elif not self._store.leases.renew(self._run_id, self._worker_id, self._claim_no):
            self._take_again()

    def _commit(self, state: str, error: str | None) -> None:
        try:
            self._write(state, error)
        except LeaseLost:
            self._take_again()
            self._write(state, error)

    def _write(self, state: str, error: str | None) -> None:
        store, key = self._store, (self._run_id, self._worker_id, self._claim_no)
        position, logged, begun = self._position, self._buffer.taken(), self._clock()
        seconds, steps = begun - self._written, position.step - self._step_written
        measured = [(m.step, m.samples) for m in logged.measured]
        commit = Commit(
            state=state,
            step=position.step,
            seconds=seconds,
            steps_per_second=steps / seconds if steps > 0 and seconds > 0 else None,
            values=logged.values,
            measured=[(m.step, m.report) for m in logged.measured],
            taken=[(step, x[:SNAPSHOT_SAMPLES], b"") for step, x in measured],
            kept=measured,
            error=error,
            at_risk=self._pause,
        )
        with store.together():
            if position.config is not None:
                total = max(self._steps, position.step)
                store.progress.describe(*key, config=position.config, total_steps=total)
            for step, kind, text in logged.notes:
                store.progress.note(*key, step, kind, {"note": text})
            store.progress.commit(*key, commit)
        self._buffer.forget(logged)
        if self._position.config is position.config:
            self._position = Position(self._position.step)
        self._written, self._step_written = begun, position.step
        took = self._clock() - begun
        self._pause = min(LONGEST_PAUSE, max(COMMIT_SECONDS, took / COMMIT_SHARE))

    def _take_again(self) -> None:
        claim_no = self._store.leases.take_again(self._run_id, self._worker_id)
        if claim_no is None:
            raise GanometerError(f"run {self._run_id} is not there any more, or has ended; nothing more is written")
        self._claim_no = claim_no

    def _report(self) -> None:
        self._store.workers.report(
            self._worker_id,
            host=machine.HOST,
            pid=os.getpid(),
            phase=f"{FOLLOWS} run {self._run_id}",
            memory=psutil.Process().memory_info().rss,
            versions=self._versions,
        )
