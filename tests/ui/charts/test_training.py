"""What the figures hold, against hand arithmetic and NumPy."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_core.distances.catalogue import METRICS
from gan_core.records import CorruptionCell, Histogram, History, Reference
from ui.charts import report, training

STEPS = np.array([0.0, 50, 100, 200])
HISTORY = History(
    {
        "loss_discriminator": (STEPS, np.array([1.4, 1.3, 1.2, 1.3])),
        "loss_generator": (STEPS, np.array([0.7, 0.8, 0.9, 0.8])),
        "score_real": (STEPS, np.array([0.9, 0.8, 0.7, 0.6])),
        "score_fake": (STEPS, np.array([0.1, 0.2, 0.3, 0.4])),
        "energy_distance": (STEPS, np.array([5.0, 0.5, 0.01, -0.001])),
        "mean_real_real": (STEPS, np.array([10.0, 10, 10, 10])),
        "mean_fake_fake": (STEPS, np.array([2.0, 6, 9, 10])),
        "mean_real_fake": (STEPS, np.array([8.5, 8.3, 9.6, 10])),
        "sliced_wasserstein": (STEPS, np.array([4.0, 2, 0.8, 0.7])),
        "coverage": (STEPS, np.array([0.0, 0.5, 0.9, 0.95])),
        "modes_captured": (STEPS, np.array([1.0, 6, 8, 8])),
    }
)
REAL = {
    "energy_distance": (0.001, 0.002),
    "mean_real_real": (10.0, 0.0),
    "mean_fake_fake": (10.0, 0.1),
    "sliced_wasserstein": (0.72, 0.03),
    "coverage": (0.967, 0.01),
    "modes_captured": (8.0, 0.0),
}
REFERENCE = Reference(1000, 20, 0, REAL)
MEANS = {"mean_real_real": 1.0, "mean_fake_fake": 2.0, "mean_real_fake": 1.5}
CLOUD = np.random.default_rng(0).normal(size=(50, 2))


def histogram():
    rng = np.random.default_rng(0)
    edges = np.linspace(0, 6, 13)
    densities = [np.histogram(rng.uniform(0, 6, 500), edges, density=True)[0] for _ in range(3)]
    return Histogram(tuple(edges), *(tuple(density) for density in densities))


def surface_answer(classes=1, without=()):
    """What a surface job answers: discriminator outputs, one bent latent grid a class, and gradients of 1 to 64."""
    rng, axis = np.random.default_rng(1), np.linspace(-3, 3, 61, dtype=np.float32)
    grid = np.stack(np.meshgrid(np.arange(21.0), np.arange(21.0) ** 2), axis=-1)
    found = {
        "points": rng.normal(size=(64, 2)).astype(np.float32),
        "manifold": np.stack([grid + c for c in range(classes)]).astype(np.float32),
        "x": axis,
        "y": axis,
        "belief": np.clip(0.5 + np.add.outer(axis, 2 * axis) / 10, 0, 1),
        "pushes": np.outer(np.arange(1.0, 65), [0.6, 0.8]).astype(np.float32),
    }
    return {name: array for name, array in found.items() if name not in without}


def corruption_cells():
    """Three corruptions as a `corruptions` job answers: z is -5, 0, 20 and None of each metric's."""
    levels = (("none", 0), ("blur", 0.5), ("blur", 1))
    zs = {"energy_distance": (0.1, 20, 40), "precision": (0, 5, -5), "nn_accuracy_fake": (0, -5, 5)}
    zs |= {"mean_real_fake": (0, -20, -40), "mean_fake_fake": (0, -9, -9), "ct_score": (None, None, None)}
    known = {"value": 1.0, "reference_mean": 0.5, "reference_sd": 0.1}
    return [
        CorruptionCell(corruption, level, metric, z=z[i], **known)
        for i, (corruption, level) in enumerate(levels)
        for metric, z in zs.items()
    ]


