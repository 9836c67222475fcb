"""Frozen values that wings hand each other: the store, the jobs, the worker, the pages and the command line.

Samples have one convention everywhere. Images are (n, h, w, c): uint8 in storage, float32 in [0, 1]
wherever they are computed with. Points are (n, d) in the data's own units, float32 for networks; a data set keeps
them in float64 where float32 would lose digits, and everything is measured in the precision it came in.

Times are seconds since 1970 by the database's clock, durations are seconds, sizes are bytes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from gan_core.arrays import Array, Floats, Ints
from gan_core.config.run_config import RunConfig
from gan_core.validation import Count, Invalid, Text, checked

State = Literal["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"]
RunKind = Literal["trained", "followed", "samples"]
"""Where a run's samples come from: from networks that were trained here, from somebody's own training code that was
followed, or from a file that was measured."""
Panel = Literal["live", "full"]
"""Which metrics a report holds: `live` those quick enough to follow a training, `full` all of them."""
Direction = Literal["lower", "higher", "target", "diagnostic"]
"""Which values of a metric are better; `target`: those near its ideal, `diagnostic`: it is no score."""
VerdictKind = Literal["like_real", "nearly", "far_off", "collapsed", "copies", "cannot_tell"]
"""What a measurement says of the generated samples as a whole."""
ACTIVE: tuple[str, ...] = ("queued", "running", "paused")
"""States in which a run still needs a worker."""
MOST_SAMPLES = 10_000
"""Samples of one answer, and of one step of a run that keeps samples instead of weights, at most."""
SNAPSHOT_SAMPLES = 64
"""The fixed latents of every run, whose samples make up its snapshots; a data set's preview has as many real rows."""


class GanometerError(Exception):
    """What went wrong, in one sentence: cause, value, remedy. Pages and the command line show it as it is."""


class StoreError(GanometerError):
    """The database cannot be used as asked. `reason` is the database's own, without the name of the store."""

    def __init__(self, sentence: str, reason: str = ""):
        super().__init__(sentence)
        self.reason = reason or sentence


class UnknownRun(GanometerError):
    """No run has this id."""


class Unreadable(GanometerError):
    """What the store holds is not what this version writes: it was damaged, or written by another version."""


class DatasetError(GanometerError):
    """A data set cannot be found, read or used."""


class BundleError(GanometerError):
    """A run bundle is not what it claims to be."""


class MeasureError(GanometerError):
    """Two arrays cannot be measured against each other."""


@dataclass(frozen=True)
class RunInfo:
    """One run as listings show it.

    `step` of `total_steps` is the last one committed, `seconds` the time trained up to it. `created`, `started` and
    `ended` are times. `position` (from 1) is the place of a queued run. `heartbeat_age` is the number of seconds since
    the worker's last heartbeat, `at_risk` the seconds of training that a crash may cost. `version` grows with each
    change of the row. `parent_id` and `parent_step` say which snapshot a fork started from; an imported one may know
    its parent's step alone. `claim_no` counts the workers that have taken the run. `versions`: the libraries it was
    trained with. `error`: why it failed, stopped or was interrupted; of a run that is being trained, why nothing of it
    can be written at this moment. `data_hidden`: whoever asked may see the run, and not the real samples of its data.
    `kind`: whose networks it is of; of a run that was not trained here `worker` is the process that writes it.
    """

    id: str
    name: str
    config: RunConfig
    state: State
    step: int
    total_steps: int
    version: int
    owner: str
    created: float
    started: float | None
    ended: float | None
    seconds: float
    steps_per_second: float | None
    phase: str
    dataset: str | None
    worker: str | None
    heartbeat_age: float | None
    threads: int | None
    versions: Mapping[str, str]
    error: str | None
    claim_no: int = 0
    position: int | None = None
    parent_id: str | None = None
    parent_step: int | None = None
    at_risk: float | None = None
    published: bool = False
    tags: tuple[str, ...] = ()
    data_hidden: bool = False
    kind: RunKind = "trained"

    @property
    def trained_here(self) -> bool:
        """Whether this program trains, or trained, the run's networks. Of any other run there are samples, and of its
        `config` only the data, the seed and `recording.rows` mean something.
        """
        return self.kind == "trained"

    @property
    def active(self) -> bool:
        """Whether the run still needs a worker."""
        return self.state in ACTIVE

    @property
    def progress(self) -> float:
        """The share of the steps that are done, in [0, 1]; 0 where there are none to do."""
        return self.step / self.total_steps if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """What the remaining steps take at the current speed; None when nothing trains, or the speed or the number of
        steps is not known."""
        if not self.steps_per_second or self.state not in ("running", "paused"):
            return None
        if not self.trained_here and self.step >= self.total_steps:
            return None
        return (self.total_steps - self.step) / self.steps_per_second


