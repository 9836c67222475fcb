"""The latent space of a generator: a walk between two samples, a plane, and the latent of a real sample."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from gan_core import DatasetInfo, LatentPlane, LatentWalk, Projection, RunInfo
from gan_core.pictures import grid
from ui.charts import latent
from ui.charts.training import axes_of
from ui.frame.glossary import show_caption
from ui.frame.job_answers import ask_worker
from ui.frame.page import Page, chart
from ui.frame.private_data import say_private
from ui.frame.text import plain
from ui.gallery.choices import pick_class, pick_truncation
from ui.gallery.image_grid import image_grid
from ui.gallery.walk_ends import WalkEnd, walk_ends

FRAMES, CELLS = 24, 15
LARGE = 140
DESCENT, STARTS = 300, 8


# ---------------------------------------------------------------- a walk


def show_walk(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int | None:
    """The job that answers; None where both ends are one sample."""
    show_caption(
        "The samples of latent vectors z in even steps from one sample to another, along a sphere (White 2016, "
        "arXiv\\:1609.04468). Between two samples, a generator that has learned the distribution gives plausible "
        "samples; one that has memorised its training data jumps.",
        "latent vector z",
        "distribution",
    )
    chosen = walk_ends()
    start, end = chosen.start, chosen.end
    with st.container(horizontal=True, vertical_alignment="bottom"):
        places = [
            int(st.number_input(label, 1, 10_000, one.index + 1, key=f"walk {label} {one}", width=130)) - 1
            for label, one in (("From sample", start), ("To sample", end))
        ]
        frames = st.slider("Frames", 8, 60, FRAMES, key="frames", width=200)
    draws = " and ".join(dict.fromkeys(draw_of(one.seed) for one in (start, end)))
    st.caption(f"The ends are from {draws}. The buttons under a sample also choose it as an end of the walk.")
    if WalkEnd(places[0], start.seed) == WalkEnd(places[1], end.seed):
        st.info(
            f"Both ends are sample {places[0] + 1} of {draw_of(start.seed)}, so there is nothing between them. Choose "
            "another number for one of them, or look at Samples and press **Walk to here** under another sample.",
            icon=":material/route:",
        )
        return None
    label = chosen.label
    if label is None and start.seed is not None:
        label = pick_class(run, data, "walk")
    asked = LatentWalk(places[0], places[1], start.seed, end.seed, frames, label, chosen.truncation)
    return ask_worker(page, asked, lambda found, job: draw_walk(found, data), key="walk", run_id=run.id, step=step)


def draw_of(seed: int | None) -> str:
    return "the run's 64 samples" if seed is None else f"the draw with seed {seed}"


def draw_walk(found: Mapping, data: DatasetInfo) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        if data.kind == "image":
            image_grid(
                found["x"],
                key="walk grid",
                alt=f"{len(found['x'])} frames of a latent walk between two samples",
                captions=[f"frame {i + 1}" for i in range(len(found["x"]))],
            )
            st.caption("Move the pointer along the frames to enlarge one after another.")
        else:
            figure = latent.path(found["x"], data.preview, axes_of(data))
            chart(figure, "walk path", "The latent walk in the plane of the data")
    with right:
        chart(latent.walk(found["length"]), "walk length", "Length of the walk up to each frame")
        straight = float(np.linalg.norm(np.subtract(*(found["x"][i].astype(np.float64) for i in (0, -1)))))
        straight /= 255 if data.kind == "image" else 1
        st.caption(
            f"The walk is {float(found['length'][-1]):.3g} long, its ends are {straight:.3g} apart. A steep "
            "part is a jump: there neighbouring frames are very different."
        )


# ---------------------------------------------------------------- a plane


def show_plane(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int:
    whole = run.config.generator.latent_dim == 2
    about = (
        "All samples of this generator: its latent vector z has two numbers, and every cell is equally likely."
        if whole
        else f"A plane in the space of the latent vectors z, which have {run.config.generator.latent_dim} numbers. "
        "Point at a cell to enlarge its sample. Another number gives another random plane."
    )
    show_caption(about, "latent vector z")
    number = 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not whole:
            number = int(st.number_input("Plane", 0, 10_000, 0, key="plane", width=140))
        truncation = pick_truncation("plane")
        label = pick_class(run, data, "plane")
    asked = LatentPlane(CELLS, number, label, truncation)
    return ask_worker(
        page, asked, lambda found, job: draw_plane(found, data), key="latent plane", run_id=run.id, step=step
    )


def draw_plane(found: Mapping, data: DatasetInfo) -> None:
    x = found["x"].reshape(-1, *found["x"].shape[2:])
    if data.kind == "image":
        image_grid(
            x,
            key="plane grid",
            columns=found["x"].shape[1],
            cell=40,
            alt=f"{len(x)} samples of a plane through latent space",
            captions=[f"row {i // CELLS + 1}, column {i % CELLS + 1}" for i in range(len(x))],
        )
    else:
        chart(latent.path(x, data.preview, axes_of(data)), "plane path", "The samples of a grid of latent vectors")


# ---------------------------------------------------------------- the latent of a real sample


def show_search(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int | None:
    """Which latent vector gives this real sample? A test of what the generator can generate.

    Returns the job that answers; None where the real samples are hidden.
    """
    if data.rows_hidden:
        say_private()
        return None
    show_caption(
        "Choose a real sample that was never trained on. The latent vector z is then searched for whose generated "
        "sample is closest to it, step by step along the gradient. A large distance means that the generator cannot "
        "make this sample.",
        "latent vector z",
        "gradient",
    )
    key = f"real sample {run.id}"
    index = st.session_state.get(key, 0)

    def choose(place: int) -> None:
        st.session_state[key] = place
        st.rerun()

    if data.kind == "image":
        image_grid(
            data.preview,
            key="real grid",
            alt=f"{len(data.preview)} real samples that are never trained on",
            captions=[f"class {data.class_name(int(c))}" if len(data.classes) > 1 else "" for c in data.labels],
            chosen=index,
            cell=42,
            on_pick=choose,
        )
    else:
        index = int(st.number_input("Real sample", 1, len(data.preview), index + 1, key=f"{key} number", width=160)) - 1
    asked = Projection(index, part="preview", steps=DESCENT, starts=STARTS)
    return ask_worker(page, asked, lambda found, job: draw_search(found, data), key="search", run_id=run.id, step=step)


def draw_search(found: Mapping, data: DatasetInfo) -> None:
    left, right = st.columns([3, 2], gap="large")
    shown = (
        ("Real", "target", None, "The real sample to be approached"),
        ("Best of 1,000", "start", found["start_distance"], "The closest of a thousand random samples"),
        ("Found", "x", found["distance"], "The closest sample the search has found"),
        ("Nearest training", "nearest", found["nearest_distance"], "The training sample nearest to the real one"),
    )
    with left:
        for column, (title, name, distance, alt) in zip(st.columns(4), shown):
            with column:
                st.markdown(f"**{title}**")
                one = found[name].reshape(1, *data.shape)
                if data.kind == "image":
                    picture = grid.grid(one, columns=1, scale=max(1, LARGE // data.shape[1]))
                    st.image(grid.embedded(picture), width=LARGE, alt=alt)
                else:
                    st.markdown(", ".join(f"{plain(data.column_name(i))} = {v:.4g}" for i, v in enumerate(one[0])))
                st.caption("target" if distance is None else f"at {float(distance):.3g}")
    with right:
        chart(
            latent.found(found["curve"], float(found["start_distance"])),
            "search curve",
            "Distance to the real sample during the search",
        )
    better = float(found["distance"]) < float(found["nearest_distance"])
    st.caption(
        "The generated sample is closer than any training sample: the generator has learned to make new samples."
        if better
        else "The nearest training sample is closer than the generated one: the generator does not reach this sample."
    )
