"""Groups of runs -> plotly figures, as pure functions in the manner of ui.charts: curves over seeds, and verdicts.

    chart(compare.curves(groups, "energy_distance", reference), "curves", "...")

Real and generated keep their blue and orange for themselves: a group has a colour of its own, and its letter, line
style and symbol say it again for those who see no colour.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from gan_core import METRICS, UNITS, Comparison, GroupCurve, Reference
from gan_core.pictures.colours import GREY, REAL
from ui.charts.training import BAND, STEP, blank, decimate, tint

COLOURS = ("#269876", "#b22c91", "#94801a", "#7f8794", "#9a5040")
"""Told apart by protanopes and deuteranopes too, and with a contrast of 3 to 1 on a light page and on a dark one."""
DASHES = ("solid", "9px,3px", "2px,2px", "9px,3px,2px,3px", "14px,4px")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
LOG_GROUPS = ("Distances", "Nearest neighbours", "Transport")
FAINT = 0.35
NAME = 48
"""The letters of a name that a legend has room for."""

Curve = tuple[np.ndarray, np.ndarray]
"""Steps, and a metric's values at them."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A group as a chart of curves shows it: its name, the curve of each seed, and their mean where there is one."""

    name: str
    seeds: Sequence[tuple[int, Curve]]
    mean: GroupCurve | None


def style(place: int) -> tuple[str, str, str]:
    """The colour, dash and symbol of the group at this place; colours begin anew after five, with other dashes."""
    turn = place + place // len(COLOURS)
    return COLOURS[place % len(COLOURS)], DASHES[turn % len(DASHES)], SYMBOLS[turn % len(SYMBOLS)]


def curves(
    groups: Sequence[Drawn], name: str, reference: Reference | None = None, marked_step: int | None = None
) -> go.Figure:
    """One metric over steps: a thick line for the mean of each group's seeds, a band of ± 1 sd, a thin line a seed.

    Look for bands that part: there the settings differ by more than their seeds do. The blue band is what real samples
    give against other real ones (mean ± 2 sd, same n). Distances have a log axis; what lies below its end is drawn
    there, and hovering still tells it exactly.
    """
    metric = METRICS[name]
    figure = blank(STEP, f"{metric.title} ({UNITS[name]})" if name in UNITS else metric.title, height=400)
    figure.update_xaxes(hoverformat=",d", unifiedhovertitle_text="step %{x:,d}", rangemode="tozero")
    mean, sd = (reference.metrics.get(name) if reference else None) or (None, 0.0)
    low, high = (mean - 2 * sd, mean + 2 * sd) if mean is not None and sd else (0.0, 0.0)
    floor = None
    if metric.better == "lower" and metric.group in LOG_GROUPS:
        floor, top = _extent([values for group in groups for _, (_, values) in group.seeds], low, sd)
        low, high = low if low > 0 else floor / 2, max(high, floor)
        decades = [float(np.log10(floor / 1.5)), float(np.log10(max(top, high) * 1.3))]
        figure.update_yaxes(type="log", range=decades, dtick=1 if decades[1] - decades[0] > 1.5 else "D2")
    if sd:
        figure.add_hrect(
            low,
            high,
            fillcolor=BAND,
            line_color=BAND,
            line_width=1,
            layer="below",
            label_text="real against real, ± 2 sd",
            label_textposition="top left",
            label_yanchor="bottom",
        )
    elif mean:
        figure.add_hline(mean, line_color=REAL, line_width=1, line_dash="dot", layer="below")
    if marked_step is not None:
        figure.add_vline(marked_step, line_color=GREY, line_width=1, line_dash="dot", layer="below")
    for place, group in enumerate(groups):
        _add_group(figure, group, place, floor)
    return figure


def intervals(comparisons: Sequence[Comparison]) -> go.Figure:
    """How far the best group is ahead of each other one: a dot for the difference, whiskers for what noise allows.

    Look for whiskers that stay clear of the dotted line at 0: only these differences are more than noise.
    """
    about = METRICS[comparisons[0].metric]
    unit = f" ({UNITS[about.name]})" if about.name in UNITS else ""
    figure = blank(f"lead in {about.title[0].lower()}{about.title[1:]}{unit}", "", height=120 + 44 * len(comparisons))
    sign = 1.0 if about.better == "higher" else -1.0
    for found in comparisons:
        lead, ends = sign * found.difference, sorted(sign * end for end in found.interval)
        sure = found.decided != "undecided"
        colour = COLOURS[0] if sure else GREY
        figure.add_trace(
            go.Scatter(
                x=[lead],
                y=[_pair(found)],
                name="more than noise" if sure else "within the noise",
                mode="markers",
                marker=dict(
                    color=colour, size=12, symbol="circle" if sure else "circle-open", line=dict(width=2, color=colour)
                ),
                error_x=dict(
                    type="data",
                    symmetric=False,
                    array=[ends[1] - lead],
                    arrayminus=[lead - ends[0]],
                    color=colour,
                    thickness=2,
                    width=6,
                ),
                hovertemplate=f"lead %{{x:.3~r}}<br>{found.level:.1%} interval {ends[0]:.3g} to {ends[1]:.3g}"
                "<extra></extra>",
                showlegend=False,
            )
        )
    figure.add_vline(0, line_color=GREY, line_width=1, line_dash="dot", layer="below")
    figure.update_layout(hovermode="closest", margin_t=8)
    figure.update_xaxes(zeroline=False)
    return figure.update_yaxes(type="category", autorange="reversed", showgrid=False)


