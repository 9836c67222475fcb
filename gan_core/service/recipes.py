"""What a run will be: presets for a data set, changes of their settings, and whether all of it goes together."""

from __future__ import annotations

from typing import Any, Mapping

from gan_core.config import presets
from gan_core.config.rules import conflicts_with_data
from gan_core.config.run_config import ConfigError, RunConfig, differences, override
from gan_core.records import RunInfo
from gan_core.service import estimates
from gan_core.service.uploads import UploadService
from gan_core.store import Store


class RecipeService:
    """Makes and checks configurations. `by` says who asks (see `permissions`)."""

    def __init__(self, store: Store, uploads: UploadService):
        self._store, self._uploads = store, uploads

    def preset(
        self, name: str, *, data: str, seed: int = 0, seconds: float | None = None, by: str | None = ""
    ) -> RunConfig:
        """A preset's explicit configuration for a data set, resolved by its samples' shape and the seconds given.

        Raises ConfigError for a preset there is not, and DatasetError for data that `by` may not use.
        """
        shape = self._uploads.about(data, by=by).shape
        return presets.preset(name, data=data, shape=shape, seed=seed, seconds=seconds)

    def changed_preset(self, name: str, changes: Mapping[str, Any], *, data: str, by: str | None = "") -> RunConfig:
        """A preset with `changes` of its settings, {dotted key: value or its text}.

        The time among the changes decides what the preset is, as in `preset`. Raises what `preset` does, and
        ConfigError for changes that are wrong or do not go together.
        """
        time = {key: value for key, value in changes.items() if key == "training.seconds"}
        seconds = override(self.preset(name, data=data, by=by), time).training.seconds
        return override(self.preset(name, data=data, seconds=seconds, by=by), changes)

    def check(self, config: RunConfig, *, by: str | None = "") -> None:
        """Raises DatasetError for data `by` may not use, and ConfigError for settings that do not suit the data."""
        data = self._uploads.about(config.data.name, by=by)
        if problems := list(conflicts_with_data(config, data.shape, data.classes)):
            raise ConfigError(problems)

    def estimate(self, config: RunConfig) -> float | None:
        """About how many seconds of training these settings mean here: what they ask for, or what their steps take at
        the pace of the finished runs that are most like them. None where no run of this machine is.
        """
        if config.training.seconds is not None:
            return config.training.seconds
        return estimates.seconds_of_training(config, self._store.runs.all())

    def changes_of(self, run: RunInfo) -> dict[str, tuple[Any, Any]]:
        """What a person changed of a run's preset, apart from the seed: {key: (the run's value, the preset's)}.

        Of a run that was given a time, the preset is the one for that time or the one without a time, whichever is
        nearer: where a short speed trial has decided, it may be either.
        """
        seconds = run.config.training.seconds
        own = ("seed", "training.seconds") if seconds is None else ("seed", "training.seconds", "training.steps")
        found: list[dict[str, tuple[Any, Any]]] = []
        for time in {seconds, None}:
            preset = self.preset(run.config.preset, data=run.config.data.name, seconds=time, by=None)
            differing = differences(run.config, preset)
            found.append({key: pair for key, pair in differing.items() if key not in own})
        return min(found, key=len)
