"""All settings of a run that is not over, by group: changed together, between two steps."""

import streamlit as st

from gan_core import (
    EDITABLE,
    SETTINGS,
    RunInfo,
    describe_setting,
    edited,
    flatten_config,
    has_effect,
    is_live,
    needs_compiling,
    override,
)
from ui.frame.faults import guarded, told
from ui.frame.page import Page
from ui.train.run_controls import in_words
from ui.train.run_form import GROUPS, as_widget, group_of, in_pairs

BASIC, EXPERT = "Basic", "Expert"


def show_all_settings(page: Page, run: RunInfo) -> None:
    """Basic: what acts at once. Expert: also what is compiled first."""
    with st.expander("All settings", icon=":material/tune:", on_change="rerun", key="edit") as box:
        if not box.open:
            return
        left, right = st.columns([2, 3], vertical_alignment="bottom")
        level = left.segmented_control(
            "Level", [BASIC, EXPERT], default=BASIC, required=True, key="edit level", label_visibility="collapsed"
        )
        wanted = right.text_input(
            "Search", key="edit search", placeholder="Search a setting", label_visibility="collapsed"
        )
        at_once = {key for key in EDITABLE if is_live(run.config, key)}
        shown = [key for key in meant(run) if (level == EXPERT or key in at_once) and is_about(key, wanted or "")]
        show_groups(run, shown)
        if level == EXPERT:
            st.caption("Another loss, or a term that was switched off, is compiled first, which takes some seconds.")
        if not shown:
            st.caption(f"No setting is called so{' at this level' if level == BASIC else ''}.")
        st.button(
            "Change from the next step on",
            key="set",
            type="primary",
            icon=":material/check:",
            on_click=guarded(lambda: page.do(change, page, run.id)),
        )
        show_sent(page, run)


def meant(run: RunInfo) -> list[str]:
    """What may be changed of the run, and has an effect."""
    values = flatten_config(run.config)
    return [key for key in EDITABLE if has_effect(key, values)]


def is_about(key: str, words: str) -> bool:
    """Whether each of the words is in the setting's name or its explanation."""
    text = f"{key.replace('_', ' ').replace('.', ' ')} {describe_setting(key)['help']}".lower()
    return all(word in text for word in words.lower().replace("_", " ").split())


def widget(run_id: str, key: str) -> str:
    return f"edit {run_id} {key}"


def show_groups(run: RunInfo, keys: list[str]) -> None:
    values = flatten_config(run.config)
    for key in keys:  # a widget keeps what was entered, until the run itself has another value
        seen = f"seen {widget(run.id, key)}"
        if st.session_state.get(seen, values[key]) != values[key]:
            st.session_state[widget(run.id, key)] = as_widget(key, values[key])
        st.session_state[seen] = values[key]
    for group, (title, sentence) in GROUPS.items():
        inside = {key: values[key] for key in keys if group_of(key) == group}
        if inside:
            st.markdown(f"**{title}.** {sentence}")
            in_pairs(inside, lambda key: widget(run.id, key), persist_state="session")


def change(page: Page, run_id: str, *, by: str) -> None:
    """Send what was entered and differs from what the run has."""
    run = page.lab.runs.get(run_id, by=by)
    values = flatten_config(run.config)
    entered = {key: st.session_state.get(widget(run_id, key)) for key in SETTINGS if key in EDITABLE}
    entered = {key: value for key, value in entered.items() if value is not None}
    read = flatten_config(override(run.config, entered))  # a number field gives 3 for 3.0, and rounds nothing else
    changes = {key: value for key, value in entered.items() if read[key] != values[key]}
    outcome = page.lab.runs.change(run_id, changes, by=by)
    if outcome == "nothing to change":
        st.toast("Nothing was changed: every setting is as it was.", icon=":material/info:")
    elif needs_compiling(run.config, edited(run.config, changes, step=run.step)):
        st.toast("The change is compiled first. The run continues in some seconds.", icon=":material/build:")


def show_sent(page: Page, run: RunInfo) -> None:
    """The changes that wait for the worker, and what became of the others."""
    for command in page.lab.runs.sent_commands(run):
        if command.kind == "set":
            st.caption(f"Waits for the worker: {in_words(command.payload['changes'])}")
    for command, outcome in page.lab.runs.done_commands(run):
        if command.kind == "set":
            st.caption(f"{told(outcome).capitalize()}: {in_words(command.payload['changes'])}")
