"""TensorFlow, trained as its DCGAN tutorial trains (tensorflow.org/tutorials/generative/dcgan): tf.data, one compiled
step with two tapes, two Adams; with the article's dense networks."""

import time

import keras
import numpy as np
import tensorflow as tf


def article(gan, x: np.ndarray, seconds: float) -> float:
    """Steps per second; `x` uint8 (n, 28, 28, 1)."""
    generator, discriminator = (keras.models.clone_model(net) for net in (gan.generator, gan.discriminator))
    settings = gan.settings
    batch, latent = settings.training.batch, settings.generator.latent_dim
    rate, beta1 = settings.optimizer.learning_rate_generator, settings.optimizer.beta1
    generator_optimizer, discriminator_optimizer = (keras.optimizers.Adam(rate, beta_1=beta1) for _ in range(2))
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    images = (x / 255).astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(x)).batch(batch, drop_remainder=True)
    dataset = dataset.repeat().prefetch(tf.data.AUTOTUNE)

    @tf.function
    def train_step(real):
        noise = tf.random.normal([batch, latent])
        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            generated = generator(noise, training=True)
            real_output, fake_output = discriminator(real, training=True), discriminator(generated, training=True)
            gen_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
            disc_loss = cross_entropy(tf.ones_like(real_output), real_output)
            disc_loss += cross_entropy(tf.zeros_like(fake_output), fake_output)
        gen_gradients = gen_tape.gradient(gen_loss, generator.trainable_variables)
        disc_gradients = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
        generator_optimizer.apply_gradients(zip(gen_gradients, generator.trainable_variables))
        discriminator_optimizer.apply_gradients(zip(disc_gradients, discriminator.trainable_variables))

    batches = iter(dataset)
    for _ in range(30):
        train_step(next(batches))
    done, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        train_step(next(batches))
        done += 1
    return done / took
