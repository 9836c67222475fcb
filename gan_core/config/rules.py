"""Which settings do not go together, and why. One sentence each: the cause, the value and the remedy."""

from __future__ import annotations

from typing import Iterator, Protocol

from gan_core.config.sections import (
    DISTANCE_LOSSES,
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    ObjectiveConfig,
    TrainingConfig,
)

WITHOUT_DISCRIMINATOR: tuple[str, ...] = (*DISTANCE_LOSSES, "vae")
BINARY = ("minimax", "non-saturating")
"""The losses that are cross-entropies of two classes, real and generated."""
MOST_CLASSES = 64
SMALLEST_SIDE = 8
"""Pixels along the shorter side that a convolutional network needs."""


class Sections(Protocol):
    """The sections of a RunConfig that rules are about."""

    @property
    def data(self) -> DataConfig:
        """Which dataset, and how its samples are made."""
        ...

    @property
    def generator(self) -> GeneratorConfig:
        """The network that makes samples."""
        ...

    @property
    def discriminator(self) -> DiscriminatorConfig:
        """The network that tells real samples from generated ones."""
        ...

    @property
    def objective(self) -> ObjectiveConfig:
        """The losses and the penalties."""
        ...

    @property
    def training(self) -> TrainingConfig:
        """How long, in which batches and in which order."""
        ...


def conflicts(config: Sections) -> Iterator[str]:
    """What is wrong with settings that are each in range, whatever the data."""
    objective, batch, packing = config.objective, config.training.batch, config.discriminator.packing
    penalised = objective.r1 or objective.r2 or objective.gradient_penalty != "none"
    if objective.loss in WITHOUT_DISCRIMINATOR:
        yield from _no_discriminator(config)
        return
    if config.discriminator.batch_norm and penalised:
        yield (
            "discriminator.batch_norm makes every sample's logit depend on its whole batch, and a gradient penalty "
            "needs each sample's own; turn one of them off (objective.r1, objective.r2, objective.gradient_penalty)"
        )
    if objective.label_smoothing and objective.loss not in BINARY:
        yield (
            f"objective.label_smoothing changes the labels of a classification, and {objective.loss!r} has none; "
            f"set it to 0, or choose {' or '.join(BINARY)} as objective.loss"
        )
    bounded = objective.r1 or objective.r2 or (penalised and objective.gradient_penalty_weight)
    if objective.loss == "wasserstein" and not (
        bounded or config.discriminator.clip or config.discriminator.spectral_norm
    ):
        yield (
            "objective.loss is 'wasserstein' and nothing bounds the critic's gradient; set discriminator.clip, "
            "discriminator.spectral_norm, objective.gradient_penalty, or objective.r1 and objective.r2"
        )
    if objective.energy_weight and batch == 1:
        yield "objective.energy_weight needs pairs of samples and training.batch is 1; make the batch larger"
    elif objective.energy_weight and objective.energy_space == "features" and batch == packing:
        yield (
            f"objective.energy_space is 'features', which needs pairs, and a batch of {batch} packed by {packing} has "
            "one; make the batch larger"
        )
    if objective.diversity and batch % 2:
        yield f"objective.diversity compares two halves of a batch and training.batch is {batch}; make it even"
    if config.training.simultaneous and config.training.fresh_samples:
        yield (
            "training.simultaneous lets both networks learn from the same samples and training.fresh_samples makes "
            "new ones for the generator; turn one of them off"
        )
    if config.training.simultaneous and config.training.discriminator_steps > 1:
        yield (
            f"training.simultaneous is one update of each network and training.discriminator_steps is "
            f"{config.training.discriminator_steps}; set it to 1, or turn training.simultaneous off"
        )
    if batch % packing:
        yield (
            f"discriminator.packing is {packing} and does not divide training.batch {batch}; "
            "choose a batch that it divides"
        )
    if packing > 1 and config.data.conditional:
        yield (
            "discriminator.packing joins samples of several classes and data.conditional judges one; "
            "turn one of them off"
        )
    if (config.generator.batch_norm or config.discriminator.batch_norm) and batch == 1:
        yield "batch_norm needs more than one sample and training.batch is 1; make the batch larger"
    elif config.discriminator.batch_norm and batch == packing:
        yield (
            f"discriminator.batch_norm needs more than one sample, and a batch of {batch} packed by {packing} has one; "
            "make the batch larger"
        )


def _no_discriminator(config: Sections) -> Iterator[str]:
    loss, objective, discriminator = config.objective.loss, config.objective, config.discriminator
    on = {
        "objective.r1": objective.r1,
        "objective.r2": objective.r2,
        "objective.gradient_penalty": objective.gradient_penalty != "none",
        "objective.energy_weight": objective.energy_weight,
        "objective.feature_matching": objective.feature_matching,
        "objective.diversity": objective.diversity,
        "objective.label_smoothing": objective.label_smoothing,
        "objective.instance_noise": objective.instance_noise,
        "objective.translation": objective.translation,
        "discriminator.spectral_norm": discriminator.spectral_norm,
        "discriminator.clip": discriminator.clip,
        "discriminator.packing": discriminator.packing > 1,
        "training.discriminator_steps": config.training.discriminator_steps > 1,
    }
    if wrong := [key for key, value in on.items() if value]:
        yield f"objective.loss is {loss!r}, which has no discriminator; set {', '.join(wrong)} back to nothing"
    if config.data.conditional and loss != "vae":
        yield f"data.conditional needs a discriminator that judges classes, and {loss!r} has none; turn it off"
    if config.training.batch == 1 and loss == "energy":
        yield "objective.loss is 'energy', which needs pairs of samples, and training.batch is 1; make the batch larger"
    if config.training.batch == 1 and (config.generator.batch_norm or discriminator.batch_norm):
        yield "batch_norm needs more than one sample and training.batch is 1; make the batch larger"


def conflicts_with_data(config: Sections, shape: tuple[int, ...], classes: int) -> Iterator[str]:
    """What does not suit samples of this shape, (d,) points or (h, w, c) images, with so many labelled classes."""
    architectures = {"generator": config.generator.architecture, "discriminator": config.discriminator.architecture}
    convolved = [f"{part}.architecture is {kind!r}" for part, kind in architectures.items() if kind != "mlp"]
    if convolved and len(shape) == 1:
        yield f"{' and '.join(convolved)}, and points have no neighbouring pixels; choose 'mlp'"
    if convolved and len(shape) == 3 and min(shape[:2]) < SMALLEST_SIDE:
        yield f"{' and '.join(convolved)}, which needs images of at least {SMALLEST_SIDE} pixels a side; choose 'mlp'"
    if config.objective.translation and len(shape) == 1:
        shift = config.objective.translation
        yield f"objective.translation is {shift} and points have no frame to shift in; set it to 0"
    if config.discriminator.fourier and len(shape) == 3:
        yield f"discriminator.fourier is {config.discriminator.fourier} and is for points, not for images; set it to 0"
    if config.data.conditional and not 2 <= classes <= MOST_CLASSES:
        yield (
            f"data.conditional needs data with 2 to {MOST_CLASSES} labelled classes and this data set has "
            f"{classes}; turn it off, or choose other data"
        )