NEAREST = {
    "real_to_real": [0.0, 1, 2],
    "fake_to_real": [0.5, 1.5, 3],
    "real_to_fake": [1.0, 2, 4],
}
PRD = {"precision": [0.0, 0.8, 1.0], "recall": [1.0, 0.8, 0.0]}
LINES = {
    "losses": lambda: training.losses(HISTORY),
    "scores": lambda: training.scores(HISTORY),
    "plain": lambda: training.metric_curve(HISTORY, "coverage", REFERENCE, 100),
    "log": lambda: training.metric_curve(HISTORY, "energy_distance", REFERENCE, 100),
    "spread": lambda: training.spread_curve(HISTORY, REFERENCE),
    "histograms": lambda: report.histograms(histogram(), MEANS),
    "nearest": lambda: report.nearest(NEAREST),
    "prd": lambda: report.prd(PRD),
    "points": lambda: training.points(real=CLOUD, fake=CLOUD + 1, highlight=CLOUD[:2]),
}
FIGURES = LINES | {
    "surface": lambda: training.surface(surface_answer(), CLOUD),
    "shares": lambda: report.shares(["0", "1"], [0.5, 0.5], [0.9, 0.1], "class"),
    "direction": lambda: report.direction(np.arange(-8, 10), (3, 3, 2)),
    "corruptions": lambda: report.corruptions(corruption_cells()),
}
every_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
every_line = pytest.mark.parametrize("draw", LINES.values(), ids=LINES)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def values(array):
    return np.asarray(array).tolist()


# ---------------------------------------------------------------- what all of them keep


@every_figure
def test_the_same_input_gives_the_same_json(draw):
    assert draw().to_json() == draw().to_json()


@every_figure
def test_the_theme_keeps_paper_plot_and_font(draw):
    layout = json.loads(draw().to_json())["layout"]
    del layout["template"]
    text = json.dumps(layout)
    assert "bgcolor" not in text and '"font"' not in text and '"title": {}' not in text


@every_line
def test_layout_is_the_same_everywhere(draw):
    figure = draw()
    assert 300 <= figure.layout.height <= 360
    assert figure.layout.legend.orientation == "h"
    assert "(" in figure.layout.xaxis.title.text, "the unit"
    assert figure.layout.yaxis.title.text
    common = any(axis in figure.layout.xaxis.title.text for axis in ("step", "Euclidean"))
    assert figure.layout.hovermode == ("x unified" if common else "closest")


@every_line
def test_arrays_travel_as_float32(draw):
    for trace in draw().data:
        assert trace.x.dtype == np.float32 and trace.y.dtype == np.float32


@every_line
def test_no_two_traces_are_told_apart_by_colour_alone(draw):
    looks = [(trace.mode, trace.line.dash, trace.marker.symbol) for trace in draw().data]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("draw", [training.losses, training.scores, training.spread_curve])
def test_a_run_that_has_recorded_nothing_is_an_empty_figure(draw):
    assert not draw(History({})).data


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("reference", [None, REFERENCE], ids=["alone", "beside real"])
@pytest.mark.parametrize("curves", [{}, {"energy_distance": (np.array([]), np.array([]))}])
def test_a_metric_without_values_is_an_empty_figure(curves, reference, name):
    figure = training.metric_curve(History(curves), name, reference)
    assert not figure.data
    assert figure.layout.yaxis.range is None or np.isfinite(figure.layout.yaxis.range).all()


# ---------------------------------------------------------------- curves


def test_losses_and_scores_show_their_own_curves():
    lines = traces(training.losses(HISTORY))
    assert values(lines["discriminator"].x) == [0, 50, 100, 200]
    assert values(lines["discriminator"].y) == pytest.approx([1.4, 1.3, 1.2, 1.3])
    assert values(lines["generator"].y) == pytest.approx([0.7, 0.8, 0.9, 0.8])
    lines = traces(training.scores(HISTORY))
    assert values(lines["real, D(x)"].y) == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert values(lines["generated, D(G(z))"].y) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert (lines["real, D(x)"].line.color, lines["generated, D(G(z))"].line.color) == ("#3b82f6", "#e0682b")


def test_the_loss_of_a_generator_alone_is_one_curve_in_its_own_unit():
    figure = training.losses(History({"loss_generator": (STEPS, np.array([3.0, 1, 0.5, 0.1]))}), "mean distances")
    assert values(traces(figure)["generator"].y) == pytest.approx([3, 1, 0.5, 0.1])
    assert list(traces(figure)) == ["generator"] and figure.layout.yaxis.title.text == "loss (mean distances)"
    assert training.losses(HISTORY, "").layout.yaxis.title.text == "loss"


