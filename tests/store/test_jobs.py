"""Jobs in the store: equal requests share a row, one worker each, and none is lost with its worker."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gan_core.config.presets import preset
from gan_core.records import GanometerError, UnknownRun
from gan_core.store import Store
from gan_core.store.jobs import KEPT_JOBS, Cancelled, Jobs

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
    store.jobs.progress(job_id, "w1", 0.5)
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


def test_owners_take_turns_and_each_one_s_oldest_comes_first(store):
    of_ada = [ask(store, n, owner="ada") for n in range(1, 5)]
    own = ask(store, 90)  # the worker's own request comes after people's, though it is the oldest but one
    of_bob = [ask(store, n, owner="bob") for n in range(11, 13)]
    of_eve = ask(store, 21, owner="eve")
    served = [store.jobs.claim("w1").id for _ in range(8)]
    assert served[0] == of_ada[0] and set(served[:3]) == {of_ada[0], of_bob[0], of_eve}
    assert served[3:5] == [of_ada[1], of_bob[1]] and served[5:] == [of_ada[2], of_ada[3], own]
    late = [ask(store, 31, owner="ada"), ask(store, 32, owner="eve"), ask(store, 33, owner="dan")]
    for job_id in served:
        store.jobs.finish(job_id, result=b"")
    assert [store.jobs.claim("w1").id for _ in late] == [late[2], late[1], late[0]]


def test_whoever_has_nothing_at_work_comes_before_whoever_has(store):
    of_ada = [ask(store, n, owner="ada") for n in range(2)]
    assert store.jobs.claim("w1").id == of_ada[0]
    of_bob = [ask(store, n, owner="bob") for n in range(10, 12)]
    assert store.jobs.claim("w2").id == of_bob[0]
    store.jobs.finish(of_bob[0], result=b"")
    assert store.jobs.claim("w2").id == of_bob[1]  # ada was served before bob, but hers is still at work


def test_quick_jobs_have_a_line_of_their_own(store):
    long, quick = [ask(store, n, owner="ada") for n in range(2)], store.jobs.request("browse", owner="ada")
    assert store.jobs.claim("w1", quick=("browse",)).id == long[0]
    assert store.jobs.claim("w1", line="quick jobs", quick=("browse",)).id == quick
    assert store.jobs.claim("w1", line="quick jobs", quick=("browse",)) is None


def test_a_waiting_job_is_cancelled_at_once_and_asked_for_again(store):
    job_id = ask(store, owner="ada")
    store.jobs.cancel(job_id, "ada")
    assert store.jobs.get(job_id).state == "cancelled" and store.jobs.claim("w1") is None
    assert ask(store, owner="ada") == job_id and store.jobs.get(job_id).state == "cancelled"
    assert ask(store, owner="bob", retry=True) == job_id and store.jobs.askers(job_id) == {"bob": True}
    assert store.jobs.claim("w1").id == job_id


def test_a_job_at_work_ends_at_its_next_report_and_its_answer_is_not_kept(store):
    job_id = ask(store, owner="ada")
    store.jobs.claim("w1")
    store.jobs.progress(job_id, "w1", 0.2)
    store.jobs.cancel(job_id, "ada")
    with pytest.raises(Cancelled):
        store.jobs.progress(job_id, "w1", 0.4)
    store.jobs.finish(job_id, result=b"late")
    cancelled = store.jobs.get(job_id)
    assert (cancelled.state, cancelled.result) == ("cancelled", None)
    ask(store, owner="ada", retry=True)
    assert store.jobs.claim("w2").id == job_id
    with pytest.raises(Cancelled):  # the first worker has not noticed yet
        store.jobs.progress(job_id, "w1", 0.6)


def test_cancelling_does_not_take_a_job_from_others_who_asked_for_it(store):
    job_id = ask(store, owner="ada")
    assert ask(store, owner="bob") == job_id
    store.jobs.cancel(job_id, "ada")
    assert store.jobs.askers(job_id) == {"ada": False, "bob": True} and store.jobs.get(job_id).state == "waiting"
    assert ask(store, owner="ada") == job_id and store.jobs.askers(job_id)["ada"] is False  # not by looking at it
    ask(store, owner="ada", retry=True)
    store.jobs.cancel(job_id, "bob")
    assert store.jobs.claim("w1").id == job_id
    store.jobs.cancel(job_id, "ada")
    assert store.jobs.get(job_id).state == "cancelled"


def test_an_answer_stays_when_somebody_cancels_too_late(store):
    job_id = ask(store, owner="ada")
    store.jobs.finish(job_id, result=b"answer")
    store.jobs.cancel(job_id, "ada")
    assert store.jobs.get(job_id).result == b"answer"


def test_what_a_person_cancelled_a_worker_asks_for_anew(store):
    job_id = ask(store, owner="ada")
    store.jobs.cancel(job_id, "ada")
    assert ask(store) == job_id and store.jobs.claim("w1").id == job_id


def test_a_job_that_kills_its_worker_twice_has_failed(store):
    job_id = ask(store, owner="ada")
    store.jobs.claim("w1")
    store.jobs.give_back(["w1"])
    store.jobs.claim("w2")
    store.jobs.give_back(["w2"], died=False)  # a worker that ends in good order has not died of it
    store.jobs.claim("w3")
    store.jobs.give_back(["w3"])
    failed = store.jobs.get(job_id)
    assert failed.state == "failed" and "the worker process ended 2 times while it worked on this" in failed.error
    assert store.jobs.claim("w4") is None
    ask(store, owner="ada", retry=True)
    store.jobs.claim("w4")
    store.jobs.give_back(["w4"])
    assert store.jobs.get(job_id).state == "waiting"


def test_requests_at_the_same_moment_do_not_pass_a_limit_together(store):
    def allow(unanswered: int) -> None:
        if unanswered >= 3:
            raise GanometerError("too many")

    def one(number: int) -> str:
        try:
            ask(store, number, owner="ada", allow=allow)
        except GanometerError:
            return "refused"
        return "asked"

    assert sorted(at_once(8, one)) == ["asked"] * 3 + ["refused"] * 5


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
