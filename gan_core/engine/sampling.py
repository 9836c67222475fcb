"""Latents from a seed, and samples from latents. Every random number of a run is a function of (seed, purpose)."""

from __future__ import annotations

import keras
import numpy as np

from gan_core.records import GanometerError

PREVIEW, MEASURE, REQUEST, PROJECTION = 1, 2, 3, 4
"""The purpose of latents: the run's fixed preview samples, its scheduled measurements, samples that somebody requests,
the initial points of a projection."""


def latents(seed: int, n: int, dim: int, purpose: int, index: int = 0) -> np.ndarray:
    """(n, dim) float32 draws from N(0, I); the same arguments give the same numbers on every machine."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, index])))
    return rng.standard_normal((n, dim), dtype=np.float32)


def inputs(
    generator: keras.Model, seed: int, n: int, purpose: int, index: int = 0, label: int | None = None
) -> np.ndarray:
    """The generator's inputs for `n` samples, float32 (n, latent) or, for a conditional one, (n, latent + classes).

    The classes of the preview are 0, 1, 2, ... in turn; for other purposes they are drawn as often as the data contain
    them. `label` is the number of the only class that is wanted. Raises GanometerError for a class that the generator
    does not have.
    """
    size = generator.input_shape[1]
    embedding = next((layer for layer in generator.layers if layer.name == "classes"), None)
    if embedding is None:
        if label is not None:
            raise GanometerError(
                "this generator was trained without class labels, so no class can be chosen; train a conditional run"
            )
        return latents(seed, n, size, purpose, index)
    frequencies = np.asarray(embedding.frequencies, np.float64)
    if label is not None and not 0 <= label < len(frequencies):
        raise GanometerError(f"class number {label} was requested; this generator has 0 to {len(frequencies) - 1}")
    if label is not None:
        classes = np.full(n, label)
    elif purpose == PREVIEW:
        classes = np.arange(n) % len(frequencies)
    else:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, index, 1])))
        classes = rng.choice(len(frequencies), n, p=frequencies / frequencies.sum())
    z = latents(seed, n, size - len(frequencies), purpose, index)
    return np.concatenate([z, np.eye(len(frequencies), dtype=np.float32)[classes]], axis=1)


def generate(generator: keras.Model, z: np.ndarray, batch: int = 500) -> np.ndarray:
    """Samples float32 (n, *shape) in measured form for a generator's inputs `z` (n, d), computed `batch` at a time.

    Calls the model rather than `predict`, whose memory use grows when it is called in a loop.
    """
    parts = [generator(z[i : i + batch], training=False).numpy() for i in range(0, len(z), batch)]
    return np.concatenate(parts) if parts else np.zeros((0, *generator.output_shape[1:]), np.float32)


def slerp(start: np.ndarray, end: np.ndarray, n: int) -> np.ndarray:
    """Spherical interpolation: (n, d) float32 latents from `start` (d,) to `end` (d,) at equal angles.

    On a straight line the latents in between would be too short: nearly all draws from N(0, I) have a norm of about
    sqrt(d). Between parallel and between opposite latents there is no unique arc, and a straight line is used.
    White 2016, arXiv:1609.04468, section 2.1.
    """
    fraction, ends = np.linspace(0, 1, n)[:, None], np.stack([start, end]).astype(np.float64)
    lengths = np.linalg.norm(ends, axis=1).prod()
    cosine = ends[0] @ ends[1] / lengths if lengths else 1.0
    angle = np.arccos(np.clip(cosine, -1, 1))
    weights = 1 - fraction, fraction
    if np.sin(angle) > 1e-3:
        weights = tuple(np.sin(weight * angle) / np.sin(angle) for weight in weights)
    path = (weights[0] * ends[0] + weights[1] * ends[1]).astype(np.float32)
    path[0], path[-1] = start, end
    return path
