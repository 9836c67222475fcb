"""The README is true: its tree, targets, presets, variables, commands and limits are held against the code."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from gan_core import cli, settings
from gan_core.config import presets, rules, run_config, sections
from gan_core.data import datasets, safe_archives, uploads

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMPARED = (ROOT / "docs" / "compared.md").read_text(encoding="utf-8")
OURS = ("ui", "gan_core")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """The text below a heading, up to the next one of the same rank."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def commands() -> dict:
    """Each command of the command line with its parser."""
    return next(action.choices for action in cli._parser()._actions if isinstance(action.choices, dict))


def options(parser) -> set[str]:
    """The long options that a parser offers and shows."""
    shown = [action for action in parser._actions if action.help != "==SUPPRESS=="]
    return {text for action in shown for text in action.option_strings if text.startswith("--")}


# ---------------------------------------------------------------- files


def test_the_table_of_wings_names_every_folder_of_code():
    named = set(re.findall(r"`([a-z_/.]+)`", " ".join(row[0] for row in rows(section("The wings")))))
    packages = {file.parent.relative_to(ROOT).as_posix() for top in OURS for file in (ROOT / top).rglob("__init__.py")}
    assert {name.rstrip("/") for name in named} == packages - {"gan_core", "ui"} | {
        "app.py",
        "pages",
        "benchmarks",
        "tests",
    }


