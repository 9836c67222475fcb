"""Where MNIST lies for the benchmarks that need it."""

import os
from pathlib import Path


def folder() -> Path:
    """The folder GANOMETER_DATA. Ends the program with a sentence where it has no mnist.npz."""
    named = os.environ.get("GANOMETER_DATA")
    if not named or not (Path(named) / "mnist.npz").is_file():
        raise SystemExit(f"GANOMETER_DATA is {named!r}; set it to a folder with mnist.npz")
    return Path(named)
