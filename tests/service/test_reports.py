"""Reports of runs: the numbers of the pages, nothing that is private, and a command that makes the same run."""

import dataclasses
import io
import shlex

import numpy as np
import pytest

from gan_core.cli.parser import make_parser
from gan_core.config.run_config import override
from gan_core.distances.verdict import TITLES, shown_value
from gan_core.jobs.comparison import ComparisonReport
from gan_core.records import GanometerError, UnknownRun
from gan_core.reports.run_report import MOST_RUNS, Versus
from tests.service.labs import CONFIG, finish_by_hand, finished_by_hand, points, shared, store_of

ADA, BOB = "ada@example.org", "bob@example.org"
TAG = "<img src=x onerror=alert(1)>"


def test_a_report_says_what_the_pages_say(lab):
    run = lab.bundles.example()
    headline, (said,) = lab.results.headlines([run], by=None)[run.id], lab.reports.document(run.id, by=None).runs
    assert (said.verdict, said.sentence) == (TITLES[headline.verdict.kind], headline.verdict.sentence)
    known = [metric for metric in headline.report.metrics.values() if metric.value is not None]
    assert sorted(number.value for number in said.numbers) == sorted(map(shown_value, known))
    assert said.energy.value == shown_value(headline.energy)
    assert [picture.step for picture in said.pictures.shown] == list(lab.results.snapshot_steps(run))
    curve = next(chart for chart in said.charts if chart.title == "Energy distance")
    steps, values = lab.results.curves(run, by=None).curves["energy_distance"]
    assert curve.lines[0].steps == tuple(steps.astype(int)) and curve.lines[0].values == pytest.approx(values, rel=1e-5)
    mean, sd = lab.results.live_reference(run).metrics["energy_distance"]
    assert curve.band == (mean - 2 * sd, mean + 2 * sd)
    assert len(lab.reports.html(run.id, by=None)) < 400_000


def test_a_report_of_an_earlier_step_has_its_numbers(lab):
    run = lab.bundles.example()
    step = lab.results.snapshot_steps(run)[3]
    early, newest = (lab.reports.document(run.id, step=at, by=None).runs[0] for at in (step, None))
    expected = lab.results.headlines([run], {run.id: step}, by=None)[run.id].energy
    assert early.energy.value == shown_value(expected) != newest.energy.value and f"step {step:,}" in early.measured


def test_its_command_makes_the_same_settings(lab):
    changed = {"optimizer.beta1": 0.25, "generator.hidden": "32,16", "training.steps": 77, "data.conditional": True}
    config = override(CONFIG, changed | {"seed": 5})
    run_id = lab.runs.start(config, by=None)
    run, digits = store_of(lab).leases.claim("w1", run_id=run_id), lab.foreground._datasets.dataset("digits")
    store_of(lab).datasets.put(digits.info())
    store_of(lab).progress.describe(run_id, "w1", run.claim_no, dataset=digits.sha256)
    finish_by_hand(lab, run)
    (line,) = lab.reports.document(run_id, by=None).runs[0].commands
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "gan_core"]
    options = make_parser().parse_args(words[3:])
    changes = dict(text.split("=") for text in options.set) | {"seed": options.seed, "training.steps": options.steps}
    assert lab.recipes.changed_preset(options.preset, changes, data=options.data, by=None) == config


def test_too_many_runs_and_none_are_refused(lab):
    for ids in ([], [f"{i:08x}" for i in range(MOST_RUNS + 1)]):
        with pytest.raises(GanometerError, match=f"a report of {len(ids)} runs was asked; give 1 to {MOST_RUNS}"):
            lab.reports.html(ids, by=None)
    with pytest.raises(UnknownRun):
        lab.reports.html("nobody", by=None)


def test_several_runs_stand_in_one_chart_once_each(lab):
    ids = [finished_by_hand(lab)]
    other = store_of(lab).leases.claim("w1", run_id=lab.runs.start(override(CONFIG, {"seed": 2}), by=""))
    finish_by_hand(lab, other)
    said = lab.reports.document([*ids, other.id, ids[0]], by=None)
    assert [run.id for run in said.runs] == [*ids, other.id]
    (chart,) = said.together
    assert [line.name for line in chart.lines] == [f"{i}. {run.name}" for i, run in enumerate(said.runs, 1)]
    assert len(lab.reports.html([*ids, other.id], by=None)) < 200_000


def test_a_comparison_says_what_its_letters_stand_for(lab):
    values = {"A · r1 = 1": ((0, 0.1), (1, 0.2)), "B · r1 = 2": ((0, 0.3),)}
    said = lab.reports.versus(ComparisonReport(50, {}, values, (), headline="A is better than B", sentence="By far."))
    assert said == Versus("A is better than B", "By far.", ("A · r1 = 1 (seed 0, 1)", "B · r1 = 2 (seed 0)"))
    run_id = finished_by_hand(lab)
    page = lab.reports.html([run_id, lab.bundles.example().id], versus=said, by=None).decode()
    assert "A is better than B" in page and "B · r1 = 2 (seed 0)" in page
    assert lab.reports.versus(ComparisonReport(50, {}, values, ())) is None
    assert lab.foreground.compare([run_id, lab.bundles.example().id], by=None) is None  # one has no snapshot


def pictures() -> bytes:
    rng, out = np.random.default_rng(3), io.BytesIO()
    np.savez(out, x=rng.integers(0, 256, (300, 8, 8, 1), dtype=np.uint8), y=np.array([TAG, "b"])[np.arange(300) % 2])
    return out.getvalue()


@pytest.mark.parametrize("kind", ["images", "points"])
def test_of_private_data_nothing_is_told(tmp_path, kind):
    """Neither a row, nor what the file or a class is called, nor who it was; and to its owner all but who."""
    with shared(tmp_path) as lab:
        file = f"{TAG} salaries.{'npz' if kind == 'images' else 'csv'}"
        data = lab.uploads.keep(lab.uploads.read(pictures() if kind == "images" else points(), file), by=ADA)
        lab.people.call_me("Ada <b> the first", by=ADA)
        config = override(lab.recipes.preset("auto", data=data, by=ADA), {"training.steps": 40})
        run_id = lab.runs.start(config, by=ADA)
        store, run = store_of(lab), store_of(lab).leases.claim("w1", run_id=run_id, at_once=9)
        store.progress.describe(run_id, "w1", run.claim_no, dataset=store.datasets.named(data).sha256)
        finish_by_hand(lab, run)
        lab.runs.publish(run_id, True, by=ADA)
        hers, his = (lab.reports.document(run_id, by=by).runs[0] for by in (ADA, BOB))
        assert bool(hers.real_picture) == (kind == "images") and his.real_picture == ""
        assert "salaries" in hers.data and "salaries" not in str(dataclasses.asdict(his))
        assert his.data.startswith("Upload ") and any("private" in note for note in his.notes)
        for by in (ADA, BOB):
            page = lab.reports.html(run_id, by=by).decode()
            assert TAG not in page and "the first" not in page and ADA not in page and "w1" not in page
        lab.runs.publish(run_id, False, by=ADA)
        with pytest.raises(UnknownRun):
            lab.reports.html(run_id, by=BOB)
