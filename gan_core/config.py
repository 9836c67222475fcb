"""What a run is: frozen dataclasses, presets, validation, JSON, and overrides by dotted key.

    config = preset("auto", data="digits", shape=(8, 8, 1))
    config = override(config, {"optimizer.beta1": ".5", "training.steps": "2000"})
    config == from_json(to_json(config))

Every setting states its range and one plain sentence in its field's metadata, so the check, the
command line's list and the page's widget cannot disagree.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Mapping

import numpy as np

Loss = Literal["minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic"]
Init = Literal["glorot_uniform", "he_normal"]

LOSSES: tuple[str, ...] = typing.get_args(Loss)


class ConfigError(ValueError):
    """One or more settings are wrong; the message names all of them, `problems` has them one by one."""

    def __init__(self, problems: list[str]):
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def setting(default: Any, help: str, low: float | None = None, high: float | None = None, whole: int = 1):
    """A dataclass field with its range (inclusive) and its sentence; `whole` bounds a tuple's length."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "longest": whole})


@dataclass(frozen=True)
class DataConfig:
    name: str = setting("digits", "The data set: a built-in name, or upload-<id>.")


@dataclass(frozen=True)
class GeneratorConfig:
    latent_dim: int = setting(64, "How many random numbers the generator starts from.", 1, 512)
    hidden: tuple[int, ...] = setting((128, 128), "Width of each hidden layer.", 1, 1024, whole=6)
    init: Init = setting("he_normal", "How the first weights are drawn.")
    output_gain: float = setting(0.3, "Scale of the last layer's first weights: small starts near the mean.", 0, 10)
    output_bias: bool = setting(True, "Start from the average image instead of from grey.")
    ema: float = setting(0.999, "How slowly the averaged generator follows: 0 copies, .999 smooths.", 0, 0.99999)


@dataclass(frozen=True)
class DiscriminatorConfig:
    hidden: tuple[int, ...] = setting((128, 128), "Width of each hidden layer.", 1, 1024, whole=6)
    init: Init = setting("he_normal", "How the first weights are drawn.")
    centre: bool = setting(True, "Show it 2·(x − mean) instead of raw pixels.")


@dataclass(frozen=True)
class ObjectiveConfig:
    loss: Loss = setting("relativistic", "The game: what each network is paid for.")
    r1: float = setting(1.0, "Gradient penalty on real samples: higher is calmer, lower is sharper.", 0, 1000)
    r2: float = setting(1.0, "Gradient penalty on generated samples.", 0, 1000)
    penalty_end: float = setting(0.1, "What the penalties have shrunk to (as a share) half-way through.", 1e-6, 1)
    penalty_every: int = setting(8, "Apply the penalties every this many steps, scaled up to match.", 1, 64)
    energy_weight: float = setting(
        0.0, "Pay the generator also for a small energy distance between its batch and the real one.", 0, 1000
    )


@dataclass(frozen=True)
class OptimizerConfig:
    learning_rate_generator: float = setting(3e-3, "Adam's step size for the generator.", 1e-7, 1)
    learning_rate_discriminator: float = setting(3e-3, "Adam's step size for the discriminator.", 1e-7, 1)
    beta1: float = setting(0.0, "Adam's memory of past gradients.", 0, 0.999)
    beta2: float = setting(0.99, "Adam's memory of past squared gradients.", 0, 0.99999)
    warmup_steps: int = setting(200, "Grow the step size from 0 over this many steps.", 0, 100_000)
    decay_from: float = setting(0.6, "Shrink the step size to 0 from this share of the run on; 1 is never.", 0, 1)


@dataclass(frozen=True)
class TrainingConfig:
    steps: int = setting(12_000, "Generator updates in all.", 1, 1_000_000)
    seconds: float | None = setting(None, "Train about this long: a short speed trial decides the steps.", 1, 86_400)
    batch: int = setting(256, "Samples of each kind per step.", 1, 2048)