def test_the_two_parts_of_an_autoencoders_loss_are_drawn_beside_their_sum():
    parts = {"loss_reconstruction": [30.0, 20, 12, 10], "loss_divergence": [1.0, 4, 6, 7]}
    parts["loss_generator"] = [31.0, 24, 18, 17]
    figure = training.losses(History({name: (STEPS, np.array(curve)) for name, curve in parts.items()}))
    shown = {name: values(trace.y) for name, trace in traces(figure).items()}
    assert shown == dict(zip(("reconstruction", "divergence", "sum of both"), parts.values()))
    assert len({trace.line.color for trace in figure.data}) == len({trace.line.dash for trace in figure.data}) == 3


def test_scores_show_all_of_0_to_1_and_a_line_at_a_half():
    figure = training.scores(HISTORY)
    low, high = figure.layout.yaxis.range
    assert low <= 0 and high >= 1
    assert [(line.y0, line.y1) for line in figure.layout.shapes] == [(0.5, 0.5)]


def test_a_share_is_drawn_as_measured_on_a_plain_axis():
    figure = training.metric_curve(HISTORY, "coverage", REFERENCE, 100)
    assert values(figure.data[0].y) == pytest.approx([0, 0.5, 0.9, 0.95])
    assert figure.layout.yaxis.type is None and figure.layout.yaxis.title.text == "Coverage"
    band, mark = figure.layout.shapes
    assert (band.y0, band.y1) == pytest.approx((0.947, 0.987))
    assert "real against real" in band.label.text
    assert (mark.x0, mark.x1, mark.label.text) == (100, 100, "step 100")
    assert not training.metric_curve(HISTORY, "coverage").layout.shapes


def test_without_a_spread_the_band_is_a_line():
    (line,) = training.metric_curve(HISTORY, "modes_captured", REFERENCE).layout.shapes
    assert (line.y0, line.y1) == (8, 8)


def test_a_distance_has_a_log_axis_that_ends_at_one_sd_and_says_so():
    figure = training.metric_curve(HISTORY, "energy_distance", REFERENCE)
    line, axis, (band,) = figure.data[0], figure.layout.yaxis, figure.layout.shapes
    assert values(line.y) == pytest.approx([5, 0.5, 0.01, 0.002])
    assert values(line.customdata) == pytest.approx([5, 0.5, 0.01, -0.001])
    assert "customdata" in line.hovertemplate
    assert axis.type == "log" and "log" in axis.title.text and "0.002" in axis.title.text
    assert band.y1 == pytest.approx(0.005) and 0 < band.y0 < 0.002
    assert 10 ** axis.range[0] < 0.002 and 10 ** axis.range[1] > 5


def test_a_band_above_0_is_drawn_whole_and_nothing_is_lifted_to_it():
    figure = training.metric_curve(HISTORY, "sliced_wasserstein", REFERENCE)
    axis, (band,) = figure.layout.yaxis, figure.layout.shapes
    assert values(figure.data[0].y) == pytest.approx([4, 2, 0.8, 0.7])
    assert (band.y0, band.y1) == pytest.approx((0.66, 0.78))
    assert 10 ** axis.range[0] < 0.66 and 10 ** axis.range[1] > 4
    assert axis.type == "log" and "is drawn there" not in axis.title.text


@pytest.mark.parametrize(
    ("measured", "drawn"),
    [
        ([5.0, 0.5, -0.001], [5, 0.5, 0.5]),
        ([80.0, 7.0, 9.0], [80, 7, 9]),
        ([-0.1, -0.2, 0.0], [1, 1, 1]),
    ],
)
def test_a_log_axis_without_a_reference_stops_at_the_smallest_positive_value(measured, drawn):
    history = History({"energy_distance": (STEPS[:3], np.array(measured))})
    figure = training.metric_curve(history, "energy_distance")
    assert values(figure.data[0].y) == pytest.approx(drawn)
    assert np.isfinite(figure.layout.yaxis.range).all()
    assert not figure.layout.shapes


def test_the_band_stays_in_sight_when_its_top_lies_below_the_floor():
    reference = Reference(1000, 8, 0, {"energy_distance": (-0.01, 0.002)})
    figure = training.metric_curve(HISTORY, "energy_distance", reference)
    band = figure.layout.shapes[0]
    assert 10 ** figure.layout.yaxis.range[0] < band.y1 == pytest.approx(0.002)


