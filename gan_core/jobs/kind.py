"""What a kind of job is: its name, its parameters, its handler, and how its answer is written and read.

A file of a kind ends with one declaration, and registry.py has its name:

    @dataclass(frozen=True)
    class LatentPlane(Parameters):
        size: Annotated[int, Meta(ge=5, le=25)] = 15

    def answer(context: JobContext, asked: LatentPlane) -> Arrays: ...

    KIND = JobKind("latent_plane", LatentPlane, answer, encode=encode_arrays, decode=decode_arrays, quick=True)

The page server imports these files to ask and to decode: what a handler needs of SciPy, Numba or TensorFlow is imported
inside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from gan_core.data.datasets import Dataset
from gan_core.records import GanometerError
from gan_core.store import Store, pack, unpack
from gan_core.validation import Invalid, checked

Arrays = Mapping[str, np.ndarray]
"""An answer of arrays by name: samples in storage form, distances between samples in measured form."""


@dataclass(frozen=True)
class Parameters:
    """What a job is asked with. The annotations of a kind's dataclass say what each value may be."""

    def conflicts(self) -> Iterable[str]:
        """A sentence for each problem of values that are allowed alone and not together."""
        return ()

    def named_runs(self) -> Iterable[str]:
        """The ids of the runs that the parameters name: whoever asks must be allowed to see each of them."""
        return ()

    def named_data(self) -> Iterable[str]:
        """The data sets that the parameters name: whoever asks must be allowed to use each of them."""
        return ()


P = TypeVar("P", bound=Parameters)
A = TypeVar("A")


@dataclass(frozen=True)
class JobContext:
    """What a handler works with: the store, the data sets by name, and the run and the step that are asked about.

    `progress` is told the share that is done, from 0 to 1; it raises `store.jobs.Cancelled` where nobody wants the
    answer any more. `threads`: how many distances may take, None for all.
    """

    store: Store
    dataset_named: Callable[[str], Dataset]
    run_id: str | None = None
    step: int | None = None
    progress: Callable[[float], None] = lambda share: None
    threads: int | None = None

    @property
    def run(self) -> str:
        """The id of the run that is asked about. Raises GanometerError where the job names none."""
        if self.run_id is None:
            raise GanometerError("this job is about a run and names none; give the id of a run")
        return self.run_id

    def dataset_of_run(self) -> Dataset:
        """The data set of the run. Raises UnknownRun, and DatasetError for data that are gone."""
        return self.dataset_named(self.store.runs.get(self.run).config.data.name)


@dataclass(frozen=True)
class JobKind(Generic[P, A]):
    """One kind of job. `of_run`: it is about a snapshot of a run; otherwise about a data set, or several runs.

    `without_rows` takes from an answer whatever shows real samples, for those who may see a run and not its data. A
    kind that has none tells them nothing.
    `quick`: it takes a few seconds at most, and does not wait for those that take longer.
    `of_networks`: it asks the networks of its run, so there is no answer for a run that keeps samples instead.
    """

    name: str
    parameters: type[P]
    answer: Callable[[JobContext, P], A]
    encode: Callable[[A], bytes]
    decode: Callable[[bytes], A]
    of_run: bool = True
    without_rows: Callable[[A], A] | None = None
    quick: bool = False
    of_networks: bool = False

    def read(self, values: Mapping[str, Any]) -> P:
        """The parameters from JSON that anybody may have written. Raises GanometerError naming all problems."""
        try:
            asked = checked(self.parameters, values, what=f"a parameter of a {self.name} job")
        except Invalid as error:
            raise GanometerError(str(error)) from None
        if problems := list(asked.conflicts()):
            raise GanometerError("; ".join(problems))
        return asked

    def written(self, asked: P) -> dict[str, Any]:
        """The parameters for JSON, without those that have their default: one request is always written alike.

        Raises GanometerError naming all problems.
        """
        fields = dataclasses.fields(self.parameters)
        found = self.read({field.name: getattr(asked, field.name) for field in fields})
        values = {field.name: (getattr(found, field.name), field.default) for field in fields}
        return {name: value for name, (value, default) in values.items() if value != default}


def only(*names: str) -> Callable[[Arrays], Arrays]:
    """For `without_rows`: of an answer no arrays but these, where it has them."""
    return lambda arrays: {name: arrays[name] for name in names if name in arrays}


def everything(answer: A) -> A:
    """For `without_rows`: an answer that shows no real samples."""
    return answer


def encode_arrays(arrays: Arrays) -> bytes:
    """The bytes of an .npz file."""
    return pack(**arrays)


def decode_arrays(data: bytes) -> Arrays:
    """The arrays of an .npz file; nothing is unpickled."""
    return unpack(data)
