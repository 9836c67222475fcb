"""One sample large: its latent, and the training samples that lie nearest to it."""

from collections.abc import Callable, Mapping

import streamlit as st

from gan_core import Browse, DatasetInfo, Job, SampleDetail, closeness
from gan_core.pictures import grid
from ui.charts import latent
from ui.frame.feature_spaces import COORDINATES, SPACES, Space
from ui.frame.glossary import show_caption
from ui.frame.job_answers import ask_worker
from ui.frame.page import Page, chart
from ui.frame.private_data import say_private
from ui.frame.text import plain

NEAREST = 6
LARGE, SMALL = 168, 88


def show_detail(
    page: Page,
    data: DatasetInfo,
    job: Job,
    index: int,
    *,
    key: str,
    more: Callable[[SampleDetail], object] = lambda asked: None,
) -> None:
    """Sample `index` of those that a `browse` job has made; `more(asked)` is drawn below it."""
    browse: Browse = page.lab.jobs.asked(job)
    asked = SampleDetail(
        index, n=browse.n, seed=browse.seed, label=browse.label, truncation=browse.truncation, k=NEAREST
    )
    ask_worker(
        page,
        asked,
        lambda found, job: draw_detail(found, data, page.lab.jobs.asked(job), key, more),
        key=f"{key} detail",
        run_id=job.run_id,
        step=job.step,
    )


def draw_detail(
    found: Mapping, data: DatasetInfo, asked: SampleDetail, key: str, more: Callable[[SampleDetail], object]
) -> None:
    index = asked.index
    spaces: list[Space] = [space for space in SPACES if f"{space}.distances" in found]
    left, right = st.columns([1, 3], gap="medium")
    with left:
        of_class = f" of class {plain(data.class_name(int(found['label'])))}" if "label" in found else ""
        st.markdown(f"**Generated sample {index + 1}**{of_class}")
        if data.kind == "image":
            picture = grid.grid(found["x"], columns=1, scale=max(1, LARGE // data.shape[1]))
            st.image(grid.embedded(picture), width=LARGE, alt=f"Generated sample {index + 1}, large")
        else:
            st.markdown("  \n".join(f"{plain(data.column_name(i))} = {v:.4g}" for i, v in enumerate(found["x"][0])))
        nearest, usual = float(found["pixels.distances"][0]), float(found["real_distance"])
        show_caption(
            f"Nearest training sample: {nearest:.3g}. Held-out real samples have theirs at {usual:.3g} (median): "
            + closeness(nearest / usual if usual else 1.0),
            "held-out",
        )
        more(asked)
    with right:
        if data.rows_hidden:
            say_private()
        for space in [] if data.rows_hidden else spaces:
            title, sentence = SPACES[space] if data.kind == "image" else COORDINATES
            st.markdown(f"**Nearest training samples by {title[0].lower() + title[1:]}**", help=sentence)
            show_row(found, space, data, key)
        if "z" not in found:
            return
        with st.expander("Its latent vector z", icon=":material/tune:"):
            chart(latent.latent(found["z"]), f"{key} latent", "The latent vector z of this sample")
            show_caption(
                "The random numbers z that the generator turns into this sample, each drawn from a normal "
                "distribution around 0.",
                "normal distribution",
            )


def show_row(found: Mapping, space: Space, data: DatasetInfo, key: str) -> None:
    distances, labels, nearest = (found[f"{space}.{name}"] for name in ("distances", "labels", "nearest"))
    labelled = len(data.classes) > 1
    if data.kind == "points":
        st.dataframe(
            [
                {"nearest": i + 1, "distance": float(distance)}
                | ({"class": data.class_name(int(label))} if labelled else {})
                | {in_table(data.column_name(j)): float(value) for j, value in enumerate(point)}
                for i, (distance, label, point) in enumerate(zip(distances, labels, nearest))
            ],
            hide_index=True,
            key=f"{key} {space} nearest",
        )
        return
    with st.container(horizontal=True, gap="small"):
        for image, distance, label in zip(nearest, distances, labels):
            words = f"class {data.class_name(int(label))}" if labelled else ""
            with st.container(width=SMALL, gap=None):
                picture = grid.grid(image[None], columns=1, scale=max(1, SMALL // data.shape[1]))
                alt = f"A real training image{' of ' + words if labelled else ''} at distance {distance:.3f}"
                st.image(grid.embedded(picture), width=SMALL, alt=alt)
                st.caption(f"{distance:.3g}" + (f"  \n{plain(words)}" if labelled else ""))


def in_table(column: str) -> str:
    """A column of the data among those that the table has of its own."""
    return f"{column} (data)" if column in ("nearest", "distance", "class") else column
