"""Ganometer's engine: train a GAN, and measure with Euclidean distance how far its samples are from real ones.

The public door. `__init__.pyi` lists its names, for editors and for type checkers; each is loaded on first use
(PEP 562), so importing this package costs the standard library and nothing else. TensorFlow is loaded only where a
generator runs.
"""

import lazy_loader

__version__ = "0.2.0.dev0"

_load, _, _listed = lazy_loader.attach_stub(__name__, __file__)

# Names of the door that differ from those in their modules: `lazy_loader` reads no `import x as y` in the stub.
_ALIASES = {
    "settings_from_environment": "from_environment",
    "flatten_config": "flatten",
    "describe_setting": "describe",
    "setting_type": "kind_of",
    "encoded_query": "encoded",
    "report_to_json": "to_json",
    "group_runs": "groups",
    "settings_diff": "diff",
}
__all__ = sorted({*_listed} - {*_ALIASES.values()} | {*_ALIASES})


def __getattr__(name: str):
    return _load(_ALIASES.get(name, name))


def __dir__():
    return [*__all__, "__version__"]
