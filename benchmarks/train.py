"""How fast does the engine train? python -m benchmarks.train [--json] [--seconds 6] [--rounds 5]

The article's dense GAN on MNIST with batches of 128, and the convolutional network of `auto`, beside
  pytorch               the same networks in the loop of PyTorch's tutorial, at the better number of DataLoader workers
  tensorflow_tutorial   the same networks in the loop of TensorFlow's tutorial
  own_products          the step's own matrix products alone, each in the faster of TensorFlow and NumPy
  overhead              the share of the recipe's whole training that measuring, snapshots and commits take
The article's own code and TensorFlow's tutorial teach both networks from one look at the same samples, and so does
the recipe; PyTorch's tutorial lets the generator learn from the discriminator just updated.
All of it in one run on the same cores; every figure is a process of its own, the sides take turns, and a ratio is the
median of the ratios of the rounds. Compiling is outside the clock. It needs requirements-bench.txt and GANOMETER_DATA.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks import mnist
from benchmarks.browser import ROOT, machine, verdict

GOALS = {"pytorch": 2.5, "tensorflow_tutorial": 2.5, "own_products": 0.6, "conv_pytorch": 1.4, "overhead": 0.10}
SIDES = ("ours", "pytorch", "tensorflow_tutorial", "own_products", "conv_ours", "conv_pytorch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of steps, for each figure")
    parser.add_argument("--rounds", type=int, default=5, help="turns; medians count")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    parser.add_argument("--side", choices=[*SIDES, "overhead"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(FIGURES[options.side](options.seconds)))
        return
    rates = {side: [] for side in SIDES}
    for number in range(options.rounds):
        for side in SIDES:
            rates[side].append(alone(side, options.seconds))
            print(f"round {number + 1}: {side} {rates[side][-1]:.1f} steps/s", file=sys.stderr, flush=True)
    overhead = statistics.median(alone("overhead", options.seconds) for _ in range(min(3, options.rounds)))
    ratio = lambda a, b: statistics.median(x / y for x, y in zip(rates[a], rates[b]))  # noqa: E731
    found = {
        "ratio_to": {side: ratio("ours", side) for side in ("pytorch", "tensorflow_tutorial")},
        "of_own_products": ratio("ours", "own_products"),
        "conv_ratio_to": {"pytorch": ratio("conv_ours", "conv_pytorch")},
        "overhead": overhead,
        "steps_per_second": {side: statistics.median(values) for side, values in rates.items()},
        "machine": machine(),
    }
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for side, value in found["steps_per_second"].items():
        print(f"{side:<20}{value:>8.1f} steps/s")
    ratios = found["ratio_to"] | {
        "own_products": found["of_own_products"],
        "conv_pytorch": found["conv_ratio_to"]["pytorch"],
    }
    for side, value in ratios.items():
        print(f"beside {side:<20}{value:>6.2f} times {verdict(GOALS[side], value)}")
    print(f"measuring, snapshots and commits {overhead:.1%} {verdict(overhead, GOALS['overhead'])}")


def alone(side: str, seconds: float) -> float:
    """A figure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.train", "--side", side, "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{side} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


# ---------------------------------------------------------------- figures


def images():
    from gan_core.data import datasets

    return datasets.load("mnist", folder=mnist.folder())


def model(convolutional: bool):
    """The GAN whose networks all sides train, and the images."""
    from gan_core.config.presets import preset
    from gan_core.engine import cpu_threads, models, networks

    x = images().train.x
    name, seconds = ("auto", 600.0) if convolutional else ("classic-2014", None)
    config = preset(name, data="mnist", shape=x.shape[1:], seconds=seconds)
    cpu_threads.configure(config)
    return models.build(config, networks.statistics(x)), x


