"""What the figures of groups hold, against hand arithmetic; and whether their colours can be seen."""

import base64
import itertools
import json
import re

import numpy as np
import pytest

from gan_core import curve_of_group
from gan_core.jobs.comparison import Comparison
from gan_core.records import Reference
from ui.charts import compare, training
from ui.charts.compare import COLOURS, Drawn

STEPS = np.array([0.0, 50, 100])
ONE, TWO, FAR = (np.array(values) for values in ([4.0, 0.4, 0.02], [2.0, 0.2, 0.01], [5.0, 3, -0.001]))
PAGES = {"light": "#fcfcfb", "dark": "#0f141a"}


def group(name, *values):
    seeds = [(seed, (STEPS, curve)) for seed, curve in enumerate(values)]
    return Drawn(name, seeds, curve_of_group([curve for _, curve in seeds]))


GROUPS = [group("A · objective.r1 = 1", ONE, TWO), group("B · <b>", FAR)]
REFERENCE = Reference(500, 20, 0, {"energy_distance": (0.001, 0.002), "coverage": (0.9, 0.0)})


def test_mean_band_and_seeds_of_a_group():
    low, high, one, two, mean, alone = compare.curves(GROUPS, "coverage").data
    assert list(mean.y) == pytest.approx([3, 0.3, 0.015]) and mean.name == "A · objective.r1 = 1 (n = 2)"
    sd = np.std([ONE, TWO], axis=0, ddof=1)
    assert low.y == pytest.approx(mean.y - sd) and high.y == pytest.approx(mean.y + sd)
    assert high.fill == "tonexty" and high.fillcolor == training.tint(COLOURS[0], 0.18)
    assert [list(trace.y) for trace in (one, two)] == [pytest.approx(list(ONE)), pytest.approx(list(TWO))]
    assert mean.customdata[:, 1] == pytest.approx(sd)
    assert (alone.name, alone.line.color) == ("B · &lt;b&gt;", COLOURS[1])
    assert [trace.showlegend for trace in (low, high, one, two, alone)] == [False] * 4 + [True]
    assert {trace.legendgroup for trace in (low, high, one, two, mean)} == {"0"}


def test_groups_differ_in_colour_dash_and_symbol():
    styles = [compare.style(place) for place in range(12)]
    assert len(set(styles)) == 12
    for column in range(3):
        assert len({style[column] for style in styles[:5]}) == 5
    figure = compare.curves(GROUPS, "coverage")
    mean, alone = figure.data[4:]
    assert (mean.line.dash, alone.line.dash) == (
        styles[0][1],
        styles[1][1],
    ) and mean.marker.symbol != alone.marker.symbol
    for place in range(12):
        colour, dash, _ = compare.style(place)
        picture = compare.key(place, "a <line>")
        assert 'alt="a &lt;line&gt;"' in picture
        picture = base64.b64decode(re.search('base64,([^"]+)"', picture)[1]).decode()
        assert colour in picture and ("dasharray" in picture) == (dash != "solid")


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_lines_have_a_contrast_of_three_to_one(page):
    for colour in COLOURS:
        dark, light = sorted((luminance(colour), luminance(page)))
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


# What each kind of eye sees: Machado et al. 2009, severity 1, on linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, eye) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(eye) @ linear, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", EYES.values(), ids=EYES)
def test_colours_are_told_apart(eye):
    """A difference of 10 in CIELAB is seen at a glance."""
    for one, other in itertools.combinations(COLOURS, 2):
        assert np.linalg.norm(lab(one, eye) - lab(other, eye)) > 10, (one, other)
    if eye is EYES["all cones"]:
        for one, other in itertools.product(COLOURS, (training.REAL, training.FAKE)):
            assert np.linalg.norm(lab(one, eye) - lab(other, eye)) > 20, (one, other)


def test_distances_have_a_log_axis_that_holds_band_and_curves():
    figure = compare.curves(GROUPS, "energy_distance", REFERENCE, 50)
    axis = figure.layout.yaxis
    low, high = 10 ** np.array(axis.range)
    assert axis.type == "log" and low < 0.002 and high > 5
    assert "data units" in axis.title.text
    alone = figure.data[-1]
    assert min(alone.y) == pytest.approx(0.002) and alone.customdata[-1] == pytest.approx(-0.001)
    band = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert band.y1 == pytest.approx(0.005)
    assert any(shape.type == "line" and shape.x0 == 50 for shape in figure.layout.shapes)
    assert compare.curves(GROUPS, "coverage", REFERENCE).layout.yaxis.type != "log"


def test_a_group_without_values_is_left_out():
    figure = compare.curves([Drawn("A · x", [], None), GROUPS[1]], "energy_distance")
    assert [trace.name for trace in figure.data] == ["B · &lt;b&gt;"]
    assert not compare.curves([Drawn("A · x", [], None)], "energy_distance").data


def compared(difference, interval, decided, second="B · y", metric="energy_distance"):
    about = dict(values=(0.0, 0.0), per_seed=(((0, 0.0),), ((0, 0.0),)), level=0.95, p=0.5, covers="samples")
    return Comparison(metric, "A · x", second, difference=difference, interval=interval, decided=decided, **about)


def test_leads_point_to_the_right_with_their_intervals():
    found = [compared(-0.3, (-0.5, -0.1), "first"), compared(-0.1, (-0.4, 0.2), "undecided", "C · z")]
    figure = compare.intervals(found)
    sure, unsure = figure.data
    assert (list(sure.x), list(sure.y)) == ([0.3], ["A over B"])
    assert (sure.error_x.array[0], sure.error_x.arrayminus[0]) == pytest.approx((0.2, 0.2))
    assert (list(unsure.x), list(unsure.y)) == ([0.1], ["A over C"])
    assert unsure.x[0] - unsure.error_x.arrayminus[0] == pytest.approx(-0.2)
    assert sure.marker.symbol != unsure.marker.symbol and sure.marker.color != unsure.marker.color
    higher = compare.intervals([compared(0.3, (0.1, 0.5), "first", metric="coverage")])
    assert list(higher.data[0].x) == [0.3]


def test_the_same_input_gives_the_same_json():
    made = [compare.curves(GROUPS, "energy_distance", REFERENCE, 50).to_json() for _ in range(2)]
    assert made[0] == made[1] and json.loads(made[0])
