"""The worker's host: one worker a server, whatever happens to it, and what dead workers leave behind."""

import itertools
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gan_core import machine
from gan_core.records import StoreError
from gan_core.service.lab import Lab
from gan_core.service.worker_words import STARTING
from gan_core.store import Commit
from gan_core.store import schema as tables
from tests.service.labs import CONFIG, ENDLESS, opened, store_of, wait_until
from tests.stored_runs import set_back


def workers_of(lab: Lab) -> list[int]:
    """Process numbers of this process's living children that work on the lab's store."""
    return [
        c.pid
        for c in psutil.Process().children()
        if machine.is_running(c)
        and "worker" in c.cmdline()
        and c.environ().get("GANOMETER_STORE") == lab.settings.store_url
    ]


@pytest.mark.slow
def test_one_worker_whatever_happens(tmp_path):
    with opened(tmp_path, "process") as lab:
        (first,) = workers_of(lab)
        if psutil.POSIX:  # pages go first
            assert psutil.Process(first).nice() > psutil.Process().nice()
        second = Lab(lab.settings)  # as after a hot reload, or "Clear cache"
        assert workers_of(lab) == [first]
        run_id = lab.runs.start(ENDLESS)
        wait_until(lambda: lab.runs.get(run_id).step)
        assert lab.settings.store_url not in psutil.Process(first).cmdline()  # it may hold a password

        psutil.Process(first).kill()

        def another():
            second.worker.ensure()
            return [pid for pid in workers_of(lab) if pid != first]

        assert len(wait_until(another)) == 1
        wait_until(lambda: second.worker.ensure() or lab.runs.get(run_id).state == "interrupted")
        before = lab.runs.get(run_id).step
        assert lab.runs.resume(run_id) == "queued"
        wait_until(lambda: lab.runs.get(run_id).step > before)
        assert len(workers_of(lab)) == 1
        second.close()
        assert workers_of(lab) == []
        run = lab.runs.get(run_id)
        assert run.state == "interrupted" and run.step == store_of(lab).recordings.checkpoint(run_id)[0]
        assert lab.worker.workers() == []
    assert f"run {run_id}: interrupted" in lab.worker.log_path.read_text()


def test_closing_ends_a_worker_that_has_hardly_begun(tmp_path):
    with opened(tmp_path, "process") as lab:
        assert len(workers_of(lab)) == 1
    assert workers_of(lab) == []


def test_a_lab_without_a_worker_starts_none(lab):
    lab.runs.start(CONFIG)
    assert workers_of(lab) == [] and lab.worker.workers() == []


def silent(lab: Lab, run_id: str, seconds: float):
    """The run, as if its worker had been silent for so long."""
    set_back(store_of(lab), run_id, seconds)
    return store_of(lab).runs.get(run_id)


def test_a_store_that_cannot_be_written_is_said_where_a_worker_is_silent(tmp_path, monkeypatch):
    clock = itertools.count(step=5)
    with opened(tmp_path, clock=lambda: next(clock)) as lab:
        run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
        assert lab.worker.why_a_training_waits(run) is None

        def refuse():
            raise StoreError("the store /a/secret/place refused: database or disk is full", "database or disk is full")

        monkeypatch.setattr(lab._store, "check_writable", refuse)
        assert lab.worker.why_a_training_waits(run) is None  # it beats, so it can write
        said = lab.worker.why_a_training_waits(silent(lab, run.id, 2))
        assert said.title == "The store cannot be written" and "secret" not in said.text
        assert said.text.startswith("Database or disk is full. The training waits for it, and goes on without a lost")
        monkeypatch.undo()
        said = lab.worker.why_a_training_waits(silent(lab, run.id, 8))
        assert said.title == "The worker is silent" and "has been silent for 10 s" in said.text


def test_what_a_worker_has_written_down_is_said_while_it_beats(lab):
    """There may be room for a heartbeat on a full disk, and none for a commit."""
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
    store_of(lab).progress.describe(run.id, "w1", run.claim_no, error="database or disk is full")
    said = lab.worker.why_a_training_waits(lab.runs.get(run.id))
    assert said.title == "The store cannot be written" and said.text.startswith("Database or disk is full.")
    store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(state="running", step=5, seconds=1.0))
    assert lab.worker.why_a_training_waits(lab.runs.get(run.id)) is None


def test_a_run_goes_on_by_itself_where_that_is_wanted_unless_it_only_dies(tmp_path):
    """A worker elsewhere falls silent; the second time without a step in between the run waits before it goes on."""
    clock, found = itertools.count(step=5), []
    with opened(tmp_path, clock=lambda: next(clock), resume=True) as lab:
        run_id = lab.runs.start(CONFIG)
        for step in (10, 20, 20):
            run = store_of(lab).leases.claim("w1")
            store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(state="running", step=step, seconds=1.0))
            set_back(store_of(lab), run_id, 100)
            for _ in range(5):
                lab.worker.ensure()
            found.append(lab.runs.get(run_id).state)
        assert found == ["queued", "queued", "interrupted"]
        with store_of(lab).database.writing() as db:
            db.execute(tables.events.update().values(time=tables.events.c.time - 61))
        lab.worker.ensure()
        assert lab.runs.get(run_id).state == "queued"


