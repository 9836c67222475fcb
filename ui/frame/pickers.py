"""What a person moves: the picker of runs, the slider of steps, the time-lapse, parts and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import streamlit as st

from gan_core import METRICS, GanometerError, RunInfo, Unreadable
from ui.frame.faults import guarded, told
from ui.frame.glossary import in_sentence
from ui.frame.held import held_index
from ui.frame.job_answers import WAITING
from ui.frame.navigation import Place, go_to_part, go_to_step, keep, navigation, place_of, shown_step, slider_key
from ui.frame.page import Page
from ui.frame.people import whose
from ui.frame.text import STATES, plain

PLAY_SECONDS = 0.7
"""From one step of a time-lapse to the next."""


def run_in_address(page: Page) -> RunInfo | None:
    """The run that the address names; for an unknown one the page shows a warning and ends there."""
    run_id = navigation().place.run
    if not run_id:
        return None
    try:
        return page.lab.runs.get(run_id, by=page.me)
    except GanometerError as error:
        if isinstance(error, Unreadable):
            st.error(told(error), title="Unreadable run", icon=":material/broken_image:")
        else:
            st.warning(
                f"There is no run `{plain(run_id[:40])}` here. It may have been deleted, or the link is from another "
                "installation.",
                title="Unknown run",
                icon=":material/search_off:",
            )
        if st.button("Show the newest run instead", icon=":material/arrow_forward:"):
            st.query_params.clear()
            keep(navigation().moved(Place()))
            st.rerun()
        st.stop()


def pick_run(page: Page, *, label_visibility: Literal["visible", "collapsed"] = "visible") -> RunInfo | None:
    """The run in the address, else an active one, the newest, or the example; with a picker to choose another."""
    runs = page.lab.runs.newest(by=page.me)
    chosen = run_in_address(page) or next(
        (r for r in runs if r.active), runs[0] if runs else page.lab.bundles.example()
    )
    if chosen is None:
        return None
    ids = {run.id: run for run in [chosen, *runs]}
    owners = page.lab.people.owners(by=page.me)
    keep(navigation().drew_run(chosen.id))
    serial = navigation().serial
    key = f"{page.name} run {serial}"
    st.session_state[key] = chosen.id

    def pick() -> None:
        # A browser sends the label it was shown; where the run's state has changed since, it comes as it is.
        picked = st.session_state[key].rsplit(" · ", 1)[-1]
        if picked in ids and navigation().serial == serial:
            keep(navigation().picked_run(picked))

    st.selectbox(
        "Run",
        list(ids),
        key=key,
        on_change=guarded(pick),
        label_visibility=label_visibility,
        format_func=lambda i: " · ".join(
            [ids[i].name, *filter(None, [whose(ids[i], owners)]), STATES[ids[i].state][2].lower(), i]
        ),
    )
    return chosen


def pick_step(page: Page, steps: tuple[int, ...], label: str = "Snapshot at step") -> int:
    """One of `steps`: the address', else the newest; a slider that keeps its place while snapshots arrive.

    The same on every page, and the menu takes it along: it drives all that a page shows of a run.
    """
    chosen, playing = shown_step(steps), navigation().playing
    keep(navigation().drew_step(chosen))
    if len(steps) < 2:
        return chosen
    key = slider_key(page.name)
    st.session_state[key] = chosen

    def slide() -> None:
        step = st.session_state[key]
        keep(navigation().slid(step, place_of(step, steps)))
        if not navigation().late:
            st.rerun()  # the menu takes the step along

    def play() -> None:
        begin = steps[0] if not playing and chosen == steps[-1] else chosen
        go_to_step(begin, steps, playing=not playing)
        st.rerun()

    with st.container(horizontal=True, vertical_alignment="bottom", key="time"):
        word, icon = ("Pause playback", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
        st.button(
            word,
            key="play",
            icon=icon,
            on_click=guarded(play),
            help="Show the saved steps one after another, as a time-lapse of the training.",
        )
        st.select_slider(
            label,
            steps,
            key=key,
            on_change=guarded(slide),
            format_func=lambda s: f"{s:,}",
            width="stretch",
            help=f"**Snapshot**: {in_sentence('snapshot')}",
        )
    return chosen


def pick_part(page: Page, titles: Mapping[str, str]) -> str:
    """One of the parts of a page, by its name in the address: the address', else the first."""
    wanted = navigation().place.part
    chosen = wanted if wanted and wanted in titles else next(iter(titles))
    show_parts(page.name, titles, chosen, label="Part of this page")
    return chosen


def show_parts(name: str, titles: Mapping[str, str], chosen: str, *, label: str) -> None:
    """A switch {part: its title} that stands at the part that is shown; another one goes into the address."""
    serial = navigation().serial
    key = f"{name} part {serial}"
    st.session_state[key] = chosen

    def pick() -> None:
        if navigation().serial == serial:  # else the page has gone to another run since, with a switch of its own
            go_to_part(st.session_state[key])

    st.segmented_control(
        label,
        list(titles),
        key=key,
        required=True,
        on_change=guarded(pick),
        format_func=lambda part: titles[part],
        label_visibility="collapsed",
    )


def pick_metric(names: Sequence[str]) -> str:
    """One of some metrics, the same one on every page that asks."""
    return st.selectbox(
        "Metric",
        names,
        index=held_index("metric", names),
        key="metric",
        persist_state="session",
        format_func=lambda name: METRICS[name].title,
        width=320,
    )


def play_on(page: Page, steps: tuple[int, ...], *, after: Iterable[int] = ()) -> None:
    """While the time-lapse plays, go on to the next of `steps` as soon as the jobs `after` are answered."""
    if not navigation().playing:
        return
    jobs, drawn = list(after), []

    def tick() -> None:
        if not drawn:  # the page has only just been drawn
            drawn.append(True)
            return
        if any(page.lab.jobs.state(job, by=page.me) in WAITING for job in jobs):
            return
        following = next((step for step in steps if step > shown_step(steps)), steps[-1])
        go_to_step(following, steps, playing=following != steps[-1])
        st.rerun()

    page.live(tick, every=PLAY_SECONDS, key="playing on")
