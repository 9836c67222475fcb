"""Gallery: what does the generator make? Its samples, what they resemble, and what lies between them."""

from collections.abc import Mapping

import streamlit as st

from gan_core import ADVERSARIAL_LOSSES, DatasetInfo, Job, RunInfo, Surface
from gan_core.pictures import grid
from ui.charts import training
from ui.frame.faults import guarded, part
from ui.frame.glossary import show_caption, term, with_terms
from ui.frame.job_answers import ask_worker
from ui.frame.page import chart, open_page, page_link, square
from ui.frame.pickers import pick_run, pick_step, play_on
from ui.frame.private_data import say_private
from ui.frame.snapshots import samples_of
from ui.gallery.choices import pick_class
from ui.gallery.latent_space import show_plane, show_search, show_walk
from ui.gallery.sample_browser import choose_samples, show_samples

GAP = 4
VIEWS = {
    "samples": ("Samples", ":material/grid_view:"),
    "walk": ("Latent walk", ":material/route:"),
    "plane": ("Latent plane", ":material/grid_4x4:"),
    "search": ("Latent of a real sample", ":material/image_search:"),
}


@st.cache_data(max_entries=256, show_spinner=False)
def snapshot_grid(run_id: str, step: int, _run: RunInfo) -> bytes:
    return grid.grid(samples_of(page.lab, _run, step), gap=GAP)


@st.cache_data(max_entries=8, show_spinner=False, max_size="40MB")
def film(run_id: str, version: int, data_hidden: bool, kind: str, _run: RunInfo) -> bytes:
    return page.lab.results.film(_run, format=kind)


def film_now(run_id: str, kind: str) -> bytes:
    """The film of a run as it is when the button is pressed, if this visitor may still see it then."""
    run = page.lab.runs.get(run_id, by=page.me)
    return film(run.id, run.version, run.data_hidden, kind, run)


def show_snapshot(run: RunInfo, data: DatasetInfo, step: int) -> None:
    if data.kind == "points":
        samples = samples_of(page.lab, run, step)
        left, right = st.columns(2, gap="large", vertical_alignment="center")
        with left:
            figure = training.points(real=data.preview, fake=samples, axes=training.axes_of(data))
            chart(figure, f"points {run.id}", f"Points at step {step:,}")
        with right:
            st.markdown(f"**Generated points at step {step:,}" + ("**" if data.rows_hidden else ", on real ones**"))
            if data.rows_hidden:
                say_private()
            else:
                show_caption(
                    (
                        "64 points from the same latent vectors z at every step, on 64 real ones that are never "
                        "trained on. "
                        if run.trained_here
                        else "The first 64 points that are kept of this step, on 64 of the real ones. "
                    )
                    + "Move the slider, or press Play, and watch them move to the real ones.",
                    *(["latent vector z"] if run.trained_here else []),
                )
            if data.shape == (2,):
                with st.container(horizontal=True):
                    offer_films(run)
        return
    left, right = st.columns(2, gap="large")
    left.markdown(f"**Generated, step {step:,}**")
    with left, square("generated"):
        picture = grid.embedded(snapshot_grid(run.id, step, run))
        st.image(picture, width="stretch", alt=f"64 generated samples at step {step:,}")
    left.caption(
        f"The same 64 {term('latent vector z', 'latent vectors z')} at every step: move the slider, or press Play, and "
        "watch each sample change."
        if run.trained_here
        else "The first 64 samples that are kept of this step.",
        unsafe_allow_html=True,
    )
    right.markdown(f"**Real, {term('held-out', 'held out')}**", unsafe_allow_html=True)
    if data.rows_hidden:
        with right:
            say_private()
    else:
        with right, square("real"):
            picture = grid.embedded(grid.grid(data.preview, gap=GAP))
            st.image(picture, width="stretch", alt="64 real samples that are never trained on")
    with right.container(horizontal=True, vertical_alignment="center"):
        if not data.rows_hidden and run.trained_here:
            st.caption("Never trained on.", width="content")
        offer_films(run)


