"""Whose run is whose, in words; and the nickname of the visitor, asked once."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from gan_core import LONGEST_NICKNAME, RunInfo, UnreadableRun
from ui.frame.faults import guarded
from ui.frame.page import Page

NICKNAME = "nickname"


def whose(run: RunInfo | UnreadableRun, owners: Mapping[str, str]) -> str:
    """Whose run it is, by `lab.people.owners`: "you", a nickname, "somebody"; "" on a machine of one's own."""
    return owners.get(run.owner, "somebody") if owners and run.owner else ""


def show_nickname(page: Page) -> None:
    """On a shared server: what the visitor is called, asked until there is an answer, and to be changed behind it."""
    if not page.lab.settings.shared or not page.me:
        return
    known = page.lab.people.nickname(by=page.me)
    if known:
        with st.popover(known, icon=":material/person:", key="person", type="tertiary"):
            _field(page, known)
    else:
        with st.container(border=True, key="person"):
            _field(page, known)


def _field(page: Page, known: str) -> None:
    def keep() -> None:
        page.do(page.lab.people.call_me, st.session_state.get(NICKNAME, known))

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            "What shall others call you?",
            known,
            max_chars=LONGEST_NICKNAME,
            key=NICKNAME,
            on_change="ignore",
            placeholder="A nickname",
            help="It stands beside your runs, for everybody on this server. Leave it out, and they are somebody's.",
            width=320,
        )
        st.button("Save nickname", key="save nickname", on_click=guarded(keep))
