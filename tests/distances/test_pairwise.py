"""Distances against scipy's cdist, which takes float64 differences: an independent, slower way to the same numbers.

What decides something (neighbours, radii, who lies in whose ball) must agree exactly, in either precision.
"""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info, threadpool_limits

from gan_core.distances import pairwise
from gan_core.distances.threads import one_blas_thread
from gan_core.records import MeasureError

pytestmark = pytest.mark.filterwarnings("error")

MEANS = {"float64": 1e-9, "float32": 5e-7}
PRECISIONS = list(MEANS)
FOUND = ("distances", "indices", "square_radii", "clipped_square_radii", "in_clipped")
MET = (
    "real_nearest",
    "real_nearest_index",
    "fakes_in_ball",
    "in_fake_balls",
    "fake_nearest",
    "fake_nearest_index",
    "reals_in_ball",
    "in_real_balls",
    "in_clipped_real_balls",
)


def gaussian(n, d, seed=0, offset=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + offset


def lattice(n, d, seed=0, values=3):
    return np.random.default_rng(seed).integers(0, values, (n, d))


def near_copies(n, d, offset=0.0):
    """Copies moved by 1e-8 up to 1, among rows about 10 apart: of small moves a matrix product keeps few digits."""
    x = gaussian(n, d, 1)
    return np.concatenate([x, x + np.logspace(-8, 0, n)[:, None] * gaussian(n, d, 2), x[: n // 2]]) + offset


def images(n, kind, seed=0):
    x = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    return x if kind == np.uint8 else (x / 255).astype(kind)


CASES = {
    **{f"gaussian d={d}": (gaussian(70, d), gaussian(53, d, 1)) for d in (1, 2, 7, 8, 9, 64, 300)},
    **{f"lattice d={d}": (lattice(60, d), lattice(45, d, 1)) for d in (1, 2, 7, 8, 12)},
    "offset d=2": (gaussian(70, 2, offset=1e6), gaussian(53, 2, 1, offset=1e6)),
    "offset d=40": (gaussian(70, 40, offset=1e6), gaussian(53, 40, 1, offset=1e6)),
    "far apart": (gaussian(70, 40), gaussian(53, 40, 1, offset=1e6)),
    "out of sight": (gaussian(70, 40), gaussian(53, 40, 1) * 1e30),
    "duplicated d=3": (np.repeat(gaussian(20, 3), 3, axis=0), np.repeat(gaussian(20, 3), 2, axis=0)),
    "duplicated d=30": (np.repeat(gaussian(20, 30), 3, axis=0), np.repeat(gaussian(25, 30)[5:], 2, axis=0)),
    "near copies": (near_copies(20, 30), near_copies(20, 30)[::2]),
    "near copies, offset": (near_copies(20, 30, 1000), near_copies(20, 30, 1000)[::2]),
    "a training set and its noisy copies": (gaussian(50, 20), gaussian(50, 20) + 1e-4 * gaussian(50, 20, 1)),
    "constant d=2": (np.full((9, 2), 0.3), np.full((6, 2), 0.3)),
    "constant d=20": (np.full((9, 20), 0.3), np.full((6, 20), 0.3)),
    "two constants": (np.full((9, 20), 0.3), np.full((6, 20), 0.7)),
    "always the mean": (gaussian(40, 20), np.tile(gaussian(40, 20).mean(axis=0), (30, 1))),
    "bytes": (images(40, np.uint8), images(30, np.uint8, 1)),
    "single": (images(40, np.float32), images(30, np.float32, 1)),
    "huge d=2": (gaussian(30, 2) * 1e30, gaussian(20, 2, 1) * 1e30),
    "huge d=20": (gaussian(30, 20) * 1e30, gaussian(20, 20, 1) * 1e30),
    "small": (gaussian(30, 20) * 1e-30, gaussian(20, 20, 1) * 1e-30),
    "squares below float64 d=2": (gaussian(30, 2) * 1e-300, gaussian(20, 2, 1) * 1e-300),
    "squares below float64 d=20": (gaussian(30, 20) * 1e-300, gaussian(20, 20, 1) * 1e-300),
    "two of each d=2": (gaussian(2, 2), gaussian(2, 2, 1)),
    "two of each d=20": (gaussian(2, 20), gaussian(2, 20, 1)),
}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


def measured_rows(x):
    """The oracle's own reading of samples: float64 rows, bytes as the float32 numbers in [0, 1] they stand for."""
    x = np.asarray(x)
    x = x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x
    return x.reshape(len(x), -1).astype(np.float64)


def sorted_neighbours(squares, k):
    """By distance and, among equals, by index."""
    indices = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(squares, indices, axis=1), indices


def oracle_within(squares, k):
    """All that Within decides, from every squared distance of a set."""
    squares = squares.astype(float)
    np.fill_diagonal(squares, np.inf)
    nearest, indices = sorted_neighbours(squares, k)
    radii = np.sqrt(nearest[:, -1])
    clipped = np.minimum(radii, np.median(radii))
    in_clipped = (np.sqrt(squares) <= clipped[:, None]).sum(axis=0)
    return dict(zip(FOUND, (np.sqrt(nearest), indices, nearest[:, -1], clipped**2, in_clipped), strict=True))


def oracle_across(squares, real, fake):
    """All that Across decides, from every squared distance of a real and a fake row and both oracles within."""
    in_real = squares <= real["square_radii"][:, None]
    in_clipped = np.sqrt(squares) <= np.sqrt(real["clipped_square_radii"])[:, None]
    in_fake = squares <= fake["square_radii"]
    return {
        "real_nearest": np.sqrt(squares.min(axis=1)),
        "real_nearest_index": squares.argmin(axis=1),
        "fakes_in_ball": in_real.sum(axis=1),
        "in_fake_balls": in_fake.sum(axis=1),
        "fake_nearest": np.sqrt(squares.min(axis=0)),
        "fake_nearest_index": squares.argmin(axis=0),
        "reals_in_ball": in_fake.sum(axis=0),
        "in_real_balls": in_real.sum(axis=0),
        "in_clipped_real_balls": in_clipped.sum(axis=0),
    }


def agrees(result, expected):
    """Indices and counts exactly, distances to 1e-12: the last bits depend on the order of a sum."""
    for name, value in expected.items():
        found = getattr(result, name)
        assert found.shape == value.shape
        if value.dtype.kind == "i":
            np.testing.assert_array_equal(found, value, err_msg=name)
        else:
            np.testing.assert_allclose(found, value, rtol=1e-12, atol=0, err_msg=name)


def is_the_same(one, other, names):
    assert one.moments == other.moments
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def both_and_across(real, fake, k, **options):
    ours, theirs = pairwise.within(real, k=k, **options), pairwise.within(fake, k=k, **options)
    return ours, theirs, pairwise.across(real=ours, fake=theirs, **options)


# ---------------------------------------------------------------- against the oracle


@pytest.mark.parametrize("precision", PRECISIONS)
def test_everything_agrees_with_scipy(case, precision):
    real, fake = case
    x, y = (measured_rows(s) for s in case)
    k = min(5, len(x) - 1, len(y) - 1)
    ours, theirs, both = both_and_across(real, fake, k, precision=precision)
    ours_expected, theirs_expected = (oracle_within(cdist(s, s, "sqeuclidean"), k) for s in (x, y))
    agrees(ours, ours_expected)
    agrees(theirs, theirs_expected)
    agrees(both, oracle_across(cdist(x, y, "sqeuclidean"), ours_expected, theirs_expected))
    for result, oracle in ((ours, pdist(x)), (theirs, pdist(y)), (both, cdist(x, y))):
        moments = result.moments
        assert (moments.pairs, moments.counts) == (oracle.size, ())
        assert moments.total == pytest.approx(oracle.sum(), rel=MEANS[precision], abs=0)
        assert moments.mean == pytest.approx(oracle.mean(), rel=MEANS[precision], abs=0)
        assert moments.largest == pytest.approx(oracle.max(), rel=2 * MEANS[precision], abs=0)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("x", [gaussian(12, 2), gaussian(12, 20), lattice(12, 2), lattice(12, 9)])
def test_all_others_as_neighbours(x, precision):
    """k = n-1: every distance of every row, each compared on its own."""
    result = pairwise.within(x, k=11, precision=precision)
    assert result.k == 11
    agrees(result, oracle_within(cdist(x, x, "sqeuclidean"), 11))


def test_without_neighbours_only_the_means_are_taken():
    x = gaussian(30, 9)
    result = pairwise.within(x)
    assert (result.k, len(result), result.distances.shape) == (0, 30, (30, 0))
    assert result.moments.mean == pytest.approx(pdist(x).mean(), rel=1e-9)
    both = pairwise.across(real=result, fake=pairwise.within(x[:9], k=2))
    np.testing.assert_array_equal(both.fake_nearest_index, np.arange(9))
    assert not both.in_real_balls.any() and not both.in_fake_balls.any()


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_more_than_2000_whole_numbers_in_float32_unless_said(kind):
    """Squared distances of whole numbers are exact in float64, so this oracle may be a product; ties are everywhere."""
    digits = load_digits().images
    x = np.concatenate([digits, np.roll(digits, 1, axis=2)]).reshape(-1, 64)
    x = np.random.default_rng(0).permutation(x)
    large_agrees(x[:2100].astype(kind), x[2100:].astype(kind))


def test_more_than_2000_images_of_mnist(mnist_folder):
    with np.load(mnist_folder / "mnist.npz") as arrays:
        x = arrays["x_train"][:4200].astype(float)
    large_agrees(x[:2100, ..., None], x[2100:, ..., None])


def large_agrees(real, fake, k=5):
    x, y = measured_rows(real), measured_rows(fake)

    def squares(a, b):
        return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T

    ours, theirs, both = both_and_across(real, fake, k)
    rr, ff, rf = squares(x, x), squares(y, y), squares(x, y)
    ours_expected, theirs_expected = oracle_within(rr, k), oracle_within(ff, k)
    agrees(ours, ours_expected)
    agrees(theirs, theirs_expected)
    agrees(both, oracle_across(rf, ours_expected, theirs_expected))
    n, m = len(x), len(y)
    means = np.sqrt(rr).sum() / (n * (n - 1)), np.sqrt(ff).sum() / (m * (m - 1)), np.sqrt(rf).mean()
    found = tuple(part.moments.mean for part in (ours, theirs, both))
    assert found == pytest.approx(means, rel=5e-7)
    # What the energy distance subtracts from each other must not be left with its rounding only.
    energy = [2 * mean_rf - mean_rr - mean_ff for mean_rr, mean_ff, mean_rf in (found, means)]
    assert energy[0] == pytest.approx(energy[1], rel=0, abs=1e-8 * means[0])


# ---------------------------------------------------------------- what must change nothing


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("n", "m", "d"), [(255, 257, 9), (511, 513, 9), (512, 512, 3), (513, 1025, 12), (1025, 511, 2)]
)
def test_tiles_and_threads_change_nothing(n, m, d, precision):
    """Sizes around one, and two, tiles; the sums too are the same to the last bit, whoever took which tile."""
    real, fake, edges = gaussian(n, d), gaussian(m, d, 1), np.linspace(0, 15, 31)
    alone, others, both = both_and_across(real, fake, 3, precision=precision, edges=edges, threads=1)
    expected = oracle_within(cdist(real, real, "sqeuclidean"), 3), oracle_within(cdist(fake, fake, "sqeuclidean"), 3)
    agrees(both, oracle_across(cdist(real, fake, "sqeuclidean"), *expected))
    for threads in (2, 3, None):
        again = both_and_across(real, fake, 3, precision=precision, edges=edges, threads=threads)
        is_the_same(again[0], alone, FOUND)
        is_the_same(again[1], others, FOUND)
        is_the_same(again[2], both, MET)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_share_of_near_pairs_leaves_the_sums_alone(precision):
    """Which pairs are measured again depends on who saw what first. Sums must not: only near copies go into them."""
    x = np.concatenate([gaussian(700, 30), gaussian(700, 30) + 1e-3 * gaussian(700, 30, 1)])
    sums = {pairwise.within(x, k=5, precision=precision, threads=t).moments.total for t in (1, 2, 3, 4) for _ in "ab"}
    assert len(sums) == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_order_of_rows_changes_only_the_order(precision):
    real, fake = gaussian(600, 20), gaussian(550, 20, 1)
    order = np.random.default_rng(5).permutation(len(real))
    ours, theirs, both = both_and_across(real, fake, 4, precision=precision)
    shuffled, _, met = both_and_across(real[order], fake, 4, precision=precision)
    assert shuffled.moments.total == pytest.approx(ours.moments.total, rel=MEANS[precision] / 10)
    np.testing.assert_array_equal(order[shuffled.indices], ours.indices[order])
    for name in ("distances", "square_radii", "clipped_square_radii", "in_clipped"):
        np.testing.assert_array_equal(getattr(shuffled, name), getattr(ours, name)[order])
    for name in ("real_nearest", "real_nearest_index", "fakes_in_ball", "in_fake_balls"):
        np.testing.assert_array_equal(getattr(met, name), getattr(both, name)[order])
    for name in ("fake_nearest", "reals_in_ball", "in_real_balls", "in_clipped_real_balls"):
        np.testing.assert_array_equal(getattr(met, name), getattr(both, name))


@pytest.mark.parametrize("d", [3, 40])
def test_memory_order_and_strides_change_nothing(d):
    x = gaussian(60, d)
    wide = np.zeros((120, 2 * d))
    wide[::2, ::2] = x
    backwards = np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
    expected = pairwise.within(x, k=3)
    for same in (np.asfortranarray(x), wide[::2, ::2], backwards, x.tolist(), x.reshape(60, 1, 1, d)):
        is_the_same(pairwise.within(same, k=3), expected, FOUND)
        is_the_same(
            pairwise.across(real=pairwise.within(same, k=3), fake=expected),
            pairwise.across(real=expected, fake=expected),
            MET,
        )


def test_two_measurements_at_once_are_two_measurements():
    """And the limit on BLAS, which both set while they work, is back where it was."""
    data = [gaussian(1100, 40, seed) for seed in range(4)]
    one_by_one = [pairwise.within(x, k=5) for x in data]
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda x: pairwise.within(x, k=5), data))
        assert blas_threads() == {2}
    for one, other in zip(at_once, one_by_one, strict=True):
        is_the_same(one, other, FOUND)


def blas_threads():
    return {part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"}


def test_a_failure_inside_leaves_blas_as_it_was():
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(RuntimeError, match="inside"), one_blas_thread:
            assert blas_threads() == {1}
            raise RuntimeError("inside")
        assert blas_threads() == {2}


# ---------------------------------------------------------------- small cases that a tolerance would hide


def test_a_row_is_left_out_by_index_not_by_value():
    result = pairwise.within([[0.0], [0.0], [3.0]], k=1)
    assert (result.moments.pairs, result.moments.total) == (3, 6.0)
    assert result.distances.tolist() == [[0.0], [0.0], [3.0]]
    assert result.indices.tolist() == [[1], [0], [0]]


def test_exact_on_whole_numbers():
    real, fake = pairwise.within([[0, 0], [3, 0]]), pairwise.within([[0, 4], [0, 4]])
    moments = pairwise.across(real=real, fake=fake).moments
    assert (moments.pairs, moments.total, moments.largest) == (4, 18.0, 5.0)


def test_duplicates_are_at_exactly_zero():
    x = gaussian(1, 50, offset=1000)
    for precision in PRECISIONS:
        assert pairwise.within(np.repeat(x, 30, axis=0), precision=precision).moments.largest == 0
    distances, _ = pairwise.nearest(queries=x, points=np.concatenate([gaussian(20, 50), x]), k=1)
    assert distances[0, 0] == 0


def test_a_distance_smaller_than_the_centres_rounding_survives():
    """Subtracting a mean of about 1 from 3e-17 would leave nothing of it; the rows as they came still differ."""
    x = np.ones((4, 20))
    x[:2] = 0
    x[1, 0] = 3e-17
    result = pairwise.within(x, k=1)
    assert (result.indices[0, 0], result.distances[0, 0]) == (1, pytest.approx(3e-17, rel=1e-12, abs=0))


def test_a_border_is_inside_the_ball():
    """Real rows one apart: a fake exactly one away from the last lies in its ball, one further out does not."""
    real = pairwise.within([[0.0], [1.0], [2.0]], k=1)
    fake = pairwise.within([[3.0], [np.nextafter(3.0, 4)]], k=1)
    assert pairwise.across(real=real, fake=fake).in_real_balls.tolist() == [1, 0]


def test_radii_above_the_median_are_clipped():
    result = pairwise.within([[0.0], [1.0], [3.0], [6.0], [10.0]], k=1)  # radii 1, 1, 2, 3, 4
    assert result.square_radii.tolist() == [1, 1, 4, 9, 16]
    assert result.clipped_square_radii.tolist() == [1, 1, 4, 4, 4]
    assert result.in_clipped.tolist() == [1, 2, 0, 0, 0]  # 6 and 10 no longer reach anybody
    even = pairwise.within([[0.0], [1.0], [3.0], [6.0]], k=1)  # radii 1, 1, 2, 3: the median is 1.5
    assert even.clipped_square_radii.tolist() == [1, 1, 2.25, 2.25]


# ---------------------------------------------------------------- the histogram


@pytest.mark.parametrize("d", [2, 40])
def test_the_histogram_is_numpys(d):
    real, fake = gaussian(600, d), gaussian(60, d, 1)
    edges = np.linspace(0, 1.01 * max(pdist(real).max(), cdist(real, fake).max()), 21)
    ours, theirs, both = both_and_across(real, fake, 2, edges=edges)
    assert both.moments.counts == tuple(np.histogram(cdist(real, fake), edges)[0])
    assert ours.moments.counts == tuple(np.histogram(pdist(real), edges)[0])
    rounded = pairwise.within(real, edges=edges, precision="float32").moments.counts
    assert sum(rounded) == ours.moments.pairs
    assert np.abs(np.cumsum(rounded) - np.cumsum(ours.moments.counts)).max() <= 5  # of 180,000, those at an edge


def test_the_last_bin_takes_what_lies_beyond():
    assert pairwise.within([[0.0], [1.0], [9.0]], edges=[0, 2, 4]).moments.counts == (1, 2)


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_diverged_generator_stays_in_the_last_bin(d, precision):
    """Its distances are more bins away than there are integers."""
    counts = pairwise.within(gaussian(40, d) * 1e30, edges=np.linspace(0, 1, 91), precision=precision).moments.counts
    assert counts == (0,) * 89 + (780,)


# ---------------------------------------------------------------- nearest


def test_every_single_distance_agrees_with_scipy(case):
    """All neighbours of all rows are all distances, each compared on its own."""
    queries, points = case
    distances, indices = pairwise.nearest(queries=queries, points=points, k=len(points))
    squares, order = sorted_neighbours(cdist(*map(measured_rows, case), "sqeuclidean"), len(points))
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(distances, np.sqrt(squares), rtol=1e-12, atol=0)


def test_rows_that_are_searched_again_and_again_are_found_as_if_for_the_first_time(case):
    """Also by queries that differ where the rows searched are all alike."""
    queries, points = case
    index = pairwise.SearchIndex.of(points)
    assert index.shape == np.shape(points)
    for rows in (queries, np.zeros_like(queries), queries):
        found = pairwise.nearest(queries=rows, points=index, k=1)
        expected = pairwise.nearest(queries=rows, points=points, k=1)
        assert all((one == other).all() for one, other in zip(found, expected))


@pytest.mark.parametrize(("n", "m"), [(300, 2100), (2100, 300), (2100, 2100)])
def test_many_rows_and_few_may_search_each_other(n, m):
    """Below 2,001 rows samples are held in float64, above in float32."""
    queries, points = (gaussian(rows, 12, rows).astype(np.float32) for rows in (n, m))
    index = pairwise.SearchIndex.of(points)
    squares = cdist(queries.astype(np.float64), points.astype(np.float64), "sqeuclidean")
    distances, indices = pairwise.nearest(queries=queries, points=index, k=2)
    assert (indices == np.argsort(squares, axis=1, kind="stable")[:, :2]).all()
    assert distances == pytest.approx(np.sqrt(np.sort(squares, axis=1)[:, :2]), rel=1e-12)
    with pytest.raises(MeasureError, match=r"queries is \(3, 2\) and points is"):
        pairwise.nearest(queries=np.zeros((3, 2)), points=index, k=1)


@pytest.mark.parametrize("d", [1, 2, 12])
@pytest.mark.parametrize("k", [1, 5, 30])
def test_ties_come_in_the_order_of_the_points(d, k):
    queries, points = lattice(600, d) + 1000, lattice(30, d, 1) + 1000
    expected, order = sorted_neighbours(cdist(queries, points, "sqeuclidean"), k)
    for threads in (1, 2, 3):
        distances, indices = pairwise.nearest(queries=queries, points=points, k=k, threads=threads)
        np.testing.assert_array_equal(indices, order)
        np.testing.assert_array_equal(distances, np.sqrt(expected))


@pytest.mark.parametrize("d", [2, 12])
def test_excluding_itself_keeps_its_duplicates(d):
    x = np.repeat(lattice(10, d, values=9), 2, axis=0)
    distances, indices = pairwise.nearest(queries=x, points=x, k=len(x) - 1, exclude_self=True)
    expected = oracle_within(cdist(x, x, "sqeuclidean"), len(x) - 1)
    np.testing.assert_array_equal(indices, expected["indices"])
    np.testing.assert_array_equal(distances, expected["distances"])
    assert (distances[:, 0] == 0).all()


@pytest.mark.parametrize("repeated", [1, 200])
def test_neighbours_closer_than_the_products_rounding_are_told_apart(repeated):
    """Distances 1 + i·1e-15 at d=100 and norm 1000: the product alone returns them in any order, in float32 too."""
    steps = np.random.default_rng(0).permutation(20)
    points = np.zeros((21 * repeated, 100))
    points[:20, 0] = 1 + steps * 1e-15
    points[20:, 1:] = 1000  # moves the centre, so that norms are large
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


# ---------------------------------------------------------------- blocks


@pytest.mark.parametrize("block_bytes", [1, 1000, 2**22])
def test_blocks_hold_every_distance_once(case, block_bytes):
    x, y = (measured_rows(s) for s in case)
    for a, b in ((x, y), (x, x)):
        parts = list(pairwise.blocks(a, b, block_bytes=block_bytes))
        assert np.concatenate([np.arange(len(a))[part] for part, _ in parts]).tolist() == list(range(len(a)))
        np.testing.assert_allclose(np.concatenate([d for _, d in parts]), cdist(a, b), rtol=1e-10, atol=0)


@pytest.mark.parametrize("block_bytes", [1, 1000, 2**24])
def test_blocks_of_one_set_hold_every_pair_once_and_the_diagonal_at_0(case, block_bytes):
    x = measured_rows(case[0])
    expected, seen = cdist(x, x), np.zeros((len(x), len(x)), int)
    parts = pairwise.map_blocks(lambda part, distances: (part, distances), x, block_bytes=block_bytes)
    for part, distances in parts:
        np.testing.assert_allclose(distances, expected[part, part.start :], rtol=1e-10, atol=0)
        assert not distances.diagonal().any()
        seen[part, part.start :] += 1
    assert (seen[np.triu_indices(len(x))] == 1).all()


@pytest.mark.parametrize("offset", [0, 1, 30, 1000])
def test_near_copies_keep_their_digits_in_a_block(offset):
    x = near_copies(60, 30, offset)
    distances = np.concatenate([part for _, part in pairwise.blocks(x, x, block_bytes=20_000)])
    np.testing.assert_allclose(distances, cdist(x, x), rtol=1e-10, atol=0)
    assert not distances.diagonal().any()


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros(5), r"\(5,\)"),
        (np.float64(3), r"\(\)"),
        (np.zeros((5, 2, 2)), r"\(5, 2, 2\)"),
        (np.zeros((0, 3)), r"\(0, 3\)"),
        (np.zeros((3, 0)), r"\(3, 0\)"),
        (np.array([["a"], ["b"]]), "U1"),
        (np.array([[1, None], [2, 3]]), "object"),
        (np.zeros((3, 2), complex), "complex"),
        (np.zeros((1, 2)), "only 1 sample"),
        ([[0.0, np.nan], [1.0, np.inf]], "2 of 4"),
        ([[0.0, -np.inf], [1.0, 2.0]], "1 of 4"),
        ([[0.0, 1e300], [1.0, 2.0]], "1 of 4"),
        (np.array([[np.nan, 1], [1, 2]], np.float32), "1 of 4"),
    ],
)
def test_what_cannot_be_measured_is_named(x, said):
    with pytest.raises(MeasureError, match=said):
        pairwise.within(x)


