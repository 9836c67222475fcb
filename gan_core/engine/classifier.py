"""A small classifier of a data set's own labels, whose features are a space to measure distances in.

    classifier = train_classifier(x, y, holdout_x=..., holdout_y=...)
    classifier.accuracy            # on the holdout rows
    classifier.features(x)         # (n, 64), the activations of the last hidden layer

It is trained from scratch on this data set only; no pretrained weights are used.
"""

from __future__ import annotations

import hashlib
import io
import math
import time
import zipfile
from dataclasses import dataclass, replace
from typing import Callable

import keras
import numpy as np
import tensorflow as tf

from gan_core.codec import to_unit
from gan_core.engine.layer_factory import LEAK
from gan_core.engine.layers import Affine
from gan_core.engine.networks import DataStatistics, statistics
from gan_core.engine.optimizers import apply_gradients
from gan_core.records import GanometerError, MeasureError

FEATURES = 64
"""Units of the last hidden layer."""
CHANNELS = (16, 32)
"""Channels of the convolutions."""
STEPS, BATCH, LEARNING_RATE = 1200, 128, 4e-3
"""The same for all data: three epochs of MNIST, 140 epochs of the digits."""
MAX_CLASSES = 100
MIN_CONVOLUTION_SIDE = 16
"""Images with fewer pixels than this along the shorter side get dense layers."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained network, the labels of its classes (int64, ascending), and its accuracy on the holdout rows.

    `shape` is that of one sample. Samples may be in storage or in measured form: the results are the same.
    """

    network: keras.Model
    labels: np.ndarray
    shape: tuple[int, ...]
    accuracy: float

    def features(self, x: np.ndarray, batch: int = 1000) -> np.ndarray:
        """Activations of the last hidden layer, float32 (n, 64), of samples `x` (n, *shape); they have no unit.

        Raises MeasureError for samples of another shape, or with values that are not finite.
        """
        return self._outputs(x, batch)[0]

    def predict(self, x: np.ndarray, batch: int = 1000) -> np.ndarray:
        """The predicted label of each sample `x` (n, *shape): int64 (n,).

        Raises MeasureError for samples of another shape, or with values that are not finite.
        """
        return self.labels[self._outputs(x, batch)[1].argmax(axis=1)]

    def to_bytes(self) -> bytes:
        """The classifier in .npz format, never pickled; equal classifiers give equal bytes."""
        weights = {f"weight.{i}": np.asarray(w) for i, w in enumerate(self.network.weights)}
        stream = io.BytesIO()
        about = {"labels": self.labels, "shape": np.array(self.shape), "accuracy": np.array(self.accuracy, np.float64)}
        np.savez(stream, **weights, **about)  # pyright: ignore[reportArgumentType]  (none is named `allow_pickle`)
        return stream.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Classifier:
        """The inverse of `to_bytes`. Raises GanometerError for bytes that hold no classifier."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                labels, accuracy = arrays["labels"], float(arrays["accuracy"])
                shape = tuple(arrays["shape"].tolist())
                weights = [arrays[f"weight.{i}"] for i in range(len(arrays.files) - 3)]
            network = _network(DataStatistics(shape, np.zeros(shape, np.float32), 1.0), len(labels), seed=0)
            network.set_weights(weights)
        except (KeyError, ValueError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise GanometerError(
                f"{len(data)} bytes hold no classifier ({type(error).__name__}); train the feature space again"
            ) from None
        return Classifier(network, labels, shape, accuracy)

    @property
    def sha256(self) -> str:
        """The digest of `to_bytes`, in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def _outputs(self, x: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, 64) and logits (n, classes).

        Calls the model rather than `predict`, whose memory use grows when it is called in a loop.
        """
        x = np.asarray(x)
        if x.shape[1:] != self.shape or not len(x):
            raise MeasureError(f"the samples have shape {x.shape}; the classifier needs {('n', *self.shape)}")
        if x.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(x)))):
            raise MeasureError(f"the samples have {bad} of {x.size} values that are NaN or infinite; remove them")
        parts = (to_unit(x[i : i + batch]).astype(np.float32, copy=False) for i in range(0, len(x), batch))
        parts = [self.network(part, training=False) for part in parts]
        features, logits = zip(*parts)
        return np.concatenate(features), np.concatenate(logits)


def train_classifier(
    x: np.ndarray,
    y: np.ndarray,
    *,
    holdout_x: np.ndarray,
    holdout_y: np.ndarray,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    seconds: float | None = None,
) -> Classifier:
    """Train a classifier of the labels `y` (n,) of samples `x` (n, *shape) in storage form: 1200 steps of Adam.

    The same seed gives the same network on the same machine. With `seconds` it ends after that time at the latest: the
    learning rate then follows the clock, and results differ slightly from training to training. `progress` is called
    with the fraction that is done. Raises GanometerError for labels that do not fit the samples, for fewer than 2 or
    more than 100 classes, and for seconds that are not above 0.
    """
    if seconds is not None and not seconds > 0:
        raise GanometerError(f"seconds is {seconds}; give the classifier's training more than 0, or no limit")
    x, y = np.asarray(x), np.asarray(y)
    labels = _classes(x, y)
    start, network = time.monotonic(), _network(statistics(x), len(labels), seed)
    train_step = _compiled_train_step(network)
    targets = np.searchsorted(labels, y).astype(np.int32)
    for done, rows in enumerate(np.random.default_rng([seed, 7]).integers(len(x), size=(STEPS, BATCH))):
        fraction = done / STEPS if seconds is None else max(done / STEPS, (time.monotonic() - start) / seconds)
        if fraction >= 1:
            break
        if progress and done % (STEPS // 20) == 0:
            progress(fraction)
        train_step(to_unit(x[rows]), targets[rows], np.float32(_learning_rate(fraction)))
    trained = Classifier(network, labels, x.shape[1:], accuracy=0.0)
    accuracy = float(np.mean(trained.predict(holdout_x) == np.asarray(holdout_y)))
    if progress:
        progress(1.0)
    return replace(trained, accuracy=accuracy)


def _classes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The labels that occur in `y`, int64, ascending."""
    if y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        raise GanometerError(f"labels are {y.dtype} {y.shape} for {len(x)} samples; give one whole number for each")
    labels = np.unique(y).astype(np.int64)
    if len(labels) < 2:
        raise GanometerError(
            f"the labels contain {len(labels)} class and a classifier needs at least 2; choose another feature space"
        )
    if len(labels) > MAX_CLASSES:
        raise GanometerError(
            f"the labels contain {len(labels)} classes and a classifier has at most {MAX_CLASSES}; "
            "choose another feature space"
        )
    return labels


