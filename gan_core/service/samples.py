"""Samples of anybody's generator as a run: measured, shown and compared like a run that was trained here.

    run_id = lab.samples.create("my gan", real="mnist", fake=generated, by=me)
    run_id = lab.samples.create("my gan", real=real, fake=generated, train=trained_on, by=me)

The page server calls this: what loads SciPy is a worker's to do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan_core import machine
from gan_core.config.run_config import RunConfig, override
from gan_core.data.given_arrays import SCALES, Given, Scale, as_numpy, form_of
from gan_core.data.measured_files import read_array
from gan_core.following.real_data import ask_for_reference, check_enough, keep_data, packed, real_data
from gan_core.jobs import registry
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.records import MOST_SAMPLES, SNAPSHOT_SAMPLES, GanometerError, RunInfo
from gan_core.service import permissions
from gan_core.service.runs import RunService
from gan_core.service.uploads import UploadService
from gan_core.settings import Settings
from gan_core.store import Commit, Store
from gan_core.store.labels import checked_name

__all__ = ["SCALES", "SampleService", "read_samples"]

FEWEST_SAMPLES = 50
ROWS = 1_000
"""Samples of each kind in the measurement, unless it is said; the full report offers other numbers."""
MOST_BYTES = 64 * 2**20
"""What the samples of a run may take before they are packed."""


class SampleService:
    """Makes runs of kind "samples". `by` says who asks (see `permissions`): such a run, and the real samples that came
    with it, are the visitor's own until they are published, also where they are measured against a public data set.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        runs: RunService,
        uploads: UploadService,
        ensure_worker: Callable[[], None],
    ):
        self._store, self._settings = store, settings
        self._runs, self._uploads, self._ensure_worker = runs, uploads, ensure_worker

    def create(
        self,
        name: str,
        *,
        real: Any,
        fake: Any,
        labels: Any = None,
        train: Any = None,
        holdout: Any = None,
        scale: Scale | None = None,
        real_scale: Scale | None = None,
        shape: tuple[int, ...] | None = None,
        rows: int = ROWS,
        title: str = "",
        by: str | None = "",
        nonce: str | None = None,
    ) -> str:
        """Keep generated samples as a finished run, and have a worker measure them; returns the run's id, the same one
        for the same nonce.

        `real` names a data set that `by` may use, or holds real samples; all arrays are points (n, d), or pictures
        (n, h, w, c), (n, c, h, w) or (n, h, w), with the arguments of `gan_core.follow`. `rows` of each kind are
        measured at most: real against real, too, wherever that is not known. `title`: what the real samples are called.

        Raises DatasetError and GanometerError for what cannot be measured, NotAllowed for a visitor of whom nothing is
        known on a shared server, and for more than it keeps.
        """
        permissions.check_known(self._settings, by)
        called = checked_name(name)
        if isinstance(real, str):
            self._uploads.about(real, by=by)
        about = dict(labels=labels, train=train, holdout=holdout, scale=real_scale, shape=shape)
        given = real_data(self._store, real, folder=self._settings.data_folder, **about)
        samples, notes = read_samples(fake, given, scale)
        n = min(rows, len(given.dataset.test), len(samples))
        config = override(RunConfig(), {"data.name": given.dataset.name, "recording.rows": n})

        data, what = packed(self._store, given), title or f"real samples of {called}"[:60]

        def make() -> list[str]:
            self._check_room(samples.nbytes + len(data or b""), by)
            keep_data(self._store, given, data, owner=by or "", title=what)
            return [self._written(config, called, given, samples, notes, by or "")]

        (run_id,) = self._store.submit(nonce, make)
        ask_for_reference(self._store, given, n)
        self.ask_for_measurement(self._store.runs.get(run_id), by=by)
        return run_id

    def import_log(
        self,
        name: str,
        *,
        real: str | Path,
        tensorboard: Path | None = None,
        table: Path | None = None,
        samples: Path | None = None,
        scale: Scale | None = None,
        rows: int = 500,
        seed: int = 0,
        progress: Callable[[float], None] = lambda share: None,
        by: str | None = "",
    ) -> str:
        """A finished run of kind "followed" from what a training has left on this machine: a folder of TensorBoard's
        event files, a CSV file of metrics with a column of steps, a folder of samples by step; returns its id.

        `real` is a data set by its name, or an array file. The samples are measured now, in this process, and
        `progress` is told the share that is done. Raises DatasetError and GanometerError for what cannot be read.
        """
        from gan_core.following.imported import import_log, read_log

        called, log = checked_name(name), read_log(tensorboard=tensorboard, table=table, samples=samples)
        if isinstance(real, str):
            self._uploads.about(real, by=by)
        known = real if isinstance(real, str) else read_array(real)
        given = real_data(self._store, known, folder=self._settings.data_folder)
        data = packed(self._store, given)
        keep_data(self._store, given, data, owner=by or "", title=f"real samples of {called}"[:60])
        return import_log(
            self._store,
            log,
            given,
            name=called,
            owner=by or "",
            rows=rows,
            seed=seed,
            scale=scale,
            progress=progress,
        )

    def ask_for_measurement(self, run: RunInfo, *, by: str | None = "", retry: bool = False) -> int:
        """Have a worker measure the newest samples of a run as a training does: the numbers that every page shows.

        Returns the job's id, the same one as long as its answer is kept; `retry` asks anew for one that has failed.
        """
        steps = self._store.recordings.snapshot_steps(run.id)
        if not steps:
            raise GanometerError(f"run {run.id} has no samples, so nothing can be measured; log some first")
        asked = MeasureParameters(run.config.recording.rows)
        job_id = registry.request(
            self._store, asked, run_id=run.id, step=steps[-1], owner=by or "", retry=retry
        )
        self._ensure_worker()
        return job_id

    def _written(
        self, config: RunConfig, name: str, given: Given, samples: np.ndarray, notes: list[str], owner: str
    ) -> str:
        """The id of a finished run with these samples (n, *shape) in storage form."""
        store, writer = self._store, f"{machine.HOST}-samples-{secrets.token_hex(2)}"
        run_id = store.runs.create(
            config, name=name, owner=owner, worker_id=writer, kind="samples", total_steps=0
        )
        store.progress.describe(run_id, writer, 1, dataset=given.dataset.sha256, versions=machine.versions())
        for note in [*given.notes, *notes]:
            store.progress.note(run_id, writer, 1, 0, "read_as", {"note": note})
        taken = [(0, samples[:SNAPSHOT_SAMPLES], b"")]
        store.progress.commit(
            run_id, writer, 1, Commit("finished", 0, 0.0, taken=taken, kept=[(0, samples)])
        )
        return run_id

    def _check_room(self, size: int, by: str | None) -> None:
        """Raises NotAllowed where so many bytes more would be more than this server keeps of one person, or of all."""
        kept = self._store.recordings.kept_bytes
        self._uploads.check_room(size + kept(by or ""), by=by, stored=kept() - kept(by or ""))


def read_samples(fake: Any, given: Given, scale: Scale | None) -> tuple[np.ndarray, list[str]]:
    """Generated samples in storage form, at most as many as a run keeps, and what was assumed of them.

    Raises DatasetError and GanometerError for what cannot be measured against these real samples.
    """
    x = as_numpy(fake)
    check_enough(len(x), FEWEST_SAMPLES, "generated samples")
    form = form_of(x, given.dataset.shape, real_scale=given.scale, scale=scale)
    notes = [form.said]
    if form.clips(x):
        notes.append(f"Values beyond {form.scale} are clipped.")
    most = max(FEWEST_SAMPLES, min(MOST_SAMPLES, MOST_BYTES // max(1, int(np.prod(given.dataset.shape)))))
    if len(x) > most:
        notes.append(f"Of {len(x):,} generated samples the first {most:,} are kept.")
    return form.read(x[:most]), notes
