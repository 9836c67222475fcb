"""The variational autoencoder: a baseline that is no GAN, trained, stored and shown in the same way.

An encoder maps each sample to a Gaussian over latents; the generator, as decoder, reconstructs the sample from a draw.
Kingma & Welling 2013, arXiv:1312.6114. New samples come from the generator alone.
"""

from __future__ import annotations

import math
from dataclasses import replace

import keras
import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.engine.base_model import BaseModel, Batch, LiveHyperparameters
from gan_core.engine.networks import DataStatistics, build_discriminator
from gan_core.engine.optimizers import adam, apply_gradients

WARM_UP = 0.1
"""The fraction of the run over which the divergence grows to its full weight, against posterior collapse."""


class VAE(BaseModel):
    """An encoder (built from the discriminator's settings) and a generator, trained together."""

    STEP_METRICS = ("loss_generator", "loss_reconstruction", "loss_divergence")

    def __init__(self, config: RunConfig, data: DataStatistics):
        super().__init__(config, data)
        outputs = 2 * config.generator.latent_dim
        self.encoder = build_discriminator(
            config.discriminator, replace(data, class_frequencies=()), seed=config.seed + 1, outputs=outputs
        )
        self.encoder_optimizer = adam(config, self.encoder.trainable_variables)
        # Up to the sigmoid of images: the cross-entropy is computed from logits, where it is exact for any value.
        self._decoder = keras.Model(self.generator.input, self.generator.get_layer("output").input)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """Every network, the averaged generator included, by the name its weights are stored under."""
        return super().networks | {"encoder": self.encoder}

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Every optimizer by the name its state is stored under."""
        return super().optimizers | {"encoder_optimizer": self.encoder_optimizer}

    def update(self, step: tf.Tensor, live: LiveHyperparameters, batch: Batch) -> tuple[tf.Tensor, ...]:
        """One update of both networks.

        `batch.z` is the noise of the reparametrization: latents = mean + exp(log variance / 2) · z.
        """
        real, noise = batch.real[0], batch.z[0]
        classes = None if batch.classes is None else batch.classes[0]
        decoder_variables, encoder_variables = self.generator.trainable_variables, self.encoder.trainable_variables
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.encoder(real, training=True), 2, axis=1)
            z = self.generator_inputs(mean + tf.exp(0.5 * log_variance) * noise, classes)
            error = reconstruction(self.data, real=real, decoded=self._decoder(z, training=True))
            kl = divergence(mean, log_variance)
            loss = error + tf.minimum(1.0, self.progress(step, live) / WARM_UP) * kl
        gradients, n = tape.gradient(loss, decoder_variables + encoder_variables), len(decoder_variables)
        factor = self.learning_rate_factor(step, live)
        rates = (live.learning_rate_generator, live.learning_rate_discriminator)
        apply_gradients(self.generator_optimizer, rates[0] * factor, gradients[:n], decoder_variables)
        apply_gradients(self.encoder_optimizer, rates[1] * factor, gradients[n:], encoder_variables)
        self.update_ema(step)
        return error + kl, error, kl


def reconstruction(data: DataStatistics, *, real: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
    """−E log p(x | z) in nats per sample without its constants: a scalar, for `real` and `decoded` (n, *shape).

    Images: Bernoulli, summed over the pixels, with `decoded` as logits. Points: a Gaussian whose single variance is its
    maximum-likelihood estimate, the batch's mean squared error, in units of the data's scale (Rybkin et al. 2020,
    arXiv:2006.13202, section 3.2).
    """
    size = math.prod(data.shape)
    if data.is_image:
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=real, logits=decoded)
        return tf.reduce_sum(cross_entropy) / tf.cast(tf.shape(real)[0], tf.float32)
    error = tf.reduce_mean(((real - data.mean) / data.scale - decoded) ** 2)
    return 0.5 * size * tf.math.log(error + 1e-12)


def divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log variance)) || N(0, I)) in nats per sample, −½ Σ (1 + lv − μ² − e^lv): a scalar.

    Both arguments are (n, latent).
    """
    per_sample = -0.5 * tf.reduce_sum(1.0 + log_variance - mean**2 - tf.exp(log_variance), axis=1)
    return tf.reduce_mean(per_sample)
