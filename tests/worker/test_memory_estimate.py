"""The estimate of a training's memory grows with everything that takes some."""

import pytest

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.worker.memory_estimate import FIXED, memory_estimate, network_size

DIGITS = datasets.load("digits")
CONFIG = preset("auto", data="digits")


def test_there_is_something_that_every_training_takes():
    assert memory_estimate(CONFIG, DIGITS) > FIXED + 2 * DIGITS.train.x.nbytes


@pytest.mark.parametrize(
    "changes",
    [
        {"generator.hidden": "1024,1024"},
        {"discriminator.hidden": "1024,1024"},
        {"training.batch": 2048},
        {"generator.latent_dim": 512},
        {"objective.energy_weight": 1.0},
    ],
)
def test_more_of_anything_takes_more(changes):
    assert memory_estimate(override(CONFIG, changes), DIGITS) > memory_estimate(CONFIG, DIGITS)


def test_a_dense_network_is_counted_by_hand():
    network = override(CONFIG, {"generator.hidden": "20,30"}).generator
    assert network_size(network, 64) == (20 * 30 + 30 * 64, 20 + 30 + 64, 20)
