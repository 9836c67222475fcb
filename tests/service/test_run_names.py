"""What runs are called: by what differs from their recipe."""

import pytest

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.service.run_names import name_of
from gan_core.store.labels import LONGEST_NAME
from tests.service.labs import points

RECIPE = preset("auto", data="digits")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "digits · auto"),
        ({"data.conditional": True}, "digits · auto · conditional"),
        ({"training.steps": 500, "seed": 3}, "digits · auto · 500 steps · seed 3"),
        ({"training.seconds": 60}, "digits · auto · 60 s"),
        ({"objective.r1": 0.5}, "digits · auto · r1 = 0.5"),
    ],
)
def test_a_run_is_named_by_what_differs(changes, name):
    assert name_of(override(RECIPE, changes), RECIPE, "digits") == name


def test_a_long_name_ends_with_its_seed_and_fits():
    changes = {"objective.r1": 0.5, "objective.r2": 0.5, "objective.energy_weight": 2, "optimizer.beta1": 0.25}
    changes["seed"] = 7
    name = name_of(override(RECIPE, changes), RECIPE, "x" * 60)
    assert len(name) <= LONGEST_NAME and name.endswith(" · seed 7")


def test_a_run_on_a_file_is_called_by_the_name_of_the_file(lab):
    data = lab.uploads.keep(lab.uploads.read(points(), "cats and dogs.csv"))
    run = lab.runs.get(lab.runs.start(override(lab.recipes.preset("auto", data=data), {"training.steps": 20})))
    assert run.name == "cats and dogs.csv · auto · 20 steps"
