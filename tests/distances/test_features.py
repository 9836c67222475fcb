"""Feature spaces against scikit-learn's PCA, hand arithmetic, and identities that hold exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist, pdist
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from gan_core.distances.features import SPACES, Pca, space_of
from gan_core.records import MeasureError

RNG = np.random.default_rng(0)
DIGITS = load_digits().images[..., None] / 16
WIDE = RNG.normal(size=(600, 100)) * np.geomspace(1, 100, 100) + 3
IMAGES = RNG.integers(0, 256, (300, 10, 9, 1), dtype=np.uint8)


# ---------------------------------------------------------------- the axes


@pytest.mark.parametrize("dimensions", [1, 5, 64])
@pytest.mark.parametrize("train", [WIDE, WIDE.astype(np.float32), IMAGES], ids=["float64", "float32", "uint8"])
def test_agrees_with_scikit_learn(train, dimensions):
    rows = (train / np.float32(255)).astype(np.float64) if train.dtype == np.uint8 else train.astype(np.float64)
    rows = rows.reshape(len(train), -1)
    expected = PCA(dimensions, svd_solver="full").fit(rows)
    found = Pca.of(train, dimensions)
    assert_allclose(found.mean, expected.mean_, rtol=1e-12)
    assert_allclose(found.components, expected.components_, rtol=0, atol=1e-9)
    assert_allclose(found.transform(train), expected.transform(rows), rtol=1e-9, atol=1e-9)


def test_agrees_with_scikit_learn_over_more_rows_than_are_held_at_once():
    train = RNG.normal(size=(9000, 70)) * np.geomspace(1, 30, 70)
    expected, found = PCA(64, svd_solver="full").fit(train), Pca.of(train)
    assert_allclose(found.components, expected.components_, rtol=0, atol=1e-9)
    assert_allclose(found.transform(train), expected.transform(train), rtol=1e-9, atol=1e-9)


def test_the_axes_of_points_on_a_line():
    """(0,0), (3,4), (6,8): the mean is (3,4), the axis (3,4)/5, and the coordinates are -5, 0 and 5."""
    found = Pca.of([[0, 0], [3, 4], [6, 8]], 1)
    assert found.mean.tolist() == [3, 4]
    assert_allclose(found.components, np.array([[0.6, 0.8]]), rtol=1e-12)
    assert_allclose(found.transform([[0, 0], [3, 4], [6, 8], [7, 1]])[:, 0], [-5, 0, 5, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("n", "d", "kept"), [(300, 90, 64), (40, 90, 40), (300, 64, 64), (300, 5, 5), (3, 5, 3), (2, 1, 1)]
)
def test_as_many_orthonormal_axes_as_there_are_rows_or_columns(n, d, kept):
    found = Pca.of(RNG.normal(size=(n, d)))
    assert found.components.shape == (kept, d) and found.mean.shape == (d,)
    assert_allclose(found.components @ found.components.T, np.eye(kept), rtol=0, atol=1e-12)
    transformed = found.transform(RNG.normal(size=(7, d)))
    assert transformed.shape == (7, kept) and transformed.dtype == np.float64


def test_a_large_offset_changes_only_the_mean():
    """The covariance of centred rows; that of raw ones would have lost 12 of 16 digits here."""
    train = np.round(RNG.normal(size=(200, 10)) * 2**20 * np.arange(1, 11)) / 2**20  # the shift rounds nothing off
    near, far = Pca.of(train), Pca.of(train + 2.0**20)
    assert_allclose(far.mean, near.mean + 2.0**20, rtol=1e-12)
    assert_allclose(far.components, near.components, rtol=0, atol=1e-8)


def test_constant_data_has_axes_too():
    found = Pca.of(np.full((9, 4), 0.3))
    assert_allclose(found.components @ found.components.T, np.eye(4), rtol=0, atol=1e-12)
    assert_allclose(found.transform(np.full((2, 4), 0.3)), 0, rtol=0, atol=1e-12)


# ---------------------------------------------------------------- distances


@pytest.mark.parametrize("x", [DIGITS[:300], WIDE[:, :2], WIDE[:, :64]], ids=["8x8", "2", "64"])
def test_with_all_axes_distances_are_those_of_pixels(x):
    transform = space_of("pca64", train=x[:150])
    assert_allclose(pdist(transform(x)), pdist(x.reshape(len(x), -1)), rtol=1e-9)


def test_with_fewer_axes_distances_are_those_within_their_plane():
    """What is dropped is orthogonal, so squares of distances add up: kept and dropped make the whole."""
    few, every = Pca.of(WIDE, 64), Pca.of(WIDE, 100)
    assert_allclose(few.components, every.components[:64], rtol=0, atol=1e-9)
    dropped = every.transform(WIDE)[:, 64:]
    whole = pdist(WIDE) ** 2
    assert_allclose(pdist(few.transform(WIDE)) ** 2 + pdist(dropped) ** 2, whole, rtol=1e-9)
    assert (pdist(few.transform(WIDE)) ** 2 <= whole).all()


@settings(max_examples=30)
@given(st.integers(2, 30), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_no_distance_grows(n, d, seed):
    rng = np.random.default_rng(seed)
    train, one, other = (rng.normal(size=(size, d)) for size in (n, 8, 5))
    transform = space_of("pca64", train=train)
    assert (cdist(transform(one), transform(other)) <= cdist(one, other) * (1 + 1e-12)).all()


def test_the_order_of_the_training_rows_does_not_matter():
    one, other = Pca.of(WIDE), Pca.of(WIDE[::-1])
    assert_allclose(other.transform(WIDE), one.transform(WIDE), rtol=1e-9, atol=1e-9)


def test_storage_and_measured_form_are_the_same_place():
    transform = space_of("pca64", train=IMAGES)
    assert_allclose(transform(IMAGES[:9] / np.float32(255)), transform(IMAGES[:9]), rtol=0, atol=1e-12)
    same = space_of("pca64", train=IMAGES / np.float32(255))(IMAGES[:9])
    assert_allclose(same, transform(IMAGES[:9]), rtol=0, atol=1e-9)


# ---------------------------------------------------------------- by name


def test_pixels_are_the_samples_themselves():
    pixels = space_of("pixels", train=None)
    assert pixels([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert_allclose(pixels(IMAGES), IMAGES.reshape(300, 90) / 255, rtol=1e-6)


def test_the_learned_space_does_not_come_from_here():
    with pytest.raises(MeasureError, match="'classifier' is learned from labels and comes from the store"):
        space_of("classifier", train=DIGITS)


def test_an_unknown_space_is_named_beside_the_known_ones():
    with pytest.raises(MeasureError, match="'inception' is not a feature space; choose one of pixels, pca64, class"):
        space_of("inception", train=DIGITS)
    assert SPACES == ("pixels", "pca64", "classifier")


# ---------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    ("train", "dimensions", "said"),
    [
        (WIDE[:1], 64, "train has only 1 sample.*give at least 2"),
        (WIDE, 0, "dimensions is 0"),
        (np.array([[1.0, np.nan], [0, 0]]), 64, "train has 1 of 4 values that are NaN"),
        (np.zeros(5), 64, r"train is float64 \(5,\)"),
        (np.zeros((0, 3)), 64, r"train is float64 \(0, 3\)"),
    ],
)
def test_what_no_axes_can_be_found_in(train, dimensions, said):
    with pytest.raises(MeasureError, match=said):
        Pca.of(train, dimensions)


def test_samples_of_another_shape():
    with pytest.raises(MeasureError, match="the samples have 99 values each and the space 100; give samples like"):
        Pca.of(WIDE).transform(WIDE[:, 1:])
