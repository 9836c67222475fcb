"""A whole measurement: numbers, reference, histogram, status, and the sentence a student reads."""

import dataclasses
import json
import math

import dcor
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core.distances import memorization
from gan_core.distances.catalogue import METRICS
from gan_core.distances.inputs import Inputs, RealPart
from gan_core.distances.reference import calibrate, test_rows
from gan_core.distances.report import check_ranges, measure
from gan_core.distances.verdict import beside
from gan_core.records import MeasureError, Reference, record_to_json, report_from_json

N = 100
RNG = np.random.default_rng(0)
TEST, POOL = RNG.normal(size=(150, 12)), RNG.normal(size=(2000, 12))
REAL = test_rows(TEST, N, seed=0)
FRESH = RNG.normal(size=(N, 12))


@pytest.fixture(scope="module")
def reference():
    return calibrate(test=TEST, pool=POOL, n=N, draws=20, seed=0)


def values(report):
    return {name: metric.value for name, metric in report.metrics.items()}


def known(report):
    return {name: value for name, value in values(report).items() if value is not None}


def without_clock(report):
    metrics = {name: dataclasses.replace(m, seconds=0.0) for name, m in report.metrics.items()}
    return dataclasses.replace(report, metrics=metrics, seconds=0.0)


def assert_no_nan(report):
    json.loads(record_to_json(report), parse_constant=lambda word: pytest.fail(f"{word} in a report"))


