"""Metrics of nearest neighbours and balls, against their formulas over whole matrices, scikit-learn, and by hand."""

import itertools

import numpy as np
import pytest
from scipy import special, stats
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from gan_core.distances import neighbours
from gan_core.distances.neighbours import (
    chamfer,
    expected_coverage,
    manifold,
    nearest_curves,
    nearest_real,
    nn_accuracy,
    rarity,
    realism,
)
from gan_core.distances.pairwise import across, within
from gan_core.records import MeasureError

pytestmark = pytest.mark.filterwarnings("error")


def gaussian(n, d, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def lattice(n, d, seed=0, values=4):
    return np.random.default_rng(seed).integers(0, values, (n, d)).astype(float)


def on_a_line(*numbers):
    return np.array(numbers, dtype=float)[:, None]


def swept(real, fake, k=1, **options):
    ours, theirs = within(real, k=k, **options), within(fake, k=k, **options)
    return {"real": ours, "fake": theirs, "across": across(real=ours, fake=theirs, **options)}


def digits_and(change):
    x = np.random.default_rng(0).permutation(load_digits().images) / 16
    return x[:600].reshape(600, -1), change(x[600:1200]).reshape(600, -1)


PAIRS = {
    "d=1": (gaussian(60, 1), gaussian(50, 1, 1)),
    "d=3": (gaussian(60, 3), gaussian(60, 3, 1, shift=0.5)),
    "d=30": (gaussian(60, 30), 0.8 * gaussian(45, 30, 1)),
    "lattice d=2": (lattice(60, 2), lattice(50, 2, 1)),
    "lattice d=9": (lattice(50, 9), lattice(50, 9, 1)),
    "copies": (gaussian(50, 4), np.concatenate([gaussian(50, 4)[::2], gaussian(25, 4, 1)])),
    "one atom": (gaussian(40, 12), np.tile(gaussian(1, 12), (30, 1))),
    "constant": (np.ones((12, 3)), np.ones((12, 3))),
}


@pytest.fixture(params=PAIRS, ids=str)
def two(request):
    return PAIRS[request.param]


def distances_of(real, fake):
    """Whole matrices, a row at infinity of itself."""
    own, generated = cdist(real, real), cdist(fake, fake)
    np.fill_diagonal(own, np.inf)
    np.fill_diagonal(generated, np.inf)
    return own, generated, cdist(real, fake)


# ---------------------------------------------------------------- nearest-neighbour accuracies


@pytest.mark.parametrize("d", [1, 3, 30])
def test_accuracies_are_those_of_a_classifier_that_leaves_one_out(d):
    real, fake = gaussian(50, d), gaussian(50, d, 1, shift=0.4)
    pooled, labels = np.concatenate([real, fake]), np.repeat([0, 1], 50)
    others = NearestNeighbors(n_neighbors=1).fit(pooled).kneighbors(return_distance=False)  # without themselves
    right = labels[others[:, 0]] == labels
    result = nn_accuracy(**swept(real, fake))
    assert (result.real, result.fake) == (np.mean(right[:50]), np.mean(right[50:]))


@pytest.mark.parametrize("name", ["lattice d=9", "constant", "d=3"])
def test_a_tie_counts_one_half(name):
    real, fake = PAIRS[name]
    own, generated, between = distances_of(real, fake)
    expected = []
    for same, other in ((own.min(axis=1), between.min(axis=1)), (generated.min(axis=1), between.min(axis=0))):
        expected.append(np.mean(same < other) + np.mean(same == other) / 2)
    result = nn_accuracy(**swept(real, fake))
    assert (result.real, result.fake) == pytest.approx(expected, rel=1e-12)


def test_accuracies_by_hand():
    interleaved = nn_accuracy(**swept(on_a_line(0, 2, 4, 6), on_a_line(1, 3, 5, 7)))
    assert (interleaved.real, interleaved.fake) == (0, 0)
    apart = nn_accuracy(**swept(gaussian(30, 5), gaussian(30, 5, 1, shift=50)))
    assert (apart.real, apart.fake, apart.real_p, apart.fake_p) == (1, 1, 1 / 200, 1 / 200)
    copies = nn_accuracy(**swept(gaussian(30, 5), gaussian(30, 5)))
    assert (copies.real, copies.fake, copies.real_p, copies.fake_p) == (0, 0, 1 / 200, 1 / 200)
    equal = nn_accuracy(**swept(np.ones((9, 4)), np.ones((9, 4))))
    assert (equal.real, equal.fake) == (0.5, 0.5)


def test_each_kind_has_its_own_accuracy():
    """Pulling samples a little to their mean moves the two in opposite directions, and their average hardly at all."""
    real, fake = digits_and(lambda x: 0.9 * x + 0.1 * x.mean(axis=0))
    result = nn_accuracy(**swept(real, fake))
    assert result.real < 0.45 < 0.6 < result.fake
    assert (result.real + result.fake) / 2 == pytest.approx(0.5, abs=0.04)
    assert result.real_p == result.fake_p == 1 / 200


def test_p_is_uniform_when_the_distributions_are_equal():
    p = []
    for seed in range(60):
        x = gaussian(80, 3, seed)
        result = nn_accuracy(**swept(x[:40], x[40:]), permutations=99, seed=seed)
        p.append((result.real_p, result.fake_p))
    p = np.array(p)
    assert all(stats.kstest(column, "uniform").pvalue > 0.001 for column in p.T)
    assert (p >= 0.01).all() and (np.mean(p <= 0.05, axis=0) <= 0.15).all()


def accuracies_of_every_labelling(real, fake):
    """All ways to call half of the rows real, by counting votes: each row's are its nearest, or two that are tied."""
    n, pooled = len(real), np.concatenate([real, fake])
    squares, first = cdist(pooled, pooled, "sqeuclidean"), np.arange(2 * n) < n
    np.fill_diagonal(squares, np.inf)
    votes = []
    for row, kind in zip(squares, first, strict=True):
        nearest = [min(np.flatnonzero(first == which), key=row.__getitem__) for which in (kind, not kind)]
        votes.append([j for j in nearest if row[j] == min(row[nearest])])

    def accuracies(labels):
        right = np.array([np.mean(labels[vote] == labels[i]) for i, vote in enumerate(votes)])
        return right[labels].mean(), right[~labels].mean()

    chosen = (np.isin(np.arange(2 * n), some) for some in itertools.combinations(range(2 * n), n))
    return np.array([accuracies(labels) for labels in chosen])


@pytest.mark.parametrize("seed", [5, 8, 9])
def test_p_is_the_share_of_labellings_as_far_from_chance_ties_included(seed):
    x = lattice(8, 1, seed, values=8)
    everything = accuracies_of_every_labelling(x[:4], x[4:])  # the first of them is the true one
    result = nn_accuracy(**swept(x[:4], x[4:]), permutations=4999)
    assert (result.real, result.fake) == tuple(everything[0])
    far = np.abs(everything - 3 / 7)
    expected = np.mean(far >= far[0] - 1e-12, axis=0)
    assert (result.real_p, result.fake_p) == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(5000))


