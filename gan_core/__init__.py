"""Ganometer's engine: train a GAN, and measure with Euclidean distance how far its samples are from real ones.

The public door. Names are loaded on first use (PEP 562), so importing this package costs the standard
library and nothing else; TensorFlow is loaded only where a generator runs.
"""

import importlib

_HOME = {
    "RunConfig": "config",
    "ConfigError": "config",
    "PRESETS": "config",
    "preset": "config",
    "override": "config",
    "Lab": "lab",
    "Store": "store",
    "GanometerError": "records",
    "Dataset": "datasets",
    "measure": "distances.report",
}

__all__ = [*_HOME]
__version__ = "0.1.0"


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *_HOME])
