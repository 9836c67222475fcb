"""A run as one zip file, and back. A bundle is data only: every member is checked, and nothing in it is executed."""

from __future__ import annotations

import hashlib
import io
import json
import re
import secrets
import socket
import zipfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, Mapping, TypeVar

import numpy as np
from msgspec import Meta

from gan_core import records
from gan_core.bundles import checks
from gan_core.bundles.personal import clearer, event_for_a_file
from gan_core.config import run_config as configs
from gan_core.data.datasets import OPTIONS, info_from_bytes
from gan_core.plain_errors import sentence
from gan_core.records import (
    MOST_SAMPLES,
    NO_NAMES,
    SNAPSHOT_SAMPLES,
    UPLOAD,
    BundleError,
    DataNames,
    DatasetInfo,
    UnknownRun,
    upload_name,
)
from gan_core.store import Store, dataset_row, pack, reference_row, report_row, unpack
from gan_core.store.labels import checked_tags
from gan_core.store.recordings import check_payload
from gan_core.store.rows import PartSizes, checked_samples
from gan_core.validation import Count, Finite, Invalid, Positive, Seconds, Text, Time, checked, shown, wrong

FORMAT, FORMAT_VERSION = "ganometer-run", 1
MAX_BUNDLE_BYTES = 200 * 2**20
MAX_UNPACKED_BYTES = 500 * 2**20
MAX_MEMBERS = 1000
ENDED = ("finished", "stopped", "failed", "interrupted")
_NAME = re.compile(
    r"manifest\.json|run\.json|metrics\.npz|dataset\.npz|preview\.npz|(snapshots|weights|samples|checkpoints)/[0-9]{1,9}"
)
_KEPT = (
    "id",
    "name",
    "state",
    "step",
    "total_steps",
    "seconds",
    "steps_per_second",
    "threads",
    "error",
    "created",
    "started",
    "ended",
    "dataset",
    "parent_id",
    "parent_step",
)


T = TypeVar("T")
_RunId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}\Z", description="expected eight hexadecimal digits")]
_Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="expected a SHA-256")]


@dataclass(frozen=True)
class _Data:
    """What run.json says of the data set."""

    name: Text
    sha256: _Sha256
    kind: Literal["image", "points"]
    shape: tuple[Count, ...]
    parts: PartSizes
    classes: tuple[int, ...] | None = None
    """Instead of a preview, where the rows of the data stayed with their owner."""
    names: DataNames = NO_NAMES


@dataclass(frozen=True)
class _Run:
    """What run.json holds; what has a default was not written by earlier versions."""

    id: _RunId
    name: Text
    state: Text
    step: Count
    total_steps: Count
    seconds: Seconds
    steps_per_second: Positive | None
    threads: Count | None
    error: Text | None
    created: Time
    started: Time | None
    ended: Time | None
    dataset: _Sha256 | None
    config: dict[str, Any]
    versions: dict[Text, Text]
    events: list[tuple[Count, Time, Text, dict[str, Any]]]
    reports: list[tuple[Count, dict[str, Any]]]
    references: list[dict[str, Any]]
    data: _Data | None
    tags: Annotated[list[Text], Meta(description="expected a list of texts")] = field(default_factory=list)
    parent_id: Text | None = None
    parent_step: Count | None = None
    kind: records.RunKind = "trained"


@dataclass(frozen=True)
class _Metrics:
    """The columns of metrics.npz."""

    name: list[Text]
    step: list[Count]
    value: list[Finite]


