"""What each command of `python -m gan_core` does.

With --json, standard output holds one JSON value and nothing else; progress goes to standard error. Wrong
input is one line on standard error and exit code 2. Exit 0: finished or stopped by command; 1: failed or
diverged; 130: stopped by Ctrl-C, everything kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from gan_core import __version__, app_server, machine, settings
from gan_core.bundles import bundle as export
from gan_core.codec import to_storage, to_unit
from gan_core.config import presets, run_config
from gan_core.config.live_edits import edited
from gan_core.config.rules import conflicts_with_data
from gan_core.config.run_config import ConfigError
from gan_core.data import datasets
from gan_core.data.dataset_cache import DatasetCache
from gan_core.distances import features, verdict
from gan_core.distances import reference as references
from gan_core.distances.catalogue import CORRUPTION_TITLES
from gan_core.distances.report import check_ranges, measure
from gan_core.jobs import measurement, snapshot_sampler
from gan_core.jobs.corruptions import Corruptions
from gan_core.jobs.corruptions import answer as corruption_sheet
from gan_core.jobs.kind import JobContext
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.sample import KIND as SAMPLE
from gan_core.jobs.sample import draw
from gan_core.pictures import grid
from gan_core.records import GanometerError, MeasureError, Report, RunInfo
from gan_core.store import RESUMABLE, Store
from gan_core.worker import process

COLUMNS = 10  # of a table that fits into a window
ANY_NUMBER = 10_000
"""A person at the command line does not wait for the app's runs."""


class WrongInput(Exception):
    """Said as one line, with exit code 2."""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise WrongInput(message)


def main(arguments: list[str] | None = None) -> int:
    try:
        options, options.others = _parser().parse_known_args(arguments)
        if options.others and options.command != "app":
            raise WrongInput(f"unrecognized arguments: {' '.join(options.others)}")
        logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stderr)
        if options.command is None:
            raise WrongInput(
                "name a command: train, measure, ruler, sample, fork, runs, export, import, delete, app or worker; "
                "--help explains them"
            )
        return _COMMANDS[options.command](options)
    except (WrongInput, GanometerError, ConfigError, ValueError) as error:  # whatever it is, it is one line
        print(f"gan_core: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m gan_core", description="Train a GAN, and measure how far its samples are from real ones."
    )
    parser.add_argument("--version", action="version", version=f"ganometer {__version__}")
    every = _Parser(add_help=False)
    every.add_argument(
        "--store", metavar="URL", help="database URL (default: $GANOMETER_STORE, else a file in $GANOMETER_HOME)"
    )
    every.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    commands = parser.add_subparsers(dest="command", parser_class=_Parser, metavar="COMMAND")

    def command(name: str, help: str):
        return commands.add_parser(name, help=help, description=help, parents=[every], allow_abbrev=False)

    train = command("train", "train a run here and now, or put it into the queue")
    train.add_argument("--preset", help=f"one of {', '.join(presets.PRESETS)} (default: auto)")
    train.add_argument("--data", help=f"one of {', '.join(datasets.OPTIONS)} (default: digits), or an upload's name")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--steps", help="generator updates")
    length.add_argument("--seconds", help="train about this long; a short trial decides the steps")
    train.add_argument("--seed", help="fixes every random draw (default: 0)")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting, for example optimizer.beta1=.5",
    )
    train.add_argument("--resume", metavar="ID", help="go on with a paused, stopped or interrupted run")
    train.add_argument("--queue", action="store_true", help="leave it to a running app or worker")

    measure = command("measure", "measure generated samples against real ones")
    measure.add_argument("--real", metavar="FILE", help="real samples: .npy, or .npz with key x")
    measure.add_argument("--fake", metavar="FILE", help="generated samples: .npy, or .npz with key x")
    measure.add_argument("--run", metavar="ID", help="measure a run's generator against held-out data instead")
    measure.add_argument("--step", type=_whole(0), help="which snapshot of the run (default: the newest)")
    measure.add_argument(
        "--n", type=_whole(2), default=1000, help="samples of the run's generator (at most the test part)"
    )
    measure.add_argument(
        "--reference",
        metavar="FILE",
        help="more real samples, to measure real against real at the same n (all are cut to the fewest)",
    )
    measure.add_argument("--train", metavar="FILE", help="what the generator was trained on, to look for copies")
    measure.add_argument("--holdout", metavar="FILE", help="real samples it never saw, as many, to compare with")
    measure.add_argument("--space", choices=features.SPACES, default="pixels", help="how samples become vectors")
    measure.add_argument(
        "--panel", choices=["live", "full"], default="full", help="the quick metrics only, or all (default)"
    )
    measure.add_argument("--k", type=_whole(1), default=5, help="neighbours of a sample, for metrics of balls")
    measure.add_argument("--seed", type=_whole(0), default=0)

    ruler = command("ruler", "damage real samples in known ways, and see what every metric makes of it")
    ruler.add_argument("--data", default="digits", help=f"one of {', '.join(datasets.OPTIONS)}, or an upload's name")
    ruler.add_argument("--n", type=_whole(2), default=600, help="samples of each kind (at most the test part)")
    ruler.add_argument("--panel", choices=["live", "full"], default="live", help="the quick metrics (default), or all")
    ruler.add_argument(
        "--corruption",
        action="append",
        default=[],
        metavar="NAME",
        help=f"only this damage; again for another: {', '.join(CORRUPTION_TITLES)}",
    )

    sample = command("sample", "new samples of a run's generator")
    sample.add_argument("--run", required=True, metavar="ID")
    sample.add_argument("--step", type=_whole(0), help="which snapshot (default: the newest)")
    sample.add_argument("--n", type=_whole(1), default=64)
    sample.add_argument("--seed", type=_whole(0), default=0)
    sample.add_argument("--label", type=_whole(0), help="only this class, of a run that was told of classes")
    sample.add_argument("--out", required=True, metavar="FILE", help=".npz (float32, key x) or .png (a grid)")

    fork = command("fork", "a new run that goes on from a step of another, with changed settings")
    fork.add_argument("--run", required=True, metavar="ID", help="the run to go on from")
    fork.add_argument("--step", type=_whole(0), required=True, help="a step that it keeps a checkpoint or snapshot of")
    fork.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting")
    fork.add_argument("--queue", action="store_true", help="leave it to a running app or worker")

    command("runs", "list the runs, newest first")
    bundle = command("export", "write everything of a run into one file")
    bundle.add_argument("--run", required=True, metavar="ID")
    bundle.add_argument("--out", required=True, metavar="FILE.zip")
    unbundle = command("import", "add an exported run to the store")
    unbundle.add_argument("file", metavar="FILE.zip")
    delete = command("delete", "remove a run and everything of it")
    delete.add_argument("--run", required=True, metavar="ID")
    app = command("app", "serve the app; options of `streamlit run`, such as --server.address, are handed on")
    app.add_argument("--port", type=_whole(1), help="where it listens (default: 8501)")
    serve = command("worker", "train what is queued in the store until told to end")
    serve.add_argument("--parent", type=int, help=argparse.SUPPRESS)  # end when this process is gone
    return parser


