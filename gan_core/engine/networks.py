"""The two networks, built from a configuration and the shape of the data.

Both speak the data's own language: the generator's output and the discriminator's input are samples in
measured form (images in [0, 1], points in data units). What scaling they need is a layer inside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np

from gan_core.config import DiscriminatorConfig, GeneratorConfig

LEAK = 0.2


@dataclass(frozen=True)
class DataStatistics:
    """What the networks know of the data in advance: its shape, mean, and one scale for all axes."""

    shape: tuple[int, ...]
    mean: np.ndarray
    scale: float

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3


def statistics(x: np.ndarray) -> DataStatistics:
    """Of samples in storage form: the mean (of the data's shape) and, for points, the standard deviation over all axes.

    One scale for all axes, so Euclidean distances only change by a factor; 1 for images, whose range is fixed.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    if x.ndim == 4:
        return DataStatistics(x.shape[1:], (mean / 255).astype(np.float32), 1.0)
    scale = float(np.sqrt(np.mean((x - mean) ** 2)))
    return DataStatistics(x.shape[1:], mean.astype(np.float32), scale or 1.0)


class Affine(keras.layers.Layer):
    """gain · x + offset with values that are saved with the weights and never trained."""

    def __init__(self, gain: float = 1.0, offset: np.ndarray | float = 0.0, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self._gain, self._offset = gain, np.asarray(offset, np.float32)

    def build(self, input_shape):
        constant = keras.initializers.Constant
        self.gain = self.add_weight(shape=(), initializer=constant(self._gain), trainable=False, name="gain")
        offset = np.broadcast_to(self._offset, input_shape[1:])
        self.offset = self.add_weight(
            shape=offset.shape,
            initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(offset, dtype),
            trainable=False,
            name="offset",
        )

    def call(self, x):
        return self.gain * x + self.offset


def build_generator(config: GeneratorConfig, data: DataStatistics, seed: int = 0) -> keras.Model:
    """Latents (n, latent_dim) -> samples (n, *shape): leaky-ReLU layers, then a sigmoid for images."""
    draw = _initializers(config.init, seed)
    z = x = keras.Input((config.latent_dim,))
    for width in config.hidden:
        x = keras.layers.LeakyReLU(LEAK)(keras.layers.Dense(width, kernel_initializer=next(draw))(x))
    kernel, bias = _scaled(next(draw), config.output_gain), _bias(config, data)
    x = keras.layers.Dense(math.prod(data.shape), kernel_initializer=kernel, bias_initializer=bias)(x)
    x = keras.layers.Reshape(data.shape)(x)
    if data.is_image:
        x = keras.layers.Activation("sigmoid")(x)
    else:
        x = Affine(data.scale, data.mean)(x)
    return keras.Model(z, x, name="generator")


def build_discriminator(config: DiscriminatorConfig, data: DataStatistics, seed: int = 0) -> keras.Model:
    """Samples (n, *shape) -> logits (n, 1): no sigmoid, the losses work on logits end to end."""
    draw = _initializers(config.init, seed)
    x = samples = keras.Input(data.shape)
    if not data.is_image:
        x = Affine(1 / data.scale, -data.mean / data.scale)(x)
    elif config.centre:
        x = Affine(2.0, -2.0 * data.mean)(x)
    x = keras.layers.Flatten()(x)
    for width in config.hidden:
        x = keras.layers.LeakyReLU(LEAK)(keras.layers.Dense(width, kernel_initializer=next(draw))(x))
    return keras.Model(samples, keras.layers.Dense(1, kernel_initializer=next(draw))(x), name="discriminator")


def _initializers(name: str, seed: int):
    """One freshly seeded initializer after another, so a run's first weights follow from its seed alone."""
    kinds = {"he_normal": keras.initializers.HeNormal, "glorot_uniform": keras.initializers.GlorotUniform}
    for layer in range(1000):
        yield kinds[name](seed=int(np.random.SeedSequence([seed, layer]).generate_state(1)[0] >> 1))


def _scaled(initializer, gain: float):
    return lambda shape, dtype=None: gain * initializer(shape, dtype=dtype)


def _bias(config: GeneratorConfig, data: DataStatistics):
    """Zeros, or for images the logit of the mean pixel: the first images are then the average image."""
    if not (config.output_bias and data.is_image):
        return "zeros"
    mean = np.clip(data.mean.reshape(-1), 0.01, 0.99)
    return lambda shape, dtype=None: keras.ops.convert_to_tensor(np.log(mean / (1 - mean)), dtype)
