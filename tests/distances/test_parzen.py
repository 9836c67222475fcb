"""The Parzen window against scipy, scikit-learn and a closed form; 1e-9 relative unless said."""

import warnings

import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.neighbors import KernelDensity

from gan_core.distances.parzen import SIGMAS, parzen_comparison, parzen_log_likelihood
from gan_core.records import MeasureError

NAMES = ["generated", "real training samples", "k-means centroids"]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def close(value, rel=1e-9):
    return pytest.approx(value, rel=rel)


def gaussian(n, d, seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(n, d))


def by_brute_force(samples, x, sigma):
    """log p (n,) of every row of x."""
    exponents = -cdist(x, samples, "sqeuclidean") / (2 * sigma**2)
    volume = samples.shape[1] / 2 * np.log(2 * np.pi * sigma**2)
    return special.logsumexp(exponents, axis=1) - np.log(len(samples)) - volume


@pytest.mark.parametrize(("k", "n", "d"), [(1, 5, 3), (40, 30, 1), (25, 60, 8), (1000, 700, 20)])
def test_agrees_with_logsumexp_at_the_best_sigma_of_the_grid(k, n, d):
    samples, holdout, test = gaussian(k, d, 0), gaussian(50, d, 1), gaussian(n, d, 2)
    found = parzen_log_likelihood(samples=samples, holdout=holdout, test=test)
    best = max(SIGMAS, key=lambda sigma: by_brute_force(samples, holdout, sigma).mean())
    expected = by_brute_force(samples, test, best)
    assert found.sigma == best
    assert found.value == close(expected.mean())
    assert found.standard_error == close(expected.std() / np.sqrt(n))


@pytest.mark.parametrize("sigma", [0.05, 0.3, 7.0])
def test_agrees_with_the_kernel_density_of_scikit_learn(sigma):
    samples, test = gaussian(80, 6), gaussian(33, 6, 1)
    density = KernelDensity(bandwidth=sigma, atol=0, rtol=0).fit(samples)
    found = parzen_log_likelihood(samples=samples, holdout=test, test=test, sigmas=[sigma])
    assert found.value == close(density.score_samples(test).mean())


def test_one_sample_is_one_gaussian():
    x, test = gaussian(1, 4), gaussian(20, 4, 1)
    expected = stats.multivariate_normal(x[0], 0.25).logpdf(test)
    for copies in (1, 3):
        found = parzen_log_likelihood(samples=x.repeat(copies, axis=0), holdout=test, test=test, sigmas=[0.5])
        assert found.value == close(expected.mean())


def test_rows_far_from_every_sample_are_finite():
    """exp would be 0 for each kernel, and its logarithm infinite."""
    test = np.array([[1e6, 0.0]])
    found = parzen_log_likelihood(samples=np.zeros((5, 2)), holdout=test, test=test, sigmas=[0.1])
    assert found.value == close(-(1e12) / 0.02 - np.log(2 * np.pi * 0.01))
    assert found.standard_error == 0


def test_an_offset_costs_no_digits():
    samples, test = np.zeros((1, 9)), np.full((3, 9), 2.0**-10)
    values = [
        parzen_log_likelihood(samples=samples + shift, holdout=test + shift, test=test + shift, sigmas=[2.0**-10]).value
        for shift in (0, 2.0**30)
    ]
    assert values[0] == values[1] == close(-4.5 - 4.5 * np.log(2 * np.pi * 2.0**-20))


def test_the_edge_of_the_grid_is_reported():
    samples, holdout = gaussian(400, 2, 0, 0.3), gaussian(200, 2, 1, 0.3)
    best = parzen_log_likelihood(samples=samples, holdout=holdout, test=holdout)
    assert not best.at_edge and SIGMAS[0] < best.sigma < SIGMAS[-1]
    for unit, edge in ((1e-3, SIGMAS[0]), (1e3, SIGMAS[-1])):
        found = parzen_log_likelihood(samples=samples * unit, holdout=holdout * unit, test=holdout * unit)
        assert found.at_edge and found.sigma == edge


def test_the_width_is_chosen_on_the_first_thousand_rows_of_holdout_and_not_on_test():
    samples = np.zeros((1, 1))
    near, far = np.full((1000, 1), 0.2), np.full((5000, 1), 0.9)
    grid = [0.2, 0.9]  # one point at distance r is most likely under sigma = r
    for holdout, test, sigma in ((near, far, 0.2), (np.r_[near, far], far, 0.2), (far, near, 0.9)):
        assert parzen_log_likelihood(samples=samples, holdout=holdout, test=test, sigmas=grid).sigma == sigma


def test_images_of_bytes_are_read_as_0_to_1():
    images = np.random.default_rng(0).integers(256, size=(3, 20, 4, 4, 1), dtype=np.uint8)
    of_bytes = parzen_log_likelihood(**dict(zip(("samples", "holdout", "test"), images)))
    rows = images.reshape(3, 20, -1) / 255.0
    of_rows = parzen_log_likelihood(**dict(zip(("samples", "holdout", "test"), rows)))
    assert of_bytes.value == close(of_rows.value, rel=1e-6)  # bytes become float32


