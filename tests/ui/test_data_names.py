"""Classes and columns have the names of a person's file on every page that shows them."""

import io
import re

import numpy as np
import pytest

from gan_core.data import datasets, uploads
from gan_core.records import upload_name
from gan_core.store import pack
from tests.drawing import chart_of, claim, drawn, figures, open_page, text_of
from tests.ui.gallery.test_gallery_page import answer, browsed, close_up, image_grid, newest
from tests.ui.test_pages import trained

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")
N = 900


def kept(store, file: bytes, name: str) -> datasets.Dataset:
    """The data of a file that somebody has uploaded."""
    upload = uploads.read_upload(file, name, size=8)
    sha256 = uploads.dataset_from_upload(upload, "x").sha256
    dataset = uploads.dataset_from_upload(upload, upload_name(sha256))
    store.datasets.put(dataset.info(), datasets.dataset_to_bytes(dataset))
    store.datasets.add_owner(dataset.name, "", name, upload.names)
    return dataset


@pytest.fixture
def pets(store):
    """Pictures of two classes."""
    rng, file = np.random.default_rng(8), io.BytesIO()
    x = rng.integers(0, 256, (N, 8, 8), dtype=np.uint8)
    np.savez(file, x=x, y=np.array(["a *cat*", "dog"])[np.arange(N) % 2])
    return kept(store, file.getvalue(), "pets.npz")


@pytest.fixture
def flowers(store):
    """Points with named columns, of two classes."""
    x = np.random.default_rng(9).normal(size=(N, 2)).round(3)
    rows = [f"{a},{b},{'iris' if i % 2 else 'rose'}" for i, (a, b) in enumerate(x)]
    return kept(store, "\n".join(["petal <i>length</i>,distance,class", *rows]).encode(), "flowers.csv")


def titles(figure: dict) -> tuple[str, str]:
    layout = figure["layout"]
    return layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]


def test_a_class_of_an_upload_is_chosen_and_told_by_its_name(store, pets):
    run_id = trained(store, pets, data__conditional=True)
    at = open_page("pages/gallery.py", run=run_id)
    answer(store, "browse", browsed(pets))
    drawn(at.run())
    assert at.selectbox(key="looks like").options == ["any", "a *cat*", "dog"]
    words = [caption.splitlines()[-1] for caption in image_grid(at)["captions"][:20]]
    assert words == [f"looks like {('a *cat*', 'dog')[label]}" for label in pets.train.y[:20]]
    job = claim(store, "sample_detail")
    labels = {f"{space}.labels": np.arange(6) % 2 for space in ("pixels", "pca64")}
    store.jobs.finish(job.id, result=pack(**close_up(pets, label=np.int64(0)) | labels))
    drawn(at.run())
    assert "of class a \\*cat\\*" in text_of(at) and "class dog" in text_of(at)
    drawn(at.segmented_control(key="whose samples").set_value("New samples").run())
    box = at.selectbox(key=f"samples class {run_id}")
    assert box.options == ["All", "a *cat*", "dog"]
    drawn(box.set_value(1).run())
    assert newest(store).params["label"] == 1
    at = open_page("pages/gallery.py", run=run_id, view="plane")
    assert at.selectbox(key=f"plane class {run_id}").options == ["a *cat*", "dog"]
    at = open_page("pages/gallery.py", run=run_id, view="search")
    assert set(image_grid(at)["captions"]) == {"class a *cat*", "class dog"}


def test_charts_by_class_name_the_classes(store, pets):
    at = open_page("pages/distances.py", run=trained(store, pets), part="samples")
    shares = chart_of(at, "Share of each class")
    assert shares["data"][0]["x"] == ["a *cat*", "dog"]
    two = np.ones((2, 2))
    found = browsed(pets, real_labels=pets.test.y[:64], real_distances=np.ones(64), classes=np.arange(2))
    found |= {"class_distances": two, "class_real_distances": two, "real_x": pets.test.x[:64]}
    found |= {"xy": np.ones((64, 2)), "real_xy": np.ones((64, 2)), "nearest_real_rows": np.arange(64)}
    answer(store, "browse", found | {"explained": np.array([0.5, 0.25])})
    drawn(at.run())
    assert chart_of(at, "Nearest distances by class")["data"][0]["x"] == ["a *cat*", "dog"]
    assert chart_of(at, "Mean distances between classes")["data"][0]["y"] == ["a *cat*", "dog"]


def test_the_axes_of_points_and_their_values_have_the_names_of_the_columns(store, flowers):
    run_id = trained(store, flowers)
    at = open_page("pages/gallery.py", run=run_id)
    names = ("petal &lt;i&gt;length&lt;/i&gt;", "distance")
    assert titles(chart_of(at, "Points at step 100")) == names
    game = dict(points=flowers.train.x[:64], pushes=np.ones((64, 2)), manifold=np.ones((1, 2, 2, 2)))
    answer(store, "surface", game)
    at = open_page("pages/gallery.py", run=run_id)
    found = {"x": flowers.train.x[:64].astype(np.float32), "distances": np.ones(64), "labels": flowers.train.y[:64]}
    answer(store, "browse", found)
    drawn(at.run())
    assert all(titles(figure) == names for figure in figures(at)) and len(figures(at)) == 3
    nearest = {"pixels.nearest": flowers.train.x[:6], "pixels.distances": np.ones(6), "pixels.labels": np.arange(6) % 2}
    job = claim(store, "sample_detail")
    detail = dict(x=flowers.train.x[:1], z=np.ones(2), real_distance=np.float32(1)) | nearest
    store.jobs.finish(job.id, result=pack(**detail))
    drawn(at.run())
    assert re.search(r"petal &lt;i&gt;length&lt;/i&gt; = [-\d]", text_of(at))
    (table,) = (frame.value for frame in at.dataframe)
    assert [*table.columns] == ["nearest", "distance", "class", "petal <i>length</i>", "distance (data)"]
    assert table["class"].tolist() == ["iris", "rose"] * 3
    at = open_page("pages/train.py", run=run_id)
    assert "across: petal &lt;i&gt;length&lt;/i&gt; · up: distance" in text_of(at)


def test_the_modes_of_known_data_are_counted_from_0_as_their_classes(store, data):
    ring = data("ring-8")
    at = open_page("pages/distances.py", run=trained(store, ring), part="samples")
    assert chart_of(at, "Share of each mode")["data"][0]["x"] == [str(label) for label in ring.classes]


def test_classes_of_built_in_data_are_called_by_their_labels_or_what_they_show(store, data):
    at = open_page("pages/distances.py", run=trained(store, data("digits")), part="samples")
    assert chart_of(at, "Share of each class")["data"][0]["x"] == [*"0123456789"]
    assert datasets.OPTIONS["fashion-mnist"].class_names[9] == "Ankle boot"
    assert len(set(datasets.OPTIONS["fashion-mnist"].class_names)) == 10
