"""The sanity protocol: real samples are changed in known ways, and the metrics have to follow, or to be known as blind.

S0 nothing changed, S1 classes gone, S2 classes thinned, S3 modes invented, S4 blur, S5 noise, S6 shift, S7 dimming,
S8 outliers, S9 shrinking, S10 few different samples, S11 copies, S12 one outlier, S13 the number of samples,
S14 duplicates, S15 unequal classes. z is counted in standard deviations of real against real.
"""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from gan_core import codec
from gan_core.data import datasets
from gan_core.distances import corruptions, memorization, modes, neighbours, pairwise
from gan_core.distances.energy import energy, mmd_polynomial, two_sample_test
from gan_core.distances.inputs import RealPart
from gan_core.distances.reference import calibrate, test_rows
from gan_core.distances.report import measure
from gan_core.records import Reference

HEADLINE = ("energy_distance", "mmd_rbf", "sliced_wasserstein")
LEVELS = {
    "drop": (0.2, 0.4, 0.6, 0.8, 1.0),
    "blur": (0.3, 0.5, 0.75, 1.0, 2.0),
    "noise": (0.02, 0.05, 0.1, 0.15, 0.2, 0.3),
    "shift": (0.25, 0.5, 1.0, 1.5, 2.0),
    "dim": (0.95, 0.9, 0.8, 0.7, 0.6),
    "outliers": (0.02, 0.05, 0.1, 0.2, 0.3),
    "shrink": (0.1, 0.3, 0.5, 0.7, 1.0),
    "atoms": (1 / 2, 0.3, 1 / 6, 1 / 20, 1 / 36),
}


class World(NamedTuple):
    """Real samples of one data set, their own calibration, and what corruptions are made of."""

    real: np.ndarray
    material: corruptions.Material
    part: RealPart
    reference: Reference
    pool: np.ndarray
    labels: np.ndarray
    test: np.ndarray

    def z(self, fake, *, real=None) -> dict[str, float]:
        """Of every live metric that has a spread."""
        report = measure(real=self.part if real is None else real, fake=fake, reference=self.reference)
        return {m.name: m.z for m in report.metrics.values() if m.z is not None}

    def values(self, fake) -> dict[str, float]:
        report = measure(real=self.part, fake=fake, reference=self.reference)
        return {m.name: m.value for m in report.metrics.values() if m.value is not None}


@cache
def world(name, n, folder=None) -> World:
    found = datasets.load(name, folder=folder)
    pool, labels = (np.concatenate([getattr(p, a) for p in (found.train, found.holdout)]) for a in "xy")
    material = corruptions.material_of(pool, n=n, labels=labels)
    real = codec.to_unit(test_rows(found.test.x, n))
    part = RealPart.of(real, train=material.train, holdout=material.holdout)
    reference = calibrate(test=found.test.x, pool=pool, n=n, train=material.train, real_part=part)
    return World(real, material, part, reference, pool, labels, found.test.x)


@cache
def cells_of(name, n, folder=None) -> dict[tuple[str, str], dict[float, float]]:
    """(corruption, metric) -> {level: z}, levels from mild to strong."""
    w, found = world(name, n, folder), {}
    asked = dict(corruptions=list(LEVELS), levels=LEVELS, reference=w.reference)
    for cell in corruptions.corruption_test(test=w.test, pool=w.pool, labels_of_pool=w.labels, n=n, **asked).cells:
        found.setdefault((cell.corruption, cell.metric), {})[cell.level] = cell.z
    return found


