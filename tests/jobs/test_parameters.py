"""What jobs are asked with: every value that is not what it should be is named, with what would be."""

import pytest

from gan_core.jobs.parameters import OneOf, Share, Whole, read
from gan_core.records import GanometerError

RULES = dict(n=Whole(1, 10_000, 64), seed=Whole(0, 99, None), truncation=Share(1.0), part=OneOf(("test", "train")))


def test_what_is_not_given_or_none_is_the_default():
    assert read("shelf", {"part": "test"}, **RULES) == dict(n=64, seed=None, truncation=1.0, part="test")
    given = dict(n=1, seed=99, truncation=0.5, part="train")
    assert read("shelf", given, **RULES) == given
    assert read("shelf", {"part": "test", "n": None}, **RULES)["n"] == 64


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"n": 0}, "n is 0 in a shelf job; give a whole number from 1 to 10,000"),
        ({"n": 10_001}, "n is 10001"),
        ({"n": 5.0}, "n is 5.0"),
        ({"n": "5"}, "n is '5'"),
        ({"n": True}, "n is True"),
        ({"n": [1]}, r"n is \[1\]"),
        ({"seed": -1}, "seed is -1 in a shelf job; give a whole number from 0 to 99"),
        ({"truncation": 0}, "truncation is 0 in a shelf job; give a number above 0 and up to 1"),
        ({"truncation": 1.01}, "truncation is 1.01"),
        ({"truncation": float("nan")}, "truncation is nan"),
        ({"truncation": "1"}, "truncation is '1'"),
        ({"truncation": True}, "truncation is True"),
        ({"part": "tests"}, "part is 'tests' in a shelf job; give one of test, train"),
        ({"part": ["test"]}, r"part is \['test'\]"),
        ({"part": None}, "a shelf job needs part; give one of test, train"),
        ({"part": "test", "z": 3}, "a shelf job knows no parameter 'z'; it takes n, seed, truncation, part"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_can(params, said):
    with pytest.raises(GanometerError, match=said):
        read("shelf", params, **RULES)
