"""A generator without any discriminator: it minimises a Euclidean distance between its batch and the real one.

Of these distances only the energy distance is proper; the other two show what happens without the term that pushes
generated samples apart (distance_losses.py).
"""

from __future__ import annotations

import math

import tensorflow as tf

from gan_core.engine import distance_losses
from gan_core.engine.base_model import BaseModel, Batch, LiveHyperparameters
from gan_core.engine.optimizers import apply_gradients


class DistanceMatching(BaseModel):
    """One generator, trained by a distance alone."""

    STEP_METRICS = ("loss_generator",)

    def update(self, step: tf.Tensor, live: LiveHyperparameters, batch: Batch) -> tuple[tf.Tensor, ...]:
        """One update of the generator."""
        real, z, variables = batch.real[0], batch.z[0], self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.generator(z, training=True)
            loss = self.generator_loss(step, live, real=real, fake=fake, z=z)
        rate = live.learning_rate_generator * self.learning_rate_factor(step, live)
        apply_gradients(self.generator_optimizer, rate, tape.gradient(loss, variables), variables)
        self.update_ema(step)
        return (loss,)

    def generator_loss(
        self,
        step: tf.Tensor,
        live: LiveHyperparameters,
        *,
        real: tf.Tensor,
        fake: tf.Tensor,
        z: tf.Tensor,
        classes: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """The distance between samples (n, *shape), a scalar; `step`, `z` and `classes` do not matter to it."""
        size = math.prod(self.data.shape)
        rows = [tf.reshape(x - self.data.mean, (tf.shape(x)[0], size)) for x in (real, fake)]
        return distance_losses.LOSSES[self.settings.objective.loss](real=rows[0], fake=rows[1])
