"""Lanes of jobs: quick ones do not wait for long ones, and what nobody wants any more ends soon."""

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from gan_core.config.run_config import override
from gan_core.distances.threads import in_threads, interrupted_by, one_blas_thread, one_thread
from gan_core.jobs.browse import Browse
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.service.lab import Lab
from gan_core.settings import Settings
from gan_core.store import Store
from gan_core.store.jobs import Cancelled
from gan_core.worker.job_lane import _Report
from tests.service.labs import CONFIG, close, ended, wait_until


@contextmanager
def working(folder, **more):
    """A lab of a shared server with a worker process of its own."""
    settings = Settings(folder, f"sqlite:///{folder / 'store.sqlite'}", None, shared=True, **more)
    lab = Lab(settings)
    try:
        yield lab
    finally:
        close(lab)


def measure(lab, run, *, by: str, seed: int) -> int:
    """Press "Measure everything"."""
    return lab.jobs.request(MeasureParameters(400, seed, "pixels", "full"), run_id=run.id, step=run.step, by=by)


@pytest.mark.slow
def test_a_quick_job_does_not_wait_for_the_long_ones_of_ten_people(tmp_path):
    with working(tmp_path) as lab:
        run = ended(lab, lab.runs.start(CONFIG, by="ada"))
        warm = lab.jobs.request(Browse(seed=1), run_id=run.id, step=run.step, by="ada")
        wait_until(lambda: lab.jobs.state(warm) == "done")
        long = [measure(lab, run, by=f"person {n}", seed=10 * n + m) for m in range(1, 4) for n in range(1, 11)]
        wait_until(lambda: any(lab.jobs.state(job_id) == "working" for job_id in long))
        took = []
        for seed in (2, 3, 4):
            asked = time.monotonic()
            quick = lab.jobs.request(Browse(seed=seed), run_id=run.id, step=run.step, by="eve")
            wait_until(lambda job_id=quick: lab.jobs.state(job_id) == "done")
            took.append(time.monotonic() - asked)
        states = [lab.jobs.state(job_id) for job_id in long]
        times = ", ".join(f"{t:.2f} s" for t in took)
        print(f"\na quick job among {states.count('waiting') + 1} long ones: {times}")  # noqa: T201
        assert states.count("waiting") >= 10 and max(took) < 3
        turns = wait_until(lambda: [n for n, job_id in enumerate(long) if lab.jobs.state(job_id) == "done"])
        assert turns[0] < 10  # the first round belongs to ten different people


@pytest.mark.slow
def test_a_long_job_on_mnist_is_cancelled_within_moments(tmp_path, mnist_folder):
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'store.sqlite'}", mnist_folder)
    lab = Lab(settings)
    try:
        config = lab.recipes.preset("auto", data="mnist")
        tiny = {"training.steps": 5, "training.batch": 16, "recording.rows": 60}
        run = ended(lab, lab.runs.start(override(config, tiny)))
        took = []
        for space in ("pixels", "classifier"):
            asked = MeasureParameters(5000, 1, space, "full")
            job_id = lab.jobs.request(asked, run_id=run.id, step=run.step)
            wait_until(lambda job_id=job_id: lab.jobs.get(job_id).progress > 0, seconds=120)
            lab.jobs.cancel(job_id)
            cancelled = time.monotonic()
            next_id = lab.jobs.request(MeasureParameters(100, 1), run_id=run.id, step=run.step, retry=True)
            wait_until(lambda next_id=next_id: lab.jobs.state(next_id) != "waiting", seconds=60)
            took.append(time.monotonic() - cancelled)
            wait_until(lambda next_id=next_id: lab.jobs.state(next_id) == "done")
            assert lab.jobs.state(job_id) == "cancelled"
        print(f"\na long job has ended after {', '.join(f'{t:.1f} s' for t in took)}")  # noqa: T201
        assert max(took) < 10
    finally:
        close(lab)


def test_work_in_threads_is_interrupted_between_tasks():
    class Enough(Exception):
        pass

    done, looked = [], []

    def look():
        looked.append(1)
        if len(looked) > 3:
            raise Enough

    with interrupted_by(look), pytest.raises(Enough):
        in_threads(lambda task: time.sleep(0.01) or done.append(task), list(range(1000)), 2)
    assert len(done) <= 4
    before = len(looked)
    assert in_threads(lambda task: task, [1, 2], 2) == [1, 2] and len(looked) == before  # outside nobody looks


def test_the_number_of_blas_threads_is_what_it_was_after_two_that_overlap():
    from threadpoolctl import threadpool_info

    def now() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    np.ones((2, 2)) @ np.ones((2, 2))
    before, first_in, second_in = now(), threading.Event(), threading.Event()

    def first():
        with one_thread():
            first_in.set()
            second_in.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    first_in.wait(10)
    with one_blas_thread:
        second_in.set()
        thread.join()  # the first one leaves while the second one is inside
        assert now() == {1}
    assert now() == before


def test_the_store_says_what_is_cancelled_while_it_is_computed(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    job_id = store.jobs.request("reference", params={"n": 4}, owner="ada")
    store.jobs.claim("w1")
    report = _Report(store, job_id, "w1")
    report.progress(0.5)
    store.jobs.cancel(job_id, "ada")
    with pytest.raises(Cancelled):
        report.progress(0.6)
    with pytest.raises(Cancelled):
        report.look()
    store.close()
