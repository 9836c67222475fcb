"""A run as a file and back; and files that are not what they claim to be write nothing."""

import hashlib
import io
import json
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_core.bundles import bundle as export
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.records import (
    BundleError,
    DataNames,
    DatasetInfo,
    Histogram,
    MetricResult,
    Reference,
    Report,
    upload_name,
)
from gan_core.store import Commit, Store, pack
from gan_core.store import schema as tables

RNG = np.random.default_rng(0)
LABELS = np.array([0, 1, 1])


def part(n: int) -> datasets.Part:
    return datasets.Part(RNG.integers(0, 256, (n, 4, 4, 1), dtype=np.uint8), np.resize(LABELS, n))


def named(dataset: datasets.Dataset) -> DatasetInfo:
    """What a store knows of somebody's own data."""
    return replace(dataset.info(), name=upload_name(dataset.sha256))


MINE = datasets.Dataset("mine", "image", (4, 4, 1), part(5), part(2), part(3))
OTHER = datasets.Dataset("other", "image", (4, 4, 1), part(5), part(2), part(3))
INFO, DATA = named(MINE), datasets.dataset_to_bytes(MINE)
PREVIEW = INFO.preview
CONFIG = override(preset("auto", data=INFO.name), {"training.steps": 30})
REPORT = Report(
    "measured",
    60,
    60,
    5,
    "pixels",
    0,
    {"energy_distance": MetricResult("energy_distance", 0.5)},
    Histogram((0.0, 1.0), (1.0,), (1.0,), (1.0,)),
    "so and so",
    0.1,
)
REFERENCE = Reference(60, 20, 0, {"energy_distance": (0.01, 0.002)})


def filled(store: Store, state: str = "stopped") -> str:
    """A run with something in every table; returns its id."""
    run = store.leases.claim("w1", run_id=store.runs.create(CONFIG, name="Ada's run"))
    store.runs.tag(run.id, ["class 4b", "ö"])
    store.datasets.put(INFO, DATA)
    store.measurements.put_reference(INFO.sha256, "pixels", REFERENCE)
    store.progress.describe(run.id, "w1", run.claim_no, dataset=INFO.sha256, threads=2, versions={"numpy": "2"})
    for step in (0, 10):
        store.progress.commit(
            run.id,
            "w1",
            run.claim_no,
            Commit(
                state=state if step else "running",
                step=step,
                seconds=1.5,
                steps_per_second=20.0,
                values=[(step, "loss", 1 / 3), (step, "other", -2.0)],
                measured=[(step, REPORT)],
                taken=[(step, PREVIEW[: step + 1], pack(a=RNG.standard_normal(3)))],
                checkpoint=pack(step=np.int64(step)),
            ),
        )
    return run.id


@pytest.fixture
def store(store_url):
    store = Store(store_url)
    yield store
    store.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('original') / 'store.sqlite'}")
    yield store, filled(store)
    store.close()


@pytest.fixture(scope="module")
def bundle(original) -> bytes:
    return export.bundle(*original)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A store into which nothing unsound may ever get."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('target') / 'store.sqlite'}")
    yield store
    store.close()


def contents(store: Store) -> dict[str, list[tuple]]:
    """Every row of every table."""
    with store.database.reading() as db:
        return {t.name: sorted(map(repr, db.execute(sa.select(t)))) for t in tables.metadata.tables.values()}


def repacked(bundle: bytes, change=lambda members, about: None, *, manifest=None, whole=False) -> bytes:
    """The bundle with `change` made to its members and its run.json, and hashes that fit again.

    `whole`: the change writes the bytes of run.json itself, and what stands in `about` is not written.
    """
    with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist() if name != "manifest.json"}
    about = json.loads(members["run.json"])
    change(members, about)
    if "run.json" in members and not whole:
        members["run.json"] = json.dumps(about).encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    head = {"format": "ganometer-run", "version": 1, "sha256": hashes} | (manifest or {})
    return zipped_up({"manifest.json": json.dumps(head).encode()} | members)


