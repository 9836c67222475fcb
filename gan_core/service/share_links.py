"""A configuration as the query of a link, and back: the recipe, what differs from it, the seed, and the versions.

    ?preset=auto&data=mnist&seconds=60&seed=3&objective.r1=0.5&made=ganometer:0.1.0,tensorflow:2.21.0

Anybody may have written a link: it is checked like any input, and opening one starts nothing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, Sequence, cast
from urllib.parse import quote, urlencode

from gan_core.config.run_config import ConfigError, RunConfig, differences, override, wrong_alone
from gan_core.records import DatasetError, RunInfo

LONGEST = 4000
"""Characters of a query: every setting there is, changed, stays below."""
SHORT = {"preset": "preset", "data": "data.name", "seconds": "training.seconds", "seed": "seed"}
"""What has a name of its own in a link; every other setting goes by its dotted key."""
LONGEST_VALUE = 200
OF_THE_PAGE = ("run", "step", "space", "part")
"""What else may stand in an address of this app."""
EACH = "each"
"""Instead of a seed: whoever opens the link gets one of their own."""
_MADE = re.compile(r"[a-z]{1,20}:[\w.+ -]{1,40}(,[a-z]{1,20}:[\w.+ -]{1,40}){0,9}")


@dataclass(frozen=True)
class Link:
    """What a link brings: the settings, the recipe they differ from, and the versions it was made with.

    `warnings` say what was left out.
    """

    config: RunConfig
    recipe: RunConfig
    versions: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    own_seed: bool = False
    """Whether the seed is the visitor's own, not one that the link brings."""

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """What differs from the recipe, but for the seed: {key: (link's, recipe's)}."""
        return {key: pair for key, pair in differences(self.config, self.recipe).items() if key != "seed"}


def query_of(config: RunConfig, *, preset_for: Callable[..., RunConfig], versions: Mapping[str, str]) -> dict[str, str]:
    """The query of a link to these settings. `preset_for(name, data=, seconds=)` gives the recipe."""
    recipe = preset_for(config.preset, data=config.data.name, seconds=config.training.seconds)
    told = {"preset": config.preset, "data": config.data.name}
    if config.training.seconds is not None:
        told["seconds"] = _text(config.training.seconds)
    told["seed"] = str(config.seed)
    changed = differences(config, recipe)
    told |= {key: _text(value) for key, (value, _) in changed.items() if key not in SHORT.values()}
    return told | {"made": ",".join(f"{name}:{version}" for name, version in versions.items())}


def encoded_query(query: Mapping[str, str]) -> str:
    """A query as it stands behind the question mark of an address."""
    return urlencode(query, safe=",:", quote_via=quote)


def seed_of(visitor: str) -> int:
    """The seed that a visitor gets from every link that gives each of them another one: the same at every visit."""
    return 1 + int.from_bytes(hashlib.sha256(f"seed of {visitor}".encode()).digest()[:8], "big") % 999_999


def config_from_query(
    query: Mapping[str, Sequence[str]], *, preset_for: Callable[..., RunConfig], visitor: str = ""
) -> Link:
    """The settings in a query of {key: every value given for it}, with the seed of `visitor` where the link gives each
    visitor another one. Raises ConfigError naming all that is wrong."""
    size = sum(len(key) + len(value) + 2 for key, values in query.items() for value in values)
    if size > LONGEST:
        raise ConfigError([f"the link has {size:,} characters, and one of this app has at most {LONGEST:,}"])
    told, problems, warnings = _told(query)
    made = told.pop("made", "")
    if own_seed := told.get("seed") == EACH:
        told["seed"] = str(seed_of(visitor))
    if made and not _MADE.fullmatch(made):
        warnings.append("which versions it was made with cannot be read")
        made = ""
    changes = {SHORT.get(key, key): value for key, value in told.items()}
    problems += wrong_alone(changes)
    sound = {} if problems else changes
    seconds = override(RunConfig(), {"training.seconds": sound.get("training.seconds")}).training.seconds
    try:
        recipe = preset_for(sound.get("preset", "auto"), data=changes.get("data.name", "digits"), seconds=seconds)
    except DatasetError as error:  # missing data are named together with everything else
        raise ConfigError([*problems, str(error)]) from None
    if problems:
        raise ConfigError(problems)
    versions = dict(part.split(":") for part in made.split(",")) if made else {}
    return Link(override(recipe, changes), recipe, versions, tuple(warnings), own_seed)


def repeating(run: RunInfo) -> RunConfig:
    """The configuration that trains this run again: with the steps that its speed trial has found, once it has."""
    if run.step == 0:
        return run.config
    return replace(run.config, training=replace(run.config.training, seconds=None))


def _told(query: Mapping[str, Sequence[str]]) -> tuple[dict[str, str], list[str], list[str]]:
    """What a query says of the settings, what is wrong with how it says it, and what was left out."""
    told: dict[str, str] = {}
    problems: list[str] = []
    warnings: list[str] = []
    for key, values in query.items():
        if key in OF_THE_PAGE:
            continue
        if any(unicodedata.category(c).startswith("C") for text in (key, *values) for c in text):
            problems.append(f"{key[:60]!r} has characters that no link of this app holds")
        elif len(values) != 1:
            problems.append(f"{key[:60]} is given {len(values)} times; give it once")
        elif len(values[0]) > LONGEST_VALUE:
            problems.append(f"{key[:60]} has {len(values[0]):,} characters, and no setting has {LONGEST_VALUE}")
        elif key in SHORT or key == "made" or ("." in key and key not in SHORT.values()):
            told[key] = values[0]
        else:  # a messenger or a mailing list may have added something of its own
            warnings.append(f"{key[:60]!r} is no part of a link of this app")
    return told, problems, warnings


def _text(value: Any) -> str:
    """A value as `override` reads it back: 60, 0.5, true, 96,96."""
    if isinstance(value, tuple):
        return ",".join(str(part) for part in cast("tuple[Any, ...]", value))
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")
