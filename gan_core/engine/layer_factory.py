"""The layers of one network in the order they are built, as its settings want them, each with its own seed."""

from __future__ import annotations

from typing import Any, Callable, Generic, Iterator, TypeVar

import keras
import numpy as np

from gan_core.config.sections import DiscriminatorConfig, GeneratorConfig
from gan_core.engine.layers import OneChannelConv2D, SpectralConv2D, SpectralDense

Settings = TypeVar("Settings", GeneratorConfig, DiscriminatorConfig)

LEAK = 0.2
"""The slope of leaky ReLUs below 0."""


class LayerFactory(Generic[Settings]):
    """Makes layers whose initial weights follow from `seed` and the number of layers made before."""

    def __init__(self, config: Settings, seed: int):
        self.config, self._initializers = config, _initializers(config.init, seed)
        self.spectral = getattr(config, "spectral_norm", False)

    def dense(self, width: int, gain: float = 1.0, **options: Any) -> keras.layers.Layer:
        """A dense layer, spectrally normalized if the settings say so; its initial weights are multiplied by `gain`."""
        kind = SpectralDense if self.spectral else keras.layers.Dense
        return kind(width, kernel_initializer=self._initializer(gain), **options)

    def convolution(
        self, width: int, size: int = 3, strides: int = 1, gain: float = 1.0, **options: Any
    ) -> keras.layers.Layer:
        """A `size` × `size` convolution to `width` channels; spectral normalization and `gain` as for `dense`."""
        kind = SpectralConv2D if self.spectral else keras.layers.Conv2D
        return kind(width, size, strides, padding="same", kernel_initializer=self._initializer(gain), **options)

    def one_channel_convolution(self, gain: float = 1.0) -> keras.layers.Layer:
        """A 3 × 3 convolution to one channel."""
        return OneChannelConv2D(kernel_initializer=self._initializer(gain))

    def transposed_convolution(self, width: int, size: int, gain: float = 1.0, **options: Any) -> keras.layers.Layer:
        """A transposed convolution of stride 2: twice the pixels a side, `width` channels."""
        initializer = self._initializer(gain)
        return keras.layers.Conv2DTranspose(width, size, 2, padding="same", kernel_initializer=initializer, **options)

    def activate(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Batch normalization if the settings say so, then a leaky ReLU."""
        if self.config.batch_norm:
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        return self.leaky_relu(x)

    @staticmethod
    def leaky_relu(x: keras.KerasTensor) -> keras.KerasTensor:
        """A leaky ReLU without any normalization."""
        return keras.layers.LeakyReLU(LEAK)(x)

    def _initializer(self, gain: float) -> Any:
        initializer = next(self._initializers)
        return initializer if gain == 1.0 else lambda shape, dtype=None: gain * initializer(shape, dtype=dtype)


def constant(value: np.ndarray) -> Callable:
    """An initializer that gives `value`."""
    return lambda shape, dtype=None: keras.ops.convert_to_tensor(value, dtype)


def layer_seed(seed: int, layer: int) -> int:
    """The seed of one layer's initial weights, from the run's seed and the layer's number."""
    return int(np.random.SeedSequence([seed, layer]).generate_state(1)[0] >> 1)


def _initializers(name: str, seed: int) -> Iterator[keras.initializers.Initializer]:
    """Initializers with seeds of their own, one after the other."""
    kinds = {"he_normal": keras.initializers.HeNormal, "glorot_uniform": keras.initializers.GlorotUniform}
    for layer in range(1000):
        yield kinds[name](seed=layer_seed(seed, layer))
