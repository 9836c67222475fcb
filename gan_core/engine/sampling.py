"""Latents from a seed, and samples from latents. Every random number of a run is a function of (seed, what for)."""

from __future__ import annotations

import numpy as np

PREVIEW, MEASURE, REQUEST = 1, 2, 3
"""What latents are for: the run's fixed preview, its scheduled measurements, a person's request."""


def latents(seed: int, n: int, dim: int, purpose: int, index: int = 0) -> np.ndarray:
    """(n, dim) float32 draws of N(0, I); the same arguments give the same numbers on every machine."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, index])))
    return rng.standard_normal((n, dim), dtype=np.float32)


def generate(generator, z: np.ndarray, batch: int = 500) -> np.ndarray:
    """Samples in measured form for latents (n, dim): float32 (n, *shape), made `batch` at a time.

    Calls the model rather than `predict`, whose memory grows when it is called in a loop.
    """
    parts = [generator(z[i : i + batch], training=False).numpy() for i in range(0, len(z), batch)]
    return np.concatenate(parts) if parts else np.zeros((0, *generator.output_shape[1:]), np.float32)
