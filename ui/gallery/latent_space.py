"""Travelling in latent space: a walk between two samples, a pad of a whole plane, and the way back from an image."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from gan_core import DatasetInfo, LatentPlane, LatentWalk, Projection, RunInfo
from gan_core.pictures import grid
from ui.charts import latent
from ui.frame.job_answers import ask_worker
from ui.frame.page import Page, chart
from ui.gallery.image_grid import sheet

FRAMES, CELLS = 24, 15
LARGE = 140
DESCENT, STARTS = 300, 8


def pick_class(run: RunInfo, data: DatasetInfo, key: str) -> int | None:
    """The class to be drawn, where the run was trained with classes."""
    if not run.config.data.conditional:
        return None
    return st.selectbox("Class", data.classes, key=f"{key} class {run.id}", width=120)


# ---------------------------------------------------------------- a walk


def show_walk(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int | None:
    """The job that answers; None where both ends are one sample."""
    st.caption(
        "From one sample to another in even steps of their random numbers (along a sphere, White 2016, "
        "arXiv\\:1609.04468). A generator that has understood the data passes through believable samples; one that "
        "has memorised them jumps."
    )
    start, end = (st.session_state.get(f"walk {end} at", (None, place)) for end, place in (("start", 0), ("end", 1)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        places = [
            st.number_input(label, 1, 10_000, value[1] + 1, key=f"walk {label} {value}", width=130) - 1
            for label, value in (("From sample", start), ("To sample", end))
        ]
        frames = st.slider("Frames", 8, 60, FRAMES, key="frames", width=200)
    draws = " and ".join(dict.fromkeys(draw_of(seed) for seed, _ in (start, end)))
    st.caption(f"Samples of {draws}. The buttons under a sample choose it here, too.")
    if len({(seed, int(place)) for (seed, _), place in zip((start, end), places)}) == 1:
        st.info(
            f"Both ends are sample {places[0] + 1} of {draw_of(start[0])}, so there is no way to go. Choose another "
            "number for one of them, or look at Samples and press **Walk to here** under another sample.",
            icon=":material/route:",
        )
        return None
    asked = LatentWalk(
        *map(int, places),
        start_seed=start[0],
        end_seed=end[0],
        frames=frames,
        **st.session_state.get("walk about", {}),
    )
    if asked.label is None and asked.start_seed is not None:
        asked = replace(asked, label=pick_class(run, data, "walk"))
    return ask_worker(page, asked, lambda found, job: draw_walk(found, data), key="walk", run_id=run.id, step=step)


def draw_of(seed: int | None) -> str:
    return "the run's own 64" if seed is None else f"the draw with seed {seed}"


def draw_walk(found: Mapping, data: DatasetInfo) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        if data.kind == "image":
            sheet(
                found["x"],
                key="walk sheet",
                alt=f"{len(found['x'])} frames of a walk between two samples",
                captions=[f"frame {i + 1}" for i in range(len(found["x"]))],
            )
            st.caption("Sweep over the frames to travel.")
        else:
            chart(latent.path(found["x"], data.preview), "walk path", "A walk through the plane")
    with right:
        chart(latent.walk(found["length"]), "walk length", "How far the walk has come at each frame")
        straight = float(np.linalg.norm(np.subtract(*(found["x"][i].astype(np.float64) for i in (0, -1)))))
        straight /= 255 if data.kind == "image" else 1
        st.caption(
            f"The walk is {float(found['length'][-1]):.3g} long, its ends are {straight:.3g} apart. A steep piece is "
            "a jump: there one sample turns into quite another."
        )


# ---------------------------------------------------------------- a pad


def show_plane(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int:
    plane = run.config.generator.latent_dim == 2
    st.caption(
        "Every sample there is: this generator has two random numbers, and each cell of the pad is equally likely."
        if plane
        else f"A plane through the {run.config.generator.latent_dim} random numbers: move over the pad to see each "
        "sample large. Another number gives another plane."
    )
    number = 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not plane:
            number = int(st.number_input("Plane", 0, 10_000, 0, key="plane", width=140))
        truncation = st.slider("Truncation", 0.1, 1.0, 1.0, 0.05, key="pad truncation", width=200)
        label = pick_class(run, data, "pad")
    asked = LatentPlane(CELLS, number, label, round(truncation, 2))
    return ask_worker(page, asked, lambda found, job: draw_plane(found, data), key="pad", run_id=run.id, step=step)


def draw_plane(found: Mapping, data: DatasetInfo) -> None:
    x = found["x"].reshape(-1, *found["x"].shape[2:])
    if data.kind == "image":
        sheet(
            x,
            key="pad sheet",
            columns=found["x"].shape[1],
            cell=40,
            alt=f"{len(x)} samples of a plane through latent space",
            captions=[f"row {i // CELLS + 1}, column {i % CELLS + 1}" for i in range(len(x))],
        )
    else:
        chart(latent.path(x, data.preview), "pad path", "What a grid of latents becomes")


# ---------------------------------------------------------------- the way back


def show_search(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int:
    """Which latent makes this real image? A test of what the generator can reach."""
    st.caption(
        "Choose a real sample that was never trained on: the latent is looked for whose sample comes closest to it. "
        "What cannot be found, the generator cannot make."
    )
    key = f"sought {run.id}"
    sought = st.session_state.get(key, 0)

    def choose(place: int) -> None:
        st.session_state[key] = place
        st.rerun()

    if data.kind == "image":
        sheet(
            data.preview,
            key="real sheet",
            alt=f"{len(data.preview)} real samples that are never trained on",
            captions=[f"class {label}" if len(data.classes) > 1 else "" for label in data.labels],
            chosen=sought,
            cell=42,
            on_pick=choose,
        )
    else:
        sought = int(st.number_input("Real sample", 1, len(data.preview), sought + 1, key=f"{key} number")) - 1
    asked = Projection(sought, part="preview", steps=DESCENT, starts=STARTS)
    return ask_worker(page, asked, lambda found, job: draw_search(found, data), key="search", run_id=run.id, step=step)


def draw_search(found: Mapping, data: DatasetInfo) -> None:
    left, right = st.columns([3, 2], gap="large")
    shown = (
        ("Real", "target", None, "The real sample that is looked for"),
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
                    st.markdown(", ".join(f"{value:.4g}" for value in one[0]))
                st.caption("the goal" if distance is None else f"at {float(distance):.3g}")
    with right:
        chart(
            latent.found(found["curve"], float(found["start_distance"])),
            "search curve",
            "The distance while the latent is looked for",
        )
    better = float(found["distance"]) < float(found["nearest_distance"])
    st.caption(
        "The generator comes closer to this sample than any training sample does: it has learned to make new ones."
        if better
        else "The nearest training sample is closer than anything the search has found: this one is out of reach."
    )
