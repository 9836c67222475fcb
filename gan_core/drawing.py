"""Samples on request: the generator of a snapshot, the random numbers somebody asks for, and what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from gan_core import records
from gan_core.codec import to_storage
from gan_core.records import GanometerError
from gan_core.store import Store

MOST_SAMPLES = 10_000
OWN_SAMPLES = 64
"""The samples every snapshot shows, of the run's fixed latents."""


@dataclass(frozen=True)
class Draw:
    """Which samples of a snapshot: `n` of a seed, or without one the very 64 that the snapshot shows.

    `label` is the class a run that was told of classes is asked for. `truncation` shrinks the latents: below 1 samples
    are more typical and less varied (Brock et al. 2019, arXiv:1809.11096, there by drawing anew).
    """

    seed: int | None = None
    n: int = OWN_SAMPLES
    label: int | None = None
    truncation: float = 1.0

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Draw:
        """From a job's parameters, which may be anything. Raises GanometerError for what cannot be drawn."""
        seed, label = params.get("seed"), params.get("label")
        n = OWN_SAMPLES if seed is None else whole(params, "n", 1, MOST_SAMPLES)
        return cls(
            None if seed is None else whole(params, "seed", 0, 2**31 - 1),
            n,
            None if label is None else whole(params, "label", -(2**31), 2**31 - 1),
            number(params, "truncation", 0.01, 1.0, 1.0),
        )

    @property
    def own(self) -> bool:
        """Whether these are just the samples that the snapshot holds."""
        return self.seed is None and self.label is None and self.truncation == 1


def whole(params: Mapping[str, Any], name: str, low: int, high: int, default: int | None = None) -> int:
    """A whole number among a job's parameters. Raises GanometerError."""
    value = params.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise GanometerError(f"{name} is {str(value)[:40]!r}; give a whole number from {low:,} to {high:,}")
    return value


def number(params: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    """A number among a job's parameters. Raises GanometerError."""
    value = params.get(name, default)
    if type(value) not in (int, float) or not low <= value <= high:
        raise GanometerError(f"{name} is {str(value)[:40]!r}; give a number from {low:g} to {high:g}")
    return float(value)


class Generator:
    """The averaged generator of a run as it was at one of its snapshots; the newest one without `step`."""

    def __init__(self, store: Store, run_id: str, step: int | None):
        self.run, self.step = store.runs.get(run_id), snapshot_step(store, run_id, step)
        self.data, self._store = dataset_info(store, self.run), store

        # Only now: TensorFlow takes seconds to load, and greets on standard error, where a mistake should stand alone.
        from gan_core.engine import checkpoints, networks, sampling

        told = len(self.data.classes) if self.run.config.data.conditional else 0
        self.network = networks.build_generator(
            self.run.config.generator, networks.DataStatistics.blank(self.data.shape, told)
        )
        checkpoints.load_weights(self.network, store.runs.snapshot_weights(run_id, self.step))
        self._sampling = sampling

    @property
    def latent_dim(self) -> int:
        return self.run.config.generator.latent_dim

    def inputs(self, draw: Draw) -> np.ndarray:
        """(n, latents and classes): what the generator is given for a draw."""
        about = dict(label=class_number(self.data, self.run, draw.label))
        if draw.seed is None:
            made = self._sampling.inputs(self.network, self.run.config.seed, draw.n, self._sampling.PREVIEW, **about)
        else:
            made = self._sampling.inputs(self.network, draw.seed, draw.n, self._sampling.REQUEST, **about)
        made[:, : self.latent_dim] *= np.float32(draw.truncation)
        return made

    def samples(self, draw: Draw) -> np.ndarray:
        """The samples of a draw in storage form; those of the snapshot are just these."""
        if draw.own:
            return self._store.runs.snapshot(self.run.id, self.step).samples
        return to_storage(self.make(self.inputs(draw)))

    def make(self, inputs: np.ndarray) -> np.ndarray:
        """Samples in measured form."""
        return self._sampling.generate(self.network, inputs)


def sample(store: Store, run_id: str, step: int | None, n: int, seed: int, *, label: int | None = None) -> np.ndarray:
    """`n` new samples (measured form) of the generator as it was at a snapshot; the newest without `step`.

    `label` asks a run that was told of classes for one of them; without it, classes come as often as in the data.
    """
    if not 1 <= n <= MOST_SAMPLES:
        raise GanometerError(f"{n} samples were asked for; ask for 1 to {MOST_SAMPLES:,}")
    run = store.runs.get(run_id)
    snapshot_step(store, run_id, step)
    class_number(dataset_info(store, run), run, label)
    generator = Generator(store, run_id, step)
    return generator.make(generator.inputs(Draw(seed, n, label)))


def class_number(info: records.DatasetInfo, run: records.RunInfo, label: int | None) -> int | None:
    """Which of a run's classes a label is, counted from 0; nothing for nothing."""
    if label is None:
        return None
    classes, conditional = info.classes, run.config.data.conditional
    if label not in (classes if conditional else ()):
        known = f"it knows {', '.join(map(str, classes))}" if conditional else "it was not told of classes"
        raise GanometerError(f"class {label} was asked of run {run.id}, and {known}; choose another, or leave it out")
    return classes.index(label)


def snapshot_step(store: Store, run_id: str, step: int | None) -> int:
    """`step` where the run has a snapshot of it, the newest one without; GanometerError where there is none."""
    steps = store.runs.snapshot_steps(run_id)
    if not steps:
        raise GanometerError(f"run {run_id} has no snapshot yet: let it train a little first")
    if step is not None and step not in steps:
        raise GanometerError(f"run {run_id} has no snapshot of step {step}; it has {', '.join(map(str, steps))}")
    return steps[-1] if step is None else step


def dataset_info(store: Store, run: records.RunInfo) -> records.DatasetInfo:
    info = store.library.dataset(run.dataset) if run.dataset else None
    if info is None:
        raise GanometerError(f"run {run.id} has not started yet, so nothing is known of its data")
    return info
