"""A run for other programs: its generator for Keras or ONNX with a script that samples, its curves, its samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gan_core.bundles.files import Files, unzipped, zipped
from gan_core.bundles.sample_files import sample_files
from gan_core.bundles.sampling_script import Network, sampling_script
from gan_core.bundles.tensorboard import event_file
from gan_core.jobs.kind import JobContext, JobKind, Parameters, everything
from gan_core.jobs.sample_source import source_at
from gan_core.jobs.snapshot_sampler import SampleCount, SnapshotSampler, snapshot_step
from gan_core.records import SNAPSHOT_SAMPLES
from gan_core.validation import Seed

ExportFormat = Literal["keras", "onnx", "tensorboard", "samples"]
MAIN_FILE: dict[str, str] = {
    "keras": "generator.keras",
    "onnx": "generator.onnx",
    "tensorboard": "events.out.tfevents.0.ganometer",
    "samples": "samples.npz",
}
"""Of each format the file that the others stand beside. TensorBoard knows its own by what is in their names."""
SCRIPT = "sample.py"


@dataclass(frozen=True)
class Export(Parameters):
    """The format; of samples their number, and the seed of the draw."""

    format: ExportFormat
    n: SampleCount = SNAPSHOT_SAMPLES
    seed: Seed = 0


def answer(context: JobContext, asked: Export) -> Files:
    """The files by name: nothing of them is a real sample, nor named by a person.

    Raises GanometerError where there is no such snapshot, and where what writes the format is not installed.
    """
    return _WRITE[asked.format](context, asked)


def _generator(context: JobContext, asked: Export) -> Files:
    sampler = SnapshotSampler.of(context.store, context.run, context.step)
    from gan_core.engine import stock_generator

    network: Network = "onnx" if asked.format == "onnx" else "keras"
    write = stock_generator.onnx_file if network == "onnx" else stock_generator.keras_file
    stock, file = stock_generator.stock_generator(sampler.generator), MAIN_FILE[network]
    script = sampling_script(
        network,
        file=file,
        latent_dim=sampler.latent_dim,
        images=len(sampler.generator.output_shape) == 4,
        classes=sampler.classes,
        frequencies=_frequencies(sampler.generator) if sampler.classes else (),
    )
    return {file: write(stock), SCRIPT: script.encode()}


def _frequencies(generator: Any) -> list[float]:
    """How often the generator was told each class."""
    return np.asarray(generator.get_layer("classes").frequencies, np.float64).tolist()


def _curves(context: JobContext, asked: Export) -> Files:
    """Every value that was written down, at a time that is its share of the time trained."""
    run = context.store.runs.get(context.run)
    snapshot_step(context.store, run.id, context.step)
    began = run.created if run.started is None else run.started
    pace = run.seconds / run.step if run.step else 0.0
    history = context.store.recordings.history(run.id, None, 10**9)
    return {MAIN_FILE["tensorboard"]: event_file(history, lambda step: began + pace * step)}


def _samples(context: JobContext, asked: Export) -> Files:
    sampler = source_at(context.store, context.run, context.step)
    drawn = sampler.draw(asked.seed, 0, asked.n)
    labels = None if drawn.classes is None else np.asarray(sampler.classes)[drawn.classes]
    return sample_files(drawn.exact, drawn.z, labels)


_WRITE: dict[str, Callable[[JobContext, Export], Files]] = {
    "keras": _generator,
    "onnx": _generator,
    "tensorboard": _curves,
    "samples": _samples,
}

KIND = JobKind("export", Export, answer, encode=zipped, decode=unzipped, without_rows=everything, quick=True)
