"""What one can look at in a snapshot: a shelf of samples, one of them closely, a walk, a pad, and the way back.

Each is the answer to a job: arrays by name, samples in storage form, distances between samples in measured form.
Which samples are meant is said alike everywhere: the run's own 64 without a `seed`, else those of a fresh draw;
`label` asks for one class of a run that was told of them, `truncation` below 1 for more typical samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Callable

import numpy as np

from gan_core.codec import to_storage, to_unit
from gan_core.config.rules import MOST_CLASSES
from gan_core.data.datasets import Dataset
from gan_core.distances import features, maps, neighbours, pairwise, reference
from gan_core.jobs.parameters import OneOf, Share, Whole, read
from gan_core.jobs.snapshot_sampler import OWN, Drawn, Sight, discriminator_at
from gan_core.records import GanometerError, Job
from gan_core.store import Store

MOST_SAMPLES = 10_000
REAL_ROWS = 1_000
"""Held-out rows beside the samples: those that stand for real in a report of as many."""
K = 5
"""Neighbours that make the balls of realism and rarity, as in reports."""
AT_ONCE = 2_500
"""Samples whose nearest training rows are looked for between two words on how far it is."""
SCORED = 500

SEED = Whole(0, 2**31 - 1, None)
LABEL = Whole(-(2**63), 2**63 - 1, None)
TRUNCATION = Share(1.0)
N = Whole(1, MOST_SAMPLES, OWN)
INDEX = Whole(0, MOST_SAMPLES - 1)

Arrays = dict[str, np.ndarray]


# ---------------------------------------------------------------- many


def shelf(store: Store, job: Job, dataset: Dataset, progress: Callable[[float], None], threads: int | None) -> Arrays:
    """`n` samples `x` with all that sorts and places them, beside up to 1,000 held-out real ones.

    Of each sample: its nearest training row (`distances`, `rows`), `realism` and `rarity` among the real ones, the
    class it was told or looks like (`labels`), the discriminator's logit (`scores`), its place on the map (`xy`) and
    the nearest of the real ones shown (`nearest_real_rows`). Of the real ones: `real_x`, `real_labels`,
    `real_distances`, `real_xy`. `class_distances` are between real samples of `classes` and generated ones,
    `class_real_distances` between two halves of the real ones. What the data or the run lack is left out.
    """
    asked = read("shelf", job.params, n=N, seed=SEED, label=LABEL, truncation=TRUNCATION, k=Whole(1, 1, 1))
    sight = Sight.of(store, job.run_id, job.step)
    n = OWN if asked["seed"] is None else asked["n"]
    made = sight.draw(asked["seed"], 0, n, label=asked["label"], truncation=asked["truncation"])
    progress(0.1)
    real = real_side(dataset, threads)
    progress(0.3)
    parts = []
    for start in range(0, n, AT_ONCE):
        part = made.x[start : start + AT_ONCE]
        parts.append(neighbours.nearest_real(real=dataset.train.x, fake=part, k=1, threads=threads))
        progress(0.3 + 0.5 * min(1.0, (start + AT_ONCE) / n))
    distances, rows = (np.concatenate(part)[:, 0] for part in zip(*parts))
    _, beside = pairwise.nearest(queries=made.x, points=real.x, k=1, threads=threads)
    found = {
        "x": made.x,
        "distances": distances.astype(np.float32),
        "rows": rows,
        "realism": neighbours.realism(real=real.balls, fake=made.x, threads=threads).astype(np.float32),
        "rarity": neighbours.rarity(real=real.balls, fake=made.x, threads=threads).astype(np.float32),
        "xy": real.plane.place(made.x),
        "nearest_real_rows": beside[:, 0],
        "real_x": real.x,
        "real_labels": real.labels,
        "real_distances": real.distances,
        "real_xy": real.plane.place(real.x),
        "explained": real.plane.explained.astype(np.float32),
    }
    if (scores := _scores(store, sight, made)) is not None:
        found["scores"] = scores
    if len(classes := dataset.classes) > 1:
        # The label of the nearest training row is what a Labeller that knows all of them says.
        found["labels"] = dataset.train.y[rows] if made.told is None else np.array(sight.classes)[made.told]
        if len(classes) <= MOST_CLASSES:
            between = maps.class_distances(
                real=real.x,
                fake=made.x,
                real_labels=real.labels,
                fake_labels=found["labels"],
                classes=classes,
                threads=threads,
            )
            found |= {"classes": classes, "class_distances": between, "class_real_distances": real.class_distances}
    return found


@dataclass(frozen=True, eq=False)
class RealSide:
    """Up to 1,000 held-out rows `x` of a data set with what a shelf shows of them, and the plane of its map.

    `distances` lead to the nearest training rows; `class_distances` are between the rows at even and at odd places.
    """

    x: np.ndarray
    labels: np.ndarray
    distances: np.ndarray
    balls: pairwise.Within
    plane: maps.Plane
    class_distances: np.ndarray | None


@lru_cache(maxsize=2)  # as many data sets as a worker keeps
def real_side(dataset: Dataset, threads: int | None) -> RealSide:
    rows = reference.test_rows(np.arange(len(dataset.test)), min(REAL_ROWS, len(dataset.test)))
    x, labels, classes = dataset.test.x[rows], dataset.test.y[rows], dataset.classes
    distances, _ = neighbours.nearest_real(real=dataset.train.x, fake=x, k=1, threads=threads)
    between = None
    if 1 < len(classes) <= MOST_CLASSES:
        halves = dict(real=x[::2], fake=x[1::2], real_labels=labels[::2], fake_labels=labels[1::2])
        between = maps.class_distances(**halves, classes=classes, threads=threads)
    balls = pairwise.within(x, k=min(K, len(x) - 1), threads=threads)
    return RealSide(x, labels, distances[:, 0].astype(np.float32), balls, maps.Plane.of(dataset.train.x), between)


def _scores(store: Store, sight: Sight, made: Drawn) -> np.ndarray | None:
    """The discriminator's logit (n,) for each sample; None where no discriminator of the step is kept."""
    if (discriminator := discriminator_at(store, sight.run, sight.step)) is None:
        return None
    from gan_core.engine import surface

    told = np.eye(len(sight.classes), dtype=np.float32)[made.told] if sight.classes else np.zeros((len(made.x), 0))
    parts = [slice(start, start + SCORED) for start in range(0, len(made.x), SCORED)]
    return np.concatenate([surface.logits(discriminator, made.exact[part], told[part]) for part in parts])


