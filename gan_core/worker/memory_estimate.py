"""How much memory a training needs, about: asked before it begins, so that the system does not kill the worker.

The factors are round numbers on the safe side. `python -m benchmarks.dashboard` trains `auto` on MNIST and prints what
that adds to a warm worker beside this estimate; the first must stay below the second.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gan_core.config.run_config import RunConfig
from gan_core.config.sections import DISTANCE_LOSSES, DiscriminatorConfig, GeneratorConfig
from gan_core.data.datasets import Dataset

MIB = 2**20
FLOAT = 4
"""Bytes of a number in the networks."""

FIXED = 480 * MIB
"""What every training adds, however small its networks: compiled programs above all, and the buffers of TensorFlow."""
COPIES_OF_DATA = 2
"""The training rows as they were loaded, and as a tensor."""
COPIES_OF_DRAWS = 6
"""The random numbers of one block of steps: this block's and the next one's, as they are drawn, joined and copied."""
COPIES_OF_WEIGHTS = 12
"""Weights, gradients, the optimizer's two moments, the average, and checkpoints of them on their way to the store."""
ARRAYS_OF_ACTIVATIONS = 8
"""What is kept of every layer's output for its gradient and for the gradient penalties, which need a second one."""
SIDES = 2
"""A step works on real samples and on generated ones."""
ARRAYS_OF_PAIRS = 12
"""Matrices (batch, batch) of a loss of distances, with their gradients."""

KERNEL = 9
"""Weights of a 3 x 3 convolution for a pair of channels."""
CONVOLUTIONS = 6
"""Convolutions of an image network, at most; a quarter of the widest one's weights is their mean."""
WIDENING = 8
"""The coarsest layer of an image network has so many times its channels, at most."""
COARSEST_CELL = 16
"""Pixels of the sample that one pixel of the coarsest layer stands for."""


class NetworkSize(NamedTuple):
    """About how many weights a network has, how many numbers it makes of one sample, and its first layer's width."""

    weights: int
    activations: int
    first: int


def memory_estimate(config: RunConfig, dataset: Dataset) -> int:
    """About how many bytes a training adds to a warm worker."""
    from gan_core.engine.base_model import BLOCK, batches_per_step

    pixels, batch, latent_dim = math.prod(dataset.shape), config.training.batch, config.generator.latent_dim
    generator, discriminator = (network_size(part, pixels) for part in (config.generator, config.discriminator))
    weights = FLOAT * (generator.weights + discriminator.weights + latent_dim * generator.first)
    draws = FLOAT * BLOCK * batches_per_step(config) * batch * (latent_dim + 1)
    outputs = FLOAT * SIDES * batch * (pixels + generator.activations + discriminator.activations)
    of_pairs = config.objective.energy_weight or config.objective.loss in DISTANCE_LOSSES
    pairs = FLOAT * batch**2 if of_pairs else 0
    return (
        FIXED
        + COPIES_OF_DATA * dataset.train.x.nbytes
        + COPIES_OF_DRAWS * draws
        + COPIES_OF_WEIGHTS * weights
        + ARRAYS_OF_ACTIVATIONS * outputs
        + ARRAYS_OF_PAIRS * pairs
    )


def network_size(network: GeneratorConfig | DiscriminatorConfig, pixels: int) -> NetworkSize:
    """The size of a network for samples of so many numbers."""
    if network.architecture == "mlp":
        widths = [*network.hidden, pixels]
        return NetworkSize(sum(a * b for a, b in zip(widths, widths[1:])), sum(widths), widths[0])
    deep = WIDENING * network.channels
    return NetworkSize(
        weights=KERNEL * CONVOLUTIONS * deep**2 // 4,
        activations=CONVOLUTIONS * network.channels * pixels,
        first=deep * max(1, pixels // COARSEST_CELL),
    )
