"""The settings of a run by section: their types, their ranges and one plain sentence about each.

The check, the command line's list and the page's widgets read the same annotations and sentences, so they cannot
disagree. Which settings do not go together is in rules.py, and the whole configuration in run_config.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeVar, get_args

from msgspec import Meta

from gan_core.validation import STORABLE

T = TypeVar("T")

AdversarialLoss = Literal[
    "minimax",
    "non-saturating",
    "least-squares",
    "hinge",
    "wasserstein",
    "relativistic",
]
DistanceLoss = Literal["energy", "mean-distance", "nearest-distance"]
Loss = Literal[AdversarialLoss, DistanceLoss, "vae"]
Architecture = Literal["mlp", "dcgan", "subpixel", "residual"]
GradientPenalty = Literal["none", "wgan-gp", "wgan-gp0", "dragan"]
Init = Literal["glorot_uniform", "he_normal"]
Preset = Literal[
    "auto",
    "classic-2014",
    "non-saturating",
    "lsgan",
    "dcgan",
    "wgan-gp",
    "sn-hinge",
    "r3gan-lite",
    "energy-guided",
    "energy-only",
    "vae",
]
DataName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=STORABLE,
        description="name a data set (digits, mnist, ring-8, ...)",
    ),
]
Widths = Annotated[tuple[Annotated[int, Meta(ge=1, le=1024)], ...], Meta(min_length=1, max_length=6, title="layers")]
Channels = Annotated[int, Meta(ge=4, le=128)]
Weight = Annotated[float, Meta(ge=0, le=1000)]
LearningRate = Annotated[float, Meta(ge=1e-7, le=1)]
PartOfRun = Annotated[float, Meta(ge=0, le=1)]
Steps = Annotated[int, Meta(ge=0, le=100_000)]

ADVERSARIAL_LOSSES: tuple[str, ...] = get_args(AdversarialLoss)
"""The losses of a generator that is trained against a discriminator."""
DISTANCE_LOSSES: tuple[str, ...] = get_args(DistanceLoss)
"""The losses that are a distance between a generated and a real batch, without any discriminator."""
LOSSES: tuple[str, ...] = get_args(Loss)


def setting(default: T, help: str) -> T:
    """The default of a field, with the sentence that explains it to a person."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class DataConfig:
    """What is learned from."""

    name: DataName = setting("digits", "The data set: a built-in name, or upload-<id>.")
    conditional: bool = setting(
        False, "Class-conditional: both networks are told the class, so you can ask for samples of one class."
    )


@dataclass(frozen=True)
class GeneratorConfig:
    """The generator's network (and the decoder of a VAE)."""

    architecture: Architecture = setting(
        "mlp", "Kind of network: dense layers (mlp), or one of three convolutional networks for images."
    )
    latent_dim: Annotated[int, Meta(ge=1, le=512)] = setting(
        64, "How many random numbers (the latent vector) each sample is made from."
    )
    hidden: Widths = setting((128, 128), "Size of each hidden dense layer (mlp); larger learns more, slower.")
    channels: Channels = setting(
        16, "Channels of the finest convolution; coarser ones have more. More learns more, slower."
    )
    batch_norm: bool = setting(
        False, "Batch normalization: scale the values of every hidden layer; deep networks train more easily."
    )
    init: Init = setting("he_normal", "The rule by which the first, random weights are drawn.")
    output_gain: Annotated[float, Meta(ge=0, le=10)] = setting(
        0.3, "Scale of the last layer's first weights: small ones start near the mean of the data."
    )
    output_bias: bool = setting(True, "Start from the average image instead of from grey.")
    ema: Annotated[float, Meta(ge=0, le=0.99999)] = setting(
        0.999, "EMA: the samples come from averaged weights; nearer to 1 averages longer, 0 not at all."
    )


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The discriminator's network (and the encoder of a VAE)."""

    architecture: Architecture = setting(
        "mlp", "Kind of network: dense layers (mlp), or one of three convolutional networks for images."
    )
    hidden: Widths = setting((128, 128), "Size of each hidden dense layer (mlp); larger learns more, slower.")
    channels: Channels = setting(
        16, "Channels of the finest convolution; coarser ones have more. More learns more, slower."
    )
    batch_norm: bool = setting(
        False, "Batch normalization of hidden layers; real and generated batches are scaled apart."
    )
    spectral_norm: bool = setting(
        False, "Spectral normalization: limit how steeply the discriminator's answer can change."
    )
    clip: Weight = setting(0.0, "Weight clipping: cut every weight to this size after each step; 0 is off.")
    fourier: Annotated[int, Meta(ge=0, le=4)] = setting(
        0, "Fourier features: also show sines and cosines of the points; more shows finer structure."
    )
    packing: Annotated[int, Meta(ge=1, le=8)] = setting(
        1, "Packing: samples per discriminator input; from 2 on it notices samples that are all alike."
    )
    init: Init = setting("he_normal", "The rule by which the first, random weights are drawn.")
    centre: bool = setting(True, "Subtract the mean of the data from the discriminator's inputs.")


