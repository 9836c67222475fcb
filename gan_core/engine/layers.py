"""The layers that Keras does not have, or has slower: fixed scaling, sines, classes, spectral normalization,
one filter, packing of pixels.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf


class Affine(keras.layers.Layer):
    """gain · x + offset with values that are saved with the weights and never trained."""

    def __init__(self, gain: float = 1.0, offset: np.ndarray | float = 0.0, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self._gain, self._offset = gain, np.asarray(offset, np.float32)

    def build(self, input_shape):
        constant = keras.initializers.Constant
        self.gain = self.add_weight(shape=(), initializer=constant(self._gain), trainable=False, name="gain")
        self.offset = _kept(self, np.broadcast_to(self._offset, input_shape[1:]), "offset")

    def call(self, x):
        return self.gain * x + self.offset


class Bias(keras.layers.Layer):
    """x + a learned bias of its own for every element of a sample."""

    def __init__(self, start: np.ndarray, **kwargs):
        super().__init__(**kwargs)
        self._start = np.asarray(start, np.float32)

    def build(self, input_shape):
        self.bias = _kept(self, np.broadcast_to(self._start, input_shape[1:]), "bias", trainable=True)

    def call(self, x):
        return x + self.bias


class Fourier(keras.layers.Layer):
    """Points (n, d) beside their sines and cosines in `octaves` octaves: (n, d · (1 + 2 · octaves)).

    A small network sees fine structure in them that it would take long to bend itself around
    (Tancik et al. 2020, arXiv:2006.10739).
    """

    def __init__(self, octaves: int, **kwargs):
        super().__init__(**kwargs)
        self.octaves = octaves

    def call(self, x):
        waves = [math.pi / 2 * 2**octave * x for octave in range(self.octaves)]
        return tf.concat([x, *map(tf.sin, waves), *map(tf.cos, waves)], axis=-1)


class Classes(keras.layers.Layer):
    """Latents with a one-hot class at their end (n, latent + classes) -> latents beside the class's own vector.

    `shares` (classes,) says how often each class occurs: kept with the weights, so that a generator on its own can
    draw classes as the data do.
    """

    def __init__(self, latent_dim: int, shares: np.ndarray, initializer, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim, self._shares, self._initializer = latent_dim, np.asarray(shares, np.float32), initializer

    def build(self, input_shape):
        shape = (len(self._shares), self.latent_dim)
        self.embedding = self.add_weight(shape=shape, initializer=self._initializer, name="embedding")
        self.shares = _kept(self, self._shares, "shares")

    def call(self, x):
        z, classes = x[:, : self.latent_dim], x[:, self.latent_dim :]
        return tf.concat([z, tf.matmul(classes, self.embedding)], axis=1)


class Projection(keras.layers.Layer):
    """Features (n, f) and one-hot classes (n, c) -> <v_y, features>, (n, 1).

    Miyato & Koyama 2018, arXiv:1802.05637, eq. 3: how well the features suit the class, beside how real they are.
    """

    def __init__(self, initializer, **kwargs):
        super().__init__(**kwargs)
        self._initializer = initializer

    def build(self, input_shape):
        features, classes = input_shape
        shape = (classes[-1], features[-1])
        self.kernel = self.add_weight(shape=shape, initializer=self._initializer, name="embedding")

    def call(self, inputs):
        features, classes = inputs
        return tf.reduce_sum(tf.matmul(classes, self.vectors()) * features, axis=1, keepdims=True)

    def vectors(self):
        return self.kernel


class Spectral:
    """A layer whose kernel is divided by its largest singular value sigma, as power iteration knows it.

    Miyato et al. 2018, arXiv:1802.05957, algorithm 1: u and v are remembered, and no gradient passes through them;
    one passes through sigma = v' W u. The kernel is read as (inputs, outputs). Nothing is updated while the layer is
    called: `iterate` does that, once before each discriminator step.
    """

    def build(self, input_shape):
        super().build(input_shape)
        matrix = np.asarray(self.kernel).reshape(-1, self.kernel.shape[-1])
        self.v = _kept(self, np.full(len(matrix), len(matrix) ** -0.5, np.float32), "v")
        self.u = _kept(self, np.full(matrix.shape[1], matrix.shape[1] ** -0.5, np.float32), "u")
        self.iterate()

    def iterate(self) -> None:
        """One step of power iteration towards the largest singular value of the kernel as it is now."""
        matrix = self._matrix()
        v = tf.math.l2_normalize(tf.linalg.matvec(matrix, self.u), epsilon=1e-12)
        u = tf.math.l2_normalize(tf.linalg.matvec(matrix, v, transpose_a=True), epsilon=1e-12)
        self.v.assign(v)
        self.u.assign(u)

    def normalised(self):
        sigma = tf.tensordot(self.v, tf.linalg.matvec(self._matrix(), self.u), 1)
        return self.kernel / tf.maximum(sigma, 1e-12)

    def _matrix(self):
        return tf.reshape(self.kernel, (-1, self.kernel.shape[-1]))


class SpectralDense(Spectral, keras.layers.Dense):
    def call(self, x, training=None):
        return tf.matmul(x, self.normalised()) + self.bias


class SpectralProjection(Spectral, Projection):
    """As the authors' own discriminators have it: no class may be judged more steeply than the layers allow."""

    def vectors(self):
        return self.normalised()