def test_p_belongs_to_a_seed():
    parts = swept(gaussian(40, 3), gaussian(40, 3, 1))
    assert nn_accuracy(**parts) == nn_accuracy(**parts, seed=0)
    one, other = nn_accuracy(**parts), nn_accuracy(**parts, seed=1)
    assert (one.real, one.fake) == (other.real, other.fake)
    assert (one.real_p, one.fake_p) != (other.real_p, other.fake_p)


def test_accuracies_need_as_many_of_each_and_neighbours():
    with pytest.raises(MeasureError, match="30 real and 20 fake"):
        nn_accuracy(**swept(gaussian(30, 2), gaussian(20, 2)))
    with pytest.raises(MeasureError, match="k is 0"):
        nn_accuracy(**swept(gaussian(30, 2), gaussian(30, 2), k=0))


# ---------------------------------------------------------------- Chamfer


def test_chamfer_agrees_with_whole_matrices(two):
    real, fake = two
    between = cdist(real, fake)
    result = chamfer(across=swept(real, fake)["across"])
    assert result.real_to_fake == pytest.approx(np.mean(between.min(axis=1) ** 2), rel=1e-9)
    assert result.fake_to_real == pytest.approx(np.mean(between.min(axis=0) ** 2), rel=1e-9)
    assert result.minimum_matching_distance == pytest.approx(np.mean(between.min(axis=1)), rel=1e-9)
    assert result.matching_coverage == len(set(between.argmin(axis=0).tolist())) / len(real)


def test_a_tied_match_goes_to_the_first_row():
    result = chamfer(across=swept(on_a_line(1, -1, 1), on_a_line(0, 0, 0))["across"])
    assert result.matching_coverage == 1 / 3
    assert (result.real_to_fake, result.fake_to_real, result.minimum_matching_distance) == (1, 1, 1)


# ---------------------------------------------------------------- balls


