"""How the headline metrics do in the checks of Räisä et al. 2025: python -m benchmarks.desiderata [--seeds 5] [--write]

Each check is a small experiment with a known right answer (arXiv:2505.22450, ICML 2025), written anew from the
paper's description; where that leaves a choice, the rule printed beside the check says what was chosen. A metric is
turned into a score, 1 for equal and 0 for nothing in common. `shape`: the score moves as it should, `bounds`: it is
what it should be, to within .05. Both are judged by medians over seeds. --write puts the result into docs/metrics.md.
"""

import argparse
import itertools
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from gan_core.distances import transport
from gan_core.distances.catalogue import METRICS
from gan_core.distances.inputs import Inputs, RealPart

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
BEGIN, END = "<!-- written by benchmarks.desiderata -->", "<!-- end -->"
N, NULLS = 1000, 4
CLOSE, CLEAR = 0.05 + 1e-9, 0.2 - 1e-9
ENDS = {1: 6.0, 8: 3.0, 64: 1.0}
"""How far the mean is moved along every coordinate, by the number of coordinates."""
DECADES = {1: 3.0, 8: 1.0, 64: 0.5}
DIMENSIONS = (1, 8, 64)

# What a metric claims to see: how real fakes are, how much of the real variety there is, or any difference.
ROLES = {
    "energy_coefficient": "any",
    "sliced_wasserstein": "any",
    "nn_accuracy_real": "any",
    "nn_accuracy_fake": "any",
    "precision": "fidelity",
    "symmetric_precision": "fidelity",
    "density": "fidelity",
    "clipped_density": "fidelity",
    "recall": "diversity",
    "symmetric_recall": "diversity",
    "coverage": "diversity",
    "clipped_coverage": "diversity",
}

Level = Hashable
Sample = tuple[Level, np.ndarray, np.ndarray, Callable[[], np.ndarray]]


@dataclass(frozen=True)
class Expected:
    """What scores by level should do. `falling`: along each run of levels no step up by more than .05, and .2 lost from
    first to last. `flat`: within .05 of each other. `values`: what the score should be, to within .05."""

    falling: tuple[tuple[Level, ...], ...] = ()
    flat: tuple[tuple[Level, ...], ...] = ()
    values: Mapping[Level, float] = field(default_factory=dict)

    def shape(self, scores: Mapping[Level, float]) -> bool:
        """A score that is not a number fails, here and in `bounds`."""
        runs = [np.array([scores[level] for level in run]) for run in self.falling]
        groups = [np.array([scores[level] for level in group]) for group in self.flat]
        falls = all(run[0] - run[-1] >= CLEAR and (np.diff(run) <= CLOSE).all() for run in runs)
        return bool(falls and all(np.ptp(group) <= CLOSE for group in groups))

    def bounds(self, scores: Mapping[Level, float]) -> bool:
        return all(abs(scores[level] - value) <= CLOSE for level, value in self.values.items())


@dataclass(frozen=True)
class Check:
    """`samples(d, n, rng)` yields (level, real, fake, another draw like real as large as fake).

    `expected` by role; `rule` says the same in words. Without `standardised` the rows are measured as they are.
    """

    title: str
    rule: str
    samples: Callable[[int, int, np.random.Generator], Iterator[Sample]]
    expected: Mapping[str, Expected]
    dimensions: tuple[int, ...] = DIMENSIONS
    standardised: bool = True


# ---------------------------------------------------------------- what is sampled

SWEEP = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0)


