"""What this machine says of itself: free memory in and out of containers, and which workers are gone."""

import os
import platform
import subprocess
import sys
import time
from importlib import metadata

import numpy as np
import psutil
import pytest
import sqlalchemy as sa

from gan_core import machine
from gan_core.config.presets import preset
from gan_core.records import StoreError
from gan_core.store import TOLD_TO_END, Store
from gan_core.store import schema as tables

MB = 10**6


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


def container(folder, limit: str, used: str, cache: int, *, old: bool = False):
    """A cgroup as Linux shows it to a container (kernel.org, cgroup-v2.rst and cgroup-v1/memory.rst)."""
    names = ("memory.max", "memory.current", "inactive_file")
    if old:
        names, folder = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"), folder / "memory"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(names, (f"{limit}\n", f"{used}\n")):
        (folder / name).write_text(text)
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cache}\nactive_file 5\n")


@pytest.mark.parametrize("old", [False, True])
def test_a_container_s_limit_counts_but_its_file_cache_does_not(tmp_path, old):
    container(tmp_path, str(100 * MB), str(90 * MB), 20 * MB, old=old)
    assert machine.free_memory(tmp_path) == 30 * MB


def test_an_overfull_container_has_nothing_free(tmp_path):
    container(tmp_path, str(100 * MB), str(110 * MB), 0)
    assert machine.free_memory(tmp_path) == 0


def test_without_a_limit_the_machine_s_memory_counts(tmp_path):
    free = psutil.virtual_memory().available
    container(tmp_path / "none", "max", str(90 * MB), 0)
    for folder in (tmp_path / "none", tmp_path / "nowhere"):
        assert machine.free_memory(folder) == pytest.approx(free, rel=0.2)


def test_versions_name_what_decides_a_result():
    found = machine.versions()
    assert {"python", "numpy", "keras", "tensorflow", "system"} <= found.keys()
    assert found["numpy"] == metadata.version("numpy") and found["python"] == ".".join(map(str, sys.version_info[:3]))


# ---------------------------------------------------------------- dead workers


def ended() -> int:
    """The number of a process that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def busy(store: Store, pid: int, host: str = machine.HOST, silent: float = 0) -> tuple[str, int]:
    """A worker with this process number that trains a run and answers a job; returns both."""
    run_id = store.runs.create(preset("auto", data="digits"), worker_id="w1")
    job_id = store.jobs.request("reference", params={"n": 4})
    store.jobs.claim("w1")
    store.workers.report("w1", host=host, pid=pid, phase="run", memory=0, versions={})
    with store.database.writing() as db:
        db.execute(tables.workers.update().values(heartbeat=tables.workers.c.heartbeat - silent))
    return run_id, job_id


def test_a_dead_process_is_reaped_at_once(store):
    run_id, job_id = busy(store, ended())
    assert machine.reap_dead_workers(store) == [run_id]
    assert store.runs.get(run_id).state == "interrupted"
    assert store.jobs.get(job_id).state == "waiting"
    assert store.workers.all() == []


def test_an_ended_process_nobody_has_asked_about_is_dead(store):
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()  # its end closes the pipe; not waited for, it stays as a zombie
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    run_id, _ = busy(store, process.pid)
    assert machine.reap_dead_workers(store) == [run_id]
    process.wait()


def test_this_process_is_alive_whatever_its_name(store):
    run_id, job_id = busy(store, os.getpid())
    assert machine.reap_dead_workers(store) == []
    assert store.runs.get(run_id).state == "running" and store.jobs.get(job_id).state == "working"


def test_a_process_younger_than_the_last_heartbeat_only_has_its_number(store):
    age = time.time() - psutil.Process().create_time()
    run_id, _ = busy(store, os.getpid(), silent=age + 60)
    assert machine.reap_dead_workers(store) == [run_id]


def test_workers_elsewhere_are_left_to_their_lease(store):
    run_id, job_id = busy(store, ended(), host="elsewhere", silent=70)
    assert machine.reap_dead_workers(store) == []
    assert store.jobs.get(job_id).state == "waiting"
    with store.database.writing() as db:
        db.execute(sa.update(tables.runs).values(heartbeat=tables.runs.c.heartbeat - 31))
    assert machine.reap_dead_workers(store) == [run_id]


def test_an_interrupted_run_is_queued_again_where_that_is_wanted(store):
    run_id, _ = busy(store, ended())
    assert machine.reap_dead_workers(store, resume=True) == [run_id]
    assert store.runs.get(run_id).state == "queued"


OLDEST = 1
"""The number of the process that has been there longest, and so may have sent a heartbeat some minutes ago."""


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def set_heartbeats(store: Store, seconds: float) -> None:
    """As if the database's clock had been moved by so many seconds since the last heartbeats."""
    with store.database.writing() as db:
        for table in (tables.runs, tables.workers):
            db.execute(sa.update(table).values(heartbeat=table.c.heartbeat - seconds))


