"""How the cores of a process are divided: said once, before it computes anything, so in processes of their own."""

import ast
import subprocess
import sys
import textwrap

import pytest

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.engine import cpu_threads

CONVOLUTIONS = preset("auto", data="mnist", shape=(28, 28, 1), seconds=600)
DENSE = preset("classic-2014", data="mnist", shape=(28, 28, 1))
START = """
import os
import tensorflow as tf
from gan_core.engine.cpu_threads import configure, halves_batches
from gan_core.config.presets import preset
os.sched_getaffinity = lambda _: range(CORES)
large = dict(data="mnist", shape=(28, 28, 1))
convolutions, dense = preset("auto", seconds=600, **large), preset("classic-2014", **large)
divided = lambda: [f() for f in (
    tf.config.threading.get_intra_op_parallelism_threads, tf.config.threading.get_inter_op_parallelism_threads)]
"""


def alone(code: str, cores: int = 2) -> list:
    """What a process of its own prints, each line read as Python."""
    program = START.replace("CORES", str(cores)) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


def test_a_process_divides_its_cores_once():
    assert alone("""
        print([configure(dense), divided()])
        print([configure(convolutions), divided()])  # nothing has been computed yet
        tf.constant(1.0) + 1.0
        print([configure(convolutions), halves_batches(convolutions), halves_batches(dense)])
        print([configure(dense), divided()])
    """) == [[True, [0, 0]], [True, [1, 2]], [True, True, False], [False, [1, 2]]]


@pytest.mark.slow
def test_a_process_that_has_computed_without_a_word_suits_dense_layers():
    assert alone("""
        tf.constant(1.0) + 1.0
        print([configure(dense), configure(convolutions), halves_batches(convolutions)])
    """) == [[True, False, False]]


@pytest.mark.slow
@pytest.mark.parametrize(("cores", "division"), ((1, [0, 0]), (4, [2, 2]), (8, [4, 2])))
def test_each_half_has_half_of_the_cores(cores, division):
    assert alone("print([configure(convolutions), divided()])", cores) == [[True, division]]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    (
        ("auto", {}, True),
        ("r3gan-lite", {}, True),
        ("dcgan", {}, False),  # normalises over its batch
        ("auto", {"discriminator.architecture": "mlp"}, True),
        ("non-saturating", {}, False),
        ("vae", {"generator.architecture": "subpixel"}, False),
    ),
)
def test_halves_are_for_convolutions_without_batch_normalization(monkeypatch, name, changes, expected):
    monkeypatch.setattr(cpu_threads.tf.config.threading, "get_intra_op_parallelism_threads", lambda: 1)
    config = override(preset(name, data="mnist", shape=(28, 28, 1), seconds=600 if name == "auto" else None), changes)
    assert cpu_threads.halves_batches(config) is expected


def test_where_nothing_was_said_batches_stay_whole():
    assert not cpu_threads.halves_batches(CONVOLUTIONS) and not cpu_threads.halves_batches(DENSE)
