"""What each command of `python -m gan_core` does.

With --json, standard output holds one JSON value and nothing else; progress goes to standard error. Wrong input is one
line on standard error and exit code 2; what nobody foresaw is one line, too, not a traceback, and exit code 1. Exit 0:
finished or stopped by command; 1: diverged or interrupted; 130: stopped by Ctrl-C, everything kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from gan_core import app_server, settings
from gan_core.cli import show
from gan_core.cli.parser import WrongInput, make_parser
from gan_core.codec import to_storage
from gan_core.config.run_config import ConfigError
from gan_core.pictures import grid
from gan_core.plain_errors import place, sentence
from gan_core.records import GanometerError, RunInfo
from gan_core.service.foreground import Trained, serve_worker
from gan_core.service.lab import Lab
from gan_core.service.measure import measure
from gan_core.service.uploads import CanLeaveOut, is_picture

NAMED_IN_A_SENTENCE, MOST_ITEMS = 3, 1000
"""Broken pictures, or rows, that the error itself names, and that are listed below it."""
FILES = ("real", "fake", "reference", "train", "holdout")
"""The options of `measure` that name files of samples."""


def main(arguments: list[str] | None = None) -> int:
    """Carry out a command line, of this process without `arguments`; returns the exit code."""
    try:
        options, options.others = make_parser().parse_known_args(arguments)
        if options.others and options.command != "app":
            raise WrongInput(_unrecognized(options.others))
        logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stderr)
        if options.command is None:
            raise WrongInput(
                "name a command: train, upload, measure, ruler, sample, fork, runs, export, report, import, "
                "import-log, delete, app or worker; --help explains them"
            )
        return _COMMANDS[options.command](options)
    except CanLeaveOut as error:
        print(f"gan_core: error: {' '.join(str(error).split())} --leave-out does that.", file=sys.stderr)
        for item in error.items[:MOST_ITEMS] if len(error.items) > NAMED_IN_A_SENTENCE else ():
            print(f"  {item}", file=sys.stderr)
        if len(error.items) > MOST_ITEMS:
            print(f"  ... and {len(error.items) - MOST_ITEMS:,} more", file=sys.stderr)
        return 2
    except (WrongInput, GanometerError, ConfigError, ValueError) as error:  # whatever it is, it is one line
        print(f"gan_core: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1
    except Exception as error:  # nobody foresaw it, so its place helps whoever looks for the reason
        print(f"gan_core: error: {' '.join(sentence(error).split())} (in {place(error)})", file=sys.stderr)
        return 1


# ---------------------------------------------------------------- commands


def _train(options: argparse.Namespace) -> int:
    if options.resume:
        return _resume(options)
    changes = {"seed": options.seed or "0"} | _changes(options.set)
    length = {f"training.{name}": getattr(options, name) for name in ("steps", "seconds")}
    changes |= {key: value for key, value in length.items() if value is not None}
    with _lab(options) as lab:
        config = lab.recipes.changed_preset(options.preset or "auto", changes, data=options.data or "digits", by=None)
        if options.queue:
            return _queued(options, lab, lab.runs.start(config, by=None, again=True))
        return _ended(options, lab, lab.foreground.train(config, on_progress=show.progress_of_run))


def _resume(options: argparse.Namespace) -> int:
    given = [f"--{name}" for name in ("preset", "data", "steps", "seconds", "seed", "set") if getattr(options, name)]
    if given:
        raise WrongInput(f"--resume {options.resume} goes on with the run's own settings; leave out {', '.join(given)}")
    with _lab(options) as lab:
        lab.runs.queue(options.resume, by=None)
        if options.queue:
            return _queued(options, lab, options.resume)
        return _ended(options, lab, lab.foreground.go_on(options.resume, on_progress=show.progress_of_run))


def _fork(options: argparse.Namespace) -> int:
    with _lab(options) as lab:
        run_id = lab.runs.fork(options.run, options.step, _changes(options.set), by=None)
        print(show.fork_in_words(lab.runs.get(run_id, by=None)), file=sys.stderr)
        if options.queue:
            return _queued(options, lab, run_id)
        return _ended(options, lab, lab.foreground.go_on(run_id, on_progress=show.progress_of_run))


def _queued(options: argparse.Namespace, lab: Lab, run_id: str) -> int:
    return _say(options, show.summary(lab.runs.get(run_id, by=None)), f"run {run_id} is queued")


def _ended(options: argparse.Namespace, lab: Lab, trained: Trained) -> int:
    """Print how a training in this process ended; returns its exit code."""
    run = trained.run
    if trained.unfinished:
        where = ["--store", options.store] if options.store else []
        lab.foreground.begin_afresh(["train", "--resume", run.id, *where, *["--json"] * options.json])
    headline = lab.results.headlines([run], by=None)[run.id]
    _say(options, show.summary(run) | show.quality(headline), show.ending(run, headline))
    if trained.interrupted:
        return 130
    return 0 if run.state in ("finished", "stopped", "paused") else 1


def _upload(options: argparse.Namespace) -> int:
    path = Path(options.file)
    with _lab(options) as lab:
        data, name = lab.uploads.packed(path)
        how = dict(size=options.size, colour=options.colour, leave_out=options.leave_out)
        label = "" if options.label == "none" else options.label
        answer = lab.uploads.read(data, name, label=label, by=None, progress=show.Progress("reading"), **how)
        data_name, reading = lab.uploads.keep(answer, by=None), answer.reading
    assert reading is not None  # `read` raises where there is none
    values = show.reading_values(data_name, reading)
    return _say(options, values, show.reading_in_words(path.name, data_name, reading))


def _measure(options: argparse.Namespace) -> int:
    files = {name: getattr(options, name) for name in FILES if getattr(options, name)}
    about = dict(space=options.space, panel=options.panel, k=options.k, seed=options.seed)
    if options.run and files:
        given = ", ".join(f"--{name}" for name in files)
        raise WrongInput(f"--run {options.run} is measured against held-out data; leave out {given}")
    if options.run:
        with _lab(options) as lab:
            report = lab.foreground.measure(options.run, options.step, options.n, **about, progress=show.Progress())
        return _say(options, show.report_values(report), show.report_in_words(report))
    if not (options.real and options.fake):
        raise WrongInput("measure needs --real FILE and --fake FILE, or --run ID")
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        print(text, file=sys.stderr)

    with show.Progress() as progress:
        report = measure(
            **files,
            **about,
            size=options.size,
            leave_out=options.leave_out,
            note=lambda one: say(f"{one.role}: {one.note.text}"),
            progress=progress,
            warn=lambda text: say(f"look: {text}"),
        )
    return _say(options, show.report_values(report) | {"notes": said}, show.report_in_words(report))


def _ruler(options: argparse.Namespace) -> int:
    with _lab(options) as lab:
        about = dict(panel=options.panel, corruptions=options.corruption, progress=show.Progress())
        found = lab.foreground.test_metrics(options.data, options.n, **about)
        title = lab.uploads.title(options.data, by=None)
    values = {"data": options.data} | dataclasses.asdict(found)
    return _say(options, values, show.corruptions_in_words(title, found))


def _sample(options: argparse.Namespace) -> int:
    out = Path(options.out)
    if out.suffix not in (".npz", ".png"):
        raise WrongInput(f"--out is {options.out!r}; name a file that ends in .npz or .png")
    _check_folder(out)
    with _lab(options) as lab:
        data = lab.results.dataset_of(lab.runs.get(options.run, by=None))
        if out.suffix == ".png" and data is not None and data.kind != "image":
            raise WrongInput(
                f"run {options.run} makes {data.kind}, not pictures: name an .npz file instead of {options.out}"
            )
        x = lab.foreground.sample(options.run, options.step, options.n, seed=options.seed, label=options.label)
    if out.suffix == ".npz":
        _write(out, lambda file: np.savez_compressed(file, x=x.astype(np.float32)))
    else:
        _write(out, lambda file: file.write(grid.grid(to_storage(x), scale=3, gap=0)))
    return _say(options, {"run": options.run, "n": len(x), "out": str(out)}, f"{len(x)} samples in {out}")


def _import_log(options: argparse.Namespace) -> int:
    sources = {name: getattr(options, name) for name in ("tensorboard", "csv", "samples") if getattr(options, name)}
    if not sources:
        raise WrongInput("import-log needs --tensorboard DIR, --csv FILE or --samples DIR, or several of them")
    files = {"table" if name == "csv" else name: Path(path) for name, path in sources.items()}
    real = Path(options.real) if Path(options.real).suffix in (".npy", ".npz") else options.real
    about = dict(scale=options.scale, rows=options.rows, seed=options.seed, progress=show.Progress())
    with _lab(options) as lab:
        run = lab.runs.get(lab.samples.import_log(options.name, real=real, by=None, **files, **about), by=None)
        headline = lab.results.headlines([run], by=None)[run.id]
    return _say(options, show.summary(run) | show.quality(headline), show.ending(run, headline))


def _runs(options: argparse.Namespace) -> int:
    with _lab(options) as lab:
        runs = lab.runs.listed(by=None)
        headlines = lab.results.headlines([run for run in runs if isinstance(run, RunInfo)], by=None)
    values = [show.summary_of_any(run, headlines) for run in runs]
    return _say(options, values, show.runs_in_words(runs, headlines))


def _export(options: argparse.Namespace) -> int:
    out, numbers = Path(options.out), {"--n": options.n, "--seed": options.seed}
    given = [name for name, value in numbers.items() if value is not None]
    if options.format != "samples" and given:
        raise WrongInput(f"{', '.join(given)} are for samples; leave them out, or add --format samples")
    if options.format == "bundle" and options.step is not None:
        raise WrongInput("a bundle has every step; leave out --step")
    _check_folder(out)
    with _lab(options) as lab:
        if options.format == "bundle":
            files = {out: lab.bundles.export(options.run, by=None)}
        else:
            about = dict(n=options.n, seed=options.seed or 0, by=None)
            files = lab.foreground.export(options.run, options.step, options.format, **about).placed(out)
    for path, data in files.items():
        _write_bytes(path, data)
    size, several = sum(map(len, files.values())), "" if len(files) == 1 else f" in {len(files)} files"
    about = {"run": options.run, "out": options.out, "bytes": size}
    if options.format != "bundle":
        about |= {"format": options.format, "files": [str(path) for path in files]}
    return _say(options, about, f"{options.out}: {size:,} bytes{several}")


def _report(options: argparse.Namespace) -> int:
    out = Path(options.out)
    _check_folder(out)
    with _lab(options) as lab:
        versus = lab.foreground.compare(options.run, options.step, by=None) if len(options.run) > 1 else None
        data = lab.reports.html(options.run, step=options.step, versus=versus, by=None)
    _write(out, lambda file: file.write(data))
    return _say(options, {"runs": options.run, "out": options.out, "bytes": len(data)}, f"{out}: {len(data):,} bytes")


def _import(options: argparse.Namespace) -> int:
    with _lab(options) as lab:
        try:
            data = Path(options.file).read_bytes()
        except OSError as error:
            raise WrongInput(f"{options.file} cannot be read: {error.strerror}") from None
        run = lab.runs.get(lab.bundles.load(data), by=None)
    return _say(options, show.summary(run), f"run {run.id}: {run.name}, {run.state} at step {run.step}")


def _delete(options: argparse.Namespace) -> int:
    with _lab(options) as lab:
        lab.runs.delete(options.run, by=None)
    return _say(options, {"run": options.run, "deleted": True}, f"run {options.run} is gone")


def _app(options: argparse.Namespace) -> int:
    return app_server.serve(options.others, port=options.port, store=options.store)


def _worker(options: argparse.Namespace) -> int:
    return serve_worker(_settings(options), parent=options.parent)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "upload": _upload,
    "measure": _measure,
    "ruler": _ruler,
    "sample": _sample,
    "fork": _fork,
    "runs": _runs,
    "export": _export,
    "report": _report,
    "import": _import,
    "import-log": _import_log,
    "delete": _delete,
    "app": _app,
    "worker": _worker,
}


# ---------------------------------------------------------------- parts


def _unrecognized(others: list[str]) -> str:
    """What is said of arguments that no option takes. A shell makes thousands of them of `folder/*.png`."""
    shown = " ".join(others[:3]) + (f" and {len(others) - 3:,} more" if len(others) > 3 else "")
    files = sum(is_picture(other) for other in others)
    return f"unrecognized arguments: {shown}" + ("; name the folder itself instead of its files" if files > 1 else "")


def _settings(options: argparse.Namespace) -> settings.Settings:
    return settings.settings_from_environment(os.environ, store_url=options.store)


@contextmanager
def _lab(options: argparse.Namespace) -> Iterator[Lab]:
    """The Lab of this process, which starts no worker: what this command wants done it does itself, or queues."""
    lab = Lab(dataclasses.replace(_settings(options), worker="none"))
    try:
        yield lab
    finally:
        lab.close()


def _changes(texts: list[str]) -> dict[str, str]:
    changes = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise WrongInput(f"--set {text!r} has no value; write key=value, for example optimizer.beta1=.5")
        changes[key.strip()] = value.strip()
    return changes


def _say(options: argparse.Namespace, value: Any, words: str) -> int:
    print(json.dumps(value) if options.json else words)
    return 0


def _check_folder(out: Path) -> None:
    if not out.parent.is_dir():
        raise WrongInput(f"{out} cannot be written: there is no folder {out.parent}")


def _write_bytes(path: Path, data: bytes) -> None:
    """Write a file, with the folders inside the one that a person has named."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {error.strerror}") from None
    _write(path, lambda file: file.write(data))


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    try:
        with path.open("wb") as file:
            write(file)
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {error.strerror}") from None
