"""Who is looking: on a shared server people see all runs and control their own.

A visitor who has signed in is known by e-mail, if the sign-in provider says that it is verified: else whoever opens an
account there under another's address would be taken for them. Any other visitor is known by a random identifier that a
small component (identity.js) keeps in the browser. The store knows only its hash, so nobody can take over from what
pages show.
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
EMAIL = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,255}")
"""Printable ASCII without spaces, and one @: so no address is like the name of a browser, or like two names."""


def signed_in(secrets: Mapping) -> str:
    """The e-mail of who has signed in; "" where nobody has, and where the provider does not vouch for the address."""
    about = st.user.to_dict()
    return verified_email(about, secrets.get("auth", {})) if about.get("is_logged_in") is True else ""


def verified_email(about: Mapping, auth: Mapping) -> str:
    """The address among the claims of a sign-in, in lower case; "" where it is not verified, or is none.

    The claim `email_verified` must be true, or the word "true", which some providers send. Of a provider that does not
    send it, the addresses count where the secrets say so in its own part, `emails_are_verified = true`: Streamlit adds
    to the claims which `provider` it was. Only ASCII counts: other letters may look like these, or become these in
    lower case.
    """
    claim = about.get("email_verified")
    trusted = provider_part(auth, about.get("provider")).get("emails_are_verified") is True
    if not (claim is True or claim == "true" or (claim is None and trusted)):
        return ""
    email = about.get("email")
    return email.lower() if isinstance(email, str) and EMAIL.fullmatch(email) else ""


def provider_part(auth: Mapping, provider: object) -> Mapping:
    """The part of the secrets that names a provider; `[auth]` itself is the one that Streamlit calls "default"."""
    part = auth.get(provider) if isinstance(provider, str) else None
    if isinstance(part, Mapping):
        return part
    return auth if provider == "default" else {}


def show_account(lab: Lab, secrets: Mapping) -> None:
    """Sign in and out, on a shared server whose secrets have a part `[auth]`."""
    if not lab.settings.shared or "auth" not in secrets:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if st.user.to_dict().get("is_logged_in"):
            if email := signed_in(secrets):
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


def visitor(lab: Lab, secrets: Mapping) -> str:
    """The owner of what this visitor starts: "" on a person's own machine, and for a browser that keeps nothing."""
    if not lab.settings.shared:
        return ""
    if email := signed_in(secrets):
        return email
    browser_id = st.session_state.get(BROWSER_ID, "")
    identifier = component("ganometer_visitor", js=SCRIPT)
    found = identifier(key="visitor", data={"id": browser_id}, on_id_change=lambda: None, height="content")
    if re.fullmatch("[0-9a-f]{32}", str(found.id or "")):
        st.session_state[BROWSER_ID] = browser_id = found.id
    return f"browser-{hashlib.sha256(browser_id.encode()).hexdigest()[:16]}" if browser_id else ""
