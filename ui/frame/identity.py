"""Who is looking: on a shared server people see all runs and control their own.

A visitor who has signed in is known by e-mail. Any other one is known by a random identifier that a small component
(identity.js) keeps in the browser. The store knows only its hash, so nobody can take over from what pages show.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component
from streamlit.errors import Error as StreamlitError

from gan_core import Lab

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
BROWSER_ID = "browser id"
"""The key of the session state under which the random identifier of this browser stands."""


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
                    "Your sign-in provider has not verified an e-mail address, so you are known by this browser.",
                    width="content",
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
                    st.error(f"Sign-in is misconfigured: {error}", icon=":material/login:")


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
    browser_id = st.session_state.get(BROWSER_ID, "")
    identifier = component("ganometer_visitor", js=SCRIPT)
    found = identifier(key="visitor", data={"id": browser_id}, on_id_change=lambda: None, height="content")
    if re.fullmatch("[0-9a-f]{32}", str(found.id or "")):
        st.session_state[BROWSER_ID] = browser_id = found.id
    return f"browser-{hashlib.sha256(browser_id.encode()).hexdigest()[:16]}" if browser_id else ""
