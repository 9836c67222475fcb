"""The Lab: one worker a server, whatever happens to it, and everything pages ask for."""

import csv
import io
import itertools
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import psutil
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from gan_core import machine
from gan_core.config.presets import preset
from gan_core.config.run_config import ConfigError, override
from gan_core.data import datasets
from gan_core.distances import reference
from gan_core.distances.report import measure
from gan_core.jobs.sample import Sample, draw
from gan_core.records import BundleError, DatasetError, DatasetInfo, GanometerError, Headline, StoreError, UnknownRun
from gan_core.service import share_links
from gan_core.service.lab import EXAMPLES, Lab
from gan_core.service.permissions import NotAllowed
from gan_core.settings import Limits, Settings
from gan_core.store import schema as tables

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


def wait_until(condition, seconds: float = 90):
    """The first true value of `condition`, asked again and again; fails when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"it did not happen within {seconds:.0f} s")


@contextmanager
def opened(folder: Path, worker: str = "none", **more):
    lab = Lab(Settings(folder, f"sqlite:///{folder / 'store.sqlite'}", None, worker), **more)
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(tmp_path):
    """Without a worker."""
    with opened(tmp_path) as lab:
        yield lab


@pytest.fixture(scope="module")
def working(tmp_path_factory):
    """With a worker in a thread, for the whole file."""
    with opened(tmp_path_factory.mktemp("lab"), "thread") as lab:
        yield lab


def ended(lab: Lab, run_id: str):
    return wait_until(lambda: run if (run := lab.run(run_id)).state in ("finished", "stopped", "failed") else None)


@pytest.fixture(scope="module")
def finished(working):
    run = ended(working, working.start(CONFIG, name="first", by="ada"))
    assert run.state == "finished", run.error
    return run


# ---------------------------------------------------------------- the worker as a process


def workers_of(lab: Lab) -> list[int]:
    """Process numbers of this process's living children that work on the lab's store."""
    return [
        c.pid
        for c in psutil.Process().children()
        if machine.lives(c) and "worker" in c.cmdline() and c.environ().get("GANOMETER_STORE") == lab.settings.store_url
    ]


def test_one_worker_whatever_happens(tmp_path):
    with opened(tmp_path, "process") as lab:
        (first,) = workers_of(lab)
        if psutil.POSIX:  # pages go first
            assert psutil.Process(first).nice() > psutil.Process().nice()
        second = Lab(lab.settings)  # as after a hot reload, or "Clear cache"
        assert workers_of(lab) == [first]
        run_id = lab.start(ENDLESS)
        wait_until(lambda: lab.run(run_id).step)
        assert lab.settings.store_url not in psutil.Process(first).cmdline()  # it may hold a password

        psutil.Process(first).kill()

        def another():
            second.ensure_worker()
            return [pid for pid in workers_of(lab) if pid != first]

        assert len(wait_until(another)) == 1
        wait_until(lambda: second.ensure_worker() or lab.run(run_id).state == "interrupted")
        before = lab.run(run_id).step
        assert lab.resume(run_id) == "queued"
        wait_until(lambda: lab.run(run_id).step > before)
        assert len(workers_of(lab)) == 1
        second.close()
        assert workers_of(lab) == []
        run = lab.run(run_id)
        assert run.state == "interrupted" and run.step == lab.store.recordings.checkpoint(run_id)[0]
        assert lab.workers() == []
    assert f"run {run_id}: interrupted" in lab.log_path.read_text()


def test_closing_ends_a_worker_that_has_hardly_begun(tmp_path):
    with opened(tmp_path, "process") as lab:
        assert len(workers_of(lab)) == 1
    assert workers_of(lab) == []


def test_a_lab_without_a_worker_starts_none(lab):
    lab.start(CONFIG)
    assert workers_of(lab) == [] and lab.workers() == []


# ---------------------------------------------------------------- the worker as a thread


def test_a_run_in_a_thread(working, finished):
    assert (finished.name, finished.owner, finished.step) == ("first", "ada", 40)
    assert [run.id for run in working.runs()] == [finished.id]
    (worker,) = working.workers()
    assert worker.alive
    facts = working.system()
    assert facts["store"] == working.store.shown_url and f"worker {worker.id}" in facts


def test_start_pause_resume_stop(working):
    run_id = working.start(ENDLESS)
    wait_until(lambda: working.run(run_id).state == "running")
    for wish, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert getattr(working, wish)(run_id, by="ada") == "sent"
        wait_until(lambda state=state: working.run(run_id).state == state and working.pending(run_id) is None)
    working.delete(run_id)
    with pytest.raises(UnknownRun):
        working.run(run_id)


def settled(lab: Lab, run_id: str, state: str):
    return wait_until(lambda: lab.run(run_id).state == state and lab.pending(run_id) is None and lab.run(run_id))


def test_some_steps_at_a_time_and_other_settings_in_between(working):
    run_id = working.start(override(ENDLESS, {"seed": 5}))
    working.step(run_id, 30)  # before there is a worker at it
    assert settled(working, run_id, "paused").step == 30
    assert working.set(run_id, {"optimizer.learning_rate_generator": 0.001}, by="ada") == "sent"
    run = settled(working, run_id, "paused")
    assert run.config.optimizer.learning_rate_generator == 0.001 and run.step == 30
    assert working.set(run_id, {"optimizer.learning_rate_generator": 0.001}) == "nothing to change"
    assert working.set(run_id, {"objective.loss": "hinge"}) == "sent"  # another program
    working.step(run_id, 5)
    run = settled(working, run_id, "paused")
    assert run.step == 35 and run.config.objective.loss == "hinge"
    told = [e.payload["changes"] for e in working.store.recordings.events(run_id) if e.kind == "set"]
    assert told == [
        {"objective.loss": ["relativistic", "hinge"]},
        {"optimizer.learning_rate_generator": [CONFIG.optimizer.learning_rate_generator, 0.001]},
    ]
    for wrong in ({"seed": 2}, {"optimizer.beta1": 2}, {"training.steps": 30}):
        with pytest.raises(ConfigError):
            working.set(run_id, wrong)
    with pytest.raises(ConfigError, match="steps is 0"):
        working.step(run_id, 0)
    working.stop(run_id)
    settled(working, run_id, "stopped")
    working.delete(run_id)


def test_a_finished_run_goes_on_for_some_steps_more(working, finished):
    weights = working.store.recordings.snapshot_weights(finished.id, 40)
    working.more(finished.id, 20)
    run = ended(working, finished.id)
    assert (run.state, run.step, run.total_steps) == ("finished", 60, 60)
    assert working.store.recordings.snapshot_weights(finished.id, 40) == weights
    with pytest.raises(ConfigError, match="training.steps"):
        working.more(finished.id, -30)


def test_a_branch_goes_on_from_a_checkpoint_as_the_run_itself_would(working):
    """The same settings give the same weights; others give others; and a snapshot's generator is where it starts."""
    run = ended(working, working.start(override(CONFIG, {"seed": 7})))
    steps = override(run.config, {"training.steps": 55})
    kept = working.store.runs.kept_steps(run.id)
    assert kept[40] and not kept[0]
    forks = [
        ended(working, working.fork(run.id, 40, {"training.steps": 55}, by="ada")),
        ended(working, working.fork(run.id, 40, {"training.steps": 55, "objective.r1": 3.0})),
        ended(working, working.fork(run.id, 0, {"training.steps": 55})),
    ]
    assert [(f.state, f.step, f.parent_step) for f in forks] == [("finished", 55, s) for s in (40, 40, 0)]
    assert forks[0].config == steps and forks[0].owner == "ada"
    working.more(run.id, 15)
    itself = ended(working, run.id)
    ends = [working.store.recordings.checkpoint(r.id)[1] for r in (itself, *forks)]
    assert ends[0] == ends[1] and len(set(ends)) == 3
    with pytest.raises(ConfigError, match="generator.hidden is fixed"):
        working.fork(run.id, 40, {"generator.hidden": "9"})


