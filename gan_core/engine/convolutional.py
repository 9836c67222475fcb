"""Convolutional networks for images of at least 8 × 8 pixels: the generator's layers between the latents and the last
sigmoid, and the discriminator's layers between the samples and the last dense layer.

Each generator starts at a quarter of the image's size (half for small images), doubles it step by step, and crops the
rest. Feature maps are (n, height, width, channels).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np

from gan_core.config.sections import DiscriminatorConfig, GeneratorConfig
from gan_core.engine.layer_factory import LayerFactory
from gan_core.engine.layers import Bias, DepthToSpace, SpaceToDepth

GeneratorLayers = LayerFactory[GeneratorConfig]
DiscriminatorLayers = LayerFactory[DiscriminatorConfig]
Shape = tuple[int, ...]
Tensor = keras.KerasTensor

SMALL = 16
"""Images with fewer pixels than this along a side are doubled once only."""


def _doublings(shape: Shape) -> int:
    return 2 if min(shape[:2]) >= SMALL else 1


def _first_feature_map(layers: GeneratorLayers, shape: Shape, x: Tensor, width: int) -> Tensor:
    """Latents (n, d) -> the smallest feature map, with `width` channels."""
    height, wide = (math.ceil(side / 2 ** _doublings(shape)) for side in shape[:2])
    return keras.layers.Reshape((height, wide, width))(layers.dense(height * wide * width)(x))


def _last_convolution(layers: GeneratorLayers, shape: Shape, x: Tensor, bias: np.ndarray | None) -> Tensor:
    """A convolution to the data's channels, cropped to `shape`; with a bias for each pixel if `bias` is given."""
    gain = layers.config.output_gain
    last = layers.one_channel_convolution(gain) if shape[-1] == 1 else layers.convolution(shape[-1], gain=gain)
    return _crop(shape, last(x), bias)


def _crop(shape: Shape, x: Tensor, bias: np.ndarray | None) -> Tensor:
    surplus = [have - want for have, want in zip(x.shape[1:3], shape[:2])]
    x = keras.layers.Cropping2D([(extra // 2, extra - extra // 2) for extra in surplus])(x)
    return x if bias is None else Bias(bias)(x)


# ---------------------------------------------------------------- DCGAN


def _dcgan_generator(layers: GeneratorLayers, shape: Shape, x: Tensor, bias: np.ndarray | None) -> Tensor:
    """Transposed convolutions of stride 2. Radford et al. 2015, arXiv:1511.06434."""
    doublings = _doublings(shape)
    x = layers.activate(_first_feature_map(layers, shape, x, layers.config.channels * 2 ** (doublings - 1)))
    for width in [layers.config.channels * 2**level for level in reversed(range(doublings - 1))]:
        x = layers.activate(layers.transposed_convolution(width, 4)(x))
    return _crop(shape, layers.transposed_convolution(shape[-1], 4, gain=layers.config.output_gain)(x), bias)


def _dcgan_discriminator(layers: DiscriminatorLayers, x: Tensor) -> Tensor:
    """Convolutions of stride 2; the first one is not followed by batch normalization."""
    doublings = _doublings(x.shape[1:])
    x = layers.leaky_relu(layers.convolution(layers.config.channels, 4, 2)(x))
    for level in range(1, doublings):
        x = layers.activate(layers.convolution(layers.config.channels * 2**level, 4, 2)(x))
    return x


# ---------------------------------------------------------------- sub-pixel


def _subpixel_generator(layers: GeneratorLayers, shape: Shape, x: Tensor, bias: np.ndarray | None) -> Tensor:
    """Sub-pixel convolutions: four channels of each pixel become 2 × 2 pixels. Few and large matrix products."""
    width = layers.config.channels
    x = layers.activate(_first_feature_map(layers, shape, x, width))
    for _ in range(_doublings(shape)):
        x = layers.activate(layers.convolution(width)(x))
        x = layers.activate(DepthToSpace()(layers.convolution(4 * width)(x)))
    return _last_convolution(layers, shape, layers.activate(layers.convolution(width)(x)), bias)


def _subpixel_discriminator(layers: DiscriminatorLayers, x: Tensor) -> Tensor:
    width = layers.config.channels
    for level in range(_doublings(x.shape[1:])):
        x = layers.activate(layers.convolution(width * 2**level)(SpaceToDepth()(x)))
    return layers.activate(layers.convolution(x.shape[-1])(x))


# ---------------------------------------------------------------- residual


def _residual_generator(layers: GeneratorLayers, shape: Shape, x: Tensor, bias: np.ndarray | None) -> Tensor:
    """Residual blocks between doublings, without any normalization. Huang et al. 2024, arXiv:2501.05441, section 4."""
    doublings = _doublings(shape)
    # Few channels after the dense layer, which would otherwise hold two thirds of all weights.
    x = _first_feature_map(layers, shape, x, layers.config.channels)
    x = _change_channels(layers, x, layers.config.channels * 2**doublings)
    for level in reversed(range(doublings)):
        x = _residual_block(layers, x, x.shape[-1])
        x = _change_channels(layers, x, layers.config.channels * 2**level)
        x = keras.layers.UpSampling2D(interpolation="nearest")(x)
    x = layers.activate(_residual_block(layers, x, layers.config.channels))
    return _last_convolution(layers, shape, x, bias)


def _residual_discriminator(layers: DiscriminatorLayers, x: Tensor) -> Tensor:
    doublings = _doublings(x.shape[1:])
    x = layers.convolution(layers.config.channels)(SpaceToDepth()(x))
    for level in range(1, doublings + 1):
        width = layers.config.channels * 2**level
        x = _residual_block(layers, _change_channels(layers, x, width), width)
        if level < doublings:
            x = keras.layers.AveragePooling2D(2, padding="same")(x)
    return layers.activate(x)


def _residual_block(layers: LayerFactory, x: Tensor, width: int) -> Tensor:
    """x + two convolutions of it; the weights of the second are 0 at first, so a new block changes nothing.

    Except under spectral normalization: a kernel of zeros cannot be divided by its largest singular value.
    """
    y = layers.convolution(width)(layers.activate(x))
    gain = 1.0 if layers.spectral else 0.0
    return keras.layers.Add()([x, layers.convolution(width, gain=gain)(layers.activate(y))])


def _change_channels(layers: LayerFactory, x: Tensor, width: int) -> Tensor:
    """A 1 × 1 convolution to `width` channels where `x` has another number of them."""
    return x if x.shape[-1] == width else layers.convolution(width, 1)(x)


GENERATORS: dict[str, Callable[[GeneratorLayers, Shape, Tensor, np.ndarray | None], Tensor]] = {
    "dcgan": _dcgan_generator,
    "subpixel": _subpixel_generator,
    "residual": _residual_generator,
}
DISCRIMINATORS: dict[str, Callable[[DiscriminatorLayers, Tensor], Tensor]] = {
    "dcgan": _dcgan_discriminator,
    "subpixel": _subpixel_discriminator,
    "residual": _residual_discriminator,
}
