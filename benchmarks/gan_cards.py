"""The moving pictures of the cards "What is a GAN?": python -m benchmarks.gan_cards

Every picture shows a true run of this app. Two short runs on the ring of Gaussians are trained for them: the `auto`
recipe, which finds the eight clusters, and the mean distance as the only loss, which collapses. The digits and their
energy distance come from the finished example. Each picture is written as an animated WebP and as its last frame, for
people who asked for no motion; backgrounds are transparent, so that both suit light and dark pages.
"""

import io
import tempfile
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.browser import ROOT
from gan_core import Lab
from gan_core.config import presets, run_config
from gan_core.data import datasets
from gan_core.pictures.colours import FAKE, GREY, REAL
from gan_core.pictures.grid import grid_pixels
from gan_core.pictures.scatter import coverage, cross, disc, pixels, window
from gan_core.settings import settings_from_environment
from gan_core.store import Store
from gan_core.worker.process import Worker

FOLDER = ROOT / "ui" / "frame" / "cards"
MAX_BYTES = 60_000
SIZE, FRAME, LAST, LOOPS = 200, 400, 2500, 5
"""Pixels a side of a picture; milliseconds of a frame, and of the last one; how often it plays."""
RUNS = {  # a recipe, and what is changed of it on ring-8
    "collapse": ("energy-only", {"training.steps": 400, "training.batch": 128, "objective.loss": "mean-distance"}),
    "steps": ("auto", {"training.steps": 3000}),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = settings_from_environment({"GANOMETER_HOME": folder})
        store = Store(place.store_url)
        worker = Worker(store, place)
        for name, (recipe, changes) in RUNS.items():
            config = run_config.override(
                presets.preset(recipe, data="ring-8", shape=(2,)), changes | {"recording.snapshots": 16}
            )
            run_id = store.runs.create(config, worker_id=worker.id)
            if (state := worker.train(store.runs.get(run_id))) != "finished":
                raise SystemExit(f"the run of {name} is {state}: {store.runs.get(run_id).error}")
            steps = store.recordings.snapshot_steps(run_id)
            write(name, of_points([store.recordings.snapshot(run_id, step).samples for step in steps]))
        store.close()
        lab = Lab(place)
        example = lab.bundles.example()
        steps = lab.results.snapshot_steps(example)
        write("game", of_digits([lab.results.snapshot(example, step).samples for step in steps]))
        curve = lab.results.curves(example, ["energy_distance"]).curves["energy_distance"]
        reference = lab.results.live_reference(example).metrics["energy_distance"]
        write("measure", of_curve(*curve, *reference))
        lab.close()


def of_points(samples: Sequence[np.ndarray]) -> list[Image.Image]:
    """Generated points over real ones, a frame for each step."""
    real = datasets.load("ring-8").test.x[:240]
    limits = window(np.concatenate([real, 1.25 * real]))
    below = 0.6 * coverage(real, limits, SIZE, disc(3), opacity=1.0)
    return [
        Image.fromarray(pixels(above=coverage(fake, limits, SIZE, cross(4), opacity=1.0), below=below))
        for fake in samples
    ]


def of_digits(samples: Sequence[np.ndarray]) -> list[Image.Image]:
    """Sixteen generated digits, a frame for each step."""
    return [Image.fromarray(grid_pixels(batch[:16], columns=4, scale=6, gap=2)).convert("RGBA") for batch in samples]


def of_curve(steps: np.ndarray, values: np.ndarray, mean: float, sd: float) -> list[Image.Image]:
    """The energy distance of generated samples as it falls into the band of real ones, mean ± 2 sd.

    The height is asinh(value / sd): like a logarithm for large values, and an estimate below 0 has its place too.
    """
    top, floor, fine = float(values.max()), min(float(values.min()), mean - 3 * sd), 2

    def at(share: float, value: float) -> tuple[float, float]:
        low, here, high = np.arcsinh(np.array([floor, value, top]) / sd)
        return fine * (12 + 176 * share), fine * (SIZE - 34 - (SIZE - 60) * (here - low) / (high - low))

    points = [at(i / (len(values) - 1), float(value)) for i, value in enumerate(values)]
    frames, font = [], ImageFont.load_default(13 * fine)
    for shown in range(1, len(points) + 1):
        frame = Image.new("RGBA", (SIZE * fine, SIZE * fine))
        pen = ImageDraw.Draw(frame)
        (left, high), (right, low) = at(0, mean + 2 * sd), at(1, mean - 2 * sd)
        pen.rectangle((left, high, right, low), fill=(*_rgb(REAL), 90))
        pen.line([at(0, top), at(0, floor), at(1, floor)], fill=GREY, width=fine)
        pen.line(points[:shown], fill=FAKE, width=3 * fine, joint="curve")
        x, y = points[shown - 1]
        pen.ellipse((x - 5 * fine, y - 5 * fine, x + 5 * fine, y + 5 * fine), fill=FAKE)
        pen.text((left + 4 * fine, high - 4 * fine), "real against real", fill=REAL, font=font, anchor="ls")
        pen.text((left, 12 * fine), "energy distance", fill=GREY, font=font, anchor="lm")
        pen.text((right, fine * (SIZE - 18)), "steps", fill=GREY, font=font, anchor="rm")
        frames.append(frame.resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    return frames


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def write(name: str, frames: list[Image.Image]) -> None:
    """`name`.webp, which moves, and `name`-still.webp."""
    for path, data in ((f"{name}.webp", moving(frames)), (f"{name}-still.webp", encoded(frames[-1:]))):
        (FOLDER / path).write_bytes(data)
        print(f"{path}: {len(data):,} bytes")


def moving(frames: list[Image.Image]) -> bytes:
    """The frames as a film, of which as many are left out as it takes to be small enough."""
    for every in range(1, len(frames)):
        data = encoded(frames[-1::-every][::-1])
        if len(data) <= MAX_BYTES:
            return data
    raise SystemExit(f"a film of two frames has more than {MAX_BYTES:,} bytes")


def encoded(frames: list[Image.Image]) -> bytes:
    """An animated WebP that is played LOOPS times and then shows its last frame."""
    durations = [FRAME] * (len(frames) - 1) + [LAST]
    out = io.BytesIO()
    options = dict(quality=50, alpha_quality=40, method=6, minimize_size=True)
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=LOOPS, **options)
    return out.getvalue()


if __name__ == "__main__":
    main()
