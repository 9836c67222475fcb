"""What is said of generated samples whose quality is known: one of six kinds, and a sentence without statistics."""

import dataclasses
import re

import numpy as np
import pytest

from gan_core.codec import flatten, to_unit
from gan_core.data import datasets
from gan_core.distances.inputs import RealPart
from gan_core.distances.marks import spread_ratio
from gan_core.distances.reference import calibrate, test_rows
from gan_core.distances.report import measure
from gan_core.distances.verdict import (
    BELOW_ZERO,
    TITLES,
    beside,
    in_json,
    placed,
    shown_value,
    verdict_of,
    with_z,
    z_value,
)
from gan_core.jobs import measurement, references
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.records import MetricResult, Modes, Reference, Report

N = 200
ANGLES = 2 * np.pi * np.arange(8) / 8
RING = Modes(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), 0.05)
RNG = np.random.default_rng(0)


def ring(n: int, modes: int = 8) -> np.ndarray:
    return RING.centres[RNG.integers(0, modes, n)] + RING.std * RNG.normal(size=(n, 2))


TRAIN, HOLDOUT, TEST, POOL = ring(300), ring(300), ring(400), ring(2000)
FRESH, SHAPELESS = ring(N), RNG.normal(size=(N, 2))


@pytest.fixture(scope="module")
def part():
    return RealPart.of(test_rows(TEST, N), train=TRAIN, holdout=HOLDOUT)


@pytest.fixture(scope="module")
def known(part):
    return calibrate(test=TEST, pool=POOL, n=N, real_part=part, modes=RING)


FAKES = {
    "real": (lambda: FRESH, "like_real", "cannot be told apart from real ones with 200 samples of each kind"),
    "a little moved": (lambda: FRESH + 0.05, "nearly", "come close to real ones"),
    "wider modes": (lambda: RING.centres[np.arange(N) % 8] + 0.08 * SHAPELESS, "nearly", "of them are realistic"),
    "noise": (lambda: 2 * SHAPELESS, "far_off", "hardly any of them are realistic"),
    "moved": (lambda: FRESH + 0.5, "far_off", "far from real ones"),
    "far away": (lambda: FRESH + 1000, "far_off", "far from real ones"),
    "one sample": (lambda: np.repeat(FRESH[:1], N, axis=0), "collapsed", "all 200 samples are the same"),
    "nearly one": (lambda: [9, 9] + 1e-3 * SHAPELESS, "collapsed", "nearly all alike"),
    "three samples": (lambda: np.resize(3 * SHAPELESS[:3], (N, 2)), "collapsed", "only a few different ones"),
    "1 mode of 8": (lambda: ring(N, modes=1), "collapsed", "1 of 8 modes"),
    "2 modes of 8": (lambda: ring(N, modes=2), "collapsed", "2 of 8 modes"),
    "1 mode and strays": (lambda: np.concatenate([ring(190, modes=1), ring(10)]), "collapsed", "1 of 8 modes"),
    "5 modes of 8": (lambda: ring(N, modes=5), "far_off", "modes are missing"),
    "copies": (lambda: TRAIN[:N], "copies", "closer to a training sample than to unseen real ones"),
    "copies, rounded": (lambda: TRAIN[:N].astype(np.float32), "copies", "closer to a training sample"),
    "copies of what is measured": (lambda: test_rows(TEST, N), "copies", "closer to the real ones than other real"),
    "not a number": (lambda: np.where(FRESH > 1, np.nan, FRESH), "far_off", "The training has diverged"),
}


@pytest.mark.parametrize("name", FAKES)
def test_samples_of_known_quality(part, known, name):
    make, kind, said = FAKES[name]
    verdict = verdict_of(measure(real=part, fake=make(), reference=known, modes=RING))
    assert verdict.kind == kind and said in verdict.sentence


def test_a_collapse_of_normal_spread_says_on_what_it_rests(part, known):
    """A few samples far apart have the mean distance of real ones; that many are nearly one another shows elsewhere."""
    few = np.resize(RING.centres[[0, 4]], (N, 2)) + 1e-4 * SHAPELESS
    found = measure(real=part, fake=few, reference=known)
    verdict, ratio = verdict_of(found), spread_ratio(found)
    assert ratio.value > 0.5 and verdict.kind == "collapsed"
    assert "only a few different ones, far apart from each other, repeated" in verdict.sentence
    assert "to the nearest other one is" in found.verdict and "less than a tenth" in found.verdict
    assert "That samples repeat does not show here" in ratio.verdict
    fine = measure(real=part, fake=FRESH, reference=known)
    assert "nearest other one" not in fine.verdict and "repeat" not in spread_ratio(fine).verdict