def test_jobs_and_their_answers(working, finished):
    job_id = working.request("sample", run_id=finished.id, step=40, n=5, seed=1)
    wait_until(lambda: working.job_state(job_id) == "done")
    assert working.request("sample", run_id=finished.id, step=40, seed=1, n=5) == job_id
    assert working.arrays(working.job(job_id))["x"].shape == (5, 8, 8, 1)
    job_id = working.request("measure", run_id=finished.id, step=40, n=70, seed=0)
    wait_until(lambda: working.job_state(job_id) == "done")
    assert working.report_in(working.job(job_id)) in [report for _, report in working.reports_of(finished)]
    assert working.job(10**6) is None and working.job_state(10**6) is None


def test_the_samples_of_a_shelf_are_a_file(working, finished):
    job_id = working.request("shelf", run_id=finished.id, step=40, n=10, seed=1)
    wait_until(lambda: working.job_state(job_id) == "done")
    job = working.job(job_id)
    found = working.arrays(job)
    with np.load(io.BytesIO(working.samples_npz(job)), allow_pickle=False) as arrays:
        assert {"x", "distances", "rows", "realism", "rarity", "labels", "scores", "xy"} == set(arrays.files)
        assert all(
            np.array_equal(arrays[name], found[name], equal_nan=arrays[name].dtype.kind == "f") for name in arrays
        )
        assert {len(arrays[name]) for name in arrays} == {10}
    reference = working.request("reference", dataset="digits", n=50)
    with pytest.raises(GanometerError, match=rf"job {reference} \(reference, .* has no samples; ask for a shelf"):
        working.samples_npz(working.job(reference))


def test_a_run_is_a_film_of_its_snapshots(working, finished):
    for format in ("gif", "webp"):
        with Image.open(io.BytesIO(working.film(finished.id, format=format, fps=4))) as picture:
            steps = working.store.recordings.snapshot_steps(finished.id)
            assert picture.n_frames == len(steps) and picture.size == (448, 448)
            for number, step in enumerate(steps):
                picture.seek(number)
                shown = np.asarray(picture.convert("L"))[::7, ::7]
                x = working.store.recordings.snapshot(finished.id, step).samples
                assert np.array_equal(shown[8:16, 16:24], x[10, ..., 0])  # the second row's third
    with pytest.raises(GanometerError, match="'mp4' is no format"):
        working.film(finished.id, format="mp4")


def test_a_run_in_the_plane_is_a_film_of_its_points_and_of_nothing_there_is_none(lab):
    run = lab.store.leases.claim("w1", run_id=lab.start(override(CONFIG, {"data.name": "ring-8"})))
    with pytest.raises(GanometerError, match="has no snapshot yet"):
        lab.film(run.id)
    ring = datasets.load("ring-8")
    generated = np.full((64, 2), 0.25, np.float32)
    taken = [(step, sign * generated, b"") for step, sign in ((0, 1), (50, -1))]
    nothing = dict(seconds=1.0, steps_per_second=None, values=(), measured=(), checkpoint=None)
    lab.store.progress.commit(run.id, "w1", 1, state="running", step=50, taken=taken, **nothing)
    with pytest.raises(GanometerError, match="have not been loaded yet"):
        lab.film(run.id)
    lab.store.datasets.put(ring.info())
    lab.store.progress.describe(run.id, "w1", 1, dataset=ring.sha256, phase="training")
    with Image.open(io.BytesIO(lab.film(run.id))) as picture:
        places = []
        for number in range(picture.n_frames):
            picture.seek(number)
            orange = (np.asarray(picture.convert("RGB")) == (0xE0, 0x68, 0x2B)).all(axis=-1)
            places.append(np.argwhere(orange[40:]).mean(axis=0))  # below the line of words
        (down, across), (later_down, later_across) = places
        assert picture.n_frames == 2 and across > later_across and down < later_down


