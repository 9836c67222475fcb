"""The measurement of every snapshot while a run trains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gan_core.codec import flatten
from gan_core.distances.inputs import KnownModes, RealPart
from gan_core.distances.report import measure
from gan_core.records import Reference, Report


class LiveMeasurement:
    """Measures samples against the same held-out rows `real` (n, d) every time; `part` is what depends on them alone.

    `find_reference` looks up real against real at n, which may be measured only while the run trains already.
    """

    def __init__(
        self,
        real: np.ndarray,
        part: RealPart,
        modes: KnownModes | None,
        find_reference: Callable[[], Reference | None],
    ):
        self._real, self._part, self._modes = real, part, modes
        self._find_reference = find_reference
        self._reference: Reference | None = None

    def report(self, fake: np.ndarray) -> Report:
        """The live panel of generated samples (n, *shape) in measured form."""
        self._reference = self._reference or self._find_reference()
        return measure(
            real=self._real,
            fake=flatten(fake),
            reference=self._reference,
            modes=self._modes,
            real_part=self._part,
        )