@dataclass(frozen=True)
class ObjectiveConfig:
    """What each network minimises, and what regularises the discriminator."""

    loss: Loss = setting("relativistic", "Loss: what each network minimises.")
    r1: Weight = setting(1.0, "R1: weight of the gradient penalty on real samples; higher is calmer, lower sharper.")
    r2: Weight = setting(
        1.0, "R2: weight of the gradient penalty on generated samples; higher is calmer, lower sharper."
    )
    gradient_penalty: GradientPenalty = setting(
        "none", "A further gradient penalty, at points between real and generated samples."
    )
    gradient_penalty_weight: Weight = setting(10.0, "Weight of that further gradient penalty.")
    penalty_end: Annotated[float, Meta(ge=1e-6, le=1)] = setting(
        0.1, "Share of the gradient penalties that is left half-way through the run."
    )
    penalty_every: Annotated[int, Meta(ge=1, le=64)] = setting(
        8, "Apply the gradient penalties only every this many steps, scaled up to match: faster."
    )
    energy_weight: Weight = setting(
        0.0, "How much the generator also minimises the energy distance to the real batch; 0 is off."
    )
    energy_space: Literal["pixels", "features"] = setting(
        "pixels", "Feature space of that energy distance: the samples, or what the discriminator computes."
    )
    feature_matching: Weight = setting(
        0.0, "Feature matching: match the mean of the discriminator's inner values; 0 is off."
    )
    diversity: Weight = setting(0.0, "Reward generated samples for lying as far apart as real ones; 0 is off.")
    label_smoothing: Annotated[float, Meta(ge=0, le=0.4)] = setting(
        0.0, "Label smoothing: call real samples real only to 1 minus this; the discriminator is less sure."
    )
    instance_noise: Annotated[float, Meta(ge=0, le=10)] = setting(
        0.0, "Instance noise added to all that the discriminator sees; falls to 0 by the end."
    )
    translation: Annotated[float, Meta(ge=0, le=0.5)] = setting(
        0.0, "Augmentation: shift the images it sees by up to this share of their size."
    )


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam, and how its learning rates change during a run."""

    learning_rate_generator: LearningRate = setting(
        3e-3, "Learning rate of the generator: larger learns faster, too large is unstable."
    )
    learning_rate_discriminator: LearningRate = setting(
        3e-3, "Learning rate of the discriminator: larger learns faster, too large is unstable."
    )
    beta1: Annotated[float, Meta(ge=0, le=0.999)] = setting(
        0.0, "How long Adam remembers the direction of past gradients; 0 forgets at once."
    )
    beta2: Annotated[float, Meta(ge=0, le=0.99999)] = setting(
        0.99, "How long Adam remembers the size of past gradients; nearer to 1 is longer."
    )
    warmup_steps: Steps = setting(200, "Warm-up: the learning rate grows from 0 over this many steps.")
    decay_from: PartOfRun = setting(0.6, "Let the learning rate fall from this share of the run on; 1 is never.")
    decay_to: PartOfRun = setting(0.0, "The share of the learning rate that is left at the end.")
    schedule: Literal["linear", "cosine"] = setting(
        "linear", "How learning rates and penalties fall: linearly, or along half a cosine over the run."
    )


@dataclass(frozen=True)
class TrainingConfig:
    """How long, and with which batches."""

    steps: Annotated[int, Meta(ge=1, le=1_000_000)] = setting(
        12_000, "How many steps to train: updates of the generator in all."
    )
    seconds: Annotated[float, Meta(ge=1, le=86_400)] | None = setting(
        None, "Train about this long: a short speed trial decides the steps."
    )
    batch: Annotated[int, Meta(ge=1, le=2048)] = setting(256, "Batch size: real, and generated, samples per step.")
    discriminator_steps: Annotated[int, Meta(ge=1, le=10)] = setting(
        1, "Discriminator updates before each generator update."
    )
    fresh_samples: bool = setting(
        True, "Draw new samples for the generator's update; off, both networks share a batch: faster."
    )
    simultaneous: bool = setting(
        False, "Update both networks at once, from the same batch, instead of one after the other."
    )


@dataclass(frozen=True)
class RecordingConfig:
    """What is kept of a run."""

    log_every: Annotated[int, Meta(ge=1, le=100_000)] = setting(
        25, "Record the losses every this many steps (the mean over them)."
    )
    snapshots: Annotated[int, Meta(ge=2, le=48)] = setting(
        24, "How often the generator is kept and measured against held-out data."
    )
    rows: Annotated[int, Meta(ge=50, le=10_000)] = setting(
        500, "Samples of each kind in one distance measurement (at most the test part)."
    )
