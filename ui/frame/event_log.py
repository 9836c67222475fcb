"""Which events of a run its charts mark."""

from gan_core import TITLES_OF_MARKED, RunInfo, event_in_words
from ui.frame.page import Page


def marked_events(page: Page, run: RunInfo) -> list[tuple[int, str]]:
    """What the charts mark: (step, words) of every change of settings and of the fork."""
    events = page.lab.runs.events(run, by=page.me)
    return [(event.step, event_in_words(event)) for event in events if event.kind in TITLES_OF_MARKED]
