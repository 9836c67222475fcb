"""follow(name, real): what somebody's own training logs stands in the store, and nothing here ends that training."""

import os
import signal
import subprocess
import sys
import warnings
from contextlib import nullcontext

import numpy as np
import pytest
import sqlalchemy as sa

from gan_core import follow, machine
from gan_core.codec import to_unit
from gan_core.data import datasets
from gan_core.records import GanometerError, StoreError
from gan_core.store import Store
from gan_core.store import schema as tables

DIGITS = datasets.load("digits")
TEST = DIGITS.test.x
RNG = np.random.default_rng(0)


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def any_store(store_url):
    """A store of each kind."""
    store = Store(store_url)
    yield store
    store.close()


def test_curves_samples_and_distances_stand_in_the_store(any_store):
    store = any_store
    with follow("my gan", "digits", store=store, rows=100, steps=20, seed=3) as run:
        for step in range(0, 21, 5):
            made = to_unit(TEST[step : step + 120])
            run.log(step, samples=made, losses={"generator": step / 10, "d": np.float32(0.5)}, metrics={"fid": 9})
    found = store.runs.get(run.id)
    assert (found.state, found.step, found.total_steps, found.kind) == ("finished", 20, 20, "followed")
    assert (found.config.data.name, found.config.recording.rows, found.config.seed) == ("digits", 100, 3)
    curves = store.recordings.history(run.id).curves
    assert curves["loss/generator"][1].tolist() == [0, 0.5, 1, 1.5, 2] and curves["metric/fid"][1].tolist() == [9] * 5
    steps = store.recordings.snapshot_steps(run.id)
    assert steps[-1] == 20 and curves["energy_distance"][0].tolist() == [*steps]
    np.testing.assert_array_equal(store.recordings.kept_samples(run.id, 20), TEST[20:140])
    np.testing.assert_array_equal(store.recordings.snapshot(run.id).samples, TEST[20:84])
    (report,) = (report for step, report in store.measurements.reports(run.id) if step == 20)
    assert (report.n_fake, report.seed, report.panel) == (100, 0, "live")
    told = [event.payload["note"] for event in store.recordings.events(run.id) if event.kind == "read_as"]
    assert told == ["Samples are read as pictures of 8 × 8 × 1 pixels, channels last, with values in 0..1."]
    assert run.error is None and store.workers.all() == []


def test_real_against_real_is_asked_for_once_for_a_number(store):
    for _ in range(2):
        with follow("mine", "digits", store=store, rows=70) as run:
            run.log(0, samples=to_unit(TEST[:70]))
    with store.database.reading() as db:
        asked = db.execute(sa.select(tables.jobs.c.kind, tables.jobs.c.params)).all()
    assert [tuple(row) for row in asked] == [("reference", '{"dataset": "digits", "n": 70}')]


def test_samples_can_be_a_function_that_is_called_only_when_they_are_measured(store):
    calls = []

    def make():
        calls.append(run.log)
        return to_unit(TEST[:60])

    with follow("mine", "digits", store=store, rows=50) as run:
        for step in range(3_000):
            run.log(step, samples=make, losses={"g": 1.0})
    steps = store.recordings.snapshot_steps(run.id)
    assert 1 < len(calls) == len(steps) < 200
    assert (steps[0], steps[-1]) == (0, 2_999)  # the last one was made by `close`
    assert len(store.recordings.history(run.id, points=5_000).curves["loss/g"][0]) == 3_000


def test_every_says_how_many_steps_lie_between_samples_at_least(store):
    with follow("mine", "digits", store=store, rows=50, every=100) as run:
        for step in range(0, 400, 10):
            run.log(step, samples=to_unit(TEST[:60]))
    assert (np.diff(store.recordings.snapshot_steps(run.id)) >= 100).all()


