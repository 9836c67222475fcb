"""What a run is about, in a sentence or two: its data, its length and its networks."""

from gan_core import ADVERSARIAL_LOSSES, OPTIONS, RunConfig
from ui.frame.text import plain, seconds


def title_of(data: str) -> str:
    return OPTIONS[data].title if data in OPTIONS else f"Upload {data.removeprefix('upload-')}"


def summary(config: RunConfig, time: float | None) -> str:
    training, data = config.training, plain(title_of(config.data.name))
    networks = f"Generator: {network(config.generator)}."
    if config.objective.loss in ADVERSARIAL_LOSSES:
        networks = f"{networks} Discriminator: {network(config.discriminator)}."
    elif config.objective.loss == "vae":
        networks = f"Decoder: {network(config.generator)}. Encoder: {network(config.discriminator)}."
    if training.seconds is not None:
        return f"Trains **about {seconds(time)}** on {data}, {training.batch:,} samples a step. {networks}"
    long = f" It takes **about {seconds(time)}** here, as the last run like it did." if time else ""
    return f"Trains **{training.steps:,} steps** on {data}, {training.batch:,} samples a step.{long} {networks}"


def network(part) -> str:
    if part.architecture == "mlp":
        return f"dense layers of {', '.join(map(str, part.hidden))}"
    return f"{part.architecture} convolutions of {part.channels} channels and more"
