"""The catalogue says what each metric means and the registry how it is computed: both name the same metrics."""

from collections import Counter

import numpy as np

from gan_core.distances.catalogue import METRICS
from gan_core.distances.inputs import Inputs, RealPart
from gan_core.distances.registry import STEPS

STEP_OF = {name: step for step in STEPS for name in step.names}


SAMPLES = np.random.default_rng(0).normal(size=(20, 2))
BARE = Inputs(RealPart.of(SAMPLES), SAMPLES)
"""Real and generated samples, and nothing else that a metric may need."""


def test_every_metric_is_computed_by_one_step():
    counts = Counter(name for step in STEPS for name in step.names)
    lacking, unknown = METRICS.keys() - counts.keys(), counts.keys() - METRICS.keys()
    assert not lacking, f"in gan_core/distances/catalogue.py, but of no Step in registry.py: {sorted(lacking)}"
    assert not unknown, f"in a Step of gan_core/distances/registry.py, but not in catalogue.py: {sorted(unknown)}"
    assert [name for name, steps in counts.items() if steps > 1] == [], "computed by two steps"


def test_catalogue_and_registry_agree_on_what_is_live():
    differing = [name for name, metric in METRICS.items() if name in STEP_OF and STEP_OF[name].live != metric.live]
    assert not differing, f"`live` in catalogue.py is not that of the Step in registry.py: {differing}"


def test_a_metric_that_needs_an_input_says_what_it_lacks():
    silent = [name for name, metric in METRICS.items() if metric.needs and STEP_OF[name].lacks(BARE) is None]
    assert not silent, f"`needs` in catalogue.py, but its Step in registry.py has no `lacks`: {silent}"
