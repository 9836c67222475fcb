"""The samples of a run at one of its steps."""

import numpy as np

from gan_core import GanometerError, Lab, RunInfo


def samples_of(lab: Lab, run: RunInfo, step: int) -> np.ndarray:
    """The samples (n, ...) of a snapshot in storage form. Raises GanometerError where it has been deleted meanwhile."""
    snapshot = lab.results.snapshot(run, step)
    if snapshot is None:
        raise GanometerError(f"the samples of run {run.id} at step {step:,} have been deleted; reload the page")
    return snapshot.samples
