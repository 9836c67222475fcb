"""The import table: who may import what. What is not listed is forbidden, inside functions too.

The standard library is free for all. A new module needs a row here before it can import anything.
"""

import ast
import graphlib
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

import gan_core

ROOT = Path(__file__).parents[1]
OURS = ("gan_core", "ui", "pages", "app")
DOOR = {*gan_core.__all__, "__version__"}

# The wings from the ground up: a module imports from its own wing and from wings that stand before it, never upwards.
WINGS = (
    "gan_core.skip_import",
    "gan_core.validation",
    "gan_core.config",
    "gan_core.arrays",
    "gan_core.decimals",
    "gan_core.records",
    "gan_core.plain_errors",
    "gan_core.codec",
    "gan_core.settings",
    "gan_core.data",
    "gan_core.distances",
    "gan_core.engine",
    "gan_core.pictures",
    "gan_core.display",
    "gan_core.store",
    "gan_core.machine",
    "gan_core.bundles",
    "gan_core.reports",
    "gan_core.jobs",
    "gan_core.worker",
    "gan_core.following",
    "gan_core.service",
    "gan_core.app_server",
    "gan_core.cli",
    "gan_core.__main__",
    "ui.charts",
    "ui.frame",
    "ui.train",
    "ui.gallery",
    "ui.distances",
    "ui.compare",
    "ui.home",
    "pages",
    "app",
)

VALUES = (
    "gan_core.validation gan_core.config.* gan_core.arrays gan_core.decimals gan_core.records gan_core.plain_errors"
    " gan_core.codec"
)
DATA, DISTANCES, ENGINE, STORE = "gan_core.data.*", "gan_core.distances.*", "gan_core.engine.*", "gan_core.store*"
JOBS, PICTURES, BUNDLES = "gan_core.jobs.*", "gan_core.pictures.*", "gan_core.bundles.*"
DOOR_AND_PICTURES = f"gan_core {PICTURES}"
PAGE = f"{DOOR_AND_PICTURES} ui.frame.* ui.charts.* streamlit pandas numpy"

# Who -> what; the first row that fits counts. `gan_core` alone is the public door, names listed in `__all__`.
# Inside a wing modules import each other downwards only: no two may form a circle.
MAY_IMPORT = {
    "gan_core": "lazy_loader",
    "gan_core.skip_import": "",
    "gan_core.validation": "msgspec",
    "gan_core.config*": "gan_core.validation gan_core.config.* numpy msgspec",
    "gan_core.arrays": "numpy",
    "gan_core.records": "gan_core gan_core.validation gan_core.config.* gan_core.arrays numpy msgspec",
    "gan_core.plain_errors": "gan_core.validation gan_core.records",
    "gan_core.decimals": "",
    "gan_core.codec": "numpy",
    "gan_core.settings": "gan_core.validation msgspec",
    "gan_core.data*": f"{VALUES} {DATA} numpy sklearn PIL pyarrow openpyxl keras",
    "gan_core.distances*": f"{VALUES} {DISTANCES} numpy scipy sklearn numba threadpoolctl",
    "gan_core.engine*": f"{VALUES} {ENGINE} gan_core.skip_import numpy keras tensorflow",
    "gan_core.pictures*": f"gan_core.records gan_core.codec {PICTURES} numpy PIL",
    "gan_core.display*": f"{VALUES} gan_core.display.* gan_core.distances.catalogue gan_core.distances.marks"
    " gan_core.distances.verdict gan_core.pictures.colours",
    "gan_core.store.migrations*": f"{STORE} sqlalchemy alembic",
    "gan_core.store.upgrade": f"{VALUES} {STORE} sqlalchemy alembic",
    "gan_core.store*": f"{VALUES} {STORE} numpy msgspec sqlalchemy",
    "gan_core.machine": f"gan_core gan_core.records {STORE} psutil",
    "gan_core.bundles*": f"{VALUES} {STORE} {DATA} {BUNDLES} {PICTURES} numpy msgspec PIL",
    "gan_core.reports*": f"{VALUES} gan_core.reports.* {PICTURES} gan_core.distances.catalogue"
    " gan_core.distances.verdict gan_core.distances.marks numpy jinja2",
    "gan_core.jobs.comparison": "gan_core.config.* gan_core.decimals gan_core.records numpy",
    "gan_core.jobs*": f"{VALUES} {JOBS} {STORE} {DATA} {BUNDLES} {DISTANCES} {ENGINE} gan_core.machine numpy msgspec",
    "gan_core.worker*": f"{VALUES} gan_core.worker.* {JOBS} {STORE} {DATA} {DISTANCES} {ENGINE} gan_core.machine"
    " gan_core.settings numpy psutil threadpoolctl",
    "gan_core.following.keras_callback": "gan_core.following.follower keras",
    "gan_core.following*": f"{VALUES} gan_core.following.* {JOBS} {STORE} {DATA} {DISTANCES}"
    " gan_core.worker.live_measurement gan_core.machine gan_core.settings numpy psutil",
    "gan_core.service*": f"{VALUES} gan_core.service.* {STORE} {JOBS} {DATA} {BUNDLES} {PICTURES} {DISTANCES}"
    " gan_core.reports.* gan_core.worker.process gan_core.worker.train_run gan_core.following.* gan_core.machine"
    " gan_core.settings numpy psutil",
    "gan_core.app_server": "",
    "gan_core.cli*": f"{DOOR_AND_PICTURES} {VALUES} gan_core.cli.* gan_core.service.* gan_core.settings"
    " gan_core.app_server numpy",
    "gan_core.__main__": "gan_core.skip_import gan_core.cli",
    "ui": "",
    "ui.charts.plot": "gan_core ui.charts.* streamlit plotly",
    "ui.charts*": f"{DOOR_AND_PICTURES} ui.charts.* plotly numpy",
    "ui.frame*": PAGE,
    "ui.train*": f"{PAGE} ui.train.*",
    "ui.gallery*": f"{PAGE} ui.gallery.*",
    "ui.distances*": f"{PAGE} ui.distances.*",
    "ui.compare*": f"{PAGE} ui.compare.*",
    "ui.home*": f"{PAGE} ui.home.*",
    "app": f"{PAGE} ui.home.*",
    "pages.distances": f"{PAGE} ui.distances.*",
    "pages.train": f"{PAGE} ui.train.*",
    "pages.gallery": f"{PAGE} ui.gallery.*",
    "pages.compare": f"{PAGE} ui.compare.*",
}

