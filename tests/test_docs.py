"""README and docs/ are true: their tables of targets, presets, variables, commands and limits are held against the
code, and every link leads somewhere."""

import ast
import functools
import itertools
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import gan_core
from gan_core import settings
from gan_core.cli.parser import make_parser
from gan_core.config import presets, rules, run_config, sections
from gan_core.data import datasets, readings, safe_archives, sample_checks
from gan_core.data.reading import contents
from gan_core.distances import catalogue
from gan_core.service import upload_folder, upload_reader

ROOT = Path(__file__).parents[1]
OURS = ("ui", "gan_core")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
AT_THE_ROOT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
EVERYTHING = "\n".join(file.read_text(encoding="utf-8") for file in [*AT_THE_ROOT[:2], *PAGES])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")


def text_of(page: str) -> str:
    """README.md, or a page of docs/ by its name."""
    file = ROOT / "README.md" if page == "README" else ROOT / "docs" / f"{page}.md"
    return file.read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """The text below a heading, up to the next one of the same rank."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text_of(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page}.md has no section {title!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def commands() -> dict:
    """Each command of the command line with its parser."""
    return next(action.choices for action in make_parser()._actions if isinstance(action.choices, dict))


def options(parser) -> set[str]:
    """The long options that a parser offers and shows."""
    shown = [action for action in parser._actions if action.help != "==SUPPRESS=="]
    return {text for action in shown for text in action.option_strings if text.startswith("--")}


# ---------------------------------------------------------------- files


def test_the_readme_is_short():
    assert len(text_of("README").splitlines()) <= 160


def test_the_table_of_wings_names_every_folder_of_code():
    named = set(re.findall(r"`([a-z_/.]+)`", " ".join(row[0] for row in rows(section("README", "The wings")))))
    packages = {file.parent.relative_to(ROOT).as_posix() for top in OURS for file in (ROOT / top).glob("*/__init__.py")}
    assert {name.rstrip("/") for name in named} == packages | {"app.py", "pages", "benchmarks", "tests"}
    assert rows(section("architecture", "The wings")) == rows(section("README", "The wings"))
    picture = (ROOT / "docs" / "wings.svg").read_text(encoding="utf-8")
    assert set(re.findall(r">((?:ui|gan_core)/\w+)<", picture)) == packages


WALKS = re.split(r"^### ", section("architecture", "Three walks"), flags=re.MULTILINE)[1:]
DRAWN = section("architecture", "What the pages draw, and when")
CALL = re.compile(r"`([\w/]+\.py):([\w.]+)`")


@functools.cache
def functions_of(path: str) -> set[str]:
    """Every function of a file, methods as Class.method."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    owned = [(f"{node.name}.", node.body) for node in body if isinstance(node, ast.ClassDef)]
    return {
        owner + node.name
        for owner, nodes in [("", body), *owned]
        for node in nodes
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("walk", [*WALKS, DRAWN], ids=lambda walk: walk.strip().splitlines()[0][:40])
def test_every_call_of_a_walk_exists(walk):
    calls = CALL.findall(walk)
    gone = [f"{path}:{name}" for path, name in calls if not (ROOT / path).is_file() or name not in functions_of(path)]
    assert calls and not gone, f"docs/architecture.md names what is not there: {gone}"


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.splitlines()[0])
def test_a_walk_visits_no_wing_twice(walk):
    lines = "".join(re.findall(r"^(?:\d+\.|   )[^\n]*\n", walk, re.MULTILINE))
    wings = [str(Path(path).parent).removeprefix("gan_core/") for path, _ in CALL.findall(lines)]
    passed = [wing for wing, _ in itertools.groupby(wings)]
    assert len(passed) == len(set(passed)), " → ".join(passed)
    assert f"\nWings: {' → '.join(passed)}.\n" in walk