def _network(data: DataStatistics, classes: int, seed: int) -> keras.Model:
    """Samples in measured form -> (features (n, 64), logits (n, classes))."""
    seeds = iter(np.random.SeedSequence([seed, 8]).generate_state(8) >> 1)

    def layer(kind: Callable[..., keras.layers.Layer], width: int, *size: int, **options: str) -> keras.layers.Layer:
        draw = keras.initializers.HeNormal(seed=int(next(seeds)))
        return kind(width, *size, kernel_initializer=draw, **options)

    samples = keras.Input(data.shape)
    gain = 2.0 if data.is_image else 1 / data.scale
    x = Affine(gain, -gain * data.mean)(samples)
    if data.is_image and min(data.shape[:2]) >= MIN_CONVOLUTION_SIDE:
        for width in CHANNELS:
            x = keras.layers.MaxPooling2D()(layer(keras.layers.Conv2D, width, 3, padding="same")(x))
            x = keras.layers.LeakyReLU(LEAK)(x)  # after the pooling: the same values for a quarter of the work
        x = keras.layers.Flatten()(x)
    else:
        x = keras.layers.Flatten()(x)
        x = keras.layers.LeakyReLU(LEAK)(layer(keras.layers.Dense, 128)(x))
    x = keras.layers.LeakyReLU(LEAK)(layer(keras.layers.Dense, FEATURES)(x))
    return keras.Model(samples, [x, layer(keras.layers.Dense, classes)(x)], name="classifier")


def _compiled_train_step(network: keras.Model) -> Callable[[np.ndarray, np.ndarray, np.float32], None]:
    """One step of Adam on the cross-entropy of a batch: a function of samples, class numbers and learning rate."""
    adam, variables = keras.optimizers.Adam(LEARNING_RATE), network.trainable_variables
    adam.build(variables)

    # Not compiled by XLA: there convolutions are a hundred times slower on a CPU.
    @tf.function(autograph=False, jit_compile=False)
    def train_step(x: tf.Tensor, target: tf.Tensor, learning_rate: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            _, logits = network(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
            loss = tf.reduce_mean(losses)
        apply_gradients(adam, learning_rate, tape.gradient(loss, variables), variables)

    return lambda x, target, rate: train_step(*(tf.convert_to_tensor(v) for v in (x, target, rate)))


def _learning_rate(fraction: float) -> float:
    """A linear warm-up over a twentieth of the training, then a cosine decay to 0."""
    return LEARNING_RATE * min(1.0, 20 * fraction) * 0.5 * (1 + math.cos(math.pi * fraction))
