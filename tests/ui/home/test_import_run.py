"""A run from a file, on Home."""

import pytest

from gan_core.service.bundles import EXAMPLES
from gan_core.service.permissions import NotAllowed
from tests.drawing import drawn, open_page
from tests.service.labs import shared

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")


def chosen(data: bytes):
    """Home with a file that was chosen in its popover."""
    at = open_page()
    return drawn(at.file_uploader(key="run file").upload("run.zip", data).run())


def test_a_run_from_a_file_is_there(home, store):
    before = {run.id for run in store.runs.all()}
    at = chosen((EXAMPLES / "digits.zip").read_bytes())
    before |= {run.id for run in store.runs.all()}  # the example, imported on first sight
    at.button(key="import").click().run()
    (new,) = {run.id for run in store.runs.all()} - before
    assert store.runs.get(new).name == "digits, a finished example" and not at.exception


def test_a_file_that_is_no_run_says_so_and_changes_nothing(home, store):
    at = chosen(b"PK no zip at all")
    before = {run.id for run in store.runs.all()}
    drawn(at.button(key="import").click().run())
    assert any("not a readable zip file" in toast.value for toast in at.toast)
    assert {run.id for run in store.runs.all()} == before


def test_on_a_shared_server_it_is_for_its_admins(tmp_path):
    data = (EXAMPLES / "digits.zip").read_bytes()
    with shared(tmp_path) as lab:
        for by in ("bob@example.org", ""):
            with pytest.raises(NotAllowed, match="everybody's: ask whoever runs this server"):
                lab.bundles.load(data, by=by)
        assert lab.runs.get(lab.bundles.load(data, by="root@here"), by="bob@example.org").state == "finished"
