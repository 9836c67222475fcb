"""What is private stays private, through every door that a service opens: files, jobs, films, curves, events."""

import dataclasses
import inspect
import io
import json
import zipfile
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from gan_core.bundles.files import zipped
from gan_core.config.run_config import override
from gan_core.jobs import registry
from gan_core.jobs.compare import Compare
from gan_core.jobs.corruptions import Corruptions
from gan_core.jobs.export import Export
from gan_core.jobs.projection import Projection
from gan_core.jobs.reference import ReferenceParameters
from gan_core.jobs.sample import Sample
from gan_core.records import DataNames, DatasetError, GanometerError, UnknownRun, short_data_name
from gan_core.service.lab import Lab
from gan_core.service.permissions import NotAllowed
from gan_core.store import Commit
from tests.jobs.test_registry import ASKED
from tests.service.labs import CONFIG, finish_by_hand, points, shared, store_of

ADA, BOB, ROOT = "ada@example.org", "bob@example.org", "root@here"
STRANGERS = (BOB, "")


# ---------------------------------------------------------------- every door asks who is there


def services(lab: Lab) -> dict[str, object]:
    """The Lab and each service in it, by name."""
    return {"lab": lab} | {name: found for name, found in vars(lab).items() if not name.startswith("_")}


def names_what_may_be_private(method, service: str) -> list[str]:
    """The parameters by which a method is told a run, a job or a data set: by a name that anybody may write."""
    names = ("run_id", "job_id", "steps_by_run", "asked", "data", "dataset", *["name"] * (service == "uploads"))
    found = inspect.signature(method).parameters
    return [name for name in names if name in found and found[name].annotation not in ("bytes", "Job")]


def test_a_method_that_takes_an_id_or_a_name_asks_for_whom(tmp_path):
    with shared(tmp_path) as lab:
        checked = []
        for service, found in services(lab).items():
            if not type(found).__module__.startswith("gan_core.service"):
                continue
            for name, method in inspect.getmembers(found, inspect.ismethod):
                if name.startswith("_"):
                    continue
                names = names_what_may_be_private(method, service)
                if names:
                    checked.append(name)
                    assert "by" in inspect.signature(method).parameters, f"{service}.{name} takes {names}, and no by"
        assert len(checked) >= 25 and {"get", "export", "request", "answer", "samples_npz", "publish"} <= set(checked)


def test_a_job_says_which_runs_and_data_its_parameters_name():
    for name, kind in registry.kinds().items():
        asked = ASKED[name]
        fields = {field.name for field in dataclasses.fields(kind.parameters)}
        assert tuple(asked.named_data()) == ((asked.dataset,) if "dataset" in fields else ()), name
        assert tuple(asked.named_runs()) == (tuple(run for run, _ in asked.runs) if "runs" in fields else ()), name


# ---------------------------------------------------------------- a published run on private data


def images() -> bytes:
    """A file of a person's own pictures of two classes."""
    rng, out = np.random.default_rng(3), io.BytesIO()
    x = rng.integers(0, 256, (300, 8, 8, 1), dtype=np.uint8)
    np.savez(out, x=x, y=rng.integers(0, 2, 300))
    return out.getvalue()


@dataclasses.dataclass(frozen=True)
class Published:
    """A lab in which ADA has trained a run on data of her own, and published the run alone."""

    lab: Lab
    run_id: str
    name: str

    @property
    def real(self) -> np.ndarray:
        """Every row of the data (n, d)."""
        dataset = self.lab.foreground._datasets.dataset(self.name)
        return np.concatenate([part.x.reshape(len(part.x), -1) for part in dataset.parts.values()])

    def asked(self, kind: str):
        """Parameters of a job of this kind about the run."""
        step = self.lab.results.snapshot_steps(self.lab.runs.get(self.run_id, by=ADA))[-1]
        own = {
            "sample": Sample(5),
            "measure": dataclasses.replace(ASKED["measure"], space="pixels"),
            "reference": ReferenceParameters(self.name, 50),
            "corruptions": Corruptions(self.name, 50, corruptions=("noise",)),
            "compare": Compare(((self.run_id, step),), 50),
            "projection": Projection(3, part="preview", steps=50, starts=1),
        }
        return own.get(kind, ASKED[kind])

    def about(self, kind: str) -> dict:
        return {"run_id": self.run_id} if registry.kind_named(kind).of_run else {}


