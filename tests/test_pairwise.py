"""Distances against scipy's cdist, which takes float64 differences: an independent, slower way to the same numbers."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core.distances import pairwise
from gan_core.records import MeasureError

RELATIVE = 1e-9


def gaussian(n, d, seed=0, offset=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + offset


def near_copies(n, d, offset=0.0):
    """Copies moved by 1e-8 up to 1, among rows about 10 apart: of small moves a matrix product keeps few digits."""
    x = gaussian(n, d, 1)
    return np.concatenate([x, x + np.logspace(-8, 0, n)[:, None] * gaussian(n, d, 2), x[: n // 2]]) + offset


CASES = {
    "centred": (gaussian(70, 40), gaussian(53, 40, 1)),
    "offset": (gaussian(70, 40, offset=1000), gaussian(53, 40, 1, offset=1000)),
    "far apart": (gaussian(70, 40), gaussian(53, 40, 1, offset=1e6)),
    "duplicated": (np.repeat(gaussian(20, 30), 3, axis=0), np.repeat(gaussian(20, 30), 2, axis=0)),
    "near copies": (near_copies(20, 30), near_copies(20, 30)[::2]),
    "near copies, offset": (near_copies(20, 30, 1000), near_copies(20, 30, 1000)[::2]),
    "one dimension": (gaussian(70, 1, offset=1000), gaussian(53, 1, 1, offset=1000)),
    "two dimensions": (gaussian(70, 2, offset=1e6), gaussian(53, 2, 1, offset=1e6)),
    "last small dimension": (gaussian(30, 8), gaussian(20, 8, 1)),
    "first large dimension": (gaussian(30, 9), gaussian(20, 9, 1)),
    "constant": (np.full((9, 20), 0.3), np.full((5, 20), 0.3)),
    "two constants": (np.full((9, 20), 0.3), np.full((5, 20), 0.7)),
    "tiny": (gaussian(30, 20) * 1e-30, gaussian(20, 20, 1) * 1e-30),
    "huge": (gaussian(30, 20) * 1e37, gaussian(20, 20, 1) * 1e37),
    "one row": (gaussian(70, 40), gaussian(1, 40, 1)),
}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5, 2.0])
def test_moments_agree_with_scipy(case, exponent):
    real, fake = case
    for moments, oracle in (
        (pairwise.within(real, exponent=exponent), pdist(real)),
        (pairwise.across(real=real, fake=fake, exponent=exponent), cdist(real, fake)),
    ):
        assert moments.pairs == oracle.size
        assert moments.total == pytest.approx((oracle**exponent).sum(), rel=RELATIVE, abs=0)
        assert moments.mean == pytest.approx((oracle**exponent).mean(), rel=RELATIVE, abs=0)
        assert moments.largest == pytest.approx(oracle.max(), rel=RELATIVE, abs=0)


def test_every_single_distance_agrees_with_scipy(case):
    """All neighbours of all rows are all distances, each compared on its own."""
    real, fake = case
    distances, indices = pairwise.nearest(queries=real, points=fake, k=len(fake))
    oracle = cdist(real, fake)
    np.testing.assert_allclose(distances, np.take_along_axis(oracle, indices, axis=1), rtol=RELATIVE, atol=0)
    np.testing.assert_allclose(distances, np.sort(oracle, axis=1), rtol=RELATIVE, atol=0)
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(len(fake)), (len(real), 1)))


@pytest.mark.parametrize("offset", [0, 1, 30, 1000])
def test_near_copies_keep_their_digits_in_a_block(offset):
    """Each squared distance on its own: a wrong small one cannot hide in a sum of larger ones."""
    x = near_copies(60, 30, offset)
    points = pairwise._Points.of(x, centre=x[:30].mean(axis=0))
    np.testing.assert_allclose(pairwise._squared(points, points), cdist(x, x) ** 2, rtol=RELATIVE, atol=0)


def test_near_copies_survive_among_distant_rows():
    """A power of 1/100 makes the sum feel the small distances: without re-evaluation it is off by 1e-3."""
    x = near_copies(40, 30, offset=1000)
    oracle = (pdist(x) ** 0.01).sum()
    assert pairwise.within(x, exponent=0.01).total == pytest.approx(oracle, rel=RELATIVE, abs=0)


def test_a_distance_smaller_than_the_centres_rounding_survives():
    """Subtracting a mean of about 1 from 3e-17 would leave nothing of it; the rows as they came still differ."""
    x = np.ones((4, 20))
    x[:2] = 0
    x[1, 0] = 3e-17
    distances, indices = pairwise.nearest(queries=x, points=x, k=1, exclude_self=True)
    assert (indices[0, 0], distances[0, 0]) == (1, pytest.approx(3e-17, rel=1e-12, abs=0))
    small = 0.01
    assert pairwise.within(x, exponent=small).total == pytest.approx((pdist(x) ** small).sum(), rel=RELATIVE)


def test_duplicates_are_at_exactly_zero():
    x = gaussian(1, 50, offset=1000)
    assert pairwise.within(np.repeat(x, 30, axis=0)).largest == 0
    distances, _ = pairwise.nearest(queries=x, points=np.concatenate([gaussian(20, 50), x]), k=1)
    assert distances[0, 0] == 0


def test_a_row_is_left_out_by_index_not_by_value():
    moments = pairwise.within([[0.0], [0.0], [3.0]])
    assert (moments.pairs, moments.total) == (3, 6.0)


def test_exact_on_whole_numbers():
    moments = pairwise.across(real=[[0, 0], [3, 0]], fake=[[0, 4]])
    assert (moments.pairs, moments.total, moments.largest) == (2, 9.0, 5.0)


@pytest.mark.parametrize("d", [2, 40])
def test_the_histogram_is_numpys(d):
    real, fake = gaussian(80, d), gaussian(60, d, 1)
    edges = np.linspace(0, 1.01 * max(pdist(real).max(), cdist(real, fake).max()), 21)
    counted = pairwise.across(real=real, fake=fake, edges=edges, block_bytes=1000).counts
    assert counted == tuple(np.histogram(cdist(real, fake), edges)[0])
    assert pairwise.within(real, edges=edges).counts == tuple(np.histogram(pdist(real), edges)[0])


def test_the_last_bin_takes_what_lies_beyond():
    assert pairwise.within([[0.0], [1.0], [9.0]], edges=[0, 2, 4]).counts == (1, 2)


@pytest.mark.parametrize("block_bytes", [1, 1000, 10_000, 10**9])
def test_the_block_size_changes_nothing(case, block_bytes):
    real, fake = case
    small = {"block_bytes": block_bytes}
    for one, other in (
        (pairwise.within(real, **small), pairwise.within(real)),
        (pairwise.across(real=real, fake=fake, **small), pairwise.across(real=real, fake=fake)),
    ):
        assert one.pairs == other.pairs
        assert one.total == pytest.approx(other.total, rel=1e-12, abs=0)
        assert one.largest == pytest.approx(other.largest, rel=1e-11, abs=0)
    k = min(3, len(fake))
    for one, other in zip(
        pairwise.nearest(queries=real, points=fake, k=k, **small),
        pairwise.nearest(queries=real, points=fake, k=k),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_the_order_of_rows_changes_nothing(case):
    real, fake = case
    shuffled = np.random.default_rng(5).permutation(len(real))
    assert pairwise.within(real[shuffled]).total == pytest.approx(pairwise.within(real).total, rel=1e-12, abs=0)
    one, other = pairwise.across(real=real[shuffled], fake=fake), pairwise.across(real=real, fake=fake)
    assert one.total == pytest.approx(other.total, rel=1e-12, abs=0)


def test_memory_order_and_strides_change_nothing():
    x = gaussian(60, 40)
    wide = np.zeros((120, 80))
    wide[::2, ::2] = x
    expected = pairwise.within(x)
    assert pairwise.within(np.asfortranarray(x)) == expected
    assert pairwise.within(wide[::2, ::2]) == expected
    assert pairwise.within(x.tolist()) == expected


def test_bytes_are_measured_as_zero_to_one():
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 4, 3), dtype=np.uint8)
    assert pairwise.within(x).total == pytest.approx(pdist(x.reshape(30, -1) / 255.0).sum(), rel=1e-6)


def test_float32_is_computed_in_float64():
    x = gaussian(50, 30, offset=1000).astype(np.float32)
    assert pairwise.within(x).total == pytest.approx(pdist(x.astype(np.float64)).sum(), rel=RELATIVE)


def oracle_neighbours(distances, k):
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, order, axis=1), order


@pytest.mark.parametrize("d", [1, 2, 12])
@pytest.mark.parametrize("k", [1, 5, 30])
def test_ties_come_in_the_order_of_the_points(d, k):
    """A lattice of small whole numbers: distances are exact in both, and ties are everywhere."""
    rng = np.random.default_rng(0)
    queries, points = rng.integers(0, 3, (40, d)) + 1000, rng.integers(0, 3, (30, d)) + 1000
    distances, indices = pairwise.nearest(queries=queries, points=points, k=k)
    expected = oracle_neighbours(cdist(queries, points), k)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-15)
    np.testing.assert_array_equal(indices, expected[1])


@pytest.mark.parametrize("d", [2, 12])
def test_excluding_itself_keeps_its_duplicates(d):
    x = np.repeat(np.random.default_rng(0).integers(0, 9, (10, d)), 2, axis=0)
    distances, indices = pairwise.nearest(queries=x, points=x, k=len(x) - 1, exclude_self=True, block_bytes=700)
    oracle = cdist(x, x)
    np.fill_diagonal(oracle, np.inf)
    expected = oracle_neighbours(oracle, len(x) - 1)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-15)
    np.testing.assert_array_equal(indices, expected[1])
    assert (distances[:, 0] == 0).all()


def test_neighbours_closer_than_the_products_rounding_are_told_apart():
    """Distances 1 + i·1e-15 at d=100 and norm 1000: the product alone returns them in any order."""
    rng = np.random.default_rng(0)
    steps = rng.permutation(20)
    points = np.zeros((21, 100))
    points[:20, 0] = 1 + steps * 1e-15
    points[20, 1:] = 1000  # moves the centre, so that norms are large
    _, indices = pairwise.nearest(queries=np.zeros((1, 100)), points=points, k=20)
    np.testing.assert_array_equal(indices[0], np.argsort(points[:20, 0], kind="stable"))


@pytest.mark.parametrize(("k", "exclude_self"), [(0, False), (-1, False), (4, False), (3, True)])
def test_k_beyond_the_points_is_refused(k, exclude_self):
    x = gaussian(3, 2)
    with pytest.raises(MeasureError, match=f"k is {k}"):
        pairwise.nearest(queries=x, points=x, k=k, exclude_self=exclude_self)


def test_excluding_itself_needs_the_same_rows():
    with pytest.raises(MeasureError, match="queries has 3 rows and points 4"):
        pairwise.nearest(queries=gaussian(3, 2), points=gaussian(4, 2), k=1, exclude_self=True)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros(5), r"\(5,\)"),
        (np.zeros((5, 2, 2)), r"\(5, 2, 2\)"),
        (np.zeros((0, 3)), r"\(0, 3\)"),
        (np.zeros((3, 0)), r"\(3, 0\)"),
        (np.array([["a"], ["b"]]), "U1"),
        (np.zeros((3, 2), complex), "complex"),
        (np.zeros((1, 2)), "only 1 sample"),
        ([[0.0, np.nan], [1.0, np.inf]], "2 of 4"),
        ([[0.0, -np.inf], [1.0, 2.0]], "1 of 4"),
        ([[0.0, 1e300], [1.0, 2.0]], "1 of 4"),
    ],
)
def test_what_cannot_be_measured_is_named(x, said):
    with pytest.raises(MeasureError, match=said):
        pairwise.within(x)


def test_shapes_must_agree():
    with pytest.raises(MeasureError, match=r"real is \(5, 3\) and fake is \(6, 2\)"):
        pairwise.across(real=np.zeros((5, 3)), fake=np.zeros((6, 2)))


@pytest.mark.parametrize("exponent", [0, -1, 2.1, float("nan")])
def test_an_exponent_outside_its_range_is_refused(exponent):
    with pytest.raises(MeasureError, match="exponent is"):
        pairwise.within(gaussian(4, 2), exponent=exponent)


def peak_of(compute):
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("x", [gaussian(6000, 64), gaussian(6000, 2)], ids=["d=64", "d=2"])
def test_memory_is_bounded_by_the_block(x):
    """All distances at once are 288 MB; the rows of x, twice, and a few blocks are far below a tenth of that."""
    everything = len(x) ** 2 * 8
    edges = np.linspace(0, 20, 61)
    assert peak_of(lambda: pairwise.within(x, edges=edges)) < everything / 10
    assert peak_of(lambda: pairwise.across(real=x, fake=x, edges=edges)) < everything / 10
    assert peak_of(lambda: pairwise.nearest(queries=x, points=x, k=5, exclude_self=True)) < everything / 10