# ---------------------------------------------------------------- one


def closeup(store: Store, job: Job, dataset: Dataset, progress: Callable[[float], None], threads: int | None) -> Arrays:
    """Sample `index` of a shelf: `x` (1, *shape), its latent `z` (d,) as the generator was fed with it, the `label` it
    was told; and its `k` nearest training rows in every space there is.

    Each `space`.nearest (k, *shape), `space`.distances, `space`.rows and `space`.labels (k,); a space that is learned
    only where somebody has had it learned. `real_distance` is the median of held-out rows' nearest in pixels.
    """
    about = dict(n=N, seed=SEED, label=LABEL, truncation=TRUNCATION, index=INDEX, k=Whole(1, 100, 5))
    asked = read("closeup", job.params, **about)
    index, n = asked["index"], OWN if asked["seed"] is None else asked["n"]
    if index >= n:
        raise GanometerError(f"index is {index} and there are {n} samples; give 0 to {n - 1}")
    if asked["k"] > len(dataset.train):
        raise GanometerError(f"k is {asked['k']} and there are {len(dataset.train)} training rows; give fewer")
    sight = Sight.of(store, job.run_id, job.step)
    made = sight.draw(asked["seed"], index, index + 1, label=asked["label"], truncation=asked["truncation"])
    found = {"x": made.x, "z": made.z[0]}
    if sight.classes:
        found["label"] = np.int64(sight.classes[made.told[0]])
    found["real_distance"] = np.float32(np.median(real_side(dataset, threads).distances))
    progress(0.4)
    train = dataset.train
    for space in _spaces(store, dataset):
        if space == ("pixels", b""):
            distances, rows = neighbours.nearest_real(real=train.x, fake=made.x, k=asked["k"], threads=threads)
        else:
            transform, points = _in_space(dataset, *space)
            distances, rows = pairwise.nearest(queries=transform(made.x), points=points, k=asked["k"], threads=threads)
        near = {"nearest": train.x[rows[0]], "distances": distances[0].astype(np.float32), "rows": rows[0]}
        found |= {f"{space[0]}.{name}": array for name, array in (near | {"labels": train.y[rows[0]]}).items()}
    return found


def _spaces(store: Store, dataset: Dataset) -> list[tuple[str, bytes]]:
    """The spaces there are without training anything: their names, and the weights of what was learned."""
    found = [("pixels", b"")] + ([("pca64", b"")] if dataset.kind == "image" else [])
    known = store.library.features(dataset.sha256, "classifier")
    return found + ([("classifier", known.weights)] if known else [])


@lru_cache(maxsize=4)
def _in_space(dataset: Dataset, name: str, weights: bytes) -> tuple[Callable, np.ndarray]:
    """Samples -> what they are in a space, and all training rows there."""
    if name == "classifier":
        from gan_core.engine.classifier import Classifier

        transform = Classifier.from_bytes(weights).features
    else:
        transform = features.space_of(name, train=dataset.train.x)
    return transform, transform(dataset.train.x)


# ---------------------------------------------------------------- many in between