@pytest.fixture(scope="module", params=["images", "points"])
def published(tmp_path_factory, request):
    with shared(tmp_path_factory.mktemp("published")) as lab:
        file = ("own.npz", images()) if request.param == "images" else ("own.csv", points())
        name = lab.uploads.keep(lab.uploads.read(file[1], file[0], size=8), by=ADA)
        small = {"generator.hidden": "8", "discriminator.hidden": "8", "training.steps": 20, "training.batch": 16}
        small |= {"recording.snapshots": 3, "recording.rows": 50, "generator.architecture": "mlp"}
        small |= {"discriminator.architecture": "mlp"} if request.param == "images" else {}
        config = override(lab.recipes.preset("auto", data=name, by=ADA), small)
        run_id = lab.runs.start(config, by=ADA, name="a secret project")
        assert lab.foreground.go_on(run_id, by=None).run.state == "finished"
        lab.runs.publish(run_id, True, by=ADA)
        yield Published(lab, run_id, name)


def rows_in(found, real: np.ndarray) -> int:
    """How many real rows stand in an answer, whatever it is: arrays by name, a record, bytes."""
    if dataclasses.is_dataclass(found):
        found = dataclasses.asdict(found)
    if isinstance(found, Mapping):
        return sum(rows_in(value, real) for value in found.values())
    array = np.asarray(found) if isinstance(found, (list, tuple, np.ndarray)) else np.zeros(0)
    if array.dtype.kind not in "uif" or array.size % real.shape[1]:
        return 0
    rows = {row.tobytes() for row in real.astype(np.float32)}
    return sum(row.tobytes() in rows for row in array.reshape(-1, real.shape[1]).astype(np.float32))


def answered(published: Published, kind: str, by: str | None):
    """What a worker's answer of this kind is for `by`."""
    lab, store = published.lab, store_of(published.lab)
    job_id = lab.jobs.request(published.asked(kind), by=by, **published.about(kind))
    job = store.jobs.get(job_id)
    if job.state != "done":
        store.jobs.finish(job_id, result=registry.answer(store, job, lab.foreground._datasets.dataset))
    return job_id, lab.jobs.answer(job_id, by=by)


SHOW_ROWS = {"images": {"browse", "neighbours", "sample_detail", "projection"}, "points": {"projection"}}


@pytest.mark.parametrize("kind", registry.NAMES)
def test_an_answer_shows_no_row_to_whom_the_data_are_hidden(published, kind):
    if kind == "surface" and published.real.shape[1] != 2:
        return
    lab = published.lab
    job_id, whole = answered(published, kind, ADA)
    if kind in {"browse", "neighbours", "sample_detail", "projection"}:
        assert rows_in(whole, published.real), "or this test could not fail"
    for by in STRANGERS:
        try:
            assert answered(published, kind, by)[0] == job_id  # one job for all
        except (NotAllowed, DatasetError):
            assert kind in ("projection", "reference", "corruptions")
            with pytest.raises(GanometerError):
                lab.jobs.answer(job_id, by=by)
        else:
            found = lab.jobs.answer(job_id, by=by)
            assert rows_in(found, published.real) == 0
            assert lab.jobs.get(job_id, by=by).result is None
            if kind in ("browse", "sample_detail", "sample", "latent_walk", "latent_plane"):
                with np.load(io.BytesIO(lab.jobs.samples_npz(job_id, by=by)), allow_pickle=False) as arrays:
                    assert np.array_equal(arrays["x"], whole["x"])
                    assert rows_in({name: arrays[name] for name in arrays}, published.real) == 0


