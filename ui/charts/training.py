"""Records and arrays -> plotly figures, as pure functions: the same input gives the same JSON.

    chart(training.metric_curve(history, "energy_distance", reference), "distance", "...")

Here are the curves of a training and the points of 2-D data; what belongs to one measurement is in ui.charts.report.
Blue is real, orange is generated, violet is both at once, everywhere; line styles and symbols say it again
for those who see no colour. Paper, text and grid belong to the page's theme, titles to the page.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from gan_core import METRICS, UNITS, DatasetInfo, History, Reference, is_logarithmic
from gan_core.pictures.colours import BOTH, FAKE, GREY, REAL, rgb
from gan_core.pictures.scatter import plane

BAND = f"rgba{(*rgb(REAL), 0.18)}"
"""Behind curves: what real samples give against other real ones."""

DASH = {REAL: "solid", FAKE: "9px,2px", BOTH: "2px,2px"}
"""Generated is a long dash with a short gap: told apart on a smooth curve, and still one line on a noisy one."""

CURVE_POINTS = 600
"""A curve is drawn with at most this many points."""
SVG_POINTS = 2000
"""From more points than this on a trace is drawn by WebGL: as SVG every point would be an element of the page."""

STEP = "step (generator updates)"
DISTANCE = "mean Euclidean distance (data units)"
SPREADS = (
    ("mean_real_real", "real–real", REAL),
    ("mean_fake_fake", "generated–generated", FAKE),
    ("mean_real_fake", "real–generated", BOTH),
)


Axes = tuple[str, str]
"""What the axes of a chart of the first two coordinates of points are called."""
COORDINATES: Axes = ("first coordinate (data units)", "second coordinate (data units)")

Marks = Sequence[tuple[int, str]]
"""(step, words) of what happened to a run: a line each, whose words appear when the pointer is at its pencil."""


def losses(history: History, unit: str = "nats", marks: Marks = (), marked_step: int | None = None) -> go.Figure:
    """What each network minimises, over steps; of an autoencoder the two parts of its loss, and their sum.

    Look for two curves that settle. A discriminator near 0 beside a rising generator means that the discriminator
    always distinguishes the samples and the generator learns nothing more. Low is no goal, except where there is no
    discriminator.
    """
    figure, whole = _curves(f"loss ({unit})" if unit else "loss"), "loss_reconstruction" in history.curves
    _add_curve(figure, history, "loss_discriminator", "discriminator", BOTH, "solid")
    _add_curve(figure, history, "loss_generator", "sum of both" if whole else "generator", FAKE)
    _add_curve(figure, history, "loss_reconstruction", "reconstruction", BOTH, "solid")
    _add_curve(figure, history, "loss_divergence", "divergence", GREY, "3px,3px")
    return _add_marks(_add_step(figure, history, marked_step), marks)


def scores(history: History, marks: Marks = (), marked_step: int | None = None) -> go.Figure:
    """The mean discriminator output on real samples, D(x), and on generated ones, D(G(z)), over steps.

    Look for the two meeting at .5, where it cannot distinguish them. Far apart: it can.
    """
    figure = _curves("mean probability of being real")
    _add_curve(figure, history, "score_real", "real, D(x)", REAL)
    _add_curve(figure, history, "score_fake", "generated, D(G(z))", FAKE)
    figure.add_hline(0.5, line_color=GREY, line_width=1, line_dash="dot", layer="below")
    return _add_marks(_add_step(figure, history, marked_step), marks).update_yaxes(range=[-0.03, 1.03])


LOGGED = ((BOTH, "solid"), (FAKE, "9px,2px"), (REAL, "solid"), (GREY, "3px,3px"), (BOTH, "2px,2px"), (FAKE, "solid"))
"""The lines of curves that mean what their program says."""


def logged(history: History, start: str, marked_step: int | None = None) -> go.Figure:
    """The curves whose names begin with `start`, by what follows it, in one chart."""
    figure = _curves("value")
    names = sorted(name for name in history.curves if name.startswith(start))
    for place, name in enumerate(names):
        colour, dash = LOGGED[place % len(LOGGED)]
        _add_curve(figure, history, name, html.escape(name.removeprefix(start)), colour, dash)
    return _add_step(figure, history, marked_step).update_layout(showlegend=True)


def metric_curve(
    history: History,
    name: str,
    reference: Reference | None = None,
    marked_step: int | None = None,
    marks: Marks = (),
) -> go.Figure:
    """One metric over steps, with the band of what real samples give against other real ones (mean ± 2 sd, same n).

    Look for a curve that reaches the band: there the measurement can no longer tell the two apart. Distances have
    a log axis, so that the way down from 5 to .005 fills the chart. Where the band reaches below 0 that axis ends at
    one sd of real vs real: smaller values (negative ones too) are drawn there, and hovering still tells them exactly.
    """
    metric, about = METRICS[name], [UNITS[name]] if name in UNITS else []
    steps, values = _curve(history, name)
    mean, sd = (reference.metrics.get(name) if reference else None) or (None, 0.0)
    figure, drawn, floored = _curves(metric.title), values, ""
    low, high = (mean - 2 * sd, mean + 2 * sd) if mean is not None and sd else (0.0, 0.0)
    if is_logarithmic(name):
        about.append("log")
        drawn, low, high, floor, top = on_log_axis(values, low, high, sd)
        if (drawn > values).any():
            floored = f"<br>what is below {floor:.2g} is drawn there"
        # The range is stated, because the band must stay in sight below a curve that is still far above it.
        decades = [float(np.log10(floor / 1.5)), float(np.log10(top * 1.3))]
        figure.update_yaxes(type="log", range=decades, dtick=1 if decades[1] - decades[0] > 1.5 else "D2")
    if about:
        figure.update_yaxes(title_text=f"{metric.title} ({', '.join(about)}){floored}")
    if sd:
        _add_band(figure, low, high, "real against real, ± 2 sd")
    elif mean:
        figure.add_hline(mean, line_color=REAL, line_width=1, line_dash="dot", layer="below")
    if len(steps):
        figure.add_trace(
            go.Scatter(
                x=steps,
                y=drawn,
                customdata=values,
                name="generated vs real",
                mode="lines+markers",
                hovertemplate="%{customdata:.3~r}",
                line_color=FAKE,
                line_width=2,
                marker_size=5,
            )
        )
    return _add_marks(_add_step(figure, history, marked_step), marks)


def on_log_axis(
    values: np.ndarray, low: float, high: float, sd: float
) -> tuple[np.ndarray, float, float, float, float]:
    """What can be drawn of values and of their band where there is no 0: the two, and the axis' floor and top."""
    floor, top = _extent(values, low, sd)
    drawn = np.maximum(values, np.float32(floor))
    return drawn, low if low > 0 else floor / 2, max(high, floor), floor, max(top, high)


