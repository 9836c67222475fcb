"""Many samples of one generator: drawn, ordered, filtered and paged, and one of them looked at closely."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import streamlit as st

from gan_core import SNAPSHOT_SAMPLES, Browse, DatasetInfo, Job, RunInfo, SampleDetail
from gan_core.pictures import grid
from ui.charts import training
from ui.frame.faults import guarded
from ui.frame.glossary import show_caption
from ui.frame.held import held, held_index
from ui.frame.job_answers import ask_worker
from ui.frame.page import Page, chart
from ui.frame.sample_detail import show_detail
from ui.frame.sample_orders import ORDERS, ordered
from ui.gallery.choices import ALL, pick_class, pick_truncation
from ui.gallery.image_grid import image_grid
from ui.gallery.walk_ends import keep_walk_end

OWN, NEW, EVERY = "The run's 64 samples", "New samples", "All that are kept"
HOW_MANY = (64, 256, 1_000, 10_000)
A_PAGE = 128
WALK_BUTTONS: dict[Literal["start", "end"], str] = {"start": "Walk from here", "end": "Walk to here"}


def choose_samples(run: RunInfo, data: DatasetInfo, kept: int | None) -> Browse:
    """The widgets that choose the samples; `kept`: there are so many of a run that makes none."""
    if kept is not None:
        st.caption(f"{kept:,} samples of this step are kept. The run has no generator here to make more.")
        options = [OWN, EVERY] if kept > SNAPSHOT_SAMPLES else [OWN]
        whose = st.segmented_control("Samples", options, default=OWN, required=True, key="whose kept samples")
        return Browse(kept, 0) if whose == EVERY else Browse()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        whose = st.segmented_control(
            "Samples",
            [OWN, NEW],
            default=held("whose samples", OWN),
            required=True,
            key="whose samples",
            persist_state="session",
        )
        if whose == OWN:
            return Browse()
        n = st.selectbox("How many", HOW_MANY, index=1, key="how many", width=120)
        seed = int(st.number_input("Seed", 0, 1_000_000, 1, key="sample seed", width=130))
        truncation = pick_truncation("samples")
        label = pick_class(run, data, "samples", all_too=True)
    return Browse(n, seed, label=label, truncation=truncation)


def show_samples(page: Page, data: DatasetInfo, asked: Browse, *, run: RunInfo, step: int) -> int:
    """The samples asked for; returns the id of the job that makes them."""
    return ask_worker(
        page,
        asked,
        lambda found, job: draw_samples(page, run, data, found, job),
        key="samples answer",
        run_id=run.id,
        step=step,
    )


def draw_samples(page: Page, run: RunInfo, data: DatasetInfo, found: Mapping, job: Job) -> None:
    order = arrange(found, data)
    if not len(order):
        st.info("No generated sample looks like this class.", icon=":material/search_off:")
        return
    pages = -(-len(order) // A_PAGE)
    shown = order
    if pages > 1 and data.kind == "image":
        number = st.pagination(pages, key=f"page of {job.id}")
        shown = order[(number - 1) * A_PAGE : number * A_PAGE]
        st.caption(
            f"Samples {(number - 1) * A_PAGE + 1:,} to {(number - 1) * A_PAGE + len(shown):,} of {len(order):,}."
        )
    key = f"picked {job.run_id} {job.step} {page.lab.jobs.asked(job)}"
    picked = st.session_state.get(key, int(order[0]))
    if data.kind == "image":
        places = np.flatnonzero(shown == picked)
        image_grid(
            found["x"][shown],
            key="samples grid",
            alt=f"{len(shown)} generated samples at step {job.step:,}",
            captions=[describe(found, data, i) for i in shown],
            chosen=int(places[0]) if len(places) else None,
            on_pick=lambda place: st.session_state.update({key: int(shown[place])}),
        )
    else:
        chart(
            training.points(real=data.preview, fake=found["x"][order], axes=training.axes_of(data)),
            "sample points",
            "Generated points" + ("" if data.rows_hidden else " on real ones"),
        )
        picked = st.number_input("Sample", 1, len(found["x"]), picked + 1, key=f"{key} number", width=160) - 1
    if data.kind == "image":
        st.caption(
            "Point at a sample to enlarge it. Click it, or press Enter on it, to see the training samples nearest to "
            "it."
        )
    walk = {"more": show_walk_buttons} if run.trained_here else {}
    show_detail(page, data, job, picked, key="samples", **walk)
    show_downloads(page, found, shown, job, data)


def arrange(found: Mapping, data: DatasetInfo) -> np.ndarray:
    """The indices of the samples in the order, and of the class, that are chosen here."""
    orders = [name for name, order in ORDERS.items() if not order.array or order.array in found]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Order",
            orders,
            index=held_index("order", orders),
            key="order",
            persist_state="session",
            format_func=lambda o: ORDERS[o].title,
            width=300,
        )
        label = ALL
        if "labels" in found:
            label = st.selectbox(
                "Looks like class",
                [ALL, *np.unique(found["labels"]).tolist()],
                key="looks like",
                format_func=lambda c: "any" if c == ALL else data.class_name(c),
                width=200 if data.names.classes else 150,
            )
    if ORDERS[name].sentence:
        show_caption(ORDERS[name].sentence, "k-NN ball", "discriminator")
    return ordered(found, name, label if isinstance(label, int) else None)


def describe(found: Mapping, data: DatasetInfo, i: int) -> str:
    """What is known of one sample, a line for each number."""
    lines = [f"no. {i + 1}", f"to training: {found['distances'][i]:.3g}"]
    for name, label in (("realism", "realism"), ("rarity", "rarity"), ("scores", "discriminator")):
        if name in found and np.isfinite(found[name][i]):
            lines.append(f"{label}: {found[name][i]:.3g}")
    if "labels" in found:
        lines.append(f"looks like {data.class_name(int(found['labels'][i]))}")
    return "\n".join(lines)


def show_walk_buttons(asked: SampleDetail) -> None:
    """Buttons that let a latent walk start or end at this sample."""
    with st.container(horizontal=True):
        for which, label in WALK_BUTTONS.items():
            st.button(
                label,
                key=f"walk {which}",
                icon=":material/route:",
                on_click=guarded(keep_walk_end),
                args=(which, asked),
            )


def show_downloads(page: Page, found: Mapping, shown: np.ndarray, job: Job, data: DatasetInfo) -> None:
    name = f"ganometer-{job.run_id}-step-{job.step}"
    with st.container(horizontal=True):
        if data.kind == "image":
            st.download_button(
                "These as PNG",
                lambda: grid.grid(found["x"][shown], columns=16, gap=2),
                f"{name}.png",
                "image/png",
                icon=":material/download:",
                on_click="ignore",
                key="png",
            )
        st.download_button(
            "All as NPZ",
            lambda: page.lab.jobs.samples_npz(job.id, by=page.me),
            f"{name}.npz",
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            key="npz",
            help="The samples and their distances: numpy.load(file) opens it.",
        )
