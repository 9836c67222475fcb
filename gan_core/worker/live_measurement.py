"""The measurement of every snapshot while a run trains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gan_core.codec import flatten
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import measure
from gan_core.records import Modes, Reference, Report


class LiveMeasurement:
    """Measures samples against the same held-out rows every time: `part`, with what depends on them alone.

    `find_reference` looks up real against real at n, which may be measured only while the run trains already.
    """

    def __init__(
        self,
        part: RealPart,
        modes: Modes | None,
        find_reference: Callable[[], Reference | None],
    ):
        self._part, self._modes = part, modes
        self._find_reference = find_reference
        self._reference: Reference | None = None

    def report(self, fake: np.ndarray) -> Report:
        """The live panel of generated samples (n, *shape) in measured form."""
        self._reference = self._reference or self._find_reference()
        return measure(
            real=self._part,
            fake=flatten(fake),
            reference=self._reference,
            modes=self._modes,
        )
