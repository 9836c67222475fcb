"""The training loop, from the first step to the last.

`train` knows nothing of databases, threads or pages: it writes through a Recorder and reads commands from a Control.
Which steps are planned follows from the configuration alone; a pause and a change add a snapshot. Neither these, nor a
preview, nor the number of steps in a compiled call changes a number.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Callable, Literal, Mapping, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from gan_core.config.live_edits import needs_compiling
from gan_core.config.presets import fallback
from gan_core.config.run_config import RunConfig, recorded_steps
from gan_core.engine import checkpoints, cpu_threads, sampling, surface
from gan_core.engine.base_model import BLOCK, BaseModel, Draws, LiveHyperparameters, draw_block
from gan_core.engine.models import CompiledModels, build
from gan_core.engine.networks import statistics
from gan_core.records import SNAPSHOT_SAMPLES

CALL_SECONDS = 0.25
"""About how long one compiled call runs, and so the longest time until a command is obeyed."""

PREVIEW_SECONDS = 1.0
"""From one preview to the next, at least."""
PREVIEW_SHARE = 0.015
"""Of the training time, at most, goes into previews; of points in the plane half of it into the picture of the game.
The recorder, which writes them in another thread, has the rest of two hundredths."""
GAME_BATCHES = 1
"""Batches of real samples over which a gradient in that picture is averaged: more of them cost most of its time."""
AFTER_CHANGE_SECONDS = 0.1
"""About how long a run trains with new settings before it is shown what they do."""
MOST_CHANGES = 500
"""So many changes of settings, evenly spread, each have a snapshot of their own."""

Outcome = Literal["running", "paused", "finished", "stopped", "queued"]
STATES: Mapping[str, Outcome] = {"pause": "paused", "stop": "stopped"}
"""The state that a command leads to before the last step."""


class Diverged(Exception):
    """The losses or the samples are no longer finite numbers; `step` is the first such step."""

    def __init__(self, step: int):
        self.step = step
        super().__init__(f"diverged at step {step}")


class Recorder(Protocol):
    """Where a training writes. Nothing is stored until `commit`, which stores everything at once."""

    def resolved(self, config: RunConfig) -> RunConfig:
        """The configuration whose number of steps has just been decided; returns the one to train, which may have
        fewer of them."""
        ...

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """The mean values of the steps since the last call, by name."""
        ...

    def snapshot(self, step: int, samples: np.ndarray, weights: bytes, fake: np.ndarray) -> None:
        """The run's fixed `samples`, the weights they are made with, and new samples `fake` to be measured.

        Both arrays are (n, *shape) in measured form. The weights are those of the averaged generator and, for points in
        the plane, those of the discriminator, which can be drawn there.
        """
        ...

    def preview(self, step: int, samples: np.ndarray, raw: np.ndarray, game: Mapping[str, np.ndarray] | None) -> None:
        """What the run's fixed `samples` are at this moment, by the averaged generator and by the generator itself.

        Both are (64, *shape) in measured form; `game` is what `surface.of_model` gives, where it has been made. Does
        not wait for a store: what cannot be written soon is dropped.
        """
        ...

    def due(self) -> bool:
        """Whether it is time for a commit."""
        ...

    def commit(self, step: int, checkpoint: bytes, state: Outcome, steps_per_second: float | None) -> None:
        """Store everything recorded so far, the checkpoint of `step`, and the state of the run."""
        ...


class Control(Protocol):
    """The commands that people send to a training. They are read from memory, so that asking takes no time."""

    def new_config(self, step: int) -> RunConfig | None:
        """The configuration to continue with if somebody has changed it; the next commit confirms the change."""
        ...

    def command(self, step: int) -> Literal["go", "pause", "stop", "release"]:
        """What to do at this step; "release" means: commit and leave the run to another worker."""
        ...

    def next_command_step(self) -> int | None:
        """A step at which `command` has to be asked, if there is one."""
        ...

    def wait_while_paused(self) -> None:
        """Returns when the pause is over, or after the longest time that a worker waits."""
        ...

    def phase(self, name: str) -> None:
        """What the training is doing now, in a few words."""
        ...


def train(
    config: RunConfig,
    samples: np.ndarray,
    recorder: Recorder,
    control: Control,
    *,
    rows: int,
    labels: np.ndarray | None = None,
    checkpoint: bytes | None = None,
    start_from: tuple[int, bytes] | None = None,
    models: CompiledModels | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Outcome:
    """Train on `samples` (n, *shape) in storage form until the last step or a command to end; returns how it ended.

    `labels` (n,) are the samples' class numbers from 0, or None for networks without class labels. With every snapshot,
    `rows` new samples are generated to be measured. `checkpoint` continues an earlier part of the same run, bit for
    bit; `start_from`, a step and the weights of another run's snapshot there, continues that run. Compiled models are
    borrowed from `models` and given back to it.

    "paused" means: paused for so long that the worker should do something else; "queued": nothing has been trained,
    and a new process should train the `resolved` configuration, since this one has divided its cores for other
    networks. Raises Diverged when losses or samples are no longer finite.
    """
    data, models, was_changed = statistics(samples, labels), models or CompiledModels(), False
    while True:
        control.phase("building")
        model, end = models.borrow(config, data), None
        try:
            start = _prepare(model, config, samples, labels, checkpoint, start_from, control, models, clock)
            lighter = fallback(start.config, model.data.shape) if start.decided_steps else None
            if lighter is None:
                if start.decided_steps:
                    start = start._replace(config=recorder.resolved(start.config))
                end = _run(model, start._replace(changed=was_changed), recorder, control, rows, clock)
        finally:
            models.give_back(model)
        del model, start  # the next ones need the memory
        if lighter is not None:
            config = lighter
            if not cpu_threads.configure(config):
                recorder.resolved(config)
                return "queued"
        elif isinstance(end, _Changed):
            (config, checkpoint), was_changed = end, True
        elif end is not None:
            return end


class _Changed(NamedTuple):
    """Somebody has changed the configuration: the training continues with it from this checkpoint."""

    config: RunConfig
    checkpoint: bytes


class _Start(NamedTuple):
    """The state of a training before its first step; `decided_steps`: the number of steps has just been decided, and
    `changed`: the configuration has been changed at this step."""

    config: RunConfig
    samples: tf.Tensor
    labels: tf.Tensor | None
    draws: _DrawBlocks
    step: int
    window: np.ndarray
    resumed: bool
    decided_steps: bool = False
    changed: bool = False


def _prepare(
    model: BaseModel,
    config: RunConfig,
    samples: np.ndarray,
    labels: np.ndarray | None,
    checkpoint: bytes | None,
    start_from: tuple[int, bytes] | None,
    control: Control,
    models: CompiledModels,
    clock: Callable[[], float],
) -> _Start:
    """Restore, compile without training a step, and decide the number of steps if the configuration gives seconds."""
    step, window = 0, _no_values(model)
    if checkpoint:
        step, window = checkpoints.restore(model, checkpoint)
    elif start_from:
        step = checkpoints.start_from(model, *start_from)
    x, numbers = tf.constant(samples), None if labels is None else tf.constant(labels, tf.int32)
    start = _Start(config, x, numbers, _DrawBlocks(config, len(samples)), step, window, bool(checkpoint or start_from))
    expected = models.seconds_to_compile(model)
    control.phase("compiling" if expected is None else f"compiling, about {expected:.0f} s last time")
    with models.timed(model):
        model.chunk(x, start.draws.block(step // BLOCK), 0, 0, step, LiveHyperparameters.of(config), numbers)
    if config.training.seconds is None or start.resumed:
        return start
    # Even if the run is to be paused at once: its first checkpoint has to know the number of steps.
    control.phase("timing some steps")
    return start._replace(config=_steps_for_the_time(model, start, config.training.seconds, clock), decided_steps=True)


def _run(
    model: BaseModel, start: _Start, recorder: Recorder, control: Control, rows: int, clock: Callable[[], float]
) -> Outcome | _Changed:
    """From the first step to the last: record, commit, obey commands, train."""
    config, step = start.config, start.step
    # Everything that changes during the loop only where somebody changes the configuration.
    total, live = config.training.steps, LiveHyperparameters.of(config)
    snapshot_steps = recorded_steps(total, config.recording.snapshots)
    curves = _Curves(recorder, model.STEP_METRICS, config.recording.log_every, total, start.window)
    previews = _Previews(model, start, recorder, clock)
    recorded = step if start.resumed else -1
    speed = _Speed(clock)
    control.phase("training")

    while True:
        # Show what the networks make at this moment.
        if previews.due(step, speed.looked):
            previews.show(step)

        # Take a snapshot if this step is one of the planned ones, which include the first and the last step; also
        # where the run comes to rest, and where its configuration changes.
        changed, command, checkpoint = control.new_config(step), control.command(step), None
        state: Outcome = "finished" if step == total else STATES.get(command, "running")
        if changed and state == "finished":
            state = "running"  # somebody has asked for more steps
        far = step - recorded >= total / MOST_CHANGES
        if step > recorded and (step in snapshot_steps or state != "running" or (changed and far)):
            fresh = sampling.inputs(model.ema_generator, config.seed, rows, sampling.MEASURE, step)
            shown, fake = (_finite(sampling.generate(model.ema_generator, z), step) for z in (previews.inputs, fresh))
            recorder.snapshot(step, shown, _weights(model), fake)
            recorded = step

        # Commit if it is time, or if the state or the configuration changes.
        if state != "running":
            previews.show(step, at_rest=True)
        if state != "running" or command == "release" or changed or recorder.due():
            checkpoint = checkpoints.capture(model, step, curves.window)
            recorder.commit(step, checkpoint, state, speed.steps_per_second)
        if state in ("finished", "stopped") or command == "release":
            return state
        if changed and checkpoint and needs_compiling(config, changed):
            return _Changed(changed, checkpoint)
        if changed:  # only numbers: the compiled steps go on with the new ones
            config = model.settings = changed
            total = curves.total = config.training.steps
            live, snapshot_steps = LiveHyperparameters.of(config), recorded_steps(total, config.recording.snapshots)
            recorded = step
            previews.changed(step)
            continue
        if command == "pause":
            control.wait_while_paused()
            if control.command(step) == "release":
                return "paused"
            speed.restart()
            recorded = step
            continue

        # Train: to the next snapshot, the end of the block, the next command's step, or for about CALL_SECONDS.
        to_snapshot, first = snapshot_steps[bisect_right(snapshot_steps, step)] - step, step % BLOCK
        to_command = (control.next_command_step() or total) - step
        to_command = to_command if to_command > 0 else to_snapshot
        seconds = AFTER_CHANGE_SECONDS if previews.changed_at is not None else CALL_SECONDS
        n = min(to_snapshot, to_command, BLOCK - first, speed.steps_in(seconds))
        values = model.chunk(start.samples, start.draws.block(step // BLOCK), first, n, step, live, start.labels)
        curves.add(step, values)
        step += n
        speed.count(n)


class Cost:
    """How many seconds something takes: the shortest time so far, because others on a machine prolong some.

    The first time does not count: it compiles.
    """

    def __init__(self) -> None:
        self._seconds: float | None = None

    def after(self, took: float) -> float:
        """The cost, now that it has taken so many seconds once more."""
        if self._seconds is None:
            self._seconds = math.inf
            return 0.0
        self._seconds = min(self._seconds, took)
        return self._seconds


class _Previews:
    """Shows what the networks make at this moment, as often as its share of the training time allows.

    `inputs` are the generator's for the run's fixed samples; `changed_at` is the step of a change of settings of which
    nothing has been shown yet.
    """

    def __init__(self, model: BaseModel, start: _Start, recorder: Recorder, clock: Callable[[], float]):
        self._model, self._start, self._recorder, self._clock = model, start, recorder, clock
        self.inputs = sampling.inputs(model.ema_generator, start.config.seed, SNAPSHOT_SAMPLES, sampling.PREVIEW)
        self._plane = model.data.shape == (2,)
        self._share = PREVIEW_SHARE / (2 if self._plane else 1)
        self._copy: BaseModel | None = None
        self.changed_at: int | None = start.step if start.changed else None
        self._shown = self._shown_game = -1
        self._due = self._game_due = clock() + PREVIEW_SECONDS
        self._game_cost = Cost()

    def changed(self, step: int) -> None:
        """The settings have changed: the first steps with the new ones are to be shown, whenever the last ones were."""
        self.changed_at = step

    def due(self, step: int, now: float) -> bool:
        """Whether there is something to be shown: after a while, or because the settings have changed."""
        after_change = self.changed_at is not None and step > self.changed_at
        return after_change or now >= self._due

    def show(self, step: int, *, at_rest: bool = False) -> None:
        """Hand the samples of this step to the recorder, once; those of a network that diverges are not shown.

        The game is made less often, and always where the run comes to rest: that picture stays.
        """
        awaits_game = at_rest and self._plane and self._shown_game != step
        if step == self._shown and not awaits_game:
            return
        began, model = self._clock(), self._model
        samples, raw = (sampling.generate(network, self.inputs) for network in (model.ema_generator, model.generator))
        made = self._clock()
        game = self._game(step) if awaits_game or (self._plane and made >= self._game_due) else None
        after_game = self._clock()
        if np.isfinite(samples).all() and np.isfinite(raw).all():
            self._recorder.preview(step, samples, raw, game)
        if self.changed_at is not None and step > self.changed_at:
            self.changed_at = None
        self._shown, now = step, self._clock()
        took = made - began + now - after_game
        self._due = now + max(PREVIEW_SECONDS, took / self._share)
        if game is not None:
            self._shown_game = step
            self._game_due = now + max(PREVIEW_SECONDS, self._game_cost.after(after_game - made) / self._share)

    def _game(self, step: int) -> Mapping[str, np.ndarray]:
        if self._copy is None:
            self._copy = build(self._model.settings, self._model.data)
        self._copy.copy_state(self._model)
        labels = None if self._start.labels is None else self._start.labels.numpy()
        return surface.of_model(self._copy, step, self._start.samples.numpy(), labels=labels, batches=GAME_BATCHES)


class _Curves:
    """Records the values of the steps as means over `log_every` steps; `window` holds the rows not yet recorded.

    At step `total`, the last one, a mean is recorded of however many there are.
    """

    def __init__(self, recorder: Recorder, names: tuple[str, ...], log_every: int, total: int, window: np.ndarray):
        self._recorder, self._names, self._every = recorder, names, log_every
        self.total, self.window = total, window

    def add(self, step: int, values: np.ndarray) -> None:
        """The values (n, STEP_METRICS) of the n steps after `step`. Raises Diverged at the first that is not finite."""
        finite = np.isfinite(values).all(axis=1)
        good = len(values) if finite.all() else int(np.argmin(finite))
        rows, logged, last = np.concatenate([self.window, values[:good]]), step - len(self.window), step + good
        for end in sorted({*range(logged + self._every, last + 1, self._every)} | ({last} & {self.total})):
            means = rows[: end - logged].mean(axis=0, dtype=np.float64)
            self._recorder.metrics(end, dict(zip(self._names, means.tolist())))
            rows, logged = rows[end - logged :], end
        self.window = rows
        if good < len(values):
            raise Diverged(last + 1)


def _finite(fake: np.ndarray, step: int) -> np.ndarray:
    if not np.isfinite(fake).all():
        raise Diverged(step)
    return fake


def _weights(model: BaseModel) -> bytes:
    """The averaged generator's weights; in the plane, where the discriminator can be drawn, also its weights."""
    others = {"discriminator"} if model.data.shape == (2,) else set()
    networks = {name: network.weights for name, network in model.networks.items() if name in others}
    return checkpoints.weights_to_bytes(model.ema_generator.weights, **networks)


