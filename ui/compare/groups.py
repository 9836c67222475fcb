"""The groups of runs that differ only in their seed: the legend of the page, and further seeds for one of them."""

from collections.abc import Mapping, Sequence

import streamlit as st

from gan_core import BELOW_ZERO, ENOUGH_SEEDS, ComparisonReport, Group, RunInfo, mean_and_sd, shown_number
from ui.charts import compare
from ui.frame.faults import guarded
from ui.frame.page import Page
from ui.frame.text import STATES, plain
from ui.frame.verdict_chip import chips


def choose(ids: list[str]) -> None:
    """Put these runs into the address, for this page and for who gets the link."""
    st.query_params["runs"] = ",".join(ids)
    st.query_params.pop("run", None)


def repeat_button(page: Page, chosen: Sequence[RunInfo], run: RunInfo, key: str) -> None:
    """Train a run with further seeds, and compare them beside those that are `chosen`."""
    st.button(
        f"Repeat with {ENOUGH_SEEDS} seeds",
        key=f"repeat {key}",
        icon=":material/repeat:",
        help="Trains the same settings with as many further seeds as are missing. Several seeds show whether a "
        "difference is due to the setting or to chance.",
        on_click=guarded(lambda: page.do(repeat, page, chosen, run.id)),
    )


def repeat(page: Page, chosen: Sequence[RunInfo], run_id: str, *, by: str) -> None:
    """Queue the missing seeds, and show all of them from now on."""
    ids = page.lab.runs.repeat(run_id, by=by)
    shown = [run.id for run in chosen]
    new = [other for other in ids if other not in shown]
    choose([*shown, *new])
    waiting = sum(page.lab.runs.get(other, by=by).state == "queued" for other in ids)
    st.toast(
        f"{waiting} runs are in the queue. They appear here as they train."
        if waiting
        else "These seeds have been trained already. They are shown now.",
        icon=":material/repeat:",
    )


def show_groups(
    page: Page, groups: tuple[Group, ...], verdict: ComparisonReport | None, steps: Mapping[str, int]
) -> None:
    """The legend of everything below: what each letter stands for, how many seeds it has, and how good its samples are
    at `steps`, {run: step}."""
    chosen = [run for group in groups for run in (*group.runs, *group.again)]
    counted = [run for group in groups for run in group.runs if run.id in steps]
    headlines = page.lab.results.headlines(counted, steps, by=page.me)
    for place, group in enumerate(groups):
        with st.container(horizontal=True, vertical_alignment="center", key=f"group {place}"):
            line = compare.key(place, f"The line of {group.letter} in the curves")
            st.markdown(line, width="content", unsafe_allow_html=True)
            st.markdown(f"**{group.letter}** · {plain(group.label)}", width="content")
            chips([headlines[run.id].verdict for run in group.runs if run.id in headlines])
            st.caption(plain(about_group(group, verdict)), width="content")
            repeatable = all(run.trained_here and run.parent_step is None for run in group.runs)
            if len(group.runs) < ENOUGH_SEEDS and repeatable:
                repeat_button(page, chosen, group.runs[0], group.letter)


def about_group(group: Group, verdict: ComparisonReport | None) -> str:
    """A group in a few words: its seeds, its energy distance where a verdict knows it, and what still trains."""
    count, negative = len(group.runs), False
    text = f"seed {group.seeds[0]}" if count == 1 else f"{count} seeds"
    seeds = (found for name, found in verdict.values.items() if name.startswith(f"{group.letter} ")) if verdict else ()
    values = [value for _, value in next(iter(seeds), ())]
    if values and verdict:
        mean, sd = mean_and_sd(values)
        found = " ± ".join(shown_number(number, "energy_distance") for number in (mean, sd) if number is not None)
        text += f", energy distance {found} (n = {verdict.n:,})"
        negative = mean < 0
    unfinished = [STATES[run.state][2].lower() for run in group.runs if run.state != "finished"]
    if unfinished:
        text += ", " + ", ".join(f"{unfinished.count(state)} {state}" for state in dict.fromkeys(unfinished))
    if group.again:
        text += f", {len(group.again)} more with a seed that is listed already (not counted)"
    return f"{text}. {BELOW_ZERO}" if negative else text
