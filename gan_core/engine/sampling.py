"""Latents from a seed, and samples from latents. Every random number of a run is a function of (seed, what for)."""

from __future__ import annotations

import numpy as np

from gan_core.records import GanometerError

PREVIEW, MEASURE, REQUEST, PROJECTION = 1, 2, 3, 4
"""What latents are for: the run's fixed preview, its scheduled measurements, a person's request, a search's starts."""


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


def slerp(start: np.ndarray, end: np.ndarray, n: int) -> np.ndarray:
    """(n, d) float32 latents from `start` (d,) to `end` (d,) in equal turns: White 2016, arXiv:1609.04468, section 2.1.

    In a straight line latents would be too short on the way: nearly all of N(0, I) lies at a distance of sqrt(d).
    Between latents in nearly one direction, or opposite ones, the turn says nothing: there the line is straight.
    """
    share, ends = np.linspace(0, 1, n)[:, None], np.stack([start, end]).astype(np.float64)
    lengths = np.linalg.norm(ends, axis=1).prod()
    cosine = ends[0] @ ends[1] / lengths if lengths else 1.0
    turn = np.arccos(np.clip(cosine, -1, 1))
    weights = 1 - share, share
    if np.sin(turn) > 1e-3:
        weights = tuple(np.sin(weight * turn) / np.sin(turn) for weight in weights)
    path = (weights[0] * ends[0] + weights[1] * ends[1]).astype(np.float32)
    path[0], path[-1] = start, end
    return path
