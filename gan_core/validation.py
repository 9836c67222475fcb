"""One way to check values that anybody may have written: settings, a job's parameters, the environment, a bundle.

A frozen dataclass states its rules in its annotations, as constraints of msgspec, and `checked` reads one from JSON:

    @dataclass(frozen=True)
    class Walk:
        index: Annotated[int, Meta(ge=0, le=9_999)]
        truncation: Share = 1.0
        part: Literal["test", "train"] = "test"
        seed: Seed | None = None

    walk = checked(Walk, {"index": 3, "part": "train"}, what="a parameter of a walk")

Everything that is wrong is said at once, one sentence for each problem: the cause, the value and the remedy. msgspec
judges each value. Its errors stop at the first one and name no remedy, so the sentences are made here, from the same
annotations. `Meta(description=...)` replaces the remedy, and `Meta(title=...)` says what the items of a tuple are.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import types
import typing
from functools import cache
from typing import Annotated, Any, Iterator, Literal, Mapping, Sequence, TypeGuard, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

_LARGEST = sys.float_info.max
_REFUSALS = (msgspec.ValidationError, UnicodeError, RecursionError)
"""What msgspec raises for a value that is not what it should be; the second for half a character, the third for a list
in a list in a list ..."""

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""A number of things, or a step: what a database keeps as an integer."""
Seed = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Label = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""The label of a class: any int64."""
Share = Annotated[float, Meta(gt=0, le=1)]
Finite = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
Measured = Annotated[float, Meta(ge=-1e100, le=1e100)]
"""A distance, or what is computed of some: squares of the largest numbers of float32 are far below."""
Seconds = Annotated[float, Meta(ge=0, le=1e10)]
"""A length of time, of up to three centuries."""
Time = Annotated[float, Meta(ge=0, le=253_402_300_799)]
"""Seconds since 1970, up to the year 9999: what a calendar can show."""
Positive = Annotated[float, Meta(gt=0, le=_LARGEST)]
AtLeastOne = Annotated[int, Meta(ge=1)]
STORABLE = r"\A[^\0\ud800-\udfff]*\Z"
Text = Annotated[str, Meta(pattern=STORABLE, description="expected text that can be stored")]
"""Text without zero bytes and half characters, which no database keeps."""


class Invalid(ValueError):
    """One or more values are wrong; the message names all of them, `problems` has them one by one."""

    def __init__(self, problems: Sequence[str]):
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("; ".join(problems))


# ---------------------------------------------------------------- checking


def checked(owner: type[T], values: Mapping[str, Any], *, what: str) -> T:
    """A dataclass of the type `owner` from values by field name; a field that is a dataclass is read from a table.

    Lists become tuples and whole numbers floats, where the annotation asks for it; nothing else is converted. `what`
    completes the sentence "x is not ...": "a setting". Raises Invalid naming all keys that are unknown or missing and
    all values that are wrong.
    """
    found, problems = _checked(owner, values, what, "")
    if problems:
        raise Invalid(problems)
    return found


def converted(kinds: Mapping[str, Any], values: Mapping[str, Any], *, what: str) -> tuple[dict[str, Any], list[str]]:
    """The values as the types in `kinds`, by name, and the sentences about those that are unknown or wrong."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in values.items():
        if name not in kinds:
            told = name if len(name) <= 100 and name.isprintable() else shown(name)
            problems.append(f"{told} is not {what}{_nearest(name, kinds)}")
            continue
        try:
            found[name] = msgspec.convert(value, kinds[name])
        except _REFUSALS as error:
            problems += _sentences(name, kinds[name], value, str(error))
    return found, problems


def wrong(name: str, kind: Any, value: Any) -> list[str]:
    """What is wrong with a value that must have the type already; nothing is converted."""
    try:
        if msgspec.convert(value, kind) == value:  # a list is no tuple; a whole number does for a float
            return []
        return _sentences(name, kind, value)
    except _REFUSALS as error:
        return _sentences(name, kind, value, str(error))


@cache
def kinds_of(owner: type) -> Mapping[str, Any]:
    """The annotation of each field of a dataclass, with its constraints."""
    hints = typing.get_type_hints(owner, include_extras=True)
    return types.MappingProxyType({field.name: hints[field.name] for field in dataclasses.fields(owner)})


