"""Tells the build what the package requires: the lines of requirements.txt, so that they are written once."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Requirements(MetadataHookInterface):
    """Fills in `dependencies`, which pyproject.toml declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the requirements; lines for pip alone, such as `-c constraints.txt`, and comments are left out."""
        text = (Path(self.root) / "requirements.txt").read_text(encoding="utf-8")
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("-")]
