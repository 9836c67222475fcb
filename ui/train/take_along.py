"""A run as files for other programs: a worker writes them, and then they can be downloaded."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from gan_core import Export, ExportFormat, Job, RunInfo, file_stem, zipped
from ui.frame.job_answers import Request, answered, send_request, show_request
from ui.frame.page import Page

FORMATS: dict[ExportFormat, tuple[str, str]] = {
    "keras": ("Generator for Keras", "A `.keras` file of stock layers, and a short script that makes samples with it."),
    "onnx": ("Generator as ONNX", "An `.onnx` file, and a short script that makes samples with onnxruntime."),
    "tensorboard": ("Curves for TensorBoard", "An event file with every value of every curve."),
    "samples": ("64 new samples", "A PNG for each image, or a table of points, and all of them as NumPy arrays."),
}
assert tuple(FORMATS) == get_args(ExportFormat)
ASKED = "take along"
"""The key of the session state under which the last Request stands."""


def show_take_along(page: Page, run: RunInfo) -> None:
    """Choose a format, have it made of the newest snapshot, and download it."""
    steps = page.lab.results.snapshot_steps(run)
    if not steps:
        st.caption("Files for other programs can be made as soon as the first snapshot is there.")
        return
    format: ExportFormat = st.selectbox(
        "For other programs", list(FORMATS), key="format", format_func=lambda name: FORMATS[name][0]
    )
    st.caption(FORMATS[format][1])
    if st.button("Make the file", key="make file", icon=":material/deployed_code:"):
        st.session_state[ASKED] = send_request(page, Export(format), run_id=run.id, step=steps[-1])
    last: Request | None = st.session_state.get(ASKED)
    if last and last.run_id == run.id and last.asked == Export(format):
        show_request(page, last, lambda job: _show_download(page, run, format, job), key=f"take along {format}")


def _show_download(page: Page, run: RunInfo, format: ExportFormat, job: Job) -> None:
    st.download_button(
        f"Download step {job.step:,}",
        zipped(answered(page, job)),
        f"{file_stem(run.name, run.id)}-step-{job.step}-{format}.zip",
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
        key=f"download {format}",
    )