# ---------------------------------------------------------------- commands


def _train(options) -> int:
    place, store = _open(options)
    run_id = None
    if options.resume:
        given = [
            f"--{name}" for name in ("preset", "data", "steps", "seconds", "seed", "set") if getattr(options, name)
        ]
        if given:
            raise WrongInput(
                f"--resume {options.resume} goes on with the run's own settings; leave out {', '.join(given)}"
            )
        run_id = options.resume
        run = store.runs.get(run_id)
        free = run.worker is None and run.state in ("queued", *RESUMABLE)
        if not free or store.commands.send(run_id, "resume") != "queued":
            store.leases.check_free(run_id, "resuming it here")
            raise WrongInput(
                f"run {run_id} is {run.state}; only a run that waits, or that is paused, stopped or interrupted, can "
                "be resumed"
            )
    if options.queue:
        run_id = run_id or store.runs.create(_config_of(options, store))
        return _say(options, _summary(store.runs.get(run_id)), f"run {run_id} is queued")
    trainer = process.Worker(store, place, alone=True)
    if run_id is None:
        run_id = store.runs.create(_config_of(options, store), worker_id=trainer.id)
        return _train_here(options, store, trainer, store.runs.get(run_id))
    return _train_here(options, store, trainer, _claimed(store, trainer, run_id))


def _fork(options) -> int:
    place, store = _open(options)
    changed = edited(store.runs.get(options.run).config, _changes(options.set), step=options.step)
    run_id = store.runs.fork(options.run, options.step, changed)
    if options.queue:
        return _say(options, _summary(store.runs.get(run_id)), f"run {run_id} is queued")
    trainer = process.Worker(store, place, alone=True)
    return _train_here(options, store, trainer, _claimed(store, trainer, run_id))


