"""Every kind of job there is. A new one is a file in this folder, with its KIND, and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gan_core.data.datasets import Dataset
from gan_core.jobs.kind import JobContext, JobKind, Parameters
from gan_core.records import GanometerError, Job
from gan_core.store import Store

NAMES = (
    "sample",
    "neighbours",
    "measure",
    "reference",
    "corruptions",
    "surface",
    "compare",
    "browse",
    "sample_detail",
    "latent_walk",
    "latent_plane",
    "projection",
    "export",
)
"""A kind has the name of its file."""


@cache
def kinds() -> Mapping[str, JobKind[Any, Any]]:
    """Every kind by its name."""
    found = [importlib.import_module(f"gan_core.jobs.{name}").KIND for name in NAMES]
    return {kind.name: kind for kind in found}


def kind_named(name: str) -> JobKind[Any, Any]:
    """Raises GanometerError for a name that no kind has (any more)."""
    if name not in NAMES:
        raise GanometerError(f"{name!r} is no kind of job; choose one of {', '.join(NAMES)}")
    return kinds()[name]


def kind_of(asked: Parameters) -> JobKind[Any, Any]:
    """The kind of job that takes these parameters."""
    return next(kind for kind in kinds().values() if kind.parameters is type(asked))


def quick_kinds() -> tuple[str, ...]:
    """The kinds that do not wait for those that take longer."""
    return tuple(kind.name for kind in kinds().values() if kind.quick)


def request(
    store: Store,
    asked: Parameters,
    *,
    run_id: str | None = None,
    step: int | None = None,
    retry: bool = False,
    owner: str | None = None,
    allow: Callable[[int], None] = lambda unanswered: None,
) -> int:
    """Ask for a job; returns its id, the same one for the same request. `retry` asks anew for one that has failed, or
    was cancelled. `owner` and `allow` are those of `store.jobs.request`.

    Raises GanometerError naming all that is wrong with the parameters, and UnknownRun.
    """
    kind = kind_of(asked)
    _check_run(kind, run_id)
    params = kind.written(asked)
    return store.jobs.request(kind.name, run_id=run_id, step=step, params=params, retry=retry, owner=owner, allow=allow)


def answer(
    store: Store,
    job: Job,
    dataset_named: Callable[[str], Dataset],
    progress: Callable[[float], None] = lambda share: None,
    threads: int | None = None,
) -> bytes:
    """The bytes that answer a job. Raises GanometerError with the reason where it cannot be answered."""
    kind = kind_named(job.kind)
    _check_run(kind, job.run_id)
    context = JobContext(store, dataset_named, job.run_id, job.step, progress, threads)
    return kind.encode(kind.answer(context, kind.read(job.params)))


def asked(job: Job) -> Any:
    """The parameters that a job was asked with, as the dataclass of its kind. Raises GanometerError."""
    return kind_named(job.kind).read(job.params)


def decoded(job: Job) -> Any:
    """The answer of a job that is done, as its kind decodes it; without real samples for who may not see them.

    Raises GanometerError where there is none.
    """
    if job.result is None:
        raise GanometerError("this answer has been deleted, or is not there yet: ask again")
    kind = kind_named(job.kind)
    if not job.data_hidden:
        return kind.decode(job.result)
    if kind.without_rows is None:
        raise GanometerError(f"a {job.kind} job shows real samples, and the data of its run are private")
    return kind.without_rows(kind.decode(job.result))


def _check_run(kind: JobKind[Any, Any], run_id: str | None) -> None:
    if kind.of_run and run_id is None:
        raise GanometerError(f"a {kind.name} job is about a run and names none; give the id of a run")