def bundle(
    store: Store,
    run_id: str,
    *,
    name: str = "",
    names: DataNames = NO_NAMES,
    data_hidden: bool = False,
    parent_hidden: bool = False,
) -> bytes:
    """Everything of a run: configuration, metrics, snapshots, checkpoint, events, reports, versions; and all hashes.

    Of a run that was not trained here the samples that it keeps instead of weights.

    Nothing says who made the run, and on which machine. `name`: what the run is called for whoever gets the file.
    `names` are what the classes and columns of an upload are called. `data_hidden` leaves these out, and the rows of
    its data: the bytes of an upload, the preview, and the checkpoint, which only goes on with the data.
    `parent_hidden` leaves out which run it was forked from.
    """
    rows = store.recordings.rows(run_id)
    row = rows["runs"][0]
    info = store.datasets.get(row["dataset"]) if row["dataset"] else None
    data_hidden = data_hidden or (info is not None and info.rows_hidden)
    clear, clear_label = clearer(_names(store, rows)), clearer(())
    events = [(e["step"], e["time"], e["kind"], event_for_a_file(_table(e["payload"]), clear)) for e in rows["events"]]
    reports = [(r["step"], json.loads(r["report"])) for r in rows["reports"]]
    if data_hidden:
        for _, report in reports:
            report.get("details", {}).pop("direction", None)  # as in `Report.numbers_only`
    about = {key: row[key] for key in _KEPT} | {
        "name": clear_label(name or row["name"]),
        "error": clear(row["error"]) if row["error"] else row["error"],
        "config": json.loads(row["config"]),
        "versions": json.loads(row["versions"]),
        "tags": [clear_label(tag) for tag in json.loads(row["tags"])],
        "events": events,
        "reports": reports,
        "references": [],
        "data": None,
    }
    if row["kind"] != "trained":  # a run that was trained here can also be read by versions that know no other kind
        about["kind"] = row["kind"]
    if parent_hidden:
        about["parent_id"] = None
        for *_, payload in events:
            payload.pop("parent", None)
    members: dict[str, bytes] = {
        "metrics.npz": pack(
            name=np.array([m["name"] for m in rows["metrics"]], dtype="U64"),
            step=np.array([m["step"] for m in rows["metrics"]], dtype=np.int64),
            value=np.array([m["value"] for m in rows["metrics"]], dtype=np.float64),
        )
    }
    if info:
        about["data"] = {
            "name": info.name,
            "sha256": info.sha256,
            "kind": info.kind,
            "shape": info.shape,
            "parts": dict(info.parts),
        }
        asked = sorted({(r["n"], r["k"], r["panel"]) for r in rows["reports"] if r["space"] == "pixels"})
        found = (store.measurements.reference(info.sha256, "pixels", n, k=k, panel=panel) for n, k, panel in asked)
        about["references"] = [json.loads(records.record_to_json(r)) for r in found if r]
        if data_hidden:
            about["data"]["classes"] = info.classes
        else:
            if info.name.startswith(UPLOAD) and names != NO_NAMES:
                about["data"]["names"] = {which: [*map(clear_label, of_it)] for which, of_it in asdict(names).items()}
            members["preview.npz"] = pack(x=info.preview, y=info.labels)
            if data := store.datasets.upload_bytes(info.name):
                members["dataset.npz"] = data
    members |= {f"snapshots/{s['step']}": s["samples"] for s in rows["snapshots"]}
    if row["kind"] == "trained":
        members |= {f"weights/{s['step']}": s["weights"] for s in rows["snapshots"]}
    else:
        members |= {f"samples/{s['step']}": s["data"] for s in rows["run_samples"]}
    sound = [c for c in rows["checkpoints"] if not data_hidden and _hash(c["data"]) == c["sha256"]]
    members |= {f"checkpoints/{c['step']}": c["data"] for c in sound[-1:]}
    members["run.json"] = json.dumps(about).encode()
    manifest = {"format": FORMAT, "version": FORMAT_VERSION, "sha256": {n: _hash(d) for n, d in members.items()}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **members}.items():
            zipped.writestr(zipfile.ZipInfo(name, (2014, 6, 10, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _table(text: str) -> dict[str, Any]:
    """What an event says. Raises ValueError for a text that is none of an event."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("an event says nothing that can be read")
    return found


def _names(store: Store, rows: Mapping[str, list[dict[str, Any]]]) -> set[str]:
    """The people, the workers and the hosts that the texts of a run may name."""
    row = rows["runs"][0]
    by = {str(_table(event["payload"]).get("by", "")) for event in rows["events"]}
    workers = store.workers.all()
    machines = {worker.id for worker in workers} | {worker.host for worker in workers}
    return {row["owner"], row["worker_id"] or "", socket.gethostname()} | by | machines


def unbundle(store: Store, data: bytes) -> str:
    """Add a bundle's run to the store; returns its id, a new one where the old is taken.

    Raises BundleError for a file that is damaged, tampered with, oversized, or of an unknown version; then
    nothing has been written.
    """
    members = _open(data)
    try:
        about = checked(_Run, checks.read_json(members["run.json"]), what="a part of run.json")
        checks.check_run(about)
        run_id = _free_id(store, about.id)
        info = _dataset(about.data, members) if about.data else None
        rows = _rows(about, info, members, run_id)
    except configs.ConfigError as error:
        raise BundleError(f"the bundle's settings are not valid: {shortened(str(error))}") from None
    except Invalid as error:
        raise BundleError(f"the bundle's content is not what a run holds: {shortened(str(error))}") from None
    except BundleError:
        raise
    except Exception as error:  # decoders raise a dozen kinds on strangers' bytes, and all of them mean one thing
        raise BundleError(f"the bundle's content is not what a run holds ({shortened(sentence(error))})") from None
    store.recordings.add_rows(rows)
    if info and "dataset.npz" in members:
        store.datasets.put(info, members["dataset.npz"])
    return run_id


def unbundle_once(store: Store, data: bytes, *, key: str) -> str | None:
    """The same for a bundle that ships with the app: imported the first time its key is seen, and its id ever after."""
    if (known := store.remembered(key)) is not None:
        return known
    run_id = unbundle(store, data)
    store.remember(key, run_id)
    return run_id


def _open(data: bytes) -> dict[str, bytes]:
    """The members of a sound bundle, by name."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleError(
            f"the bundle has {len(data) / 2**20:,.0f} MB; at most {MAX_BUNDLE_BYTES / 2**20:,.0f} MB are read"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as zipped:
            listed = zipped.infolist()
            if strange := [i.filename for i in listed if not _NAME.fullmatch(i.filename)]:
                raise BundleError(f"the file is no run bundle: it holds {', '.join(map(shown, strange[:3]))}")
            if len(listed) > MAX_MEMBERS:
                raise BundleError(f"the file is no run bundle: it holds {len(listed):,} members")
            if twice := [n for n, count in Counter(i.filename for i in listed).items() if count > 1]:
                raise BundleError(f"the file is no run bundle: it holds {twice[0]!r} twice")
            _check_size(listed)
            members = {i.filename: _read(zipped, i) for i in listed}
    except BundleError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds on strangers' bytes
        raise BundleError(
            f"the file is not a readable zip file ({error}): it may be truncated; export the run again"
        ) from None
    try:
        manifest = json.loads(members.pop("manifest.json"))
        if manifest["format"] != FORMAT:
            raise BundleError(f"the file is a {shown(manifest['format'])}, not a {FORMAT!r}")
        version, hashes = manifest["version"], dict(manifest["sha256"])
    except (KeyError, ValueError, TypeError, RecursionError):
        raise BundleError("the file is no run bundle: its manifest.json is missing or broken") from None
    if version != FORMAT_VERSION:
        raise BundleError(
            f"the bundle has format version {shown(version)}; this Ganometer reads version {FORMAT_VERSION}"
        )
    for name in sorted({*hashes, *members}):
        if name not in members or hashes.get(name) != _hash(members[name]):
            raise BundleError(
                f"{name} in the bundle is not what was exported (its SHA-256 differs): export the run again"
            )
    return members


def _check_size(listed: list[zipfile.ZipInfo]) -> None:
    """What the headers promise; more than that is never read."""
    if sum(i.file_size for i in listed) > MAX_UNPACKED_BYTES:
        raise BundleError(f"the bundle would unpack to more than {MAX_UNPACKED_BYTES / 2**20:,.0f} MB")
    if any(i.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for i in listed):
        raise BundleError("the bundle is packed in a way no export uses: export the run again")


def _read(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with zipped.open(info) as member:
        # In pieces: reading at once would inflate everything before looking at the size.
        data = b"".join(iter(lambda: member.read(2**18), b""))
    if len(data) != info.file_size:
        raise BundleError(f"{info.filename} in the bundle is not as long as it says")
    return data


def _free_id(store: Store, run_id: str) -> str:
    try:
        store.runs.get(run_id)
    except UnknownRun:
        return run_id
    return secrets.token_hex(4)


def _rows(
    about: _Run, info: DatasetInfo | None, members: dict[str, bytes], run_id: str
) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table; `info` is the run's data set."""
    config = configs.from_json(json.dumps(about.config))
    if about.data and info:
        if config.data.name != about.data.name:
            raise ValueError(f"its settings name the data set {config.data.name!r}, its data are {about.data.name!r}")
        config = configs.override(config, {"data.name": info.name})
    if about.dataset != (info.sha256 if info else None):
        raise ValueError("the run and its data set do not belong together")
    run = {key: getattr(about, key) for key in _KEPT} | {
        "id": run_id,
        "name": about.name[:100],
        "kind": about.kind,
        "tags": json.dumps(checked_tags(about.tags)),
        "state": about.state if about.state in ENDED else "interrupted",
        "config": configs.to_json(config),
        "versions": json.dumps(about.versions),
    }
    steps = {
        part: {int(n.split("/")[1]): d for n, d in members.items() if n.startswith(f"{part}/")}
        for part in ("snapshots", "weights", "samples", "checkpoints")
    }
    instead, other = ("weights", "samples") if about.kind == "trained" else ("samples", "weights")
    if steps["snapshots"].keys() != steps[instead].keys():
        raise ValueError(f"snapshots and {instead} are not of the same steps")
    if steps[other] or (about.kind != "trained" and steps["checkpoints"]):
        raise ValueError(f"a run of kind {about.kind!r} has no {other}")
    columns = {name: column.tolist() for name, column in _unpack(members["metrics.npz"]).items()}
    metrics = checked(_Metrics, columns, what="a column of the metrics")
    checks.check_steps(about, steps, metrics.step)
    rows: dict[str, list[dict[str, Any]]] = {
        "runs": [run],
        "metrics": [
            dict(run_id=run_id, name=name, step=step, value=value)
            for name, step, value in zip(metrics.name, metrics.step, metrics.value, strict=True)
        ],
        "snapshots": [
            dict(run_id=run_id, step=step, samples=_samples(data, info), weights=weights)
            for step, data in steps["snapshots"].items()
            for weights in [_arrays(steps["weights"][step]) if about.kind == "trained" else b""]
        ],
        "run_samples": [
            dict(run_id=run_id, step=step, n=len(_unpack(data)["x"]), data=_samples(data, info, MOST_SAMPLES))
            for step, data in steps["samples"].items()
        ],
        "checkpoints": [
            dict(run_id=run_id, step=step, data=_arrays(data), sha256=_hash(data))
            for step, data in steps["checkpoints"].items()
        ],
        "events": [
            dict(run_id=run_id, step=step, time=time, kind=kind, payload=_payload(kind, payload))
            for step, time, kind, payload in about.events
        ],
        "reports": [report_row(run_id, step, _report(report)) for step, report in about.reports],
        "datasets": [dataset_row(info, members.get("dataset.npz"))] if info else [],
        "references": _references(about, info),
    }
    for name, key in (("metrics", ("name", "step")), ("reports", ("step", "space", "n", "k", "seed", "panel"))):
        if len({tuple(r[k] for k in key) for r in rows[name]}) != len(rows[name]):
            raise ValueError(f"the {name} name a step twice")
    return rows


def _references(about: _Run, info: DatasetInfo | None) -> list[dict[str, Any]]:
    """Real against real, for data of which no row is here: all others a worker measures, and believes nobody's."""
    found = [_reference(reference) for reference in about.references]
    if info is None or not info.rows_hidden:
        return []
    return [reference_row(info.sha256, "pixels", reference) for reference in found]


def _dataset(about: _Data, members: dict[str, bytes]) -> DatasetInfo:
    name, sha256, kind, shape = about.name, about.sha256, about.kind, about.shape
    if name.startswith(UPLOAD) or "dataset.npz" in members:  # nobody's data goes by another's name
        if name not in (upload_name(sha256), upload_name(sha256[:10])):  # the latter was written until 0.1.0
            raise ValueError(f"{name!r} is not the name of that upload")
        name = upload_name(sha256)
    if (option := OPTIONS.get(name)) and (option.kind, option.shape) != (kind, shape):
        raise ValueError(f"{name} is {option.kind} of shape {option.shape}, not {kind} of shape {shape}")
    if (kind, len(shape)) not in (("image", 3), ("points", 1)):
        raise ValueError(f"{kind!r} of shape {shape} is no data set")
    if about.classes is not None:
        return _without_rows(name, about, members)
    preview = _unpack(members["preview.npz"])
    names = about.names if name.startswith(UPLOAD) else NO_NAMES
    info = DatasetInfo(name, sha256, kind, shape, asdict(about.parts), preview["x"], preview["y"], names=names)
    if names.columns and (kind, shape) != ("points", (len(names.columns),)):
        raise ValueError(f"there are names of {len(names.columns)} columns for {kind} of shape {shape}")
    _check_samples(preview["x"], info)
    if preview["y"].shape != (len(preview["x"]),) or preview["y"].dtype != np.int64:
        raise ValueError("the preview has not one label a row")
    if "dataset.npz" in members:
        _check_data(info, members["dataset.npz"])
    return info


def _without_rows(name: str, about: _Data, members: dict[str, bytes]) -> DatasetInfo:
    """The data set of a bundle whose rows stayed with their owner: an upload, of which only the classes are known."""
    if not name.startswith(UPLOAD) or {"dataset.npz", "preview.npz"} & members.keys():
        raise ValueError("only an upload may lack its preview, and then there are no rows of it at all")
    classes = about.classes or ()
    if not classes or list(classes) != sorted(set(classes)) or len(classes) > SNAPSHOT_SAMPLES:
        raise ValueError("the classes of the data are not different numbers in ascending order")
    nothing = np.zeros((0, *about.shape), np.uint8 if about.kind == "image" else np.float32)
    labels = np.array(classes, np.int64)
    return DatasetInfo(name, about.sha256, about.kind, about.shape, asdict(about.parts), nothing, labels)


def _check_data(claimed: DatasetInfo, data: bytes) -> None:
    """Raises ValueError unless the samples are those that the bundle says: everybody would get them by this name."""
    found = info_from_bytes(data)
    for what in ("sha256", "kind", "shape", "parts"):
        if getattr(found, what) != getattr(claimed, what):
            raise ValueError(f"the samples have {what} {getattr(found, what)}, not {getattr(claimed, what)}")
    if not (np.array_equal(found.preview, claimed.preview) and np.array_equal(found.labels, claimed.labels)):
        raise ValueError("the preview does not show the samples")


def _samples(data: bytes, info: DatasetInfo | None, most: int = SNAPSHOT_SAMPLES) -> bytes:
    if info is None:
        raise ValueError("there are snapshots, but no data set")
    _check_samples(_unpack(data)["x"], info, most)
    return data


def _check_samples(x: np.ndarray, info: DatasetInfo, most: int = SNAPSHOT_SAMPLES) -> None:
    checked_samples(x)
    wanted = np.uint8 if info.kind == "image" else np.float32
    if len(x) > most:
        raise ValueError(f"there are {len(x):,} samples; of one step a run keeps {most:,}")
    if x.dtype != wanted or x.shape[1:] != info.shape:
        raise ValueError(
            f"samples are {x.dtype} {x.shape}, not {np.dtype(wanted)} (n, {', '.join(map(str, info.shape))})"
        )


_REPORT = {"space": Text, "n_fake": Count, "seed": Count, "verdict": Text, "k": Count, "panel": records.Panel}
_REFERENCE = {"n": Count, "seed": Count, "k": Count, "panel": records.Panel}


def _report(values: Mapping[str, Any]) -> records.Report:
    report = _sound(records.report_from_json(json.dumps(values)), _REPORT)
    checks.check_report(report)
    return report


def _reference(values: Mapping[str, Any]) -> records.Reference:
    return _sound(records.reference_from_json(json.dumps(values)), _REFERENCE)


def _sound(record: T, kinds: Mapping[str, Any]) -> T:
    """The record itself, once the fields that the store has columns for are what these hold."""
    if problems := [said for name, kind in kinds.items() for said in wrong(name, kind, getattr(record, name))]:
        raise Invalid(problems)
    return record


def _payload(kind: str, values: Mapping[str, Any]) -> str:
    """What an event of the log says, in the form that pages read."""
    check_payload(kind, values)
    return json.dumps({key: value for key, value in values.items() if key != "by"})


def _arrays(data: bytes) -> bytes:
    _unpack(data)
    return data


def _unpack(data: bytes) -> dict[str, np.ndarray]:
    """Plain arrays, of no more bytes than a bundle may have; anything pickled raises ValueError."""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        checks.check_arrays(zipped.infolist())
        _check_size(zipped.infolist())
    return unpack(data)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def shortened(text: str) -> str:
    """A sentence on what a stranger has written, in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= 600 else f"{line[:599]}…"
