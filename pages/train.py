"""Train: set up a run on the right, watch it on the left; pause, resume and stop it."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gan_core import (
    ADVERSARIAL_LOSSES,
    BELOW_ZERO,
    IMPROPER_LOSSES,
    LOSS_UNITS,
    DatasetInfo,
    GanometerError,
    RunInfo,
    with_spread,
)
from gan_core.pictures import grid
from ui.charts import captions, training
from ui.charts.plot import packed
from ui.frame.curves import history_of
from ui.frame.event_log import event_in_words, marked_events
from ui.frame.faults import guarded, part, told
from ui.frame.navigation import go_to_step, navigation, shown_step
from ui.frame.page import chart, open_page, page_link
from ui.frame.pickers import pick_run, pick_step, play_on
from ui.frame.private_data import say_private
from ui.frame.refresh_rate import IDLE_SECONDS, LIVE_SECONDS, PENDING_SECONDS
from ui.frame.snapshots import samples_of
from ui.frame.start import show_equal_run
from ui.frame.text import badge, data_title, plain, seconds
from ui.frame.verdict_chip import show_verdict
from ui.train.live_picture import choose_generator, follow_live_picture, is_live
from ui.train.run_controls import NOT_OVER, show_run_controls, show_steps
from ui.train.run_form import show_setup
from ui.train.share_link import share_run
from ui.train.tweaks import show_tweaks
from ui.train.upload_form import show_upload
from ui.train.uploads_list import show_uploads

GAP, NUMBER_WIDTH = 4, 160
CHANGED = {"pause": "Pausing", "resume": "Resuming", "stop": "Stopping", "step": "Stepping", "set": "Changing"}


def show_controls(run: RunInfo, pending: str | None) -> None:
    """Buttons stand outside the live part, so that a click never waits for a drawing to end."""

    mine = page.lab.runs.may_change(run, by=page.me)

    def act(label: str, command: Callable[..., object], icon: str, *, primary: bool = False) -> None:
        key, kind = label.lower(), "primary" if primary else "secondary"
        off = pending == key or not mine
        st.button(label, key=key, icon=icon, type=kind, disabled=off, on_click=page.do, args=(command, run.id))

    with st.container(horizontal=True, vertical_alignment="center", key="controls"):
        resumable = run.state in ("paused", "stopped", "interrupted")
        if run.state in ("queued", "running"):
            act("Pause", page.lab.runs.pause, ":material/pause:")
        elif resumable:
            act("Resume", page.lab.runs.resume, ":material/play_arrow:", primary=True)
        if run.active:
            show_steps(page, run, mine)
            act("Stop", page.lab.runs.stop, ":material/stop:")
        steps = page.lab.results.snapshot_steps(run)
        step = shown_step(steps) if steps and "step" in st.query_params else None
        page_link("distances", "Distances", run=run.id, step=step)
        page_link("gallery", "Gallery", run=run.id, step=step)


def show_state(run: RunInfo, pending: str | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="state"):
        st.markdown(f"**{plain(run.name)}**")
        badge(run.state)
        if pending and run.active:
            st.badge(f"{CHANGED[pending]} …", icon=":material/hourglass_top:", color="orange")
    trouble = page.lab.worker.why_a_training_waits(run)
    if trouble:
        st.error(told(trouble.text), title=trouble.title, icon=":material/warning:")
    if run.state == "queued":
        wait = page.lab.runs.seconds_to_wait(run)
        about = f" It begins in about {seconds(wait)}." if wait else ""
        why = told(page.lab.worker.why_a_run_waits())
        st.info(f"Place {run.position} in the queue.{about} {why}".strip(), icon=":material/schedule:")
    elif run.state == "running" and not trouble and run.phase not in ("training", ""):
        st.info(
            f"{told(run.phase).capitalize()} … this takes a few seconds before the first step.",
            icon=":material/hourglass_top:",
        )
    elif run.state == "failed":
        st.error(told(run.error or "The reason is unknown."), title="This run failed", icon=":material/error:")
    elif run.state == "interrupted":
        why = run.error or "the reason is unknown"
        st.warning(
            f"{told(why[:1].upper() + why[1:])}. All steps shown are saved. Press Resume to continue.",
            title="This run was interrupted",
            icon=":material/power_off:",
        )
    elif run.state == "stopped" and run.error:
        st.info(told(run.error).capitalize(), icon=":material/timer_off:")
    pace = run.steps_per_second if run.state == "running" else None
    left = seconds(run.seconds_left) if run.state == "running" else "—"
    headline = page.lab.results.headlines([run], by=page.me)[run.id]
    energy = headline.energy
    beside = f"real: {with_spread(energy)}" if energy and energy.reference_mean is not None else None
    with st.container(horizontal=True, key="numbers"):
        number("Step", f"{run.step:,}", f"of {run.total_steps:,}")
        number("Steps per second", f"{pace:,.0f}" if pace else "—")
        at_risk = f" A crash now would cost at most {seconds(run.at_risk)} of training." if run.at_risk else ""
        number("Time left", left, f"{seconds(run.seconds)} trained", help=f"At the current speed.{at_risk}")
        number(
            "Energy distance",
            f"{energy.value:z.4f}" if energy and energy.value is not None else "—",
            beside,
            help="How far the generated samples are from held-out real ones, as distributions. The number below is "
            f"that of two sets of real samples: the value to reach. {BELOW_ZERO}",
        )
    if headline.step is not None:
        show_verdict(headline.verdict, headline.report)
    st.progress(min(1.0, run.progress))


def number(label: str, value: str, below: str | None = None, help: str | None = None) -> None:
    st.metric(label, value, below, delta_color="off", delta_arrow="off", help=help, width=NUMBER_WIDTH)


def reference_of(run: RunInfo):
    try:
        return page.lab.results.live_reference(run)
    except GanometerError:  # where the data are shown, the page says what is wrong with them
        return None


@st.cache_data(max_entries=128, show_spinner=False)
def sample_grid(run_id: str, step: int, _run: RunInfo) -> bytes:
    return grid.grid(samples_of(page.lab, _run, step), gap=GAP)


@st.cache_data(max_entries=32, show_spinner=False)
def real_grid(dataset: str, _preview: np.ndarray) -> bytes:
    return grid.grid(_preview, gap=GAP)


def show_samples(run: RunInfo, data: DatasetInfo | None, steps: tuple[int, ...]) -> None:
    """The samples at the step that is shown."""
    if not steps or data is None:
        st.caption("The first samples appear with the first step.")
        return
    step = pick_step(page, steps)
    if run.active and navigation().place.step is not None:
        st.button(
            "Back to live",
            key="back to live",
            icon=":material/sensors:",
            on_click=guarded(lambda: back_to_live(steps)),
        )
    if not is_live(page, run):
        draw_samples(run, data, step)


def back_to_live(steps: tuple[int, ...]) -> None:
    go_to_step(steps[-1], steps)
    st.rerun()


def draw_samples(run: RunInfo, data: DatasetInfo, step: int) -> None:
    if data.kind == "points":
        samples = samples_of(page.lab, run, step)
        st.markdown(f"**Generated points at step {step:,}" + ("**" if data.rows_hidden else ", on real ones**"))
        chart(training.points(real=data.preview, fake=samples), f"points {run.id}", f"Points at step {step:,}")
        if data.rows_hidden:
            say_private()
        return
    left, right = st.columns(2)
    left.markdown(f"**Generated, step {step:,}**")
    made = grid.embedded(sample_grid(run.id, step, run))
    left.image(made, width="stretch", alt=f"64 generated samples at step {step:,}")
    right.markdown("**Real, held out**")
    if data.rows_hidden:
        with right:
            say_private()
        return
    right.image(
        grid.embedded(real_grid(data.sha256, data.preview)),
        width="stretch",
        alt="64 real samples that are never trained on",
    )


def curves_of(run: RunInfo, step: int | None) -> dict[str, dict]:
    """The charts of a run, ready to be drawn: {name: figure}, none before the first measurement."""
    history, reference = history_of(page, run), reference_of(run)
    marks = tuple(marked_events(page, run))
    lengths = tuple((name, len(steps)) for name, (steps, _) in history.curves.items())  # with its parent's, or without
    about = (run.id, run.version, lengths, reference is not None, step, marks)
    return packed_curves(about, history, reference, run.config.objective.loss) if history.curves else {}


@st.cache_resource(max_entries=32, show_spinner=False)
def packed_curves(about: tuple, _history, _reference, loss: str) -> dict[str, dict]:
    """The charts of what `about` names, built once for all visitors."""
    *_, step, marks = about
    figures = {
        "distance": training.metric_curve(_history, "energy_distance", _reference, step, marks),
        "losses": training.losses(_history, LOSS_UNITS.get(loss, ""), marks, step),
    }
    if loss in ADVERSARIAL_LOSSES:
        figures["scores"] = training.scores(_history, marks, step)
    return {name: packed(figure) for name, figure in figures.items()}


def show_curves(run: RunInfo, figures: dict[str, dict], step: int | None) -> None:
    if not figures:
        return
    history, loss = history_of(page, run), run.config.objective.loss
    st.markdown("**Distance to real samples**")
    chart(figures["distance"], f"distance {run.id}", "Energy distance over steps")
    st.caption(captions.distance(history, reference_of(run), step))
    if "scores" not in figures:
        st.markdown("**Loss**")
        chart(figures["losses"], f"losses {run.id}", "Loss over steps")
        st.caption(captions.losses(history, loss, step))
        return
    left, right = st.columns(2)
    left.markdown("**Losses**")
    with left:
        chart(figures["losses"], f"losses {run.id}", "Losses over steps")
        st.caption(captions.losses(history, loss, step))
    right.markdown("**Discriminator output**")
    with right:
        chart(figures["scores"], f"scores {run.id}", "D(x) and D(G(z)) over steps")
        st.caption(captions.scores(history, step))


def show_event_log(run: RunInfo) -> None:
    with st.expander("Settings and event log", icon=":material/history:"):
        changed = page.lab.recipes.changes_of(run)
        data = data_title(run.config.data.name, page.lab.uploads.titles(by=page.me))
        st.markdown(
            f"Recipe `{run.config.preset}` on {plain(data)}, seed {run.config.seed}"
            + (", changed: " + ", ".join(f"`{k}` = {plain(v[0])}" for k, v in changed.items()) if changed else ".")
        )
        share_run(page.lab, page.me, run)
        st.caption(f"Takes {page.lab.results.size(run) / 1e6:,.1f} MB in the store.")
        for event in page.lab.runs.events(run, by=page.me):
            st.caption(f"step {event.step:,}: {told(event_in_words(event))}")
        st.download_button(
            "Download this run",
            data=lambda: page.lab.bundles.export(run.id, by=page.me),
            file_name=f"ganometer-{run.id}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
            key="export",
        )


def show_system() -> None:
    with st.expander("System", icon=":material/memory:", on_change="rerun", key="system") as expander:
        if expander.open:
            st.table({name: told(value) for name, value in page.lab.system(by=page.me).items()})


def show_live(run_id: str, drawn: tuple[str, str, bool], pending_drawn: str | None) -> None:
    run = page.lab.runs.get(run_id, by=page.me)
    pending = page.lab.runs.last_command(run)
    if (run.state, run.phase, is_live(page, run)) != drawn or pending != pending_drawn:
        st.rerun()  # other buttons and another refresh rate are needed now
    if (
        not run.active
        and "run" not in st.query_params
        and any(other.active for other in page.lab.runs.newest(20, by=page.me))
    ):
        st.rerun()  # nobody chose this run, and another one has begun
    # First all that takes time, then all that is drawn: what comes in one go, a browser draws in one go.
    data, steps, figures = None, page.lab.results.snapshot_steps(run), {}
    step = shown_step(steps) if steps else None
    marked = step if steps and step != steps[-1] else None
    with part("The curves"):
        figures = curves_of(run, marked)
    with part():
        data = page.lab.results.dataset_of(run)
    with part("The state"):
        show_state(run, pending)
    if why := IMPROPER_LOSSES.get(run.config.objective.loss):
        st.warning(
            f"{why} So this run collapses by design. The loss `energy` also rewards variety and does not collapse.",
            title="This loss makes the generator collapse",
            icon=":material/warning:",
        )
    with part("The samples"):
        show_samples(run, data, steps)
    with part("The curves"):
        show_curves(run, figures, marked)


def tweaks_or_form(run: RunInfo | None) -> DeltaGenerator:
    """Where the form goes: beside the sliders of a run that is not over, in a tab of its own."""
    if run is None or run.state not in NOT_OVER or not page.lab.runs.may_change(run, by=page.me):
        return st.container()
    sliders, form = st.tabs(["Tweak", "New run"])
    with sliders, part("The sliders"):
        show_tweaks(page, run)
    return form


with open_page("train") as page:
    st.title("Train", anchor=False)
    live, setup = st.columns([2, 1], gap="large")
    with live:
        run = pick_run(page)
    with setup:
        with tweaks_or_form(run):
            with part("The form"):
                show_setup(page.lab, page.me)
            with part("Your own data"):
                show_upload(page)
                show_uploads(page.lab, page.me)
            with part("The system"):
                show_system()
    with live:
        if run is None:
            st.info(
                "No run yet. Choose data and a recipe, and press **Start training**.", icon=":material/model_training:"
            )
            page.wait_for_run()
        else:
            show_equal_run(page, run)
            pending = page.lab.runs.last_command(run)
            with part("The controls"):
                show_controls(run, pending)
            # Something is about to change. Not so far back in a queue, where a whole class may wait at once.
            next_up = run.state == "queued" and run.position == 1
            soon = (pending and run.active) or next_up or run.phase not in ("training", "")
            every = PENDING_SECONDS if soon else LIVE_SECONDS if run.active else IDLE_SECONDS
            run_id, drawn = run.id, (run.state, run.phase, is_live(page, run))
            if drawn[-1]:
                choose_generator()
                with part("The live picture"):
                    data = page.lab.results.dataset_of(run)
                    follow_live_picture(page, run, data)
            page.live(lambda: show_live(run_id, drawn, pending), every=every, key="live")
            play_on(page, page.lab.results.snapshot_steps(run))
            with part("The controls"):
                show_run_controls(page, run)
            with part("The event log"):
                show_event_log(run)
