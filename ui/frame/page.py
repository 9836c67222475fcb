"""What every page shares: its frame and menu, the run it looks at, the Lab, and how errors are said.

    with open_page("distances") as page:
        run = page.pick_run()
        ...

A page holds no state of its own: `run`, `step` and `space` live in the URL, everything else in the store.
"""

from __future__ import annotations

import gc
import html
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path

import streamlit as st

from gan_core import ConfigError, GanometerError, Job, Lab, RunInfo, settings_from_environment
from ui.charts.plot import Click, Selection, plot
from ui.frame.identity import show_account, visitor
from ui.frame.refresh_rate import is_off, rhythm

PAGES = {
    "home": ("app.py", "Home", ":material/home:"),
    "train": ("pages/train.py", "Train", ":material/model_training:"),
    "distances": ("pages/distances.py", "Distances", ":material/straighten:"),
    "gallery": ("pages/gallery.py", "Gallery", ":material/photo_library:"),
    "compare": ("pages/compare.py", "Compare", ":material/compare:"),
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

LIVE_SECONDS, PENDING_SECONDS, IDLE_SECONDS = 2.5, 0.5, 5.0
"""From one drawing of a live part to the next. The first is for who watches alone (`ui.frame.refresh_rate`): there is
news every five seconds, at a commit."""
LATE_SECONDS = 5.0
"""What a browser says of where it is may be as old as this."""
NOWHERE = (None, None, 0.0)
"""Where nobody has gone to a run: it (None where the page has followed one by itself), the one shown before, and
when."""
PLAY_SECONDS = 0.7
"""From one step of a time-lapse to the next."""
ECHO_SECONDS = 2.0
"""As long after a time-lapse a browser may still send the step before its last one."""
KEPT_IN_URL = ("run", "step", "space")
WAITING = ("waiting", "working")
STYLE = f"<style>{Path(__file__).with_name('page.css').read_text(encoding='utf-8')}</style><i hidden></i>"
"""A style alone would go where toasts stand, and take the place of one."""


@st.cache_resource(show_spinner=False)
def get_lab() -> Lab:
    """One Lab for all visitors of this server. It adopts the worker an earlier one started."""
    secrets = _secrets()
    url = secrets.get("connections", {}).get("store", {}).get("url")
    return Lab(settings_from_environment(store_url=url, secrets=secrets))


def _secrets() -> dict:
    """What the secrets say, where there are some: `[connections.store] url`, `shared`, `admins`, `resume`, `limits`."""
    try:
        return st.secrets.to_dict()
    except FileNotFoundError:
        return {}


@contextmanager
def open_page(name: str) -> Iterator[Page]:
    """The frame of a page: a context around everything the page draws, in which errors become sentences."""
    if st.session_state.get("page shown") != name:
        for old in ("went to", "shown run"):  # a link led here, and says itself which run it is about
            st.session_state.pop(old, None)
    st.session_state["page shown"] = name
    _stay_there()
    _, title, _ = PAGES[name]
    label = "Ganometer" if name == "home" else f"{title} · Ganometer"
    st.set_page_config(page_title=label, page_icon="📏", layout="wide", initial_sidebar_state="collapsed")
    _menu(name)
    try:
        lab = get_lab()
        lab.ensure_worker()
    except GanometerError as error:
        st.error(plain(error), title="The store cannot be used", icon=":material/database_off:")
        st.stop()
    except ValueError as error:
        st.error(plain(error), title="A setting of this server is wrong", icon=":material/settings:")
        st.stop()
    if lab.settings.notice:
        st.warning(plain(lab.settings.notice), icon=":material/folder_off:")
    try:
        with _errors_said():
            me = visitor(lab)
            show_account(lab, _secrets())
            yield Page(name, lab, me)
    finally:
        _set_aside(len(sys.modules))


@lru_cache(maxsize=1)
def _set_aside(modules: int) -> None:
    """Whenever more has been imported, leave that out of what is searched for garbage, of which it never is any.

    Streamlit searches after every run of a page or a part of one, and nearly all that it went through was imported:
    a tenth of a second every time, for everybody.
    """
    gc.collect()
    gc.freeze()


def go_to_run(run_id: str) -> None:
    """Let the address name this run; for callbacks."""
    _put_run(run_id)
    st.session_state["went to"] = run_id, st.session_state.get("shown run"), time.monotonic()


def _put_run(run_id: str) -> None:
    st.query_params["run"] = run_id
    st.query_params.pop("step", None)  # of the run before


def _stay_there() -> None:
    """A browser's timers say where it is, and may have said so just before a click that chose another run.

    On such an old word the page would be drawn with the run before, and stay so for as long as nobody touches it.
    """
    run_id, _, when = st.session_state.get("went to", NOWHERE)
    if run_id and st.query_params.get("run") != run_id and time.monotonic() - when < LATE_SECONDS:
        _put_run(run_id)


def _is_old_word(picked: str) -> bool:
    """Whether a timer, and not a person, picked the run that was shown before the one somebody has just gone to."""
    _, before, when = st.session_state.get("went to", NOWHERE)
    return picked == before and time.monotonic() - when < LATE_SECONDS


@contextmanager
def _errors_said() -> Iterator[None]:
    try:
        yield
    except (GanometerError, ConfigError) as error:
        st.error(plain(error), icon=":material/error:")


@dataclass(frozen=True)
class Page:
    """One page for one visitor; `me` owns what is started here."""

    name: str
    lab: Lab
    me: str = ""

    # ------------------------------------------------------------ the run and the step in the URL

    def run_in_url(self) -> RunInfo | None:
        """The run the URL names; an unknown one is said so, and the page ends there."""
        run_id = st.query_params.get("run")
        if not run_id:
            return None
        try:
            return self.lab.run(run_id, by=self.me)
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
        """The run in the URL, else an active one, the newest, or the example; with a picker to choose another."""
        runs = self.lab.runs(by=self.me)
        chosen = self.run_in_url() or next((r for r in runs if r.active), runs[0] if runs else self.lab.example())
        if chosen is None:
            return None
        ids = {run.id: run for run in [chosen, *runs]}
        key, before = f"{self.name} run", st.session_state.get("shown run")
        if before not in (None, chosen.id) and "run" not in st.query_params:  # the page follows a run somebody began
            st.session_state["went to"] = None, before, time.monotonic()
        st.session_state[key] = st.session_state["shown run"] = chosen.id

        def remember():
            # A browser sends the label it was shown; where the run's state has changed since, it comes as it is.
            picked = st.session_state[key].rsplit(" · ", 1)[-1]
            if picked not in ids or _is_old_word(picked):
                return
            go_to_run(picked)
            st.session_state.pop("beat", None)

        st.selectbox(
            "Run",
            list(ids),
            key=key,
            on_change=remember,
            format_func=lambda i: f"{ids[i].name} · {STATES[ids[i].state][2].lower()} · {i}",
        )
        return chosen

    def pick_step(self, steps: tuple[int, ...], label: str = "Snapshot at step") -> int:
        """One of `steps`: the URL's, else the newest; a slider that keeps its place while snapshots arrive.

        The same on every page, and what it says goes along in the menu: it drives all that a page shows of a run.
        """
        chosen = step_in_url(steps)
        if len(steps) < 2:
            return chosen
        key, playing = f"{self.name} step", st.session_state.get("playing", False)
        st.session_state[key] = chosen

        def slide():
            if st.session_state[key] in _last_beat():
                return  # nobody has moved it but the time-lapse
            st.session_state["playing"] = False
            _put_step(st.session_state[key], steps)
            st.rerun()  # the menu takes the step along

        def play():
            st.session_state["playing"] = not playing
            if not playing and chosen == steps[-1]:
                _beat(steps[0], steps)
            st.rerun()

        with st.container(horizontal=True, vertical_alignment="bottom", key="time"):
            word, icon = ("Halt", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
            st.button(word, key="play", icon=icon, on_click=play, help="Play the training as a time-lapse.")
            st.select_slider(label, steps, key=key, on_change=slide, format_func=lambda s: f"{s:,}", width="stretch")
        return chosen

    def play(self, steps: tuple[int, ...], *, after: Iterable[int] = ()) -> None:
        """While the time-lapse plays, go on to the next of `steps` as soon as the jobs `after` are answered."""
        if not st.session_state.get("playing"):
            return
        jobs, drawn = list(after), time.monotonic()

        def tick():
            if time.monotonic() - drawn < PLAY_SECONDS / 2 or any(self.lab.job_state(job) in WAITING for job in jobs):
                return
            following = next((s for s in steps if s > step_in_url(steps)), None)
            if following is None or following == steps[-1]:
                st.session_state["playing"] = False
            if following is not None:
                _beat(following, steps)
            st.rerun()

        self.live(tick, every=PLAY_SECONDS, key="playing on")

    # ------------------------------------------------------------ live parts

    def live(self, draw: Callable[[], object], *, every: float | None, key: str) -> None:
        """Draw now, and again every so many seconds; an error is said in place and ends nothing else.

        What is LIVE_SECONDS for one who watches alone is longer the more others do.
        """
        shared = every == LIVE_SECONDS
        now = rhythm(every) if shared else every
        run = st.query_params.get("run")

        @st.fragment(run_every=now, key=key)
        @wraps(draw)
        def part():
            _stay_there()
            if st.query_params.get("run") != run or (shared and is_off(now, rhythm(every))):
                st.rerun()
            with _errors_said():
                self.lab.ensure_worker()
                draw()

        part()

    def wait_for_run(self) -> None:
        """Draw the whole page again as soon as there is a run."""

        def look():
            if self.lab.runs(by=self.me):
                st.rerun()

        self.live(look, every=IDLE_SECONDS, key="wait")

    def watch(self, *runs: RunInfo) -> None:
        """Draw the whole page again when one of the runs has another state or a new snapshot.

        Not at every commit: what a person is just choosing or reading would be taken from under them.
        """
        drawn = [(run.state, self.lab.store.recordings.snapshot_steps(run.id)) for run in runs]

        def look():
            now = [self.lab.run(run.id, by=self.me).state for run in runs]
            if [(state, self.lab.store.recordings.snapshot_steps(run.id)) for state, run in zip(now, runs)] != drawn:
                st.rerun()

        self.live(look, every=LIVE_SECONDS if any(run.active for run in runs) else IDLE_SECONDS, key="watch")

    def answer(
        self, job_id: int, draw: Callable[..., object], *, key: str, again: Callable[[], object] | None = None
    ) -> None:
        """What a job answered: `draw(job)`, which comes without its answer (`answered` keeps that for all who look).

        Until then, how it is getting on; and what was answered here before of the same run stays in its place, so that
        a step that follows another changes a chart instead of building it anew. `draw` therefore tells of the job it
        is given, whichever was asked for. `again` asks anew for a failed one.
        """
        job = self.lab.job(job_id, result=False)
        waiting = job is not None and job.state in WAITING
        shown = self._answered_before(key, job) if waiting else job

        def look():
            now = self.lab.job(job_id, result=False)
            if now is None or now.state not in WAITING:
                st.rerun()  # the rhythm can rest
            elif shown:
                st.badge(_awaited(now, shown), icon=":material/hourglass_top:", color="orange")
            else:
                st.progress(now.progress, "Working …" if now.state == "working" else "Waiting for the worker …")

        def tell():
            if shown is None:
                st.caption("This answer has been cleared away: ask again.")
            elif shown.state == "done":
                st.session_state[f"{key} answered"] = shown.id
                draw(shown)
            else:
                st.error(plain(shown.error), icon=":material/error:")
                if again:
                    st.button("Try again", key=f"{key} again", on_click=self.do, args=(lambda by: again(),))

        # Always the same two places: what moves on a page is built anew.
        with st.container(key=f"answer {key}"):
            with st.container(key=f"pending {key}" if waiting and shown else f"progress {key}"):
                if waiting:
                    self.live(look, every=PENDING_SECONDS, key=f"{key} awaited")
            with st.container():
                if shown or not waiting:
                    self.live(tell, every=None, key=key)

    def _answered_before(self, key: str, job: Job) -> Job | None:
        """The answer that was last drawn in a place, if it told of the same run."""
        before = st.session_state.get(f"{key} answered")
        found = self.lab.job(before, result=False) if before and job.run_id else None
        alike = found and (found.kind, found.run_id, found.state) == (job.kind, job.run_id, "done")
        return found if alike else None

    def ask(self, kind: str, draw: Callable[[Mapping, Mapping], object], *, key: str, **wanted) -> int:
        """Ask the worker and `draw(found, about)`: the arrays of an answer, and what they were asked for by.

        That is `wanted`, or what was wanted before while its answer is awaited. Returns the job's id.
        """
        job_id = self.lab.request(kind, **wanted)
        self.answer(
            job_id,
            lambda job: draw(answered(job.id, self.lab), asked_by(job)),
            key=key,
            again=lambda: self.lab.retry(kind, **wanted),
        )
        return job_id

    # ------------------------------------------------------------ what a button does

    def do(self, action: Callable[..., object], *args) -> None:
        """For `on_click`: act as this visitor, then draw the page anew."""
        if attempt(action, *args, by=self.me):
            st.rerun()


def step_in_url(steps: tuple[int, ...]) -> int:
    """The one of `steps` that is nearest to what the URL asks for; the newest where it asks for none."""
    asked = st.query_params.get("step", "")
    step = min(steps, key=lambda s: abs(s - int(asked))) if asked.isdecimal() and len(asked) < 10 else steps[-1]
    before, now = _last_beat() or (None, None)
    return now if step == before and now in steps else step


def _beat(step: int, steps: tuple[int, ...]) -> None:
    """The time-lapse goes on to a step.

    What the browser sent before it heard of that has the old step in its address and slider: not a person's wish.
    """
    st.session_state["beat"] = (step_in_url(steps), step, time.monotonic())
    _put_step(step, steps)


def _last_beat() -> tuple[int, ...]:
    """The steps from and to which the time-lapse has just gone; () once the browser must have heard of it."""
    if "beat" not in st.session_state:
        return ()
    *steps, when = st.session_state["beat"]
    recent = st.session_state.get("playing") or time.monotonic() - when < ECHO_SECONDS
    return tuple(steps) if recent else ()


def _put_step(step: int, steps: tuple[int, ...]) -> None:
    """Into the URL; the newest step is the one that is not named, so that it stays the newest."""
    if step == steps[-1]:
        st.query_params.pop("step", None)
    else:
        st.query_params["step"] = str(step)


def asked_by(job: Job) -> dict:
    """What a job was asked for by: its run, its step, and all else."""
    return dict(run_id=job.run_id, step=job.step, **job.params)


def _awaited(job: Job, shown: Job) -> str:
    """What is on its way, in a few words, beside an answer that was asked for before it."""
    what = f"Step {job.step:,}" if job.step != shown.step and job.step is not None else "The next answer"
    old = f"; this is step {shown.step:,}" if job.step != shown.step and shown.step is not None else ""
    return f"{what} is being computed" + (f" ({job.progress:.0%})" if job.progress else "") + old


@st.cache_resource(max_entries=8, show_spinner=False)
def answered(job_id: int, _lab: Lab) -> Mapping:
    """The arrays of a job that is done, for everybody who looks at them; nobody writes to them."""
    job = _lab.job(job_id, result=False)
    if job is None:
        raise GanometerError("this answer has been cleared away: ask again")
    return _lab.arrays(job)


def attempt(action: Callable[..., object], *args, **about) -> bool:
    """Do it; where it cannot be done (any more), say why in passing, and return False."""
    try:
        action(*args, **about)
    except (GanometerError, ConfigError) as error:
        st.toast(plain(error), icon=":material/error:", duration="long")
        return False
    return True


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
    plot(figure, key=key, alt=alt, on_click=on_click, on_select=on_select, selected=selected)


def badge(state: str) -> None:
    colour, icon, label = STATES[state]
    st.badge(label, icon=icon, color=colour)


def plain(text: object) -> str:
    """Text of unknown origin, so that Markdown shows it instead of obeying it."""
    escaped = html.escape(str(text), quote=False)
    for character in "\\`*_[]$#~|:":
        escaped = escaped.replace(character, "\\" + character)
    # An icon is looked for after the escapes are gone: a word joiner, which nobody sees, breaks its name.
    return escaped.replace("material/", "material\N{WORD JOINER}/")


def seconds(value: float | None) -> str:
    """A length of time as people say it."""
    if value is None:
        return "—"
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def _menu(current: str) -> None:
    kept = {key: st.query_params[key] for key in KEPT_IN_URL if key in st.query_params}
    with st.container(horizontal=True, key="menu", gap=None):
        for name, (path, label, icon) in PAGES.items():
            st.page_link(path, label=label, icon=icon, query_params=kept, disabled=name == current)
        st.html(STYLE, width="content")
