"""Adam as a configuration sets it, and one update at a given learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from gan_core.config.run_config import RunConfig

Gradients = Sequence[Any]
"""A tensor for each variable. TensorFlow's types also allow sparse gradients, which no model here has."""


def adam(config: RunConfig, variables: Sequence[keras.Variable]) -> keras.optimizers.Optimizer:
    """Adam (Kingma & Ba 2014, arXiv:1412.6980) for these variables; every update sets the learning rate."""
    settings = config.optimizer
    optimizer = keras.optimizers.Adam(1.0, beta_1=settings.beta1, beta_2=settings.beta2, epsilon=1e-8)
    optimizer.build(variables)
    return optimizer


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    learning_rate: tf.Tensor,
    gradients: Gradients,
    variables: Sequence[keras.Variable | tf.Variable],
) -> None:
    """One update of `variables` with their `gradients`, at a scalar `learning_rate`."""
    optimizer.learning_rate.assign(learning_rate)  # pyright: ignore[reportAttributeAccessIssue]  (Keras types it object)
    optimizer.apply(gradients, variables)
