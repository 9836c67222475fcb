"""Importing a library without one of its optional dependencies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def skipped(library: str) -> Iterator[None]:
    """Within this context `import library` fails as if it were not installed, unless it has been imported before.

    scikit-learn and Keras import pandas if they can, and a worker never uses it: that saves 70 MB and a quarter of a
    second.
    """
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # pyright: ignore[reportArgumentType]  (documented: the import then fails)
    try:
        yield
    finally:
        del sys.modules[library]