# Of these, some only inside functions, so that importing the module stays cheap: (who, what) -> the function's name.
ONLY_INSIDE = {
    ("gan_core.records", "gan_core"): "_*",
    ("gan_core.data.datasets", "keras*"): "*download*",
    ("gan_core.store.upgrade", "alembic*"): "*",
    ("gan_core.jobs.*", ENGINE): "*",
    ("gan_core.worker.*", ENGINE): "*",
    ("gan_core.service.*", "gan_core.worker.*"): "*",
    ("gan_core.service.foreground", "gan_core.jobs.*"): "*",
    ("gan_core.distances.pairwise", "gan_core.distances.kernels"): "*",
}

# Functions that import what their first argument names.

# What a distribution is called where it is not what one imports.
DISTRIBUTION = {"lazy_loader": "lazy-loader", "sklearn": "scikit-learn", "PIL": "pillow"}


@dataclass(frozen=True)
class Import:
    """One imported module by its full name, where, and inside which functions ("" at the top of the module)."""

    name: str
    line: int
    function: str = ""


@cache
def modules() -> dict[str, Path]:
    """Every module of ours that exists, by its full name."""
    files = [ROOT / "app.py", *(f for top in OURS for f in sorted((ROOT / top).rglob("*.py")))]
    named = {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}
    return {name: file for name, file in named.items() if file.exists()}


def imports(module: str, source: str, package: bool = False) -> list[Import]:
    """Every import statement of a source, `from package import module` resolved to the module."""
    found = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, node.lineno, function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")[: len(module.split(".")) - node.level + package] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                itself = full in modules() or (base == "gan_core" and alias.name not in DOOR)
                found.append(Import(full if itself else base, node.lineno, function))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            # importlib.import_module("x") and __import__("x"): an import by another name.
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found.append(Import(node.args[0].value, node.lineno, function))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = f"{function}.{node.name}".lstrip(".")
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), "")
    return list(dict.fromkeys(found))


def imports_of(module: str) -> list[Import]:
    file = modules()[module]
    return imports(module, file.read_text(encoding="utf-8"), package=file.name == "__init__.py")


def forbidden(module: str, found: list[Import]) -> list[str]:
    """What breaks the table, one sentence each."""
    row = next((row for row in MAY_IMPORT if fnmatchcase(module, row)), None)
    if row is None:
        return [f"{module} has no row in MAY_IMPORT"]
    said = []
    for item in found:
        top = item.name.partition(".")[0]
        if top in sys.stdlib_module_names:
            continue
        name = item.name if top in OURS else top
        if not any(fnmatchcase(name, allowed) for allowed in MAY_IMPORT[row].split()):
            said.append(f"line {item.line}: {module} may not import {item.name}")
        for (who, what), function in ONLY_INSIDE.items():
            inside = item.function and fnmatchcase(item.function, function)
            if fnmatchcase(module, who) and fnmatchcase(name, what) and not inside:
                said.append(f"line {item.line}: {module} imports {item.name} outside a function named {function}")
    return said


