"""A run as one zip file, and back. A bundle is data only: it is checked member by member and nothing in it is executed."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib

import numpy as np

from gan_core import config as configs
from gan_core import records
from gan_core.codec import to_storage
from gan_core.records import BundleError, DatasetInfo, UnknownRun
from gan_core.store import Store, pack, unpack

FORMAT, FORMAT_VERSION = "ganometer-run", 1
MAX_BUNDLE_BYTES = 200 * 2**20
MAX_UNPACKED_BYTES = 500 * 2**20
MAX_MEMBERS = 1000
ENDED = ("finished", "stopped", "failed", "interrupted")
_NAME = re.compile(r"manifest\.json|run\.json|metrics\.npz|dataset\.npz|preview\.npz|(snapshots|weights|checkpoints)/\d{1,9}")
_KEPT = ("id", "name", "state", "step", "total_steps", "seconds", "steps_per_second", "threads", "error", "created",
         "started", "ended", "dataset")


def bundle(store: Store, run_id: str) -> bytes:
    """Everything of a run: configuration, metrics, snapshots, checkpoints, diary, reports, versions, and hashes of all."""
    rows = store.runs.raw(run_id)
    row = rows["runs"][0]
    info = store.library.dataset(row["dataset"]) if row["dataset"] else None
    about = {key: row[key] for key in _KEPT} | {
        "config": json.loads(row["config"]),
        "versions": json.loads(row["versions"]),
        "events": [[e["step"], e["time"], e["kind"], json.loads(e["payload"])] for e in rows["events"]],
        "reports": [[r["step"], json.loads(r["report"])] for r in rows["reports"]],
        "references": [],
        "data": None,
    }
    members: dict[str, bytes] = {"metrics.npz": pack(
        name=np.array([m["name"] for m in rows["metrics"]], dtype="U64"),
        step=np.array([m["step"] for m in rows["metrics"]], dtype=np.int64),
        value=np.array([m["value"] for m in rows["metrics"]], dtype=np.float64),
    )}
    if info:
        about["data"] = {"name": info.name, "sha256": info.sha256, "kind": info.kind, "shape": info.shape, "parts": dict(info.parts)}
        found = (store.library.reference(info.sha256, "pixels", n) for n in sorted({r["n"] for r in rows["reports"]}))
        about["references"] = [json.loads(records.to_json(r)) for r in found if r]
        members["preview.npz"] = pack(x=info.preview, y=info.labels)
        if data := store.library.dataset_bytes(info.name):
            members["dataset.npz"] = data
    members |= {f"snapshots/{s['step']}": s["samples"] for s in rows["snapshots"]}
    members |= {f"weights/{s['step']}": s["weights"] for s in rows["snapshots"]}
    members |= {f"checkpoints/{c['step']}": c["data"] for c in rows["checkpoints"][-1:]}
    members["run.json"] = json.dumps(about).encode()
    manifest = {"format": FORMAT, "version": FORMAT_VERSION, "sha256": {n: _hash(d) for n, d in members.items()}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **members}.items():
            zipped.writestr(zipfile.ZipInfo(name, (2014, 6, 10, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unbundle(store: Store, data: bytes) -> str:
    """Add a bundle's run to the store; returns its id, a new one where the old is taken.

    Raises BundleError for a file that is damaged, tampered with, oversized, or of an unknown version; then
    nothing has been written.
    """
    members = _open(data)
    try:
        rows, info, references = _parse(members)
    except configs.ConfigError as error:
        raise BundleError(f"the bundle's settings are not valid: {error}") from None
    except (KeyError, ValueError, TypeError, IndexError, OSError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise BundleError(f"the bundle's content is not what a run holds ({type(error).__name__}: {error})") from None
    row = rows["runs"][0]
    try:
        store.runs.get(row["id"])
        new_id = _hash(data + row["id"].encode() + str(len(store.runs.all())).encode())[:8]
        for part in rows.values():
            for r in part:
                r["id" if r is row else "run_id"] = new_id
    except UnknownRun:
        pass
    if info:
        store.library.put_dataset(info, members.get("dataset.npz"))
    for reference in references:
        store.library.put_reference(info.sha256, "pixels", reference)
    store.runs.write(rows)
    return row["id"]


def unbundle_once(store: Store, data: bytes, *, key: str) -> str | None:
    """The same for a bundle that ships with the app: imported the first time its key is seen, and its id ever after."""
    if (known := store.remembered(key)) is not None:
        return known
    run_id = unbundle(store, data)
    store.remember(key, run_id)
    return run_id


def png_grid(images: np.ndarray, columns: int = 8, scale: int = 3) -> bytes:
    """A sheet of images (n, h, w, c in {1, 3}, either form), `columns` in a row, every pixel `scale` wide."""
    from PIL import Image

    x = to_storage(images)
    n, h, w, c = x.shape
    rows = -(-n // columns)
    x = np.concatenate([x, np.zeros((rows * columns - n, h, w, c), np.uint8)])
    sheet = x.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)
    sheet = sheet.repeat(scale, 0).repeat(scale, 1)
    out = io.BytesIO()
    Image.fromarray(sheet[..., 0] if c == 1 else sheet).save(out, "PNG")
    return out.getvalue()


def _open(data: bytes) -> dict[str, bytes]:
    """The members of a sound bundle, by name."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleError(f"the bundle has {len(data) / 2**20:,.0f} MB; at most {MAX_BUNDLE_BYTES / 2**20:,.0f} MB are read")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as zipped:
            listed = zipped.infolist()
            strange = [i.filename for i in listed if not _NAME.fullmatch(i.filename)]
            if strange or len(listed) > MAX_MEMBERS or len({i.filename for i in listed}) != len(listed):
                raise BundleError(f"the file is no run bundle: it holds {strange[:3] or f'{len(listed)} members'}")
            if sum(i.file_size for i in listed) > MAX_UNPACKED_BYTES:
                raise BundleError(f"the bundle would unpack to more than {MAX_UNPACKED_BYTES / 2**20:,.0f} MB")
            members = {i.filename: _read(zipped, i) for i in listed}
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError, OSError) as error:
        raise BundleError(f"the file is not a readable zip file ({error}): it may be truncated; export the run again") from None
    try:
        manifest = json.loads(members.pop("manifest.json"))
        if manifest["format"] != FORMAT:
            raise BundleError(f"the file is a {manifest['format']!r}, not a {FORMAT!r}")
        version, hashes = manifest["version"], dict(manifest["sha256"])
    except (KeyError, ValueError, TypeError):
        raise BundleError("the file is no run bundle: its manifest.json is missing or broken") from None
    if version != FORMAT_VERSION:
        raise BundleError(f"the bundle has format version {version!r}; this Ganometer reads version {FORMAT_VERSION}")
    for name in {*hashes, *members}:
        if name not in members or hashes.get(name) != _hash(members[name]):
            raise BundleError(f"{name} in the bundle is not what was exported (its SHA-256 differs): export the run again")
    return members


