"""The samples of the runs at one step, side by side, and the slider of that step."""

from collections.abc import Mapping

import streamlit as st

from gan_core import Group, RunInfo
from gan_core.pictures import grid as images
from gan_core.pictures.scatter import scatter
from ui.frame.faults import part
from ui.frame.glossary import term
from ui.frame.page import Page, page_link, square
from ui.frame.pickers import pick_step, play_on
from ui.frame.snapshots import samples_of
from ui.frame.text import STATES

GAP, SIDE = 2, 320
"""Pixels between the samples of a picture, and about its width."""
CELL_WIDTH = 220
ALL = "all"


def step_of_all(page: Page, steps_of: Mapping[str, tuple[int, ...]]) -> int | None:
    """The step of the slider: of everything that is shown; None for the newest of each run."""
    every = tuple(sorted({step for steps in steps_of.values() for step in steps}))
    if not every:
        return None
    step = pick_step(page, every, "Step (the nearest snapshot of each run)")
    play_on(page, every)
    return None if step == every[-1] else step


def show_samples(
    page: Page, groups: tuple[Group, ...], steps_of: Mapping[str, tuple[int, ...]], step: int | None
) -> None:
    """The samples of one seed of each group, or of all seeds, side by side at a step."""
    st.header("Samples", anchor=False)
    seeds = sorted({seed for group in groups for seed in group.seeds})
    shown = seeds[0]
    if any(len(group.runs) > 1 for group in groups):
        shown = st.selectbox(
            "Seed",
            [*seeds, ALL],
            key="shown seed",
            format_func=lambda s: "All seeds" if s == ALL else str(s),
            width=160,
        )
    pictures = [(group, run) for group in groups for run in runs_shown(group, shown)]
    grid = st.grid(min(4, max(2, len(pictures))), min_column_width=CELL_WIDTH)
    for group, run in pictures:
        with grid.cell(), part("This picture"):
            show_run_samples(page, group, run, steps_of[run.id], step)
    if all(run.trained_here for _, run in pictures):
        latents = term("latent vector", "latent vectors")
        st.caption(
            f"Each run has the same 64 {latents} at all steps. Move the slider to see its samples change.",
            unsafe_allow_html=True,
        )


def runs_shown(group: Group, seed: int | str) -> tuple[RunInfo, ...]:
    """The run of this seed; of a group without it its first one."""
    if seed == ALL:
        return group.runs
    return (next((run for run in group.runs if run.config.seed == seed), group.runs[0]),)


def show_run_samples(page: Page, group: Group, run: RunInfo, steps: tuple[int, ...], step: int | None) -> None:
    """The samples of a run at the one of `steps` that is nearest to `step`; of the newest without it."""
    st.markdown(f"**{group.letter}** · seed {run.config.seed}")
    if not steps:
        st.caption(f"{STATES[run.state][2]}: no samples yet.")
        return
    at = steps[-1] if step is None else min(steps, key=lambda kept: abs(kept - step))
    about = f"64 generated samples of {group.name}, seed {run.config.seed}, at step {at:,}"
    with square(run.id):
        st.image(images.embedded(sample_picture(run.id, at, run.data_hidden, page, run)), width="stretch", alt=about)
    st.caption(f"step {at:,}" + ("" if run.state == "finished" else f" · {STATES[run.state][2].lower()}"))
    page_link("gallery", "Look closer", run=run.id, step=at)


@st.cache_data(max_entries=512, show_spinner=False)
def sample_picture(run_id: str, step: int, data_hidden: bool, _page: Page, _run: RunInfo) -> bytes:
    """The 64 samples of a snapshot: images as they are, points on real ones, unless these are hidden."""
    samples = samples_of(_page.lab, _run, step)
    if samples.ndim == 4:
        return images.grid(samples, scale=max(1, SIDE // (8 * samples.shape[2])), gap=GAP)
    data = _page.lab.results.dataset_of(_run)
    return scatter(fake=samples, real=None if data is None or data.rows_hidden else data.preview, size=SIDE)
