"""Copies are found and new samples are not suspected: by hand, by enumeration, against scipy, and by simulation."""

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from gan_core.distances import memorization
from gan_core.distances.memorization import (
    Pools,
    authenticity,
    cells_of,
    copy_list,
    copy_share,
    ct_score,
    dcr_share,
    distances_to,
    mann_whitney_z,
    pools_of,
)
from gan_core.distances.modes import Bins
from gan_core.records import MeasureError


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def gaussian(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def measured(train, holdout, fake):
    pools = pools_of(train=train, holdout=holdout)
    return pools, distances_to(pools, fake=fake)


@pytest.fixture(scope="module")
def made():
    """Train, pools and four generators in 16 dimensions: new samples, copies, a tenth copies, and far too wide."""
    train, new = gaussian(2000, 16), gaussian(1000, 16, 2)
    pools = pools_of(train=train, holdout=gaussian(1500, 16, 1))
    copies = pools.train[np.random.default_rng(3).permutation(1500)[:1000]]
    fakes = {"new": new, "copies": copies, "tenth": np.concatenate([new[:900], copies[:100]]), "wide": 1.5 * new}
    return train, pools, fakes, {name: distances_to(pools, fake=fake) for name, fake in fakes.items()}


# ---------------------------------------------------------------- pools


def test_pools_are_of_equal_size_and_know_where_they_came_from():
    train, holdout = gaussian(50, 3), gaussian(30, 3, 1)
    pools = pools_of(train=train, holdout=holdout)
    assert len(pools.train) == len(pools.holdout) == 30 and pools.duplicates == 0
    np.testing.assert_array_equal(pools.train, train[pools.train_index])
    assert len(set(pools.train_index)) == 30
    np.testing.assert_array_equal(pools.holdout, holdout)
    assert len(pools_of(train=train, holdout=holdout, most=7).train) == 7


def test_distances_between_pools_agree_with_scipy():
    pools = pools_of(train=gaussian(40, 9), holdout=gaussian(60, 9, 1))
    across = cdist(pools.holdout, pools.train)
    np.testing.assert_allclose(pools.holdout_to_train, across.min(axis=1), rtol=1e-9)


def test_duplicates_are_removed_within_and_between():
    """Train has one row twice, holdout another one three times, and both share a third: 1 + 2 + 2 rows go."""
    train = np.array([[0.0], [1.0], [1.0], [2.0], [3.0], [9.0]])
    holdout = np.array([[2.0], [5.0], [5.0], [5.0], [6.0], [7.0], [8.0]])
    pools = pools_of(train=train, holdout=holdout)
    assert pools.train_index.tolist() == [0, 1, 4, 5]
    assert pools.holdout[:, 0].tolist() == [5, 6, 7, 8]
    assert pools.duplicates == 5


def test_the_same_image_is_a_duplicate_in_every_form():
    images = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 1), dtype=np.uint8)
    as_floats = images.astype(np.float32) / np.float32(255)
    pools = pools_of(train=images[:8], holdout=as_floats[6:])
    assert (pools.duplicates, len(pools.train)) == (4, 4)
    assert distances_to(pools, fake=as_floats[pools.train_index]).to_train.max() == 0
    zeros = pools_of(train=[[0.0], [1.0], [2.0]], holdout=[[-0.0], [3.0], [4.0]])
    assert zeros.duplicates == 2  # -0 and 0 have different bits and no distance


def test_many_rows_are_searched_for_duplicates_part_by_part():
    x = np.arange(2 * memorization.ROWS_AT_ONCE + 10.0)[:, None]
    x[-1] = x[3]
    pools = pools_of(train=x, holdout=x[:5] + 0.5, most=3)
    assert pools.duplicates == 1


