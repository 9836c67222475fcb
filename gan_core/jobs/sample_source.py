"""Where the samples of a snapshot come from: its generator, or what was kept of them."""

from __future__ import annotations

from gan_core.jobs.kept_samples import KeptSamples
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.store import Store

SampleSource = SnapshotSampler | KeptSamples
"""Both draw samples by seed and index, alike."""


def source_at(store: Store, run_id: str, step: int | None) -> SampleSource:
    """The samples of a run at one of its snapshots, the newest without `step`. Raises GanometerError without one."""
    kind = SnapshotSampler if store.runs.get(run_id).trained_here else KeptSamples
    return kind.of(store, run_id, step)
