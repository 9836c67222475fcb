"""The configuration of a run: its sections checked together, JSON, and overrides by dotted key.

    config = override(RunConfig(), {"optimizer.beta1": ".5", "training.steps": "2000"})
    config == from_json(to_json(config))

What each setting may be is stated in sections.py, and which do not go together in rules.py; the presets are in
presets.py.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass, replace
from typing import Any, Literal, Mapping

import numpy as np
import numpy.typing as npt

from gan_core.config.rules import conflicts
from gan_core.config.sections import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    ObjectiveConfig,
    OptimizerConfig,
    Preset,
    RecordingConfig,
    TrainingConfig,
    setting,
)
from gan_core.validation import Invalid, Seed, converted, from_text, is_table, kinds_of, unwrapped, wrong


class ConfigError(Invalid):
    """One or more settings are wrong, or do not go together; `problems` has the sentences one by one."""


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes. Raises ConfigError naming all settings that are wrong.

    Where each is right by itself, it names all that do not go together.
    """

    preset: Preset = setting("auto", "The recipe the settings started from.")
    seed: Seed = setting(0, "Fixes every random draw: same seed, same run.")
    data: DataConfig = DataConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
    recording: RecordingConfig = RecordingConfig()

    def __post_init__(self) -> None:
        problems = [said for key, value in flatten_config(self).items() for said in wrong(key, _KINDS[key], value)]
        if problems := problems or list(conflicts(self)):
            raise ConfigError(problems)


# ---------------------------------------------------------------- what is recorded when


def recorded_steps(total: int, count: int, first: int = 50) -> tuple[int, ...]:
    """At most `count` steps from 0 to `total`, both included: dense early, then evenly in time.

    Those from `first` on lie at equal distances on `recording_scale`.
    """
    if total <= first or count <= 2:
        return tuple(sorted({0, total}))
    known = sorted({*np.geomspace(first, total, 2_000).tolist(), *np.linspace(first, total, 2_000).tolist()})
    places = recording_scale(np.array(known, float), total)
    even: npt.NDArray[np.float64] = np.linspace(float(places[0]), float(places[-1]), count - 1)
    later: npt.NDArray[np.float64] = np.interp(even, places, np.array(known, float))
    return (0, *sorted({round(float(step)) for step in later}))


EARLY = 0.2
"""The share of the scale that is logarithmic, for the beginning of a run, when most changes; the rest is even."""


def recording_scale(steps: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.float64]:
    """Where steps (n,) lie between the beginning and the end of a run of `total` steps: from 0 to 1, ascending."""
    return EARLY * np.log1p(steps / 50) / np.log1p(max(total, 1) / 50) + (1 - EARLY) * steps / max(total, 1)


# ---------------------------------------------------------------- JSON and overrides


def to_json(config: RunConfig) -> str:
    """Nested by section, with sorted keys: equal configurations give equal text."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def from_json(text: str) -> RunConfig:
    """The inverse of `to_json`; what the text leaves out has its default.

    Raises ConfigError naming every unknown key and every wrong value at once.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"the configuration is not JSON ({error})"]) from None
    if not is_table(values):
        raise ConfigError([f"the configuration is {type(values).__name__}, not a JSON object"])
    flat: dict[str, Any] = {}
    for key, value in values.items():
        nested = key in _SECTIONS and is_table(value)
        flat |= {f"{key}.{name}": part for name, part in value.items()} if nested else {key: value}
    return override(RunConfig(), flat)


def override(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """A copy with dotted keys changed: `{"optimizer.beta1": .5}`. Text is read as the setting's type.

    Raises ConfigError naming every unknown key and every wrong value at once; where there is none, all that do not
    go together.
    """
    found, problems = _read(changes)
    if problems:
        raise ConfigError(problems)
    parts: dict[str, dict[str, Any]] = {"": {}}
    for key, value in found.items():
        section, _, name = key.rpartition(".")
        parts.setdefault(section, {})[name] = value
    top = parts.pop("")
    return replace(config, **top, **{part: replace(getattr(config, part), **values) for part, values in parts.items()})


def wrong_alone(changes: Mapping[str, Any]) -> list[str]:
    """What is wrong with each of some dotted keys and values (or text), whatever the other settings are."""
    return _read(changes)[1]


def differences(config: RunConfig, other: RunConfig) -> dict[str, tuple[Any, Any]]:
    """Dotted keys whose values differ: `{key: (config's, other's)}`."""
    ours, theirs = flatten_config(config), flatten_config(other)
    return {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]}


def flatten_config(config: RunConfig) -> dict[str, Any]:
    """Every setting by its dotted key."""
    flat: dict[str, Any] = {}
    for name, value in vars(config).items():
        parts: Mapping[str, Any] = value.__dict__ if name in _SECTIONS else {}
        flat |= {f"{name}.{key}": part for key, part in parts.items()} or {name: value}
    return flat


def describe_setting(key: str) -> Mapping[str, Any]:
    """The help sentence and range of a dotted key: `{"help", "low", "high", "longest"}`.

    `low` and `high` are None where there is no range; `longest` bounds the length of a tuple. Raises KeyError for a
    key that is no setting.
    """
    bare, meta = unwrapped(_KINDS[key])
    longest = 1
    if typing.get_origin(bare) is tuple:
        longest = meta.max_length
        _, meta = unwrapped(typing.get_args(bare)[0])
    return {"help": _HELP[key], "low": meta.ge, "high": meta.le, "longest": longest}


def setting_type(key: str) -> tuple[str, tuple[str, ...]]:
    """What a dotted key holds: choice (with the choices), switch, whole, number, widths or text.

    Raises KeyError for a key that is no setting.
    """
    bare, _ = unwrapped(_KINDS[key])
    if typing.get_origin(bare) is Literal:
        return "choice", typing.get_args(bare)
    return {bool: "switch", int: "whole", float: "number", str: "text"}.get(bare, "widths"), ()


_SECTIONS: Mapping[str, type[Any]] = {
    name: kind for name, kind in kinds_of(RunConfig).items() if isinstance(kind, type)
}

_OWNERS: Mapping[str, type[Any]] = {"": RunConfig, **_SECTIONS}

_KINDS: Mapping[str, Any] = {
    f"{section}.{name}".lstrip("."): kind
    for section, owner in _OWNERS.items()
    for name, kind in kinds_of(owner).items()
    if section or name not in _SECTIONS
}
"""The annotation of every setting, by its dotted key."""

_HELP: Mapping[str, str] = {
    f"{section}.{field.name}".lstrip("."): field.metadata["help"]
    for section, owner in _OWNERS.items()
    for field in dataclasses.fields(owner)
    if "help" in field.metadata
}

SETTINGS: tuple[str, ...] = tuple(_KINDS)

LIVE_HYPERPARAMETERS: tuple[str, ...] = (
    "optimizer.learning_rate_generator",
    "optimizer.learning_rate_discriminator",
    "objective.r1",
    "objective.r2",
    "objective.gradient_penalty_weight",
    "objective.energy_weight",
    "objective.feature_matching",
    "objective.diversity",
    "objective.label_smoothing",
    "objective.instance_noise",
)
"""Numbers that are inputs of the compiled step: as long as they stay above 0, they change without compiling."""


def _read(changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values in the types of their settings, and what is wrong with each."""
    typed = {key: from_text(_KINDS[key], value) if key in _KINDS else value for key, value in changes.items()}
    return converted(_KINDS, typed, what="a setting")
