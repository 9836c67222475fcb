"""Serves the app with Streamlit, from a checkout or from an installed package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ROOT / "ganometer" / "app.py"
APP = INSTALLED if INSTALLED.exists() else ROOT / "app.py"
"""Home's script. In a checkout it lies beside gan_core; a wheel puts the pages into a folder of their own.

Streamlit reads `.streamlit/config.toml` beside this script, whatever the current folder is.
"""


def serve(options: Sequence[str] = (), *, port: int | None = None, store: str | None = None) -> int:
    """Serve the app until it is ended; where the system can, Streamlit takes the place of this process.

    `options` are handed to `streamlit run` as they are, for example ["--server.address", "0.0.0.0"]. `store` is a
    database URL. Returns Streamlit's exit code.
    """
    chosen = [] if port is None else ["--server.port", str(port)]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *chosen, *options]
    # The URL may hold a password: it travels in the environment, not in the list of processes.
    environ = os.environ | ({"GANOMETER_STORE": store} if store else {})
    if os.name == "posix":
        os.execve(sys.executable, command, environ)
    return subprocess.call(command, env=environ)
