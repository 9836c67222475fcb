"""Jobs that look around: many samples with all that is known of each, one of them closely, and what lies between."""

from __future__ import annotations

from functools import lru_cache
from typing import Callable

import numpy as np

from gan_core.codec import flatten, to_storage, to_unit
from gan_core.datasets import Dataset
from gan_core.distances import features, neighbours, pairwise, reference
from gan_core.distances.modes import Labeller
from gan_core.drawing import MOST_SAMPLES, Draw, Generator, class_number, number, whole
from gan_core.records import GanometerError, Job
from gan_core.store import Store, pack

SHOWN = 1_000
"""Held-out real samples on a map, at most."""
TRAIN_ROWS = 10_000
"""Training rows, at most, that a map is fitted on and that labels are looked for in."""
BALLS = 5
"""Neighbours that a ball reaches to, for realism and rarity."""
RANDOM = 1_000
"""Random latents among which a search begins."""

DatasetNamed = Callable[[str], Dataset]
Progress = Callable[[float], None]


# ---------------------------------------------------------------- many samples


def shelf(store: Store, job: Job, dataset_named: DatasetNamed, progress: Progress, threads=None) -> bytes:
    """Samples, and for each: the distance to its nearest training row, realism and rarity among held-out rows, the
    class it looks like, the discriminator's output, and its place on the map.

    Arrays by name: `x` (n, ...) in storage form; `distances`, `rows`, `realism`, `rarity` (n,); `labels` (n,) where
    there are classes, `scores` (n,) where the discriminator of that step is kept; `xy` (n, 2) and
    `nearest_real_rows` (n,); of at most 1,000 held-out rows `real_x`, `real_labels`, `real_xy` (m, 2) and
    `real_distances` (m,) to their nearest training rows; `explained` (2,), the map's share of the variance of training
    rows, which are all it depends on; and with classes what `class_distances` gives. Distances are Euclidean, in the
    measured form of the samples.
    """
    draw, generator = Draw.of(job.params), Generator(store, job.run_id, job.step)
    dataset = dataset_named(generator.run.config.data.name)
    x = generator.samples(draw)
    fake, real_x = to_unit(x), reference.test_rows(dataset.test.x, SHOWN)
    progress(0.2)
    distances, rows = neighbours.nearest_real(fake=fake, real=dataset.train.x, k=1)
    real_distances, _ = neighbours.nearest_real(fake=real_x, real=dataset.train.x, k=1)
    progress(0.5)
    balls = pairwise.within(real_x, k=min(BALLS, len(real_x) - 1), threads=threads)
    project, explained = map_of(dataset)
    found = dict(
        x=x,
        distances=distances[:, 0].astype(np.float32),
        rows=rows[:, 0],
        realism=neighbours.realism(real=balls, fake=fake).astype(np.float32),
        rarity=neighbours.rarity(real=balls, fake=fake).astype(np.float32),
        xy=project(fake).astype(np.float32),
        nearest_real_rows=neighbours.nearest_real(fake=fake, real=real_x, k=1)[1][:, 0],
        real_x=to_storage(real_x),
        real_xy=project(real_x).astype(np.float32),
        real_distances=real_distances[:, 0].astype(np.float32),
        real_labels=_test_labels(dataset, SHOWN),
        explained=np.asarray(explained, np.float32),
    )
    progress(0.8)
    if len(dataset.classes) > 1:
        found["labels"] = _labels(dataset, draw, fake)
        found |= class_distances(real=real_x, real_labels=found["real_labels"], fake=fake, labels=found["labels"])
    if (scores := _scores(store, generator, dataset, draw, fake)) is not None:
        found["scores"] = scores.astype(np.float32)
    return pack(**found)


def map_of(dataset: Dataset) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[float, float]]:
    """Samples -> places (n, 2) on the data set's map, and the share of the variance along each of its axes.

    Points of the plane stay where they are. Anything else is projected on the two directions in which the first
    training rows differ most: the same map at every step of every run on these data.
    """
    train = flatten(dataset.train.x[:TRAIN_ROWS])
    if train.shape[1] == 2:
        share = train.var(axis=0) / train.var(axis=0).sum()
        return flatten, tuple(share)
    plane = _plane(dataset.sha256, dataset)
    spread = plane.transform(dataset.train.x[:TRAIN_ROWS]).var(axis=0)
    shares = spread / train.var(axis=0, dtype=np.float64).sum()
    return lambda x: _two(plane.transform(x)), tuple(_two(shares[None])[0])


