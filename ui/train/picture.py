"""What the generator makes, beside real samples: of this moment about once a second, or of a kept step."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from gan_core import DatasetInfo, Preview, RunInfo
from gan_core.pictures import grid
from ui.charts import training
from ui.frame.glossary import meaning, term
from ui.frame.navigation import navigation, shown_step
from ui.frame.page import Page, chart, square
from ui.frame.private_data import say_private
from ui.frame.refresh_rate import CHANGE_SECONDS, PREVIEW_SECONDS
from ui.frame.snapshots import samples_of
from ui.frame.text import plain
from ui.train.verdict import last_change

GAP = 4
SIDE, LARGE_SIDE = 272, 600
"""Pixels: the height of a chart of points on a page, and on a projector."""
COLOURS = (
    ":blue[● real] · :orange[✕ generated] · :violet[→ where the discriminator pushes them] · "
    f":gray[―] {term('latent grid')} · ground: :blue[taken for real], :orange[for generated]"
)
COLOURS_OF_SAMPLES = ":blue[● real] · :orange[✕ generated]"
NOTHING_YET = "The first samples appear with the first step."


@dataclass(frozen=True)
class Picture:
    """What is drawn: the samples of a step, `about` for their description, and for points the game of a preview."""

    title: str
    about: str
    samples: np.ndarray
    live: bool = False
    game: Mapping[str, np.ndarray] | None = None


def is_live(page: Page, run: RunInfo) -> bool:
    """Whether the newest state is shown: of a run that trains, where nobody asks for a step."""
    return run.state == "running" and navigation().place.step is None and page.lab.results.preview(run) is not None


def show_pictures(page: Page, run: RunInfo, data: DatasetInfo | None, *, large: bool = False) -> None:
    """Generated samples beside real ones; only the generated ones are drawn again and again."""
    points = data if data is not None and data.kind == "points" else None
    with st.container(key=f"{'large ' if large else ''}{'planes' if points else 'pictures'}", gap=None):
        made, real = st.columns(2, gap="small", vertical_alignment="bottom")
        with made:
            follow_generated(page, run, data, large)
        with real:
            show_real(page, run, data, large)
        if points:
            colours = COLOURS if run.trained_here else COLOURS_OF_SAMPLES
            st.markdown(f":small[{colours}]", unsafe_allow_html=True)
            if points.names.columns:  # the axes have no titles here
                names = [plain(points.column_name(place)) for place in range(min(2, points.shape[0]))]
                st.markdown(f":small[{' · '.join(f'{way}: {name}' for way, name in zip(('across', 'up'), names))}]")


def follow_generated(page: Page, run: RunInfo, data: DatasetInfo | None, large: bool) -> None:
    """The generated samples, drawn again and again: more often while a change of settings is not seen in them yet."""
    live, awaited = is_live(page, run), awaits_change(page, run)

    def draw() -> None:
        seen = awaited and not awaits_change(page, run)
        show_generated(page, run.id, data, large)
        if seen:
            st.rerun()  # another rhythm is needed now

    every = None if not live else CHANGE_SECONDS if awaited else PREVIEW_SECONDS
    page.live(draw, every=every, key="live picture")


def awaits_change(page: Page, run: RunInfo) -> bool:
    """Whether a change of settings was sent that the networks of the live picture have not trained with."""
    if any(command.kind == "set" for command in page.lab.runs.sent_commands(run)):
        return True
    changed = last_change(page, run)
    preview = page.lab.results.preview(run)
    return changed is not None and preview is not None and preview.step <= changed


def show_generated(page: Page, run_id: str, data: DatasetInfo | None, large: bool = False) -> None:
    """The samples, or for points in the plane the game: the discriminator's surface, its pushes, the latent grid."""
    run = page.lab.runs.get(run_id, by=page.me)
    picture = picture_of(page, run) if data is not None else None
    with st.container(horizontal=True, vertical_alignment="center", key="head generated"):
        st.markdown(f"**{picture.title if picture else 'Generated'}**", width="content")
        if picture is not None and picture.live:
            choose_generator()
    if data is None or picture is None:
        with square("generated"):
            st.caption(NOTHING_YET)
    elif data.kind == "points":
        show_plane(picture, run, data, LARGE_SIDE if large else SIDE)
    else:
        with square("generated"):
            made = grid.embedded(grid.grid(picture.samples, gap=GAP))
            st.image(made, width="stretch", alt=f"64 generated samples {picture.about}")


