"""The command line: the same code as the app's, without a browser.

python -m gan_core train --data digits --steps 2000

An installed package has it as the command `ganometer`, too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def _prefer_wide_kernels() -> None:
    """OpenBLAS may take a new processor for an old one and run at half speed; said before NumPy is loaded.

    195 -> 356 GFLOP/s measured on a processor with AVX-512. Elsewhere, and where somebody chose, nothing is changed.
    """
    try:
        with open("/proc/cpuinfo") as about:
            flags = next((line for line in about if line.startswith("flags")), "").split()
    except OSError:
        return
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags):
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")


def _keep_compiled_loops() -> None:
    """Numba compiles the loops of the distances once, and keeps them where the runs are; said before it is loaded."""
    try:
        home = Path(os.environ.get("GANOMETER_HOME") or "~/.ganometer").expanduser().resolve()
    except (OSError, RuntimeError):  # gan_core.settings says what is wrong with it
        return
    os.environ.setdefault("NUMBA_CACHE_DIR", str(home / "numba"))


def main() -> int:
    """Run the command line of this process; returns its exit code."""
    _prefer_wide_kernels()
    _keep_compiled_loops()

    from gan_core.skip_import import skipped

    with skipped("pandas"):
        from gan_core.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
