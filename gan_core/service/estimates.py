"""How long things take here, from the runs that this store knows."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

from gan_core.config.run_config import RunConfig, flatten_config, setting_type
from gan_core.records import RunInfo


def seconds_to_wait(run: RunInfo, known: Sequence[RunInfo], *, at_once: int) -> float | None:
    """About how many seconds until a queued run begins, where `at_once` runs train at the same time.

    What trains takes the time it has left; what waits ahead takes as long as the last run of its recipe on its data.
    None for a run that does not wait, and where a run ahead has no such predecessor among the `known` ones.
    """
    if run.position is None:
        return None
    waits: list[float | None] = []
    for other in known:
        if other.worker is not None:
            waits.append(other.seconds_left)
        elif other.position is not None and other.position < run.position:
            alike = (r for r in known if _recipe(r) == _recipe(other) and r.state == "finished")
            pace = next((r.steps_per_second for r in alike if r.steps_per_second), None)
            waits.append((other.total_steps - other.step) / pace if pace else None)
    known_waits = [wait for wait in waits if wait is not None]
    return sum(known_waits) / at_once if len(known_waits) == len(waits) else None


def seconds_of_training(config: RunConfig, known: Iterable[RunInfo]) -> float | None:
    """About how many seconds these steps train here: as long as the last of the `known` runs took that has finished
    and works as hard at each step. None without one.
    """
    work = _work_of_a_step(config)
    for run in known:
        steps = run.step - (run.parent_step or 0)
        # One that was never claimed was trained elsewhere.
        here = run.claim_no and run.state == "finished" and run.seconds and steps > 0
        if here and _work_of_a_step(run.config) == work:
            return config.training.steps * run.seconds / steps
    return None


def _recipe(run: RunInfo) -> tuple[str, str]:
    """Runs of one recipe on the same data train about equally fast."""
    return run.config.preset, run.config.data.name


def _work_of_a_step(config: RunConfig) -> dict[str, Any]:
    """The settings that decide how long a step takes: of a plain number only whether it is 0."""
    parts = ("data", "generator", "discriminator", "objective", "training")
    values = {key: value for key, value in flatten_config(config).items() if key.split(".")[0] in parts}
    values = {key: bool(value) if setting_type(key)[0] == "number" else value for key, value in values.items()}
    return values | {"training.steps": 0, "training.seconds": None}
