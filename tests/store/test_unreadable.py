"""Runs that cannot be read: the others are listed and trained, and these can be deleted."""

import numpy as np
import pytest
import sqlalchemy as sa

from gan_core.records import RunInfo, Unreadable, UnreadableRun
from gan_core.store import NewPreview, Store, pack
from gan_core.store import schema as tables
from tests.stored_runs import PIXELS, claimed, commit, queue


@pytest.fixture
def store(store_url):
    store = Store(store_url)
    yield store
    store.close()


def damage(store: Store, run_id: str, **values) -> None:
    with store.database.writing() as db:
        db.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(**values))


def test_a_setting_of_another_version_hides_no_other_run(store):
    first, bad, last = queue(store, 3)
    damage(store, bad, config='{"magic": 1}', owner="ada")
    assert [run.id for run in store.runs.all()] == [last, first]
    listed = store.runs.listed()
    assert [run.id for run in listed] == [last, bad, first]
    found = listed[1]
    assert isinstance(found, UnreadableRun) and found.owner == "ada" and found.created == 1
    assert found.why == f"run {bad} cannot be read: magic is not a setting"
    with pytest.raises(Unreadable, match="magic is not a setting"):
        store.runs.get(bad)


def test_what_cannot_be_read_takes_nobodys_place_in_a_list(store):
    *sound, bad, worse = queue(store, 5)
    damage(store, bad, state="asleep")
    damage(store, worse, versions="[")
    assert [run.id for run in store.runs.all(3)] == sound[::-1]
    assert [type(run) for run in store.runs.listed(1)] == [UnreadableRun, RunInfo]


@pytest.mark.parametrize(
    "values", [dict(config="{}}"), dict(tags="[5]"), dict(total_steps=10**18), dict(seconds=1e308)]
)
def test_a_worker_passes_it_by_and_takes_the_next(store, values):
    bad, sound = queue(store, 2)
    damage(store, bad, **values)
    assert store.leases.claim("w") is None
    assert store.leases.claim("w").id == sound
    state, error = _row(store, bad)
    assert state == "interrupted" and "cannot be read" in error
    assert store.leases.claim("w2", at_once=9) is None


@pytest.mark.parametrize("heartbeat", [None, 1e300])
def test_a_lease_without_a_heartbeat_does_not_last_for_ever(store, heartbeat):
    (run_id,) = queue(store, 1)
    store.leases.claim("w")
    damage(store, run_id, heartbeat=heartbeat, config="[]")
    assert store.leases.interrupt() == [run_id]
    store.runs.delete(run_id)
    assert store.runs.listed() == []


def test_a_name_of_another_program_is_shown_short(store):
    (run_id,) = queue(store, 1)
    damage(store, run_id, name="x" * 100_000)
    assert len(store.runs.get(run_id).name) == 200


@pytest.mark.parametrize("kind", ["created", "forked", "set", "stopped"])
@pytest.mark.parametrize("changes", ["all", [1], 5, {"seed": 1}, {"seed": [1]}])
def test_an_event_of_any_kind_changes_what_it_names_or_is_unreadable(store, kind, changes):
    run = claimed(store)
    store.progress.note(run.id, "w1", run.claim_no, 0, kind, {"changes": changes})
    assert store.recordings.events(run.id)[0].kind == "unreadable"


def test_a_command_that_cannot_be_read_changes_nothing(store):
    (run_id,) = queue(store, 1)
    store.leases.claim("w")
    store.commands.send(run_id, "set", payload={"changes": {"seed": 1}})
    with store.database.writing() as db:
        db.execute(tables.commands.update().values(payload="[1]"))
    (command,) = store.commands.waiting(run_id)
    assert command.payload["changes"] == {}


def test_a_job_that_cannot_be_read_fails_and_the_next_is_answered(store):
    bad, sound = (store.jobs.request("sample", params={"n": n}) for n in (1, 2))
    with store.database.writing() as db:
        db.execute(tables.jobs.update().where(tables.jobs.c.id == bad).values(params="[1]"))
    assert store.jobs.claim("w") is None
    assert store.jobs.claim("w").id == sound
    job = store.jobs.get(bad)
    assert job.state == "failed" and "cannot be read" in job.error


@pytest.mark.parametrize("data", [b"PK", pack(z=PIXELS), pack(x=PIXELS[:0]), pack(x=PIXELS.repeat(7, axis=3))])
def test_samples_that_cannot_be_read_are_said_without_advice_to_unpickle(store, data):
    run = claimed(store)
    commit(store, run, taken=[(10, PIXELS, b"weights")])
    with store.database.writing() as db:
        db.execute(tables.snapshots.update().values(samples=data))
    with pytest.raises(Unreadable, match=f"the samples of run {run.id} at step 10 cannot be read") as error:
        store.recordings.snapshot(run.id)
    assert "pickle" not in str(error.value)


POINTS, PLANE = np.zeros((64, 2), np.float32), np.zeros((1, 5, 5, 2), np.float32)
AXIS, BELIEF = np.linspace(-1, 1, 5), np.zeros((5, 5), np.float32)
GAME = dict(points=POINTS, manifold=PLANE, x=AXIS, y=AXIS, belief=BELIEF, pushes=POINTS)


def with_preview(store: Store, **values):
    """A run whose preview's row has these values."""
    run = claimed(store)
    commit(store, run, preview=NewPreview(5, POINTS, POINTS, GAME))
    if values:
        with store.database.writing() as db:
            db.execute(tables.previews.update().values(**values))
    return run


@pytest.mark.parametrize(
    "wrong",
    [
        dict(points=POINTS[:0], pushes=POINTS[:0]),
        dict(points=POINTS[:3]),
        dict(manifold=PLANE[:0]),
        dict(x=AXIS[:0], y=AXIS[:0], belief=BELIEF[:0, :0]),
        dict(x=AXIS[:, None], belief=BELIEF[:, :, None]),
        dict(x=BELIEF, y=BELIEF, belief=np.zeros((5, 5, 5, 5))),
        dict(x=np.zeros(2000), y=np.zeros(2000), belief=np.zeros((2000, 2000))),
        dict(belief=BELIEF.astype(np.longdouble)),
    ],
)
def test_a_game_that_cannot_be_drawn_is_said_to_be_unreadable(store, wrong):
    run = with_preview(store, game=pack(**(GAME | wrong)))
    with pytest.raises(Unreadable, match="the arrays of the game do not fit together"):
        store.recordings.preview(run.id)


def test_floats_that_no_browser_knows_are_no_samples(store):
    long = POINTS.astype(np.longdouble)
    run = with_preview(store, samples=pack(samples=long, raw=long))
    with pytest.raises(Unreadable, match="not uint8"):
        store.recordings.preview(run.id)


def test_the_sound_preview_is_read(store):
    assert store.recordings.preview(with_preview(store).id).game["belief"].shape == (5, 5)


def _row(store: Store, run_id: str):
    with store.database.reading() as db:
        query = sa.select(tables.runs.c.state, tables.runs.c.error).where(tables.runs.c.id == run_id)
        return db.execute(query).one()
