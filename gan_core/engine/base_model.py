"""What every model that can be trained shares: a generator and its average, the step's schedule, the compiled chunk.

`train_step` serves plain `model.fit(samples)`. `chunk` runs the very same step many times inside one compiled call;
it is what the worker uses. A model says what one step is (`update`) and what it reports (`ROW`).
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gan_core.config.run_config import LIVE_HYPERPARAMETERS, RunConfig, flatten_config
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine import cpu_threads
from gan_core.engine.networks import DataStatistics, build_generator, is_convolutional

BLOCK = 64
"""Steps one compiled call can hold. The random draws of a run come in blocks of this many steps."""


class Dials(NamedTuple):
    """What may change while a run goes on without a new compilation: all scalar tensors."""

    learning_rate_generator: tf.Tensor
    learning_rate_discriminator: tf.Tensor
    r1: tf.Tensor
    r2: tf.Tensor
    gradient_penalty_weight: tf.Tensor
    energy_weight: tf.Tensor
    feature_matching: tf.Tensor
    diversity: tf.Tensor
    label_smoothing: tf.Tensor
    instance_noise: tf.Tensor
    total_steps: tf.Tensor

    @staticmethod
    def of(config: RunConfig) -> Dials:
        flat = flatten_config(config)
        values = {key.split(".")[1]: flat[key] for key in LIVE_HYPERPARAMETERS} | {"total_steps": config.training.steps}
        return Dials(**{name: tf.constant(value, tf.float32) for name, value in values.items()})


class Batch(NamedTuple):
    """What one step learns from, for each of its updates in turn: the last axis but the sample's own is the batch.

    `real` (updates, n, *shape) in measured form, `z` (updates, n, latent), `classes` (updates, n, classes) one-hot, or
    None where the networks are not told. Real and generated samples of one update have the same classes.
    """

    real: tf.Tensor
    z: tf.Tensor
    classes: tf.Tensor | None = None


class Trainable(keras.Model):
    """A generator, its average, and whatever teaches it.

    `data` tells the networks the shape and the statistics of the samples, which are in measured form
    (float32, images in [0, 1]). All first weights follow from `config.seed`.
    """

    ROW: ClassVar[tuple[str, ...]]
    """What every step reports, in this order."""

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(name=type(self).__name__.lower())
        self.settings, self.data = config, data
        self.generator = build_generator(config.generator, data, seed=config.seed)
        self.ema_generator = build_generator(config.generator, data, seed=config.seed)
        self.ema_generator.trainable = False
        self.generator_optimizer = adam(config, self.generator.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.seed = tf.Variable(config.seed, dtype=tf.int64, trainable=False, name="seed")
        # Convolutions under XLA are a hundred times slower on a CPU; dense layers gain a factor of two.
        self.dense = not is_convolutional(config.generator, config.discriminator)
        self.in_halves = cpu_threads.side_by_side(config)
        self._compiled = tf.function(self._chunk, jit_compile=self.dense, autograph=False)
        self.compile(optimizer=None, loss=None)

    # ------------------------------------------------------------ what a model says of itself

    @property
    def networks(self) -> dict[str, keras.Model]:
        """Every network, the averaged one included, by the name its weights are kept under."""
        return {"generator": self.generator, "ema": self.ema_generator}

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"generator_optimizer": self.generator_optimizer}

    @property
    def state(self) -> dict[str, tf.Variable]:
        """All that training changes, by the name it is kept under: weights, and the optimizers' moments and counts."""
        parts = {name: network.weights for name, network in self.networks.items()}
        parts |= {name: optimizer.variables for name, optimizer in self.optimizers.items()}
        return {f"{part}.{i}": variable for part, variables in parts.items() for i, variable in enumerate(variables)}

    @property
    def ready(self) -> bool:
        """Whether its steps have been compiled."""
        return self._compiled.experimental_get_tracing_count() > 0

    def become(self, other: Trainable) -> None:
        """Take over the settings and the state of a model of the same structure, and keep what was compiled."""
        self.settings = other.settings
        self.step.assign(other.step)
        self.seed.assign(other.seed)
        for mine, new in zip(self.state.values(), other.state.values(), strict=True):
            mine.assign(new)

    def update(self, step, dials: Dials, batch: Batch) -> tuple[tf.Tensor, ...]:
        """One step; returns the values of ROW."""
        raise NotImplementedError

    # ------------------------------------------------------------ one step

    def call(self, z, training=False):
        return self.generator(z, training=training)

    def train_step(self, data):
        """One step on real samples (n, *shape) with fresh latents, for `fit`; networks are not told of classes."""
        real = tf.cast(data[0] if isinstance(data, tuple) else data, tf.float32)
        n = updates(self.settings)
        z = tf.random.normal((n, tf.shape(real)[0], self.settings.generator.latent_dim))
        row = self.update(self.step, Dials.of(self.settings), Batch(tf.stack([real] * n), z))
        self.step.assign_add(1)
        return dict(zip(self.ROW, row))

    # ------------------------------------------------------------ many steps

    def chunk(self, samples, draws: Draws, first: int, n: int, step: int, dials: Dials, labels=None) -> np.ndarray:
        """Run steps `step` ... `step + n − 1` with rows first ... first + n − 1 of `draws`; one row of ROW each.

        `samples` are the training rows in storage form, `labels` their class numbers for networks that are told.
        However the steps are cut into chunks, the bits of the result are the same. n = 0 compiles and changes nothing.
        Raises ValueError past the end of the block.
        """
        if first + n > BLOCK:
            raise ValueError(f"{n} steps from row {first} pass the end of a block of {BLOCK}; take the next block")
        dials = Dials(*(tf.convert_to_tensor(d, tf.float32) for d in dials))  # a plain number would compile anew
        where = tf.constant(first), tf.constant(n), tf.constant(step, tf.int64)
        return self._compiled(samples, labels, draws.rows, draws.z, *where, dials).numpy()[:n]

    def _chunk(self, samples, labels, indices, z, first, n, step, dials):
        def body(k, rows):
            # gather, not z[i]: XLA wants the start of a slice to be a constant and would compile for each value.
            picked, latents = tf.gather(indices, first + k), tf.gather(z, first + k)
            real = tf.cast(tf.gather(samples, picked), tf.float32)
            if samples.dtype == tf.uint8:
                real = real / 255.0
            classes = None if labels is None else tf.one_hot(tf.gather(labels, picked), self.data.classes)
            row = self.update(step + tf.cast(k, tf.int64), dials, Batch(real, latents, classes))
            return k + 1, tf.tensor_scatter_nd_update(rows, [[k]], [tf.stack(row)])

        rows = tf.zeros((BLOCK, len(self.ROW)))
        _, rows = tf.while_loop(lambda k, _: k < n, body, (tf.constant(0), rows))
        return rows

    # ------------------------------------------------------------ parts of a step

    def progress(self, step, dials: Dials):
        """The share of the run that is done, in [0, 1]: past its end, what has faded stays faded."""
        return tf.minimum(1.0, tf.cast(step, tf.float32) / dials.total_steps)

    def rate_schedule(self, step, dials: Dials):
        """Linear warm-up, flat, then down to `decay_to`, on a line or on half a cosine: a factor in [0, 1]."""
        settings, done = self.settings.optimizer, self.progress(step, dials)
        factor = tf.constant(1.0)
        if settings.decay_from < 1:
            left = tf.clip_by_value((1.0 - done) / (1.0 - settings.decay_from), 0.0, 1.0)
            if settings.schedule == "cosine":
                left = 0.5 - 0.5 * tf.cos(math.pi * left)
            factor = settings.decay_to + (1.0 - settings.decay_to) * left
        if settings.warmup_steps:
            factor *= tf.minimum(1.0, (tf.cast(step, tf.float32) + 1.0) / settings.warmup_steps)
        return factor

    def with_classes(self, z, classes):
        return z if classes is None else tf.concat([z, classes], axis=1)

    def through(self, network, x):
        """What a network makes of a batch: of its halves side by side, where the cores are divided so (threads.py).

        The same to the last rounding, since no layer there mixes samples.
        """
        if not self.in_halves:
            return network(x, training=True)
        first = tf.nest.flatten(x)[0]
        half = (first.shape[0] or tf.shape(first)[0]) // 2
        parts = (tf.nest.map_structure(lambda t, at=at: t[at], x) for at in (slice(half), slice(half, None)))
        made = [network(part, training=True) for part in parts]
        return tf.nest.map_structure(lambda *both: tf.concat(both, axis=0), *made)

    def learn(self, optimizer, rate, gradients, variables) -> None:
        optimizer.learning_rate.assign(rate)
        optimizer.apply(gradients, variables)

    def update_ema(self, step):
        """w̄ ← β w̄ + (1 − β) w, with β growing from .1 so that the first average is not of the first weights.

        What no optimizer trains is copied: the moments that batch normalization has counted are averages already.
        """
        step = tf.cast(step, tf.float32)
        beta = tf.minimum(self.settings.generator.ema, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights):
            average.assign(weight + beta * (average - weight) if weight.trainable else weight)


