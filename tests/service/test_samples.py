"""Samples of anybody's generator as a run: who may see it, what is refused, and what a worker makes of it."""

import numpy as np
import pytest

from gan_core.codec import to_unit
from gan_core.data import datasets
from gan_core.data.dataset_cache import DatasetCache
from gan_core.jobs import registry
from gan_core.jobs.latent_plane import LatentPlane
from gan_core.records import DatasetError, GanometerError, UnknownRun
from gan_core.service.permissions import NotAllowed
from tests.service.labs import shared, store_of

DIGITS = datasets.load("digits")
FAKE = to_unit(DIGITS.test.x[:80])
REAL = np.random.default_rng(0).standard_normal((300, 2))


def work(lab):
    """Answer every job that waits, as a worker does."""
    store = store_of(lab)
    cache = DatasetCache(None, store.datasets.upload_bytes)
    while job := store.jobs.claim("w"):
        store.jobs.finish(job.id, result=registry.answer(store, job, cache.dataset))


def test_samples_against_a_data_set_are_a_finished_run_that_a_worker_measures(lab):
    run_id = lab.samples.create("my gan", real="digits", fake=FAKE)
    run = lab.runs.get(run_id)
    assert (run.kind, run.state, run.name, run.step, run.dataset) == ("samples", "finished", "my gan", 0, DIGITS.sha256)
    assert lab.results.snapshot(run).samples.shape == (64, 8, 8, 1) and lab.results.measured(run) == {}
    work(lab)
    measured = lab.runs.get(run_id)
    report = lab.results.measured(measured)[0]
    assert measured.version > run.version  # pages look again
    assert report.n_fake == 80 and report.metrics["energy_distance"].reference_mean is not None
    headline = lab.results.headlines([measured])[run_id]
    assert headline.verdict.kind != "cannot_tell" and headline.step == 0
    assert lab.results.live_reference(measured).n == 80


def test_a_real_file_is_calibrated_against_itself(lab):
    run_id = lab.samples.create("mine", real=REAL, fake=REAL[:100] + 5, rows=60)
    work(lab)
    run = lab.runs.get(run_id)
    report = lab.results.measured(run)[0]
    assert (report.n_real, report.n_fake) == (60, 60)
    assert report.metrics["energy_distance"].z > 10 and lab.results.headlines([run])[run_id].verdict.kind == "far_off"
    data = lab.results.dataset_of(run)
    assert dict(data.parts) == {"train": 75, "holdout": 75, "test": 150}
    assert lab.uploads.titles() == {data.name: "real samples of mine"}
    assert any("a fourth of the real ones" in event.payload.get("note", "") for event in lab.runs.events(run))


def test_a_second_click_makes_nothing(lab):
    first, second = (lab.samples.create("mine", real="digits", fake=FAKE, nonce="n") for _ in range(2))
    assert first == second and len(lab.runs.newest()) == 1


@pytest.mark.parametrize(
    ("about", "error", "said"),
    [
        (dict(real="nothing"), DatasetError, "no data set"),
        (dict(fake=FAKE[:40]), GanometerError, "at least 50"),
        (dict(fake=FAKE * 9 - 3), DatasetError, "scale="),
        (dict(fake=np.full_like(FAKE, np.nan)), GanometerError, "not finite"),
        (dict(train=FAKE), DatasetError, "leave out train"),
        (dict(name=" "), GanometerError, "name"),
    ],
)
def test_what_cannot_be_measured_makes_no_run(lab, about, error, said):
    with pytest.raises(error, match=said):
        lab.samples.create(**dict(name="mine", real="digits", fake=FAKE) | about)
    assert lab.runs.newest() == [] and lab.uploads.kept() == []


def test_a_run_of_samples_is_private_until_it_is_published(tmp_path):
    with shared(tmp_path) as lab:
        on_digits = lab.samples.create("mine", real="digits", fake=FAKE, by="ada")
        on_own = lab.samples.create("own", real=REAL, fake=REAL[:100], by="ada")
        for run_id in (on_digits, on_own):
            with pytest.raises(UnknownRun):
                lab.runs.get(run_id, by="bob")
            lab.runs.publish(run_id, True, by="ada")
            assert lab.runs.get(run_id, by="bob").data_hidden == (run_id == on_own)
        with pytest.raises(DatasetError):
            lab.samples.create("other", real=lab.runs.get(on_own, by="ada").config.data.name, fake=REAL[:60], by="bob")
        with pytest.raises(NotAllowed, match="sign in"):
            lab.samples.create("nobody", real="digits", fake=FAKE, by="")


