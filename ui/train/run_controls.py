"""What can be made of a run: additional steps, a duplicate, or a fork."""

from collections.abc import Callable

import streamlit as st

from gan_core import RunConfig, RunInfo, differences, override, settings_in_words
from ui.frame.faults import guarded
from ui.frame.glossary import term, with_terms
from ui.frame.navigation import go_to_run, shown_step
from ui.frame.nonces import nonce_of, renew_nonce
from ui.frame.page import Page
from ui.frame.text import data_title, plain
from ui.train.run_form import duplicate
from ui.train.settings_widgets import settings_of


def show_run_controls(page: Page, run: RunInfo) -> None:
    """Beside the picture, below the sliders of a run that is not over."""
    mine = page.lab.runs.may_change(run, by=page.me)
    if not mine:
        others = "watch and measure it" if run.data_hidden else "watch, measure and fork it"
        st.caption(f"This run belongs to somebody else. You can {others}.")
    if mine and run.state in ("finished", "stopped"):
        show_more_steps(page, run)
    show_duplicate(page, run)
    if not run.data_hidden and (kept := page.lab.runs.kept_steps(run)):
        with st.expander("Fork from here", icon=":material/call_split:", on_change="rerun", key="fork box") as box:
            if box.open:
                show_fork(page, run, kept)


def show_duplicate(page: Page, run: RunInfo) -> None:
    """A button that fills in the form of a new run."""
    st.button(
        "Duplicate",
        key="duplicate",
        icon=":material/content_copy:",
        disabled=run.data_hidden,
        help="Fills in the form of a new run with the settings that this run began with.",
        on_click=guarded(duplicate),
        args=(page, run),
    )


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
    config = page.lab.runs.fork_config(run, step)
    show_inherited(page, run, config, exactly=kept[step])
    left = f"fork {run.id} steps from {step}"
    st.number_input(
        "Steps to train",
        1,
        1_000_000,
        config.training.steps - step,
        key=left,
        on_change="ignore",
        help=f"After step {step:,}. The schedules of learning rates and penalties are stretched to the new end.",
    )
    if page.lab.runs.config_at(run, step).training.steps <= step:
        st.caption(f"The run has no step left after step {step:,}. Choose how many the fork trains.")
    changed, nonce = settings_of(config, f"fork {run.id}", beside=("training.steps",)), nonce_of(f"fork {run.id}")

    def changes() -> dict:
        steps = st.session_state.get(left) or config.training.steps - step
        return changed() | {"training.steps": step + int(steps)}

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


def show_inherited(page: Page, run: RunInfo, config: RunConfig, *, exactly: bool) -> None:
    """What a fork takes over from its run: weights, seed, data, and the settings of its step."""
    data = plain(data_title(run.config.data.name, page.lab.uploads.titles(by=page.me)))
    weights = "all weights and the state of the optimizers" if exactly else "the generator's weights"
    inherited = with_terms(f"{weights}, the settings of that step, the seed {config.seed}", "optimizer", "seed")
    st.markdown(f"This {term('fork')} takes over {inherited} and the data {data}.", unsafe_allow_html=True)
    later = differences(run.config, override(config, {"training.steps": run.config.training.steps}))
    if later:
        now = plain(settings_in_words({key: value for key, (value, _) in later.items()}))
        st.caption(f"The run changed these after that step, and the fork does not: {now}.")
