"""The recipes: their papers' numbers, and that data's shape and time decide, never a name."""

from dataclasses import replace

import pytest

from gan_core.config.presets import PRESETS, preset
from gan_core.config.run_config import differences, flatten_config, from_json, override, to_json
from gan_core.config.sections import LOSSES

POINTS, SMALL, MNIST, COLOUR = (2,), (8, 8, 1), (28, 28, 1), (32, 32, 3)
SHAPES = [POINTS, SMALL, MNIST, COLOUR]
every_preset = pytest.mark.parametrize("name", PRESETS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)

ADAM = [
    "optimizer.learning_rate_generator",
    "optimizer.learning_rate_discriminator",
    "optimizer.beta1",
    "optimizer.beta2",
]

# What the source of each recipe gives, for images of 28 × 28; values are read in the papers.
SOURCES = {
    # Goodfellow et al. 2014, and the article's Adam; its code updates both networks from one pass.
    "classic-2014": {
        "objective.loss": "minimax",
        "training.discriminator_steps": 1,
        "training.simultaneous": True,
        "generator.architecture": "mlp",
        **dict(zip(ADAM, (2e-4, 2e-4, 0.9, 0.999))),
    },
    "non-saturating": {"objective.loss": "non-saturating"},
    # Mao et al. 2017: Adam with beta1 .5, targets 0, 1, 1.
    "lsgan": {"objective.loss": "least-squares", "optimizer.beta1": 0.5},
    # Radford et al. 2015, section 3 and 4.
    "dcgan": {
        "objective.loss": "non-saturating",
        "generator.architecture": "dcgan",
        "discriminator.architecture": "dcgan",
        "generator.batch_norm": True,
        "discriminator.batch_norm": True,
        "generator.latent_dim": 100,
        **dict(zip(ADAM, (2e-4, 2e-4, 0.5, 0.999))),
    },
    # Gulrajani et al. 2017, algorithm 1, and no batch normalization in the critic (section 4).
    "wgan-gp": {
        "objective.loss": "wasserstein",
        "objective.gradient_penalty": "wgan-gp",
        "objective.gradient_penalty_weight": 10,
        "objective.penalty_every": 1,
        "objective.penalty_end": 1,
        "training.discriminator_steps": 5,
        "discriminator.batch_norm": False,
        "discriminator.clip": 0,
        **dict(zip(ADAM, (1e-4, 1e-4, 0, 0.9))),
    },
    # Miyato et al. 2018 with the two step sizes of Heusel et al. 2017 and Zhang et al. 2019.
    "sn-hinge": {
        "objective.loss": "hinge",
        "discriminator.spectral_norm": True,
        "discriminator.batch_norm": False,
        "training.discriminator_steps": 1,
        **dict(zip(ADAM, (1e-4, 4e-4, 0, 0.9))),
    },
    # Huang et al. 2024: both penalties equal and at every step, momentum 0, cosine schedules.
    "r3gan-lite": {
        "objective.loss": "relativistic",
        "objective.penalty_every": 1,
        "objective.gradient_penalty": "none",
        "generator.architecture": "residual",
        "discriminator.architecture": "residual",
        "generator.batch_norm": False,
        "discriminator.batch_norm": False,
        "optimizer.beta1": 0,
        "optimizer.schedule": "cosine",
        "optimizer.decay_from": 0,
    },
    "energy-guided": {"objective.loss": "non-saturating", "objective.energy_space": "pixels"},
    "energy-only": {"objective.loss": "energy"},
    # Kingma & Welling 2013, with Adam's own numbers.
    "vae": {"objective.loss": "vae", "generator.latent_dim": 20, **dict(zip(ADAM, (1e-3, 1e-3, 0.9, 0.999)))},
    "auto": {"objective.loss": "relativistic"},
}


def test_every_recipe_has_its_source_here():
    assert set(SOURCES) == set(PRESETS)


@pytest.mark.parametrize(("name", "expected"), SOURCES.items())
def test_a_recipe_has_the_numbers_of_its_source(name, expected):
    settings = flatten_config(preset(name, shape=MNIST))
    assert {key: settings[key] for key in expected} == expected


