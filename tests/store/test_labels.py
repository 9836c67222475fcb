"""Names and tags: what is kept of them, and what is said of those that cannot be."""

import pytest

from gan_core.records import GanometerError
from gan_core.store.labels import checked_name, checked_tags


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a", "a"), ("  two words ", "two words"), ("x" * 80, "x" * 80), ("👩‍🏫", "👩‍🏫"), ("שלום", "שלום")],
)
def test_a_name_is_kept_without_the_space_around_it(given, kept):
    assert checked_name(given) == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "'' has 0 characters; give 1 to 80"),
        (" \t\n", "has 0 characters"),
        ("x" * 81, "has 81 characters"),
        ("a\nb", "'a\\nb' has characters that cannot be shown"),
        ("a\0b", "cannot be shown"),
        ("a\ud800b", "cannot be shown"),
        ("a\u2028b", "cannot be shown"),
        ("\u202eeman", "cannot be shown"),
        ("a\u2067b", "cannot be shown"),
        ("\u200b\u200d", "cannot be shown"),
        ("\u0301", "cannot be shown"),
    ],
)
def test_what_is_no_name_is_said_in_one_short_line(given, said):
    with pytest.raises(GanometerError) as error:
        checked_name(given)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_long_text_is_not_said_in_full():
    with pytest.raises(GanometerError, match="10000 characters") as error:
        checked_name("x" * 10_000)
    assert len(str(error.value)) < 200


def test_tags_keep_their_order_and_occur_once():
    assert checked_tags([" b ", "a", "b", "B"]) == ("b", "a", "B")
    assert checked_tags([]) == ()
    assert len(checked_tags(["a"] * 20 + list("bcdefgh"))) == 8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (list("abcdefghi"), "there are 9 tags; a run has at most 8"),
        (["a", " "], "the tag '' has 0 characters; give 1 to 24"),
        (["x" * 25], "25 characters"),
        (["a\x1b[31m"], "cannot be shown"),
    ],
)
def test_what_are_no_tags_is_said(given, said):
    with pytest.raises(GanometerError) as error:
        checked_tags(given)
    assert said in str(error.value)