@dataclass(frozen=True)
class RecordingConfig:
    log_every: int = setting(25, "Write the losses down every this many steps (the mean over them).", 1, 100_000)
    snapshots: int = setting(32, "How often the generator is kept and measured against held-out data.", 2, 48)
    rows: int = setting(1000, "Samples of each kind in one distance measurement (at most the test part).", 50, 10_000)


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes."""

    preset: str = setting("auto", "The recipe the settings started from.")
    seed: int = setting(0, "Fixes every random draw: same seed, same run.", 0, 2**31 - 1)
    data: DataConfig = DataConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
    recording: RecordingConfig = RecordingConfig()

    def __post_init__(self):
        if problems := list(_problems(self)):
            raise ConfigError(problems)


# ---------------------------------------------------------------- presets

PRESETS: dict[str, str] = {
    "auto": "The steady modern recipe (relativistic loss, gradient penalties on both sides): start here.",
    "classic-2014": "The article's GAN, faithfully: the original minimax game. Watch it struggle.",
    "non-saturating": "The same networks with the generator paid for fooling, not for avoiding: the classic repair.",
    "energy-guided": "The steady game, with the Euclidean energy distance added to what the generator minimises.",
    "lsgan": "The same networks, graded by squared error instead of by logarithms: a pull that never fades.",
}


def preset(name: str = "auto", *, data: str = "digits", shape: tuple[int, ...] = (8, 8, 1), seed: int = 0) -> RunConfig:
    """The explicit configuration of a preset for data of this shape: (d,) points or (h, w, c) images.

    Resolved by the data's kind and shape, never by its name. Raises ConfigError for an unknown preset.
    Sources: classic-2014 is Goodfellow et al. 2014 (arXiv:1406.2661) as the article sets it up; lsgan gives its
    networks the loss of Mao et al. 2017 (arXiv:1611.04076) and that paper's Adam beta1 of .5; auto follows Huang
    et al. 2024 (R3GAN, arXiv:2501.05441) with the schedule measured in the README; energy-guided is auto with the
    non-saturating loss and the energy distance (Bellemare et al. 2017, arXiv:1705.10743).
    """
    if name == "auto":
        config = _auto_points() if len(shape) == 1 else _auto_images(shape)
    elif name in ("classic-2014", "non-saturating"):
        config = _classic("minimax" if name == "classic-2014" else "non-saturating")
    elif name == "energy-guided":
        config = override(
            preset("auto", shape=shape), {"objective.loss": "non-saturating", "objective.energy_weight": 0.3}
        )
    elif name == "lsgan":
        config = _classic("least-squares", beta1=0.5)
    else:
        raise ConfigError([f"preset is {name!r}; choose one of {', '.join(PRESETS)}"])
    return replace(config, preset=name, data=DataConfig(data), seed=seed)


def _auto_images(shape: tuple[int, ...]) -> RunConfig:
    small = math.prod(shape) <= 256
    return RunConfig(
        generator=GeneratorConfig(latent_dim=32 if small else 100),
        training=TrainingConfig(steps=12_000 if small else 15_000),
    )


def _auto_points() -> RunConfig:
    wide = (128, 128, 128)
    return RunConfig(
        generator=GeneratorConfig(latent_dim=2, hidden=wide, output_gain=1.0),
        discriminator=DiscriminatorConfig(hidden=wide, centre=False),
        objective=ObjectiveConfig(r1=0.2, r2=0.2, penalty_end=1e-3, penalty_every=1),
        optimizer=OptimizerConfig(learning_rate_generator=1e-3, learning_rate_discriminator=1e-3, decay_from=0.5),
        training=TrainingConfig(steps=12_000),
    )


def _classic(loss: Loss, beta1: float = 0.9) -> RunConfig:
    return RunConfig(
        generator=GeneratorConfig(latent_dim=100, init="glorot_uniform", output_gain=1.0, output_bias=False, ema=0.0),
        discriminator=DiscriminatorConfig(init="glorot_uniform", centre=False),
        objective=ObjectiveConfig(loss=loss, r1=0.0, r2=0.0, penalty_end=1.0, penalty_every=1),
        optimizer=OptimizerConfig(2e-4, 2e-4, beta1=beta1, beta2=0.999, warmup_steps=0, decay_from=1.0),
        training=TrainingConfig(steps=15_000, batch=128),
    )


# ---------------------------------------------------------------- what is recorded when


def recorded_steps(total: int, count: int, first: int = 50) -> tuple[int, ...]:
    """At most `count` steps from 0 to `total`, both included: dense early, then evenly in log scale."""
    if total <= 1 or count <= 2:
        return tuple(sorted({0, total}))
    later = np.geomspace(min(first, total), total, count - 1).round().astype(int)
    return (0, *(int(s) for s in np.unique(later)))


# ---------------------------------------------------------------- JSON and overrides


def to_json(config: RunConfig) -> str:
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def from_json(text: str) -> RunConfig:
    """The inverse of `to_json`. Raises ConfigError naming every unknown key and every bad value at once."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError([f"the configuration is not JSON ({error})"]) from None
    if not isinstance(values, dict):
        raise ConfigError([f"the configuration is {type(values).__name__}, not a JSON object"])
    problems: list[str] = []
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if key in _SECTIONS and isinstance(value, dict):
            flat |= {f"{key}.{name}": v for name, v in value.items()}
        else:
            flat[key] = value
    config = _assemble(RunConfig(), flat, problems)
    if config is None or problems:
        raise ConfigError(problems)
    return config


def override(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """A copy with dotted keys changed: `{"optimizer.beta1": .5}`. Text is read as the setting's type.

    Raises ConfigError naming every unknown key and every bad value at once.
    """
    problems: list[str] = []
    changed = _assemble(config, dict(changes), problems)
    if changed is None or problems:
        raise ConfigError(problems)
    return changed


def differences(config: RunConfig, other: RunConfig) -> dict[str, tuple[Any, Any]]:
    """Dotted keys whose values differ: `{key: (config's, other's)}`."""
    ours, theirs = flatten(config), flatten(other)
    return {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]}


