"""Runs: starting, forking and repeating them, also with double clicks and several servers, and the queue."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gan_core.config.run_config import ConfigError, override
from gan_core.records import GanometerError, UnknownRun
from gan_core.service.lab import Lab
from gan_core.service.permissions import NotAllowed
from gan_core.settings import Settings
from gan_core.store import Commit, Edit
from tests.service.labs import CONFIG, finish_by_hand, finished_by_hand, seeds_of, shared, store_of


def test_queueing_renaming_stopping_deleting(lab):
    run_id = lab.runs.start(CONFIG)
    assert (lab.runs.get(run_id).state, lab.runs.get(run_id).position) == ("queued", 1)
    assert lab.results.dataset_of(lab.runs.get(run_id)) is lab.results.live_reference(lab.runs.get(run_id)) is None
    lab.runs.rename(run_id, "better")
    lab.runs.tag(run_id, ["class 4b"])
    assert (lab.runs.get(run_id).name, lab.runs.get(run_id).tags) == ("better", ("class 4b",))
    assert (
        lab.runs.stop(run_id) == "stopped"
        and lab.runs.resume(run_id) == "queued"
        and lab.runs.stop(run_id) == "stopped"
    )
    lab.runs.delete(run_id)
    assert lab.runs.newest() == []


def test_two_visitors_in_turn_who_click_twice_get_one_run_each(lab):
    clicks = [lab.runs.start(CONFIG, by=by, nonce=nonce) for nonce, by in [("a", "ada"), ("b", "bob")] * 2]
    assert clicks[:2] == clicks[2:] and len(set(clicks)) == len(lab.runs.newest()) == 2
    assert lab.runs.start(CONFIG, by="ada", nonce="c") not in clicks  # a form that was drawn anew


def test_without_a_nonce_every_start_is_a_new_one(lab):
    assert lab.runs.start(CONFIG) != lab.runs.start(CONFIG) and len(lab.runs.newest()) == 2


def test_a_start_that_was_refused_may_be_tried_again_and_a_double_click_counts_once(tmp_path):
    with shared(tmp_path, queued=1) as lab:
        first = lab.runs.start(CONFIG, by="ada", nonce="a")
        assert lab.runs.start(CONFIG, by="ada", nonce="a") == first
        with pytest.raises(NotAllowed, match="at most 1"):
            lab.runs.start(CONFIG, by="ada", nonce="b", again=True)
        lab.runs.stop(first, by="ada")
        assert lab.runs.start(CONFIG, by="ada", nonce="b") != first


def test_a_double_click_forks_once(lab):
    run_id, longer = finished_by_hand(lab), {"training.steps": 60}
    one, other = [lab.runs.fork(run_id, 40, longer, by=by, nonce=by) for by in ("ada", "bob")]
    assert lab.runs.fork(run_id, 40, longer, by="ada", nonce="ada") == one != other
    assert lab.runs.fork(run_id, 40, longer) not in (one, other) and len(lab.runs.newest()) == 4


def changed(lab, run_id, step, r1) -> None:
    """A worker has trained up to a step, and changed the weight of R1 there."""
    store = store_of(lab)
    run = store.leases.claim("w1", at_once=9, run_id=run_id) or lab.runs.get(run_id)
    before, config = run.config.objective.r1, override(run.config, {"objective.r1": r1})
    assert lab.runs.change(run_id, {"objective.r1": r1}) == "sent"
    (command,) = lab.runs.sent_commands(run)
    edit = Edit(command.id, {"objective.r1": (before, r1)}, "")
    taken = [(step, np.zeros((64, 8, 8, 1), np.uint8), b"")]
    about = dict(state="running", step=step, seconds=1.0, steps_per_second=1.0, checkpoint=b"state")
    store.progress.commit(run_id, "w1", run.claim_no, Commit(edits=[edit], config=config, taken=taken, **about))


def test_a_fork_and_a_duplicate_have_the_settings_of_their_step(lab):
    run_id, first = lab.runs.start(CONFIG), CONFIG.objective.r1
    for step, r1 in ((10, 2.0), (20, 3.0)):
        changed(lab, run_id, step, r1)
    run = lab.runs.get(run_id)
    assert [lab.runs.config_at(run, step).objective.r1 for step in (0, 9, 10, 15, 20, 30)] == [first, first, 2, 2, 3, 3]
    assert lab.runs.first_config(run) == CONFIG
    forks = [lab.runs.get(lab.runs.fork(run_id, step)) for step in (10, 20)]
    assert [fork.config.objective.r1 for fork in forks] == [2, 3]
    assert lab.runs.get(lab.runs.fork(run_id, 10, {"objective.r1": 9.0})).config.objective.r1 == 9
    changed(lab, forks[0].id, 15, 4.0)  # a fork of a fork goes on with what the fork had
    fork = lab.runs.get(forks[0].id)
    assert [lab.runs.config_at(fork, step).objective.r1 for step in (10, 15)] == [2, 4]
    assert lab.runs.first_config(fork) == forks[0].config


def test_a_fork_of_the_last_step_trains_as_many_steps_as_the_run_had(lab):
    run_id = finished_by_hand(lab)
    fork = lab.runs.get(lab.runs.fork(run_id, 40))
    assert (fork.step, fork.total_steps) == (40, 80)
    assert lab.runs.get(lab.runs.fork(run_id, 40, {"training.steps": 50})).total_steps == 50
    with pytest.raises(ConfigError, match="give more"):
        lab.runs.fork(run_id, 40, {"training.steps": 40})
    finish_by_hand(lab, store_of(lab).leases.claim("w1", run_id=fork.id), first=50)
    assert lab.runs.get(lab.runs.fork(fork.id, 80)).total_steps == 120  # the fork itself had 40


def test_a_double_click_on_more_steps_adds_them_once(lab):
    """Even where the run has ended again before the second one comes."""
    run_id = finished_by_hand(lab)
    lab.runs.extend(run_id, 10, nonce="a")
    finish_by_hand(lab, store_of(lab).leases.claim("w1"), 50)
    lab.runs.extend(run_id, 10, nonce="a")
    assert (lab.runs.get(run_id).total_steps, lab.runs.get(run_id).state) == (50, "finished")
    lab.runs.extend(run_id, 10, nonce="b")
    assert (lab.runs.get(run_id).total_steps, lab.runs.get(run_id).state) == (60, "queued")


@pytest.fixture
def servers(store_url, tmp_path):
    """Two servers on one store."""
    found = [Lab(Settings(tmp_path / name, store_url, None, "none"), examples=tmp_path) for name in ("one", "other")]
    yield found
    for server in found:
        server.close()


@pytest.mark.parametrize("request_", ["start", "repeat"])
def test_the_same_request_at_the_same_moment_on_two_servers_is_one(servers, request_):
    barrier, first = threading.Barrier(2), servers[0].runs.start(CONFIG)
    rounds = range(5) if request_ == "start" else [0]

    def ask(server: Lab) -> list:
        made = []
        for number in rounds:
            barrier.wait(timeout=30)
            made.append(
                server.runs.start(CONFIG, nonce=str(number)) if request_ == "start" else server.runs.repeat(first)
            )
        return made

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ask, servers)
    assert one == other and len(servers[0].runs.newest()) == (6 if request_ == "start" else 5)


def test_a_queued_run_knows_about_when_its_turn_comes(lab):
    """What runs has so long to go, and what waits ahead takes as long as its like did."""
    done = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
    key = (done.id, "w1", done.claim_no)
    store_of(lab).progress.commit(*key, Commit(state="finished", step=40, seconds=2.0, steps_per_second=20.0))
    first, second, third = (lab.runs.start(override(CONFIG, {"seed": seed})) for seed in (1, 2, 3))
    assert lab.runs.seconds_to_wait(lab.runs.get(second)) == pytest.approx(2.0)
    run = store_of(lab).leases.claim("w1", run_id=first)
    assert lab.runs.seconds_to_wait(lab.runs.get(third)) == pytest.approx(4.0)  # a run that has just begun, too
    store_of(lab).progress.commit(run.id, "w1", 1, Commit(state="running", step=20, seconds=2.0, steps_per_second=9.0))
    assert lab.runs.seconds_to_wait(lab.runs.get(second)) == pytest.approx(20 * (2 / 20 + 4 / 60) / 2)
    assert lab.runs.seconds_to_wait(lab.runs.get(third)) == pytest.approx(20 * (2 / 20 + 4 / 60) / 2 + 40 * 4 / 60)
    strange = lab.runs.start(override(CONFIG, {"data.name": "ring-8", "generator.latent_dim": 2}))
    assert (
        lab.runs.seconds_to_wait(lab.runs.get(lab.runs.start(override(CONFIG, {"seed": 4})))) is None
    )  # its like has never run
    assert lab.runs.seconds_to_wait(lab.runs.get(strange)) is not None and lab.runs.seconds_to_wait(done) is None


@pytest.mark.parametrize("slower", [0.7, 1.0, 1.4])
def test_the_time_to_wait_only_shrinks_while_runs_train(lab, slower):
    """Also where they are somewhat slower or faster than the runs before, and whatever their speed of the moment is."""
    store = store_of(lab)
    done = store.leases.claim("w1", run_id=lab.runs.start(CONFIG))
    store.progress.commit(done.id, "w1", 1, Commit(state="finished", step=40, seconds=40.0, steps_per_second=1.0))
    *ahead, last = [lab.runs.start(override(CONFIG, {"seed": seed})) for seed in (1, 2, 3)]
    waits = [lab.runs.seconds_to_wait(lab.runs.get(last))]
    for run_id in ahead:
        run = store.leases.claim("w1", run_id=run_id)
        waits.append(lab.runs.seconds_to_wait(lab.runs.get(last)))
        for step in range(5, 41, 5):
            state, pace = ("finished" if step == 40 else "running"), 0.1 if step % 10 else 9.0
            about = dict(state=state, step=step, seconds=5 * slower, steps_per_second=pace)
            store.progress.commit(run.id, "w1", run.claim_no, Commit(**about))
            waits.append(lab.runs.seconds_to_wait(lab.runs.get(last)))
    assert waits[0] == pytest.approx(80.0) and waits[-1] == 0.0
    assert waits == sorted(waits, reverse=True)


def test_a_repetition_adds_the_seeds_that_are_missing(lab):
    first = lab.runs.start(override(CONFIG, {"seed": 2}), name="mine")
    ids = lab.runs.repeat(first)
    assert seeds_of(lab, ids) == [0, 1, 2, 3, 4] and ids[2] == first
    assert {lab.runs.get(i).name for i in ids} == {"mine", *(f"mine · seed {seed}" for seed in (0, 1, 3, 4))}
    for made in ids:
        assert override(lab.runs.get(made).config, {"seed": 2}) == lab.runs.get(first).config
    assert (
        lab.runs.repeat(ids[0]) == ids == lab.runs.repeat(first)
    )  # there is nothing left to add, however often one asks
    assert lab.runs.repeat(first, 3) == ids and len(lab.runs.newest()) == 5
    more = lab.runs.repeat(ids[-1], 6)
    assert seeds_of(lab, more) == [0, 1, 2, 3, 4, 5] and lab.runs.get(more[-1]).name == "mine · seed 5"


def test_clicks_at_the_same_moment_repeat_once(lab):
    first = lab.runs.start(CONFIG)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: lab.runs.repeat(first), range(4)))
    assert found[1:] == found[:1] * 3 and len(lab.runs.newest()) == 5


def test_a_stopped_run_is_no_repetition_of_another_one(lab):
    first, second = lab.runs.start(CONFIG), lab.runs.start(override(CONFIG, {"seed": 1}))
    lab.runs.stop(second)
    ids = lab.runs.repeat(first, 2)
    assert seeds_of(lab, ids) == [0, 1] and second not in ids


def test_a_time_becomes_the_steps_it_was_found_to_be(lab):
    timed = override(CONFIG, {"training.seconds": 9})
    first = lab.runs.start(timed)
    with pytest.raises(GanometerError, match="not yet a number of steps"):
        lab.runs.repeat(first)
    run = store_of(lab).leases.claim("w1")
    resolved = override(timed, {"training.steps": 777})
    store_of(lab).progress.describe(first, "w1", run.claim_no, config=resolved)
    store_of(lab).progress.commit(first, "w1", run.claim_no, Commit(state="running", step=10, seconds=1.0))
    _, other = lab.runs.repeat(first, 2)
    assert (lab.runs.get(other).config.training.steps, lab.runs.get(other).config.training.seconds) == (777, None)


def test_what_cannot_be_repeated_is_said(lab):
    first = lab.runs.start(CONFIG)
    for seeds in (1, 21):
        with pytest.raises(ConfigError, match=f"seeds is {seeds}; give 2 to 20"):
            lab.runs.repeat(first, seeds)
    with pytest.raises(UnknownRun):
        lab.runs.repeat("00000000")
    run = store_of(lab).leases.claim("w1")
    store_of(lab).progress.commit(
        first, "w1", run.claim_no, Commit(state="running", step=10, seconds=1.0, checkpoint=b"state")
    )
    branch = lab.runs.fork(first, 10)
    with pytest.raises(GanometerError, match=f"run {branch} was forked from run {first}"):
        lab.runs.repeat(branch)