def zipped_up(members: dict[str, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return out.getvalue()


# ---------------------------------------------------------------- there and back


def kept(store: Store, run_id: str) -> dict:
    """What a run is, without what only the store it is in knows."""
    rows = store.recordings.rows(run_id)
    here = ("run_id", "version", "owner", "queued", "heartbeat", "claim_no", "phase", "worker_id")
    rows["events"] = [{k: v for k, v in r.items() if k != "id"} for r in rows["events"]]
    for event in rows["events"]:
        event["payload"] = {k: v for k, v in json.loads(event["payload"]).items() if k != "by"}
    rows["checkpoints"] = rows["checkpoints"][-1:]
    return {name: [{k: v for k, v in row.items() if k not in here} for row in part] for name, part in rows.items()}


def test_a_run_comes_back_as_it_was(original, bundle, store):
    old, run_id = original
    assert export.unbundle(store, bundle) == run_id
    assert kept(store, run_id) == kept(old, run_id)
    assert store.measurements.reports(run_id) == [(0, REPORT), (10, REPORT)]
    assert store.recordings.checkpoint(run_id) == old.recordings.checkpoint(run_id)
    assert store.measurements.reference(INFO.sha256, "pixels", 60) is None  # a worker has the rows, and measures it
    assert store.datasets.upload_bytes(INFO.name) == DATA
    info = store.datasets.get(INFO.sha256)
    assert np.array_equal(info.preview, PREVIEW) and info.labels.tolist() == INFO.labels.tolist()
    assert replace(info, preview=None, labels=None) == replace(INFO, preview=None, labels=None)
    assert store.commands.send(run_id, "resume") == "queued"


def test_a_bundle_made_before_there_were_tags_has_none(bundle, store):
    older = repacked(bundle, lambda members, about: about.pop("tags"))
    assert store.runs.get(export.unbundle(store, older)).tags == ()


def test_what_the_classes_of_an_upload_are_called_travels_and_only_if_there_is_something(original, bundle, store):
    assert b'"names"' not in run_json(bundle)  # earlier versions read it, too
    names = DataNames(("cat", "dog of ada@example.org"))
    data = export.bundle(*original, names=names)
    export.unbundle(store, data)
    assert store.datasets.get(INFO.sha256).names == DataNames(("cat", "dog of …"))
    assert b"cat" not in run_json(export.bundle(*original, names=names, data_hidden=True))


def run_json(bundle: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
        return zipped.read("run.json")


@pytest.mark.parametrize(
    "names", [{"classes": ["a\nb"]}, {"classes": ["x" * 41]}, {"columns": ["of", "pixels"]}, {"rows": []}, ["cat"], 5]
)
def test_names_that_no_export_gives_are_refused(bundle, target, names):
    before = contents(target)
    with pytest.raises(BundleError):
        export.unbundle(target, repacked(bundle, lambda members, about: about["data"].update(names=names)))
    assert contents(target) == before


def test_the_same_run_gives_the_same_bytes(original, bundle):
    assert export.bundle(*original) == bundle


def foreign(store: Store) -> str:
    """A run of somebody else's networks, which keeps samples instead of weights."""
    run_id = store.runs.create(CONFIG, name="theirs", worker_id="hand", kind="followed", total_steps=0)
    store.datasets.put(INFO, DATA)
    store.progress.describe(run_id, "hand", 1, dataset=INFO.sha256)
    store.progress.note(run_id, "hand", 1, 0, "read_as", {"note": "Values beyond 0..1 are clipped."})
    for step in (0, 70):
        kept = dict(taken=[(step, PREVIEW, b"")], kept=[(step, MINE.train.x)], values=[(step, "loss/g", 1.5)])
        store.progress.commit(run_id, "hand", 1, Commit("finished" if step else "running", step, 1.0, **kept))
    return run_id


def test_a_run_that_was_not_trained_here_travels_with_its_kind_and_its_samples(store, target):
    there = store.runs.get(export.unbundle(store, export.bundle(target, foreign(target))))
    assert (there.kind, there.step, there.total_steps, there.state) == ("followed", 70, 70, "finished")
    np.testing.assert_array_equal(store.recordings.kept_samples(there.id, 70), MINE.train.x)
    assert store.recordings.kept_numbers(there.id) == {0: 5, 70: 5}
    assert [e.payload for e in store.recordings.events(there.id) if e.kind == "read_as"] == [
        {"note": "Values beyond 0..1 are clipped."}
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda members, about: about.update(kind="stolen"), "kind"),
        (lambda members, about: about.update(kind="trained"), "not of the same steps"),
        (lambda members, about: members.pop("samples/70"), "not of the same steps"),
        (lambda members, about: members.update({"weights/70": members["samples/70"]}), "has no weights"),
        (lambda members, about: members.update({"samples/70": pack(x=np.zeros((3, 9)))}), "samples are"),
        (lambda members, about: members.update({"samples/70": pack(x=np.zeros((10_001, 4, 4, 1), np.uint8))}), "keeps"),
    ],
)
def test_kinds_and_samples_that_no_export_gives_are_refused(target, change, said):
    sound = export.bundle(target, foreign(target))
    before = contents(target)
    with pytest.raises(BundleError, match=said):
        export.unbundle(target, repacked(sound, change))
    assert contents(target) == before


def test_a_second_import_gets_an_id_of_its_own(original, bundle, store):
    ids = [export.unbundle(store, bundle) for _ in range(3)]
    assert ids[0] == original[1] and len(set(ids)) == 3 == len(store.runs.all())
    first, second = ({k: [r | {"id": ""} for r in v] for k, v in kept(store, i).items()} for i in ids[:2])
    assert first == second
    store.runs.delete(ids[0])
    assert store.measurements.reports(ids[1]) == [(0, REPORT), (10, REPORT)]


def test_what_the_store_knows_already_is_not_replaced(bundle, store):
    """But for samples: what a bundle brings has been compared with its name, and the store's may have been claimed."""
    known = replace(REFERENCE, draws=99)
    store.datasets.put(INFO, b"claimed")
    store.measurements.put_reference(INFO.sha256, "pixels", known)
    export.unbundle(store, bundle)
    assert store.datasets.upload_bytes(INFO.name) == DATA
    assert store.measurements.reference(INFO.sha256, "pixels", 60) == known


def test_a_bundle_with_a_short_name_of_its_upload_gets_the_whole_one(original, bundle, store):
    run_id = export.unbundle(store, repacked(bundle, named_as_before))
    assert store.runs.get(run_id).config.data.name == store.datasets.get(INFO.sha256).name == INFO.name
    assert kept(store, run_id) == kept(*original)


def test_a_bundle_cannot_stand_in_the_way_of_data(bundle, store):
    """Without samples a bundle may claim a hash with any preview. Whoever has the samples puts it right."""

    def lie(members, about):
        without_samples(INFO.name)(members, about)
        members["preview.npz"] = pack(x=OTHER.info().preview, y=OTHER.info().labels)

    export.unbundle(store, repacked(bundle, lie))
    assert store.datasets.upload_bytes(INFO.name) is None
    export.unbundle(store, bundle)
    assert store.datasets.upload_bytes(INFO.name) == DATA
    assert np.array_equal(store.datasets.named(INFO.name).preview, PREVIEW)


def test_a_run_that_has_not_begun_travels_too(store, target):
    run_id = store.runs.create(CONFIG)
    new = export.unbundle(target, export.bundle(store, run_id))
    assert target.runs.get(new).state == "interrupted" and target.runs.get(new).step == 0
    target.runs.delete(new)


@pytest.mark.parametrize(
    ("state", "becomes"),
    [("finished", "finished"), ("failed", "failed"), ("paused", "interrupted"), ("running", "interrupted")],
)
def test_a_run_that_was_being_trained_arrives_interrupted(store, target, state, becomes):
    new = export.unbundle(target, export.bundle(store, filled(store, state)))
    assert target.runs.get(new).state == becomes and target.runs.get(new).worker is None
    target.runs.delete(new)


def test_a_damaged_checkpoint_stays_behind(store, target):
    run_id = filled(store)
    with store.database.writing() as db:
        db.execute(tables.checkpoints.update().where(tables.checkpoints.c.step == 10).values(data=b"?"))
    new = export.unbundle(target, export.bundle(store, run_id))
    assert target.recordings.checkpoint(new)[0] == 0
    target.runs.delete(new)


def test_a_shipped_bundle_is_imported_once(bundle, store):
    first = export.unbundle_once(store, bundle, key="example")
    store.runs.delete(first)
    assert export.unbundle_once(store, bundle, key="example") == first and store.runs.all() == []
    assert export.unbundle_once(store, bundle, key="other") == first and len(store.runs.all()) == 1


# ---------------------------------------------------------------- files that are not what they claim to be


def pickled() -> bytes:
    out = io.BytesIO()
    np.savez(out, x=np.array([{"a": 1}], dtype=object))
    return out.getvalue()


def bomb() -> bytes:
    """An array file whose header asks for 8 TB, and hardly anything behind it."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    return zipped_up({"x.npy": out.getvalue()})


def resized(zipped: bytes, size: int) -> bytes:
    """A zip file with a size in the headers of its first member that is not true."""
    data = bytearray(zipped)
    (central,) = struct.unpack("<I", data[-6:-2])
    data[central + 24 : central + 28] = data[22:26] = struct.pack("<I", size)
    return bytes(data)


def put(name: str, data: bytes):
    return lambda members, about: members.update({name: data})


def say(**values):
    return lambda members, about: about.update(values)


def inside(key: str, **values):
    return lambda members, about: about.__setitem__(key, about[key] | values)


def claiming(sha256: str):
    """A bundle that says of its samples that they have this hash."""

    def change(members, about):
        name = upload_name(sha256)
        about["data"] |= {"sha256": sha256, "name": name}
        about["config"]["data"]["name"], about["dataset"] = name, sha256

    return change


def without_samples(name: str):
    """A bundle that brings no samples, and says that its run learned from the data set `name`."""

    def change(members, about):
        members.pop("dataset.npz")
        about["data"]["name"] = about["config"]["data"]["name"] = name

    return change


def named_as_before(members, about):
    """As 0.1.0 called uploads."""
    about["data"]["name"] = about["config"]["data"]["name"] = INFO.name[:17]


CONTENT = {
    "extra member": (put("extra.txt", b""), "'extra.txt'"),
    "path outside": (put("../x", b""), "'../x'"),
    "absolute path": (put("/snapshots/1", b""), "'/snapshots/1'"),
    "a step in other digits": (
        lambda members, about: members.update(
            {"snapshots/\u0665": members["snapshots/10"], "weights/\u0665": members["weights/10"]}
        ),
        "'snapshots/\u0665'",
    ),
    "missing member": (lambda members, about: members.pop("metrics.npz"), "metrics.npz"),
    "no run": (lambda members, about: members.pop("run.json"), "run.json"),
    "weights without snapshot": (put("weights/3", pack(a=np.zeros(1))), "same steps"),
    "a step twice": (
        lambda members, about: members.update(
            {"snapshots/010": members["snapshots/10"], "weights/010": members["weights/10"], "snapshots/7": b""}
        ),
        "same steps",
    ),
    "pickled snapshot": (put("snapshots/10", pickled()), "allow_pickle"),
    "pickled weights": (put("weights/10", pickled()), "allow_pickle"),
    "pickled checkpoint": (put("checkpoints/10", pickled()), "allow_pickle"),
    "pickled metrics": (put("metrics.npz", pickled()), "allow_pickle"),
    "header bomb": (put("checkpoints/10", bomb()), "not what a run holds"),
    "snapshot of another shape": (put("snapshots/10", pack(x=np.zeros((3, 5, 5, 1), np.uint8))), "(3, 5, 5, 1)"),
    "snapshot of floats": (put("snapshots/10", pack(x=np.zeros((3, 4, 4, 1)))), "float64"),
    "metrics of two lengths": (
        put("metrics.npz", pack(name=np.array(["a", "b"]), step=np.array([1]), value=np.array([1.0]))),
        "zip()",
    ),
    "metric twice": (
        put("metrics.npz", pack(name=np.array(["a", "a"]), step=np.array([1, 1]), value=np.zeros(2))),
        "twice",
    ),
    "metric that is no number": (
        put("metrics.npz", pack(name=np.array(["a"]), step=np.array([1]), value=np.array([np.nan]))),
        "nan",
    ),
    "negative step": (put("metrics.npz", pack(name=np.array(["a"]), step=np.array([-1]), value=np.array([0.0]))), "-1"),
    "id": (say(id="../../x"), "'../../x'"),
    "id of another type": (say(id=7), "id is 7; expected eight hexadecimal digits"),
    "step": (say(step="many"), "'many'"),
    "huge step": (say(step=10**30), "it must be between 0 and 2,147,483,647"),
    "seconds": (say(seconds=[1]), "[1]"),
    "endless seconds": (say(seconds=float("inf")), "Infinity, which is no number"),
    "created": (say(created=None), "None"),
    "name": (say(name={"a": 1}), "name is {'a': 1}; expected text"),
    "name with a zero byte": (say(name="a\0b"), "name is 'a\\x00b'; expected text that can be stored"),
    "half a character": (say(name="\ud800"), "name is '\\ud800'; expected text that can be stored"),
    "tags that are one text": (say(tags="abc"), "'abc'"),
    "a tag that is no text": (say(tags=["a", 7]), "tags is ['a', 7]; expected a list of texts"),
    "too many tags": (say(tags=list("abcdefghi")), "at most 8"),
    "error": (say(error=["a"]), "['a']"),
    "settings": (inside("config", seed=-5), "seed is -5"),
    "unknown setting": (inside("config", magic=1), "magic is not a setting"),
    "versions": (say(versions=["a"]), "versions is ['a']; expected object"),
    "events": (say(events=[[1, 2.0, "kind"]]), "expected array of length 4, got 3 at [0]"),
    "event kind": (say(events=[[1, 2.0, 5, {}]]), "expected str, got int at [0][2]"),
    "half a character in an event": (say(events=[[1, 2.0, "\udc00", {}]]), "events is"),
    "an event that changes nothing": (say(events=[[1, 2.0, "set", {"by": ""}]]), "changes is missing"),
    "an event with a change of one value": (say(events=[[1, 2.0, "set", {"changes": {"seed": [1]}}]]), "changes is"),
    "a fork with changes that are a text": (say(events=[[1, 2.0, "forked", {"changes": "all"}]]), "changes is 'all'"),
    "a list in a list in a list": (say(seconds=[[[[0.0]]]]), "seconds is [[[[0.0]]]]; expected a number"),
    "a number of 400 digits": (say(created=10**400), "above 1e100"),
    "something that no run has": (say(colour="red"), "colour is not a part of run.json"),
    "something missing": (lambda members, about: about.pop("created"), "created is missing"),
    "parts of the data": (inside("data", parts={"train": 5, "test": -3}), "data.parts.holdout is missing"),
    "data that are a list": (say(data=[1]), "data is [1]; expected a table"),
    "reports": (say(reports=[[1, {"status": "measured"}]]), "n_real is missing"),
    "report twice": (lambda members, about: about["reports"].append(about["reports"][0]), "twice"),
    "references": (say(references=[{"n": 1}]), "metrics"),
    "other data": (say(dataset="cd" * 32), "belong together"),
    "no data": (say(data=None), "belong together"),
    "data kind": (inside("data", kind="sound"), "'sound'"),
    "data shape": (inside("data", shape=[8, 8, 1]), "(3, 4, 4, 1)"),
    "upload under another name": (inside("data", name="digits"), "'digits'"),
    "settings that name other data": (inside("config", data={"name": "digits"}), "'digits'"),
    "other samples": (put("dataset.npz", datasets.dataset_to_bytes(OTHER)), "the samples have sha256"),
    "samples that are no data set": (put("dataset.npz", pack(x=PREVIEW)), "A data set holds x_train"),
    "samples and something else": (
        put("dataset.npz", datasets.dataset_to_bytes(datasets.load("ring-8"))),
        "nothing else",
    ),
    "samples that are noise": (put("dataset.npz", b"noise"), "The archive is damaged"),
    "more rows than there are": (inside("data", parts={"train": 6, "holdout": 2, "test": 3}), "the samples have parts"),
    "a preview of other samples": (put("preview.npz", pack(x=OTHER.info().preview, y=LABELS)), "does not show"),
    "a hash that the samples do not have": (claiming(OTHER.sha256), "the samples have sha256"),
    "digits of another shape": (without_samples("digits"), "digits is image of shape (8, 8, 1), not image"),
    "somebody's data under a name of their own": (without_samples("upload-mine"), "'upload-mine' is not the name"),
    "deeply nested": (put("preview.npz", b""), "not what a run holds"),
}


def test_for_whom_the_data_are_private_there_is_no_row_of_them_and_the_run_is_whole(original, store, target):
    old, run_id = original
    data = export.bundle(old, run_id, data_hidden=True)
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert not {"dataset.npz", "preview.npz"} & set(zipped.namelist())
        assert not any(name.startswith("checkpoints/") for name in zipped.namelist())
    imported = store.runs.get(export.unbundle(store, data))
    assert store.recordings.snapshot_steps(imported.id) == (0, 10)
    assert store.measurements.reports(imported.id) == [(0, REPORT), (10, REPORT)]
    info = store.datasets.get(imported.dataset)
    assert info.rows_hidden and info.preview.shape == (0, 4, 4, 1) and info.classes == (0, 1)
    assert store.measurements.reference(INFO.sha256, "pixels", 60) == REFERENCE  # which nobody here could measure
    assert store.datasets.upload_bytes(info.name) is None
    assert export.unbundle(target, export.bundle(store, imported.id)) == imported.id  # and goes on like this
    target.runs.delete(imported.id)
    store.datasets.put(INFO, pack(x=PREVIEW))  # whoever has the file brings the rows
    assert np.array_equal(store.datasets.get(imported.dataset).preview, PREVIEW)
    assert store.datasets.upload_bytes(INFO.name) == pack(x=PREVIEW)
    assert store.measurements.reference(INFO.sha256, "pixels", 60) is None


def without_preview(members, about) -> None:
    del members["preview.npz"], members["dataset.npz"]
    about["data"]["classes"] = [0, 1]


def also(*changes):
    return lambda members, about: [change(members, about) for change in changes]


@pytest.mark.parametrize(
    "change",
    [
        lambda members, about: members.pop("preview.npz"),
        lambda members, about: about["data"].update(classes=[0, 1]),
        also(without_preview, put("preview.npz", pack(x=PREVIEW[:0], y=np.zeros(0, np.int64)))),
        also(without_preview, put("dataset.npz", pack(x=PREVIEW))),
        *(
            also(without_preview, lambda members, about, c=classes: about["data"].update(classes=c))
            for classes in ([], [1, 0], [1, 1], ["a"], list(range(100)), 5)
        ),
        also(without_preview, lambda members, about: (about["data"].update(name="digits"), say_data(about, "digits"))),
    ],
)
def test_only_an_upload_may_lack_its_rows_and_then_it_has_none(bundle, target, change):
    before = contents(target)
    with pytest.raises(BundleError):
        export.unbundle(target, repacked(bundle, change))
    assert contents(target) == before
    target.runs.delete(export.unbundle(target, repacked(bundle, without_preview)))


def say_data(about: dict, name: str) -> None:
    about["config"]["data"]["name"] = name


def test_settings_and_data_of_different_names_are_refused(bundle, target):
    with pytest.raises(BundleError, match="its settings name the data set"):
        export.unbundle(target, repacked(bundle, lambda members, about: say_data(about, "digits")))


def test_who_did_what_is_not_imported(bundle, store):
    events = [[0, 1.0, "created", {"by": "ada@example.org", "preset": "auto"}]]
    run_id = export.unbundle(store, repacked(bundle, say(events=events)))
    assert [event.payload for event in store.recordings.events(run_id)] == [{"preset": "auto"}]


@pytest.mark.parametrize("case", CONTENT)
def test_content_that_no_run_holds_is_refused_with_its_reason(bundle, target, case):
    change, said = CONTENT[case]
    before = contents(target)
    with pytest.raises(BundleError) as error:
        export.unbundle(target, repacked(bundle, change))
    assert said in str(error.value)
    assert contents(target) == before


def test_everything_that_is_wrong_with_a_run_is_named_at_once(bundle, target):
    with pytest.raises(BundleError) as error:
        export.unbundle(target, repacked(bundle, say(step=-1, name=5, ended=True, magic=1)))
    assert all(f"{key} is " in str(error.value) for key in ("step", "name", "ended", "magic"))


def test_an_unchanged_repacking_is_accepted(bundle, target):
    """So that the cases above fail for the reason they name."""
    target.runs.delete(export.unbundle(target, repacked(bundle)))


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"format": "zoo"}, "'zoo'"),
        ({"version": 2}, "version 2"),
        ({"version": None}, "version None"),
        ({"format": "x" * 100_000}, "xxx…"),
        ({"version": [1] * 100_000}, "version [1, 1, "),
        ({"sha256": {}}, "SHA-256 differs"),
        ({"sha256": 5}, "manifest.json"),
        ({"sha256": {"run.json": "0" * 64}}, "SHA-256 differs"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(bundle, target, manifest, said):
    before = contents(target)
    with pytest.raises(BundleError) as error:
        export.unbundle(target, repacked(bundle, manifest=manifest))
    assert said in str(error.value) and contents(target) == before and len(str(error.value)) < 800


def members_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def tampered(bundle: bytes) -> bytes:
    members = members_of(bundle)
    return zipped_up(members | {"run.json": members["run.json"].replace(b"Ada", b"Eve")})


def doubled(bundle: bytes) -> bytes:
    out = io.BytesIO(bundle)
    with zipfile.ZipFile(out, "a") as zipped, pytest.warns(UserWarning, match="Duplicate"):
        zipped.writestr("run.json", b"{}")
    return out.getvalue()


def sized(size: int):
    return lambda bundle: resized(zipped_up(members_of(bundle), zipfile.ZIP_STORED), size)


FILES = {
    "empty": (lambda b: b"", "readable zip"),
    "no zip": (lambda b: b"GIF89a" * 100, "readable zip"),
    "truncated": (lambda b: b[: len(b) // 2], "readable zip"),
    "end cut off": (lambda b: b[:-1], "readable zip"),
    "tampered": (tampered, "run.json"),
    "member twice": (doubled, "'run.json' twice"),
    "no manifest": (lambda b: zipped_up({"run.json": b"{}"}), "manifest.json"),
    "manifest of noise": (lambda b: zipped_up({"manifest.json": b"[1"}), "manifest.json"),
    "nested manifest": (lambda b: zipped_up({"manifest.json": b"[" * 100_000}), "manifest.json"),
    "too many members": (lambda b: zipped_up({f"snapshots/{i}": b"" for i in range(1001)}), "1,001 members"),
    "a long name": (lambda b: zipped_up({"x" * 60_000: b""}), "xxx…"),
    "header of 3 GB": (sized(3 * 2**30), "unpack to more than 500 MB"),
    "header too long": (sized(100_000), "bundle"),
    "header too short": (sized(3), "Bad CRC"),
    "lzma": (lambda b: zipped_up(members_of(b), zipfile.ZIP_LZMA), "no export uses"),
    "oversized": (lambda b: bytes(export.MAX_BUNDLE_BYTES + 1), "at most 200 MB"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_sound_bundle_is_refused_with_its_reason(bundle, target, case):
    change, said = FILES[case]
    data, before = change(bundle), contents(target)
    with pytest.raises(BundleError) as error:
        export.unbundle(target, data)
    assert said in str(error.value) and contents(target) == before


def test_an_archive_within_a_member_is_weighed_before_it_is_opened(bundle, target):
    with pytest.raises(BundleError, match="unpack to more than 500 MB"):
        export.unbundle(target, repacked(bundle, put("checkpoints/10", resized(pack(x=np.zeros(9)), 600 * 2**20))))


@settings(max_examples=150)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=3))
def test_no_flipped_byte_gets_through(original, bundle, target, flips):
    """It is refused, or (a byte that no reader looks at) the run is the very same."""
    data = bytearray(bundle)
    for place, bits in flips:
        data[int(place * len(data))] ^= bits
    before = contents(target)
    try:
        new = export.unbundle(target, bytes(data))
    except BundleError:
        assert contents(target) == before
        return
    assert kept(target, new) == kept(*original)
    target.runs.delete(new)


@settings(max_examples=100)
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=3),
    part=st.sampled_from(["run.json", "metrics.npz", "preview.npz", "snapshots/10", "weights/0", "checkpoints/10"]),
)
def test_noise_with_fitting_hashes_is_a_bundle_error_or_a_run(bundle, target, flips, part):
    def change(members, about):
        data = bytearray(members[part])
        for place, bits in flips:
            data[int(place * len(data))] ^= bits
        members[part] = bytes(data)
        if part == "run.json":
            try:
                noisy = json.loads(bytes(data))
            except ValueError:
                return
            about.clear()
            about.update(noisy if isinstance(noisy, dict) else {})

    before = contents(target)
    try:
        new = export.unbundle(target, repacked(bundle, change))
    except BundleError:
        assert contents(target) == before
        return
    target.runs.get(new)
    target.recordings.history(new)
    target.measurements.reports(new)
    target.runs.delete(new)
