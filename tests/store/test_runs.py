"""Runs in the store: states and their diary, wishes, claims, leases, and commits that are all or nothing."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.records import DatasetInfo, GanometerError, MetricResult, Report, StoreError, UnknownRun
from gan_core.store import LeaseLost, Store
from gan_core.store import schema as tables

ROOT = Path(__file__).parents[2]
CONFIG = override(preset("auto", data="digits"), {"training.steps": 100})
PIXELS = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)


@pytest.fixture
def store(store_url):
    store = Store(store_url)
    yield store
    store.close()


def report(seed: int = 0) -> Report:
    metrics = {"energy_distance": MetricResult("energy_distance", 0.5, 0.1, 0.02, 20.0, direction="lower", ideal=0.0)}
    return Report("measured", 10, 10, 5, "pixels", seed, metrics, None, "words", 0.25)


def claimed(store: Store, worker: str = "w1"):
    """A new run, being trained by `worker`."""
    run_id = store.runs.create(CONFIG)
    return store.leases.claim(worker, at_once=100, run_id=run_id)


def commit(store: Store, run, state: str = "running", step: int = 10, **more):
    """A commit of the run's own worker, with nothing in it but what `more` says."""
    nothing = dict(seconds=1.0, steps_per_second=None, values=(), measured=(), taken=(), checkpoint=None)
    store.progress.commit(run.id, run.worker, run.claim_no, state=state, step=step, **(nothing | more))


def queue(store: Store, n: int) -> list[str]:
    """`n` runs that were created a second apart; the clock of SQLite counts milliseconds only."""
    ids = [store.runs.create(CONFIG) for _ in range(n)]
    with store.database.writing() as db:
        for second, run_id in enumerate(ids):
            then = dict(created=second, queued=second)
            db.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(**then))
    return ids


def diary(store: Store, run_id: str) -> list[str]:
    return [event.kind for event in reversed(store.recordings.events(run_id))]


def set_back(store: Store, run_id: str, seconds: float) -> None:
    """As if the worker had been silent for so long."""
    with store.database.writing() as db:
        silent = tables.runs.c.heartbeat - seconds
        db.execute(tables.runs.update().where(tables.runs.c.id == run_id).values(heartbeat=silent))


# ---------------------------------------------------------------- submissions


def test_a_submission_that_fails_has_made_nothing_and_may_come_again(store):
    def fail():
        store.runs.create(CONFIG)
        raise GanometerError("the second one is refused")

    with pytest.raises(GanometerError, match="refused"):
        store.submit("word", fail)
    assert store.runs.all() == []
    (made,) = store.submit("word", lambda: [store.runs.create(CONFIG)])
    assert store.submit("word", fail) == [made] == [run.id for run in store.runs.all()]


def test_submissions_are_forgotten_after_a_day(store):
    (first,) = store.submit("word", lambda: [store.runs.create(CONFIG)])
    with store.database.writing() as db:
        db.execute(tables.submissions.update().values(created=tables.submissions.c.created - 86_500))
    assert store.submit("other", list) == []
    with store.database.reading() as db:
        assert db.scalars(sa.select(tables.submissions.c.nonce)).all() == ["other"]
    assert store.submit("word", lambda: [store.runs.create(CONFIG)]) != [first]


# ---------------------------------------------------------------- states and the diary


def test_a_new_run_waits_and_says_so(store):
    run = store.runs.get(store.runs.create(CONFIG, name="mine", owner="ada"))
    assert (run.state, run.name, run.owner, run.step, run.total_steps) == ("queued", "mine", "ada", 0, 100)
    assert run.config == CONFIG and run.worker is None and run.position == 1
    assert diary(store, run.id) == ["created"]


def test_a_run_of_the_command_line_is_claimed_from_the_start(store):
    run = store.runs.get(store.runs.create(CONFIG, worker_id="w1"))
    assert (run.state, run.worker, run.claim_no) == ("running", "w1", 1)
    assert diary(store, run.id) == ["created", "running"]
    assert store.leases.claim("w2", at_once=100) is None


@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
def test_an_ended_run_has_no_worker_and_a_time(store, end):
    run = claimed(store)
    commit(store, run, end, 70, error="diverged at step 70" if end == "failed" else None)
    after = store.runs.get(run.id)
    assert (after.state, after.step, after.worker, after.phase) == (end, 70, None, "")
    assert after.ended >= after.started >= after.created
    assert diary(store, run.id) == ["created", "running", end]
    assert store.recordings.events(run.id)[0].step == 70
    assert after.error == ("diverged at step 70" if end == "failed" else None)


