"""Every recipe on every kind of data: no run fails and no number stops being one. An hour's quarter, so it is slow."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from gan_core.config.presets import PRESETS, preset
from gan_core.config.run_config import override
from gan_core.data import datasets, uploads
from gan_core.engine.loop import train
from gan_core.engine.networks import is_convolutional

SEEDS = 3
STEPS, CONVOLUTIONAL_STEPS = 1000, 300
IMPROPER = ("mean-distance", "nearest-distance")


class Book:
    """Keeps the curves and the last samples."""

    def __init__(self):
        self.curves, self.shown = [], None

    def resolved(self, config):
        return config

    def metrics(self, step, values):
        self.curves.append(list(values.values()))

    def snapshot(self, step, samples, weights, fake):
        self.shown = samples, fake

    def preview(self, step, samples, raw, game):
        for shown in (samples, raw, *(game or {}).values()):
            assert np.isfinite(shown).all()

    def due(self):
        return False

    def commit(self, step, checkpoint, state, steps_per_second): ...


class Patience:
    def new_config(self, step): ...

    def command(self, step):
        return "go"

    def next_command_step(self): ...

    def wait_while_paused(self): ...

    def phase(self, name): ...


@pytest.fixture(scope="module")
def data():
    """Each data set once, by name."""
    loaded = {}

    def get(name):
        if name not in loaded:
            loaded[name] = coloured() if name == "colours" else datasets.load(name, folder=folder())
        return loaded[name]

    return get


def folder():
    return Path(os.environ["GANOMETER_DATA"]) if os.environ.get("GANOMETER_DATA") else None


def coloured():
    """Somebody's own 20 × 24 colour pictures: soft discs of three colours at random places, read like any upload."""
    rng, (n, height, width) = np.random.default_rng(0), (600, 20, 24)
    y, x = np.mgrid[:height, :width]
    centre = rng.uniform(5, 15, (n, 2, 1, 1))
    disc = np.exp(-((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2) / 18)
    labels = rng.integers(0, 3, n)
    pictures = np.full((n, height, width, 3), 30.0)
    pictures[np.arange(n), ..., labels] += 200 * disc
    stream = io.BytesIO()
    np.savez(stream, x=pictures.round().astype(np.uint8), y=labels)
    return uploads.dataset_from_upload(
        uploads.read_upload(stream.getvalue(), "discs.npz", size=20, colour=True), "colours"
    )


def trained(dataset, name, seed, **changes):
    config = preset(name, data=dataset.name, shape=dataset.shape, seed=seed)
    steps = CONVOLUTIONAL_STEPS if is_convolutional(config.generator, config.discriminator) else STEPS
    config = override(config, {"training.steps": steps, "recording.snapshots": 2, **changes})
    book = Book()
    assert train(config, dataset.train.x, book, Patience(), rows=200) == "finished"
    assert np.isfinite(book.curves).all() and len(book.curves) == config.training.steps // config.recording.log_every
    for samples in book.shown:
        assert np.isfinite(samples).all() and samples.shape[1:] == dataset.shape
    return book.shown[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("kind", ["ring-8", "grid-25", "swiss-roll", "digits", "mnist", "colours"])
def test_a_recipe_never_fails(kind, name, data):
    if kind == "mnist" and not folder():
        pytest.skip("GANOMETER_DATA is unset")
    for seed in range(SEEDS):
        trained(data(kind), name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [60, 180, 600])
@pytest.mark.parametrize("kind", ["mnist", "colours"])
def test_auto_never_fails_however_much_time_there_is(kind, seconds, data):
    if kind == "mnist" and not folder():
        pytest.skip("GANOMETER_DATA is unset")
    dataset = data(kind)
    config = preset("auto", data=dataset.name, shape=dataset.shape, seconds=seconds)
    structure = {
        "generator.architecture": config.generator.architecture,
        "generator.channels": config.generator.channels,
    }
    structure |= {f"discriminator.{k.split('.')[1]}": v for k, v in structure.items()}
    trained(dataset, "auto", 0, **structure, **{"training.batch": config.training.batch, "training.steps": 300})


@pytest.mark.slow
@pytest.mark.parametrize("loss", IMPROPER)
def test_the_improper_distances_train_and_collapse(loss, data):
    """The mean distance ends in one point. That is no failure of the run, and not the data either."""
    dataset = data("ring-8")
    fake = trained(dataset, "energy-only", 0, **{"objective.loss": loss})
    proper = trained(dataset, "energy-only", 0)
    spread, proper_spread = (np.linalg.norm(x - x.mean(0), axis=1).mean() for x in (fake, proper))
    real_spread = np.linalg.norm(dataset.test.x - dataset.test.x.mean(0), axis=1).mean()
    assert proper_spread == pytest.approx(real_spread, rel=0.1)
    if loss == "mean-distance":
        assert spread < 0.1 * real_spread
