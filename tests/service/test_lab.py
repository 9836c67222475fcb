"""The Lab as a whole, with a worker that trains and answers in a thread of this process."""

import io
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from gan_core.config.run_config import ConfigError, override
from gan_core.data import datasets
from gan_core.distances import reference
from gan_core.jobs.browse import Browse
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.reference import ReferenceParameters
from gan_core.jobs.sample import Sample, draw_of_training
from gan_core.records import GanometerError, UnknownRun
from gan_core.service import share_links
from tests.service.labs import CONFIG, ENDLESS, ended, opened, points, settled, store_of, wait_until


@pytest.fixture(scope="module")
def working(tmp_path_factory):
    """With a worker in a thread, for the whole file."""
    with opened(tmp_path_factory.mktemp("lab"), "thread") as lab:
        yield lab


@pytest.fixture(scope="module")
def finished(working):
    run = ended(working, working.runs.start(CONFIG, name="first", by="ada"))
    assert run.state == "finished", run.error
    return run


def test_a_run_in_a_thread(working, finished):
    assert (finished.name, finished.owner, finished.step) == ("first", "ada", 40)
    assert [run.id for run in working.runs.newest()] == [finished.id]
    (worker,) = working.worker.workers()
    assert worker.alive
    facts = working.system()
    assert facts["store"] == store_of(working).shown_url and f"worker {worker.id}" in facts


def test_start_pause_resume_stop(working):
    run_id = working.runs.start(ENDLESS)
    wait_until(lambda: working.runs.get(run_id).state == "running")
    for wish, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert getattr(working.runs, wish)(run_id, by="ada") == "sent"
        settled(working, run_id, state)
    working.runs.delete(run_id)
    with pytest.raises(UnknownRun):
        working.runs.get(run_id)


def test_some_steps_at_a_time_and_other_settings_in_between(working):
    run_id = working.runs.start(override(ENDLESS, {"seed": 5}))
    working.runs.step(run_id, 30)  # before there is a worker at it
    assert settled(working, run_id, "paused").step == 30
    assert working.runs.change(run_id, {"optimizer.learning_rate_generator": 0.001}, by="ada") == "sent"
    run = settled(working, run_id, "paused")
    assert run.config.optimizer.learning_rate_generator == 0.001 and run.step == 30
    assert working.runs.change(run_id, {"optimizer.learning_rate_generator": 0.001}) == "nothing to change"
    assert working.runs.change(run_id, {"objective.loss": "hinge"}) == "sent"  # another program
    working.runs.step(run_id, 5)
    run = settled(working, run_id, "paused")
    assert run.step == 35 and run.config.objective.loss == "hinge"
    told = [e.payload["changes"] for e in store_of(working).recordings.events(run_id) if e.kind == "set"]
    assert told == [
        {"objective.loss": ["relativistic", "hinge"]},
        {"optimizer.learning_rate_generator": [CONFIG.optimizer.learning_rate_generator, 0.001]},
    ]
    for wrong in ({"seed": 2}, {"optimizer.beta1": 2}, {"training.steps": 30}):
        with pytest.raises(ConfigError):
            working.runs.change(run_id, wrong)
    with pytest.raises(ConfigError, match="steps is 0"):
        working.runs.step(run_id, 0)
    working.runs.stop(run_id)
    settled(working, run_id, "stopped")
    working.runs.delete(run_id)


def test_a_finished_run_goes_on_for_some_steps_more(working, finished):
    weights = store_of(working).recordings.snapshot_weights(finished.id, 40)
    working.runs.extend(finished.id, 20)
    run = ended(working, finished.id)
    assert (run.state, run.step, run.total_steps) == ("finished", 60, 60)
    assert store_of(working).recordings.snapshot_weights(finished.id, 40) == weights
    with pytest.raises(ConfigError, match="training.steps"):
        working.runs.extend(finished.id, -30)


