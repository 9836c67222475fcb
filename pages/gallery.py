"""Gallery: what does the generator make? Samples at any snapshot, more on request, and their nearest real images."""

import statistics

import streamlit as st

from gan_core import GAMES, DatasetInfo, RunInfo
from ui import charts, images
from ui.shell import chart, open_page, page_link

NEAREST, GAP = 5, 4
ALL = "all"
SAMPLE_WIDTH = 104


@st.cache_data(max_entries=256, show_spinner=False)
def snapshot_grid(run_id: str, step: int) -> bytes:
    return images.grid(page.lab.store.runs.snapshot(run_id, step).samples, gap=GAP)


def show_snapshot(run: RunInfo, data: DatasetInfo, step: int) -> None:
    if data.kind == "points":
        samples = page.lab.store.runs.snapshot(run.id, step).samples
        chart(charts.points(real=data.preview, fake=samples), f"points {run.id}", f"Points at step {step:,}")
        st.caption("64 generated points from the same latents at every step, on 64 real ones.")
        return
    left, right = st.columns(2, gap="large")
    left.markdown(f"**Generated, step {step:,}**")
    left.image(
        images.embedded(snapshot_grid(run.id, step)), width="stretch", alt=f"64 generated samples at step {step:,}"
    )
    left.caption("The same 64 latents at every step: move the slider and watch each sample grow.")
    right.markdown("**Real, held out**")
    right.image(
        images.embedded(images.grid(data.preview, gap=GAP)),
        width="stretch",
        alt="64 real samples that are never trained on",
    )
    right.caption("Never trained on.")


def pick_class(run: RunInfo, data: DatasetInfo) -> dict[str, int]:
    """What the jobs below are told of the class: nothing for all, and nothing of a run that was told of none."""
    if not run.config.data.conditional:
        return {}
    label = st.selectbox(
        "Class",
        [ALL, *data.classes],
        key=f"class {run.id}",
        format_func=lambda c: "All" if c == ALL else str(c),
        help="This run was told the classes: ask for samples of one. It is for all that follows on this page.",
        width=220,
    )
    return {} if label == ALL else {"label": label}


def show_game(run: RunInfo, data: DatasetInfo, step: int, told: dict[str, int]) -> None:
    """In the plane the whole game can be drawn."""
    st.subheader("The game at this step", anchor=False)
    wanted = dict(run_id=run.id, step=step, **told)
    job_id, again = page.lab.request("surface", **wanted), lambda: page.lab.retry("surface", **wanted)
    left, right = st.columns(2, gap="large", vertical_alignment="center")
    with left:
        page.answer(job_id, lambda job: draw_game(job, data), key="game", again=again)
    with right:
        if run.config.objective.loss in GAMES and run.config.discriminator.packing == 1:
            st.markdown(
                "**Colours: what the discriminator believes.** Blue: this place is real. Orange: it is generated. "
                "Without colour: it cannot tell."
            )
        latents = run.config.generator.latent_dim
        st.markdown(
            "**Grey lines: what the generator reaches.** A grid of its random numbers, bent into the data. "
            + (
                f"Of {latents} directions two are shown."
                if latents > 2
                else "Every cell holds equally many samples, so small cells are crowded ones."
            )
        )
        if run.config.objective.loss != "vae":
            st.markdown("**Arrows: where the loss pushes each generated point.** The longer the harder.")


def draw_game(job, data: DatasetInfo) -> None:
    figure = charts.surface(page.lab.arrays(job), data.preview)
    chart(figure, "surface", f"Real and generated points, the grid of latents and the pushes at step {job.step:,}")


