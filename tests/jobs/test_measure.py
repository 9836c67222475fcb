"""A report of a snapshot, against the distances of its samples by SciPy."""

import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core.distances.reference import test_rows as rows_of
from gan_core.jobs.measure import KIND
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.sample import Sample
from gan_core.records import GanometerError
from tests.jobs.small_runs import RING, STEP, flat


def test_the_energy_distance_is_scipys_and_the_report_is_kept(store, ask, ring):
    report = ask(MeasureParameters(n=80, seed=5), ring)
    fake, real = ask(Sample(n=80, seed=5), ring)["x"], rows_of(RING.test.x, 80)
    exact = 2 * cdist(flat(real), flat(fake)).mean() - pdist(flat(real)).mean() - pdist(flat(fake)).mean()
    assert report.metrics["energy_distance"].value == pytest.approx(exact, rel=1e-4)
    assert (report.n_real, report.n_fake, report.seed, report.panel) == (80, 80, 5, "live")
    assert report.metrics["energy_distance"].reference_mean is not None
    assert (STEP, report) in store.measurements.reports(ring)
    assert store.measurements.reference(RING.sha256, "pixels", 80)


def test_no_more_samples_than_the_test_part_has(ask, plain):
    assert ask(MeasureParameters(n=5000), plain).n_real == 360


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n": 1, "k": 0}, "n is 1; it must be between 2 and 10,000; k is 0; it must be between 1 and 100"),
        (
            {"n": 50, "space": "words", "panel": "all"},
            "space is 'words'; choose one of pixels, pca64, classifier; panel is 'all'; choose one of live, full",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
