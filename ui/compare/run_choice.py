"""Which runs are compared: those in the address, a picker to choose them, and an offer where none is chosen."""

import streamlit as st

from gan_core import MOST_RUNS, GanometerError, RunInfo, alike
from ui.compare.groups import choose, repeat_button
from ui.frame.faults import guarded
from ui.frame.page import Page, page_link
from ui.frame.text import STATES, data_title, plain

LOOKED_AT = 50
"""Runs among which a suggestion is looked for."""
PICKER = "compare runs"
"""Key of the session state: the picker of runs."""


def runs_in_address() -> list[str]:
    """The ids in the address: `runs=a,b,c`; or the one run that another page was showing."""
    text = st.query_params.get("runs") or st.query_params.get("run") or ""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def known_runs(page: Page, ids: list[str]) -> list[RunInfo]:
    """Those that exist; a warning names the others."""
    found, unknown = [], []
    for run_id in ids[:MOST_RUNS]:
        try:
            found.append(page.lab.runs.get(run_id, by=page.me))
        except GanometerError:
            unknown.append(f"“{plain(run_id[:40])}”")
    if unknown:
        st.warning(
            f"There is no run {', '.join(unknown)} here. It may have been deleted, or the link is from another "
            "installation." + (" The others are shown." if found else ""),
            title="Unknown run" if len(unknown) == 1 else "Unknown runs",
            icon=":material/search_off:",
        )
    if len(ids) > MOST_RUNS:
        st.warning(
            f"The address names {len(ids)} runs. The first {MOST_RUNS} are shown.", icon=":material/filter_list:"
        )
    return found


def pick_runs(chosen: list[RunInfo], listed: list[RunInfo]) -> None:
    """The picker of runs; what it says is put into the address."""
    names = {run.id: run for run in [*chosen, *listed]}
    st.session_state[PICKER] = [run.id for run in chosen]

    def label_of(run_id: str) -> str:
        run = names[run_id]
        seed, state = f" · seed {run.config.seed}", STATES[run.state][2].lower()
        parts = [run.name.removesuffix(seed) + seed, *([state] if state != "finished" else []), run_id]
        return " · ".join(parts)

    st.multiselect(
        "Runs",
        list(names),
        key=PICKER,
        on_change=guarded(lambda: choose(st.session_state[PICKER])),
        format_func=label_of,
        max_selections=MOST_RUNS,
        placeholder="Choose two or more runs",
    )


def suggestion(listed: list[RunInfo]) -> list[RunInfo]:
    """The newest two runs on the same data that have something to show, of two settings where there are two; fewer
    where there are no two such runs.
    """
    shown = [run for run in listed if run.step or run.kind == "samples"]
    for newest in shown:
        same = [run for run in shown if run.config.data.name == newest.config.data.name][:LOOKED_AT]
        if len(same) > 1:
            other = next((run for run in same if not alike(run, newest)), same[1])
            return [newest, other]
    return shown[:1]


def suggest(page: Page, listed: list[RunInfo]) -> None:
    """Where no run is chosen: offer two to compare, or a repetition of the only one."""
    found = suggestion(listed)
    st.info(
        "Choose runs above. Runs that differ only in their seed become one group, with a mean and a standard "
        "deviation.",
        icon=":material/compare:",
    )
    if len(found) == 2:
        ids = [run.id for run in found]
        data = data_title(found[0].config.data.name, page.lab.uploads.titles(by=page.me))
        label = f"Compare the newest two runs on {plain(data)}"
        st.button(
            label, key="suggested", type="primary", icon=":material/compare:", on_click=guarded(choose), args=(ids,)
        )
        st.caption(" and ".join(f"{plain(run.name)} (`{run.id}`)" for run in found))
    elif found:
        repeat = "Repeat it with other seeds, or train" if found[0].trained_here else "Train"
        st.caption(f"There is only one run with samples. {repeat} a second one.")
        if found[0].trained_here:
            repeat_button(page, found, found[0], "only")
        page_link("train", "Train another one", run=found[0].id)


def other_data(page: Page, runs: list[RunInfo]) -> None:
    """Runs on different data have no common scale: offer those on one."""
    by_data: dict[str, list[str]] = {}
    for run in runs:
        by_data.setdefault(run.config.data.name, []).append(run.id)
    files = page.lab.uploads.titles(by=page.me)
    names = ", ".join(data_title(name, files) for name in by_data)
    st.warning(
        f"These runs are on different data ({plain(names)}), where a distance means something else. "
        "Only runs on one data set can be compared.",
        title="Not comparable",
        icon=":material/database:",
    )
    with st.container(horizontal=True):
        for name, ids in by_data.items():
            label = f"Keep those on {plain(data_title(name, files))} ({len(ids)})"
            st.button(label, key=f"keep {name}", icon=":material/filter_alt:", on_click=guarded(choose), args=(ids,))