@pytest.mark.parametrize("module", modules())
def test_imports_only_what_the_table_allows(module):
    assert not (said := forbidden(module, imports_of(module))), "\n".join(said)


def test_only_the_pages_know_streamlit():
    users = {m for m in modules() for i in imports_of(m) if i.name.partition(".")[0] == "streamlit"}
    assert not {m for m in users if m.startswith("gan_core")}


def test_only_the_engine_knows_tensorflow():
    users = {m for m in modules() for i in imports_of(m) if i.name.partition(".")[0] in ("tensorflow", "keras")}
    others = {m for m in users if not m.startswith("gan_core.engine")}
    assert others == {"gan_core.data.datasets", "gan_core.following.keras_callback"}


def test_modules_form_no_circle():
    graph = {m: {i.name for i in imports_of(m) if i.name in modules()} for m in modules()}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(modules())


def wing_of(module: str) -> str | None:
    """The wing a module stands in; None for the public door and for the folder of the pages' parts."""
    return next((wing for wing in WINGS if module == wing or module.startswith(f"{wing}.")), None)


def test_wings_import_downwards_only():
    upwards = []
    for module in modules():
        for item in imports_of(module):
            here, there = wing_of(module), wing_of(item.name)
            if here and there and WINGS.index(there) > WINGS.index(here):
                upwards.append(f"{module} imports {item.name}, line {item.line}")
    assert upwards == []


def test_every_module_stands_in_a_wing():
    assert [module for module in modules() if wing_of(module) is None] == ["gan_core", "ui"]


def test_every_package_that_is_imported_is_required():
    """Otherwise it is there by luck, through somebody else's requirements."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = {name.lower() for name in re.findall(r"^([A-Za-z0-9-]+)(?=[=\[])", text, re.MULTILINE)}
    users = defaultdict(set)
    for module in modules():
        for item in imports_of(module):
            top = item.name.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in OURS:
                users[DISTRIBUTION.get(top, top)].add(module)
    assert {name: who for name, who in users.items() if name not in required} == {}


# ---------------------------------------------------------------- the reader itself

SOURCE = """
import os, numpy.linalg as la
from gan_core import records, Lab
from . import codec
from .config.run_config import RunConfig
if sys.platform == "linux":
    from gan_core.service.lab import Lab
def outer():
    async def inner():
        from keras import layers
    import importlib
    importlib.import_module("tensorflow")
"""


def test_the_reader_sees_every_kind_of_import():
    assert [(i.name, i.function) for i in imports("gan_core.store", SOURCE)] == [
        ("os", ""),
        ("numpy.linalg", ""),
        ("gan_core.records", ""),
        ("gan_core", ""),
        ("gan_core.codec", ""),
        ("gan_core.config.run_config", ""),
        ("gan_core.service.lab", ""),
        ("keras", "outer.inner"),
        ("importlib", "outer"),
        ("tensorflow", "outer"),
    ]


def test_relative_imports_of_a_package_start_in_it():
    source = "from .pairwise import within\nfrom ..records import Report"
    assert [i.name for i in imports("gan_core.distances", source, package=True)] == [
        "gan_core.distances.pairwise",
        "gan_core.records",
    ]


@pytest.mark.parametrize(
    ("module", "source", "complaints"),
    [
        ("gan_core.store", "import sqlalchemy, json", 0),
        ("gan_core.store", "import streamlit", 1),
        ("gan_core.store", "from gan_core import Lab", 1),
        ("gan_core.store", "def f():\n    from PIL import Image", 1),
        ("gan_core.utils", "", 1),
        ("gan_core.config.rules", "from gan_core.config.sections import DataConfig", 0),
        ("gan_core.config.rules", "from gan_core.records import RunInfo", 1),
        ("gan_core.records", "def _repr_html_(self):\n    from gan_core import report_as_html", 0),
        ("gan_core.records", "from gan_core import report_as_html", 1),
        ("gan_core.records", "def _repr_html_(self):\n    from gan_core.display.as_html import report_as_html", 1),
        ("gan_core.worker.process", "def f():\n    from gan_core.engine import loop", 0),
        ("gan_core.worker.process", "from gan_core.engine import loop", 1),
        ("gan_core.data.datasets", "def _download():\n    from keras.datasets import mnist", 0),
        ("gan_core.data.datasets", "def load():\n    from keras.datasets import mnist", 1),
        ("gan_core.data.datasets", "import tensorflow", 1),
        ("pages.train", "import gan_core\nfrom ui.frame.page import open_page", 0),
        ("pages.train", "from gan_core import preset", 0),
        ("pages.train", "from gan_core import records", 1),
        ("pages.train", "from pages import gallery", 1),
        ("ui.charts", "import streamlit", 1),
        ("tests.new", "", 1),
    ],
)
def test_the_table_bites(module, source, complaints):
    assert len(forbidden(module, imports(module, source))) == complaints
