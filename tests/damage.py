"""A sound store with several runs, and every way in which one value of it may be damaged.

Other programs, other versions and a failing disk write what no check of ours has seen. SQLite keeps anything in any
column, once the constraints are gone; what PostgreSQL could not hold does no harm to be tried.
"""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.distances.catalogue import METRICS, VERSION
from gan_core.records import DatasetInfo, Histogram, MetricResult, Reference, Report, record_to_json
from gan_core.store import Commit, Edit, NewPreview, Store, pack
from gan_core.store.schema import metadata

T = TypeVar("T")

SOUND = ("Sound one", "Sound two")
VICTIM = "Victim"
PARTS = {"train": 900, "holdout": 400, "test": 500}
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)
DETAILS = {
    "nearest": {"auc": 0.5, "real_to_real": [0.1, 0.2], "fake_to_real": [0.1, 0.3], "real_to_fake": [0.2, 0.3]},
    "classes": {"labels": [0, 1], "real": [0.5, 0.5], "fake": [0.4, 0.6], "p": 0.5, "accuracy": 0.9},
}
METRIC = {name: MetricResult(name, 0.5, direction=metric.better) for name, metric in METRICS.items() if metric.live}
REPORT = Report(
    "measured", 60, 60, 5, "pixels", 0, METRIC, Histogram((0.0, 1.0), (1.0,), (1.0,), (1.0,)), "So.", 0.1,
    details=DETAILS, version=VERSION,
)  # fmt: skip
REFERENCE = Reference(60, 20, 0, {name: (0.4, 0.05) for name in METRIC}, version=VERSION)
CONFIG = override(preset("auto", data="digits"), {"training.steps": 100, "recording.rows": 60})


def build(file: Path) -> dict[str, str]:
    """Write the store; returns {name: id} of its runs. Something of the victim stands in every table."""
    store = Store(f"sqlite:///{file}")
    ids = {}
    for number, name in enumerate((*SOUND, VICTIM)):
        sha256 = f"{number}" * 64
        data = "upload-" + sha256[:10] if name == VICTIM else "digits"
        run_id = ids[name] = store.runs.create(override(CONFIG, {"data.name": data, "seed": number}), name=name)
        run = store.leases.claim("w", run_id=run_id)
        info = DatasetInfo(data, sha256, "image", (8, 8, 1), PARTS, IMAGES, np.arange(64) % 2)
        store.datasets.put(info, pack(x=IMAGES, y=info.labels) if name == VICTIM else None)
        if name == VICTIM:
            store.datasets.add_owner(data, "ada")
        store.measurements.put_reference(sha256, "pixels", REFERENCE)
        store.progress.describe(run_id, "w", run.claim_no, dataset=sha256, versions={"numpy": "2"}, threads=2)
        store.commands.send(run_id, "set", payload={"changes": {"objective.r1": 0.5}})
        command = store.commands.waiting(run_id)[0].id
        for step in (0, 50, 100):
            values = [(step, curve, 0.5) for curve in (*METRIC, "loss_generator", "loss_discriminator", "score_real")]
            store.progress.commit(
                run_id,
                "w",
                run.claim_no,
                Commit(
                    state="interrupted" if step == 100 else "running",
                    step=step,
                    seconds=1.0,
                    steps_per_second=50.0,
                    values=values,
                    measured=[(step, REPORT)],
                    taken=[(step, IMAGES, pack(a=np.zeros(3)))],
                    kept=[(step, IMAGES)],
                    checkpoint=pack(step=np.int64(step)),
                    edits=[Edit(command, {"objective.r1": (1.0, 0.5)}, "")] if step == 50 else (),
                    config=override(CONFIG, {"data.name": data, "seed": number}),
                    preview=NewPreview(step, IMAGES, IMAGES, {"points": np.zeros((64, 2))}),
                ),
            )
        store.commands.send(run_id, "set", payload={"changes": {"objective.r1": 0.7}})
        store.leases.release(run_id, "w", run.claim_no, state="interrupted")
    victim = ids[VICTIM]
    store.runs.tag(victim, ["a tag"])
    store.measurements.put_features("2" * 64, "classifier", b"weights", 0.9, "0" * 64, {"numpy": "2"})
    store.jobs.request("sample", run_id=victim, step=100, params={"n": 4}, owner="ada")
    store.workers.report("w2", host="elsewhere", pid=5, phase="idle", memory=1, versions={})
    store.submit("nonce", lambda: [victim])
    store.remember("key", "value")
    store.people.call("ada", "Ada")
    store.close()
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name NOT LIKE 'alembic%'")
        db.commit()
    return ids


