"""The command line: one line for wrong input, one JSON value for --json, and exit codes that mean something."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from gan_core import cli, machine
from gan_core.config.presets import preset
from gan_core.data import datasets, uploads
from gan_core.distances.catalogue import METRICS
from gan_core.engine import cpu_threads
from gan_core.records import upload_name
from gan_core.settings import settings_from_environment
from gan_core.store import Commit, Store
from gan_core.store import schema as tables

ROOT = Path(__file__).parents[1]
TINY = [
    "--set",
    "generator.hidden=8",
    "--set",
    "discriminator.hidden=8",
    "--set",
    "training.batch=32",
    "--set",
    "recording.snapshots=4",
    "--set",
    "recording.rows=60",
    "--set",
    "recording.log_every=1000",
]
SUMMARY = set("run name kind state step total_steps seconds steps_per_second data preset error".split())


def process(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "gan_core", *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | options,
    )


@pytest.fixture
def store(home):
    store = Store(settings_from_environment().store_url)
    yield store
    store.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A store's URL with one finished run, and what `train --json` printed."""
    home = tmp_path_factory.mktemp("trained")
    url = f"sqlite:///{home / 'store.sqlite'}"
    done = process("train", "--steps", "40", *TINY, "--store", url, "--json", GANOMETER_HOME=str(home))
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    return url, out


@pytest.fixture
def run_id(trained):
    return json.loads(trained[1])["run"]


