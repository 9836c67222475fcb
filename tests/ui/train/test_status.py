"""What the state says while no step is trained."""

from dataclasses import replace

import pytest

from tests.drawing import open_page, text_of
from tests.jobs.test_comparison import run
from tests.ui.test_pages import trained
from ui.train.status import what_it_does

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")


@pytest.mark.parametrize(
    ("phase", "step", "said"),
    [
        ("loading data", 0, "No step yet. It loads the data."),
        ("compiling, about 22 s last time", 0, "which took 22 s last time."),
        ("compiling", 0, "which takes 5 to 30 s"),
        ("compiling", 1200, "The training rests at step 1,200. It compiles"),
        ("training", 0, "No step yet. The first steps are on their way."),
        ("downloading mnist", 0, "No step yet. Downloading mnist."),
    ],
)
def test_no_step_has_a_reason(phase, step, said):
    assert said in what_it_does(replace(run(1), phase=phase), step)


@pytest.mark.parametrize("phase", ["training", ""])
def test_while_steps_are_trained_nothing_is_said(phase):
    assert what_it_does(replace(run(1), phase=phase), 7) == ""


def test_the_page_says_it_once(home, store, data):
    run_id = trained(store, data("digits"), "running")
    claimed = store.runs.get(run_id)
    store.progress.describe(run_id, claimed.worker, 1, phase="compiling, about 22 s last time")
    text = text_of(open_page("pages/train.py", run=run_id))
    assert text.count("22 s last time") == 1 and "a few seconds" not in text
