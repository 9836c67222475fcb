"""Training, sampling and measuring in this process, as the command line does."""

import os
import signal

import numpy as np
import pytest

from gan_core.config.run_config import ConfigError, override
from gan_core.records import DatasetError, GanometerError, UnknownRun
from gan_core.service.foreground import Trained
from tests.service.labs import CONFIG, ENDLESS, opened, store_of


@pytest.fixture(autouse=True)
def signals_are_as_before():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A lab, and a run of 40 steps that it has trained here."""
    with opened(tmp_path_factory.mktemp("foreground")) as lab:
        yield lab, lab.foreground.train(CONFIG)


def test_a_run_is_trained_here_to_its_end(trained):
    lab, done = trained
    assert (done.run.state, done.run.step, done.interrupted, done.unfinished) == ("finished", 40, False, False)
    steps, values = lab.results.curves(done.run).curves["energy_distance"]
    assert values[-1] > 0 and steps[-1] == 40
    assert lab.worker.workers() == []  # this process is no worker any more


def test_a_run_that_waits_is_trained_here_whatever_else_trains(trained):
    lab, done = trained
    store_of(lab).leases.claim("w1", run_id=lab.runs.start(ENDLESS, by=None))
    fork = lab.runs.fork(done.run.id, 40, {"training.steps": 50}, by=None)
    assert lab.foreground.go_on(fork).run.step == 50


def test_a_run_that_somebody_else_has_is_left_alone(lab):
    run_id = lab.runs.start(CONFIG)
    store_of(lab).leases.claim("w1", run_id=run_id)
    with pytest.raises(GanometerError, match=f"run {run_id} is running"):
        lab.foreground.go_on(run_id)
    assert lab.runs.get(run_id).worker == "w1"


def test_settings_that_do_not_suit_the_data_train_nothing(lab):
    with pytest.raises(ConfigError, match="for points, not for images"):
        lab.foreground.train(override(CONFIG, {"discriminator.fourier": 2}))
    with pytest.raises(DatasetError, match="'upload-gone'"):
        lab.foreground.train(override(CONFIG, {"data.name": "upload-gone"}))
    assert lab.runs.newest() == []


def test_a_signal_stops_the_run_and_keeps_it(lab):
    seen = []

    def interrupt(run):
        seen.append(run.step)
        if run.step and len({*seen}) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    done = lab.foreground.train(ENDLESS, on_progress=interrupt)
    assert isinstance(done, Trained) and done.interrupted and done.run.state == "stopped"
    assert store_of(lab).recordings.checkpoint(done.run.id)[0] == done.run.step > 0


def test_samples_and_measurements_of_a_run(trained):
    lab, done = trained
    x = lab.foreground.sample(done.run.id, None, 9, seed=4)
    assert x.shape == (9, 8, 8, 1) and 0 <= x.min() < x.max() <= 1
    assert np.array_equal(lab.foreground.sample(done.run.id, 40, 9, seed=4), x)
    shares = []
    report = lab.foreground.measure(done.run.id, None, 60, panel="live", progress=shares.append)
    assert (report.n_real, report.n_fake, report.panel) == (60, 60, "live") and shares[-1] == pytest.approx(1)
    with pytest.raises(GanometerError, match="no snapshot of step 39"):
        lab.foreground.sample(done.run.id, 39, 9)
    with pytest.raises(UnknownRun):
        lab.foreground.measure("nobody", None, 60)


def test_the_metrics_are_tested_on_damaged_real_samples(lab):
    found = lab.foreground.test_metrics("ring-8", 100, corruptions=["noise"])
    assert found.n == 100 and {cell.corruption for cell in found.cells} == {"none", "noise"}
    with pytest.raises(DatasetError, match="'moon'"):
        lab.foreground.test_metrics("moon", 100)
