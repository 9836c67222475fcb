"""What the state says while no step is trained."""

from dataclasses import replace

import pytest

from tests.jobs.test_comparison import run
from ui.train.status import what_it_does


@pytest.mark.parametrize(
    ("phase", "step", "said"),
    [
        ("loading data", 0, "No step yet. The worker loads the data."),
        ("compiling, about 22 s last time", 0, "which took 22 s last time."),
        ("compiling", 0, "which takes 5 to 30 s"),
        ("compiling", 1200, "The training rests at step 1,200. The worker compiles"),
        ("training", 0, "No step yet. The worker measures the untrained samples"),
        ("downloading mnist", 0, "No step yet. Downloading mnist."),
    ],
)
def test_no_step_has_a_reason(phase, step, said):
    assert said in what_it_does(replace(run(1), phase=phase), step)


@pytest.mark.parametrize("phase", ["training", ""])
def test_while_steps_are_trained_nothing_is_said(phase):
    assert what_it_does(replace(run(1), phase=phase), 7) == ""