def _pair(found: Comparison) -> str:
    return " over ".join(name.partition(" · ")[0] for name in (found.first, found.second))


def _extent(values: Sequence[np.ndarray], low: float, sd: float) -> tuple[float, float]:
    """The smallest and the largest value of a log axis; `low` and `sd` are those of the band."""
    every = np.concatenate([np.zeros(0), *values])
    positive = every[np.isfinite(every) & (every > 0)]
    smallest = float(positive.min()) if positive.size else low if low > 0 else 1.0
    floor = min(smallest, low) if low > 0 else sd or smallest
    return floor, float(positive.max(initial=floor))


def _add_group(figure: go.Figure, group: Drawn, place: int, floor: float | None) -> None:
    colour, dash, symbol = style(place)
    name = html.escape(group.name if len(group.name) <= NAME else f"{group.name[: NAME - 1]}…")
    about = dict(legendgroup=str(place), line_color=colour, line_dash=dash)
    alone = len(group.seeds) == 1

    def drawn(values: np.ndarray) -> np.ndarray:
        return values if floor is None else np.maximum(values, np.float32(floor))

    if not alone and group.mean is not None and group.mean.sd is not None:
        steps, low = decimate(group.mean.steps, group.mean.mean - group.mean.sd)
        _, high = decimate(group.mean.steps, group.mean.mean + group.mean.sd)
        outline = dict(mode="lines", line_width=0, hoverinfo="skip", showlegend=False, legendgroup=str(place))
        figure.add_trace(go.Scatter(x=steps, y=drawn(low), **outline))
        figure.add_trace(go.Scatter(x=steps, y=drawn(high), fill="tonexty", fillcolor=tint(colour, 0.18), **outline))
    for seed, curve in group.seeds:
        steps, values = decimate(*curve)
        figure.add_trace(
            go.Scatter(
                x=steps,
                y=drawn(values),
                customdata=values,
                name=name if alone else f"{name.partition(' · ')[0]}, seed {seed}",
                mode="lines+markers" if alone else "lines",
                marker=dict(symbol=symbol, size=6),
                line_width=2 if alone else 1,
                opacity=1 if alone else FAINT,
                showlegend=alone,
                hovertemplate="%{customdata:.3~r}" if alone else None,
                hoverinfo=None if alone else "skip",
                **about,
            )
        )
    if not alone and group.mean is not None and group.mean.sd is not None:
        steps, values = decimate(group.mean.steps, group.mean.mean)
        _, spread = decimate(group.mean.steps, group.mean.sd)
        figure.add_trace(
            go.Scatter(
                x=steps,
                y=drawn(values),
                customdata=np.stack([values, spread], axis=1),
                name=f"{name} (n = {group.mean.n})",
                mode="lines+markers",
                marker=dict(symbol=symbol, size=6),
                line_width=2.5,
                hovertemplate="%{customdata[0]:.3~r} ± %{customdata[1]:.2~r}",
                **about,
            )
        )


def key(place: int, alt: str) -> str:
    """The line of the group at this place as it is in the curves: a picture of 36 × 12 as HTML."""
    colour, dash, symbol = style(place)
    pattern = "" if dash == "solid" else f' stroke-dasharray="{dash.replace("px", "")}"'
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="36" height="12">'
        f'<path d="M0 6H36" stroke="{colour}" stroke-width="2.5"{pattern}/>'
        f'<path d="{_SHAPES[symbol]}" fill="{colour}"/></svg>'
    )
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return f'<img src="{source}" alt="{html.escape(alt)}" width="36" height="12" style="vertical-align: middle">'


_SHAPES = {
    "circle": "M18 1.5A4.5 4.5 0 1 0 18 10.5A4.5 4.5 0 1 0 18 1.5Z",
    "square": "M14 2H22V10H14Z",
    "diamond": "M18 0L24 6L18 12L12 6Z",
    "triangle-up": "M18 0.5L23.5 10.5H12.5Z",
    "cross": "M16.3 1.5H19.7V4.3H22.5V7.7H19.7V10.5H16.3V7.7H13.5V4.3H16.3Z",
}
