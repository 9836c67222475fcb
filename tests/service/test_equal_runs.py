"""Equal runs: what is trained already is not trained again, unless somebody wants to."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gan_core import machine
from gan_core.config.run_config import override
from gan_core.records import DatasetInfo
from tests.service.labs import CONFIG, finish_by_hand, points, shared, store_of

SHA = "ab" * 32


def begun(lab, run_id: str, *, versions=None, sha256: str = SHA):
    """The run, taken by a worker that has read the data."""
    store = store_of(lab)
    run = store.leases.claim("w1", run_id=run_id)
    parts, preview = {"train": 900, "holdout": 400, "test": 500}, np.zeros((4, 8, 8, 1), np.uint8)
    store.datasets.put(DatasetInfo("digits", SHA, "image", (8, 8, 1), parts, preview, np.arange(4)))
    versions = machine.versions() if versions is None else versions
    store.progress.describe(run.id, "w1", run.claim_no, dataset=sha256, versions=versions)
    return run


def trained(lab, config=CONFIG, *, by="", **about) -> str:
    run = begun(lab, lab.runs.start(config, by=by, again=True), **about)
    finish_by_hand(lab, run)
    return run.id


def test_settings_that_have_been_trained_are_answered_by_the_finished_run(lab):
    run_id = trained(lab)
    assert lab.runs.start(CONFIG) == lab.runs.start(CONFIG, nonce="a") == run_id and len(lab.runs.newest()) == 1
    anyway = lab.runs.start(CONFIG, again=True)
    assert anyway != run_id and lab.runs.get(anyway).state == "queued"


@pytest.mark.parametrize("changes", [{"seed": 1}, {"training.steps": 41}, {"objective.r1": 0.5}])
def test_other_settings_are_another_run(lab, changes):
    run_id = trained(lab)
    assert lab.runs.start(override(CONFIG, changes)) != run_id


@pytest.mark.parametrize("about", [{"versions": {"ganometer": "0.1.0"}}, {"sha256": "cd" * 32}])
def test_other_versions_and_other_data_are_another_run(lab, about):
    run_id = trained(lab, **about)
    assert lab.runs.start(CONFIG) != run_id


def test_a_run_that_was_changed_and_a_fork_are_no_equal_runs(lab):
    changed = begun(lab, lab.runs.start(CONFIG))
    store_of(lab).progress.note(changed.id, "w1", changed.claim_no, 0, "set", {"changes": {"objective.r1": [1, 0]}})
    finish_by_hand(lab, changed)
    fork = begun(lab, lab.runs.fork(changed.id, 40, {"training.steps": 60}))
    finish_by_hand(lab, fork)
    for config in (CONFIG, override(CONFIG, {"training.steps": 60})):
        assert lab.runs.start(config) not in (changed.id, fork.id)


def test_a_run_with_a_change_on_its_way_is_no_equal_run(tmp_path):
    with shared(tmp_path) as lab:
        run = begun(lab, lab.runs.start(CONFIG, by="ada@x.org"))
        assert lab.runs.start(CONFIG, by="bob@x.org") == run.id
        lab.runs.change(run.id, {"objective.r1": 0.5}, by="ada@x.org")
        assert lab.runs.start(CONFIG, by="bob@x.org") != run.id


def test_a_time_that_was_given_and_the_steps_it_became_are_answered(lab):
    timed = override(CONFIG, {"training.seconds": 30})
    run_id = trained(lab, timed)
    assert lab.runs.start(timed) == lab.runs.start(CONFIG) == run_id
    assert lab.runs.start(override(CONFIG, {"training.seconds": 60, "training.steps": 80})) != run_id


def test_a_class_that_starts_at_the_same_moment_trains_one_run(tmp_path):
    pupils = [f"pupil{i}@x.org" for i in range(30)]
    with shared(tmp_path, queued=1) as lab, ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda me: lab.runs.start(CONFIG, by=me, nonce=me), pupils))
        assert len(ids) == len(lab.runs.newest()) == 1
        run = begun(lab, *ids)
        assert lab.runs.start(CONFIG, by="late@x.org") == run.id  # while it trains
        finish_by_hand(lab, run)
        assert lab.runs.start(CONFIG, by="later@x.org") == run.id
        fork = lab.runs.get(lab.runs.fork(run.id, 40, {"training.steps": 60}, by=pupils[3]), by=pupils[3])
        assert (fork.owner, lab.runs.get(run.id).owner in pupils) == (pupils[3], True)
        assert lab.runs.get(lab.runs.start(CONFIG, by=pupils[5], again=True)).owner == pupils[5]


def test_a_run_that_its_owner_has_stopped_is_no_answer(tmp_path):
    with shared(tmp_path) as lab:
        first = lab.runs.start(CONFIG, by="a@x.org")
        lab.runs.stop(first, by="a@x.org")
        assert lab.runs.start(CONFIG, by="b@x.org") != first


def test_nobody_is_led_to_a_run_that_is_not_theirs_to_see(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.uploads.keep(lab.uploads.read(points(), "points.csv"), by="a@x.org")
        config = override(lab.recipes.preset("auto", data=name, by="a@x.org"), {"training.steps": 20})
        private = lab.runs.start(config, by="a@x.org")
        lab.uploads.keep(lab.uploads.read(points(), "mine.csv"), by="b@x.org")
        assert lab.runs.start(config, by="b@x.org") != private


def test_a_run_whose_worker_still_reads_the_data_answers_as_one_that_waits(tmp_path):
    with shared(tmp_path) as lab:
        run_id = lab.runs.start(CONFIG, by="ada@x.org")
        store_of(lab).leases.claim("w1", run_id=run_id)
        assert lab.runs.start(CONFIG, by="bob@x.org") == run_id
