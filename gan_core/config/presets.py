"""The recipes: a name -> the explicit configuration of a run, by the data's kind and shape and the time there is.

config = preset("auto", data="digits", shape=(8, 8, 1))
config = preset("auto", data="mnist", shape=(28, 28, 1), seconds=180)
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Callable, get_args

from gan_core.config.run_config import ConfigError, RunConfig, differences, override
from gan_core.config.sections import (
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    Loss,
    ObjectiveConfig,
    OptimizerConfig,
    Preset,
    RecordingConfig,
    TrainingConfig,
)

Shape = tuple[int, ...]

PRESETS: dict[str, str] = {
    "auto": "The best recipe for your data and your time: start here.",
    "classic-2014": "The first GAN (Goodfellow et al. 2014), with its minimax loss. It often trains badly.",
    "non-saturating": "The first GAN with a generator loss that still teaches while the generator is losing.",
    "lsgan": "The first GAN with squared errors instead of probabilities (least-squares loss).",
    "dcgan": "Convolutions and batch normalization: the networks that made GANs work on images.",
    "wgan-gp": "A critic with a gradient penalty estimates how far samples have to move to be real.",
    "sn-hinge": "Hinge loss, and spectral normalization so that the discriminator stays calm.",
    "r3gan-lite": "A modern GAN in small: judges pairs (relativistic loss), with two gradient penalties.",
    "energy-guided": "A GAN whose generator also makes the energy distance to real samples small.",
    "energy-only": "No discriminator: the generator only makes the energy distance to real samples small.",
    "vae": "Not a GAN: an autoencoder (VAE) squeezes samples into a few numbers and rebuilds them.",
}
assert tuple(PRESETS) == get_args(Preset)

CONVOLUTIONS_FROM_SECONDS = 400.0
"""Training time from which convolutions beat dense layers on 28 × 28 images, on two cores (benchmarks/quality.py)."""
FEWEST_CONVOLUTIONAL_STEPS = 8_000
"""With fewer steps dense layers are still ahead of convolutions, and `auto` uses dense ones."""
CONVOLVED_FROM = 16
"""`auto` uses convolutions only where the shorter side has at least so many pixels."""


def preset(
    name: str = "auto",
    *,
    data: str = "digits",
    shape: tuple[int, ...] = (8, 8, 1),
    seed: int = 0,
    seconds: float | None = None,
) -> RunConfig:
    """The explicit configuration of a preset for data of this shape: (d,) points or (h, w, c) images.

    Resolved by the data's kind and shape, and for `auto` by the seconds there are, never by the data's name. With
    `seconds` the number of steps is decided by a short speed trial when the training begins. Raises ConfigError for
    an unknown preset. Sources are in docs/recipes.md.
    """
    if name not in _RECIPES:
        raise ConfigError([f"preset is {name!r}; choose one of {', '.join(PRESETS)}"])
    points = len(shape) == 1
    config = _RECIPES[name](points, shape, seconds)
    config = replace(config, preset=name, data=DataConfig(data), seed=seed)
    if points:  # of 500 samples in 25 modes some are missed by chance
        config = replace(config, recording=RecordingConfig(rows=1000))
    return override(config, {"training.seconds": seconds}) if seconds is not None else config


def fallback(config: RunConfig, shape: tuple[int, ...]) -> RunConfig | None:
    """What `auto` falls back to where the machine is too slow for convolutions in the time given; else None.

    What a person has changed stays changed; convolutions that somebody chose are kept.
    """
    if config.preset != "auto" or config.training.steps >= FEWEST_CONVOLUTIONAL_STEPS:
        return None
    auto = partial(preset, "auto", data=config.data.name, shape=shape, seed=config.seed)
    asked = auto(seconds=config.training.seconds)
    changed = {key: ours for key, (ours, _) in differences(config, asked).items() if key != "training.steps"}
    if asked.generator.architecture == "mlp" or {"generator.architecture", "discriminator.architecture"} & set(changed):
        return None
    return override(auto(), {"training.seconds": config.training.seconds} | changed)


# ---------------------------------------------------------------- auto


def _auto(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    if points:
        return _auto_points()
    if min(shape[:2]) < CONVOLVED_FROM:
        return RunConfig(generator=GeneratorConfig(latent_dim=32), training=TrainingConfig(steps=12_000))
    if seconds is not None and seconds >= CONVOLUTIONS_FROM_SECONDS:
        return RunConfig(
            generator=GeneratorConfig("subpixel"),
            discriminator=DiscriminatorConfig("subpixel"),
            optimizer=OptimizerConfig(2e-3, 2e-3),
            training=TrainingConfig(steps=16_000, batch=64, fresh_samples=False),
        )
    return RunConfig(
        generator=GeneratorConfig(latent_dim=100, hidden=(256, 256)),
        discriminator=DiscriminatorConfig(hidden=(256, 256)),
        optimizer=OptimizerConfig(2e-3, 2e-3),
        training=TrainingConfig(steps=8_000, fresh_samples=False),
    )


def _auto_points() -> RunConfig:
    """Narrow layers at many steps a second; one octave of Fourier features resolves fine structure.

    A deep generator covers many modes sooner than a wide one; a long moving average would blur them together.
    """
    return RunConfig(
        generator=GeneratorConfig(latent_dim=2, hidden=(64,) * 5, output_gain=1.0, ema=0.99),
        discriminator=DiscriminatorConfig(hidden=(96, 96, 96), centre=False, fourier=1),
        objective=ObjectiveConfig(r1=0.3, r2=0.3, penalty_end=0.03, penalty_every=4),
        optimizer=OptimizerConfig(1e-3, 1e-3),
        training=TrainingConfig(steps=20_000, batch=128, fresh_samples=False),
    )


# ---------------------------------------------------------------- the others


def _classic(loss: Loss, beta1: float = 0.9, **objective: Any) -> RunConfig:
    """Networks and learning rates of Goodfellow et al. 2014; as in their code, both networks update from one batch."""
    return RunConfig(
        generator=GeneratorConfig(latent_dim=100, init="glorot_uniform", output_gain=1.0, output_bias=False, ema=0.0),
        discriminator=DiscriminatorConfig(init="glorot_uniform", centre=False),
        objective=ObjectiveConfig(loss, r1=0.0, r2=0.0, penalty_end=1.0, penalty_every=1, **objective),
        optimizer=OptimizerConfig(2e-4, 2e-4, beta1=beta1, beta2=0.999, warmup_steps=0, decay_from=1.0),
        training=TrainingConfig(steps=25_000, batch=128, fresh_samples=False, simultaneous=True),
    )


def _dcgan(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """Radford et al. 2015: batch normalization in both networks, Adam 2e-4 with beta1 .5."""
    kind = "mlp" if points else "dcgan"
    config = _classic("non-saturating", beta1=0.5)
    return replace(
        config,
        generator=GeneratorConfig(
            kind, latent_dim=100, channels=32, batch_norm=True, output_gain=1.0, output_bias=False
        ),
        discriminator=DiscriminatorConfig(kind, channels=32, batch_norm=True, centre=False),
        training=TrainingConfig(steps=15_000 if points else 2_000, batch=128 if points else 64),
    )


def _wgan_gp(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """Gulrajani et al. 2017: five critic steps, weight 10, and .1 for points as in their toy experiments."""
    weight = 0.1 if points else 10.0
    config = _classic("wasserstein", 0.0, gradient_penalty="wgan-gp", gradient_penalty_weight=weight)
    return replace(
        config,
        generator=replace(config.generator, init="he_normal"),
        discriminator=replace(config.discriminator, init="he_normal"),
        optimizer=replace(config.optimizer, learning_rate_generator=1e-4, learning_rate_discriminator=1e-4, beta2=0.9),
        training=TrainingConfig(steps=6_000, batch=128, discriminator_steps=5),
    )


def _sn_hinge(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """Miyato et al. 2018 with the two learning rates of Heusel et al. 2017 instead of several discriminator steps."""
    config = _classic("hinge", beta1=0.0)
    return replace(
        config,
        generator=replace(config.generator, init="he_normal", ema=0.999),
        discriminator=replace(config.discriminator, init="he_normal", spectral_norm=True),
        optimizer=replace(config.optimizer, learning_rate_generator=1e-4, learning_rate_discriminator=4e-4, beta2=0.9),
    )


def _r3gan_lite(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """Huang et al. 2024: relativistic pairs, R1 and R2 at every step, residual networks without normalization.

    Learning rates fall to a quarter and penalties to a tenth along a cosine, as theirs do, over our run instead of over
    20 million images.
    """
    kind = "mlp" if points else "residual"
    return RunConfig(
        generator=GeneratorConfig(kind, latent_dim=2 if points else 64, hidden=(128, 128, 128)),
        discriminator=DiscriminatorConfig(kind, hidden=(128, 128, 128), centre=not points),
        objective=ObjectiveConfig(r1=0.4, r2=0.4, penalty_end=0.1, penalty_every=1),
        optimizer=OptimizerConfig(
            1e-3, 1e-3, beta2=0.99, warmup_steps=200, decay_from=0.0, decay_to=0.25, schedule="cosine"
        ),
        training=TrainingConfig(steps=8_000 if points else 2_000, batch=256 if points else 64),
    )


def _energy_guided(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """The short recipe of `auto` with the non-saturating loss and the energy distance of Bellemare et al. 2017."""
    return override(_auto(points, shape, None), {"objective.loss": "non-saturating", "objective.energy_weight": 0.3})


def _energy_only(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """The generator minimises the energy distance of a large batch (Székely & Rizzo 2013; Bellemare et al. 2017)."""
    base = _auto(points, shape, None)
    return replace(
        base,
        objective=ObjectiveConfig(loss="energy", r1=0.0, r2=0.0, penalty_end=1.0, penalty_every=1),
        optimizer=replace(base.optimizer, learning_rate_generator=1e-3),
        training=replace(base.training, steps=8_000, batch=512),
    )


def _vae(points: bool, shape: Shape, seconds: float | None) -> RunConfig:
    """Kingma & Welling 2013: 20 latents, Bernoulli pixels (Gaussian points), Adam 1e-3."""
    return RunConfig(
        generator=GeneratorConfig(latent_dim=2 if points else 20, hidden=(256, 256), output_gain=1.0, ema=0.999),
        discriminator=DiscriminatorConfig(hidden=(256, 256)),
        objective=ObjectiveConfig(loss="vae", r1=0.0, r2=0.0, penalty_end=1.0, penalty_every=1),
        optimizer=OptimizerConfig(1e-3, 1e-3, beta1=0.9, beta2=0.999, warmup_steps=0, decay_from=0.6),
        training=TrainingConfig(steps=12_000, batch=128),
    )


_RECIPES: dict[str, Callable[[bool, Shape, float | None], RunConfig]] = {
    "auto": _auto,
    "classic-2014": lambda points, shape, seconds: _classic("minimax"),
    "non-saturating": lambda points, shape, seconds: _classic("non-saturating"),
    "lsgan": lambda points, shape, seconds: _classic("least-squares", beta1=0.5),
    "dcgan": _dcgan,
    "wgan-gp": _wgan_gp,
    "sn-hinge": _sn_hinge,
    "r3gan-lite": _r3gan_lite,
    "energy-guided": _energy_guided,
    "energy-only": _energy_only,
    "vae": _vae,
}
