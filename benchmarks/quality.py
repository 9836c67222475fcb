"""How good is each recipe after so many seconds of training? python -m benchmarks.quality

    python -m benchmarks.quality --preset auto --data mnist --seconds 60 --seeds 3 --json     one row
    python -m benchmarks.quality                the whole plan; what is there already is not trained again
    python -m benchmarks.quality --table        the tables of docs/recipes.md, from what is there

A cell is one training: a recipe, a data set, so many seconds, a seed. It is one file in --out, and of seed 0 a picture
too. A recipe that has changed since makes its cells void. Seconds are those in which steps are taken: compiling, the
speed trial and measuring come on top. Everything is measured once, at the end, on the test part, beside what as many
real samples give; recipes are chosen on the holdout part, by hand. MNIST is read from the folder GANOMETER_DATA.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from gan_core import codec, machine, records, settings
from gan_core.config import run_config as config
from gan_core.config.presets import PRESETS, preset
from gan_core.data import datasets
from gan_core.distances import modes, parzen, reference
from gan_core.distances.catalogue import VERSION
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import measure
from gan_core.distances.verdict import with_z
from gan_core.jobs import measurement, references
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.pictures import grid
from gan_core.pictures.scatter import scatter

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
OUT = RESULTS / "quality"

SAMPLES = 2_000
PARZEN_SAMPLES = 10_000
"""As in the protocol of 2014."""
MODE_SAMPLES = 2_500
"""As in PacGAN's."""
LOOK_EVERY = 1.0
"""Seconds of training between two looks whether all modes are there."""
OF_ITS_TIME = 0.9
"""The share of `training.seconds` that the loop gives to steps; the rest is for measuring, which is apart here."""

TUTORIAL = "dcgan-tutorial"
"""The peer: peers/dcgan_tutorial.py."""

Generate = Callable[[int], np.ndarray]
"""n -> as many new samples in measured form."""


@dataclass(frozen=True)
class Row:
    """So many seeds of one recipe, perhaps with other settings, on one data set for so many seconds.

    `label` names it where the settings do not say all.
    """

    preset: str
    data: str
    seconds: float
    seeds: int
    changes: Mapping[str, object] = field(default_factory=dict)
    label: str = ""

    @property
    def name(self) -> str:
        settings_said = (f"{key.split('.')[-1]} {value}" for key, value in self.changes.items())
        return self.label or ", ".join([self.preset, *settings_said])

    @property
    def slug(self) -> str:
        """The beginning of its files' names."""
        return re.sub(r"[^\w.]+", "-", f"{self.data} {self.name} {self.seconds:g}s")

    def config(self, seed: int) -> config.RunConfig:
        about = preset(
            self.preset, data=self.data, shape=datasets.OPTIONS[self.data].shape, seed=seed, seconds=self.seconds
        )
        unwatched = {"recording.snapshots": 2, "training.seconds": max(1.0, self.seconds / OF_ITS_TIME)}
        return config.override(about, unwatched | dict(self.changes))


PLAN = [
    *(Row(name, "mnist", 60, 3) for name in PRESETS),
    *(Row(name, "digits", 30, 3) for name in PRESETS),
    Row("auto", "mnist", 180, 3),
    Row("auto", "mnist", 600, 3),
    Row("auto", "ring-8", 60, 5),
    Row("auto", "grid-25", 120, 5),
    Row(TUTORIAL, "mnist", 600, 1),
]

GOALS = {
    ("auto", "mnist", 60): "energy_distance:z_median<=2 symmetric_precision>=.88 symmetric_recall>=.85 coverage>=.86",
    ("classic-2014", "mnist", 60): "energy_distance:z_median>=100",
    ("auto", "mnist", 180): "symmetric_precision>=.91 symmetric_recall>=.89 coverage>=.92 nn_accuracy_real<=.64 "
    "nn_accuracy_fake<=.64",
    ("auto", "mnist", 600): "symmetric_precision>=.915 symmetric_recall>=.895 coverage>=.935 nn_accuracy_real<=.62 "
    "nn_accuracy_fake<=.62 parzen_log_likelihood>=219 dcr_share:z_median<=2",
    ("auto", "digits", 30): "energy_distance:z_median<=2 coverage:of_reference>=.9",
    ("auto", "ring-8", 60): "seconds_to_modes:max<=20 high_quality_share>=.88 high_quality_share>=.92|mode_spread>=.8",
    ("auto", "grid-25", 120): "seconds_to_modes:max<=35 high_quality_share>=.88 reverse_kl<=.015",
}
"""What has to hold of a row: metric:field, the median unless said, and its bound; | is or."""

