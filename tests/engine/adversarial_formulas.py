"""The adversarial losses as their papers write them, in NumPy: the oracle of all tests of objectives."""

import numpy as np


def log_sigmoid(x):
    """log 1/(1 + e^-x), as NumPy writes it."""
    return -np.logaddexp(0, -np.asarray(x, float))


# The formulas of the papers, with D = σ(logit) and 1 − σ(x) = σ(−x).
PAPERS = {
    ("minimax", "discriminator"): lambda a, b: -np.mean(log_sigmoid(a)) - np.mean(log_sigmoid(-b)),
    ("minimax", "generator"): lambda a, b: np.mean(log_sigmoid(-b)),
    ("non-saturating", "discriminator"): lambda a, b: -np.mean(log_sigmoid(a)) - np.mean(log_sigmoid(-b)),
    ("non-saturating", "generator"): lambda a, b: -np.mean(log_sigmoid(b)),
    ("least-squares", "discriminator"): lambda a, b: np.mean((a - 1) ** 2) / 2 + np.mean(b**2) / 2,
    ("least-squares", "generator"): lambda a, b: np.mean((b - 1) ** 2) / 2,
    ("hinge", "discriminator"): lambda a, b: -np.mean(np.minimum(0, a - 1)) - np.mean(np.minimum(0, -b - 1)),
    ("hinge", "generator"): lambda a, b: -np.mean(b),
    ("wasserstein", "discriminator"): lambda a, b: np.mean(b) - np.mean(a),
    ("wasserstein", "generator"): lambda a, b: -np.mean(b),
    ("relativistic", "discriminator"): lambda a, b: -np.mean(log_sigmoid(a - b)),
    ("relativistic", "generator"): lambda a, b: -np.mean(log_sigmoid(b - a)),
}
