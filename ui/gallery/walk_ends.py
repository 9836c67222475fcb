"""The two samples between which the Gallery shows a latent walk, as this visitor has chosen them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from gan_core import SampleDetail

KEY = "walk ends"


@dataclass(frozen=True)
class WalkEnd:
    """Sample `index` of the draw with this seed; without a seed, of the run's own 64 samples."""

    index: int
    seed: int | None = None


@dataclass(frozen=True)
class WalkEnds:
    """Where a walk starts and ends, and the class and truncation of its samples."""

    start: WalkEnd = WalkEnd(0)
    end: WalkEnd = WalkEnd(1)
    label: int | None = None
    truncation: float = 1.0


def walk_ends() -> WalkEnds:
    """What this visitor has chosen; the first two samples of the run before that."""
    return st.session_state.get(KEY, WalkEnds())


def keep_walk_end(which: Literal["start", "end"], asked: SampleDetail) -> None:
    """Let a walk start or end at the sample that `asked` describes."""
    kept = replace(walk_ends(), label=asked.label, truncation=asked.truncation)
    st.session_state[KEY] = replace(kept, **{which: WalkEnd(asked.index, asked.seed)})
    st.toast(
        f"Sample {asked.index + 1} is the {which} of the latent walk: see Latent walk above.", icon=":material/route:"
    )
