"""Small curves: where the curve, the band and the dot stand, by hand; the picture is read as the XML it is."""

import base64
import html
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from ui.charts import sparkline
from ui.charts.training import BOTH, FAKE, REAL

STEPS = np.array([0.0, 50, 100])
LOW, HIGH = sparkline.HEIGHT - sparkline.EDGE, sparkline.EDGE
"""Where the smallest and the largest value stand."""


def drawn(name="coverage", values=(0.2, 0.4, 0.6), mean=None, sd=None, step=100, alt="A curve"):
    """The picture's parts: (the curve's places, the band's top and bottom or None, the dot, the colours of all)."""
    picture = sparkline.spark(name, STEPS, np.array(values, float), mean=mean, sd=sd, step=step, alt=alt)
    (source,) = re.findall('src="data:image/svg\\+xml;base64,([^"]*)"', picture)
    root = ElementTree.fromstring(base64.b64decode(source))
    for part in root.iter():
        part.tag = part.tag.removeprefix("{http://www.w3.org/2000/svg}")
    *edges, curve, dot = root.findall("path")
    places = [tuple(map(float, place)) for place in re.findall(r"[ML]([\d.]+) ([\d.]+)", curve.get("d"))]
    heights = sorted(float(edge.get("d").split()[1].split("H")[0]) for edge in edges)
    at = tuple(map(float, dot.get("d")[1:].removesuffix("h0").split()))
    return places, heights, at, curve.get("stroke"), {edge.get("stroke") for edge in edges}, root


def test_a_curve_alone_fills_its_picture():
    places, heights, dot, colour, *_ = drawn()
    assert places == [(4, LOW), (50, (LOW + HIGH) / 2), (96, HIGH)]
    assert heights == [] and dot == (96, HIGH) and colour == FAKE


def test_the_band_is_what_real_samples_give_and_in_sight():
    """From .7 to .9: with values from .1 on, the curve's end at .5 is in the middle."""
    places, heights, _, _, colours, root = drawn(values=(0.1, 0.3, 0.5), mean=0.8, sd=0.05)
    assert [y for _, y in places] == pytest.approx([LOW, 28, 20])
    assert heights == pytest.approx([HIGH, 12]) and colours == {REAL}
    band = root.find("rect")
    assert (float(band.get("y")), float(band.get("height")), band.get("fill")) == pytest.approx((HIGH, 8, REAL))


def test_a_distance_is_drawn_on_a_log_scale():
    """From 1 down to .001, band and all: a decade is a third."""
    places, heights, *_ = drawn("sliced_wasserstein", values=(1, 0.1, 0.01), mean=0.003, sd=0.001)
    assert heights[1] == LOW  # the band from .001
    a_third = (LOW - HIGH) / 3
    assert [y for _, y in places] == pytest.approx([HIGH, HIGH + a_third, HIGH + 2 * a_third], abs=0.01)


def test_a_band_that_reaches_below_0_ends_at_the_floor():
    places, heights, *_ = drawn("energy_distance", values=(1, -0.1, 0.2), mean=0.001, sd=0.01)
    assert heights[1] == LOW and all(HIGH <= y <= LOW for _, y in places)


def test_without_a_spread_the_band_is_a_line():
    places, heights, *_ = drawn("mean_real_real", values=(3, 2, 1), mean=2.0, sd=0.0)
    assert heights == [20] and [y for _, y in places] == [HIGH, 20, LOW]


@pytest.mark.parametrize("value", [2.0, 3.0110123456789, 0.0])
def test_a_number_that_never_changes_is_a_line_through_the_middle(value):
    """Also where the band's number was rounded in another way."""
    places, heights, *_ = drawn("mean_real_real", values=[value] * 3, mean=value * (1 + 1e-8), sd=0.0)
    assert {y for _, y in places} == {20} and set(heights) <= {20}


@pytest.mark.parametrize("step, place", [(0, 4), (20, 4), (60, 50), (10**6, 96)])
def test_the_dot_is_at_the_step_that_is_looked_at(step, place):
    assert drawn(step=step)[2][0] == place


def test_real_is_blue_generated_orange_and_both_violet():
    names = ("mean_real_real", "mean_fake_fake", "mean_real_fake", "energy_distance")
    assert [drawn(name)[3] for name in names] == [REAL, FAKE, BOTH, FAKE]


def test_what_is_not_finite_is_left_out_and_one_number_is_no_curve():
    places, *_, root = drawn(values=(0.1, np.nan, 0.3))
    assert len(places) == 2
    assert root.findall("path")[0].get("d").count("L") == 0  # two dots: nobody knows what was between them
    for values in ((np.nan, 0.2, np.inf), (np.nan,) * 3, (1e300, 0.2, -1e300)):
        assert sparkline.spark("coverage", STEPS, np.array(values), mean=None, sd=None, step=0, alt="") == ""
    assert sparkline.spark("coverage", np.zeros(0), np.zeros(0), mean=1.0, sd=0.1, step=0, alt="") == ""


def test_a_description_is_text():
    alt = '<script>"&'
    picture = sparkline.spark("coverage", STEPS, STEPS, mean=None, sd=None, step=0, alt=alt)
    assert "<script" not in picture and html.unescape(re.search('alt="([^"]*)"', picture)[1]) == alt


def test_the_dot_lies_on_what_was_measured_however_long_the_curve():
    """The ends are the lowest and the highest value, so that the scale is known."""
    steps = np.arange(301.0)
    values = np.sin(steps * 1.7) * 0.9
    values[[0, -1]] = -1, 1
    for step in range(0, 301, 7):
        picture = sparkline.spark("coverage", steps, values, mean=None, sd=None, step=step, alt="")
        (source,) = re.findall('base64,([^"]*)', picture)
        *_, dot = re.findall('d="M([\\d. ]+)h0"', base64.b64decode(source).decode())
        place, height = map(float, dot.split())
        assert place == pytest.approx(4 + 92 * step / 300, abs=0.006)
        assert height == pytest.approx(LOW + (HIGH - LOW) * (values[step] + 1) / 2, abs=0.006)


def test_a_band_of_nothing_but_zeros_is_a_line_too():
    assert len(drawn(mean=0.0, sd=0.0)[1]) == len(drawn(mean=0.1, sd=0.0)[1]) == 1