def killed(lab: Lab) -> str:
    """The id of a run whose worker process is dead."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    run_id = store_of(lab).runs.create(CONFIG, worker_id="dead")
    store_of(lab).workers.report("dead", host=machine.HOST, pid=process.pid, phase="run", memory=0, versions={})
    return run_id


@pytest.mark.parametrize(
    ("do", "state"),
    [
        (lambda lab, run_id: lab.runs.resume(run_id), "queued"),
        (lambda lab, run_id: lab.runs.step(run_id, 5), "queued"),
        (lambda lab, run_id: lab.runs.stop(run_id), "interrupted"),
        (lambda lab, run_id: lab.runs.pause(run_id), "interrupted"),
        (lambda lab, run_id: lab.runs.extend(run_id, 5), "queued"),
    ],
)
def test_a_click_sees_at_once_that_a_worker_has_died(tmp_path, do, state):
    with opened(tmp_path, clock=lambda: 0.0) as lab:
        assert lab.runs.newest() == []  # it has just looked for dead workers
        run_id = killed(lab)
        assert do(lab, run_id) in (state, None)
        assert lab.runs.get(run_id).state == state


def test_a_run_whose_worker_has_died_can_be_deleted_at_once(tmp_path):
    with opened(tmp_path, clock=lambda: 0.0) as lab:
        lab.runs.delete(killed(lab))
        assert lab.runs.newest() == []


def test_a_listing_sees_what_has_died_since_the_last_look(tmp_path):
    clock = itertools.count(step=5)
    with opened(tmp_path, clock=lambda: next(clock)) as lab:
        run_id = killed(lab)
        assert [run.state for run in lab.runs.newest()] == ["interrupted"] and lab.runs.get(run_id).worker is None


# ---------------------------------------------------------------- a worker that does not come up


class Minutes:
    """Seconds that pass when a test says so; `look` lets a server look every few of them."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def look(self, lab: Lab, seconds: float) -> None:
        """Let so many seconds pass, and the server look in between."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 2.5)
            lab.worker.ensure()


def program(folder: Path, text: str) -> str:
    """A program that stands for Python."""
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def children(name: str) -> list[psutil.Process]:
    return [c for c in psutil.Process().children() if machine.is_running(c) and name in c.cmdline()]


def test_a_worker_that_cannot_be_started_is_said_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with opened(tmp_path, "process") as lab:
        assert lab.worker.why_a_run_waits() == lab.worker.why_a_job_waits()
        assert lab.worker.why_a_run_waits().startswith("The worker cannot be started: No such file or directory.")
        assert str(tmp_path) not in lab.worker.why_a_run_waits()


def test_a_worker_that_ends_again_and_again_is_started_after_longer_and_longer_pauses(tmp_path, monkeypatch):
    said = f"echo begun >> {tmp_path}/begun; echo no memory left; exit 3"
    monkeypatch.setattr(sys, "executable", program(tmp_path, said))
    clock = Minutes()
    with opened(tmp_path, "process", clock=clock) as lab:
        for _ in range(40):
            wait_until(lambda: not children("worker"))
            clock.look(lab, 2.5)
        begun = (tmp_path / "begun").read_text().count("begun")
        assert 4 <= begun <= 8  # in a hundred seconds
        said = lab.worker.why_a_run_waits()
        assert "ended unexpectedly, and said last: no memory left." in said and "is started after" in said


@pytest.mark.skipif(not psutil.POSIX, reason="a program that stands for Python is a shell script")
def test_a_worker_that_is_never_heard_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", program(tmp_path, "exec sleep 4321"))
    clock = Minutes()
    with opened(tmp_path, "process", clock=clock) as lab:
        (first,) = wait_until(lambda: children("4321"))
        assert lab.worker.why_a_run_waits() == STARTING
        clock.now += 10_000  # nobody has looked for hours: that is not the worker's silence
        lab.worker.ensure()
        clock.look(lab, 60)
        assert children("4321") == [first]
        clock.look(lab, 60)
        assert not machine.is_running(first)
        (second,) = wait_until(lambda: children("4321"))
        assert second != first


def test_a_log_that_cannot_be_written_hinders_no_worker(tmp_path):
    (tmp_path / "worker.log").mkdir()
    with opened(tmp_path, "process") as lab:
        assert len(workers_of(lab)) == 1
