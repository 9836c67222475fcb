"""What is a GAN, for somebody who has trained nothing here yet: shown on Home until the first run, or until closed."""

import streamlit as st

from ui.frame.faults import guarded
from ui.frame.gan_cards import TITLE, cards_html
from ui.frame.page import Page

CLOSED = "cards are closed"
"""The key of the session state that says that this visitor wants to see the cards no more."""


def show_gan_cards(page: Page) -> None:
    """The cards for a visitor without runs of their own; the button of the header shows them at any time."""
    if st.session_state.get(CLOSED) or _has_trained(page):
        return
    with st.container(border=True, key="what is a gan"):
        st.header(TITLE, anchor=False)
        st.markdown(cards_html(), unsafe_allow_html=True)
        st.button(
            "Close",
            key="close cards",
            icon=":material/close:",
            on_click=guarded(lambda: st.session_state.update({CLOSED: True})),
        )


def _has_trained(page: Page) -> bool:
    example = page.lab.bundles.example()
    known = example.id if example else ""
    return any(run.owner == page.me and run.id != known for run in page.lab.runs.newest(by=page.me))
