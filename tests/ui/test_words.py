"""Pages explain their technical words where they stand."""

import pytest

from tests.drawing import explained_words, open_page, viewing, with_tab
from tests.ui.test_pages import trained
from ui.frame.glossary import meaning

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

MOST = 16
"""So many words of a page explain themselves at most: it is read for what it says, and not for its underlines."""


@pytest.fixture
def run_id(store, data):
    return trained(store, data("digits"))


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("app.py", {}, {"GAN", "Euclidean distance", "latent vector z"}),
        ("pages/train.py", {}, {"Distance", "held out"}),
        ("pages/distances.py", {"part": "verdict"}, {"energy distance", "n", "draw", "held-out"}),
        ("pages/distances.py", {"part": "samples"}, {"held-out"}),
        ("pages/distances.py", {"part": "report"}, {"real against real"}),
        ("pages/gallery.py", {}, {"latent vectors z", "held out"}),
        ("pages/gallery.py", {"view": "walk"}, {"distribution"}),
        ("pages/gallery.py", {"view": "search"}, {"gradient"}),
    ],
)
def test_a_page_explains_its_words_where_they_stand(home, store, run_id, path, query, words):
    found = explained_words(open_page(path, run=run_id, **query))
    assert words <= {*found} | {word[0].lower() + word[1:] for word in found} and len(found) <= MOST


def test_the_legend_of_the_plane_explains_its_net(home, store, data):
    at = open_page("pages/train.py", run=trained(store, data("ring-8")))
    assert "latent grid" in explained_words(at)


def test_the_tabs_of_a_run_explain_their_words(home, store, run_id):
    at = open_page("pages/train.py", run=run_id)
    assert "loss" in explained_words(at)  # the losses are the first tab
    assert {"D(x)", "latent vectors z"} <= {*explained_words(with_tab(at, "D(x)"))}


def test_the_form_explains_the_recipe_and_its_settings(home):
    at = viewing(open_page("pages/train.py"), "new")
    recipe = next(box for box in at.selectbox if box.label == "Recipe")
    assert "relativistic loss" in explained_words(recipe.set_value("r3gan-lite").run())
    at.session_state["all settings"] = True
    rate = next(box for box in at.run().number_input if box.label == "Learning rate generator")
    assert meaning("learning rate") in rate.help


def test_a_slider_says_what_its_words_mean(home, store, data):
    at = open_page("pages/train.py", run=trained(store, data("digits"), "running"))
    helps = {slider.label: slider.help for slider in at.select_slider}
    assert meaning("learning rate") in helps["Learning rate"] and "`objective.r1`" in helps["R1 and R2"]
    assert meaning("instance noise") in helps["Instance noise"]
