"""The matrix products of one step of the article's GAN, and nothing else: how fast could a step be at best?

With 128 latents and 128 real samples, both networks learning from one look at them, a step multiplies: the generator
forward; the discriminator forward on all 256, backward to its weights and to its hidden layers; for the generator's
loss the discriminator backward to its inputs, the generated half; the generator backward to its weights and layers.
"""

import time
from functools import partial

import numpy as np
import tensorflow as tf


def shapes(generator: list[int], discriminator: list[int], batch: int) -> list[tuple[int, int, int]]:
    """(m, k, n) of every product of a step, for layer widths from input to output."""
    g, d = list(zip(generator, generator[1:])), list(zip(discriminator, discriminator[1:]))
    forward = lambda pairs, rows: [(rows, a, b) for a, b in pairs]  # noqa: E731
    to_weights = lambda pairs, rows: [(a, rows, b) for a, b in pairs]  # noqa: E731
    to_inputs = lambda pairs, rows: [(rows, b, a) for a, b in pairs]  # noqa: E731
    of_discriminator = forward(d, 2 * batch) + to_weights(d, 2 * batch) + to_inputs(d[1:], 2 * batch)
    of_generator = forward(g, batch) + to_inputs(d, batch) + to_weights(g, batch) + to_inputs(g[1:], batch)
    return of_discriminator + of_generator


def megaflops(products: list[tuple[int, int, int]]) -> float:
    return sum(2 * m * k * n for m, k, n in products) / 1e6


def rate(products: list[tuple[int, int, int]], seconds: float) -> float:
    """How many times a second all of them can be done, each product in the faster of TensorFlow and NumPy."""
    rng = np.random.default_rng(0)
    best = 0.0
    for m, k, n in products:
        a, b = (rng.standard_normal(size).astype(np.float32) for size in ((m, k), (k, n)))
        out = np.empty((m, n), np.float32)
        best += min(_seconds(partial(np.matmul, a, b, out=out), seconds / 100), _tensorflow(a, b, seconds / 100))
    return 1 / best


def _tensorflow(a, b, seconds: float) -> float:
    """Many in one compiled call, so that calling it costs nothing."""
    a, b, many = tf.constant(a), tf.constant(b), 20

    @tf.function
    def products():
        # Each waits for the one before, as a step's do; adding a zero that nobody knows to be one keeps all of them.
        zero = tf.zeros(())
        for _ in range(many):
            zero = tf.matmul(a + zero, b)[0, 0] * 0.0
        return zero

    return _seconds(products, seconds) / many


def _seconds(call, seconds: float) -> float:
    call()
    taken, end = [], time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))