def test_without_known_modes_a_collapse_is_seen_by_what_never_appears(part, known):
    verdict = verdict_of(measure(real=part, fake=ring(N, modes=2), reference=known))
    assert verdict.kind == "collapsed" and "most kinds of real samples never appear" in verdict.sentence


def test_without_real_against_real_nothing_is_told_but_what_is_plain(part, known):
    alone = measure(real=part, fake=FRESH)
    assert verdict_of(alone).kind == "cannot_tell" and "not known yet" in verdict_of(alone).sentence
    assert verdict_of(beside(alone, known)).kind == "like_real"
    assert verdict_of(measure(real=part, fake=np.repeat(FRESH[:1], N, axis=0))).kind == "collapsed"
    assert verdict_of(measure(real=part, fake=np.full((N, 2), np.inf))).kind == "far_off"


@pytest.mark.parametrize("n", [2, 20, 49])
def test_too_few_samples_tell_nothing(n):
    for fake in (FRESH[:n], FRESH[:n] + 1):
        verdict = verdict_of(
            measure(real=test_rows(TEST, n), fake=fake, reference=calibrate(test=TEST, pool=POOL, n=n, draws=5))
        )
        assert verdict.kind == "cannot_tell" and f"{n} samples are too few to tell: 50 or more" in verdict.sentence


def test_a_spread_in_which_a_large_difference_would_be_lost_tells_nothing(part, known):
    mean, _ = known.metrics["energy_distance"]
    wide = dataclasses.replace(known, metrics={**known.metrics, "energy_distance": (mean, 0.2)})
    verdict = verdict_of(measure(real=part, fake=FRESH, reference=wide, modes=RING))
    assert verdict.kind == "cannot_tell" and "even a large difference would not be seen" in verdict.sentence


def report(metrics: dict[str, tuple[float, float, float]], **details) -> Report:
    directions = {"symmetric_precision": "higher", "symmetric_recall": "higher", "nn_accuracy_real": "target"}
    made = {
        name: MetricResult(name, value, mean, sd, (value - mean) / sd, direction=directions.get(name, "lower"))
        for name, (value, mean, sd) in metrics.items()
    }
    made["mean_real_real"] = MetricResult("mean_real_real", 2.0)
    return Report("measured", 500, 500, 5, "pixels", 0, made, details=details)


def test_one_family_alone_is_chance_unless_it_is_certain():
    energy, recall = (0.005, 0.001, 0.001), (0.90, 0.95, 0.01)
    alone = verdict_of(report({"energy_distance": energy}))
    assert alone.kind == "like_real" and "may be chance" in alone.sentence
    assert verdict_of(report({"energy_distance": energy, "mmd_rbf": energy})).kind == "like_real"  # of one family
    assert verdict_of(report({"energy_distance": energy, "symmetric_recall": recall})).kind == "nearly"
    assert verdict_of(report({"energy_distance": (0.007, 0.001, 0.001)})).kind == "nearly"


def test_what_is_shown_is_what_decides():
    """z = 2.96 is shown as +3.0, so it counts as 3."""
    both = {"energy_distance": (2.96, 0.0, 1.0), "nn_accuracy_real": (2.96, 0.0, 1.0)}
    assert verdict_of(report(both)).kind != "like_real" and z_value(2.96) == "+3.0"
    both = {name: (0.00294, 0.0, 0.001) for name in both}
    assert verdict_of(report(both)).kind == "like_real" and z_value(2.94) == "+2.9"


@pytest.mark.parametrize(
    ("z", "value", "named"),
    [
        (2.6, "+2.6", "z = +2.6"),
        (-0.04, "+0.0", "z = +0.0"),
        (99.94, "+99.9", "z = +99.9"),
        (99.96, "> 100", "z > 100"),
        (-2480.3, "< -100", "z < -100"),
        (float("inf"), "> 100", "z > 100"),
        (float("nan"), "?", "z = ?"),
    ],
)
def test_z_has_one_decimal_and_huge_ones_one_wording(z, value, named):
    assert (z_value(z), with_z(z)) == (value, named)
    assert z_value(None) == ""