def test_a_failed_job_can_be_tried_again(working, finished):
    wrong = dict(run_id=finished.id, step=40, n=10**6, seed=0)
    job_id = working.request("sample", **wrong)
    wait_until(lambda: working.job_state(job_id) == "failed")
    assert working.retry("sample", **wrong) == job_id
    wait_until(lambda: working.job_state(job_id) == "failed")


def test_what_a_run_knows_of_its_data(working, finished):
    info = working.dataset_of(finished)
    assert info.name == "digits" and len(info.preview) == 64
    known = wait_until(lambda: working.live_reference(finished))
    assert known == working.reference_of(finished, 60) and known.n == 60
    assert working.reference_of(finished, 61) is None
    reports = working.reports_of(finished)
    assert {report.metrics["energy_distance"].reference_mean for _, report in reports if report.n_fake == 60} == {
        known.metrics["energy_distance"][0]
    }


def points(n: int = 300) -> bytes:
    """A file of a person's own points."""
    out = io.StringIO()
    csv.writer(out).writerows([["x", "y"], *np.random.default_rng(5).standard_normal((n, 2)).round(6).tolist()])
    return out.getvalue().encode()


def test_an_upload_is_kept_once_and_can_be_trained_on(working):
    upload = working.read_upload(points(), "points.csv")
    name = working.keep_upload(upload, by="ada")
    assert working.keep_upload(working.read_upload(points(), "copy.csv")) == name
    assert [info.name for info in working.store.datasets.uploads()] == [name]
    assert name == f"upload-{working.store.datasets.named(name).sha256[:10]}"
    assert working.shape_of(name) == (2,)
    config = override(
        working.preset("auto", data=name, seed=3),
        {"generator.hidden": "8", "discriminator.hidden": "8", "training.steps": 20, "recording.rows": 50},
    )
    run = ended(working, working.start(config))
    assert (run.state, run.error) == ("finished", None)
    assert working.dataset_of(run).name == name and working.store.recordings.snapshot(run.id).samples.shape == (64, 2)


# ---------------------------------------------------------------- without a worker


def test_data_nobody_has_cannot_be_trained_on(lab):
    for call in (
        lambda: lab.start(override(CONFIG, {"data.name": "upload-gone"})),
        lambda: lab.shape_of("upload-gone"),
        lambda: lab.preset("auto", data="upload-gone"),
    ):
        with pytest.raises(DatasetError, match="'upload-gone'.*digits"):
            call()
    assert lab.runs() == []


def test_presets_follow_the_shape_of_the_data(lab):
    assert lab.shape_of("mnist") == (28, 28, 1) and lab.shape_of("ring-8") == (2,)
    assert lab.preset("auto", data="ring-8", seed=4) == preset("auto", data="ring-8", shape=(2,), seed=4)


def test_auto_follows_the_seconds_there_are(lab):
    for seconds, kind in ((60, "mlp"), (600, "subpixel")):
        config = lab.preset("auto", data="mnist", seconds=seconds)
        assert config == preset("auto", data="mnist", shape=(28, 28, 1), seconds=seconds)
        assert config.generator.architecture == kind


@pytest.mark.parametrize(
    ("data", "changes", "said"),
    [
        ("ring-8", {"generator.architecture": "dcgan"}, "generator.architecture is 'dcgan'.*choose 'mlp'"),
        ("ring-8", {"objective.translation": 0.1}, "objective.translation is 0.1.*set it to 0"),
        ("digits", {"discriminator.fourier": 2}, "discriminator.fourier is 2.*set it to 0"),
    ],
)
def test_settings_that_do_not_suit_the_data_start_nothing(lab, data, changes, said):
    with pytest.raises(ConfigError, match=said):
        lab.start(override(lab.preset("auto", data=data), changes))
    assert lab.runs() == []


def test_classes_are_told_where_the_data_have_some(lab):
    name = lab.keep_upload(lab.read_upload(points(), "points.csv"))
    with pytest.raises(ConfigError, match=f"2 to 64 labelled classes and '{name}' has 1; turn it off"):
        lab.start(override(lab.preset("auto", data=name), {"data.conditional": True}))
    assert lab.runs() == []
    run_id = lab.start(override(lab.preset("auto", data="swiss-roll"), {"data.conditional": True}))
    assert lab.run(run_id).config.data.conditional


def test_queueing_renaming_stopping_deleting(lab):
    run_id = lab.start(CONFIG)
    assert (lab.run(run_id).state, lab.run(run_id).position) == ("queued", 1)
    assert lab.dataset_of(lab.run(run_id)) is lab.live_reference(lab.run(run_id)) is None
    lab.rename(run_id, "better")
    lab.tag(run_id, ["class 4b"])
    assert (lab.run(run_id).name, lab.run(run_id).tags) == ("better", ("class 4b",))
    assert lab.stop(run_id) == "stopped" and lab.resume(run_id) == "queued" and lab.stop(run_id) == "stopped"
    lab.delete(run_id)
    assert lab.runs() == []


def test_reports_stand_beside_a_reference_that_was_made_later(lab):
    rng = np.random.default_rng(0)
    real, fake, pool = rng.random((50, 4)), rng.random((50, 4)) + 0.2, rng.random((300, 4))
    run = lab.store.leases.claim("w1", run_id=lab.start(CONFIG))
    report = measure(real=real, fake=fake)
    lab.store.progress.describe(run.id, "w1", run.claim_no, dataset="ab" * 32)
    lab.store.measurements.put_report(run.id, 5, report)
    run = lab.run(run.id)
    assert lab.reports_of(run) == [(5, report)]
    assert report.metrics["energy_distance"].z is None
    known = reference.calibrate(test=real, pool=pool, n=50)
    lab.store.measurements.put_reference("ab" * 32, "pixels", known)
    ((step, judged),) = lab.reports_of(run)
    found, (mean, sd) = judged.metrics["energy_distance"], known.metrics["energy_distance"]
    assert step == 5 and found.z == pytest.approx((found.value - mean) / sd)
    assert found.value == report.metrics["energy_distance"].value


