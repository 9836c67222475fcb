"""What every page shares: its frame and menu, the run it looks at, the Lab, and how errors are said.

    with open_page("Distances", "distances") as page:
        run = page.pick_run()
        ...

A page holds no state of its own: `run` and `step` live in the URL, everything else in the store.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps

import streamlit as st

from gan_core import ConfigError, GanometerError, Lab, RunInfo, settings_from_environment

PAGES = {
    "home": ("app.py", "Home", ":material/home:"),
    "train": ("pages/train.py", "Train", ":material/model_training:"),
    "distances": ("pages/distances.py", "Distances", ":material/straighten:"),
    "gallery": ("pages/gallery.py", "Gallery", ":material/photo_library:"),
}

STATES = {
    "queued": ("gray", ":material/schedule:", "Queued"),
    "running": ("blue", ":material/play_arrow:", "Running"),
    "paused": ("orange", ":material/pause:", "Paused"),
    "finished": ("green", ":material/check:", "Finished"),
    "stopped": ("gray", ":material/stop:", "Stopped"),
    "failed": ("red", ":material/error:", "Failed"),
    "interrupted": ("orange", ":material/power_off:", "Interrupted"),
}

LIVE_SECONDS, PENDING_SECONDS, IDLE_SECONDS = 2.0, 0.5, 5.0


@st.cache_resource(show_spinner=False)
def get_lab() -> Lab:
    """One Lab for all visitors of this server. It adopts the worker an earlier one started."""
    return Lab(settings_from_environment(store_url=_secret_store()))


def _secret_store() -> str | None:
    """`[connections.store] url` in the secrets, where there are secrets."""
    try:
        return st.secrets["connections"]["store"]["url"]
    except (FileNotFoundError, KeyError):
        return None


@dataclass
class Page:
    """One page for one visitor, as a context that turns errors into sentences."""

    name: str
    lab: Lab | None = None
    state_shown: list[str] = field(default_factory=list)

    def __enter__(self) -> Page:
        _, title, _ = PAGES[self.name]
        label = "Ganometer" if self.name == "home" else f"{title} · Ganometer"
        st.set_page_config(page_title=label, page_icon="📏", layout="wide", initial_sidebar_state="collapsed")
        _menu(self.name)
        try:
            self.lab = get_lab()
            self.lab.ensure_worker()
        except GanometerError as error:
            st.error(plain(error), title="The store cannot be used", icon=":material/database_off:")
            st.stop()
        except ValueError as error:
            st.error(plain(error), title="A setting of this server is wrong", icon=":material/settings:")
            st.stop()
        if notice := self.lab.settings.notice:
            st.warning(notice, icon=":material/folder_off:")
        return self

    def __exit__(self, kind, error, trace) -> bool:
        if isinstance(error, (GanometerError, ConfigError)):
            st.error(plain(error), icon=":material/error:")
            return True
        return False

    # ------------------------------------------------------------ the run and the step in the URL

    def run_in_url(self) -> RunInfo | None:
        """The run the URL names; an unknown one is said so, and the page ends there."""
        run_id = st.query_params.get("run")
        if not run_id:
            return None
        try:
            return self.lab.run(run_id)
        except GanometerError:
            st.warning(
                f"There is no run `{plain(run_id[:40])}` here. It may have been deleted, or the link is from "
                "another installation.",
                title="Unknown run",
                icon=":material/search_off:",
            )
            if st.button("Show the newest run instead", icon=":material/arrow_forward:"):
                st.query_params.clear()
                st.rerun()
            st.stop()

    def pick_run(self) -> RunInfo | None:
        """The run in the URL, else one that is active, else the newest; with a picker to choose another."""
        runs = self.lab.runs()
        chosen = self.run_in_url() or next((r for r in runs if r.active), runs[0] if runs else None)
        if chosen is None:
            return None
        ids = {run.id: run for run in [chosen, *runs]}
        key = f"{self.name} run"
        st.session_state[key] = chosen.id

        def remember():
            st.query_params["run"] = st.session_state[key]
            st.query_params.pop("step", None)

        st.selectbox(
            "Run",
            list(ids),
            key=key,
            on_change=remember,
            format_func=lambda i: f"{ids[i].name} · {STATES[ids[i].state][2].lower()} · {i}",
        )
        return chosen

    def pick_step(self, steps: tuple[int, ...], label: str = "Snapshot at step") -> int:
        """One of `steps`: the URL's, else the newest; a slider that keeps its place while snapshots arrive."""
        asked = st.query_params.get("step", "")
        chosen = min(steps, key=lambda s: abs(s - int(asked))) if asked.isdigit() and len(asked) < 10 else steps[-1]
        key = f"{self.name} step"
        st.session_state[key] = chosen

        def remember():
            step = st.session_state[key]
            if step == steps[-1]:
                st.query_params.pop("step", None)
            else:
                st.query_params["step"] = str(step)

        if len(steps) > 1:
            st.select_slider(label, steps, key=key, on_change=remember, format_func=lambda s: f"{s:,}")
        return chosen

    # ------------------------------------------------------------ live parts

    def live(self, draw: Callable[[], object], *, every: float, key: str) -> None:
        """Draw now, and again every so many seconds; an error is said in place and ends nothing else."""

        @st.fragment(run_every=every, key=key)
        @wraps(draw)
        def part():
            with self._errors():
                self.lab.ensure_worker()
                draw()

        part()

    def _errors(self):
        page = self

        class Frame:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, trace):
                return page.__exit__(kind, error, trace)

        return Frame()


def open_page(name: str) -> Page:
    """The frame of a page: use it as a context around everything the page draws."""
    return Page(name)


def page_link(
    name: str, label: str, *, run: str | None = None, step: int | None = None, icon: str | None = None
) -> None:
    """A link that takes the run (and step) along."""
    path, _, own = PAGES[name]
    query = {"run": run} if run else {}
    if step is not None:
        query["step"] = str(step)
    st.page_link(path, label=label, icon=icon or own, query_params=query)


def badge(state: str) -> None:
    colour, icon, label = STATES[state]
    st.badge(label, icon=icon, color=colour)


def plain(text: object) -> str:
    """Text of unknown origin, so that Markdown shows it instead of obeying it."""
    escaped = html.escape(str(text), quote=False)
    for character in "\\`*_[]$#~|:":
        escaped = escaped.replace(character, "\\" + character)
    return escaped


def seconds(value: float | None) -> str:
    """A length of time as people say it."""
    if value is None:
        return "—"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def _menu(current: str) -> None:
    kept = {key: st.query_params[key] for key in ("run", "step", "space") if key in st.query_params}
    with st.container(horizontal=True, key="menu", gap="small"):
        for name, (path, label, icon) in PAGES.items():
            st.page_link(path, label=label, icon=icon, query_params=kept, disabled=name == current)
