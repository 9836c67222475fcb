"""Which settings are refused together: each with its cause, its value and its remedy; and which go together."""

import pytest

from gan_core.config.presets import PRESETS, preset
from gan_core.config.rules import conflicts_with_data
from gan_core.config.run_config import ConfigError, RunConfig, override
from gan_core.config.sections import ADVERSARIAL_LOSSES, DISTANCE_LOSSES

NO_PENALTY = {"objective.r1": 0, "objective.r2": 0}
SHAPES = [(2,), (8, 8, 1), (28, 28, 1), (32, 32, 3)]


def problems(changes):
    """What is said against the default settings with these changes; nothing where they are accepted."""
    try:
        override(RunConfig(), changes)
    except ConfigError as error:
        return error.problems
    return ()


# What is changed, what the sentence says is wrong, what it says to do, and one change that makes it right.
REFUSED = [
    *(
        (
            {"discriminator.batch_norm": True, **NO_PENALTY, **penalty},
            "discriminator.batch_norm makes every sample's logit depend on its whole batch",
            "turn one of them off (objective.r1, objective.r2, objective.gradient_penalty)",
            {**NO_PENALTY, "objective.gradient_penalty": "none"},
        )
        for penalty in [
            {"objective.r1": 1},
            {"objective.r2": 1},
            *({"objective.gradient_penalty": kind} for kind in ("wgan-gp", "wgan-gp0", "dragan")),
        ]
    ),
    *(
        (
            {"objective.loss": loss, "objective.label_smoothing": 0.1},
            f"objective.label_smoothing changes the labels of a classification, and {loss!r} has none",
            "set it to 0, or choose minimax or non-saturating as objective.loss",
            {"objective.loss": "minimax"},
        )
        for loss in ADVERSARIAL_LOSSES
        if loss not in ("minimax", "non-saturating")
    ),
    *(
        (
            {"objective.loss": "wasserstein", **NO_PENALTY, **unbounded},
            "objective.loss is 'wasserstein' and nothing bounds the critic's gradient",
            "set discriminator.clip, discriminator.spectral_norm, objective.gradient_penalty, or objective.r1 and "
            "objective.r2",
            bounded,
        )
        for unbounded, bounded in [
            ({}, {"discriminator.clip": 0.01}),
            ({}, {"discriminator.spectral_norm": True}),
            ({}, {"objective.gradient_penalty": "wgan-gp"}),
            ({}, {"objective.r1": 1, "objective.r2": 1}),
            (
                {"objective.gradient_penalty": "wgan-gp", "objective.gradient_penalty_weight": 0},
                {"objective.gradient_penalty_weight": 10},
            ),
        ]
    ),
    (
        {"objective.energy_weight": 1, "training.batch": 1},
        "objective.energy_weight needs pairs of samples and training.batch is 1",
        "make the batch larger",
        {"training.batch": 2},
    ),
    (
        {
            "objective.energy_weight": 1,
            "objective.energy_space": "features",
            "training.batch": 8,
            "discriminator.packing": 8,
        },
        "objective.energy_space is 'features', which needs pairs, and a batch of 8 packed by 8 has one",
        "make the batch larger",
        {"training.batch": 16},
    ),
    (
        {"objective.diversity": 1, "training.batch": 7},
        "objective.diversity compares two halves of a batch and training.batch is 7",
        "make it even",
        {"training.batch": 8},
    ),
    (
        {"training.simultaneous": True, "training.fresh_samples": True},
        "training.simultaneous lets both networks learn from the same samples and training.fresh_samples makes new "
        "ones for the generator",
        "turn one of them off",
        {"training.fresh_samples": False},
    ),
    (
        {"training.simultaneous": True, "training.fresh_samples": False, "training.discriminator_steps": 3},
        "training.simultaneous is one update of each network and training.discriminator_steps is 3",
        "set it to 1, or turn training.simultaneous off",
        {"training.discriminator_steps": 1},
    ),
    (
        {"discriminator.packing": 3, "training.batch": 8},
        "discriminator.packing is 3 and does not divide training.batch 8",
        "choose a batch that it divides",
        {"training.batch": 9},
    ),
    (
        {"discriminator.packing": 2, "data.conditional": True},
        "discriminator.packing joins samples of several classes and data.conditional judges one",
        "turn one of them off",
        {"data.conditional": False},
    ),
    (
        {"generator.batch_norm": True, "training.batch": 1},
        "batch_norm needs more than one sample and training.batch is 1",
        "make the batch larger",
        {"training.batch": 2},
    ),
    (
        {"discriminator.batch_norm": True, "discriminator.packing": 4, "training.batch": 4, **NO_PENALTY},
        "discriminator.batch_norm needs more than one sample, and a batch of 4 packed by 4 has one",
        "make the batch larger",
        {"training.batch": 8},
    ),
    *(
        (
            {"objective.loss": loss, **NO_PENALTY, key: value},
            f"objective.loss is {loss!r}, which has no discriminator",
            f"set {key} back to nothing",
            {"objective.loss": "minimax", "training.batch": 256},
        )
        for loss in (*DISTANCE_LOSSES, "vae")
        for key, value in {
            "objective.r1": 1,
            "objective.r2": 1,
            "objective.gradient_penalty": "wgan-gp0",
            "objective.energy_weight": 1,
            "objective.feature_matching": 1,
            "objective.diversity": 1,
            "objective.label_smoothing": 0.1,
            "objective.instance_noise": 0.1,
            "objective.translation": 0.1,
            "discriminator.spectral_norm": True,
            "discriminator.clip": 0.1,
            "discriminator.packing": 2,
            "training.discriminator_steps": 2,
        }.items()
    ),
    *(
        (
            {"objective.loss": loss, **NO_PENALTY, "data.conditional": True},
            f"data.conditional needs a discriminator that judges classes, and {loss!r} has none",
            "turn it off",
            {"objective.loss": "vae"},
        )
        for loss in DISTANCE_LOSSES
    ),
    (
        {"objective.loss": "energy", **NO_PENALTY, "training.batch": 1},
        "objective.loss is 'energy', which needs pairs of samples, and training.batch is 1",
        "make the batch larger",
        {"objective.loss": "mean-distance"},
    ),
    (
        {"objective.loss": "vae", **NO_PENALTY, "discriminator.batch_norm": True, "training.batch": 1},
        "batch_norm needs more than one sample and training.batch is 1",
        "make the batch larger",
        {"training.batch": 2},
    ),
]


