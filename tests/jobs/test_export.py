"""A run for other programs: what is in the files, against programs that are not ours."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_core.bundles.files import file_stem, placed, unzipped, zipped
from gan_core.bundles.tensorboard import event_file
from gan_core.codec import to_storage
from gan_core.jobs.export import MAIN_FILE, Export
from gan_core.jobs.sample import Sample, draw
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.records import History
from tests.jobs.small_runs import STEP


def run_script(files, folder, *arguments: str) -> None:
    """Run the script of an export in a folder of its own, where nothing of ours can be imported."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    subprocess.run([sys.executable, "-P", "-I", "sample.py", *arguments], cwd=folder, check=True, timeout=120)


def test_the_script_draws_classes_as_the_app_does(ask, store, conditional, tmp_path):
    files = ask(Export("onnx"), conditional)
    run_script(files, tmp_path, "--n", "16", "--seed", "3")
    ours = to_storage(draw(store, conditional, STEP, Sample(n=16, seed=3)))
    grid = np.asarray(Image.open(tmp_path / "samples.png"), int)
    theirs = grid.reshape(2, 8, 8, 8).swapaxes(1, 2).reshape(16, 8, 8)
    assert np.abs(theirs - ours[..., 0].astype(int)).max() <= 1
    run_script(files, tmp_path, "--n", "8", "--label", "3")
    one = to_storage(draw(store, conditional, STEP, Sample(n=8, label=3)))
    grid = np.asarray(Image.open(tmp_path / "samples.png"), int)
    assert np.abs(grid.reshape(8, 8, 8).swapaxes(0, 1) - one[..., 0].astype(int)).max() <= 1


def test_the_script_of_points_writes_them_in_the_datas_units(ask, store, ring, tmp_path):
    run_script(ask(Export("onnx"), ring), tmp_path, "--n", "30", "--truncation", "0.5")
    sampler = SnapshotSampler.of(store, ring, STEP)
    ours = sampler.draw(0, 0, 30, truncation=0.5).exact
    assert np.loadtxt(tmp_path / "samples.csv", delimiter=",") == pytest.approx(ours, abs=1e-5)


def test_samples_are_arrays_and_a_picture_each(ask, store, conditional, ring):
    files = ask(Export("samples", n=12, seed=3), conditional)
    with np.load(io.BytesIO(files["samples.npz"]), allow_pickle=False) as found:
        x, z, y = (found[name] for name in ("x", "z", "y"))
    ours = SnapshotSampler.of(store, conditional, STEP).draw(3, 0, 12)
    assert np.array_equal(x, ours.exact) and np.array_equal(z, ours.z) and len(set(y.tolist())) > 1
    for i, (image, label) in enumerate(zip(to_storage(x), y)):
        picture = Image.open(io.BytesIO(files[f"images/{label}/{i:04}.png"]))
        assert np.array_equal(np.asarray(picture), image[..., 0])
    table = io.BytesIO((points := ask(Export("samples", n=12), ring))["samples.csv"])
    with np.load(io.BytesIO(points["samples.npz"]), allow_pickle=False) as found:
        assert np.array_equal(np.loadtxt(table, delimiter=",", skiprows=1).astype(np.float32), found["x"])
    assert set(points) == {"samples.npz", "samples.csv"}


def test_tensorflow_reads_the_curves_back(tmp_path):
    import tensorflow as tf

    rng, steps = np.random.default_rng(0), np.arange(0, 300, 3)
    curves = {"loss": (steps * 1.0, rng.normal(size=100)), "energy_distance": (steps[::2] * 1.0, rng.random(50))}
    curves["wild"] = (np.array([0.0, 2.0**31 + 5]), np.array([np.nan, 1e300]))
    file = tmp_path / MAIN_FILE["tensorboard"]
    file.write_bytes(event_file(History(curves), lambda step: 1000.0 + step / 7))
    found = {name: [] for name in curves}
    first, *events = tf.compat.v1.train.summary_iterator(str(file))
    assert first.file_version == "brain.Event:2"
    for event in events:
        assert event.wall_time == 1000.0 + event.step / 7
        for value in event.summary.value:
            found[value.tag].append((event.step, value.simple_value))
    for name in ("loss", "energy_distance"):
        assert np.array_equal(np.float32(found[name]), np.float32(np.column_stack(curves[name])))
    assert np.isnan(found["wild"][0][1]) and found["wild"][1] == (2**31 + 5, np.inf)


def test_a_run_without_curves_gives_an_event_file_that_says_only_what_it_is(ask, plain):
    assert set(files := ask(Export("tensorboard"), plain)) == {MAIN_FILE["tensorboard"]}
    assert b"brain.Event:2" in files[MAIN_FILE["tensorboard"]]


# ---------------------------------------------------------------- files


def test_files_go_into_a_zip_and_back_and_the_same_ones_give_the_same_bytes():
    files = {"a.txt": b"one", "folder/b": bytes(999)}
    assert unzipped(zipped(files)) == files and zipped(files) == zipped(dict(files))


def test_where_files_go_follows_from_what_a_person_names(tmp_path):
    files = {"g.keras": b"net", "sample.py": b'load("g.keras")', "images/0.png": b"x"}
    assert placed(files, tmp_path / "all.zip", main="g.keras") == {tmp_path / "all.zip": zipped(files)}
    assert placed(files, tmp_path / "there", main="g.keras") == {tmp_path / "there" / n: d for n, d in files.items()}
    assert placed(files, tmp_path / 'my".keras', main="g.keras") == {
        tmp_path / 'my".keras': b"net",
        tmp_path / 'my".py': b'load("my\\".keras")',
        tmp_path / 'my"' / "images" / "0.png": b"x",
    }


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("digits · auto · seed 3", "digits-auto-seed-3-0123abcd"),
        ("../../etc/passwd", "etc-passwd-0123abcd"),
        ("</script><img src=x onerror=alert(1)>", "script-img-src-x-onerror-alert-1-0123abcd"),
        ("Größe\x00\n\u202etxt.exe", "groe-txt-exe-0123abcd"),
        ("CON", "run-0123abcd"),
        ("", "0123abcd"),
        ("数字", "0123abcd"),
        ("a" * 200, "a" * 60 + "-0123abcd"),
    ],
)
def test_a_file_is_called_as_every_disk_takes_it(name, stem):
    assert file_stem(name, "0123abcd") == stem
