"""A run as it was at one of its snapshots: its generator, its samples by seed and index, its discriminator if kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar

import numpy as np
from msgspec import Meta

from gan_core import records
from gan_core.codec import to_storage
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.records import MOST_SAMPLES, SNAPSHOT_SAMPLES, GanometerError
from gan_core.store import Store

T = TypeVar("T")

BLOCK = SNAPSHOT_SAMPLES
"""Samples made at once. One is always made in its whole block: alone, its last bits might be others."""

SampleCount = Annotated[int, Meta(ge=1, le=MOST_SAMPLES)]
SampleIndex = Annotated[int, Meta(ge=0, le=MOST_SAMPLES - 1)]


def snapshot_step(store: Store, run_id: str, step: int | None) -> int:
    """`step` where the run has a snapshot of it, the newest one without; GanometerError where there is none."""
    steps = store.recordings.snapshot_steps(run_id)
    if not steps:
        raise GanometerError(f"run {run_id} has no snapshot yet: let it train a little first")
    if step is not None and step not in steps:
        raise GanometerError(f"run {run_id} has no snapshot of step {step}; it has {', '.join(map(str, steps))}")
    return steps[-1] if step is None else step


def snapshot_weights(store: Store, run_id: str, step: int) -> bytes:
    """The weights of a snapshot. Raises GanometerError where they are gone."""
    return _there(store.recordings.snapshot_weights(run_id, step), run_id, step)


def snapshot_samples(store: Store, run_id: str, step: int) -> np.ndarray:
    """The run's own 64 samples (64, *shape) of a snapshot, in storage form. Raises GanometerError where it is gone."""
    return _there(store.recordings.snapshot(run_id, step), run_id, step).samples


def _there(found: T | None, run_id: str, step: int) -> T:
    if found is None:
        raise GanometerError(f"the snapshot of step {step} of run {run_id} is gone: choose another one")
    return found


def dataset_info(store: Store, run: records.RunInfo) -> records.DatasetInfo:
    """What the store knows of a run's data. Raises GanometerError for a run that has not loaded them yet."""
    info = store.datasets.get(run.dataset) if run.dataset else None
    if info is None:
        raise GanometerError(f"run {run.id} has not started yet, so nothing is known of its data")
    return info


def class_number(store: Store, run: records.RunInfo, label: int | None) -> int | None:
    """Which of a run's classes a label is, counted from 0; nothing for nothing."""
    if label is None:
        return None
    classes, conditional = dataset_info(store, run).classes, run.config.data.conditional
    if label not in (classes if conditional else ()):
        raise unknown_class(run, label, map(str, classes))
    return classes.index(label)


def unknown_class(run: records.RunInfo, asked: object, classes: Iterable[str]) -> GanometerError:
    """The error for a class that a run was not trained with; `classes` are what those of its data are called."""
    if not run.trained_here:
        known = "nobody knows the classes of its samples"
    else:
        known = f"it knows {', '.join(classes)}" if run.config.data.conditional else "it was trained without classes"
    return GanometerError(f"class {asked} was asked of run {run.id}, and {known}; choose another, or leave it out")


def check_has_networks(run: records.RunInfo) -> None:
    """Raises GanometerError for a run without networks, of which nothing new can be made."""
    if not run.trained_here:
        raise GanometerError(
            f"run {run.id} keeps samples and no networks, because it was not trained here, so nothing new can be made "
            "of it; look at its samples, or choose a run that was trained here"
        )


def generator_at(store: Store, run: records.RunInfo, step: int) -> Any:
    """The averaged generator of a snapshot that exists, a Keras model. Raises GanometerError for a run without."""
    check_has_networks(run)
    info, weights = dataset_info(store, run), snapshot_weights(store, run.id, step)
    from gan_core.engine import checkpoints, networks

    blank = networks.DataStatistics.blank(info.shape, len(info.classes) if run.config.data.conditional else 0)
    generator = networks.build_generator(run.config.generator, blank)
    checkpoints.load_weights(generator, weights)
    return generator


