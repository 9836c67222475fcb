"""Many samples of a snapshot with all that sorts and places them, beside held-out real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_core.config.rules import MOST_CLASSES
from gan_core.jobs.kind import Arrays, JobContext, JobKind, Parameters, decode_arrays, encode_arrays, only
from gan_core.jobs.sample_source import SampleSource, source_at
from gan_core.jobs.snapshot_sampler import Drawn, SampleCount, discriminator_at
from gan_core.records import SNAPSHOT_SAMPLES
from gan_core.validation import Label, Seed, Share

AT_ONCE = 2_500
"""Samples whose nearest training rows are looked for between two reports of the progress."""
SCORED = 500
"""Samples that the discriminator is given at once."""
NUMBERS = only(
    *("x", "distances", "realism", "rarity", "scores", "labels", "classes", "class_distances", "class_real_distances")
)
"""What may be shown without the real samples: nothing of the map, whose axes and points are theirs."""


@dataclass(frozen=True)
class Browse(Parameters):
    """`n` samples of the draw with this seed; without a seed the run's own 64.

    `label` asks for one class of a run that was trained with classes, `truncation` below 1 for more typical samples.
    """

    n: SampleCount = SNAPSHOT_SAMPLES
    seed: Seed | None = None
    label: Label | None = None
    truncation: Share = 1.0


def answer(context: JobContext, asked: Browse) -> Arrays:
    """`n` samples `x`, or as many as were kept, with all that sorts and places them, beside up to 1,000 held-out real
    ones.

    Of each sample: its nearest training row (`distances`, `rows`), `realism` and `rarity` among the real ones, the
    class it was made for or looks like (`labels`), the discriminator's logit (`scores`), its position on the map (`xy`)
    and the nearest of the real ones shown (`nearest_real_rows`). Of the real ones: `real_x`, `real_labels`,
    `real_distances`, `real_xy`. `class_distances` are between real samples of `classes` and generated ones,
    `class_real_distances` between two halves of the real ones. What the data or the run lack is left out.
    """
    from gan_core.distances import maps, neighbours, pairwise
    from gan_core.jobs.held_out import held_out

    dataset, progress, threads = context.dataset_of_run(), context.progress, context.threads
    sampler = source_at(context.store, context.run, context.step)
    n = SNAPSHOT_SAMPLES if asked.seed is None else asked.n
    made = sampler.draw(asked.seed, 0, n, label=asked.label, truncation=asked.truncation)
    n = len(made.x)
    progress(0.1)
    real = held_out(dataset, threads)
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
    if (scores := _scores(sampler, made)) is not None:
        found["scores"] = scores
    if len(classes := dataset.classes) > 1:
        # The label of the nearest training row is what a Labeller that knows all of them says.
        found["labels"] = dataset.train.y[rows] if made.classes is None else np.array(sampler.classes)[made.classes]
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


def _scores(sampler: SampleSource, made: Drawn) -> np.ndarray | None:
    """The discriminator's logit (n,) for each sample; None where no discriminator of the step is kept."""
    if (discriminator := discriminator_at(sampler.store, sampler.run, sampler.step)) is None:
        return None
    from gan_core.engine import surface

    one_hot = np.zeros((len(made.x), 0), np.float32)
    if made.classes is not None:
        one_hot = np.eye(len(sampler.classes), dtype=np.float32)[made.classes]
    parts = [slice(start, start + SCORED) for start in range(0, len(made.x), SCORED)]
    return np.concatenate([surface.logits(discriminator, made.exact[part], one_hot[part]) for part in parts])


KIND = JobKind("browse", Browse, answer, encode=encode_arrays, decode=decode_arrays, without_rows=NUMBERS, quick=True)