@lru_cache(maxsize=4)
def _plane(sha256: str, dataset: Dataset) -> features.Pca:
    return features.Pca.of(dataset.train.x[:TRAIN_ROWS], min(2, int(np.prod(dataset.shape))))


def _two(places: np.ndarray) -> np.ndarray:
    """Data of one number have a line for a map."""
    return np.pad(places, ((0, 0), (0, 2 - places.shape[1])))


def class_distances(
    *, real: np.ndarray, real_labels: np.ndarray, fake: np.ndarray, labels: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean Euclidean distances between classes: `class_distances` (c, c) from real samples of class i to generated
    ones that look like class j, `class_real_distances` the same from one half of the real ones to the other, NaN where
    one side is empty; `classes` (c,) are their labels.
    """
    classes, halves = np.unique(real_labels), np.arange(len(real)) % 2 == 0
    real, fake = flatten(real), flatten(fake)
    between = _means(real, real_labels, fake, labels, classes)
    own = _means(real[halves], real_labels[halves], real[~halves], real_labels[~halves], classes)
    return {"classes": classes, "class_distances": between, "class_real_distances": (own + own.T) / 2}


def _means(a: np.ndarray, a_labels: np.ndarray, b: np.ndarray, b_labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Mean distance from rows of a labelled classes[i] to rows of b labelled classes[j]: (c, c) float32."""
    of_b = (b_labels[:, None] == classes).astype(np.float64)
    sums = np.zeros((len(classes), len(classes)))
    for part, distances in pairwise.blocks(a, b):
        sums += (a_labels[part][:, None] == classes).T.astype(np.float64) @ (distances @ of_b)
    counts = np.outer((a_labels[:, None] == classes).sum(axis=0), of_b.sum(axis=0))
    with np.errstate(invalid="ignore"):
        return np.where(counts, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _test_labels(dataset: Dataset, n: int) -> np.ndarray:
    return reference.test_rows(dataset.test.y, n)


def _labels(dataset: Dataset, draw: Draw, fake: np.ndarray) -> np.ndarray:
    """The class that was asked for; else the one of the nearest training row."""
    if draw.label is not None:
        return np.full(len(fake), draw.label, np.int64)
    train = dataset.train
    labeller = Labeller.of(train=train.x[:TRAIN_ROWS], train_labels=train.y[:TRAIN_ROWS])
    return labeller.labels[labeller.find(pairwise.rows(fake))]


def _scores(store: Store, generator: Generator, dataset: Dataset, draw: Draw, fake: np.ndarray) -> np.ndarray | None:
    """What the discriminator of this step makes of each sample (n,): its output, higher is more real.

    Snapshots of 2-D data hold it; of others only the newest checkpoint does, where it is of this very step. None where
    there is none, and for one that judges several samples together.
    """
    from gan_core.engine import judging

    run, step = generator.run, generator.step
    if not judging.can_judge(run.config):
        return None
    kept = store.runs.checkpoint(run.id)
    told = generator.inputs(draw)[:, generator.latent_dim :]
    conditional = run.config.data.conditional
    return judging.scores(
        run.config,
        dataset.train.x,
        np.searchsorted(dataset.classes, dataset.train.y) if conditional else None,
        fake,
        told,
        weights=store.runs.snapshot_weights(run.id, step),
        checkpoint=kept[1] if kept and kept[0] == step else None,
    )


# ---------------------------------------------------------------- one sample


def closeup(store: Store, job: Job, dataset_named: DatasetNamed, progress: Progress, threads=None) -> bytes:
    """One sample of a draw, `index`: itself `x` (1, ...), its latent `z`, the `label` it was made for, and in every
    space that is there its `k` nearest training rows: `<space>.nearest`, `.distances`, `.rows` and `.labels`.

    `real_distance` is the median distance from held-out rows to their nearest training rows, in pixels.
    """
    draw, generator = Draw.of(job.params), Generator(store, job.run_id, job.step)
    index, k = whole(job.params, "index", 0, draw.n - 1), whole(job.params, "k", 1, 50, 5)
    dataset = dataset_named(generator.run.config.data.name)
    inputs = generator.inputs(draw)[[index]]
    x = generator.samples(draw)[[index]] if draw.own else to_storage(generator.make(inputs))
    z, told = np.split(inputs[0], [generator.latent_dim])
    held, _ = neighbours.nearest_real(fake=reference.test_rows(dataset.test.x, SHOWN), real=dataset.train.x, k=1)
    found = dict(x=x, z=z, real_distance=np.float32(np.median(held)))
    if len(told):
        found["label"] = np.int64(dataset.classes[int(told.argmax())])
    train, k = dataset.train, min(k, len(dataset.train.x))
    for space, transform in _spaces(store, dataset).items():
        distances, rows = neighbours.nearest_real(fake=transform(x), real=_in_space(space, dataset, transform), k=k)
        about = dict(nearest=train.x[rows[0]], distances=distances[0], rows=rows[0], labels=train.y[rows[0]])
        found |= {f"{space}.{name}": values for name, values in about.items()}
    return pack(**found)


def _spaces(store: Store, dataset: Dataset) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """The spaces that cost nothing to look in: a classifier only where somebody has had it trained."""
    spaces: dict[str, Callable] = {"pixels": to_unit}
    if dataset.kind == "image":
        spaces["pca64"] = _pca64(dataset.sha256, dataset).transform
        if (kept := store.library.features(dataset.sha256, "classifier")) is not None:
            from gan_core.engine.classifier import Classifier

            spaces["classifier"] = Classifier.from_bytes(kept.weights).features
    return spaces


@lru_cache(maxsize=2)
def _pca64(sha256: str, dataset: Dataset) -> features.Pca:
    return features.Pca.of(dataset.train.x[:TRAIN_ROWS])


_kept_rows: dict[tuple[str, str], np.ndarray] = {}


def _in_space(space: str, dataset: Dataset, transform) -> np.ndarray:
    """All training rows in a space; the last one that had to be worked out is kept."""
    if space == "pixels":
        return dataset.train.x
    key = (space, dataset.sha256)
    if key not in _kept_rows:
        if len(_kept_rows) >= 2:
            _kept_rows.clear()
        parts = np.array_split(np.arange(len(dataset.train.x)), -(-len(dataset.train.x) // 5_000))
        _kept_rows[key] = np.concatenate([transform(dataset.train.x[part]).astype(np.float32) for part in parts])
    return _kept_rows[key]


# ---------------------------------------------------------------- between samples


def walk(store: Store, job: Job, dataset_named: DatasetNamed, progress: Progress, threads=None) -> bytes:
    """From one sample to another in `frames` steps along a sphere: `x` (frames, ...), `z` (frames, d), and `length`
    (frames,), the Euclidean path so far. A run that was told of classes keeps the class of the start.
    """
    params, generator = job.params, Generator(store, job.run_id, job.step)
    frames = whole(params, "frames", 2, 120, 24)
    ends = []
    for end in ("start", "end"):
        index = whole(params, f"{end}_index", 0, MOST_SAMPLES - 1)
        seed = params.get(f"{end}_seed")
        draw = Draw.of(
            {key: params[key] for key in ("label", "truncation") if key in params} | {"seed": seed, "n": index + 1}
        )
        if index >= draw.n:
            raise GanometerError(f"{end}_index is {index}, but the run's own samples are 0 to {draw.n - 1}")
        ends.append(generator.inputs(draw)[index])
    z, told = np.split(np.stack(ends), [generator.latent_dim], axis=1)
    between = slerp(z[0], z[1], frames)
    made = generator.make(np.concatenate([between, np.tile(told[0], (frames, 1))], axis=1))
    steps = np.linalg.norm(np.diff(flatten(made).astype(np.float64), axis=0), axis=1)
    return pack(x=to_storage(made), z=between, length=np.concatenate([[0.0], np.cumsum(steps)]).astype(np.float32))


def slerp(start: np.ndarray, end: np.ndarray, frames: int) -> np.ndarray:
    """(frames, d) float32 from `start` to `end` (d,): turned evenly from one direction to the other, while the length
    goes evenly from one length to the other. White 2016, arXiv:1609.04468: a straight line would pass too near to 0,
    where random latents of many numbers never lie. Directions that are (nearly) the same or opposite: a straight line.
    """
    start, end = start.astype(np.float64), end.astype(np.float64)
    share = np.linspace(0, 1, frames)[:, None]
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    straight = (1 - share) * start + share * end
    if min(lengths) == 0:
        return straight.astype(np.float32)
    one, two = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip(one @ two, -1, 1))
    if np.sin(angle) < 1e-6:
        return straight.astype(np.float32)
    turned = (np.sin((1 - share) * angle) * one + np.sin(share * angle) * two) / np.sin(angle)
    between = turned * ((1 - share) * lengths[0] + share * lengths[1])
    between[0], between[-1] = start, end
    return between.astype(np.float32)


def pad(store: Store, job: Job, dataset_named: DatasetNamed, progress: Progress, threads=None) -> bytes:
    """The samples of a whole plane of latents: `x` (size, size, ...) and `z` (size, size, d).

    All there are where latents have two numbers, in cells of equal likelihood; else `plane` numbers a random one.
    """
    params, generator = job.params, Generator(store, job.run_id, job.step)
    size, plane = whole(params, "size", 5, 25, 15), whole(params, "plane", 0, 2**31 - 1, 0)
    shrunk = number(params, "truncation", 0.01, 1.0, 1.0)
    label, told = params.get("label"), ()
    if generator.run.config.data.conditional:
        classes = generator.data.classes
        place = class_number(generator.data, generator.run, classes[0] if label is None else label)
        told = np.eye(len(classes), dtype=np.float32)[place]
    else:
        class_number(generator.data, generator.run, label)

    from gan_core.engine.surface import latent_grid

    z = latent_grid(generator.latent_dim, plane, size) * np.float32(shrunk)
    flat = z.reshape(size * size, -1)
    made = generator.make(np.concatenate([flat, np.tile(np.asarray(told, np.float32), (len(flat), 1))], axis=1))
    return pack(x=to_storage(made).reshape(size, size, *made.shape[1:]), z=z)


# ---------------------------------------------------------------- the way back


def project(store: Store, job: Job, dataset_named: DatasetNamed, progress: Progress, threads=None) -> bytes:
    """The latent whose sample comes closest to a real one: row `index` of the `part` preview, test, holdout or train.

    Arrays: `target`, `x` (what was found), `start` (the best of 1,000 random samples), `z`, `curve` (steps,) of the
    best distance so far, `distance`, `start_distance`, and the `nearest` training row at `nearest_distance`.
    """
    params, generator = job.params, Generator(store, job.run_id, job.step)
    dataset = dataset_named(generator.run.config.data.name)
    parts = {name: (part.x, part.y) for name, part in dataset.parts.items()}
    parts["preview"] = generator.data.preview, generator.data.labels
    name = params.get("part", "preview")
    if name not in parts:
        raise GanometerError(f"part is {str(name)[:40]!r}; choose one of {', '.join(parts)}")
    rows, labels = parts[name]
    index = whole(params, "index", 0, len(rows) - 1)
    target, told = to_unit(rows[[index]]), np.zeros(0, np.float32)
    if generator.run.config.data.conditional:
        classes = generator.data.classes
        told = np.eye(len(classes), dtype=np.float32)[classes.index(int(labels[index]))]

    from gan_core.engine import projection

    found = projection.search(
        generator.network,
        target,
        told,
        latent_dim=generator.latent_dim,
        seed=generator.run.config.seed,
        steps=whole(params, "steps", 50, 1_000, 300),
        starts=whole(params, "starts", 1, 16, 8),
        candidates=RANDOM,
        progress=progress,
    )
    distances, near = neighbours.nearest_real(fake=target, real=dataset.train.x, k=1)
    return pack(
        target=to_storage(target)[0],
        x=to_storage(found.x[None])[0],
        start=to_storage(found.start[None])[0],
        z=found.z,
        curve=found.curve,
        distance=np.float32(found.curve[-1]),
        start_distance=np.float32(found.start_distance),
        nearest=dataset.train.x[near[0, 0]],
        nearest_distance=np.float32(distances[0, 0]),
    )
