"""Which runs Home shows, and in which order: grouped by data and recipe, sorted, a visitor's own or everybody's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gan_core import Headline, RunInfo
from ui.frame.text import data_title, recipe_of

ORDERS = {"newest": "Newest first", "best": "Smallest distance first", "name": "By name"}


@dataclass(frozen=True)
class Setting:
    """The runs of one recipe on one data set, in the order chosen; `title` says which: "digits · auto"."""

    title: str
    runs: tuple[RunInfo, ...]


def in_order(runs: Sequence[RunInfo], order: str, headline: Callable[[RunInfo], Headline]) -> list[RunInfo]:
    """The runs in one of ORDERS; those that were not measured stand behind those that were."""
    if order == "name":
        return sorted(runs, key=lambda run: run.name.casefold())
    if order == "best":

        def distance(run: RunInfo) -> float:
            energy = headline(run).energy
            return math.inf if energy is None or energy.value is None else energy.value

        return sorted(runs, key=distance)
    return sorted(runs, key=lambda run: -run.created)


def by_setting(runs: Sequence[RunInfo], files: Mapping[str, str]) -> list[Setting]:
    """The runs by data and recipe, each setting where its first run stands. Runs that were not trained here have none:
    they stand by what they are."""
    groups: dict[tuple[str, str], list[RunInfo]] = {}
    for run in runs:
        groups.setdefault((run.config.data.name, recipe_of(run)), []).append(run)
    return [Setting(f"{data_title(name, files)} · {preset}", tuple(group)) for (name, preset), group in groups.items()]
