"""Latent vectors and walks between them -> plotly figures, as pure functions in the manner of ui.charts."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from gan_core.pictures.colours import BOTH, FAKE, GREY, REAL
from ui.charts.training import COORDINATES, Axes, blank


def latent(z: np.ndarray) -> go.Figure:
    """The random numbers (d,) of one sample as bars."""
    figure = blank("coordinate of z", "value", height=200)
    figure.add_trace(
        go.Bar(x=np.arange(1, len(z) + 1, dtype=np.int32), y=z.astype(np.float32), marker_color=BOTH, name="value")
    )
    figure.update_layout(hovermode="closest", showlegend=False, margin_t=8, bargap=0.1)
    return figure


def walk(length: np.ndarray) -> go.Figure:
    """The length of a walk up to each frame: the sum of the Euclidean distances between neighbouring frames.

    Look for a straight line: a steep part is a jump, where neighbouring frames are very different.
    """
    figure = blank("frame", "length so far (data units)", height=220)
    frames = np.arange(1, len(length) + 1, dtype=np.int32)
    figure.add_trace(
        go.Scatter(x=frames, y=length.astype(np.float32), mode="lines+markers", line_color=FAKE, marker_size=4)
    )
    return figure.update_layout(hovermode="closest", showlegend=False, margin_t=8)


def found(curve: np.ndarray, random: float) -> go.Figure:
    """The distance to a real sample during the search for its latent, beside the best of many random ones."""
    figure = blank("search step", "distance (data units)", height=220)
    steps = np.arange(1, len(curve) + 1, dtype=np.int32)
    figure.add_trace(go.Scatter(x=steps, y=curve.astype(np.float32), mode="lines", line_color=FAKE, name="found"))
    figure.add_hline(random, line_color=GREY, line_dash="dot", label_text="best of 1,000 random ones")
    most = 1.25 * float(max(random, curve.max(initial=0.0)))
    return figure.update_layout(showlegend=False, margin_t=8).update_yaxes(range=[0, most])


def path(x: np.ndarray, real: np.ndarray, axes: Axes = COORDINATES) -> go.Figure:
    """A walk (frames, 2) through the plane, over real points (n, 2), where there are some."""
    figure = blank(*axes, height=360)
    if len(real):
        places = dict(x=real[:, 0].astype(np.float32), y=real[:, 1].astype(np.float32))
        about = dict(mode="markers", name="real", marker=dict(color=REAL, opacity=0.5, size=6))
        figure.add_trace(go.Scatter(**places, **about))
    places = dict(x=x[:, 0].astype(np.float32), y=x[:, 1].astype(np.float32))
    figure.add_trace(
        go.Scatter(**places, mode="lines+markers", name="walk", line_color=FAKE, marker=dict(symbol="x-thin-open"))
    )
    figure.update_layout(hovermode="closest")
    return figure.update_yaxes(scaleanchor="x")
