"""The part *Check the metrics*: real samples are corrupted on purpose, and a good metric detects it."""

import streamlit as st

from gan_core import CORRUPTION_TITLES, Corruptions, CorruptionTest, Job
from ui.charts import report as report_charts
from ui.distances.shown import Shown
from ui.frame.glossary import show_caption
from ui.frame.held import held_index
from ui.frame.job_answers import send_request, show_request
from ui.frame.page import Page, chart
from ui.frame.text import data_title

SIZES = (200, 360, 600, 1000, 2000)
ALL = "all"
ASKED = "corruption test"
"""The key of the session state under which the last Request stands."""


def show_metric_check(shown: Shown) -> None:
    """Real samples are corrupted on purpose: does each metric detect it?"""
    page, run = shown.page, shown.run
    st.header("Check the metrics on corrupted real data", anchor=False)
    st.caption("Can these numbers be trusted? Real samples are corrupted on purpose, and a good metric detects it.")
    own = [] if run.data_hidden else [run.config.data.name]
    files = {run.config.data.name: "The run's own data"} | page.lab.uploads.titles(by=page.me)
    names = list(dict.fromkeys([*own, "digits", "ring-8", "grid-25", "swiss-roll"]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = st.selectbox(
            "Data set",
            names,
            index=held_index("corruption data", names),
            key="corruption data",
            persist_state="session",
            format_func=lambda name: data_title(name, files),
            width=200,
        )
        corruptions = [ALL, *CORRUPTION_TITLES]
        corruption = st.selectbox(
            "Corruption",
            corruptions,
            index=held_index("corruption", corruptions),
            key="corruption",
            persist_state="session",
            format_func=lambda name: CORRUPTION_TITLES[name][0] if name != ALL else "All of them",
            width=220,
        )
        n = st.selectbox(
            "Samples",
            SIZES,
            index=held_index("corruption n", SIZES, 2),
            key="corruption n",
            width=120,
            persist_state="session",
        )
        if st.button("Test", key="corruptions", icon=":material/science:"):
            asked = Corruptions(dataset, n, corruptions=() if corruption == ALL else (corruption,))
            st.session_state[ASKED] = send_request(page, asked)
    if corruption != ALL:
        st.caption(CORRUPTION_TITLES[corruption][1])
    if ASKED in st.session_state:
        show_request(page, st.session_state[ASKED], lambda job: draw_corruptions(page, job), key="tested")


def draw_corruptions(page: Page, job: Job) -> None:
    found: CorruptionTest = page.lab.jobs.answer(job.id, by=page.me)
    st.markdown(f"**{found.n:,} corrupted real samples against {found.n:,} others**")
    chart(report_charts.corruptions(found.cells), "corruption test", "How every metric rates every corruption")
    show_caption(
        "A column is a metric, a row a corruption. Orange: the metric rates corrupted samples as worse than real "
        f"ones, by so many standard deviations of real against real (the colours end at {report_charts.FAR:g}). No "
        "colour: it does not detect the corruption. Blue: it rates corrupted samples as better, as the mean "
        "distance from real to generated does for blur.",
        "standard deviation",
        "real against real",
    )
    used = {cell.corruption for cell in found.cells}
    with st.expander("What each corruption does", icon=":material/science:"):
        for name, (title, sentence) in CORRUPTION_TITLES.items():
            if name in used:
                st.markdown(f"**{name}** — {title}. {sentence}")
