"""What a run will be: presets for a data set, and settings that do not go together with it."""

import pytest

from gan_core.config.presets import preset
from gan_core.config.run_config import ConfigError, override
from gan_core.records import DatasetError
from gan_core.store import Commit
from tests.service.labs import CONFIG, points, store_of


def test_data_nobody_has_cannot_be_trained_on(lab):
    for call in (
        lambda: lab.runs.start(override(CONFIG, {"data.name": "upload-gone"})),
        lambda: lab.uploads.about("upload-gone").shape,
        lambda: lab.recipes.preset("auto", data="upload-gone"),
    ):
        with pytest.raises(DatasetError, match="'upload-gone'.*digits"):
            call()
    assert lab.runs.newest() == []


def test_presets_follow_the_shape_of_the_data(lab):
    assert lab.uploads.about("mnist").shape == (28, 28, 1) and lab.uploads.about("ring-8").shape == (2,)
    assert lab.recipes.preset("auto", data="ring-8", seed=4) == preset("auto", data="ring-8", shape=(2,), seed=4)


def test_auto_follows_the_seconds_there_are(lab):
    for seconds, kind in ((60, "mlp"), (600, "subpixel")):
        config = lab.recipes.preset("auto", data="mnist", seconds=seconds)
        assert config == preset("auto", data="mnist", shape=(28, 28, 1), seconds=seconds)
        assert config.generator.architecture == kind


@pytest.mark.parametrize(
    ("data", "changes", "said"),
    [
        ("ring-8", {"generator.architecture": "dcgan"}, "generator.architecture is 'dcgan'.*choose 'mlp'"),
        ("ring-8", {"objective.translation": 0.1}, "objective.translation is 0.1.*set it to 0"),
        ("digits", {"discriminator.fourier": 2}, "discriminator.fourier is 2.*set it to 0"),
    ],
)
def test_settings_that_do_not_suit_the_data_start_nothing(lab, data, changes, said):
    with pytest.raises(ConfigError, match=said):
        lab.runs.start(override(lab.recipes.preset("auto", data=data), changes))
    assert lab.runs.newest() == []


def test_classes_are_told_where_the_data_have_some(lab):
    name = lab.uploads.keep(lab.uploads.read(points(), "points.csv"))
    with pytest.raises(ConfigError, match="2 to 64 labelled classes and this data set has 1; turn it off"):
        lab.runs.start(override(lab.recipes.preset("auto", data=name), {"data.conditional": True}))
    assert lab.runs.newest() == []
    run_id = lab.runs.start(override(lab.recipes.preset("auto", data="swiss-roll"), {"data.conditional": True}))
    assert lab.runs.get(run_id).config.data.conditional


def trained_here(lab, config, *, seconds: float, state="finished") -> None:
    """A run that this machine has trained for so long."""
    run = store_of(lab).leases.claim("w1", run_id=lab.runs.start(config, again=True))
    about = dict(step=config.training.steps, seconds=seconds, steps_per_second=99.0)
    store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(state=state, **about))


def test_an_estimate_is_the_pace_of_the_runs_here_that_work_as_hard(lab):
    assert lab.recipes.estimate(CONFIG) is None  # the example was trained elsewhere
    trained_here(lab, CONFIG, seconds=9.0, state="stopped")
    assert lab.recipes.estimate(CONFIG) is None  # it is not over: nobody knows
    for seconds in (4.0, 2.0, 40.0):  # the machine was busy with something else during the last one
        trained_here(lab, CONFIG, seconds=seconds)
    assert lab.recipes.estimate(CONFIG) == pytest.approx(4.0)
    alike = {"training.steps": 100, "seed": 7, "objective.r1": 0.25, "optimizer.beta1": 0.5, "recording.snapshots": 9}
    assert lab.recipes.estimate(override(CONFIG, alike)) == pytest.approx(10.0)
    assert lab.recipes.estimate(override(CONFIG, {"training.seconds": 60})) == 60


def test_an_estimate_falls_back_to_runs_with_the_same_data_networks_and_batch(lab):
    trained_here(lab, CONFIG, seconds=4.0)
    without = override(CONFIG, {"objective.r1": 0, "objective.r2": 0})
    assert lab.recipes.estimate(without) == pytest.approx(4.0)
    trained_here(lab, without, seconds=3.0)
    assert lab.recipes.estimate(without) == pytest.approx(3.0)
    others = (
        {"training.batch": 64},
        {"generator.hidden": "9"},
        {"data.conditional": True},
        {"training.discriminator_steps": 5},
        {"objective.loss": "energy", "objective.r1": 0, "objective.r2": 0},
    )
    for other in others:
        assert lab.recipes.estimate(override(CONFIG, other)) is None, other