@dataclass(frozen=True)
class Damage:
    """A value that does not belong into a column. `sql`: it is an expression of SQLite."""

    table: str
    column: str
    value: Any
    sql: bool = False

    def __str__(self) -> str:
        return f"{self.table}.{self.column}={repr(self.value)[:40]}"


@contextmanager
def damaged(file: Path, victim: str, damage: Damage) -> Iterator[None]:
    """The newest row of the victim with the damage, which is undone at the end."""
    about = metadata.tables[damage.table].c
    own = "run_id" if "run_id" in about else "id" if damage.table == "runs" else None
    where = f'"{own}" = ?' if own else "1"
    where += " AND name = 'energy_distance'" if damage.table == "metrics" else ""
    where += " AND kind = 'set'" if damage.table == "events" else ""
    find = f'SELECT rowid, "{damage.column}" FROM "{damage.table}" WHERE {where} ORDER BY rowid DESC LIMIT 1'
    with closing(sqlite3.connect(file, timeout=20)) as db:
        rowid, before = db.execute(find, (victim,) if own else ()).fetchone()
        value = damage.value if damage.sql else "?"
        write = f'UPDATE OR IGNORE "{damage.table}" SET "{damage.column}" = {value} WHERE rowid = ?'
        with suppress(sqlite3.IntegrityError):  # a number that counts rows can be nothing else
            db.execute(write, (rowid,) if damage.sql else (damage.value, rowid))
        db.commit()
        try:
            yield
        finally:
            db.execute(f'UPDATE OR IGNORE "{damage.table}" SET "{damage.column}" = ? WHERE rowid = ?', (before, rowid))
            db.commit()


def npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, **arrays)
    return out.getvalue()


def changed(record: Any, **values: Any) -> str:
    return json.dumps(asdict(record) | values)


def metric(**values: Any) -> str:
    return changed(REPORT, metrics={"energy_distance": asdict(METRIC["energy_distance"]) | values})


