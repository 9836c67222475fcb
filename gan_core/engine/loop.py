"""The whole story of a training, on one screen.

`train` knows nothing of databases, threads or pages: it writes through a Recorder and asks a Control.
What is recorded at which step follows from the configuration alone, so no pause, no resume and no
chunk length changes a number.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Callable, Literal, Mapping, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from gan_core.config.presets import fallback
from gan_core.config.run_config import RunConfig, recorded_steps
from gan_core.engine import checkpoints, cpu_threads, models, sampling
from gan_core.engine.base_model import BLOCK, Dials, Trainable, draw_block
from gan_core.engine.networks import statistics

CALL_SECONDS = 0.25
"""About how long one compiled call runs: a person who presses pause waits no longer."""

PREVIEWS = 64
"""Fixed latents of every run, whose samples make up its snapshots."""

Outcome = Literal["running", "paused", "finished", "stopped", "queued"]


class Diverged(Exception):
    """The losses or the samples stopped being finite numbers."""

    def __init__(self, step: int):
        self.step = step
        super().__init__(f"diverged at step {step}")


class Recorder(Protocol):
    """Where a training writes. Nothing is kept until `commit`, which keeps everything at once.

    A snapshot is the run's fixed samples, the averaged generator's weights (for points in the plane, where it can be
    drawn, the discriminator's too), and fresh samples to measure.
    """

    def resolved(self, config: RunConfig) -> None: ...
    def metrics(self, step: int, values: Mapping[str, float]) -> None: ...
    def snapshot(self, step: int, samples: np.ndarray, weights: bytes, fake: np.ndarray) -> None: ...
    def due(self) -> bool: ...
    def commit(self, step: int, checkpoint: bytes, state: Outcome, steps_per_second: float | None) -> None: ...


class Control(Protocol):
    """What people want of a training: read from memory, so asking costs nothing.

    `changed` gives the configuration to go on with where somebody has changed it, and None where nobody has; the next
    commit says that it was taken over. `until` is the step to be asked at again, whatever the clock says.
    """

    def changed(self, step: int) -> RunConfig | None: ...
    def wish(self, step: int) -> Literal["go", "pause", "stop", "release"]: ...
    def until(self) -> int | None: ...
    def wait_while_paused(self) -> None: ...
    def phase(self, name: str) -> None: ...


def train(
    config: RunConfig,
    samples: np.ndarray,
    recorder: Recorder,
    control: Control,
    *,
    rows: int,
    labels: np.ndarray | None = None,
    checkpoint: bytes | None = None,
    beginning: tuple[int, bytes] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Outcome:
    """Train on `samples` (storage form) until the last step or until told otherwise; returns how it ended.

    `labels` (n,) are the samples' class numbers from 0, for networks that are told. With every snapshot, `rows` fresh
    samples are generated to be measured. `checkpoint` continues an earlier part of the same run, bit for bit;
    `beginning`, a step and the generator's weights there, goes on from what another run made.
    "paused" means: paused for so long that the worker should do something else; "queued": nothing has been trained,
    and a new process should train what was `resolved`, since this one has its cores divided for other networks.
    Raises Diverged when losses or samples are no longer finite.
    """
    known = statistics(samples, labels)
    while True:
        control.phase("building")
        model = models.build(config, known)
        try:
            start = _prepare(model, config, samples, labels, checkpoint, beginning, control, clock)
            lighter = fallback(start.config, model.data.shape) if start.timed else None
            if lighter is None:
                if start.timed:
                    recorder.resolved(start.config)
                end = _walk(model, start, recorder, control, rows, clock)
        finally:
            models.give_back(model)
        del model, start  # the next ones need the room
        if lighter is not None:
            config = lighter
            if not cpu_threads.suit(config):
                recorder.resolved(config)
                return "queued"
        elif isinstance(end, _Changed):
            config, checkpoint = end
        else:
            return end


class _Changed(NamedTuple):
    """Somebody has changed the configuration: the training goes on with it from here."""

    config: RunConfig
    checkpoint: bytes


class _Start(NamedTuple):
    """Where a training stands when the first step is taken; `timed`: the number of steps has just been decided."""

    config: RunConfig
    samples: tf.Tensor
    labels: tf.Tensor | None
    draws: _Draws
    step: int
    window: np.ndarray
    resumed: bool
    timed: bool


def _prepare(
    model: Trainable, config: RunConfig, samples, labels, checkpoint, beginning, control: Control, clock
) -> _Start:
    """Restore, compile without taking a step, and decide how many steps there will be."""
    step, window = 0, _no_rows(model)
    if checkpoint:
        step, window = checkpoints.restore(model, checkpoint)
    elif beginning:
        step = checkpoints.begin(model, *beginning)
    samples, draws = tf.constant(samples), _Draws(config, len(samples))
    labels = None if labels is None else tf.constant(labels, tf.int32)
    expected = models.seconds_to_compile(model)
    control.phase("compiling" if expected is None else f"compiling, about {expected:.0f} s")
    with models.timed(model):
        model.chunk(samples, draws.block(step // BLOCK), 0, 0, step, Dials.of(config), labels)
    # Asked to pause or not: a checkpoint must know the run's length.
    timed = config.training.seconds is not None and not checkpoint and not beginning
    if timed:
        control.phase("timing some steps")
        config = _steps_for_the_time(model, samples, labels, draws, config, clock)
    return _Start(config, samples, labels, draws, step, window, bool(checkpoint or beginning), timed)


def _walk(
    model: Trainable, start: _Start, recorder: Recorder, control: Control, rows: int, clock
) -> Outcome | _Changed:
    """From the first step to the last: record, keep, obey, advance."""
    config, step, window = start.config, start.step, start.window
    # Everything below is decided here, once.
    total, dials = config.training.steps, Dials.of(config)
    snapshot_steps = recorded_steps(total, config.recording.snapshots)
    curves = _Curves(recorder, model.ROW, config.recording.log_every, total, window)
    preview = sampling.inputs(model.ema_generator, config.seed, PREVIEWS, sampling.PREVIEW)
    already = step if start.resumed else -1
    pace = _Pace(clock)
    control.phase("training")

    while True:
        # Show what this step is due, the first and the last step included.
        if step > already and step in snapshot_steps:
            fresh = sampling.inputs(model.ema_generator, config.seed, rows, sampling.MEASURE, step)
            shown, fake = (_finite(sampling.generate(model.ema_generator, z), step) for z in (preview, fresh))
            recorder.snapshot(step, shown, _weights(model), fake)

        # Keep it, when it is time or when something changes.
        changed, wish = control.changed(step), control.wish(step)
        state: Outcome = "finished" if step == total else {"pause": "paused", "stop": "stopped"}.get(wish, "running")
        if changed and state == "finished":
            state = "running"  # it was asked to take more steps
        if state != "running" or wish == "release" or changed or recorder.due():
            kept = checkpoints.capture(model, step, curves.window)
            recorder.commit(step, kept, state, pace.rate)
        if state in ("finished", "stopped") or wish == "release":
            return state
        if changed:
            return _Changed(changed, kept)
        if wish == "pause":
            control.wait_while_paused()
            if control.wish(step) == "release":
                return "paused"
            pace.rest()
            already = step
            continue

        # Advance: to the next snapshot, to the end of the block, to where it should ask, or for about CALL_SECONDS.
        ahead, first = snapshot_steps[bisect_right(snapshot_steps, step)] - step, step % BLOCK
        asked = (control.until() or total) - step
        n = min(ahead, asked if asked > 0 else ahead, BLOCK - first, pace.steps_in(CALL_SECONDS))
        values = model.chunk(start.samples, start.draws.block(step // BLOCK), first, n, step, dials, start.labels)
        curves.draw(step, values)
        step += n
        pace.walked(n)


class _Curves:
    """The losses of every step, written down as means over `log_every` steps; `window` are the rows not yet told."""

    def __init__(self, recorder: Recorder, names: tuple[str, ...], log_every: int, total: int, window: np.ndarray):
        self._recorder, self._names, self._every, self._total = recorder, names, log_every, total
        self.window = window

    def draw(self, step: int, values: np.ndarray) -> None:
        """The rows (n, losses) of the n steps after `step`. Raises Diverged at the first that is not finite."""
        finite = np.isfinite(values).all(axis=1)
        good = len(values) if finite.all() else int(np.argmin(finite))
        rows, told, last = np.concatenate([self.window, values[:good]]), step - len(self.window), step + good
        for end in sorted({*range(told + self._every, last + 1, self._every)} | ({last} & {self._total})):
            means = rows[: end - told].mean(axis=0, dtype=np.float64)
            self._recorder.metrics(end, dict(zip(self._names, means.tolist())))
            rows, told = rows[end - told :], end
        self.window = rows
        if good < len(values):
            raise Diverged(last + 1)


def _finite(fake: np.ndarray, step: int) -> np.ndarray:
    if not np.isfinite(fake).all():
        raise Diverged(step)
    return fake


def _weights(model: Trainable) -> bytes:
    shown = ("discriminator",) if model.data.shape == (2,) else ()
    others = {name: network.weights for name, network in model.networks.items() if name in shown}
    return checkpoints.weights_to_bytes(model.ema_generator.weights, **others)


def _no_rows(model: Trainable) -> np.ndarray:
    return np.zeros((0, len(model.ROW)), np.float32)


def _steps_for_the_time(model: Trainable, samples, labels, draws: _Draws, config: RunConfig, clock) -> RunConfig:
    """How many steps fit into `training.seconds`: a trial on this machine, then undone.

    It takes a hundredth of that time, but 1 to 6 s. The median of its calls counts: a browser that draws the page of
    a run that has just been started may have the cores for part of it.
    """
    before, dials, took = checkpoints.capture(model, 0, _no_rows(model)), Dials.of(config), []
    trial = min(6.0, max(1.0, config.training.seconds / 100))
    while sum(took) < trial:
        start = clock()
        model.chunk(samples, draws.block(0), 0, 16, 16 * len(took), dials, labels)
        took.append(clock() - start)
    checkpoints.restore(model, before)
    rate = 16 / float(np.median(took))
    steps = min(1_000_000, max(1, round(0.9 * rate * config.training.seconds)))  # a tenth is for measuring
    return replace(config, training=replace(config.training, steps=steps))


class _Draws:
    """The blocks of random draws in order, the next one made in a thread while the current one is used."""

    def __init__(self, config: RunConfig, n_rows: int):
        self._make = lambda block: draw_block(config, n_rows, block)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="draws")
        self._ready = {}

    def block(self, number: int):
        for wanted in (number, number + 1):
            if wanted not in self._ready:
                self._ready[wanted] = self._pool.submit(self._make, wanted)
        for old in [b for b in self._ready if b < number]:
            del self._ready[old]
        return self._ready[number].result()


class _Pace:
    """Steps per second while training, over the last few seconds; rests do not count."""

    def __init__(self, clock: Callable[[], float]):
        self._clock, self.rate = clock, None
        self.rest()

    def rest(self) -> None:
        self._since, self._steps = self._clock(), 0

    def walked(self, steps: int) -> None:
        self._steps += steps
        elapsed = self._clock() - self._since
        if elapsed >= 0.2:
            now = self._steps / elapsed
            self.rate = now if self.rate is None else 0.8 * self.rate + 0.2 * now
            self.rest()

    def steps_in(self, seconds: float) -> int:
        return max(1, int(self.rate * seconds)) if self.rate else 8