@pytest.fixture(params=["digits", pytest.param("mnist", marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def about(request):
    """What `world` and `cells_of` are asked for."""
    if request.param == "digits":
        return "digits", 360
    return "mnist", 600, request.getfixturevalue("mnist_folder")


def rising(values) -> bool:
    """Spearman's rho with the level is 1."""
    return stats.spearmanr(range(len(values)), values).statistic == pytest.approx(1, abs=1e-12)


def gaussian(n, d, seed=0):
    return np.random.default_rng([seed, n, d]).normal(size=(n, d))


# ---------------------------------------------------------------- S0: nothing is changed


def pairs_of(name, n, count):
    """`count` pairs of two disjoint sets of n rows from one distribution, with train and holdout rows of it too."""
    rng = np.random.default_rng(3)
    everything = codec.flatten(np.concatenate([p.x for p in datasets.load("digits").parts.values()]))
    for _ in range(count):
        if name == "digits":
            rows = everything[rng.permutation(len(everything))[: 4 * n]]
        else:
            rows = rng.normal(size=(4 * n, int(name)))
        yield np.split(rows, 4)


@pytest.mark.parametrize("name", ["2", "16", "64", "digits"])
def test_s0_every_stated_null_is_met(name):
    n, k, found = 60, 5, {}
    for real, fake, train, holdout in pairs_of(name, n, 40):
        ours, theirs = pairwise.within(real, k=k), pairwise.within(fake, k=k)
        both = pairwise.across(real=ours, fake=theirs)
        distance, balls = energy(real=real, fake=fake), neighbours.manifold(real=ours, fake=theirs, across=both)
        accuracy = neighbours.nn_accuracy(real=ours, fake=theirs, across=both, permutations=0)
        pools = memorization.pools_of(train=train, holdout=holdout)
        share = memorization.dcr_share(memorization.distances_to(pools, fake=fake))
        gaps = {
            "energy, unbiased": distance.u,
            "energy, biased": distance.v - (2 / n) * (distance.rr + distance.ff) / 2,
            "density": balls.density - 1,
            "coverage": balls.coverage - neighbours.expected_coverage(n, n, k),
            "1-NN, real": accuracy.real - (n - 1) / (2 * n - 1),
            "1-NN, generated": accuracy.fake - (n - 1) / (2 * n - 1),
            "MMD, cubic": mmd_polynomial(real=real, fake=fake),
            "closer to training data": share.value - 0.5,
        }
        for metric, gap in gaps.items():
            found.setdefault(metric, []).append(gap)
    for metric, gaps in found.items():
        assert abs(np.mean(gaps)) < 4 * np.std(gaps, ddof=1) / np.sqrt(len(gaps)), metric
        assert np.std(gaps) > 0, metric


def test_s0_coverage_has_its_formula():
    """1 - prod (n-s)/(n+m-s): for k = 1 and n = m it is n/(2n-1), and it nears 1 - 2^-k."""
    assert neighbours.expected_coverage(60, 60, 1) == pytest.approx(60 / 119, rel=1e-12)
    assert neighbours.expected_coverage(10**7, 10**7, 5) == pytest.approx(1 - 2**-5, rel=1e-6)


def test_s0_ring_8_has_its_share_of_high_quality_and_its_divergence():
    found, n = datasets.load("ring-8"), 2500
    counted = [
        modes.mode_counts(fake=x, centres=found.modes.centres, std=found.modes.std)
        for x in np.split(found.train.x, len(found.train.x) // n)
    ]
    draws = len(counted)
    assert {c.captured for c in counted} == {8}
    quality = [c.high_quality for c in counted]
    assert np.mean(quality) == pytest.approx(1 - np.exp(-4.5), abs=4 * np.std(quality, ddof=1) / np.sqrt(draws))
    expected = 7 / (2 * np.mean([sum(c.counts) for c in counted]))
    kl = [c.kl for c in counted]
    assert np.mean(kl) == pytest.approx(expected, abs=4 * np.std(kl, ddof=1) / np.sqrt(draws))


def test_s0_p_values_are_uniform_and_tests_keep_their_level():
    n, splits, found = 15, 200, {}
    for seed, (real, fake, train, holdout) in enumerate(pairs_of("digits", n, splits)):
        test = two_sample_test(real=real, fake=fake, bandwidth=3.0, permutations=99, seed=seed)
        ours, theirs = pairwise.within(real), pairwise.within(fake)
        both = pairwise.across(real=ours, fake=theirs)
        accuracy = neighbours.nn_accuracy(
            real=pairwise.within(real, k=1), fake=pairwise.within(fake, k=1), across=both, permutations=99, seed=seed
        )
        pools = memorization.pools_of(train=train, holdout=holdout)
        distances = memorization.distances_to(pools, fake=fake)
        share = memorization.dcr_share(distances)
        found.setdefault("energy", []).append(test.energy_p)
        found.setdefault("MMD", []).append(test.mmd_p)
        found.setdefault("1-NN", []).append(accuracy.fake_p)
        found.setdefault("closer to training data", []).append(share.p)
    for metric, p in found.items():
        rejected = np.mean(np.array(p) <= 0.05)
        assert rejected <= 0.10, metric
        if metric in ("energy", "MMD"):  # the others take few different values
            assert rejected >= 0.01, metric
            assert stats.kstest(p, "uniform").pvalue > 0.01, metric


def test_s0_a_fresh_draw_is_like_real_samples(about):
    found = cells_of(*about)
    for metric in (*HEADLINE, "symmetric_precision", "symmetric_recall", "coverage", "nn_accuracy_fake"):
        assert abs(found["none", metric][0.0]) < 3, metric


# ---------------------------------------------------------------- S1 to S10: the headline metrics follow


LEAVING = (9, 5, 3, 8, 2, 0, 7, 4, 6, 1)
"""In another order the true distance itself may fall: MNIST's without 0 to 3 is .125, without 0 to 4 it is .098."""


def test_s1_classes_gone(about):
    """The more classes are missing, the worse: one, two, ... of ten."""
    w, n = world(*about), about[1]
    order, turn = np.random.default_rng(5).permutation(len(w.pool)), np.argsort(LEAVING)
    worse = {metric: [] for metric in HEADLINE}
    for gone in range(1, 8 if about[0] == "digits" else 10):
        kept = order[turn[w.labels[order]] >= gone][:n]
        assert len(kept) == n
        z = w.z(codec.to_unit(w.pool[kept]))
        for metric in HEADLINE:
            worse[metric].append(z[metric])
    for metric, zs in worse.items():
        assert rising(zs), (metric, zs)
        assert zs[-1] > 5


@pytest.mark.parametrize("corruption", LEVELS)
def test_s2_s4_to_s10_worse_damage_is_further_away(about, corruption):
    for metric in HEADLINE:
        zs = list(cells_of(*about)[corruption, metric].values())
        assert len(zs) >= 5
        assert rising(zs), (metric, zs)
        assert zs[-1] > 5


def test_s3_modes_invented(about):
    """Inverted images among real ones: new modes do not hide that they are none of the real ones."""
    w = world(*about)
    n, order = len(w.real), np.random.default_rng(6).permutation(len(w.real))
    found = []
    for share in (0.05, 0.1, 0.2, 0.4, 0.8):
        fake = w.material.rows.copy()
        invented = order[: round(share * n)]
        fake[invented] = 1 - fake[invented]
        found.append(w.z(fake))
    for metric in HEADLINE:
        assert rising([z[metric] for z in found])
        assert found[-1][metric] > 5
    for metric in ("precision", "symmetric_precision", "clipped_density"):
        assert rising([-z[metric] for z in found])
        assert found[2][metric] < -3
    assert abs(found[0]["recall"]) < 3  # the real modes are still there


def test_two_headline_metrics_see_mild_damage():
    """For MNIST this is part of the table in test_corruptions.py, where it is a mean over several real sets."""
    mild = {"blur": 0.5, "noise": 0.1, "outliers": 0.1, "atoms": 1 / 2, "shrink": 0.1, "dim": 0.9}
    for corruption, level in mild.items():
        seen = [metric for metric in HEADLINE if cells_of("digits", 360)[corruption, metric][level] >= 3]
        assert len(seen) >= 2, (corruption, seen)


def test_s8_outliers_among_the_real_samples_and_among_both():
    w = world("digits", 360)
    dirty = corruptions.corrupted(replace(w.material, rows=w.real), "outliers", 0.3, seed=1)
    z = w.z(w.material.rows, real=dirty)
    for metric in HEADLINE:
        assert z[metric] > 5
    assert z["recall"] < -3 < z["precision"]  # the mirror image: now precision is blind
    both = measure(real=dirty, fake=corruptions.corrupted(w.material, "outliers", 0.3))
    assert both.metrics["energy_distance"].p > 0.01
    assert both.metrics["mmd_rbf"].p > 0.01


# ---------------------------------------------------------------- S11: copies


def copying(w, fake) -> float:
    """Standard errors by which more of the samples are closer to training data."""
    share = memorization.dcr_share(memorization.distances_to(w.part.pools, fake=codec.flatten(fake)))
    return (share.value - 0.5) / share.standard_error


@pytest.mark.parametrize("noise", [0.0, 0.05], ids=["exact", "with noise"])
def test_s11_copies_are_found(about, noise):
    w = world(*about)
    found = []
    for share in (0.0, 0.3, 0.6, 1.0):
        copies = corruptions.corrupted(w.material, "copies", share)
        found.append(copying(w, copies + noise * gaussian(len(copies), copies[0].size).reshape(copies.shape)))
    assert rising(found)
    assert found[0] < 3 and found[-1] > 5


@pytest.mark.parametrize("corruption", LEVELS)
def test_s11_nothing_else_is_called_copying(about, corruption):
    w = world(*about)
    for level in LEVELS[corruption]:
        assert copying(w, corruptions.corrupted(w.material, corruption, level)) < 5, level


def test_s11_a_perfect_generator_and_an_average_image_do_not_copy(about):
    w = world(*about)
    mean = np.repeat(w.material.rows.mean(axis=0, keepdims=True), len(w.real), axis=0)
    assert abs(copying(w, w.material.rows)) < 3
    assert copying(w, mean) < 5


# ---------------------------------------------------------------- S12 to S15


@pytest.mark.parametrize("d", [2, 16, 64])
def test_s12_one_outlier_moves_nothing(d):
    """One of 300 generated samples six standard deviations off in every coordinate."""
    real, fake = gaussian(300, d), gaussian(300, d, 1)
    hurt = fake.copy()
    hurt[0] = 6
    before, after = (
        {name: m.value for name, m in measure(real=real, fake=x).metrics.items() if m.value is not None}
        for x in (fake, hurt)
    )
    for name in ("precision", "recall", "coverage", "symmetric_precision", "symmetric_recall", "nn_accuracy_fake"):
        assert after[name] == pytest.approx(before[name], abs=6 / 300), name  # it was a neighbour of a few
    assert measure(real=real, fake=hurt).metrics["energy_distance"].p > 0.01


def test_s12_one_real_outlier_makes_bad_samples_precise():
    """Its ball reaches back to the data, and far around: what lies there counts as real, for precision alone."""
    real = gaussian(300, 8)
    fake = 12 / np.sqrt(8) + 0.1 * gaussian(300, 8, 1)  # one tight heap, far from every real sample
    clean = measure(real=real, fake=fake).metrics
    hurt = real.copy()
    hurt[0] = 24 / np.sqrt(8)
    fooled = measure(real=hurt, fake=fake).metrics
    assert (clean["precision"].value, fooled["precision"].value) == (0, 1)
    for name in ("symmetric_precision", "clipped_density", "coverage"):
        assert fooled[name].value < 0.01, name
    assert fooled["energy_distance"].p == 1 / 200


def sweep(draw, sizes, draws):
    """size -> {what: (mean, standard error)} of energy (unbiased and biased) and density over fresh pairs."""
    found = {}
    for n in sizes:
        rows = []
        for seed in range(draws):
            real, fake = draw(n, seed)
            ours, theirs = pairwise.within(real, k=5), pairwise.within(fake, k=5)
            both = pairwise.across(real=ours, fake=theirs)
            distance = energy(real=real, fake=fake)
            density = neighbours.manifold(real=ours, fake=theirs, across=both).density
            rows.append((distance.u, distance.v, density))
        mean, error = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(draws)
        found[n] = dict(zip(("u", "v", "density"), zip(mean, error)))
    return found


def flat(found, what) -> bool:
    """Every size within four standard errors of the largest size."""
    *others, largest = (at[what] for at in found.values())
    return all(abs(mean - largest[0]) < 4 * np.hypot(error, largest[1]) for mean, error in others)


@pytest.mark.parametrize("shift", [0.0, pytest.param(0.2, marks=pytest.mark.slow)])
def test_s13_energy_and_density_do_not_depend_on_the_number_of_samples(shift):
    found = sweep(lambda n, s: (gaussian(n, 8, s), gaussian(n, 8, 100 + s) + shift), (60, 125, 250, 500, 1000), 10)
    assert flat(found, "u")
    assert not flat(found, "v")  # why the unbiased one is shown
    if not shift:
        assert flat(found, "density")
        assert found[1000]["density"][0] == pytest.approx(1, abs=4 * found[1000]["density"][1])


@pytest.mark.slow
def test_s13_energy_and_density_do_not_depend_on_the_number_of_samples_of_mnist(mnist_folder):
    x = datasets.load("mnist", folder=mnist_folder).train.x

    def draw(n, seed):
        return np.split(codec.flatten(x[np.random.default_rng([seed, n]).permutation(len(x))[: 2 * n]]), 2)

    found = sweep(draw, (250, 500, 1000, 2000), 8)
    assert flat(found, "u") and flat(found, "density")
    assert abs(found[2000]["u"][0]) < 4 * found[2000]["u"][1]


def test_s14_every_sample_twice():
    """What looks at shares and distributions does not change; what looks at neighbours sees the twins."""
    w = world("digits", 360)
    half_real, half_fake = w.real[:180], w.material.rows[:180]
    once, twice = (
        {name: m.value for name, m in measure(real=r, fake=f).metrics.items()}
        for r, f in ((half_real, half_fake), (half_real, np.repeat(half_fake, 2, axis=0)))
    )
    kept = ("energy_coefficient", "mean_real_fake", "sliced_wasserstein", "precision", "density", "coverage")
    for name in (*kept, "chamfer_fake_to_real", "chamfer_real_to_fake", "minimum_matching_distance"):
        assert twice[name] == pytest.approx(once[name], rel=1e-6), name
    assert twice["recall"] < once["recall"]  # a ball reaches fewer different neighbours
    doubled = measure(real=np.repeat(half_real, 2, axis=0), fake=np.repeat(half_fake, 2, axis=0)).metrics
    assert (doubled["nn_accuracy_real"].value, doubled["nn_accuracy_fake"].value) == (1, 1)
    same = measure(real=half_real, fake=half_real).metrics
    assert (same["nn_accuracy_real"].value, same["nn_accuracy_fake"].value) == (0, 0)
    assert same["energy_coefficient"].value == pytest.approx(0, abs=1e-12)
    assert (same["precision"].value, same["recall"].value, same["coverage"].value) == (1, 1, 1)


def test_s15_unequal_classes_are_counted():
    """One class three times as often: 1-NN labels say which, and say nothing of a fresh draw."""
    w = world("digits", 360)
    n, rng = len(w.real), np.random.default_rng(8)
    m = w.material
    found = datasets.load("digits")
    labeller = modes.Labeller.of(
        train=codec.flatten(found.train.x),
        train_labels=found.train.y,
        holdout=codec.flatten(found.holdout.x),
        holdout_labels=found.holdout.y,
    )
    three = np.flatnonzero(m.spare_labels == 3)
    others = rng.permutation(np.flatnonzero(m.labels != 3))
    count = round(0.3 * n)
    fake = np.concatenate([m.spare[rng.choice(three, count)], m.rows[others[: n - count]]])
    fair = codec.to_unit(found.test.x[rng.permutation(n)])
    for x, seen in ((fake, True), (fair, False)):
        histogram = modes.class_histogram(real=w.real, fake=x, labeller=labeller)
        assert (modes.class_test(histogram, n, n) < 1e-6) == seen
        gaps = np.subtract(histogram.fake, histogram.real)
        assert (np.abs(gaps).max() > 0.1) == seen
        if seen:
            assert histogram.labels[int(np.argmax(gaps))] == 3
            assert histogram.fake[3] == pytest.approx(count / n, abs=0.02)


# ---------------------------------------------------------------- what metrics do not see, or praise


@pytest.mark.parametrize(
    ("corruption", "level", "metric", "least"),
    [
        ("blur", 0.5, "precision", -3),
        ("shrink", 0.3, "precision", -3),
        ("dim", 0.9, "precision", -3),
        ("blur", 0.5, "density", 5),
        ("shrink", 0.3, "density", 5),
        ("dim", 0.9, "density", 5),
        ("blur", 0.5, "coverage", -3),
        ("shrink", 0.3, "coverage", -3),
        ("dim", 0.9, "coverage", -3),
        ("blur", 0.5, "clipped_density", -3),
        ("shrink", 0.3, "clipped_density", -3),
        ("dim", 0.9, "clipped_density", -3),
    ],
)
def test_duller_samples_are_praised(about, corruption, level, metric, least):
    assert cells_of(*about)[corruption, metric][level] > least


@pytest.mark.parametrize("corruption", ["blur", "shrink", "dim"])
def test_symmetric_precision_and_recall_are_not_fooled(about, corruption):
    level = {"blur": 0.75, "shrink": 0.3, "dim": 0.8}[corruption]
    for metric in ("symmetric_precision", "symmetric_recall"):
        assert cells_of(*about)[corruption, metric][level] < -5


def test_recall_does_not_see_outliers(about):
    for z in cells_of(*about)["outliers", "recall"].values():
        assert abs(z) < 3


def test_the_mean_distance_praises_shrinking_and_energy_does_not(about):
    zs = list(cells_of(*about)["shrink", "mean_real_fake"].values())
    assert rising([-z for z in zs]) and zs[-1] < -10


def test_energy_does_not_see_what_happens_within_a_cluster():
    """Every cluster three times as wide: neighbours see it at once, all distances together do not."""
    w = world("ring-8", 360)
    rng = np.random.default_rng(9)
    centres = datasets.load("ring-8").modes.centres
    wide = centres[rng.integers(8, size=360)] + 0.03 * rng.normal(size=(360, 2))
    z = w.z(wide.astype(np.float32))
    assert z["energy_distance"] < 3
    assert z["nn_accuracy_fake"] > 5 and z["symmetric_precision"] < -5


def test_one_missing_cluster_is_seen_by_energy_and_not_by_neighbours():
    w = world("ring-8", 360)
    kept = w.pool[w.labels != 3][:360]
    z = w.z(kept)
    assert z["energy_distance"] > 5
    assert abs(z["nn_accuracy_fake"]) < 3


def test_only_the_average_image(about):
    """It is close to everything and scores well wherever closeness is all that counts."""
    w = world(*about)
    mean = np.repeat(w.material.rows.mean(axis=0, keepdims=True), len(w.real), axis=0)
    best, found = w.values(w.material.rows), w.values(mean)
    assert found["mean_real_fake"] < 0.8 * best["mean_real_fake"]
    assert (found["precision"], found["authenticity"]) == (1, 1)
    assert found["density"] > 2 * best["density"]
    # And this is what tells the truth.
    assert found["energy_distance"] > 10 * abs(best["energy_distance"])
    assert found["energy_coefficient"] > 0.2
    assert (found["recall"], found["symmetric_recall"], found["symmetric_precision"]) == (0, 0, 0)
    assert found["matching_coverage"] == 1 / len(w.real)
    assert found["nn_accuracy_fake"] == 1
    assert found["mean_fake_fake"] == pytest.approx(0, abs=1e-6)
