"""How TensorFlow divides the cores of this process: among the threads of one operation, or among two operations.

The operations of a small convolutional network are so short that their threads spend much of the time waiting for
each other. Two halves of a batch, each on cores of its own, need not wait. Compiled dense layers (XLA) can use more
than one core in no other way than the first. It is said once for all of a process, before its first operation.
"""

from __future__ import annotations

import os

import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine.networks import is_convolutional


def suit(config: RunConfig) -> bool:
    """Divide the cores as the training of `config` wants them; False when this process has them divided otherwise."""
    threads = cores() // 2 if _in_halves(config) else 0  # 0: as many as there are cores
    said = tf.config.threading
    if threads == said.get_intra_op_parallelism_threads():
        return True
    try:
        said.set_intra_op_parallelism_threads(threads)
        said.set_inter_op_parallelism_threads(2 if threads else 0)
    except RuntimeError:  # it has computed something already
        return False
    return True


def side_by_side(config: RunConfig) -> bool:
    """Whether the two halves of a batch are to go through the networks of `config` apart, here and now."""
    return _in_halves(config) and tf.config.threading.get_intra_op_parallelism_threads() > 0


def _in_halves(config: RunConfig) -> bool:
    """Not where a layer normalises over its batch: half of it has other moments."""
    networks = config.generator, config.discriminator
    normalised = any(network.batch_norm for network in networks)
    return config.objective.loss in ADVERSARIAL_LOSSES and is_convolutional(*networks) and not normalised


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
