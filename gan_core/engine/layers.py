"""Layers that Keras lacks, or has only in a slower form: fixed scaling, Fourier features, class conditioning, spectral
normalization, a convolution to one channel, space-to-depth and depth-to-space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Shape = tuple[Any, ...]
"""The shape of a batch, as Keras tells a layer: the number of samples, which comes first, may be None."""


class Affine(keras.layers.Layer):
    """gain · x + offset with values that are saved with the weights and never trained."""

    def __init__(self, gain: float = 1.0, offset: np.ndarray | float = 0.0, **kwargs: Any):
        super().__init__(trainable=False, **kwargs)
        self._gain, self._offset = gain, np.asarray(offset, np.float32)

    def build(self, input_shape: Shape) -> None:
        """Create the two constants for samples of shape `input_shape[1:]`."""
        constant = keras.initializers.Constant
        self.gain = self.add_weight(shape=(), initializer=constant(self._gain), trainable=False, name="gain")
        self.offset = _add_weight(self, np.broadcast_to(self._offset, input_shape[1:]), "offset")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Samples (n, *shape) -> (n, *shape)."""
        return self.gain * x + self.offset


class Bias(keras.layers.Layer):
    """x + a trained bias for every element of a sample, with the initial values `start` (of a sample's shape)."""

    def __init__(self, start: np.ndarray, **kwargs: Any):
        super().__init__(**kwargs)
        self._start = np.asarray(start, np.float32)

    def build(self, input_shape: Shape) -> None:
        """Create the bias for samples of shape `input_shape[1:]`."""
        self.bias = _add_weight(self, np.broadcast_to(self._start, input_shape[1:]), "bias", trainable=True)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Samples (n, *shape) -> (n, *shape)."""
        return x + self.bias


class FourierFeatures(keras.layers.Layer):
    """Points (n, d) beside their sines and cosines in `octaves` octaves: (n, d · (1 + 2 · octaves)).

    They let a small network represent fine structure early in its training (Tancik et al. 2020, arXiv:2006.10739).
    """

    def __init__(self, octaves: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.octaves = octaves

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Points (n, d) -> (n, d · (1 + 2 · octaves))."""
        angles = [math.pi / 2 * 2**octave * x for octave in range(self.octaves)]
        return tf.concat([x, *map(tf.sin, angles), *map(tf.cos, angles)], axis=-1)


