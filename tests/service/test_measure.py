"""Anybody's samples: the same numbers from files and from arrays, in the precision they came in."""

import json
import time

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from gan_core import cli, measure
from gan_core.cli import show
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
    with pytest.raises(DatasetError, match="missing.npy cannot be read: there is no such file"):
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


# ---------------------------------------------------------------- files as people have them


def measured(capsys, *options: str) -> tuple[dict, str]:
    assert cli.main(["measure", *options, "--panel", "live", "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_a_folder_of_pictures_against_an_array_gives_the_numbers_of_python(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 60, 8, 8), dtype=np.uint8)
    for i, x in enumerate(pixels[0]):
        (tmp_path / "real" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(x).save(tmp_path / "real" / str(i % 2) / f"{i:03}.png")
    np.save(tmp_path / "fake.npy", pixels[1])
    ordered = np.concatenate([pixels[0][::2], pixels[0][1::2]])  # as the folders are
    x = [(one / np.float32(255))[..., None] for one in (ordered, pixels[1])]
    expected = values(measure(real=x[0], fake=x[1], panel="live"))
    report, _ = measured(capsys, "--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake.npy"))
    assert {name: metric["value"] for name, metric in report["metrics"].items()} == expected


def test_columns_are_matched_by_name_and_labels_are_not_measured(tmp_path, capsys):
    real, fake = np.random.default_rng(0).normal(size=(2, 60, 2))
    rows = "\n".join(f"{i},{a!r},{b!r},{'cat' if i % 2 else 'dog'}" for i, (a, b) in enumerate(real.tolist()))
    (tmp_path / "real.csv").write_text(f",a,b,species\n{rows}")
    (tmp_path / "fake.csv").write_text("b,a\n" + "\n".join(f"{b!r},{a!r}" for a, b in fake.tolist()))
    report, told = measured(capsys, "--real", str(tmp_path / "real.csv"), "--fake", str(tmp_path / "fake.csv"))
    found = {name: metric["value"] for name, metric in report["metrics"].items()}
    assert found == values(measure(real=real, fake=fake, panel="live"))
    assert any("fake: The columns were brought into the order of real" in note for note in report["notes"])
    assert "real: Left out: column 1, since it only counts the rows" in told
    (tmp_path / "fake.csv").write_text("a\n" + "\n".join(f"{a!r}" for a, _ in fake.tolist()))
    with pytest.raises(DatasetError, match="fake has no column b, which real has"):
        measure(real=tmp_path / "real.csv", fake=tmp_path / "fake.csv")


def test_pictures_of_different_sizes_need_one(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, side in (("real", 9), ("fake", 8)):
        (tmp_path / name).mkdir()
        for i in range(20):
            Image.fromarray(rng.integers(0, 256, (side, side), dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    files = [str(tmp_path / name) for name in ("real", "fake")]
    assert cli.main(["measure", "--real", files[0], "--fake", files[1]]) == 2
    assert "different sizes (real 9 x 9, fake 8 x 8); bring them to one with --size 28" in capsys.readouterr().err
    report, _ = measured(capsys, "--real", files[0], "--fake", files[1], "--size", "8")
    assert report["n_real"] == 20


def test_the_values_of_a_tanh_against_those_of_pictures_are_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    images = rng.random((30, 4, 4, 1))
    with pytest.raises(MeasureError, match=r"0..1 against -1..1; .*bring fake to 0..1 with \(x \+ 1\) / 2"):
        measure(real=images, fake=2 * images - 1)
    for name, x in (("real", images), ("fake", 2 * images - 1)):
        np.save(tmp_path / f"{name}.npy", x.reshape(30, 16))
    report, told = measured(capsys, "--real", str(tmp_path / "real.npy"), "--fake", str(tmp_path / "fake.npy"))
    assert "0..1 against -1..1" in told and any("0..1 against -1..1" in note for note in report["notes"])


def test_ten_thousand_files_are_one_short_line(capsys):
    pictures = [f"photos/{i:05}.png" for i in range(10_000)]
    assert cli.main(["measure", "--real", *pictures, "--fake", "fake.npy"]) == 2
    said = capsys.readouterr().err
    assert len(said) < 300 and "and 9,996 more; name the folder itself" in said


def test_somebody_who_waits_is_told_that_it_goes_on(capsys):
    with show.Progress("measuring", heartbeat=0.01) as progress:
        progress(0.25)
        while "after" not in (said := capsys.readouterr().err):
            pass
    assert "measuring: 25% after 0 s" in said


@pytest.mark.slow
def test_ten_thousand_pictures_take_little_longer_than_their_arrays(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, 10_000, 28, 28), dtype=np.uint8)
    for name, part in zip(("real", "fake"), pixels):
        np.save(tmp_path / f"{name}.npy", part)
        (tmp_path / name).mkdir()
        for i, x in enumerate(part):
            Image.fromarray(x).save(tmp_path / name / f"{i:05}.png")
    seconds, found = {}, {}
    for kind in ("", ".npy", ""):  # the first one compiles
        files = {name: tmp_path / f"{name}{kind}" for name in ("real", "fake")}
        began = time.perf_counter()
        found[kind] = values(measure(**files))
        seconds[kind] = time.perf_counter() - began
    assert found[""] == found[".npy"] and seconds[""] < 1.5 * seconds[".npy"]
