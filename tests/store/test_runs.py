"""Runs are listed, named, tagged, made longer, forked and deleted."""

import numpy as np
import pytest
import sqlalchemy as sa

from gan_core.config.run_config import override
from gan_core.records import DatasetInfo, GanometerError, UnknownRun
from gan_core.store import Store
from gan_core.store import schema as tables
from tests.stored_runs import CONFIG, EVERYTHING, PIXELS, claimed, commit, event_kinds, queue


def test_the_version_grows_with_every_change(store):
    run = claimed(store)
    seen = [store.runs.version(run.id)]
    for change in (
        lambda: store.runs.rename(run.id, "other"),
        lambda: store.runs.tag(run.id, ["other"]),
        lambda: store.commands.send(run.id, "pause"),
        lambda: store.progress.describe(run.id, "w1", run.claim_no, phase="loading"),
        lambda: commit(store, run, "finished"),
    ):
        change()
        seen.append(store.runs.version(run.id))
    assert seen == sorted(set(seen))
    store.runs.delete(run.id)
    assert store.runs.version(run.id) == 0


def test_newest_runs_come_first(store):
    ids = queue(store, 3)
    assert [run.id for run in store.runs.all()] == ids[::-1]
    assert [run.id for run in store.runs.all(limit=1)] == ids[-1:]


@pytest.mark.parametrize(("given", "kept"), [(" new ", "new"), ("ü" * 80, "ü" * 80)])
def test_renaming(store, given, kept):
    run_id = store.runs.create(CONFIG)
    store.runs.rename(run_id, given)
    assert store.runs.get(run_id).name == kept


def test_tagging_replaces_the_tags(store):
    run_id = store.runs.create(CONFIG)
    assert store.runs.get(run_id).tags == ()
    store.runs.tag(run_id, [" class 4b ", "collapse", "class 4b"])
    assert store.runs.get(run_id).tags == store.runs.all()[0].tags == ("class 4b", "collapse")
    store.runs.tag(run_id, [])
    assert store.runs.get(run_id).tags == ()


def test_a_name_or_tag_that_cannot_be_kept_changes_nothing(store):
    run_id = store.runs.create(CONFIG, name="first")
    store.runs.tag(run_id, ["kept"])
    before = store.runs.get(run_id)
    for change in (lambda: store.runs.rename(run_id, " "), lambda: store.runs.tag(run_id, ["a", ""])):
        with pytest.raises(GanometerError, match="has 0 characters"):
            change()
    assert store.runs.get(run_id) == before


def longer(steps: int):
    return override(CONFIG, {"training.steps": steps})


def test_a_finished_run_can_be_made_longer_and_waits_in_the_queue_again(store):
    run = claimed(store)
    with pytest.raises(GanometerError, match="is running"):
        store.runs.extend(run.id, longer(150))
    commit(store, run, "finished", 100, checkpoint=b"end")
    store.runs.extend(run.id, longer(150), by="ada")
    after = store.runs.get(run.id)
    assert (after.state, after.step, after.total_steps, after.ended) == ("queued", 100, 150, None)
    event = next(e for e in store.recordings.events(run.id) if e.kind == "set")
    assert (event.step, event.payload) == (100, {"changes": {"training.steps": [100, 150]}, "by": "ada"})
    assert store.leases.claim("w2").step == 100


