"""What may be changed of a run once it has begun, and what then has to be compiled anew.

    config = edited(config, {"optimizer.learning_rate_generator": 1e-4}, step=800)

A checkpoint fits networks of one shape, so whatever shapes them stays as it is; so do the data and the seed.
Everything else may change between two steps. A size that is merely larger or smaller costs nothing (`is_dial`);
another game, or a term that was off, is another program.
"""

from __future__ import annotations

from typing import Any, Mapping

from gan_core.config.run_config import (
    DIALS,
    GAMES,
    MATCHINGS,
    SETTINGS,
    ConfigError,
    RunConfig,
    differences,
    flatten,
    override,
)

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
    if _players(changed) != _players(config):
        problems.append(
            f"objective.loss is {changed.objective.loss!r}, which trains other networks than "
            f"{config.objective.loss!r}; start a new run"
        )
    if changed.training.steps != config.training.steps and changed.training.steps <= step:
        problems.append(f"training.steps is {changed.training.steps} and the run is at step {step} already; give more")
    if problems:
        raise ConfigError(problems)
    return changed


def is_dial(config: RunConfig, key: str) -> bool:
    """Whether this setting turns without compiling: step sizes, and the weights of terms that are on."""
    return key == "training.steps" or (key in DIALS and bool(flatten(config)[key]))


def needs_compiling(before: RunConfig, after: RunConfig) -> bool:
    """Whether the change is one of the program that runs, not only of its numbers."""
    return any(not (is_dial(before, key) and is_dial(after, key)) for key in differences(after, before))


def _fixed(key: str, step: int) -> str:
    return f"{key} is fixed once a run has begun (it is at step {step}); start a new run with another value"


def _players(config: RunConfig) -> str:
    """Losses of one kind train networks of one shape."""
    loss = config.objective.loss
    return "games" if loss in GAMES else "matchings" if loss in MATCHINGS else loss
