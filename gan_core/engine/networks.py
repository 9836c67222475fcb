"""The networks, built from a configuration and the shape of the data: generator, discriminator, and a VAE's encoder.

All speak the data's own language: the generator's output and the discriminator's input are samples in
measured form (images in [0, 1], points in data units). What scaling they need is a layer inside them.
The layers between the ends are dense here, and convolutions in convolutional.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Iterator

import keras
import numpy as np

from gan_core.config.sections import DiscriminatorConfig, GeneratorConfig
from gan_core.engine import convolutional
from gan_core.engine.layers import (
    Affine,
    Classes,
    Fourier,
    Projection,
    SingleFilterConv2D,
    SpectralConv2D,
    SpectralDense,
    SpectralProjection,
)

LEAK = 0.2


@dataclass(frozen=True)
class DataStatistics:
    """What the networks know of the data in advance: its shape, mean, and one scale for all axes.

    `shares` (classes,) says how often each class occurs; it is empty where the networks are not told of classes.
    """

    shape: tuple[int, ...]
    mean: np.ndarray
    scale: float
    shares: tuple[float, ...] = ()

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    @property
    def classes(self) -> int:
        return len(self.shares)

    @staticmethod
    def blank(shape: tuple[int, ...], classes: int = 0) -> DataStatistics:
        """For networks whose weights, and with them their knowledge of the data, are loaded afterwards."""
        return DataStatistics(shape, np.zeros(shape, np.float32), 1.0, (0.0,) * classes)


def statistics(x: np.ndarray, labels: np.ndarray | None = None) -> DataStatistics:
    """Of samples in storage form: the mean (of the data's shape) and, for points, the standard deviation over all axes.

    One scale for all axes, so Euclidean distances only change by a factor; 1 for images, whose range is fixed.
    With `labels` (n,), class numbers from 0, also how often each class occurs.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    shares = () if labels is None else tuple((np.bincount(labels) / len(labels)).tolist())
    if x.ndim == 4:
        return DataStatistics(x.shape[1:], (mean / 255).astype(np.float32), 1.0, shares)
    scale = float(np.sqrt(np.mean((x - mean) ** 2)))
    return DataStatistics(x.shape[1:], mean.astype(np.float32), scale or 1.0, shares)


class Toolbox:
    """Layers with freshly seeded first weights, one after the other, as the settings of one network want them."""

    def __init__(self, config: GeneratorConfig | DiscriminatorConfig, seed: int):
        self.config, self._draws = config, initializers(config.init, seed)
        self.spectral = getattr(config, "spectral_norm", False)

    def draw(self, gain: float = 1.0):
        initializer = next(self._draws)
        return initializer if gain == 1.0 else lambda shape, dtype=None: gain * initializer(shape, dtype=dtype)

    def dense(self, width: int, gain: float = 1.0, **options) -> keras.layers.Layer:
        kind = SpectralDense if self.spectral else keras.layers.Dense
        return kind(width, kernel_initializer=self.draw(gain), **options)

    def convolution(self, width: int, size: int = 3, strides: int = 1, gain: float = 1.0, **options):
        kind = SpectralConv2D if self.spectral else keras.layers.Conv2D
        return kind(width, size, strides, padding="same", kernel_initializer=self.draw(gain), **options)

    def single_filter(self, gain: float = 1.0) -> keras.layers.Layer:
        return SingleFilterConv2D(kernel_initializer=self.draw(gain))

    def unconvolution(self, width: int, size: int, gain: float = 1.0, **options) -> keras.layers.Layer:
        draw = self.draw(gain)
        return keras.layers.Conv2DTranspose(width, size, 2, padding="same", kernel_initializer=draw, **options)

    def activate(self, x):
        """Batch normalization, where the settings want it, then a leaky ReLU."""
        if self.config.batch_norm:
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return self.leak(x)

    @staticmethod
    def leak(x):
        return keras.layers.LeakyReLU(LEAK)(x)


def build_generator(config: GeneratorConfig, data: DataStatistics, seed: int = 0) -> keras.Model:
    """Latents (n, latent_dim) -> samples (n, *shape); with classes, a one-hot class stands behind the latents.

    The output is a sigmoid's for images, and in the data's own units for points.
    """
    tools = Toolbox(config, seed)
    z = x = keras.Input((config.latent_dim + data.classes,))
    if data.classes:
        unit = keras.initializers.RandomNormal(stddev=1.0, seed=_seed(seed, 1001))
        x = Classes(config.latent_dim, data.shares, unit, name="classes")(x)
    hidden = _dense_layers if config.architecture == "mlp" else convolutional.GENERATORS[config.architecture]
    x = hidden(tools, data.shape, x, bias=_output_bias(config, data))
    if data.is_image:
        x = keras.layers.Activation("sigmoid", name="output")(x)
    else:
        x = Affine(data.scale, data.mean, name="output")(x)
    return keras.Model(z, x, name="generator")


def build_discriminator(
    config: DiscriminatorConfig, data: DataStatistics, seed: int = 0, *, outputs: int = 1
) -> keras.Model:
    """Samples (n, *shape) -> logits (n, 1): no sigmoid, the losses work on logits end to end.

    With classes the inputs are [samples, one-hot classes]. With packing, one input is that many samples, joined along
    their last axis. `outputs` is another number for a VAE's encoder. The layer named `features` is the last hidden one.
    """
    tools = Toolbox(config, seed)
    shape = (*data.shape[:-1], data.shape[-1] * config.packing)
    mean = np.concatenate([data.mean] * config.packing, axis=-1)
    x = samples = keras.Input(shape)
    if not data.is_image:
        x = Affine(1 / data.scale, -mean / data.scale)(x)
    elif config.centre:
        x = Affine(2.0, -2.0 * mean)(x)
    if config.fourier:
        x = Fourier(config.fourier)(x)
    if config.architecture == "mlp":
        x = keras.layers.Flatten()(x)
        for width in config.hidden:
            x = tools.activate(tools.dense(width)(x))
    else:
        x = keras.layers.Flatten()(convolutional.DISCRIMINATORS[config.architecture](tools, x))
    features = keras.layers.Identity(name="features")(x)
    logits = tools.dense(outputs)(features)
    if not data.classes or outputs != 1:
        return keras.Model(samples, logits, name="discriminator")
    classes = keras.Input((data.classes,))
    small = keras.initializers.RandomNormal(stddev=features.shape[-1] ** -0.5, seed=_seed(seed, 1001))
    projection = SpectralProjection if config.spectral_norm else Projection
    logits = keras.layers.Add()([logits, projection(small)([features, classes])])
    return keras.Model([samples, classes], logits, name="discriminator")


def is_convolutional(*configs: GeneratorConfig | DiscriminatorConfig) -> bool:
    return any(config.architecture != "mlp" for config in configs)


def _dense_layers(tools: Toolbox, shape: tuple[int, ...], x, bias: np.ndarray | None):
    for width in tools.config.hidden:
        x = tools.activate(tools.dense(width)(x))
    start = "zeros" if bias is None else constant(bias.reshape(-1))
    x = tools.dense(math.prod(shape), gain=tools.config.output_gain, bias_initializer=start)(x)
    return keras.layers.Reshape(shape)(x)


def _output_bias(config: GeneratorConfig, data: DataStatistics) -> np.ndarray | None:
    """Nothing, or for images the logits of the mean image: the first images are then the average image."""
    if not (config.output_bias and data.is_image):
        return None
    mean = np.clip(data.mean, 0.01, 0.99)
    return np.log(mean / (1 - mean))


def constant(value: np.ndarray) -> Callable:
    return lambda shape, dtype=None: keras.ops.convert_to_tensor(value, dtype)


def initializers(name: str, seed: int) -> Iterator[keras.initializers.Initializer]:
    """One freshly seeded initializer after another, so a run's first weights follow from its seed alone."""
    kinds = {"he_normal": keras.initializers.HeNormal, "glorot_uniform": keras.initializers.GlorotUniform}
    for layer in range(1000):
        yield kinds[name](seed=_seed(seed, layer))


def _seed(seed: int, layer: int) -> int:
    return int(np.random.SeedSequence([seed, layer]).generate_state(1)[0] >> 1)