class ClassEmbedding(keras.layers.Layer):
    """Latents followed by a one-hot class, (n, latent + classes) -> latents followed by the class's embedding.

    `frequencies` (classes,), how often each class occurs, are kept with the weights, so that a generator alone can draw
    classes as often as the data contain them.
    """

    def __init__(
        self,
        latent_dim: int,
        frequencies: Sequence[float],
        initializer: keras.initializers.Initializer,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.latent_dim, self._initializer = latent_dim, initializer
        self._frequencies = np.asarray(frequencies, np.float32)

    def build(self, input_shape: Shape) -> None:
        """Create the embedding (classes, latent) and the constant frequencies (classes,)."""
        shape = (len(self._frequencies), self.latent_dim)
        self.embedding = self.add_weight(shape=shape, initializer=self._initializer, name="embedding")
        self.frequencies = _add_weight(self, self._frequencies, "frequencies")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(n, latent + classes) -> (n, 2 · latent)."""
        z, classes = x[:, : self.latent_dim], x[:, self.latent_dim :]
        return tf.concat([z, tf.matmul(classes, self.embedding)], axis=1)


class ClassProjection(keras.layers.Layer):
    """Features (n, f) and one-hot classes (n, c) -> <v_y, features>, (n, 1): how well the features fit the class.

    The discriminator adds it to its logit. Miyato & Koyama 2018, arXiv:1802.05637, eq. 3.
    """

    def __init__(self, initializer: keras.initializers.Initializer, **kwargs: Any):
        super().__init__(**kwargs)
        self._initializer = initializer

    def build(self, input_shape: tuple[Shape, Shape]) -> None:
        """Create the embedding (classes, f) for features (n, f) and one-hot classes (n, classes)."""
        features, classes = input_shape
        shape = (classes[-1], features[-1])
        self.kernel = self.add_weight(shape=shape, initializer=self._initializer, name="embedding")

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Features (n, f) and one-hot classes (n, c) -> (n, 1)."""
        features, classes = inputs
        return tf.reduce_sum(tf.matmul(classes, self.vectors()) * features, axis=1, keepdims=True)

    def vectors(self) -> tf.Tensor:
        """The embedding of each class, (c, f)."""
        return self.kernel


class SpectralNormalization(keras.layers.Layer):
    """A layer whose kernel is divided by an estimate of its largest singular value sigma.

    Miyato et al. 2018, arXiv:1802.05957, algorithm 1: the singular vectors u and v are kept between steps, and the
    gradient treats them as constants in sigma = v' W u. The kernel is read as a matrix (inputs, outputs). Calling the
    layer updates nothing: `power_iteration` does that, once before each discriminator step.
    """

    kernel: Any
    bias: Any

    def build(self, input_shape: Any) -> None:
        """Create the layer's own weights, then u and v: constants, and one step of power iteration from there."""
        super().build(input_shape)
        matrix = np.asarray(self.kernel).reshape(-1, self.kernel.shape[-1])
        self.v = _add_weight(self, np.full(len(matrix), len(matrix) ** -0.5, np.float32), "v")
        self.u = _add_weight(self, np.full(matrix.shape[1], matrix.shape[1] ** -0.5, np.float32), "u")
        self.power_iteration()

    def power_iteration(self) -> None:
        """One step of power iteration towards the largest singular value of the present kernel."""
        matrix = self._matrix()
        v = tf.math.l2_normalize(tf.linalg.matvec(matrix, self.u), epsilon=1e-12)
        u = tf.math.l2_normalize(tf.linalg.matvec(matrix, v, transpose_a=True), epsilon=1e-12)
        self.v.assign(v)
        self.u.assign(u)

    def normalised_kernel(self) -> tf.Tensor:
        """The kernel divided by sigma, in the kernel's own shape."""
        sigma = tf.tensordot(self.v, tf.linalg.matvec(self._matrix(), self.u), 1)
        return self.kernel / tf.maximum(sigma, 1e-12)

    def _matrix(self) -> tf.Tensor:
        return tf.reshape(self.kernel, (-1, self.kernel.shape[-1]))


class SpectralDense(SpectralNormalization, keras.layers.Dense):
    """A dense layer under spectral normalization."""

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """(n, inputs) -> (n, outputs); the same in training and out of it."""
        return tf.matmul(x, self.normalised_kernel()) + self.bias


class SpectralClassProjection(SpectralNormalization, ClassProjection):
    """A class projection under spectral normalization, as in the authors' own discriminators."""

    def vectors(self) -> tf.Tensor:
        """The embedding of each class divided by sigma, (c, f)."""
        return self.normalised_kernel()


class SpectralConv2D(SpectralNormalization, keras.layers.Conv2D):
    """A convolution under spectral normalization."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Images (n, h, w, c) -> (n, h / strides, w / strides, filters), sides rounded up where padding is "same"."""
        strides: Any = self.strides  # Keras annotates the argument from its default, a number
        return keras.ops.conv(x, self.normalised_kernel(), strides, self.padding, self.data_format) + self.bias


class OneChannelConv2D(keras.layers.Conv2D):
    """A 3 × 3 convolution to one channel with zero padding: the values of Keras's Conv2D in less time.

    oneDNN computes sixteen channels where one is needed. Here the nine positions of the kernel are the rows of one
    matrix product, and the result of each row is shifted to its place. The gradients are computed the same way, by
    hand, since the automatic ones would be as slow as the convolution.
    """

    bias: Any

    def __init__(self, **kwargs: Any):
        super().__init__(1, 3, padding="same", **kwargs)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Images (n, h, w, c) -> (n, h, w, 1)."""
        return _convolve_to_one_channel(x, tf.convert_to_tensor(self.kernel)) + self.bias


def _convolution_and_gradient(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Images (n, h, w, c) and a kernel (3, 3, c, 1) -> (n, h, w, 1), and the function that gives both gradients."""
    height, width, channels = _sides(x)

    def shifted(planes: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Nine planes (n, h, w): the one for row i, column j of the kernel is shifted by (i − 1, j − 1)."""
        padded = [tf.pad(plane, [[0, 0], [1, 1], [1, 1]]) for plane in planes]
        return [p[:, i : i + height, j : j + width] for p, (i, j) in zip(padded, np.ndindex(3, 3))]

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        plane, rows = tf.squeeze(upstream, -1), tf.reshape(x, (-1, channels))
        nine = tf.reshape(tf.stack(shifted([plane] * 9)[::-1]), (9, -1))
        on_x = tf.matmul(nine, tf.reshape(kernel, (9, channels)), transpose_a=True)
        return tf.reshape(on_x, tf.shape(x)), tf.reshape(tf.matmul(nine, rows), kernel.shape)

    nine = tf.matmul(tf.reshape(kernel, (9, channels)), tf.reshape(x, (-1, channels)), transpose_b=True)
    planes = tf.unstack(tf.reshape(nine, (9, -1, height, width)))
    return tf.expand_dims(tf.add_n(shifted(planes)), -1), gradient


_convolve_to_one_channel: Callable[[tf.Tensor, tf.Tensor], Any] = tf.custom_gradient(_convolution_and_gradient)


class SpaceToDepth(keras.layers.Layer):
    """(n, h, w, c) -> (n, h / 2, w / 2, 4c): every 2 × 2 pixels become one; an odd side is padded with zeros first.

    The values of `tf.nn.space_to_depth`, which moves single numbers on one core; a transposition moves whole rows.
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(n, h, w, c) -> (n, h / 2, w / 2, 4c)."""
        height, width, channels = _sides(x)
        x = tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]])
        height, width = (height + 1) // 2, (width + 1) // 2
        x = tf.transpose(tf.reshape(x, (-1, 2, width, 2 * channels)), (0, 2, 1, 3))
        return tf.reshape(x, (-1, height, width, 4 * channels))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the result for a batch of this shape, which Keras asks for before there are samples."""
        n, height, width, channels = shape
        return n, (height + 1) // 2, (width + 1) // 2, 4 * channels


class DepthToSpace(keras.layers.Layer):
    """(n, h, w, 4c) -> (n, 2h, 2w, c), the inverse of SpaceToDepth. Shi et al. 2016, arXiv:1609.05158."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(n, h, w, 4c) -> (n, 2h, 2w, c)."""
        height, width, channels = _sides(x)
        x = tf.transpose(tf.reshape(x, (-1, width, 2, channels // 2)), (0, 2, 1, 3))
        return tf.reshape(x, (-1, 2 * height, 2 * width, channels // 4))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the result for a batch of this shape, which Keras asks for before there are samples."""
        n, height, width, channels = shape
        return n, 2 * height, 2 * width, channels // 4


def _sides(x: tf.Tensor) -> tuple[int, int, int]:
    """(h, w, c) of images (n, h, w, c); only n may be unknown."""
    height, width, channels = x.shape[1:]
    return height, width, channels  # pyright: ignore[reportReturnType]  (TensorFlow says int | None of every side)


def _add_weight(layer: keras.layers.Layer, value: np.ndarray, name: str, trainable: bool = False) -> keras.Variable:
    """Give a layer a weight with the initial value `value`, which optimizers leave alone unless it is `trainable`."""
    value = np.array(value, np.float32)
    return layer.add_weight(
        shape=value.shape,
        initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(value, dtype),
        trainable=trainable,
        name=name,
    )
