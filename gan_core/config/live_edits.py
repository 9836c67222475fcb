"""What may be changed of a run once it has begun, and what then has to be compiled anew.

    config = edited(config, {"optimizer.learning_rate_generator": 1e-4}, step=800)

A checkpoint fits networks of one shape, so whatever shapes them stays as it is; so do the data and the seed.
Everything else may change between two steps. Live hyperparameters (`is_live`) are inputs of the compiled step, so a new
value costs nothing; another loss, or a term that was off, is another program.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from gan_core.config.run_config import (
    LIVE_HYPERPARAMETERS,
    SETTINGS,
    ConfigError,
    RunConfig,
    differences,
    flatten_config,
    override,
)
from gan_core.config.sections import ADVERSARIAL_LOSSES, DISTANCE_LOSSES

EDITABLE: tuple[str, ...] = (
    "generator.ema",
    "discriminator.clip",
    *(key for key in SETTINGS if key.split(".")[0] in ("objective", "optimizer")),
    *(f"training.{name}" for name in ("steps", "batch", "discriminator_steps", "fresh_samples", "simultaneous")),
)


def edited(config: RunConfig, changes: Mapping[str, Any], *, step: int) -> RunConfig:
    """The configuration that a run at `step` goes on with; it is `config` itself where nothing changes.

    Raises ConfigError naming every key that is unknown, out of range or fixed, or whose value does not go with others.
    """
    changed = override(config, changes)
    problems = [_fixed(key, step) for key in differences(changed, config) if key not in EDITABLE]
    if _networks(changed) != _networks(config):
        problems.append(
            f"objective.loss is {changed.objective.loss!r}, which trains other networks than "
            f"{config.objective.loss!r}; start a new run"
        )
    if changed.training.steps != config.training.steps and changed.training.steps <= step:
        problems.append(f"training.steps is {changed.training.steps} and the run is at step {step} already; give more")
    if problems:
        raise ConfigError(problems)
    return changed


def undone(config: RunConfig, changes: Iterable[Mapping[str, tuple[Any, Any]]]) -> RunConfig:
    """The configuration before these changes {dotted key: (before, after)}, oldest first, which have led to `config`.

    Raises ConfigError where a value before is none that the setting can have.
    """
    before: dict[str, Any] = {}
    for change in changes:
        before = {key: value for key, (value, _) in change.items()} | before
    return override(config, before)


def is_live(config: RunConfig, key: str) -> bool:
    """Whether this setting changes without compiling: learning rates, and the weights of terms that are on."""
    return key == "training.steps" or (key in LIVE_HYPERPARAMETERS and bool(flatten_config(config)[key]))


def needs_compiling(before: RunConfig, after: RunConfig) -> bool:
    """Whether the change is one of the program that runs, not only of its numbers."""
    return any(not (is_live(before, key) and is_live(after, key)) for key in differences(after, before))


def _fixed(key: str, step: int) -> str:
    return f"{key} is fixed once a run has begun (it is at step {step}); start a new run with another value"


def _networks(config: RunConfig) -> str:
    """What kind of networks a loss trains: losses of one kind train networks of one shape."""
    loss = config.objective.loss
    return "adversarial" if loss in ADVERSARIAL_LOSSES else "distance" if loss in DISTANCE_LOSSES else loss
