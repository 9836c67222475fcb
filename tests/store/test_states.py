"""The states of a run, and the event log that keeps every change of them."""

import pytest

from tests.stored_runs import CONFIG, claimed, commit, event_kinds


def test_a_new_run_waits_and_says_so(store):
    run = store.runs.get(store.runs.create(CONFIG, name="mine", owner="ada"))
    assert (run.state, run.name, run.owner, run.step, run.total_steps) == ("queued", "mine", "ada", 0, 100)
    assert run.config == CONFIG and run.worker is None and run.position == 1
    assert event_kinds(store, run.id) == ["created"]


def test_a_run_of_the_command_line_is_claimed_from_the_start(store):
    run = store.runs.get(store.runs.create(CONFIG, worker_id="w1"))
    assert (run.state, run.worker, run.claim_no) == ("running", "w1", 1)
    assert event_kinds(store, run.id) == ["created", "running"]
    assert store.leases.claim("w2", at_once=100) is None


@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
def test_an_ended_run_has_no_worker_and_a_time(store, end):
    run = claimed(store)
    commit(store, run, end, 70, error="diverged at step 70" if end == "failed" else None)
    after = store.runs.get(run.id)
    assert (after.state, after.step, after.worker, after.phase) == (end, 70, None, "")
    assert after.ended >= after.started >= after.created
    assert event_kinds(store, run.id) == ["created", "running", end]
    assert store.recordings.events(run.id)[0].step == 70
    assert after.error == ("diverged at step 70" if end == "failed" else None)


def test_a_failure_is_in_the_event_log_with_its_reason(store):
    run = claimed(store)
    commit(store, run, "failed", 7, error="diverged at step 7")
    assert store.recordings.events(run.id)[0].payload == {"error": "diverged at step 7"}


def test_pausing_and_going_on_keeps_the_worker(store):
    run = claimed(store)
    commit(store, run, "paused")
    assert (store.runs.get(run.id).state, store.runs.get(run.id).worker) == ("paused", "w1")
    commit(store, run, "running")
    commit(store, run, "finished", 100)
    assert event_kinds(store, run.id) == ["created", "running", "paused", "running", "finished"]


def test_a_commit_that_changes_no_state_adds_no_event(store):
    run = claimed(store)
    for step in (10, 20, 30):
        commit(store, run, "running", step)
    assert event_kinds(store, run.id) == ["created", "running"]
    assert store.runs.get(run.id).seconds == 3.0


def test_a_paused_run_given_up_by_its_worker_stays_paused_and_can_be_resumed(store):
    run = claimed(store)
    commit(store, run, "paused")
    assert store.leases.release(run.id, "w1", run.claim_no)
    assert (store.runs.get(run.id).state, store.runs.get(run.id).worker) == ("paused", None)
    assert store.commands.send(run.id, "resume") == "queued"
    again = store.leases.claim("w2")
    assert (again.id, again.state, again.worker, again.claim_no) == (run.id, "running", "w2", run.claim_no + 1)
    assert event_kinds(store, run.id) == ["created", "running", "paused", "queued", "running"]


def test_a_worker_that_ends_leaves_its_run_interrupted(store):
    run = claimed(store)
    commit(store, run, "running", 10)
    assert store.leases.release(run.id, "w1", run.claim_no, state="interrupted")
    assert store.runs.get(run.id).state == "interrupted"
    assert event_kinds(store, run.id) == ["created", "running", "interrupted"]


def test_a_command_to_a_run_given_back_to_the_queue_waits_for_the_next_worker(store):
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
    assert event_kinds(store, run.id) == ["created", "running", state, "queued"]
    assert store.commands.send(run.id, "resume") == "queued"
    assert event_kinds(store, run.id) == ["created", "running", state, "queued"]


def test_stopping_a_queued_run_happens_at_once(store):
    run_id = store.runs.create(CONFIG)
    assert store.commands.send(run_id, "stop") == "stopped"
    assert store.commands.send(run_id, "stop") == "stopped"
    assert event_kinds(store, run_id) == ["created", "stopped"]
    assert store.leases.claim("w1") is None


def test_pausing_a_queued_run_happens_at_once_and_resuming_queues_it_again(store):
    run_id = store.runs.create(CONFIG)
    assert store.commands.send(run_id, "pause") == "paused"
    assert store.commands.send(run_id, "pause") == "paused"
    assert store.leases.claim("w1") is None
    assert store.commands.send(run_id, "resume") == "queued"
    assert event_kinds(store, run_id) == ["created", "paused", "queued"]
    assert store.leases.claim("w1").id == run_id


def test_stopping_a_paused_run_without_a_worker_happens_at_once(store):
    run = claimed(store)
    commit(store, run, "paused")
    store.leases.release(run.id, "w1", run.claim_no)
    assert store.commands.send(run.id, "stop") == "stopped"
    assert event_kinds(store, run.id) == ["created", "running", "paused", "stopped"]
