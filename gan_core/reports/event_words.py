"""The events of a run in words."""

from __future__ import annotations

from gan_core.config.titles import changes_in_words
from gan_core.records import Event

TITLES_OF_MARKED = {"set": "settings changed", "forked": "forked"}
"""The kinds of events that charts mark, and what the event log calls them."""


def event_in_words(event: Event) -> str:
    """One line of the event log."""
    titles = TITLES_OF_MARKED | {"unreadable": "an entry that cannot be read"}
    line = titles.get(event.kind, event.kind)
    if changes := event.payload.get("changes"):
        line += f": {changes_in_words(changes)}"
    if parent := event.payload.get("parent"):
        line += f" from run {parent}"
    return line + (f" — {error}" if (error := event.payload.get("error")) else "")