def offer_films(run: RunInfo) -> None:
    if run.kind == "samples":  # of one step only
        return
    for kind, title in (("gif", "GIF"), ("webp", "WebP")):
        st.download_button(
            f"Time-lapse as {title}",
            lambda kind=kind: film_now(run.id, kind),
            f"ganometer-{run.id}.{kind}",
            f"image/{kind}",
            icon=":material/movie:",
            on_click="ignore",
            key=f"film {kind}",
        )


def show_surface(run: RunInfo, data: DatasetInfo, step: int, label: int | None) -> int:
    """Of data in the plane: discriminator output, the image of a latent grid, and the gradients on the samples."""
    st.header("The networks at this step", anchor=False)
    left, right = st.columns(2, gap="large", vertical_alignment="center")
    with left:
        job_id = ask_worker(
            page,
            Surface(label),
            lambda found, job: draw_surface(found, job, data),
            key="surface answer",
            run_id=run.id,
            step=step,
        )
    with right:
        if run.config.objective.loss in ADVERSARIAL_LOSSES and run.config.discriminator.packing == 1:
            st.markdown(
                "**Colours: discriminator output.** Blue: points here count as real. Orange: they count as generated. "
                "No colour: undecided."
            )
        latents = run.config.generator.latent_dim
        st.markdown(
            with_terms("**Grey lines: the generator's output for a grid of latent vectors z.** ", "latent vector z")
            + (
                f"Two of the {latents} latent dimensions are shown."
                if latents > 2
                else "Every cell has the same probability, so samples are dense where cells are small."
            ),
            unsafe_allow_html=True,
        )
        if run.config.objective.loss != "vae":
            st.markdown(
                with_terms(
                    "**Arrows: the direction in which the loss moves each generated point.** Longer arrows are larger "
                    "gradients.",
                    "loss",
                    "gradient",
                ),
                unsafe_allow_html=True,
            )
        st.caption("Press Play above to see all saved steps.")
    return job_id


def draw_surface(found: Mapping, job: Job, data: DatasetInfo) -> None:
    figure = training.surface(found, data.preview, training.axes_of(data))
    chart(figure, "surface", f"Real and generated points, the latent grid and the gradients at step {job.step:,}")


def pick_view() -> str:
    """One of VIEWS; it lives in the URL."""
    asked = st.query_params.get("view")
    st.session_state["view"] = asked if asked in VIEWS else "samples"
    view = st.segmented_control(
        "What to look at",
        list(VIEWS),
        required=True,
        key="view",
        on_change=guarded(lambda: st.query_params.update(view=st.session_state["view"])),
        format_func=lambda name: f"{VIEWS[name][1]} {VIEWS[name][0]}",
    )
    return view or "samples"


with open_page("gallery") as page:
    st.title("Gallery", anchor=False)
    st.caption("What does the generator make, and when did it learn it?")
    run = pick_run(page)
    if run is None:
        st.info("No run yet, so there is nothing to look at.", icon=":material/photo_library:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    steps, data = page.lab.results.snapshot_steps(run), page.lab.results.dataset_of(run)
    if not steps or data is None:
        st.info("This run has no samples yet: they appear with its first step.", icon=":material/hourglass_top:")
        page_link("train", "See what it is doing", run=run.id)
    else:
        step = pick_step(page, steps)
        with part("This snapshot"):
            show_snapshot(run, data, step)
        jobs = []
        if data.shape == (2,) and run.trained_here:
            with part("The networks"):
                label = pick_class(run, data, "surface", label="Class of the chart", all_too=True)
                jobs.append(show_surface(run, data, step, label))
        st.header("Look closer", anchor=False)
        view = pick_view() if run.trained_here else "samples"
        with part("This view"):
            if view == "samples":
                asked = choose_samples(run, data, page.lab.results.kept_number(run, step))
                jobs.append(show_samples(page, data, asked, run=run, step=step))
            elif view == "walk":
                jobs.append(show_walk(page, run, data, step))
            elif view == "plane":
                jobs.append(show_plane(page, run, data, step))
            else:
                jobs.append(show_search(page, run, data, step))
        play_on(page, steps, after=[job for job in jobs if job is not None])
    page.watch(run)
