"""The one way to check values: what is accepted, what is converted, and the sentences about everything else."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from gan_core.validation import AtLeastOne, Finite, Invalid, Label, Positive, Seed, Share, Text, checked, shown


@dataclass(frozen=True)
class Corner:
    x: Finite
    y: Finite = 0.0


@dataclass(frozen=True)
class Walk:
    frames: Annotated[int, Meta(ge=2, le=120)]
    truncation: Share = 1.0
    part: Literal["test", "train"] = "test"
    seed: Seed | None = None
    label: Label | None = None
    rate: Positive = 1.0
    repeats: AtLeastOne = 1
    note: Text = ""
    loop: bool = False
    sizes: Annotated[tuple[AtLeastOne, ...], Meta(min_length=1, max_length=3, title="sizes")] = (1,)
    corner: Corner | None = None


def read(values: Any) -> Walk:
    return checked(Walk, values, what="a parameter of a walk")


def refused(values: Any) -> tuple[str, ...]:
    with pytest.raises(Invalid) as error:
        read(values)
    assert str(error.value) == "; ".join(error.value.problems)
    return error.value.problems


def test_what_is_left_out_has_its_default():
    assert read({"frames": 24}) == Walk(24)


def test_lists_become_tuples_tables_dataclasses_and_whole_numbers_floats():
    walk = read({"frames": 2, "truncation": 1, "sizes": [4, 5], "corner": {"x": 3}})
    assert walk == Walk(2, truncation=1.0, sizes=(4, 5), corner=Corner(3.0))
    assert type(walk.truncation) is type(walk.corner.x) is float and type(walk.sizes) is tuple


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"frames": 1}, "frames is 1; it must be between 2 and 120"),
        ({"frames": 24.0}, "frames is 24.0; expected a whole number"),
        ({"frames": "24"}, "frames is '24'; expected a whole number"),
        ({"frames": True}, "frames is True; expected a whole number"),
        ({"frames": None}, "frames is None; expected a whole number"),
        ({"truncation": 0}, "truncation is 0; it must be above 0 and at most 1"),
        ({"truncation": math.nan}, "truncation is nan; it must be above 0 and at most 1"),
        ({"truncation": True}, "truncation is True; expected a number"),
        ({"part": "tests"}, "part is 'tests'; choose one of test, train"),
        ({"part": ["test"]}, "part is ['test']; choose one of test, train"),
        ({"seed": 2**31}, "seed is 2147483648; it must be between 0 and 2,147,483,647"),
        ({"label": 2**63}, "label is 9223372036854775808; it must be between"),
        ({"rate": math.inf}, "rate is inf; it must be finite and above 0"),
        ({"repeats": 0}, "repeats is 0; it must be at least 1"),
        ({"note": "a\0"}, "note is 'a\\x00'; expected text that can be stored"),
        ({"note": "\ud800"}, "note is '\\ud800'; expected text that can be stored"),
        ({"loop": 1}, "loop is 1; expected true or false"),
        ({"sizes": []}, "sizes has 0 sizes; give 1 to 3"),
        ({"sizes": [3, 0]}, "sizes is 0; it must be at least 1"),
        ({"sizes": [3, "4"]}, "sizes is [3, '4']; expected whole numbers"),
        ({"sizes": 3}, "sizes is 3; expected whole numbers"),
        ({"corner": {"x": -math.inf}}, "corner.x is -inf; it must be finite"),
        ({"corner": {"y": 1}}, "corner.x is missing; expected a number"),
        ({"corner": {"x": 1, "z": 1}}, "corner.z is not a parameter of a walk; did you mean corner."),
        ({"corner": [1]}, "corner is [1]; expected a table of names and values"),
        ({"colour": 3}, "colour is not a parameter of a walk; choose from frames, truncation, part, seed, label"),
        ({"a\nb\ud800": 3}, "'a\\nb\\ud800' is not a parameter of a walk"),
        ({"y" * 1000: 3}, "'yyy"),
        ({"frame": 3}, "frame is not a parameter of a walk; did you mean frames?"),
    ],
)
def test_the_sentence_says_cause_value_and_remedy(wrong, said):
    (problem,) = refused({"frames": 24} | wrong)
    assert problem.startswith(said)


def test_everything_that_is_wrong_is_said_at_once():
    named = [problem.split(" is ")[0] for problem in refused({"seed": -1, "colour": "red", "corner": {}, "loop": 0})]
    assert named == ["seed", "colour", "corner", "loop", "frames"]


@pytest.mark.parametrize("values", [[1], "frames", 5, None])
def test_what_is_no_table_is_refused(values):
    assert refused(values)[0].endswith("expected a table of names and values")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*Walk.__annotations__]) | st.text(max_size=9), json_values, max_size=6))
def test_whatever_is_given_it_is_read_or_refused_in_short_sentences(values):
    try:
        assert isinstance(read(values), Walk)
    except Invalid as error:
        assert error.problems and all(len(problem) < 400 for problem in error.problems)


def test_a_long_value_is_not_shown_in_full():
    assert shown("x" * 10_000) == "'" + "x" * 98 + "…"
    assert shown(10**5000) == "a very large int"
