"""Work dealt out to threads of our own, while BLAS keeps to one thread for each of them."""

# threadpoolctl has no type stubs, so pyright knows only a part of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_threads(work: Callable[[Task], Result], tasks: Sequence[Task], threads: int | None = None) -> list[Result]:
    """[work(task), ...] in order, by so many threads at once (all cores unless given), each with BLAS to itself."""
    with one_blas_thread, ThreadPoolExecutor(workers(len(tasks), threads)) as pool:
        return list(pool.map(work, tasks))


def workers(tasks: int, threads: int | None) -> int:
    """How many threads so many tasks are dealt out to: at most `threads`, or as many as there are cores."""
    return max(1, min(threads or os.cpu_count() or 1, tasks))


class OneBlasThread:
    """While anybody is inside, BLAS uses one thread: several inside each of our own threads would only fight.

    The first one in sets the limit and the last one out takes it back, so two measurements at once cannot leave it
    wrong. BLAS has one number of threads for the whole process; hence there is one such object, `one_blas_thread`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    @cached_property
    def _libraries(self) -> ThreadpoolController:
        """The BLAS libraries of this process, looked for once: that takes milliseconds, as long as a small pass."""
        return ThreadpoolController()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limit = self._libraries.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()


one_blas_thread = OneBlasThread()
