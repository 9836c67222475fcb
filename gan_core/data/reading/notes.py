"""What is said of a file that is read: one row of the preview's table for each thing that was found, or done."""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS, VALUES, LABELS, ROWS, PARTS, FILES = "Columns", "Values", "Labels", "Rows", "Parts", "Files"
PICTURES, TRANSPARENCY, BROKEN = "Pictures", "Transparency", "Broken files"


@dataclass(frozen=True)
class Note:
    """A plain sentence `text` on one matter, `about`. A `warning` asks the person to look whether it was meant so."""

    about: str
    text: str
    warning: bool = False


class Notes:
    """Collects notes while a file is read."""

    def __init__(self) -> None:
        self._found: list[Note] = []

    def add(self, about: str, text: str, *, warning: bool = False) -> None:
        """Note a sentence; one that is there already is not said twice."""
        if (note := Note(about, text, warning)) not in self._found:
            self._found.append(note)

    def all(self) -> tuple[Note, ...]:
        """The notes so far, those on one matter together, in the order in which the matters came up."""
        order = list(dict.fromkeys(note.about for note in self._found))
        return tuple(sorted(self._found, key=lambda note: order.index(note.about)))
