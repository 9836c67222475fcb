"""Runs as cards: a picture, a state, the number that counts, and what their owner may do with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from gan_core import (
    LONGEST_NAME,
    MOST_TAGS,
    GanometerError,
    Headline,
    RunInfo,
    UnreadableRun,
    below_zero,
    shown_value,
)
from gan_core.pictures import grid
from ui.frame.faults import guarded, part, told
from ui.frame.glossary import meaning
from ui.frame.page import PAGES, Page, page_link
from ui.frame.people import whose
from ui.frame.refresh_rate import LIVE_SECONDS
from ui.frame.text import STATES, badge, data_title, plain, recipe_of, seconds
from ui.frame.verdict_chip import chip, draw_in_words
from ui.home.bulk_actions import box_of
from ui.home.runs_list import Setting

CARD_WIDTH, PICTURE = 320, 112
LEADS_TO = ("distances", "gallery", "compare")


@dataclass(frozen=True)
class Names:
    """What the visitor may call uploads, by their names, and owners of runs, by theirs."""

    files: Mapping[str, str]
    owners: Mapping[str, str]


def matches(run: RunInfo, words: str, state: str | None, names: Names) -> bool:
    """Whether a run has every word somewhere: in its name, tags, data, recipe, state, owner or id."""
    about = (
        run.name,
        *run.tags,
        run.config.data.name,
        data_title(run.config.data.name, names.files),
        whose(run, names.owners),
        recipe_of(run),
        STATES[run.state][2],
        run.id,
    )
    text = " ".join(about).casefold()
    return state in (None, run.state) and all(word in text for word in words.casefold().split())


def show_cards(page: Page, settings: list[Setting]) -> None:
    """The cards of each setting below its title. All in one place, so that a run keeps its card when it moves."""
    headlines = page.lab.results.headlines([run for one in settings for run in one.runs], by=page.me)
    names = Names(page.lab.uploads.titles(by=page.me), page.lab.people.owners(by=page.me))
    for place, setting in enumerate(settings):
        st.markdown(f"### {plain(setting.title)}")
        with st.grid(min_column_width=CARD_WIDTH, gap="medium", key=f"cards {place}"):
            for run in setting.runs:
                with st.container(border=True, height="stretch", gap="small", key=f"run {run.id}"):
                    with part("This card"):
                        show_card(page, run, headlines[run.id], names)


def show_unreadable(page: Page, runs: list[UnreadableRun]) -> None:
    """Cards of runs that cannot be read, whose owner can do nothing with them but delete them."""
    with st.grid(min_column_width=CARD_WIDTH, gap="medium", key="unreadable cards"):
        for place, run in enumerate(runs):
            with st.container(border=True, height="stretch", gap="small", key=f"unreadable {place}"):
                st.markdown(f"**{plain(run.name or 'A run without a name')}**")
                st.badge("Unreadable", icon=":material/broken_image:", color="red")
                st.caption(f"{told(run.why)}.")
                st.space("stretch")
                with st.popover("Delete", icon=":material/delete:", key=f"bin {place} {run.id}"):
                    show_delete(page, run)


def show_card(page: Page, run: RunInfo, headline: Headline, names: Names) -> None:
    """One run. Only what changes while it trains is drawn again by itself, so what is open or has focus keeps it."""

    def now() -> None:
        current = page.lab.runs.get(run.id, by=page.me)
        show_progress(page, current, page.lab.results.headlines([current], by=page.me)[run.id], names)

    if run.state == "running":
        page.live(now, every=LIVE_SECONDS, key=f"live {run.id}")
    else:
        show_progress(page, run, headline, names)
    if run.tags:
        with st.container(horizontal=True, gap="xsmall"):
            for tag in run.tags:
                st.badge(plain(tag), icon=":material/sell:", color="violet")
    st.space("stretch")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        page_link("train", "Open", run=run.id, icon=":material/open_in_new:")
        for name in LEADS_TO:
            if name in PAGES:
                page_link(name, PAGES[name][1], run=run.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.checkbox("Select", key=box_of(run.id), width="content")
        if page.lab.runs.may_change(run, by=page.me):
            with st.popover("Edit", icon=":material/edit:", key=f"edit {run.id}"):
                show_edit(page, run)
            about = "A run can be deleted once it has ended." if run.active else None
            with st.popover("Delete", icon=":material/delete:", disabled=run.active, help=about, key=f"bin {run.id}"):
                show_delete(page, run)


def show_progress(page: Page, run: RunInfo, headline: Headline, names: Names) -> None:
    with st.container(horizontal=True, gap="small"):
        with st.container(width=PICTURE, height=PICTURE, border=False):
            show_picture(page, run, headline.snapshot)
        with st.container(gap="xsmall"):
            st.markdown(f"**{plain(run.name)}**")
            badge(run.state)
            show_number(headline)
    st.caption(facts(run, names))
    if trouble := page.lab.worker.why_a_training_waits(run):
        st.caption(f":material/warning: {trouble.title}. {told(trouble.text)}")
    if run.active and run.state != "queued" and (run.trained_here or run.step < run.total_steps):
        st.progress(min(1.0, run.progress))


def show_picture(page: Page, run: RunInfo, step: int | None) -> None:
    try:
        thumb = thumbnail(page.lab, run, run.id, step) if step is not None else None
    except GanometerError:
        st.caption("The newest samples cannot be read")
        return
    if thumb:
        st.image(grid.embedded(thumb), width=PICTURE, alt=f"Samples of {run.name} at step {step:,}")
    else:
        st.caption("No samples yet")


def show_number(headline: Headline) -> None:
    """The verdict on the newest measurement, and its energy distance."""
    chip(headline.verdict)
    energy, report = headline.energy, headline.report
    if energy is None or energy.value is None or report is None:
        return
    about = " (≈ 0)" if energy.value < 0 else ""
    st.markdown(
        f"Energy distance **{shown_value(energy)}**{about}",
        help=f"{meaning('energy distance')}\n\n{plain(draw_in_words(report))}.{below_zero(energy)}",
    )


def facts(run: RunInfo, names: Names) -> str:
    where = f"place {run.position} in the queue" if run.position else steps_of(run)
    data, owner = plain(data_title(run.config.data.name, names.files)), whose(run, names.owners)
    by = f" · by {plain(owner)}" if owner else ""
    took = "" if run.kind == "samples" else f" · {where} · {seconds(run.seconds)}"
    text = f"{recipe_of(run)} · {data}{by}{took} · `{run.id}`"
    return text + (f" · {told(run.error)}" if run.error and not run.active else "")


def steps_of(run: RunInfo) -> str:
    """How far a run is; where nobody knows how far it goes, only that."""
    if run.state == "finished" or (not run.trained_here and run.step >= run.total_steps):
        return f"{run.step:,} steps"
    return f"step {run.step:,} of {run.total_steps:,}"


def show_edit(page: Page, run: RunInfo) -> None:
    name, tags = f"name {run.id}", f"tags {run.id}"
    st.text_input("Name", run.name, max_chars=LONGEST_NAME, key=name, on_change="ignore")
    st.button(
        "Rename",
        key=f"rename {run.id}",
        on_click=guarded(lambda: page.do(page.lab.runs.rename, run.id, typed(name, run.name))),
    )
    st.text_input(
        "Tags",
        ", ".join(run.tags),
        key=tags,
        on_change="ignore",
        help=f"Words to search for, separated by commas; at most {MOST_TAGS}.",
    )
    st.button(
        "Save tags",
        key=f"tag {run.id}",
        on_click=guarded(lambda: page.do(page.lab.runs.tag, run.id, in_list(typed(tags, ", ".join(run.tags))))),
    )


def show_delete(page: Page, run: RunInfo | UnreadableRun) -> None:
    if isinstance(run, RunInfo) and run.active:  # a browser may still show an older state
        return
    st.markdown(f"Delete **{plain(run.name)}** with all its samples and measurements? This cannot be undone.")
    st.button(
        "Delete permanently",
        key=f"delete {run.id}",
        type="primary",
        icon=":material/delete:",
        on_click=page.do,
        args=(page.lab.runs.delete, run.id),
    )


def typed(key: str, otherwise: str) -> str:
    """What stands in a text field."""
    return st.session_state.get(key, otherwise)


def in_list(text: str) -> list[str]:
    """Tags that somebody wrote with commas in between."""
    return [tag for tag in text.split(",") if tag.strip()]


@st.cache_data(max_entries=200, show_spinner=False)
def thumbnail(_lab, _run: RunInfo, run_id: str, step: int) -> bytes | None:
    snapshot = _lab.results.snapshot(_run, step)
    return grid.thumbnail(snapshot.samples, size=PICTURE) if snapshot else None
