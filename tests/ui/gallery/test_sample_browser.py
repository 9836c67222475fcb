"""Ordering, filtering and describing many samples; the figures of maps and latents; the history as a file."""

import csv
import io

import numpy as np
import pytest

from gan_core import closeness
from gan_core.records import DatasetInfo, History
from ui.charts import latent, map
from ui.distances.curves import history_to_csv
from ui.frame.sample_orders import ORDERS, ordered
from ui.gallery.sample_browser import describe

FOUND = {
    "x": np.zeros((5, 8, 8, 1), np.uint8),
    "distances": np.array([3, 1, 2, 5, 4], np.float32),
    "realism": np.array([0.5, np.nan, 2.0, np.inf, 1.0], np.float32),
    "rarity": np.array([1.0, 2.0, np.nan, np.nan, 3.0], np.float32),
    "labels": np.array([7, 7, 3, 3, 7]),
}
DATA = DatasetInfo("mine", "ab" * 32, "image", (8, 8, 1), {}, FOUND["x"], np.array([3, 7, 7, 3, 7]))


@pytest.mark.parametrize(
    ("name", "label", "places"),
    [
        ("drawn", None, [0, 1, 2, 3, 4]),
        ("copied", None, [1, 2, 0, 4, 3]),
        ("unlike", None, [3, 4, 0, 2, 1]),
        ("realistic", None, [3, 2, 4, 0, 1]),  # infinite for an exact copy; what has no number comes last
        ("unrealistic", None, [0, 4, 2, 3, 1]),
        ("rare", None, [4, 1, 0, 2, 3]),
        ("copied", 7, [1, 0, 4]),
        ("drawn", 3, [2, 3]),
        ("drawn", 9, []),
    ],
)
def test_samples_in_every_order(name, label, places):
    assert ordered(FOUND, name, label).tolist() == places


def test_every_order_has_words():
    assert all(order.title and (order.sentence or not order.array) for order in ORDERS.values())


def test_what_is_not_known_of_a_sample_is_left_out():
    assert describe(FOUND, DATA, 1) == "no. 2\nto training: 1\nrarity: 2\nlooks like 7"
    assert "realism: 0.5" in (first := describe(FOUND, DATA, 0)) and "discriminator" not in first


def test_closeness_in_words():
    words = [closeness(ratio) for ratio in (0.1, 0.5, 1.0, 2.0)]
    assert "copy" in words[0] and "typical" in words[1] and "as near as" in words[2] and "unlike" in words[3]


def test_the_history_as_csv():
    history = History(
        {"b": (np.array([1, 3]), np.array([0.5, 0.25])), "a": (np.array([2.0, 3.0]), np.array([7.0, 8.0]))}
    )
    rows = list(csv.DictReader(io.StringIO(history_to_csv(history))))
    assert rows == [
        {"step": "1", "a": "", "b": "0.5"},
        {"step": "2", "a": "7.0", "b": ""},
        {"step": "3", "a": "8.0", "b": "0.25"},
    ]


# ---------------------------------------------------------------- figures


def test_a_map_colours_generated_samples_by_distance_and_rings_the_chosen_ones():
    real, fake = np.eye(2), np.arange(6.0).reshape(3, 2)
    figure = map.sample_map(real=real, fake=fake, distances=np.array([1.0, 2, 3]), usual=1.5, chosen=[2])
    one, two, ring = figure.data
    assert (one.name, two.name) == ("real", "generated")
    assert two.marker.color.tolist() == [1, 2, 3] and (two.marker.cmin, two.marker.cmax) == (0, 3)
    assert (ring.x.tolist(), ring.y.tolist()) == ([4], [5])
    assert figure.layout.yaxis.scaleanchor == "x"  # the plane keeps its proportions


def test_a_projected_map_tells_how_much_it_shows():
    about = dict(real=np.eye(2), fake=np.eye(2), distances=np.ones(2), usual=1.0)
    figure = map.sample_map(**about, explained=(0.1, 0.07))
    assert "10%" in figure.layout.xaxis.title.text and "7%" in figure.layout.yaxis.title.text
    many = dict(about, fake=np.zeros((5_000, 2)), distances=np.ones(5_000))
    assert len(map.sample_map(**many).data[1].x) == map.SHOWN_ON_MAP


def test_classes_are_shown_by_their_medians_and_their_distances():
    found = {
        "classes": np.array([0, 1]),
        "real_labels": np.array([0, 0, 1]),
        "real_distances": np.array([1.0, 3.0, 5.0]),
        "labels": np.array([0, 0, 0]),
        "distances": np.array([2.0, 4.0, 9.0]),
        "class_distances": np.array([[1.0, 2.0], [3.0, np.nan]]),
        "class_real_distances": np.array([[0.5, 1.5], [1.5, 0.25]]),
    }
    real, fake = map.class_nearest(found).data
    assert real.y.tolist() == [2, 5] and fake.y[0] == 4 and np.isnan(fake.y[1])
    (heat,) = map.class_distances(found).data
    assert heat.z[0].tolist() == [1, 2] and heat.customdata[0][1].endswith("1.5")


def test_latents_walks_and_searches_are_drawn_as_they_are():
    assert latent.latent(np.array([0.5, -1.0])).data[0].y.tolist() == [0.5, -1]
    assert latent.walk(np.array([0.0, 2.0, 3.0])).data[0].y.tolist() == [0, 2, 3]
    figure = latent.found(np.array([4.0, 2.0]), 5.0)
    assert figure.data[0].y.tolist() == [4, 2] and figure.layout.shapes[0].y0 == 5
    walk = latent.path(np.array([[0.0, 1.0], [2.0, 3.0]]), np.eye(2))
    assert walk.data[1].x.tolist() == [0, 2] and walk.data[1].y.tolist() == [1, 3]
