"""The networks, built from a configuration and the shape of the data: generator, discriminator, and a VAE's encoder.

The generator's output and the discriminator's input are samples in measured form (images in [0, 1], points in the
data's units): the networks contain the scaling they need as layers. The hidden layers are dense here; convolutional
ones are in convolutional.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import keras
import numpy as np

from gan_core.config.sections import DiscriminatorConfig, GeneratorConfig
from gan_core.engine import convolutional
from gan_core.engine.layer_factory import LayerFactory, constant, layer_seed
from gan_core.engine.layers import (
    Affine,
    ClassEmbedding,
    ClassProjection,
    FourierFeatures,
    SpectralClassProjection,
)


@dataclass(frozen=True)
class DataStatistics:
    """What the networks are built with: a sample's shape, the mean sample, and one scale for all axes.

    `class_frequencies` (classes,) says how often each class occurs; it is empty for networks without class labels.
    """

    shape: tuple[int, ...]
    mean: np.ndarray
    scale: float
    class_frequencies: tuple[float, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether a sample is an image (h, w, c) and not a point (d,)."""
        return len(self.shape) == 3

    @property
    def classes(self) -> int:
        """The number of classes; 0 without class labels."""
        return len(self.class_frequencies)

    @staticmethod
    def blank(shape: tuple[int, ...], classes: int = 0) -> DataStatistics:
        """Placeholders for networks whose weights, which include the statistics, are loaded afterwards."""
        return DataStatistics(shape, np.zeros(shape, np.float32), 1.0, (0.0,) * classes)


def statistics(x: np.ndarray, labels: np.ndarray | None = None) -> DataStatistics:
    """The statistics of samples `x` (n, *shape) in storage form, and of their class numbers `labels` (n,) from 0.

    The scale of points is the standard deviation over all axes: one scale for all, so that Euclidean distances change
    by a factor only. It is 1 for images, whose range is fixed.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    frequencies = () if labels is None else tuple((np.bincount(labels) / len(labels)).tolist())
    if x.ndim == 4:
        return DataStatistics(x.shape[1:], (mean / 255).astype(np.float32), 1.0, frequencies)
    scale = float(np.sqrt(np.mean((x - mean) ** 2)))
    return DataStatistics(x.shape[1:], mean.astype(np.float32), scale or 1.0, frequencies)


def build_generator(config: GeneratorConfig, data: DataStatistics, seed: int = 0) -> keras.Model:
    """Latents (n, latent_dim) -> samples (n, *shape); with classes, one-hot classes follow the latents on axis 1.

    Images are the output of a sigmoid, points are in the data's units.
    """
    layers = LayerFactory(config, seed)
    z = x = _input((config.latent_dim + data.classes,))
    if data.classes:
        initializer = keras.initializers.RandomNormal(stddev=1.0, seed=layer_seed(seed, 1001))
        x = ClassEmbedding(config.latent_dim, data.class_frequencies, initializer, name="classes")(x)
    hidden = _dense_layers if config.architecture == "mlp" else convolutional.GENERATORS[config.architecture]
    x = hidden(layers, data.shape, x, _output_bias(config, data))
    if data.is_image:
        x = keras.layers.Activation("sigmoid", name="output")(x)
    else:
        x = Affine(data.scale, data.mean, name="output")(x)
    return keras.Model(z, x, name="generator")


def build_discriminator(
    config: DiscriminatorConfig, data: DataStatistics, seed: int = 0, *, outputs: int = 1
) -> keras.Model:
    """Samples (n, *shape) -> logits (n, 1), without a sigmoid: the losses take logits.

    With classes the inputs are [samples, one-hot classes (n, classes)]. With packing, one input is several samples,
    joined along their last axis. A VAE's encoder has another number of `outputs`. The layer named `features` is the
    last hidden one.
    """
    layers = LayerFactory(config, seed)
    shape = (*data.shape[:-1], data.shape[-1] * config.packing)
    mean = np.concatenate([data.mean] * config.packing, axis=-1)
    x = samples = _input(shape)
    if not data.is_image:
        x = Affine(1 / data.scale, -mean / data.scale)(x)
    elif config.centre:
        x = Affine(2.0, -2.0 * mean)(x)
    if config.fourier:
        x = FourierFeatures(config.fourier)(x)
    if config.architecture == "mlp":
        x = keras.layers.Flatten()(x)
        for width in config.hidden:
            x = layers.activate(layers.dense(width)(x))
    else:
        x = keras.layers.Flatten()(convolutional.DISCRIMINATORS[config.architecture](layers, x))
    features = keras.layers.Identity(name="features")(x)
    logits = layers.dense(outputs)(features)
    if not data.classes or outputs != 1:
        return keras.Model(samples, logits, name="discriminator")
    classes = _input((data.classes,))
    initializer = keras.initializers.RandomNormal(stddev=features.shape[-1] ** -0.5, seed=layer_seed(seed, 1001))
    projection = SpectralClassProjection if config.spectral_norm else ClassProjection
    logits = keras.layers.Add()([logits, projection(initializer)([features, classes])])
    return keras.Model([samples, classes], logits, name="discriminator")


def is_convolutional(*configs: GeneratorConfig | DiscriminatorConfig) -> bool:
    """Whether any of these networks has convolutions."""
    return any(config.architecture != "mlp" for config in configs)


def _input(shape: tuple[int, ...]) -> keras.KerasTensor:
    return cast(keras.KerasTensor, keras.Input(shape))


def _dense_layers(
    layers: LayerFactory[GeneratorConfig], shape: tuple[int, ...], x: keras.KerasTensor, bias: np.ndarray | None
) -> keras.KerasTensor:
    for width in layers.config.hidden:
        x = layers.activate(layers.dense(width)(x))
    start = "zeros" if bias is None else constant(bias.reshape(-1))
    x = layers.dense(math.prod(shape), gain=layers.config.output_gain, bias_initializer=start)(x)
    return keras.layers.Reshape(shape)(x)


def _output_bias(config: GeneratorConfig, data: DataStatistics) -> np.ndarray | None:
    """The logits of the mean image, so that an untrained generator makes the mean image; None without such a bias."""
    if not (config.output_bias and data.is_image):
        return None
    mean = np.clip(data.mean, 0.01, 0.99)
    return np.log(mean / (1 - mean))