def test_measurements_of_one_kind_ask_the_store_once_for_what_real_samples_give(tmp_path, monkeypatch):
    with opened(tmp_path) as lab:
        asked, known = [], lab.store.measurements.reference
        monkeypatch.setattr(lab.store.measurements, "reference", lambda *a, **b: asked.append((a, b)) or known(*a, **b))
        reports = lab.reports_of(lab.example())
        assert len(reports) > 2 and len(asked) == len({(r.space, r.n_fake, r.k, r.panel) for _, r in reports})


def test_bundles_go_out_and_come_in(lab):
    run_id = lab.start(CONFIG)
    data = lab.export(run_id)
    assert lab.run(lab.import_bundle(data)).state == "interrupted"
    with pytest.raises(BundleError):
        lab.import_bundle(data[:-1])
    with pytest.raises(GanometerError):
        lab.export("nobody")


def test_two_visitors_in_turn_who_click_twice_get_one_run_each(lab):
    clicks = [lab.start(CONFIG, by=by, nonce=nonce) for nonce, by in [("a", "ada"), ("b", "bob")] * 2]
    assert clicks[:2] == clicks[2:] and len(set(clicks)) == len(lab.runs()) == 2
    assert lab.start(CONFIG, by="ada", nonce="c") not in clicks  # a form that was drawn anew


def test_without_a_nonce_every_start_is_a_new_one(lab):
    assert lab.start(CONFIG) != lab.start(CONFIG) and len(lab.runs()) == 2


def test_a_start_that_was_refused_may_be_tried_again_and_a_double_click_counts_once(tmp_path):
    with shared(tmp_path, queued=1) as lab:
        first = lab.start(CONFIG, by="ada", nonce="a")
        assert lab.start(CONFIG, by="ada", nonce="a") == first
        with pytest.raises(NotAllowed, match="at most 1"):
            lab.start(CONFIG, by="ada", nonce="b")
        lab.stop(first, by="ada")
        assert lab.start(CONFIG, by="ada", nonce="b") != first


def finished_by_hand(lab: Lab) -> str:
    """A finished run of 40 steps with a checkpoint, whose curve has the values 1/1, 1/11, 1/21 ..."""
    run = lab.store.leases.claim("w1", run_id=lab.start(CONFIG))
    finish_by_hand(lab, run)
    return run.id


def finish_by_hand(lab: Lab, run, first: int = 0) -> None:
    values = [(step, "energy_distance", 1 / (1 + step)) for step in range(first, run.total_steps + 1, 10)]
    nothing = dict(seconds=1.0, steps_per_second=None, measured=(), taken=(), checkpoint=b"state")
    about = dict(state="finished", step=run.total_steps, values=values, **nothing)
    lab.store.progress.commit(run.id, "w1", run.claim_no, **about)


def test_a_double_click_forks_once(lab):
    run_id, longer = finished_by_hand(lab), {"training.steps": 60}
    one, other = [lab.fork(run_id, 40, longer, by=by, nonce=by) for by in ("ada", "bob")]
    assert lab.fork(run_id, 40, longer, by="ada", nonce="ada") == one != other
    assert lab.fork(run_id, 40, longer) not in (one, other) and len(lab.runs()) == 4


def test_a_double_click_on_more_steps_adds_them_once(lab):
    """Even where the run has ended again before the second one comes."""
    run_id = finished_by_hand(lab)
    lab.more(run_id, 10, nonce="a")
    finish_by_hand(lab, lab.store.leases.claim("w1"), 50)
    lab.more(run_id, 10, nonce="a")
    assert (lab.run(run_id).total_steps, lab.run(run_id).state) == (50, "finished")
    lab.more(run_id, 10, nonce="b")
    assert (lab.run(run_id).total_steps, lab.run(run_id).state) == (60, "queued")


@pytest.fixture
def servers(store_url, tmp_path):
    """Two servers on one store."""
    found = [Lab(Settings(tmp_path / name, store_url, None, "none"), examples=tmp_path) for name in ("one", "other")]
    yield found
    for server in found:
        server.close()


@pytest.mark.parametrize("request_", ["start", "repeat"])
def test_the_same_request_at_the_same_moment_on_two_servers_is_one(servers, request_):
    barrier, first = threading.Barrier(2), servers[0].start(CONFIG)
    rounds = range(5) if request_ == "start" else [0]

    def ask(server: Lab) -> list:
        made = []
        for number in rounds:
            barrier.wait(timeout=30)
            made.append(server.start(CONFIG, nonce=str(number)) if request_ == "start" else server.repeat(first))
        return made

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ask, servers)
    assert one == other and len(servers[0].runs()) == (6 if request_ == "start" else 5)


# ---------------------------------------------------------------- curves of branches


def steps_of(lab: Lab, run_id: str, **more) -> list[int]:
    steps, _ = lab.curves(lab.run(run_id), **more).curves["energy_distance"]
    return steps.astype(int).tolist()


def branch(lab: Lab, run_id: str, step: int, **about) -> str:
    child = lab.fork(run_id, step, {"training.steps": step + 20}, **about)
    finish_by_hand(lab, lab.store.leases.claim("w1", run_id=child), step + 10)
    return child


def test_the_curves_of_a_branch_of_a_branch_begin_at_the_first_step_of_all(lab):
    first = finished_by_hand(lab)
    last = branch(lab, branch(lab, first, 40), 60)
    assert steps_of(lab, last) == [*range(0, 90, 10)] == steps_of(lab, last, names=["energy_distance"])
    assert steps_of(lab, first) == [*range(0, 50, 10)]
    assert lab.curves(lab.run(last), ["loss"]).curves == {}
    lab.delete(first)
    assert steps_of(lab, last) == [50, 60, 70, 80]