def spread_curve(history: History, reference: Reference | None = None, marked_step: int | None = None) -> go.Figure:
    """Mean distance within the real samples, within the generated ones, and between the two, over steps.

    Look for three curves that become one. Generated below real: too little variety, down to 0 when every
    sample is the same. The dotted curve above both: the two clouds lie apart. The shaded band is the mean ± 2 sd
    within other sets of as many real samples.
    """
    figure = _curves(DISTANCE)
    for name, label, colour in SPREADS:
        _add_curve(figure, history, name, label, colour)
    if reference and "mean_fake_fake" in reference.metrics:
        mean, sd = reference.metrics["mean_fake_fake"]
        _add_band(figure, mean - 2 * sd, mean + 2 * sd)
    return _add_step(figure, history, marked_step)


def axes_of(data: DatasetInfo) -> Axes:
    """The names of the first two columns of points, where their file has some."""
    first, second = (
        html.escape(data.column_name(place)).replace("%{", "% {")
        if any(data.names.columns[place : place + 1])
        else title
        for place, title in enumerate(COORDINATES)
    )
    return first, second


def points(
    *, real: np.ndarray, fake: np.ndarray, highlight: np.ndarray | None = None, axes: Axes = COORDINATES
) -> go.Figure:
    """Real and generated points, each (n, d), on equal axes; the points of `highlight` (m, d) are ringed.

    Look for orange wherever there is blue (nothing is missed) and nowhere else (nothing is invented). Of private
    data there are no real points. Of more than two coordinates the first two are drawn; points that are not finite are
    left out.
    """
    figure = blank(*axes, height=360)
    figure.update_layout(hovermode="closest")
    _add_points(figure, real, "real", REAL, axes, symbol="circle", size=6, opacity=0.6)
    _add_points(figure, fake, "generated", FAKE, axes, symbol="x-thin", size=5, line_width=1)
    if highlight is not None:
        _add_points(figure, highlight, "selected", BOTH, axes, symbol="circle-open", size=13, line_width=2)
    figure.update_xaxes(zeroline=False)
    return figure.update_yaxes(zeroline=False, scaleanchor="x")


