"""Records on their way through JSON, curves of forks, and what a run says of itself."""

import dataclasses
import json
import math

import numpy as np
import pytest

from gan_core.config.run_config import RunConfig
from gan_core.records import (
    DataNames,
    DatasetInfo,
    Histogram,
    History,
    MetricResult,
    Reference,
    Report,
    RunInfo,
    record_to_json,
    reference_from_json,
    report_from_json,
)

ENERGY = MetricResult("energy_distance", 0.1 + 0.2, 1e-300, 5e-324, z=-math.pi, p=1 / 200, direction="lower", ideal=0.0)
LACKING = MetricResult("dcr_share", None, needs="train and holdout")
REPORT = Report(
    "measured", 50, 40, 5, "pixels", 7, {"energy_distance": ENERGY, "dcr_share": LACKING},
    Histogram((0.0, 0.1, 0.3), (1 / 3, 2 / 3), (0.5, 0.25), (0.0, 5.0)),
    "Energy distance .3 at n = 50.", 0.25, "full", {"copies": [[1, 2, 0.5, None]], "modes": {"kl": None}}, 2,
)  # fmt: skip
REFERENCE = Reference(50, 20, 3, {"energy_distance": (0.1 + 0.2, 1e-17)}, True, 4, "full", 0.7, 2)


# ---------------------------------------------------------------- through JSON


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        dataclasses.replace(REPORT, histogram=None),
        Report("diverged", 2, 2, 5, "pixels", 0, {"dcr_share": LACKING}),
        Report("collapsed", 2, 2, 5, "pca64", 0),
    ],
    ids=["everything", "no histogram", "diverged", "no metrics"],
)
def test_a_report_comes_back_to_the_last_bit(report):
    assert report_from_json(record_to_json(report)) == report


@pytest.mark.parametrize(
    "reference", [REFERENCE, Reference(2, 2, 0, {}), dataclasses.replace(REFERENCE, bandwidth=None)]
)
def test_a_reference_comes_back_to_the_last_bit(reference):
    assert reference_from_json(record_to_json(reference)) == reference


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_come_back_as_they_are(value):
    back = report_from_json(record_to_json(dataclasses.replace(REPORT, seconds=value))).seconds
    assert back == value or math.isnan(back) and math.isnan(value)
    reference = dataclasses.replace(REFERENCE, metrics={"ndb": (value, 0.5)})
    mean, sd = reference_from_json(record_to_json(reference)).metrics["ndb"]
    assert sd == 0.5 and (mean == value or math.isnan(mean) and math.isnan(value))


def test_metrics_of_a_report_keep_their_types():
    back = report_from_json(record_to_json(REPORT))
    assert all(isinstance(metric, MetricResult) for metric in back.metrics.values())
    assert isinstance(back.histogram, Histogram) and isinstance(back.histogram.edges, tuple)
    assert back.metrics["dcr_share"].value is None and back.metrics["dcr_share"].needs == "train and holdout"


def test_reports_and_references_of_older_versions_are_read():
    """Fields that were added later have defaults: a stored record need not have them."""
    report = json.loads(record_to_json(REPORT))
    del report["version"], report["details"], report["panel"]
    assert report_from_json(json.dumps(report)) == dataclasses.replace(REPORT, version=1, details={}, panel="live")
    reference = json.loads(record_to_json(REFERENCE))
    del reference["version"], reference["bandwidth"]
    assert reference_from_json(json.dumps(reference)) == dataclasses.replace(REFERENCE, version=1, bandwidth=None)


# ---------------------------------------------------------------- curves


def curve(steps, values):
    return np.array(steps, float), np.array(values, float)


def test_a_fork_continues_its_parents_curves_after_the_step_it_began_at():
    parent = History({"loss": curve([1, 2, 3], [9, 8, 7]), "only parent": curve([1, 3], [5, 6])})
    fork = History({"loss": curve([2, 3, 4], [0, 1, 2]), "only fork": curve([1, 4], [3, 4])})
    both = parent.continued(fork, 2)
    found = {name: (steps.tolist(), values.tolist()) for name, (steps, values) in both.curves.items()}
    assert found == {
        "loss": ([1, 2, 3, 4], [9, 8, 1, 2]),
        "only parent": ([1], [5]),
        "only fork": ([1, 4], [3, 4]),
    }
    assert parent.curves["loss"][0].tolist() == [1, 2, 3]  # as it was


def test_the_last_value_of_a_curve():
    history = History({"loss": curve([1, 2], [9, 8]), "empty": curve([], [])})
    assert (history.last("loss"), history.last("empty"), history.last("unknown")) == (8.0, None, None)


# ---------------------------------------------------------------- runs and data sets


def run(**about) -> RunInfo:
    known = dict(
        id="a1", name="first", config=RunConfig(), state="running", step=250, total_steps=1000, version=1, owner="",
        created=0.0, started=1.0, ended=None, seconds=12.5, steps_per_second=20.0, phase="training", dataset=None,
        worker="w", heartbeat_age=0.5, threads=2, versions={}, error=None,
    )  # fmt: skip
    return RunInfo(**known | about)


@pytest.mark.parametrize(
    ("state", "active"),
    [
        ("queued", True), ("running", True), ("paused", True),
        ("finished", False), ("stopped", False), ("failed", False), ("interrupted", False),
    ],
)  # fmt: skip
def test_a_run_is_active_while_it_needs_a_worker(state, active):
    assert run(state=state).active is active


def test_how_far_a_run_is_and_how_long_it_takes():
    assert (run().progress, run().seconds_left) == (0.25, 37.5)
    assert run(state="paused").seconds_left == 37.5
    assert run(total_steps=0).progress == 0.0


@pytest.mark.parametrize("about", [{"steps_per_second": None}, {"steps_per_second": 0.0}, {"state": "queued"}])
def test_nobody_knows_how_long_a_run_takes_that_does_not_train(about):
    assert run(**about).seconds_left is None


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        run().state = "finished"
    with pytest.raises(dataclasses.FrozenInstanceError):
        REPORT.verdict = "perfect"


def test_the_classes_of_a_data_set_are_plain_numbers_in_order():
    x, y = np.zeros((4, 2), np.float32), np.array([3, 1, 3, 0])
    info = DatasetInfo("mine", "ab" * 32, "points", (2,), {"train": 8, "holdout": 4, "test": 4}, x, y)
    assert info.classes == (0, 1, 3) and json.dumps(info.classes) == "[0, 1, 3]"


def test_a_class_and_a_column_are_called_by_their_names_or_else_by_their_numbers():
    x, y = np.zeros((4, 2), np.float32), np.array([-1, 0, 1, 2])
    parts = {"train": 8, "holdout": 4, "test": 4}
    plain = DatasetInfo("mine", "ab" * 32, "points", (2,), parts, x, y)
    assert [*map(plain.class_name, plain.classes)] == ["-1", "0", "1", "2"]
    assert [plain.column_name(i) for i in (0, 1)] == ["x1", "x2"]
    named = dataclasses.replace(plain, names=DataNames(("cat", "", "2"), ("width", "")))
    assert [*map(named.class_name, named.classes)] == ["-1", "cat", "1", "2"]
    assert [named.column_name(i) for i in (0, 1)] == ["width", "x2"]
    assert [*map(named.label_of, ("cat", "0", "1", "-1", "2", "dog"))] == [0, 0, 1, -1, 2, None]
    assert named.without_rows().names == DataNames()  # the words of a file may say as much as its rows