def test_the_run_has_its_numbers_and_its_samples_and_no_real_ones(published):
    lab, real = published.lab, published.real
    hers, his = (lab.runs.get(published.run_id, by=by) for by in (ADA, BOB))
    assert (hers.data_hidden, his.data_hidden) == (False, True)
    assert lab.runs.newest(by=BOB)[0].data_hidden and not lab.runs.newest(by=ROOT)[0].data_hidden
    assert lab.results.snapshot_steps(his) == lab.results.snapshot_steps(hers) != ()
    assert np.array_equal(lab.results.snapshot(his).samples, lab.results.snapshot(hers).samples)
    shown = lab.results.preview(his)
    assert shown is not None and shown.step == his.step and rows_in(shown, real) == 0
    assert lab.results.curves(his, by=BOB).last("energy_distance") is not None and lab.results.measured(his)
    seen, hidden = lab.results.dataset_of(hers), lab.results.dataset_of(his)
    assert rows_in(seen.preview, real) == len(seen.preview) > 0
    assert hidden.rows_hidden and (hidden.classes, hidden.parts) == (seen.classes, seen.parts)
    for reports in (lab.results.measured(his).values(), [report for _, report in lab.results.reports(his)]):
        assert reports and not any("direction" in report.details for report in reports)


def test_a_film_has_no_real_points(published):
    if published.real.shape[1] != 2:
        return
    lab = published.lab
    blue = {}
    for by in (ADA, BOB):
        with Image.open(io.BytesIO(lab.results.film(lab.runs.get(published.run_id, by=by)))) as film:
            pixels = np.asarray(film.convert("RGB")).astype(int)[40:]  # below the legend
            blue[by] = int((pixels[..., 2] > pixels[..., 0] + 60).sum())
    assert blue[ADA] > 100 and blue[BOB] == 0


def everything_in(bundle: bytes) -> bytes:
    """All bytes of a bundle, unpacked, and unpacked again."""
    found = b""
    with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
        for name in zipped.namelist():
            data = zipped.read(name)
            found += data
            if data.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    found += b"".join(inner.read(member) for member in inner.namelist())
    return found


def test_a_download_has_no_row_and_is_imported(published, tmp_path):
    lab, real = published.lab, published.real
    kinds = (np.uint8,) if real.shape[1] > 2 else (np.float32, np.float64)  # points are kept as they came
    rows = [row.tobytes() for kind in kinds for row in real.astype(kind)]
    hers, his = (everything_in(lab.bundles.export(published.run_id, by=by)) for by in (ADA, BOB))
    assert sum(row in hers for row in rows) >= len(real)  # or this test could not fail
    assert not any(row in his for row in rows)
    with shared(tmp_path) as other:
        run = other.runs.get(other.bundles.load(lab.bundles.export(published.run_id, by=BOB)), by=None)
        assert run.data_hidden and other.results.dataset_of(run).rows_hidden
        assert other.results.measured(run) and other.results.snapshot(run)
        with pytest.raises(DatasetError):
            other.runs.fork(run.id, run.step, by=None)  # its data are elsewhere


@pytest.mark.parametrize("format", ["keras", "tensorboard", "samples"])
def test_what_other_programs_read_has_no_row_and_no_name(published, format):
    lab, real = published.lab, published.real
    files = lab.foreground.export(published.run_id, None, format, by=BOB).files
    found = everything_in(zipped(files))
    assert found and b"secret" not in found and ADA.encode() not in found
    kinds = (np.uint8, np.float32) if real.shape[1] > 2 else (np.float32, np.float64)
    assert not any(row.tobytes() in found for kind in kinds for row in real.astype(kind))
    if format == "samples":
        with np.load(io.BytesIO(files["samples.npz"]), allow_pickle=False) as arrays:
            shown = {name: arrays[name] for name in arrays}
        assert rows_in(shown, real) == 0 and len(shown["x"]) == 64