def test_pools_depend_on_the_seed_and_on_nothing_else():
    train, holdout = gaussian(200, 3), gaussian(100, 3, 1)
    one, again, other = (pools_of(train=train, holdout=holdout, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.train_index, again.train_index)
    assert not np.array_equal(one.train_index, other.train_index)


def test_pools_that_cannot_be_made_are_refused():
    x = gaussian(5, 2)
    with pytest.raises(MeasureError, match="0 rows can be drawn from 0 train and 0 holdout"):
        pools_of(train=x, holdout=x)
    with pytest.raises(MeasureError, match="at least 2"):
        pools_of(train=np.ones((9, 2)), holdout=x)
    with pytest.raises(MeasureError, match="at least 2"):
        pools_of(train=x, holdout=x + 1, most=1)
    with pytest.raises(MeasureError, match=r"train is \(5, 2\) and holdout is \(5, 3\)"):
        pools_of(train=x, holdout=gaussian(5, 3))
    with pytest.raises(MeasureError, match="holdout has 1 of 10 values"):
        pools_of(train=x, holdout=np.where(np.arange(10).reshape(5, 2) == 3, np.nan, x))


def test_fakes_are_measured_against_both_pools():
    fake = np.concatenate([gaussian(20, 9, 2), gaussian(3, 9, 2)])  # the last three are there twice
    pools, found = measured(gaussian(40, 9), gaussian(60, 9, 1), fake)
    for pool, distances, indices in (
        (pools.train, found.to_train, found.to_train_index),
        (pools.holdout, found.to_holdout, found.to_holdout_index),
    ):
        np.testing.assert_allclose(distances, cdist(fake, pool).min(axis=1), rtol=1e-9)
        np.testing.assert_array_equal(indices, cdist(fake, pool).argmin(axis=1))
    assert (found.unique, found.pool_size) == (20, 40)


def test_fakes_that_cannot_be_measured_are_refused():
    pools = pools_of(train=gaussian(5, 2), holdout=gaussian(5, 2, 1))
    with pytest.raises(MeasureError, match=r"train is \(5, 2\) and fake is \(1, 3\)"):
        distances_to(pools, fake=[[1.0, 2.0, 3.0]])
    with pytest.raises(MeasureError, match="fake has 1 of 2 values"):
        distances_to(pools, fake=[[1.0, np.nan]])


# ---------------------------------------------------------------- distance to the closest record


def test_dcr_share_by_hand_with_a_tie():
    """On a line, train at 0 and 10, holdout at 4 and 20: nearer to train, nearer to holdout, as near to both."""
    _, found = measured([[0.0], [10.0]], [[4.0], [20.0]], [[1.0], [3.0], [2.0], [9.0]])
    assert dcr_share(found).value == (1 + 0 + 0.5 + 1) / 4


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_standard_error_is_that_of_all_exchanges(size):
    """All ways to deal 2T rows into train and holdout: mean exactly .5, and the spread that is reported for each."""
    rows, fake = gaussian(2 * size, 3), gaussian(9, 3, 1)
    fake = np.concatenate([fake, fake[:4]])  # some twice
    nearest = cdist(fake, rows).argmin(axis=1)
    dealt = [list(chosen) for chosen in itertools.combinations(range(2 * size), size)]
    shares = [np.isin(nearest, train).mean() for train in dealt]
    assert np.mean(shares) == pytest.approx(0.5, rel=1e-12)
    for train, share in zip(dealt, shares):
        _, found = measured(rows[train], np.delete(rows, train, axis=0), fake)
        result = dcr_share(found)
        assert result.value == pytest.approx(share, rel=1e-12)
        assert result.standard_error == pytest.approx(np.std(shares), rel=1e-9)
        assert result.p == pytest.approx(stats.norm.sf((share - 0.5) / np.std(shares)), rel=1e-9)


def test_few_fakes_in_a_large_pool_have_the_error_of_a_coin():
    _, found = measured(gaussian(5000, 8), gaussian(5000, 8, 1), gaussian(50, 8, 2))
    assert dcr_share(found).standard_error == pytest.approx(math.sqrt(0.25 / 50), rel=0.05)


def test_new_samples_are_as_near_to_train_as_to_holdout(made):
    _, _, _, found = made
    for name in ("new", "wide"):
        share = dcr_share(found[name])
        assert abs(share.value - 0.5) < 4 * share.standard_error
        assert share.p > 0.001


def test_copies_are_nearer_to_train(made):
    _, _, _, found = made
    assert dcr_share(found["copies"]).value == 1 and dcr_share(found["copies"]).p < 1e-9
    assert dcr_share(found["tenth"]).value > 0.5 + 2 * dcr_share(found["tenth"]).standard_error
    assert dcr_share(found["tenth"]).p < 0.01


def test_p_values_of_new_samples_are_uniform():
    """More fakes than pool rows, in 8 dimensions: many share their nearest row, and must not count as independent."""
    dcr, copies = [], []
    for seed in range(120):
        pools, found = measured(*(gaussian(n, 8, [seed, i]) for i, n in enumerate((101, 101, 300))))
        dcr.append(dcr_share(found).p)
        copies.append(copy_share(pools, found).p)
    assert stats.kstest(dcr, "uniform").pvalue > 0.01
    assert 0.02 < np.mean(np.array(dcr) < 0.05) < 0.09
    assert np.mean(np.array(copies) < 0.05) < 0.08  # a count is discrete, so its p-values are uniform or larger
    assert 0.3 < np.mean(np.array(copies) < 0.5) < 0.56


def test_one_image_again_and_again_is_no_evidence():
    """The average image may happen to be nearer to train; a thousand times the same tells no more than once."""
    _, found = measured(gaussian(300, 5), gaussian(300, 5, 1), np.zeros((1000, 5)))
    share = dcr_share(found)
    assert (share.value in (0, 1), found.unique) == (True, 1)
    assert share.standard_error == pytest.approx(0.5, rel=1e-9) and share.p > 0.1


def test_fakes_spread_evenly_over_all_rows_leave_no_doubt():
    train, holdout = [[0.0], [10.0]], [[4.0], [20.0]]
    _, found = measured(train, holdout, train + holdout)
    assert dcr_share(found) == (0.5, 0, 0.5)


# ---------------------------------------------------------------- copies


def pools_at(holdout_to_train):
    """Pools of which only the holdout's distances matter."""
    h = np.asarray(holdout_to_train, dtype=float)
    none = np.zeros((len(h), 1))
    return Pools(none, none, np.arange(len(h)), h, 0)


def fakes_at(to_train, unique=None):
    to_train, n = np.asarray(to_train, dtype=float), len(to_train)
    index = np.zeros(n, int)
    return memorization.Distances(to_train, index, np.ones(n), index, unique or n, n)


def test_copy_share_counts_what_is_strictly_nearer_than_the_quantile():
    """The 1 % quantile of 101 distances is the second smallest, 2."""
    pools = pools_at(np.arange(1.0, 102.0))
    share = copy_share(pools, fakes_at([0.5, 2.0, 2.5, 50.0]))
    assert share.value == 0.25


@pytest.mark.parametrize(("below", "n"), [(0, 3), (1, 1), (1, 2), (2, 2), (2, 5), (5, 5)])
def test_the_p_value_of_copy_share_is_that_of_random_order(below, n):
    """New samples and 101 holdout rows come in any order: k fakes are before the second holdout row when the first
    k + 1 places hold at least k fakes."""
    share = copy_share(pools_at(np.arange(1.0, 102.0)), fakes_at([0.5] * below + [7.5] * (n - below)))
    assert share.p == pytest.approx(stats.hypergeom(101 + n, n, below + 1).sf(below - 1), rel=1e-9)


def test_the_standard_error_of_copy_share_is_seen_in_simulation():
    """Of 201 distances the 1 % quantile is the third smallest, so 3 of 202 new samples lie below it."""
    rng = np.random.default_rng(0)
    shares = [copy_share(pools_at(rng.random(201)), fakes_at(rng.random(300))) for _ in range(1000)]
    values = np.array([share.value for share in shares])
    assert values.mean() == pytest.approx(3 / 202, abs=4 * values.std() / math.sqrt(1000))
    assert values.std() == pytest.approx(shares[0].standard_error, rel=0.1)


def test_equal_fakes_count_once_as_evidence():
    pools = pools_at(np.arange(1.0, 102.0))
    assert copy_share(pools, fakes_at([0.5] * 50, unique=1)).p == pytest.approx(2 / 102, rel=1e-9)


def test_copies_are_counted(made):
    _, pools, _, found = made
    new, tenth, copies = (copy_share(pools, found[name]) for name in ("new", "tenth", "copies"))
    assert abs(new.value - 0.01) < 4 * new.standard_error and new.p > 0.001
    assert tenth.value == pytest.approx(0.11, abs=0.01) and tenth.p < 1e-9
    assert copies.value == 1 and copies.p < 1e-9


def test_copies_are_listed_with_their_originals(made):
    train, pools, fakes, found = made
    listed = copy_list(pools, found["tenth"], most=200)
    exact = [copy for copy in listed if copy.to_train == 0]
    assert sorted(copy.fake for copy in exact) == list(range(900, 1000))
    for copy in listed:
        distance = np.linalg.norm(fakes["tenth"][copy.fake] - train[copy.train])
        assert copy.to_train == pytest.approx(distance, rel=1e-9, abs=1e-12)
        assert copy.to_holdout == found["tenth"].to_holdout[copy.fake]
    assert [copy.to_train for copy in listed] == sorted(copy.to_train for copy in listed)
    assert len(listed) == round(copy_share(pools, found["tenth"]).value * 1000)
    assert copy_list(pools, found["tenth"], most=3) == listed[:3]


def test_nothing_is_listed_when_nothing_is_near():
    pools, found = measured([[0.0], [1.0], [2.0]], [[0.5], [1.5]], [[7.0], [9.0]])
    assert copy_list(pools, found) == ()


# ---------------------------------------------------------------- authenticity


def test_authenticity_by_hand():
    """Train at 0, 1 and 10, so the distances within are 1, 1 and 9. Strictly further than that is authentic."""
    train, holdout, fake = [[0.0], [1.0], [10.0]], [[-2.0], [0.25], [30.0]], [[-1.0], [-1.5], [12.0], [19.5]]
    assert authenticity(train=train, fake=fake) == 2 / 4
    assert authenticity(train=train, fake=holdout) == 2 / 3


def test_authenticity_agrees_with_brute_force_also_with_duplicates_in_train():
    rng = np.random.default_rng(0)
    train, fake = rng.integers(0, 4, (60, 3)).astype(float), rng.integers(0, 4, (50, 3)) + 0.25
    within, across = cdist(train, train), cdist(fake, train)
    np.fill_diagonal(within, np.inf)
    expected = np.mean(across.min(axis=1) > within.min(axis=1)[across.argmin(axis=1)])
    assert 0 < authenticity(train=train, fake=fake) == expected < 1


def test_a_third_of_new_samples_on_a_line_is_authentic():
    """Two thirds of the points of a Poisson process on a line are their nearest neighbour's nearest neighbour."""
    train, fake = (np.random.default_rng(i).random((4000, 1)) for i in range(2))
    assert authenticity(train=train, fake=fake) == pytest.approx(1 / 3, abs=0.03)


def test_copies_are_not_authentic(made):
    train, pools, fakes, _ = made
    known = {name: authenticity(train=train, fake=fakes[name]) for name in ("new", "copies")}
    assert known["copies"] == 0
    assert known["new"] == pytest.approx(authenticity(train=train, fake=pools.holdout), abs=0.05)


def test_the_average_of_all_modes_is_authentic_which_is_misleading():
    """The blind spot: the worst generator is fully authentic, and real samples are not."""
    angle = np.arange(8) * np.pi / 4
    ring = np.c_[np.cos(angle), np.sin(angle)]

    def part(seed):
        rng = np.random.default_rng(seed)
        return ring[rng.integers(8, size=500)] + 0.01 * rng.normal(size=(500, 2))

    assert authenticity(train=part(0), fake=np.zeros((500, 2))) == 1
    assert authenticity(train=part(0), fake=part(1)) < 0.6


# ---------------------------------------------------------------- C_T


def test_z_is_scipys_without_ties():
    """scipy's one-sided p-value, with its continuity correction, is that of Z."""
    for m, n, shift in ((30, 50, 0.0), (50, 30, 0.4), (7, 9, -1.0)):
        x, y = gaussian(m, 1)[:, 0] + shift, gaussian(n, 1, 1)[:, 0]
        oracle = stats.mannwhitneyu(x, y, alternative="less", method="asymptotic", use_continuity=True)
        assert stats.norm.cdf(mann_whitney_z(x, y)) == pytest.approx(oracle.pvalue, rel=1e-9)


def test_ties_count_half():
    x, y = np.random.default_rng(0).integers(0, 5, (2, 40)).astype(float)
    u = stats.mannwhitneyu(x, y).statistic
    assert u != np.sum(x[:, None] > y)
    assert mann_whitney_z(x, y) == pytest.approx((u - 799.5) / math.sqrt(1600 * 81 / 12), rel=1e-12)
    assert mann_whitney_z(np.ones(4), np.ones(5)) == pytest.approx(0.5 / math.sqrt(20 * 10 / 12), rel=1e-12)


def test_cells_are_weighted_by_the_holdout():
    """Three distant groups on a line; in the third are too few fakes, so only two count, by their holdout rows."""
    rng = np.random.default_rng(0)

    def groups(*sizes):
        return np.concatenate([1000.0 * i + rng.random((size, 1)) for i, size in enumerate(sizes)])

    train, holdout, fake = groups(60, 60, 60), groups(100, 50, 30), groups(40, 21, 20)
    pools, found = measured(train, holdout, fake)
    cells = cells_of(pools)
    assert len(cells.bins.centres) == 3 and cells.pca is None
    z = [
        mann_whitney_z(
            found.to_train[fake[:, 0] // 1000 == i], pools.holdout_to_train[pools.holdout[:, 0] // 1000 == i]
        )
        for i in range(2)
    ]
    expected = (100 * z[0] + 50 * z[1]) / 150
    assert ct_score(pools, found, fake=fake, cells=cells) == pytest.approx(expected, rel=1e-9)
    assert ct_score(pools, found, fake=fake) == pytest.approx(expected, rel=1e-9)


def test_a_cell_without_holdout_rows_does_not_count():
    train, holdout, fake = (
        gaussian(60, 1),
        gaussian(60, 1, 1),
        np.concatenate([gaussian(50, 1, 2), gaussian(50, 1) + 99]),
    )
    pools, found = measured(train, holdout, fake)
    cells = memorization.Cells(None, Bins(np.array([[0.0], [99.0]]), 0))
    near = mann_whitney_z(found.to_train[:50], pools.holdout_to_train)
    assert ct_score(pools, found, fake=fake, cells=cells) == pytest.approx(near, rel=1e-12)


def test_few_fakes_are_compared_as_a_whole():
    pools, found = measured(gaussian(200, 3), gaussian(200, 3, 1), gaussian(20, 3, 2))
    whole = mann_whitney_z(found.to_train, pools.holdout_to_train)
    assert ct_score(pools, found, fake=gaussian(20, 3, 2)) == pytest.approx(whole, rel=1e-12)


def test_copying_is_far_below_0_and_underfitting_far_above(made):
    _, pools, fakes, found = made
    new, tenth, copies, wide = (
        ct_score(pools, found[name], fake=fakes[name]) for name in ("new", "tenth", "copies", "wide")
    )
    assert abs(new) < 4
    assert copies < -10 and tenth < new
    assert wide > 10


def test_many_coordinates_are_cut_in_principal_components():
    train = gaussian(300, 100)
    train[:150, 0] += 50  # the one direction that matters
    pools, found = measured(train, gaussian(200, 100, 1), train[:60])
    with threadpool_limits(1):
        cells = cells_of(pools, count=2)
    assert cells.bins.centres.shape == (2, 64)
    side = pools.train[:, 0] > 25
    assert len(set(cells.find(pools.train[side]))) == len(set(cells.find(pools.train[~side]))) == 1
    again = cells_of(pools, count=2)
    np.testing.assert_array_equal(cells.bins.centres, again.bins.centres)
    assert ct_score(pools, found, fake=train[:60], cells=cells) < 0


def test_a_pool_smaller_than_the_number_of_components():
    images = np.random.default_rng(0).integers(0, 256, (90, 9, 9, 1), dtype=np.uint8)
    pools, found = measured(images[:30], images[30:60], images[60:])
    assert cells_of(pools).bins.centres.shape[1] == 30
    assert abs(ct_score(pools, found, fake=images[60:])) < 4


def test_distances_of_other_fakes_are_refused():
    pools, found = measured(gaussian(9, 2), gaussian(9, 2, 1), gaussian(5, 2, 2))
    with pytest.raises(MeasureError, match="distances are of 5 fakes, not 4"):
        ct_score(pools, found, fake=gaussian(4, 2))