def test_a_branch_goes_on_from_a_checkpoint_as_the_run_itself_would(working):
    """The same settings give the same weights; others give others; and a snapshot's generator is where it starts."""
    run = ended(working, working.runs.start(override(CONFIG, {"seed": 7})))
    steps = override(run.config, {"training.steps": 55})
    kept = store_of(working).runs.kept_steps(run.id)
    assert kept[40] and not kept[0]
    forks = [
        ended(working, working.runs.fork(run.id, 40, {"training.steps": 55}, by="ada")),
        ended(working, working.runs.fork(run.id, 40, {"training.steps": 55, "objective.r1": 3.0})),
        ended(working, working.runs.fork(run.id, 0, {"training.steps": 55})),
    ]
    assert [(f.state, f.step, f.parent_step) for f in forks] == [("finished", 55, s) for s in (40, 40, 0)]
    assert forks[0].config == steps and forks[0].owner == "ada"
    working.runs.extend(run.id, 15)
    itself = ended(working, run.id)
    ends = [store_of(working).recordings.checkpoint(r.id)[1] for r in (itself, *forks)]
    assert ends[0] == ends[1] and len(set(ends)) == 3
    with pytest.raises(ConfigError, match="generator.hidden is fixed"):
        working.runs.fork(run.id, 40, {"generator.hidden": "9"})


def test_jobs_and_their_answers(working, finished):
    job_id = working.jobs.request(Sample(n=5, seed=1), run_id=finished.id, step=40)
    wait_until(lambda: working.jobs.state(job_id) == "done")
    assert working.jobs.request(Sample(seed=1, n=5), run_id=finished.id, step=40) == job_id
    assert working.jobs.answer(job_id)["x"].shape == (5, 8, 8, 1)
    job_id = working.jobs.request(MeasureParameters(n=70), run_id=finished.id, step=40)
    wait_until(lambda: working.jobs.state(job_id) == "done")
    job = working.jobs.get(job_id)
    assert working.jobs.asked(job) == MeasureParameters(n=70)
    assert working.jobs.answer(job_id) in [report for _, report in working.results.reports(finished)]
    assert working.jobs.get(10**6) is None and working.jobs.state(10**6) is None


def test_the_samples_that_are_browsed_are_a_file(working, finished):
    job_id = working.jobs.request(Browse(n=10, seed=1), run_id=finished.id, step=40)
    wait_until(lambda: working.jobs.state(job_id) == "done")
    found = working.jobs.answer(job_id)
    with np.load(io.BytesIO(working.jobs.samples_npz(job_id)), allow_pickle=False) as arrays:
        assert {"x", "distances", "rows", "realism", "rarity", "labels", "scores", "xy"} == set(arrays.files)
        assert all(
            np.array_equal(arrays[name], found[name], equal_nan=arrays[name].dtype.kind == "f") for name in arrays
        )
        assert {len(arrays[name]) for name in arrays} == {10}
    reference = working.jobs.request(ReferenceParameters("digits", 50))
    with pytest.raises(GanometerError, match=rf"job {reference} \(reference, .* has no samples; ask for a browse job"):
        working.jobs.samples_npz(reference)


def test_a_run_is_a_film_of_its_snapshots(working, finished):
    for format in ("gif", "webp"):
        with Image.open(io.BytesIO(working.results.film(finished, format=format, fps=4))) as picture:
            steps = store_of(working).recordings.snapshot_steps(finished.id)
            assert picture.n_frames == len(steps) and picture.size == (448, 448)
            for number, step in enumerate(steps):
                picture.seek(number)
                shown = np.asarray(picture.convert("L"))[::7, ::7]
                x = store_of(working).recordings.snapshot(finished.id, step).samples
                assert np.array_equal(shown[8:16, 16:24], x[10, ..., 0])  # the second row's third
    with pytest.raises(GanometerError, match="'mp4' is not a format"):
        working.results.film(finished, format="mp4")


def test_a_request_that_cannot_be_is_refused_before_anybody_waits_for_it(working, finished):
    with pytest.raises(GanometerError, match="n is 1000000; it must be between 1 and 10,000; seed is -1"):
        working.jobs.request(Sample(n=10**6, seed=-1), run_id=finished.id, step=40)


def test_a_failed_job_can_be_tried_again(working, finished):
    wrong = Sample(n=5, label=3)  # a class, of a run that was trained without them
    job_id = working.jobs.request(wrong, run_id=finished.id, step=40)
    wait_until(lambda: working.jobs.state(job_id) == "failed")
    assert working.jobs.request(wrong, run_id=finished.id, step=40, retry=True) == job_id
    wait_until(lambda: working.jobs.state(job_id) == "failed")


