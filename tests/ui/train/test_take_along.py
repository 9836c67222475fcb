"""A run as files for other programs: asked for in the share menu, made by a worker, offered as a download."""

import pytest

from gan_core.bundles.files import zipped
from gan_core.jobs import registry
from gan_core.jobs.export import Export
from tests.drawing import claim, drawn, open_page, opened
from tests.ui.test_pages import trained

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")
FILES = {"generator.keras": b"net", "sample.py": b"print()"}


def labels(at) -> list[str]:
    return [element.proto.label for element in at.get("download_button")]


def test_a_worker_makes_the_file_and_the_menu_offers_it(home, store, data):
    run_id = trained(store, data("digits"), name="../<b>digits</b>")
    at = opened(open_page("pages/train.py", run=run_id), "Share")
    assert {"Download this run", "Report as HTML"} <= set(labels(at))
    drawn(at.selectbox(key="format").set_value("onnx").run())
    drawn(at.button(key="make file").click().run())
    job = claim(store, "export")
    assert registry.asked(job) == Export("onnx") and job.run_id == run_id and job.step is not None
    store.jobs.finish(job.id, result=zipped(FILES))
    drawn(at.run())
    assert f"Download step {job.step:,}" in labels(at)
    drawn(at.selectbox(key="format").set_value("samples").run())  # what was made is of another format
    assert not any(label.startswith("Download step") for label in labels(at))


def test_a_file_that_could_not_be_made_says_why(home, store, data):
    at = opened(open_page("pages/train.py", run=trained(store, data("digits"))), "Share")
    drawn(at.button(key="make file").click().run())
    store.jobs.finish(claim(store, "export").id, error="ONNX needs tf2onnx: run `pip install`")
    drawn(at.run())
    assert any("ONNX needs tf2onnx" in error.value for error in at.error)


def test_a_run_without_a_snapshot_says_when_there_will_be_something(home, store, data):
    at = opened(open_page("pages/train.py", run=trained(store, data("digits"), "queued")), "Share")
    assert any("as soon as the first snapshot is there" in caption.value for caption in at.caption)


@pytest.mark.parametrize("path", ["pages/distances.py", "pages/compare.py"])
def test_pages_that_judge_a_run_give_a_report_of_it(home, store, data, path):
    run_id = trained(store, data("digits"))
    assert "Report as HTML" in labels(open_page(path, run=run_id, runs=run_id))
