"""The nonce of a form: a random word that tells a double click from a second request.

    nonce = nonce_of("start")
    st.button("Start", key=f"start {nonce}", on_click=start, args=(nonce,))

It stands in the button's key too: a browser that has not heard of the answer yet sends the click to the old button,
and that one brings its old nonce or is gone, but never is the new one.
"""

import uuid

import streamlit as st


def nonce_of(form: str) -> str:
    """The nonce of a form as it is drawn for this visitor."""
    return st.session_state.setdefault(f"nonce {form}", uuid.uuid4().hex)


def renew_nonce(form: str) -> None:
    """What the form sent has been made: what it sends next is another request."""
    st.session_state.pop(f"nonce {form}", None)
