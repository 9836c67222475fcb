"""A run from another Ganometer: choose the file that it was downloaded as, and it stands among the runs."""

from __future__ import annotations

import streamlit as st

from ui.frame.faults import attempt
from ui.frame.page import Page

IMPORTED = "imported run"
"""The key of the session state under which the id of the run stands that has just come."""


def show_import(page: Page) -> None:
    """For whoever runs this server: what a file brings would belong to nobody, and everybody would see it."""
    if not page.lab.is_admin(page.me):
        return
    with st.popover("Import a run", icon=":material/upload_file:", key="import run"):
        st.caption("A .zip file that *Download this run* or `export` has written, of at most 20 MB.")
        file = st.file_uploader("Run as a file", type=["zip"], key="run file", label_visibility="collapsed")
        if st.button("Import", key="import", icon=":material/upload_file:", disabled=file is None) and file is not None:
            if attempt(_load, page, file.getvalue()):
                st.switch_page("pages/train.py", query_params={"run": st.session_state.pop(IMPORTED)})


def _load(page: Page, data: bytes) -> None:
    st.session_state[IMPORTED] = page.lab.bundles.load(data, by=page.me)
