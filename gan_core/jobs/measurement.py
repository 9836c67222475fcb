"""Measuring a snapshot of a run: its held-out real rows, real against real at their number, and the report.

Only handlers and the worker import it: it loads SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gan_core import codec, machine, records
from gan_core.codec import to_storage
from gan_core.data.datasets import Dataset
from gan_core.distances import features, reference
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import measure
from gan_core.jobs import references
from gan_core.jobs.kept_samples import kept_number
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.sample import Sample, draw, draw_of_training
from gan_core.jobs.snapshot_sampler import snapshot_step
from gan_core.records import Modes
from gan_core.store import Store

Transform = Callable[[np.ndarray], np.ndarray]
"""Samples (n, *shape) -> vectors in the space that is measured in."""
TRAIN_ROWS = {"live": 2_000, "full": 10_000}
"""Training rows that copies, regions and labels are looked for in; holdout parts have no more to set against them."""


def transform_for(
    store: Store, dataset: Dataset, space: str, progress: Callable[[float], None] | None = None
) -> Transform:
    """The function from samples (n, *shape) to vectors in a space.

    A classifier is trained the first time that its space is asked for, and kept in the store.
    """
    if space == "pixels":
        return codec.to_unit
    if space != "classifier":
        return features.space_of(space, train=dataset.train.x)
    from gan_core.engine.classifier import Classifier, train_classifier

    known = store.measurements.features(dataset.sha256, space)
    if known is None:
        train, holdout = dataset.train, dataset.holdout
        made = train_classifier(
            to_storage(train.x), train.y, holdout_x=holdout.x, holdout_y=holdout.y, progress=progress
        )
        about = made.to_bytes(), made.accuracy, made.sha256, machine.versions()
        known = store.measurements.put_features(dataset.sha256, space, *about)  # whichever worker was first
    return Classifier.from_bytes(known.weights).features


def real_part(
    dataset: Dataset, asked: MeasureParameters, transform: Transform, *, threads: int | None = None
) -> RealPart:
    """The fixed test rows that are measured against, with all that depends on them alone, in the transform's space."""
    most = TRAIN_ROWS[asked.panel]
    rows, held = _train_rows(dataset, asked), dataset.holdout.y[:most]
    return RealPart.of(
        transform(reference.test_rows(dataset.test.x, asked.n)),
        train=transform(dataset.train.x[rows]),
        holdout=transform(dataset.holdout.x[:most]),
        train_labels=dataset.train.y[rows],
        # A class too rare for those training rows has no share to be corrected.
        holdout_labels=held if np.isin(held, dataset.train.y[rows]).all() else None,
        k=asked.k,
        # A copy is found only if its original is among the rows: the full panel looks at as many as there are.
        pool=asked.n if asked.panel == "live" else None,
        threads=threads,
    )


def reference_for(
    store: Store,
    dataset: Dataset,
    asked: MeasureParameters,
    progress: Callable[[float], None] | None = None,
    *,
    threads: int | None = None,
) -> records.Reference:
    """Real against real at the n of a measurement: shipped, from the store, or measured now and kept there."""
    asked = asked.at(dataset)
    known = references.known(store, dataset.sha256, asked.space, asked.n, k=asked.k, panel=asked.panel)
    if known is None:
        transform = transform_for(store, dataset, asked.space)
        known = calibration(dataset, asked, transform, progress, threads=threads)
        store.measurements.put_reference(dataset.sha256, asked.space, known)
    return known


def calibration(
    dataset: Dataset,
    asked: MeasureParameters,
    transform: Transform,
    progress: Callable[[float], None] | None = None,
    *,
    threads: int | None = None,
) -> records.Reference:
    """Real against real, measured now: the draws meet the very rows that generated samples will meet."""
    return reference.calibrate(
        test=dataset.test.x,
        pool=np.concatenate([dataset.train.x, dataset.holdout.x]),
        train=dataset.train.x,
        real_part=real_part(dataset, asked, transform, threads=threads),
        transform=transform,
        n=asked.n,
        modes=_modes(dataset, asked),
        panel=asked.panel,
        progress=progress,
    )


def report_for(
    store: Store,
    run_id: str,
    step: int | None,
    asked: MeasureParameters,
    dataset: Dataset,
    progress: Callable[[float], None] | None = None,
    *,
    threads: int | None = None,
) -> records.Report:
    """Measure `n` samples of a snapshot, or as many as were kept, against as many held-out rows, beside what real
    samples give.

    Seed 0 is the draw that was measured during the training, so at its n the numbers are the same.
    """
    run, step, tell = store.runs.get(run_id), snapshot_step(store, run_id, step), progress or (lambda share: None)
    asked = asked.at(dataset, kept_number(store, run, step))
    if asked.seed == 0:
        x = draw_of_training(store, run_id, step, asked.n)
    else:
        x = draw(store, run_id, step, Sample(asked.n, asked.seed))
    transform = transform_for(store, dataset, asked.space, lambda share: tell(share / 4))
    # Where nobody has calibrated this yet, that takes 20 times as long as the report itself.
    known = reference_for(store, dataset, asked, lambda share: tell(0.25 + share * 0.7), threads=threads)
    report = measure(
        real=real_part(dataset, asked, transform, threads=threads),
        fake=transform(x),
        reference=known,
        modes=_modes(dataset, asked),
        space=asked.space,
        panel=asked.panel,
        progress=lambda share: tell(0.95 + share / 20),
    )
    rows = _train_rows(dataset, asked)
    copies = [[fake, int(rows[train]), *distances] for fake, train, *distances in report.details.get("copies", [])]
    return replace(report, seed=asked.seed, details=dict(report.details) | {"copies": copies})


def _train_rows(dataset: Dataset, asked: MeasureParameters) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(len(dataset.train.x))[: TRAIN_ROWS[asked.panel]])


def _modes(dataset: Dataset, asked: MeasureParameters) -> Modes | None:
    return dataset.modes if asked.space == "pixels" else None
