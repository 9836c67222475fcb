"""Which run is better, as a job: its values against SciPy. What a verdict says of them is in test_comparison.py."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from gan_core.distances.reference import test_rows as rows_of
from gan_core.jobs.compare import KIND, Compare
from gan_core.jobs.sample import draw_of_training
from gan_core.records import GanometerError
from tests.jobs.small_runs import RING, STEP, flat, kept


def test_values_are_the_energy_distances_of_the_samples_that_were_measured(store, ask, ring):
    other = kept(store, RING, objective__r1=3.0, generator__latent_dim=2)
    verdict = ask(Compare(((ring, STEP), (other, STEP)), 100), step=None)
    assert verdict.n == 100 and verdict.steps == {ring: STEP, other: STEP}
    real, exact = flat(rows_of(RING.test.x, 100)), []
    for run_id in (ring, other):
        fake = flat(draw_of_training(store, run_id, STEP, 100))
        exact.append(2 * cdist(real, fake).mean() - pdist(real).mean() - pdist(fake).mean())
    assert [pairs[0][1] for pairs in verdict.values.values()] == pytest.approx(exact, rel=1e-4)
    assert verdict.comparisons[0].covers == "samples" and verdict.headline


def test_runs_on_different_data_are_not_compared(ask, plain, ring):
    with pytest.raises(GanometerError, match="not the same data .*digits, ring-8"):
        ask(Compare(((plain, STEP), (ring, STEP)), 100), step=None)


def test_a_generator_that_diverged_is_named(store, ask):
    run_id = kept(store, RING, weights=np.nan)
    with pytest.raises(GanometerError, match=f"run {run_id} diverged: its samples of step {STEP} are not finite"):
        ask(Compare(((run_id, STEP),), 100), step=None)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"runs": [], "n": 100}, "runs has 0 runs; give 1 to 40"),
        ({"runs": [["a", 1]] * 41, "n": 100}, "runs has 41 runs; give 1 to 40"),
        ({"runs": [["a", 1]], "n": 49}, "n is 49; it must be between 50 and 2,000"),
        ({"runs": [["a", 1]], "n": 2001}, "n is 2001; it must be between 50 and 2,000"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
