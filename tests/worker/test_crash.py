"""Processes killed at any moment: what is committed is whole, and what comes after is as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import sqlalchemy as sa

from gan_core import machine
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.store import Store
from gan_core.store import schema as tables

ROOT = Path(__file__).parents[2]
LONG = {"recording.snapshots": 12, "recording.rows": 60, "recording.log_every": 100}
DENSE = [
    override(preset("auto", data="digits", seed=3), LONG | {"training.steps": 12_000}),
    override(preset("auto", data="ring-8", shape=(2,), seed=4), LONG | {"training.steps": 10_000}),
    override(preset("non-saturating", data="digits", seed=5), LONG | {"training.steps": 8_000}),
]
CONVOLUTIONS = override(
    preset("dcgan", data="digits", seed=6),
    LONG | {"training.steps": 1500, "generator.channels": 8, "training.batch": 32},
)


def worker(url: str, home: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "gan_core", "worker"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"GANOMETER_STORE": url, "GANOMETER_HOME": str(home), "GANOMETER_LIMITS": "at_once=8"},
    )


def rows(store: Store, run_id: str) -> dict[str, object]:
    """What a run came to: without the times, which are its own, and without who trained it."""
    raw = store.recordings.rows(run_id)
    return {
        "state": raw["runs"][0]["state"],
        "metrics": sorted((m["name"], m["step"], m["value"]) for m in raw["metrics"]),
        "snapshots": [(s["step"], s["samples"], s["weights"]) for s in raw["snapshots"]],
        "end": store.recordings.checkpoint(run_id),
    }


def whole(store: Store, run_id: str) -> None:
    """Nothing is recorded beyond the last commit, and nothing up to it is missing."""
    run, raw = store.runs.get(run_id), store.recordings.rows(run_id)
    checkpoint = store.recordings.checkpoint(run_id)
    assert run.step == (checkpoint[0] if checkpoint else 0)
    steps = {m["step"] for m in raw["metrics"]} | {s["step"] for s in raw["snapshots"]}
    assert max(steps, default=0) <= run.step
    logged = sorted(m["step"] for m in raw["metrics"] if m["name"] == "loss_generator")
    every = run.config.recording.log_every
    assert logged == [s for s in range(every, run.step + 1, every)]
    assert [s["step"] for s in raw["snapshots"]] == sorted({r["step"] for r in raw["reports"]})


def wake(store: Store, run_ids: list[str]) -> bool:
    """Reap dead workers, resume what was interrupted; whether anything is left to do."""
    machine.reap_dead_workers(store)
    states = [store.runs.get(run_id).state for run_id in run_ids]
    for run_id, state in zip(run_ids, states):
        if state == "interrupted":
            store.commands.send(run_id, "resume")
    return any(state != "finished" for state in states)


def crash(store: Store, url: str, home: Path, run_ids: list[str], kills: int, workers: int, rng) -> int:
    """Kill workers at random moments until there were so many kills or all is done, then let them finish."""
    running, done = [], 0
    try:
        while wake(store, run_ids):
            running = [w for w in running if w.poll() is None]
            while len(running) < workers:
                running.append(worker(url, home))
            if done >= kills:
                time.sleep(0.2)
                continue
            time.sleep(rng.uniform(0.5, 9.0))  # importing, loading, compiling, training, committing
            victim = running.pop(int(rng.integers(len(running))))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            done += 1
            machine.reap_dead_workers(store)
            for run_id in run_ids:
                if store.runs.get(run_id).worker is None:
                    whole(store, run_id)
        return done
    finally:
        for process in running:
            process.kill()
            process.wait()


def undisturbed(tmp_path: Path, configs: list) -> list[dict]:
    url = f"sqlite:///{tmp_path / 'calm.sqlite'}"
    store = Store(url)
    ids = [store.runs.create(config) for config in configs]
    assert crash(store, url, tmp_path, ids, kills=0, workers=1, rng=None) == 0
    found = [rows(store, run_id) for run_id in ids]
    store.close()
    return found


def sound(store: Store) -> None:
    if store.is_sqlite:
        with store.database.reading() as db:
            assert db.scalar(sa.text("PRAGMA integrity_check")) == "ok"
    with store.database.reading() as db:
        orphans = (
            sa.select(sa.func.count())
            .select_from(tables.metrics)
            .where(tables.metrics.c.run_id.not_in(sa.select(tables.runs.c.id)))
        )
        assert db.scalar(orphans) == 0


def command(*words: str, url: str, home: Path) -> subprocess.Popen:
    """`python -m gan_core`, as a person types it."""
    return subprocess.Popen(
        [sys.executable, "-m", "gan_core", *words, "--store", url, "--json"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"GANOMETER_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def answer(process: subprocess.Popen):
    """The JSON value that a command printed."""
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return json.loads(out)


def killed_after_its_first_commit(store: Store, *words: str, url: str, home: Path) -> str:
    """The id of a run whose `train` got SIGKILL."""
    training = command("train", *words, url=url, home=home)
    try:
        while not (found := [run for run in store.runs.all() if run.step]):
            assert training.poll() is None, training.communicate()[1]
            time.sleep(0.02)
    finally:
        training.send_signal(signal.SIGKILL)
        training.communicate()
    return found[0].id


SETTINGS = ["generator.hidden=8", "discriminator.hidden=8", "training.batch=32", "recording.snapshots=3"]
SMALL = [word for setting in [*SETTINGS, "recording.rows=60"] for word in ("--set", setting)]


def test_a_training_that_was_killed_can_be_resumed_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store, here = Store(url), dict(url=url, home=tmp_path)
    run_id = killed_after_its_first_commit(store, "--data", "ring-8", "--steps", "1000000", *SMALL, **here)
    (run,) = answer(command("runs", **here))
    assert (run["run"], run["state"]) == (run_id, "interrupted")
    whole(store, run_id)
    assert answer(command("train", "--resume", run_id, "--queue", **here))["state"] == "queued"
    store.close()


@pytest.mark.slow
def test_a_killed_and_resumed_training_ends_with_the_bits_of_an_undisturbed_one(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store, here = Store(url), dict(url=url, home=tmp_path)
    words = ["--data", "digits", "--seed", "3", "--steps", "40000", *SMALL]
    killed = killed_after_its_first_commit(store, *words, **here)
    (run,) = answer(command("runs", **here))
    assert run["state"] == "interrupted" and 0 < run["step"] < 40_000
    assert answer(command("train", "--resume", killed, **here))["state"] == "finished"
    calm = answer(command("train", *words, **here))["run"]
    found, expected = rows(store, killed), rows(store, calm)
    assert all(found[part] == expected[part] for part in expected)
    store.close()


def check_kills(tmp_path: Path, url: str, configs: list, *, kills: int, workers: int) -> None:
    """Runs whose workers are killed so often end as if nothing had happened."""
    calm, store, rng, done = undisturbed(tmp_path, configs), Store(url), np.random.default_rng(0), 0
    while done < kills:
        ids = [store.runs.create(config) for config in configs]
        done += crash(store, url, tmp_path, ids, kills - done, workers, rng)
        for run_id, expected in zip(ids, calm):
            found = rows(store, run_id)
            assert all(found[part] == expected[part] for part in expected), run_id
    sound(store)
    store.close()


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_fifty_kills_change_no_bit(tmp_path):
    check_kills(tmp_path, f"sqlite:///{tmp_path / 'store.sqlite'}", DENSE, kills=50, workers=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_convolutions_go_on_from_what_was_committed(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = Store(url)
    run_id = store.runs.create(CONVOLUTIONS)
    crash(store, url, tmp_path, [run_id], 6, 1, np.random.default_rng(1))
    assert store.runs.get(run_id).state == "finished"
    whole(store, run_id)
    sound(store)
    store.close()


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(1800)
def test_twenty_kills_of_racing_workers_on_postgresql_change_no_bit(tmp_path, postgres):
    import uuid

    import psycopg

    name = f"crash_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    check_kills(tmp_path, postgres.get_uri(database=name, driver="psycopg"), DENSE[:2], kills=20, workers=2)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_fifty_runs_in_one_process_leave_no_memory_behind(tmp_path):
    """Each of another structure, so that each is compiled: what is not needed any more has to go."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = Store(url)
    short = {"training.steps": 120, "recording.snapshots": 3, "recording.rows": 60}
    recipes = ("auto", "non-saturating", "wgan-gp", "energy-only", "vae")
    configs = [
        override(preset(recipes[i % 5], data="digits", seed=i), short | {"generator.hidden": f"{32 + i},{32 + i}"})
        for i in range(50)
    ]
    ids = [store.runs.create(config) for config in configs]
    process = worker(url, tmp_path)
    try:
        resident = {}
        for number, run_id in enumerate(ids, start=1):
            while (run := store.runs.get(run_id)).state != "finished":
                assert run.state in ("queued", "running") and process.poll() is None, run.error
                time.sleep(0.05)
            resident[number] = psutil.Process(process.pid).memory_info().rss
        assert resident[50] <= 1.15 * resident[5], {n: r >> 20 for n, r in resident.items() if n % 5 == 0}
    finally:
        process.kill()
        process.wait()
    store.close()
