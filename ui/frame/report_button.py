"""The button that gives runs as one HTML file, wherever runs are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gan_core import ComparisonReport, RunInfo, file_stem
from ui.frame.page import Page

HELP = (
    "One file with the samples of every step, the distances beside those of real samples, the curves, the settings and "
    "how to train this again. It opens in any browser without a network. It does not say who made the run."
)


def report_button(
    page: Page,
    runs: Sequence[RunInfo],
    *,
    key: str,
    step: int | None = None,
    compared: ComparisonReport | None = None,
) -> None:
    """The report of these runs, measured up to `step`; it is written when the button is pressed."""

    def write() -> bytes:
        versus = page.lab.reports.versus(compared) if compared else None
        return page.lab.reports.html([run.id for run in runs], step=step, versus=versus, by=page.me)

    name = file_stem(runs[0].name, runs[0].id) if len(runs) == 1 else f"ganometer-{len(runs)}-runs"
    st.download_button(
        "Report as HTML",
        data=write,
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        key=key,
        help=HELP,
    )
