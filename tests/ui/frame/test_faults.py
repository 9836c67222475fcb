"""Where errors end: a visitor reads a sentence, never a traceback or a path, and the rest of the page goes on."""

import ast
import logging
import shutil
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core.service.runs import RunService
from tests.drawing import APP, open_page, text_of

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

PAGES = ("app.py", "pages/train.py", "pages/distances.py", "pages/gallery.py", "pages/compare.py")
ROOT = Path(__file__).resolve().parents[3]
SECRET_PLACE = "/srv/very/secret/place"


def on_page(knows_paths: bool, body: str) -> AppTest:
    script = f"""
import streamlit as st
from ui.frame.faults import KNOWS_PATHS, guarded, part
st.session_state[KNOWS_PATHS] = {knows_paths}
def broken():
    raise OSError("no space left in {SECRET_PLACE}")
{body}
"""
    return AppTest.from_string(script, default_timeout=30).run()


PART = """
with part("This chart"):
    broken()
st.caption("the rest")
"""


def test_a_part_that_breaks_is_said_in_its_place_and_the_rest_goes_on(caplog):
    caplog.set_level(logging.ERROR)
    at = on_page(False, PART)
    assert not at.exception and at.caption[0].value == "the rest"
    (error,) = at.error
    assert error.proto.title == "This chart cannot be shown"
    assert SECRET_PLACE not in error.value and "OSError" not in error.value and "Reload the page" in error.value
    number = error.value.partition("**")[2].partition("**")[0]
    assert f"error {number}" in caplog.text and SECRET_PLACE in caplog.text and "Traceback" in caplog.text


def test_who_runs_the_server_reads_what_it_was():
    (error,) = on_page(True, PART).error
    assert SECRET_PLACE in error.value and "OSError" in error.value


UNREADABLE = """
from gan_core import Unreadable
with part("This chart"):
    raise Unreadable("the samples cannot be read")
"""


def test_what_cannot_be_read_is_no_trouble_of_the_store():
    (error,) = on_page(False, UNREADABLE).error
    assert (error.proto.title, error.value) == ("This chart cannot be shown", "the samples cannot be read")


TROUBLE = """
from gan_core import StoreError
from ui.frame.faults import drawn_by_itself
for place in range(2):
    with AROUND:
        with part("This chart"):
            raise StoreError("the store is locked")
"""


@pytest.mark.parametrize(
    ("around", "said", "waits"), [("drawn_by_itself(often=False)", 1, 1), ("drawn_by_itself(often=True)", 2, 0)]
)
def test_the_store_s_trouble_is_said_once_on_a_page_and_each_time_where_a_timer_draws(around, said, waits):
    """A part that a timer draws is drawn in place of what it said before: to say nothing then would hide the fault."""
    at = on_page(False, TROUBLE.replace("AROUND", around))
    assert [error.proto.title for error in at.error] == ["The store cannot be used"] * said
    assert len([caption for caption in at.caption if "tries again" in caption.value]) == waits


def test_stopping_and_drawing_again_are_no_errors():
    at = on_page(False, "with part():\n    st.stop()\nst.caption('never')")
    assert not at.error and not at.caption
    at = on_page(
        False,
        "with part():\n    if not st.session_state.setdefault('again', 0):\n"
        "        st.session_state.again = 1\n        st.rerun()",
    )
    assert not at.error and at.session_state["again"] == 1


def test_a_callback_that_breaks_is_said_in_passing_and_the_page_is_drawn():
    at = on_page(False, "st.button('Go', on_click=guarded(broken))\nst.caption('the rest')")
    at.button[0].click().run()
    assert not at.exception and at.caption[0].value == "the rest"
    assert "went wrong" in at.toast[0].value and SECRET_PLACE not in at.toast[0].value


def test_what_slips_through_shows_nothing():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["client"]["showErrorDetails"] == "none"


def test_every_callback_of_a_page_is_guarded():
    bare = []
    for file in (ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("st.", "left.", "right."))):
                continue
            for keyword in node.keywords:
                if keyword.arg not in ("on_click", "on_change", "on_select", "on_submit"):
                    continue
                told = ast.unparse(keyword.value)
                if not (
                    isinstance(keyword.value, (ast.Constant, ast.IfExp)) or told.startswith(("guarded(", "page.do"))
                ):
                    bare.append(f"{file.name}:{node.lineno} {keyword.arg}={told}")
    assert not bare, "wrap these in ui.frame.faults.guarded"


@pytest.fixture
def shared_server(home, monkeypatch):
    monkeypatch.setenv("GANOMETER_SHARED", "1")
    return home


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("path", PAGES)
def test_an_error_nobody_foresaw_anywhere_in_a_page(home, monkeypatch, path, shared):
    monkeypatch.setenv("GANOMETER_SHARED", "1" if shared else "")

    def broken(*_, **__):
        raise FileNotFoundError(f"nothing at {SECRET_PLACE}")

    monkeypatch.setattr(RunService, "listed", broken)
    at = open_page(path, browser_id="0" * 32)
    assert "went wrong" in text_of(at)
    assert (SECRET_PLACE in text_of(at)) == (not shared)


@pytest.mark.parametrize("path", PAGES)
def test_a_home_that_is_deleted_while_the_server_runs(shared_server, path):
    open_page(browser_id="0" * 32)
    shutil.rmtree(shared_server)
    text = text_of(open_page(path, browser_id="0" * 32))
    assert "is gone" in text and str(shared_server) not in text


def test_a_temporary_home_is_not_named_to_visitors(shared_server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANOMETER_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = text_of(open_page(browser_id="0" * 32))
    assert "Runs are kept in a temporary place" in text and str(tmp_path) not in text


def test_no_folder_at_all_is_a_sentence(shared_server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANOMETER_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    text = text_of(open_page(browser_id="0" * 32))
    assert "A setting of this server is wrong" in text and "GANOMETER\\_HOME" in text and str(tmp_path) not in text


@pytest.mark.parametrize("secrets", ["shared = ", "a = 1\na = 2", "[auth\n"])
def test_secrets_that_cannot_be_read_open_nothing(home, secrets):
    """As if there were none, a shared server would be everybody's."""
    at = AppTest.from_file(APP, default_timeout=30)
    file = home / "secrets.toml"
    file.write_text(secrets)
    import streamlit as st

    st.secrets._reset()
    from streamlit import config

    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(file)])
    try:
        text = text_of(at.run())
    finally:
        config.set_option("secrets.files", before)
        st.secrets._reset()
    assert not at.exception and "secrets.toml cannot be read" in text and str(home) not in text
    assert "Runs" not in [element.value for element in at.subheader]


def test_where_things_are_kept_is_told_to_admins_only(shared_server):
    at = open_page("pages/train.py", browser_id="0" * 32)
    at.session_state["system"] = True
    at.run()
    assert str(shared_server) not in "".join(str(table.value) for table in at.table)
