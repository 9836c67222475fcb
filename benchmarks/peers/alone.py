"""One measurement in a process of its own: python -m benchmarks.peers.alone MODULE.FUNCTION FOLDER

FOLDER holds real.npy and fake.npy. The function gets both and the folder, does what is not to be timed, and returns
the call that is. A first round with few rows compiles, loads libraries and starts threads. Prints one JSON value.
Linux only: the peak of memory is asked of /proc, because getrusage cannot forget what came before.
"""

import contextlib
import importlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from gan_core.distances.pairwise import EXACT_UP_TO

FEW = EXACT_UP_TO + 100
"""Rows of the first round: of the same precision as a large one."""


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    module, _, function = name.rpartition(".")
    subject = getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)
    real, fake = (np.load(folder / f"{which}.npy") for which in ("real", "fake"))
    with contextlib.redirect_stdout(sys.stderr):  # prdc greets
        begun = time.perf_counter()
        subject(real[:FEW], fake[:FEW], folder)()
        first = time.perf_counter() - begun
        work = subject(real, fake, folder)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = memory("VmRSS")
        begun, spent = time.perf_counter(), time.process_time()
        numbers = work()
        seconds, busy = time.perf_counter() - begun, time.process_time() - spent
        extra = memory("VmHWM") - before
    found = {"seconds": seconds, "cpu_seconds": busy, "megabytes": extra / 1e6, "first_use": first, "numbers": numbers}
    print(json.dumps(found))


def memory(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field + ":"))


if __name__ == "__main__":
    main()
