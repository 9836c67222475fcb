"""An image grid: one picture of many samples, in which a person points at one, by mouse, finger or keyboard.

    image_grid(x, key="samples", alt="64 generated samples", on_pick=choose)

The picture holds every pixel of a sample once and is enlarged by the browser in whole steps, so it is small to send
and crisp to look at. What is pointed at is shown large beside the grid at once, without asking the server.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from gan_core.pictures import grid
from ui.frame.faults import guarded

CSS, SCRIPT = (Path(__file__).with_suffix(end).read_text(encoding="utf-8") for end in (".css", ".js"))
IN_A_ROW = 16
"""In the picture that is sent; the browser puts as many in a row as it has room for."""


def image_grid(
    samples: np.ndarray,
    *,
    key: str,
    alt: str,
    captions: Sequence[str] = (),
    chosen: int | None = None,
    cell: int = 56,
    columns: int | None = None,
    on_pick: Callable[[int], object] | None = None,
) -> None:
    """Draw samples, uint8 (n, h, w, c), about `cell` pixels wide; `on_pick(place)` is called when one is picked.

    As many stand in a row as there is room for, or exactly `columns`. `captions` tell of the sample pointed at, and
    `chosen` is ringed. Without `on_pick` there is nothing to choose, only to look at.
    """
    height, width = samples.shape[1:3]

    def picked() -> None:
        place = st.session_state[key].get("picked")
        # What comes from a browser may be anything.
        if on_pick and type(place) is int and 0 <= place < len(samples):
            on_pick(place)

    draw = component("ganometer_image_grid", css=CSS, js=SCRIPT)
    draw(
        key=key,
        data={
            "picture": grid.embedded(grid.grid(samples, columns=columns or IN_A_ROW, scale=1, gap=1)),
            "width": width,
            "height": height,
            "columns": min(columns or IN_A_ROW, len(samples)),
            "table": columns is not None,
            "count": len(samples),
            "captions": list(captions),
            "chosen": chosen,
            "cell": cell,
            "picks": on_pick is not None,
            "alt": alt,
        },
        on_picked_change=guarded(picked),
        height="content",
    )
