"""What a run's networks make at this moment: drawn about once a second, and apart from the kept snapshots."""

import streamlit as st

from gan_core import DatasetInfo, RunInfo
from gan_core.pictures import grid
from ui.charts import training
from ui.frame.navigation import navigation
from ui.frame.page import Page, chart
from ui.frame.private_data import say_private
from ui.frame.refresh_rate import CHANGE_SECONDS, PREVIEW_SECONDS

GAP = 4


def is_live(page: Page, run: RunInfo) -> bool:
    """Whether the newest state is shown: of a run that trains, where nobody asks for a step."""
    return run.state == "running" and navigation().place.step is None and page.lab.results.preview(run) is not None


def follow_live_picture(page: Page, run: RunInfo, data: DatasetInfo | None) -> None:
    """The live picture, drawn again and again: more often while a change of settings is not seen in it yet."""
    awaited = awaits_change(page, run)

    def draw() -> None:
        seen = not awaits_change(page, run)
        show_live_picture(page, run.id, data)
        if awaited and seen:
            st.rerun()  # another rhythm is needed now

    page.live(draw, every=CHANGE_SECONDS if awaited else PREVIEW_SECONDS, key="live picture")


def awaits_change(page: Page, run: RunInfo) -> bool:
    """Whether a change of settings was sent that the networks of the live picture have not trained with."""
    if any(command.kind == "set" for command in page.lab.runs.sent_commands(run)):
        return True
    changed = next((event.step for event in page.lab.runs.events(run, by=page.me) if event.kind == "set"), None)
    preview = page.lab.results.preview(run)
    return changed is not None and preview is not None and preview.step <= changed


def show_live_picture(page: Page, run_id: str, data: DatasetInfo | None) -> None:
    """Samples of the weights of this moment, or those of a generator that is not averaged, beside real ones."""
    run = page.lab.runs.get(run_id, by=page.me)
    preview = page.lab.results.preview(run)
    if preview is None or data is None:
        return
    raw = st.session_state.get("raw generator", False)
    samples = preview.raw if raw else preview.samples
    changes = f"{preview.edits} change{'' if preview.edits == 1 else 's'} of settings"
    about = f"at step {preview.step:,}, after {changes}"
    if data.kind == "points":
        st.markdown(f"**Generated points now, step {preview.step:,}**")
        figure = training.points(real=data.preview, fake=samples)
        if preview.game is not None and not data.rows_hidden:
            st.caption(f"The discriminator's surface and its pushes at step {preview.game_step:,}.")
            figure = training.surface(preview.game, data.preview)
        chart(figure, f"live {run.id}", f"Generated points {about}")
        if data.rows_hidden:
            say_private()
        return
    left, right = st.columns(2)
    with left:
        st.markdown(f"**Generated, now (step {preview.step:,})**")
        st.image(grid.embedded(grid.grid(samples, gap=GAP)), width="stretch", alt=f"64 generated samples {about}")
    with right:
        st.markdown("**Real, held out**")
        if data.rows_hidden:
            say_private()
        else:
            real = grid.embedded(grid.grid(data.preview, gap=GAP))
            st.image(real, width="stretch", alt="64 real samples that are never trained on")


def choose_generator() -> None:
    """Averaged or raw: which generator the live picture shows."""
    st.toggle(
        "Raw generator",
        key="raw generator",
        help="Shows the generator of this step. Otherwise its running average (EMA) is shown, which is calmer.",
    )