def test_each_run_of_a_branch_is_thinned_by_itself_and_the_step_of_the_branch_is_kept(lab):
    last = branch(lab, finished_by_hand(lab), 40)
    assert steps_of(lab, last, points=1) == [40, 60]


def test_runs_that_are_each_other_s_parents_have_curves(lab):
    first = finished_by_hand(lab)
    last = branch(lab, first, 40)
    with lab.store.database.writing() as db:  # as imported files may say
        db.execute(tables.runs.update().where(tables.runs.c.id == first).values(parent_id=last, parent_step=40))
    assert steps_of(lab, last) == [*range(0, 70, 10)]
    with lab.store.database.writing() as db:
        db.execute(tables.runs.update().where(tables.runs.c.id == first).values(parent_id=first))
    assert steps_of(lab, first) == [*range(0, 50, 10)]


def test_a_branch_that_has_not_been_measured_yet_is_listed_with_the_number_it_begins_with(lab):
    child = lab.fork(finished_by_hand(lab), 40)
    assert lab.headlines([lab.run(child)])[child].energy.value == pytest.approx(1 / 41)


def test_the_curves_before_a_branch_are_for_those_who_may_see_them(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.keep_upload(lab.read_upload(points(), "mine.csv"), by="ada")
        config = override(lab.preset("auto", data=name), {"training.steps": 40})
        first = lab.store.leases.claim("w1", run_id=lab.start(config, by="ada"))
        finish_by_hand(lab, first)
        child = branch(lab, first.id, 40, by="ada")
        lab.publish(child, True, by="ada")
        assert steps_of(lab, child, by="ada") == [*range(0, 70, 10)]
        assert steps_of(lab, child, by="bob") == [50, 60]
        assert lab.headlines([lab.run(child)], by="bob")[child].energy.value == pytest.approx(1 / 61)


def test_a_store_that_cannot_be_written_is_said_where_a_worker_is_silent(lab):
    run = lab.store.leases.claim("w1", run_id=lab.start(CONFIG))
    assert lab.trouble() is None
    with lab.store.database.writing() as db:
        db.execute(tables.runs.update().values(heartbeat=tables.runs.c.heartbeat - 10))
    assert lab.trouble() is None  # it is the worker's own fault

    def refuse(*_):
        raise StoreError("the store refused: database or disk is full")

    lab.store.remember = refuse
    assert lab.trouble() == "the store refused: database or disk is full"
    lab.store.leases.renew(run.id, "w1", run.claim_no)
    assert lab.trouble() is None


# ---------------------------------------------------------------- the queue


def test_a_queued_run_knows_about_when_its_turn_comes(lab):
    """What runs has so long to go, and what waits ahead takes as long as its like did."""
    done = lab.store.leases.claim("w1", run_id=lab.start(CONFIG))
    nothing = dict(seconds=1.0, values=(), measured=(), taken=(), checkpoint=None)
    key = (done.id, "w1", done.claim_no)
    lab.store.progress.commit(*key, state="finished", step=40, steps_per_second=20.0, **nothing)
    first, second, third = (lab.start(override(CONFIG, {"seed": seed})) for seed in (1, 2, 3))
    assert lab.seconds_to_wait(lab.run(second)) == pytest.approx(40 / 20)
    run = lab.store.leases.claim("w1", run_id=first)
    assert lab.seconds_to_wait(lab.run(third)) is None  # nobody knows yet how fast the first one is
    lab.store.progress.commit(run.id, "w1", 1, state="running", step=10, steps_per_second=10.0, **nothing)
    assert lab.seconds_to_wait(lab.run(second)) == pytest.approx(30 / 10)
    assert lab.seconds_to_wait(lab.run(third)) == pytest.approx(30 / 10 + 40 / 20)
    strange = lab.start(override(CONFIG, {"data.name": "ring-8", "generator.latent_dim": 2}))
    assert lab.seconds_to_wait(lab.run(lab.start(override(CONFIG, {"seed": 4})))) is None  # its like has never run
    assert lab.seconds_to_wait(lab.run(strange)) is not None and lab.seconds_to_wait(done) is None


def test_an_estimate_is_what_the_last_run_of_its_like_took_here(lab):
    assert lab.estimate(CONFIG) is None  # the example was trained elsewhere
    key = lab.store.leases.claim("w1", run_id=lab.start(CONFIG))
    about = dict(step=40, seconds=2.0, steps_per_second=99.0, values=(), measured=(), taken=(), checkpoint=None)
    lab.store.progress.commit(key.id, "w1", key.claim_no, state="running", **about)
    assert lab.estimate(CONFIG) is None  # it is not over: nobody knows
    lab.store.progress.commit(key.id, "w1", key.claim_no, state="finished", **about | {"seconds": 2.0})
    assert lab.estimate(CONFIG) == pytest.approx(4.0)
    alike = {"training.steps": 100, "seed": 7, "objective.r1": 0.25, "optimizer.beta1": 0.5, "recording.snapshots": 9}
    assert lab.estimate(override(CONFIG, alike)) == pytest.approx(10.0)
    for harder in ({"objective.r1": 0}, {"training.batch": 64}, {"generator.hidden": "9"}, {"data.conditional": True}):
        assert lab.estimate(override(CONFIG, harder)) is None
    assert lab.estimate(override(CONFIG, {"training.seconds": 60})) == 60


def test_headlines_are_the_newest_numbers_beside_real_against_real(lab):
    rng = np.random.default_rng(0)
    data = DatasetInfo(
        "digits", "ab" * 32, "points", (4,), {"train": 9, "holdout": 9, "test": 50}, rng.random((3, 4)), []
    )
    lab.store.datasets.put(replace(data, labels=np.zeros(3, np.int64)))
    run = lab.store.leases.claim("w1", run_id=lab.start(CONFIG))
    lab.store.progress.describe(run.id, "w1", run.claim_no, dataset=data.sha256)
    about = dict(seconds=1.0, steps_per_second=9.0, measured=(), checkpoint=None, state="running")
    for step, value in ((5, 0.5), (10, 0.25)):
        values = [(step, "energy_distance", value), (step, "other", 9.0)]
        taken = [(step, np.zeros((2, 4), np.float32), b"")]
        lab.store.progress.commit(run.id, "w1", run.claim_no, step=step, values=values, taken=taken, **about)
    lab.store.progress.commit(run.id, "w1", run.claim_no, step=20, values=[(20, "other", 1.0)], taken=(), **about)
    fresh = lab.start(override(CONFIG, {"seed": 1}))
    found = lab.headlines(lab.runs())
    assert found[fresh] == Headline(None, None)
    assert (found[run.id].snapshot, found[run.id].energy.value) == (10, 0.25)
    assert found[run.id].energy.z is found[run.id].energy.reference_mean is None
    known = reference.calibrate(test=rng.random((50, 4)), pool=rng.random((300, 4)), n=50)
    lab.store.measurements.put_reference(data.sha256, "pixels", known)
    mean, sd = known.metrics["energy_distance"]
    energy = lab.headlines([lab.run(run.id)])[run.id].energy
    assert (energy.reference_mean, energy.z) == (mean, pytest.approx((0.25 - mean) / sd))
    assert lab.headlines([]) == {}


@pytest.mark.parametrize("seconds", [None, 1], ids=["steps", "a speed trial"])
def test_a_link_of_a_run_starts_it_again_bit_by_bit(working, seconds):
    first = ended(working, working.start(override(CONFIG, {"seed": 11, "training.seconds": seconds})))
    address = share_links.encoded_query(
        share_links.query_of(share_links.repeating(first), preset_for=working.preset, versions={})
    )
    link = share_links.config_from_query(parse_qs(address), preset_for=working.preset)
    again = ended(working, working.start(link.config))
    one, two = (working.store.recordings.checkpoint(run.id) for run in (first, again))
    assert one[0] == two[0] == first.total_steps
    assert arrays_in(one[1]) == arrays_in(two[1])


def arrays_in(checkpoint: bytes) -> dict[str, bytes]:
    with np.load(io.BytesIO(checkpoint), allow_pickle=False) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files}


