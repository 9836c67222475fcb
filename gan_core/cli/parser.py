"""The options of every command of `python -m gan_core`."""

from __future__ import annotations

import argparse
from typing import Callable, NoReturn

from gan_core import CORRUPTION_TITLES, OPTIONS, __version__
from gan_core.config.presets import PRESETS
from gan_core.service.measure import SPACES
from gan_core.service.samples import SCALES


class WrongInput(Exception):
    """Said as one line, with exit code 2."""


class Parser(argparse.ArgumentParser):
    """Like that of argparse, but it raises where that one would print its usage and leave the process."""

    def error(self, message: str) -> NoReturn:
        """Raises WrongInput."""
        raise WrongInput(message)


def make_parser() -> argparse.ArgumentParser:
    """Reads the command line; `command` is None where none is named. Raises WrongInput for what it cannot read."""
    parser = Parser(
        prog="python -m gan_core", description="Train a GAN, and measure how far its samples are from real ones."
    )
    parser.add_argument("--version", action="version", version=f"ganometer {__version__}")
    every = Parser(add_help=False)
    every.add_argument(
        "--store", metavar="URL", help="database URL (default: $GANOMETER_STORE, else a file in $GANOMETER_HOME)"
    )
    every.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    commands = parser.add_subparsers(dest="command", parser_class=Parser, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help, parents=[every], allow_abbrev=False)

    train = command("train", "train a run here and now, or put it into the queue")
    train.add_argument("--preset", help=f"one of {', '.join(PRESETS)} (default: auto)")
    train.add_argument("--data", help=f"one of {', '.join(OPTIONS)} (default: digits), or an upload's name")
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

    upload = command("upload", "keep a file or a folder of your own samples as a data set")
    upload.add_argument("file", metavar="FILE", help="a table, an array, or a .zip or folder of pictures")
    upload.add_argument("--size", type=_whole(1), default=28, help="pixels of a picture's side, 8 to 32 (default: 28)")
    upload.add_argument("--colour", action="store_true", help="keep the colours of pictures (default: grey)")
    upload.add_argument("--label", metavar="COLUMN", help="the column of the labels, or none (default: found out)")
    upload.add_argument("--leave-out", action="store_true", help="leave out broken pictures, and rows with blanks")

    measure = command("measure", "measure generated samples against real ones")
    measure.add_argument("--real", metavar="FILE", help="real samples: a file or folder that could be uploaded")
    measure.add_argument("--fake", metavar="FILE", help="generated samples: the same")
    measure.add_argument("--run", metavar="ID", help="measure a run's generator against held-out data instead")
    measure.add_argument("--step", type=_whole(0), help="which snapshot of the run (default: the newest)")
    measure.add_argument(
        "--n",
        type=_whole(2),
        help="samples of the run's generator, at most the test part (default: as many as its training measured)",
    )
    measure.add_argument(
        "--reference",
        metavar="FILE",
        help="more real samples, to measure real against real at the same n (all are cut to the fewest)",
    )
    measure.add_argument("--train", metavar="FILE", help="what the generator was trained on, to look for copies")
    measure.add_argument("--holdout", metavar="FILE", help="real samples it never saw, as many, to compare with")
    measure.add_argument("--size", type=_whole(1), help="bring pictures to this side (default: as they are)")
    measure.add_argument("--leave-out", action="store_true", help="leave out broken pictures, and rows with blanks")
    measure.add_argument("--space", choices=SPACES, default="pixels", help="how samples become vectors")
    measure.add_argument(
        "--panel", choices=["live", "full"], default="full", help="the quick metrics only, or all (default)"
    )
    measure.add_argument("--k", type=_whole(1), default=5, help="neighbours of a sample, for metrics of k-NN balls")
    measure.add_argument(
        "--seed", type=_whole(0), default=0, help="which draw of a run's samples (default: 0, that of the training)"
    )

    ruler = command("ruler", "corrupt real samples on purpose, and see which metrics notice")
    ruler.add_argument("--data", default="digits", help=f"one of {', '.join(OPTIONS)}, or an upload's name")
    ruler.add_argument("--n", type=_whole(2), default=600, help="samples of each kind (at most the test part)")
    ruler.add_argument("--panel", choices=["live", "full"], default="live", help="the quick metrics (default), or all")
    ruler.add_argument(
        "--corruption",
        action="append",
        default=[],
        metavar="NAME",
        help=f"only this corruption; again for another: {', '.join(CORRUPTION_TITLES)}",
    )

    sample = command("sample", "new samples of a run's generator")
    sample.add_argument("--run", required=True, metavar="ID")
    sample.add_argument("--step", type=_whole(0), help="which snapshot (default: the newest)")
    sample.add_argument("--n", type=_whole(1), default=64)
    sample.add_argument("--seed", type=_whole(0), default=0)
    sample.add_argument(
        "--label", metavar="CLASS", help="only this class, by its name or label, of a run that was trained with classes"
    )
    sample.add_argument("--out", required=True, metavar="FILE", help=".npz (float32, key x) or .png (a grid)")

    fork = command("fork", "a new run that goes on from a step of another, with the settings of that step")
    fork.add_argument("--run", required=True, metavar="ID", help="the run to go on from")
    fork.add_argument("--step", type=_whole(0), required=True, help="a step that it keeps a checkpoint or snapshot of")
    fork.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting")
    fork.add_argument("--queue", action="store_true", help="leave it to a running app or worker")

    command("runs", "list the runs, newest first")
    export = command("export", "take a run along: everything of it in one file, or what other programs read")
    export.add_argument("--run", required=True, metavar="ID")
    export.add_argument(
        "--format",
        choices=["bundle", "keras", "onnx", "tensorboard", "samples"],
        default="bundle",
        help="everything for `import` (default), the generator for Keras or ONNX, the curves, or samples",
    )
    export.add_argument("--step", type=_whole(0), help="which snapshot (default: the newest); a bundle has all")
    export.add_argument("--n", type=_whole(1), help="how many samples (default: 64)")
    export.add_argument("--seed", type=_whole(0), help="which draw of samples (default: 0)")
    export.add_argument(
        "--out",
        required=True,
        metavar="PATH",
        help="a bundle's file; for others a folder, a .zip, or the main file (.keras, .onnx, .npz)",
    )
    report = command("report", "one HTML file on runs, which needs no network: samples, curves, distances, settings")
    report.add_argument("--run", required=True, action="append", metavar="ID", help="again for another run")
    report.add_argument("--step", type=_whole(0), help="what was measured up to this step (default: the newest)")
    report.add_argument("--out", required=True, metavar="FILE.html")
    unbundle = command("import", "add an exported run to the store")
    unbundle.add_argument("file", metavar="FILE.zip")
    log = command("import-log", "add a training that was not done here, from what it has logged into files")
    log.add_argument("--name", required=True, help="what the run is called")
    log.add_argument(
        "--real",
        required=True,
        metavar="DATA",
        help=f"what is measured against: one of {', '.join(OPTIONS)}, an upload's name, or a .npy or .npz file",
    )
    log.add_argument("--tensorboard", metavar="DIR", help="a folder with TensorBoard's event files: curves")
    log.add_argument("--csv", metavar="FILE", help="a table of numbers with a column step: curves")
    log.add_argument(
        "--samples", metavar="DIR", help="samples by step: step_000100.npz, .npy, .png, or folders of pictures"
    )
    log.add_argument("--scale", choices=SCALES, help="between which numbers the samples' pixels lie: --scale=-1..1")
    log.add_argument("--rows", type=_whole(50), default=500, help="samples of each kind in a measurement, at most")
    log.add_argument("--seed", type=_whole(0), default=0, help="runs of one name with other seeds are repetitions")
    delete = command("delete", "remove a run and everything of it")
    delete.add_argument("--run", required=True, metavar="ID")
    app = command("app", "serve the app; options of `streamlit run`, such as --server.address, are handed on")
    app.add_argument("--port", type=_whole(1), help="where it listens (default: 8501)")
    serve = command("worker", "train what is queued in the store until told to end")
    serve.add_argument("--parent", type=int, help=argparse.SUPPRESS)  # end when this process is gone
    return parser


def _whole(low: int) -> Callable[[str], int]:
    """Reads an option as a whole number from `low` to 2**31 - 1."""

    def read(text: str) -> int:
        if not text.lstrip("+-").isdigit() or not low <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {2**31 - 1}")
        return int(text)

    return read