@pytest.mark.parametrize("name", ["energy_distance", "coverage"])
def test_a_diverged_run_is_drawn_with_gaps_and_without_warnings(name, recwarn):
    history = History({name: (STEPS, np.array([5.0, 1e300, np.nan, 0.5]))})
    figure = training.metric_curve(history, name, REFERENCE)
    assert np.isfinite(figure.data[0].y).tolist() == [True, False, False, True]
    assert figure.layout.yaxis.range is None or 5 < 10 ** figure.layout.yaxis.range[1] < 10
    assert not recwarn.list


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_drawn(name):
    history = History({name: (STEPS, np.array([0.4, 0.3, 0.2, 0.1]))})
    figure = training.metric_curve(history, name, Reference(100, 20, 0, {name: (0.15, 0.02)}))
    assert values(figure.data[0].y) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert figure.layout.yaxis.title.text.startswith(METRICS[name].title)
    assert [(band.y0, band.y1) for band in figure.layout.shapes if band.type == "rect"] == [pytest.approx((0.11, 0.19))]


def test_spread_shows_three_means_and_the_band_of_other_real_samples():
    figure = training.spread_curve(HISTORY, REFERENCE)
    lines = traces(figure)
    assert values(lines["real–real"].y) == [10, 10, 10, 10]
    assert values(lines["generated–generated"].y) == [2, 6, 9, 10]
    assert values(lines["real–generated"].y) == pytest.approx([8.5, 8.3, 9.6, 10])
    assert [(band.y0, band.y1) for band in figure.layout.shapes] == [pytest.approx((9.8, 10.2))]
    assert not training.spread_curve(HISTORY).layout.shapes


# ---------------------------------------------------------------- thinning


def test_short_curves_are_kept_whole():
    steps = np.arange(600)
    kept, drawn = training.decimate(steps, steps**2 / 7)
    assert np.array_equal(kept, steps) and np.allclose(drawn, steps**2 / 7)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=21, max_size=300), st.integers(4, 20))
def test_long_curves_keep_their_ends_and_extremes(curve, limit):
    steps = np.arange(len(curve))
    kept, drawn = training.decimate(steps, curve, limit)
    assert len(kept) <= limit and (np.diff(kept) > 0).all()
    assert drawn.tolist() == [curve[int(step)] for step in kept]
    assert (kept[0], kept[-1]) == (0, len(curve) - 1)
    assert (drawn.min(), drawn.max()) == (min(curve), max(curve))


def test_a_spike_among_many_gaps_survives():
    curve = np.full(5000, np.nan)
    curve[1234] = 9.0
    kept, drawn = training.decimate(np.arange(5000), curve)
    assert len(kept) <= 600 and np.nanmax(drawn) == 9
    assert kept[np.nanargmax(drawn)] == 1234


# ---------------------------------------------------------------- distances and points


def test_histogram_outlines_have_unit_area_and_return_to_the_axis():
    figure = report.histograms(histogram(), MEANS)
    names = ["real–real, mean 1.00", "generated–generated, mean 2.00", "real–generated, mean 1.50"]
    assert list(traces(figure)) == names
    for outline, density in zip(figure.data, (histogram().real_real, histogram().fake_fake, histogram().real_fake)):
        assert outline.line.shape == "hv" and outline.fill == "tozeroy"
        assert values(outline.y[:-1]) == pytest.approx(density) and outline.y[-1] == 0
        assert (np.diff(outline.x) * outline.y[:-1]).sum() == pytest.approx(1, abs=1e-5)


def test_histogram_marks_the_means_it_is_given():
    figure = report.histograms(histogram(), {"mean_real_real": 1.0, "mean_fake_fake": None})
    assert [line.x0 for line in figure.layout.shapes] == [1.0]
    assert [trace.name for trace in figure.data] == ["real–real, mean 1.00", "generated–generated", "real–generated"]
    assert not report.histograms(histogram()).layout.shapes


def test_nearest_curves_are_the_shares_below_each_quantile():
    lines = traces(report.nearest(NEAREST))
    assert values(lines["real to another real"].x) == [0, 1, 2]
    assert values(lines["generated to real"].x) == [0.5, 1.5, 3]
    assert values(lines["real to generated"].x) == [1, 2, 4]
    assert all(values(line.y) == [0, 0.5, 1] for line in lines.values())


