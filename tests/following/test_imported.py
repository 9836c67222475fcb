"""import-log: a training that is over, from what it has left in files."""

import json

import numpy as np
import pytest

from gan_core.cli import main
from gan_core.codec import to_unit
from gan_core.data import datasets
from gan_core.service.lab import Lab
from gan_core.settings import Settings

TEST = datasets.load("digits").test.x


@pytest.fixture
def files(tmp_path):
    """A folder with a table and samples of 60 steps, of which the last are digits."""
    folder = tmp_path / "samples"
    folder.mkdir()
    noise = np.random.default_rng(0).random((60, 8, 8, 1))
    for step in range(0, 600, 10):
        made = to_unit(TEST[:60]) if step > 300 else noise
        np.save(folder / f"step_{step:06}.npy", made * 2 - 1)
    (tmp_path / "log.csv").write_text("step,loss_g,fid\n0,1.5,9\n590,0.5,3\n700,0.25,\n")
    return tmp_path


def said(capsys, *arguments):
    code = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_files_become_a_run_with_curves_samples_and_distances(files, capsys):
    url = f"sqlite:///{files / 'store.sqlite'}"
    about = ("--name", "old one", "--real", "digits", "--rows", 50, "--seed", 2, "--store", url, "--json")
    code, out, _ = said(
        capsys, "import-log", "--csv", files / "log.csv", "--samples", files / "samples", "--scale=-1..1", *about
    )
    told = json.loads(out)
    assert code == 0
    assert (told["kind"], told["state"], told["step"], told["preset"]) == ("followed", "finished", 700, None)
    lab = Lab(Settings(files, url, None, "none"))
    run = lab.runs.get(told["run"])
    steps, curves = lab.results.snapshot_steps(run), lab.results.curves(run).curves
    assert len(steps) == 48 and (steps[0], steps[-1]) == (0, 590)
    assert curves["loss/loss_g"][1].tolist() == [1.5, 0.5, 0.25] and curves["metric/fid"][0].tolist() == [0, 590]
    np.testing.assert_array_equal(lab.results.snapshot(run).samples, TEST[:60])
    early, late = (lab.results.measured(run)[step].metrics["energy_distance"].value for step in (steps[0], steps[-1]))
    assert late < 0.2 < early and run.config.seed == 2
    lab.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--real", "digits"], "needs --tensorboard DIR, --csv FILE or --samples DIR"),
        (["--real", "nothing", "--csv", "{}/log.csv"], "no data set"),
        (["--real", "digits", "--csv", "{}/none.csv"], "cannot be read"),
        (["--real", "digits", "--samples", "{}/samples", "--scale", "0..255"], "which is not 0..255"),
        (["--real", "digits", "--tensorboard", "{}"], "holds no event files"),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_no_run(files, capsys, arguments, words):
    url = f"sqlite:///{files / 'store.sqlite'}"
    filled = [argument.format(files) for argument in arguments]
    code, out, err = said(capsys, "import-log", "--name", "x", "--store", url, *filled)
    assert (code, out) == (2, "") and words in err and len(err.strip().splitlines()) == 1
    assert said(capsys, "runs", "--store", url)[1] == "no runs yet\n"