def test_the_recipes_name_files_and_lists_that_exist():
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    paths = re.findall(r"`((?:gan_core|ui|pages|tests|docs|benchmarks)/[\w./]+|README\.md)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    lists = re.findall(r"`(\w+)` in `([\w/]+\.py)`", text)
    gone = [
        f"{name} in {path}" for name, path in lists if not re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8"))
    ]
    assert len(paths) > 30 and len(lists) > 15 and gone == []


@pytest.mark.parametrize("top", ["gan_core", "ui"])
def test_every_module_says_in_its_first_line_what_it_does(top):
    silent = [file for file in (ROOT / top).rglob("*.py") if not ast.get_docstring(ast.parse(file.read_text("utf-8")))]
    assert silent == []


def anchors(file: Path) -> set[str]:
    """What a link may name behind #: headings, lower-case, without punctuation and with hyphens for spaces."""
    text = FENCE.sub("", file.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", [*AT_THE_ROOT, *PAGES], ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(file):
    broken = []
    for link in LINK.findall(FENCE.sub("", file.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        if not target.is_file() or anchor and anchor not in anchors(target):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_menu_and_linked_from_the_readme():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    listed = re.findall(r"([\w/-]+\.md)$", menu, re.MULTILINE)
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES]
    assert sorted(listed) == sorted([*pages, "contributing.md", "changelog.md"])  # docs/hooks.py adds these two
    linked = set(re.findall(r"\]\(docs/([\w/-]+\.md)", text_of("README")))
    assert {page for page in pages if not page.startswith("reference/")} <= linked


def test_the_reference_has_every_wing():
    wings = {file.parent.name for file in (ROOT / "gan_core").glob("*/__init__.py")}
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "reference")
    own = {"records"}  # of the modules in no wing; docs/hooks.py puts the others on one page
    assert set(re.findall(r"^::: gan_core\.(\w+)$", text, re.MULTILINE)) == wings | own


class Fetched(HTMLParser):
    """What a browser fetches by itself to show a page, and the text that the page shows."""

    def __init__(self, html: str):
        super().__init__()
        self.urls, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "src" in attrs:
            self.urls.append(attrs["src"])
        if tag == "link" and attrs.get("rel") not in ("canonical", "next", "prev"):
            self.urls.append(attrs["href"])

    def handle_data(self, data):
        self.text += data


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("mkdocs", reason="requirements-docs.txt is not installed: `make docs` does it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert built.returncode == 0, built.stdout + built.stderr
    files = {file.relative_to(tmp_path).as_posix(): file for file in tmp_path.rglob("*.html")}
    pages = {name: Fetched(file.read_text(encoding="utf-8")) for name, file in files.items()}
    elsewhere = {name: [url for url in page.urls if "//" in url] for name, page in pages.items()}
    assert {name: urls for name, urls in elsewhere.items() if urls} == {}
    modules = pages["modules.html"].text
    assert [file.name for top in OURS for file in (ROOT / top).rglob("[!_]*.py") if file.name not in modules] == []
    assert [name for name in gan_core.__all__ if name not in pages["reference/index.html"].text] == []


def test_pictures_are_light_enough_for_a_slow_line():
    pictures = set((ROOT / "docs").rglob("*.png"))
    links = {page: LINK.findall(page.read_text(encoding="utf-8")) for page in PAGES}
    assert pictures <= {(page.parent / link).resolve() for page, found in links.items() for link in found}
    assert {p.name: p.stat().st_size for p in pictures if p.stat().st_size > 200_000} == {}


# ---------------------------------------------------------------- what one can type


def test_make_targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert [row[0] for row in rows(section("start", "Targets of make"))] == [f"`make {target}`" for target in targets]
    used = re.findall(r"make ([a-z-]+)(?: |`|$)", "\n".join(re.findall(r"`make [^`]+`", EVERYTHING)))
    assert set(used) <= set(targets)
    assert re.search(r"^PORT +\?= 8501$", makefile, re.MULTILINE), "the pages say 8501"


def test_every_command_and_option_is_listed():
    table = rows(section("command-line", "Commands"))
    assert [name.strip("`") for name, _, _ in table] == list(commands())
    everywhere = {"--help", "--store", "--json"}
    for name, _, listed in table:
        parser = commands()[name.strip("`")]
        assert everywhere <= options(parser)
        assert set(re.findall(r"--[a-z-]+", listed)) == options(parser) - everywhere, name


EXAMPLES = FENCE.search(section("command-line", "Examples"))[2].splitlines()


@pytest.mark.parametrize("line", EXAMPLES, ids=lambda line: line[19:])
def test_examples_are_understood(line):
    python, dash, package, *arguments = shlex.split(line)
    assert (python, dash, package) == ("python", "-m", "gan_core")
    parsed = make_parser().parse_args(arguments)
    assert parsed.command == arguments[0]
    if parsed.command == "train" and not parsed.resume:
        assert parsed.data in datasets.OPTIONS
        base = presets.preset(parsed.preset or "auto", data=parsed.data, shape=datasets.OPTIONS[parsed.data].shape)
        run_config.override(base, dict(text.split("=") for text in parsed.set))  # raises for a key or value that is not


def test_benchmarks_it_tells_to_run_exist():
    told = set(re.findall(r"-m benchmarks\.(\w+)", EVERYTHING))
    told_here = "first_minute dashboard pages distances screenshots quality claim replay train faults preview follow"
    assert told == set(told_here.split())
    for name in told:
        source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert f"python -m benchmarks.{name}" in ast.get_docstring(ast.parse(source))


# ---------------------------------------------------------------- beside other tools


def compared() -> dict[tuple[str, str], str]:
    """(tool, row) -> yes, part or no."""
    head, *_ = (line for line in section("compared", "The table").splitlines() if line.startswith("|"))
    tools = [cell.strip() for cell in head.strip("|").split("|")[1:]]
    return {
        (tool, row[0]): cell.strip("*")
        for row in rows(section("compared", "The table"))
        for tool, cell in zip(tools, row[1:], strict=True)
    }


def test_every_cell_of_the_comparison_has_its_evidence():
    evidence, absent = {}, set()
    for part in re.split(r"^## ", text_of("compared"), flags=re.MULTILINE)[1:]:
        tool = part.splitlines()[0]
        if tool == "The table":
            continue
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
    ours = re.search(r"^## Ganometer\n(.*?)^## ", text_of("compared"), re.MULTILINE | re.DOTALL)[1]
    shown = [re.findall(r"`(tests/\S+\.py)::(\w+)`", why) for _, _, why in rows(ours)]
    assert all(shown), "a row without a test"
    for file, name in {test for tests in shown for test in tests}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
    for path in re.findall(r"`((?:ui|pages|gan_core)/\S+)`", ours):
        assert (ROOT / path).exists(), path


# ---------------------------------------------------------------- names and limits


def test_presets_and_data_sets():
    listed = rows(section("recipes", "Recipes"))
    assert [row[0] for row in listed] == [f"`{name}`" for name in presets.PRESETS]
    assert [row[1] for row in listed] == list(presets.PRESETS.values())
    assert all("arxiv.org/abs/" in source for _, _, source in listed)
    sentence = re.search(r"The built-in data sets are (.*?)\.", section("data", "Built-in data sets"))[1]
    assert re.findall(r"`(.+?)`", sentence) == list(datasets.OPTIONS)
    table = rows(section("data", "Built-in data sets"))
    assert table == [
        [f"`{o.name}`", o.sentence, " × ".join(map(str, o.shape)), str(o.classes)] for o in datasets.OPTIONS.values()
    ]


def test_every_metric_has_its_formula():
    named = re.findall(r"`(\w+)`", " ".join(row[0] for row in rows(text_of("metrics"))))
    lacking = [name for name in catalogue.METRICS if name not in named]
    assert not lacking, f"no row in docs/metrics.md: {lacking}"


def test_every_page_is_described():
    source = (ROOT / "ui" / "frame" / "page.py").read_text(encoding="utf-8")
    titles = re.findall(r'^    "\w+": \("[\w/]+\.py", "(\w+)"', source, re.MULTILINE)
    assert re.findall(r"^- \*\*(.+?)\*\*", section("README", "What you see"), re.MULTILINE) == titles
    assert re.findall(r"^### (.+)$", section("index", "The pages"), re.MULTILINE) == [*titles, "What the pages share"]


def test_the_documents_count_the_metrics():
    counts = re.findall(r"(?:gives|has all|takes all)\s(\d+)\b", EVERYTHING)
    assert len(counts) == 3, "README.md, docs/index.md and docs/design.md say how many metrics there are"
    assert set(counts) == {str(len(catalogue.METRICS))}, (
        f"there are {len(catalogue.METRICS)}; the documents say {counts}"
    )


def test_results_of_the_readme_are_those_of_the_recipes():
    def results(text):
        lines = [line for line in text.splitlines() if line.startswith("|")]
        names = [cell.strip() for cell in lines[0].strip("|").split("|")]
        return [dict(zip(names, row, strict=True)) for row in rows(text)]

    images = section("recipes", "What the recipes reach").split("### ")[1]
    full = {(row["data, training"], row["recipe"]): row for row in results(images)}
    short = results(section("README", "What the recipes reach"))
    assert short
    for row in short:
        assert row.items() <= full[row["data, training"], row["recipe"]].items()


def test_losses_and_when_auto_takes_convolutions():
    text = " ".join(section("recipes", "Recipes").split())
    games, others = re.search(
        r"`objective.loss` is one of the adversarial losses (.*?), or, without a discriminator, (.*?)\.", text
    ).groups()
    listed = re.findall(r"`(.+?)`", games)
    assert listed == list(sections.ADVERSARIAL_LOSSES), "docs/recipes.md: the losses, in the order of sections.py"
    assert re.findall(r"`(.+?)`", others) == list(rules.WITHOUT_DISCRIMINATOR)
    side, seconds = (int(x) for x in re.search(r"images from (\d+) × \d+ when at least (\d+) seconds", text).groups())

    def convolves(side, seconds):
        return presets.preset("auto", shape=(side, side, 1), seconds=seconds).generator.architecture != "mlp"

    assert convolves(side, seconds) and not convolves(side - 1, seconds) and not convolves(side, seconds - 1)
    assert re.search(r"need 2 to (\d+) labelled classes", text)[1] == str(rules.MOST_CLASSES)


def test_environment_variables():
    table = {row[0].strip("`"): row for row in rows(section("deploy", "Where things are kept"))}
    source = Path(settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'environ\.get\("(GANOMETER_\w+)"', source))
    assert set(table) == read
    assert set(re.findall(r"GANOMETER_\w+", EVERYTHING)) == read
    assert re.findall(r"`(.+?)`", table["GANOMETER_WORKER"][2]) == list(settings.WORKER_MODES)


def test_defaults_of_the_variables(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(section("deploy", "Where things are kept"))}
    place = settings.settings_from_environment({})
    assert place.home == Path(table["GANOMETER_HOME"]).expanduser() == tmp_path / ".ganometer"
    assert place.store_url.startswith(f"sqlite:///{place.home}")
    assert place.worker == table["GANOMETER_WORKER"]


def test_limits_of_uploads():
    text = " ".join(section("data", "Your own data").split())
    large, small = re.search(r"at most (\d+) MB on one's own machine, and at most (\d+) MB on a shared", text).groups()
    (unpacked,) = re.search(r"unpacks to at most (\d+) MB", text).groups()
    most, rows, least = re.search(
        r"at most ([\d,]+) samples, which are drawn at random of up to ([\d,]+) rows, and at least (\d+) diff", text
    ).groups()
    columns = re.search(r"up to (\d+) numbers are points", text)[1]
    low, high = re.search(r"a side of (\d+) to (\d+) pixels", text).groups()
    assert (int(large) * 2**20, int(small) * 2**20) == (contents.LARGE.file, contents.SMALL.file)
    assert int(small) == settings.SHARED_LIMITS.file_mb
    assert int(unpacked) * 2**20 == contents.SMALL.unpacked == safe_archives.MAX_DECOMPRESSED_BYTES
    assert int(rows.replace(",", "")) == sample_checks.MAX_FILE_ROWS
    assert (int(most.replace(",", "")), int(least)) == (sample_checks.MAX_ROWS, sample_checks.MIN_ROWS)
    assert int(columns) == sample_checks.MAX_DIMENSIONS
    assert (int(low), int(high)) == (sample_checks.SIZES[0], sample_checks.SIZES[-1])
    memory, time = re.search(r"may take (\d+) MB of memory.*? and (\d+) seconds", text).groups()
    assert (int(memory) * 2**20, int(time)) == (upload_reader.MOST_MEMORY, upload_reader.MOST_SECONDS)
    packed, kept = re.search(r"the data set has at most (\d+) MB.*? until (\d+) MB of newer files", text).groups()
    assert (int(packed) * 2**20, int(kept) * 2**20) == (readings.MAX_PACKED_BYTES, upload_folder.MAX_BYTES)
    config_toml = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert f"maxUploadSize = {large}\n" in config_toml
