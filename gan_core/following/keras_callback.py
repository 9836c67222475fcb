"""A Keras callback that logs `model.fit` to a run: the one module beside the engine that loads Keras.

    with follow("my gan", "mnist") as run:
        model.fit(data, epochs=20, callbacks=[FollowCallback(run, lambda model: model.generator(z))])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from gan_core.following.follower import Follower


class FollowCallback(keras.callbacks.Callback):
    """Logs what `fit` reports after every batch, and the samples that `samples(model)` makes when some are measured.

    What Keras calls something with "loss" is a loss, anything else a metric. The run is closed by whoever opened it, so
    several calls of `fit` can go on in one run.
    """

    def __init__(self, run: Follower, samples: Callable[[Any], Any] | None = None):
        super().__init__()
        self._run, self._samples, self._step = run, samples, 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log this batch."""
        self._step += 1
        values = {name: value for name, value in (logs or {}).items() if _is_number(value)}
        losses = {name: value for name, value in values.items() if "loss" in name}
        metrics = {name: value for name, value in values.items() if "loss" not in name}
        self._run.log(self._step, self._make if self._samples else None, losses=losses, metrics=metrics)

    def _make(self) -> Any:
        return self._samples(self.model) if self._samples else None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
