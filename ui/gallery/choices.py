"""What every view of the Gallery may ask: which class, and how much truncation."""

import streamlit as st

from gan_core import DatasetInfo, RunInfo
from ui.frame.glossary import in_sentence

ALL = "all"


def pick_class(
    run: RunInfo, data: DatasetInfo, key: str, *, label: str = "Class", all_too: bool = False
) -> int | None:
    """The class to be drawn, where the run was trained with classes; None for all of them, where that may be chosen."""
    if not run.config.data.conditional:
        return None
    chosen = st.selectbox(
        label,
        [*([ALL] if all_too else []), *data.classes],
        key=f"{key} class {run.id}",
        format_func=lambda one: "All" if one == ALL else data.class_name(one),
        help="This run is class-conditional: choose a class to generate samples of it.",
        width=200 if data.names.classes else 150,
    )
    return chosen if isinstance(chosen, int) else None


def pick_truncation(key: str) -> float:
    """How near to the mean the latent vectors stay: 1 for all of them."""
    chosen = st.slider(
        "Truncation",
        0.1,
        1.0,
        1.0,
        0.05,
        key=f"{key} truncation",
        width=190,
        help=f"Below 1: {in_sentence('truncation')}",
    )
    return round(chosen, 2)
