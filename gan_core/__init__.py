"""Ganometer's engine: train a GAN, and measure with Euclidean distance how far its samples are from real ones.

The public door. `__init__.pyi` lists its names, for editors and for type checkers; each is loaded on first use
(PEP 562), so importing this package costs the standard library and nothing else. TensorFlow is loaded only where a
generator runs.
"""

import lazy_loader

__version__ = "0.2.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
