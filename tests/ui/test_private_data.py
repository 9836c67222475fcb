"""Every page of a published run whose data are private: its samples and numbers, a sentence, and nothing real."""

import hashlib
import io
import json

import numpy as np
import pytest
import sqlalchemy as sa

from gan_core.codec import to_storage
from gan_core.data import datasets, uploads
from gan_core.jobs.registry import kind_named
from gan_core.pictures import grid
from gan_core.store import schema as tables
from tests.drawing import (
    claim,
    components,
    descriptions,
    drawn,
    figures,
    open_page,
    pictures,
    text_of,
    with_tab,
)
from tests.ui.test_pages import trained
from ui.frame.private_data import PRIVATE_DATA

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")
MINE, ANOTHER = "a" * 32, "b" * 32
PLACES = [
    ("pages/train.py", {}),
    *(("pages/distances.py", {"part": part}) for part in ("samples", "curves")),
    *(("pages/gallery.py", {"view": view}) for view in ("samples", "walk", "plane", "search")),
    ("pages/compare.py", {}),
    ("app.py", {}),
]


def own_data(kind: str):
    rng, file = np.random.default_rng(8), io.BytesIO()
    n = 900
    x = rng.integers(0, 256, (n, 8, 8), dtype=np.uint8) if kind == "image" else rng.normal(size=(n, 2)).round(3)
    np.savez(file, x=x, y=rng.integers(0, 2, n))
    upload = uploads.read_upload(file.getvalue(), "own.npz", size=8)
    name = f"upload-{uploads.dataset_from_upload(upload, 'x').sha256[:10]}"
    return uploads.dataset_from_upload(upload, name)


@pytest.fixture(params=["image", "points"])
def published(request, home, store, monkeypatch):
    """(the data set, the id of a run on it that its owner has published)"""
    monkeypatch.setenv("GANOMETER_SHARED", "true")
    dataset = own_data(request.param)
    run_id = trained(store, dataset)
    owner = f"browser-{hashlib.sha256(MINE.encode()).hexdigest()[:16]}"
    store.datasets.put(dataset.info(), datasets.dataset_to_bytes(dataset))
    store.datasets.add_owner(dataset.name, owner)
    with store.database.writing() as db:
        db.execute(tables.runs.update().values(owner=owner, published=True))
    return dataset, run_id


def numbers_in(at) -> str:
    """Everything that is sent to the browser: texts, figures, and pictures as their bytes."""
    sent = [json.dumps(figure, default=str) for figure in figures(at)]
    sent += [picture.url for picture in pictures(at)]
    sent += [json.dumps(about) for about in components(at, "ganometer_image_grid")]
    return "\n".join([text_of(at), *sent, *(frame.value.to_csv() for frame in at.dataframe)])


def browsed(dataset, n: int, rng) -> dict:
    """What a worker answers of the samples of a run: with many real ones among it."""
    test, unit = dataset.test, rng.random(n).astype(np.float32)
    x = to_storage(dataset.holdout.x[:n]) if dataset.kind == "image" else dataset.holdout.x[:n].astype(np.float32)
    real = to_storage(test.x[:50])
    return {
        **dict(x=x, distances=unit, rows=np.arange(n), realism=unit, rarity=unit, xy=rng.normal(size=(n, 2))),
        **dict(nearest_real_rows=np.zeros(n, int), labels=np.zeros(n, int), explained=np.array([0.5, 0.2])),
        **dict(real_x=real, real_labels=test.y[:50], real_distances=unit[:50], real_xy=rng.normal(size=(50, 2))),
        **dict(classes=np.array([0, 1]), class_distances=np.ones((2, 2)), class_real_distances=np.ones((2, 2))),
    }


def detail(dataset) -> dict:
    near = to_storage(dataset.train.x[:6])
    found = {"x": to_storage(dataset.holdout.x[:1]), "z": np.zeros(4, np.float32), "real_distance": np.float32(1)}
    return found | {
        "pixels.nearest": near,
        "pixels.distances": np.arange(6, dtype=np.float32),
        "pixels.rows": np.arange(6),
        "pixels.labels": np.zeros(6, int),
    }


