"""Real-vs-real calibration: which rows, which draws, and what mean and spread come out."""

import itertools

import dcor
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core.distances import reference
from gan_core.records import MeasureError, record_to_json, reference_from_json


def numbered(start, count, d=3):
    """Rows that say which they are: row i is (i, i, ...)."""
    return np.repeat(np.arange(start, start + count, dtype=np.float64)[:, None], d, axis=1)


def test_the_fixed_rows_are_different_rows_in_their_own_order():
    test = numbered(0, 50)
    ids = reference.test_rows(test, 20, seed=3)[:, 0].tolist()
    assert len(ids) == 20
    assert ids == sorted(set(ids))
    assert reference.test_rows(test, 20, seed=3)[:, 0].tolist() == ids
    assert reference.test_rows(test, 20, seed=4)[:, 0].tolist() != ids
    assert reference.test_rows(test, 50)[:, 0].tolist() == list(range(50))


@pytest.mark.parametrize("n", [1, 51])
def test_rows_that_are_not_there_are_refused(n):
    with pytest.raises(MeasureError, match=f"{n} test samples are wanted, but there are 50"):
        reference.test_rows(numbered(0, 50), n)


def oracle_metrics(real, fake):
    rf = cdist(real, fake).mean()
    return {
        "mean_real_real": pdist(real).mean(),
        "mean_fake_fake": pdist(fake).mean(),
        "mean_real_fake": rf,
        "energy_distance": dcor.energy_distance(real, fake, estimation_stat="u"),
        "energy_coefficient": dcor.energy_distance(real, fake) / (2 * rf),
    }


@pytest.mark.parametrize("seed", range(4))
def test_mean_and_sd_are_those_of_one_way_to_cut_the_pool(seed):
    """Two draws of 3 from a pool of 6 are one of 10 pairs; dcor and scipy say what each would give."""
    rng = np.random.default_rng(7)
    test, pool = rng.normal(size=(5, 12)), rng.normal(size=(6, 12))
    real = reference.test_rows(test, 3, seed)
    found = reference.calibrate(test=test, pool=pool, n=3, draws=2, seed=seed).metrics
    matches = 0
    for others in itertools.combinations(range(1, 6), 2):
        first = [0, *others]
        both = [oracle_metrics(real, pool[first]), oracle_metrics(real, np.delete(pool, first, axis=0))]
        pairs = {name: [metrics[name] for metrics in both] for name in both[0]}
        expected = {name: (np.mean(v), np.std(v, ddof=1)) for name, v in pairs.items()}
        assert set(expected) < set(found)
        matches += all(found[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-12) for name in expected)
    assert matches == 1


@pytest.mark.parametrize("rounds", [1, 3])
def test_every_pool_row_is_drawn_equally_often(rounds):
    """Then the mean over the draws is the mean over the whole pool; any other selection would miss it."""
    rng = np.random.default_rng(0)
    test, pool = rng.normal(size=(40, 12)), rng.normal(size=(100, 12))
    result = reference.calibrate(test=test, pool=pool, n=25, draws=4 * rounds, seed=1)
    fixed = reference.test_rows(test, 25, 1)
    assert result.metrics["mean_real_fake"][0] == pytest.approx(cdist(fixed, pool).mean(), rel=1e-12)
    assert result.metrics["mean_real_real"] == (pytest.approx(pdist(fixed).mean(), rel=1e-12), 0.0)


@pytest.mark.parametrize(
    ("pool", "draws", "overlap"),
    [(30, 3, False), (39, 3, False), (39, 4, True), (20, 2, False), (20, 3, True), (19, 2, True), (10, 2, True)],
)
def test_overlap_says_whether_the_pool_was_large_enough(pool, draws, overlap):
    result = reference.calibrate(test=numbered(0, 12), pool=numbered(100, pool), n=10, draws=draws)
    assert (result.n, result.draws, result.overlap) == (10, draws, overlap)


