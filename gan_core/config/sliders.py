"""Which settings are worth moving while a run trains, for its loss and penalties, and what to expect of each.

for slider in sliders_of(config):
    changes = slider.changes(config, value)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_core.config.run_config import RunConfig, flatten_config
from gan_core.config.sections import ADVERSARIAL_LOSSES

GENERATOR_RATE, DISCRIMINATOR_RATE = "optimizer.learning_rate_generator", "optimizer.learning_rate_discriminator"


@dataclass(frozen=True)
class Slider:
    """One slider: the settings that it sets, the values it offers, and one line on what to expect.

    `keys` all take the slider's value. A slider with `ratio` sets its one key to the value times the generator's rate.
    """

    label: str
    keys: tuple[str, ...]
    values: tuple[float, ...]
    expect: str
    ratio: bool = False

    def value(self, config: RunConfig) -> float:
        """Where the slider stands for this configuration; it need not be among `values`."""
        settings = flatten_config(config)
        value = settings[self.keys[0]]
        return value / settings[GENERATOR_RATE] if self.ratio else value

    def offered(self, config: RunConfig) -> tuple[float, ...]:
        """The slider's values in order, with the one of this configuration among them."""
        here = self.value(config)
        return tuple(sorted({*(v for v in self.values if abs(v - here) > 1e-3 * abs(here)), here}))

    def changes(self, config: RunConfig, value: float) -> dict[str, Any]:
        """The settings {dotted key: value} that this value of the slider stands for.

        A new rate of the generator keeps the ratio of the rates: the discriminator's changes with it.
        """
        settings = flatten_config(config)
        if self.ratio:
            return {self.keys[0]: _rate(settings[GENERATOR_RATE] * value)}
        if self.keys == (GENERATOR_RATE,) and config.objective.loss in ADVERSARIAL_LOSSES:
            ratio = settings[DISCRIMINATOR_RATE] / settings[GENERATOR_RATE]
            return {GENERATOR_RATE: value, DISCRIMINATOR_RATE: _rate(value * ratio)}
        return {key: value for key in self.keys}


def _rate(value: float) -> float:
    """A learning rate of four digits, inside its range."""
    return min(1.0, max(1e-6, float(f"{value:.4g}")))


def _log(low: int, high: int) -> tuple[float, ...]:
    """1, 2 and 5 times each power of ten from 10^low to below 10^high."""
    return tuple(float(f"{digit}e{power}") for power in range(low, high) for digit in (1, 2, 5))


RATES = _log(-5, -1)
RATE = Slider("Learning rate", (GENERATOR_RATE,), RATES, "Smaller: calmer, slower. Larger: faster, may break.")
BOTH_RATES = Slider(
    "Learning rate", (GENERATOR_RATE,), RATES, "Of both networks. Smaller: calmer, slower. Larger: faster, may break."
)
RATIO = Slider(
    "D / G rate",
    (DISCRIMINATOR_RATE,),
    (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    "The discriminator's rate over the generator's. Higher: the discriminator leads.",
    ratio=True,
)
R1_R2 = Slider(
    "R1 and R2",
    ("objective.r1", "objective.r2"),
    (0.0, *_log(-2, 2)),
    "Two gradient penalties. Higher: stabler, blurrier. 0: sharper, may run in circles.",
)
R1 = Slider("R1", ("objective.r1",), (0.0, *_log(-2, 2)), "A gradient penalty. Higher: stabler. Lower: sharper.")
LIPSCHITZ = Slider(
    "Further penalty weight",
    ("objective.gradient_penalty_weight",),
    (0.0, *_log(-1, 2)),
    "Of the gradient penalty. Higher: smoother critic. Near 0: its values run away.",
)
NOISE = Slider(
    "Instance noise",
    ("objective.instance_noise",),
    (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
    "Higher: real and generated are harder to tell apart: calmer, blurrier.",
)
ENERGY = Slider(
    "Energy weight",
    ("objective.energy_weight",),
    (0.0, *_log(-2, 2)),
    "Higher: nearer to real samples as a whole; lost modes return.",
)
STEPS = Slider(
    "Discriminator steps",
    ("training.discriminator_steps",),
    (1, 2, 3, 4, 5),
    "More: a better discriminator, and a slower run.",
)


def sliders_of(config: RunConfig) -> tuple[Slider, ...]:
    """The sliders that matter for this run's loss and penalties: at most six, and one for a run without opponents."""
    loss, objective = config.objective.loss, config.objective
    if loss not in ADVERSARIAL_LOSSES:
        return (RATE,)
    if objective.gradient_penalty != "none":
        penalty = LIPSCHITZ
    else:
        penalty = R1_R2 if objective.r1 == objective.r2 else R1
    return (BOTH_RATES, RATIO, penalty, STEPS, NOISE, ENERGY)
