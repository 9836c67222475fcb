"""The command line: reads options, calls the service and prints.

Imports the service, configurations, records and the public door. Only `python -m gan_core` imports it.
"""

from gan_core.cli.commands import main

__all__ = ["main"]
