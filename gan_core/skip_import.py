"""Imports as if another library were not there, for those that take it along wherever it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def skipped(library: str) -> Iterator[None]:
    """Whoever imports `library` in here finds none; afterwards all is as before. Where it is loaded already, it stays.

    scikit-learn and Keras import pandas, to which nobody in a worker hands a table: 70 MB and a quarter of a second.
    """
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None
    try:
        yield
    finally:
        del sys.modules[library]