def walk(store: Store, job: Job, dataset: Dataset, progress: Callable[[float], None], threads: int | None) -> Arrays:
    """From one sample of a shelf to another in equal turns of the latent: `frames` samples `x`, their latents `z`, and
    the way that was gone up to each (`length`, the sum of the distances from one to the next).

    The class stays that of the start; the last frame is the other sample itself, if that is of the same class.
    """
    ends = ("start", "end")
    about = {f"{end}_seed": SEED for end in ends} | {f"{end}_index": INDEX for end in ends}
    asked = read("walk", job.params, **about, frames=Whole(2, 120, 24), label=LABEL, truncation=TRUNCATION)
    sight = Sight.of(store, job.run_id, job.step)
    how = dict(label=asked["label"], truncation=asked["truncation"])
    start, end = (sight.draw(asked[f"{e}_seed"], asked[f"{e}_index"], asked[f"{e}_index"] + 1, **how) for e in ends)
    from gan_core.engine import sampling

    z = sampling.slerp(start.z[0], end.z[0], asked["frames"])
    number = start.told[0] if sight.classes else None
    x = to_storage(sight.make(z, number))
    x[0] = start.x[0]
    if not sight.classes or end.told[0] == number:
        x[-1] = end.x[0]
    steps = np.diff(to_unit(x).reshape(len(x), -1).astype(np.float64), axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
    return {"x": x, "z": z, "length": length.astype(np.float32)}


def pad(store: Store, job: Job, dataset: Dataset, progress: Callable[[float], None], threads: int | None) -> Arrays:
    """A plane of latents in `size` x `size` cells: samples `x` (size, size, *shape) and latents `z` (size, size, d).

    Of two latents all there are, in cells that are equally likely; of more the random plane through 0 with the number
    `plane`. A run that was told of classes shows the first one unless another is asked for; a `seed` changes nothing.
    """
    about = dict(seed=SEED, label=LABEL, truncation=TRUNCATION)
    asked = read("pad", job.params, **about, size=Whole(5, 25, 15), plane=Whole(0, 2**31 - 1, 0))
    sight, size = Sight.of(store, job.run_id, job.step), asked["size"]
    number = sight.number(asked["label"])
    if sight.classes and number is None:
        number = 0
    from gan_core.engine import surface

    z = np.float32(asked["truncation"]) * surface.latent_grid(sight.latent_dim, asked["plane"], size)
    x = to_storage(sight.make(z.reshape(size * size, -1), number))
    return {"x": x.reshape(size, size, *x.shape[1:]), "z": z}


# ---------------------------------------------------------------- the way back


def project(store: Store, job: Job, dataset: Dataset, progress: Callable[[float], None], threads: int | None) -> Arrays:
    """The latent whose sample is nearest to a real one: number `index` of a `part`, or of the data set's preview.

    `target` with its `label`, the best sample found `x` from latent `z` (d,) at `distance`, the best random one
    `start` at `start_distance`, the best distance after each step `curve` (steps,), and for comparison the `nearest`
    other training row at `nearest_distance`. Distances are of the samples as made, before their pixels are rounded.
    """
    parts = ("test", "train", "holdout", "preview")
    rules = dict(part=OneOf(parts, "test"), index=Whole(0, 2**31 - 1), steps=Whole(50, 1000, 300))
    asked = read("project", job.params, **rules, starts=Whole(1, 16, 8))
    target, label = _real(dataset, asked["part"], asked["index"])
    sight = Sight.of(store, job.run_id, job.step)
    told = sight.told(sight.number(label), 1)[0] if sight.classes else None
    train = dataset.train.x
    distances, rows = neighbours.nearest_real(real=train, fake=target[None], k=min(2, len(train)), threads=threads)
    other = int(asked["part"] == "train" and rows[0, 0] == asked["index"])
    from gan_core.engine import projection

    found = projection.project(
        sight.generator,
        to_unit(target),
        seed=sight.run.config.seed,
        told=told,
        steps=asked["steps"],
        starts=asked["starts"],
        progress=progress,
    )
    return {
        "target": target,
        "label": np.int64(label),
        "x": to_storage(found.x[None])[0],
        "z": found.z,
        "distance": np.float32(found.distance),
        "start": to_storage(found.start[None])[0],
        "start_distance": np.float32(found.start_distance),
        "curve": found.curve,
        "nearest": train[rows[0, other]],
        "nearest_distance": np.float32(distances[0, other]),
    }


def _real(dataset: Dataset, part: str, index: int) -> tuple[np.ndarray, int]:
    """A real sample and its label."""
    preview = dataset.info()
    x, y = (preview.preview, preview.labels) if part == "preview" else (dataset.parts[part].x, dataset.parts[part].y)
    if index >= len(x):
        raise GanometerError(f"index is {index} and the {part} part has {len(x):,} rows; give 0 to {len(x) - 1}")
    return x[index], int(y[index])


KINDS = {"shelf": shelf, "closeup": closeup, "walk": walk, "pad": pad, "project": project}
