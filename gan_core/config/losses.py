"""What is known of the losses, whatever a run does with them."""

from __future__ import annotations

NATS, LENGTHS = "nats", "mean distances of real samples"

LOSS_UNITS = {
    **dict.fromkeys(("minimax", "non-saturating", "relativistic", "vae"), NATS),
    **dict.fromkeys(("energy", "mean-distance", "nearest-distance"), LENGTHS),
}
"""The unit of a loss, for those that have one."""

IMPROPER_LOSSES = {
    "mean-distance": "The mean distance to real samples is smallest for one sample in the middle, always the same.",
    "nearest-distance": "The distance to the nearest real sample is smallest for a few of them, copied over and over.",
}
"""Losses that something else than the distribution of the data makes smallest, and what that is."""