def test_a_negative_estimate_is_explained_where_it_stands(part, known):
    known = dataclasses.replace(known, metrics={name: (abs(mean), sd) for name, (mean, sd) in known.metrics.items()})
    below = measure(real=part, fake=test_rows(TEST, N), reference=known)
    above = measure(real=part, fake=FRESH + 1, reference=known)
    for name in ("energy_distance", "mmd_rbf"):
        assert below.metrics[name].value < 0 and BELOW_ZERO in below.metrics[name].verdict
        assert BELOW_ZERO not in above.metrics[name].verdict
    assert BELOW_ZERO in below.verdict and BELOW_ZERO not in above.verdict


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("energy_distance", 0.000154, "0.0002"),
        ("energy_distance", -0.00004, "0.0000"),
        ("energy_distance", 12.34567, "12.3457"),
        ("mmd_rbf", 0.000154, "0.00015"),
        ("mmd_rbf", 0.0, "0.0000"),
        ("coverage", None, "—"),
    ],
)
def test_a_value_has_the_same_digits_everywhere(name, value, shown):
    assert shown_value(MetricResult(name, value)) == shown


def test_real_samples_below_zero_are_explained_beside_a_value_above_it():
    known = Reference(n=N, draws=8, seed=0, metrics={"energy_distance": (-0.003, 0.002), "coverage": (0.97, 0.01)})
    for value in (0.001, 0.5):
        assert BELOW_ZERO in placed(MetricResult("energy_distance", value, direction="lower"), known, N).verdict
    assert BELOW_ZERO not in placed(MetricResult("coverage", 0.5, direction="higher"), known, N).verdict


def test_huge_differences_have_one_wording():
    known = Reference(n=N, draws=8, seed=0, metrics={"energy_distance": (0.0, 0.001)})
    said = placed(MetricResult("energy_distance", 2.0, direction="lower"), known, N).verdict
    assert "Off by more than 100 standard deviations" in said


def test_sentences_are_for_readers_who_know_no_statistics(part, known):
    for make, *_ in FAKES.values():
        sentence = verdict_of(measure(real=part, fake=make(), reference=known, modes=RING)).sentence
        assert not re.search(r"\bz\b|\bp =|±|sigma|standard deviation|energy|metric", sentence)
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    "details", [{"modes": 5}, {"modes": {"counts": "many"}}, {"classes": {"fake": [None], "real": [1]}}]
)
def test_details_of_another_program_break_nothing(details):
    assert verdict_of(report({"energy_distance": (0.0, 0.0, 0.001)}, **details)).kind == "like_real"
    assert verdict_of(Report("measured", 500, 500, 5, "pixels", 0)).kind == "cannot_tell"
    assert verdict_of(report({"energy_distance": (float("nan"), 0.0, 0.001)})).kind == "cannot_tell"


def test_a_file_has_the_verdict_and_the_numbers_behind_it(part, known):
    found = measure(real=part, fake=FRESH + 0.5, reference=known)
    value = in_json(found)
    assert value["verdict"] == {"kind": "far_off", "title": TITLES["far_off"], "sentence": verdict_of(found).sentence}
    assert value["numbers"] == found.verdict and value["n_fake"] == N


def test_noise_on_other_real_samples_is_no_copy():
    """The nearest one of such a sample is real, because no two share their noise; that of a real one is not."""
    noisy = {"energy_distance": (0.03, -0.001, 0.002), "mean_real_real": (2.0, 2.0, 0.01)}
    noisy |= {"nn_accuracy_real": (0.86, 0.5, 0.01), "nn_accuracy_fake": (0.23, 0.5, 0.02)}
    assert verdict_of(report(noisy)).kind == "nearly"
    assert verdict_of(report(noisy | {"nn_accuracy_real": (0.2, 0.5, 0.01)})).kind == "copies"


def test_digits_that_show_some_classes_only():
    digits = datasets.load("digits")
    asked = MeasureParameters(360)
    part = measurement.real_part(digits, asked, flatten)
    known = references.shipped()[digits.sha256, "pixels", 360, 5, "live"]
    labels, x = np.concatenate([digits.holdout.y, digits.train.y]), [to_unit(digits.holdout.x), to_unit(digits.train.x)]
    for classes, kind in ((1, "collapsed"), (2, "collapsed"), (5, "far_off"), (10, "like_real")):
        rows = np.flatnonzero(labels < classes)
        fake = np.concatenate(x)[np.resize(rows, 360)]
        fake = fake + 1e-3 * np.random.default_rng(1).normal(size=fake.shape)
        assert verdict_of(measure(real=part, fake=flatten(fake), reference=known)).kind == kind
    copies = np.concatenate(x[1:])[:360]
    assert verdict_of(measure(real=part, fake=flatten(copies), reference=known)).kind == "copies"