def means(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    real = rng.normal(size=(n, d))
    for level in SWEEP:
        yield level, real, rng.normal(size=(n, d)) + level * ENDS[d], lambda: rng.normal(size=(n, d))


def means_and_outlier(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    for who in ("real", "fake"):
        one, other = rng.normal(size=(2, n, d))
        for level in SWEEP:
            real, fake = one.copy(), other + level * ENDS[d]
            (real if who == "real" else fake)[0] = ENDS[d]
            yield (who, level), real, fake, lambda: rng.normal(size=(n, d))


def means_and_tail(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    def draw(shift: float = 0.0) -> np.ndarray:
        return np.hstack([rng.normal(size=(n, d)) + shift, rng.pareto(1.5, size=(n, 1))])

    real = draw()
    for level in SWEEP:
        yield level, real, draw(level * ENDS[d]), draw


def deviations(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    real = rng.normal(size=(n, d))
    for level in SWEEP:
        fake = rng.normal(size=(n, d)) * 10 ** (level * DECADES[d])
        yield level, real, fake, lambda: rng.normal(size=(n, d))


def one_and_two(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    for who, level in itertools.product(("one", "two"), (0.0, 0.25, 0.5, 1.0)):

        def one() -> np.ndarray:
            return rng.normal(size=(n, d))

        def two(apart: float = level * ENDS[d]) -> np.ndarray:
            return rng.normal(size=(n, d)) + apart * rng.choice([-1, 1], size=(n, 1))

        real, fake = (one, two) if who == "one" else (two, one)
        yield (who, level), real(), fake(), real


def _modes(d: int, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Ten unit Gaussians far apart: one sample for every label."""
    centres = 10.0 * np.arange(10)[:, None] if d == 1 else rng.normal(scale=10, size=(10, d))
    return lambda labels: centres[labels] + rng.normal(size=(len(labels), d))


def dropped(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    draw, everything = _modes(d, rng), np.arange(n) % 10
    real = draw(everything)
    for level in (0, 1, 3, 5, 7, 9):
        yield level, real, draw(level + np.arange(n) % (10 - level)), lambda: draw(everything)


def thinned(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    draw, everything = _modes(d, rng), np.arange(n) % 10
    real = draw(everything)
    for level in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        yield level, real, draw(np.where(rng.random(n) < level, 0, everything)), lambda: draw(everything)


def invented(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    draw, known = _modes(d, rng), np.arange(n) % 5
    real = draw(known)
    for level in (1, 2, 3, 4, 5, 6, 8, 10):
        yield level, real, draw(np.arange(n) % level), lambda: draw(known)


def spheres(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    def draw(radius: float = 1.0) -> np.ndarray:
        x = rng.normal(size=(n, d))
        return radius * x / np.linalg.norm(x, axis=1, keepdims=True)

    real = draw()
    for level in (0.1, 0.4, 0.7, 1.0, 1.3, 1.6, 1.9):
        yield level, real, draw(level), draw


SIZES = (100, 300, 1000, 3000, 10_000)


def cubes(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    shift = 1 - 0.2 ** (1 / d)
    for level in SIZES:
        shape = (level, d)
        yield level, rng.random(shape), rng.random(shape) + shift, lambda shape=shape: rng.random(shape)


def cubes_of_fakes(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    real = rng.random((n, d))
    for level in SIZES:
        shape = (level, d)
        yield level, real, rng.random(shape) + 1 - 0.2 ** (1 / d), lambda shape=shape: rng.random(shape)


PAIRS = tuple(itertools.product(("ball", "torus"), repeat=2))


def ball_and_torus(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    def draw(shape: str) -> np.ndarray:
        points = rng.uniform(-1.3, 1.3, size=(100 * n, 3))
        ball = np.linalg.norm(points, axis=1) < 0.5
        torus = np.hypot(np.hypot(points[:, 0], points[:, 1]) - 1, points[:, 2]) < 0.3
        return points[ball if shape == "ball" else torus][:n]

    for one, other in PAIRS:
        yield (one, other), draw(one), draw(other), lambda one=one: draw(one)


def units(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    for level in (-3, -1, 0, 1, 3):

        def draw(scale: float = 10.0**level) -> np.ndarray:
            x = rng.normal(size=(n, d))
            x[:, 0] *= scale
            return x

        yield level, draw(), draw(), draw


def one_disjoint(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    for level in (0, 10, 100, 1000):

        def draw(shift: float = 0.0, more: int = level) -> np.ndarray:
            return np.hstack([rng.random((n, 1)) + shift, rng.normal(size=(n, more))])

        yield level, draw(), draw(2.0), draw


KINDS = tuple(itertools.product(("whole", "any"), repeat=2))


def rounded(d: int, n: int, rng: np.random.Generator) -> Iterator[Sample]:
    def draw(kind: str) -> np.ndarray:
        x = rng.normal(scale=3, size=(n, d))
        return np.round(x) if kind == "whole" else x

    for one, other in KINDS:
        yield (one, other), draw(one), draw(other), lambda one=one: draw(one)


# ---------------------------------------------------------------- what is expected


def alike(expected: Expected) -> dict[str, Expected]:
    return dict.fromkeys(("fidelity", "diversity", "any"), expected)


def bells(*marks: str) -> Expected:
    """1 in the middle of a sweep and 0 at both ends, for every mark in front of the level."""
    keys = [(lambda level, mark=mark: (mark, level)) for mark in marks] or [lambda level: level]
    right = [tuple(key(level) for level in (0.0, 0.25, 0.5, 1.0)) for key in keys]
    left = [tuple(key(level) for level in (0.0, -0.25, -0.5, -1.0)) for key in keys]
    values = {key(level): value for key in keys for level, value in ((0.0, 1.0), (1.0, 0.0), (-1.0, 0.0))}
    return Expected(falling=tuple(right + left), values=values)


def falls(levels: tuple, last: float) -> Expected:
    return Expected(falling=(levels,), values={levels[0]: 1.0, levels[-1]: last})


def stays(levels: tuple, value: float) -> Expected:
    return Expected(flat=(levels,), values=dict.fromkeys(levels, value))


_SHIFT = "along every coordinate by up to 6, 3, 1 standard deviations for d = 1, 8, 64"
_BELL = "1 in the middle, 0 at both ends, falling in between"
_WIDER, _NARROWER = (0.0, 0.25, 0.5, 1.0), (0.0, -0.25, -0.5, -1.0)
_DROPS, _SHARES = (0, 1, 3, 5, 7, 9), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_ONE_TWO = {who: tuple((who, level) for level in (0.0, 0.25, 0.5, 1.0)) for who in ("one", "two")}
(_WW, _WA, _AW, _AA), (_BB, _BT, _TB, _TT) = KINDS, PAIRS

CHECKS = (
    Check("Shifted Gaussian", f"The mean moves {_SHIFT}: {_BELL}.", means, alike(bells())),
    Check(
        "Shifted Gaussian, one outlier",
        "The same, with one real sample, then one generated sample, at the end of the sweep: the same.",
        means_and_outlier,
        alike(bells("real", "fake")),
    ),
    Check(
        "Gaussian of another width",
        "The standard deviation goes from 10^-3, 10^-1, 10^-.5 to 10^3, 10^1, 10^.5: fidelity is 1 up to the right "
        "width and falls to 0 above; diversity falls to 0 below; others fall to 0 on both sides.",
        deviations,
        {
            "fidelity": Expected(falling=(_WIDER,), values=dict.fromkeys(_NARROWER, 1.0) | {1.0: 0.0}),
            "diversity": falls(_NARROWER, 0.0),
            "any": bells(),
        },
    ),
    Check(
        "Modes dropped one by one",
        "0 to 9 of 10 far modes are missing: fidelity stays 1; diversity and others fall to .1.",
        dropped,
        {"fidelity": stays(_DROPS, 1.0), "diversity": falls(_DROPS, 0.1), "any": falls(_DROPS, 0.1)},
    ),
    Check(
        "Modes dropped together",
        "A growing share of 9 of 10 modes moves into the tenth: fidelity stays 1; diversity and others fall to .1.",
        thinned,
        {"fidelity": stays(_SHARES, 1.0), "diversity": falls(_SHARES, 0.1), "any": falls(_SHARES, 0.1)},
    ),
    Check(
        "Modes dropped, then invented",
        "5 real modes and 1 to 10 generated ones: fidelity is 1 up to 5 and falls to .5; diversity rises from .2 to 1 "
        "at 5 and stays; others are 1 at 5 and fall on both sides.",
        invented,
        {
            "fidelity": Expected(((5, 6, 8, 10),), ((1, 2, 3, 4, 5),), dict.fromkeys(range(1, 6), 1.0) | {10: 0.5}),
            "diversity": Expected(((5, 4, 3, 2, 1),), ((5, 6, 8, 10),), dict.fromkeys((5, 6, 8, 10), 1.0) | {1: 0.2}),
            "any": Expected(((5, 6, 8, 10), (5, 4, 3, 2, 1)), values={5: 1.0}),
        },
    ),
    Check(
        "Spheres",
        "Both on the surface of a sphere, the generated radius is .1 to 1.9 of the real one: 1 when equal, 0 at both "
        "ends, falling in between.",
        spheres,
        alike(Expected(((1.0, 1.3, 1.6, 1.9), (1.0, 0.7, 0.4, 0.1)), values={1.0: 1.0, 0.1: 0.0, 1.9: 0.0})),
        dimensions=(2, 16, 128),
    ),
    Check(
        "Cubes, any n",
        "Two cubes share 20 % of their volume, n = m = 100 to 10,000: always .2.",
        cubes,
        alike(stays(SIZES, 0.2)),
    ),
    Check(
        "Cubes, any m",
        "The same with 1,000 real samples and 100 to 10,000 generated ones: always .2.",
        cubes_of_fakes,
        alike(stays(SIZES, 0.2)),
    ),
    Check(
        "Ball and torus",
        "A ball in the hole of a torus, each once as the real one: 0, and .2 less than the same shape twice.",
        ball_and_torus,
        alike(Expected(((_BB, _BT), (_TT, _TB)), values={_BT: 0.0, _TB: 0.0})),
        dimensions=(3,),
    ),
    Check(
        "One mode between two",
        f"One Gaussian against two that move apart {_SHIFT}, each once as the real one: from 1 down to 0.",
        one_and_two,
        alike(
            Expected(
                tuple(_ONE_TWO.values()),
                values={(who, level): value for who in _ONE_TWO for level, value in ((0.0, 1.0), (1.0, 0.0))},
            )
        ),
    ),
    Check(
        "Another unit",
        "Equal Gaussians, one coordinate of both times 10^-3 to 10^3, not standardised: always 1.",
        units,
        alike(stays((-3, -1, 0, 1, 3), 1.0)),
        standardised=False,
    ),
    Check(
        "Shifted Gaussian, heavy tail",
        "The shifted Gaussian with one more coordinate, of a Pareto distribution of index 1.5 in both: the same.",
        means_and_tail,
        alike(bells()),
    ),
    Check(
        "One disjoint coordinate",
        "One coordinate in 0 to 1 for real and 2 to 3 for generated samples, and 0 to 1,000 equal ones: always 0.",
        one_disjoint,
        alike(stays((0, 10, 100, 1000), 0.0)),
        dimensions=(1,),
    ),
    Check(
        "Whole numbers",
        "Gaussians of standard deviation 3, rounded or not. Only real ones rounded: fidelity 0, diversity 1. Only "
        "generated ones: fidelity 1, diversity 0. Others 0 in both; everything 1 when both are alike.",
        rounded,
        {
            "fidelity": Expected(((_WW, _WA),), values={_WW: 1.0, _AA: 1.0, _WA: 0.0, _AW: 1.0}),
            "diversity": Expected(((_AA, _AW),), values={_WW: 1.0, _AA: 1.0, _WA: 1.0, _AW: 0.0}),
            "any": Expected(((_WW, _WA), (_AA, _AW)), values={_WW: 1.0, _AA: 1.0, _WA: 0.0, _AW: 0.0}),
        },
    ),
)


# ---------------------------------------------------------------- scores, verdicts, pages


def scores(part: RealPart, fake: np.ndarray, null: float) -> dict[str, float]:
    """Every metric as a score; `null` is the sliced distance of real from real. NaN where a metric is not defined."""
    inputs = Inputs(part, fake, permutations=0)
    moved = transport.sliced_wasserstein(real=part.rows, fake=fake, projections=part.projections)
    equal = len(part) == len(fake)
    accuracy = (inputs.accuracies.real, inputs.accuracies.fake) if equal else (np.nan, np.nan)
    found = asdict(inputs.manifold) | {
        "energy_coefficient": 1 - inputs.energy_distance.h,
        "sliced_wasserstein": null / moved if moved > null else 1.0,
        "nn_accuracy_real": 1 - 2 * abs(accuracy[0] - 0.5),
        "nn_accuracy_fake": 1 - 2 * abs(accuracy[1] - 0.5),
    }
    return {name: found[name] for name in ROLES}


def taken(check: Check, d: int, n: int, seed: int) -> dict[str, dict[Level, float]]:
    """The scores of one seed, by metric and level."""
    found, last, part = defaultdict(dict), None, None
    for level, real, fake, again in check.samples(d, n, np.random.default_rng([seed, d])):
        mean, deviation = (real.mean(axis=0), real.std(axis=0)) if check.standardised else (0.0, 1.0)
        if real is not last:
            last, part = real, RealPart.of((real - mean) / deviation, seed=seed)
        nulls = [
            transport.sliced_wasserstein(
                real=part.rows, fake=(again() - mean) / deviation, projections=part.projections
            )
            for _ in range(NULLS)
        ]
        for name, score in scores(part, (fake - mean) / deviation, statistics.fmean(nulls)).items():
            found[name][level] = score
    return found


def judged(check: Check, d: int, n: int, seeds: int) -> dict[str, tuple[bool, bool]]:
    """(shape, bounds) of every metric, by the median score over seeds."""
    draws = [taken(check, d, n, seed) for seed in range(seeds)]
    verdicts = {}
    for name, role in ROLES.items():
        typical = {level: float(np.median([draw[name][level] for draw in draws])) for level in draws[0][name]}
        expected = check.expected[role]
        verdicts[name] = expected.shape(typical), expected.bounds(typical)
    return verdicts


Verdicts = Mapping[str, Mapping[int, Mapping[str, tuple[bool, bool]]]]


def matrix(verdicts: Verdicts) -> str:
    """The table of everything, by title of check, d and metric: a dot for every d, else the d that pass, if any."""
    lines = [
        "| check | | " + " | ".join(METRICS[name].title for name in ROLES) + " |",
        "|---" * (len(ROLES) + 2) + "|",
    ]
    always, sometimes = defaultdict(int), defaultdict(int)
    for title, by_d in verdicts.items():
        for which, criterion in enumerate(("shape", "bounds")):
            cells = []
            for name in ROLES:
                passed = [d for d, found in by_d.items() if found[name][which]]
                always[name] += len(passed) == len(by_d)
                sometimes[name] += bool(passed)
                cells.append("●" if len(passed) == len(by_d) else ", ".join(map(str, passed)))
            lines.append(f"| {title if which == 0 else ''} | {criterion} | " + " | ".join(cells) + " |")
    for said, counts in (("every d", always), ("some d", sometimes)):
        lines.append(
            f"| **passed of {2 * len(verdicts)}** | {said} | " + " | ".join(str(counts[m]) for m in ROLES) + " |"
        )
    return "\n".join(lines)


def rules() -> str:
    def dimensions(check: Check) -> str:
        return ", ".join(map(str, check.dimensions))

    lines = ["| check | d | what passes |", "|---|---|---|"]
    return "\n".join(lines + [f"| {check.title} | {dimensions(check)} | {check.rule} |" for check in CHECKS])


def replaced(page: str, text: str) -> str:
    """The page with `text` between its markers."""
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n{text}\n{END}", page, count=1, flags=re.DOTALL
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="draws of every sample; medians are judged")
    parser.add_argument("--n", type=int, default=N, help="samples of each kind")
    parser.add_argument("--write", action="store_true", help="put the table into docs/metrics.md")
    options = parser.parse_args()
    verdicts, started = {}, time.perf_counter()
    for check in CHECKS:
        verdicts[check.title] = {d: judged(check, d, options.n, options.seeds) for d in check.dimensions}
        print(f"{time.perf_counter() - started:6.1f} s  {check.title}", flush=True)
    table = matrix(verdicts)
    print(table)
    if options.write:
        about = f"n = {options.n:,}, medians over {options.seeds} seeds."
        text = f"{rules()}\n\n{about}\n\n{table}"
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
