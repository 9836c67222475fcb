"""Frozen values that cross borders: what a page, the command line and the worker hand each other.

Samples have one convention everywhere. Images are (n, h, w, c): uint8 in storage, float32 in [0, 1]
wherever they are computed with. Points are (n, d) in the data's own units, float32 for networks; a data set keeps
them in float64 where float32 would lose digits, and everything is measured in the precision it came in.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal, Mapping

import numpy as np

from gan_core.config.run_config import RunConfig

State = Literal["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"]
Panel = Literal["live", "full"]
ACTIVE: tuple[str, ...] = ("queued", "running", "paused")
"""States in which a run still wants something from a worker."""
SNAPSHOT_SAMPLES = 64
"""The fixed latents of every run, whose samples make up its snapshots; a data set's preview has as many real rows."""


class GanometerError(Exception):
    """What a person did or met, said in one sentence: cause, value, remedy. Pages and the command line show it."""


class StoreError(GanometerError):
    """The database cannot be used as asked."""


class UnknownRun(GanometerError):
    """No run has this id."""


class DatasetError(GanometerError):
    """A data set cannot be found, read or used."""


class BundleError(GanometerError):
    """A run bundle is not what it claims to be."""


class MeasureError(GanometerError):
    """Two arrays cannot be measured against each other."""


@dataclass(frozen=True)
class RunInfo:
    """One run as listings show it; times are seconds since 1970 by the database's clock."""

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

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def progress(self) -> float:
        return self.step / self.total_steps if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        if not self.steps_per_second or self.state not in ("running", "paused"):
            return None
        return (self.total_steps - self.step) / self.steps_per_second


@dataclass(frozen=True)
class History:
    """Numeric curves of a run: for each name, (steps, values) as two float64 arrays of one length."""

    curves: Mapping[str, tuple[np.ndarray, np.ndarray]]

    def last(self, name: str) -> float | None:
        _, values = self.curves.get(name, ((), ()))
        return float(values[-1]) if len(values) else None

    def continued(self, later: History, step: int) -> History:
        """These curves up to a step, and after it those of the run that branched off there."""
        curves = dict(later.curves)
        for name, (steps, values) in self.curves.items():
            early = steps <= step
            others = later.curves.get(name, (np.empty(0), np.empty(0)))
            new = others[0] > step
            parts = zip((steps[early], values[early]), (others[0][new], others[1][new]))
            curves[name] = tuple(np.concatenate(part) for part in parts)
        return History(curves)


@dataclass(frozen=True)
class Snapshot:
    """What the generator was at a step: samples from the run's fixed latents, uint8 images or float32 points."""

    run_id: str
    step: int
    samples: np.ndarray


@dataclass(frozen=True)
class DatasetInfo:
    """A data set as pages see it; `preview` holds up to 64 real rows with `labels`, in storage form."""

    name: str
    sha256: str
    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    parts: Mapping[str, int]
    preview: np.ndarray
    labels: np.ndarray
    owner: str = ""
    published: bool = False

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels there are, ascending; all of them where there are at most as many as rows in the preview."""
        return tuple(np.unique(self.labels).tolist())


@dataclass(frozen=True)
class Command:
    """A command to a run: pause, resume, stop, step or set, sent `by` somebody."""

    id: int
    run_id: str
    kind: str
    payload: Mapping[str, Any]
    by: str
    created: float


@dataclass(frozen=True)
class Event:
    """One line of a run's diary."""

    step: int
    time: float
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """A request to the worker other than training; `result` is bytes once `state` is done."""

    id: int
    kind: str
    run_id: str | None
    step: int | None
    params: Mapping[str, Any]
    state: Literal["waiting", "working", "done", "failed"]
    progress: float
    error: str | None
    result: bytes | None = None


@dataclass(frozen=True)
class WorkerInfo:
    """A process that trains runs; `alive` is the database's judgement (a recent heartbeat)."""

    id: str
    host: str
    pid: int
    phase: str
    alive: bool
    age: float
    memory: int
    versions: Mapping[str, str]
    error: str | None


@dataclass(frozen=True)
class MetricResult:
    """One number beside what real-vs-real gives at the same n; lacking an input it is None, and `needs` names it.

    `seconds` is what the pass took that gave it; metrics of one pass share it. `parameters` fixed what was computed.
    """

    name: str
    value: float | None
    reference_mean: float | None = None
    reference_sd: float | None = None
    z: float | None = None
    p: float | None = None
    direction: Literal["lower", "higher", "target", "diagnostic"] = "diagnostic"
    ideal: float | None = None
    seconds: float = 0.0
    needs: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    verdict: str = ""


@dataclass(frozen=True)
class Headline:
    """What a listing shows of a run: its newest snapshot's step, and its energy distance beside real-vs-real."""

    snapshot: int | None
    energy: MetricResult | None


@dataclass(frozen=True)
class Histogram:
    """How often each distance occurs: `edges` (b+1,) in data units, and three densities (b,) that integrate to 1."""

    edges: tuple[float, ...]
    real_real: tuple[float, ...]
    fake_fake: tuple[float, ...]
    real_fake: tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """Real-vs-real calibration at n: for every metric its (mean, sd) over `draws` pairs of real samples.

    `overlap`: the draws share rows, so the sds are a little too small. `bandwidth`: the median distance of the fixed
    real rows, the scale of the RBF kernel. `version`: of the metrics' definitions.
    """

    n: int
    draws: int
    seed: int
    metrics: Mapping[str, tuple[float, float]]
    overlap: bool = False
    k: int = 5
    panel: Panel = "live"
    bandwidth: float | None = None
    version: int = 1


@dataclass(frozen=True)
class FeatureSpace:
    """A learned space of one data set: the network's weights as bytes, and how well it tells the classes apart."""

    dataset: str
    space: str
    weights: bytes
    accuracy: float
    sha256: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """Every metric of one set of generated samples against one set of real ones.

    `details` holds what is more than a number, by name: `nearest` (quantiles of nearest distances), `prd` (a curve),
    `modes`, `classes`, `copies`, `direction` (where real and generated differ most) and `parzen` (its warning rows).
    """

    status: Literal["measured", "diverged", "collapsed"]
    n_real: int
    n_fake: int
    k: int
    space: str
    seed: int
    metrics: Mapping[str, MetricResult] = field(default_factory=dict)
    histogram: Histogram | None = None
    verdict: str = ""
    seconds: float = 0.0
    panel: Panel = "live"
    details: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1


def record_to_json(record: Report | Reference) -> str:
    return json.dumps(dataclasses.asdict(record), sort_keys=True)


def report_from_json(text: str) -> Report:
    values = json.loads(text)
    values["metrics"] = {name: MetricResult(**m) for name, m in values["metrics"].items()}
    if values["histogram"]:
        values["histogram"] = Histogram(**{k: tuple(v) for k, v in values["histogram"].items()})
    return Report(**values)


def reference_from_json(text: str) -> Reference:
    values = json.loads(text)
    values["metrics"] = {name: tuple(pair) for name, pair in values["metrics"].items()}
    return Reference(**values)


@dataclass(frozen=True)
class CorruptionCell:
    """What one metric makes of one damage, beside what real samples give; `z` is None where those have no spread."""

    corruption: str
    level: float
    metric: str
    value: float
    z: float | None
    reference_mean: float
    reference_sd: float


@dataclass(frozen=True)
class CorruptionSheet:
    """Every metric of a panel under every damage, mild to strong; the first row has corruption "none" and level 0."""

    n: int
    kind: Literal["image", "points"]
    panel: Panel
    seed: int
    cells: tuple[CorruptionCell, ...]