def _read(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with zipped.open(info) as member:  # the size in the header may lie
        data = member.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise BundleError(f"{info.filename} in the bundle is not as long as it says")
    return data


def _parse(members: dict[str, bytes]):
    about = json.loads(members["run.json"])
    config = configs.from_json(json.dumps(about["config"]))
    run_id = str(about["id"])
    if not re.fullmatch(r"[0-9a-f]{8}", run_id):
        raise ValueError(f"{run_id!r} is no run id")
    state = about["state"] if about["state"] in ENDED else "interrupted"
    run = {key: about[key] for key in _KEPT} | {
        "state": state, "config": configs.to_json(config), "versions": json.dumps({str(k): str(v) for k, v in about["versions"].items()}),
        "name": str(about["name"])[:100], "step": int(about["step"]), "total_steps": int(about["total_steps"]),
    }
    metrics = unpack(members["metrics.npz"])
    rows = {
        "runs": [run],
        "metrics": [
            dict(run_id=run_id, name=str(n), step=int(s), value=float(v))
            for n, s, v in zip(metrics["name"], metrics["step"], metrics["value"], strict=True)
        ],
        "snapshots": [
            dict(run_id=run_id, step=int(name.split("/")[1]), samples=_arrays(data), weights=_arrays(members[f"weights/{name.split('/')[1]}"]))
            for name, data in members.items() if name.startswith("snapshots/")
        ],
        "checkpoints": [
            dict(run_id=run_id, step=int(name.split("/")[1]), data=_arrays(data), sha256=_hash(data))
            for name, data in members.items() if name.startswith("checkpoints/")
        ],
        "events": [
            dict(run_id=run_id, step=int(s), time=float(t), kind=str(k), payload=json.dumps(p)) for s, t, k, p in about["events"]
        ],
        "reports": [
            dict(run_id=run_id, step=int(s), space=r["space"], n=int(r["n_fake"]), seed=int(r["seed"]),
                 report=records.to_json(records.report_from_json(json.dumps(r))))
            for s, r in about["reports"]
        ],
    }
    info = None
    if about["data"]:
        preview, d = unpack(members["preview.npz"]), about["data"]
        info = DatasetInfo(d["name"], d["sha256"], d["kind"], tuple(d["shape"]), d["parts"], preview["x"], preview["y"])
    return rows, info, [records.reference_from_json(json.dumps(r)) for r in about["references"]]


def _arrays(data: bytes) -> bytes:
    unpack(data)  # raises when it is not plain arrays
    return data


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
