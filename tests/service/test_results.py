"""What a run has: curves over its branches, reports beside references, films, and headlines."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.distances import reference
from gan_core.distances.report import measure
from gan_core.distances.verdict import NOT_MEASURED, verdict_of
from gan_core.records import DatasetInfo, GanometerError, Headline, Unreadable
from gan_core.service.lab import Lab
from gan_core.service.results import ResultService
from gan_core.store import Commit, NewPreview
from gan_core.store import schema as tables
from tests.service.labs import CONFIG, finish_by_hand, finished_by_hand, live_report, opened, points, shared, store_of


def test_a_run_in_the_plane_is_a_film_of_its_points_and_of_nothing_there_is_none(lab):
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(override(CONFIG, {"data.name": "ring-8"})))
    with pytest.raises(GanometerError, match="has no snapshot yet"):
        lab.results.film(run)
    ring = datasets.load("ring-8")
    generated = np.full((64, 2), 0.25, np.float32)
    taken = [(step, sign * generated, b"") for step, sign in ((0, 1), (50, -1))]
    store_of(lab).progress.commit(run.id, "w1", 1, Commit(state="running", step=50, seconds=1.0, taken=taken))
    with pytest.raises(GanometerError, match="have not been loaded yet"):
        lab.results.film(run)
    store_of(lab).datasets.put(ring.info())
    store_of(lab).progress.describe(run.id, "w1", 1, dataset=ring.sha256, phase="training")
    with Image.open(io.BytesIO(lab.results.film(lab.runs.get(run.id)))) as picture:
        places = []
        for number in range(picture.n_frames):
            picture.seek(number)
            orange = (np.asarray(picture.convert("RGB")) == (0xE0, 0x68, 0x2B)).all(axis=-1)
            places.append(np.argwhere(orange[40:]).mean(axis=0))  # below the line of words
        (down, across), (later_down, later_across) = places
        assert picture.n_frames == 2 and across > later_across and down < later_down


def test_reports_stand_beside_a_reference_that_was_made_later(lab):
    rng = np.random.default_rng(0)
    real, fake, pool = rng.random((50, 4)), rng.random((50, 4)) + 0.2, rng.random((300, 4))
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
    report = measure(real=real, fake=fake)
    store_of(lab).progress.describe(run.id, "w1", run.claim_no, dataset="ab" * 32)
    store_of(lab).measurements.put_report(run.id, 5, report)
    run = lab.runs.get(run.id)
    assert lab.results.reports(run) == [(5, report)]
    assert report.metrics["energy_distance"].z is None
    known = reference.calibrate(test=real, pool=pool, n=50)
    store_of(lab).measurements.put_reference("ab" * 32, "pixels", known)
    ((step, judged),) = lab.results.reports(run)
    found, (mean, sd) = judged.metrics["energy_distance"], known.metrics["energy_distance"]
    assert step == 5 and found.z == pytest.approx((found.value - mean) / sd)
    assert found.value == report.metrics["energy_distance"].value


def test_measurements_of_one_kind_ask_the_store_once_for_what_real_samples_give(tmp_path, monkeypatch):
    with opened(tmp_path) as lab:
        asked, known = [], store_of(lab).measurements.reference
        monkeypatch.setattr(
            store_of(lab).measurements, "reference", lambda *a, **b: asked.append((a, b)) or known(*a, **b)
        )
        reports = ResultService(store_of(lab), lab.runs).reports(lab.bundles.example())
        assert len(reports) > 2 and len(asked) == len({(r.space, r.n_fake, r.k, r.panel) for _, r in reports})


def steps_of(lab: Lab, run_id: str, **more) -> list[int]:
    steps, _ = lab.results.curves(lab.runs.get(run_id), **more).curves["energy_distance"]
    return steps.astype(int).tolist()


def branch(lab: Lab, run_id: str, step: int, **about) -> str:
    child = lab.runs.fork(run_id, step, {"training.steps": step + 20}, **about)
    finish_by_hand(lab, store_of(lab).leases.claim("w1", run_id=child), step + 10)
    return child


def test_the_curves_of_a_branch_of_a_branch_begin_at_the_first_step_of_all(lab):
    first = finished_by_hand(lab)
    last = branch(lab, branch(lab, first, 40), 60)
    assert steps_of(lab, last) == [*range(0, 90, 10)] == steps_of(lab, last, names=["energy_distance"])
    assert steps_of(lab, first) == [*range(0, 50, 10)]
    assert lab.results.curves(lab.runs.get(last), ["loss"]).curves == {}
    lab.runs.delete(first)
    assert steps_of(lab, last) == [50, 60, 70, 80]


def test_each_run_of_a_branch_is_thinned_by_itself_and_the_step_of_the_branch_is_kept(lab):
    last = branch(lab, finished_by_hand(lab), 40)
    assert steps_of(lab, last, points=1) == [40, 60]


def test_runs_that_are_each_other_s_parents_have_curves(lab):
    first = finished_by_hand(lab)
    last = branch(lab, first, 40)
    with store_of(lab).database.writing() as db:  # as imported files may say
        db.execute(tables.runs.update().where(tables.runs.c.id == first).values(parent_id=last, parent_step=40))
    assert steps_of(lab, last) == [*range(0, 70, 10)]
    with store_of(lab).database.writing() as db:
        db.execute(tables.runs.update().where(tables.runs.c.id == first).values(parent_id=first))
    assert steps_of(lab, first) == [*range(0, 50, 10)]


def test_a_branch_that_has_not_been_measured_yet_is_listed_with_the_number_it_begins_with(lab):
    child = lab.runs.fork(finished_by_hand(lab), 40)
    assert lab.results.headlines([lab.runs.get(child)])[child].energy.value == pytest.approx(1 / 41)


def test_the_curves_before_a_branch_are_for_those_who_may_see_them(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.uploads.keep(lab.uploads.read(points(), "mine.csv"), by="ada")
        config = override(lab.recipes.preset("auto", data=name, by="ada"), {"training.steps": 40})
        first = store_of(lab).leases.claim("w1", run_id=lab.runs.start(config, by="ada"))
        finish_by_hand(lab, first)
        child = branch(lab, first.id, 40, by="ada")
        lab.runs.publish(child, True, by="ada")
        assert steps_of(lab, child, by="ada") == [*range(0, 70, 10)]
        assert steps_of(lab, child, by="bob") == [50, 60]
        assert lab.results.headlines([lab.runs.get(child)], by="bob")[child].energy.value == pytest.approx(1 / 61)


def test_headlines_are_the_newest_numbers_beside_real_against_real(lab):
    rng = np.random.default_rng(0)
    data = DatasetInfo(
        "digits", "ab" * 32, "points", (4,), {"train": 9, "holdout": 9, "test": 50}, rng.random((3, 4)), []
    )
    store_of(lab).datasets.put(replace(data, labels=np.zeros(3, np.int64)))
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
    store_of(lab).progress.describe(run.id, "w1", run.claim_no, dataset=data.sha256)
    about = dict(seconds=1.0, steps_per_second=9.0, state="running")
    for step, value in ((5, 0.5), (10, 0.25)):
        taken, measured = [(step, np.zeros((2, 4), np.float32), b"")], [(step, live_report(value))]
        store_of(lab).progress.commit(
            run.id, "w1", run.claim_no, Commit(step=step, measured=measured, taken=taken, **about)
        )
    for other in (live_report(9.0, n=40), replace(live_report(9.0), seed=1), replace(live_report(9.0), panel="full")):
        store_of(lab).measurements.put_report(run.id, 10, other)  # what people have asked for since
    store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(step=20, values=[(20, "other", 1.0)], **about))
    fresh = lab.runs.start(override(CONFIG, {"seed": 1}))
    found = lab.results.headlines(lab.runs.newest())
    assert found[fresh] == Headline(None, None, None, NOT_MEASURED)
    assert (found[run.id].snapshot, found[run.id].step, found[run.id].energy.value) == (10, 10, 0.25)
    assert found[run.id].energy.z is found[run.id].energy.reference_mean is None
    assert found[run.id].verdict.kind == "cannot_tell"
    (earlier,) = lab.results.headlines([lab.runs.get(run.id)], {run.id: 9}).values()
    assert (earlier.step, earlier.energy.value) == (5, 0.5)
    known = reference.calibrate(test=rng.random((50, 4)), pool=rng.random((300, 4)), n=50)
    store_of(lab).measurements.put_reference(data.sha256, "pixels", known)
    mean, sd = known.metrics["energy_distance"]
    headline = lab.results.headlines([lab.runs.get(run.id)])[run.id]
    energy = headline.energy
    assert headline.verdict == verdict_of(headline.report) != found[run.id].verdict
    assert (energy.reference_mean, energy.z) == (mean, pytest.approx((0.25 - mean) / sd))
    assert lab.results.headlines([]) == {}


# ---------------------------------------------------------------- what it makes at this moment


def test_a_preview_is_of_what_was_shown_last_and_goes_with_its_run(lab):
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(CONFIG))
    assert lab.results.preview(run) is None
    pixels = np.zeros((64, 8, 8, 1), np.uint8)
    store_of(lab).progress.preview(run.id, "w1", run.claim_no, NewPreview(7, pixels, pixels + 1))
    found = lab.results.preview(run)
    assert (found.run_id, found.step, found.edits, found.game) == (run.id, 7, 0, None)
    assert np.array_equal(found.samples, pixels) and np.array_equal(found.raw, pixels + 1)
    with store_of(lab).database.writing() as db:
        db.execute(tables.previews.update().values(samples=b"not arrays"))
    with pytest.raises(Unreadable, match=f"the preview of run {run.id} cannot be read"):
        lab.results.preview(run)
    store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(state="stopped", step=7, seconds=1.0))
    lab.runs.delete(run.id)
    assert lab.results.preview(run) is None
