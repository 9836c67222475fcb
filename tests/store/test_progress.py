"""What a worker writes: commits that are all or nothing, checkpoints and snapshots that are kept, rewinding."""

import numpy as np
import pytest

from gan_core.config.run_config import override
from gan_core.records import StoreError, Unreadable
from gan_core.store import LeaseLost, NewPreview
from gan_core.store import schema as tables
from tests.stored_runs import CONFIG, EVERYTHING, PIXELS, claimed, commit, report


def test_a_commit_keeps_everything(store):
    run = claimed(store)
    commit(store, run, "running", 20, **EVERYTHING)
    after = store.runs.get(run.id)
    assert (after.step, after.seconds, after.steps_per_second, after.phase) == (20, 1.0, 100.0, "training")
    steps, values = store.recordings.history(run.id).curves["loss"]
    assert (steps.tolist(), values.tolist()) == ([20.0], [1.5])
    assert store.recordings.snapshot_steps(run.id) == (20,)
    assert np.array_equal(store.recordings.snapshot(run.id, 20).samples, PIXELS)
    assert store.recordings.snapshot_weights(run.id, 20) == b"weights"
    assert store.recordings.checkpoint(run.id) == (20, b"state")
    assert store.measurements.reports(run.id) == [(20, report())]


def test_a_commit_that_fails_in_its_middle_leaves_nothing(store):
    run = claimed(store)
    commit(store, run, "running", 10, checkpoint=b"before")
    store.commands.send(run.id, "pause")
    before, asked = store.recordings.rows(run.id), store.commands.waiting(run.id)
    twice = EVERYTHING | {"measured": [(20, report()), (20, report())]}  # after metrics and snapshots are in
    with pytest.raises(StoreError):
        commit(store, run, "paused", 20, commands_up_to=asked[-1].id, **twice)
    assert store.recordings.rows(run.id) == before and store.commands.waiting(run.id) == asked
    commit(store, run, "paused", 20, commands_up_to=asked[-1].id, **EVERYTHING)
    assert store.runs.get(run.id).state == "paused"


def test_the_newest_two_checkpoints_are_kept_and_a_damaged_one_is_skipped(store):
    run = claimed(store)
    for step in (10, 20, 30):
        commit(store, run, "running", step, checkpoint=f"state {step}".encode())
    assert [c["step"] for c in store.recordings.rows(run.id)["checkpoints"]] == [20, 30]
    assert store.recordings.checkpoint(run.id) == (30, b"state 30")
    with store.database.writing() as db:
        db.execute(tables.checkpoints.update().where(tables.checkpoints.c.step == 30).values(data=b"state 3O"))
    assert store.recordings.checkpoint(run.id) == (20, b"state 20")
    with store.database.writing() as db:
        db.execute(tables.checkpoints.update().values(data=b""))
    assert store.recordings.checkpoint(run.id) is None


def test_rewinding_forgets_what_came_later_and_lets_it_be_written_again(store):
    run = claimed(store)
    for step in (10, 20):
        commit(
            store,
            run,
            "running",
            step,
            values=[(step, "loss", 1.0)],
            measured=[(step, report())],
            taken=[(step, PIXELS, b"")],
            checkpoint=b"state",
        )
    store.progress.rewind(run.id, run.worker, run.claim_no, 10)
    left = store.recordings.rows(run.id)
    assert {name: [r["step"] for r in left[name]] for name in ("metrics", "snapshots", "checkpoints", "reports")} == {
        "metrics": [10],
        "snapshots": [10],
        "checkpoints": [10],
        "reports": [10],
    }
    assert store.runs.get(run.id).step == 10
    commit(store, run, "running", 20, **EVERYTHING)


