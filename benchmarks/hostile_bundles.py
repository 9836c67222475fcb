"""Bundles as a stranger might bring them, each with a name that says what is wrong with it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

EXAMPLE = Path(__file__).resolve().parent.parent / "gan_core" / "examples" / "digits.zip"
MIB = 2**20


def _zip(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return out.getvalue()


def hostile_bundles() -> dict[str, bytes]:
    """{what is wrong: a bundle}: the example's, with one thing changed and every hash right again."""
    with zipfile.ZipFile(EXAMPLE) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist() if name != "manifest.json"}
    found: dict[str, bytes] = {}
    for about, change in _CHANGES.items():
        changed = dict(members)
        change(changed)
        found[about] = packed(changed)
    sound = packed(members)
    return found | {
        "half of it": sound[: len(sound) // 2],
        "a byte of it is another": sound[:5000] + bytes([sound[5000] ^ 1]) + sound[5001:],
        "empty": b"",
        "text": b"hello" * 1000,
        "a member outside itself": packed(members | {"../evil": b"x"}),
        "a bomb": packed({**members, "weights/1": bytes(600 * MIB)}),
    }


def packed(members: Mapping[str, bytes]) -> bytes:
    """A bundle of these members with a manifest that has their hashes."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    manifest = json.dumps({"format": "ganometer-run", "version": 1, "sha256": hashes}).encode()
    return _zip({"manifest.json": manifest, **members})


def _run(path: str, value: Any) -> Callable[[dict[str, bytes]], None]:
    """Sets a value in run.json: "a/b/0" names the keys that lead to it."""

    def change(members: dict[str, bytes]) -> None:
        about = json.loads(members["run.json"])
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        place = about
        for part in way:
            place = place[part]
        place[last] = value
        members["run.json"] = json.dumps(about).encode()

    return change


def _samples(step: int, x: np.ndarray) -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.update({f"snapshots/{step}": _arrays(x=x)})


def _arrays(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=True, **arrays)
    return out.getvalue()


def _metrics(name: str, step: Any, value: Any) -> Callable[[dict[str, bytes]], None]:
    made = dict(name=np.array([name] * 3), step=np.array(step), value=np.array(value))
    return lambda members: members.update({"metrics.npz": _arrays(**made)})


def _all_samples(shape: tuple[int, ...]) -> Callable[[dict[str, bytes]], None]:
    """Every picture, and the data set they belong to, have this shape."""

    def change(members: dict[str, bytes]) -> None:
        _run("data/shape", list(shape))(members)
        x = np.zeros((64, *shape), np.uint8)
        members["preview.npz"] = _arrays(x=x, y=np.zeros(64, np.int64))
        for name in members:
            if name.startswith("snapshots/"):
                members[name] = _arrays(x=x)

    return change


_DEEP: Any = 1
for _ in range(400):
    _DEEP = [_DEEP]

_CHANGES: dict[str, Callable[[dict[str, bytes]], None]] = {
    "samples without a row": _samples(50, np.zeros((0, 8, 8, 1), np.uint8)),
    "samples of 0 x 0": _samples(50, np.zeros((64, 0, 0, 1), np.uint8)),
    "samples with 7 channels": _samples(50, np.zeros((64, 8, 8, 7), np.uint8)),
    "samples of floats": _samples(50, np.zeros((64, 8, 8, 1))),
    "a million samples": _samples(50, np.zeros((10**6, 8, 8, 1), np.uint8)),
    "all of 7 channels": _all_samples((8, 8, 7)),
    "all of 0 x 0": _all_samples((0, 0, 1)),
    "all of 4000 x 4000": _all_samples((1000, 1000, 1)),
    "pickled samples": lambda members: members.update({"snapshots/50": _arrays(x=np.array([{}], dtype=object))}),
    "samples that are text": lambda members: members.update({"snapshots/50": b"hello"}),
    "weights that are text": lambda members: members.update({"weights/50": b"hello"}),
    "a checkpoint that is text": lambda members: members.update({"checkpoints/12000": b"hello"}),
    "weights of nothing": lambda members: members.update({"weights/12000": _arrays(a=np.zeros(0))}),
    "no preview": lambda members: members.pop("preview.npz"),
    "a preview without rows": lambda members: members.update(
        {"preview.npz": _arrays(x=np.zeros((0, 8, 8, 1), np.uint8), y=np.zeros(0, np.int64))}
    ),
    "garbage as data": lambda members: members.update({"dataset.npz": b"garbage"}),
    "its own parent": lambda members: [_run("parent_id", "9317121d")(members), _run("parent_step", 50)(members)],
    "a parent without a step": _run("parent_id", "01234567"),
    "a name of a megabyte": _run("name", "x" * MIB),
    "a name with markup": _run(
        "name", "<script>alert(1)</script> **bold** [a](javascript:alert(1)) $x$ :material/home:"
    ),
    "a name that is no text": _run("name", ["a"]),
    "half a letter": _run("name", "\ud800"),
    "control characters": _run("name", "a\x00b\x1b[31m"),
    "no id": _run("id", ""),
    "an id of another kind": _run("id", "../../etc"),
    "a state there is not": _run("state", "exploded"),
    "a state that runs": _run("state", "running"),
    "a step below zero": _run("step", -5),
    "a step of 10^18": _run("step", 10**18),
    "a step of 10^30": _run("step", 10**30),
    "a step that is text": _run("step", "many"),
    "no steps": _run("total_steps", 0),
    "seconds of 1e308": _run("seconds", 1e308),
    "seconds below zero": _run("seconds", -1),
    "seconds that are not a number": _run("seconds", float("nan")),
    "a speed of zero": _run("steps_per_second", 0),
    "a speed of 1e308": _run("steps_per_second", 1e308),
    "created in the year 10^20": _run("created", 1e300),
    "created before the beginning": _run("created", -1e18),
    "ended before it began": _run("ended", 1),
    "a setting there is not": _run("config/objective/magic", 1),
    "a section there is not": _run("config/magic", {}),
    "settings that are a list": _run("config", []),
    "a batch of zero": _run("config/training/batch", 0),
    "a batch of 10^9": _run("config/training/batch", 10**9),
    "a loss there is not": _run("config/objective/loss", "magic"),
    "a learning rate of infinity": _run("config/optimizer/generator_rate", float("inf")),
    "data there are not": _run("data/name", "upload-deadbeef00"),
    "data of another name": _run("config/data/name", "nothing"),
    "data of another hash": _run("data/sha256", "0" * 64),
    "a part below zero": _run("data/parts/test", -1),
    "parts without test": _run("data/parts", {"train": 1, "holdout": 1}),
    "parts of 10^18": _run("data/parts/test", 10**18),
    "parts of nothing": _run("data/parts", {"train": 0, "holdout": 0, "test": 0}),
    "events that are a dictionary": _run("events", {}),
    "an event of two": _run("events/0", [0, 0.0]),
    "an event in the year 10^20": _run("events/0", [0, 1e300, "created", {}]),
    "an event of a strange kind": _run("events/0", [0, 0.0, "x" * 100_000, {}]),
    "an event with changes as a list": _run("events/0", [0, 0.0, "set", {"changes": [1, 2], "by": ""}]),
    "an event with changes of one": _run("events/0", [0, 0.0, "set", {"changes": {"optimizer.rate": [1]}, "by": ""}]),
    "an event with changes as text": _run("events/0", [0, 0.0, "set", {"changes": "all"}]),
    "an event with a deep payload": _run("events/0", [0, 0.0, "created", {"preset": _DEEP}]),
    "an event of which the payload is text": _run("events/0", [0, 0.0, "created", "x"]),
    "an error of a megabyte": _run("events/0", [0, 0.0, "failed", {"error": "x" * MIB}]),
    "an error that is a list": _run("error", ["a"]),
    "fifty thousand events": _run("events", [[0, 0.0, "created", {}]] * 50_000),
    "a report without metrics": _run("reports/0/1/metrics", {}),
    "a report of 1e308": _run("reports/0/1/metrics/energy_distance/value", 1e308),
    "a report of infinity": _run("reports/0/1/metrics/energy_distance/value", float("inf")),
    "a report that is not a number": _run("reports/0/1/metrics/energy_distance/value", float("nan")),
    "a report that is text": _run("reports/0/1/metrics/energy_distance/value", "low"),
    "a report of a metric there is not": _run("reports/0/1/metrics/magic", {"name": "magic", "value": 1.0}),
    "a report with other names": _run("reports/0/1/metrics/energy_distance/name", "magic"),
    "a report without a histogram": _run("reports/0/1/histogram", None),
    "a histogram of unequal lengths": _run("reports/0/1/histogram/real_real", [1.0]),
    "a histogram of text": _run("reports/0/1/histogram/edges", ["a", "b"]),
    "details that are a list": _run("reports/0/1/details", []),
    "details of other kinds": _run("reports/0/1/details", {"nearest": "x", "prd": 1, "modes": [], "classes": None}),
    "a report of n below zero": _run("reports/0/1/n_fake", -1),
    "a report of n 10^18": _run("reports/0/1/n_fake", 10**18),
    "a report with a strange space": _run("reports/0/1/space", "../x"),
    "a report with a strange status": _run("reports/0/1/status", "great"),
    "a report of k 10^9": _run("reports/0/1/k", 10**9),
    "the same report twice": _run("reports/1/0", 0),
    "tags that are a dictionary": _run("tags", {}),
    "a thousand tags": _run("tags", [str(i) for i in range(1000)]),
    "a tag of a megabyte": _run("tags", ["x" * MIB]),
    "versions that are a list": _run("versions", []),
    "threads below zero": _run("threads", -1),
    "metrics of 1e308": _metrics("energy_distance", [1, 2, 3], [1e308, -1e308, 1e308]),
    "metrics of infinity": _metrics("energy_distance", [1, 2, 3], [np.inf, 0.0, 1.0]),
    "metrics of step 10^18": _metrics("energy_distance", [1, 2, 10**18], [0.0, 1.0, 2.0]),
    "metrics of steps below zero": _metrics("energy_distance", [-1, 2, 3], [0.0, 1.0, 2.0]),
    "metrics of a long name": _metrics("x" * 60_000, [1, 2, 3], [0.0, 1.0, 2.0]),
    "metrics that are pickled": lambda members: members.update({"metrics.npz": _arrays(name=np.array([{}] * 3))}),
    "a run that is no object": lambda members: members.update({"run.json": b"[]"}),
    "a run that is deep": lambda members: members.update({"run.json": b"[" * 100_000 + b"]" * 100_000}),
    "a run that is not JSON": lambda members: members.update({"run.json": b"{"}),
    "references of other kinds": _run("references", [{"n": "x"}]),
}
