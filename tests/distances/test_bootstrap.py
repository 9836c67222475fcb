"""The paired bootstrap: against brute force, SciPy, and what happens in worlds whose truth is known."""

import itertools

import numpy as np
import pytest
import scipy.stats
from scipy.spatial.distance import cdist

from gan_core.distances import bootstrap
from gan_core.distances.energy import energy
from gan_core.records import MeasureError


def clouds(*sizes, d=3, seed=0, shift=0.3):
    rng = np.random.default_rng(seed)
    return [rng.normal(shift * i, 1, (size, d)) for i, size in enumerate(sizes)]


def test_the_values_are_energy_distances():
    real, x, y = clouds(40, 30, 30)
    values, replicates = bootstrap.energies(real=real, fakes=[x, y], replicates=7)
    assert values == pytest.approx([energy(real=real, fake=fake).u for fake in (x, y)], rel=1e-12)
    assert replicates.shape == (2, 7)


@pytest.mark.parametrize("d", [2, 12])
def test_a_replicate_is_the_statistic_of_rows_drawn_again(d):
    """Brute force: real rows and latents are drawn with replacement, the same ones for all sets of generated rows."""
    real, x, y = clouds(20, 15, 15, d=d)
    _, replicates = bootstrap.energies(real=real, fakes=[x, y], replicates=5, seed=3)
    rng = np.random.default_rng([3, 5])
    drawn, redrawn = rng.multinomial(20, [1 / 20] * 20, 5), rng.multinomial(15, [1 / 15] * 15, 5)
    for r in range(5):
        rows, latents = np.repeat(np.arange(20), drawn[r]), np.repeat(np.arange(15), redrawn[r])
        a = real[rows]
        for fake, found in ((x, replicates[0, r]), (y, replicates[1, r])):
            b = fake[latents]
            own = cdist(a, a).sum() / 19**2 + cdist(b, b).sum() / 14**2
            assert found == pytest.approx(2 * cdist(a, b).mean() - own, rel=1e-9)


def test_replicates_lie_around_the_value_and_do_not_depend_on_threads():
    real, x = clouds(60, 60)
    values, replicates = bootstrap.energies(real=real, fakes=[x], replicates=4000)
    error = replicates.std() / np.sqrt(4000)
    assert abs(replicates.mean() - values[0]) < 4 * error
    again = bootstrap.energies(real=real, fakes=[x], replicates=4000, threads=1)[1]
    assert again == pytest.approx(replicates, rel=1e-9, abs=1e-12)


def test_progress_ends_at_one():
    real, x, y = clouds(10, 10, 10)
    told = []
    bootstrap.energies(real=real, fakes=[x, y], replicates=2, progress=told.append)
    assert told == [0.5, 1.0]


@pytest.mark.parametrize(
    "fakes, said",
    [
        ([], "give one or more"),
        ([np.zeros((5, 3)), np.zeros((6, 3))], r"\(5, 3\), \(6, 3\)"),
        ([np.zeros((1, 3))], "10 real and 1 generated"),
        ([np.full((5, 3), np.nan)], "NaN"),
        ([np.zeros((5, 2))], "must agree"),
    ],
)
def test_what_cannot_be_compared_is_said(fakes, said):
    with pytest.raises(MeasureError, match=said):
        bootstrap.energies(real=np.ones((10, 3)), fakes=fakes)


# ---------------------------------------------------------------- seeds


FIRST, SECOND = np.array([0.51, 0.48, 0.55, 0.42, 0.60]), np.array([0.44, 0.45, 0.50, 0.38, 0.47])


def test_over_seeds_alone_the_interval_is_student_s():
    found = bootstrap.difference(FIRST, SECOND, paired=True)
    t = scipy.stats.ttest_rel(FIRST, SECOND)
    assert (found.p, found.freedom) == pytest.approx((t.pvalue, 4))
    assert found.interval(0.9) == pytest.approx(tuple(t.confidence_interval(0.9)))
    found = bootstrap.difference(FIRST, SECOND[:3])
    t = scipy.stats.ttest_ind(FIRST, SECOND[:3], equal_var=False)
    assert (found.p, found.freedom) == pytest.approx((t.pvalue, t.df))
    assert found.interval(0.95) == pytest.approx(tuple(t.confidence_interval(0.95)))


