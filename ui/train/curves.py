"""The charts of a run over its steps, built once for all who watch."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from gan_core import LOSS_UNITS, GanometerError, History, Reference, RunInfo
from ui.charts import training
from ui.charts.plot import packed
from ui.frame.curves import history_of
from ui.frame.event_log import marked_events
from ui.frame.page import Page

LOW, HIGH = 128, 280
"""Pixels: the height of the curve below the pictures, and on a projector."""


def reference_of(page: Page, run: RunInfo) -> Reference | None:
    """Real against real; None where it is not known, or where the data cannot be read, which another part says."""
    try:
        return page.lab.results.live_reference(run)
    except GanometerError:
        return None


def distance_curve(page: Page, run: RunInfo, step: int | None, *, large: bool = False) -> dict | None:
    """The energy distance with the band of real samples, small or large; None before the first measurement."""

    def draw(history: History, reference: Reference | None, marks: training.Marks):
        figure = training.metric_curve(history, "energy_distance", reference, step, marks)
        return training.small(figure, HIGH, letters=18) if large else training.small(figure, LOW)

    return drawn(page, run, ("distance", large, step), draw)


def loss_curves(page: Page, run: RunInfo, step: int | None) -> dict | None:
    """What each network minimises."""
    unit = LOSS_UNITS.get(run.config.objective.loss, "")
    return drawn(page, run, ("losses", step), lambda history, _, marks: training.losses(history, unit, marks, step))


def score_curves(page: Page, run: RunInfo, step: int | None) -> dict | None:
    """D(x) and D(G(z))."""
    return drawn(page, run, ("scores", step), lambda history, _, marks: training.scores(history, marks, step))


def logged_curves(page: Page, run: RunInfo, start: str, step: int | None) -> dict | None:
    """The curves that a program has logged under names that begin like this."""
    return drawn(page, run, ("logged", start, step), lambda history, _, marks: training.logged(history, start, step))


def drawn(page: Page, run: RunInfo, what: tuple, draw: Callable[..., Any]) -> dict | None:
    """A chart of the run, ready for the browser; None where nothing has been measured."""
    history, reference = history_of(page, run), reference_of(page, run)
    if not history.curves:
        return None
    marks = tuple(marked_events(page, run))
    lengths = tuple((name, len(steps)) for name, (steps, _) in history.curves.items())  # with its parent's, or without
    about = (what, run.id, run.version, lengths, reference is not None, marks, run.config.objective.loss)
    return kept(about, draw, history, reference, marks)


@st.cache_resource(max_entries=64, show_spinner=False)
def kept(about: tuple, _draw: Callable[..., Any], _history: History, _reference, _marks) -> dict:
    """The chart that `about` names."""
    return packed(_draw(_history, _reference, _marks))
