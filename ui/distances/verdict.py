"""The part *Verdict*: the verdict, and a card for each number that was measured during the training."""

import streamlit as st

from gan_core import ReferenceParameters, Report, RunInfo, verdict_of
from ui.distances.metric_cards import show_cards
from ui.distances.shown import Shown
from ui.frame.curves import history_of
from ui.frame.feature_spaces import compared_by
from ui.frame.glossary import show_caption
from ui.frame.job_answers import show_answer
from ui.frame.page import Page
from ui.frame.verdict_chip import show_verdict


def show_verdict_and_cards(shown: Shown) -> None:
    """The measurement made during training, at the step nearest to the one that is shown."""
    page, run, report = shown.page, shown.run, shown.report
    show_verdict(verdict_of(report), report)
    if report.status == "diverged":
        return
    if report.metrics["energy_distance"].reference_mean is None:
        show_reference(page, run, report)
    show_cards(report, history_of(page, run), shown.measured_at)
    show_caption(
        f"{report.n_real:,} held-out real samples against {report.n_fake:,} generated ones, compared by their "
        f"{compared_by(report.space, shown.data)}; measured in {report.seconds:.2f} s.",
        "held-out",
    )


def show_reference(page: Page, run: RunInfo, report: Report) -> None:
    """Real against real at this n: how far its measurement is."""
    if run.data_hidden:
        st.info("Real against real has not been measured for these data, so there is no verdict.")
        return
    st.info(
        f"Real against real is being measured for {report.n_fake:,} samples. There is no verdict until then.",
        icon=":material/hourglass_top:",
    )
    asked = ReferenceParameters(run.config.data.name, report.n_fake)
    show_answer(
        page,
        page.lab.jobs.request(asked, by=page.me),
        lambda job: st.caption("Real against real has been measured. Reload this page to see it."),
        key="reference",
        again=lambda: page.lab.jobs.request(asked, retry=True, by=page.me),
    )