def picture_of(page: Page, run: RunInfo) -> Picture | None:
    """Of this moment or of where the run came to rest, else of a kept step; None before the first."""
    preview, steps = page.lab.results.preview(run), page.lab.results.snapshot_steps(run)
    newest = steps[-1] if steps else -1
    if preview is not None and navigation().place.step is None and (run.state == "running" or preview.step >= newest):
        raw = st.session_state.get("raw generator", False)
        changes = f"{preview.edits} change{'' if preview.edits == 1 else 's'} of settings"
        title = f"Generated{' now' if run.state == 'running' else ''}, step {preview.step:,}"
        about = f"at step {preview.step:,}, after {changes}"
        samples = preview.raw if raw else preview.samples
        return Picture(title, about, samples, True, game_with(samples, preview, raw=raw))
    if not steps:
        return None
    step = shown_step(steps)
    return Picture(f"Generated, step {step:,}", f"at step {step:,}", samples_of(page.lab, run, step))


def game_with(samples: np.ndarray, preview: Preview, *, raw: bool) -> Mapping[str, np.ndarray] | None:
    """The game with the points of this moment.

    It is made less often than the samples: then its ground and its grid are some seconds old, and the arrows, which
    begin at its own points, are left out.
    """
    if preview.game is None or (preview.game_step == preview.step and not raw):
        return preview.game
    return {name: found for name, found in preview.game.items() if name != "pushes"} | {"points": samples}


def show_plane(picture: Picture, run: RunInfo, data: DatasetInfo, side: int) -> None:
    """Generated points among real ones; of this moment also the discriminator's output and where it pushes them."""
    if picture.game is not None and not data.rows_hidden:
        figure = training.surface(picture.game, data.preview, training.axes_of(data))
    else:
        figure = training.points(real=data.preview, fake=picture.samples, axes=training.axes_of(data))
    key, what = ("live", "Generated points") if picture.live else ("points", "Points")
    chart(training.plane_of(figure, side), f"{key} {run.id}", f"{what} {picture.about}")


def choose_generator() -> None:
    """Averaged or raw: which generator the live picture shows."""
    st.toggle(
        "Raw",
        key="raw generator",
        help=f"Shows the generator as it is at this step. Otherwise its EMA is shown.\n\n**EMA**: {meaning('EMA')}",
    )


def show_real(page: Page, run: RunInfo, data: DatasetInfo | None, large: bool) -> None:
    """Real samples that are never trained on."""
    with st.container(horizontal=True, vertical_alignment="center", key="head real"):
        st.markdown(f"**Real, {term('held-out', 'held out')}**", width="content", unsafe_allow_html=True)
    if data is None:
        with square("real"):
            st.caption("The data are loaded with the first step.")
    elif data.rows_hidden:
        say_private()
    elif data.kind == "points":
        figure = training.points(real=data.preview, fake=data.preview[:0], axes=training.axes_of(data))
        side = LARGE_SIDE if large else SIDE
        chart(training.plane_of(figure, side), f"real {run.id}", "Real points that are never trained on")
    else:
        with square("real"):
            made = grid.embedded(real_grid(data.sha256, data.preview))
            st.image(made, width="stretch", alt="64 real samples that are never trained on")


@st.cache_data(max_entries=32, show_spinner=False)
def real_grid(dataset: str, _preview: np.ndarray) -> bytes:
    return grid.grid(_preview, gap=GAP)