def test_what_a_shared_server_keeps_of_one_person_has_a_limit(tmp_path):
    with shared(tmp_path, upload_mb=0.02) as lab:
        lab.samples.create("one", real="digits", fake=FAKE, by="ada")
        with pytest.raises(NotAllowed, match="at most 0.02 MB"):
            for number in range(9):
                noise = np.random.default_rng(number).random((80, 8, 8, 1))
                lab.samples.create("more", real="digits", fake=noise, by="ada")
        lab.samples.create("another", real="digits", fake=FAKE, by="bob")


@pytest.mark.parametrize(
    "act",
    [
        lambda lab, run: lab.runs.pause(run),
        lambda lab, run: lab.runs.resume(run),
        lambda lab, run: lab.runs.stop(run),
        lambda lab, run: lab.runs.step(run, 5),
        lambda lab, run: lab.runs.change(run, {"objective.r1": 0.1}),
        lambda lab, run: lab.runs.extend(run, 10),
        lambda lab, run: lab.runs.queue(run),
        lambda lab, run: lab.runs.fork(run, 0),
        lambda lab, run: lab.runs.repeat(run),
        lambda lab, run: lab.foreground.go_on(run),
        lambda lab, run: lab.jobs.request(LatentPlane(), run_id=run),
    ],
)
def test_what_only_a_training_can_do_is_refused_with_a_reason(lab, act):
    run_id = lab.samples.create("mine", real="digits", fake=FAKE)
    with pytest.raises(GanometerError, match="was not trained here|only a run that waits"):
        act(lab, run_id)
    assert lab.runs.kept_steps(lab.runs.get(run_id)) == {} and lab.runs.get(run_id).state == "finished"


def test_names_tags_files_and_the_bin_are_for_every_run(lab):
    run_id = lab.samples.create("mine", real=REAL, fake=REAL[:100])
    lab.runs.rename(run_id, "yours")
    lab.runs.tag(run_id, ["a"])
    work(lab)
    copy = lab.runs.get(lab.bundles.load(lab.bundles.export(run_id)))
    assert (copy.kind, copy.name, copy.tags, copy.id != run_id) == ("samples", "yours", ("a",), True)
    np.testing.assert_array_equal(lab.foreground.sample(copy.id, None, 100), REAL[:100].astype(np.float32))
    assert lab.results.measured(copy)[0] == lab.results.measured(lab.runs.get(run_id))[0]
    assert len(lab.results.film(copy)) > 100
    lab.runs.delete(run_id)
    assert [run.id for run in lab.runs.newest()] == [copy.id]


def test_estimates_know_nothing_from_trainings_of_others(lab):
    from gan_core import follow

    with follow("mine", "digits", store=store_of(lab)) as run:
        run.log(100, losses={"g": 1.0})
        config = lab.runs.get(run.id).config
        waiting = lab.runs.get(lab.runs.start(config))
        assert lab.runs.seconds_to_wait(waiting) == 0.0
    assert lab.recipes.estimate(config) is None and lab.runs.equal(config) is None


def test_a_report_of_samples_has_no_settings_and_they_leave_without_networks(lab):
    run_id = lab.samples.create("mine", real="digits", fake=FAKE)
    work(lab)
    (said,) = lab.reports.document(run_id, by=None).runs
    assert (said.settings, said.commands) == ((), ()) and said.energy is not None
    html = lab.reports.html(run_id, by=None).decode()
    assert "All settings" not in html and "gives the same run" not in html
    files = lab.foreground.export(run_id, None, "samples").files
    assert "samples.npz" in files
    for network in ("keras", "onnx"):
        with pytest.raises(GanometerError, match="keeps samples"):
            lab.foreground.export(run_id, None, network)
