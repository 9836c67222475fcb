"""The samples that a run keeps of a step instead of weights: of somebody's own training, or of a file.

There are so many and no more, and no generator to make others with: whoever asks for more is given all there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gan_core.codec import to_unit
from gan_core.jobs.snapshot_sampler import Drawn, class_number, snapshot_step
from gan_core.records import SNAPSHOT_SAMPLES, GanometerError, RunInfo
from gan_core.store import Store


@dataclass(frozen=True, eq=False)
class KeptSamples:
    """All samples of a step, `x` (n, *shape) in storage form; the first of them are those that the run shows."""

    store: Store
    run: RunInfo
    step: int
    x: np.ndarray
    classes: tuple[int, ...] = ()
    """Labels that samples can be asked for by: none, whatever the samples look like."""

    @classmethod
    def of(cls, store: Store, run_id: str, step: int | None) -> KeptSamples:
        """Raises GanometerError where the run keeps no samples of this step."""
        run, step = store.runs.get(run_id), snapshot_step(store, run_id, step)
        if (x := store.recordings.kept_samples(run_id, step)) is None:
            raise GanometerError(f"the samples of step {step} of run {run_id} are gone: choose another step")
        return cls(store, run, step, x)

    def first(self, n: int) -> np.ndarray:
        """The first `n` samples in measured form, or all there are: those that were measured when they came."""
        return to_unit(self.x[:n])

    def draw(
        self, seed: int | None, first: int, last: int, *, label: int | None = None, truncation: float = 1.0
    ) -> Drawn:
        """Samples `first` to `last` - 1 in an order that the seed decides, as far as there are so many.

        Seed 0 has them as they came; without a seed these are the run's own 64. One sample is the same in every range
        that holds it. Raises GanometerError for a class, for a truncation, and where none is left in this range.
        """
        class_number(self.store, self.run, label)
        if truncation != 1:
            raise GanometerError(
                f"truncation is {truncation:g}, and run {self.run.id} keeps samples, not a generator whose latents "
                "could be shortened; leave it out"
            )
        n = len(self.x)
        order = np.random.default_rng(seed).permutation(n) if seed else np.arange(n)
        rows = order[first : min(last, n if seed is not None else SNAPSHOT_SAMPLES)]
        if not len(rows):
            raise GanometerError(f"sample {first} was asked of run {self.run.id}, which keeps {n:,}; choose another")
        x = self.x[rows]
        return Drawn(x, to_unit(x), np.empty((len(x), 0), np.float32), None)


def kept_number(store: Store, run: RunInfo, step: int) -> int | None:
    """How many samples there are of a step; None where a generator makes as many as one likes."""
    return None if run.trained_here else store.recordings.kept_numbers(run.id).get(step, 0)
