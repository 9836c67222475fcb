"""Pages on a store in which one value is damaged: nothing raises, and the sound runs are shown."""

import pytest

from gan_core.cli import main
from tests.damage import ANY, SOUND, VICTIM, Damage, all_damages, build, damaged, sampled
from tests.drawing import open_page, text_of

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

PAGES = ("pages/train.py", "pages/distances.py", "pages/gallery.py", "pages/compare.py")
UNFORESEEN = "Something unforeseen"
DAMAGES = all_damages()


@pytest.fixture
def damageable(home):
    return home / "ganometer.sqlite", build(home / "ganometer.sqlite")


def clear_caches():
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


def check_pages(damage: Damage, ids: dict[str, str]) -> None:
    clear_caches()
    at = open_page()
    text = text_of(at)
    assert UNFORESEEN not in text and all(name in text for name in SOUND), f"{damage}: {text[-3000:]}"
    for path in PAGES:
        text = text_of(open_page(path, run=ids[VICTIM]))
        assert UNFORESEEN not in text, f"{damage}: {path}: {text[-3000:]}"
    text = text_of(open_page("pages/compare.py", runs=",".join(ids.values())))
    assert UNFORESEEN not in text, f"{damage}: compare: {text[-3000:]}"


@pytest.mark.parametrize("every", [131, pytest.param(9, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_every_page_survives_every_damage(damageable, every):
    file, ids = damageable
    for damage in sampled(DAMAGES, every):
        with damaged(file, ids[VICTIM], damage):
            check_pages(damage, ids)


def test_an_unreadable_run_has_a_card_that_says_why_and_can_be_deleted(damageable, store, capsys):
    file, ids = damageable
    with damaged(file, ids[VICTIM], Damage("runs", "config", '{"magic": 1}')):
        at = open_page()
        text = text_of(at)
        assert (
            "Runs that cannot be read" in text and f"run {ids[VICTIM]} cannot be read\\: magic is not a setting" in text
        )
        assert all(name in text for name in (*SOUND, VICTIM))
        assert "cannot be read" in text_of(open_page("pages/train.py", run=ids[VICTIM]))
        assert main(["runs"]) == 0
        out = capsys.readouterr().out
        assert all(name in out for name in SOUND) and f"{ids[VICTIM]}  unreadable" in out
        at = open_page()
        at.button(key=f"delete {ids[VICTIM]}").click().run()
        assert {run.name for run in store.runs.listed()} >= set(SOUND)
        assert ids[VICTIM] not in {run.id for run in store.runs.listed()}


def test_the_command_line_deletes_what_cannot_be_read(damageable, capsys):
    file, ids = damageable
    with damaged(file, ids[VICTIM], Damage("runs", "state", "asleep")):
        assert main(["delete", "--run", ids[VICTIM]]) == 0
        assert main(["runs"]) == 0
        assert ids[VICTIM] not in capsys.readouterr().out.split("gone")[-1]


@pytest.mark.parametrize("value", [value for value in ANY if value is not None])
def test_the_command_line_lists_the_others(damageable, capsys, value):
    file, ids = damageable
    with damaged(file, ids[VICTIM], Damage("runs", "config", value)):
        assert main(["runs"]) == 0
        out = capsys.readouterr().out
        assert all(name in out for name in SOUND)
