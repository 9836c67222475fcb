"""Where a visitor is: what a person does counts, and what a browser said before it heard of a move does not."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gan_core.config import presets
from tests.drawing import drawn, form_button, message, open_page, run_picker, send
from ui.frame.navigation import KEY, Navigation, Place

APP = Path(__file__).resolve().parents[3] / "app.py"
OLD, NEW, THIRD = Place("old", 3), Place("new"), Place("third")
pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")


def test_a_link_decides_where_a_page_opens():
    before = Navigation("train", OLD, before=NEW, run="old", step=3, playing=True, serial=4)
    assert before.opened("gallery", THIRD) == Navigation("gallery", THIRD, playing=True, serial=5)


def test_a_person_goes_anywhere_at_any_time():
    assert Navigation("train", OLD).arrived(NEW, by_timer=False).place == NEW
    moved = Navigation("train", OLD).moved(NEW)
    assert moved.arrived(THIRD, by_timer=False).place == THIRD


def test_a_message_from_before_a_move_is_late():
    moved = Navigation("train", OLD).moved(NEW)
    for by_timer in (True, False):
        assert moved.arrived(OLD, by_timer=by_timer).place == NEW


def test_a_timer_goes_nowhere_by_itself():
    assert Navigation("train", NEW).arrived(OLD, by_timer=True).place == NEW
    assert Navigation("train", NEW).arrived(Place(), by_timer=True).place == NEW


def test_once_a_timer_has_named_the_new_place_one_can_go_back():
    moved = Navigation("train", OLD).moved(NEW)
    same_run_of_the_page = moved.arrived(NEW, by_timer=True)
    assert same_run_of_the_page.arrived(OLD, by_timer=False).place == NEW, "the address was ours, not the browser's"
    confirmed = same_run_of_the_page.arrived(NEW, by_timer=True)
    assert confirmed.arrived(OLD, by_timer=False).place == OLD


def test_a_whole_run_of_the_page_confirms_nothing():
    """The page may have asked for it itself, and then its address is ours."""
    moved = Navigation("train", OLD).moved(NEW).arrived(NEW, by_timer=False).arrived(NEW, by_timer=False)
    assert moved.arrived(OLD, by_timer=False).place == NEW


def test_a_slider_that_says_where_it_stood_before_a_move_was_moved_by_nobody():
    begin, middle = Place("a", 0), Place("a", 50)
    moved = Navigation("train", Place("a")).drew_step(100).moved(begin, playing=True).drew_step(0)
    late = moved.slid(100, Place("a"))
    assert late.late and (late.place, late.playing) == (begin, True)
    assert moved.slid(50, middle).place == middle and not moved.slid(50, middle).playing
    still = late.arrived(begin, by_timer=True, slider=100)
    assert still.slid(100, Place("a")).place == begin, "that message was the late one"
    heard = still.arrived(begin, by_timer=True, slider=0)
    assert heard.slid(100, Place("a")).place == Place("a")


def test_a_slider_that_says_what_was_the_newest_step_was_moved_by_nobody():
    """The page goes on to a newer snapshot by itself, and a timer's message still has the slider at the one before."""
    newest, before = Place("a"), Place("a", 64)
    at = Navigation("train", newest).drew_step(64).drew_step(128)
    assert at.slid(64, before).place == newest
    assert at.drew_step(256).slid(64, before).place == newest
    assert at.arrived(newest, by_timer=True).slid(64, before).place == before, (
        "the browser had heard, and a person moved"
    )


def test_several_messages_may_be_late():
    """A page has parts with a timer each: on a busy machine the messages of all of them are on their way at once."""
    newest = Place("a")
    at = Navigation("train", newest).drew_step(64).drew_step(128).slid(64, Place("a", 64))
    for _ in range(3):  # the first says that the slider moved; to the others it stands where it stood in the first
        at = at.arrived(newest, by_timer=True, slider=64)
    at = at.drew_step(256)
    assert at.slid(64, Place("a", 64)).place == at.slid(128, Place("a", 128)).place == newest
    heard = at.arrived(newest, by_timer=True, slider=256)
    assert heard.slid(64, Place("a", 64)).place == Place("a", 64)


def test_a_hand_on_the_slider_counts_right_after_a_late_message():
    at = Navigation("train", Place("a")).drew_step(64).drew_step(128).slid(64, Place("a", 64))
    moved = at.slid(32, Place("a", 32))
    assert at.late and (moved.place, moved.late) == (Place("a", 32), False)


def test_only_a_run_that_nobody_picked_needs_another_picker():
    at = Navigation("train").drew_run("a")
    assert at.drew_run("a").serial == at.serial
    assert at.drew_run("b").serial == at.serial + 1
    assert at.moved(Place("b")).drew_run("b").serial == at.serial + 1
    assert at.picked_run("b").drew_run("b").serial == at.serial


def test_to_stay_is_no_move():
    at = Navigation("train", OLD)
    assert at.moved(OLD, playing=True) == Navigation("train", OLD, playing=True)


@pytest.mark.parametrize("said", [{"run": "old", "step": "3"}, {"run": "new"}], ids=["the old place", "the new one"])
def test_the_address_names_the_place_a_click_led_to(said):
    def part():
        import streamlit as st

        from ui.frame.navigation import hear_timer

        hear_timer()
        st.json(st.query_params.to_dict())

    at = AppTest.from_function(part)
    at.session_state[KEY] = Navigation("train", OLD).moved(NEW)
    for name, value in said.items():
        at.query_params[name] = value
    assert json.loads(at.run().json[0].value) == {"run": "new"}


def test_a_page_that_has_followed_a_new_run_is_not_led_back_by_what_the_browser_said_before(store):
    """Nobody has chosen a run, so the page shows the example, and then the one that somebody starts. What a timer sends
    just then still has the picker as the browser was shown it."""
    at = open_page("pages/train.py")
    late, example = message(at), run_picker(at).value
    run_id = store.runs.create(presets.preset("auto", data="digits", shape=(8, 8, 1)))
    drawn(at.run())
    assert run_picker(at).value == run_id
    send(at, late)
    assert run_picker(at).value == run_id and "run" not in at.query_params

    drawn(run_picker(at).set_value(example).run())  # a person, in the picker that is shown now
    assert run_picker(at).value == example
    assert at.query_params["run"] in (example, [example])


def test_a_run_that_a_person_has_started_is_not_left_for_the_form_by_what_the_browser_said_before(store):
    """The switch between the run and the form belongs to the run that was shown. What a timer sends just after a start
    still has that run's switch, at the form."""
    at = open_page("pages/train.py")
    assert at.query_params["part"] in ("new", ["new"])
    late = message(at)
    for state in [state for state in late.widgets if "view part" not in state.id]:
        late.widgets.remove(state)
    assert late.widgets
    drawn(form_button(at, "start").click().run())
    (run_id,) = (run.id for run in store.runs.all() if run.active)
    for _ in range(2):
        send(at, late)
        assert at.query_params["run"] in (run_id, [run_id]) and "part" not in at.query_params