def test_shares_are_pairs_of_bars_told_apart_by_a_pattern():
    figure = report.shares(["3", "8"], [0.4, 0.6], [1.0, 0.0], "class")
    bars = traces(figure)
    assert list(bars["real"].x) == list(bars["generated"].x) == ["3", "8"]
    assert values(bars["real"].y) == pytest.approx([0.4, 0.6]) and values(bars["generated"].y) == [1, 0]
    assert bars["real"].marker.pattern.shape != bars["generated"].marker.pattern.shape
    assert figure.layout.xaxis.title.text.startswith("class") and figure.layout.xaxis.type == "category"


def test_prd_is_precision_over_recall():
    (line,) = report.prd(PRD).data
    assert values(line.x) == pytest.approx([1, 0.8, 0]) and values(line.y) == pytest.approx([0, 0.8, 1])


def test_direction_is_the_mean_of_the_colours_on_a_scale_with_0_in_the_middle():
    vector = np.array([[[1, 3], [0, 0]], [[-4, -6], [1, -1]]], float)
    figure = report.direction(vector.ravel(), (2, 2, 2))
    (picture,) = figure.data
    assert values(picture.z) == [[2, 0], [-5, 0]]
    assert (picture.zmin, picture.zmax) == (-5, 5)
    assert figure.layout.yaxis.autorange == "reversed", "the first row is on top"


def test_direction_of_nothing_is_drawn_too():
    assert values(report.direction(np.zeros(4), (2, 2, 1)).data[0].z) == [[0, 0], [0, 0]]


def test_the_heat_map_turns_every_z_towards_worse_and_cuts_it_at_ten():
    (cells,) = report.corruptions(corruption_cells()).data
    assert list(cells.y) == ["no corruption", "blur 0.5", "blur 1"]
    columns = dict(zip(cells.x, np.asarray(cells.z).T.tolist()))
    assert columns == {
        "Energy distance": pytest.approx([0.1, 10, 10]),
        "Real to generated": [0, -10, -10],  # read as if lower is better: it rates blur as better
        "1-NN accuracy, generated": [0, 5, 5],
        "Precision": [0, -5, 5],
    }
    assert (cells.zmin, cells.zmax) == (-10, 10)


def test_the_heat_map_leaves_blank_what_was_not_measured():
    cells = [cell for cell in corruption_cells() if (cell.metric, cell.level) != ("precision", 1)]
    (drawn,) = report.corruptions(cells).data
    column = np.asarray(drawn.z)[:, list(drawn.x).index("Precision")]
    assert column.tolist()[:2] == [0, -5] and np.isnan(column[2])
    assert "1" in drawn.customdata[0, 0] and not drawn.customdata[2, list(drawn.x).index("Precision")]


def test_no_cells_are_an_empty_figure():
    assert len(report.corruptions([]).data[0].x) == 0


def test_points_take_keywords_only_and_share_one_scale():
    with pytest.raises(TypeError):
        training.points(CLOUD, CLOUD)
    figure = training.points(real=CLOUD, fake=CLOUD + 1)
    assert figure.layout.yaxis.scaleanchor == "x"
    sets = traces(figure)
    assert values(sets["real"].x) == pytest.approx(CLOUD[:, 0]) and values(sets["real"].y) == pytest.approx(CLOUD[:, 1])
    assert values(sets["generated"].y) == pytest.approx(CLOUD[:, 1] + 1)


def test_points_ring_the_highlighted_ones():
    ring = traces(training.points(real=CLOUD, fake=CLOUD, highlight=np.array([[3.0, 4.0, 5.0]])))["selected"]
    assert (values(ring.x), values(ring.y), ring.marker.symbol) == ([3], [4], "circle-open")


@pytest.mark.parametrize(("n", "kind"), [(2000, "scatter"), (2001, "scattergl")])
def test_many_points_are_drawn_by_webgl(n, kind):
    cloud = np.zeros((n, 2))
    assert [trace.type for trace in training.points(real=cloud, fake=cloud).data] == [kind, kind]


# ---------------------------------------------------------------- the networks in the plane


