"""Work dealt out to threads of our own, while BLAS keeps to one thread for each of them; and how to interrupt it."""

# threadpoolctl has no type stubs, so pyright knows only a part of its types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Literal, TypeVar

from threadpoolctl import OpenBLASController, ThreadpoolController

Task = TypeVar("Task")
Result = TypeVar("Result")


_look: ContextVar[Callable[[], object]] = ContextVar("look", default=lambda: None)


@contextmanager
def interrupted_by(look: Callable[[], object]) -> Generator[None]:
    """What this thread has computed inside calls `look` before each task: what it raises ends the computation. It has
    to raise again at every later call, since several threads may be at work.

    Tasks take a fraction of a second each, so even what computes for minutes between two reports of progress ends soon.
    """
    before = _look.set(look)
    try:
        yield
    finally:
        _look.reset(before)


def look() -> Callable[[], object]:
    """What `interrupted_by` has been given around this call; it may be called from any thread."""
    return _look.get()


def in_threads(work: Callable[[Task], Result], tasks: Sequence[Task], threads: int | None = None) -> list[Result]:
    """[work(task), ...] in order, by so many threads at once (all cores unless given), each with BLAS to itself."""
    look_first = look()

    def looked(task: Task) -> Result:
        look_first()
        return work(task)

    with one_blas_thread, ThreadPoolExecutor(workers(len(tasks), threads)) as pool:
        return list(pool.map(looked, tasks))


def workers(tasks: int, threads: int | None) -> int:
    """How many threads so many tasks are dealt out to: at most `threads`, or as many as there are cores."""
    return max(1, min(threads or os.cpu_count() or 1, tasks))


class OneBlasThread:
    """While anybody is inside, BLAS uses one thread: several inside each of our own threads would only fight.

    The first one in sets the limit and the last one out takes it back, so two measurements at once cannot leave it
    wrong. BLAS has one number of threads for the whole process; hence there is one such object, `one_blas_thread`.
    threadpoolctl lets only the thread set it that has set it first, and ignores all others: we count ourselves, so the
    word of whichever thread is the first one in, or the last one out, has to hold.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                OpenBLASController.clear_controlling_thread(force=True)
                self._limit = _libraries("blas", len(sys.modules)).limit(limits=1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                OpenBLASController.clear_controlling_thread(force=True)
                self._limit.restore_original_limits()
                OpenBLASController.clear_controlling_thread(force=True)


@lru_cache(maxsize=2)
def _libraries(api: Literal["blas", "openmp"], modules: int) -> ThreadpoolController:
    """The libraries of this process, looked for when there are more modules than before: that takes milliseconds, as
    long as a small pass. Only those of one kind, since the end of a limit sets back every library it knows."""
    return ThreadpoolController().select(user_api=api)


one_blas_thread = OneBlasThread()


@contextmanager
def one_thread() -> Generator[None]:
    """BLAS and OpenMP (of scikit-learn) keep to one thread: several would add up in an order that changes.

    OpenMP has a number of threads for each thread that calls it, so here nobody disturbs anybody.
    """
    with one_blas_thread, _libraries("openmp", len(sys.modules)).limit(limits=1):
        yield
