"""Files and bundles as a stranger might bring them, each with a name that says what is wrong with it."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

EXAMPLE = Path(__file__).resolve().parent.parent / "gan_core" / "examples" / "digits.zip"
MIB = 2**20


# ---------------------------------------------------------------- files for the upload form


def hostile_files() -> dict[str, bytes]:
    """{name: bytes}, each at most 20 MB, as the form allows. The sound one is accepted; the others cost little."""
    rng = np.random.default_rng(0)
    rgba, grey = _png(4096, 4096, 4), _png(4096, 4096, 1)
    sound = "\n".join(f"{a:.3f},{b:.3f}" for a, b in rng.normal(size=(400, 2)))
    return {
        "sound.csv": sound.encode(),
        "five million cells in one line.csv": b"1," * 5_000_000 + b"1",
        "five million names in the header.csv": b"a," * 5_000_000 + b"a\n1\n",
        "nine million rows.csv": b"1\n" * 9_500_000,
        "one cell of 20 MB.csv": b'"' + b"a" * (19 * MIB) + b'"\n',
        "quotes without an end.csv": b'1,2\n"' + b"3,4\n" * (4 * MIB),
        "nothing but line ends.csv": b"\n" * (19 * MIB),
        "nothing but zeros.csv": bytes(19 * MIB),
        "columns that grow.csv": b"\n".join(b",".join([b"1"] * n) for n in range(1, 4000)),
        "numbers of a million digits.csv": b"\n".join(b"9" * 1_000_000 for _ in range(18)),
        "29 pictures of 4096.zip": _zip({f"{i}.png": rgba for i in range(29)}),
        "300 pictures of 4096.zip": _zip({f"{i}.png": grey for i in range(300)}),
        "a picture that says 100000 x 100000.zip": _zip({"a.png": _png(64, 64, 1, claims=(100_000, 100_000))}),
        "zip bomb.zip": _zip({"a.png": bytes(500 * MIB)}),
        "a hundred thousand names.zip": _zip({f"{i}.png": b"" for i in range(100_000)}),
        "names of 60,000 letters.zip": _zip({f"{i}{'a' * 60_000}.png": b"" for i in range(150)}),
        "text of 50 MB in a picture.zip": _zip({f"{i}.png": _png(8, 8, 1, text=50 * MIB) for i in range(3)}),
        "a header of terabytes.npy": _npy_header((10**6, 10**6)) + bytes(100),
        "a shape below zero.npy": _npy_header((-1, 2)) + bytes(100),
        "objects.npy": _saved(np.array([{}] * 300, dtype=object), allow_pickle=True),
        "text of a thousand letters.npy": _saved(np.full(2000, "a" * 1000)),
        "1 axis of 5 million.npy": _saved(np.ones(5_000_000, np.uint8)),
        "a million columns.npy": _saved(np.ones((4, MIB), np.float32)),
        "numbers near the limit.npy": _saved(np.full((400, 2), 1e308)),
        "bomb.npz": _zip({"x.npy": _npy_header((10**8, 2), "|u1") + bytes(2 * 10**8)}),
        "a thousand arrays.npz": _zip({f"{i}.npy": _saved(np.ones((300, 2))) for i in range(1000)}),
        "no zip at all.zip": rng.bytes(15 * MIB),
        "a page of HTML.csv": b"<html><script>alert(1)</script></html>\n" * 1000,
    }


def _zip(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return out.getvalue()


def _png(width: int, height: int, channels: int, *, claims: tuple[int, int] | None = None, text: int = 0) -> bytes:
    """A picture of one colour; its header `claims` another size, and it holds so many bytes of compressed `text`."""
    shown = struct.pack(">IIBBBBB", *(claims or (width, height)), 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(width * channels)) * height, 9)
    words = [(b"zTXt", b"comment\0\0" + zlib.compress(bytes(text), 9))] if text else []
    chunks = [(b"IHDR", shown), *words, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _npy_header(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    said = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    said += " " * (-(len(said) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(said)) + said.encode()


def _saved(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


# ---------------------------------------------------------------- bundles


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