@pytest.fixture
def say(home, trained, capsys):
    """Call the command line on the store of the finished run; the JSON value it prints."""

    def call(*arguments: str, code: int = 0):
        assert cli.main([*arguments, "--store", trained[0], "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def arrays(tmp_path):
    """Files with arrays in them, by name."""
    rng = np.random.default_rng(0)
    images = rng.random((30, 4, 4, 1), dtype=np.float32)
    files = {
        "a.npy": rng.standard_normal((30, 3)),
        "b.npy": rng.standard_normal((30, 3)) + 1,
        "c.npy": rng.random((30, 2)),
        "pool.npy": rng.standard_normal((90, 3)),
        "images.npy": images,
        "bytes.npy": (images * 255).astype(np.uint8),
        "unscaled.npy": images * 255,
        "nan.npy": np.full((30, 3), np.nan),
        "flat.npy": np.zeros(5),
        "objects.npy": np.array([{"a": 1}] * 3, dtype=object),
        "texts.npy": np.array([["a", "b"]] * 3),
        "one.npy": np.zeros((1, 3)),
    }
    for name, array in files.items():
        np.save(tmp_path / name, array, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=files["a.npy"], y=np.arange(30))
    np.savez(tmp_path / "only.npz", samples=files["b.npy"])
    np.savez(tmp_path / "two.npz", p=files["a.npy"], q=files["b.npy"])
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "half.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:200])
    (tmp_path / "text.npy").write_text("no array at all")
    (tmp_path / "empty.npy").write_bytes(b"")
    return tmp_path


# ---------------------------------------------------------------- wrong input


def refused(capsys, arguments: list[str], *said: str) -> None:
    """Exit code 2, nothing on standard output, and exactly one line that says all of this."""
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gan_core: error: ") and err.endswith("\n") and err.count("\n") == 1
    for words in said:
        assert words in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "name a command"),
        ("fly", "'fly'"),
        ("train --altitude 3", "--altitude"),
        ("train --preset wild", "'wild'"),
        ("train --data moon", "'moon'"),
        ("train --steps many", "'many'"),
        ("train --steps 0", "training.steps is 0"),
        ("train --steps 5 --seconds 5", "--seconds"),
        ("train --seconds -3", "-3"),
        ("train --seed -1", "seed is -1"),
        ("train --seed 1.5", "'1.5'"),
        ("train --set optimizer.beta1", "'optimizer.beta1'"),
        ("train --set magic=1", "magic"),
        ("train --set generator.hiden=8", "did you mean generator.hidden"),
        ("train --set generator.hidden=8,wide", "8,wide"),
        ("train --set optimizer.beta1=2", "optimizer.beta1 is 2"),
        ("train --set objective.loss=fun", "'fun'"),
        ("train --set objective.loss=energy", "'energy', which has no discriminator"),
        ("train --set discriminator.batch_norm=true", "discriminator.batch_norm"),
        ("train --data ring-8 --set generator.architecture=dcgan", "no neighbouring pixels"),
        ("train --data ring-8 --set objective.translation=.1", "no frame"),
        ("train --set discriminator.fourier=2", "for points, not for images"),
        ("train --set training.seconds=soon", "'soon'"),
        ("train --resume nobody", "'nobody'"),
        ("train --resume nobody --steps 5 --set a=b", "--steps, --set"),
        ("train --seed", "--seed"),
        ("train --step 5", "--step"),
        ("measure", "--real FILE"),
        ("measure --real a.npy", "--fake FILE"),
        ("measure --run nobody", "'nobody'"),
        ("measure --run nobody --real a.npy", "leave out --real"),
        ("measure --run x --n 1", "'1'"),
        ("measure --run x --step 99999999999999999999", "99999999999999999999"),
        ("measure --real a.npy --fake b.npy --space moon", "'moon'"),
        ("measure --real a.npy --fake b.npy --space classifier", "'classifier'"),
        ("measure --real a.npy --fake b.npy --train c.npy", "(30, 2)"),
        ("measure --real images.npy --fake images.npy --holdout unscaled.npy", "holdout"),
        ("measure --run nobody --train a.npy --holdout b.npy", "leave out --train, --holdout"),
        ("measure --real a.npy --fake b.npy --panel huge", "'huge'"),
        ("measure --real a.npy --fake b.npy --k 0", "'0'"),
        ("measure --real a.npy --fake b.npy --seed -1", "'-1'"),
        ("measure --real missing.npy --fake b.npy", "missing.npy"),
        ("measure --real . --fake b.npy", "give one of them"),
        ("measure --real nan.npy --fake b.npy", "nan.npy"),
        ("measure --real a.npy --fake objects.npy", "objects.npy"),
        ("measure --real a.npy --fake texts.npy", "texts.npy"),
        ("measure --real a.npy --fake flat.npy", "(5,)"),
        ("measure --real a.npy --fake text.npy", "text.npy"),
        ("measure --real a.npy --fake empty.npy", "empty.npy"),
        ("measure --real a.npy --fake half.npy", "half.npy"),
        ("measure --real a.npy --fake half.npz", "half.npz"),
        ("measure --real a.npy --fake two.npz", "p, q"),
        ("measure --real a.npy --fake c.npy", "2"),
        ("measure --real a.npy --fake one.npy", "(1, 3)"),
        ("measure --real images.npy --fake unscaled.npy", "8 times"),
        ("measure --real bytes.npy --fake unscaled.npy", "8 times"),
        ("measure --real a.npy --fake b.npy --reference c.npy", "(30, 2)"),
        ("sample --run nobody --out x.npz", "'nobody'"),
        ("sample --out x.npz", "--run"),
        ("sample --run x --out x.gif", "'x.gif'"),
        ("sample --run x --out x.npz --n 0", "'0'"),
        ("sample --run x --out x.npz --n some", "'some'"),
        ("export --run nobody --out x.zip", "'nobody'"),
        ("export --run nobody --format keras --out x.keras", "'nobody'"),
        ("export --run x --format word --out x.doc", "'word'"),
        ("export --run x --format keras --n 5 --out x.keras", "--n are for samples"),
        ("export --run x --step 3 --out x.zip", "leave out --step"),
        ("report --run nobody --out x.html", "'nobody'"),
        ("report --out x.html", "--run"),
        ("report --run x --out nowhere/x.html", "nowhere"),
        ("import missing.zip", "missing.zip"),
        ("import a.npy", "zip file"),
        ("delete --run nobody", "'nobody'"),
        ("runs --store nonsense", "nonsense"),
        ("runs --store sqlite:///a.npy", "a.npy"),
        ("runs --store postgresql://ada:s3cret@127.0.0.1:1/x", "127.0.0.1"),
        ("worker --parent some", "'some'"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(home, arrays, capsys, monkeypatch, line, said):
    monkeypatch.chdir(arrays)
    refused(capsys, line.split(), said)


def test_no_error_shows_a_password(home, capsys):
    assert cli.main(["runs", "--store", "postgresql://ada:s3cret@127.0.0.1:1/x"]) == 2
    assert "s3cret" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sample --run RUN --n 10001 --out x.npz", "10001"),
        ("sample --run RUN --step 39 --out x.npz", "step 39"),
        ("sample --run RUN --label 3 --out x.npz", "it was trained without classes"),
        ("sample --run RUN --label three --out x.npz", "class three"),
        ("sample --run RUN --label -1 --out x.npz", "class -1"),
        ("sample --run RUN --out nowhere/x.npz", "nowhere/x.npz"),
        ("export --run RUN --out nowhere/x.zip", "nowhere/x.zip"),
        ("export --run RUN --format samples --out nowhere/x", "nowhere/x"),
        ("export --run RUN --format keras --step 39 --out x.keras", "step 39"),
        ("export --run RUN --format samples --n 10001 --out x", "10001"),
        ("measure --run RUN --step 39", "step 39"),
        ("train --resume RUN", "is finished"),
    ],
)
def test_wrong_input_about_a_run_is_one_line_too(home, trained, run_id, tmp_path, capsys, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    refused(capsys, [*line.replace("RUN", run_id).split(), "--store", trained[0]], said)


def test_a_wrong_environment_is_one_line(home, capsys, monkeypatch):
    monkeypatch.setenv("GANOMETER_WORKER", "rocket")
    refused(capsys, ["runs"], "'rocket'")


def test_the_real_command_says_one_line_too():
    wrong = process("fly")
    out, err = wrong.communicate(timeout=60)
    assert (wrong.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("gan_core: error: ") and "'fly'" in err


def test_help_explains_and_is_no_error(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "--help"])
    assert end.value.code == 0 and "--preset" in capsys.readouterr().out


# ---------------------------------------------------------------- train, runs, and back and forth


def test_train_prints_one_json_value(trained):
    value = json.loads(trained[1])
    assert value.keys() == SUMMARY | {"energy_distance", "verdict"}
    assert (value["state"], value["step"], value["total_steps"], value["data"]) == ("finished", 40, 40, "digits")
    assert value["seconds"] > 0 and value["energy_distance"] > 0


def test_runs_lists_the_runs(say, run_id):
    (value,) = say("runs")
    assert value.keys() == SUMMARY | {"energy_distance", "verdict"}
    assert (value["run"], value["state"], value["step"]) == (run_id, "finished", 40)


def test_a_run_has_one_number_and_one_verdict_wherever_it_is_told(say, run_id):
    """Of the same step and n, measured again with every metric, the last digit is that of the training."""
    (listed,), report = say("runs"), say("measure", "--run", run_id)
    assert report["seed"] == 0 and report["metrics"]["energy_distance"]["value"] == listed["energy_distance"]
    assert {**report["verdict"], "step": 40} == listed["verdict"]
    other = say("measure", "--run", run_id, "--seed", "1", "--panel", "live")
    assert other["metrics"]["energy_distance"]["value"] != listed["energy_distance"]


def test_runs_in_words(home, trained, run_id, capsys):
    assert cli.main(["runs", "--store", trained[0]]) == 0
    assert run_id in capsys.readouterr().out
    assert cli.main(["runs"]) == 0  # the home's own store
    assert capsys.readouterr().out == "no runs yet\n"


def test_queued_runs_wait_for_a_worker(store, capsys):
    assert cli.main(["train", "--queue", "--steps", "7", "--seed", "3", "--data", "ring-8", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    run = store.runs.get(value["run"])
    assert (run.state, run.config.seed, run.total_steps, run.config.data.name) == ("queued", 3, 7, "ring-8")


@pytest.mark.parametrize(
    ("length", "seconds", "kind"),
    [
        ("--seconds 600", 600, "subpixel"),
        ("--set training.seconds=600", 600, "subpixel"),
        ("--seconds 60", 60, "mlp"),
        ("", None, "mlp"),
    ],
)
def test_the_time_there_is_decides_what_auto_is(store, capsys, length, seconds, kind):
    """However it is given; the data need not be there yet."""
    assert cli.main(["train", "--queue", "--data", "mnist", *length.split(), "--json"]) == 0
    config = store.runs.get(json.loads(capsys.readouterr().out)["run"]).config
    assert config == preset("auto", data="mnist", shape=(28, 28, 1), seconds=seconds)
    assert (config.training.seconds, config.generator.architecture) == (seconds, kind)


def test_a_trial_decides_how_many_steps_fit_into_the_seconds(store, capsys):
    assert cli.main(["train", "--seconds", "1", *TINY, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    config = store.runs.get(value["run"]).config
    assert (value["state"], config.training.seconds) == ("finished", 1)
    assert 0 < value["step"] == value["total_steps"] == config.training.steps != 12_000


def test_a_class_needs_data_with_classes(store, capsys):
    """Somebody's points without labels are all of one class."""
    points = np.random.default_rng(5).standard_normal((300, 2))
    data = "\n".join(["x,y", *(f"{x:.6f},{y:.6f}" for x, y in points)]).encode()
    dataset = uploads.dataset_from_upload(uploads.read_upload(data, "points.csv"), "points")
    name = upload_name(dataset.sha256)
    store.datasets.put(replace(dataset.info(), name=name), datasets.dataset_to_bytes(dataset))
    arguments = ["train", "--data", name, "--set", "data.conditional=true"]
    refused(capsys, arguments, "2 to 64 labelled classes", "this data set has 1")
    assert store.runs.all() == []


def test_a_run_that_is_told_of_classes_draws_the_one_you_ask_for(store, tmp_path, capsys):
    assert cli.main(["train", "--steps", "20", *TINY, "--set", "data.conditional=true", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert (run["state"], run["step"]) == ("finished", 20)
    found = {}
    for label in ([], ["--label", "3"], ["--label", "4"]):
        out = str(tmp_path / "x.npz")
        assert cli.main(["sample", "--run", run["run"], "--n", "6", *label, "--out", out, "--json"]) == 0
        with np.load(out) as file:
            found[" ".join(label)] = file["x"]
    assert {x.shape for x in found.values()} == {(6, 8, 8, 1)}
    assert len({x.tobytes() for x in found.values()}) == 3  # the same latents, and another class
    capsys.readouterr()
    wrong = ["sample", "--run", run["run"], "--label", "10", "--out", str(tmp_path / "no.npz")]
    refused(capsys, wrong, "class 10", "it knows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9")
    assert not (tmp_path / "no.npz").exists()


def test_a_class_is_asked_for_by_the_name_it_has_in_the_file(store, home, tmp_path, capsys):
    file, x = io.BytesIO(), np.random.default_rng(6).standard_normal((300, 2))
    np.savez(file, x=x, y=np.array(["cat", "dog"])[np.arange(300) % 2])
    upload = uploads.read_upload(file.getvalue(), "pets.npz")
    dataset = uploads.dataset_from_upload(upload, "pets")
    name = upload_name(dataset.sha256)
    store.datasets.put(replace(dataset.info(), name=name), datasets.dataset_to_bytes(dataset))
    store.datasets.add_owner(name, "", "pets.npz", upload.names)
    settings = ["--data", name, "--steps", "5", *TINY, "--set", "data.conditional=true", "--json"]
    assert cli.main(["train", *settings]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run["name"].startswith("pets.npz · auto · 5 steps") and run["state"] == "finished"
    found = []
    for label in ("dog", "1", "cat"):
        out = str(tmp_path / f"{label}.npz")
        assert cli.main(["sample", "--run", run["run"], "--n", "6", "--label", label, "--out", out]) == 0
        with np.load(out) as samples:
            found.append(samples["x"].tobytes())
    assert found[0] == found[1] != found[2]
    capsys.readouterr()
    wrong = ["sample", "--run", run["run"], "--label", "emu", "--out", str(tmp_path / "no.npz")]
    refused(capsys, wrong, "class emu", "it knows cat, dog")


def test_a_run_travels_and_goes(say, run_id, tmp_path):
    there = str(tmp_path / "run.zip")
    about = say("export", "--run", run_id, "--out", there)
    assert about == {"run": run_id, "out": there, "bytes": Path(there).stat().st_size}
    copy = say("import", there)
    assert copy["run"] != run_id and (copy["state"], copy["step"]) == ("finished", 40)
    assert say("delete", "--run", copy["run"]) == {"run": copy["run"], "deleted": True}
    assert [run["run"] for run in say("runs")] == [run_id]


def test_a_report_is_one_page_of_html(say, run_id, tmp_path):
    out = tmp_path / "report.html"
    about = say("report", "--run", run_id, "--out", str(out))
    assert about == {"runs": [run_id], "out": str(out), "bytes": out.stat().st_size}
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and run_id in page and "How to reproduce it" in page


def test_a_generator_travels_with_a_script_that_makes_the_apps_own_samples(say, run_id, tmp_path):
    """The script runs where nothing of ours can be imported: in its own folder, without the paths of this process."""
    out = tmp_path / "digits.keras"
    about = say("export", "--run", run_id, "--format", "keras", "--out", str(out))
    assert about["files"] == [str(out), str(tmp_path / "digits.py")] and about["format"] == "keras"
    ours = tmp_path / "ours.png"
    say("sample", "--run", run_id, "--n", "10", "--seed", "4", "--out", str(ours))
    made = [sys.executable, "-P", "digits.py", "--n", "10", "--seed", "4", "--out", "theirs.png"]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(made, cwd=tmp_path, env=clean, check=True, capture_output=True, timeout=120)
    theirs = np.asarray(Image.open(tmp_path / "theirs.png"), int)
    pixels = np.asarray(Image.open(ours).convert("LA"), int)[::3, ::3]
    assert theirs.shape == pixels.shape[:2] == (16, 64)
    assert np.abs(theirs - pixels[..., 0])[pixels[..., 1] > 0].max() <= 1 and np.ptp(theirs) > 30


@pytest.mark.parametrize(
    ("format", "names"),
    [
        ("tensorboard", ["events.out.tfevents.0.ganometer"]),
        ("samples", ["samples.npz", *(f"images/{i:04}.png" for i in range(5))]),
        ("onnx", ["generator.onnx", "sample.py"]),
    ],
)
def test_other_formats_go_into_a_folder_or_a_zip(say, run_id, tmp_path, format, names):
    if format == "onnx":
        pytest.importorskip("tf2onnx", reason="requirements-onnx.txt is not installed")
    more = ["--n", "5"] if format == "samples" else []
    about = say("export", "--run", run_id, "--format", format, *more, "--out", str(tmp_path / "there"))
    assert about["files"] == [str(tmp_path / "there" / name) for name in names]
    assert about["bytes"] == sum(Path(file).stat().st_size for file in about["files"]) > 0
    zipped = tmp_path / "all.zip"
    assert say("export", "--run", run_id, "--format", format, *more, "--out", str(zipped))["files"] == [str(zipped)]
    with zipfile.ZipFile(zipped) as archive:
        assert archive.namelist() == names


def test_samples_are_floats_between_0_and_1(say, run_id, tmp_path):
    out = str(tmp_path / "x.npz")
    assert say("sample", "--run", run_id, "--n", "9", "--seed", "4", "--out", out) == {
        "run": run_id,
        "n": 9,
        "out": out,
    }
    with np.load(out) as file:
        x = file["x"]
    assert x.shape == (9, 8, 8, 1) and x.dtype == np.float32 and 0 <= x.min() < x.max() <= 1
    say("sample", "--run", run_id, "--n", "9", "--seed", "4", "--step", "40", "--out", str(tmp_path / "again.npz"))
    with np.load(tmp_path / "again.npz") as file:
        assert np.array_equal(file["x"], x)


def test_samples_as_a_picture(say, run_id, tmp_path):
    say("sample", "--run", run_id, "--n", "9", "--out", str(tmp_path / "x.png"))
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (8 * 8 * 3, 2 * 8 * 3)


# ---------------------------------------------------------------- measure


def energy(real: np.ndarray, fake: np.ndarray) -> float:
    """Szekely and Rizzo: twice the mean distance across, less the mean distances within (unbiased)."""
    return 2 * cdist(real, fake).mean() - pdist(real).mean() - pdist(fake).mean()


def measured(capsys, *arguments: str) -> dict:
    assert cli.main(["measure", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_measuring_two_files(arrays, capsys):
    value = measured(capsys, "--real", arrays / "a.npy", "--fake", arrays / "b.npy", "--k", "3", "--panel", "live")
    assert (value["n_real"], value["n_fake"], value["k"], value["space"]) == (30, 30, 3, "pixels")
    found = value["metrics"]["energy_distance"]
    assert found.keys() >= {"value", "reference_mean", "reference_sd", "z", "p", "seconds"}
    assert found["value"] == pytest.approx(energy(np.load(arrays / "a.npy"), np.load(arrays / "b.npy")), rel=1e-4)
    assert found["reference_mean"] is None


def test_with_a_reference_all_three_are_measured_at_the_number_of_the_fewest(tmp_path, capsys):
    rng = np.random.default_rng(0)
    options = []
    for name, n in (("real", 120), ("fake", 90), ("reference", 200)):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((n, 3)))
        options += [f"--{name}", tmp_path / f"{name}.npy"]
    value = measured(capsys, *options)
    assert (value["n_real"], value["n_fake"]) == (90, 90)
    assert abs(value["metrics"]["energy_distance"]["z"]) < 5


def test_a_reference_file_says_what_real_samples_give(arrays, capsys):
    value = measured(
        capsys,
        "--real",
        arrays / "a.npy",
        "--fake",
        arrays / "b.npy",
        "--reference",
        arrays / "pool.npy",
        "--space",
        "pixels",
    )
    found = value["metrics"]["energy_distance"]
    z = (found["value"] - found["reference_mean"]) / found["reference_sd"]
    assert abs(found["reference_mean"]) < found["value"] and found["z"] == pytest.approx(z) and z > 3


def test_npz_files_name_their_samples_x_or_hold_nothing_else(arrays, capsys):
    plain = measured(capsys, "--real", arrays / "a.npy", "--fake", arrays / "b.npy")
    packed = measured(capsys, "--real", arrays / "x.npz", "--fake", arrays / "only.npz")
    assert {n: m["value"] for n, m in plain["metrics"].items()} == {n: m["value"] for n, m in packed["metrics"].items()}


def test_bytes_are_read_as_shares_of_255(arrays, capsys):
    value = measured(capsys, "--real", arrays / "images.npy", "--fake", arrays / "bytes.npy")
    assert abs(value["metrics"]["energy_distance"]["value"]) < 0.2  # in the units of 0..1, not of 0..255
    spread = pdist(np.load(arrays / "images.npy").reshape(30, -1)).mean()
    assert value["metrics"]["mean_fake_fake"]["value"] == pytest.approx(spread, rel=0.02)


def test_measuring_a_run(say, run_id):
    value = say("measure", "--run", run_id, "--n", "80")
    assert (value["n_real"], value["n_fake"], value["status"]) == (80, 80, "measured")
    found = value["metrics"]["energy_distance"]
    assert found["reference_mean"] is not None and found["z"] > 3  # 40 steps make no digits


@pytest.mark.parametrize("space", ["pca64", "classifier"])
def test_a_run_is_measured_in_another_space_with_every_metric(say, run_id, space):
    value = say("measure", "--run", run_id, "--n", "80", "--space", space, "--panel", "full")
    assert (value["space"], value["panel"], value["k"]) == (space, "full", 5)
    lacking = {name for name, metric in value["metrics"].items() if metric["value"] is None}
    assert lacking == {"modes_captured", "high_quality_share"}
    assert all(metric["reference_mean"] is not None for name, metric in value["metrics"].items() if name not in lacking)
    assert {"copies", "prd", "classes"} <= set(value["details"])
    assert say("measure", "--run", run_id, "--n", "80", "--space", space)["metrics"].keys() == METRICS.keys()


def test_every_metric_has_its_name_whatever_is_missing(arrays, capsys):
    value = measured(capsys, "--real", arrays / "a.npy", "--fake", arrays / "b.npy")
    assert set(value["metrics"]) == set(METRICS)
    assert value["metrics"]["dcr_share"]["value"] is None
    assert value["metrics"]["dcr_share"]["needs"] == "train and holdout"
    assert all(m["reference_mean"] is m["z"] is None for m in value["metrics"].values())


def test_training_data_and_held_out_data_tell_copies(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = {name: rng.random((60, 4, 4, 1), dtype=np.float32) for name in ("real", "train", "holdout", "new")}
    x["copies"] = x["train"][::-1].reshape(60, 16)  # rows of their pixels are the same pictures
    options = []
    for name, array in x.items():
        np.save(tmp_path / f"{name}.npy", array)
        if name in ("real", "train", "holdout"):
            options += [f"--{name}", tmp_path / f"{name}.npy"]
    new, copies = (
        measured(capsys, *options, "--fake", tmp_path / f"{name}.npy")["metrics"] for name in ("new", "copies")
    )
    assert copies["dcr_share"]["value"] == copies["copy_share"]["value"] == 1
    assert copies["authenticity"]["value"] == 0
    assert abs(new["dcr_share"]["value"] - 0.5) < 4 * new["dcr_share"]["parameters"]["standard_error"]
    assert new["parzen_log_likelihood"]["value"] is not None


def test_principal_components_of_two_files_keep_the_distances_they_can_hold(arrays, capsys):
    files = "--real", arrays / "a.npy", "--fake", arrays / "b.npy"
    plain, turned = measured(capsys, *files), measured(capsys, *files, "--space", "pca64")
    assert turned["space"] == "pca64"
    assert turned["metrics"]["energy_distance"]["value"] == pytest.approx(
        plain["metrics"]["energy_distance"]["value"], rel=1e-9
    )


# ---------------------------------------------------------------- Ctrl-C, failure, and going on


def stored(url: str, condition, seconds: float = 60):
    """What `condition` finds in the store, as soon as it finds anything."""
    store, end = Store(url), time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if found := condition(store):
                return found
            time.sleep(0.02)
    finally:
        store.close()
    pytest.fail(f"it did not happen within {seconds:.0f} s")


def test_ctrl_c_stops_and_keeps_everything_and_resume_goes_on(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    here = dict(GANOMETER_HOME=str(tmp_path))
    training = process("train", "--steps", "1000000", *TINY, "--store", url, "--json", **here)
    stored(url, lambda store: [run for run in store.runs.all() if run.step])
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=30)
    assert training.returncode == 130, err
    first = json.loads(out)
    assert first["state"] == "stopped" and "Traceback" not in err
    run = stored(url, lambda store: store.runs.get(first["run"]))
    assert run.step == first["step"] > 0 and run.worker is None
    assert stored(url, lambda store: store.recordings.checkpoint(run.id))[0] == run.step
    assert stored(url, lambda store: store.recordings.snapshot_steps(run.id))[0] == 0

    moved = f"sqlite:///{tmp_path / 'moved.sqlite'}"  # and goes on elsewhere, from a bundle
    for arguments in (
        ["export", "--run", run.id, "--out", str(tmp_path / "run.zip"), "--store", url],
        ["import", str(tmp_path / "run.zip"), "--store", moved],
    ):
        assert cli.main(arguments) == 0
    training = process("train", "--resume", run.id, "--store", moved, "--json", **here)
    stored(moved, lambda store: store.runs.get(run.id).step > run.step)
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=30)
    assert training.returncode == 130, err
    assert json.loads(out)["run"] == run.id and json.loads(out)["step"] > run.step


# ---------------------------------------------------------------- workers that died, here and elsewhere


def at_work(store, *, pid: int, host: str = machine.HOST, silent: float = 0.0) -> str:
    """The id of a run that a worker with this process number has, which was last heard of so many seconds ago."""
    run_id = store.runs.create(preset("auto", data="digits"), worker_id="w1")
    store.workers.report("w1", host=host, pid=pid, phase="run", memory=0, versions={})
    with store.database.writing() as db:
        for table in (tables.runs, tables.workers):
            db.execute(table.update().values(heartbeat=table.c.heartbeat - silent))
    return run_id


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ("train --resume RUN --queue", "state", "queued"),
        ("delete --run RUN", "deleted", True),
        ("export --run RUN --out run.zip", "run", "RUN"),
    ],
)
def test_a_run_whose_process_died_is_free_for_every_command(store, tmp_path, capsys, monkeypatch, line, key, said):
    monkeypatch.chdir(tmp_path)
    run_id = at_work(store, pid=dead_process())
    assert cli.main([*line.replace("RUN", run_id).split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[key] == (run_id if said == "RUN" else said)
    assert cli.main(["runs", "--json"]) == 0
    assert "running" not in [run["state"] for run in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize("line", ["train --resume RUN --json", "train --resume RUN --queue", "delete --run RUN"])
def test_a_run_of_a_worker_elsewhere_is_refused_until_its_lease_is_over(store, capsys, line):
    run_id = at_work(store, pid=dead_process(), host="elsewhere", silent=12)
    arguments = line.replace("RUN", run_id).split()
    refused(capsys, arguments, f"run {run_id} is running", "on host elsewhere", "12 s ago", "try again in 18 s")
    assert store.commands.waiting(run_id) == []


def test_a_run_is_free_once_the_lease_of_its_worker_elsewhere_is_over(store, capsys):
    run_id = at_work(store, pid=dead_process(), host="elsewhere", silent=31)
    assert cli.main(["train", "--resume", run_id, "--queue", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "queued"


def test_a_run_of_a_living_process_is_refused_and_left_alone(store, capsys):
    """Also a paused one, which the process would go on with if it were told to resume."""
    run_id = at_work(store, pid=os.getpid())
    store.progress.commit(run_id, "w1", 1, Commit(state="paused", step=10, seconds=1.0))
    refused(capsys, ["train", "--resume", run_id], "is paused", f"process {os.getpid()} on host {machine.HOST}")
    assert store.commands.waiting(run_id) == [] and store.runs.get(run_id).worker == "w1"


@pytest.mark.slow
def test_of_two_who_resume_a_run_at_once_one_trains_it(store, tmp_path):
    run_id = at_work(store, pid=dead_process())
    both = [process("train", "--resume", run_id, "--json") for _ in range(2)]
    try:
        stored(store.database.shown, lambda store: store.runs.get(run_id).step)
        codes = [one.poll() for one in both]
        assert sorted(codes, key=str) == [2, None]
        assert f"run {run_id} is running: process" in both[codes.index(2)].stderr.read()
    finally:
        for one in both:
            one.kill()
            one.communicate()


@pytest.mark.slow
def test_a_machine_too_slow_for_convolutions_trains_dense_layers_in_a_new_process(tmp_path, upload_noise):
    """`auto` in 400 s, with batches so large that 8,000 steps of convolutions cannot be taken in them."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    name = stored(url, upload_noise)
    large = ["--data", name, "--seconds", "400", "--set", "training.batch=512"]
    training = process("train", *large, "--store", url, "--json", GANOMETER_HOME=str(tmp_path))
    stored(url, lambda store: [run for run in store.runs.all() if run.step], 120)
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=60)
    assert training.returncode == 130, err
    run = stored(url, lambda store: store.runs.get(json.loads(out)["run"]))
    assert run.state == "stopped" and run.config.generator.architecture == "mlp"
    assert ("beginning afresh" in err) is (cpu_threads.cores() > 1)


def test_a_branch_is_trained_here_or_queued(trained, run_id, say, capsys, home):
    made = say("fork", "--run", run_id, "--step", "40", "--set", "training.steps=60", "--set", "objective.r1=2")
    assert (made["state"], made["step"], made["total_steps"]) == ("finished", 60, 60) and made["run"] != run_id
    store = Store(trained[0])
    run = store.runs.get(made["run"])
    assert (run.parent_id, run.parent_step, run.config.objective.r1) == (run_id, 40, 2.0)
    queued = say("fork", "--run", run_id, "--step", "0", "--set", "training.steps=60", "--queue")
    assert queued["state"] == "queued" and store.runs.get(queued["run"]).step == 0
    for run in (made["run"], queued["run"]):
        store.runs.delete(run)
    store.close()
    where = ["--store", trained[0]]
    refused(capsys, ["fork", "--run", run_id, "--step", "3", *where], "keeps nothing of step 3", "40")
    refused(capsys, ["fork", "--run", run_id, "--step", "40", "--set", "seed=2", *where], "seed is fixed")
    refused(capsys, ["fork", "--run", run_id, "--step", "40", "--set", "seed", *where], "'seed' has no value")


@pytest.mark.slow
def test_ctrl_c_before_the_first_step_stops_too(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    training = process("train", "--steps", "1000000", *TINY, "--store", url, "--json", GANOMETER_HOME=str(tmp_path))
    stored(url, lambda store: store.workers.all())  # still importing TensorFlow
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=60)
    assert training.returncode == 130, err
    assert (json.loads(out)["state"], json.loads(out)["step"]) == ("stopped", 0)


def test_a_run_that_is_interrupted_is_exit_code_1(store, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GANOMETER_DATA", str(tmp_path))
    (tmp_path / "mnist.npz").write_bytes(b"no archive")
    assert cli.main(["train", "--data", "mnist", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["state"] == "interrupted" and "mnist.npz" in value["error"]
    assert store.runs.get(value["run"]).state == "interrupted"


@pytest.mark.parametrize("wrong", [("--run", "nope1234"), ("--step", "7"), ("--n", "10001")])
def test_a_mistake_stands_alone_on_standard_error(trained, run_id, tmp_path, wrong):
    """In a process of its own: TensorFlow greets from C++, where no test of this process would see it."""
    options = {"--run": run_id, "--out": str(tmp_path / "x.npz"), "--store": trained[0]} | dict([wrong])
    child = process("sample", *(word for pair in options.items() for word in pair))
    _, said = child.communicate(timeout=60)
    assert child.returncode == 2 and said.count("\n") == 1 and wrong[1] in said


# ---------------------------------------------------------------- faults of the machine


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"GANOMETER_HOME": "FILE", "TMPDIR": "FILE"}, "cannot be written"),
        ({"GANOMETER_HOME": "~nobody-has-this-name"}, "names no folder"),
        ({"GANOMETER_STORE": "sqlite:///FILE/store.sqlite"}, "cannot be opened"),
        ({"GANOMETER_STORE": "sqlite:///FILE"}, "refused"),
        ({"GANOMETER_LIMITS": "steps=many"}, "GANOMETER_LIMITS"),
        ({"GANOMETER_WORKER": "\udcff"}, "GANOMETER_WORKER"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_fault_of_the_machine_is_one_line(home, tmp_path, monkeypatch, capsys, environment, said):
    file = tmp_path / "file"
    file.write_text("this is no database, and no folder either" * 100)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("FILE", str(file)))
    if "TMPDIR" in environment:
        monkeypatch.setattr("tempfile.tempdir", str(file))
    assert cli.main(["runs"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and said in err


def test_what_nobody_foresaw_is_one_line_too(home, monkeypatch, capsys):
    def broken(*_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("gan_core.service.runs.RunService.listed", broken)
    assert cli.main(["runs"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "ZeroDivisionError: by zero (in test_cli.py, line " in err
