"""Who is looking: on a shared server people see all runs and control their own.

Who has signed in is known by e-mail. Who has not, by a random word that a small component keeps in the browser; the
store knows only its hash, so that nobody can take over from what pages show.
"""

import hashlib
import re
from collections.abc import Mapping

import streamlit as st
from streamlit.errors import Error as StreamlitError

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


def signed_in() -> str:
    """The e-mail of who has signed in; "" where nobody has, and where the provider does not vouch for the address."""
    about = st.user.to_dict()
    vouched = about.get("is_logged_in") and about.get("email_verified", True)
    return str(about.get("email") or "").lower() if vouched else ""


def show_account(lab: Lab, secrets: Mapping) -> None:
    """Sign in and out, on a shared server whose secrets have a part `[auth]`."""
    if not lab.settings.shared or "auth" not in secrets:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if st.user.to_dict().get("is_logged_in"):
            if email := signed_in():
                st.caption(f"Signed in as {email}", width="content")
            else:
                st.caption(
                    "Your provider vouches for no e-mail address: you are known by this browser.", width="content"
                )
            if st.button("Sign out", key="sign out", icon=":material/logout:", type="tertiary"):
                st.logout()
            return
        for provider in providers(secrets["auth"]):
            label = f"Sign in with {provider.capitalize()}" if provider else "Sign in"
            if st.button(label, key=f"sign in {provider or ''}", icon=":material/login:", type="tertiary"):
                try:
                    st.login(provider)
                except StreamlitError as error:  # the secrets are incomplete: who runs the server reads why
                    st.error(f"Signing in is not set up rightly: {error}", icon=":material/login:")


def providers(auth: Mapping) -> list[str | None]:
    """Whom the secrets name: None for the one that stands in `[auth]` itself, then each `[auth.name]`."""
    named = [name for name, about in auth.items() if isinstance(about, Mapping) and "client_id" in about]
    return [None, *named] if "client_id" in auth else named


def visitor(lab: Lab) -> str:
    """The owner of what this visitor starts: "" on a person's own machine, and for a browser that keeps nothing."""
    if not lab.settings.shared:
        return ""
    if email := signed_in():
        return email
    word = st.session_state.get("word", "")
    component = st.components.v2.component("ganometer_visitor", js=_KEEP)
    found = component(key="visitor", data={"word": word}, on_word_change=lambda: None, height="content")
    if re.fullmatch("[0-9a-f]{32}", str(found.word or "")):
        st.session_state["word"] = word = found.word
    return f"browser-{hashlib.sha256(word.encode()).hexdigest()[:16]}" if word else ""
