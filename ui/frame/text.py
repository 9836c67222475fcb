"""Words of all pages: states of a run, titles of data sets, text of unknown origin, lengths of time."""

import html
from collections.abc import Mapping
from typing import Literal

import streamlit as st

from gan_core import RunInfo, title_of

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]

STATES: dict[str, tuple[Colour, str, str]] = {
    "queued": ("gray", ":material/schedule:", "Queued"),
    "running": ("blue", ":material/play_arrow:", "Running"),
    "paused": ("orange", ":material/pause:", "Paused"),
    "finished": ("green", ":material/check:", "Finished"),
    "stopped": ("gray", ":material/stop:", "Stopped"),
    "failed": ("red", ":material/error:", "Failed"),
    "interrupted": ("orange", ":material/power_off:", "Interrupted"),
}
"""Of each state: its colour, its icon and its word."""


ORIGINS = {"followed": "own training code", "samples": "file of samples"}
"""What pages say of runs that were not trained here, where others have the name of their recipe."""


def recipe_of(run: RunInfo) -> str:
    """The recipe of a run, or where its samples come from."""
    return ORIGINS.get(run.kind, run.config.preset)


def badge(state: str) -> None:
    """The state of a run as a small label."""
    colour, icon, label = STATES[state]
    st.badge(label, icon=icon, color=colour)


def data_title(name: str, files: Mapping[str, str] | None = None) -> str:
    """What pages call a data set: an upload by the name of its file, where `files` (`lab.uploads.titles`) know one."""
    return title_of(name, files)


def plain(text: object) -> str:
    """Text of unknown origin, so that Markdown shows it instead of obeying it."""
    escaped = html.escape(str(text), quote=False)
    for character in "\\`*_[]$#~|:":
        escaped = escaped.replace(character, "\\" + character)
    # An icon is looked for after the escapes are gone: a word joiner, which is invisible, breaks its name.
    return escaped.replace("material/", "material\N{WORD JOINER}/")


def seconds(value: float | None) -> str:
    """A length of time in seconds, minutes or hours."""
    if value is None:
        return "—"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"