# ---------------------------------------------------------------- people on a shared server


@contextmanager
def shared(folder: Path, **limits):
    about = dict(shared=True, admins=("root@here",), limits=Limits(**limits))
    lab = Lab(Settings(folder, f"sqlite:///{folder / 'store.sqlite'}", None, "none", **about))
    try:
        yield lab
    finally:
        lab.close()


def test_people_see_all_runs_and_control_their_own(tmp_path):
    with shared(tmp_path) as lab:
        run_id = lab.start(CONFIG, by="ada")
        assert [run.id for run in lab.runs(by="bob")] == [run_id] and lab.run(run_id, by="").owner == "ada"
        run = lab.run(run_id)
        assert [lab.may_change(run, by=who) for who in ("ada", "bob", "", "root@here")] == [True, False, False, True]
        for forbidden in (
            lambda by: lab.pause(run_id, by=by),
            lambda by: lab.resume(run_id, by=by),
            lambda by: lab.stop(run_id, by=by),
            lambda by: lab.step(run_id, 5, by=by),
            lambda by: lab.set(run_id, {"objective.r1": 2}, by=by),
            lambda by: lab.more(run_id, 5, by=by),
            lambda by: lab.rename(run_id, "mine", by=by),
            lambda by: lab.tag(run_id, ["mine"], by=by),
            lambda by: lab.publish(run_id, True, by=by),
            lambda by: lab.delete(run_id, by=by),
        ):
            for by in ("bob", ""):
                with pytest.raises(NotAllowed, match=f"run {run_id} belongs to somebody else"):
                    forbidden(by)
        assert lab.run(run_id) == run
        assert lab.set(run_id, {"objective.r1": 2}, by="ada") == "sent"
        assert lab.stop(run_id, by="Root@here") == "stopped"
        lab.delete(run_id, by="ada")
        with pytest.raises(NotAllowed, match="sign in"):
            lab.start(CONFIG, by="")


def test_uploads_and_runs_on_them_are_private_until_published(tmp_path):
    with shared(tmp_path) as lab:
        upload = lab.read_upload(points(), "points.csv")
        name = lab.keep_upload(upload, by="ada")
        config = override(lab.preset("auto", data=name), {"training.steps": 20})
        run_id = lab.start(config, by="ada")
        everybody = ("ada", "root@here", "bob", "")
        assert [len(lab.uploads(by=who)) for who in everybody] == [1, 1, 0, 0]
        assert [len(lab.runs(by=who)) for who in everybody] == [1, 1, 0, 0]
        with pytest.raises(UnknownRun):
            lab.run(run_id, by="bob")
        with pytest.raises(UnknownRun):
            lab.stop(run_id, by="bob")
        with pytest.raises(DatasetError, match=name):
            lab.start(config, by="bob")
        with pytest.raises(DatasetError):
            lab.publish_upload(name, True, by="bob")
        lab.publish(run_id, True, by="ada")
        assert lab.run(run_id, by="bob").published and lab.uploads(by="bob") == []
        with pytest.raises(DatasetError):
            lab.fork(run_id, 0, by="bob")  # the data are still ada's
        lab.publish(run_id, False, by="ada")
        lab.publish_upload(name, True, by="ada")
        assert len(lab.runs(by="bob")) == 1 and lab.run(lab.start(config, by="bob")).owner == "bob"
        with pytest.raises(NotAllowed):
            lab.publish_upload(name, False, by="bob")
        lab.publish_upload(name, False, by="ada")
        assert lab.keep_upload(upload, by="bob") == name  # he has the file himself
        assert len(lab.uploads(by="bob")) == len(lab.uploads(by="ada")) == 1 and lab.uploads(by="eve") == []


