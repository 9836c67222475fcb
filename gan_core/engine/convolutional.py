"""Convolutional networks for images of any size from 8 × 8: what stands between the latents and the last sigmoid, and
between the samples and the last dense layer.

Each works at a quarter of the image's size first (half, for small images), doubles what it has, and cuts off what is
too much. `tools` makes the layers (networks.Toolbox).
"""

from __future__ import annotations

import math

import keras

from gan_core.engine.layers import Bias, ToChannels, ToPixels

SMALL = 16
"""Images with fewer pixels along a side are doubled once only."""


def _halvings(shape) -> int:
    return 2 if min(shape[:2]) >= SMALL else 1


def _start(tools, shape, x, width: int):
    """Latents -> the first small picture, `width` channels deep."""
    height, wide = (math.ceil(side / 2 ** _halvings(shape)) for side in shape[:2])
    return keras.layers.Reshape((height, wide, width))(tools.dense(height * wide * width)(x))


def _finish(tools, shape, x, bias):
    """The last convolution, cut to the shape of the data; with a bias for each pixel, or one for all."""
    gain = tools.config.output_gain
    last = tools.single_filter(gain) if shape[-1] == 1 else tools.convolution(shape[-1], gain=gain)
    return _cut(shape, last(x), bias)


def _cut(shape, x, bias):
    spare = [have - want for have, want in zip(x.shape[1:3], shape[:2])]
    x = keras.layers.Cropping2D([(extra // 2, extra - extra // 2) for extra in spare])(x)
    return x if bias is None else Bias(bias)(x)


# ---------------------------------------------------------------- DCGAN


def _dcgan_generator(tools, shape, x, bias):
    """Transposed convolutions of stride 2. Radford et al. 2015, arXiv:1511.06434."""
    doublings = _halvings(shape)
    x = tools.activate(_start(tools, shape, x, tools.config.channels * 2 ** (doublings - 1)))
    for width in [tools.config.channels * 2**level for level in reversed(range(doublings - 1))]:
        x = tools.activate(tools.unconvolution(width, 4)(x))
    return _cut(shape, tools.unconvolution(shape[-1], 4, gain=tools.config.output_gain)(x), bias)


def _dcgan_discriminator(tools, x):
    """Convolutions of stride 2; the first is not normalised."""
    doublings = _halvings(x.shape[1:])
    x = tools.leak(tools.convolution(tools.config.channels, 4, 2)(x))
    for level in range(1, doublings):
        x = tools.activate(tools.convolution(tools.config.channels * 2**level, 4, 2)(x))
    return x


# ---------------------------------------------------------------- sub-pixel


def _subpixel_generator(tools, shape, x, bias):
    """Convolutions whose channels are dealt out to the four pixels that each pixel becomes: few and dense products."""
    width = tools.config.channels
    x = tools.activate(_start(tools, shape, x, width))
    for _ in range(_halvings(shape)):
        x = tools.activate(tools.convolution(width)(x))
        x = tools.activate(ToPixels()(tools.convolution(4 * width)(x)))
    return _finish(tools, shape, tools.activate(tools.convolution(width)(x)), bias)


def _subpixel_discriminator(tools, x):
    width = tools.config.channels
    for level in range(_halvings(x.shape[1:])):
        x = tools.activate(tools.convolution(width * 2**level)(ToChannels()(x)))
    return tools.activate(tools.convolution(x.shape[-1])(x))


# ---------------------------------------------------------------- residual


def _residual_generator(tools, shape, x, bias):
    """Residual blocks between doublings, without any normalization. Huang et al. 2024, arXiv:2501.05441, section 4."""
    doublings = _halvings(shape)
    # Few channels out of the dense layer, which would otherwise hold two thirds of all weights.
    x = _start(tools, shape, x, tools.config.channels)
    x = _resize(tools, x, tools.config.channels * 2**doublings)
    for level in reversed(range(doublings)):
        x = _block(tools, x, x.shape[-1])
        x = keras.layers.UpSampling2D(interpolation="nearest")(_resize(tools, x, tools.config.channels * 2**level))
    return _finish(tools, shape, tools.activate(_block(tools, x, tools.config.channels)), bias)


def _residual_discriminator(tools, x):
    doublings = _halvings(x.shape[1:])
    x = tools.convolution(tools.config.channels)(ToChannels()(x))
    for level in range(1, doublings + 1):
        x = _block(tools, _resize(tools, x, tools.config.channels * 2**level), tools.config.channels * 2**level)
        if level < doublings:
            x = keras.layers.AveragePooling2D(2, padding="same")(x)
    return tools.activate(x)


def _block(tools, x, width: int):
    """x + two convolutions of it; the second starts at zero, so a new block changes nothing.

    Not under spectral normalization: a kernel of zeros has no largest stretch to be divided by.
    """
    y = tools.convolution(width)(tools.activate(x))
    start = 1.0 if tools.spectral else 0.0
    return keras.layers.Add()([x, tools.convolution(width, gain=start)(tools.activate(y))])


def _resize(tools, x, width: int):
    return x if x.shape[-1] == width else tools.convolution(width, 1)(x)


GENERATORS = {"dcgan": _dcgan_generator, "subpixel": _subpixel_generator, "residual": _residual_generator}
DISCRIMINATORS = {
    "dcgan": _dcgan_discriminator,
    "subpixel": _subpixel_discriminator,
    "residual": _residual_discriminator,
}
