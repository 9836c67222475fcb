"""Many samples at once -> plotly figures, as pure functions in the manner of ui.charts: maps and classes."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from gan_core.pictures.colours import BOTH, FAKE, REAL
from ui.charts.training import COORDINATES, SVG_POINTS, Axes, add_pairs_of_bars, blank

SHOWN_ON_MAP = 2_000
"""Generated samples a map shows at most: from more one sees no more."""
NEAR_TO_FAR = [[0, "#f5b08a"], [0.5, FAKE], [1, "#7c2d0b"]]


def sample_map(
    *,
    real: np.ndarray,
    fake: np.ndarray,
    distances: np.ndarray,
    usual: float,
    chosen: Sequence[int] = (),
    explained: Sequence[float] | None = None,
    axes: Axes = COORDINATES,
) -> go.Figure:
    """Real (m, 2) and generated (n, 2) samples on one map, the generated ones coloured by `distances` (n,).

    Those are to the nearest training sample; the scale ends at twice `usual`, what real samples have. `chosen` are
    ringed. `explained` is the share of all variance along each axis, where the map is a projection.
    Look for orange wherever there is blue, and for no crowd of pale points: those lie on top of training samples.
    """
    titles = axes
    if explained is not None:
        titles = tuple(
            f"{which} principal component of real samples ({share:.0%} of the variance)"
            for which, share in zip(("first", "second"), explained)
        )
    figure = blank(*titles, height=460)
    trace = go.Scattergl if max(len(real), len(fake)) > SVG_POINTS else go.Scatter
    figure.add_trace(
        trace(
            x=real[:, 0].astype(np.float32),
            y=real[:, 1].astype(np.float32),
            name="real",
            mode="markers",
            marker=dict(color=REAL, size=6, opacity=0.45),
            hovertemplate="real sample %{pointNumber}<extra></extra>",
        )
    )
    shown = slice(0, SHOWN_ON_MAP)
    figure.add_trace(
        trace(
            x=fake[shown, 0].astype(np.float32),
            y=fake[shown, 1].astype(np.float32),
            name="generated",
            mode="markers",
            marker=dict(
                symbol="x-thin" if trace is go.Scatter else "x",
                size=7,
                color=distances[shown].astype(np.float32),
                line=dict(
                    width=1.6,
                    color=distances[shown].astype(np.float32),
                    colorscale=NEAR_TO_FAR,
                    cmin=0,
                    cmax=2 * usual or 1.0,
                ),
                colorscale=NEAR_TO_FAR,
                cmin=0,
                cmax=2 * usual or 1.0,
                colorbar=dict(
                    title=dict(text="to nearest<br>training sample", side="top"), thickness=10, len=0.7, outlinewidth=0
                ),
            ),
            hovertemplate="generated sample %{pointNumber}, nearest training sample at %{marker.color:.3~r}"
            "<extra></extra>",
        )
    )
    if len(chosen := [i for i in chosen if i < SHOWN_ON_MAP]):
        figure.add_trace(
            go.Scatter(
                x=fake[chosen, 0].astype(np.float32),
                y=fake[chosen, 1].astype(np.float32),
                name="chosen",
                mode="markers",
                marker=dict(symbol="circle-open", size=14, color=BOTH, line_width=2),
                hoverinfo="skip",
            )
        )
    figure.update_layout(hovermode="closest", dragmode="zoom")
    figure.update_xaxes(zeroline=False)
    return figure.update_yaxes(zeroline=False, scaleanchor=None if explained is not None else "x")


def class_distances(found: Mapping[str, np.ndarray], class_name: Callable[[int], str] = str) -> go.Figure:
    """Mean distance between real samples of a class (rows) and generated ones that look like a class (columns).

    Written in each cell, with how much that is beside two halves of the real samples. Look for a diagonal like theirs.
    """
    names = [html.escape(class_name(c)) for c in found["classes"].tolist()]
    values, real = found["class_distances"], found["class_real_distances"]
    words = [
        [f"real samples of these two classes: {real[i, j]:.3g}" for j in range(len(names))] for i in range(len(names))
    ]
    figure = blank("class the generated samples look like", "class of the real samples", height=420)
    figure.add_trace(
        go.Heatmap(
            x=names,
            y=names,
            z=values.astype(np.float32),
            customdata=words,
            texttemplate="%{z:.3~r}" if len(names) <= 12 else None,
            autocolorscale=True,
            colorbar=dict(thickness=10, outlinewidth=0),
            hovertemplate="real %{y}, generated %{x}: %{z:.3~r}<br>%{customdata}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_layout(hovermode="closest", margin_t=8)
    figure.update_xaxes(type="category", showgrid=False)
    return figure.update_yaxes(type="category", autorange="reversed", showgrid=False)


def medians_by_class(found: Mapping[str, np.ndarray]) -> tuple[list[float], list[float]]:
    """The median distance to the nearest training sample of each class: of real samples, and of generated ones.

    Not a number for a class without samples.
    """
    real, fake = (
        [float(np.median(distances[labels == c])) if (labels == c).any() else float("nan") for c in found["classes"]]
        for labels, distances in (
            (found["real_labels"], found["real_distances"]),
            (found["labels"], found["distances"]),
        )
    )
    return real, fake


def class_nearest(found: Mapping[str, np.ndarray], class_name: Callable[[int], str] = str) -> go.Figure:
    """The median distance to the nearest training sample, class by class: of real samples, and of generated ones.

    Look for pairs of one height. Orange far below blue: typical, blurred or copied; far above: badly drawn.
    """
    figure = blank("class", "median distance to the nearest training sample", height=300)
    real, fake = medians_by_class(found)
    names = [class_name(c) for c in found["classes"].tolist()]
    add_pairs_of_bars(figure, names, real=real, fake=fake, hover="%{y:.3~r}")
    return figure.update_yaxes(rangemode="tozero")