def test_a_failure_stands_in_the_diary_with_its_reason(store):
    run = claimed(store)
    commit(store, run, "failed", 7, error="diverged at step 7")
    assert store.recordings.events(run.id)[0].payload == {"error": "diverged at step 7"}


def test_pausing_and_going_on_keeps_the_worker(store):
    run = claimed(store)
    commit(store, run, "paused")
    assert (store.runs.get(run.id).state, store.runs.get(run.id).worker) == ("paused", "w1")
    commit(store, run, "running")
    commit(store, run, "finished", 100)
    assert diary(store, run.id) == ["created", "running", "paused", "running", "finished"]


def test_a_commit_that_changes_no_state_adds_no_line(store):
    run = claimed(store)
    for step in (10, 20, 30):
        commit(store, run, "running", step)
    assert diary(store, run.id) == ["created", "running"]
    assert store.runs.get(run.id).seconds == 3.0


def test_a_paused_run_given_up_by_its_worker_stays_paused_and_can_be_resumed(store):
    run = claimed(store)
    commit(store, run, "paused")
    assert store.leases.release(run.id, "w1", run.claim_no)
    assert (store.runs.get(run.id).state, store.runs.get(run.id).worker) == ("paused", None)
    assert store.commands.send(run.id, "resume") == "queued"
    again = store.leases.claim("w2")
    assert (again.id, again.state, again.worker, again.claim_no) == (run.id, "running", "w2", run.claim_no + 1)
    assert diary(store, run.id) == ["created", "running", "paused", "queued", "running"]


def test_a_worker_that_ends_leaves_its_run_interrupted(store):
    run = claimed(store)
    commit(store, run, "running", 10)
    assert store.leases.release(run.id, "w1", run.claim_no, state="interrupted")
    assert store.runs.get(run.id).state == "interrupted"
    assert diary(store, run.id) == ["created", "running", "interrupted"]


def test_what_is_asked_of_a_run_given_back_to_the_queue_is_asked_of_the_next_worker(store):
    run = claimed(store)
    assert store.commands.send(run.id, "stop") == "sent"
    assert store.leases.release(run.id, "w1", run.claim_no, state="queued")
    assert store.leases.claim("w2").id == run.id
    assert [command.kind for command in store.commands.waiting(run.id)] == ["stop"]


@pytest.mark.parametrize("state", ["stopped", "interrupted"])
def test_stopped_and_interrupted_runs_go_back_into_the_queue(store, state):
    run = claimed(store)
    if state == "stopped":
        commit(store, run, "stopped")
    else:
        store.leases.interrupt(["w1"])
    assert store.commands.send(run.id, "resume") == "queued"
    after = store.runs.get(run.id)
    assert (after.state, after.error, after.ended, after.position) == ("queued", None, None, 1)
    assert diary(store, run.id) == ["created", "running", state, "queued"]
    assert store.commands.send(run.id, "resume") == "queued"
    assert diary(store, run.id) == ["created", "running", state, "queued"]


def test_stopping_a_queued_run_happens_at_once(store):
    run_id = store.runs.create(CONFIG)
    assert store.commands.send(run_id, "stop") == "stopped"
    assert store.commands.send(run_id, "stop") == "stopped"
    assert diary(store, run_id) == ["created", "stopped"]
    assert store.leases.claim("w1") is None


def test_pausing_a_queued_run_happens_at_once_and_resuming_queues_it_again(store):
    run_id = store.runs.create(CONFIG)
    assert store.commands.send(run_id, "pause") == "paused"
    assert store.commands.send(run_id, "pause") == "paused"
    assert store.leases.claim("w1") is None
    assert store.commands.send(run_id, "resume") == "queued"
    assert diary(store, run_id) == ["created", "paused", "queued"]
    assert store.leases.claim("w1").id == run_id


def test_stopping_a_paused_run_without_a_worker_happens_at_once(store):
    run = claimed(store)
    commit(store, run, "paused")
    store.leases.release(run.id, "w1", run.claim_no)
    assert store.commands.send(run.id, "stop") == "stopped"
    assert diary(store, run.id) == ["created", "running", "paused", "stopped"]


