"""What a person calls a setting: "Learning rate generator" for `optimizer.learning_rate_generator`.

Files, links and the command line use the dotted keys; pages use these names, in every place the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from gan_core.config.run_config import SETTINGS

_SPELLED = {
    "r1": "R1",
    "r2": "R2",
    "ema": "EMA",
    "gradient_penalty": "Further gradient penalty",
    "gradient_penalty_weight": "Further penalty weight",
    "hidden": "Hidden layers",
    "init": "First weights",
    "latent_dim": "Latent dimensions",
    "log_every": "Steps between records",
    "rows": "Measured samples",
}
"""What is not read off the key: abbreviations, and words that say too little."""

_SHARED = {name for name, count in Counter(key.rpartition(".")[2] for key in SETTINGS).items() if count > 1}
"""Names that the generator has and the discriminator too."""

_KEYS = re.compile("|".join(rf"(?<![\w.]){re.escape(key)}(?![\w.]*\w)" for key in SETTINGS if "." in key))


def setting_label(key: str) -> str:
    """The name of a setting below the title of its group: "Batch norm"."""
    name = key.rpartition(".")[2]
    return _SPELLED.get(name) or name.replace("_", " ").capitalize()


def setting_title(key: str) -> str:
    """The name of a setting that stands alone: "Batch norm of the generator"."""
    section, _, name = key.rpartition(".")
    return f"{setting_label(key)} of the {section}" if name in _SHARED else setting_label(key)


def with_titles(text: str) -> str:
    """A sentence in which settings have their names instead of their dotted keys."""
    return _KEYS.sub(lambda found: setting_title(found[0]), text)


def value_in_words(value: Any) -> str:
    """A setting's value as a page shows it: on, none, 12,000, 64–32."""
    if isinstance(value, (tuple, list)):  # a list where it has been JSON
        return "–".join(map(str, cast("Sequence[object]", value)))
    if isinstance(value, bool) or value is None:
        return {True: "on", False: "off", None: "none"}[value]
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def settings_in_words(values: Mapping[str, Any]) -> str:
    """Settings {dotted key: value} by their names: "Batch = 64, Loss = hinge"."""
    return ", ".join(f"{_named(key)} = {value_in_words(value)}" for key, value in values.items())


def changes_in_words(changes: Mapping[str, Sequence[Any]]) -> str:
    """Changes of settings {dotted key: (before, after)} by their names: "R1 1 → 2"."""
    words = ((key, value_in_words(before), value_in_words(after)) for key, (before, after) in changes.items())
    return ", ".join(f"{_named(key)} {before} → {after}" for key, before, after in words)


def _named(key: str) -> str:
    """A file of another version may name a setting that this one has not."""
    return setting_title(key) if key in SETTINGS else key
