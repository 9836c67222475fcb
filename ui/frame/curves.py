"""The curves of a run, read once for all pages and everybody who looks at them."""

import streamlit as st

from gan_core import History, Lab, RunInfo
from ui.frame.page import Page


def history_of(page: Page, run: RunInfo) -> History:
    """All curves of a run; before its branch those of the runs it was forked from, where this visitor may see them."""
    seen = tuple((one.id, one.version) for one in page.lab.results.lineage(run, by=page.me))
    return _read(seen, page.lab, run, page.me)


@st.cache_data(max_entries=128, show_spinner=False)
def _read(seen: tuple[tuple[str, int], ...], _lab: Lab, _run: RunInfo, _by: str) -> History:
    """Of the runs that `seen` names, in these versions: no visitor gets what only another one may see."""
    return _lab.results.curves(_run, by=_by)
