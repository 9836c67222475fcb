"""What mkdocs fills in when it builds the site, so that it cannot be wrong.

The list of modules, the public door, the reference of the modules at the root, the pages that stand at the root of
the repository, and the notebook with what its cells show.
"""

import ast
import inspect
import json
import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = re.compile(r"^<!-- notebook: (\S+) -->$", re.MULTILINE)
AT_THE_ROOT = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files, config):
    """Adds the pages of the root. Their links into docs/ lose that folder."""
    for source, page in AT_THE_ROOT.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text.replace("](docs/", "](")))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links to pages of the root lead into the site, wide tables get room, and the lists are filled in."""
    for source, target in AT_THE_ROOT.items():
        markdown = markdown.replace(f"](../{source}", f"]({target}")
    page.meta["hide"] = ["navigation"] if page.is_homepage else ["toc"] if _widest_table(markdown) > 7 else []
    markdown = markdown.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}").replace("(z ", "(z\N{NO-BREAK SPACE}")
    if page.file.src_uri == "modules.md":
        return markdown.replace("<!-- modules -->", modules(ROOT))
    if page.file.src_uri == "reference/index.md":
        return markdown.replace("<!-- door -->", door())
    if page.file.src_uri == "reference/root.md":
        return markdown.replace("<!-- modules at the root -->", at_the_root(ROOT))
    return NOTEBOOK.sub(lambda found: notebook(ROOT / "docs" / found[1]), markdown)


def _widest_table(markdown: str) -> int:
    """Columns of the widest table."""
    return max((line.count("|") - 1 for line in markdown.splitlines() if line.startswith("|---")), default=0)


def modules(root: Path) -> str:
    """Markdown: app.py, pages/, ui/ and gan_core/, a section a folder, a row a module."""
    folders = {".": [root / "app.py"], "pages": sorted((root / "pages").glob("*.py"))}
    for top in ("ui", "gan_core"):
        for file in sorted((root / top).rglob("*.py")):
            folders.setdefault(file.parent.relative_to(root).as_posix(), []).append(file)
    return "\n\n".join(_section(folder, files) for folder, files in folders.items())


def _section(folder: str, files: list[Path]) -> str:
    heading = "## app.py" if folder == "." else f"{'#' * (2 + folder.count('/'))} {folder}/"
    package = [first_line(file) for file in files if file.name == "__init__.py"]
    rows = [f"| {_name(folder, file)} | {first_line(file)} |" for file in files if file.name != "__init__.py"]
    table = "\n".join(["| module | what it does |", "|---|---|", *rows]) if rows else ""
    return "\n\n".join(part for part in (heading, *package, table) if part)


def _name(folder: str, file: Path) -> str:
    """The file's name, with a link to the API reference if it is there."""
    module = f"{folder}/{file.stem}".replace("/", ".")
    linked = folder.startswith("gan_core") and not file.stem.startswith("_")
    return f"[`{file.name}`][{module}]" if linked else f"`{file.name}`"


def at_the_root(root: Path) -> str:
    """The reference of every module of gan_core that is in no wing and has no page of its own."""
    pages = {page.stem for page in (root / "docs" / "reference").glob("*.md")}
    names = {file.stem for file in (root / "gan_core").glob("*.py")} - pages
    return "\n\n".join(f"::: gan_core.{name}" for name in sorted(names) if not name.startswith("_"))


def notebook(file: Path) -> str:
    """Markdown of a notebook: its texts with headings one rank lower, its code, and what each cell shows."""
    return "\n\n".join(_cell(cell) for cell in json.loads(file.read_text(encoding="utf-8"))["cells"])


def _cell(cell: dict) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return re.sub(r"^#", "##", source, flags=re.MULTILINE)
    return "\n\n".join([f"```python\n{source}\n```", *map(_output, cell["outputs"])])


def _output(output: dict) -> str:
    """HTML as it is, where there is any, else text."""
    data = output.get("data", {})
    if html := "".join(data.get("text/html", "")):
        return f'<div class="shown">{html}</div>'
    text = "".join(output.get("text") or data["text/plain"])
    return f"```text\n{text.rstrip()}\n```"


def first_line(file: Path) -> str:
    """The first sentence or paragraph of a module's docstring, on one line, safe in a table."""
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return re.sub(r"\s+", " ", doc.split("\n\n")[0]).replace("|", "\\|")


def door() -> str:
    """Markdown: every name of `gan_core.__all__`, what it is, and its first line or its value."""
    sys.path.insert(0, str(ROOT))
    import gan_core

    rows = []
    for name in sorted(gan_core.__all__, key=str.lower):
        value = getattr(gan_core, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            kind = "class" if inspect.isclass(value) else "function"
            about = re.sub(r"\s+", " ", (inspect.getdoc(value) or "").split("\n\n")[0]).replace("|", "\\|")
            shown = f"[`{name}`][{value.__module__}.{value.__qualname__}]"
        else:
            kind, about, shown = type(value).__name__, _value(value), f"`{name}`"
        rows.append(f"| {shown} | {kind} | {about} |")
    return "\n".join(["| name | what | about |", "|---|---|---|", *rows])


def _value(value) -> str:
    """A constant in a table: itself, or its length and first entries."""
    if not isinstance(value, (dict, list, tuple, set, frozenset)):
        return f"`{value!r}`"
    entries = [f"`{entry}`" for entry in list(value)[:4]]
    return f"{len(value)} entries: " + ", ".join(entries) + (" …" if len(value) > 4 else "")
