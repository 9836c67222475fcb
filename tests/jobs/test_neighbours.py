"""The nearest training rows of samples, against SciPy."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_core.jobs.neighbours import KIND, Neighbours
from gan_core.jobs.sample import Sample
from gan_core.records import GanometerError
from tests.jobs.small_runs import DIGITS, flat


@pytest.mark.parametrize("asked", [Neighbours(k=3), Neighbours(k=2, n=7, seed=1)])
def test_neighbours_are_those_scipy_finds(ask, plain, asked):
    found, train = ask(asked, plain), DIGITS.train
    exact = cdist(flat(found["x"]), flat(train.x))
    assert found["distances"] == pytest.approx(np.sort(exact, axis=1)[:, : asked.k], abs=1e-4)
    assert np.take_along_axis(exact, found["rows"], axis=1) == pytest.approx(found["distances"], abs=1e-4)
    assert np.array_equal(found["nearest"], train.x[found["rows"]])
    assert np.array_equal(found["labels"], train.y[found["rows"]])


def test_samples_are_the_snapshots_without_a_seed_and_new_ones_with_it(store, ask, plain, conditional):
    assert np.array_equal(ask(Neighbours(k=1), plain)["x"], store.recordings.snapshot(plain).samples)
    new = ask(Neighbours(k=1, n=5, seed=2, label=3), conditional)["x"]
    assert np.array_equal(new, ask(Sample(n=5, seed=2, label=3), conditional)["x"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "k is missing; expected a whole number"),
        ({"k": 101, "n": 0}, "k is 101; it must be between 1 and 100; n is 0; it must be between 1 and 10,000"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