def test_the_numbers_are_those_of_scipy_and_dcor():
    fake = FRESH[:80] * 1.1
    report = measure(real=RealPart.of(REAL, k=3, seed=9), fake=fake, space="pca64")
    assert (report.status, report.n_real, report.n_fake) == ("measured", N, 80)
    assert (report.k, report.space, report.seed) == (3, "pca64", 9)
    rf = cdist(REAL, fake).mean()
    assert list(report.metrics) == list(METRICS)
    expected = {
        "mean_real_real": pdist(REAL).mean(),
        "mean_fake_fake": pdist(fake).mean(),
        "mean_real_fake": rf,
        "energy_distance": dcor.energy_distance(REAL, fake, estimation_stat="u"),
        "energy_coefficient": dcor.energy_distance(REAL, fake) / (2 * rf),
        "chamfer_real_to_fake": (cdist(REAL, fake).min(axis=1) ** 2).mean(),
    }
    assert {name: values(report)[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert all(0 <= m.seconds <= report.seconds for m in report.metrics.values())


def test_direction_and_ideal():
    metrics = measure(real=REAL, fake=FRESH).metrics
    found = {name: m.direction for name, m in metrics.items()}
    assert found == {name: about.better for name, about in METRICS.items()}
    assert metrics["energy_distance"].ideal == 0
    assert metrics["nn_accuracy_real"].ideal == 99 / 199
    assert metrics["coverage"].ideal == pytest.approx(1 - 2**-5, abs=0.01)
    assert metrics["mean_real_real"].ideal is None


def test_a_metric_that_lacks_an_input_says_which():
    needs = {name: m.needs for name, m in measure(real=REAL, fake=FRESH[:90]).metrics.items() if m.value is None}
    assert needs["dcr_share"] == "train and holdout"
    assert needs["authenticity"] == "train"
    assert needs["modes_captured"].startswith("modes")
    assert needs["wasserstein2"] == "the full panel"
    assert needs["nn_accuracy_real"] == "as many generated as real samples (there are 100 real and 90 generated)"
    few = measure(real=REAL[:5], fake=FRESH[:5]).metrics
    assert few["coverage"].needs == "more than k = 5 samples of each kind (there are 5)"
    assert few["energy_distance"].value is not None
    late = measure(real=REAL, fake=FRESH, budget_seconds=0).metrics
    assert {m.needs for m in late.values() if METRICS[m.name].live and not METRICS[m.name].needs} == {
        "more than 0 seconds"
    }


def test_data_that_do_not_suit_one_metric_are_measured_by_the_others():
    """Every training row is held out too, so no copy could be told: that must not end a training."""
    train = np.random.default_rng(1).normal(size=(120, 12))
    report = measure(real=RealPart.of(REAL, train=train, holdout=train), fake=FRESH)
    assert report.metrics["dcr_share"].value is None
    assert "not in both" in report.metrics["dcr_share"].needs
    assert report.metrics["authenticity"].value is not None
    made = calibrate(test=TEST, pool=POOL, n=N, train=train, holdout=train, draws=3)
    assert "dcr_share" not in made.metrics and "coverage" in made.metrics


def test_the_full_panel_has_every_metric_whose_inputs_are_there():
    images = np.random.default_rng(5).random((4, 120, 6, 6, 1), dtype=np.float32)
    shares = []
    real_part = RealPart.of(images[0], train=images[2], holdout=images[3])
    report = measure(real=real_part, fake=images[1], panel="full", progress=shares.append)
    lacking = {name for name, metric in report.metrics.items() if metric.value is None}
    assert lacking == {"modes_captured", "high_quality_share"}
    assert {"nearest", "copies", "prd", "direction", "parzen"} <= set(report.details)
    assert shares == sorted(shares) and shares[-1] == 1
    assert all(0 < m.p <= 1 for m in report.metrics.values() if m.p is not None)
    assert_no_nan(report)
    assert report_from_json(record_to_json(report)).metrics == report.metrics


def test_z_counts_standard_deviations_from_the_reference():
    known = Reference(n=N, draws=20, seed=0, metrics={"energy_distance": (0.5, 0.25), "mean_real_real": (1.0, 0.0)})
    metrics = measure(real=REAL, fake=FRESH, reference=known).metrics
    assert metrics["energy_distance"].z == pytest.approx((metrics["energy_distance"].value - 0.5) / 0.25)
    assert (metrics["energy_distance"].reference_mean, metrics["energy_distance"].reference_sd) == (0.5, 0.25)
    assert metrics["mean_real_real"].z is None  # no spread, so no z
    assert metrics["mean_fake_fake"].reference_mean is None
    as_large = 200 * metrics["energy_distance"].p  # of 199 permutations and the labelling itself
    assert as_large == pytest.approx(round(as_large)) and 1 <= as_large <= 200
    assert metrics["mean_real_real"].p is None


def test_the_histogram_is_numpys_and_integrates_to_one():
    fake = FRESH * 4  # farther than any real sample, so the last bin is stretched
    drawn = measure(real=REAL, fake=fake).histogram
    edges = np.array(drawn.edges)
    farthest = max(pdist(REAL).max(), pdist(fake).max(), cdist(REAL, fake).max())
    reach = 2 * np.linalg.norm(REAL - REAL.mean(axis=0), axis=1).max()
    assert len(edges) == 91
    assert edges[:-1] == pytest.approx(np.linspace(0, reach, 91)[:-1], rel=1e-12)
    assert edges[-1] == pytest.approx(farthest, rel=1e-9)
    assert len(measure(real=REAL, fake=REAL / 2).histogram.edges) < 91  # no empty bins at the end
    for density, distances in (
        (drawn.real_real, pdist(REAL)),
        (drawn.fake_fake, pdist(fake)),
        (drawn.real_fake, cdist(REAL, fake)),
    ):
        reach = np.append(edges[:-1], edges[-1] * (1 + 1e-9))  # scipy may round the farthest one up
        assert density == pytest.approx(np.histogram(distances, reach, density=True)[0], rel=1e-6, abs=1e-12)
        assert np.dot(density, np.diff(edges)) == pytest.approx(1, rel=1e-12)


def test_fresh_real_samples_cannot_be_told_apart(reference):
    report = measure(real=REAL, fake=FRESH, reference=reference)
    assert abs(report.metrics["energy_distance"].z) < 3
    assert "cannot be told apart from real ones" in report.verdict
    assert "spread" not in report.verdict
    assert "n = 100;" in report.verdict


@pytest.mark.parametrize(("scale", "word"), [(0.7, "closer together"), (1.5, "farther apart")])
def test_a_wrong_spread_is_seen_and_said(reference, scale, word):
    report = measure(real=REAL, fake=FRESH * scale, reference=reference)
    ratio = scale * pdist(FRESH).mean() / pdist(REAL).mean()
    assert report.metrics["energy_distance"].z > 3
    assert "differ from the real ones, as " in report.verdict
    assert f"On average they lie {word} than real ones do" in report.verdict
    assert f"(spread, the ratio of the mean distances: {ratio:.4f})." in report.verdict


def test_a_shift_is_seen_without_a_word_on_spread(reference):
    report = measure(real=REAL, fake=FRESH + 1, reference=reference)
    assert "samples differ" in report.verdict
    assert "spread" not in report.verdict


def test_copies_of_the_test_rows_are_closer_than_real_samples_are(reference):
    report = measure(real=REAL, fake=REAL, reference=reference)
    assert report.metrics["energy_distance"].value == pytest.approx(-2 * pdist(REAL).mean() / N, rel=1e-9)
    assert "look for copies" in report.verdict


def test_the_verdict_word_by_word():
    metrics = {"energy_distance": (-0.0031, 0.0029), "mean_fake_fake": (4.0, 0.5)}
    known = Reference(n=2, draws=8, seed=0, metrics=metrics)
    report = measure(real=[[0.0], [4.0]], fake=[[3.0], [4.0]], reference=known)
    # rr = 4, ff = 1, rf = (3 + 4 + 1 + 0) / 4 = 2, so U = -1 and z = -0.9969 / 0.0029.
    assert report.verdict == (
        "Energy distance -1.0000 at n = 2; two sets of real samples of this size give -0.003 ± 0.003 (z < -100): the "
        "generated samples lie closer to the real ones than real samples do, so look for copies. "
        "Below 0 is no better than 0: where nothing differs, chance takes an estimate that is right on average to both "
        "sides of 0. "
        "On average they lie closer together than real ones do (spread, the ratio of the mean distances: 0.2500). "
        "With 2 samples an energy distance has to change by 0.0087 to be seen."
    )


def test_without_a_reference_nothing_is_judged():
    report = measure(real=REAL, fake=FRESH[:50] + 9)
    assert report.verdict.endswith(
        " at 100 real and 50 generated samples (permutation test: p = 0.005). "
        "What two sets of real samples of this size give is missing, so this is not judged."
    )
    assert all(m.z is None and m.reference_mean is None for m in report.metrics.values())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_a_diverged_generator_gives_a_report_without_values(reference, bad):
    fake = FRESH.copy()
    fake[3, 5] = bad
    report = measure(real=REAL, fake=fake, reference=reference)
    assert report.status == "diverged"
    assert values(report) == dict.fromkeys(METRICS)
    assert all(m.z is None for m in report.metrics.values())
    assert report.histogram is None
    assert report.verdict.startswith("The generator diverged: 1 of its 1,200 numbers are not finite")
    assert_no_nan(report)


def test_a_report_judged_later_is_the_report_judged_at_once(reference):
    diverged = np.full_like(FRESH, np.nan)
    for fake in (FRESH, FRESH * 0.7, np.zeros_like(FRESH), diverged):
        judged, alone = measure(real=REAL, fake=fake, reference=reference), measure(real=REAL, fake=fake)
        assert beside(alone, None) == alone
        assert without_clock(beside(alone, reference)) == without_clock(judged)
    with pytest.raises(MeasureError, match="for 100 samples, but there are 100 real and 50 fake"):
        beside(measure(real=REAL, fake=FRESH[:50]), reference)


@pytest.mark.parametrize("rounding", [0.0, 1e-8], ids=["equal", "equal but for float32"])
def test_a_collapsed_generator_is_measured_and_named(reference, rounding):
    fake = np.repeat(REAL.mean(axis=0)[None], N, axis=0) + rounding * FRESH
    report = measure(real=REAL, fake=fake, reference=reference)
    assert report.status == "collapsed"
    assert report.metrics["mean_fake_fake"].value == pytest.approx(0, abs=1e-6)
    to_centre = np.linalg.norm(REAL - REAL.mean(axis=0), axis=1).mean()
    assert report.metrics["energy_distance"].value == pytest.approx(2 * to_centre - pdist(REAL).mean(), rel=1e-6)
    assert report.verdict.startswith("The generator has collapsed: all 100 samples are the same. Energy distance ")
    assert "samples differ" in report.verdict
    assert_no_nan(report)


def test_few_different_samples_are_not_a_collapse():
    assert measure(real=REAL, fake=np.repeat(FRESH[:2], 50, axis=0)).status == "measured"


def test_constant_data_give_no_nan():
    constant = np.full((5, 3), 0.3)
    known = calibrate(test=constant, pool=constant, n=5, draws=3)
    for fake in (constant, constant + 1, np.eye(5, 3)):
        report = measure(real=constant, fake=fake, reference=known)
        assert_no_nan(report)
        told = "cannot be told" if fake is constant else "samples differ"
        assert told in report.verdict
        assert "z =" not in report.verdict


def test_a_report_survives_json(reference):
    report = measure(real=REAL, fake=FRESH, reference=reference)
    assert_no_nan(report)
    assert report_from_json(record_to_json(report)) == report


def test_images_of_bytes_and_of_floats_are_the_same_images():
    rng = np.random.default_rng(1)
    real, fake = rng.integers(0, 256, (2, 40, 6, 6, 1), dtype=np.uint8)
    as_bytes = known(measure(real=real, fake=fake))
    mixed = known(measure(real=real, fake=fake / np.float32(255)))
    assert mixed == pytest.approx(as_bytes, rel=1e-6, abs=1e-9)
    flat = (real / 255.0).reshape(40, -1)
    assert as_bytes["mean_real_real"] == pytest.approx(pdist(flat).mean(), rel=1e-6)


def test_a_cached_real_part_changes_nothing(reference):
    part = RealPart.of(REAL)
    fresh = measure(real=REAL, fake=FRESH, reference=reference)
    for _ in range(2):
        assert without_clock(measure(real=part, fake=FRESH, reference=reference)) == without_clock(fresh)


def test_a_cached_real_part_is_not_computed_again():
    """A part that claims twice the distances is believed."""
    part = RealPart.of(REAL)
    doubled = dataclasses.replace(part.within.moments, total=2 * part.within.moments.total)
    part.__dict__["within"] = dataclasses.replace(part.within, moments=doubled)
    found = values(measure(real=part, fake=FRESH))["mean_real_real"]
    assert found == pytest.approx(2 * pdist(REAL).mean(), rel=1e-9)


def test_fakes_of_another_shape_than_the_real_part_are_refused():
    """Rows of pixels beside images too: which pixel is where may differ."""
    for shape, said in (((N, 6), "100, 6"), ((N, 2, 3, 2), "100, 2, 3, 2")):
        with pytest.raises(MeasureError, match=rf"real is \(100, 12\) and fake is \({said}\)"):
            measure(real=RealPart.of(REAL), fake=np.zeros(shape))


def test_what_a_real_part_cannot_be_made_of_is_refused():
    with pytest.raises(MeasureError, match=r"real is \(100, 12\) and train is \(100, 5\)"):
        RealPart.of(REAL, train=REAL[:, :5])
    with pytest.raises(MeasureError, match="k is 0; choose at least 1"):
        RealPart.of(REAL, k=0)


@pytest.mark.parametrize(
    ("real", "fake", "said"),
    [
        (REAL, FRESH[:, :5], r"real is \(100, 12\) and fake is \(100, 5\)"),
        (REAL, FRESH.reshape(N, 2, 2, 3), r"fake is \(100, 2, 2, 3\)"),
        (REAL[:1], FRESH, "real has 1 sample; a measurement needs 2"),
        (REAL, FRESH[:1], "needs 2 samples of each"),
        (REAL, FRESH[:0], "needs 2 samples of each"),
        (3.0, 4.0, r"real is float64 \(\)"),
        (REAL[:, :0], FRESH[:, :0], r"real is float64 \(100, 0\)"),
        (REAL[:, 0], FRESH[:, 0], r"real is float64 \(100,\)"),
        (np.where(REAL > 2.5, np.nan, REAL), FRESH, f"real has {np.sum(REAL > 2.5)} of 1200"),
        (np.full((5, 2), np.inf), np.full((5, 2), np.nan), "real has 10 of 10"),
        (REAL, FRESH.astype(str), "fake is <U"),
    ],
)
def test_what_cannot_be_measured_is_named(real, fake, said):
    with pytest.raises(MeasureError, match=said):
        measure(real=real, fake=fake)


@pytest.mark.parametrize(("n_real", "n_fake"), [(N, 99), (99, N), (99, 99)])
def test_a_reference_for_another_n_is_refused(reference, n_real, n_fake):
    with pytest.raises(MeasureError, match=f"for 100 samples, but there are {n_real} real and {n_fake} fake"):
        measure(real=REAL[:n_real], fake=FRESH[:n_fake], reference=reference)


def test_ranges_255_times_apart_are_refused():
    images = np.random.default_rng(0).random((20, 4, 4, 1))
    with pytest.raises(MeasureError, match="more than 8 times"):
        check_ranges(real=images, fake=images * 255)
    with pytest.raises(MeasureError, match="more than 8 times"):
        check_ranges(real=np.full((3, 2), 255.0), fake=np.ones((3, 2)))


@pytest.mark.parametrize("scale", [1 / 7.9, 1.0, 7.9])
def test_ranges_that_could_be_a_generators_are_accepted(scale):
    images = np.random.default_rng(0).random((20, 4, 4, 1))
    assert check_ranges(real=images, fake=images * scale) is None
    assert check_ranges(real=(images * 255).astype(np.uint8), fake=images) is None
    assert check_ranges(real=images, fake=images * 0) is None


def test_ranges_of_a_file_with_nan_cannot_be_compared():
    with pytest.raises(MeasureError, match="fake has 1 of 4"):
        check_ranges(real=np.eye(2), fake=[[0, 1], [2, math.nan]])


@pytest.mark.parametrize("twice", [0, 40], ids=["every row once", "rows that come twice, of which the pools hold one"])
def test_one_search_of_the_train_rows_serves_all_who_ask(twice):
    """Copies, regions and classes, each against scipy's distances to the rows it is about."""
    rng = np.random.default_rng(8)
    train, holdout, real, fake = (rng.normal(size=(n, 6)) for n in (300, 300, 200, 200))
    train[len(train) - twice :] = train[:twice]
    labels, others = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    part = RealPart.of(real, train=train, holdout=holdout, train_labels=labels, holdout_labels=others)
    inputs = Inputs(part, fake)
    to_pool, to_train = cdist(fake, part.pools.train), cdist(fake, train)
    assert len(part.pools.train) == 300 - twice
    assert inputs.to_pools.to_train == pytest.approx(to_pool.min(axis=1), rel=1e-12)
    assert inputs.to_pools.to_train_index.tolist() == to_pool.argmin(axis=1).tolist()
    report = measure(real=part, fake=fake, panel="full")
    nearest = to_train.argmin(axis=1)
    between = cdist(train, train)
    np.fill_diagonal(between, np.inf)
    outside = to_train.min(axis=1) > between[nearest].min(axis=1)
    assert report.metrics["authenticity"].value == pytest.approx(outside.mean(), abs=1e-12)
    assert report.details["classes"]["raw_fake"] == pytest.approx(np.bincount(labels[nearest], minlength=3) / 200)


@pytest.mark.parametrize("different", [30, 80])
def test_what_is_known_already_gives_the_numbers_of_the_whole_search(different):
    """How many fakes are different is known of their nearest neighbours; how far train rows are apart, of an earlier
    report."""
    rng = np.random.default_rng(11)
    train, holdout = rng.normal(size=(2, 400, 12)).astype(np.float32)
    fake = np.resize(rng.normal(size=(different, 12)), (80, 12))
    part = RealPart.of(REAL, train=train, holdout=holdout, pool=150)
    measure(real=part, fake=FRESH)
    found = known(measure(real=part, fake=fake))
    distances = memorization.distances_to(part.pools, fake=fake)
    assert distances.unique == Inputs(part, fake).to_pools.unique == different
    share, close = memorization.dcr_share(distances), memorization.copy_share(part.pools, distances)
    assert (found["dcr_share"], found["copy_share"]) == (share.value, close.value)
    within, across = cdist(part.pool_of_train, part.pool_of_train), cdist(fake, part.pool_of_train)
    np.fill_diagonal(within, np.inf)
    expected = np.mean(across.min(axis=1) > within.min(axis=1)[across.argmin(axis=1)])
    assert 0 < found["authenticity"] == expected < 1
