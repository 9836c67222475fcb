"""What can be made of a run: additional steps, or a fork."""

from collections.abc import Callable

import streamlit as st

from gan_core import (
    EDITABLE,
    RunConfig,
    RunInfo,
    flatten_config,
    has_effect,
    is_live,
    override,
)
from ui.frame.faults import guarded
from ui.frame.navigation import go_to_run, shown_step
from ui.frame.nonces import nonce_of, renew_nonce
from ui.frame.page import Page
from ui.frame.text import plain
from ui.train.run_form import in_pairs, setting_widget


def show_run_controls(page: Page, run: RunInfo) -> None:
    """Beside the picture, below the sliders of a run that is not over."""
    mine = page.lab.runs.may_change(run, by=page.me)
    if not mine:
        others = "watch and measure it" if run.data_hidden else "watch, measure and fork it"
        st.caption(f"This run belongs to somebody else. You can {others}.")
    if mine and run.state in ("finished", "stopped"):
        show_more_steps(page, run)
    if not run.data_hidden and (kept := page.lab.runs.kept_steps(run)):
        with st.expander("Fork from here", icon=":material/call_split:", on_change="rerun", key="fork box") as box:
            if box.open:
                show_fork(page, run, kept)


def show_more_steps(page: Page, run: RunInfo) -> None:
    with st.popover("Train more", icon=":material/more_time:"):
        steps = max(1, run.total_steps // 2)
        st.number_input("Additional steps", 1, 1_000_000, steps, key="more by", on_change="ignore")
        st.caption("The schedules of the learning rates and penalties are stretched to the new length.")
        nonce = nonce_of(f"more {run.id}")
        st.button(
            "Continue training",
            key=f"more steps {nonce}",
            type="primary",
            icon=":material/play_arrow:",
            on_click=guarded(lambda: page.do(more, page, run.id, int(st.session_state.get("more by", steps)), nonce)),
        )


def more(page: Page, run_id: str, steps: int, nonce: str, *, by: str) -> None:
    page.lab.runs.extend(run_id, steps, by=by, nonce=nonce)
    renew_nonce(f"more {run_id}")


def show_fork(page: Page, run: RunInfo, kept: dict[int, bool]) -> None:
    steps = list(kept)
    here = shown_step(tuple(steps))
    step = st.selectbox(
        "At step",
        steps,
        index=steps.index(here),
        format_func=lambda s: f"{s:,}" + ("" if kept[s] else " (generator only, with a new discriminator)"),
        help="The newest steps are saved whole and can be continued exactly. From earlier steps only the generator is "
        "taken: the discriminator and the optimizers begin anew.",
        key=f"fork step {run.id}",
    )
    changes, nonce = settings_of(run.config, f"fork {run.id}"), nonce_of(f"fork {run.id}")
    st.button(
        "Start a new run from here",
        key=f"fork {nonce}",
        type="primary",
        icon=":material/call_split:",
        on_click=guarded(lambda: page.do(branch, page, run.id, step, changes, nonce)),
    )


def branch(page: Page, run_id: str, step: int, wanted: Callable[[], dict], nonce: str, *, by: str) -> None:
    go_to_run(page.lab.runs.fork(run_id, step, wanted(), by=by, nonce=nonce))
    renew_nonce(f"fork {run_id}")


def settings_of(config: RunConfig, name: str) -> Callable[[], dict]:
    """Widgets of what may be changed: all that changes at once, and one other. Returns a function: what has changed."""
    values = flatten_config(config)
    meant = [key for key in EDITABLE if has_effect(key, values)]
    at_once = {key: values[key] for key in meant if is_live(config, key)}
    in_pairs(at_once, lambda key: f"{name} {key}")
    others = [key for key in meant if key not in at_once]
    other = st.selectbox(
        "Another setting",
        [None, *others],
        format_func=lambda key: "none" if key is None else key.replace("_", " ").replace(".", ": "),
        key=f"{name} other",
    )
    if other:
        setting_widget(other, values[other], f"{name} {other}")

    def changed() -> dict:
        shown = [*at_once, *([other] if other else [])]
        entered = {key: st.session_state.get(f"{name} {key}") for key in shown}
        entered = {key: value for key, value in entered.items() if value is not None}
        read = flatten_config(override(config, entered))  # a number field gives 3 for 3.0, and rounds nothing else
        return {key: entered[key] for key in entered if read[key] != values[key]}

    return changed


def in_words(changes: dict) -> str:
    return ", ".join(f"`{key}` = {plain(value)}" for key, value in changes.items())
