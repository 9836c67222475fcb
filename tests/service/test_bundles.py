"""Runs as files, and the example that ships with the app."""

import shutil

import pytest

from gan_core.records import BundleError, GanometerError
from gan_core.service.bundles import EXAMPLES
from tests.service.labs import CONFIG, opened


def test_bundles_go_out_and_come_in(lab):
    run_id = lab.runs.start(CONFIG)
    data = lab.bundles.export(run_id)
    assert lab.runs.get(lab.bundles.load(data)).state == "interrupted"
    with pytest.raises(BundleError):
        lab.bundles.load(data[:-1])
    with pytest.raises(GanometerError):
        lab.bundles.export("nobody")


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