@pytest.mark.parametrize("sigmas", [[], [0.1, 0.0], [-1.0], [np.nan], [1e-60], [[0.1, 0.2]]])
def test_widths_that_are_not_positive_numbers_are_refused(sigmas):
    with pytest.raises(MeasureError, match="sigmas is"):
        parzen_log_likelihood(samples=np.ones((2, 2)), holdout=np.ones((2, 2)), test=np.ones((2, 2)), sigmas=sigmas)


@pytest.mark.parametrize("name", ["samples", "holdout", "test"])
def test_unusable_arrays_are_refused_by_name(name):
    x = gaussian(5, 3)
    for wrong, message in ((x[:, :2], "must agree"), (x * np.nan, f"{name} has 15"), (x[:0], f"{name} is")):
        with pytest.raises(MeasureError, match=message):
            parzen_log_likelihood(**{"samples": x, "holdout": x, "test": x, name: wrong})


# ---------------------------------------------------------------- beside real images and centroids


def digits():
    return np.random.default_rng(0).permutation(load_digits().data / 16)


def test_centroids_beat_real_digits_and_those_the_average_image():
    """The warning of Theis et al. 2016: real images are not the best by this measure."""
    x = digits()
    average = np.repeat(x[:1000].mean(axis=0)[None], 100, axis=0)
    found = parzen_comparison(real_train=x[:1000], fake=average, holdout=x[1000:1400], test=x[1400:])
    assert list(found) == NAMES
    generated, real, centroids = (found[name] for name in NAMES)
    assert real.value > generated.value + 5 * (real.standard_error + generated.standard_error)
    assert centroids.value > real.value + 5 * (real.standard_error + centroids.standard_error)


def test_rows_are_the_likelihood_of_fakes_and_of_train_when_nothing_has_to_be_drawn():
    x = digits()
    train, fake, holdout, test = x[:30], x[30:60], x[60:100], x[100:150]
    found = parzen_comparison(real_train=train, fake=fake, holdout=holdout, test=test)
    for name, samples in zip(NAMES, (fake, train)):
        assert found[name].value == close(parzen_log_likelihood(samples=samples, holdout=holdout, test=test).value)


@pytest.mark.parametrize(("fakes", "centroids", "expected"), [(12, None, 12), (40, None, 25), (12, 7, 7), (12, 99, 12)])
def test_fakes_and_train_get_the_same_number_of_kernels(fakes, centroids, expected):
    """The likelihood at one of K points far apart is 1/K of a Gaussian's height, provided that point was drawn."""
    points = 1e4 * np.arange(40)[:, None]
    parts = {"real_train": points[:25], "fake": points[:fakes], "holdout": points[:1], "test": points[:1]}
    found = [parzen_comparison(**parts, centroids=centroids, seed=seed) for seed in range(20)]
    height = -np.log(np.sqrt(2 * np.pi) * SIGMAS[0])
    for name in NAMES[:2]:
        drawn = [rows[name].value for rows in found if rows[name].value > -1000]
        assert drawn and drawn == close([height - np.log(expected)] * len(drawn))


def test_there_are_as_many_centroids_as_fakes():
    """Of 13 centroids c lie in a group far from the others: there the likelihood is c/13 of a Gaussian's height."""
    groups = 1e4 * np.arange(4)[:, None]
    train, height = np.repeat(groups, 50, axis=0), -np.log(np.sqrt(2 * np.pi) * SIGMAS[0])
    counts = []
    for one in groups[:, None]:
        found = parzen_comparison(real_train=train, fake=train[:13], holdout=one, test=one)["k-means centroids"]
        counts.append(13 * np.exp(found.value - height))
    assert counts == close(np.round(counts).tolist())
    assert min(counts) > 0.5 and sum(counts) == close(13)


def test_what_is_drawn_comes_from_the_seed():
    x = digits()
    parts = {"real_train": x[:200], "fake": x[400:500], "holdout": x[200:300], "test": x[300:400], "centroids": 50}
    one, again, other = (parzen_comparison(**parts, seed=seed) for seed in (3, 3, 4))
    assert one == again
    for name in NAMES:
        assert one[name] != other[name]


def test_fewer_different_rows_than_centroids_are_no_mistake():
    x = np.repeat(np.eye(3), 10, axis=0)
    found = parzen_comparison(real_train=x, fake=x[:20], holdout=x, test=x)
    assert np.isfinite([row.value for row in found.values()]).all()


def test_the_comparison_refuses_what_it_cannot_use():
    x = gaussian(5, 3)
    for wrong in (
        {"centroids": 0},
        {"fake": x[:, :2]},
        {"holdout": x[:0]},
        {"fake": x[:0]},
        {"real_train": x * np.inf},
    ):
        with pytest.raises(MeasureError):
            parzen_comparison(**{"real_train": x, "fake": x, "holdout": x, "test": x} | wrong)
