"""Runs as files, and the example that ships with the app."""

import shutil

import numpy as np
import pytest

from gan_core import machine
from gan_core.records import BundleError, GanometerError
from gan_core.service.bundles import EXAMPLES
from gan_core.store import Commit, pack
from gan_core.store.schema import checkpoints
from tests.service.labs import CONFIG, finished_by_hand, opened, store_of


def test_bundles_go_out_and_come_in(lab):
    run_id = lab.runs.start(CONFIG)
    data = lab.bundles.export(run_id)
    assert lab.runs.get(lab.bundles.load(data)).state == "interrupted"
    with pytest.raises(BundleError):
        lab.bundles.load(data[:-1])
    with pytest.raises(GanometerError):
        lab.bundles.export("nobody")


def test_a_fork_whose_parent_is_deleted_comes_in_as_a_fork(lab):
    parent = finished_by_hand(lab)
    fork = lab.runs.fork(parent, 40, {"training.steps": 60})
    run = store_of(lab).leases.claim("w1", run_id=fork)
    store_of(lab).progress.describe(fork, "w1", run.claim_no, versions=machine.versions())
    ended = Commit("finished", step=60, seconds=1.0, checkpoint=pack(step=np.int64(60)))
    store_of(lab).progress.commit(fork, "w1", run.claim_no, ended)
    with store_of(lab).database.writing() as db:  # the parent's was made by hand, and is no checkpoint
        db.execute(checkpoints.delete().where(checkpoints.c.step == 40))
    lab.runs.delete(parent)
    data = lab.bundles.export(fork)
    lab.runs.delete(fork)
    found = lab.runs.get(lab.bundles.load(data))
    assert (found.parent_id, found.parent_step) == (None, 40)
    assert lab.runs.equal(found.config) is None  # it did not train these settings from its first step on
    with pytest.raises(GanometerError, match="was forked from another run"):
        lab.runs.repeat(found.id)


def test_no_example_without_its_file(tmp_path):
    with opened(tmp_path, examples=tmp_path) as lab:
        assert lab.bundles.example() is None and lab.runs.newest() == []


def test_the_example_is_there_once_and_stays_deleted(tmp_path):
    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLES / "digits.zip", tmp_path / "examples")
    with opened(tmp_path, examples=tmp_path / "examples") as lab:
        first = lab.bundles.example()
        assert first.state == "finished" and lab.bundles.example() == first and len(lab.runs.newest()) == 1
        assert lab.results.dataset_of(first).name == "digits" and lab.results.reports(first)
        lab.runs.delete(first.id)
        assert lab.bundles.example() is None and lab.runs.newest() == []
    with opened(tmp_path, examples=tmp_path / "examples") as lab:  # after a restart too
        assert lab.bundles.example() is None
        again = lab.bundles.load((EXAMPLES / "digits.zip").read_bytes())  # unless somebody asks for it
        assert lab.runs.get(again).state == "finished"
