"""Who is looking: on a shared server people see all runs and control their own.

With a login it is the e-mail. Without one, a random word that a small component keeps in the browser; the store knows
only its hash, so that nobody can take over from what pages show.
"""

import hashlib
import re

import streamlit as st

from gan_core import Lab

_KEEP = """
export default function ({ setStateValue, data }) {
    let word = ""
    try {
        word = localStorage.getItem("ganometer") || ""
        if (!/^[0-9a-f]{32}$/.test(word)) {
            word = Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("")
            localStorage.setItem("ganometer", word)
        }
    } catch (refused) {
        word = ""  // this browser keeps nothing
    }
    if (word && word !== data.word) setStateValue("word", word)
}
"""


def visitor(lab: Lab) -> str:
    """The owner of what this visitor starts: "" on a person's own machine, and for a browser that keeps nothing."""
    if not lab.settings.shared:
        return ""
    if getattr(st.user, "is_logged_in", False):
        return str(st.user.email).lower()
    word = st.session_state.get("word", "")
    component = st.components.v2.component("ganometer_visitor", js=_KEEP)
    found = component(key="visitor", data={"word": word}, on_word_change=lambda: None, height="content")
    if re.fullmatch("[0-9a-f]{32}", str(found.word or "")):
        st.session_state["word"] = word = found.word
    return f"browser-{hashlib.sha256(word.encode()).hexdigest()[:16]}" if word else ""