SHOWN = (
    "energy_distance",
    "symmetric_precision",
    "symmetric_recall",
    "coverage",
    "nn_accuracy_real",
    "nn_accuracy_fake",
    "sliced_wasserstein_ratio",
    "class_entropy",
)
SHOWN_LAST = ("dcr_share", "parzen_log_likelihood")
SHOWN_OF_MODES = (
    "seconds_to_modes",
    "modes_captured",
    "modes_balanced",
    "high_quality_share",
    "reverse_kl",
    "mode_spread",
    "energy_distance",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=[*PRESETS, TUTORIAL], metavar="NAME", help="one row: a recipe, or the peer")
    parser.add_argument("--data", choices=datasets.OPTIONS, help="its data set")
    parser.add_argument("--seconds", type=float, help="its training time")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 ... N - 1")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="with another setting")
    parser.add_argument("--out", type=Path, default=OUT, help="where the cells are kept")
    parser.add_argument("--table", action="store_true", help="print the tables of what is there, and train nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    plan = PLAN
    if options.preset:
        if not (options.data and options.seconds):
            parser.error("a row needs --data and --seconds")
        if options.preset == TUTORIAL and (options.data != "mnist" or options.set):
            parser.error(f"{TUTORIAL} is for --data mnist, and has no settings")
        changes = dict(text.split("=", 1) for text in options.set)
        plan = [Row(options.preset, options.data, options.seconds, options.seeds, changes)]
    found = {}
    for number, row in enumerate(plan):
        if not (options.preset or options.table) and len(cells(options.out, row, only_look=True)) < row.seeds:
            in_a_process_of_its_own(row, options.out)
        found[number] = summary(cells(options.out, row, only_look=options.table))
        if found[number] and not (options.json or options.table):
            print_row(row, found[number])
    rows = [(row, found[number]) for number, row in enumerate(plan) if found[number]]
    if options.json:
        about = [{"row": row.slug, "metrics": of_row} for row, of_row in rows]
        print(json.dumps(rows[0][1] if options.preset else about, indent=1))
    elif options.table:
        print(tables(rows))
    elif not options.preset:
        print(beside_tutorial(rows))


# ---------------------------------------------------------------- cells


def in_a_process_of_its_own(row: Row, out: Path) -> None:
    """Train what is missing of a row where no other row has divided the cores (gan_core/engine/cpu_threads.py)."""
    about = {"preset": row.preset, "data": row.data, "seconds": row.seconds, "seeds": row.seeds, "out": out}
    command = [sys.executable, "-m", "benchmarks.quality", "--json"]
    command += [text for name, value in about.items() for text in (f"--{name}", str(value))]
    command += [text for key, value in row.changes.items() for text in ("--set", f"{key}={value}")]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def cells(out: Path, row: Row, *, only_look: bool = False, train: Callable | None = None) -> list[dict]:
    """The cells of a row, each from its file if that is there and still true, else trained and measured now.

    `train` (configuration, data set) -> (what is to be kept, Generate) is another way to train. With `only_look`
    nothing is trained, and cells that are not there are left out.
    """
    found = [cell(out, row, seed, only_look, train or trained) for seed in range(row.seeds)]
    return [one for one in found if one]


def cell(out: Path, row: Row, seed: int, only_look: bool, train: Callable) -> dict | None:
    wanted = None if row.preset == TUTORIAL else row.config(seed)
    text = f"{VERSION} {TUTORIAL if wanted is None else config.to_json(wanted)}"
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]
    file = out / f"{row.slug}-{seed}.json"
    if file.exists() and (kept := json.loads(file.read_text(encoding="utf-8")))["mark"] == mark:
        return kept
    if only_look:
        return None
    print(f"{row.data}, {row.name}, {row.seconds:g} s, seed {seed}", file=sys.stderr, flush=True)
    busy = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    dataset = load(row.data)
    made, generate = tutorial(dataset, row.seconds, seed) if wanted is None else train(wanted, dataset)
    if abs(made["training_seconds"] / row.seconds - 1) > 0.05 and made["outcome"] == "finished":
        print(f"trained for {made['training_seconds']} s: was the machine busy?", file=sys.stderr, flush=True)
    begun = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    if generate is not None:
        made["metrics"] = made.get("metrics", {}) | score(dataset, generate)
        if seed == 0:
            file.with_suffix(".png").write_bytes(picture(dataset, generate))
    about = {"mark": mark, "row": row.name, "data": row.data, "seconds": row.seconds, "seed": seed}
    about |= {"versions": machine.versions(), "cores": os.cpu_count(), "load_before": busy}
    about |= {"measuring_seconds": round(time.perf_counter() - begun, 2)}
    file.write_text(json.dumps(about | made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return about | made


def trained(wanted: config.RunConfig, dataset: datasets.Dataset) -> tuple[dict, Generate | None]:
    from gan_core.engine import cpu_threads
    from gan_core.engine.loop import Diverged, train

    cpu_threads.configure(wanted)
    book, outcome = Book(dataset, wanted), "finished"
    try:
        if train(wanted, dataset.train.x, book, book, rows=1) == "queued":
            sys.exit(
                f"{wanted.preset} on {dataset.name}: this machine is too slow for convolutions in "
                f"{wanted.training.seconds:g} s, and the dense layers would have half of its cores in this process"
            )
    except Diverged as end:  # a recipe that diverges is a result
        outcome = str(end)
    found = {
        "outcome": outcome,
        "config": json.loads(config.to_json(book.config)),
        "steps": book.step,
        "training_seconds": round(book.seconds, 2),
        "steps_per_second": round(book.step / book.seconds, 1) if book.seconds else None,
        "preparing_seconds": round(book.preparing, 2),
    }
    if outcome != "finished":
        return found, None
    if dataset.modes:
        found["metrics"] = {"seconds_to_modes": {"value": book.modes_at}}
    return found, book.generator(book.checkpoint)


class Book:
    """Recorder and control of a training that nobody watches: it keeps the time, the last checkpoint, and where there
    are modes, when all of them were there.

    The loop asks `due` last before it takes steps and calls `metrics` or `wish` first after them: that is the clock.
    """

    def __init__(self, dataset: datasets.Dataset, wanted: config.RunConfig):
        self.config, self.dataset = wanted, dataset
        self.step, self.seconds, self.preparing = 0, 0.0, 0.0
        self.checkpoint, self.modes_at = b"", None
        self._begun, self._running, self._looked = time.perf_counter(), None, 0.0

    def resolved(self, resolved: config.RunConfig) -> config.RunConfig:
        self.config = resolved
        return resolved

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._rest()
        self.step = step

    def snapshot(self, *_) -> None: ...

    def due(self) -> bool:
        look = self.dataset.modes and self.modes_at is None and self.seconds >= self._looked + LOOK_EVERY
        if not look:
            self._running = time.perf_counter()
        return bool(look)

    def commit(self, step: int, checkpoint: bytes, state: str, steps_per_second: float | None) -> None:
        self.step, self.checkpoint = step, checkpoint
        if self.dataset.modes and self.modes_at is None:
            found = mode_counts(self.dataset, self.generator(checkpoint)(MODE_SAMPLES))
            self.modes_at = round(self.seconds, 2) if found.balanced == len(found.counts) else None
            self._looked = self.seconds
        self._running = time.perf_counter()

    def new_config(self, step: int) -> None: ...

    def command(self, step: int) -> str:
        self._rest()
        return "go"

    def next_command_step(self) -> None: ...

    def wait_while_paused(self) -> None: ...

    def phase(self, name: str) -> None:
        if name == "training":
            self.preparing = time.perf_counter() - self._begun

    def _rest(self) -> None:
        if self._running is not None:
            self.seconds += time.perf_counter() - self._running
            self._running = None

    def generator(self, checkpoint: bytes) -> Generate:
        """The averaged generator of a checkpoint."""
        from gan_core.engine import networks, sampling

        made = networks.build_generator(self.config.generator, networks.DataStatistics.blank(self.dataset.shape))
        with np.load(io.BytesIO(checkpoint), allow_pickle=False) as kept:
            made.set_weights([kept[f"ema.{i}"] for i in range(len(made.weights))])
        seed = self.config.seed
        return lambda n: sampling.generate(made, sampling.inputs(made, seed, n, sampling.REQUEST))


def tutorial(dataset: datasets.Dataset, seconds: float, seed: int) -> tuple[dict, Generate]:
    """The peer in a process of its own, where no other model has left threads or memory behind."""
    with tempfile.TemporaryDirectory(prefix="ganometer-") as folder:
        np.save(f"{folder}/real.npy", dataset.train.x)
        command = [sys.executable, "-m", "benchmarks.peers.dcgan_tutorial", folder, str(seconds), str(seed)]
        done = subprocess.run([*command, str(PARZEN_SAMPLES)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        fake = np.load(f"{folder}/fake.npy")
    return {"outcome": "finished"} | json.loads(done.stdout.splitlines()[-1]), lambda n: fake[:n]


def load(name: str) -> datasets.Dataset:
    return _load(name, os.environ.get("GANOMETER_DATA"))


@cache
def _load(name: str, folder: str | None) -> datasets.Dataset:
    return datasets.load(name, folder=Path(folder) if folder else settings.settings_from_environment().data_folder)


def picture(dataset: datasets.Dataset, generate: Generate) -> bytes:
    """PNG: 32 samples at one pixel a pixel, or 1,000 points over as many real ones."""
    if dataset.kind == "image":
        return grid.grid(codec.to_storage(generate(32)), columns=8, scale=1)
    real = reference.test_rows(dataset.test.x, 1_000)
    return scatter(fake=generate(1_000), real=real, size=280)


# ---------------------------------------------------------------- scores


def score(dataset: datasets.Dataset, generate: Generate) -> dict[str, dict]:
    """Every number of a finished generator on the test part: {name: {value, reference_mean, reference_sd, z}}."""
    n, real_part, known = real_side(dataset)
    # The quick half of the metrics; those of copying look at as many training rows as there are held-out ones.
    report = measure(
        real=real_part, fake=codec.flatten(generate(n)), reference=known, modes=dataset.modes, panel="live"
    )
    found = {
        name: beside(metric.value, metric.reference_mean, metric.reference_sd, metric.z)
        for name, metric in report.metrics.items()
        if metric.value is not None
    }
    if error := report.metrics["dcr_share"].parameters.get("standard_error"):
        found["dcr_share"]["standard_error"] = digits(error)
    if (sliced := report.metrics["sliced_wasserstein"]).value is not None and sliced.reference_mean:
        scale = sliced.reference_mean
        found["sliced_wasserstein_ratio"] = beside(sliced.value / scale, 1.0, sliced.reference_sd / scale)
    if dataset.modes:
        return found | mode_scores(dataset, generate)
    if shares := report.details.get("classes"):
        found["class_entropy"] = beside(entropy(shares["fake"]), entropy(shares["real"]))
    if len(dataset.test.x) >= PARZEN_SAMPLES:
        found["parzen_log_likelihood"] = parzen_score(dataset, generate)
    return found


@cache
def real_side(dataset: datasets.Dataset) -> tuple[int, RealPart, records.Reference]:
    """(n, the real side of every measurement, what real samples give)."""
    request = MeasureParameters(SAMPLES, panel="full").at(dataset)
    known = references.shipped().get((dataset.sha256, request.space, request.n, request.k, request.panel))
    if known is None or known.version != VERSION:
        known = calibration(dataset, request)
    return request.n, measurement.real_part(dataset, request, codec.flatten), known


def calibration(dataset: datasets.Dataset, request: MeasureParameters) -> records.Reference:
    """Of data that the app ships no calibration for: measured once, and kept."""
    file = RESULTS / "references" / f"{dataset.name}-{request.n}.json"
    if file.exists() and (kept := records.reference_from_json(file.read_text(encoding="utf-8"))).version == VERSION:
        return kept
    print(f"measuring real against real on {dataset.name}, once", file=sys.stderr, flush=True)
    made = measurement.calibration(dataset, request, codec.flatten)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(records.record_to_json(made) + "\n", encoding="utf-8")
    return made


def mode_counts(dataset: datasets.Dataset, samples: np.ndarray) -> modes.ModeCounts:
    return modes.mode_counts(fake=samples, centres=dataset.modes.centres, std=dataset.modes.std)


def mode_scores(dataset: datasets.Dataset, generate: Generate) -> dict[str, dict]:
    """Of 2,500 samples, beside the test part in pieces of as many."""

    def values(found: modes.ModeCounts) -> dict[str, float | None]:
        return {
            "modes_captured": found.captured,
            "modes_balanced": found.balanced,
            "high_quality_share": found.high_quality,
            "reverse_kl": found.kl,
            "mode_spread": found.spread,
        }

    test = dataset.test.x
    real = [
        values(mode_counts(dataset, test[i : i + MODE_SAMPLES]))
        for i in range(0, len(test) - MODE_SAMPLES + 1, MODE_SAMPLES)
    ]
    found = {}
    for name, value in values(mode_counts(dataset, generate(MODE_SAMPLES))).items():
        if value is not None:  # without one sample of high quality there are no shares and no spread
            of_real = [one[name] for one in real]
            found[name] = beside(value, statistics.fmean(of_real), statistics.stdev(of_real))
    return found


def parzen_score(dataset: datasets.Dataset, generate: Generate) -> dict:
    """Goodfellow et al. 2014: 10,000 samples, the width chosen on held-out rows; `standard_error` over test rows."""
    found, real = parzen_of(dataset, generate(PARZEN_SAMPLES)), parzen_of_real(dataset)
    about = beside(found.value, real.value, real.standard_error)
    return about | {"standard_error": digits(found.standard_error), "sigma": digits(found.sigma)}


def parzen_of(dataset: datasets.Dataset, samples: np.ndarray) -> parzen.ParzenLikelihood:
    holdout, test = (codec.to_unit(part.x) for part in (dataset.holdout, dataset.test))
    return parzen.parzen_log_likelihood(samples=samples, holdout=holdout, test=test)


@cache
def parzen_of_real(dataset: datasets.Dataset) -> parzen.ParzenLikelihood:
    return parzen_of(dataset, codec.to_unit(dataset.train.x[:PARZEN_SAMPLES]))


def entropy(shares) -> float:
    """Of class shares, as a share of the largest there can be."""
    p = np.asarray(shares, np.float64)
    return float(np.sum(p[p > 0] * -np.log(p[p > 0])) / math.log(len(p)))


def beside(value: float, mean: float | None, sd: float | None = None, z: float | None = None) -> dict:
    if z is None and sd:
        z = (value - mean) / sd
    numbers = {"value": value, "reference_mean": mean, "reference_sd": sd, "z": z}
    return {name: None if number is None else digits(number) for name, number in numbers.items()}


def digits(number: float) -> float:
    return float(f"{number:.6g}")


# ---------------------------------------------------------------- rows


def summary(of_row: list[dict]) -> dict[str, dict]:
    """{metric: {median, mean, sd, min, max, values, reference_mean, reference_sd, z_median}} over the seeds of a row.

    What one of the seeds never reached has no median. Trainings that diverged are missing in all but `finished`.
    """
    if not of_row:
        return {}
    finished = [one for one in of_row if "metrics" in one]
    found = {"finished": over([float("metrics" in one) for one in of_row])}
    for name in ("steps", "training_seconds", "steps_per_second"):
        found[name] = over([one[name] for one in of_row])
    for name in dict.fromkeys(name for one in finished for name in one["metrics"]):
        some = [one["metrics"].get(name, {}) for one in finished]
        first = next(one for one in some if one)
        found[name] = over([one.get("value") for one in some])
        found[name] |= {key: first.get(key) for key in ("reference_mean", "reference_sd")}
        if "standard_error" in first:
            found[name]["standard_error"] = first["standard_error"]
        if all(one.get("z") is not None for one in some):
            found[name]["z_median"] = statistics.median(one["z"] for one in some)
        if found[name]["reference_mean"] and found[name]["median"] is not None:
            found[name]["of_reference"] = found[name]["median"] / found[name]["reference_mean"]
    return found


def over(values: list[float | None]) -> dict:
    about = {"reference_mean": None, "reference_sd": None, "values": values}
    if None in values:
        return dict.fromkeys(("median", "mean", "sd", "min", "max")) | about
    sd = statistics.stdev(values) if len(values) > 1 else 0.0
    numbers = {"median": statistics.median(values), "mean": statistics.fmean(values), "sd": sd}
    return numbers | {"min": min(values), "max": max(values)} | about


def goals(row: Row, found: dict[str, dict]) -> list[tuple[str, bool]]:
    """Each goal of a row in its own words, and whether it is met."""

    def met(goal: str) -> bool:
        name, comparison, bound = re.split("(<=|>=)", goal)
        metric, _, which = name.partition(":")
        value = found.get(metric, {}).get(which or "median")
        if value is None:
            return False
        return value <= float(bound) if comparison == "<=" else value >= float(bound)

    known = {} if row.changes else GOALS
    return [
        (goal, any(met(part) for part in goal.split("|")))
        for goal in known.get((row.preset, row.data, row.seconds), "").split()
    ]


def print_row(row: Row, found: dict[str, dict]) -> None:
    rate, took = found["steps_per_second"]["median"], found["training_seconds"]["values"]
    seconds = ", ".join(f"{one:.1f}" for one in took)
    finished = f"{sum(found['finished']['values']):.0f} of {len(took)} finished"
    print(f"\n{row.name} on {row.data}: {seconds} s of steps, {rate or 0:,.0f} steps/s, {finished}")
    for metric in dict.fromkeys((*SHOWN_OF_MODES, *SHOWN, *SHOWN_LAST)):
        if (one := found.get(metric)) is None:
            continue
        if one["median"] is None:
            print(f"  {metric:<26}{one['values']}")
            continue
        real = "" if one["reference_mean"] is None else f"   real {one['reference_mean']:.4f}"
        real += "" if one["reference_sd"] is None else f" ± {one['reference_sd']:.4f}"
        z = f"   {with_z(one['z_median'])}" if "z_median" in one else ""
        print(f"  {metric:<26}{one['median']:>10.4f}   {one['mean']:.4f} ± {one['sd']:.4f}{real}{z}")
    for goal, met in goals(row, found):
        print(f"  {'met   ' if met else 'MISSED'} {goal}", flush=True)


def beside_tutorial(rows: list[tuple[Row, dict]]) -> str:
    """Are the tutorial's energy distance and coverage reached in a tenth of its time?"""
    ours, theirs = (
        next(found for row, found in rows if (row.preset, row.data, row.seconds) == (name, "mnist", seconds))
        for name, seconds in (("auto", 60), (TUTORIAL, 600))
    )
    pairs = [(name, ours[name]["median"], theirs[name]["median"]) for name in ("energy_distance", "coverage")]
    met = pairs[0][1] <= pairs[0][2] and pairs[1][1] >= pairs[1][2]
    said = ", ".join(f"{name} {a:.4f} beside its {b:.4f}" for name, a, b in pairs)
    return f"\n{'met   ' if met else 'MISSED'} in a tenth of the tutorial's time: {said}"


# ---------------------------------------------------------------- tables


def tables(rows: list[tuple[Row, dict]]) -> str:
    of_images, of_points = ([r for r in rows if ("modes_captured" in r[1]) == points] for points in (False, True))
    parts = [table(some, shown) for some, shown in ((of_images, SHOWN), (of_points, SHOWN_OF_MODES)) if some]
    return "\n\n".join(parts)


def table(rows: list[tuple[Row, dict]], shown: tuple[str, ...], names: Mapping[str, str] | None = None) -> str:
    """Mean ± sd over the seeds, as Markdown, of one kind of data; the first line of a data set is of real samples.

    `names` are what recipes are called, by their slugs, where not by their settings.
    """
    lines = ["| data, training | recipe | " + " | ".join(map(plain, shown)) + " |", "|---" * (len(shown) + 2) + "|"]
    told = set()
    for row, found in rows:
        if shown[-1] not in found:
            lines.append(
                f"| {datasets.title_of(row.data)}, {row.seconds:g} s | `{row.name}` | no run finished |"
                + " |" * (len(shown) - 1)
            )
            continue
        if row.data not in told:
            told.add(row.data)
            lines.append(
                f"| {datasets.title_of(row.data)} | *real samples* | "
                + " | ".join(of_real(found[m]) for m in shown)
                + " |"
            )
        took = f"{datasets.title_of(row.data)}, {found['training_seconds']['mean']:.0f} s"
        name = (names or {}).get(row.slug, f"`{row.name}`")
        lines.append(f"| {took} | {name} | " + " | ".join(of_fakes(found.get(m, {})) for m in shown) + " |")
    return "\n".join(lines)


def of_real(one: dict) -> str:
    if one["reference_mean"] is None:
        return ""
    sd = "" if not one["reference_sd"] else f" ± {short(one['reference_sd'])}"
    return short(one["reference_mean"]) + sd


def of_fakes(one: dict) -> str:
    if one.get("median") is None:
        reached = [value for value in one.get("values", []) if value is not None]
        return f"{len(reached)} of {len(one['values'])} seeds" if reached else "never"
    sd = f" ± {short(one['sd'])}" if len(one["values"]) > 1 else ""
    z = f" ({with_z(one['z_median'])})" if abs(one.get("z_median", 0.0)) >= 3 else ""
    return short(one["mean"]) + sd + z


def short(number: float) -> str:
    if number == int(number) and abs(number) < 1000:
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.3f}" if abs(number) >= 0.1 else f"{number:z.4f}"


def plain(metric: str) -> str:
    return metric.replace("_", " ").replace("nn accuracy", "1-NN").replace("sliced wasserstein", "sliced W")


if __name__ == "__main__":
    main()