def _claimed(store: Store, trainer: process.Worker, run_id: str) -> RunInfo:
    run = store.leases.claim(trainer.id, at_once=ANY_NUMBER, run_id=run_id)
    if run is None:  # two processes resumed it at the same moment, and the other one was first
        store.leases.check_free(run_id, "training it here")
        raise WrongInput(f"run {run_id} was taken by another worker of this store")
    return run


def _train_here(options, store: Store, trainer: process.Worker, run: RunInfo) -> int:
    interrupted = threading.Event()

    def stop():
        interrupted.set()
        trainer.stop_run()

    process.on_ending_signals(stop)
    done = threading.Event()
    threading.Thread(target=_show_progress, args=(store, run.id, done), daemon=True).start()
    outcome = trainer.train(run)
    done.set()
    if outcome == "queued":
        if not interrupted.is_set():
            store.close()
            where = ["--store", options.store] if options.store else []
            process.begin_afresh(["train", "--resume", run.id, *where, *["--json"] * options.json])
        store.commands.send(run.id, "stop")  # Ctrl-C came while it was being given back
    run = store.runs.get(run.id)
    energy = store.recordings.history(run.id, ["energy_distance"]).last("energy_distance")
    words = f"run {run.id} {run.state} at step {run.step} of {run.total_steps}"
    if energy is not None:
        words += f"; energy distance {energy:.4f}"
    _say(options, _summary(run) | {"energy_distance": energy}, words + (f"; {run.error}" if run.error else ""))
    if interrupted.is_set():
        return 130
    return 0 if run.state in ("finished", "stopped", "paused") else 1


def _changes(texts: list[str]) -> dict[str, str]:
    changes = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise WrongInput(f"--set {text!r} has no value; write key=value, for example optimizer.beta1=.5")
        changes[key.strip()] = value.strip()
    return changes


def _config_of(options, store: Store) -> run_config.RunConfig:
    changes: dict[str, Any] = {"seed": options.seed or "0"} | _changes(options.set)
    data = options.data or "digits"
    changes |= {
        f"training.{name}": getattr(options, name)
        for name in ("steps", "seconds")
        if getattr(options, name) is not None
    }
    if data in datasets.OPTIONS:
        shape, classes = datasets.OPTIONS[data].shape, datasets.OPTIONS[data].classes
    else:
        info = store.datasets.named(data)
        if info is None:
            raise WrongInput(f"there is no data set {data!r}; choose one of {', '.join(datasets.OPTIONS)}")
        shape, classes = info.shape, len(info.classes)
    about = dict(name=options.preset or "auto", data=data, shape=shape)
    length = {key: value for key, value in changes.items() if key == "training.seconds"}
    seconds = run_config.override(presets.preset(**about), length).training.seconds  # read and checked like any setting
    chosen = run_config.override(presets.preset(**about, seconds=seconds), changes)
    if problems := list(conflicts_with_data(chosen, shape, classes)):
        raise ConfigError(problems)
    return chosen


def _show_progress(store: Store, run_id: str, done: threading.Event) -> None:
    shown = None
    while not done.wait(1):
        try:
            run = store.runs.get(run_id)
        except GanometerError:
            continue
        if run.version != shown:
            shown = run.version
            pace = f" · {run.steps_per_second:,.0f} steps/s" if run.steps_per_second else ""
            print(f"{run.phase or run.state} · step {run.step:,} of {run.total_steps:,}{pace}", file=sys.stderr)


