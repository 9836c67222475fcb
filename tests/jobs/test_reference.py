"""Real against real as a job: what the store keeps of it, and that equal distributions are found equal."""

import pytest

from gan_core.jobs.reference import KIND, ReferenceParameters
from gan_core.records import GanometerError
from tests.jobs.small_runs import RING


def test_it_is_kept_and_finds_real_samples_equal(store, ask):
    found = ask(ReferenceParameters("ring-8", 60), step=None)
    assert (found.n, found.k, found.panel) == (60, 5, "live")
    assert store.measurements.reference(RING.sha256, "pixels", 60) == found
    mean, sd = found.metrics["energy_distance"]
    assert abs(mean) < 3 * sd  # its expectation is 0 for equal distributions


def test_what_is_known_is_not_measured_again(ask):
    first, again = (ask(ReferenceParameters("ring-8", 61, k=3), step=None) for _ in range(2))
    assert first == again and first.k == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n": 50}, "dataset is missing; expected text that can be stored"),
        (
            {"dataset": "digits", "n": 1, "space": 3},
            "n is 1; it must be between 2 and 10,000; space is 3; choose one of pixels, pca64, classifier",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
