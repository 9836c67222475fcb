"""Anybody's samples: the same numbers from files and from arrays, in the precision they came in."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core.records import DatasetError, MeasureError
from gan_core.service.measure_files import measure_files, measure_samples


def energy(real: np.ndarray, fake: np.ndarray) -> float:
    """Szekely and Rizzo: twice the mean distance across, less the mean distances within (unbiased)."""
    return 2 * cdist(real, fake).mean() - pdist(real).mean() - pdist(fake).mean()


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
    one, other = measure_samples(**arrays), measure_files(**files)
    values = [{name: metric.value for name, metric in report.metrics.items()} for report in (one, other)]
    assert values[0] == values[1]
    assert values[0]["energy_distance"] == pytest.approx(energy(arrays["real"], arrays["fake"]), rel=1e-6)
    assert one.metrics["energy_distance"].reference_mean is not None


def test_pictures_here_and_rows_of_their_pixels_there_are_the_same_samples():
    rng = np.random.default_rng(1)
    real, fake = rng.random((30, 4, 4, 1)), rng.random((30, 4, 4, 1))
    one, other = (measure_samples(real=real, fake=x, panel="live") for x in (fake, fake.reshape(30, 16)))
    assert one.metrics["energy_distance"].value == other.metrics["energy_distance"].value


def test_what_cannot_be_measured_is_said(samples, tmp_path):
    arrays, files = samples
    with pytest.raises(DatasetError, match="missing.npy cannot be read"):
        measure_files(real=tmp_path / "missing.npy", fake=files["fake"])
    with pytest.raises(MeasureError, match="learned from labels"):
        measure_samples(real=arrays["real"], fake=arrays["fake"], space="classifier")
    images = np.random.default_rng(0).random((30, 4, 4, 1))
    with pytest.raises(MeasureError, match="8 times"):
        measure_samples(real=images, fake=255 * images)
