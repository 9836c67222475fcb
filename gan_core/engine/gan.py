"""The GAN as a Keras model: two networks, two optimizers, an averaged generator, and one training step.

`train_step` serves plain `model.fit(samples)`. `chunk` runs the very same step many times inside one
compiled call; it is what the worker uses, about twice as fast.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from gan_core.config import RunConfig
from gan_core.engine import objectives
from gan_core.engine.networks import DataStatistics, build_discriminator, build_generator
from gan_core.engine.penalties import logits_and_squared_gradients, zero_centred

BLOCK = 64
"""Steps one compiled call can hold. The random draws of a run come in blocks of this many steps."""

ROW = ("loss_discriminator", "loss_generator", "score_real", "score_fake", "penalty")
"""What every step reports, in this order; `penalty` is what it added to the discriminator's loss, often 0."""


class Dials(NamedTuple):
    """What may change while a run goes on without a new compilation: all scalar tensors."""

    learning_rate_generator: tf.Tensor
    learning_rate_discriminator: tf.Tensor
    r1: tf.Tensor
    r2: tf.Tensor
    energy_weight: tf.Tensor
    total_steps: tf.Tensor

    @staticmethod
    def of(config: RunConfig) -> Dials:
        rates, weights = config.optimizer, config.objective
        values = (rates.learning_rate_generator, rates.learning_rate_discriminator)
        values += (weights.r1, weights.r2, weights.energy_weight)
        return Dials(*(tf.constant(v, tf.float32) for v in values), tf.constant(config.training.steps, tf.float32))