def _no_values(model: BaseModel) -> np.ndarray:
    return np.zeros((0, len(model.STEP_METRICS)), np.float32)


def _steps_for_the_time(model: BaseModel, start: _Start, seconds: float, clock: Callable[[], float]) -> RunConfig:
    """The configuration with as many steps as fit into `seconds`: some steps are timed on this machine, then undone.

    The trial takes a hundredth of that time, but 1 to 6 s. The median of its calls decides, because a browser that
    draws the page of the new run may use the cores for part of it.
    """
    before, live, took = checkpoints.capture(model, 0, _no_values(model)), LiveHyperparameters.of(start.config), []
    trial = min(6.0, max(1.0, seconds / 100))
    while sum(took) < trial:
        begun = clock()
        model.chunk(start.samples, start.draws.block(0), 0, 16, 16 * len(took), live, start.labels)
        took.append(clock() - begun)
    checkpoints.restore(model, before)
    steps_per_second = 16 / float(np.median(took))
    steps = min(1_000_000, max(1, round(0.9 * steps_per_second * seconds)))  # a tenth of the time is for measuring
    return replace(start.config, training=replace(start.config.training, steps=steps))


class _DrawBlocks:
    """The blocks of random draws in order; a thread makes the next one while the current one is used."""

    def __init__(self, config: RunConfig, n_rows: int):
        self._make = lambda block: draw_block(config, n_rows, block)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="draws")
        self._blocks: dict[int, Future[Draws]] = {}

    def block(self, number: int) -> Draws:
        """The draws of steps number · BLOCK ..."""
        for wanted in (number, number + 1):
            if wanted not in self._blocks:
                self._blocks[wanted] = self._pool.submit(self._make, wanted)
        for old in [b for b in self._blocks if b < number]:
            del self._blocks[old]
        return self._blocks[number].result()


class _Speed:
    """Steps per second of training over the last few seconds; pauses do not count."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self.steps_per_second: float | None = None
        self.restart()

    def restart(self) -> None:
        """Start a new measurement; the speed measured so far stays."""
        self._since, self._steps = self._clock(), 0
        self.looked = self._since

    def count(self, steps: int) -> None:
        """Add steps that have just been trained."""
        self._steps += steps
        self.looked = self._clock()
        elapsed = self.looked - self._since
        if elapsed >= 0.2:
            now, before = self._steps / elapsed, self.steps_per_second
            self.steps_per_second = now if before is None else 0.8 * before + 0.2 * now
            self.restart()

    def steps_in(self, seconds: float) -> int:
        """About how many steps take `seconds`; 8 while the speed is unknown."""
        return max(1, int(self.steps_per_second * seconds)) if self.steps_per_second else 8