class Draws(NamedTuple):
    """The random draws of a block of steps: `rows` (BLOCK, updates, batch) int32, `z` (..., latent) float32."""

    rows: tf.Tensor
    z: tf.Tensor


def updates(config: RunConfig) -> int:
    """How many batches one step takes: one for each update of either network."""
    training = config.training
    return training.discriminator_steps + training.fresh_samples if config.objective.loss in ADVERSARIAL_LOSSES else 1


def draw_block(config: RunConfig, n_rows: int, block: int) -> Draws:
    """Batch indices and latents of steps block · BLOCK ... as a function of (seed, block) alone.

    Made by NumPy outside the compiled loop: XLA draws random numbers slowly on a CPU.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([config.seed, 0, block])))
    size = BLOCK, updates(config), config.training.batch
    rows = rng.integers(0, n_rows, size, dtype=np.int32)
    z = rng.standard_normal((*size, config.generator.latent_dim), dtype=np.float32)
    return Draws(tf.constant(rows), tf.constant(z))


def adam(config: RunConfig, variables) -> keras.optimizers.Optimizer:
    settings = config.optimizer
    optimizer = keras.optimizers.Adam(1.0, beta_1=settings.beta1, beta_2=settings.beta2, epsilon=1e-8)
    optimizer.build(variables)
    return optimizer


def parameters(model: keras.Model) -> int:
    return sum(math.prod(v.shape) for v in model.trainable_variables)