# ---------------------------------------------------------------- wishes


def wishes(store: Store, run_id: str) -> list[str]:
    return [command.kind for command in store.commands.waiting(run_id)]


@pytest.mark.parametrize("kind", ["pause", "stop"])
def test_asking_twice_is_asking_once(store, kind):
    run = claimed(store)
    assert [store.commands.send(run.id, kind), store.commands.send(run.id, kind)] == ["sent", "sent"]
    assert wishes(store, run.id) == [kind]


def test_resume_of_a_running_run_and_pause_of_a_paused_one_ask_for_nothing(store):
    run = claimed(store)
    store.commands.send(run.id, "resume")
    assert wishes(store, run.id) == []
    commit(store, run, "paused")
    store.commands.send(run.id, "pause")
    assert wishes(store, run.id) == []


def test_a_pause_taken_back_before_it_was_seen(store):
    run = claimed(store)
    store.commands.send(run.id, "pause")
    store.commands.send(run.id, "resume")
    assert wishes(store, run.id) == ["pause", "resume"]
    commit(store, run, "running", commands_up_to=store.commands.waiting(run.id)[-1].id)
    assert wishes(store, run.id) == []
    assert diary(store, run.id) == ["created", "running"]


def test_only_wishes_the_worker_had_seen_are_acknowledged(store):
    run = claimed(store)
    store.commands.send(run.id, "pause")
    seen = store.commands.waiting(run.id)[-1].id
    store.commands.send(run.id, "resume")
    commit(store, run, "paused", 40, commands_up_to=seen)
    assert wishes(store, run.id) == ["resume"]
    with store.database.reading() as db:
        found = db.execute(sa.select(tables.commands.c.kind, tables.commands.c.outcome)).all()
    assert sorted(found) == [("pause", "paused at step 40"), ("resume", None)]


def test_an_ending_answers_every_wish(store):
    run = claimed(store)
    store.commands.send(run.id, "pause")
    commit(store, run, "finished", 100, commands_up_to=0)
    assert wishes(store, run.id) == []


def test_a_worker_that_lets_go_leaves_no_wish_for_the_next_one(store):
    run = claimed(store)
    store.commands.send(run.id, "stop")
    store.leases.release(run.id, "w1", run.claim_no, state="interrupted")
    assert wishes(store, run.id) == []


@pytest.mark.parametrize("kind", ["pause", "resume", "stop", "step", "set"])
@pytest.mark.parametrize("end", ["finished", "failed"])
def test_a_wish_for_an_ended_run_changes_nothing(store, kind, end):
    run = claimed(store)
    commit(store, run, end)
    before = store.recordings.rows(run.id)
    assert store.commands.send(run.id, kind) == end
    assert store.recordings.rows(run.id) == before and wishes(store, run.id) == []


def test_a_resume_at_the_last_moment_keeps_the_paused_run_with_its_worker(store):
    run = claimed(store)
    commit(store, run, "paused")
    store.commands.send(run.id, "resume")
    assert not store.leases.release(run.id, "w1", run.claim_no)
    assert store.runs.get(run.id).worker == "w1" and wishes(store, run.id) == ["resume"]


def test_unknown_wishes_and_unknown_runs_are_named(store):
    run_id = store.runs.create(CONFIG)
    with pytest.raises(GanometerError, match="'explode'"):
        store.commands.send(run_id, "explode")
    for call in (
        store.runs.get,
        store.recordings.rows,
        store.runs.delete,
        lambda i: store.commands.send(i, "stop"),
        lambda i: store.runs.rename(i, "x"),
        lambda i: store.runs.tag(i, ["x"]),
    ):
        with pytest.raises(UnknownRun, match="'nobody'"):
            call("nobody")


