"""Anybody's samples: the same numbers from files and from arrays, in the precision they came in."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core import measure
from gan_core.distances.reference import calibrate
from gan_core.records import DatasetError, MeasureError, Modes


def energy(real: np.ndarray, fake: np.ndarray) -> float:
    """Szekely and Rizzo: twice the mean distance across, less the mean distances within (unbiased)."""
    return 2 * cdist(real, fake).mean() - pdist(real).mean() - pdist(fake).mean()


def values(report) -> dict:
    return {name: metric.value for name, metric in report.metrics.items()}


@pytest.fixture
def samples(tmp_path):
    """Points far from the origin, which float32 would make coarse: arrays and files of each kind."""
    rng = np.random.default_rng(0)
    arrays = {name: 1e3 + 0.05 * rng.standard_normal((60, 2)) for name in ("real", "fake", "reference")}
    for name, x in arrays.items():
        np.save(tmp_path / f"{name}.npy", x)
    return arrays, {name: tmp_path / f"{name}.npy" for name in arrays}


def test_files_and_arrays_give_the_same_numbers(samples):
    arrays, files = samples
    one, other = measure(**arrays), measure(**files)
    assert values(one) == values(other)
    assert values(one)["energy_distance"] == pytest.approx(energy(arrays["real"], arrays["fake"]), rel=1e-6)
    assert one.metrics["energy_distance"].reference_mean is not None


def test_a_file_may_stand_beside_an_array_and_be_named_by_text(samples):
    arrays, files = samples
    mixed = measure(real=str(files["real"]), fake=arrays["fake"].tolist(), panel="live")
    assert values(mixed) == values(measure(real=arrays["real"], fake=arrays["fake"], panel="live"))


def test_bytes_without_channels_are_the_pictures_that_a_file_of_them_holds(tmp_path):
    rng = np.random.default_rng(2)
    real, fake = rng.integers(0, 256, (2, 30, 4, 4), dtype=np.uint8)
    np.save(tmp_path / "real.npy", real)
    found = measure(real=tmp_path / "real.npy", fake=fake, panel="live")
    rows = [(x.reshape(30, 16) / 255) for x in (real, fake)]
    assert values(found)["energy_distance"] == pytest.approx(energy(*rows), rel=1e-5)


def test_pictures_here_and_rows_of_their_pixels_there_are_the_same_samples():
    rng = np.random.default_rng(1)
    real, fake = rng.random((30, 4, 4, 1)), rng.random((30, 4, 4, 1))
    one, other = (measure(real=real, fake=x, panel="live") for x in (fake, fake.reshape(30, 16)))
    assert values(one)["energy_distance"] == values(other)["energy_distance"]


def test_what_was_measured_before_judges_samples_as_more_real_ones_do(samples):
    arrays, _ = samples
    known = calibrate(test=arrays["real"], pool=arrays["reference"], n=60, panel="live")
    two = {name: arrays[name] for name in ("real", "fake")}
    assert measure(**two, reference=known, panel="live").verdict == measure(**arrays, panel="live").verdict


def test_known_modes_are_counted():
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    rng = np.random.default_rng(0)
    real = centres[rng.integers(0, 3, 60)] + rng.normal(size=(60, 2)) / 10
    found = measure(real=real, fake=real[:, :1] * [1, 0], modes=Modes(centres, 0.1), panel="live")
    assert values(found)["modes_captured"] == 2  # the third has left the line on which all samples lie
    with pytest.raises(MeasureError, match="leave them out"):
        measure(real=real, fake=real, modes=Modes(centres, 0.1), space="pca64")


def test_samples_that_are_not_finite_are_those_of_a_generator_that_diverged(samples):
    arrays, _ = samples
    broken = np.where(np.arange(60)[:, None] == 7, np.nan, arrays["fake"])
    assert measure(real=arrays["real"], fake=broken, reference=arrays["reference"], space="pca64").status == "diverged"


def test_what_cannot_be_measured_is_said(samples, tmp_path):
    arrays, files = samples
    with pytest.raises(DatasetError, match="missing.npy cannot be read"):
        measure(real=tmp_path / "missing.npy", fake=files["fake"])
    with pytest.raises(MeasureError, match="learned from labels"):
        measure(real=arrays["real"], fake=arrays["fake"], space="classifier")
    images = np.random.default_rng(0).random((30, 4, 4, 1))
    with pytest.raises(MeasureError, match="8 times"):
        measure(real=images, fake=255 * images)
    with pytest.raises(MeasureError, match=r"train is float64 \(60,\); give numbers"):
        measure(real=arrays["real"], fake=arrays["fake"], train=arrays["real"][:, 0])
    with pytest.raises(MeasureError, match="fake is list, which NumPy cannot read"):
        measure(real=arrays["real"], fake=[[1.0], [2.0, 3.0]])
