"""Runs the notebook of the documentation in a fresh kernel, and keeps what its cells show.

    python -m benchmarks.notebook          (`make notebook` does the same)

The page docs/python.md is made of what is kept, and tests/test_notebook.py runs it again.
"""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "measure.ipynb"


def read() -> nbformat.NotebookNode:
    """The notebook as it is kept."""
    return nbformat.read(NOTEBOOK, as_version=4)


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same cells with what they show now, and nothing that says when or where. Raises if a cell does."""
    notebook = copy.deepcopy(notebook)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=240, record_timing=False, resources={"metadata": {"path": folder}})
        client.execute(env=os.environ | {"PYTHONPATH": str(ROOT), "IPYTHONDIR": folder, "JUPYTER_RUNTIME_DIR": folder})
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    text = nbformat.writes(executed(read()))
    NOTEBOOK.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    print(f"{NOTEBOOK.relative_to(ROOT)}: {len(text):,} bytes")
