"""How long things take here, from the runs that this store knows."""

from __future__ import annotations

import heapq
import statistics
from typing import Any, Iterable, Sequence

from gan_core.config.run_config import RunConfig, flatten_config, setting_type
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.records import RunInfo


def seconds_to_wait(run: RunInfo, known: Sequence[RunInfo], *, at_once: int) -> float | None:
    """About how many seconds until a queued run begins, where `at_once` runs train at the same time.

    Each run ahead takes its place as soon as one is free, and keeps it for the time that its remaining steps take. None
    for a run that does not wait, and where nothing is known of how long a run ahead takes.
    """
    if run.position is None:
        return None
    trains = [other for other in known if other.worker is not None and other.trained_here]
    ahead = [other for other in known if other.position is not None and other.position < run.position]
    left = [seconds_left(other, known) for other in (*trains, *sorted(ahead, key=lambda other: other.position or 0))]
    if any(seconds is None for seconds in left):
        return None
    free_at = [0.0] * max(1, at_once)  # a heap: when each place becomes free
    for seconds in left:
        heapq.heapreplace(free_at, free_at[0] + (seconds or 0.0))
    return free_at[0]


def seconds_left(run: RunInfo, known: Iterable[RunInfo]) -> float | None:
    """About how many seconds the remaining steps of a run take here.

    At the run's own mean pace and at that of all runs that work as hard, its own weighted by the share of its steps
    that is done: so the estimate moves smoothly, and no hiccup of the speed moves it. None where neither is known.
    """
    seconds = run.config.training.seconds
    if not run.step and seconds is not None:  # its speed trial has not yet decided on the steps
        return max(0.0, seconds - run.seconds)
    done, left = run.step - (run.parent_step or 0), max(0, run.total_steps - run.step)
    own, all_here = _pace([run]), _pace([other for other in known if _alike(other.config, run.config)])
    if own is None or all_here is None:
        pace = own or all_here
        return None if pace is None else pace * left
    share = done / (done + left)
    return left * (share * own + (1 - share) * all_here)


def _pace(runs: Sequence[RunInfo]) -> float | None:
    """Seconds a step, of all the steps that some runs have trained here; None where there are none."""
    here = [run for run in runs if run.claim_no and run.trained_here and run.seconds]
    here = [run for run in here if run.step > (run.parent_step or 0)]
    steps = sum(run.step - (run.parent_step or 0) for run in here)
    return sum(run.seconds for run in here) / steps if steps else None


def _alike(one: RunConfig, other: RunConfig) -> bool:
    """Whether two runs work as hard at each step."""
    return _work_of_a_step(one) == _work_of_a_step(other)


def seconds_of_training(config: RunConfig, known: Iterable[RunInfo]) -> float | None:
    """About how many seconds these steps train here: at the median pace of the `known` runs that have finished and work
    as hard at each step; where there is none, of those with the same data, networks and batch. None without one.
    """
    # One that was never claimed was trained elsewhere.
    finished = [run for run in known if run.state == "finished" and _pace([run]) is not None]
    for same in (_alike, _same_networks):
        paces = [pace for run in finished if same(run.config, config) and (pace := _pace([run])) is not None]
        if paces:
            return config.training.steps * statistics.median(paces)
    return None


def _same_networks(one: RunConfig, other: RunConfig) -> bool:
    """Whether two runs train the same networks, as often at each step, on as many samples of the same data."""
    return _networks_of_a_step(one) == _networks_of_a_step(other)


def _networks_of_a_step(config: RunConfig) -> tuple[Any, ...]:
    loss = config.objective.loss
    kind = "adversarial" if loss in ADVERSARIAL_LOSSES else loss
    training = config.training
    return config.data, config.generator, config.discriminator, training.batch, training.discriminator_steps, kind


def _work_of_a_step(config: RunConfig) -> dict[str, Any]:
    """The settings that decide how long a step takes: of a plain number only whether it is 0."""
    parts = ("data", "generator", "discriminator", "objective", "training")
    values = {key: value for key, value in flatten_config(config).items() if key.split(".")[0] in parts}
    values = {key: bool(value) if setting_type(key)[0] == "number" else value for key, value in values.items()}
    return values | {"training.steps": 0, "training.seconds": None}