@cache
def unwrapped(kind: Any) -> tuple[Any, Meta]:
    """The bare type behind `Annotated` and `| None`, and its constraints."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return unwrapped(next(part for part in typing.get_args(kind) if part is not types.NoneType))
    if typing.get_origin(kind) is Annotated:
        base, *about = typing.get_args(kind)
        return base, next((meta for meta in about if isinstance(meta, Meta)), Meta())
    return kind, Meta()


def from_text(kind: Any, value: Any) -> Any:
    """Text, as a form or a command line gives it, in the type of `kind`: "2e3", ".5", "64,64", "true", "none".

    A float that is whole becomes an int where one is wanted. What cannot be read comes back as it is.
    """
    bare, _ = unwrapped(kind)
    if type(value) in (bare, types.NoneType) and bare is not str:
        return value
    if isinstance(value, str) and value.lower() in ("none", "") and types.NoneType in typing.get_args(kind):
        return None
    if typing.get_origin(bare) is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        if not _is_sequence(parts):
            return value
        items = tuple(from_text(typing.get_args(bare)[0], part) for part in parts)
        return value if any(isinstance(item, str) for item in items) else items
    if bare is bool and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if bare in (int, float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, TypeError, OverflowError):
            return value
        if bare is int:
            return int(number) if number.is_integer() else value
        return number
    return value


def is_table(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value has names with values: an object of JSON, or a table of secrets."""
    return isinstance(value, Mapping)


def _is_sequence(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _checked(owner: type[Any], values: Any, what: str, prefix: str) -> tuple[Any, list[str]]:
    if not is_table(values):
        return None, [f"{prefix.removesuffix('.') or 'it'} is {shown(values)}; expected a table of names and values"]
    kinds = kinds_of(owner)
    bare = {name: unwrapped(kind)[0] for name, kind in kinds.items() if values.get(name)}
    tables = {name: kind for name, kind in bare.items() if isinstance(kind, type) and dataclasses.is_dataclass(kind)}
    named = {f"{prefix}{name}": value for name, value in values.items() if name not in tables}
    found, problems = converted({f"{prefix}{name}": kind for name, kind in kinds.items()}, named, what=what)
    found = {name.removeprefix(prefix): value for name, value in found.items()}
    for field in dataclasses.fields(owner):
        name = f"{prefix}{field.name}"
        if field.name in tables:
            found[field.name], more = _checked(tables[field.name], values[field.name], what, f"{name}.")
            problems += more
        elif field.name not in values and field.default is field.default_factory is dataclasses.MISSING:
            problems.append(f"{name} is missing; {_remedy(kinds[field.name])}")
    return (None if problems else owner(**found)), problems


# ---------------------------------------------------------------- sentences


def shown(value: Any) -> str:
    """A value in a sentence, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits, a list in a list in a list ...
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:99]}…"


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_WHOLE_NUMBERS = "whole numbers, for example 128,128"


def _sentences(name: str, kind: Any, value: Any, error: str = "") -> list[str]:
    bare, meta = unwrapped(kind)
    if typing.get_origin(bare) is tuple and _is_sequence(value):
        least, most = meta.min_length or 0, meta.max_length
        if len(value) < least or (most is not None and len(value) > most):
            return [f"{name} has {len(value)} {meta.title or 'items'}; give {least} to {most}"]
        if out := list(_out_of_range(name, typing.get_args(bare)[0], value)):
            return out
    return [f"{name} is {shown(value)}; {_remedy(kind, value, error)}"]


def _out_of_range(name: str, item: Any, values: Sequence[Any]) -> Iterator[str]:
    """A sentence for each number outside its range; none where something is no number at all."""
    if all(_is_number(unwrapped(item)[0], value) for value in values):
        for value in values:
            yield from wrong(name, item, value)


def _remedy(kind: Any, value: Any = None, error: str = "") -> str:
    bare, meta = unwrapped(kind)
    if meta.description:
        return meta.description
    if typing.get_origin(bare) is Literal:
        return f"choose one of {', '.join(map(str, typing.get_args(bare)))}"
    if _is_number(bare, value) and (range_ := _range(meta)):
        return f"it must be {range_}"
    if typing.get_origin(bare) is tuple and unwrapped(typing.get_args(bare)[0])[0] is int:
        return f"expected {_WHOLE_NUMBERS}"
    if bare in _WORDS:
        return f"expected {_WORDS[bare]}"
    return f"{error[:1].lower()}{error[1:]}".replace("`", "").replace(" - at $", " at ") or "give a value"


def _is_number(bare: Any, value: Any) -> bool:
    kinds = {int: int, float: (int, float)}
    return bare in kinds and isinstance(value, kinds[bare]) and not isinstance(value, bool)


def _range(meta: Meta) -> str:
    if meta.le == _LARGEST:
        return "finite" if meta.gt is None else f"finite and above {meta.gt:,}"
    if meta.ge is not None and meta.le is not None:
        return f"between {meta.ge:,} and {meta.le:,}"
    ends = (("at least", meta.ge), ("above", meta.gt), ("at most", meta.le), ("below", meta.lt))
    return " and ".join(f"{word} {end:,}" for word, end in ends if end is not None)


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; choose from {', '.join(known)}" if len(known) < 20 else ""