def test_nobody_asks_for_more_than_the_server_gives(tmp_path):
    with shared(tmp_path, queued=2, steps=100, batch=64, minutes=1) as lab:
        large = override(CONFIG, {"training.steps": 200, "training.batch": 128, "training.seconds": 90})
        with pytest.raises(NotAllowed) as error:
            lab.start(large, by="ada")
        said = str(error.value)
        assert "training.steps is 200 and this server allows 100" in said and "training.batch is 128" in said
        assert "training.seconds is 90 and this server allows 60" in said
        assert lab.run(lab.start(large, by="root@here")).owner == "root@here"
        first = lab.start(CONFIG, by="ada")
        lab.start(override(CONFIG, {"seed": 1}), by="ada")
        with pytest.raises(NotAllowed, match="you have 2 runs .* at most 2 are allowed"):
            lab.start(override(CONFIG, {"seed": 2}), by="ada")
        assert lab.start(override(CONFIG, {"seed": 2}), by="bob")
        with pytest.raises(NotAllowed, match="training.steps is 101"):
            lab.set(first, {"training.steps": 101}, by="ada")
        assert lab.set(first, {"training.steps": 90}, by="ada") == "sent"
        lab.stop(first, by="ada")
        assert lab.start(override(CONFIG, {"seed": 2}), by="ada")


def test_a_run_goes_on_by_itself_where_that_is_wanted_unless_it_only_dies(tmp_path):
    """A worker elsewhere falls silent; the second time without a step in between the run stays as it is."""
    lab = Lab(Settings(tmp_path, f"sqlite:///{tmp_path / 'store.sqlite'}", None, "none", resume=True))
    run_id = lab.start(CONFIG)
    nothing = dict(seconds=1.0, steps_per_second=None, values=(), measured=(), taken=(), checkpoint=None)
    found = []
    for step in (10, 20, 20):
        run = lab.store.leases.claim("w1")
        lab.store.progress.commit(run.id, "w1", run.claim_no, state="running", step=step, **nothing)
        with lab.store.database.writing() as db:
            db.execute(tables.runs.update().values(heartbeat=tables.runs.c.heartbeat - 100))
        lab._checked = -1e9  # it looks every other second
        lab.ensure_worker()
        found.append(lab.run(run_id).state)
    assert found == ["queued", "queued", "interrupted"]
    lab.close()