class GAN(keras.Model):
    """A generator and a discriminator that train each other.

    `data` tells the networks the shape and the statistics of the samples, which are in measured form
    (float32, images in [0, 1]). All first weights follow from `config.seed`.
    """

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(name="gan")
        self.settings, self.data = config, data
        self.objective = objectives.OBJECTIVES[config.objective.loss]
        self.generator = build_generator(config.generator, data, seed=config.seed)
        self.discriminator = build_discriminator(config.discriminator, data, seed=config.seed + 1)
        self.ema_generator = build_generator(config.generator, data, seed=config.seed)
        self.ema_generator.trainable = False
        self.generator_optimizer = _adam(config)
        self.discriminator_optimizer = _adam(config)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        # Convolutions under XLA are a hundred times slower on a CPU; dense layers gain a factor of two.
        self._compiled = tf.function(self._chunk, jit_compile=True, autograph=False)
        self.compile(optimizer=None, loss=None)

    def call(self, z, training=False):
        return self.generator(z, training=training)

    # ------------------------------------------------------------ one step

    def train_step(self, data):
        """One step on a batch of real samples (n, *shape) with fresh latents, for `fit`."""
        real = tf.cast(data[0] if isinstance(data, tuple) else data, tf.float32)
        z = tf.random.normal((2, tf.shape(real)[0], self.settings.generator.latent_dim))
        row = self.update(self.step, Dials.of(self.settings), real, z[0], real, z[1])
        self.step.assign_add(1)
        return dict(zip(ROW, row))

    def update(self, step, dials: Dials, real_d, z_d, real_g, z_g) -> tuple[tf.Tensor, ...]:
        """Discriminator step on (real_d, z_d), then generator step on (real_g, z_g); returns the values of ROW.

        Each step differentiates its own network's variables only and hands them to its own optimizer.
        """
        progress = tf.cast(step, tf.float32) / dials.total_steps
        schedule = self._rate_schedule(tf.cast(step, tf.float32), progress)
        self.discriminator_optimizer.learning_rate.assign(dials.learning_rate_discriminator * schedule)
        self.generator_optimizer.learning_rate.assign(dials.learning_rate_generator * schedule)
        loss_d, score_real, score_fake, penalty = self.update_discriminator(step, progress, dials, real_d, z_d)
        loss_g = self.update_generator(dials, real_g, z_g)
        self._update_ema(tf.cast(step, tf.float32))
        return loss_d, loss_g, score_real, score_fake, penalty

    def update_discriminator(self, step, progress, dials: Dials, real, z):
        settings = self.settings.objective
        # Generated before the tape opens, so no gradient of this step can reach the generator.
        both = tf.concat([real, self.generator(z, training=True)], axis=0)
        variables = self.discriminator.trainable_variables

        def plain():
            with tf.GradientTape() as tape:
                logits = self.discriminator(both, training=True)[:, 0]
                loss = self._discriminator_loss(logits)
            return tape.gradient(loss, variables), loss, logits, tf.constant(0.0)

        def penalised():
            shrink = tf.pow(tf.constant(settings.penalty_end, tf.float32), tf.minimum(1.0, 2.0 * progress))
            with tf.GradientTape() as tape:
                logits, squared = logits_and_squared_gradients(self.discriminator, both)
                on_real, on_fake = tf.split(squared, 2)
                penalty = shrink * (zero_centred(on_real, dials.r1) + zero_centred(on_fake, dials.r2))
                penalty = settings.penalty_every * penalty * self._penalty_units
                loss = self._discriminator_loss(logits)
                total = loss + penalty
            return tape.gradient(total, variables), loss, logits, penalty

        if settings.r1 == settings.r2 == 0:
            gradients, loss, logits, penalty = plain()
        elif settings.penalty_every == 1:
            gradients, loss, logits, penalty = penalised()
        else:
            gradients, loss, logits, penalty = tf.cond(tf.equal(step % settings.penalty_every, 0), penalised, plain)
        self.discriminator_optimizer.apply(gradients, variables)
        real_logits, fake_logits = tf.split(logits, 2)
        score_real, score_fake = objectives.scores(self.objective, real_logits=real_logits, fake_logits=fake_logits)
        return loss, score_real, score_fake, penalty

    def update_generator(self, dials: Dials, real, z):
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
            if self.objective.paired:
                logits = self.discriminator(tf.concat([real, fake], axis=0), training=True)[:, 0]
                real_logits, fake_logits = tf.split(logits, 2)
            else:
                real_logits, fake_logits = None, self.discriminator(fake, training=True)[:, 0]
            loss = self.objective.generator(real_logits=real_logits, fake_logits=fake_logits)
            if self.settings.objective.energy_weight:
                # Centred first: distances do not change, and float32 keeps more of their digits.
                rows = [tf.reshape(x - self.data.mean, (tf.shape(x)[0], -1)) for x in (real, fake)]
                loss += dials.energy_weight * objectives.relative_energy_distance(real=rows[0], fake=rows[1])
        self.generator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    # ------------------------------------------------------------ many steps

    def chunk(self, samples: tf.Tensor, draws: Draws, first: int, n: int, step: int, dials: Dials) -> np.ndarray:
        """Run steps `step` ... `step + n − 1` with rows first ... first + n − 1 of `draws`; one row of ROW each.

        `samples` are the training rows in storage form. However the steps are cut into chunks, the bits of
        the result are the same. n = 0 compiles and changes nothing. Raises ValueError past the end of the block.
        """
        if first + n > BLOCK:
            raise ValueError(f"{n} steps from row {first} pass the end of a block of {BLOCK}; take the next block")
        dials = Dials(*(tf.convert_to_tensor(d, tf.float32) for d in dials))  # a plain number would compile anew
        rows = self._compiled(
            samples, draws.rows, draws.z, tf.constant(first), tf.constant(n), tf.constant(step, tf.int64), dials
        )
        return rows.numpy()[:n]

    def _chunk(self, samples, indices, z, first, n, step, dials):
        def body(k, rows):
            # gather, not z[i]: XLA wants the start of a slice to be a constant and would compile for each value.
            picked, latents = tf.gather(indices, first + k), tf.gather(z, first + k)
            real = tf.cast(tf.gather(samples, picked), tf.float32)
            if samples.dtype == tf.uint8:
                real = real / 255.0
            row = self.update(step + tf.cast(k, tf.int64), dials, real[0], latents[0], real[1], latents[1])
            return k + 1, tf.tensor_scatter_nd_update(rows, [[k]], [tf.stack(row)])

        rows = tf.zeros((BLOCK, len(ROW)))
        _, rows = tf.while_loop(lambda k, _: k < n, body, (tf.constant(0), rows))
        return rows

    # ------------------------------------------------------------ parts of a step

    @property
    def _penalty_units(self) -> float:
        # Gradients with respect to data in units of its own spread: the weight means the same for any data.
        return self.data.scale**2

    def _discriminator_loss(self, logits):
        real_logits, fake_logits = tf.split(logits, 2)
        return self.objective.discriminator(real_logits=real_logits, fake_logits=fake_logits)

    def _rate_schedule(self, step, progress):
        """Linear warm-up, flat, then linear to zero: a factor in [0, 1]."""
        settings = self.settings.optimizer
        factor = tf.constant(1.0)
        if settings.warmup_steps:
            factor = tf.minimum(factor, (step + 1.0) / settings.warmup_steps)
        if settings.decay_from < 1:
            factor *= tf.clip_by_value((1.0 - progress) / (1.0 - settings.decay_from), 0.0, 1.0)
        return factor

    def _update_ema(self, step):
        """w̄ ← β w̄ + (1 − β) w, with β growing from .1 so that the first average is not of the first weights."""
        beta = tf.minimum(self.settings.generator.ema, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.ema_generator.weights, self.generator.weights):
            average.assign(weight + beta * (average - weight))


class Draws(NamedTuple):
    """The random draws of one block of steps: `rows` (BLOCK, 2, batch) int32 and `z` (BLOCK, 2, batch, latent)."""

    rows: tf.Tensor
    z: tf.Tensor


def draw_block(config: RunConfig, n_rows: int, block: int) -> Draws:
    """Batch indices and latents of steps block · BLOCK ... as a function of (seed, block) alone.

    Made by NumPy outside the compiled loop: XLA draws random numbers slowly on a CPU.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([config.seed, 0, block])))
    batch, dim = config.training.batch, config.generator.latent_dim
    rows = rng.integers(0, n_rows, (BLOCK, 2, batch), dtype=np.int32)
    z = rng.standard_normal((BLOCK, 2, batch, dim), dtype=np.float32)
    return Draws(tf.constant(rows), tf.constant(z))


def _adam(config: RunConfig) -> keras.optimizers.Optimizer:
    settings = config.optimizer
    return keras.optimizers.Adam(1.0, beta_1=settings.beta1, beta_2=settings.beta2, epsilon=1e-8)


def parameters(model: keras.Model) -> int:
    return sum(math.prod(v.shape) for v in model.trainable_variables)
