"""One measurement -> plotly figures, as pure functions in the manner of ui.charts: what lies behind the numbers.

chart(report.nearest(details["nearest"]), "nearest", "...")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from gan_core import METRICS, CorruptionCell, Histogram, with_z
from gan_core.pictures.colours import BOTH, FAKE, GREY, REAL
from ui.charts.training import DASH, SPREADS, add_pairs_of_bars, blank, tint

FAR = 10.0
"""Standard deviations at which the colours of the corruption test end."""


def histograms(histogram: Histogram, means: Mapping[str, float] | None = None) -> go.Figure:
    """How often each distance occurs: within the real samples, within the generated ones, and between the two.

    Look for three outlines that coincide; equal means (thin lines, from `means` by metric name such as
    "mean_real_real") are not enough. Each outline is a density: the area under it is 1.
    """
    figure = blank("Euclidean distance (data units)", "density (per data unit)")
    edges = np.asarray(histogram.edges, np.float32)
    for name, label, colour in SPREADS:
        density = np.asarray(getattr(histogram, name.removeprefix("mean_")), np.float32)
        mean = (means or {}).get(name)
        if mean is not None:
            label = f"{label}, mean {mean:#.3g}"
            figure.add_vline(mean, line_color=colour, line_width=1, line_dash=DASH[colour])
        # A step holds from its left edge to the next; the closing 0 brings the outline back to the axis.
        figure.add_trace(
            go.Scatter(
                x=edges,
                y=np.append(density, np.float32(0)),
                uid=name,  # its label changes with its mean
                name=label,
                mode="lines",
                fill="tozeroy",
                fillcolor=tint(colour, 0.12),
                line_color=colour,
                line_width=2,
                line_dash=DASH[colour],
                line_shape="hv",
            )
        )
    figure.update_xaxes(hoverformat=".3~r", unifiedhovertitle_text="from distance %{x:.3~r}")
    return figure.update_yaxes(rangemode="tozero")


def nearest(details: Mapping[str, Sequence[float]]) -> go.Figure:
    """Which share of the samples has its nearest neighbour within a distance; `details` are evenly spaced quantiles.

    Look for three curves that coincide. Orange left of blue: generated samples crowd around real ones (blurred, or
    copied); right of it: unlike any real sample. Violet right of blue: real samples without a generated one nearby.
    """
    figure = blank("distance to the nearest neighbour (data units)", "share of the samples")
    for name, label, colour in _NEAREST:
        quantiles = np.asarray(details[name], np.float32)
        figure.add_trace(
            go.Scatter(
                x=quantiles,
                y=np.linspace(0, 1, len(quantiles), dtype=np.float32),
                name=label,
                mode="lines",
                line_color=colour,
                line_width=2,
                line_dash=DASH[colour],
                hovertemplate="%{y:.0%} within %{x:.3~r}",
            )
        )
    # Each curve has distances of its own, so there is no common x to hover at.
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(rangemode="tozero")
    return figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%")


def shares(names: Sequence[str], real: Sequence[float], fake: Sequence[float], axis: str) -> go.Figure:
    """The share of each class (or mode, or bin: `axis`) among real samples beside that among generated ones.

    Look for pairs of one height: a missing orange bar is a class the generator has dropped.
    """
    figure = blank(f"{axis} (of the real data)", "share of the samples")
    add_pairs_of_bars(figure, names, real=real, fake=fake, hover="%{y:.1%}")
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def prd(details: Mapping[str, Sequence[float]]) -> go.Figure:
    """The highest precision at each recall (Sajjadi et al. 2018): one point for each weighting of the two.

    Look for a curve in the upper right corner. Cut off above: many samples are bad; on the right: variety is missing.
    """
    figure = blank("recall (share of the real variety)", "precision (share of good samples)")
    figure.add_trace(
        go.Scatter(
            x=np.asarray(details["recall"], np.float32),
            y=np.asarray(details["precision"], np.float32),
            name="generated vs real",
            mode="lines",
            line_color=FAKE,
            line_width=2,
            fill="tozeroy",
            fillcolor=tint(FAKE, 0.12),
            hovertemplate="recall %{x:.2f}, precision %{y:.2f}",
        )
    )
    figure.update_layout(hovermode="closest", showlegend=False)
    return figure.update_xaxes(range=[0, 1.03]).update_yaxes(range=[0, 1.03])


def direction(vector: Sequence[float], shape: tuple[int, ...]) -> go.Figure:
    """Along which change of the pixels (h, w, c) real and generated images differ most; colours are averaged.

    Orange pixels are brighter in generated images, blue ones in real images.
    """
    picture = np.asarray(vector, np.float32).reshape(shape).mean(axis=2)
    most = float(np.abs(picture).max()) or 1.0
    figure = blank("", "", height=300)
    figure.add_trace(
        _diverging(
            picture,
            most,
            ("real", "generated"),
            hovertemplate="row %{y}, column %{x}: %{z:.2~r}",
        )
    )
    figure.update_layout(hovermode="closest", margin_t=8)
    figure.update_xaxes(visible=False, constrain="domain")
    return figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")


def corruptions(cells: Sequence[CorruptionCell]) -> go.Figure:
    """How every metric rates real samples that were corrupted on purpose: one row for each corruption, mild to strong.

    Orange: the metric rates the corruption as worse, by standard deviations of real vs real. No colour: it does not
    detect it. Blue: it rates corrupted samples as better than real ones. The mean distance from real to generated is
    read as if lower is better.
    """
    rows = list(dict.fromkeys((cell.corruption, cell.level) for cell in cells))
    seen = {cell.metric for cell in cells if cell.z is not None and _worse(cell.metric, 1.0)}
    columns = [name for name in METRICS if name in seen]
    z = np.full((len(rows), len(columns)), np.nan, np.float32)
    about = np.full((len(rows), len(columns)), "", object)
    for cell in cells:
        if cell.metric in seen and cell.z is not None:
            place = rows.index((cell.corruption, cell.level)), columns.index(cell.metric)
            z[place] = np.clip(_worse(cell.metric, cell.z), -FAR, FAR)
            about[place] = (
                f"{cell.value:.3g}, {with_z(cell.z)}<br>"
                f"real samples give {cell.reference_mean:.3g} ± {cell.reference_sd:.2g}"
            )
    figure = blank("", "", height=240 + 22 * len(rows))
    figure.add_trace(
        _diverging(
            z,
            FAR,
            ("rated better", "rated worse"),
            x=[METRICS[name].title for name in columns],
            y=[_row(*row) for row in rows],
            customdata=about,
            hovertemplate="<b>%{x}</b>, %{y}<br>%{customdata}<extra></extra>",
            xgap=1,
            ygap=1,
            hoverongaps=False,
        )
    )
    for above, (upper, lower) in enumerate(zip(rows, rows[1:]), 1):
        if upper[0] != lower[0]:
            figure.add_hline(above - 0.5, line_color=GREY, line_width=1)
    figure.update_layout(hovermode="closest", margin_t=8)
    figure.update_xaxes(side="top", tickangle=-90, type="category", showgrid=False)
    return figure.update_yaxes(autorange="reversed", type="category", showgrid=False)


_NEAREST = (
    ("real_to_real", "real to another real", REAL),
    ("fake_to_real", "generated to real", FAKE),
    ("real_to_fake", "real to generated", BOTH),
)


def _diverging(z: np.ndarray, most: float, ends: tuple[str, str], **options) -> go.Heatmap:
    """Cells (rows, columns) in the theme's own diverging colours, blue at -most and orange at most, as `ends` says."""
    bar = dict(
        orientation="h",
        thickness=10,
        len=0.8,
        y=-0.02,
        yanchor="top",
        outlinewidth=0,
        tickvals=[-most, most],
        ticktext=list(ends),
    )
    return go.Heatmap(z=z, zmin=-most, zmax=most, autocolorscale=True, reversescale=True, colorbar=bar, **options)


def _row(corruption: str, level: float) -> str:
    return "no corruption" if corruption == "none" else f"{corruption} {level:.3g}"


def _worse(metric: str, z: float) -> float:
    """z with the sign of worse; 0 where there is no better and worse."""
    if metric == "mean_real_fake":
        return z
    return {"lower": z, "higher": -z, "target": abs(z), "diagnostic": 0.0}[METRICS[metric].better]