def test_a_branch_takes_along_what_it_begins_with(store):
    run = claimed(store)
    for step in (10, 20, 30):
        commit(store, run, "running", step, taken=[(step, PIXELS + step, b"%d" % step)], checkpoint=b"at %d" % step)
    assert store.runs.kept_steps(run.id) == {10: False, 20: True, 30: True}
    exact = store.runs.fork(run.id, 20, longer(500), owner="ada")
    shown = store.runs.fork(run.id, 10, CONFIG, name="other")
    found = store.runs.get(exact)
    assert (found.parent_id, found.parent_step, found.step, found.total_steps) == (run.id, 20, 20, 500)
    assert (found.state, found.owner, found.name) == ("queued", "ada", f"{run.name} · from step 20")
    assert (
        store.recordings.checkpoint(exact) == (20, b"at 20") and store.recordings.snapshot_weights(exact, 20) == b"20"
    )
    assert store.recordings.checkpoint(shown) is None and store.recordings.snapshot_weights(shown, 10) == b"10"
    assert store.recordings.snapshot_steps(shown) == (10,) and store.runs.get(shown).name == "other"
    assert event_kinds(store, exact) == ["forked"]
    with pytest.raises(GanometerError, match="keeps nothing of step 15; the steps it keeps are 10, 20, 30"):
        store.runs.fork(run.id, 15, CONFIG)
    with pytest.raises(GanometerError, match="none yet"):
        store.runs.fork(store.runs.create(CONFIG), 0, CONFIG)
    with pytest.raises(UnknownRun):
        store.runs.fork("nobody", 0, CONFIG)


def test_the_checkpoint_of_a_branching_point_is_kept(store):
    run = claimed(store)
    commit(store, run, "running", 10, checkpoint=b"at 10")
    store.runs.fork(run.id, 10, CONFIG)
    for step in (20, 30, 40):
        commit(store, run, "running", step, checkpoint=b"state")
    assert store.runs.kept_steps(run.id) == {10: True, 30: True, 40: True}


def test_a_branch_does_not_need_what_it_came_from(store):
    run = claimed(store)
    commit(store, run, "finished", 100, taken=[(100, PIXELS, b"w")], checkpoint=b"end")
    child = store.runs.fork(run.id, 100, longer(200))
    store.runs.delete(run.id)
    assert store.recordings.checkpoint(child) == (100, b"end") and store.leases.claim("w1").id == child


def rows_of(store: Store, run_id: str) -> dict[str, int]:
    """How many rows of a run each table holds."""
    with store.database.reading() as db:
        return {
            table.name: db.scalar(sa.select(sa.func.count()).select_from(table).where(table.c[key] == run_id))
            for table in tables.metadata.tables.values()
            for key in ("id" if table.name == "runs" else "run_id",)
            if key in table.c
        }


def test_deleting_removes_every_row_and_only_of_that_run(store):
    gone, left = claimed(store), claimed(store)
    for run in (gone, left):
        commit(store, run, "running", 20, **EVERYTHING)
        store.commands.send(run.id, "stop")
        commit(store, run, "stopped", 20)
        store.jobs.request("sample", run_id=run.id, step=20, params={"n": 4})
    assert min(rows_of(store, gone.id).values()) >= 1
    store.runs.delete(gone.id)
    assert set(rows_of(store, gone.id).values()) == {0}
    assert min(rows_of(store, left.id).values()) >= 1


def test_a_run_in_training_is_not_deleted(store):
    run = claimed(store)
    with pytest.raises(GanometerError, match="stop it before"):
        store.runs.delete(run.id)
    assert store.runs.get(run.id).state == "running"


def test_the_file_shrinks_when_a_run_is_deleted(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")

    def size() -> int:
        return sum(file.stat().st_size for file in tmp_path.iterdir())

    empty = size()
    run, blob = claimed(store), np.random.default_rng(0).bytes(8_000_000)
    commit(store, run, "finished", 100, taken=[(1, PIXELS, blob)], checkpoint=blob)
    assert size() > 16_000_000
    store.runs.delete(run.id)
    assert size() < empty + 200_000
    store.close()


def test_a_data_set_outlives_the_runs_on_it(store):
    info = DatasetInfo(
        "digits", "ab" * 32, "image", (4, 4, 1), {"train": 1, "holdout": 1, "test": 1}, PIXELS, np.zeros(2, int)
    )
    store.datasets.put(info)
    run = claimed(store)
    store.progress.describe(run.id, "w1", run.claim_no, dataset=info.sha256)
    commit(store, run, "finished")
    store.runs.delete(run.id)
    assert store.datasets.get(info.sha256).name == "digits"
