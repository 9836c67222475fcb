"""How TensorFlow divides the CPU cores of this process: among the threads of one operation, or among two operations.

The operations of a small convolutional network are so short that their threads spend much of the time waiting for each
other. So the two halves of a batch are computed at the same time, each with half of the cores. Dense layers compiled by
XLA can use several cores only within one operation. TensorFlow allows the choice once per process, before its first
operation.
"""

from __future__ import annotations

import os

import tensorflow as tf

from gan_core.config.run_config import RunConfig
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine.networks import is_convolutional


def configure(config: RunConfig) -> bool:
    """Divide the cores for a training of `config`; False if this process has already divided them in another way."""
    threads = cores() // 2 if _prefers_halves(config) else 0  # 0: as many as there are cores
    threading = tf.config.threading
    if threads == threading.get_intra_op_parallelism_threads():
        return True
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(2 if threads else 0)
    except RuntimeError:  # TensorFlow has already run an operation
        return False
    return True


def halves_batches(config: RunConfig) -> bool:
    """Whether the networks of `config` compute the two halves of a batch at the same time in this process."""
    return _prefers_halves(config) and tf.config.threading.get_intra_op_parallelism_threads() > 0


def cores() -> int:
    """The number of CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _prefers_halves(config: RunConfig) -> bool:
    """Convolutional GANs do, except with batch normalization: half a batch has other moments than the whole."""
    networks = config.generator, config.discriminator
    normalised = any(network.batch_norm for network in networks)
    return config.objective.loss in ADVERSARIAL_LOSSES and is_convolutional(*networks) and not normalised