@pytest.mark.parametrize("k", [-1, 4, 100])
def test_more_neighbours_than_others_are_refused(k):
    with pytest.raises(MeasureError, match=f"k is {k}, but each of 4 samples has 3 others"):
        pairwise.within(gaussian(4, 2), k=k)


def test_shapes_must_agree():
    with pytest.raises(MeasureError, match=r"real is \(5, 3\) and fake is \(6, 2\)"):
        pairwise.across(real=pairwise.within(np.zeros((5, 3))), fake=pairwise.within(np.zeros((6, 2))))
    with pytest.raises(MeasureError, match=r"queries is \(5, 3\) and points is \(6, 2\)"):
        pairwise.nearest(queries=np.zeros((5, 3)), points=np.zeros((6, 2)), k=1)
    with pytest.raises(MeasureError, match=r"real is \(2, 4, 1, 1\) and fake is \(2, 2, 2, 1\)"):
        pairwise.pair(real=np.zeros((2, 4, 1, 1)), fake=np.zeros((2, 2, 2, 1)))


def test_a_precision_that_does_not_exist_is_refused():
    x = pairwise.within(gaussian(4, 2))
    with pytest.raises(MeasureError, match="precision is 'half'"):
        pairwise.within(x.rows, precision="half")
    with pytest.raises(MeasureError, match="precision is 'half'"):
        pairwise.across(real=x, fake=x, precision="half")


# ---------------------------------------------------------------- memory


def peak_of(compute):
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("x", [gaussian(6000, 64), gaussian(6000, 2)], ids=["d=64", "d=2"])
def test_memory_grows_with_the_rows_and_not_their_pairs(x):
    """All distances at once are 288 MB; the rows of x, twice, and a few tiles are far below a tenth of that."""
    everything = len(x) ** 2 * 8
    edges = np.linspace(0, 20, 61)
    known = pairwise.within(x, k=5)
    assert peak_of(lambda: pairwise.within(x, k=5, edges=edges, threads=2)) < everything / 10
    assert peak_of(lambda: pairwise.across(real=known, fake=known, edges=edges, threads=2)) < everything / 10
    assert peak_of(lambda: pairwise.nearest(queries=x, points=x, k=5, exclude_self=True, threads=2)) < everything / 10