def surface(found: Mapping[str, np.ndarray], real: np.ndarray, axes: Axes = COORDINATES) -> go.Figure:
    """The networks in the plane at one step: `found` is what a `surface` job answers, `real` (n, 2) are real points,
    or none.

    Look for an even discriminator output, for arrows without a common direction, and for lines that are dense where
    real points are: every cell between four of them holds as many samples as any other.
    """
    figure = blank(*axes, height=420)
    figure.update_layout(hovermode="closest")
    if "belief" in found:
        figure.add_trace(
            go.Heatmap(
                x=found["x"],
                y=found["y"],
                z=found["belief"].astype(np.float32),
                zmin=0,
                zmax=1,
                zsmooth="best",
                colorscale=[[0, tint(FAKE, 0.7)], [0.5, tint(FAKE, 0)], [0.5, tint(REAL, 0)], [1, tint(REAL, 0.7)]],
                showscale=False,
                hovertemplate="discriminator output %{z:.2f}<extra></extra>",
            )
        )
    lines = _lines(found["manifold"])
    trace = go.Scattergl if len(lines) > SVG_POINTS else go.Scatter
    style = dict(mode="lines", line_color=GREY, line_width=1, hoverinfo="skip")
    figure.add_trace(trace(x=lines[:, 0], y=lines[:, 1], name="latent grid", **style))
    _add_points(figure, real, "real", REAL, axes, symbol="circle", size=5, opacity=0.6)
    _add_points(figure, found["points"], "generated", FAKE, axes, symbol="x-thin", size=5, line_width=1)
    if "pushes" in found:
        start = found["points"][: len(found["pushes"])]
        extent = float(np.ptp(real if len(real) else start, axis=0).max())
        _add_arrows(figure, start, found["pushes"], longest=extent / 10)
    for axis, places in (("xaxis", "x"), ("yaxis", "y")):
        reach = [float(found[places][0]), float(found[places][-1])] if "belief" in found else None
        kept = dict(constrain="domain", constraintoward={"x": "left", "y": "top"}[places])  # square, below the legend
        figure.update_layout({axis: dict(range=reach, zeroline=False, showgrid=False) | kept})
    return figure.update_yaxes(scaleanchor="x")


