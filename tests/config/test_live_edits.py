"""What may be changed of a run, and what has to be compiled then: held against what the engine compiles."""

import json

import numpy as np
import pytest

from gan_core.config.live_edits import EDITABLE, edited, is_live, needs_compiling, undone
from gan_core.config.presets import preset
from gan_core.config.run_config import SETTINGS, ConfigError, differences, override

CONFIG = preset("auto", data="ring-8", shape=(2,))


def test_what_is_fixed_is_what_shapes_networks_data_and_draws():
    fixed = [key for key in SETTINGS if key not in EDITABLE]
    assert {key.split(".")[0] for key in fixed} == {
        "preset", "seed", "data", "generator", "discriminator", "training", "recording",
    }  # fmt: skip
    assert {key for key in fixed if key.startswith("training")} == {"training.seconds"}
    assert {key for key in EDITABLE if key.split(".")[0] in ("generator", "discriminator")} == {
        "generator.ema",
        "discriminator.clip",
    }


def test_nothing_changed_is_the_same_configuration():
    assert edited(CONFIG, {}, step=5) == CONFIG
    assert edited(CONFIG, {"objective.r1": str(CONFIG.objective.r1)}, step=5) == CONFIG


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 4}, "seed is fixed once a run has begun (it is at step 700)"),
        ({"generator.hidden": "64"}, "generator.hidden is fixed"),
        ({"data.name": "mnist"}, "data.name is fixed"),
        ({"training.steps": 700}, "training.steps is 700 and the run is at step 700 already"),
        ({"objective.loss": "vae", "objective.r1": 0, "objective.r2": 0}, "trains other networks than 'relativistic'"),
        ({"objective.loss": "wasserstein", "objective.r1": 0, "objective.r2": 0}, "bounds the critic's gradient"),
        ({"objective.r1": -1}, "objective.r1 is -1"),
        ({"objective.r9": 1}, "objective.r9 is not a setting; did you mean"),
        ({"optimizer.learning_rate_generator": "nan"}, "learning_rate_generator is nan"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_changed_is_refused_with_key_value_and_remedy(changes, said):
    with pytest.raises(ConfigError) as error:
        edited(CONFIG, changes, step=700)
    assert said in str(error.value)


def test_every_fixed_key_is_named_at_once():
    with pytest.raises(ConfigError) as error:
        edited(CONFIG, {"seed": 4, "recording.rows": 300}, step=0)
    assert len(error.value.problems) == 2


CHANGES = {
    "optimizer.learning_rate_generator": 1e-4,
    "objective.r1": 2.0,
    "training.steps": 40_000,
    "objective.energy_weight": 0.3,
    "objective.loss": "hinge",
    "training.discriminator_steps": 2,
    "optimizer.beta1": 0.5,
    "training.batch": 64,
    "generator.ema": 0.9,
}


@pytest.mark.parametrize("key", CHANGES)
def test_what_needs_compiling_is_another_structure_to_the_engine(key):
    from gan_core.engine import models
    from gan_core.engine.networks import statistics

    data = statistics(np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32))
    after = edited(CONFIG, {key: CHANGES[key]}, step=1)
    assert needs_compiling(CONFIG, after) == (models.structure(CONFIG, data) != models.structure(after, data))
    assert is_live(CONFIG, key) == (key in list(CHANGES)[:3])


def test_a_term_that_is_turned_on_or_off_needs_compiling_and_one_that_is_on_does_not():
    on = override(CONFIG, {"objective.energy_weight": 0.3})
    more = override(CONFIG, {"objective.energy_weight": 0.4})
    assert needs_compiling(CONFIG, on) and needs_compiling(on, CONFIG) and not needs_compiling(on, more)


def test_changes_are_undone_to_what_was_before_the_first_of_them():
    first = override(CONFIG, {"objective.r1": 2.0})
    second = override(first, {"objective.r1": 3.0, "training.steps": 9_000})
    changes = [{"objective.r1": (CONFIG.objective.r1, 2.0)}, differences_of(first, second)]
    assert undone(second, changes) == CONFIG and undone(second, changes[1:]) == first and undone(first, []) == first
    as_read = json.loads(json.dumps(changes))  # tuples are lists there
    assert undone(second, as_read) == CONFIG


def differences_of(before, after):
    return {key: (theirs, ours) for key, (ours, theirs) in differences(after, before).items()}