def test_both_penalties_of_the_modern_baseline_are_equal():
    for shape in SHAPES:
        objective = preset("r3gan-lite", shape=shape).objective
        assert objective.r1 == objective.r2 > 0


def test_the_critic_of_points_is_penalised_as_in_the_toy_experiments():
    weights = [preset("wgan-gp", shape=shape).objective.gradient_penalty_weight for shape in SHAPES]
    assert weights == [0.1, 10, 10, 10]


@pytest.mark.parametrize("name", ["classic-2014", "non-saturating", "lsgan", "dcgan", "wgan-gp", "sn-hinge"])
@every_shape
def test_the_classic_recipes_have_none_of_the_later_help(name, shape):
    config = preset(name, shape=shape)
    assert (config.objective.r1, config.objective.r2, config.objective.energy_weight) == (0, 0, 0)
    assert not config.generator.output_bias and config.generator.output_gain == 1
    assert config.optimizer.decay_from == 1 and config.optimizer.warmup_steps == 0


def test_the_guided_recipe_is_a_short_auto_with_another_loss_and_one_term():
    for shape in SHAPES:
        assert differences(preset("energy-guided", shape=shape), preset("auto", shape=shape)) == {
            "preset": ("energy-guided", "auto"),
            "objective.loss": ("non-saturating", "relativistic"),
            "objective.energy_weight": (0.3, 0.0),
        }


@every_shape
def test_convolutions_are_for_images_only(shape):
    kinds = {"dcgan": "dcgan", "r3gan-lite": "residual"}
    for name in PRESETS:
        config = preset(name, shape=shape)
        expected = "mlp" if len(shape) == 1 else kinds.get(name, "mlp")
        assert config.generator.architecture == config.discriminator.architecture == expected


# ---------------------------------------------------------------- of all of them


@every_preset
def test_one_sentence_or_two_for_a_student(name):
    sentence = PRESETS[name]
    assert 40 < len(sentence) < 120 and sentence[0].isupper() and sentence.endswith(".")
    assert not any(word in sentence.lower() for word in ("objective.", "loss function", "sota", "state of the art"))


def test_no_two_recipes_are_the_same():
    for shape in SHAPES:
        kinds = {to_json(replace(preset(name, shape=shape), preset="auto")) for name in PRESETS}
        assert len(kinds) == len(PRESETS)
        assert {preset(name, shape=shape).objective.loss for name in PRESETS} <= set(LOSSES)


@every_preset
@every_shape
@pytest.mark.parametrize("seconds", [None, 20.0, 600.0])
def test_json_brings_it_back(name, shape, seconds):
    config = preset(name, data="x", shape=shape, seed=3, seconds=seconds)
    assert from_json(to_json(config)) == config
    assert config.training.seconds == seconds


@every_preset
@every_shape
def test_shape_and_seconds_decide_and_never_a_name(name, shape):
    """Another name and another seed change the name and the seed."""
    one, other = (preset(name, data=data, shape=shape, seed=seed) for data, seed in (("mnist", 0), ("upload-7", 9)))
    assert set(differences(one, other)) == {"data.name", "seed"}


@every_preset
def test_time_changes_nothing_but_the_time_except_for_auto(name):
    for shape in SHAPES:
        changed = differences(preset(name, shape=shape, seconds=600), preset(name, shape=shape))
        if name == "auto" and shape in (MNIST, COLOUR):
            assert {"generator.architecture", "discriminator.architecture"} <= set(changed)
        else:
            assert set(changed) == {"training.seconds"}


def test_grey_and_colour_of_one_size_have_the_same_recipe():
    for name in PRESETS:
        assert preset(name, shape=(28, 28, 3)) == preset(name, shape=MNIST)


@every_preset
@every_shape
def test_a_recipe_may_be_changed(name, shape):
    config = override(preset(name, shape=shape), {"training.steps": 7, "generator.latent_dim": 3})
    assert (config.preset, config.training.steps, config.generator.latent_dim) == (name, 7, 3)
