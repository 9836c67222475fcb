"""How often each of many looks, by hand."""

from ui.frame.refresh_rate import GONE_SECONDS, SLOWEST_SECONDS, is_off, shared


def test_many_look_together_as_often_as_one():
    looks = {}
    assert [shared(looks, tab, 0.0, 2.5) for tab in "abca"] == [2.5, 5.0, 7.5, 7.5]


def test_nobody_waits_for_ever():
    looks = {str(i): 0.0 for i in range(30)}
    assert shared(looks, "me", 0.0, 2.5) == SLOWEST_SECONDS


def test_who_has_gone_does_not_count():
    looks = {"gone": 0.0, "there": 1.0}
    assert shared(looks, "me", GONE_SECONDS + 0.5, 2.5) == 5.0
    assert set(looks) == {"there", "me"}


def test_a_rhythm_is_kept_until_it_is_much_too_fast_or_too_slow():
    assert [is_off(5.0, wanted) for wanted in (2.5, 5.0, 6.5, 7.5, 15.0)] == [True, False, False, True, True]
