"""The state of a run in one line, and what is wrong with it or awaited."""

import streamlit as st

from gan_core import IMPROPER_LOSSES, RunInfo
from ui.frame.faults import told
from ui.frame.page import Page
from ui.frame.text import badge, seconds

DOES = {
    "starting": "The worker takes up the run.",
    "loading data": "The worker loads the data.",
    "building": "The worker builds the networks.",
    "compiling": "The worker compiles the training step, which takes 5 to 30 s, once for runs of one kind.",
    "timing some steps": "The worker times some steps, to see how many fit into the time.",
    "training": "The worker measures the untrained samples and trains the first steps.",
}
"""What a worker does for a run before, between and after its steps, by the phase it tells."""
CHANGED = {"pause": "Pausing", "resume": "Resuming", "stop": "Stopping", "step": "Stepping", "set": "Changing"}


def show_status(page: Page, run: RunInfo, pending: str | None) -> None:
    """State, step, time left and speed; below them what a person should know about the run at this moment."""
    preview = page.lab.results.preview(run) if run.state == "running" else None
    step = max(run.step, preview.step if preview else 0)  # a commit comes up to five seconds after the picture
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="state"):
        badge(run.state)
        risky = run.at_risk and run.trained_here
        at_risk = f" A crash now would cost at most {seconds(run.at_risk)} of training." if risky else ""
        st.markdown(numbers(run, step), width="content", help=f"Time left at the current speed.{at_risk}")
        if pending and run.active:
            st.badge(f"{CHANGED[pending]} …", icon=":material/hourglass_top:", color="orange")
        if run.trained_here or step < run.total_steps:
            st.progress(min(1.0, step / run.total_steps) if run.total_steps else 0.0)
    show_trouble(page, run, step)


def numbers(run: RunInfo, step: int) -> str:
    """The step, the time and the speed."""
    if run.kind == "samples":
        return "samples of a file"
    said = [f"step **{step:,}**" + (f" of {run.total_steps:,}" if run.trained_here or step < run.total_steps else "")]
    if run.state != "running":
        return " · ".join([*said, f"{seconds(run.seconds)} trained"])
    said += [f"**{seconds(run.seconds_left)}** left"] if run.seconds_left is not None else []
    said += [f"{run.steps_per_second:,.0f} steps/s"] if run.steps_per_second else []
    return " · ".join(said)


def what_it_does(run: RunInfo, step: int) -> str:
    """What happens while no step is trained, and how long that takes where it is known; empty while steps are trained.

    `step` is the newest that is known of, which a commit may not have yet.
    """
    if run.kind == "followed" or run.phase == "" or (run.phase == "training" and step > 0):
        return ""
    phase, _, last_time = run.phase.partition(", about ")
    does = DOES.get(phase, f"{phase[:1].upper()}{phase[1:]}.")
    if last_time:
        does = f"The worker compiles the training step, which took {last_time}."
    return f"{'No step yet' if step == 0 else f'The training rests at step {step:,}'}. {does}"


def show_trouble(page: Page, run: RunInfo, step: int) -> None:
    """Why a training waits, has ended or collapses; nothing where all goes well."""
    trouble = page.lab.worker.why_a_training_waits(run)
    if trouble:
        st.error(told(trouble.text), title=trouble.title, icon=":material/warning:")
    if run.state == "queued":
        wait = page.lab.runs.seconds_to_wait(run)
        about = f" It begins in about {seconds(wait)}." if wait else ""
        why = told(page.lab.worker.why_a_run_waits())
        st.info(f"Place {run.position} in the queue.{about} {why}".strip(), icon=":material/schedule:")
    elif run.state == "running" and not trouble and (doing := what_it_does(run, step)):
        st.info(told(doing), icon=":material/hourglass_top:")
    elif run.state == "failed":
        st.error(told(run.error or "The reason is unknown."), title="This run failed", icon=":material/error:")
    elif run.state == "interrupted":
        why = run.error or "the reason is unknown"
        remedy = " Press Resume to continue." if run.trained_here else ""
        st.warning(
            f"{told(why[:1].upper() + why[1:])}. All steps shown are saved.{remedy}",
            title="This run was interrupted",
            icon=":material/power_off:",
        )
    elif run.state == "stopped" and run.error:
        st.info(told(run.error).capitalize(), icon=":material/timer_off:")
    if run.trained_here and (why := IMPROPER_LOSSES.get(run.config.objective.loss)):
        st.warning(
            f"{why} So this run collapses by design. The loss `energy` also rewards variety and does not collapse.",
            title="This loss makes the generator collapse",
            icon=":material/warning:",
        )