def killed(lab: Lab) -> str:
    """The id of a run whose worker process is dead."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    run_id = lab.store.runs.create(CONFIG, worker_id="dead")
    lab.store.workers.report("dead", host=machine.HOST, pid=process.pid, phase="run", memory=0, versions={})
    return run_id


@pytest.mark.parametrize(
    ("do", "state"),
    [
        (lambda lab, run_id: lab.resume(run_id), "queued"),
        (lambda lab, run_id: lab.step(run_id, 5), "queued"),
        (lambda lab, run_id: lab.stop(run_id), "interrupted"),
        (lambda lab, run_id: lab.pause(run_id), "interrupted"),
        (lambda lab, run_id: lab.more(run_id, 5), "queued"),
    ],
)
def test_a_click_sees_at_once_that_a_worker_has_died(tmp_path, do, state):
    with opened(tmp_path, clock=lambda: 0.0) as lab:
        assert lab.runs() == []  # it has just looked for dead workers
        run_id = killed(lab)
        assert do(lab, run_id) in (state, None)
        assert lab.run(run_id).state == state


def test_a_run_whose_worker_has_died_can_be_deleted_at_once(tmp_path):
    with opened(tmp_path, clock=lambda: 0.0) as lab:
        lab.delete(killed(lab))
        assert lab.runs() == []


def test_a_listing_sees_what_has_died_since_the_last_look(tmp_path):
    clock = itertools.count(step=5)
    with opened(tmp_path, clock=lambda: next(clock)) as lab:
        run_id = killed(lab)
        assert [run.state for run in lab.runs()] == ["interrupted"] and lab.run(run_id).worker is None


# ---------------------------------------------------------------- seeds and comparisons


def seeds_of(lab: Lab, ids) -> list[int]:
    return [lab.run(run_id).config.seed for run_id in ids]


def test_a_repetition_adds_the_seeds_that_are_missing(lab):
    first = lab.start(override(CONFIG, {"seed": 2}), name="mine")
    ids = lab.repeat(first)
    assert seeds_of(lab, ids) == [0, 1, 2, 3, 4] and ids[2] == first
    assert {lab.run(i).name for i in ids} == {"mine", *(f"mine · seed {seed}" for seed in (0, 1, 3, 4))}
    for made in ids:
        assert override(lab.run(made).config, {"seed": 2}) == lab.run(first).config
    assert lab.repeat(ids[0]) == ids == lab.repeat(first)  # there is nothing left to add, however often one asks
    assert lab.repeat(first, 3) == ids and len(lab.runs()) == 5
    more = lab.repeat(ids[-1], 6)
    assert seeds_of(lab, more) == [0, 1, 2, 3, 4, 5] and lab.run(more[-1]).name == "mine · seed 5"


def test_clicks_at_the_same_moment_repeat_once(lab):
    first = lab.start(CONFIG)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: lab.repeat(first), range(4)))
    assert found[1:] == found[:1] * 3 and len(lab.runs()) == 5


def test_a_stopped_run_is_no_repetition_of_another_one(lab):
    first, second = lab.start(CONFIG), lab.start(override(CONFIG, {"seed": 1}))
    lab.stop(second)
    ids = lab.repeat(first, 2)
    assert seeds_of(lab, ids) == [0, 1] and second not in ids


def test_a_time_becomes_the_steps_it_was_found_to_be(lab):
    timed = override(CONFIG, {"training.seconds": 9})
    first = lab.start(timed)
    with pytest.raises(GanometerError, match="not yet a number of steps"):
        lab.repeat(first)
    run = lab.store.leases.claim("w1")
    resolved = override(timed, {"training.steps": 777})
    lab.store.progress.describe(first, "w1", run.claim_no, config=resolved)
    nothing = dict(seconds=1.0, steps_per_second=None, values=(), measured=(), taken=(), checkpoint=None)
    lab.store.progress.commit(first, "w1", run.claim_no, state="running", step=10, **nothing)
    _, other = lab.repeat(first, 2)
    assert (lab.run(other).config.training.steps, lab.run(other).config.training.seconds) == (777, None)


def test_what_cannot_be_repeated_is_said(lab):
    first = lab.start(CONFIG)
    for seeds in (1, 21):
        with pytest.raises(ConfigError, match=f"seeds is {seeds}; give 2 to 20"):
            lab.repeat(first, seeds)
    with pytest.raises(UnknownRun):
        lab.repeat("00000000")
    run = lab.store.leases.claim("w1")
    nothing = dict(seconds=1.0, steps_per_second=None, values=(), measured=(), taken=())
    lab.store.progress.commit(first, "w1", run.claim_no, state="running", step=10, checkpoint=b"state", **nothing)
    branch = lab.fork(first, 10)
    with pytest.raises(GanometerError, match=f"run {branch} branched off run {first}"):
        lab.repeat(branch)


def test_repetitions_respect_the_limits_all_or_nothing(tmp_path):
    with shared(tmp_path, queued=4) as lab:
        first = lab.start(CONFIG, by="ada")
        with pytest.raises(NotAllowed, match="you have 1 runs .* these would be 4 more, and at most 4 are allowed"):
            lab.repeat(first, by="ada")
        assert len(lab.runs()) == 1
        assert seeds_of(lab, lab.repeat(first, 4, by="ada")) == [0, 1, 2, 3]
        ids = lab.repeat(first, 5, by="bob")  # whoever wants to know more repeats a run of somebody else
        assert [lab.run(run_id).owner for run_id in ids] == ["ada"] * 4 + ["bob"]
        with pytest.raises(NotAllowed, match="sign in"):
            lab.repeat(first, 6, by="")


def test_private_runs_are_neither_repeated_nor_compared_by_others(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.keep_upload(lab.read_upload(points(), "points.csv"), by="ada")
        hidden = lab.start(override(lab.preset("auto", data=name), {"training.steps": 20}), by="ada")
        open_ = lab.start(CONFIG, by="ada")
        with pytest.raises(UnknownRun):
            lab.repeat(hidden, by="bob")
        with pytest.raises(UnknownRun):
            lab.compare({open_: 0, hidden: 0}, 100, by="bob")
        with pytest.raises(GanometerError, match=f"different data .digits, {name}."):
            lab.compare({open_: 0, hidden: 0}, 100, by="ada")
        with pytest.raises(GanometerError, match="n is 5"):
            lab.compare({open_: 0}, 5, by="ada")


def test_a_comparison_of_runs_by_the_worker(working):
    """Two settings, three seeds each: the verdict has the energy distances that scipy's distances give."""
    one, other = (
        ended(working, working.start(override(CONFIG, {"objective.r1": r1, "training.steps": steps}), by="eve"))
        for r1, steps in ((5, 30), (50, 2))
    )
    ids = [*working.repeat(one.id, 3), *working.repeat(other.id, 3)]
    steps = {run_id: working.store.recordings.snapshot_steps(ended(working, run_id).id)[-1] for run_id in ids}
    job_id = working.compare(steps, 200)
    assert working.compare(steps, 200) == job_id
    job = wait_until(lambda: job if (job := working.job(job_id)).state in ("done", "failed") else None)
    assert job.state == "done", job.error
    found = working.verdict_in(job)
    assert (found.n, found.steps) == (200, steps)
    one, two = found.values
    assert [seed for seed, _ in found.values[one]] == [0, 1, 2]
    assert "training.steps = 30" in one
    (verdict,) = found.comparisons
    assert verdict.covers == "seeds and samples" and verdict.sentence and found.headline
    assert {c.metric for c in found.others} == {
        "symmetric_precision",
        "symmetric_recall",
        "coverage",
        "sliced_wasserstein",
    }

    real = reference.test_rows(datasets.load("digits").test.x, 200).reshape(200, -1) / 255
    x = draw(working.store, ids[1], steps[ids[1]], Sample(200)).reshape(200, -1)
    rf, rr, ff = (cdist(a, b).sum() for a, b in ((real, x), (real, real), (x, x)))
    energy = 2 * rf / 200**2 - rr / (200 * 199) - ff / (200 * 199)
    assert dict(found.values[one])[1] == pytest.approx(energy, rel=1e-4)

    failed = working.compare({ids[0]: 7}, 200)
    job = wait_until(lambda: job if (job := working.job(failed)).state in ("done", "failed") else None)
    assert job.state == "failed" and "no snapshot of step 7" in job.error


# ---------------------------------------------------------------- the example


def test_no_example_without_its_file(tmp_path):
    with opened(tmp_path, examples=tmp_path) as lab:
        assert lab.example() is None and lab.runs() == []


def test_the_example_is_there_once_and_stays_deleted(tmp_path):
    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLES / "digits.zip", tmp_path / "examples")
    with opened(tmp_path, examples=tmp_path / "examples") as lab:
        first = lab.example()
        assert first.state == "finished" and lab.example() == first and len(lab.runs()) == 1
        assert lab.dataset_of(first).name == "digits" and lab.reports_of(first)
        lab.delete(first.id)
        assert lab.example() is None and lab.runs() == []
    with opened(tmp_path, examples=tmp_path / "examples") as lab:  # after a restart too
        assert lab.example() is None
        again = lab.import_bundle((EXAMPLES / "digits.zip").read_bytes())  # unless somebody asks for it
        assert lab.run(again).state == "finished"