def test_too_many_snapshots_are_thinned_where_they_stand_closest(store):
    """Ends stay; of the others those with the closest neighbours on the scale of the plan go. The newest is kept."""
    run = claimed(store)
    steps = [0, *range(1, 61)]
    commit(store, run, "running", 60, taken=[(step, PIXELS, b"") for step in steps])
    left = store.recordings.snapshot_steps(run.id)
    assert len(left) == 48 and left[0] == 0 and left[-1] == 60
    gone = sorted(set(steps) - set(left))
    assert min(np.diff(gone)) >= 2  # no hole of two


def test_a_preview_is_replaced_counts_the_changes_before_it_and_goes_with_its_run(store):
    run = claimed(store)
    key = run.id, run.worker, run.claim_no
    assert store.recordings.preview(run.id) is None
    store.progress.preview(*key, NewPreview(10, PIXELS, PIXELS))
    store.progress.note(*key, 10, "set", {"changes": {}, "by": "ada"})
    assert store.recordings.preview(run.id).edits == 0
    store.progress.preview(*key, NewPreview(12, PIXELS, 255 - PIXELS))
    store.progress.preview(*key, NewPreview(11, PIXELS, PIXELS))  # came late
    shown = store.recordings.preview(run.id)
    assert (shown.step, shown.edits, shown.game) == (12, 1, None)
    assert np.array_equal(shown.samples, PIXELS) and np.array_equal(shown.raw, 255 - PIXELS)
    with pytest.raises(LeaseLost):
        store.progress.preview(run.id, "another", run.claim_no, NewPreview(20, PIXELS, PIXELS))
    with store.database.writing() as db:
        db.execute(tables.previews.update().values(samples=b"PK"))
    with pytest.raises(Unreadable, match=f"the preview of run {run.id} cannot be read"):
        store.recordings.preview(run.id)
    commit(store, run, "stopped", 20)
    store.runs.delete(run.id)
    assert store.recordings.preview(run.id) is None


def test_describing_resolves_the_steps(store):
    run = claimed(store)
    longer = override(CONFIG, {"training.steps": 777})
    store.progress.describe(run.id, "w1", run.claim_no, config=longer, versions={"python": "3"}, threads=2)
    after = store.runs.get(run.id)
    assert (after.total_steps, after.config, after.versions, after.threads) == (777, longer, {"python": "3"}, 2)


def test_samples_that_are_kept_instead_of_weights_have_a_limit_beside_that_of_snapshots(store):
    """The first and the newest step stay, and of the others goes what stands closest to its neighbours."""
    run = claimed(store)
    for step in (0, 10, 20, 1_000):
        commit(store, run, "running", step, taken=[(step, PIXELS, b"")], kept=[(step, PIXELS)])
    with store.database.writing() as db:  # as large as samples can be
        large = tables.run_samples.c.step.in_((0, 10, 20))
        db.execute(tables.run_samples.update().where(large).values(data=bytes(30 * 2**20)))
    commit(store, run, "running", 2_000, taken=[(2_000, PIXELS, b"")], kept=[(2_000, PIXELS)])
    assert store.recordings.snapshot_steps(run.id) == (0, 20, 1_000, 2_000)
    assert store.recordings.kept_numbers(run.id) == dict.fromkeys((0, 20, 1_000, 2_000), 2)
    np.testing.assert_array_equal(store.recordings.kept_samples(run.id, 2_000), PIXELS)
    assert store.recordings.kept_samples(run.id, 10) is None
    assert store.recordings.kept_bytes("somebody") == 0 and store.recordings.kept_bytes() > 60 * 2**20
    store.progress.rewind(run.id, run.worker, run.claim_no, 20)
    assert [*store.recordings.kept_numbers(run.id)] == [0, 20]


def test_kept_samples_that_cannot_be_read_say_so(store):
    run = claimed(store)
    commit(store, run, "running", 5, taken=[(5, PIXELS, b"")], kept=[(5, PIXELS)])
    with store.database.writing() as db:
        db.execute(tables.run_samples.update().values(data=b"garbage"))
    with pytest.raises(Unreadable, match="samples of run .* at step 5 cannot be read"):
        store.recordings.kept_samples(run.id, 5)
