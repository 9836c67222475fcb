"""A run in a sentence or two: its data, its length and its networks."""

from collections.abc import Mapping

from gan_core import ADVERSARIAL_LOSSES, RunConfig
from ui.frame.text import data_title, plain, seconds


def summary(config: RunConfig, time: float | None, files: Mapping[str, str] | None = None) -> str:
    """`files` are what uploads are called, as `lab.uploads.titles` says."""
    training, data = config.training, plain(data_title(config.data.name, files))
    networks = f"Generator: {network(config.generator)}."
    if config.objective.loss in ADVERSARIAL_LOSSES:
        networks = f"{networks} Discriminator: {network(config.discriminator)}."
    elif config.objective.loss == "vae":
        networks = f"Decoder: {network(config.generator)}. Encoder: {network(config.discriminator)}."
    if training.seconds is not None:
        return f"Trains **about {seconds(time)}** on {data}, {training.batch:,} samples a step. {networks}"
    long = f" The last run like it took **about {seconds(time)}** here." if time else ""
    return f"Trains **{training.steps:,} steps** on {data}, {training.batch:,} samples a step.{long} {networks}"


def network(part) -> str:
    if part.architecture == "mlp":
        return f"dense layers of {', '.join(map(str, part.hidden))}"
    return f"{part.architecture} convolutions of {part.channels} channels and more"