def test_its_error_is_that_of_a_bootstrap_widened_for_few_seeds():
    about = dict(n_resamples=20_000, rng=np.random.default_rng(0), vectorized=True, method="percentile")
    scipys = scipy.stats.bootstrap((FIRST - SECOND,), np.mean, **about)
    found = bootstrap.difference(FIRST, SECOND, paired=True)
    assert found.error == pytest.approx(scipys.standard_error * np.sqrt(5 / 4), rel=0.02)


def test_samples_add_their_noise():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (2, 5, 2000)) + rng.normal(0, 5, 2000)  # what all runs share cancels
    found = bootstrap.difference(FIRST, SECOND, *noise, paired=True)
    seeds = (FIRST - SECOND).var(ddof=1) / 5
    assert found.error**2 == pytest.approx(seeds + 2 * 0.1**2 / 5, rel=0.05) and found.freedom == 4
    alone = bootstrap.difference(FIRST[:1], SECOND[:1], noise[0, :1], noise[1, :1])
    assert alone.error**2 == pytest.approx(2 * 0.1**2, rel=0.1) and alone.freedom == pytest.approx(1999)


def test_nothing_to_tell_the_noise_by():
    with pytest.raises(MeasureError, match="two or more seeds"):
        bootstrap.difference([0.5], [0.4, 0.3])


def test_a_run_does_not_differ_from_itself():
    same = np.random.default_rng(0).normal(size=(1, 50))
    found = bootstrap.difference([0.5], [0.5], same, same)
    assert (found.value, found.p, found.interval(0.95)) == (0, 1, (0, 0))


# ---------------------------------------------------------------- several groups


def test_holm_against_all_ways_to_write_it():
    """The adjusted p values of Holm's paper decide the same, and so do intervals of the levels given."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        p = rng.choice([0.001, 0.012, 0.0166, 0.02, 0.03, 0.04, 0.2], size=rng.integers(1, 6))
        order, adjusted, highest = np.argsort(p, kind="stable"), np.empty(len(p)), 0.0
        for rank, place in enumerate(order):
            highest = max(highest, (len(p) - rank) * p[place])
            adjusted[place] = highest
        decided, levels = bootstrap.holm(p)
        assert decided == [bool(a < 0.05) for a in adjusted]
        assert decided == [bool(value < 1 - level) for value, level in zip(p, levels)]
        assert min(levels) >= 0.95


# ---------------------------------------------------------------- worlds whose truth is known


def wrong_calls(seeds: int, spread: float, shifts, worlds: int, *, n: int = 50, paired: bool = True) -> float:
    """How often groups of generators (Gaussians off the real one by a shift, and by luck of `spread` a seed) are
    called different.
    """
    rng, called = np.random.default_rng(0), 0
    for _ in range(worlds):
        real = rng.normal(size=(n, 2))
        fakes = [rng.normal(size=(n, 2)) + shift + rng.normal(0, spread, 2) for shift in shifts for _ in range(seeds)]
        values, replicates = bootstrap.energies(real=real, fakes=fakes, replicates=200, threads=1)
        sides = np.split(values, len(shifts)), np.split(replicates, len(shifts))
        groups = list(zip(*sides))
        p = [
            bootstrap.difference(a, b, ra, rb, paired=paired).p
            for (a, ra), (b, rb) in itertools.combinations(groups, 2)
        ]
        called += any(bootstrap.holm(p)[0])
    return called / worlds


@pytest.mark.parametrize(
    "seeds, spread, shift, paired",
    [
        (1, 0, 0, True),
        (1, 0, 0.5, True),
        (2, 0.3, 0.5, True),
        pytest.param(3, 0.3, 0.5, False, marks=pytest.mark.slow),
        pytest.param(5, 0.3, 0.5, True, marks=pytest.mark.slow),
    ],
)
def test_equal_generators_are_rarely_called_different(seeds, spread, shift, paired):
    assert wrong_calls(seeds, spread, (shift, shift), 200, paired=paired) <= 0.07


def test_five_equal_groups_are_rarely_called_different():
    """Each of the ten pairs alone would be called different in 5 % of the worlds."""
    assert wrong_calls(3, 0.3, (0.5,) * 5, 100, paired=True) <= 0.08


@pytest.mark.parametrize("seeds, spread", [(1, 0), (5, 0.15)])
def test_clearly_different_generators_are_nearly_always_called_so(seeds, spread):
    assert wrong_calls(seeds, spread, (0.2, 1.0), 50) >= 0.95
