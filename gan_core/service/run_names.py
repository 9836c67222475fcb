"""What a run is called until its owner renames it: by what differs from the recipe.

digits · auto · conditional
cats.zip · dcgan · 500 steps · r1 = 0.5 · seed 3
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gan_core.config.run_config import RunConfig, differences
from gan_core.config.titles import value_in_words
from gan_core.store.labels import LONGEST_NAME

MOST_NAMED = 3
"""A name has at most so many settings; the event log has them all."""


def name_of(config: RunConfig, recipe: RunConfig, data: str) -> str:
    """The name of a run on the data set that is called `data`, whose settings started from `recipe`."""
    seconds = config.training.seconds
    words: list[str] = []
    if seconds is not None:
        words.append(f"{seconds:,.0f} s")
    elif config.training.steps != recipe.training.steps:
        words.append(f"{config.training.steps:,} steps")
    elsewhere = ("preset", "seed", "data.name", "training.steps", "training.seconds")
    changed = [(key, value) for key, (value, _) in differences(config, recipe).items() if key not in elsewhere]
    words += [_setting(key, value) for key, value in changed[:MOST_NAMED]]
    if len(changed) > MOST_NAMED:
        words.append(f"{len(changed) - MOST_NAMED} more")
    seed = [f"seed {config.seed}"] if config.seed else []
    name = " · ".join([data, config.preset, *words])
    room = LONGEST_NAME - sum(len(word) + 3 for word in seed)
    return " · ".join([name if len(name) <= room else f"{name[: room - 1]}…", *seed])


def name_for_others(name: str, config: RunConfig, files: Iterable[str], data: str) -> str:
    """The name of a run in which its data set is called `data`, as by people who may not know its owner's `files`.

    Of a name that `name_of` has made, all before the recipe goes: the file may be called otherwise by now.
    """
    before, recipe, after = name.rpartition(f" · {config.preset}")
    name = f"{data}{recipe}{after}" if before else name
    for file in sorted(files, key=len, reverse=True):
        name = name.replace(file, data)
    return name


def _setting(key: str, value: Any) -> str:
    name = key.rpartition(".")[2].replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} = {value_in_words(value)}"