def test_a_run_that_is_not_over_can_be_asked_for_settings_whether_it_has_a_worker_or_not(store):
    run = claimed(store)
    wanted = {"changes": {"objective.r1": 2.0}}
    assert store.commands.send(run.id, "set", payload=wanted) == "sent"
    store.commands.send(run.id, "pause")
    commit(store, run, "paused", 10, commands_up_to=store.commands.waiting(run.id)[-1].id)
    assert wishes(store, run.id) == ["set"]  # seeing the pause is not obeying the settings
    store.leases.release(run.id, "w1", run.claim_no)
    assert store.commands.send(run.id, "set", payload=wanted) == "sent"
    store.commands.send(run.id, "stop")
    assert wishes(store, run.id) == ["set", "set"] and store.commands.waiting(run.id)[0].payload == wanted
    store.commands.send(run.id, "resume")
    run = store.leases.claim("w2")
    commit(store, run, "finished", 100)
    assert wishes(store, run.id) == [] and store.commands.send(run.id, "set", payload=wanted) == "finished"
    assert {outcome for command, outcome in store.commands.finished(run.id) if command.kind == "set"} == {
        "finished at step 100"
    }


def test_some_steps_wake_a_resting_run_and_are_asked_for_once(store):
    run_id = store.runs.create(CONFIG)
    assert store.commands.send(run_id, "step", payload={"steps": 5}) == "sent"
    store.commands.send(run_id, "stop")
    other = claimed(store)
    commit(store, other, "paused")
    store.leases.release(other.id, "w1", other.claim_no)
    assert store.commands.send(other.id, "step", payload={"steps": 7}) == "queued"
    assert [c.payload for c in store.commands.waiting(other.id)] == [{"steps": 7}]
    run = store.leases.claim("w2")
    assert run.id == other.id
    store.commands.send(run.id, "step", payload={"steps": 7})  # a double click
    assert wishes(store, run.id) == ["step"]


# ---------------------------------------------------------------- longer runs, and branches


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
    assert diary(store, exact) == ["forked"]
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


def test_too_many_snapshots_are_thinned_where_they_stand_closest(store):
    """Ends stay; of the others those with the closest neighbours, in log steps, go. The newest is never lost."""
    run = claimed(store)
    steps = [0, *range(1, 61)]
    commit(store, run, "running", 60, taken=[(step, PIXELS, b"") for step in steps])
    left = store.recordings.snapshot_steps(run.id)
    assert len(left) == 48 and left[0] == 0 and left[-1] == 60
    assert set(range(30)) <= set(left)
    gone = sorted(set(steps) - set(left))
    assert min(np.diff(gone)) >= 2  # no hole of two


# ---------------------------------------------------------------- the queue and the claim


def test_positions_follow_the_order_of_asking(store):
    ids = queue(store, 3)
    assert [store.runs.get(i).position for i in ids] == [1, 2, 3]
    first = store.leases.claim("w1")
    assert first.id == ids[0] and first.position is None
    assert [store.runs.get(i).position for i in ids] == [None, 1, 2]
    commit(store, first, "stopped")
    store.commands.send(first.id, "resume")  # behind those who waited meanwhile
    assert [store.runs.get(i).position for i in ids] == [3, 1, 2]


def test_no_more_than_at_once(store):
    ids = queue(store, 3)
    a, b = store.leases.claim("w1", at_once=2), store.leases.claim("w2", at_once=2)
    assert {a.id, b.id} == set(ids[:2])
    assert store.leases.claim("w3", at_once=2) is None
    commit(store, a, "paused")  # a paused run that still has its worker holds its place
    assert store.leases.claim("w3", at_once=2) is None
    store.leases.release(a.id, "w1", a.claim_no)
    assert store.leases.claim("w3", at_once=2).id == ids[2]


def test_racing_workers_share_no_run_and_keep_the_limit(store_url):
    stores = [Store(store_url) for _ in range(4)]
    barrier = threading.Barrier(len(stores))

    def race(number: int):
        barrier.wait(timeout=30)
        return stores[number].leases.claim(f"w{number}", at_once=2)

    with ThreadPoolExecutor(len(stores)) as pool:
        for _ in range(15):
            ids = [stores[0].runs.create(CONFIG) for _ in range(3)]
            won = [run for run in pool.map(race, range(len(stores))) if run]
            assert len(won) == 2 and len({run.id for run in won}) == 2
            for run in won:
                commit(stores[0], run, "finished")
            assert [stores[0].commands.send(i, "stop") for i in ids].count("stopped") == 1
    for store in stores:
        store.close()


