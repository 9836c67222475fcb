"""Where a visitor is: which run and which step a page shows, and whether the time-lapse plays.

A browser sends with every message the address it shows. A message that left before the page moved by itself still
names the place before. Such a message is late: the page stays where it is, until a timer's message names the new place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

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
    what a browser still sends of the old one is late.
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

    def opened(self, page: str, address: Place) -> Navigation:
        """A link or the address bar led to this page."""
        return Navigation(page, address, playing=self.playing, serial=self.serial + 1)

    def arrived(self, address: Place, *, by_timer: bool) -> Navigation:
        """A message came from a browser that shows `address`.

        A timer never goes anywhere by itself, so another place in its message is a late one. A whole run of the page
        may come from a person, who followed a link or went back.
        """
        if address == self.place:
            return replace(self, before=None if by_timer and not self.settling else self.before, settling=False)
        if by_timer or address == self.before:
            return replace(self, settling=False)
        return replace(self, place=address, before=None, settling=False)

    def moved(self, place: Place, *, playing: bool | None = None) -> Navigation:
        """The page goes to another place; what plays continues unless `playing` is given."""
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
        """Whether a slider that sends `step` was not moved by a person: the browser has not heard of the last move."""
        return self.before is not None and step in (self.step_before, self.step)


# ---------------------------------------------------------------- this visitor's


def navigation() -> Navigation:
    """Where this visitor is."""
    return st.session_state.get(KEY, Navigation())


def open_at(page: str) -> None:
    """A whole run of a page begins: it stands where its address says, unless that is late."""
    now, address = navigation(), _address()
    keep(now.opened(page, address) if now.page != page else now.arrived(address, by_timer=False))


def hear_timer() -> Navigation:
    """A part of a page is drawn again because its timer has run out."""
    keep(navigation().arrived(_address(), by_timer=True))
    return navigation()


def go_to_run(run_id: str) -> None:
    """Show this run from now on; for callbacks."""
    keep(navigation().moved(Place(run_id)))


def go_to_step(step: int, steps: tuple[int, ...], *, playing: bool = False) -> None:
    """Show this one of `steps`. The newest is not named in the address, so that the page goes on with newer ones."""
    keep(navigation().moved(Place(navigation().place.run, None if step == steps[-1] else step), playing=playing))


def keep_step(step: int) -> None:
    """Name a step in the address, even the newest: later ones must not take its place."""
    keep(navigation().moved(Place(navigation().place.run, step)))


def shown_step(steps: tuple[int, ...]) -> int:
    """The one of `steps` that is nearest to what the address asks for; the newest where it asks for none."""
    wanted = navigation().place.step
    return steps[-1] if wanted is None else min(steps, key=lambda step: abs(step - wanted))


def _address() -> Place:
    """What the address names, as the last message from the browser had it."""
    step = st.query_params.get("step", "")
    return Place(st.query_params.get("run") or None, int(step) if step.isdecimal() and len(step) < 10 else None)


def keep(now: Navigation) -> None:
    """Remember where the visitor is, and let the address say so."""
    st.session_state[KEY] = now
    if now.place == _address():
        return
    for name, value in (("run", now.place.run), ("step", now.place.step)):
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)