def ours(seconds: float, convolutional: bool = False) -> float:
    """As the worker's loop does it: blocks of draws made in a thread, calls of about a quarter of a second."""
    import tensorflow as tf

    from gan_core.engine.base_model import BLOCK, LiveHyperparameters, draw_block

    gan, x = model(convolutional)
    config, data, live = gan.settings, tf.constant(x), LiveHyperparameters.of(gan.settings)
    steps = 8 if convolutional else BLOCK
    with ThreadPoolExecutor(1) as pool:
        block, coming = 0, pool.submit(draw_block, config, len(x), 0)
        done = took = 0
        while took < seconds:
            draws, coming = coming.result(), pool.submit(draw_block, config, len(x), block + 1)
            for first in range(0, BLOCK, steps):
                start = time.perf_counter()
                gan.chunk(data, draws, first, steps, block * BLOCK + first, live)
                if block or first:  # the first call compiles
                    took += time.perf_counter() - start
                    done += steps
            block += 1
    return done / took


def pytorch(seconds: float) -> float:
    from benchmarks.peers.pytorch import article

    gan, x = model(False)
    return max(article(gan, x, seconds / 4, workers, threads) for workers in (0, 2) for threads in (1, 2))


def conv_pytorch(seconds: float) -> float:
    from benchmarks.peers.pytorch import convolutional

    gan, x = model(True)
    return max(convolutional(gan, x, seconds / 2, channels_last) for channels_last in (False, True))


def tensorflow_tutorial(seconds: float) -> float:
    from benchmarks.peers.tensorflow_tutorial import article

    return article(*model(False), seconds)


def own_products(seconds: float) -> float:
    from benchmarks.peers.products import rate, shapes

    gan, x = model(False)
    config, pixels = gan.settings, x[0].size
    widths = [config.generator.latent_dim, *config.generator.hidden, pixels], [pixels, *config.discriminator.hidden, 1]
    return rate(shapes(*widths, config.training.batch), seconds)


def overhead(seconds: float) -> float:
    """The share of the recipe's whole training that is not steps: a real store, the usual records, one process.

    Nothing of it runs beside the steps, so what is not spent in them is all it costs.
    """
    from gan_core import settings
    from gan_core.config import run_config as configs
    from gan_core.config.presets import preset
    from gan_core.data.dataset_cache import DatasetCache
    from gan_core.engine.base_model import BaseModel
    from gan_core.store import Store
    from gan_core.worker import process, run_session, train_run

    stepping, chunk, began = [], BaseModel.chunk, 0.0

    def phase(name: str) -> None:
        nonlocal began
        if name == "training":
            stepping.clear()
            began = time.perf_counter()

    def timed(self, *given):
        start = time.perf_counter()
        rows = chunk(self, *given)
        stepping.append(time.perf_counter() - start)
        return rows

    with tempfile.TemporaryDirectory(prefix="ganometer-") as folder:
        place = settings.settings_from_environment(os.environ | {"GANOMETER_HOME": folder})
        store = Store(f"sqlite:///{folder}/store.sqlite")
        trainer = process.Worker(store, place)
        cache = DatasetCache(place.data_folder, store.datasets.upload_bytes)
        recipe = preset("classic-2014", data="mnist", shape=(28, 28, 1))
        BaseModel.chunk = timed
        for config in (configs.override(recipe, {"training.steps": 500}), recipe):  # the first one compiles
            run = store.runs.get(store.runs.create(config, worker_id=trainer.id))
            state = train_run.train_run(run_session.Session(store, run, trainer.id, on_phase=phase), cache.dataset)
            whole = time.perf_counter() - began
            assert state == "finished", store.runs.get(run.id).error
        store.close()
    return 1 - sum(stepping) / whole


FIGURES = {
    "ours": ours,
    "conv_ours": lambda seconds: ours(seconds, convolutional=True),
    "pytorch": pytorch,
    "conv_pytorch": conv_pytorch,
    "tensorflow_tutorial": tensorflow_tutorial,
    "own_products": own_products,
    "overhead": overhead,
}

if __name__ == "__main__":
    main()
