"""Marks of a metric: in a word, how a value compares with what real samples give."""

import numpy as np
import pytest

from gan_core.distances import reference
from gan_core.distances.marks import closeness, mark_of, spread_ratio
from gan_core.distances.report import measure
from gan_core.records import MetricResult


def metric(value, direction="lower", mean=0.0, sd=1.0) -> MetricResult:
    z = None if value is None or mean is None else (value - mean) / sd
    return MetricResult("m", value, direction=direction, ideal=0.0, reference_mean=mean, reference_sd=sd, z=z)


@pytest.mark.parametrize(
    ("value", "direction", "mean", "mark"),
    [
        (None, "lower", 0.0, "not measured"),
        (9.0, "lower", None, "not judged yet"),
        (9.0, "diagnostic", 0.0, "for comparison"),
        (2.9, "lower", 0.0, "like real"),
        (3.0, "lower", 0.0, "off"),
        (-3.0, "lower", 0.0, "beyond real"),
        (3.0, "higher", 0.0, "beyond real"),
        (-3.0, "target", 0.0, "off"),
    ],
)
def test_three_standard_deviations_make_a_difference(value, direction, mean, mark):
    assert mark_of(metric(value, direction, mean)) == mark


def test_the_spread_is_that_of_the_generated_samples_over_that_of_the_real_ones():
    rng = np.random.default_rng(0)
    real, fake, pool = rng.standard_normal((80, 3)), 0.5 * rng.standard_normal((80, 3)), rng.standard_normal((400, 3))
    known = reference.calibrate(test=real, pool=pool, n=80)
    report = measure(real=real, fake=fake, reference=known)
    ratio = spread_ratio(report)
    fakes, reals = report.metrics["mean_fake_fake"].value, report.metrics["mean_real_real"].value
    assert ratio.value == pytest.approx(fakes / reals) == pytest.approx(0.5, abs=0.06)
    assert ratio.reference_mean == pytest.approx(1, abs=0.1) and mark_of(ratio) == "off"
    assert ratio.verdict.startswith("Closer together than other real samples")
    alike = spread_ratio(measure(real=real, fake=pool[:80], reference=known))
    assert mark_of(alike) == "like real" and alike.verdict.startswith("On average as far apart as")


def test_without_a_reference_the_spread_is_not_judged():
    rng = np.random.default_rng(0)
    ratio = spread_ratio(measure(real=rng.random((50, 2)), fake=rng.random((50, 2))))
    assert mark_of(ratio) == "not judged yet"


def test_closeness_in_words():
    words = [closeness(ratio) for ratio in (0.1, 0.5, 1.0, 2.0)]
    assert "copy" in words[0] and "typical" in words[1] and "as near" in words[2] and "unlike" in words[3]