def manifold_by_formula(real, fake, k):
    """Kynkäänniemi et al. 2019, Naeem et al. 2020, Khayatkhoei & AbdAlmageed 2023, Salvy et al. 2026; <= everywhere."""
    own, generated, between = distances_of(real, fake)
    radii, others = np.sort(own, axis=1)[:, k - 1], np.sort(generated, axis=1)[:, k - 1]
    in_real, in_fake = between <= radii[:, None], between <= others
    precision, recall = in_real.any(axis=0).mean(), in_fake.any(axis=1).mean()
    clipped = np.minimum(radii, np.median(radii))[:, None]
    filled, perfect = (np.minimum((d <= clipped).sum(axis=0) / k, 1).mean() for d in (between, own))
    return {
        "precision": precision,
        "recall": recall,
        "density": in_real.sum() / (k * len(fake)),
        "coverage": in_real.any(axis=1).mean(),
        "symmetric_precision": min(precision, in_fake.any(axis=0).mean()),
        "symmetric_recall": min(recall, in_real.any(axis=1).mean()),
        "clipped_density": min(1, filled / perfect),
        "clipped_coverage": clipped_coverage(np.minimum(in_real.sum(axis=1) / k, 1).mean(), len(real), len(fake), k),
    }


def clipped_coverage(covered, n, m, k):
    """g(covered) with f(l) = 1/k · sum_j min(j, k) C(l, j) B(k + j, n + l - k - j) / B(k, n - k), l good fakes."""

    def f(good):
        j = np.arange(good + 1)
        chances = np.log(special.comb(good, j)) + special.betaln(k + j, n + good - k - j) - special.betaln(k, n - k)
        return np.minimum(j, k) @ np.exp(chances) / k

    return sum(f(good) < covered * (1 - 1e-12) for good in range(m + 1)) / (m + 1)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_balls_agree_with_the_formulas(two, k):
    result = dict(vars(manifold(**swept(*two, k=k))))
    density, coverage = result.pop("before_clipping")
    assert min(density, 1) == result["clipped_density"] and min(coverage, 1) == result["clipped_coverage"]
    assert result == pytest.approx(manifold_by_formula(*two, k), rel=1e-12)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_shares_do_not_know_the_precision(two, precision):
    assert manifold(**swept(*two, k=3, precision=precision)) == manifold(**swept(*two, k=3))


def test_balls_by_hand():
    """Radii 1 around 0, 1, 2, 3; 0.5 lies in two of them, 10 in none; the fakes' radii of 9.5 hold everything."""
    result = manifold(**swept(on_a_line(0, 1, 2, 3), on_a_line(0.5, 10)))
    assert (result.precision, result.recall, result.density, result.coverage) == (0.5, 1.0, 1.0, 0.5)
    # Both fakes' balls hold a real row. Of 0.5 and 10 one is filled; every real row lies in another's ball.
    assert (result.symmetric_precision, result.symmetric_recall, result.clipped_density) == (0.5, 0.5, 0.5)


def test_borders_count_so_discrete_data_have_a_precision():
    """With < in the place of <= duplicates have radius 0 and hold nobody, not even their copies."""
    x = np.repeat(lattice(20, 3), 8, axis=0)
    assert manifold(**swept(x, x, k=5)).precision == 1


def test_balls_need_one_k():
    x = gaussian(20, 2)
    ours, theirs = within(x, k=5), within(x, k=3)
    with pytest.raises(MeasureError, match="real has k 5 and fake has k 3"):
        manifold(real=ours, fake=theirs, across=across(real=ours, fake=theirs))
    with pytest.raises(MeasureError, match="real has k 0"):
        manifold(**swept(x, x, k=0))


@pytest.mark.parametrize(("n", "m", "k"), [(30, 20, 3), (25, 40, 1)])
def test_the_mean_of_density_is_1_and_that_of_coverage_is_known(n, m, k):
    results = []
    for seed in range(150):
        x = gaussian(n + m, 2, seed)
        result = manifold(**swept(x[:n], x[n:], k=k, threads=1))
        results.append((result.density, result.coverage))
    mean, error = np.mean(results, axis=0), np.std(results, axis=0) / np.sqrt(len(results))
    assert (np.abs(mean - (1, expected_coverage(n, m, k))) < 4 * error).all()


def test_expected_coverage_tends_to_its_limit():
    assert expected_coverage(10**6, 10**6, 5) == pytest.approx(1 - 2**-5, abs=1e-5)
    assert expected_coverage(4, 3, 1) == pytest.approx(1 - 3 / 6)


