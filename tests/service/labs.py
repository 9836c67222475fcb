"""Labs for tests: with an empty store of their own, and runs in it as a worker leaves them."""

import csv
import io
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.records import MetricResult, Report
from gan_core.service.bundles import EXAMPLES
from gan_core.service.lab import Lab
from gan_core.settings import Limits, Settings
from gan_core.store import Commit, Store

CONFIG = override(
    preset("auto", data="digits"),
    {
        "generator.hidden": "8",
        "discriminator.hidden": "8",
        "training.steps": 40,
        "training.batch": 32,
        "recording.snapshots": 4,
        "recording.rows": 60,
    },
)
ENDLESS = override(CONFIG, {"training.steps": 1_000_000, "recording.log_every": 1000})


_stores: dict[str, Store] = {}


def store_of(lab: Lab) -> Store:
    """The store behind a lab, opened a second time, as a worker has it."""
    url = lab.settings.store_url
    if url not in _stores:
        _stores[url] = Store(url)
    return _stores[url]


def close(lab: Lab) -> None:
    """Close a lab, and its store where that was opened a second time."""
    lab.close()
    if lab.settings.store_url in _stores:
        _stores.pop(lab.settings.store_url).close()


def wait_until(condition, seconds: float = 90):
    """The first true value of `condition`, asked again and again; fails when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"it did not happen within {seconds:.0f} s")


@contextmanager
def opened(folder: Path, worker: str = "none", *, examples: Path = EXAMPLES, clock=time.monotonic, **more):
    """A lab on the store of a folder; `more` are further settings."""
    settings = Settings(folder, f"sqlite:///{folder / 'store.sqlite'}", None, worker, **more)
    lab = Lab(settings, examples=examples, clock=clock)
    try:
        yield lab
    finally:
        close(lab)


@contextmanager
def shared(folder: Path, **limits):
    """A lab of a server for several people, of whom root@here is the admin."""
    with opened(folder, shared=True, admins=("root@here",), limits=Limits(**limits)) as lab:
        yield lab


def ended(lab: Lab, run_id: str):
    return wait_until(lambda: run if (run := lab.runs.get(run_id)).state in ("finished", "stopped", "failed") else None)


def settled(lab: Lab, run_id: str, state: str):
    def run():
        waiting = lab.runs.last_command(lab.runs.get(run_id))  # asked first: what is done then is seen below
        found = lab.runs.get(run_id)
        return found if found.state == state and waiting is None else None

    return wait_until(run)


def points(n: int = 300) -> bytes:
    """A file of a person's own points."""
    out = io.StringIO()
    csv.writer(out).writerows([["x", "y"], *np.random.default_rng(5).standard_normal((n, 2)).round(6).tolist()])
    return out.getvalue().encode()


def finished_by_hand(lab: Lab) -> str:
    """A finished run of 40 steps with a checkpoint, whose curve has the values 1/1, 1/11, 1/21 ..."""
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
    finish_by_hand(lab, run)
    return run.id


def live_report(value: float, n: int = 50) -> Report:
    """What a training measures: the energy distance alone."""
    metric = MetricResult("energy_distance", value, direction="lower", ideal=0.0)
    return Report("measured", n, n, 5, "pixels", 0, {"energy_distance": metric})


def finish_by_hand(lab: Lab, run, first: int = 0) -> None:
    steps = range(first, run.total_steps + 1, 10)
    values = [(step, "energy_distance", 1 / (1 + step)) for step in steps]
    nothing = dict(seconds=1.0, checkpoint=b"state")
    about = dict(state="finished", step=run.total_steps, values=values, **nothing)
    about |= {"measured": [(step, live_report(1 / (1 + step))) for step in steps]}
    store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(**about))


def seeds_of(lab: Lab, ids) -> list[int]:
    return [lab.runs.get(run_id).config.seed for run_id in ids]
