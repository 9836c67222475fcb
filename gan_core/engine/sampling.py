"""Latents from a seed, and samples from latents. Every random number of a run is a function of (seed, what for)."""

from __future__ import annotations

import numpy as np

from gan_core.records import GanometerError

PREVIEW, MEASURE, REQUEST = 1, 2, 3
"""What latents are for: the run's fixed preview, its scheduled measurements, a person's request."""


def latents(seed: int, n: int, dim: int, purpose: int, index: int = 0) -> np.ndarray:
    """(n, dim) float32 draws of N(0, I); the same arguments give the same numbers on every machine."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, index])))
    return rng.standard_normal((n, dim), dtype=np.float32)


def inputs(generator, seed: int, n: int, purpose: int, index: int = 0, label: int | None = None) -> np.ndarray:
    """What a generator needs for `n` samples: latents, and behind them a one-hot class where it is told of classes.

    The preview deals the classes out in turn, everything else draws them as often as the data have them; `label` is
    the number of the one class that is wanted. Raises GanometerError where the generator does not know that class.
    """
    size = generator.input_shape[1]
    told = next((layer for layer in generator.layers if layer.name == "classes"), None)
    if told is None:
        if label is not None:
            raise GanometerError(
                "this generator was not told of classes, so none can be chosen; train a conditional run"
            )
        return latents(seed, n, size, purpose, index)
    shares = np.asarray(told.shares, np.float64)
    if label is not None and not 0 <= label < len(shares):
        raise GanometerError(f"class number {label} was asked for; this generator knows 0 to {len(shares) - 1}")
    if label is not None:
        classes = np.full(n, label)
    elif purpose == PREVIEW:
        classes = np.arange(n) % len(shares)
    else:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, index, 1])))
        classes = rng.choice(len(shares), n, p=shares / shares.sum())
    z = latents(seed, n, size - len(shares), purpose, index)
    return np.concatenate([z, np.eye(len(shares), dtype=np.float32)[classes]], axis=1)


def generate(generator, z: np.ndarray, batch: int = 500) -> np.ndarray:
    """Samples in measured form for `inputs` (n, dim): float32 (n, *shape), made `batch` at a time.

    Calls the model rather than `predict`, whose memory grows when it is called in a loop.
    """
    parts = [generator(z[i : i + batch], training=False).numpy() for i in range(0, len(z), batch)]
    return np.concatenate(parts) if parts else np.zeros((0, *generator.output_shape[1:]), np.float32)
