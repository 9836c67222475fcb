"""follow(name, real): a training of somebody's own code, live on Ganometer's pages.

    with follow("my gan", "mnist") as run:
        for step in range(steps):
            ...
            run.log(step, samples=lambda: generator(z), losses={"generator": g_loss, "discriminator": d_loss})

Whatever goes wrong in here after the first call must not end that training.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import numpy as np

from gan_core import machine
from gan_core.codec import flatten, to_unit
from gan_core.config.run_config import RunConfig, override
from gan_core.data.given_arrays import Form, Given, Scale, as_numpy, form_of
from gan_core.following.log_buffer import LogBuffer, Measured, curves_of
from gan_core.following.paced_measurement import PacedMeasurement
from gan_core.following.real_data import ask_for_reference, check_enough, keep_data, packed, real_data
from gan_core.following.run_writer import Position, RunWriter
from gan_core.jobs import measurement, references
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.plain_errors import sentence
from gan_core.records import FRAMEWORKS, MOST_SAMPLES, GanometerError, Reference, StoreError
from gan_core.settings import settings_from_environment
from gan_core.store import Store
from gan_core.store.labels import checked_name
from gan_core.worker.live_measurement import LiveMeasurement

log = logging.getLogger("ganometer.follow")

FEWEST_SAMPLES = 50
MOST_STEP = 2**31 - 1
STEP_BYTES = 32 * 2**20
"""What the samples of one step may take before they are packed; of more only the first are kept."""
CONVERSION_SHARE = 0.02
"""Of the time, at most, goes into converting samples that come more often than they are measured."""
_NUMBERS = re.compile(r"[\d,.]+")
PATIENCE_SECONDS = 20.0
"""How long `close` waits for a store that cannot be used."""


def follow(
    name: str,
    real: Any,
    *,
    labels: Any = None,
    train: Any = None,
    holdout: Any = None,
    store: Store | str | None = None,
    rows: int = 500,
    every: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    scale: Scale | None = None,
    real_scale: Scale | None = None,
    shape: tuple[int, ...] | None = None,
    owner: str = "",
) -> Follower:
    """A run called `name` in the store of the app, which shows it from now on; `.log` writes to it.

    `real` is the name of a data set ("mnist"), or real samples: points (n, d), or pictures (n, h, w, c), (n, c, h, w)
    or (n, h, w), as NumPy arrays or tensors of any library. `labels` (n,) are their classes, `train` what the generator
    is trained on, and `holdout` real samples it never sees; without these `real` is divided. `shape` says that rows of
    pixels are pictures of (h, w) or (h, w, c).

    Between which numbers pixels lie is found out, and the run's event log says what was assumed; `scale` declares it
    for generated samples and `real_scale` for real ones: "0..1", "-1..1", "0..16" or "0..255".

    At most `rows` samples are measured against as many real ones; `every`: samples are taken every so many steps at
    most. `steps`: how many the training will have. Runs of one name with different seeds are repetitions in Compare.
    `store`: another one than the app of this machine uses, a Store or its URL. `owner`: whose run it is on a server
    for several people.

    Raises DatasetError for unsuitable data, StoreError for a store that cannot be opened, GanometerError for a name
    there cannot be.
    """
    called = checked_name(name)
    settings = settings_from_environment(os.environ, store_url=store if isinstance(store, str) else None)
    opened = store if isinstance(store, Store) else Store(settings.store_url)
    given = real_data(
        opened,
        real,
        labels=labels,
        train=train,
        holdout=holdout,
        scale=real_scale,
        shape=shape,
        folder=settings.data_folder,
    )
    keep_data(opened, given, packed(opened, given), owner=owner, title=f"real samples of {called}"[:60])
    config = override(RunConfig(), {"data.name": given.dataset.name, "recording.rows": rows, "seed": seed})
    return Follower(
        opened,
        called,
        given,
        config,
        every=every,
        steps=steps,
        scale=scale,
        owner=owner,
        close_store=opened is not store,
    )


class Follower:
    """A run that somebody's own training writes; use it as a context manager, or call `close` at the end.

    `id` is the run's, `error` what keeps it from being written now, None where nothing does. Of an exception that ends
    the block the run says that it was interrupted by it; Ctrl-C stops it.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        given: Given,
        config: RunConfig,
        *,
        every: int | None = None,
        steps: int | None = None,
        scale: Scale | None = None,
        owner: str = "",
        close_store: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.error: str | None = None
        self._trouble_of_store, self._told = False, set[str]()
        self._store, self._given, self._config = store, given, config
        self._scale: Scale | None = scale
        self._every, self._clock, self._close_store = every, clock, close_store
        self._form: Form | None = None
        self._live = self._measurement_of(config.recording.rows)
        # Once before the training begins: what a measurement loads and compiles takes a second.
        self._live.report(to_unit(given.dataset.test.x[: config.recording.rows]))
        self._asked: tuple[int, Any] | None = None  # the last samples, while they are not measured
        self._step = 0
        self._taken_at: int | None = None
        self._converted = (-np.inf, 0.0)  # when samples were last converted, and how long that took
        self._pid, self._closed, self._logged, self._clipped = os.getpid(), False, False, False
        self._reference_asked = False
        steps = 0 if steps is None else _step(steps)
        worker_id = f"{machine.HOST}-{os.getpid()}-{secrets.token_hex(2)}"
        versions = _versions()
        self.id = store.runs.create(
            config, name=name, owner=owner, worker_id=worker_id, kind="followed", total_steps=steps
        )
        store.progress.describe(self.id, worker_id, 1, dataset=given.dataset.sha256, versions=versions)
        self._buffer = LogBuffer()
        for note in given.notes:
            self._buffer.note(0, "read_as", note)
        self._writer = RunWriter(
            store, self.id, worker_id, self._buffer, steps=steps, versions=versions, tell=self._tell_of_store
        )
        self._measurement = PacedMeasurement(self._measure, self._tell, clock=clock)
        self._writer.start()
        atexit.register(self._at_exit)

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif isinstance(error, KeyboardInterrupt):
            self._end("stopped", None)
        else:
            said = str(error).strip().splitlines()
            self._end("interrupted", f"{type(error).__name__}: {said[0][:300]}" if said else type(error).__name__)

    def log(
        self,
        step: int,
        samples: Any = None,
        losses: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """Write what the training has at a step: curves of `losses` and `metrics` by name, and generated samples.

        `samples` (n, ...) are arrays or tensors like the real ones, at least 50 and the same number each time, or a
        function that makes them, which is called only when samples are measured next, and by `close`. Made from the
        same latents each time they show how each sample changes. They are measured in the background, so that all of
        this takes a few percent of the time; of samples that come faster the newest are measured.

        What is wrong with the first call, and with the first samples, is raised; what goes wrong later is told once as
        a warning, and stands in `error`.
        """
        first = not self._logged or (samples is not None and self._form is None)
        try:
            self._log(_step(step), samples, curves_of(losses, metrics))
        except Exception as error:
            if first:
                raise
            self._tell(error)
        self._logged = True

    def close(self, error: str | None = None) -> None:
        """Measure the last samples, write everything, and end the run: finished, or failed because of `error`.

        It may be called again. What cannot be written is told as a warning.
        """
        if not self._closed and error is None:
            try:
                self._take_asked()
            except Exception as trouble:
                self._tell(trouble)
        self._end("failed" if error else "finished", error)

    # ------------------------------------------------------------ in the training's thread

    def _log(self, step: int, samples: Any, curves: Mapping[str, float]) -> None:
        if self._closed:
            raise GanometerError(f"run {self.id} is closed: nothing of step {step:,} is written")
        self._step = max(self._step, step)
        self._writer.at(Position(step))
        self._buffer.add_values(step, curves)
        if samples is None:
            return
        if self._taken_at is not None and step <= self._taken_at:
            return  # a step has one snapshot
        self._asked = step, samples
        if self._is_due(step, callable(samples)):
            self._take_asked()

    def _is_due(self, step: int, on_request: bool) -> bool:
        """Whether samples are taken at this step: made on request only when they are measured at once."""
        if self._every is not None and self._taken_at is not None and step - self._taken_at < self._every:
            return False
        if on_request:
            return self._measurement.wanted()
        last, took = self._converted
        return self._clock() - last >= took / CONVERSION_SHARE

    def _take_asked(self) -> None:
        """Have the last samples measured that were not yet."""
        if self._asked is None:
            return
        (step, samples), self._asked = self._asked, None
        if callable(samples):
            samples = samples()
        begun, dataset = self._clock(), self._given.dataset
        x = as_numpy(samples)
        if self._form is None:
            check_enough(len(x), FEWEST_SAMPLES, "generated samples")
            form = form_of(x, dataset.shape, real_scale=self._given.scale, scale=self._scale)
            n = min(self._config.recording.rows, len(dataset.test), len(x))
            if len(x) < min(self._config.recording.rows, len(dataset.test)):
                self._live = self._measurement_of(n)
            self._config = override(self._config, {"recording.rows": n})
            self._buffer.note(step, "read_as", form.said)
            self._writer.at(Position(step, self._config))
            self._form = form
        if len(x) < (n := self._config.recording.rows):
            raise GanometerError(f"there are {len(x):,} samples at step {step:,}; give {n:,} as before")
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise GanometerError(f"the samples of step {step:,} are not finite (NaN or infinity), so they are left out")
        if not self._clipped and self._form.clips(x):
            self._clipped = True
            self._buffer.note(step, "read_as", f"Values beyond {self._form.scale} are clipped.")
        most = min(MOST_SAMPLES, max(n, STEP_BYTES // max(1, int(np.prod(dataset.shape)))))
        self._measurement.put(step, self._form.read(x[:most]))
        self._taken_at, self._converted = step, (begun, self._clock() - begun)

    # ------------------------------------------------------------ in threads of our own

    def _measure(self, step: int, samples: np.ndarray) -> None:
        n = self._config.recording.rows
        self._buffer.add_measured(Measured(step, samples, self._live.report(to_unit(samples[:n]))))
        if not self._reference_asked:
            ask_for_reference(self._store, self._given, n)
            self._reference_asked = True

    def _measurement_of(self, rows: int) -> LiveMeasurement:
        """Against so many real samples, in one thread beside those of the training."""
        dataset, store = self._given.dataset, self._store
        n = min(rows, len(dataset.test))
        part = measurement.real_part(dataset, MeasureParameters(n), flatten, threads=1)

        def find_reference() -> Reference | None:
            try:
                return references.known(store, dataset.sha256, "pixels", n)
            except StoreError:  # the samples are measured all the same, and pages judge them with what is known then
                return None

        return LiveMeasurement(part, dataset.modes, find_reference)

    def _tell(self, error: Exception | None) -> None:
        """Say once what goes wrong, whatever its numbers; the training that is followed goes on."""
        said = self.error = None if error is None else sentence(error)
        if said is None or (kind := _NUMBERS.sub("", said)) in self._told:
            return
        self._told.add(kind)
        try:
            warnings.warn(f"Ganometer does not follow this training as asked: {said}", RuntimeWarning, stacklevel=4)
        except Warning:  # where warnings are errors, they are so for others
            log.warning("%s", said)

    def _tell_of_store(self, error: Exception | None) -> None:
        if error is not None or self._trouble_of_store:
            self._trouble_of_store = error is not None
            self._tell(error)

    # ------------------------------------------------------------ the end

    def _end(self, state: str, error: str | None, patience: float = PATIENCE_SECONDS) -> None:
        if self._closed or os.getpid() != self._pid:  # a process that was forked writes nothing
            return
        self._closed = True
        atexit.unregister(self._at_exit)
        self._measurement.close()
        if late := self._buffer.late:
            self._buffer.note(self._step, "read_as", f"{late:,} values came at steps that had one, and were left out.")
        try:
            self._writer.end(state, error, patience=patience)
        except Exception as trouble:
            self._tell(trouble)
        if self._close_store:
            self._store.close()

    def _at_exit(self) -> None:
        self._end("interrupted", "the program ended and did not close its log", patience=2.0)


def _step(step: Any) -> int:
    try:
        found = int(step)
    except (TypeError, ValueError):
        raise GanometerError(f"step is {type(step).__name__}; give a whole number") from None
    if found != step or not 0 <= found <= MOST_STEP:
        raise GanometerError(f"step is {step}; give a whole number from 0 to {MOST_STEP:,}")
    return found


def _versions() -> dict[str, str]:
    """The versions of this machine, with those of the libraries that the program has loaded."""
    loaded = {name: getattr(sys.modules[name], "__version__", "") for name in FRAMEWORKS if name in sys.modules}
    known = {name: value for name, value in machine.versions().items() if name not in FRAMEWORKS}
    return known | {name: value for name, value in loaded.items() if isinstance(value, str) and value}
