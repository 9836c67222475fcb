"""The DCGAN of the TensorFlow tutorial (tensorflow.org/tutorials/generative/dcgan), as that page builds and trains it.

Its networks, its loss from logits, Adam 1e-4, batches of 256 shuffled by tf.data, latents of 100, pixels in [-1, 1].
Alone in a process: python -m benchmarks.peers.dcgan_tutorial FOLDER SECONDS SEED N trains on FOLDER/real.npy, uint8
(n, 28, 28, 1), writes N samples in [0, 1] to FOLDER/fake.npy, and prints what it took as one line of JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras import layers, losses, optimizers, utils
from keras.models import Sequential

BATCH, LATENT = 256, 100


def generator() -> Sequential:
    return Sequential(
        [
            layers.Input((LATENT,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Reshape((7, 7, 256)),
            layers.Conv2DTranspose(128, 5, 1, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Conv2DTranspose(64, 5, 2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.3),
            layers.Conv2DTranspose(1, 5, 2, padding="same", use_bias=False, activation="tanh"),
        ]
    )


def discriminator() -> Sequential:
    return Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(64, 5, 2, padding="same"),
            layers.LeakyReLU(0.3),
            layers.Dropout(0.3),
            layers.Conv2D(128, 5, 2, padding="same"),
            layers.LeakyReLU(0.3),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def main() -> None:
    folder, seconds, seed, n = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    g, steps, took = train(np.load(folder / "real.npy"), seconds, seed)
    noise = np.random.default_rng(seed).standard_normal((n, LATENT), dtype=np.float32)
    made = np.concatenate([g(noise[i : i + 500], training=False).numpy() for i in range(0, n, 500)])
    np.save(folder / "fake.npy", np.clip((made + 1) / 2, 0, 1))
    print(json.dumps({"steps": steps, "training_seconds": round(took, 2), "steps_per_second": round(steps / took, 2)}))


def train(x: np.ndarray, seconds: float, seed: int) -> tuple[Sequential, int, float]:
    """The generator after so many seconds of steps, how many steps those were, and the seconds exactly."""
    utils.set_random_seed(seed)
    g, d = generator(), discriminator()
    g_optimizer, d_optimizer = optimizers.Adam(1e-4), optimizers.Adam(1e-4)
    cross_entropy = losses.BinaryCrossentropy(from_logits=True)
    images = (x.astype(np.float32) - 127.5) / 127.5
    batches = tf.data.Dataset.from_tensor_slices(images).shuffle(len(x)).batch(BATCH)

    @tf.function
    def train_step(images):
        noise = tf.random.normal([BATCH, LATENT])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            generated = g(noise, training=True)
            real_output, fake_output = d(images, training=True), d(generated, training=True)
            g_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
            d_loss = cross_entropy(tf.ones_like(real_output), real_output)
            d_loss += cross_entropy(tf.zeros_like(fake_output), fake_output)
        g_gradients = g_tape.gradient(g_loss, g.trainable_variables)
        d_gradients = d_tape.gradient(d_loss, d.trainable_variables)
        g_optimizer.apply_gradients(zip(g_gradients, g.trainable_variables))
        d_optimizer.apply_gradients(zip(d_gradients, d.trainable_variables))

    steps, start = 0, None
    while True:
        for images in batches:
            train_step(images)
            if start is None:  # the first step compiles
                start = time.perf_counter()
                continue
            steps += 1
            if (took := time.perf_counter() - start) >= seconds:
                return g, steps, took


if __name__ == "__main__":
    main()