def test_what_a_private_file_is_called_is_told_to_nobody(tmp_path):
    """Neither by the name of a published run, nor by its bundle, its repetitions and forks."""
    with shared(tmp_path) as lab:
        secret, cleo = "salaries of ada.csv", "cleo@example.org"
        data = lab.uploads.keep(lab.uploads.read(points(), secret), by=ADA)
        config = override(lab.recipes.preset("auto", data=data, by=ADA), {"training.steps": 40})
        ids = [lab.runs.start(config, by=ADA)]
        ids.append(lab.runs.start(config, name=f"First look at {secret}", by=ADA, again=True))
        for run_id in ids:
            run = store_of(lab).leases.claim("w1", run_id=run_id, at_once=9)
            store_of(lab).progress.describe(
                run_id, "w1", run.claim_no, dataset=store_of(lab).datasets.named(data).sha256
            )
            finish_by_hand(lab, run)
            lab.runs.publish(run_id, True, by=ADA)
        lab.uploads.keep(lab.uploads.read(points(), "bob.csv"), by=BOB)
        assert [lab.runs.get(run_id, by=ADA).name for run_id in ids] == [
            f"{secret} · auto · 40 steps",
            f"First look at {secret}",
        ]
        assert [lab.runs.get(run_id, by=BOB).name for run_id in ids] == [
            "bob.csv · auto · 40 steps",
            "First look at bob.csv",
        ]
        for by in (BOB, cleo, ""):
            for run in lab.runs.listed(by=by):
                assert secret not in run.name
                assert secret.encode() not in everything_in(lab.bundles.export(run.id, by=by))
        assert lab.runs.get(ids[0], by=cleo).name == f"{short_data_name(data)} · auto · 40 steps"
        for run_id in (*lab.runs.repeat(ids[0], 3, by=BOB), lab.runs.fork(ids[0], 40, by=BOB)):
            assert secret not in lab.runs.get(run_id, by=ROOT).name or run_id in ids
        lab.uploads.keep(lab.uploads.read(points(), "another name.csv"), by=ADA)  # the same data
        assert secret not in lab.runs.get(ids[0], by=cleo).name
        lab.uploads.publish(data, True, by=ADA)
        assert lab.runs.get(ids[0], by=cleo).name == "another name.csv · auto · 40 steps"


def test_a_run_on_private_data_is_not_the_start_of_anybody_else_s(published):
    lab = published.lab
    for act in (
        lambda: lab.runs.fork(published.run_id, 20, by=BOB),
        lambda: lab.runs.repeat(published.run_id, by=BOB),
        lambda: lab.runs.start(lab.runs.get(published.run_id, by=BOB).config, by=BOB),
        lambda: lab.jobs.request(ReferenceParameters(published.name, 50), by=BOB),
        lambda: lab.foreground.test_metrics(published.name, 50, by=BOB),
        lambda: lab.uploads.publish(published.name, True, by=BOB),
    ):
        with pytest.raises(DatasetError):
            act()


def test_what_is_withdrawn_is_hidden_at_once(published):
    lab = published.lab
    job_id, _ = answered(published, "sample", BOB)
    lab.runs.publish(published.run_id, False, by=ADA)
    try:
        for by in STRANGERS:
            assert lab.jobs.get(job_id, by=by) is None and lab.jobs.state(job_id, by=by) is None
            for act in (
                lambda by=by: lab.jobs.answer(job_id, by=by),
                lambda by=by: lab.jobs.samples_npz(job_id, by=by),
                lambda by=by: lab.jobs.request(Sample(5), run_id=published.run_id, by=by),
                lambda by=by: lab.jobs.compare({published.run_id: 20}, 50, by=by),
                lambda by=by: lab.jobs.request(Compare(((published.run_id, 20),), 50), by=by),
                lambda by=by: lab.bundles.export(published.run_id, by=by),
                lambda by=by: lab.foreground.sample(published.run_id, None, 5, by=by),
                lambda by=by: lab.foreground.export(published.run_id, None, "samples", by=by),
                lambda by=by: lab.jobs.request(Export("samples"), run_id=published.run_id, by=by),
                lambda by=by: lab.foreground.measure(published.run_id, None, 50, by=by),
                lambda by=by: lab.foreground.go_on(published.run_id, by=by),
            ):
                with pytest.raises(GanometerError):
                    act()
        compared, _ = answered(published, "compare", ADA)
        assert lab.jobs.get(compared, by=BOB) is None and lab.jobs.get(compared, by=ROOT) is not None
    finally:
        lab.runs.publish(published.run_id, True, by=ADA)