ANY = (
    None,
    "",
    "abc",
    "x\0\x1b[31m\u202e**bold** <script>alert(1)</script>",
    "x" * 70_000,
    b"\xff\x00\xfe",
    -1,
    0,
    10**18,
    -1e308,
    1e308,
    float("inf"),
)
"""What may stand in any column."""
JSON = (
    "null",
    "5",
    "[]",
    "{}",
    '{"a": [1',
    "NaN",
    "[" * 5_000,
    "9" * 5_000,
    '["\\ud800"]',
    '{"a": "\\ud800"}',
    '{"a": NaN}',
)
TEXTS = {
    ("runs", "config"): (
        '{"magic": 1}', '{"training": {"steps": 1e9}}', '{"training": 5}', '{"data": {"name": "\\ud800"}}',
        '{"seed": ' + "9" * 400 + "}",
    ),
    ("runs", "tags"): ('[5]', '["' + "x" * 1000 + '"]', '{"a": 1}'),
    ("runs", "versions"): ('{"a": 5}',),
    ("runs", "state"): ("queued", "running", "failed", "finished", "asleep"),
    ("runs", "owner"): ("a@x.org b@x.org",),
    ("events", "payload"): (
        '{"changes": [1]}', '{"changes": {"a": 5}}', '{"changes": {"a": [1, 2, 3]}}', '{"error": {"a": 1}}',
        '{"parent": []}', '[{"changes": 1}]',
    ),
    ("commands", "payload"): ('{"changes": [1]}', '{"changes": null}', '{"steps": "many"}'),
    ("commands", "kind"): ("pause", "dance", "step"),
    ("jobs", "params"): ('{"n": -5}', '{"m": 1}'),
    ("jobs", "state"): ("done", "failed"),
    ("datasets", "shape"): ("[0, 8, 1]", "[8, 8]", "[8, 8, 7]", "[1e9, 1, 1]", '["a"]'),
    ("datasets", "parts"): (
        '{"train": 1}', '{"train": 1, "holdout": 1, "test": -1}', '{"train": "a", "holdout": 1, "test": 1}',
    ),
    ("reports", "report"): (
        changed(REPORT, metrics={}), changed(REPORT, metrics=[1]), changed(REPORT, status="odd"),
        changed(REPORT, n_fake=0), changed(REPORT, k=10**30),
        metric(value=1e308), metric(value=float("nan")), metric(value=float("inf")), metric(value=10**400),
        metric(value=None), metric(name="other"), metric(p="a"),
        metric(reference_mean=1e300, reference_sd=1e-300, z=1e308),
        changed(REPORT, histogram={"edges": [0, 1], "real_real": [1, 2], "fake_fake": [], "real_fake": [1]}),
        changed(REPORT, histogram={"edges": [1, 0], "real_real": [1], "fake_fake": [1], "real_fake": [1]}),
        changed(REPORT, details=[1]), changed(REPORT, details={"nearest": 5, "modes": [1], "classes": "a", "prd": {}}),
        changed(REPORT, details={"nearest": {"auc": "a"}, "modes": {"counts": []}}),
        changed(REPORT, details={"classes": {"labels": [1, 2], "real": [1], "fake": "x", "p": None}}),
        changed(REPORT, details={"nearest": {"auc": 1, "real_to_real": [1e308], "fake_to_real": [None]}}),
        json.dumps({"status": "measured"}), record_to_json(replace(REPORT, verdict="x" * 100_000)),
    ),
    ("references", "reference"): (
        changed(REFERENCE, metrics={"energy_distance": [1]}), changed(REFERENCE, n=7), changed(REFERENCE, draws=-1),
        changed(REFERENCE, metrics={"energy_distance": [1e308, 0]}), changed(REFERENCE, version="new"),
    ),
}  # fmt: skip
ARRAYS = (
    npz(x=IMAGES[:0], y=np.arange(0)),
    npz(x=np.zeros((64, 0, 0, 1), np.uint8), y=np.arange(64)),
    npz(x=np.zeros((64, 8, 8, 7), np.uint8), y=np.arange(64)),
    npz(x=np.zeros((64, 8, 8, 1)), y=np.arange(64)),
    npz(x=np.zeros((64, 9, 9, 1), np.uint8), y=np.arange(64)),
    npz(x=np.full((64, 2), np.nan, np.float32), y=np.arange(64)),
    npz(x=np.zeros((64, 0), np.float32), y=np.arange(64)),
    npz(x=np.uint8(3), y=np.arange(64)),
    npz(x=IMAGES, y=np.arange(3)),
    npz(x=IMAGES, y=np.array(["a"] * 64)),
    npz(x=np.array([{}], dtype=object), y=np.arange(64)),
    npz(z=IMAGES),
    npz(x=IMAGES)[:-50],
    b"PK\x03\x04",
)
INVALID_TEXT = "CAST(x'68ff6980' AS TEXT)"
"""Text that is no UTF-8, which only an expression can write."""


def all_damages() -> list[Damage]:
    """Every column of every table with every value that does not belong there."""
    found = []
    for table in metadata.sorted_tables:
        for column in table.c:
            kind = str(column.type).upper()
            values = list(ANY)
            if kind == "TEXT":
                values += [*JSON, *TEXTS.get((table.name, column.name), ())]
            if "BLOB" in kind or "BYTE" in kind or "BINARY" in kind:
                values += ARRAYS
            if (table.name, column.name) == ("runs", "parent_step"):
                values += [7]
            found += [Damage(table.name, column.name, value) for value in values]
            found.append(Damage(table.name, column.name, INVALID_TEXT, sql=True))
    own = "(SELECT id FROM runs WHERE name = 'Victim')"
    return [*found, Damage("runs", "parent_id", own, sql=True)]


def sampled(cases: list[T], every: int) -> list[T]:
    """Every so many-th of them, so that each kind has its turn."""
    return [case for place, case in enumerate(cases) if place % every == 0]
