"""Measures the newest samples in a thread of its own, so seldom that the training hardly notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

SHARE, CREDIT = 0.02, 0.5
"""Of the time that goes by so much goes into measurements, at most, and so many seconds more: at the beginning of a
training, when most changes, the first ones come close after each other."""


class PacedMeasurement:
    """Hands samples to `measure(step, samples)`, one step after the other; samples that come before the last ones are
    measured replace those that wait.

    `tell(error)` is told what goes wrong in a measurement.
    """

    def __init__(
        self,
        measure: Callable[[int, np.ndarray], None],
        tell: Callable[[Exception], None],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._measure, self._tell, self._clock = measure, tell, clock
        self._change = threading.Condition()
        self._waiting: tuple[int, np.ndarray] | None = None
        self._busy, self._closing = False, False
        self._begun, self._spent = clock(), 0.0
        self._thread = threading.Thread(target=self._measure_forever, name="ganometer-measure", daemon=True)
        self._thread.start()

    def wanted(self) -> bool:
        """Whether samples that come now would be measured at once."""
        with self._change:
            return self._waiting is None and not self._busy and self._seconds_left() <= 0

    def put(self, step: int, samples: np.ndarray) -> None:
        """Have these samples measured when it is time."""
        with self._change:
            self._waiting = step, samples
            self._change.notify_all()

    def close(self) -> None:
        """Measure what still waits, and end."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join()

    def _measure_forever(self) -> None:
        while (found := self._take()) is not None:
            begun = self._clock()
            try:
                self._measure(*found)
            except Exception as error:  # whatever it is: the training goes on, and so do later measurements
                self._tell(error)
            with self._change:
                self._busy = False
                self._spent += self._clock() - begun

    def _take(self) -> tuple[int, np.ndarray] | None:
        """The samples whose turn it is, once it is; None when there will be none any more."""
        with self._change:
            while True:
                left = self._seconds_left()
                if self._waiting is not None and (self._closing or left <= 0):
                    self._busy, found, self._waiting = True, self._waiting, None
                    return found
                if self._closing:
                    return None
                self._change.wait(left if self._waiting is not None and left > 0 else None)

    def _seconds_left(self) -> float:
        """How long until there may be another measurement; 0 or less: now."""
        return (self._spent - CREDIT) / SHARE - (self._clock() - self._begun)