def show_nearest(run: RunInfo, data: DatasetInfo, step: int, told: dict[str, int]) -> None:
    st.subheader("Is it copied?", anchor=False)
    st.caption("The training samples nearest to a generated one, by Euclidean distance. A distance near 0 is a copy.")
    # A snapshot holds all classes: samples of one of them have to be made anew.
    wanted = dict(run_id=run.id, step=step, k=NEAREST) | (told and dict(n=64, seed=0, **told))
    page.answer(
        page.lab.request("neighbours", **wanted),
        lambda job: draw_nearest(job, data),
        key="nearest",
        again=lambda: page.lab.retry("neighbours", **wanted),
    )


def draw_nearest(job, data: DatasetInfo) -> None:
    found = page.lab.arrays(job)
    count = len(found["x"])
    chosen = st.number_input("Sample (counted row by row)", 1, count, 1, key="sample") - 1
    distances, labels = found["distances"][chosen], found["labels"][chosen]
    if data.kind == "image":
        with st.container(horizontal=True):
            show_one(found["x"][chosen], f"Generated sample {chosen + 1}", f"**Generated**  \nno. {chosen + 1}")
            for image, distance, label in zip(found["nearest"][chosen], distances, labels):
                alt = f"A real training image of class {label} at distance {distance:.3f}"
                show_one(image, alt, f"{distance:.3f}  \nclass {label}")
    else:
        st.dataframe(
            [
                {"nearest": i + 1, "distance": d, **{f"x{j + 1}": float(v) for j, v in enumerate(point)}}
                for i, (d, point) in enumerate(zip(distances, found["nearest"][chosen]))
            ],
            hide_index=True,
        )
    typical = statistics.median(found["distances"][:, 0].tolist())
    st.caption(
        f"The nearest training sample of all {count} lies at {typical:.3g} (median), the closest at "
        f"{found['distances'][:, 0].min():.3g}."
    )


def show_one(image, alt: str, caption: str) -> None:
    with st.container(width=SAMPLE_WIDTH):
        st.image(images.embedded(images.grid(image[None], columns=1)), width="stretch", alt=alt)
        st.caption(caption)


def show_more(run: RunInfo, data: DatasetInfo, step: int, told: dict[str, int]) -> None:
    st.subheader("More samples", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox("How many", [64, 144, 256, 1000], key="how many")
        seed = st.number_input("Seed", 0, 10_000, 1, key="sample seed")
        if st.button("Make them", key="make", icon=":material/auto_awesome:"):
            job_id = page.lab.retry("sample", run_id=run.id, step=step, n=n, seed=int(seed), **told)
            st.session_state["sample job"] = ((run.id, step, told), job_id)
    about, job_id = st.session_state.get("sample job", (None, None))
    if about == (run.id, step, told):
        page.answer(job_id, lambda job: draw_more(job, data), key="more")


def draw_more(job, data: DatasetInfo) -> None:
    x = page.lab.arrays(job)["x"]
    if data.kind == "image":
        picture = images.grid(x, columns=16, gap=2)
        st.image(images.embedded(picture), width="stretch", alt=f"{len(x)} new generated samples")
        st.download_button(
            "Download as PNG", picture, "samples.png", "image/png", icon=":material/download:", on_click="ignore"
        )
    else:
        chart(charts.points(real=data.preview, fake=x), "more points", "New points")


with open_page("gallery") as page:
    st.title("Gallery", anchor=False)
    st.caption("What does the generator make, and when did it learn to?")
    run = page.pick_run()
    if run is None:
        st.info("No run yet, so there is nothing to look at.", icon=":material/photo_library:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    steps, data = page.lab.store.runs.snapshot_steps(run.id), page.lab.dataset_of(run)
    if not steps or data is None:
        st.info("This run has no samples yet: they appear with its first step.", icon=":material/hourglass_top:")
        page_link("train", "See what it is doing", run=run.id)
    else:
        step = page.pick_step(steps)
        show_snapshot(run, data, step)
        told = pick_class(run, data)
        if data.shape == (2,):
            show_game(run, data, step, told)
        show_nearest(run, data, step, told)
        show_more(run, data, step, told)
    page.watch(run)
