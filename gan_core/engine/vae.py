"""The variational autoencoder: the baseline that is no GAN, trained, kept and shown in the same way.

An encoder says for each sample where its latents lie, as a Gaussian; the generator makes the sample again from a draw.
Kingma & Welling 2013, arXiv:1312.6114. The generator alone is what samples are taken from afterwards.
"""

from __future__ import annotations

import math
from dataclasses import replace

import keras
import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.engine.base_model import Batch, Dials, Trainable, adam
from gan_core.engine.networks import DataStatistics, build_discriminator

WARM_UP = 0.1
"""The share of the run over which the divergence grows to its full weight: otherwise the latents are given up early."""


class VAE(Trainable):
    """An encoder (of the discriminator's settings) and a generator, trained as one."""

    ROW = ("loss_generator", "loss_reconstruction", "loss_divergence")

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(config, data)
        outputs = 2 * config.generator.latent_dim
        self.encoder = build_discriminator(
            config.discriminator, replace(data, shares=()), seed=config.seed + 1, outputs=outputs
        )
        self.encoder_optimizer = adam(config, self.encoder.trainable_variables)
        # Images are compared before their sigmoid, where the cross-entropy is exact for any value.
        self._decoder = keras.Model(self.generator.input, self.generator.get_layer("output").input)

    @property
    def networks(self):
        return super().networks | {"encoder": self.encoder}

    @property
    def optimizers(self):
        return super().optimizers | {"encoder_optimizer": self.encoder_optimizer}

    def update(self, step, dials: Dials, batch: Batch):
        """`batch.z` is the noise of the reparametrization: latents = mean + exp(log variance / 2) · z."""
        real, noise = batch.real[0], batch.z[0]
        classes = None if batch.classes is None else batch.classes[0]
        one, two = self.generator.trainable_variables, self.encoder.trainable_variables
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.encoder(real, training=True), 2, axis=1)
            z = self.with_classes(mean + tf.exp(0.5 * log_variance) * noise, classes)
            missing = reconstruction(self.data, real=real, decoded=self._decoder(z, training=True))
            apart = divergence(mean, log_variance)
            loss = missing + tf.minimum(1.0, self.progress(step, dials) / WARM_UP) * apart
        gradients = tape.gradient(loss, one + two)
        schedule = self.rate_schedule(step, dials)
        rates = (dials.learning_rate_generator, dials.learning_rate_discriminator)
        self.learn(self.generator_optimizer, rates[0] * schedule, gradients[: len(one)], one)
        self.learn(self.encoder_optimizer, rates[1] * schedule, gradients[len(one) :], two)
        self.update_ema(step)
        return missing + apart, missing, apart


def reconstruction(data: DataStatistics, *, real, decoded):
    """−E log p(x | z) in nats per sample, without its constants.

    Images: Bernoulli, summed over the pixels, with `decoded` before the sigmoid. Points: a Gaussian whose one variance
    is the batch's own mean squared error, its most likely value, in units of the data (Rybkin et al. 2020,
    arXiv:2006.13202, section 3.2).
    """
    size = math.prod(data.shape)
    if data.is_image:
        crossed = tf.nn.sigmoid_cross_entropy_with_logits(labels=real, logits=decoded)
        return tf.reduce_sum(crossed) / tf.cast(tf.shape(real)[0], tf.float32)
    error = tf.reduce_mean(((real - data.mean) / data.scale - decoded) ** 2)
    return 0.5 * size * tf.math.log(error + 1e-12)


def divergence(mean, log_variance):
    """KL(N(mean, exp(log variance)) || N(0, I)) in nats per sample: −½ Σ (1 + lv − μ² − e^lv)."""
    per_sample = -0.5 * tf.reduce_sum(1.0 + log_variance - mean**2 - tf.exp(log_variance), axis=1)
    return tf.reduce_mean(per_sample)
