"""Pages of runs that were not trained here: they show what there is, and offer nothing that needs networks."""

import numpy as np
import pytest

from gan_core import follow
from gan_core.codec import to_unit
from gan_core.data import datasets
from gan_core.jobs import registry
from gan_core.service.lab import Lab
from gan_core.settings import Settings
from gan_core.store import Commit
from tests.drawing import figures, names_of_curves, open_page, text_of

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

DIGITS, RING = datasets.load("digits"), datasets.load("ring-8")
NOT_OFFERED = ("Pause", "Resume", "Stop", "Duplicate", "Continue training", "Back to the recipe", "Train more")


@pytest.fixture
def lab(home, store):
    lab = Lab(Settings(home, store.shown_url, None, "none"))
    yield lab
    lab.close()


def followed(store, data, shown):
    """A run of somebody's own code with one snapshot and the curves it has logged."""
    run = follow("their <b>gan</b>", data, store=store, rows=60, seed=4)
    run.log(0, samples=shown[:70], losses={"g <i>": 1.0, "d": 2.0}, metrics={"fid": 9.0})
    run.log(1_000, losses={"g <i>": 0.5, "d": 2.0}, metrics={"fid": 5.0})
    run.close()
    return run


def work(store):
    """Answer every job that waits, as a worker does."""
    known = {"digits": DIGITS, "ring-8": RING}
    while job := store.jobs.claim("w"):
        store.jobs.finish(job.id, result=registry.answer(store, job, known.__getitem__))


def test_the_train_page_shows_curves_and_samples_and_no_sliders(store):
    run = followed(store, "digits", to_unit(DIGITS.test.x))
    at = open_page("pages/train.py", run=run.id)
    text = text_of(at)
    assert "Logged by its own training code" in text and "measured against digits, seed 4" in text
    assert "step **1,000** · " in text and "of 12,000" not in text and "Recipe" not in text
    assert not {button.label for button in at.button} & set(NOT_OFFERED) and not at.get("expander")
    assert [tab.label for tab in at.tabs] == ["Losses", "Metrics of its own", "Event log", "System"]
    (losses,) = (figure for figure in figures(at) if "d" in names_of_curves(figure))
    assert names_of_curves(losses)[:2] == ["d", "g &lt;i&gt;"]  # whatever a program calls it is no markup


def test_a_run_whose_program_was_killed_offers_no_way_to_resume_it(store):
    config = store.runs.get(followed(store, "digits", to_unit(DIGITS.test.x)).id).config
    killed = store.runs.create(config, name="killed", worker_id="gone", kind="followed", total_steps=0)
    commit = Commit("running", 70, 1.0, steps_per_second=5.0, values=[(70, "loss/g", 1.0)])
    store.progress.commit(killed, "gone", 1, commit)
    running = text_of(open_page("pages/train.py", run=killed))
    assert "Running" in running and "step **70** · 5 steps/s" in running and "left" not in running
    store.leases.interrupt(["gone"])
    text = text_of(open_page("pages/train.py", run=killed))
    assert "The program that logs it ended, or was silent for too long" in text and "Press Resume" not in text


def test_home_says_where_the_samples_come_from(store):
    followed(store, "ring-8", RING.test.x)
    text = text_of(open_page())
    assert "### ring-8 · own training code" in text and "own training code · ring-8 · 1,000 steps" in text
    assert "ring-8 · auto" not in text


def test_the_gallery_has_no_latents_and_no_networks(store):
    run = followed(store, "ring-8", RING.test.x)
    open_page("pages/gallery.py", run=run.id)
    work(store)
    at = open_page("pages/gallery.py", run=run.id)
    text = text_of(at)
    assert "70 samples of this step are kept" in text and "The networks at this step" not in text
    assert "latent vector" not in text and "Walk from here" not in {button.label for button in at.button}


def test_distances_of_a_file_wait_for_their_measurement_and_are_whole_then(lab, store):
    run_id = lab.samples.create("a file", real="digits", fake=to_unit(DIGITS.holdout.x[:100]))
    assert "These samples are being measured." in text_of(open_page("pages/distances.py", run=run_id))
    work(store)
    for part in ("verdict", "samples", "curves", "report"):
        at = open_page("pages/distances.py", run=run_id, part=part)
        work(store)
        assert not at.error and "being measured" not in text_of(at)
    sizes = next(box for box in at.selectbox if box.label == "Samples of each kind")
    assert [int(option.replace(",", "")) for option in sizes.options] == [100]


def test_compare_knows_runs_of_every_kind_and_no_settings_of_these(lab, store):
    run = followed(store, "digits", to_unit(DIGITS.test.x))
    noise = np.random.default_rng(0).random((100, 8, 8, 1))
    other = lab.samples.create("noise", real="digits", fake=noise)
    query = dict(runs=f"{run.id},{other}")
    open_page("pages/compare.py", **query)
    work(store)
    at = open_page("pages/compare.py", **query)
    text = text_of(at)
    assert "The run of A is closer to real than the run of B" in text
    assert "Of runs that were not trained here the settings are not known." in text
    assert "latent vectors" not in text and not [b for b in at.button if b.label.startswith("Repeat")]