# ---------------------------------------------------------------- the same file of two people


def private_run(lab: Lab, by: str, name: str | None = None) -> str:
    name = name or lab.uploads.keep(lab.uploads.read(points(), "points.csv"), by=by)
    config = override(lab.recipes.preset("auto", data=name, by=by), {"training.steps": 20})
    return lab.runs.start(config, by=by, again=True)


def pets(*names: str) -> bytes:
    """Always the same points of two classes, by the names that their owner gives them."""
    out = io.BytesIO()
    np.savez(out, x=np.random.default_rng(6).standard_normal((300, 2)), y=np.array(names)[np.arange(300) % 2])
    return out.getvalue()


def loaded(lab, name: str, by: str):
    """A run whose worker has loaded the data and was stopped then."""
    run_id, store = private_run(lab, by, name), store_of(lab)
    run = store.leases.claim("w1", run_id=run_id)
    store.progress.describe(run_id, "w1", run.claim_no, dataset=store.datasets.named(name).sha256)
    store.leases.release(run_id, "w1", run.claim_no, state="stopped")
    return run_id


def test_whoever_brings_the_same_samples_is_told_only_the_own_names_of_their_classes(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.uploads.keep(lab.uploads.read(pets("healthy", "ill"), "her.npz"), by=ADA)
        assert lab.uploads.keep(lab.uploads.read(pets("a", "b"), "his.npz"), by=BOB) == name  # the names are no part
        assert lab.uploads.visible(by=BOB)[0].names == DataNames()
        hers, his = loaded(lab, name, ADA), loaded(lab, name, BOB)
        shown = {by: lab.results.dataset_of(lab.runs.get(run_id, by=by)) for by, run_id in ((ADA, hers), (BOB, his))}
        assert [shown[by].names.classes for by in (ADA, BOB)] == [("healthy", "ill"), ("a", "b")]
        lab.runs.publish(hers, True, by=ADA)
        assert lab.results.dataset_of(lab.runs.get(hers, by="eve@x.org")).names == DataNames()
        with zipfile.ZipFile(io.BytesIO(lab.bundles.export(hers, by="eve@x.org"))) as zipped:
            assert b"healthy" not in zipped.read("run.json")
        lab.uploads.publish(name, True, by=BOB)
        third = loaded(lab, name, "eve@x.org")  # who knows the data from BOB
        assert lab.results.dataset_of(lab.runs.get(third, by="eve@x.org")).names.classes == ("a", "b")
        assert b"healthy" not in lab.bundles.export(third, by="eve@x.org")


def test_the_names_of_classes_and_columns_travel_with_a_run(tmp_path):
    table = "\n".join(["width,depth,label", *(f"{i},{i * i},{'cat' if i % 2 else 'dog'}" for i in range(300))]).encode()
    with shared(tmp_path / "here") as here, shared(tmp_path / "there") as there:
        name = here.uploads.keep(here.uploads.read(table, "pets.csv"), by=ADA)
        run_id = loaded(here, name, ADA)
        run = there.runs.get(there.bundles.load(here.bundles.export(run_id, by=ADA)), by=ROOT)
        assert there.results.dataset_of(run).names == DataNames(("cat", "dog"), ("width", "depth"))


def test_whoever_brings_the_same_file_sees_and_publishes_nothing_of_the_first(tmp_path):
    with shared(tmp_path) as lab:
        hers, his = private_run(lab, ADA), private_run(lab, BOB)
        (upload,) = lab.uploads.visible(by=ADA)
        assert set(upload.owners) == {ADA, BOB} and len(lab.uploads.visible(by=BOB)) == 1
        for by, own, other in ((ADA, hers, his), (BOB, his, hers)):
            assert [run.id for run in lab.runs.newest(by=by)] == [own]
            for act in (lab.runs.get, lab.runs.stop, lab.bundles.export, lab.runs.repeat, lab.runs.delete):
                with pytest.raises(UnknownRun):
                    act(other, by=by)
        lab.uploads.publish(upload.name, True, by=BOB)
        assert [run.id for run in lab.runs.newest(by="eve@x.org")] == [his]
        assert [run.id for run in lab.runs.newest(by=BOB)] == [his]
        third = private_run(lab, "eve@x.org", upload.name)  # who only uses what BOB has published
        assert third in [run.id for run in lab.runs.newest(by=ADA)]
        lab.uploads.publish(upload.name, False, by=ADA)
        assert [run.id for run in lab.runs.newest(by="zoe@x.org")] == [third, his]  # his share is his
        lab.uploads.publish(upload.name, True, by=ADA)
        lab.uploads.publish(upload.name, False, by=BOB)
        assert {run.id for run in lab.runs.newest(by="zoe@x.org")} == {third, hers}


def test_a_run_on_data_that_were_withdrawn_is_kept_and_goes_no_further(tmp_path):
    with shared(tmp_path) as lab:
        private_run(lab, ADA)
        (name,) = (info.name for info in lab.uploads.visible(by=ADA))
        lab.uploads.publish(name, True, by=ADA)
        run_id = private_run(lab, BOB, name)
        finish_by_hand(lab, store_of(lab).leases.claim("w1", run_id=run_id))
        lab.uploads.publish(name, False, by=ADA)
        assert lab.runs.get(run_id, by=BOB).data_hidden and not lab.runs.get(run_id, by=ROOT).data_hidden
        for act in (
            lambda: lab.runs.resume(run_id, by=BOB),
            lambda: lab.runs.step(run_id, 5, by=BOB),
            lambda: lab.runs.extend(run_id, 5, by=BOB),
            lambda: lab.runs.queue(run_id, by=BOB),
        ):
            with pytest.raises(NotAllowed, match="cannot be trained further"):
                act()
        lab.runs.rename(run_id, "what remains", by=BOB)
        lab.runs.delete(run_id, by=BOB)


def test_an_address_with_a_space_is_not_two_owners(tmp_path):
    with shared(tmp_path) as lab:
        run_id = private_run(lab, f"{ADA} {BOB}")
        for by in (ADA, BOB, f"{BOB} {ADA}"):
            assert lab.uploads.visible(by=by) == [] and lab.runs.newest(by=by) == []
            with pytest.raises(UnknownRun):
                lab.runs.stop(run_id, by=by)


@pytest.mark.parametrize("by", ["root@here ", "ROOT@HERE\u200b", "root@h\u0435re", "", "root"])
def test_who_is_like_an_admin_is_none(tmp_path, by):
    with shared(tmp_path) as lab:
        assert lab.runs.get(lab.runs.start(CONFIG, by=ADA), by=by).owner == ADA
        assert not lab.runs.may_change(lab.runs.newest(by=by)[0], by=by)
        assert "home" not in lab.system(by=by) and "home" in lab.system(by="Root@HERE")


# ---------------------------------------------------------------- what a run says of another one, and of people


def test_a_fork_says_nothing_of_a_parent_that_one_may_not_see(tmp_path):
    with shared(tmp_path) as lab:
        parent = private_run(lab, ADA)
        run = store_of(lab).leases.claim("w1", run_id=parent)
        finish_by_hand(lab, run)
        fork = lab.runs.fork(parent, 20, by=ADA)
        finish_by_hand(lab, store_of(lab).leases.claim("w1", run_id=fork), first=20)
        lab.runs.publish(fork, True, by=ADA)
        seen = lab.runs.get(fork, by=BOB)
        assert [one.id for one in lab.results.lineage(seen, by=BOB)] == [fork]
        assert lab.results.curves(seen, by=BOB).curves["energy_distance"][0].min() == 20
        assert "parent" not in str(lab.runs.events(seen, by=BOB)) and parent in str(lab.runs.events(seen, by=ADA))
        assert ADA not in str(lab.runs.events(seen, by=BOB))
        assert parent.encode() not in everything_in(lab.bundles.export(fork, by=BOB))
        assert parent.encode() in everything_in(lab.bundles.export(fork, by=ADA))
        lab.uploads.publish(seen.config.data.name, True, by=ADA)
        lab.uploads.publish(seen.config.data.name, False, by=ADA)
        with pytest.raises(GanometerError) as error:
            lab.runs.repeat(fork, by=BOB)
        assert parent not in str(error.value)


def test_nothing_of_its_owner_and_of_the_machine_leaves_the_server_with_a_run(tmp_path):
    import socket

    with shared(tmp_path) as lab:
        store = store_of(lab)
        worker = f"{socket.gethostname()}-4711-9f3a"
        store.workers.report(worker, host="big-box", pid=4711, phase="idle", memory=1, versions={})
        run_id = lab.runs.start(CONFIG, by="alice@example.org", name="from alice@example.org")
        lab.runs.tag(run_id, ["for bob@example.org"], by="alice@example.org")
        run = store.leases.claim(worker, run_id=run_id)
        about = dict(seconds=1.0, values=[(0, "loss", 1.0)])
        store.progress.commit(run_id, worker, 1, Commit(state="running", step=0, checkpoint=b"state", **about))
        assert lab.runs.change(run_id, {"objective.r1": 2}, by="alice@example.org") == "sent"
        assert lab.runs.pause(run_id, by="root@here") == "sent"
        error = f"[Errno 28] No space left on device: '{tmp_path}/a b.sqlite' ({worker} on big-box, alice@example.org)"
        store.progress.commit(run_id, worker, 1, Commit(state="failed", step=10, error=error, **about | {"values": []}))
        with store.database.writing() as db:
            from gan_core.store.schema import events

            for payload in ({"by": "alice@example.org", "error": error}, {"host": "big-box", "reason": error}):
                told = dict(run_id=run_id, step=1, time=1.0, kind="interrupted", payload=json.dumps(payload))
                db.execute(events.insert().values(**told))
        personal = ("alice", "example.org", "root@here", "big-box", "4711", "9f3a", socket.gethostname(), str(tmp_path))
        for by in ("alice@example.org", "root@here", BOB, None):
            found = everything_in(lab.bundles.export(run_id, by=by))
            assert [word for word in personal if word.encode() in found] == [] and b"No space left" in found
        assert run.owner == "alice@example.org"


def test_on_a_shared_server_only_admins_are_told_of_places_and_machines(tmp_path):
    with shared(tmp_path) as lab:
        run_id = lab.runs.start(CONFIG, by=ADA)
        store = store_of(lab)
        store.workers.report("big-box-1-abcd", host="big-box", pid=1, phase="idle", memory=1, versions={}, error="/x")
        store.leases.claim("big-box-1-abcd", run_id=run_id)
        assert set(lab.system(by=BOB)) == set(lab.system(by="")) >= {"ganometer", "python"}
        told = str(lab.system(by=BOB))
        assert "big-box" not in told and str(tmp_path) not in told and "sqlite" not in told
        assert str(tmp_path) in str(lab.system(by=ROOT)) and "big-box" in str(lab.system(by=None))
        for act in (lab.runs.delete, lab.runs.queue):
            with pytest.raises(GanometerError, match="a worker has it") as error:
                act(run_id, by=ADA)
            assert "big-box" not in str(error.value)
