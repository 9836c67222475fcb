"""What a run is: frozen dataclasses, validation, JSON, and overrides by dotted key.

    config = override(RunConfig(), {"optimizer.beta1": ".5", "training.steps": "2000"})
    config == from_json(to_json(config))

Every setting states its range and one plain sentence in its field's metadata, so the check, the
command line's list and the page's widget cannot disagree. The recipes are in presets.py; which
settings do not go together, and why, in combinations.py.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Mapping

import numpy as np

from gan_core.config.rules import conflicts

Game = Literal["minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic"]
Matching = Literal["energy", "mean-distance", "nearest-distance"]
Loss = Literal[Game, Matching, "vae"]
Architecture = Literal["mlp", "dcgan", "subpixel", "residual"]
GradientPenalty = Literal["none", "wgan-gp", "wgan-gp0", "dragan"]
Init = Literal["glorot_uniform", "he_normal"]
Preset = Literal[
    "auto",
    "classic-2014",
    "non-saturating",
    "lsgan",
    "dcgan",
    "wgan-gp",
    "sn-hinge",
    "r3gan-lite",
    "energy-guided",
    "energy-only",
    "vae",
]

GAMES: tuple[str, ...] = typing.get_args(Game)
"""The losses that two networks play against each other."""
MATCHINGS: tuple[str, ...] = typing.get_args(Matching)
"""The losses of a generator that looks at distances to real samples, without any discriminator."""
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
    conditional: bool = setting(
        False, "Tell both networks the class, so that you can ask for one: which digit to draw."
    )


@dataclass(frozen=True)
class GeneratorConfig:
    architecture: Architecture = setting("mlp", "Dense layers, or one of three convolutional networks for images.")
    latent_dim: int = setting(64, "How many random numbers the generator starts from.", 1, 512)
    hidden: tuple[int, ...] = setting((128, 128), "Width of each hidden dense layer (mlp).", 1, 1024, whole=6)
    channels: int = setting(16, "Channels of the finest convolution; coarser ones have more (not mlp).", 4, 128)
    batch_norm: bool = setting(False, "Normalise every hidden layer over the batch.")
    init: Init = setting("he_normal", "How the first weights are drawn.")
    output_gain: float = setting(0.3, "Scale of the last layer's first weights: small starts near the mean.", 0, 10)
    output_bias: bool = setting(True, "Start from the average image instead of from grey.")
    ema: float = setting(0.999, "How slowly the averaged generator follows: 0 copies, .999 smooths.", 0, 0.99999)


@dataclass(frozen=True)
class DiscriminatorConfig:
    architecture: Architecture = setting("mlp", "Dense layers, or one of three convolutional networks for images.")
    hidden: tuple[int, ...] = setting((128, 128), "Width of each hidden dense layer (mlp).", 1, 1024, whole=6)
    channels: int = setting(16, "Channels of the finest convolution; coarser ones have more (not mlp).", 4, 128)
    batch_norm: bool = setting(False, "Normalise hidden layers over the batch; real and generated batches apart.")
    spectral_norm: bool = setting(False, "Divide every layer by its largest stretch, so that no layer can be steep.")
    clip: float = setting(0.0, "Cut every weight to at most this size after each step; 0 does not cut.", 0, 1000)
    fourier: int = setting(0, "Also show it sines and cosines of points, in this many octaves.", 0, 4)
    packing: int = setting(1, "How many samples it judges together: a lack of variety then shows.", 1, 8)
    init: Init = setting("he_normal", "How the first weights are drawn.")
    centre: bool = setting(True, "Show it 2·(x − mean) instead of raw pixels.")


@dataclass(frozen=True)
class ObjectiveConfig:
    loss: Loss = setting("relativistic", "The game: what each network is paid for.")
    r1: float = setting(1.0, "Gradient penalty on real samples: higher is calmer, lower is sharper.", 0, 1000)
    r2: float = setting(1.0, "Gradient penalty on generated samples.", 0, 1000)
    gradient_penalty: GradientPenalty = setting("none", "A further penalty, between real and generated samples.")
    gradient_penalty_weight: float = setting(10.0, "The weight of that further penalty.", 0, 1000)
    penalty_end: float = setting(0.1, "What the penalties have shrunk to (as a share) half-way through.", 1e-6, 1)
    penalty_every: int = setting(8, "Apply the penalties every this many steps, scaled up to match.", 1, 64)
    energy_weight: float = setting(
        0.0, "Pay the generator also for a small energy distance between its batch and the real one.", 0, 1000
    )
    energy_space: Literal["pixels", "features"] = setting(
        "pixels", "Where that energy distance is taken: in the samples, or in what the discriminator sees in them."
    )
    feature_matching: float = setting(
        0.0, "Pay the generator also for meeting the mean of the discriminator's last hidden layer.", 0, 1000
    )
    diversity: float = setting(
        0.0, "Pay the generator also for samples that lie as far apart as real ones do.", 0, 1000
    )
    label_smoothing: float = setting(0.0, "Tell the discriminator that real samples are real only to 1 − this.", 0, 0.4)
    instance_noise: float = setting(0.0, "Noise on all it sees, in units of the data; fades to 0 by the end.", 0, 10)
    translation: float = setting(0.0, "Shift all images it sees by up to this share of their size.", 0, 0.5)


@dataclass(frozen=True)
class OptimizerConfig:
    learning_rate_generator: float = setting(3e-3, "Adam's step size for the generator.", 1e-7, 1)
    learning_rate_discriminator: float = setting(3e-3, "Adam's step size for the discriminator.", 1e-7, 1)
    beta1: float = setting(0.0, "Adam's memory of past gradients.", 0, 0.999)
    beta2: float = setting(0.99, "Adam's memory of past squared gradients.", 0, 0.99999)
    warmup_steps: int = setting(200, "Grow the step size from 0 over this many steps.", 0, 100_000)
    decay_from: float = setting(0.6, "Shrink the step size from this share of the run on; 1 is never.", 0, 1)
    decay_to: float = setting(0.0, "The share of the step size that is left at the end.", 0, 1)
    schedule: Literal["linear", "cosine"] = setting(
        "linear", "How step sizes and penalties shrink: steadily, or along half a cosine over the whole run."
    )


@dataclass(frozen=True)
class TrainingConfig:
    steps: int = setting(12_000, "Generator updates in all.", 1, 1_000_000)
    seconds: float | None = setting(None, "Train about this long: a short speed trial decides the steps.", 1, 86_400)
    batch: int = setting(256, "Samples of each kind per step.", 1, 2048)
    discriminator_steps: int = setting(1, "Discriminator updates before each generator update.", 1, 10)
    fresh_samples: bool = setting(
        True, "Make new samples for the generator's update; off, both learn from the same ones, which is faster."
    )
    simultaneous: bool = setting(
        False, "Both networks learn from one look at the same samples, neither of them seeing the other's update."
    )


@dataclass(frozen=True)
class RecordingConfig:
    log_every: int = setting(25, "Write the losses down every this many steps (the mean over them).", 1, 100_000)
    snapshots: int = setting(24, "How often the generator is kept and measured against held-out data.", 2, 48)
    rows: int = setting(500, "Samples of each kind in one distance measurement (at most the test part).", 50, 10_000)


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes."""

    preset: Preset = setting("auto", "The recipe the settings started from.")
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


def wrong_alone(changes: Mapping[str, Any]) -> list[str]:
    """What is wrong with each of some dotted keys and values (or text), whatever the other settings are."""
    problems: list[str] = []
    for key, value in changes.items():
        if key not in _FIELDS:
            problems.append(f"{key} is not a setting{_nearest(key)}")
            continue
        try:
            problems += _problems_of(key, _read(_TYPES[key], value))
        except (ValueError, TypeError, OverflowError):
            problems.append(_expected(key, value))
    return problems


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

DIALS: tuple[str, ...] = (
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
"""Numbers that a compiled step takes as they come: as long as they stay above 0, they change without compiling."""


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
    """What is wrong with each setting; where nothing is, with several of them together."""
    alone = list(_problems_of_each(config))
    yield from alone or conflicts(config)


def _problems_of_each(config: RunConfig):
    for key, value in flatten(config).items():
        yield from _problems_of(key, value)


def _problems_of(key: str, value: Any):
    about, (_, choices) = describe(key), kind_of(key)
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
