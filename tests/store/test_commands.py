"""Commands: sent to a run, seen and finished by its worker."""

import pytest
import sqlalchemy as sa

from gan_core.records import GanometerError, UnknownRun
from gan_core.store import schema as tables
from tests.stored_runs import CONFIG, claimed, commit, event_kinds, waiting_kinds


@pytest.mark.parametrize("kind", ["pause", "stop"])
def test_sending_twice_is_sending_once(store, kind):
    run = claimed(store)
    assert [store.commands.send(run.id, kind), store.commands.send(run.id, kind)] == ["sent", "sent"]
    assert waiting_kinds(store, run.id) == [kind]


def test_resume_of_a_running_run_and_pause_of_a_paused_one_send_nothing(store):
    run = claimed(store)
    store.commands.send(run.id, "resume")
    assert waiting_kinds(store, run.id) == []
    commit(store, run, "paused")
    store.commands.send(run.id, "pause")
    assert waiting_kinds(store, run.id) == []


def test_a_pause_taken_back_before_it_was_seen(store):
    run = claimed(store)
    store.commands.send(run.id, "pause")
    store.commands.send(run.id, "resume")
    assert waiting_kinds(store, run.id) == ["pause", "resume"]
    commit(store, run, "running", commands_up_to=store.commands.waiting(run.id)[-1].id)
    assert waiting_kinds(store, run.id) == []
    assert event_kinds(store, run.id) == ["created", "running"]


def test_only_commands_the_worker_had_seen_are_finished(store):
    run = claimed(store)
    store.commands.send(run.id, "pause")
    seen = store.commands.waiting(run.id)[-1].id
    store.commands.send(run.id, "resume")
    commit(store, run, "paused", 40, commands_up_to=seen)
    assert waiting_kinds(store, run.id) == ["resume"]
    with store.database.reading() as db:
        found = db.execute(sa.select(tables.commands.c.kind, tables.commands.c.outcome)).all()
    assert sorted(found) == [("pause", "paused at step 40"), ("resume", None)]


def test_the_end_of_a_run_finishes_every_command(store):
    run = claimed(store)
    store.commands.send(run.id, "pause")
    commit(store, run, "finished", 100, commands_up_to=0)
    assert waiting_kinds(store, run.id) == []


def test_a_worker_that_lets_go_leaves_no_command_for_the_next_one(store):
    run = claimed(store)
    store.commands.send(run.id, "stop")
    store.leases.release(run.id, "w1", run.claim_no, state="interrupted")
    assert waiting_kinds(store, run.id) == []


@pytest.mark.parametrize("kind", ["pause", "resume", "stop", "step", "set"])
@pytest.mark.parametrize("end", ["finished", "failed"])
def test_a_command_to_an_ended_run_changes_nothing(store, kind, end):
    run = claimed(store)
    commit(store, run, end)
    before = store.recordings.rows(run.id)
    assert store.commands.send(run.id, kind) == end
    assert store.recordings.rows(run.id) == before and waiting_kinds(store, run.id) == []


def test_a_resume_at_the_last_moment_keeps_the_paused_run_with_its_worker(store):
    run = claimed(store)
    commit(store, run, "paused")
    store.commands.send(run.id, "resume")
    assert not store.leases.release(run.id, "w1", run.claim_no)
    assert store.runs.get(run.id).worker == "w1" and waiting_kinds(store, run.id) == ["resume"]


def test_unknown_commands_and_unknown_runs_are_named(store):
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


def test_a_run_that_is_not_over_can_be_sent_settings_whether_it_has_a_worker_or_not(store):
    run = claimed(store)
    wanted = {"changes": {"objective.r1": 2.0}}
    assert store.commands.send(run.id, "set", payload=wanted) == "sent"
    store.commands.send(run.id, "pause")
    commit(store, run, "paused", 10, commands_up_to=store.commands.waiting(run.id)[-1].id)
    assert waiting_kinds(store, run.id) == ["set"]  # seeing the pause is not obeying the settings
    store.leases.release(run.id, "w1", run.claim_no)
    assert store.commands.send(run.id, "set", payload=wanted) == "sent"
    store.commands.send(run.id, "stop")
    assert waiting_kinds(store, run.id) == ["set", "set"] and store.commands.waiting(run.id)[0].payload == wanted
    store.commands.send(run.id, "resume")
    run = store.leases.claim("w2")
    commit(store, run, "finished", 100)
    assert waiting_kinds(store, run.id) == [] and store.commands.send(run.id, "set", payload=wanted) == "finished"
    assert {outcome for command, outcome in store.commands.finished(run.id) if command.kind == "set"} == {
        "finished at step 100"
    }


def test_some_steps_queue_a_resting_run_and_are_sent_once(store):
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
    assert waiting_kinds(store, run.id) == ["step"]