def decimate(steps: np.ndarray, values: np.ndarray, limit: int = CURVE_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most `limit` (4 or more) points of a curve, as float32: the first, the last, and between them the lowest
    and the highest of equally long stretches, so that no peak is lost. Shorter curves are kept whole.
    """
    steps, values = np.asarray(steps, np.float64), np.asarray(values, np.float64)
    if len(steps) > limit:
        kept = [0, len(steps) - 1]
        for stretch in np.array_split(np.arange(1, len(steps) - 1), (limit - 2) // 2):
            part = values[stretch]
            kept += [
                stretch[np.where(np.isnan(part), np.inf, part).argmin()],
                stretch[np.where(np.isnan(part), -np.inf, part).argmax()],
            ]
        kept = np.unique(kept)
        steps, values = steps[kept], values[kept]
    with np.errstate(over="ignore"):  # a diverged loss may exceed float32: infinite is drawn as a gap
        return steps.astype(np.float32), values.astype(np.float32)


def blank(x: str, y: str, height: int = 320) -> go.Figure:
    """An empty figure as all of them begin, with the titles of its axes."""
    layout = dict(
        height=height,
        margin=dict(l=8, r=8, t=36, b=8),
        hovermode="x unified",
        hoverlabel=dict(namelength=-1),
        legend=dict(orientation="h", x=0, xanchor="left", y=1.02, yanchor="bottom"),
        xaxis=dict(title=dict(text=x), automargin=True),
        yaxis=dict(title=dict(text=y), automargin=True, hoverformat=".3~r"),
    )
    # Whole, and not checked again with each part that comes to it: that took most of a page's time. The tests check.
    return go.Figure(layout=layout, _validate=False)


def small(figure: go.Figure, height: int, *, letters: int | None = None) -> go.Figure:
    """The same chart for a small place, without a legend and titles of axes: these are written beside it.

    `letters` is the size of what is written in the chart, in pixels, where it is another one than usual.
    """
    figure.update_layout(height=height, showlegend=False, margin=dict(l=4, r=8, t=20, b=4), font_size=letters)
    figure.update_shapes(label_text="", selector=dict(type="rect"))
    return figure.update_xaxes(title_text="", constrain="domain").update_yaxes(title_text="", constrain="domain")


def plane_of(figure: go.Figure, side: int) -> go.Figure:
    """A small chart of points in the plane: the points alone, without numbers at the axes."""
    figure = small(figure, side).update_xaxes(showticklabels=False, ticks="")
    return figure.update_yaxes(showticklabels=False, ticks="")


def _curves(y: str) -> go.Figure:
    figure = blank(STEP, y).update_layout(hoverdistance=-1)  # wherever the pointer is, the nearest step is meant
    return figure.update_xaxes(hoverformat=",d", unifiedhovertitle_text="step %{x:,d}", rangemode="tozero")


def _curve(history: History, name: str) -> tuple[np.ndarray, np.ndarray]:
    return decimate(*history.curves.get(name, (np.zeros(0), np.zeros(0))))


def _extent(values: np.ndarray, low: float, sd: float) -> tuple[float, float]:
    """The smallest and the largest value that a log axis has to show of these; `low` and `sd` are the band's."""
    positive = values[np.isfinite(values) & (values > 0)]
    smallest = float(positive.min()) if positive.size else low if low > 0 else 1.0
    floor = min(smallest, low) if low > 0 else sd or smallest
    return floor, float(positive.max(initial=floor))


def _add_curve(figure: go.Figure, history: History, name: str, label: str, colour: str, dash: str = "") -> None:
    steps, values = _curve(history, name)
    if len(steps):
        figure.add_trace(
            go.Scatter(
                x=steps,
                y=values,
                name=label,
                mode="lines",
                line_color=colour,
                line_width=2,
                line_dash=dash or DASH[colour],
            )
        )


def _add_band(figure: go.Figure, low: float, high: float, label: str | None = None) -> None:
    figure.add_hrect(
        low,
        high,
        fillcolor=BAND,
        line_color=BAND,
        line_width=1,
        layer="below",
        label_text=label,
        label_textposition="top left",
        label_yanchor="bottom",
    )


def _add_step(figure: go.Figure, history: History, step: int | None) -> go.Figure:
    """The step a person looks at, with its number beside the line."""
    if step is not None:
        last = max((steps[-1] for steps, _ in history.curves.values() if len(steps)), default=0)
        figure.add_vline(
            step,
            line_color=GREY,
            line_width=1,
            line_dash="dot",
            label_text=f"step {step:,}",
            label_textposition="end",
            label_textangle=0,
            label_xanchor="left" if 2 * step < last else "right",
        )
    return figure


def _add_marks(figure: go.Figure, marks: Marks) -> go.Figure:
    """A dotted line at each step where something happened, and above it a pencil that tells what."""
    for step, words in marks:
        figure.add_vline(step, line_color=GREY, line_width=1, line_dash="dot", layer="below")
        figure.add_annotation(
            x=step,
            y=1,
            yref="paper",
            yanchor="top",
            text="✎",
            showarrow=False,
            font_color=GREY,
            hovertext=f"step {step:,}: {html.escape(words)}",
        )
    return figure


def add_pairs_of_bars(figure: go.Figure, names: Sequence[str], *, real: Sequence, fake: Sequence, hover: str) -> None:
    """Two bars for every name: what real samples have, and hatched what generated ones have."""
    names = [html.escape(name) for name in names]
    for values, label, colour, pattern in ((real, "real", REAL, ""), (fake, "generated", FAKE, "/")):
        figure.add_trace(
            go.Bar(
                x=names,
                y=np.asarray(values, np.float32),
                name=label,
                marker_color=colour,
                marker_pattern_shape=pattern,
                marker_pattern_fillmode="replace",
                hovertemplate=hover,
            )
        )
    figure.update_layout(bargap=0.25, bargroupgap=0.05).update_xaxes(type="category")


def _add_points(figure: go.Figure, array: np.ndarray, name: str, colour: str, axes: Axes, **marker) -> None:
    if not len(array):  # the real points are private
        return
    first, second = ("" if axes == COORDINATES else f"{axis} " for axis in axes)
    x, y = plane(array).astype(np.float32).T
    trace = go.Scattergl if len(x) > SVG_POINTS else go.Scatter
    # Thin crosses take their colour from the marker's line, discs from the marker: both are given it.
    figure.add_trace(
        trace(
            x=x,
            y=y,
            name=name,
            mode="markers",
            marker_color=colour,
            marker_line_color=colour,
            hovertemplate=f"{first}%{{x:.3~r}}, {second}%{{y:.3~r}}",
        ).update(marker=marker)
    )


def _lines(manifold: np.ndarray) -> np.ndarray:
    """Grids (k, n, n, 2) as the lines they are drawn by, both ways, each with a gap after it: (2 k n (n + 1), 2)."""
    lines = np.concatenate([manifold, manifold.swapaxes(1, 2)]).reshape(-1, manifold.shape[2], 2)
    return np.pad(lines, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan).reshape(-1, 2).astype(np.float32)


def _add_arrows(figure: go.Figure, start: np.ndarray, pushes: np.ndarray, longest: float) -> None:
    """Arrows in proportion to `pushes`; the longest tenth are all drawn as `longest`, so that no single one hides "
    "the rest."""
    lengths = np.linalg.norm(pushes, axis=1)
    usual = np.maximum(lengths, float(np.quantile(lengths, 0.9)) or 1.0)
    ends = start + pushes / usual[:, None] * longest
    x, y = np.stack([start, ends, np.full_like(start, np.nan)], axis=1).reshape(-1, 2).astype(np.float32).T
    heads = np.tile(np.array([0, 7, 0], np.float32), len(start))
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            name="gradient",
            mode="lines+markers",
            line_color=BOTH,
            line_width=1.5,
            marker=dict(symbol="arrow", angleref="previous", size=heads, color=BOTH),
            hoverinfo="skip",
        )
    )


def tint(colour: str, alpha: float) -> str:
    """A colour "#rrggbb" with an opacity `alpha` in [0, 1], as CSS writes it."""
    return f"rgba{(*rgb(colour), alpha)}"
