"""Can a generator learn by minimising Euclidean distance, and does a GAN gain by it? python -m benchmarks.claim

Four generators without a discriminator on ring-8, each for 10 s: distance to a random real sample, distance to
the nearest one, energy distance, and the cost of exact transport between two batches. Then, on digits (30 s) and MNIST
(60 s), games with and without the energy distance in the generator's loss, and the energy distance alone; 3 seeds each.
Cells are kept, scored and shared as in quality.py, so what is there already is not trained again. Prints Markdown
tables, and writes docs/claim.png, docs/claim-digits.png and docs/claim-mnist.png from seed 0.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.quality import OF_ITS_TIME, OUT, ROOT, SHOWN, Generate, Row, cells, print_row, summary, table
from gan_core.config import run_config
from gan_core.data import datasets

SECONDS = {"ring-8": 10, "digits": 30, "mnist": 60}

SAME_NETWORK = {"generator.latent_dim": 2, "generator.hidden": "128,128,128", "training.batch": 256}
MATCHINGS = {
    "distance to a random real sample": "mean-distance",
    "distance to the nearest real sample": "nearest-distance",
    "energy distance": "energy",
    "exact transport": "mean-distance",
}
"""What each of the four minimises: objective.loss. Exact transport is the mean distance too, of the best pairs."""

GAMES = {
    "non-saturating, R1, R2": ("energy-guided", {"objective.energy_weight": 0.0}),
    "… and energy in pixels": ("energy-guided", {}),
    "… and energy in features": ("energy-guided", {"objective.energy_space": "features"}),
    "energy alone": ("energy-only", {}),
    "non-saturating": ("non-saturating", {}),
    "non-saturating and energy": ("non-saturating", {"objective.energy_weight": 0.3}),
    "classic 2014": ("classic-2014", {}),
    "classic 2014 and energy": ("classic-2014", {"objective.energy_weight": 0.3}),
}

SHOWN_OF_POINTS = ("modes_captured", "modes_balanced", "high_quality_share", "mean_fake_fake", "energy_distance")
TITLE = 22
"""Pixels above a panel."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=SECONDS, action="append", help="only this part, or these; all unless said")
    parser.add_argument("--seconds", type=float, help="of each training, instead of 10, 30 and 60")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 ... N - 1")
    parser.add_argument("--out", type=Path, default=OUT, help="where the cells are kept")
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs", help="where the pictures go")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    told, printed = {}, []
    for data in options.data or SECONDS:
        named = rows(data, options.seconds or SECONDS[data], options.seeds)
        found = {}
        for name, row in named.items():
            train = transported if row.label == "exact transport" else None
            found[name] = summary(cells(options.out, row, train=train))
            if not options.json:
                print_row(row, found[name])
        told[data] = found
        shown = SHOWN_OF_POINTS if data == "ring-8" else SHOWN
        names = {row.slug: name for name, row in named.items()}
        printed.append(table([(row, found[name]) for name, row in named.items()], shown, names))
        pictures = {name: options.out / f"{row.slug}-0.png" for name, row in named.items()}
        options.pictures.mkdir(parents=True, exist_ok=True)
        file = options.pictures / ("claim.png" if data == "ring-8" else f"claim-{data}.png")
        file.write_bytes(panels(pictures, scale=3 if data == "digits" else 1))
    print(json.dumps(told, indent=1) if options.json else "\n" + "\n\n".join(printed))


def rows(data: str, seconds: float, seeds: int) -> dict[str, Row]:
    if data == "ring-8":
        return {
            name: Row("energy-only", data, seconds, seeds, SAME_NETWORK | {"objective.loss": loss}, label=name)
            for name, loss in MATCHINGS.items()
        }
    return {name: Row(preset, data, seconds, seeds, changes) for name, (preset, changes) in GAMES.items()}


# ---------------------------------------------------------------- exact transport


def transported(wanted: run_config.RunConfig, dataset: datasets.Dataset) -> tuple[dict, Generate]:
    """Train with the cheapest one-to-one pairing of each batch with the real one: the gradient of Wasserstein-1.

    Everything else is that of distance matching: network, draws, Adam, schedule, average.
    """
    import tensorflow as tf
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    from gan_core.engine import networks, sampling
    from gan_core.engine.base_model import BLOCK, Batch, LiveHyperparameters, draw_block
    from gan_core.engine.distance_matching import DistanceMatching

    def partners(real, fake):
        return linear_sum_assignment(cdist(fake, real))[1].astype(np.int32)

    class Transport(DistanceMatching):
        def __init__(self, *about):
            super().__init__(*about)
            self._compiled = tf.function(self._chunk, autograph=False)  # XLA cannot call SciPy

        def update(self, step, live: LiveHyperparameters, batch: Batch):
            fake = self.generator(batch.z[0], training=True)
            pairs = tf.ensure_shape(tf.numpy_function(partners, [batch.real[0], fake], tf.int32), [fake.shape[0]])
            return super().update(step, live, batch._replace(real=tf.gather(batch.real, pairs, axis=1)))

    begun = time.perf_counter()
    x, seconds = tf.constant(dataset.train.x), wanted.training.seconds * OF_ITS_TIME
    model, live = Transport(wanted, networks.statistics(dataset.train.x)), LiveHyperparameters.of(wanted)
    step, stride = 0, 16
    model.chunk(x, draw_block(wanted, len(x), 0), 0, 0, 0, live)
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        draws = draw_block(wanted, len(x), step // BLOCK)
        # The schedule is by the clock: so much of the time is over, so much of the run.
        total = step * seconds / elapsed if step else wanted.training.steps
        model.chunk(x, draws, step % BLOCK, stride, step, live._replace(total_steps=tf.constant(total, tf.float32)))
        step += stride

    found = {
        "outcome": "finished",
        "config": json.loads(run_config.to_json(wanted)),
        "steps": step,
        "training_seconds": round(elapsed, 2),
        "steps_per_second": round(step / elapsed, 1),
        "preparing_seconds": round(start - begun, 2),
    }
    made, seed = model.ema_generator, wanted.seed
    return found, lambda n: sampling.generate(made, sampling.inputs(made, seed, n, sampling.REQUEST))


# ---------------------------------------------------------------- pictures


def panels(pictures: dict[str, Path], *, scale: int = 1, columns: int = 4, gap: int = 16) -> bytes:
    """The cells' pictures side by side with their names above, on nothing: it suits light pages and dark ones."""
    opened = {name: Image.open(file).convert("RGBA") for name, file in pictures.items() if file.exists()}
    opened = {name: one.resize((one.width * scale, one.height * scale), 0) for name, one in opened.items()}
    width, height = (max(one.size[axis] for one in opened.values()) for axis in (0, 1))
    lines = -(-len(opened) // columns)
    size = columns * (width + gap) - gap, lines * (height + TITLE + gap) - gap
    canvas, font = Image.new("RGBA", size), ImageFont.load_default(14)
    for place, (name, one) in enumerate(opened.items()):
        left, top = place % columns * (width + gap), place // columns * (height + TITLE + gap)
        ImageDraw.Draw(canvas).text((left, top), name, fill=(128, 128, 128, 255), font=font)
        canvas.paste(one, (left, top + TITLE))
    file = io.BytesIO()
    canvas.save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    main()