def _measure(options) -> int:
    files = [f"--{name}" for name in ("real", "fake", "reference", "train", "holdout") if getattr(options, name)]
    if options.run and files:
        raise WrongInput(f"--run {options.run} is measured against held-out data; leave out {', '.join(files)}")
    if options.run:
        place, store = _open(options)
        dataset = _datasets(store, place).dataset(store.runs.get(options.run).config.data.name)
        request = MeasureParameters(options.n, options.seed, options.space, options.panel, options.k)
        report = measurement.report_for(store, options.run, options.step, request, dataset, _progress())
    elif options.real and options.fake:
        report = _measured_files(options)
    else:
        raise WrongInput("measure needs --real FILE and --fake FILE, or --run ID")
    names = ("status", "n_real", "n_fake", "k", "space", "seed", "panel", "verdict", "seconds", "details")
    about = {name: getattr(report, name) for name in names}
    about["metrics"] = {name: dataclasses.asdict(metric) for name, metric in report.metrics.items()}
    lines = [report.verdict]
    for metric in report.metrics.values():
        if metric.value is None:
            lines.append(f"  {metric.name:<26} {'—':>10}   needs {metric.needs}")
            continue
        p = "" if metric.p is None else f"   p = {metric.p:.3g}"
        known = metric.reference_mean is not None
        beside = f"   real-vs-real {verdict.with_spread(metric)}" if known else ""
        z = f"   z = {metric.z:+.1f}" if metric.z is not None else ""
        lines.append(f"  {metric.name:<26} {metric.value:>10.4f}{beside}{z}{p}")
    return _say(options, about, "\n".join(lines))


def _measured_files(options) -> Report:
    names = ("real", "fake", "reference", "train", "holdout")
    given = {name: _array(getattr(options, name)) for name in names if getattr(options, name)}
    if len({x.shape[1:] for x in given.values()}) > 1:  # pictures here and rows of their pixels there
        given = {name: x.reshape(len(x), -1) for name, x in given.items()}
    for name, x in given.items():
        if name != "real":
            check_ranges(real=given["real"], fake=x, names=("real", name))
    if options.space != "pixels":
        transform = features.space_of(options.space, train=given.get("train", given["real"]))
        given = {name: transform(x) for name, x in given.items()}
    real, fake, pool = given["real"], given["fake"], given.get("reference")
    about = dict(k=options.k, seed=options.seed, panel=options.panel)
    others = {name: given[name] for name in ("train", "holdout") if name in given}
    known = None
    if pool is not None:
        # Real-vs-real speaks about one n only: all three are taken at the number of the fewest.
        n = min(len(real), len(fake), len(pool))
        known = references.calibrate(test=real, pool=pool, n=n, progress=_progress(), **others, **about)
        real, fake = (references.test_rows(x, n, options.seed) for x in (real, fake))
    return measure(real=real, fake=fake, reference=known, space=options.space, **others, **about)


def _datasets(store, place) -> DatasetCache:
    return DatasetCache(place.data_folder, store.datasets.upload_bytes)


def _progress():
    """Tells a person who waits, on standard error, how far it is: at every tenth."""
    told = [0]

    def tell(share: float) -> None:
        if share * 10 >= told[0] + 1:
            told[0] = int(share * 10)
            print(f"measuring: {told[0] * 10} %", file=sys.stderr)

    return tell


def _ruler(options) -> int:
    place, store = _open(options)
    context = JobContext(store, _datasets(store, place).dataset, progress=_progress())
    dataset = context.dataset_named(options.data)
    corruptions = tuple(options.corruption or ())
    sheet = corruption_sheet(context, Corruptions(options.data, options.n, options.panel, corruptions))
    cells = {(c.metric, c.corruption, c.level): c for c in sheet.cells}
    columns = list(dict.fromkeys((c.corruption, c.level) for c in sheet.cells))
    lines = [f"{dataset.name}, n = {sheet.n}: standard deviations from what undamaged real samples give"]
    for start in range(0, len(columns), COLUMNS):
        some = columns[start : start + COLUMNS]
        lines += ["", " " * 27 + "".join(f"{name:>9}" for name, _ in some)]
        lines.append(" " * 27 + "".join(f"{level:>9.3g}" for _, level in some))
        for metric in dict.fromkeys(c.metric for c in sheet.cells):
            found = [cells.get((metric, *column)) for column in some]
            shown = ["—" if c is None or c.z is None else f"{c.z:+.1f}" for c in found]
            lines.append(f"{metric:<27}" + "".join(f"{z:>9}" for z in shown))
    return _say(options, {"data": dataset.name} | dataclasses.asdict(sheet), "\n".join(lines))


