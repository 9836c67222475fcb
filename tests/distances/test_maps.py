"""Maps: principal axes against scikit-learn's, mean distances between classes against SciPy's."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from gan_core.data import datasets
from gan_core.distances import maps
from gan_core.records import MeasureError

DIGITS = datasets.load("digits")


def test_images_are_placed_along_the_axes_that_scikit_learn_finds():
    train = DIGITS.train.x.reshape(len(DIGITS.train), -1) / 255.0
    pca = PCA(2).fit(train)
    plane = maps.Plane.of(DIGITS.train.x)
    x = DIGITS.test.x[:50]
    assert plane.explained == pytest.approx(pca.explained_variance_ratio_, rel=1e-6)
    placed, theirs = plane.place(x), pca.transform(x.reshape(50, -1) / 255.0)
    assert placed.dtype == np.float32 and placed.shape == (50, 2)
    assert np.abs(placed) == pytest.approx(np.abs(theirs), abs=1e-4)


def test_only_the_first_ten_thousand_rows_make_the_plane():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(10_500, 3)) * [3, 2, 1]
    other = rows.copy()
    other[10_000:] = 1e3
    places = [maps.Plane.of(train).place(rows[:20]) for train in (rows, other)]
    assert np.array_equal(*places)
    other[9_999] = 1e3
    assert not np.allclose(places[0], maps.Plane.of(other).place(rows[:20]), atol=0.01)


@pytest.mark.parametrize("d", [1, 2])
def test_points_in_the_plane_stay_where_they_are(d):
    points = np.random.default_rng(1).normal(size=(300, d)).astype(np.float32) * [[1, 3][:d]]
    points = points.astype(np.float32)
    plane = maps.Plane.of(points)
    placed = plane.place(points)
    assert np.array_equal(placed[:, :d], points) and not placed[:, d:].any()
    shares = np.append(points.var(axis=0, dtype=float), [0.0] * (2 - d))
    assert plane.explained == pytest.approx(shares / shares.sum(), rel=1e-5)


def test_data_without_any_variance_have_a_place_too():
    plane = maps.Plane.of(np.full((30, 4, 4, 1), 7, np.uint8))
    assert (plane.explained == 0).all() and np.isfinite(plane.place(np.zeros((2, 4, 4, 1), np.uint8))).all()
    with pytest.raises(MeasureError, match="16"):
        plane.place(np.zeros((2, 5, 5, 1), np.uint8))


def test_class_distances_are_the_means_of_what_scipy_measures():
    real, fake = DIGITS.test.x[:90], DIGITS.holdout.x[:140]
    ours, theirs = DIGITS.test.y[:90].copy(), DIGITS.holdout.y[:140].copy()
    theirs[theirs == 3] = 4  # nobody generates a three
    ours[0] = 77  # and this class is not asked for
    found = maps.class_distances(
        real=real, fake=fake, real_labels=ours, fake_labels=theirs, classes=DIGITS.classes, threads=1
    )
    exact = cdist(*(x.reshape(len(x), -1) / 255.0 for x in (real, fake)))
    assert found.shape == (10, 10) and np.isnan(found[:, 3]).all()
    for i in range(10):
        for j in set(range(10)) - {3}:
            assert found[i, j] == pytest.approx(exact[np.ix_(ours == i, theirs == j)].mean(), rel=1e-6)
