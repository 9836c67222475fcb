"""Jobs and their answers: samples on request, nearest real rows, measurements, references."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Callable, Sequence

import numpy as np

from gan_core import codec, machine, records
from gan_core.codec import to_storage
from gan_core.data.datasets import Dataset
from gan_core.distances import corruptions as ruler
from gan_core.distances import features, neighbours, reference
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import measure
from gan_core.jobs import compare, explore, references
from gan_core.jobs.snapshot_sampler import class_number, generator_at, snapshot_step
from gan_core.records import GanometerError, Job
from gan_core.store import Store, pack

MOST_SAMPLES = 10_000
TRAIN_ROWS = {"live": 2_000, "full": 10_000}
"""Training rows that copies, regions and labels are looked for in; holdout parts have no more to set against them."""


@dataclass(frozen=True)
class Request:
    """What is to be measured: `n` samples of each kind (at most the test part), in which space, with which metrics."""

    n: int
    seed: int = 0
    space: str = "pixels"
    panel: records.Panel = "live"
    k: int = 5

    def at(self, dataset: Dataset) -> Request:
        return replace(self, n=min(self.n, len(dataset.test.x)))


def answer(
    store: Store,
    job: Job,
    dataset_named: Callable[[str], Dataset],
    progress: Callable[[float], None],
    threads: int | None = None,
) -> bytes:
    """The bytes that answer a job. Raises GanometerError with a sentence when it cannot be answered."""
    if job.kind in explore.KINDS:
        dataset = dataset_named(store.runs.get(job.run_id).config.data.name)
        return pack(**explore.KINDS[job.kind](store, job, dataset, progress, threads))
    kinds = {
        "sample": _sample,
        "neighbours": _neighbours,
        "measure": _measure,
        "reference": _reference,
        "ruler": _ruler,
        "surface": _surface,
        "compare": partial(compare.answer, sample),
    }
    return kinds[job.kind](store, job, dataset_named, progress, threads)


def sample(store: Store, run_id: str, step: int | None, n: int, seed: int, *, label: int | None = None) -> np.ndarray:
    """`n` new samples (measured form) of the generator as it was at a snapshot; the newest without `step`.

    `label` asks a run that was told of classes for one of them; without it, classes come as often as in the data.
    """
    if not 1 <= n <= MOST_SAMPLES:
        raise GanometerError(f"{n} samples were asked for; ask for 1 to {MOST_SAMPLES:,}")
    run, step = store.runs.get(run_id), snapshot_step(store, run_id, step)
    number = class_number(store, run, label)

    # Only now: TensorFlow takes seconds to load, and greets on standard error, where a mistake should stand alone.
    generator = generator_at(store, run, step)
    from gan_core.engine import sampling

    return sampling.generate(generator, sampling.inputs(generator, seed, n, sampling.REQUEST, label=number))


def surface(
    store: Store, run_id: str, step: int | None, dataset: Dataset, *, label: int | None = None
) -> dict[str, np.ndarray]:
    """What a game in the plane looks like at a snapshot: the arrays of `engine.surface.draw`.

    `label` asks a run that was told of classes for one of them. Raises GanometerError for data that are not 2-D.
    """
    run, step = store.runs.get(run_id), snapshot_step(store, run_id, step)
    weights, number = store.runs.snapshot_weights(run_id, step), class_number(store, run, label)
    if dataset.shape != (2,):
        shape = " × ".join(map(str, dataset.shape))
        raise GanometerError(f"only a game in the plane can be drawn, and run {run_id} has data of {shape}")
    labels = np.searchsorted(dataset.classes, dataset.train.y) if run.config.data.conditional else None

    from gan_core.engine import surface as surfaces

    return surfaces.draw(run.config, weights, step, to_storage(dataset.train.x), labels=labels, label=number)


def transform_for(
    store: Store, dataset: Dataset, space: str, progress: Callable[[float], None] | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Samples -> what they are in a space. A classifier is trained the first time, and kept in the store."""
    if space == "pixels":
        return codec.to_unit
    if space != "classifier":
        return features.space_of(space, train=dataset.train.x)
    from gan_core.engine.classifier import Classifier, train_classifier

    known = store.library.features(dataset.sha256, space)
    if known is None:
        train, holdout = dataset.train, dataset.holdout
        made = train_classifier(
            to_storage(train.x), train.y, holdout_x=holdout.x, holdout_y=holdout.y, progress=progress
        )
        about = made.to_bytes(), made.accuracy, made.sha256, machine.versions()
        known = store.library.put_features(dataset.sha256, space, *about)  # whichever worker was first
    return Classifier.from_bytes(known.weights).features


def real_side(dataset: Dataset, request: Request, transform, *, threads: int | None = None) -> RealPart:
    """The fixed test rows of a request with all that depends on them alone, in the space of `transform`."""
    most = TRAIN_ROWS[request.panel]
    rows, held = _train_rows(dataset, request), dataset.holdout.y[:most]
    return RealPart.of(
        transform(reference.test_rows(dataset.test.x, request.n)),
        train=transform(dataset.train.x[rows]),
        holdout=transform(dataset.holdout.x[:most]),
        train_labels=dataset.train.y[rows],
        # A class too rare for those training rows has no share to be corrected.
        holdout_labels=held if np.isin(held, dataset.train.y[rows]).all() else None,
        k=request.k,
        # A copy is found only if its original is among the rows: the full panel looks at as many as there are.
        pool=request.n if request.panel == "live" else None,
        threads=threads,
    )


