"""A generator without any discriminator: it minimises a Euclidean distance between its batch and the real one.

Only the energy distance is proper; the other two show what goes wrong without repulsion (matching.py).
"""

from __future__ import annotations

import math

import tensorflow as tf

from gan_core.engine import distance_losses
from gan_core.engine.base_model import Batch, Dials, Trainable


class Matcher(Trainable):
    """One generator, taught by distances alone."""

    ROW = ("loss_generator",)

    def update(self, step, dials: Dials, batch: Batch):
        real, z, variables = batch.real[0], batch.z[0], self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
            loss = self.generator_loss(step, dials, real=real, fake=fake, z=z)
        rate = dials.learning_rate_generator * self.rate_schedule(step, dials)
        self.learn(self.generator_optimizer, rate, tape.gradient(loss, variables), variables)
        self.update_ema(step)
        return (loss,)

    def generator_loss(self, step, dials: Dials, *, real, fake, z, classes=None):
        """All that the generator minimises, of samples (n, *shape): a scalar. Where they came from does not matter."""
        size = math.prod(self.data.shape)
        rows = [tf.reshape(x - self.data.mean, (tf.shape(x)[0], size)) for x in (real, fake)]
        return distance_losses.LOSSES[self.settings.objective.loss](real=rows[0], fake=rows[1])
