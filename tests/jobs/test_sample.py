"""New samples, against the generator itself."""

import numpy as np
import pytest

from gan_core.codec import to_storage
from gan_core.engine import sampling
from gan_core.jobs.sample import KIND, Sample, draw
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.records import GanometerError
from tests.jobs.small_runs import STEP


def test_samples_are_the_generators_of_their_latents(store, ask, plain):
    found = ask(Sample(n=12, seed=3), plain)
    generator = SnapshotSampler.of(store, plain, STEP).generator
    made = generator(sampling.inputs(generator, 3, 12, sampling.REQUEST)).numpy()
    assert set(found) == {"x"} and np.abs(found["x"].astype(int) - to_storage(made)).max() <= 1
    assert draw(store, plain, STEP, Sample(n=12, seed=3)) == pytest.approx(made, abs=1e-6)


def test_more_of_a_draw_begin_alike_and_another_seed_gives_others(ask, plain):
    few, more, other = (ask(Sample(n=n, seed=seed), plain)["x"] for n, seed in ((12, 3), (20, 3), (12, 4)))
    assert np.array_equal(more[:12], few) and not np.array_equal(other, few)


def test_a_class_is_asked_for_by_its_label(ask, conditional, plain):
    assert not np.array_equal(*(ask(Sample(n=5, label=label), conditional)["x"] for label in (3, 4)))
    with pytest.raises(GanometerError, match="class 10 was asked .* it knows 0, 1, 2"):
        ask(Sample(n=5, label=10), conditional)
    with pytest.raises(GanometerError, match="it was trained without classes"):
        ask(Sample(n=5, label=3), plain)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "n is missing; expected a whole number"),
        (
            {"n": 10**6, "seed": -1},
            "n is 1000000; it must be between 1 and 10,000; seed is -1; it must be between 0 and 2,147,483,647",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
