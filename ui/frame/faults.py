"""Where errors end: what could not be shown or done is said in one sentence, and everything else goes on.

    with part("The card of this run"):     # around a part of a page
        ...
    st.button(..., on_click=guarded(play))  # around what a widget calls; `Page.do` has it in itself

Nobody is shown a traceback. An error that nobody foresaw is written to the server's log, under a short id that the
sentence names. Streamlit's own st.stop() and st.rerun() are no errors, and pass.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import streamlit as st

from gan_core import ConfigError, GanometerError, StoreError, sentence, with_titles, without_paths
from ui.frame.server import get_lab
from ui.frame.text import plain

log = logging.getLogger("ganometer.pages")

AGAIN_SECONDS, LONGEST_SECONDS, OFTEN = 2.0, 60.0, 5
"""After how many seconds a page looks again for a store that it could not use, and after how many when it has done so
more often."""
ASKED_AGAIN = "times the store was asked again"
"""The key of the session state that counts how often the page was drawn again for the sake of the store."""
SAID = "store trouble said"
"""The key of the session state that says whether this page, as it is drawn now, says so already."""
KNOWS_PATHS = "knows paths"
"""The key of the session state that says whether this visitor may read where the server keeps things."""


def told(text: object) -> str:
    """A message of unknown origin for this visitor: settings have their names, and paths are left out unless it is who
    runs the server.
    """
    named = with_titles(str(text))
    return plain(named if st.session_state.get(KNOWS_PATHS) else without_paths(named))


def in_words(error: Exception) -> str:
    """What has happened, for this visitor. What nobody foresaw goes to the log, under an id that is named here."""
    if isinstance(error, (GanometerError, ConfigError)):
        return told(error)
    number = secrets.token_hex(3)
    log.error("error %s", number, exc_info=error)
    about = plain(f": {sentence(error)}") if st.session_state.get(KNOWS_PATHS) else ""
    return (
        f"Something unforeseen went wrong{about}. Reload the page; if it happens again, tell whoever runs this server "
        f"that the reason stands in the log under **{number}**."
    )


@contextmanager
def part(what: str = "") -> Iterator[None]:
    """A part of a page. An error is shown in its place, and ends nothing else; `what` begins the sentence.

    Where the store cannot be used the whole page is drawn again later, unless this part is `drawn_by_itself`.
    """
    try:
        yield
    except StoreError as error:
        show_store_error(error) if _by_itself.get() else show_store_trouble(error)
    except Exception as error:
        title = f"{what} cannot be shown" if what else None
        st.error(in_words(error), title=title, icon=":material/error:")


_by_itself: ContextVar[bool] = ContextVar("drawn by itself", default=False)


@contextmanager
def drawn_by_itself(often: bool) -> Iterator[None]:
    """Around a part that a timer draws again and again (`often`), or only when something in it is clicked."""
    before = _by_itself.set(often)
    try:
        yield
    finally:
        _by_itself.reset(before)


def show_store_trouble(error: StoreError) -> None:
    """Say that the store cannot be used, and draw the whole page again as soon as it can."""
    if st.session_state.get(SAID):  # in another part of this page
        return
    st.session_state[SAID] = True
    times = times_asked_again()
    st.session_state[ASKED_AGAIN] = times + 1
    seconds = min(LONGEST_SECONDS, AGAIN_SECONDS * 2 ** max(0, times - OFTEN))
    show_store_error(error)
    st.caption(f"This page tries again after {seconds:.0f} seconds, and goes on when the store is back.")
    first = True

    @st.fragment(run_every=seconds)
    def look() -> None:
        if first:
            return
        try:
            get_lab().worker.workers()
        except GanometerError:
            return
        st.rerun()

    look()
    first = False


def show_store_error(error: StoreError) -> None:
    """Say that the store cannot be used, and why."""
    st.error(in_words(error), title="The store cannot be used", icon=":material/database_off:")


def times_asked_again() -> int:
    """How often in a row this page was drawn again because the store could not be used."""
    return st.session_state.get(ASKED_AGAIN, 0)


def say_store_trouble_again() -> None:
    """What is drawn now is a part of the page alone: what another time was said there does not count."""
    st.session_state.pop(SAID, None)


@contextmanager
def store_trouble_said_once() -> Iterator[None]:
    """Around all of a page: that the store cannot be used is said once, and forgotten when the page could be drawn."""
    say_store_trouble_again()
    yield
    if not st.session_state.get(SAID):
        st.session_state.pop(ASKED_AGAIN, None)


def attempt(action: Callable[..., object], *args: Any, **about: Any) -> bool:
    """Do it; where it cannot be done (any more), say why in passing, and return False."""
    try:
        action(*args, **about)
    except Exception as error:
        st.toast(in_words(error), icon=":material/error:", duration="long")
        return False
    return True


def guarded(call: Callable[..., object]) -> Callable[..., None]:
    """For `on_click` and `on_change`: `call`, with `attempt` around it."""

    @wraps(call)
    def guarding(*args: Any, **about: Any) -> None:
        attempt(call, *args, **about)

    return guarding