@dataclass(frozen=True)
class UnreadableRun:
    """A run whose row in the store is not what this version writes; `why` says in a sentence what is wrong with it.

    Of the others what can be read: `created` is None, and the texts are empty, where they cannot.
    """

    id: str
    name: str
    owner: str
    created: float | None
    why: str


@dataclass(frozen=True)
class History:
    """Numeric curves of a run: for each name, (steps, values) as two float64 arrays of one length."""

    curves: Mapping[str, tuple[Floats, Floats]]

    def last(self, name: str) -> float | None:
        """The newest value of a curve; None when there is no such curve or it is empty."""
        _, values = self.curves.get(name, _NO_CURVE)
        return float(values[-1]) if len(values) else None

    def continued(self, later: History, step: int) -> History:
        """The curves of a fork from its parent's start: these up to and with `step`, then `later`'s beyond it.

        A curve that only `later` has is taken whole.
        """
        curves = dict(later.curves)
        for name, (steps, values) in self.curves.items():
            later_steps, later_values = later.curves.get(name, _NO_CURVE)
            early, new = steps <= step, later_steps > step
            curves[name] = (
                np.concatenate([steps[early], later_steps[new]]),
                np.concatenate([values[early], later_values[new]]),
            )
        return History(curves)


_NO_CURVE = (np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Snapshot:
    """What the generator made of the run's fixed latents at a step: uint8 images (n, h, w, c) or float32 points."""

    run_id: str
    step: int
    samples: Array


@dataclass(frozen=True)
class Preview:
    """What a run's networks make at this moment, of the latents of its snapshots; it is replaced every second or so.

    `edits` is how many changes of settings came before `step`, so that the weights have been trained with them.
    `samples` are those of the averaged generator and `raw` those of the generator itself, both (64, *shape) in storage
    form. For points in the plane `game` holds the arrays of `engine.surface.compute`, of the step `game_step`; it is
    made less often, and None until then.
    """

    run_id: str
    step: int
    edits: int
    samples: Array
    raw: Array
    game: Mapping[str, Array] | None = None
    game_step: int | None = None


UPLOAD = "upload-"
"""How the names of people's own data sets begin; the hash of the content follows."""


def upload_name(sha256: str) -> str:
    """What a person's own data set is called: the name says what is in it, so nothing else can have it."""
    return f"{UPLOAD}{sha256}"


def short_data_name(name: str) -> str:
    """The name of a data set for a sentence: of an upload's hash only the beginning."""
    return name[: len(UPLOAD) + 10] if name.startswith(UPLOAD) else name


LONGEST_DATA_NAME = 40
"""Characters of what a class or a column is called."""
_DataName = Annotated[
    str,
    Meta(
        pattern=rf"\A[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{{0,{LONGEST_DATA_NAME}}}\Z",
        description=f"expected one line of at most {LONGEST_DATA_NAME} characters that can be shown",
    ),
]


@dataclass(frozen=True)
class DataNames:
    """What the classes and the columns of a data set are called, in the order of their numbers.

    `classes` are the names of class 0, class 1 and so on, `columns` those of the coordinates of points. A name that is
    empty, or lacking, is none.
    """

    classes: Annotated[tuple[_DataName, ...], Meta(max_length=100, title="names of classes")] = ()
    columns: Annotated[tuple[_DataName, ...], Meta(max_length=32, title="names of columns")] = ()


NO_NAMES = DataNames()


@dataclass(frozen=True)
class DatasetInfo:
    """A data set as pages see it; `shape` is one sample's, `parts` the number of rows of train, holdout and test.

    `preview` holds up to 64 test rows in storage form, points in float32, and `labels` (n,) theirs. Where the rows may
    not be seen, the preview is empty, and `labels` are the classes. `owners` have brought an upload: {name: whether
    this one has published it}. `names` are what its classes and columns are called.
    """

    name: str
    sha256: str
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    parts: Mapping[str, int]
    preview: Array
    labels: Ints
    owners: Mapping[str, bool] = field(default_factory=dict[str, bool])
    names: DataNames = NO_NAMES

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels of the preview, ascending; all there are, unless they are more than the rows it holds."""
        return tuple(int(label) for label in np.unique(self.labels))

    def class_name(self, label: int) -> str:
        """What a class is called everywhere: its name, or else its label.

        Labels are those of the data. Where they are made here the first is 0, as that of MNIST, and so the modes of
        2-D data, whose labels they are, are counted from 0 too.
        """
        names = self.names.classes
        return (names[label] if 0 <= label < len(names) else "") or str(label)

    def label_of(self, text: str) -> int | None:
        """The label of the class that is called so, by its name or its label; None where there is none."""
        by_name = {self.class_name(label): label for label in self.classes}
        return ({str(label): label for label in self.classes} | by_name).get(text)

    def column_name(self, place: int) -> str:
        """What a coordinate is called, the first at `place` 0: its name, or else x1, x2 ..."""
        names = self.names.columns
        return (names[place] if place < len(names) else "") or f"x{place + 1}"

    @property
    def published(self) -> bool:
        """Whether one of the owners has published the data."""
        return any(self.owners.values())

    @property
    def rows_hidden(self) -> bool:
        """Whether there are no real samples to be shown."""
        return not len(self.preview)

    def without_rows(self) -> DatasetInfo:
        """The same data set without a single row of it, and without names: its shape, its parts and its classes."""
        return dataclasses.replace(self, preview=self.preview[:0], labels=np.unique(self.labels), names=NO_NAMES)


@dataclass(frozen=True, eq=False)
class Modes:
    """The equal Gaussians that some 2-D data are drawn from, all equally likely.

    `centres` (K, d) in the data's units, float64, and `std`, the standard deviation along every axis.
    """

    centres: Floats
    std: float


@dataclass(frozen=True)
class Command:
    """A command to a run: pause, resume, stop, step (n steps, then pause) or set (live hyperparameters).

    `payload` holds what the kind needs, `by` says who sent it, and `created` when.
    """

    id: int
    run_id: str
    kind: str
    payload: Mapping[str, Any]
    by: str
    created: float


@dataclass(frozen=True)
class Event:
    """One entry of a run's event log: what happened at which step and time, by kind, with what belongs to it."""

    step: int
    time: float
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """A request to the worker other than training: of which kind, about which run and step, with which parameters.

    `progress` is the share that is done, in [0, 1]. `result` holds the bytes of the answer once `state` is done, and
    `error` says why there is none once it is failed. `data_hidden` is that of its run: whoever asked sees of the answer
    what shows no real samples. `cancellable` says that it is long and that the visitor who is
    shown it may cancel it.
    """

    id: int
    kind: str
    run_id: str | None
    step: int | None
    params: Mapping[str, Any]
    state: Literal["waiting", "working", "done", "failed", "cancelled"]
    progress: float
    error: str | None
    result: bytes | None = None
    data_hidden: bool = False
    cancellable: bool = False


FOLLOWS = "follows"
"""How the phase of a program begins that logs a training of its own."""
LOSS_CURVE, METRIC_CURVE = "loss/", "metric/"
"""How the curves of a training that was followed begin; the name that its program gave them comes after it."""
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax")
"""Libraries that train networks, by the names under which a run keeps their versions."""


@dataclass(frozen=True)
class WorkerInfo:
    """A process that trains runs and answers jobs.

    `age` is the number of seconds since its last heartbeat, and `alive` says whether that is recent, both by the
    database's clock. `heartbeat` is the time of that heartbeat, and `memory` what the process occupies, in bytes.
    """

    id: str
    host: str
    pid: int
    phase: str
    alive: bool
    age: float
    memory: int
    versions: Mapping[str, str]
    error: str | None
    heartbeat: float = 0.0

    @property
    def follows(self) -> bool:
        """Whether this is a program that only writes what it trains itself: it takes no run and answers no job."""
        return self.phase.startswith(FOLLOWS)


@dataclass(frozen=True)
class MetricResult:
    """One number beside what two sets of real samples give at the same n (`reference_mean` and `reference_sd`).

    `value` is None when an input is missing, and `needs` then names it. `z` is (value - mean) / sd, and `p` the
    p-value of the metric's own test. `ideal` is the value of a perfect generator, if it is known. `seconds` is what
    the pass took that gave the number; metrics of one pass share it. `parameters` are the settings it depends on.
    `verdict` is one sentence on it.
    """

    name: Text
    value: float | None
    reference_mean: float | None = None
    reference_sd: float | None = None
    z: float | None = None
    p: float | None = None
    direction: Direction = "diagnostic"
    ideal: float | None = None
    seconds: float = 0.0
    needs: Text | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    verdict: Text = ""


@dataclass(frozen=True)
class Histogram:
    """How often each distance occurs: `edges` (b+1,) in the data's units, and three densities (b,).

    Each density integrates to 1: between real samples, between generated ones, and from real to generated.
    """

    edges: tuple[float, ...]
    real_real: tuple[float, ...]
    fake_fake: tuple[float, ...]
    real_fake: tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """Calibration of real against real at n: for every metric its (mean, sd) over `draws` pairs of real sample sets.

    `k`: neighbours of the k-NN metrics. `overlap`: the draws share rows, so the sds are a little too small.
    `bandwidth`: the median distance of the fixed real rows, the scale of the RBF kernel. `version`: of the metrics'
    definitions.
    """

    n: Count
    draws: Count
    seed: Count
    metrics: Mapping[str, tuple[float, float]]
    overlap: bool = False
    k: Count = 5
    panel: Panel = "live"
    bandwidth: float | None = None
    version: Count = 1


@dataclass(frozen=True)
class FeatureSpace:
    """A feature space that was learned from one data set: the classifier's weights as bytes.

    `dataset` is the hash of the data, `accuracy` the share of held-out samples the classifier labels correctly.
    """

    dataset: str
    space: str
    weights: bytes
    accuracy: float
    sha256: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """Every metric of one set of generated samples against one set of real ones.

    `status`: `diverged` when samples hold NaN or infinity, and then nothing is measured; `collapsed` when all are the
    same. `k`: neighbours of the k-NN metrics. `space`: the feature space. `version`: of the metrics' definitions.
    `details` holds what is more than a number, by name: `nearest` (quantiles of nearest distances), `prd` (a curve),
    `modes`, `classes`, `copies`, `direction` (along which real and generated differ most) and `parzen` (the
    log-likelihood of generated, real and k-means samples).
    """

    status: Literal["measured", "diverged", "collapsed"]
    n_real: Count
    n_fake: Count
    k: Count
    space: Text
    seed: Count
    metrics: Mapping[str, MetricResult] = field(default_factory=dict[str, MetricResult])
    histogram: Histogram | None = None
    verdict: Text = ""
    seconds: float = 0.0
    panel: Panel = "live"
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    version: Count = 1

    def numbers_only(self) -> Report:
        """The report without what looks like the data: the direction of the largest difference, which is an image."""
        return dataclasses.replace(self, details={k: v for k, v in self.details.items() if k != "direction"})

    def __str__(self) -> str:
        """The verdict and a short table, for a console."""
        from gan_core import report_as_text  # drawing stands above records, so it is reached through the public door

        return report_as_text(self)

    def _repr_html_(self) -> str:
        """The verdict, a short table and a picture: what a notebook shows."""
        from gan_core import report_as_html

        return report_as_html(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Both, so that a notebook's console and a file of it have the text and not every number of the record."""
        return {"text/plain": str(self), "text/html": self._repr_html_()}


@dataclass(frozen=True)
class Verdict:
    """What a report says, for readers who know no statistics: one of six kinds, and one sentence."""

    kind: VerdictKind
    sentence: str


@dataclass(frozen=True)
class Headline:
    """What a listing shows of a run: the step of its newest snapshot, and what was measured of it during the training.

    `report` is that of `step`, beside what is known today of real against real; `verdict` is what it says. Of a run
    that has not been measured both are None, and the verdict says so.
    """

    snapshot: int | None
    step: int | None
    report: Report | None
    verdict: Verdict

    @property
    def energy(self) -> MetricResult | None:
        """The energy distance of the report."""
        return self.report.metrics.get("energy_distance") if self.report else None


def record_to_json(record: Report | Reference) -> str:
    """The record as one JSON object with sorted keys; `report_from_json` or `reference_from_json` reads it."""
    return json.dumps(dataclasses.asdict(record), sort_keys=True)


def report_from_json(text: str) -> Report:
    """The inverse of `record_to_json` for reports; lists stay lists in `details` and `parameters`.

    Raises Invalid, a ValueError, naming what no report holds. Numbers may be NaN or infinite, and `details` anything.
    """
    report = checked(Report, _from_json(text), what="a part of a report")
    problems = [
        f"metrics.{name} is named {metric.name!r}" for name, metric in report.metrics.items() if metric.name != name
    ]
    if (histogram := report.histogram) is not None:
        lengths = {len(histogram.real_real), len(histogram.fake_fake), len(histogram.real_fake)}
        if lengths != {len(histogram.edges) - 1} or (np.diff(histogram.edges) < 0).any():
            problems.append("histogram has not one density for each bin between ascending edges")
    if problems:
        raise Invalid(problems)
    return report


def reference_from_json(text: str) -> Reference:
    """The inverse of `record_to_json` for references. Raises Invalid, a ValueError, naming what none holds."""
    return checked(Reference, _from_json(text), what="a part of a reference")


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid([f"it is not JSON ({error})"]) from None


@dataclass(frozen=True)
class CorruptionCell:
    """One metric under one corruption at one level, beside what real samples give.

    `z` is (value - reference_mean) / reference_sd, and None where real samples have no spread or were not measured.
    """

    corruption: str
    level: float
    metric: str
    value: float
    z: float | None
    reference_mean: float | None
    reference_sd: float | None


@dataclass(frozen=True)
class CorruptionTest:
    """Every metric of a panel under every corruption, mild to strong; the first cells are those of "none"."""

    n: int
    kind: Literal["image", "points"]
    panel: Panel
    seed: int
    cells: tuple[CorruptionCell, ...]