def test_the_surface_is_the_discriminator_output_between_orange_and_blue():
    figure, found = training.surface(surface_answer(), CLOUD), surface_answer()
    (heat,) = [trace for trace in figure.data if trace.type == "heatmap"]
    assert (np.asarray(heat.z) == found["belief"].astype(np.float32)).all() and heat.z.dtype == np.float32
    assert (heat.zmin, heat.zmax) == (0, 1)
    ends = {share: colour for share, colour in heat.colorscale if share in (0, 1)}
    assert "224, 104, 43" in ends[0] and "59, 130, 246" in ends[1]
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (-3, 3)
    assert figure.layout.yaxis.scaleanchor == "x"


def test_the_latent_grid_is_drawn_both_ways_with_gaps():
    line = traces(training.surface(surface_answer(), CLOUD))["latent grid"]
    x, y = np.asarray(line.x).reshape(42, 22), np.asarray(line.y).reshape(42, 22)
    assert np.isnan(x[:, 21]).all() and np.isfinite(x[:, :21]).all() and line.x.dtype == np.float32
    assert (x[3, :21] == np.arange(21)).all() and (y[3, :21] == 9).all()
    assert (x[21 + 3, :21] == 3).all() and (y[21 + 3, :21] == np.arange(21) ** 2).all()


def test_grids_of_many_classes_are_drawn_by_webgl():
    assert traces(training.surface(surface_answer(2), CLOUD))["latent grid"].type == "scatter"
    assert traces(training.surface(surface_answer(3), CLOUD))["latent grid"].type == "scattergl"


def test_arrows_begin_at_the_points_and_the_strongest_tenth_are_of_one_length():
    found = surface_answer()
    arrows = traces(training.surface(found, CLOUD))["gradient"]
    ends = np.stack([arrows.x, arrows.y], axis=1).reshape(64, 3, 2)
    assert ends[:, 0] == pytest.approx(found["points"]) and np.isnan(ends[:, 2]).all()
    drawn, most = ends[:, 1] - ends[:, 0], np.ptp(CLOUD, axis=0).max() / 10
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(
        most * np.minimum(1, np.arange(1, 65) / np.quantile(np.arange(1, 65), 0.9)), abs=1e-5
    )
    assert drawn[:, 1] / drawn[:, 0] == pytest.approx(np.full(64, 4 / 3), rel=1e-2)


def test_gradients_of_zero_are_arrows_of_no_length():
    still = surface_answer() | {"pushes": np.zeros((60, 2), np.float32)}
    arrows = traces(training.surface(still, CLOUD))["gradient"]
    ends = np.stack([arrows.x, arrows.y], axis=1).reshape(60, 3, 2)
    assert (ends[:, 0] == ends[:, 1]).all()


def test_what_a_run_has_not_is_not_drawn():
    figure = training.surface(surface_answer(without=("x", "y", "belief", "pushes")), CLOUD)
    assert [trace.name for trace in figure.data] == ["latent grid", "real", "generated"]
    assert figure.layout.xaxis.range is None


@pytest.mark.parametrize(
    "draw",
    [training.losses, training.scores, lambda h, marks: training.metric_curve(h, "energy_distance", marks=marks)],
)
def test_what_happened_to_a_run_is_marked_at_its_step(draw):
    figure = draw(HISTORY, marks=[(60, "settings changed: r1 1.0 → 2.0"), (150, "<b>bold</b>")])
    lines = [shape for shape in figure.layout.shapes if shape.type == "line" and shape.x0 == shape.x1]
    assert [line.x0 for line in lines] == [60, 150]
    told = [(note.x, note.hovertext) for note in figure.layout.annotations if note.hovertext]
    assert told == [(60, "step 60: settings changed: r1 1.0 → 2.0"), (150, "step 150: &lt;b&gt;bold&lt;/b&gt;")]
    assert not [shape for shape in draw(HISTORY, marks=()).layout.shapes if shape.x0 == shape.x1 == 60]


def test_a_branch_continues_the_curves_it_left():
    later = History({"loss_generator": (np.array([100.0, 150]), np.array([9.0, 0.3]))})
    joined = HISTORY.continued(later, 100)
    steps, values = joined.curves["loss_generator"]
    assert steps.tolist() == [0, 50, 100, 150] and values.tolist() == [0.7, 0.8, 0.9, 0.3]
    assert joined.curves["score_real"][0].tolist() == [0, 50, 100]
    assert History({}).continued(later, 100).curves["loss_generator"][0].tolist() == [100, 150]
