"""What leads elsewhere from a run: a link to its settings, who may see it, and the run as files."""

import streamlit as st

from gan_core import RunInfo
from ui.frame.faults import guarded
from ui.frame.page import Page
from ui.frame.report_button import report_button
from ui.train.share_link import share_run
from ui.train.take_along import show_take_along

WHY_PRIVATE = {
    True: "It was trained on uploaded data.",
    False: "Its samples are yours.",
}
"""By whether a run was trained here."""


def show_share_menu(page: Page, run: RunInfo) -> None:
    with st.popover("Share", icon=":material/share:", on_change="rerun", key="share run") as box:
        if not box.open:
            return
        if run.trained_here:
            share_run(page.lab, page.me, run)
        mine = page.lab.runs.may_change(run, by=page.me)
        private = run.config.data.name.startswith("upload-") or not run.trained_here
        if mine and page.lab.settings.shared and private:
            show_publishing(page, run)
        st.download_button(
            "Download this run",
            data=lambda: page.lab.bundles.export(run.id, by=page.me),
            file_name=f"ganometer-{run.id}.zip",
            mime="application/zip",
            icon=":material/download:",
            on_click="ignore",
            key="export",
        )
        report_button(page, [run], key="report")
        show_take_along(page, run)


def show_publishing(page: Page, run: RunInfo) -> None:
    """A run on uploaded data, or of samples that were not made here, is private until its owner publishes it."""
    key = f"publish run {run.id}"
    st.session_state[key] = run.published
    st.toggle(
        "Everybody may see this run",
        key=key,
        help=f"{WHY_PRIVATE[run.trained_here]} Others then see its generated samples, its curves and its numbers, and "
        "can download them with its networks. They do not see the real samples, unless these are published, too. But "
        "generated samples may resemble them.",
        on_change=guarded(lambda: page.do(page.lab.runs.publish, run.id, st.session_state[key])),
    )
