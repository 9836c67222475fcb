"""Jobs in the store: equal requests share a row, one worker each, and none is lost with its worker."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gan_core.config.presets import preset
from gan_core.records import UnknownRun
from gan_core.store import Store
from gan_core.store.jobs import KEPT_JOBS, Jobs

CONFIG = preset("auto", data="digits")


def ask(store: Store, n: int = 4, **more) -> int:
    return store.jobs.request("reference", params={"dataset": "digits", "n": n}, **more)


def test_equal_requests_share_a_row(store):
    run_id = store.runs.create(CONFIG)
    one = store.jobs.request("sample", run_id=run_id, step=5, params={"n": 4, "seed": 0})
    assert store.jobs.request("sample", run_id=run_id, step=5, params={"seed": 0, "n": 4}) == one
    others = {
        store.jobs.request("neighbours", run_id=run_id, step=5, params={"n": 4, "seed": 0}),
        store.jobs.request("sample", run_id=run_id, step=6, params={"n": 4, "seed": 0}),
        store.jobs.request("sample", run_id=run_id, step=5, params={"n": 4, "seed": 1}),
        store.jobs.request("sample", run_id=store.runs.create(CONFIG), step=5, params={"n": 4, "seed": 0}),
    }
    assert len(others | {one}) == 5


def test_a_request_as_the_worker_sees_it(store):
    job_id = ask(store)
    assert store.jobs.get(job_id).state == "waiting"
    job = store.jobs.claim("w1")
    assert (job.id, job.kind, job.params, job.state) == (job_id, "reference", {"dataset": "digits", "n": 4}, "working")
    assert store.jobs.claim("w2") is None
    store.jobs.progress(job_id, 0.5)
    assert store.jobs.get(job_id).progress == 0.5
    store.jobs.finish(job_id, result=b"answer")
    done = store.jobs.get(job_id)
    assert (done.state, done.result, done.error, done.progress) == ("done", b"answer", None, 1.0)
    assert store.jobs.get(job_id, result=False).result is None
    assert ask(store) == job_id and store.jobs.claim("w1") is None  # an answer is an answer


def test_a_failed_job_is_tried_again_only_when_asked(store):
    job_id = ask(store)
    store.jobs.claim("w1")
    store.jobs.finish(job_id, error="no such data")
    assert (store.jobs.get(job_id).state, store.jobs.get(job_id).error) == ("failed", "no such data")
    assert ask(store) == job_id and store.jobs.claim("w1") is None
    assert ask(store, retry=True) == job_id
    again = store.jobs.claim("w1")
    assert (again.id, again.error, again.progress) == (job_id, None, 0.0)


@pytest.mark.parametrize("end", [dict(result=b"answer"), None])
def test_retry_leaves_what_has_not_failed_alone(store, end):
    job_id = ask(store)
    store.jobs.claim("w1")
    if end:
        store.jobs.finish(job_id, **end)
    before = store.jobs.get(job_id)
    assert ask(store, retry=True) == job_id
    assert store.jobs.get(job_id) == before


def test_first_come_first_served(store):
    ids = [ask(store, n) for n in range(5)]
    assert [store.jobs.claim("w1").id for _ in ids] == ids


def test_a_dead_worker_s_jobs_wait_again(store):
    theirs, ours, done = ask(store, 1), ask(store, 2), ask(store, 3)
    assert store.jobs.claim("dead").id == theirs
    assert store.jobs.claim("alive").id == ours
    assert store.jobs.claim("dead").id == done
    store.jobs.finish(done, result=b"answer")
    store.jobs.give_back(["dead"])
    assert [store.jobs.get(i).state for i in (theirs, ours, done)] == ["waiting", "working", "done"]
    assert store.jobs.claim("alive").id == theirs


def test_the_oldest_answers_are_forgotten_and_open_requests_are_not(store):
    waiting = ask(store, 0)
    ids = [ask(store, n) for n in range(1, KEPT_JOBS + 3)]
    for job_id in ids:
        store.jobs.finish(job_id, result=b"")
    assert [store.jobs.get(i) is None for i in ids[:3]] == [True, True, False]
    assert store.jobs.get(waiting).state == "waiting"


def test_large_answers_are_forgotten_sooner(store):
    jobs = Jobs(store.database, kept_bytes=100)
    ids = [ask(store, n) for n in range(4)]
    for job_id in ids[:3]:
        jobs.finish(job_id, result=bytes(50))
    assert [jobs.get(i) is None for i in ids[:3]] == [True, False, False]
    jobs.finish(ids[3], result=bytes(200))  # the newest stays, however large it is
    assert [jobs.get(i) is None for i in ids] == [True, True, True, False]


def test_unknown_runs_are_named(store):
    with pytest.raises(UnknownRun, match="'nobody'"):
        store.jobs.request("sample", run_id="nobody", step=1)
    assert store.jobs.get(12345) is None


def at_once(n: int, call) -> list:
    """What `n` threads get that call at the same moment."""
    barrier = threading.Barrier(n)

    def one(number: int):
        barrier.wait(timeout=30)
        return call(number)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def test_requests_at_the_same_moment_share_a_row(store):
    for round_ in range(10):
        assert len(set(at_once(4, lambda _, n=round_: ask(store, n)))) == 1


def test_racing_workers_share_no_job(store):
    for round_ in range(10):
        asked = {ask(store, 10 * round_ + i) for i in range(2)}
        won = [job.id for job in at_once(4, lambda number: store.jobs.claim(f"w{number}")) if job]
        assert sorted(won) == sorted(asked)
