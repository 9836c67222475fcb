"""Does the same training give the same bits each time? python -m benchmarks.replay

Each network is trained by so many fresh processes, some at a time on purpose: they take the cores from each other, so
that threads meet in another order each time. Each process cuts its steps into chunks of other lengths. The checkpoint
is compared after every quarter of the steps. Said of each network: how many different trainings there were, and if more
than one, how far apart their weights are at the end, as a share of the largest weight. Any images will do: these are
noise.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys

import numpy as np

NETWORKS = {
    "dense, auto": ("auto", None),
    "dense, classic-2014": ("classic-2014", None),
    "convolutions, auto": ("auto", 600.0),
    "convolutions, dcgan": ("dcgan", None),
    "convolutions, r3gan-lite": ("r3gan-lite", None),
}
"""Title: preset, and the seconds it is asked for."""
SHAPE = (28, 28, 1)
ROWS = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, action="append", help="only this one, or these")
    parser.add_argument("--processes", type=int, default=12, help="trainings of each network")
    parser.add_argument("--together", type=int, default=4, help="processes at a time")
    parser.add_argument("--steps", type=int, default=128, help="steps of each training")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    parser.add_argument("--one", type=int, metavar="K", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        sys.stdout.buffer.write(trained(*NETWORKS[options.network[0]], options.steps, cuts=options.one))
        return
    found = {}
    for title in options.network or NETWORKS:
        found[title] = compared([*trainings(title, options.processes, options.together, options.steps)])
        if not options.json:
            about = found[title]
            apart = f", {about['apart']:.1g} apart" if about["different"] > 1 else ""
            print(f"{title}: {about['trainings']} times {options.steps} steps, {about['different']} different{apart}")
    if options.json:
        print(json.dumps(found, indent=1))


def trainings(title: str, processes: int, together: int, steps: int):
    """What each process has written, `together` of them at a time."""
    for begun in range(0, processes, together):
        command = [sys.executable, "-m", "benchmarks.replay", "--network", title, "--steps", str(steps), "--one"]
        running = [
            subprocess.Popen([*command, str(k)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for k in range(begun, min(begun + together, processes))
        ]
        for process in running:
            written, _ = process.communicate()
            if process.returncode:
                raise SystemExit(f"a training of {title!r} ended with {process.returncode}: run it alone with --one 0")
            yield np.load(io.BytesIO(written), allow_pickle=False)


def trained(name: str, seconds: float | None, steps: int, *, cuts: int) -> bytes:
    """Train here; the NPZ of the hashes of four checkpoints and of all weights at the end."""
    from gan_core.config.presets import preset
    from gan_core.config.run_config import override
    from gan_core.engine import checkpoints, models, networks
    from gan_core.engine.base_model import BLOCK, LiveHyperparameters, draw_block

    images = np.random.default_rng(0).integers(0, 256, (ROWS, *SHAPE), dtype=np.uint8)
    wanted = override(preset(name, data="mnist", shape=SHAPE, seconds=seconds), {"training.steps": steps})
    model, live = models.build(wanted, networks.statistics(images)), LiveHyperparameters.of(wanted)
    lengths, marks = np.random.default_rng(cuts), []
    step, stops = 0, [steps * part // 4 for part in (1, 2, 3, 4)]
    for stop in stops:
        while step < stop:
            n = min(int(lengths.integers(1, 17)), stop - step, BLOCK - step % BLOCK)
            model.chunk(images, draw_block(wanted, ROWS, step // BLOCK), step % BLOCK, n, step, live)
            step += n
        kept = checkpoints.capture(model, step, np.zeros((0, len(model.STEP_METRICS))))
        marks.append(hashlib.sha256(kept).hexdigest())
    weights = np.concatenate([np.ravel(v).astype(np.float64) for v in model.state.values()])
    written = io.BytesIO()
    np.savez(written, marks=marks, weights=weights)
    return written.getvalue()


def compared(ends: list) -> dict:
    """How many of the trainings differ, after which of the four looks first, and by how much at the end."""
    marks = [tuple(end["marks"]) for end in ends]
    looks = [len({mark[k] for mark in marks}) for k in range(4)]
    first, *others = (end["weights"] for end in ends)
    apart = max((float(np.abs(other - first).max() / np.abs(first).max()) for other in others), default=0.0)
    return {"trainings": len(ends), "different": len(set(marks)), "different_at_each_look": looks, "apart": apart}


if __name__ == "__main__":
    main()