def _sample(options) -> int:
    out = Path(options.out)
    if out.suffix not in (".npz", ".png"):
        raise WrongInput(f"--out is {options.out!r}; name a file that ends in .npz or .png")
    if not out.parent.is_dir():
        raise WrongInput(f"{out} cannot be written: there is no folder {out.parent}")
    _, store = _open(options)
    kind = snapshot_sampler.dataset_info(store, store.runs.get(options.run)).kind
    if out.suffix == ".png" and kind != "image":
        raise WrongInput(f"run {options.run} makes {kind}, not pictures: name an .npz file instead of {options.out}")
    asked = SAMPLE.read({"n": options.n, "seed": options.seed, "label": options.label})
    x = draw(store, options.run, options.step, asked)
    if out.suffix == ".npz":
        _write(out, lambda file: np.savez_compressed(file, x=x.astype(np.float32)))
    else:
        _write(out, lambda file: file.write(grid.grid(to_storage(x), scale=3, gap=0)))
    return _say(options, {"run": options.run, "n": len(x), "out": str(out)}, f"{len(x)} samples in {out}")


def _runs(options) -> int:
    _, store = _open(options)
    runs = store.runs.all()
    lines = [f"{r.id}  {r.state:<11} {r.step:>8,} / {r.total_steps:<8,} {r.name}" for r in runs]
    return _say(options, [_summary(run) for run in runs], "\n".join(lines) or "no runs yet")


def _export(options) -> int:
    _, store = _open(options)
    data = export.bundle(store, options.run)
    _write(Path(options.out), lambda file: file.write(data))
    return _say(
        options, {"run": options.run, "out": options.out, "bytes": len(data)}, f"{options.out}: {len(data):,} bytes"
    )


def _import(options) -> int:
    _, store = _open(options)
    try:
        data = Path(options.file).read_bytes()
    except OSError as error:
        raise WrongInput(f"{options.file} cannot be read: {error.strerror}") from None
    run = store.runs.get(export.unbundle(store, data))
    return _say(options, _summary(run), f"run {run.id}: {run.name}, {run.state} at step {run.step}")


def _delete(options) -> int:
    _, store = _open(options)
    store.runs.delete(options.run)
    return _say(options, {"run": options.run, "deleted": True}, f"run {options.run} is gone")


def _app(options) -> int:
    return app_server.serve(options.others, port=options.port, store=options.store)


def _worker(options) -> int:
    place, _store = _open(options)
    _store.close()
    return process.serve(place, parent=options.parent)


_COMMANDS = {
    "train": _train,
    "measure": _measure,
    "ruler": _ruler,
    "sample": _sample,
    "fork": _fork,
    "runs": _runs,
    "export": _export,
    "import": _import,
    "delete": _delete,
    "app": _app,
    "worker": _worker,
}


# ---------------------------------------------------------------- parts


def _open(options) -> tuple[settings.Settings, Store]:
    """The settings and the store, in which no run is said to be trained by a process of this machine that is dead."""
    place = settings.settings_from_environment(os.environ, store_url=options.store)
    store = Store(place.store_url)
    machine.reap_dead_workers(store, resume=place.resume)
    return place, store


def _whole(low: int):
    """Reads an option as a whole number from `low` to 2**31 - 1."""

    def read(text: str) -> int:
        if not text.lstrip("+-").isdigit() or not low <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {2**31 - 1}")
        return int(text)

    return read


def _summary(run: RunInfo) -> dict[str, Any]:
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state,
        "step": run.step,
        "total_steps": run.total_steps,
        "seconds": run.seconds,
        "steps_per_second": run.steps_per_second,
        "data": run.config.data.name,
        "preset": run.config.preset,
        "error": run.error,
    }


def _say(options, value: Any, words: str) -> int:
    print(json.dumps(value) if options.json else words)
    return 0


def _array(name: str) -> np.ndarray:
    """The samples of an array file, in measured form."""
    try:
        loaded = np.load(name, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            keys = loaded.files
            if "x" not in keys and len(keys) != 1:
                raise WrongInput(f"{name} holds {', '.join(keys)}; name the samples x")
            loaded = loaded["x" if "x" in keys else keys[0]]
    except OSError as error:
        raise WrongInput(f"{name} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise WrongInput(f"{name} is not a plain .npy or .npz file of numbers ({error})") from None
    if loaded.dtype.kind not in "uif" or loaded.ndim not in (2, 3, 4):
        raise WrongInput(
            f"{name} holds {loaded.dtype} of shape {loaded.shape}; samples are numbers, (n, d) or (n, h, w, c)"
        )
    if not np.isfinite(loaded).all():
        raise MeasureError(f"{name} holds values that are not finite numbers (NaN or infinity)")
    x = to_unit(loaded)
    return x[..., None] if x.ndim == 3 else x


def _write(path: Path, write) -> None:
    try:
        with path.open("wb") as file:
            write(file)
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {error.strerror}") from None
