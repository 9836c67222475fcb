"""What trainings have written is read."""

import numpy as np

from tests.stored_runs import CONFIG, claimed, commit


def test_history_is_thinned_evenly_and_keeps_the_newest(store):
    run = claimed(store)
    commit(store, run, values=[(s, "loss", s / 2) for s in range(1, 1001)] + [(7, "rare", 1.0)])
    steps, values = store.recordings.history(run.id, points=100).curves["loss"]
    assert 90 <= len(steps) <= 100
    assert steps[-1] == 1000 and set(np.diff(steps)) == {10.0}
    assert np.array_equal(values, steps / 2)
    assert len(store.recordings.history(run.id, points=1000).curves["loss"][0]) == 1000
    assert store.recordings.history(run.id, points=100).last("rare") == 1.0
    assert set(store.recordings.history(run.id, ["rare"]).curves) == {"rare"}


def test_a_run_without_checkpoint_or_snapshot(store):
    run_id = store.runs.create(CONFIG)
    assert store.recordings.checkpoint(run_id) is None
    assert store.recordings.snapshot(run_id) is None and store.recordings.snapshot_steps(run_id) == ()
    assert store.recordings.history(run_id).curves == {}
