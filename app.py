"""Home: a finished run to look at, three one-click starts, and the runs there are."""

import streamlit as st

from ui import images
from ui.shell import badge, open_page, page_link, plain, seconds

STARTS = {
    "ring-8": (
        "Ring of Gaussians",
        "Eight small clouds of points in the plane. See modes found and lost.",
        "about half a minute",
    ),
    "digits": (
        "8×8 digits",
        "1,797 small handwritten digits. The quickest way to see images appear.",
        "about half a minute",
    ),
    "mnist": ("MNIST", "70,000 handwritten digits of 28×28 pixels: the article's own data.", "one to two minutes"),
}
SHOWN = 24


@st.cache_data(max_entries=200, show_spinner=False)
def thumbnail(run_id: str, step: int) -> bytes | None:
    snapshot = page.lab.store.runs.snapshot(run_id, step)
    return images.thumbnail(snapshot.samples, size=112) if snapshot else None


@st.cache_data(max_entries=8, show_spinner=False)
def evolution(run_id: str, steps: tuple[int, ...]) -> bytes:
    return images.strip([page.lab.store.runs.snapshot(run_id, step).samples[:6] for step in steps])


def start(data: str) -> None:
    """One click is all it takes; the Train page then shows the run."""
    run_id = page.lab.start(page.lab.preset("auto", data=data), by=page.me)
    st.switch_page("pages/train.py", query_params={"run": run_id})


def show_example() -> None:
    example = page.lab.example()
    if example is None:
        return
    steps = page.lab.store.runs.snapshot_steps(example.id)
    chosen = tuple(steps[round(i * (len(steps) - 1) / 11)] for i in range(12))
    with st.container(border=True, key="example"):
        left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
        left.image(
            images.embedded(evolution(example.id, chosen)),
            width="stretch",
            alt=f"Six generated digits at twelve moments of training, from noise to digits at step {chosen[-1]:,}",
        )
        left.caption(f"Six samples of one run, from step 0 to step {chosen[-1]:,}. Each row keeps its random numbers.")
        with right:
            st.subheader("A finished run", anchor=False)
            reports = [report for _, report in page.lab.reports_of(example) if report.seed == 0]
            measured = [report.metrics["energy_distance"] for report in reports]
            if measured:
                first, result = measured[0], measured[-1]
                one, two = st.columns(2)
                one.metric(
                    "Energy distance now",
                    f"{result.value:.4f}",
                    border=True,
                    help="How far the generated samples are from real ones, as distributions. 0 is ideal.",
                )
                if result.reference_mean is not None:
                    two.metric(
                        "Real against real",
                        f"{result.reference_mean:.4f}",
                        border=True,
                        help="What two sets of real samples of the same size give: as good as it gets.",
                    )
                st.markdown(
                    f"It began at {first.value:.2f}. Two sets of **real** digits give "
                    f"{result.reference_mean:.3f} ± {result.reference_sd:.3f}."
                    if result.reference_mean is not None
                    else ""
                )
            page_link("train", "See how it trained", run=example.id)
            page_link("distances", "Measure its distance to real digits", run=example.id)
            page_link("gallery", "Look at what it makes", run=example.id)


def show_runs() -> None:
    runs = page.lab.runs(SHOWN + 1, by=page.me)
    if not runs:
        return
    st.subheader("Runs", anchor=False)
    for run in runs[:SHOWN]:
        with st.container(border=True, key=f"run {run.id}"):
            picture, about, links = st.columns([1, 5, 3], vertical_alignment="center")
            steps = page.lab.store.runs.snapshot_steps(run.id)
            thumb = thumbnail(run.id, steps[-1]) if steps else None
            if thumb:
                alt = f"Samples of {run.name} at step {steps[-1]:,}"
                picture.image(images.embedded(thumb), width=64, alt=alt)
            with about:
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.markdown(f"**{plain(run.name)}**")
                    badge(run.state)
                where = (
                    f"place {run.position} in the queue"
                    if run.position
                    else f"step {run.step:,} of {run.total_steps:,}"
                )
                st.caption(
                    f"{where} · {seconds(run.seconds)} of training · `{run.id}`"
                    + (f" · {plain(run.error)}" if run.error else "")
                )
            with links.container(horizontal=True, vertical_alignment="center"):
                page_link("train", "Open", run=run.id, icon=":material/open_in_new:")
                if not run.active and page.lab.may_change(run, by=page.me):
                    with st.popover("Delete", icon=":material/delete:"):
                        st.markdown(f"Delete **{plain(run.name)}** and everything of it? This cannot be undone.")
                        st.button(
                            "Delete for good",
                            key=f"delete {run.id}",
                            type="primary",
                            on_click=page.do,
                            args=(page.lab.delete, run.id),
                        )
    if len(runs) > SHOWN:
        st.caption(f"Older runs than these {SHOWN} are in the list on the Train page.")


with open_page("home") as page:
    st.title("Ganometer", anchor=False)
    st.markdown(
        "Train a GAN here in your browser, and measure with Euclidean distance how far its samples are from real ones."
    )
    columns = st.columns(3)
    for column, (data, (title, sentence, length)) in zip(columns, STARTS.items()):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{title}**  \n{sentence}")
            clicked = st.button(
                f"Train on {title[0].lower() + title[1:] if data != 'mnist' else title}",
                key=f"start {data}",
                icon=":material/play_arrow:",
                type="primary" if data == "digits" else "secondary",
                width="stretch",
            )
            if clicked:
                start(data)
            st.caption(f"Takes {length} on a laptop.")
    show_example()

    active = any(run.active for run in page.lab.runs(20, by=page.me))
    page.live(show_runs, every=2.0 if active else 5.0, key="runs")