def test_somebodys_arrays_become_a_data_set_of_their_owner_once(store):
    real = RNG.standard_normal((400, 2)).astype(np.float32)
    for name in ("one", "two"):
        with follow(name, real, train=RNG.standard_normal((200, 2)), store=store, owner="ada", rows=60) as run:
            run.log(7, samples=real[:80])
    found = store.runs.get(run.id)
    info = store.datasets.named(found.config.data.name)
    assert found.dataset == info.sha256 and info.owners == {"ada": False}
    assert store.datasets.files()[info.name][0][2] in ("real samples of one", "real samples of two")
    assert found.config.recording.rows == 60 and store.recordings.kept_samples(run.id, 7).shape == (80, 2)


def test_fewer_samples_than_rows_are_measured_against_as_many_real_ones(store):
    with follow("mine", "digits", store=store, rows=300) as run:
        run.log(0, samples=to_unit(TEST[:64]))
    ((_, report),) = store.measurements.reports(run.id)
    assert (report.n_real, report.n_fake, store.runs.get(run.id).config.recording.rows) == (64, 64, 64)


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (dict(step=-1), "step is -1"),
        (dict(step=1.5), "step is 1.5"),
        (dict(step="a"), "step is str"),
        (dict(step=0, losses=3.0), "losses is float"),
        (dict(step=0, losses={"a": "b"}), "losses['a'] is str"),
        (dict(step=0, losses={"": 1}), "1 to 48 characters"),
        (dict(step=0, metrics={"energy_distance": 1}), "which is measured here"),
        (dict(step=0, losses={str(i): i for i in range(41)}), "at most 40"),
        (dict(step=0, samples=to_unit(TEST[:49])), "at least 50"),
        (dict(step=0, samples=to_unit(TEST[:60, :7])), "a real one is 8 × 8 × 1"),
        (dict(step=0, samples=to_unit(TEST[:60]) * 9 - 4), "scale="),
    ],
)
def test_what_is_wrong_with_the_first_call_is_raised_at_once(store, about, said):
    run = follow("mine", "digits", store=store)
    with pytest.raises(GanometerError) as error:
        run.log(**about)
    run.close()
    assert said in str(error.value)


def log_until(run, said, samples):
    """Log these samples at the next steps until they are taken, and the follower says so."""
    while said not in (run.error or ""):
        run.log(run._step + 1, samples=samples)


def test_what_goes_wrong_later_is_told_once_and_ends_nothing(store):
    def fails():
        raise RuntimeError("out of memory")

    with follow("mine", "digits", store=store, rows=60) as run:
        run.log(0, samples=to_unit(TEST[:60]), losses={"g": 1.0})
        with pytest.warns(RuntimeWarning) as told:
            log_until(run, "59 samples", to_unit(TEST[:59]))
        assert len(told) == 1 and "give 60 as before" in run.error
        with pytest.warns(RuntimeWarning):
            log_until(run, "out of memory", fails)
        with pytest.warns(RuntimeWarning):
            log_until(run, "not finite", np.full((60, 8, 8, 1), np.nan))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run.log("x")
        run.log(9_999, losses={"g": 2.0})
    assert store.recordings.history(run.id).curves["loss/g"][1].tolist() == [1, 2]
    assert store.runs.get(run.id).state == "finished"


def test_what_comes_late_is_left_out_and_counted(store):
    with follow("mine", "digits", store=store) as run:
        for step in (0, 5, 5, 3, 6):
            run.log(step, losses={"g": step})
    assert store.recordings.history(run.id).curves["loss/g"][0].tolist() == [0, 5, 6]
    assert "2 values came at steps that had one" in store.recordings.events(run.id)[1].payload["note"]