def discriminator_at(store: Store, run: records.RunInfo, step: int) -> Any:
    """The discriminator of a step, a Keras model that takes single samples, from the snapshot or a checkpoint.

    None where none is kept, where the run has none, and where it takes several samples at once.
    """
    objective, discriminator = run.config.objective, run.config.discriminator
    if not run.trained_here or objective.loss not in ADVERSARIAL_LOSSES or discriminator.packing != 1:
        return None
    info, checkpoint = dataset_info(store, run), store.recordings.checkpoint(run.id, step)
    from gan_core.engine import checkpoints, networks

    blank = networks.DataStatistics.blank(info.shape, len(info.classes) if run.config.data.conditional else 0)
    discriminator = networks.build_discriminator(run.config.discriminator, blank)
    for data in (store.recordings.snapshot_weights(run.id, step), checkpoint[1] if checkpoint else None):
        if data is not None and checkpoints.has_network(data, "discriminator"):
            checkpoints.load_weights(discriminator, data, "discriminator")
            return discriminator
    return None


class Drawn(NamedTuple):
    """Samples in storage form, `x` (n, *shape), and as they were made, `exact`; their latents `z` (n, d), (n, 0)
    without a generator; and the class `classes` (n,) that the generator was given for each, counted from 0, None for a
    run without classes."""

    x: np.ndarray
    exact: np.ndarray
    z: np.ndarray
    classes: np.ndarray | None


@dataclass(frozen=True, eq=False)
class SnapshotSampler:
    """Draws samples of a run at one of its snapshots. `classes` are the labels it was trained with, () for none."""

    store: Store
    run: records.RunInfo
    step: int
    generator: Any
    classes: tuple[int, ...]

    @classmethod
    def of(cls, store: Store, run_id: str, step: int | None) -> SnapshotSampler:
        """Raises GanometerError where the run has no such snapshot, and for a run without networks."""
        run, step = store.runs.get(run_id), snapshot_step(store, run_id, step)
        classes = dataset_info(store, run).classes if run.config.data.conditional else ()
        return cls(store, run, step, generator_at(store, run, step), classes)

    @property
    def latent_dim(self) -> int:
        """Numbers in one latent."""
        return self.run.config.generator.latent_dim

    def number(self, label: int | None) -> int | None:
        """Which of the run's classes a label is, counted from 0. Raises GanometerError where it is none of them."""
        return class_number(self.store, self.run, label)

    def draw(
        self, seed: int | None, first: int, last: int, *, label: int | None = None, truncation: float = 1.0
    ) -> Drawn:
        """Samples `first` to `last` - 1 of a draw: of the run's own 64 without a seed, and then the very ones it shows.

        One sample is the same in every range that holds it. Below 1, `truncation` shortens the latents.
        Raises GanometerError for a class the run was not trained with, and for a sample that is not among its own 64.
        """
        if seed is None and last > SNAPSHOT_SAMPLES:
            raise GanometerError(
                f"sample {last - 1} was asked of run {self.run.id}, whose own are 0 to {SNAPSHOT_SAMPLES - 1}; "
                "choose one of those, or give a seed"
            )
        number = self.number(label)
        from gan_core.engine import sampling

        about = (self.run.config.seed, sampling.PREVIEW) if seed is None else (seed, sampling.REQUEST)
        start, end = first // BLOCK * BLOCK, -(-last // BLOCK) * BLOCK
        inputs = sampling.inputs(self.generator, about[0], end, about[1], label=number)[start:]
        inputs[:, : self.latent_dim] *= np.float32(truncation)
        exact = sampling.generate(self.generator, inputs, batch=BLOCK)[first - start : last - start]
        z, one_hot = np.split(inputs[first - start : last - start], [self.latent_dim], axis=1)
        x = to_storage(exact)
        if seed is None and label is None and truncation == 1:  # as they were shown, even if on another machine
            x = snapshot_samples(self.store, self.run.id, self.step)[first:last]
        return Drawn(x, exact, z, one_hot.argmax(axis=1) if self.classes else None)

    def one_hot(self, number: int | None, n: int) -> np.ndarray:
        """The class part of `n` inputs, (n, classes); (n, 0) for a run without classes."""
        found = np.zeros((n, len(self.classes)), np.float32)
        if self.classes:
            found[:, number] = 1
        return found

    def make(self, z: np.ndarray, number: int | None) -> np.ndarray:
        """Samples (n, *shape) in measured form for latents (n, d), of the class with this number if it has any."""
        from gan_core.engine import sampling

        return sampling.generate(self.generator, np.concatenate([z, self.one_hot(number, len(z))], axis=1))
