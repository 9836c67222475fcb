"""A small network that learns a data set's own labels: what it looks at is a space to measure distances in.

    learned = train_classifier(x, y, holdout_x=..., holdout_y=...)
    learned.accuracy               # of rows it has not seen
    learned.features(x)            # (n, 64), the activations from which it tells the classes apart

It is trained here and on this data only: no weights come from elsewhere.
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
from gan_core.engine.networks import LEAK, Affine, DataStatistics, statistics
from gan_core.records import GanometerError, MeasureError

FEATURES = 64
CHANNELS = (16, 32)
STEPS, BATCH, RATE = 1200, 128, 4e-3
"""The same for all data: three times through MNIST, 140 times through the digits."""
MOST_CLASSES = 100
CONVOLVED_FROM = 16
"""Pixels along the shorter side from which a picture is worth convolutions."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained network, the labels of its classes (int64, ascending), and its share of right answers on the holdout.

    `shape` is one sample's. Samples come in storage or in measured form: the numbers are the same.
    """

    network: keras.Model
    labels: np.ndarray
    shape: tuple[int, ...]
    accuracy: float

    def features(self, x: np.ndarray, batch: int = 1000) -> np.ndarray:
        """Activations of the last hidden layer, float32 (n, 64), in no units. Raises MeasureError for other samples."""
        return self._outputs(x, batch)[0]

    def predict(self, x: np.ndarray, batch: int = 1000) -> np.ndarray:
        """The label (n,) of each sample, int64. Raises MeasureError for samples of another shape or not finite."""
        return self.labels[self._outputs(x, batch)[1].argmax(axis=1)]

    def to_bytes(self) -> bytes:
        """As .npz, never pickled: equal classifiers give equal bytes."""
        weights = {f"weight.{i}": np.asarray(w) for i, w in enumerate(self.network.weights)}
        stream = io.BytesIO()
        np.savez(stream, **weights, labels=self.labels, shape=np.array(self.shape), accuracy=np.float64(self.accuracy))
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
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def _outputs(self, x: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Features and logits. Calls the model and not `predict`, whose memory grows when it is called in a loop."""
        x = np.asarray(x)
        if x.shape[1:] != self.shape or not len(x):
            raise MeasureError(f"the samples are {x.shape}, the classifier knows {('n', *self.shape)}")
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
    """Learn to tell the labels `y` (n,) of `x` (storage form) apart: 1200 steps of Adam, whatever the data.

    The same seed gives the same network on the same machine. With `seconds` it ends by then, if it has not before:
    the learning rate sinks with the clock, and no two trainings are quite the same. `progress` is told the share
    that is done. Raises GanometerError for labels that do not fit the samples, for fewer than 2 or more than 100
    classes, and for seconds that are not above 0.
    """
    if seconds is not None and not seconds > 0:
        raise GanometerError(f"the classifier cannot learn in {seconds} seconds; give it a few, or no limit")
    x, y = np.asarray(x), np.asarray(y)
    labels = _classes(x, y)
    start, network = time.monotonic(), _network(statistics(x), len(labels), seed)
    learn = _learner(network)
    targets = np.searchsorted(labels, y).astype(np.int32)
    for done, rows in enumerate(np.random.default_rng([seed, 7]).integers(len(x), size=(STEPS, BATCH))):
        share = done / STEPS if seconds is None else max(done / STEPS, (time.monotonic() - start) / seconds)
        if share >= 1:
            break
        if progress and done % (STEPS // 20) == 0:
            progress(share)
        learn(to_unit(x[rows]), targets[rows], np.float32(_rate(share)))
    trained = Classifier(network, labels, x.shape[1:], accuracy=0.0)
    accuracy = float(np.mean(trained.predict(holdout_x) == np.asarray(holdout_y)))
    if progress:
        progress(1.0)
    return replace(trained, accuracy=accuracy)


def _classes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        raise GanometerError(f"labels are {y.dtype} {y.shape} for {len(x)} samples; give one whole number for each")
    labels = np.unique(y).astype(np.int64)
    if len(labels) < 2:
        raise GanometerError(
            f"the labels name {len(labels)} class, and a classifier needs at least 2: choose another feature space"
        )
    if len(labels) > MOST_CLASSES:
        raise GanometerError(
            f"the labels name {len(labels)} classes, and a classifier tells at most {MOST_CLASSES} apart: "
            "choose another feature space"
        )
    return labels


def _network(data: DataStatistics, classes: int, seed: int) -> keras.Model:
    """Samples in measured form -> (features (n, 64), logits (n, classes))."""
    seeds = iter(np.random.SeedSequence([seed, 8]).generate_state(8) >> 1)

    def layer(kind, width: int, *size: int, **options):
        draw = keras.initializers.HeNormal(seed=int(next(seeds)))
        return kind(width, *size, kernel_initializer=draw, **options)

    samples = keras.Input(data.shape)
    gain = 2.0 if data.is_image else 1 / data.scale
    x = Affine(gain, -gain * data.mean)(samples)
    if data.is_image and min(data.shape[:2]) >= CONVOLVED_FROM:
        for width in CHANNELS:
            x = keras.layers.MaxPooling2D()(layer(keras.layers.Conv2D, width, 3, padding="same")(x))
            x = keras.layers.LeakyReLU(LEAK)(x)  # after the pooling: the same numbers, from a quarter of the work
        x = keras.layers.Flatten()(x)
    else:
        x = keras.layers.Flatten()(x)
        x = keras.layers.LeakyReLU(LEAK)(layer(keras.layers.Dense, 128)(x))
    x = keras.layers.LeakyReLU(LEAK)(layer(keras.layers.Dense, FEATURES)(x))
    return keras.Model(samples, [x, layer(keras.layers.Dense, classes)(x)], name="classifier")


def _learner(network: keras.Model) -> Callable:
    """One step of Adam on the cross-entropy of a batch (samples, class numbers), at a given rate."""
    adam, variables = keras.optimizers.Adam(RATE), network.trainable_variables
    adam.build(variables)

    # Not compiled by XLA: there convolutions are a hundred times slower on a CPU.
    @tf.function(autograph=False, jit_compile=False)
    def learn(x, target, rate):
        with tf.GradientTape() as tape:
            _, logits = network(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
            loss = tf.reduce_mean(losses)
        adam.learning_rate.assign(rate)
        adam.apply(tape.gradient(loss, variables), variables)

    return lambda x, target, rate: learn(*(tf.convert_to_tensor(v) for v in (x, target, rate)))


def _rate(share: float) -> float:
    """Up within a twentieth of the training, then down to 0 along a cosine."""
    return RATE * min(1.0, 20 * share) * 0.5 * (1 + math.cos(math.pi * share))
