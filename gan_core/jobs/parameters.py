"""What a job was asked with: values from JSON that anybody may have written, each read by a rule."""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple

from gan_core.records import GanometerError


class Needed:
    """In place of a default: there is none."""


class Whole(NamedTuple):
    """A whole number within bounds."""

    least: int
    most: int
    default: Any = Needed

    def reads(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most

    def __str__(self) -> str:
        return f"a whole number from {self.least:,} to {self.most:,}"


class Share(NamedTuple):
    """A number above 0, up to 1."""

    default: Any = Needed

    def reads(self, value: Any) -> bool:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and 0 < value <= 1

    def __str__(self) -> str:
        return "a number above 0 and up to 1"


class OneOf(NamedTuple):
    """One of a few words."""

    choices: tuple[str, ...]
    default: Any = Needed

    def reads(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.choices

    def __str__(self) -> str:
        return f"one of {', '.join(self.choices)}"


def read(kind: str, params: Mapping[str, Any], **rules: Whole | Share | OneOf) -> dict[str, Any]:
    """The parameters of a job, all of them: what is not given, or None, is the rule's default.

    Raises GanometerError for a value its rule does not read, for one that is missing, and for one without a rule.
    """
    if strange := sorted(set(params) - set(rules)):
        raise GanometerError(
            f"a {kind} job knows no parameter {', '.join(map(repr, strange))}; it takes {', '.join(rules)}"
        )
    found = {}
    for name, rule in rules.items():
        value = params.get(name)
        if value is None and rule.default is Needed:
            raise GanometerError(f"a {kind} job needs {name}; give {rule}")
        if value is not None and not rule.reads(value):
            raise GanometerError(f"{name} is {value!r} in a {kind} job; give {rule}")
        found[name] = rule.default if value is None else value
    return found
