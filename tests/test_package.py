"""The package: what it declares is what the tree says, and a wheel of it works in an environment without the tree."""

import json
import os
import re
import subprocess
import tomllib
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import gan_core

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def run(installed, tmp_path):
    """`run(*arguments)`: what `ganometer` prints, called in an empty folder with a home of its own."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("GANOMETER_", "PYTHON"))}
    environ |= {"GANOMETER_HOME": str(tmp_path / "home"), "TF_CPP_MIN_LOG_LEVEL": "3"}

    def call(*arguments: str, command: str = "ganometer") -> str:
        line = [installed / command, *arguments]
        done = subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


# ---------------------------------------------------------------- what it declares


def test_the_same_pythons_are_declared_checked_and_tested():
    """By the package, by the Makefile before it prepares .venv, and by the public CI."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    listed = re.search(r"^ +python: \[(.*)\]$", workflow, re.MULTILINE)[1]
    tested = re.findall(r'"(3\.\d+)"', listed)
    classified = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if ":: Python :: 3." in c]
    low, high = re.search(r"\((3, \d+)\) <= tuple\(v\[:2\]\) <= \((3, \d+)\)", makefile).groups()
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert tested == classified == [f"3.{minor}" for minor in range(20) if f"3.{minor}" in allowed]
    assert [low, high] == [version.replace(".", ", ") for version in (tested[0], tested[-1])]


def test_editors_and_the_interpreter_see_the_same_names():
    """Each name of the public door can be had, and nothing else is listed."""
    assert [name for name in gan_core.__all__ if getattr(gan_core, name, None) is None] == []
    assert {*gan_core.__all__} <= {*dir(gan_core)}
    with pytest.raises(AttributeError, match="nothing_like_it"):
        gan_core.nothing_like_it  # noqa: B018


# ---------------------------------------------------------------- a wheel of it


@pytest.mark.slow
def test_a_wheel_requires_what_requirements_txt_lists(run):
    ask = "from importlib.metadata import metadata; print(metadata('ganometer'))"
    about = Parser().parsestr(run("-c", ask, command="python"))
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines())
    assert {Requirement(text) for text in about.get_all("Requires-Dist")} == {
        Requirement(line) for line in lines if line and not line.startswith("-")
    }
    assert about["Version"] == gan_core.__version__


@pytest.mark.slow
def test_an_installed_package_takes_nothing_from_the_checkout(run):
    ask = "import gan_core, gan_core.cli, sys, json; print(json.dumps([gan_core.__file__, *sys.path]))"
    paths = [Path(path) for path in json.loads(run("-c", ask, command="python"))]
    assert [path for path in paths if path == ROOT or ROOT in path.parents and ".venv" not in path.parts] == []


@pytest.mark.slow
def test_an_installed_package_trains_and_measures(run, tmp_path):
    assert run("--version") == f"ganometer {gan_core.__version__}\n"
    assert run("-m", "gan_core", "--version", command="python") == f"ganometer {gan_core.__version__}\n"

    trained = json.loads(run("train", "--data", "digits", "--steps", "60", "--json"))
    assert (trained["state"], trained["step"], trained["data"]) == ("finished", 60, "digits")
    assert 0 < trained["energy_distance"] < 10
    assert [each["run"] for each in json.loads(run("runs", "--json"))] == [trained["run"]]

    draw = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", draw.normal(size=(300, 2)))
    np.save(tmp_path / "fake.npy", draw.normal(size=(300, 2)) + [5.0, 0.0])
    measured = json.loads(run("measure", "--real", "real.npy", "--fake", "fake.npy", "--json"))
    # Means that lie 5 apart: 2 E|x - y| - E|x - x'| - E|y - y'| = 2 * 5.2 - 2 * sqrt(pi), within 5 %.
    assert measured["metrics"]["energy_distance"]["value"] == pytest.approx(10.41 - 3.545, rel=0.05)
