"""A module run in a process of its own that may take only so much memory and time, and gets nothing of this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import psutil

from gan_core import machine

ROOT = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 0.05
"""How often the process is weighed. NumPy fills some 100 MB in that time."""
INHERITED = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Of this process's environment; the rest may hold passwords."""
SMALL_POOL = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""pyarrow's own pools keep what was freed."""
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Outcome = Literal["done", "memory", "time", "disk", "died", "unwanted"]


@dataclass(frozen=True)
class Bounds:
    """What a process may take: bytes of memory, and seconds from its start to its end."""

    memory: int
    seconds: float


def run_bounded(
    module: str,
    told: Mapping[str, Any],
    bounds: Bounds,
    *,
    wanted: Callable[[], bool],
    endings: Mapping[int, Outcome] = MappingProxyType({}),
) -> Outcome:
    """Run `python -m module`, and wait until it has ended, or end it at its bounds or when it is not `wanted` any more.

    It reads `told` and its bounds as JSON from standard input. Exit code 0 is "done"; `endings` says what others mean.
    """
    environ = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environ |= dict.fromkeys(ONE_THREAD, "1") | SMALL_POOL | {"PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ends = time.monotonic() + bounds.seconds
    meanings: dict[int, Outcome] = {-getattr(signal, "SIGXCPU", 0): "time", **endings, 0: "done"}
    try:
        process = psutil.Process(child.pid)
        machine.lower_priority(process)
        _tell(child, {**told, "memory": bounds.memory, "seconds": bounds.seconds})
        while True:
            try:
                code = child.wait(timeout=LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() > ends:
                    return "time"
                if not wanted():
                    return "unwanted"
                if _memory(process) > bounds.memory:
                    return "memory"
                continue
            return meanings.get(code, "died")
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:  # it has ended just now
        return 0


def _tell(child: subprocess.Popen[bytes], told: Mapping[str, Any]) -> None:
    assert child.stdin is not None
    try:
        with child.stdin as stdin:
            stdin.write(json.dumps(told).encode())
    except BrokenPipeError:
        pass  # it has died already: its exit code says so
