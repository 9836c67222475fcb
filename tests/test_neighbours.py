"""Nearest real samples and their classes, against scikit-learn and by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from gan_core.distances import neighbours
from gan_core.distances.neighbours import class_shares, nearest_real
from gan_core.records import MeasureError


@pytest.mark.parametrize("k", [1, 5])
def test_agrees_with_scikit_learn(k):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 20)), rng.normal(size=(40, 20))
    distances, indices = nearest_real(real=real, fake=fake, k=k)
    expected = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(real).kneighbors(fake)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-12)
    np.testing.assert_array_equal(indices, expected[1])


def test_the_real_rows_are_the_ones_that_are_found():
    distances, indices = nearest_real(real=[[0.0], [10.0], [20.0]], fake=[[19.0], [1.0]], k=2)
    assert indices.tolist() == [[2, 1], [0, 1]]
    assert distances.tolist() == [[1.0, 9.0], [1.0, 9.0]]


def test_copies_are_found_at_zero_in_images():
    real = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), dtype=np.uint8)
    distances, indices = nearest_real(real=real, fake=real[[7, 3]], k=1)
    assert (indices[:, 0].tolist(), distances[:, 0].tolist()) == ([7, 3], [0.0, 0.0])


def test_more_neighbours_than_real_samples_are_refused():
    with pytest.raises(MeasureError, match="k is 4.*choose k from 1 to 3"):
        nearest_real(real=np.eye(3), fake=np.eye(3), k=4)


def test_class_shares_by_hand():
    real, labels = [[0.0], [1.0], [10.0], [20.0]], [7, 7, 3, 5]
    fake = [[0.4], [0.9], [2.0], [11.0]]
    assert class_shares(real=real, fake=fake, labels=labels) == {3: 0.25, 5: 0.0, 7: 0.75}
    assert class_shares(real=real, fake=fake, labels=labels, classes=[7, 9]) == {7: 0.75, 9: 0.0}
    assert class_shares(real=real, fake=fake, labels=["b", "b", "a", "c"]) == {"a": 0.25, "b": 0.75, "c": 0.0}


def test_an_equally_near_class_goes_to_the_first_row():
    assert class_shares(real=[[1.0], [-1.0]], fake=[[0.0]], labels=[4, 2]) == {2: 0.0, 4: 1.0}


def test_class_shares_agree_with_a_nearest_neighbour_classifier():
    x, y = load_digits(return_X_y=True)
    predicted = KNeighborsClassifier(1, algorithm="brute").fit(x[:600], y[:600]).predict(x[600:1000])
    shares = class_shares(real=x[:600], fake=x[600:1000], labels=y[:600], classes=range(10))
    assert list(shares) == list(range(10))
    np.testing.assert_allclose(list(shares.values()), np.bincount(predicted, minlength=10) / 400, rtol=1e-12)


def test_labels_must_fit_the_real_samples():
    with pytest.raises(MeasureError, match=r"labels is \(2,\) for 3 real samples"):
        class_shares(real=np.eye(3), fake=np.eye(3), labels=[0, 1])


def test_many_real_rows_are_searched_part_by_part_with_the_same_result():
    rng = np.random.default_rng(5)
    real = rng.integers(0, 4, (2 * neighbours.ROWS_AT_ONCE + 17, 3)).astype(float)  # a grid: full of ties
    fake = rng.integers(0, 4, (50, 3)).astype(float)
    distances, indices = nearest_real(real=real, fake=fake, k=7)
    oracle = cdist(fake, real)
    order = np.argsort(oracle, axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(distances, np.take_along_axis(oracle, order, 1), rtol=1e-12)
