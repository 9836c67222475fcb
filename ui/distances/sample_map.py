"""Where the generated samples lie among real ones: a map, the extreme samples, and class against class."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from gan_core import Browse, DatasetInfo, Job, RunInfo
from gan_core.pictures import grid
from ui.charts import captions, map
from ui.charts.training import axes_of
from ui.frame.glossary import show_caption, with_terms
from ui.frame.job_answers import ask_worker
from ui.frame.page import Page, chart
from ui.frame.private_data import say_private
from ui.frame.sample_detail import show_detail
from ui.frame.sample_orders import ordered

ON_MAP, SEED = 1_000, 0
EXTREMES, CHOSEN = 8, 24
KINDS_OF_EXTREMES = {
    "copied": ("Most like a training sample", "Small distances are copies only where real samples have larger ones."),
    "realistic": ("Most realistic", "They lie deepest inside the k-NN balls of real samples (see the Gallery)."),
    "unlike": ("Least like a training sample", "No training sample is near: bad samples, or new ones."),
}


def show_map(page: Page, run: RunInfo, data: DatasetInfo, step: int) -> int | None:
    """All of it comes from one job, whose id is returned; None where the real samples are hidden, among which all of
    this lies.
    """
    st.header("Map of the samples", anchor=False)
    if data.rows_hidden:
        say_private()
        return None
    return ask_worker(
        page,
        Browse(ON_MAP, SEED),
        lambda found, job: draw_all(page, data, job, found),
        key="map answer",
        run_id=run.id,
        step=step,
    )


def draw_all(page: Page, data: DatasetInfo, job: Job, found: Mapping) -> None:
    draw_map(page, data, job, found)
    if data.kind == "image":
        draw_extremes(found)
    if len(data.classes) > 1 and "class_distances" in found:
        draw_classes(found, data)


def draw_map(page: Page, data: DatasetInfo, job: Job, found: Mapping) -> None:
    key = f"on map {job.run_id} {job.step}"
    chosen = [i for i in st.session_state.get(key, []) if i < len(found["x"])]
    usual = float(np.median(found["real_distances"]))
    figure = map.sample_map(
        real=found["real_xy"],
        fake=found["xy"],
        distances=found["distances"],
        usual=usual,
        chosen=chosen,
        explained=found["explained"] if data.shape != (2,) else None,
        axes=axes_of(data),
    )

    def keep(places: list[int]) -> None:
        st.session_state[key] = places[:CHOSEN]

    left, right = st.columns([3, 2], gap="large")
    with left:
        chart(
            figure,
            f"map {job.run_id}",
            f"Map of {len(found['x']):,} generated and {len(found['real_xy']):,} real samples",
            on_click=lambda click: (
                keep([click.index]) if isinstance(click.index, int) and click.curve == "generated" else None
            ),
            on_select=lambda marked: keep(marked.get("generated", [])),
        )
        show_caption(
            f"{len(found['x']):,} generated samples among {len(found['real_xy']):,} held-out real ones. The darker a "
            f"cross, the farther its nearest training sample; real samples have theirs at {usual:.3g} (median)."
            + (
                ""
                if data.shape == (2,)
                else " The axes are the first two principal components of the training samples."
            ),
            "held-out",
            "principal component",
        )
    with right:
        if not chosen:
            st.info(
                "Click a cross, or draw a lasso around several, to see the samples and their nearest neighbours.",
                icon=":material/touch_app:",
            )
        elif len(chosen) == 1 or data.kind == "points":
            show_detail(page, data, job, chosen[0], key="map")
        else:
            draw_chosen(found, chosen)


def draw_chosen(found: Mapping, chosen: list[int]) -> None:
    st.markdown(f"**{len(chosen)} samples, each with the real one nearest to it**")
    nearest = found["real_x"][found["nearest_real_rows"][chosen]]
    pictures = grid.pairs(found["x"][chosen], nearest[:, None], scale=2)
    st.image(grid.embedded(pictures), alt=f"{len(chosen)} generated samples, and beside each the nearest real one")
    st.caption(f"Generated on the left, real and held out on the right; at most {CHOSEN} are shown.")


def draw_extremes(found: Mapping) -> None:
    st.markdown("**Extreme samples**")
    for column, (name, (title, sentence)) in zip(st.columns(3, gap="large"), KINDS_OF_EXTREMES.items()):
        places = ordered(found, name)[:EXTREMES]
        both = np.concatenate([found["x"][places], found["real_x"][found["nearest_real_rows"][places]]])
        with column:
            st.markdown(title)
            st.image(
                grid.embedded(grid.grid(both, columns=len(places), gap=2)),
                width="stretch",
                alt=f"{title}: {len(places)} generated samples above, the nearest held-out real ones below",
            )
            low, high = found["distances"][places].min(), found["distances"][places].max()
            st.caption(
                f"{with_terms(sentence, 'k-NN ball')} Nearest training samples at {low:.3g} to {high:.3g}. Below: the "
                "nearest real ones.",
                unsafe_allow_html=True,
            )


def draw_classes(found: Mapping, data: DatasetInfo) -> None:
    st.markdown("**Class by class**")
    left, right = st.columns(2, gap="large")
    with left:
        chart(map.class_nearest(found, data.class_name), "class nearest", "Nearest distances by class")
        real, fake = map.medians_by_class(found)
        st.caption(captions.class_nearest(fake=fake, real=real))
    with right:
        chart(map.class_distances(found, data.class_name), "class distances", "Mean distances between classes")
        show_caption(
            "Mean Euclidean distance between the real samples of a class and the generated ones that look like a "
            "class.",
            "Euclidean distance",
        )
