"""Requests of several visitors: how many one may wait for, and who may cancel what."""

import pytest

from gan_core.jobs.reference import ReferenceParameters
from gan_core.service.permissions import NotAllowed
from tests.service.labs import CONFIG, shared, store_of


def ask(lab, n: int, *, by: str, **more) -> int:
    return lab.jobs.request(ReferenceParameters("digits", n), by=by, **more)


def test_a_visitor_waits_for_so_many_answers(tmp_path):
    with shared(tmp_path, jobs=2) as lab:
        first, _ = ask(lab, 50, by="ada"), ask(lab, 51, by="ada")
        with pytest.raises(NotAllowed, match="you wait for the answers to 2 requests, and at most 2 are allowed"):
            ask(lab, 52, by="ada")
        assert ask(lab, 50, by="ada") == first  # to look again is no new request
        assert ask(lab, 52, by="bob") and ask(lab, 53, by="root@here") and ask(lab, 54, by="root@here")
        with pytest.raises(NotAllowed):
            ask(lab, 52, by="ada")  # nor may one wait for what somebody else has asked for
        with pytest.raises(NotAllowed):
            lab.jobs.compare({lab.runs.start(CONFIG, by="ada"): 0}, 100, by="ada")
        lab.jobs.cancel(first, by="ada")
        assert ask(lab, 52, by="ada")
        with pytest.raises(NotAllowed):
            ask(lab, 50, by="ada", retry=True)
        store_of(lab).jobs.finish(first + 1, result=b"{}")
        assert ask(lab, 50, by="ada", retry=True) == first


def test_a_visitor_cancels_the_own_request_and_nobody_else_s(tmp_path):
    with shared(tmp_path) as lab:
        job_id = ask(lab, 50, by="ada")
        assert [lab.jobs.get(job_id, by=by).cancellable for by in ("ada", "bob", "", "root@here")] == [1, 0, 0, 1]
        for by in ("bob", ""):
            with pytest.raises(NotAllowed, match="not yours"):
                lab.jobs.cancel(job_id, by=by)
        assert lab.jobs.state(job_id, by="ada") == "waiting"
        lab.jobs.cancel(job_id, by="ada")
        assert lab.jobs.state(job_id, by="ada") == lab.jobs.state(job_id, by="bob") == "cancelled"
        assert ask(lab, 50, by="ada") == job_id and lab.jobs.state(job_id, by="ada") == "cancelled"
        assert ask(lab, 50, by="ada", retry=True) == job_id and lab.jobs.state(job_id, by="ada") == "waiting"


def test_a_request_of_two_is_cancelled_for_one_of_them(tmp_path):
    with shared(tmp_path) as lab:
        job_id = ask(lab, 50, by="ada")
        assert ask(lab, 50, by="bob") == job_id
        lab.jobs.cancel(job_id, by="bob")
        assert (lab.jobs.state(job_id, by="bob"), lab.jobs.state(job_id, by="ada")) == ("cancelled", "waiting")
        store_of(lab).jobs.finish(job_id, result=b"{}")
        assert lab.jobs.state(job_id, by="bob") == "done"


def test_visitors_of_whom_nothing_is_known_cancel_nothing_of_each_other(tmp_path):
    with shared(tmp_path) as lab:
        job_id = ask(lab, 50, by="")
        with pytest.raises(NotAllowed):
            lab.jobs.cancel(job_id, by="")
        lab.jobs.cancel(job_id, by=None)
        assert lab.jobs.state(job_id) == "cancelled"


def test_on_a_machine_of_one_s_own_everybody_cancels_everything(lab):
    job_id = ask(lab, 50, by="ada")
    assert lab.jobs.get(job_id, by="").cancellable
    lab.jobs.cancel(job_id)
    assert lab.jobs.state(job_id) == "cancelled"