@pytest.mark.parametrize(("changes", "cause", "remedy", "repair"), REFUSED)
def test_what_does_not_go_together_is_refused_with_its_reason_and_its_remedy(changes, cause, remedy, repair):
    """One sentence, and it is right: with the remedy the settings are accepted."""
    (problem,) = problems(changes)
    assert problem == f"{cause}; {remedy}" or (problem.startswith(cause) and problem.endswith(f"; {remedy}"))
    assert problems(changes | repair) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"discriminator.packing": 8, "training.batch": 8},
        {"objective.energy_weight": 1, "discriminator.packing": 8, "training.batch": 8},
        {"discriminator.spectral_norm": True, "discriminator.clip": 0.1, "objective.gradient_penalty": "dragan"},
        {"discriminator.batch_norm": True, "generator.batch_norm": True, **NO_PENALTY},
        {"generator.batch_norm": True, "objective.gradient_penalty": "wgan-gp"},
        {"objective.loss": "mean-distance", **NO_PENALTY, "training.batch": 1},
        {"objective.loss": "vae", **NO_PENALTY, "data.conditional": True, "training.batch": 1},
        {"data.conditional": True, "training.batch": 1},
    ],
)
def test_what_goes_together_is_accepted(changes):
    assert problems(changes) == ()


def test_without_a_discriminator_everything_that_needs_one_is_named_at_once():
    wrong = {"objective.loss": "energy", "objective.translation": 0.1, "training.discriminator_steps": 2}
    (problem,) = problems(wrong)
    assert problem.endswith(
        "set objective.r1, objective.r2, objective.translation, training.discriminator_steps back to nothing"
    )


# ---------------------------------------------------------------- with data


UNSUITABLE = [
    (
        {"generator.architecture": "dcgan"},
        (2,),
        0,
        "generator.architecture is 'dcgan', and points have no neighbouring pixels; choose 'mlp'",
    ),
    (
        {"generator.architecture": "dcgan", "discriminator.architecture": "residual"},
        (2,),
        0,
        "generator.architecture is 'dcgan' and discriminator.architecture is 'residual', and points have no "
        "neighbouring pixels; choose 'mlp'",
    ),
    (
        {"discriminator.architecture": "subpixel"},
        (12, 7, 1),
        0,
        "discriminator.architecture is 'subpixel', which needs images of at least 8 pixels a side; choose 'mlp'",
    ),
    (
        {"objective.translation": 0.125},
        (2,),
        0,
        "objective.translation is 0.125 and points have no frame to shift in; set it to 0",
    ),
    (
        {"discriminator.fourier": 2},
        (8, 8, 1),
        10,
        "discriminator.fourier is 2 and is for points, not for images; set it to 0",
    ),
    *(
        (
            {"data.conditional": True, "data.name": "mine"},
            (8, 8, 1),
            classes,
            f"data.conditional needs data with 2 to 64 labelled classes and this data set has {classes}; turn it off, "
            "or choose other data",
        )
        for classes in (0, 1, 65)
    ),
]


@pytest.mark.parametrize(("changes", "shape", "classes", "sentence"), UNSUITABLE)
def test_what_does_not_suit_the_data_is_refused(changes, shape, classes, sentence):
    assert list(conflicts_with_data(override(RunConfig(), changes), shape, classes)) == [sentence]


@pytest.mark.parametrize(
    ("changes", "shape", "classes"),
    [
        ({"generator.architecture": "dcgan", "discriminator.architecture": "dcgan"}, (8, 8, 1), 0),
        ({"objective.translation": 0.125}, (3, 3, 1), 0),
        ({"discriminator.fourier": 2}, (2,), 0),
        ({"data.conditional": True}, (2,), 2),
        ({"data.conditional": True}, (8, 8, 1), 64),
    ],
)
def test_what_suits_the_data_is_accepted(changes, shape, classes):
    assert list(conflicts_with_data(override(RunConfig(), changes), shape, classes)) == []


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seconds", [None, 20, 600])
def test_every_preset_suits_every_kind_of_data(name, shape, seconds):
    config = preset(name, shape=shape, seconds=seconds)
    assert list(conflicts_with_data(config, shape, 0)) == []
    if config.objective.loss not in DISTANCE_LOSSES:  # and may be asked to draw classes
        assert list(conflicts_with_data(override(config, {"data.conditional": True}), shape, 10)) == []