@pytest.mark.parametrize("top", ["gan_core", "ui"])
def test_every_module_says_in_its_first_line_what_it_does(top):
    silent = [file for file in (ROOT / top).rglob("*.py") if not ast.get_docstring(ast.parse(file.read_text("utf-8")))]
    assert silent == []


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\((?!https?://|#)([^)]+)\)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_pictures_are_light_enough_for_a_slow_line():
    pictures = {ROOT / link for link in re.findall(r"\]\(([^)]+\.png)\)", README)}
    assert pictures == set((ROOT / "docs").rglob("*.png"))
    assert {p.name: p.stat().st_size for p in pictures if p.stat().st_size > 200_000} == {}


# ---------------------------------------------------------------- what one can type


def test_make_targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert [row[0] for row in rows(section("Start"))] == [f"`make {target}`" for target in targets]
    used = re.findall(r"make ([a-z-]+)(?: |`|$)", "\n".join(re.findall(r"`make [^`]+`", README)))
    assert set(used) <= set(targets)
    assert re.search(r"^PORT +\?= 8501$", makefile, re.MULTILINE), "the README says 8501"


def test_every_command_and_option_is_listed():
    table = rows(section("Command line"))
    assert [name.strip("`") for name, _, _ in table] == list(commands())
    everywhere = {"--help", "--store", "--json"}
    for name, _, listed in table:
        parser = commands()[name.strip("`")]
        assert everywhere <= options(parser)
        assert set(re.findall(r"--[a-z]+", listed)) == options(parser) - everywhere, name


@pytest.mark.parametrize("line", FENCE.search(section("Command line"))[2].splitlines(), ids=lambda line: line[19:])
def test_examples_are_understood(line):
    python, dash, package, *arguments = shlex.split(line)
    assert (python, dash, package) == ("python", "-m", "gan_core")
    parsed = cli._parser().parse_args(arguments)
    assert parsed.command == arguments[0]
    if parsed.command == "train" and not parsed.resume:
        assert parsed.data in datasets.OPTIONS
        base = presets.preset(parsed.preset or "auto", data=parsed.data, shape=datasets.OPTIONS[parsed.data].shape)
        run_config.override(base, dict(text.split("=") for text in parsed.set))  # raises for a key or value that is not


def test_benchmarks_it_tells_to_run_exist():
    told = set(re.findall(r"-m benchmarks\.(\w+)", README))
    told_here = "first_minute dashboard pages distances screenshots quality claim replay train"
    assert told == set(told_here.split())
    for name in told:
        source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert f"python -m benchmarks.{name}" in ast.get_docstring(ast.parse(source))


# ---------------------------------------------------------------- beside other tools


def compared() -> dict[tuple[str, str], str]:
    """(tool, row) -> yes, part or no."""
    head, *_ = (line for line in section("Beside other tools").splitlines() if line.startswith("|"))
    tools = [cell.strip() for cell in head.strip("|").split("|")[1:]]
    return {
        (tool, row[0]): cell.strip("*")
        for row in rows(section("Beside other tools"))
        for tool, cell in zip(tools, row[1:], strict=True)
    }


def test_every_cell_of_the_comparison_has_its_evidence():
    evidence, absent = {}, set()
    for part in re.split(r"^## ", COMPARED, flags=re.MULTILINE)[1:]:
        tool = part.splitlines()[0]
        for row, cell, why in rows(part):
            assert why, f"{tool}, {row}: nothing shows it"
            evidence[tool, row] = cell
        if "\n**No** elsewhere: " in part:
            absent.add(tool)
    cells = compared()
    assert set(cells.values()) == {"yes", "part", "no"}
    assert evidence == {key: cell for key, cell in cells.items() if cell != "no"}
    assert absent == {tool for (tool, _), cell in cells.items() if cell == "no"}


def test_what_it_says_of_this_app_is_shown_by_tests_that_exist():
    ours = re.search(r"^## Ganometer\n(.*?)^## ", COMPARED, re.MULTILINE | re.DOTALL)[1]
    shown = [re.findall(r"`(tests/\S+\.py)::(\w+)`", why) for _, _, why in rows(ours)]
    assert all(shown), "a row without a test"
    for file, name in {test for tests in shown for test in tests}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
    for path in re.findall(r"`((?:ui|pages|gan_core)/\S+)`", ours):
        assert (ROOT / path).exists(), path


# ---------------------------------------------------------------- names and limits


def test_presets_and_data_sets():
    listed = rows(section("Recipes"))
    assert [row[0] for row in listed] == [f"`{name}`" for name in presets.PRESETS]
    assert [row[1] for row in listed] == list(presets.PRESETS.values())
    assert all("arxiv.org/abs/" in source for _, _, source in listed)
    sentence = re.search(r"The built-in data sets are (.*?)\.", section("Recipes"))[1]
    assert re.findall(r"`(.+?)`", sentence) == list(datasets.OPTIONS)


def test_losses_and_when_auto_takes_convolutions():
    text = " ".join(section("Recipes").split())
    games, others = re.search(
        r"`objective.loss` is one of the games (.*?), or, without a discriminator, (.*?)\.", text
    ).groups()
    assert re.findall(r"`(.+?)`", games) == list(sections.ADVERSARIAL_LOSSES)
    assert re.findall(r"`(.+?)`", others) == list(rules.WITHOUT_DISCRIMINATOR)
    side, seconds = (int(x) for x in re.search(r"images from (\d+) × \d+ when at least (\d+) seconds", text).groups())

    def convolves(side, seconds):
        return presets.preset("auto", shape=(side, side, 1), seconds=seconds).generator.architecture != "mlp"

    assert convolves(side, seconds) and not convolves(side - 1, seconds) and not convolves(side, seconds - 1)
    assert re.search(r"need 2 to (\d+) labelled classes", text)[1] == str(rules.MOST_CLASSES)


def test_environment_variables():
    table = {row[0].strip("`"): row for row in rows(section("Where things are kept"))}
    source = Path(settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'environ\.get\("(GANOMETER_\w+)"', source))
    assert set(table) == read
    assert set(re.findall(r"GANOMETER_\w+", README)) == read
    assert re.findall(r"`(.+?)`", table["GANOMETER_WORKER"][2]) == list(settings.WORKER_MODES)


def test_defaults_of_the_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(section("Where things are kept"))}
    place = settings.settings_from_environment({})
    assert place.home == Path(table["GANOMETER_HOME"]).expanduser() == tmp_path / ".ganometer"
    assert place.store_url.startswith(f"sqlite:///{place.home}")
    assert place.worker == table["GANOMETER_WORKER"]


def test_limits_of_uploads():
    text = " ".join(section("Your own data").split())
    megabytes, unpacked = re.search(r"at most (\d+) MB and unpacks to at most (\d+) MB", text).groups()
    most, least = re.search(r"at most ([\d,]+) samples, and at least (\d+) different", text).groups()
    columns = re.search(r"up to (\d+) numbers are points", text)[1]
    low, high = re.search(r"a side of (\d+) to (\d+) pixels", text).groups()
    assert int(megabytes) * 2**20 == uploads.MAX_UPLOAD_BYTES
    assert int(unpacked) * 2**20 == safe_archives.MAX_DECOMPRESSED_BYTES
    assert (int(most.replace(",", "")), int(least)) == (uploads.MAX_ROWS, uploads.MIN_ROWS)
    assert int(columns) == uploads.MAX_DIMENSIONS
    assert (int(low), int(high)) == (uploads.SIZES[0], uploads.SIZES[-1])
    config_toml = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert f"maxUploadSize = {megabytes}\n" in config_toml