def test_what_a_run_knows_of_its_data(working, finished):
    info = working.results.dataset_of(finished)
    assert info.name == "digits" and len(info.preview) == 64
    known = wait_until(lambda: working.results.live_reference(finished))
    assert known == working.results.reference_of(finished, 60) and known.n == 60
    assert working.results.reference_of(finished, 61) is None
    reports = working.results.reports(finished)
    assert {report.metrics["energy_distance"].reference_mean for _, report in reports if report.n_fake == 60} == {
        known.metrics["energy_distance"][0]
    }


def test_an_upload_is_kept_once_and_can_be_trained_on(working):
    upload = working.uploads.read(points(), "points.csv")
    name = working.uploads.keep(upload, by="ada")
    assert working.uploads.keep(working.uploads.read(points(), "copy.csv")) == name
    assert [info.name for info in store_of(working).datasets.uploads()] == [name]
    assert name == f"upload-{store_of(working).datasets.named(name).sha256}"
    assert working.uploads.about(name).shape == (2,)
    config = override(
        working.recipes.preset("auto", data=name, seed=3),
        {"generator.hidden": "8", "discriminator.hidden": "8", "training.steps": 20, "recording.rows": 50},
    )
    run = ended(working, working.runs.start(config))
    assert (run.state, run.error) == ("finished", None)
    assert working.results.dataset_of(run).name == name and store_of(working).recordings.snapshot(
        run.id
    ).samples.shape == (
        64,
        2,
    )


@pytest.mark.parametrize("seconds", [None, 1], ids=["steps", "a speed trial"])
def test_a_link_of_a_run_starts_it_again_bit_by_bit(working, seconds):
    first = ended(working, working.runs.start(override(CONFIG, {"seed": 11, "training.seconds": seconds})))
    address = share_links.encoded_query(
        share_links.query_of(share_links.repeating(first), preset_for=working.recipes.preset, versions={})
    )
    link = share_links.config_from_query(parse_qs(address), preset_for=working.recipes.preset)
    again = ended(working, working.runs.start(link.config))
    one, two = (store_of(working).recordings.checkpoint(run.id) for run in (first, again))
    assert one[0] == two[0] == first.total_steps
    assert arrays_in(one[1]) == arrays_in(two[1])


def arrays_in(checkpoint: bytes) -> dict[str, bytes]:
    with np.load(io.BytesIO(checkpoint), allow_pickle=False) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files}


def test_a_comparison_of_runs_by_the_worker(working):
    """Two settings, three seeds each: the verdict has the energy distances that scipy's distances give."""
    one, other = (
        ended(working, working.runs.start(override(CONFIG, {"objective.r1": r1, "training.steps": steps}), by="eve"))
        for r1, steps in ((5, 30), (50, 2))
    )
    ids = [*working.runs.repeat(one.id, 3), *working.runs.repeat(other.id, 3)]
    steps = {run_id: store_of(working).recordings.snapshot_steps(ended(working, run_id).id)[-1] for run_id in ids}
    job_id = working.jobs.compare(steps, 200)
    assert working.jobs.compare(steps, 200) == job_id
    job = wait_until(lambda: job if (job := working.jobs.get(job_id)).state in ("done", "failed") else None)
    assert job.state == "done", job.error
    found = working.jobs.answer(job_id)
    assert (found.n, found.steps) == (200, steps)
    one, two = found.values
    assert [seed for seed, _ in found.values[one]] == [0, 1, 2]
    assert "Steps = 30" in one
    (verdict,) = found.comparisons
    assert verdict.covers == "seeds and samples" and verdict.sentence and found.headline
    assert {c.metric for c in found.others} == {
        "symmetric_precision",
        "symmetric_recall",
        "coverage",
        "sliced_wasserstein",
    }

    real = reference.test_rows(datasets.load("digits").test.x, 200).reshape(200, -1) / 255
    x = draw_of_training(store_of(working), ids[1], steps[ids[1]], 200).reshape(200, -1)
    rf, rr, ff = (cdist(a, b).sum() for a, b in ((real, x), (real, real), (x, x)))
    energy = 2 * rf / 200**2 - rr / (200 * 199) - ff / (200 * 199)
    assert dict(found.values[one])[1] == pytest.approx(energy, rel=1e-4)

    failed = working.jobs.compare({ids[0]: 7}, 200)
    job = wait_until(lambda: job if (job := working.jobs.get(failed)).state in ("done", "failed") else None)
    assert job.state == "failed" and "no snapshot of step 7" in job.error