def test_racing_processes_share_no_run(store_url):
    store = Store(store_url)
    ids = {store.runs.create(CONFIG) for _ in range(20)}
    code = (
        "import sys; from gan_core.store import Store; store = Store(sys.argv[1]); sys.stdin.readline()\n"
        "while run := store.leases.claim(sys.argv[2], at_once=100): print(run.id)"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, store_url, name],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("w1", "w2")
    ]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert sorted(won[0] + won[1]) == sorted(ids)
    assert all(store.runs.get(i).worker == name for name, mine in zip(("w1", "w2"), won) for i in mine)
    store.close()


# ---------------------------------------------------------------- leases

EVERYTHING = dict(
    values=[(20, "loss", 1.5)],
    measured=[(20, report())],
    taken=[(20, PIXELS, b"weights")],
    checkpoint=b"state",
    steps_per_second=100.0,
)


def test_a_worker_whose_claim_is_gone_writes_nothing(store):
    run = claimed(store)
    commit(store, run, "running", 10, **(EVERYTHING | {"checkpoint": b"kept"}))
    store.leases.interrupt(["w1"])
    store.commands.send(run.id, "resume")
    newer = store.leases.claim("w1")  # the same worker even: the claim's number tells them apart
    assert newer.claim_no == run.claim_no + 1
    store.commands.send(run.id, "pause")
    before, asked = store.recordings.rows(run.id), store.commands.waiting(run.id)
    late = dict(
        values=[(30, "loss", 9.0)], measured=[(30, report())], taken=[(30, PIXELS, b"late")], checkpoint=b"late"
    )
    with pytest.raises(LeaseLost, match=run.id):
        commit(store, run, "finished", 100, **late)
    with pytest.raises(LeaseLost, match=run.id):
        store.progress.describe(run.id, "w1", run.claim_no, phase="late")
    with pytest.raises(LeaseLost, match=run.id):
        store.progress.rewind(run.id, "w1", run.claim_no, -1)
    assert not store.leases.renew(run.id, "w1", run.claim_no)
    assert store.leases.release(run.id, "w1", run.claim_no, state="interrupted")
    assert store.recordings.rows(run.id) == before and store.commands.waiting(run.id) == asked


def test_a_deleted_run_is_lost_to_its_worker(store):
    run = claimed(store)
    with store.database.writing() as db:
        db.execute(tables.runs.delete())
    with pytest.raises(LeaseLost):
        commit(store, run)


def test_runs_of_dead_workers_are_interrupted_and_others_left_alone(store):
    dead, alive = claimed(store, "dead"), claimed(store, "alive")
    paused = claimed(store, "dead")
    commit(store, paused, "paused")
    store.commands.send(dead.id, "stop")
    assert sorted(store.leases.interrupt(["dead"])) == sorted([dead.id, paused.id])
    assert [store.runs.get(r.id).state for r in (dead, paused, alive)] == ["interrupted", "interrupted", "running"]
    assert diary(store, dead.id) == ["created", "running", "interrupted"]
    assert wishes(store, dead.id) == [] and store.runs.get(dead.id).error
    assert store.leases.interrupt(["dead"]) == []


def test_a_lease_runs_out(store):
    run = claimed(store)
    set_back(store, run.id, 20)
    assert store.leases.interrupt() == []
    set_back(store, run.id, 20)
    assert store.runs.get(run.id).heartbeat_age == pytest.approx(40, abs=5)
    assert store.leases.interrupt() == [run.id]
    assert store.runs.get(run.id).state == "interrupted"


def test_a_heartbeat_keeps_the_lease(store):
    run = claimed(store)
    set_back(store, run.id, 40)
    assert store.leases.renew(run.id, "w1", run.claim_no)
    assert store.leases.interrupt() == []


# ---------------------------------------------------------------- commits


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


def test_a_run_without_checkpoint_or_snapshot(store):
    run_id = store.runs.create(CONFIG)
    assert store.recordings.checkpoint(run_id) is None
    assert store.recordings.snapshot(run_id) is None and store.recordings.snapshot_steps(run_id) == ()
    assert store.recordings.history(run_id).curves == {}


# ---------------------------------------------------------------- reading


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


def test_describing_resolves_the_steps(store):
    run = claimed(store)
    longer = override(CONFIG, {"training.steps": 777})
    store.progress.describe(run.id, "w1", run.claim_no, config=longer, versions={"python": "3"}, threads=2)
    after = store.runs.get(run.id)
    assert (after.total_steps, after.config, after.versions, after.threads) == (777, longer, {"python": "3"}, 2)


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


# ---------------------------------------------------------------- deleting


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
