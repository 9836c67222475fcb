"""What every page shares: its frame and menu, the run it looks at, the Lab, and how errors are shown.

    with open_page("distances") as page:
        run = pick_run(page)
        ...

A page holds no state of its own: `run`, `step`, `part` and `space` live in the URL, everything else in the store.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from gan_core import GanometerError, Lab, RunInfo, StoreError
from ui.charts.plot import Click, Selection, plot
from ui.frame.faults import (
    KNOWS_PATHS,
    attempt,
    drawn_by_itself,
    guarded,
    in_words,
    part,
    say_store_trouble_again,
    show_store_trouble,
    store_trouble_said_once,
    told,
)
from ui.frame.gan_cards import show_help_button
from ui.frame.identity import show_account, visitor
from ui.frame.navigation import hear_timer, navigation, open_at
from ui.frame.refresh_rate import IDLE_SECONDS, LIVE_SECONDS, PREVIEW_SECONDS, is_off, rhythm
from ui.frame.server import get_lab, server_secrets, server_settings

PAGES = {
    "home": ("app.py", "Home", ":material/home:"),
    "train": ("pages/train.py", "Train", ":material/model_training:"),
    "distances": ("pages/distances.py", "Distances", ":material/straighten:"),
    "gallery": ("pages/gallery.py", "Gallery", ":material/photo_library:"),
    "compare": ("pages/compare.py", "Compare", ":material/compare:"),
}

MENU_HEIGHT = 40
"""In pixels: that of an element whose script is still on its way, so that nothing below moves when it arrives."""
UNSTYLED_HEIGHT = 1
"""In pixels: a page shows nothing until its style has arrived, which gives it its height; else all of it would move."""
KEPT_IN_URL = ("run", "step", "space")
STYLE = f"<style>{Path(__file__).with_name('page.css').read_text(encoding='utf-8')}</style><i hidden></i>"
"""A style alone would go where toasts stand, and take the place of one."""
MENU = "".join(Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8") for name in ("terms", "menu"))
"""What Streamlit's own elements cannot do: the links say which of them is the current page, one leads past them to the
content, and explanations of words stay inside the window."""


@contextmanager
def open_page(name: str) -> Iterator[Page]:
    """The frame of a page: a context around everything the page draws, in which errors become sentences."""
    page = None
    try:
        with store_trouble_said_once():
            with part():
                open_at(name)
                _, title, _ = PAGES[name]
                label = "Ganometer" if name == "home" else f"{title} · Ganometer"
                st.set_page_config(page_title=label, page_icon="📏", layout="wide", initial_sidebar_state="collapsed")
                _menu(name)
                lab = _opened_lab()
                me = visitor(lab, server_secrets())
                st.session_state[KNOWS_PATHS] = lab.is_admin(me)
                if notice := lab.notice(by=me):
                    st.warning(told(notice), icon=":material/folder_off:")
                show_account(lab, server_secrets())
                page = Page(name, lab, me)
            if page is None:
                st.stop()
            with part(), st.container(key="page", height=UNSTYLED_HEIGHT, border=False):
                yield page
    finally:
        _set_aside(len(sys.modules))


def _opened_lab() -> Lab:
    """The Lab with its worker; where there can be none the page says why, and ends here."""
    try:
        # Of a server that says nothing of being shared its visitor is who runs it, also where its store cannot be used.
        st.session_state.setdefault(KNOWS_PATHS, not server_settings().shared)
        lab = get_lab()
        lab.worker.ensure()
        return lab
    except ValueError as error:
        st.error(told(error), title="A setting of this server is wrong", icon=":material/settings:")
    except StoreError as error:
        show_store_trouble(error)
    except (GanometerError, OSError) as error:
        st.error(in_words(error), title="The store cannot be used", icon=":material/database_off:")
    st.stop()


@lru_cache(maxsize=1)
def _set_aside(modules: int) -> None:
    """Whenever more has been imported, leave that out of what is searched for garbage, of which it never is any.

    Streamlit searches after every run of a page or a part of one, and nearly all that it went through was imported:
    a tenth of a second every time, for everybody.
    """
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Page:
    """One page for one visitor; `me` owns what is started here."""

    name: str
    lab: Lab
    me: str = ""

    # ------------------------------------------------------------ live parts

    def live(self, draw: Callable[[], object], *, every: float | None, key: str) -> None:
        """Draw now, and again every so many seconds; an error is shown in place and ends nothing else.

        What is LIVE_SECONDS or PREVIEW_SECONDS for one who watches alone is longer the more others do.
        """
        alone = every if every in (LIVE_SECONDS, PREVIEW_SECONDS) else None
        now = every if alone is None else rhythm(alone)
        run, whole_page = navigation().place.run, True

        @st.fragment(run_every=now, key=key)
        @wraps(draw)
        def drawing():
            if not whole_page:
                hear_timer()
                say_store_trouble_again()
            if navigation().place.run != run or (alone is not None and now is not None and is_off(now, rhythm(alone))):
                st.rerun()
            with drawn_by_itself(often=every is not None), part():
                self.lab.worker.ensure()
                draw()

        drawing()
        whole_page = False

    def wait_for_run(self) -> None:
        """Draw the whole page again as soon as there is a run."""

        def look():
            if self.lab.runs.newest(by=self.me):
                st.rerun()

        self.live(look, every=IDLE_SECONDS, key="wait")

    def watch(self, *runs: RunInfo) -> None:
        """Draw the whole page again when one of the runs has another state or a new snapshot, or its data are hidden.

        Not at every commit: what a person is just choosing or reading would be taken from under them.
        """

        def seen(run: RunInfo):
            return run.state, run.data_hidden, self.lab.results.snapshot_steps(run)

        drawn = [seen(run) for run in runs]

        def look():
            if [seen(self.lab.runs.get(run.id, by=self.me)) for run in runs] != drawn:
                st.rerun()

        self.live(look, every=LIVE_SECONDS if any(run.active for run in runs) else IDLE_SECONDS, key="watch")

    # ------------------------------------------------------------ what a button does

    def do(self, action: Callable[..., object], *args) -> None:
        """For `on_click`: act as this visitor, then draw the page anew."""
        if attempt(action, *args, by=self.me):
            st.rerun()


def page_link(
    name: str, label: str, *, run: str | None = None, step: int | None = None, icon: str | None = None
) -> None:
    """A link that takes the run (and step) along."""
    path, _, own = PAGES[name]
    query = {"run": run} if run else {}
    if step is not None:
        query["step"] = str(step)
    st.page_link(path, label=label, icon=icon or own, query_params=query)


def chart(
    figure,
    key: str,
    alt: str,
    *,
    on_click: Callable[[Click], object] | None = None,
    on_select: Callable[[dict[str, list[int]]], object] | None = None,
    selected: Selection | None = None,
) -> None:
    """A figure of `ui.charts`, as `ui.charts.plot` draws it: `key` names what it shows."""
    click, select = (guarded(call) if call else None for call in (on_click, on_select))
    plot(figure, key=key, alt=alt, on_click=click, on_select=select, selected=selected)


def square(key: str):
    """A container for a square picture, as high as it is wide before the picture is there."""
    return st.container(key=f"square {key}")


def _menu(current: str) -> None:
    kept = {key: st.query_params[key] for key in KEPT_IN_URL if key in st.query_params}
    if compared := st.query_params.get("runs", "").partition(",")[0].strip():
        kept = {"run": compared} | kept  # of several runs that are compared the first
    with st.container(
        horizontal=True, key="menu", gap=None, vertical_alignment="center", height=MENU_HEIGHT, border=False
    ):
        st.html(STYLE, width="content")  # first: it keeps room for what comes after it
        for name, (path, label, icon) in PAGES.items():
            with st.container(key="here" if name == current else f"to {name}", width="content"):
                st.page_link(path, label=label, icon=icon, query_params=kept)
        show_help_button()
        component("ganometer_menu", js=MENU)(key="menu marks", data={"here": current}, height="content")
