"""What real-vs-real gives on the built-in data sets: writes gan_core/examples/references.json (make references).

    python -m benchmarks.references                    # all of it; MNIST needs GANOMETER_DATA, and an hour
    python -m benchmarks.references --data digits      # one data set, the others stay as they are

Fashion-MNIST and the swiss roll are measured by a job when somebody asks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

from gan_core import codec, records
from gan_core.data import datasets
from gan_core.distances import features
from gan_core.jobs import measurement
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.references import SHIPPED

SIZES = {
    "digits": (200, 360),
    "ring-8": (500, 1000, 2000),
    "grid-25": (500, 1000, 2000),
    "mnist": (500, 1000, 2000),
}
"""The n of trainings' own measurements, and what the page offers; larger ones are measured when somebody asks."""

DIGITS = 9
"""Significant digits that are kept: more than two runs of one machine differ in, fewer than make the file long."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=SIZES, help="only this data set")
    options = parser.parse_args()
    folder = os.environ.get("GANOMETER_DATA")
    rows = json.loads(SHIPPED.read_text()) if SHIPPED.exists() else []
    for name in [options.data] if options.data else SIZES:
        dataset = datasets.load(name, folder=Path(folder) if folder else None)
        for row in made(dataset, SIZES[name]):
            rows = [old for old in rows if place(old) != place(row)] + [row]
            SHIPPED.write_text("[\n" + ",\n".join(json.dumps(row, sort_keys=True) for row in rows) + "\n]\n")
    print(f"{SHIPPED.name}: {len(rows)} references, {SHIPPED.stat().st_size:,} bytes")


def made(dataset: datasets.Dataset, sizes: tuple[int, ...]):
    """One row of the file for every size, space and panel; of spaces other than pixels the full panel only."""
    spaces = {"pixels": codec.to_unit}
    if dataset.kind == "image":
        spaces["pca64"] = features.space_of("pca64", train=dataset.train.x)
    for n, panel, (space, transform) in itertools.product(sizes, ("live", "full"), spaces.items()):
        if panel == "live" and space != "pixels":
            continue
        started = time.perf_counter()
        found = measurement.calibration(dataset, MeasureParameters(n, space=space, panel=panel), transform)
        print(
            f"{dataset.name} {space} n = {n} {panel}: {time.perf_counter() - started:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        yield {"dataset": dataset.sha256, "name": dataset.name, "space": space, "reference": shortened(found)}


def place(row: dict) -> tuple:
    return row["dataset"], row["space"], row["reference"]["n"], row["reference"]["panel"]


def shortened(reference: records.Reference) -> dict:
    values = json.loads(records.record_to_json(reference))
    values["metrics"] = {
        name: [float(f"{x:.{DIGITS}g}") for x in pair] for name, pair in sorted(values["metrics"].items())
    }
    return values


if __name__ == "__main__":
    main()