class SpectralConv2D(Spectral, keras.layers.Conv2D):
    def call(self, x):
        return keras.ops.conv(x, self.normalised(), self.strides, self.padding, self.data_format) + self.bias


class SingleFilterConv2D(keras.layers.Conv2D):
    """A 3 × 3 convolution to one channel, zeros around the picture. It is Keras' in all but speed.

    oneDNN makes sixteen channels of the one. Here the nine pixels of the kernel are nine rows of one matrix product,
    and what each row gives is moved to its place; so are the gradients, by hand, since moving back costs as much.
    """

    def __init__(self, **kwargs):
        super().__init__(1, 3, padding="same", **kwargs)

    def call(self, x):
        return _to_one_channel(x, tf.convert_to_tensor(self.kernel)) + self.bias


@tf.custom_gradient
def _to_one_channel(x, kernel):
    """Pictures (n, h, w, c) and a kernel (3, 3, c, 1) -> (n, h, w, 1)."""
    height, width, channels = x.shape[1:]

    def moved(nine):
        """Of nine planes (9, n, h, w), the one for row i, column j of the kernel as it is at (i − 1, j − 1)."""
        around = [tf.pad(plane, [[0, 0], [1, 1], [1, 1]]) for plane in nine]
        return [p[:, i : i + height, j : j + width] for p, (i, j) in zip(around, np.ndindex(3, 3))]

    def back(upstream):
        plane, rows = upstream[..., 0], tf.reshape(x, (-1, channels))
        nine = tf.reshape(tf.stack(moved([plane] * 9)[::-1]), (9, -1))
        on_x = tf.matmul(nine, tf.reshape(kernel, (9, channels)), transpose_a=True)
        return tf.reshape(on_x, tf.shape(x)), tf.reshape(tf.matmul(nine, rows), kernel.shape)

    nine = tf.matmul(tf.reshape(kernel, (9, channels)), tf.reshape(x, (-1, channels)), transpose_b=True)
    planes = tf.unstack(tf.reshape(nine, (9, -1, height, width)))
    return tf.add_n(moved(planes))[..., None], back


class ToChannels(keras.layers.Layer):
    """Every 2 × 2 pixels become one with four times the channels; an odd side is filled up with zeros first.

    As `tf.nn.space_to_depth` does, which goes from number to number on one core; a transposition moves rows of them.
    """

    def call(self, x):
        height, width, channels = x.shape[1:]
        x = tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]])
        height, width = (height + 1) // 2, (width + 1) // 2
        x = tf.transpose(tf.reshape(x, (-1, 2, width, 2 * channels)), (0, 2, 1, 3))
        return tf.reshape(x, (-1, height, width, 4 * channels))

    def compute_output_shape(self, shape):
        n, height, width, channels = shape
        return n, (height + 1) // 2, (width + 1) // 2, 4 * channels


class ToPixels(keras.layers.Layer):
    """The way back: a quarter of the channels, twice the pixels a side (Shi et al. 2016, arXiv:1609.05158)."""

    def call(self, x):
        height, width, channels = x.shape[1:]
        x = tf.transpose(tf.reshape(x, (-1, width, 2, channels // 2)), (0, 2, 1, 3))
        return tf.reshape(x, (-1, 2 * height, 2 * width, channels // 4))

    def compute_output_shape(self, shape):
        n, height, width, channels = shape
        return n, 2 * height, 2 * width, channels // 4


def _kept(layer: keras.layers.Layer, value: np.ndarray, name: str, trainable: bool = False):
    """A weight that starts as `value`, and that no optimizer trains unless told to."""
    value = np.array(value, np.float32)
    return layer.add_weight(
        shape=value.shape,
        initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(value, dtype),
        trainable=trainable,
        name=name,
    )
