"""Anybody's samples: the same numbers from files and from arrays, in the precision they came in."""

import json
import time

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from gan_core import cli
from gan_core.cli import show
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
    with pytest.raises(DatasetError, match="missing.npy cannot be read: there is no such file"):
        measure_files(real=tmp_path / "missing.npy", fake=files["fake"])
    with pytest.raises(MeasureError, match="learned from labels"):
        measure_samples(real=arrays["real"], fake=arrays["fake"], space="classifier")
    images = np.random.default_rng(0).random((30, 4, 4, 1))
    with pytest.raises(MeasureError, match="8 times"):
        measure_samples(real=images, fake=255 * images)


# ---------------------------------------------------------------- files as people have them


def values(report) -> dict[str, float | None]:
    return {name: metric.value for name, metric in report.metrics.items()}


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
    expected = values(measure_samples(real=x[0], fake=x[1], panel="live"))
    report, _ = measured(capsys, "--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake.npy"))
    assert {name: metric["value"] for name, metric in report["metrics"].items()} == expected


def test_columns_are_matched_by_name_and_labels_are_not_measured(tmp_path, capsys):
    real, fake = np.random.default_rng(0).normal(size=(2, 60, 2))
    rows = "\n".join(f"{i},{a!r},{b!r},{'cat' if i % 2 else 'dog'}" for i, (a, b) in enumerate(real.tolist()))
    (tmp_path / "real.csv").write_text(f",a,b,species\n{rows}")
    (tmp_path / "fake.csv").write_text("b,a\n" + "\n".join(f"{b!r},{a!r}" for a, b in fake.tolist()))
    report, told = measured(capsys, "--real", str(tmp_path / "real.csv"), "--fake", str(tmp_path / "fake.csv"))
    found = {name: metric["value"] for name, metric in report["metrics"].items()}
    assert found == values(measure_samples(real=real, fake=fake, panel="live"))
    assert any("fake: The columns were brought into the order of real" in note for note in report["notes"])
    assert "real: Left out: column 1, since it only counts the rows" in told
    (tmp_path / "fake.csv").write_text("a\n" + "\n".join(f"{a!r}" for a, _ in fake.tolist()))
    with pytest.raises(DatasetError, match="fake has no column b, which real has"):
        measure_files(real=tmp_path / "real.csv", fake=tmp_path / "fake.csv")


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
        measure_samples(real=images, fake=2 * images - 1)
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


def test_tiny_distances_are_not_shown_as_zero():
    assert show.shown_distance(3.2e-9) == "3.2e-09" and show.shown_distance(0.00004) == "0.0000"


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
        found[kind] = values(measure_files(**files))
        seconds[kind] = time.perf_counter() - began
    assert found[""] == found[".npy"] and seconds[""] < 1.5 * seconds[".npy"]
