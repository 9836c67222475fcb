"""The events of a run in words, and which of them its charts mark."""

from gan_core import Event, RunInfo
from ui.frame.page import Page
from ui.frame.text import changes_in_words

TITLES_OF_MARKED = {"set": "settings changed", "forked": "forked"}
"""The kinds of events that charts mark, and what the event log calls them."""


def marked_events(page: Page, run: RunInfo) -> list[tuple[int, str]]:
    """What the charts mark: (step, words) of every change of settings and of the fork."""
    events = page.lab.runs.events(run, by=page.me)
    return [(event.step, event_in_words(event)) for event in events if event.kind in TITLES_OF_MARKED]


def event_in_words(event: Event) -> str:
    """One line of the event log."""
    titles = TITLES_OF_MARKED | {"unreadable": "an entry that cannot be read"}
    line = titles.get(event.kind, event.kind)
    if changes := event.payload.get("changes"):
        line += f": {changes_in_words(changes)}"
    if parent := event.payload.get("parent"):
        line += f" from run {parent}"
    return line + (f" — {error}" if (error := event.payload.get("error")) else "")