def flatten(config: RunConfig) -> dict[str, Any]:
    """Every setting by its dotted key."""
    flat: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if item.name in _SECTIONS:
            flat |= {f"{item.name}.{part.name}": getattr(value, part.name) for part in dataclasses.fields(value)}
        else:
            flat[item.name] = value
    return flat


def describe(key: str) -> Mapping[str, Any]:
    """The help sentence and range of a dotted key: `{"help", "low", "high", "longest"}`."""
    return _FIELDS[key].metadata


def kind_of(key: str) -> tuple[str, tuple[str, ...]]:
    """What a dotted key holds: choice (with the choices), switch, whole, number, widths or text."""
    kind = _TYPES[key]
    if typing.get_origin(kind) is Literal:
        return "choice", typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return "widths", ()
    if typing.get_origin(kind) is types.UnionType:
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
    return {bool: "switch", int: "whole", float: "number"}.get(kind, "text"), ()


_SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "generator": GeneratorConfig,
    "discriminator": DiscriminatorConfig,
    "objective": ObjectiveConfig,
    "optimizer": OptimizerConfig,
    "training": TrainingConfig,
    "recording": RecordingConfig,
}

_FIELDS: dict[str, dataclasses.Field] = {
    f.name: f for f in dataclasses.fields(RunConfig) if f.name not in _SECTIONS
} | {f"{section}.{f.name}": f for section, cls in _SECTIONS.items() for f in dataclasses.fields(cls)}

_TYPES: dict[str, Any] = {
    key: typing.get_type_hints(_SECTIONS[key.split(".")[0]] if "." in key else RunConfig)[f.name]
    for key, f in _FIELDS.items()
}

SETTINGS: tuple[str, ...] = tuple(_FIELDS)


def _assemble(config: RunConfig, changes: dict[str, Any], problems: list[str]) -> RunConfig | None:
    parts: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        if key not in _FIELDS:
            problems.append(f"{key} is not a setting{_nearest(key)}")
            continue
        try:
            value = _read(_TYPES[key], value)
        except (ValueError, TypeError, OverflowError):
            problems.append(_expected(key, value))
            continue
        section, _, name = key.rpartition(".")
        parts.setdefault(section, {})[name] = value
    try:
        sections = {s: replace(getattr(config, s), **values) for s, values in parts.items() if s}
        return replace(config, **parts.get("", {}), **sections)
    except ConfigError as error:
        problems += error.problems
        return None


def _nearest(key: str) -> str:
    import difflib

    close = difflib.get_close_matches(key, SETTINGS, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _expected(key: str, value: Any) -> str:
    kind, choices = kind_of(key)
    return f"{key} is {value!r}; expected {_EXPECTED[kind]}{', '.join(choices)}"


_EXPECTED = {
    "choice": "one of ",
    "switch": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "widths": "whole numbers, for example 128,128",
    "text": "text",
}


def _read(kind: Any, value: Any) -> Any:
    """`value` (JSON or text) as the setting's type; ValueError, TypeError or OverflowError when it is none."""
    if typing.get_origin(kind) is types.UnionType:
        if value is None or (isinstance(value, str) and value.lower() in ("none", "")):
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
    if typing.get_origin(kind) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise TypeError
        return tuple(_read(int, item) for item in items)
    if kind is bool and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if kind in (int, float) and not isinstance(value, bool):
        number = float(value)
        value = int(number) if kind is int and number == int(number) else number
    if not _is(kind, value):
        raise ValueError
    return value


def _is(kind: Any, value: Any) -> bool:
    """Whether a value has the setting's type; a whole number also does for a number, and a bool for neither."""
    if typing.get_origin(kind) is types.UnionType:
        return any(_is(k, value) for k in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is(int, item) for item in value)
    if typing.get_origin(kind) is Literal:
        return isinstance(value, str)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _problems(config: RunConfig):
    if config.objective.energy_weight and config.training.batch == 1:
        yield "objective.energy_weight needs pairs of samples and training.batch is 1; make the batch larger"
    for key, value in flatten(config).items():
        about, (_, choices) = describe(key), kind_of(key)
        if key == "preset":
            choices = tuple(PRESETS)
        if not _is(_TYPES[key], value):
            yield _expected(key, value)
        elif choices and value not in choices:
            yield f"{key} is {value!r}; choose one of {', '.join(choices)}"
        elif key == "data.name" and not 1 <= len(value) <= 100:
            yield f"data.name is {value!r}; name a data set (digits, mnist, ring-8, ...)"
        elif isinstance(value, tuple) and not 1 <= len(value) <= about["longest"]:
            yield f"{key} has {len(value)} layers; give 1 to {about['longest']}"
        elif about["low"] is not None and value is not None:
            for number in value if isinstance(value, tuple) else (value,):
                if not about["low"] <= number <= about["high"]:  # not-a-number is in no range
                    yield f"{key} is {number!r}; it must be between {about['low']:,} and {about['high']:,}"
