"""What a bundle's content has to be, beyond its types: what pages, the worker and the database can do with it.

Whoever reads a run from the store meets these values again and again; so they are looked at once, on the way in.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gan_core.records import Report
from gan_core.validation import Count, Finite, Invalid, Text, shown

DEEPEST, LARGEST_NUMBER, LONGEST_TEXT = 12, 1e100, 10_000
"""Of what run.json may hold: lists in lists, the size of a number, the characters of a text."""
MOST = {"events": 2_000, "reports": 1_000, "references": 100}
MOST_ARRAYS = 2_000
"""Of one array file: a generator, a discriminator and their optimizers have some hundreds."""


@dataclass(frozen=True)
class _Nearest:
    auc: Finite
    real_to_real: list[Finite]
    fake_to_real: list[Finite]
    real_to_fake: list[Finite]


@dataclass(frozen=True)
class _Curve:
    recall: list[Finite]
    precision: list[Finite]
    f8: Finite
    f1_8: Finite


@dataclass(frozen=True)
class _Modes:
    counts: list[Count]
    captured: Count
    balanced: Count
    high_quality: Finite
    ideal_high_quality: Finite


@dataclass(frozen=True)
class _Classes:
    labels: list[int]
    real: list[Finite]
    fake: list[Finite]
    p: Finite
    accuracy: Finite | None


@dataclass(frozen=True)
class _Direction:
    vector: list[Finite]
    distance: Finite


@dataclass(frozen=True)
class _Likelihood:
    value: Finite
    standard_error: Finite
    sigma: Finite


@dataclass(frozen=True)
class _Details:
    """What a report holds that is more than a number."""

    nearest: _Nearest | None = None
    prd: _Curve | None = None
    modes: _Modes | None = None
    classes: _Classes | None = None
    direction: _Direction | None = None
    copies: list[list[Finite]] | None = None
    parzen: dict[Text, _Likelihood] = field(default_factory=dict[str, _Likelihood])


def read_json(data: bytes) -> Any:
    """JSON in which every name stands once, and every number is one that can be computed with.

    Raises Invalid for anything else; also for lists nested too deep, and for texts that are too long.
    """
    try:
        found = json.loads(data, object_pairs_hook=_table, parse_constant=_no_number)
    except Invalid:
        raise
    except (ValueError, RecursionError) as error:
        raise Invalid([f"run.json is not JSON ({error})"]) from None
    _check_values(found)
    return found


def check_run(about: Any) -> None:
    """Raises Invalid for a run.json whose parts do not fit together."""
    problems = [
        f"{name} are {len(getattr(about, name)):,}; at most {most:,} are read"
        for name, most in MOST.items()
        if len(getattr(about, name)) > most
    ]
    if not 1 <= len(about.name.strip()):
        problems.append("name is empty; give the run one")
    if about.step > about.total_steps:
        problems.append(f"step is {about.step:,} of {about.total_steps:,} steps")
    if about.parent_id == about.id:
        problems.append(f"parent_id is {about.parent_id!r}, the run itself")
    if about.parent_step is not None and about.parent_step > about.total_steps:  # which run it was may be hidden
        problems.append(f"parent_step is {about.parent_step:,} of {about.total_steps:,} steps")
    if about.parent_step is None and about.parent_id is not None:
        problems.append(f"parent_step is missing; say from which step of run {about.parent_id} the run was forked")
    steps = [step for step, *_ in about.events] + [step for step, _ in about.reports]
    problems += [f"a step is {step:,} of {about.total_steps:,} steps" for step in steps if step > about.total_steps][:1]
    if problems:
        raise Invalid(problems)


def check_steps(about: Any, steps: Mapping[str, Iterable[int]], metrics: Sequence[int]) -> None:
    """Raises Invalid for recordings of steps that the run has not."""
    recorded = {**{name: max(kept, default=0) for name, kept in steps.items()}, "metrics": max(metrics, default=0)}
    if problems := [
        f"the {name} go to step {last:,}, and the run to step {about.step:,} of {about.total_steps:,}"
        for name, last in recorded.items()
        if last > about.total_steps
    ]:
        raise Invalid(problems)


def check_report(report: Report) -> None:
    """Raises Invalid for a report that no measurement gives."""
    energy = report.metrics.get("energy_distance")
    if report.status != "diverged" and (energy is None or energy.value is None):
        raise Invalid(["a report holds no energy_distance, which every measurement has"])
    if report.n_real < 1 or report.n_fake < 1:
        raise Invalid([f"a report is of {report.n_real} real and {report.n_fake} generated samples"])
    try:
        details = msgspec.convert(report.details, _Details)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise Invalid([f"the details of a report are none that a measurement gives ({error})"]) from None
    if (classes := details.classes) and len({len(classes.labels), len(classes.real), len(classes.fake)}) != 1:
        raise Invalid(["the details of a report have not one share for each class"])
    if (modes := details.modes) and not modes.counts:
        raise Invalid(["the details of a report name no mode"])


def check_arrays(listed: Sequence[zipfile.ZipInfo]) -> None:
    """Raises Invalid for an array file of more arrays than networks have, or of something else."""
    if len(listed) > MOST_ARRAYS:
        raise Invalid([f"a file of arrays holds {len(listed):,}; at most {MOST_ARRAYS:,} are read"])
    if other := [info.filename for info in listed if not info.filename.endswith(".npy")]:
        raise Invalid([f"a file of arrays holds {shown(other[0])}, which is no array"])


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
        raise Invalid([f"{twice[:100]!r} stands twice in a table of run.json"])
    return found


def _no_number(name: str) -> float:
    raise Invalid([f"run.json holds {name}, which is no number"])


def _check_values(value: Any) -> None:
    """Without recursion: what is nested too deep is what is looked for."""
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        one, depth = left.pop()
        if depth > DEEPEST:
            raise Invalid([f"run.json holds lists or tables in more than {DEEPEST} others"])
        if isinstance(one, dict):
            left += [(part, depth + 1) for pair in one.items() for part in pair]
        elif isinstance(one, list):
            left += [(part, depth + 1) for part in one]
        elif isinstance(one, str) and len(one) > LONGEST_TEXT:
            raise Invalid([f"run.json holds a text of {len(one):,} characters; at most {LONGEST_TEXT:,} are read"])
        elif isinstance(one, int | float) and not abs(one) <= LARGEST_NUMBER:
            raise Invalid(["run.json holds a number that no measurement gives, above 1e100"])