def reference_for(
    store: Store,
    dataset: Dataset,
    request: Request,
    progress: Callable[[float], None] | None = None,
    *,
    threads: int | None = None,
) -> records.Reference:
    """The real-vs-real calibration of a request: shipped, from the store, or measured now and kept there."""
    request = request.at(dataset)
    known = references.known(store, dataset.sha256, request.space, request.n, k=request.k, panel=request.panel)
    if known is None:
        transform = transform_for(store, dataset, request.space)
        known = calibration(dataset, request, transform, progress, threads=threads)
        store.library.put_reference(dataset.sha256, request.space, known)
    return known


def calibration(
    dataset: Dataset, request: Request, transform, progress=None, *, threads: int | None = None
) -> records.Reference:
    """Real against real, measured now: the draws meet the very rows that generated samples will meet."""
    return reference.calibrate(
        test=dataset.test.x,
        pool=np.concatenate([dataset.train.x, dataset.holdout.x]),
        train=dataset.train.x,
        ruler=real_side(dataset, request, transform, threads=threads),
        transform=transform,
        n=request.n,
        modes=_modes(dataset, request),
        panel=request.panel,
        progress=progress,
    )


def report_for(
    store: Store,
    run_id: str,
    step: int | None,
    request: Request,
    dataset: Dataset,
    progress: Callable[[float], None] | None = None,
    *,
    threads: int | None = None,
) -> records.Report:
    """Measure `n` new samples of a snapshot against `n` held-out rows, beside what real samples give."""
    request, tell = request.at(dataset), progress or (lambda share: None)
    x = sample(store, run_id, step, request.n, request.seed)
    transform = transform_for(store, dataset, request.space, lambda share: tell(share / 4))
    # Where nobody has calibrated this yet, that takes 20 times as long as the report itself.
    known = reference_for(store, dataset, request, lambda share: tell(0.25 + share * 0.7), threads=threads)
    report = measure(
        real=transform(reference.test_rows(dataset.test.x, request.n)),
        fake=transform(x),
        reference=known,
        modes=_modes(dataset, request),
        space=request.space,
        panel=request.panel,
        real_part=real_side(dataset, request, transform, threads=threads),
        progress=lambda share: tell(0.95 + share / 20),
    )
    rows = _train_rows(dataset, request)
    copies = [[fake, int(rows[train]), *distances] for fake, train, *distances in report.details.get("copies", [])]
    return replace(report, seed=request.seed, details=dict(report.details) | {"copies": copies})


def ruler_sheet(
    store: Store,
    dataset: Dataset,
    n: int,
    panel: records.Panel = "live",
    corruptions: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
    *,
    threads: int | None = None,
) -> ruler.Sheet:
    """What every metric makes of real samples that were damaged in known ways; of all ways unless some are named."""
    n = min(n, len(dataset.test.x))
    return ruler.sheet(
        test=dataset.test.x,
        pool=np.concatenate([dataset.train.x, dataset.holdout.x]),
        labels_of_pool=np.concatenate([dataset.train.y, dataset.holdout.y]),
        n=n,
        corruptions=list(corruptions) or None,
        modes=dataset.modes,
        panel=panel,
        reference=references.known(store, dataset.sha256, "pixels", n, panel=panel),
        progress=progress,
        threads=threads,
    )


def _train_rows(dataset: Dataset, request: Request) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(len(dataset.train.x))[: TRAIN_ROWS[request.panel]])


def _modes(dataset: Dataset, request: Request):
    return dataset.modes if request.space == "pixels" else None


def _sample(store, job, dataset_named, progress, threads) -> bytes:
    about = job.params
    x = sample(store, job.run_id, job.step, int(about["n"]), int(about["seed"]), label=about.get("label"))
    return pack(x=to_storage(x))


def _neighbours(store, job, dataset_named, progress, threads) -> bytes:
    """The k nearest training rows of the snapshot's own samples, or of `n` new ones when a seed is given."""
    run, seed = store.runs.get(job.run_id), job.params.get("seed")
    if seed is None:
        x = store.runs.snapshot(job.run_id, snapshot_step(store, job.run_id, job.step)).samples
    else:
        label = job.params.get("label")
        x = to_storage(sample(store, job.run_id, job.step, int(job.params["n"]), int(seed), label=label))
    train = dataset_named(run.config.data.name).train
    distances, rows = neighbours.nearest_real(fake=x, real=train.x, k=int(job.params["k"]))
    return pack(x=x, distances=distances, rows=rows, nearest=train.x[rows], labels=train.y[rows])


def _measure(store, job, dataset_named, progress, threads) -> bytes:
    dataset = dataset_named(store.runs.get(job.run_id).config.data.name)
    step = snapshot_step(store, job.run_id, job.step)
    report = report_for(store, job.run_id, step, Request(**job.params), dataset, progress, threads=threads)
    store.library.put_report(job.run_id, step, report)
    return records.to_json(report).encode()


def _reference(store, job, dataset_named, progress, threads) -> bytes:
    dataset = dataset_named(job.params["dataset"])
    request = Request(**{key: value for key, value in job.params.items() if key != "dataset"})
    return records.to_json(reference_for(store, dataset, request, progress, threads=threads)).encode()


def _ruler(store, job, dataset_named, progress, threads) -> bytes:
    asked = dict(job.params)
    dataset = dataset_named(asked.pop("dataset"))
    found = ruler_sheet(store, dataset, progress=progress, threads=threads, **asked)
    return json.dumps(asdict(found)).encode()


def _surface(store, job, dataset_named, progress, threads) -> bytes:
    dataset = dataset_named(store.runs.get(job.run_id).config.data.name)
    return pack(**surface(store, job.run_id, job.step, dataset, label=job.params.get("label")))
