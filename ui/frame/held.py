"""What a widget holds, to be given to it again as its default.

    st.number_input("Seed", value=held("seed", 0), key="seed", persist_state="session")

When the server begins a rerun, Streamlit writes the value of a widget that holds another one than its default into the
browser: over a number that is being typed there, or a choice that is on its way. It leaves a widget at its default
alone. Every widget whose value is kept (`persist_state`) or filled in (`session_state`) takes its default from here.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st


def held(key: str, first: Any) -> Any:
    """What the widget of this key holds; `first` before it holds anything."""
    return st.session_state.get(key, first)


def held_index(key: str, options: Sequence, first: int = 0) -> int:
    """The place among `options` of what the widget of this key holds; `first` where it is none of them."""
    value = st.session_state.get(key)
    return options.index(value) if value in options else first