@pytest.mark.parametrize("seconds", [100, -18_000], ids=["the machine slept", "the clock was set back"])
@pytest.mark.parametrize("host", [machine.HOST, "elsewhere"])
def test_a_worker_that_beats_again_was_not_dead_whatever_the_clock_says(store, seconds, host):
    run_id, job_id = busy(store, OLDEST, host)
    clock = Clock()
    watch = machine.Watch(store, clock=clock)
    assert watch.look() == []
    set_heartbeats(store, seconds)
    assert watch.look() == []
    clock.now += 5
    assert store.leases.renew(run_id, "w1", 1)
    store.workers.report("w1", host=host, pid=OLDEST, phase="run", memory=0, versions={})
    clock.now += 60
    assert watch.look() == []
    assert store.runs.get(run_id).state == "running" and store.jobs.get(job_id).state == "working"


@pytest.mark.parametrize("seconds", [100, -18_000], ids=["long ago", "in the future"])
def test_a_worker_that_is_there_and_stays_silent_loses_its_run_and_its_jobs(store, seconds):
    """A training that a person has suspended: it is not ended, and others go on with its run."""
    run_id, job_id = busy(store, OLDEST)
    clock = Clock()
    watch = machine.Watch(store, clock=clock)
    set_heartbeats(store, seconds)
    assert watch.look() == []
    clock.now += machine.GRACE_SECONDS
    assert watch.look() == [run_id]
    assert "was silent" in store.runs.get(run_id).error and store.jobs.get(job_id).state == "waiting"


def test_while_the_store_cannot_be_written_nobody_is_taken_for_dead(store, monkeypatch):
    """A full disk for minutes: no look raises, and a worker has its time to beat once there is room again."""
    run_id, _ = busy(store, OLDEST, "elsewhere")
    clock = Clock()
    watch = machine.Watch(store, clock=clock)
    set_heartbeats(store, 100)

    def refuse():
        raise StoreError("the store refused: database or disk is full")

    monkeypatch.setattr(store, "check_writable", refuse)
    for _ in range(50):
        clock.now += 2
        assert watch.look() == []
    monkeypatch.undo()
    clock.now += 2
    assert watch.look() == [] and store.runs.get(run_id).state == "running"
    clock.now += machine.GRACE_SECONDS
    assert watch.look() == [run_id]


def test_one_look_does_not_take_a_process_that_is_there_for_dead(store):
    run_id, _ = busy(store, OLDEST)
    set_heartbeats(store, 100)
    assert machine.reap_dead_workers(store) == []
    assert store.runs.get(run_id).state == "running"


# ---------------------------------------------------------------- what goes on by itself


def interrupted_run(store: Store, *reasons: str) -> str:
    """A run that was interrupted for each of these reasons, always at the same step."""
    run_id = store.runs.create(preset("auto", data="digits"))
    for reason in reasons:
        store.commands.send(run_id, "resume")
        run = store.leases.claim("w1", run_id=run_id)
        store.leases.release(run_id, "w1", run.claim_no, state="interrupted", error=reason)
    return run_id


def states(store: Store, run_id: str, *, minutes: float = 0) -> str:
    """The state of a run after a look of a server that resumes, so many minutes after it was interrupted."""
    with store.database.writing() as db:
        db.execute(sa.update(tables.events).values(time=tables.events.c.time - 60 * minutes))
    machine.Watch(store, resume=True).look()
    return store.runs.get(run_id).state


def test_whatever_ended_its_worker_a_run_goes_on_by_itself(store):
    for reason in ("the store could not be used for too long: disk is full", "OSError: no network", TOLD_TO_END):
        assert states(store, interrupted_run(store, reason)) == "queued"


def test_a_run_that_gets_no_further_waits_longer_and_longer_and_then_for_a_person(store):
    assert states(store, interrupted_run(store, "a", "b")) == "interrupted"
    run_id = interrupted_run(store, "a", "b")
    assert states(store, run_id, minutes=0.9) == "interrupted" and states(store, run_id, minutes=0.2) == "queued"
    run_id = interrupted_run(store, "a", "b", "c")
    assert states(store, run_id, minutes=3.9) == "interrupted" and states(store, run_id, minutes=0.2) == "queued"
    assert states(store, interrupted_run(store, *"abcde"), minutes=10_000) == "interrupted"


def test_a_server_that_was_ended_often_is_no_fault_of_the_run(store):
    assert states(store, interrupted_run(store, *[TOLD_TO_END] * 9)) == "queued"


def test_a_run_that_came_from_elsewhere_or_that_a_person_stopped_stays_as_it_is(store):
    came = store.runs.create(preset("auto", data="digits"))
    with store.database.writing() as db:
        db.execute(sa.update(tables.runs).values(state="interrupted"))
    assert states(store, came, minutes=60) == "interrupted"
    stopped = store.runs.create(preset("auto", data="digits"))
    store.commands.send(stopped, "stop")
    assert states(store, stopped) == "stopped"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked for it")
def test_freed_memory_goes_back_to_the_system():
    taken = [np.ones(8_000) for _ in range(2_000)]  # 128 MB in pieces that malloc does not give back by itself
    last = np.ones(8_000)
    before = psutil.Process().memory_info().rss
    del taken
    machine.return_freed_memory()
    assert before - psutil.Process().memory_info().rss > 100e6
    assert last.sum() == 8_000
