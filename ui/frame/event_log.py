"""The events of a run in words, and which of them its charts mark."""

from gan_core import Event, RunInfo
from ui.frame.page import Page

TITLES_OF_MARKED = {"set": "settings changed", "forked": "forked"}
"""The kinds of events that charts mark, and what the event log calls them."""


def marked_events(page: Page, run: RunInfo) -> list[tuple[int, str]]:
    """What the charts mark: (step, words) of every change of settings and of the fork."""
    events = page.lab.runs.events(run, by=page.me)
    return [(event.step, event_in_words(event)) for event in events if event.kind in TITLES_OF_MARKED]


def event_in_words(event: Event) -> str:
    """One line of the event log."""
    titles = TITLES_OF_MARKED | {"unreadable": "an entry that cannot be read", "read_as": "how samples are read"}
    line = titles.get(event.kind, event.kind)
    if changes := event.payload.get("changes"):
        line += ": " + ", ".join(f"{key} {before} → {after}" for key, (before, after) in changes.items())
    if parent := event.payload.get("parent"):
        line += f" from run {parent}"
    told = event.payload.get("error") or event.payload.get("note")
    return f"{line} — {told}" if told else line
