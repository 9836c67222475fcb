"""Where a visitor is: which run and which step a page shows, and whether the time-lapse plays.

A browser says with every message which address it shows. A message that left before the page moved by itself still
names the place before. Such a message is late: the page stays where it is, until a timer's message names the new place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from gan_core import GanometerError, RunInfo
from ui.frame.job_answers import WAITING
from ui.frame.text import STATES, plain

if TYPE_CHECKING:
    from ui.frame.page import Page

PLAY_SECONDS = 0.7
"""From one step of a time-lapse to the next."""
KEY = "navigation"


@dataclass(frozen=True)
class Place:
    """What an address names. Without a run the page chooses one; without a step it shows the newest."""

    run: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class Navigation:
    """Where a visitor is on the page `page`.

    `before` is the place before the page moved, as long as the browser may not have heard of the move. While it is
    `settling`, the move was made in this very run of the page, whose address is therefore ours and not the browser's.
    `run` and `step` are those that were drawn last, `step_before` is the step drawn before the move. `serial` counts
    how often the page went to another run without the picker of runs. Each time the picker becomes another widget, and
    what a browser still says of the old one is late.
    """

    page: str = ""
    place: Place = Place()
    before: Place | None = None
    settling: bool = False
    run: str | None = None
    step: int | None = None
    step_before: int | None = None
    playing: bool = False
    serial: int = 0

    def opened(self, page: str, said: Place) -> Navigation:
        """A link or the address bar led to this page."""
        return Navigation(page, said, playing=self.playing, serial=self.serial + 1)

    def arrived(self, said: Place, *, by_timer: bool) -> Navigation:
        """A message came from a browser that shows the address `said`.

        A timer never goes anywhere by itself, so another place in its message is a late one. A whole run of the page
        may come from a person, who followed a link or went back.
        """
        if said == self.place:
            return replace(self, before=None if by_timer and not self.settling else self.before, settling=False)
        if by_timer or said == self.before:
            return replace(self, settling=False)
        return replace(self, place=said, before=None, settling=False)

    def moved(self, place: Place, *, playing: bool | None = None) -> Navigation:
        """The page goes to another place; what plays goes on unless `playing` says otherwise."""
        playing = self.playing if playing is None else playing
        if place == self.place:
            return replace(self, playing=playing)
        return replace(
            self, place=place, before=self.place, settling=True, step_before=self.step, step=None, playing=playing
        )

    def drew_run(self, run: str) -> Navigation:
        """The page shows this run; another one than before needs another picker."""
        other = self.run not in (None, run)
        return replace(self, run=run, serial=self.serial + other)

    def picked_run(self, run: str) -> Navigation:
        """A person chose a run in the picker, which therefore stays the same widget."""
        return replace(self.moved(Place(run), playing=False), run=run)

    def is_late(self, step: int) -> bool:
        """Whether a slider that says `step` was not moved by a person: the browser has not heard of the last move."""
        return self.before is not None and step in (self.step_before, self.step)


# ---------------------------------------------------------------- this visitor's


def navigation() -> Navigation:
    """Where this visitor is."""
    return st.session_state.get(KEY, Navigation())


def open_at(page: str) -> None:
    """A whole run of a page begins: it stands where its address says, unless that is late."""
    now, said = navigation(), _address()
    _keep(now.opened(page, said) if now.page != page else now.arrived(said, by_timer=False))


def hear_timer() -> Navigation:
    """A part of a page is drawn again because its timer said so."""
    _keep(navigation().arrived(_address(), by_timer=True))
    return navigation()


def go_to_run(run_id: str) -> None:
    """Show this run from now on; for callbacks."""
    _keep(navigation().moved(Place(run_id)))


def go_to_step(step: int, steps: tuple[int, ...], *, playing: bool = False) -> None:
    """Show this one of `steps`. The newest is not named in the address, so that the page goes on with newer ones."""
    _keep(navigation().moved(Place(navigation().place.run, None if step == steps[-1] else step), playing=playing))


def keep_step(step: int) -> None:
    """Name a step in the address, even the newest: later ones must not take its place."""
    _keep(navigation().moved(Place(navigation().place.run, step)))


def shown_step(steps: tuple[int, ...]) -> int:
    """The one of `steps` that is nearest to what the address asks for; the newest where it asks for none."""
    wanted = navigation().place.step
    return steps[-1] if wanted is None else min(steps, key=lambda step: abs(step - wanted))


def _address() -> Place:
    """What the address names, as the last message from the browser had it."""
    step = st.query_params.get("step", "")
    return Place(st.query_params.get("run") or None, int(step) if step.isdecimal() and len(step) < 10 else None)


def _keep(now: Navigation) -> None:
    """Remember where the visitor is, and let the address say so."""
    st.session_state[KEY] = now
    if now.place == _address():
        return
    for name, value in (("run", now.place.run), ("step", now.place.step)):
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)


# ---------------------------------------------------------------- what a person moves


def run_in_address(page: Page) -> RunInfo | None:
    """The run that the address names; an unknown one is said so, and the page ends there."""
    run_id = navigation().place.run
    if not run_id:
        return None
    try:
        return page.lab.run(run_id, by=page.me)
    except GanometerError:
        st.warning(
            f"There is no run `{plain(run_id[:40])}` here. It may have been deleted, or the link is from another "
            "installation.",
            title="Unknown run",
            icon=":material/search_off:",
        )
        if st.button("Show the newest run instead", icon=":material/arrow_forward:"):
            st.query_params.clear()
            _keep(navigation().moved(Place()))
            st.rerun()
        st.stop()


def pick_run(page: Page) -> RunInfo | None:
    """The run in the address, else an active one, the newest, or the example; with a picker to choose another."""
    runs = page.lab.runs(by=page.me)
    chosen = run_in_address(page) or next((r for r in runs if r.active), runs[0] if runs else page.lab.example())
    if chosen is None:
        return None
    ids = {run.id: run for run in [chosen, *runs]}
    _keep(navigation().drew_run(chosen.id))
    serial = navigation().serial
    key = f"{page.name} run {serial}"
    st.session_state[key] = chosen.id

    def pick() -> None:
        # A browser sends the label it was shown; where the run's state has changed since, it comes as it is.
        picked = st.session_state[key].rsplit(" · ", 1)[-1]
        if picked in ids and navigation().serial == serial:
            _keep(navigation().picked_run(picked))

    st.selectbox(
        "Run",
        list(ids),
        key=key,
        on_change=pick,
        format_func=lambda i: f"{ids[i].name} · {STATES[ids[i].state][2].lower()} · {i}",
    )
    return chosen


def pick_step(page: Page, steps: tuple[int, ...], label: str = "Snapshot at step") -> int:
    """One of `steps`: the address', else the newest; a slider that keeps its place while snapshots arrive.

    The same on every page, and the menu takes it along: it drives all that a page shows of a run.
    """
    chosen, playing = shown_step(steps), navigation().playing
    st.session_state[KEY] = replace(navigation(), step=chosen)
    if len(steps) < 2:
        return chosen
    key = f"{page.name} step"
    st.session_state[key] = chosen

    def slide() -> None:
        if navigation().is_late(st.session_state[key]):
            return
        go_to_step(st.session_state[key], steps)
        st.rerun()  # the menu takes the step along

    def play() -> None:
        begin = steps[0] if not playing and chosen == steps[-1] else chosen
        go_to_step(begin, steps, playing=not playing)
        st.rerun()

    with st.container(horizontal=True, vertical_alignment="bottom", key="time"):
        word, icon = ("Halt", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
        st.button(word, key="play", icon=icon, on_click=play, help="Play the training as a time-lapse.")
        st.select_slider(label, steps, key=key, on_change=slide, format_func=lambda s: f"{s:,}", width="stretch")
    return chosen


def play_on(page: Page, steps: tuple[int, ...], *, after: Iterable[int] = ()) -> None:
    """While the time-lapse plays, go on to the next of `steps` as soon as the jobs `after` are answered."""
    if not navigation().playing:
        return
    jobs, drawn = list(after), []

    def tick() -> None:
        if not drawn:  # the page has only just been drawn
            drawn.append(True)
            return
        if any(page.lab.job_state(job) in WAITING for job in jobs):
            return
        following = next((step for step in steps if step > shown_step(steps)), steps[-1])
        go_to_step(following, steps, playing=following != steps[-1])
        st.rerun()

    page.live(tick, every=PLAY_SECONDS, key="playing on")