def test_the_unbiased_energy_of_real_against_real_is_zero_within_its_error():
    """Means over independent test parts: 40 calibrations of 5 draws, within 4 standard errors of 0."""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(40):
        test, pool = rng.normal(size=(30, 10)), rng.normal(size=(150, 10))
        means.append(reference.calibrate(test=test, pool=pool, n=30, draws=5).metrics["energy_distance"][0])
    assert abs(np.mean(means)) < 4 * np.std(means, ddof=1) / np.sqrt(40)
    assert np.mean(np.array(means) < 0) > 0.2  # a biased estimate (V) is never negative


def test_the_same_seed_gives_the_same_reference_and_json_keeps_it():
    rng = np.random.default_rng(0)
    test, pool = rng.random((20, 4, 4, 1), dtype=np.float32), rng.random((60, 4, 4, 1), dtype=np.float32)
    one, again, other = (reference.calibrate(test=test, pool=pool, n=10, draws=3, seed=seed) for seed in (0, 0, 1))
    assert one == again != other
    assert reference_from_json(record_to_json(one)) == one


@pytest.mark.parametrize("pool", [40, 60])
def test_a_pool_of_less_than_two_draws_still_tells_the_spread(pool):
    """The sd against that of independent pairs, measured by dcor; one fixed draw would have none (ratio 0)."""
    rng = np.random.default_rng(0)
    made = reference.calibrate(test=rng.normal(size=(40, 5)), pool=rng.normal(size=(pool, 5)), n=40, draws=60)
    independent = [
        dcor.energy_distance(rng.normal(size=(40, 5)), rng.normal(size=(40, 5)), estimation_stat="u")
        for _ in range(200)
    ]
    mean, sd = made.metrics["energy_distance"]
    assert made.overlap
    assert sd == pytest.approx(np.std(independent), rel=0.4)  # either sd is known to about 10 %
    assert abs(mean) < 4 * sd / 60**0.5
    assert made.metrics["mean_real_real"][1] > 0


def test_the_seed_decides_the_draws_too():
    rng = np.random.default_rng(0)
    test, pool = rng.normal(size=(10, 3)), rng.normal(size=(60, 3))
    one, other = (reference.calibrate(test=test, pool=pool, n=10, draws=3, seed=seed).metrics for seed in (0, 1))
    assert one["mean_real_real"] == other["mean_real_real"]  # all test rows, whatever the seed
    assert one["mean_fake_fake"] != other["mean_fake_fake"]


def test_progress_counts_up_to_one():
    seen = []
    reference.calibrate(test=numbered(0, 5), pool=numbered(9, 9), n=4, draws=4, progress=seen.append)
    assert seen == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 31}, "n is 31, but the pool has 30"),
        ({"n": 21}, "21 test samples are wanted, but there are 20"),
        ({"n": 1}, "1 test samples are wanted"),
        ({"draws": 1}, "draws is 1"),
        ({"pool": numbered(0, 30, d=4)}, r"test is \(10, 3\) and pool is \(30, 4\)"),
        ({"pool": np.full((30, 3), np.nan)}, "pool has 90 of 90"),
        ({"pool": np.full((15, 3), np.nan)}, "pool has 45 of 45"),
        ({"test": np.full((20, 3), np.nan)}, "test has 30 of 30"),
    ],
)
def test_what_cannot_be_calibrated_is_named(changes, said):
    asked = {"test": numbered(0, 20), "pool": numbered(50, 30), "n": 10, "draws": 3} | changes
    with pytest.raises(MeasureError, match=said):
        reference.calibrate(**asked)


def test_metrics_that_are_cut_off_at_one_keep_their_spread():
    """Perfect samples pile up at 1: from the cut values alone, a fresh draw would seem to be far off."""
    rng = np.random.default_rng(0)
    test, pool = rng.normal(size=(200, 4)), rng.normal(size=(3000, 4))
    made = reference.calibrate(test=test, pool=pool, n=200, draws=10)
    for name in ("clipped_density", "clipped_coverage"):
        mean, sd = made.metrics[name]
        assert 0.9 < mean <= 1 and 0.01 < sd < 0.2
