"""Energy distance: twice the mean distance between real and fake, minus what each set has within itself.

The mean distance between real and fake alone is not a distance between distributions: a generator that always
shows the average image scores better than real samples do. Subtracting the two within-set means repairs it
(Székely & Rizzo 2004, 2013): D² = 2E|X-Y| - E|X-X'| - E|Y-Y'| is 0 exactly when both distributions are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan_core.distances import pairwise
from gan_core.records import MeasureError


@dataclass(frozen=True)
class EnergyDistance:
    """The three mean distances between n real and m fake samples, and what follows from them.

    `rr` and `ff` are means over different rows (U-statistics), `rf` over all n·m pairs; all d**exponent.
    """

    n: int
    m: int
    rr: float
    ff: float
    rf: float
    exponent: float = 1.0

    @property
    def u(self) -> float:
        """The unbiased estimate of D²: 0 on average when the distributions are equal, so it can be negative."""
        return 2 * self.rf - self.rr - self.ff

    @property
    def v(self) -> float:
        """The estimate with zero self-distances in the means: never negative, (1/n + 1/m)·E|X-X'| at equality."""
        rr, ff = self.rr * (self.n - 1) / self.n, self.ff * (self.m - 1) / self.m
        return max(2 * self.rf - rr - ff, 0.0)  # two equal sets may round to just below 0

    @property
    def h(self) -> float:
        """The coefficient of inhomogeneity V / (2 rf), in [0, 1] and free of units; 0 when all samples are equal."""
        return self.v / (2 * self.rf) if self.rf else 0.0

    @property
    def t(self) -> float:
        """The two-sample test statistic nm/(n+m)·V (Székely & Rizzo 2004)."""
        return self.n * self.m / (self.n + self.m) * self.v

    def as_metrics(self) -> dict[str, float]:
        """The numbers by the names reports use."""
        return {
            "mean_real_real": self.rr,
            "mean_fake_fake": self.ff,
            "mean_real_fake": self.rf,
            "energy_distance": self.u,
            "energy_coefficient": self.h,
        }


def energy(*, real, fake, exponent: float = 1.0, real_within: pairwise.Moments | None = None) -> EnergyDistance:
    """Energy distance between `real` (n, ...) and `fake` (m, ...), n, m >= 2, in units of d**exponent.

    `real_within` is `pairwise.within(real, exponent=exponent)` when it is known already.
    Raises MeasureError for unusable arrays, an exponent outside (0, 2), or a real_within of other data.
    """
    if not 0 < exponent < 2:
        raise MeasureError(
            f"exponent is {exponent}; choose one above 0 and below 2, "
            "because at 2 the energy distance compares only the means"
        )
    real, fake = pairwise.pair(real=real, fake=fake)
    n, m = len(real), len(fake)
    if real_within is None:
        real_within = pairwise.within(real, exponent=exponent)
    if (real_within.pairs, real_within.exponent) != (n * (n - 1) // 2, exponent):
        raise MeasureError(
            f"real_within holds {real_within.pairs} pairs at exponent {real_within.exponent}, which is not "
            f"{n} real samples at exponent {exponent}; compute it from the same rows"
        )
    ff = pairwise.within(fake, exponent=exponent)
    rf = pairwise.across(real=real, fake=fake, exponent=exponent)
    return EnergyDistance(n, m, real_within.mean, ff.mean, rf.mean, exponent)