def real_pictures(dataset) -> list[str]:
    """How the real samples of a data set are drawn, whole and one by one."""
    preview = dataset.info().preview
    if dataset.kind == "points":
        return [f"{value:.3f}" for row in preview[:5] for value in row]
    return [grid.embedded(grid.grid(preview, gap=4)), *(grid.embedded(grid.grid(preview[i : i + 1])) for i in range(5))]


def draws_real_points(at) -> bool:
    traces = [trace for figure in figures(at) for trace in figure["data"] if trace.get("mode") == "markers"]
    return "real" in [trace.get("name") for trace in traces]


@pytest.mark.parametrize("path, query", PLACES, ids=[f"{path} {' '.join(query.values())}" for path, query in PLACES])
def test_a_page_shows_others_no_real_sample_and_says_why(published, store, path, query):
    dataset, run_id = published
    query = {("runs" if "compare" in path else "run"): run_id} | query
    mine = open_page(path, browser_id=MINE, **query)
    theirs = open_page(path, browser_id=ANOTHER, **query)
    assert "Unknown run" not in text_of(theirs)
    if path not in ("app.py", "pages/compare.py") and query.get("part") != "curves":
        assert PRIVATE_DATA in text_of(theirs)
        assert PRIVATE_DATA not in text_of(mine)
    sent = numbers_in(theirs)
    assert not any(real in sent for real in real_pictures(dataset))
    assert not any("real samples that are never" in about or "on real ones" in about for about in descriptions(theirs))
    assert not draws_real_points(theirs)
    if path in ("pages/train.py", "pages/gallery.py"):  # or this test could not fail
        assert draws_real_points(mine) or any(real in numbers_in(mine) for real in real_pictures(dataset))


def test_the_samples_are_browsed_without_their_neighbours(published, store):
    dataset, run_id = published
    about = dict(browser_id=ANOTHER, run=run_id)
    open_page("pages/gallery.py", **about)
    rng = np.random.default_rng(0)
    job = claim(store, "browse")
    store.jobs.finish(job.id, result=kind_named("browse").encode(browsed(dataset, 64, rng)))
    open_page("pages/gallery.py", **about)
    store.jobs.finish(claim(store, "sample_detail").id, result=kind_named("browse").encode(detail(dataset)))
    theirs = open_page("pages/gallery.py", **about)
    assert "Nearest training sample: 0" in text_of(theirs) and PRIVATE_DATA in text_of(theirs)
    assert "Nearest training samples by" not in text_of(theirs)
    assert not [about for about in descriptions(theirs) if "real training image" in about]
    mine = open_page("pages/gallery.py", browser_id=MINE, run=run_id)
    assert "Nearest training samples" in text_of(mine) and PRIVATE_DATA not in text_of(mine)
    # And the other way round: what the owner has looked at is not what the others then get.
    again = open_page("pages/gallery.py", **about)
    assert "Nearest training samples by" not in text_of(again)
    assert not [about for about in descriptions(again) if "real training image" in about]


def test_a_job_that_its_owner_has_withdrawn_shows_nothing_any_more(published, store):
    dataset, run_id = published
    at = open_page("pages/gallery.py", browser_id=ANOTHER, run=run_id)
    store.runs.publish(run_id, False)
    assert "Unknown run" in text_of(drawn(at.run()))


def test_others_are_not_told_of_the_system(published, home):
    told = with_tab(open_page("pages/train.py", browser_id=ANOTHER, part="run"), "System").table[0].value.to_csv()
    assert "ganometer" in told and str(home) not in told.replace("\\", "") and "store" not in told


def test_the_names_of_others_stand_on_no_page(published, store):
    dataset, run_id = published
    with store.database.writing() as db:
        mail = "ada.lovelace@example.org"
        db.execute(tables.runs.update().values(owner=mail))
        db.execute(tables.dataset_owners.update().values(owner=mail))
        db.execute(tables.events.update().values(payload=sa.literal(json.dumps({"by": mail}))))
    for path, query in PLACES:
        query = {("runs" if "compare" in path else "run"): run_id} | query
        assert "lovelace" not in numbers_in(open_page(path, browser_id=ANOTHER, **query))
