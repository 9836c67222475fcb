"""The events of a run in words."""

from __future__ import annotations

from gan_core.config.titles import changes_in_words
from gan_core.records import Event

TITLES_OF_MARKED = {"set": "settings changed", "forked": "forked"}
"""The kinds of events that charts mark, and what the event log calls them."""


def event_in_words(event: Event) -> str:
    """One line of the event log."""
    titles = TITLES_OF_MARKED | {"unreadable": "an entry that cannot be read", "read_as": "how samples are read"}
    line = titles.get(event.kind, event.kind)
    if changes := event.payload.get("changes"):
        line += f": {changes_in_words(changes)}"
    if parent := event.payload.get("parent"):
        line += f" from run {parent}"
    told = event.payload.get("error") or event.payload.get("note")
    return f"{line} — {told}" if told else line