@pytest.mark.parametrize(("n", "m", "k"), [(7, 5, 1), (20, 30, 3), (60, 40, 5), (6, 40, 5)])
def test_the_share_of_good_samples_is_the_formula_read_backwards(n, m, k):
    # Away from the steps, where rounding would decide.
    for covered in (0.0, *np.linspace(0.0123, 0.9877, 25), 1.0):
        found, _ = neighbours._as_share_of_good(covered, n=n, m=m, k=k)
        assert found == pytest.approx(clipped_coverage(covered, n, m, k), rel=1e-12), covered


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_clipped_density_and_coverage_read_as_the_share_of_good_samples(share):
    real, fake = gaussian(800, 20), gaussian(800, 20, 1)
    fake[: int(800 * share)] += 20
    result = manifold(**swept(real, fake, k=5))
    assert result.clipped_density == pytest.approx(1 - share, abs=0.05)
    assert result.clipped_coverage == pytest.approx(1 - share, abs=0.05)


CHANGES = {
    "blurred": lambda x: gaussian_filter(x, (0, 0.6, 0.6)),
    "shrunk to the mean": lambda x: 0.6 * x + 0.4 * x.mean(axis=0),
    "few atoms": lambda x: x[np.random.default_rng(1).integers(0, 30, len(x))],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_symmetric_forms_see_what_precision_takes_for_better(change):
    """The blind spot of precision: blur, shrinking and repetition raise it above that of real samples."""
    perfect = manifold(**swept(*digits_and(lambda x: x), k=5))
    worse = manifold(**swept(*digits_and(change), k=5))
    assert worse.precision > perfect.precision
    assert worse.density > perfect.density
    assert worse.symmetric_precision < 0.1 < 0.9 < perfect.symmetric_precision
    assert worse.symmetric_recall < 0.1 < 0.9 < perfect.symmetric_recall


@pytest.mark.slow
def test_the_example_of_precision_recall_density_and_coverage():
    """Naeem et al. give .4772, .4705, 1.0555, .9735 for one draw of 10,000 and 10,000 from N(0, I) in 1,000 dimensions.

    A few hubs make draws differ a lot there: standard deviations over six are .011, .005, .04 and .004.
    """
    rng = np.random.default_rng(0)
    real, fake = (rng.standard_normal((10_000, 1000), dtype=np.float32) for _ in range(2))
    result = manifold(**swept(real, fake, k=5))
    assert result.precision == pytest.approx(0.4772, abs=0.03)
    assert result.recall == pytest.approx(0.4705, abs=0.02)
    assert result.density == pytest.approx(1.0555, abs=0.12)
    assert result.coverage == pytest.approx(0.9735, abs=0.012)


# ---------------------------------------------------------------- single fakes


@pytest.mark.parametrize("name", ["d=1", "d=3", "d=30", "lattice d=2"])
@pytest.mark.parametrize("k", [1, 3])
def test_realism_agrees_with_its_formula(name, k):
    real, fake = PAIRS[name]
    own, _, between = distances_of(real, fake)
    radii = np.sort(own, axis=1)[:, k - 1]
    kept = radii <= np.median(radii)
    ratios = np.divide(
        radii[kept, None], between[kept], out=np.full(between[kept].shape, np.inf), where=between[kept] > 0
    )
    np.testing.assert_allclose(realism(real=within(real, k=k), fake=fake), ratios.max(axis=0), rtol=1e-9)


def test_realism_of_a_copy_is_infinite():
    real = within(on_a_line(0, 1, 2, 10), k=1)
    assert realism(real=real, fake=on_a_line(1, 1.5, 4, 10)).tolist() == [np.inf, 2.0, 0.5, 0.125]  # 10: ball too large


def test_rarity_agrees_with_its_formula(two):
    real, fake = two
    own, _, between = distances_of(real, fake)
    radii = np.sort(own, axis=1)[:, 2]
    expected = np.where(between <= radii[:, None] * (1 + 1e-12), radii[:, None], np.inf).min(axis=0)
    expected[np.isinf(expected)] = np.nan
    found = rarity(real=within(real, k=3), fake=fake)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    # Rare or not, a fake is in some ball exactly when precision counts it, borders of a lattice included.
    np.testing.assert_array_equal(np.isfinite(found), swept(real, fake, k=3)["across"].in_real_balls > 0)


def test_rarity_by_hand():
    real = within(on_a_line(0, 1, 3, 7), k=1)  # radii 1, 1, 2, 4
    np.testing.assert_array_equal(rarity(real=real, fake=on_a_line(0.5, 2.5, 5, 11, 11.5, -1)), [1, 2, 2, 4, np.nan, 1])


@pytest.mark.parametrize("measure", [realism, rarity])
def test_single_fakes_need_balls_in_their_own_space(measure):
    real = gaussian(20, 3)
    with pytest.raises(MeasureError, match=r"real is \(20, 3\) and fake is \(4, 2\)"):
        measure(real=within(real, k=2), fake=gaussian(4, 2))
    with pytest.raises(MeasureError, match="fake has 1 of 3"):
        measure(real=within(real, k=2), fake=[[0.0, np.nan, 1.0]])
    with pytest.raises(MeasureError, match="k is 0"):
        measure(real=within(real), fake=real)


# ---------------------------------------------------------------- curves of nearest distances


def curves_of(real, fake, k=2):
    parts = swept(real, fake, k=k)
    return nearest_curves(real=parts["real"], across=parts["across"])


def test_curves_agree_with_whole_matrices(two):
    own, _, between = distances_of(*two)
    own, fakes, reals = own.min(axis=1), between.min(axis=0), between.min(axis=1)
    result = curves_of(*two)
    for found, values in ((result.real_to_real, own), (result.fake_to_real, fakes), (result.real_to_fake, reals)):
        np.testing.assert_allclose(found, np.percentile(values, range(101)), rtol=1e-9, atol=0)
    above, ties = (own[:, None] > fakes).mean(), (own[:, None] == fakes).mean()
    assert result.auc == pytest.approx(above + ties / 2, rel=1e-12)
    at = np.concatenate([own, fakes])[:, None]
    assert result.largest_gap == pytest.approx(np.abs((own <= at).mean(axis=1) - (fakes <= at).mean(axis=1)).max())


def test_curves_of_equal_distributions_coincide():
    result = curves_of(gaussian(900, 4), gaussian(900, 4, 1))
    assert result.auc == pytest.approx(0.5, abs=0.04)
    assert result.largest_gap < 0.09
    copied = curves_of(gaussian(900, 4), gaussian(900, 4))
    assert (copied.auc, copied.largest_gap, set(copied.fake_to_real)) == (1, 1, {0.0})


def flat(n, d, into, seed=0):
    """Uniform in d dimensions, turned into a space of more."""
    directions, _ = np.linalg.qr(gaussian(into, into, seed + 1))
    return np.random.default_rng(seed).uniform(size=(n, d)) @ directions[:d]


@pytest.mark.parametrize(
    ("d", "into", "within_range"), [(1, 1, 0.1), (1, 20, 0.1), (2, 2, 0.2), (2, 30, 0.2), (5, 30, 0.6)]
)
def test_the_intrinsic_dimension_is_that_of_the_surface(d, into, within_range):
    x = flat(2000, d, into)
    assert curves_of(x, x[:50]).intrinsic_dimension == pytest.approx(d, abs=within_range)


def test_the_intrinsic_dimension_is_the_slope_of_the_paper():
    """Facco et al. 2017: -log(1 - F) against log of second / first distance, through 0, the last tenth left out."""
    x = gaussian(200, 6)
    first, second = np.sort(distances_of(x, x)[0], axis=1)[:, :2].T
    slope = np.linalg.lstsq(
        np.log(np.sort(second / first))[:180, None], -np.log(1 - np.arange(1, 181) / 201), rcond=None
    )[0]
    assert curves_of(x, x[:9]).intrinsic_dimension == pytest.approx(slope[0], rel=1e-9)


def test_no_intrinsic_dimension_where_there_is_none():
    x = gaussian(50, 3)
    assert curves_of(x, x, k=1).intrinsic_dimension is None
    assert curves_of(np.ones((50, 3)), x).intrinsic_dimension is None
    assert curves_of(np.repeat(x, 2, axis=0), x).intrinsic_dimension is None
    assert curves_of(np.arange(50.0)[:, None], x[:, :1]).intrinsic_dimension is None  # first and second are tied


# ---------------------------------------------------------------- nearest real rows and their classes


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


@pytest.mark.parametrize("k", [7, 60])
def test_many_real_rows_are_searched_part_by_part_with_the_same_result(k):
    rng = np.random.default_rng(5)
    real = rng.integers(0, 4, (2 * neighbours.ROWS_AT_ONCE + 17, 3)).astype(float)  # a grid: full of ties
    fake = rng.integers(0, 4, (50, 3)).astype(float)
    distances, indices = nearest_real(real=real, fake=fake, k=k)
    oracle = cdist(fake, real)
    order = np.argsort(oracle, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(distances, np.take_along_axis(oracle, order, 1), rtol=1e-12)
