"""The queue, claims that no two workers share, and leases that run out."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gan_core.store import Commit, LeaseLost, Store
from gan_core.store import schema as tables
from tests.stored_runs import (
    CONFIG,
    EVERYTHING,
    PIXELS,
    claimed,
    commit,
    event_kinds,
    queue,
    report,
    set_back,
    waiting_kinds,
)

ROOT = Path(__file__).parents[2]


def test_positions_follow_the_order_of_queueing(store):
    ids = queue(store, 3)
    assert [store.runs.get(i).position for i in ids] == [1, 2, 3]
    first = store.leases.claim("w1")
    assert first.id == ids[0] and first.position is None
    assert [store.runs.get(i).position for i in ids] == [None, 1, 2]
    commit(store, first, "stopped")
    store.commands.send(first.id, "resume")  # behind those who waited meanwhile
    assert [store.runs.get(i).position for i in ids] == [3, 1, 2]


def test_owners_take_turns_and_positions_tell_the_order(store):
    of_ada = [store.runs.create(CONFIG, owner="ada") for _ in range(3)]
    of_bob = [store.runs.create(CONFIG, owner="bob") for _ in range(2)]
    of_eve = store.runs.create(CONFIG, owner="eve")
    expected = [of_ada[0], of_bob[0], of_eve, of_ada[1], of_bob[1], of_ada[2]]
    for number in range(6):
        left = expected[number:]
        assert [store.runs.get(run_id).position for run_id in left] == list(range(1, len(left) + 1))
        run = store.leases.claim("w1")
        assert run.id == left[0]
        waiting = {other.id: other.position for other in store.runs.all() if other.position}
        assert waiting == {run_id: place for place, run_id in enumerate(left[1:], 1)}
        commit(store, run, "finished")


def test_whoever_had_the_trainer_longest_ago_is_next_even_after_deleting_runs(store):
    for owner in ("ada", "bob"):
        store.runs.create(CONFIG, owner=owner)
        run = store.leases.claim("w1")
        commit(store, run, "finished")
        store.runs.delete(run.id)
    store.runs.create(CONFIG, owner="bob")
    of_ada = store.runs.create(CONFIG, owner="ada")
    assert store.runs.get(of_ada).position == 1 and store.leases.claim("w1").id == of_ada


def test_with_several_places_nobody_has_two_while_others_have_none(store):
    of_ada = [store.runs.create(CONFIG, owner="ada") for _ in range(4)]
    of_bob = [store.runs.create(CONFIG, owner="bob") for _ in range(2)]
    first, second = store.leases.claim("w1", at_once=2), store.leases.claim("w2", at_once=2)
    assert (first.id, second.id) == (of_ada[0], of_bob[0])
    assert store.runs.get(of_ada[1]).position == 1
    store.progress.commit(second.id, "w2", second.claim_no, Commit("finished", 10, 1.0))
    third = store.leases.claim("w2", at_once=2)
    assert third.id == of_bob[1]  # ada's first run still trains


def test_a_run_that_another_process_should_train_keeps_its_turn(store):
    of_ada, of_bob = store.runs.create(CONFIG, owner="ada"), store.runs.create(CONFIG, owner="bob")
    run = store.leases.claim("w1")
    assert run.id == of_ada and store.runs.get(of_bob).position == 1
    store.leases.release(run.id, "w1", run.claim_no, state="queued")
    assert store.runs.get(of_ada).position == 1 and store.leases.claim("w2").id == of_ada


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
    assert event_kinds(store, dead.id) == ["created", "running", "interrupted"]
    assert waiting_kinds(store, dead.id) == [] and store.runs.get(dead.id).error
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
