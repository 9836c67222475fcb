"""Where a visitor is: which run, step and part a page shows, and whether the time-lapse plays.

A browser sends with every message the address it shows. A message that left before the page moved by itself still
names the place before. Such a message is late: the page stays where it is, until a timer's message names the new place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

KEY = "navigation"


@dataclass(frozen=True)
class Place:
    """What an address names. Without a run the page chooses one; without a step it shows the newest; without a part,
    where it has several, the first.
    """

    run: str | None = None
    step: int | None = None
    part: str | None = None


@dataclass(frozen=True)
class Navigation:
    """Where a visitor is on the page `page`.

    `before` is the place before the page moved, as long as the browser may not have heard of the move. While it is
    `settling`, the move was made in this very run of the page, whose address is therefore ours and not the browser's.

    `run` and `step` are those that were drawn last. `unheard` are steps that were drawn before, until the page went on
    by a move or to a newer snapshot: a browser's slider may still stand there, and `late` says that in this message it
    did. `serial` counts how often the page went to another run without the picker of runs. Each time the picker becomes
    another widget, and what a browser still sends of the old one is late.
    """

    page: str = ""
    place: Place = Place()
    before: Place | None = None
    settling: bool = False
    run: str | None = None
    step: int | None = None
    unheard: tuple[int, ...] = ()
    late: bool = False
    playing: bool = False
    serial: int = 0

    def opened(self, page: str, address: Place) -> Navigation:
        """A link or the address bar led to this page."""
        return Navigation(page, address, playing=self.playing, serial=self.serial + 1)

    def arrived(self, address: Place, *, by_timer: bool, slider: int | None = None) -> Navigation:
        """A message came from a browser that shows `address`, and whose slider of steps stands at `slider`.

        A timer never goes anywhere by itself, so another place in its message is a late one. A whole run of the page
        may come from a person, who followed a link or went back.
        """
        heard = replace(self, settling=False)
        if by_timer:
            heard = replace(heard, unheard=self.unheard if slider in self.unheard else (), late=False)
        if address == self.place:
            return replace(heard, before=None if by_timer and not self.settling else self.before)
        if by_timer or address == self.before:
            return heard
        return replace(heard, place=address, before=None)

    def moved(self, place: Place, *, playing: bool | None = None) -> Navigation:
        """The page goes to another place; what plays continues unless `playing` is given."""
        playing = self.playing if playing is None else playing
        if place == self.place:
            return replace(self, playing=playing)
        return replace(self, place=place, before=self.place, settling=True, playing=playing)

    def drew_run(self, run: str) -> Navigation:
        """The page shows this run; another one than before needs another picker."""
        other = self.run not in (None, run)
        return replace(self, run=run, serial=self.serial + other)

    def picked_run(self, run: str) -> Navigation:
        """A person chose a run in the picker, which therefore stays the same widget."""
        return replace(self.moved(Place(run, part=self.place.part), playing=False), run=run)

    def drew_step(self, step: int) -> Navigation:
        """The page shows this step; where it showed another one, the browser's slider may still stand there."""
        if self.step in (None, step):
            return replace(self, step=step)
        return replace(self, step=step, unheard=(*(old for old in self.unheard if old != step), self.step))

    def slid(self, step: int, place: Place) -> Navigation:
        """The slider says `step`: a person moved it there, and thereby to `place`; or the message is late."""
        if step in self.unheard:
            return replace(self, late=True)
        return replace(self.moved(place, playing=False), step=step, unheard=(), late=False)


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
    now = navigation()
    keep(now.arrived(_address(), by_timer=True, slider=st.session_state.get(slider_key(now.page))))
    return navigation()


def slider_key(page: str) -> str:
    """The key of a page's slider of steps."""
    return f"{page} step"


def go_to_run(run_id: str) -> None:
    """Show this run from now on; for callbacks."""
    keep(navigation().moved(Place(run_id, part=navigation().place.part)))


def go_to_step(step: int, steps: tuple[int, ...], *, playing: bool = False) -> None:
    """Show this one of `steps`."""
    keep(navigation().moved(place_of(step, steps), playing=playing))


def place_of(step: int, steps: tuple[int, ...]) -> Place:
    """The run that is shown, at this one of `steps`. The newest is not named, so that newer ones take its place."""
    return replace(navigation().place, step=None if step == steps[-1] else step)


def keep_step(step: int) -> None:
    """Name a step in the address, even the newest: later ones must not take its place."""
    keep(navigation().moved(replace(navigation().place, step=step)))


def shown_step(steps: tuple[int, ...]) -> int:
    """The one of `steps` that is nearest to what the address asks for; the newest where it asks for none."""
    wanted = navigation().place.step
    return steps[-1] if wanted is None else min(steps, key=lambda step: abs(step - wanted))


def go_to_part(part: str) -> None:
    """Show this part of the page; for callbacks."""
    keep(navigation().moved(replace(navigation().place, part=part)))


def _address() -> Place:
    """What the address names, as the last message from the browser had it."""
    step = st.query_params.get("step", "")
    return Place(
        st.query_params.get("run") or None,
        int(step) if step.isdecimal() and len(step) < 10 else None,
        st.query_params.get("part") or None,
    )


def keep(now: Navigation) -> None:
    """Remember where the visitor is, and let the address say so."""
    st.session_state[KEY] = now
    if now.place == _address():
        return
    place = {"run": now.place.run, "step": now.place.step, "part": now.place.part}
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in place}
    # At once: of each change for itself a browser would make a place of its own to go back to.
    st.query_params.from_dict(others | {name: str(value) for name, value in place.items() if value is not None})