def test_a_store_that_is_out_of_reach_is_told_once_and_caught_up_with(store):
    run = follow("mine", "digits", store=store, rows=60)
    run.log(0, samples=to_unit(TEST[:60]), losses={"g": 0.0})
    commit, told = store.progress.commit, []

    def refuses(*args):
        raise StoreError("the store refused: the disk is full", "the disk is full")

    store.progress.commit = refuses
    run._writer._pause = 0.0  # the next commit is due
    run._tell = lambda error: told.append(error) if error is not None else None
    for _ in range(3):
        try:
            run._writer._beat()
        except StoreError as error:
            run._tell_of_store(error)
    run.log(10, losses={"g": 10.0})
    store.progress.commit = commit
    run.close()
    assert {str(error) for error in told} == {"the store refused: the disk is full"}
    assert store.recordings.history(run.id).curves["loss/g"][1].tolist() == [0, 10]
    assert store.recordings.snapshot_steps(run.id) == (0,) and store.runs.get(run.id).state == "finished"


def test_a_run_that_counted_as_interrupted_goes_on_when_its_program_is_heard_again(store):
    run = follow("mine", "digits", store=store)
    worker = store.runs.get(run.id).worker
    assert store.leases.interrupt([worker]) == [run.id]
    found = store.runs.get(run.id)
    assert (found.state, found.worker) == ("interrupted", None) and "ended, or was silent" in found.error
    run._writer._beat()
    found = store.runs.get(run.id)
    assert (found.state, found.worker, found.error) == ("running", worker, None)
    run.close()


# ---------------------------------------------------------------- how it ends


def test_how_a_block_ends_is_how_the_run_ends(store):
    ends = {}
    for error in (KeyboardInterrupt(), ValueError("shapes do not match"), None):
        with nullcontext() if error is None else pytest.raises(type(error)):
            with follow("mine", "digits", store=store) as run:
                if error:
                    raise error
        found = store.runs.get(run.id)
        ends[found.state] = found.error
        assert found.worker is None
    run = follow("mine", "digits", store=store)
    run.close("the loss is not a number")
    run.close()
    found = store.runs.get(run.id)
    ends[found.state] = found.error
    assert ends == {
        "stopped": None,
        "interrupted": "ValueError: shapes do not match",
        "finished": None,
        "failed": "the loss is not a number",
    }


PROGRAM = """
import sys
from gan_core import follow
run = follow("killed", "digits", store=sys.argv[1])
run.log(5, losses={"g": 1.0})
print(run.id, flush=True)
if sys.argv[2] == "wait":
    sys.stdin.read()
print("tensorflow" in sys.modules)
"""


def program(store, then):
    command = [sys.executable, "-c", PROGRAM, store.shown_url, then]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return subprocess.Popen(command, cwd=os.getcwd(), env=os.environ | {"PYTHONPATH": os.getcwd()}, **pipes)


def test_the_run_of_a_program_that_was_killed_is_interrupted(store):
    child = program(store, "wait")
    run_id = child.stdout.readline().strip()
    assert store.runs.get(run_id).state == "running"
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert machine.reap_dead_workers(store, resume=True) == [run_id]
    found = store.runs.get(run_id)
    assert found.state == "interrupted" and "the program that logs it ended" in found.error
    machine.reap_dead_workers(store, resume=True)  # nobody here could go on with it
    assert store.runs.get(run_id).state == "interrupted"


def test_a_program_that_ends_without_closing_leaves_all_it_has_logged_and_loads_no_tensorflow(store):
    child = program(store, "end")
    out, _ = child.communicate(timeout=120)
    run_id, loaded = out.split()
    assert loaded == "False"
    found = store.runs.get(run_id)
    assert (found.state, found.error) == ("interrupted", "the program ended and did not close its log")
    assert store.recordings.history(run_id).curves["loss/g"][0].tolist() == [5]


def test_a_followed_run_takes_no_place_of_a_worker(store):
    with follow("mine", "digits", store=store) as run:
        waiting = store.runs.create(store.runs.get(run.id).config, owner="bob")
        assert store.leases.claim("w", at_once=1).id == waiting
        assert store.runs.unfinished_of("") == 0
