"""A run's curves as values that a page can draw: which lines stand together, on which axis, beside which band."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gan_core.distances.catalogue import METRICS, UNITS, is_logarithmic
from gan_core.records import History, Reference

Role = Literal["real", "fake", "both", "grey", "run"]
"""What a line is of, which decides its colour and its dashes; lines of runs are told apart by their number."""
SPREADS: tuple[tuple[str, str, Role], ...] = (
    ("mean_real_real", "real–real", "real"),
    ("mean_fake_fake", "generated–generated", "fake"),
    ("mean_real_fake", "real–generated", "both"),
)


@dataclass(frozen=True)
class Line:
    """A curve: `values` at `steps`, None where there is no finite number."""

    name: str
    role: Role
    steps: tuple[int, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Chart:
    """Lines over steps with one axis. `band`: mean − 2 sd to mean + 2 sd of real samples against other real ones."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    logarithmic: bool = False
    band: tuple[float, float] | None = None
    about: str = ""


def charts_of(history: History, reference: Reference | None, *, loss_unit: str) -> tuple[Chart, ...]:
    """The charts of one run: the energy distance, the three mean distances, the losses, D(x), then every other metric.

    Charts without a value are left out.
    """
    whole = "loss_reconstruction" in history.curves
    losses: tuple[tuple[str, str, Role], ...] = (
        ("loss_discriminator", "discriminator", "both"),
        ("loss_generator", "sum of both" if whole else "generator", "fake"),
        ("loss_reconstruction", "reconstruction", "real"),
        ("loss_divergence", "divergence", "grey"),
    )
    scores: tuple[tuple[str, str, Role], ...] = (
        ("score_real", "real, D(x)", "real"),
        ("score_fake", "generated, D(G(z))", "fake"),
    )
    spread = reference.metrics.get("mean_fake_fake") if reference else None
    first = [
        metric_chart({"generated vs real": history}, "energy_distance", reference, role="fake"),
        Chart("The three mean distances", "data units", _lines(history, SPREADS), band=_band(spread)),
        Chart("Losses", loss_unit, _lines(history, losses)),
        Chart("Mean output of the discriminator", "probability of being real", _lines(history, scores)),
    ]
    shown = {"energy_distance", *(name for name, *_ in SPREADS)}
    others = [
        metric_chart({"generated vs real": history}, name, reference, role="fake")
        for name in METRICS
        if name not in shown and name in history.curves
    ]
    return tuple(chart for chart in [*first, *others] if chart.lines)


def metric_chart(
    histories: Mapping[str, History], name: str, reference: Reference | None, *, role: Role = "run"
) -> Chart:
    """One metric of several runs by what each is called, or of one."""
    found = reference.metrics.get(name) if reference else None
    lines = [line for called, history in histories.items() for line in _lines(history, [(name, called, role)])]
    about = METRICS[name]
    return Chart(
        about.title, UNITS.get(name, ""), tuple(lines), is_logarithmic(name), _band(found), about=about.sentence
    )


def _band(found: tuple[float, float] | None) -> tuple[float, float] | None:
    return (found[0] - 2 * found[1], found[0] + 2 * found[1]) if found else None


def _lines(history: History, named: Sequence[tuple[str, str, Role]]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for name, called, role in named:
        steps, values = history.curves.get(name, (np.empty(0), np.empty(0)))
        if len(steps):
            numbers = (float(f"{value:.6g}") for value in values.tolist())
            kept = tuple(number if math.isfinite(number) else None for number in numbers)
            lines.append(Line(called, role, tuple(int(step) for step in steps.tolist()), kept))
    return tuple(lines)
