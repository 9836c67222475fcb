"""A run in a sentence or two: its data, its length and its networks."""

from collections.abc import Mapping

from gan_core import ADVERSARIAL_LOSSES, RunConfig
from ui.frame.text import data_title, plain


def summary(config: RunConfig, length: str, files: Mapping[str, str] | None = None) -> str:
    """`length` says how long the run takes, as `how_long` does. `files` are what uploads are called, as
    `lab.uploads.titles` says.
    """
    training, data = config.training, plain(data_title(config.data.name, files))
    networks = f"Generator: {network(config.generator)}."
    if config.objective.loss in ADVERSARIAL_LOSSES:
        networks = f"{networks} Discriminator: {network(config.discriminator)}."
    elif config.objective.loss == "vae":
        networks = f"Decoder: {network(config.generator)}. Encoder: {network(config.discriminator)}."
    steps = "" if training.seconds is not None else f" **{training.steps:,} steps**"
    return " ".join(f"Trains{steps} on {data}, {training.batch:,} samples a step. {length} {networks}".split())


def network(part) -> str:
    if part.architecture == "mlp":
        return f"dense layers of {', '.join(map(str, part.hidden))}"
    return f"{part.architecture} convolutions of {part.channels} channels and more"
