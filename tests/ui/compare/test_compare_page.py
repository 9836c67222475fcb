"""The Compare page in every state, drawn without a browser: which runs, what is claimed of them, what is refused."""

import functools
from urllib.parse import parse_qs

import numpy as np
import pytest

from gan_core import records
from gan_core.config import presets
from gan_core.config import run_config as configs
from gan_core.data import datasets
from gan_core.distances.catalogue import VERSION
from gan_core.jobs import compare, comparison
from gan_core.store import Commit
from tests import drawing
from tests.drawing import drawn, figures, text_of

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

open_page = functools.partial(drawing.open_page, "pages/compare.py")
STEPS = (0, 50, 100)


@functools.cache
def data(name: str) -> datasets.Dataset:
    return datasets.load(name)


def trained(store, name="digits", state="finished", *, steps=STEPS, title="", error=None, **changes) -> str:
    """A run with a snapshot at these steps and an energy distance that falls; `changes` are settings, __ for a dot."""
    dataset = data(name)
    config = configs.override(
        presets.preset("auto", data=name, shape=dataset.shape),
        {"training.steps": 100} | {key.replace("__", "."): value for key, value in changes.items()},
    )
    run_id = store.runs.create(config, name=title)
    if state == "queued":
        return run_id
    run = store.leases.claim("hand", run_id=run_id, at_once=9)
    store.datasets.put(dataset.info())
    store.progress.describe(run_id, "hand", run.claim_no, dataset=dataset.sha256, phase="training")
    values = [(step, "energy_distance", 1 / (1 + step) + 0.01 * config.seed) for step in steps]
    values += [(step, "coverage", step / 200) for step in steps]
    about = dict(values=values, taken=[(step, dataset.test.x[:64], b"no weights") for step in steps], checkpoint=b"x")
    about |= dict(seconds=3.0, steps_per_second=50.0, error=error)
    store.progress.commit(run_id, "hand", run.claim_no, Commit(state=state, step=steps[-1] if steps else 0, **about))
    return run_id


def pair_of_groups(store, seeds=2, **more) -> list[str]:
    """Two settings with so many seeds each."""
    return [trained(store, seed=seed, objective__r1=r1, **more) for r1 in (1, 2) for seed in range(seeds)]


def answer(store, lead=0.4, noise=0.001) -> records.Job:
    """Do what a worker would, with distances that the second group leads by; returns the job."""
    job = store.jobs.claim("hand")
    while job.kind != "compare":
        job = store.jobs.claim("hand")
    groups = comparison.group_runs([store.runs.get(run_id) for run_id, _ in job.params["runs"]])
    rng = np.random.default_rng(0)
    values = {g.name: 0.5 - lead * i + 0.01 * np.arange(len(g.runs)) for i, g in enumerate(groups)}
    drawn = {name: v[:, None] + rng.normal(0, noise, (len(v), 200)) for name, v in values.items()}
    found = compare.of_groups("energy_distance", groups, values, drawn)
    others = compare.of_groups("coverage", groups, values) if min(len(g.runs) for g in groups) > 2 else ()
    told = {g.name: tuple(zip(g.seeds, values[g.name].tolist())) for g in groups}
    steps = {run_id: step for run_id, step in job.params["runs"]}
    summary = comparison.summary(found) if found else ()
    verdict = comparison.ComparisonReport(360, steps, told, found, others, *summary)
    store.jobs.finish(job.id, result=comparison.to_json(verdict).encode())
    return job


# ---------------------------------------------------------------- which runs


def test_without_a_run_the_page_says_so_and_leads_on(home, store):
    open_page()
    store.runs.delete(store.runs.all()[0].id)  # the example
    at = open_page()
    assert "No run yet" in text_of(at) and "train" in {e.proto.page for e in at.get("page_link")}


def test_the_newest_two_settings_on_one_data_set_are_one_click_away(home, store):
    older = trained(store, objective__r1=3)
    trained(store, "ring-8")
    first, second = trained(store, seed=0), trained(store, seed=1)
    at = open_page()
    assert "Compare the newest two runs on digits" in at.button(key="suggested").label
    drawn(at.button(key="suggested").click().run())
    chosen = at.multiselect[0].value
    assert chosen[1] == older and chosen[0] in (first, second)  # of two settings, not two seeds of one
    assert at.query_params["runs"] == ",".join(chosen)


def test_one_run_alone_is_offered_to_be_repeated(home, store):
    open_page()  # the example
    at = open_page()
    assert "only one run with samples" in text_of(at)
    drawn(at.button(key="repeat only").click().run())
    assert len(store.runs.all()) == 5 and len(at.multiselect[0].value) == 5
    assert "4 runs are in the queue" in at.toast[0].value


def test_the_run_of_another_page_is_the_first(home, store):
    run_id = trained(store)
    at = open_page(run=run_id)
    assert at.multiselect[0].value == [run_id]
    assert "One setting so far" in text_of(at)


def test_the_menu_leads_to_the_run_that_is_compared(home, store):
    """And not to the newest one, which somebody may have started since."""
    first, second = trained(store), trained(store, objective__r1=2)
    trained(store, "ring-8", state="running")
    at = open_page(runs=f"{second},{first}")
    queries = {e.proto.label: parse_qs(e.proto.query_string) for e in at.get("page_link")}
    assert queries["Train"]["run"] == queries["Distances"]["run"] == [second]


@pytest.mark.parametrize("runs", ["00000000", "<script>alert(1)</script>", "**x**", "x" * 5000, "a,b,c", ",,,", " "])
def test_unknown_runs_are_said_and_the_others_shown(home, store, runs):
    known = trained(store)
    text = text_of(open_page(runs=runs))
    assert ("Unknown run" in text) == bool(runs.strip(", ")) and "<script" not in text and "**x**" not in text
    at = open_page(runs=f"{runs},{known},{known}")
    assert at.multiselect[0].value == [known] and "Settings that differ" in text_of(at)


def test_more_runs_than_one_can_look_at_are_cut(home, store):
    known = trained(store)
    text = text_of(open_page(runs=",".join([known, *(f"{i:08x}" for i in range(60))])))
    assert "names 61 runs. The first 40 are shown" in text


def test_another_choice_goes_into_the_address(home, store):
    first, second = trained(store), trained(store, objective__r1=2)
    at = open_page(run=first)
    drawn(at.multiselect[0].set_value([second, first]).run())
    assert at.query_params["runs"] == f"{second},{first}" and "run" not in at.query_params
    assert at.multiselect[0].value == [second, first]


def test_runs_on_different_data_are_refused_with_a_way_out(home, store):
    ring, digits = trained(store, "ring-8"), trained(store)
    at = open_page(runs=f"{digits},{ring}")
    assert "Not comparable" in text_of(at) and not figures(at)
    drawn(at.button(key="keep ring-8").click().run())
    assert at.multiselect[0].value == [ring]


def test_a_name_is_text_and_no_markdown(home, store):
    name = "**b** <img src=x onerror=alert(1)> $x$"
    trained(store, title=name), trained(store, title=name, objective__r1=2)
    assert "**b**" not in text_of(open_page()) and "<img" not in text_of(open_page())


# ---------------------------------------------------------------- the verdict


def test_a_verdict_is_a_job_that_is_drawn_when_it_is_done(home, store):
    ids = pair_of_groups(store, seeds=3)
    at = open_page(runs=",".join(ids))
    assert "Waiting for the worker" in at.get("progress")[0].proto.text
    job = answer(store)
    assert dict(job.params["runs"]) == dict.fromkeys(ids, 100) and "n" not in job.params  # that of their trainings
    text = text_of(drawn(at.run()))
    assert "## B is better than A" in text and "means of 3 seeds each" in text
    assert "3 seeds, energy distance 0.1100 ± 0.0100 (n = 360)" in text
    leads = next(f for f in figures(at) if f["layout"]["xaxis"]["title"]["text"].startswith("lead"))
    assert leads["data"][0]["y"] == ["B over A"]
    assert "Efron & Tibshirani 1993" in text and "Székely & Rizzo 2013" in text
    assert at.dataframe[0].value["metric"].tolist() == ["Coverage"]


def test_the_verdict_so_far_stays_while_another_run_joins(home, store):
    first, second, third = (trained(store, seed=seed, objective__r1=r1) for seed, r1 in ((0, 1), (0, 2), (1, 2)))
    at = open_page(runs=f"{first},{second}")
    answer(store)
    assert "The run of B is closer" in text_of(drawn(at.run()))
    drawn(at.multiselect[0].set_value([first, second, third]).run())
    assert "The run of B is closer" in text_of(at) and "the verdict before" in text_of(at)
    answer(store)
    assert "The runs of B are closer" in text_of(drawn(at.run())) and "the verdict before" not in text_of(at)
    drawn(at.select_slider[0].set_value(50).run())  # another step is another question
    assert "closer" not in text_of(at)


def test_a_difference_within_the_noise_is_refused(home, store):
    at = open_page(runs=",".join(pair_of_groups(store, seeds=3)))
    answer(store, lead=0.002)
    text = text_of(drawn(at.run()))
    assert "nothing is decided" in text and "within the noise" in text and "is better than" not in text


def test_one_seed_each_says_nothing_of_settings(home, store):
    at = open_page(runs=",".join(pair_of_groups(store, seeds=1)))
    answer(store)
    text = text_of(drawn(at.run()))
    assert "The run of B is closer to real than the run of A" in text and "is better than" not in text
    assert "no comparison of the settings" in text


def test_real_against_real_stands_beside_where_it_is_known(home, store):
    known = records.Reference(360, 20, 0, {"energy_distance": (0.0012, 0.0034)}, version=VERSION)
    store.measurements.put_reference(data("digits").sha256, "pixels", known)
    at = open_page(runs=",".join(pair_of_groups(store)))
    answer(store)
    assert "real samples of this size give 0.001 ± 0.003" in text_of(drawn(at.run()))


def test_a_verdict_that_failed_can_be_asked_for_again(home, store):
    at = open_page(runs=",".join(pair_of_groups(store)))
    store.jobs.finish(store.jobs.claim("hand").id, error="run x diverged")
    drawn(at.run())
    assert "run x diverged" in text_of(at) and "Over the training" in text_of(at)
    drawn(at.button(key="answer again").click().run())
    assert store.jobs.claim("hand").kind == "compare"


def test_runs_that_still_train_do_not_count_yet(home, store):
    done = trained(store, training__steps=200)
    on_its_way = trained(store, state="running", objective__r1=2, training__steps=200)
    waiting = trained(store, state="queued", seed=1, training__steps=200)
    at = open_page(runs=f"{done},{on_its_way},{waiting}")
    text = text_of(at)
    assert "No verdict yet" in text and "1 running" in text and "1 queued" in text
    assert store.jobs.claim("hand") is None
    at = open_page(runs=f"{done},{on_its_way},{waiting}", step="50")  # there both have been
    assert dict(store.jobs.claim("hand").params["runs"]) == {done: 50, on_its_way: 50}
    assert "1 run still waits or trains" in text_of(at)


@pytest.mark.parametrize(
    "name, state",
    [
        *(("digits", state) for state in ("queued", "running", "paused", "finished", "stopped", "failed")),
        *(("ring-8", state) for state in ("queued", "finished")),
    ],
)
def test_runs_in_every_state_can_be_looked_at(home, store, name, state):
    error = "diverged at step 100" if state == "failed" else None
    ids = [trained(store, name, state, error=error, objective__r1=r1) for r1 in (1, 2)]
    at = open_page(runs=",".join(ids))
    text = text_of(at)
    assert "Settings that differ" in text and "Compare" in text
    if state == "queued":
        assert "no samples yet" in text and "No verdict yet" in text
    else:
        assert len(at.get("image")) == 2 and "Over the training" in text


# ---------------------------------------------------------------- curves, samples, settings, seeds


def test_curves_are_means_of_seeds_beside_each_other(home, store):
    at = open_page(runs=",".join(pair_of_groups(store, seeds=2)))
    curves = figures(at)[-1]
    assert [trace["name"] for trace in curves["data"] if trace.get("showlegend") is not False] == [
        "A · R1 = 1 (n = 2)",
        "B · R1 = 2 (n = 2)",
    ]
    drawn(at.selectbox(key="metric").set_value("coverage").run())
    assert figures(at)[-1]["layout"]["yaxis"]["title"]["text"] == "Coverage"


def test_one_slider_moves_verdict_curves_and_samples(home, store):
    ids = pair_of_groups(store, seeds=2)
    at = open_page(runs=",".join(ids))
    assert at.caption and text_of(at).count("step 100") >= 2
    store.jobs.claim("hand")
    drawn(at.select_slider[0].set_value(50).run())
    assert at.query_params["step"] == "50"
    assert text_of(at).count("step 50") == 2
    assert dict(store.jobs.claim("hand").params["runs"]) == dict.fromkeys(ids, 50)
    line = [shape for shape in figures(at)[-1]["layout"]["shapes"] if shape["type"] == "line"]
    assert [shape["x0"] for shape in line] == [50]


def test_the_nearest_snapshot_of_each_run_is_shown(home, store):
    first = trained(store)
    second = trained(store, steps=(0, 40, 80), objective__r1=2)
    text = text_of(open_page(runs=f"{first},{second}", step="50"))
    assert "step 50" in text and "step 40" in text


@pytest.mark.parametrize(
    "step, shown", [("-1", 100), ("abc", 100), ("9999999999", 100), ("60", 50), ("0", 0), ("²", 100)]
)
def test_any_step_in_the_address_is_understood(home, store, step, shown):
    at = open_page(runs=",".join(pair_of_groups(store, seeds=1)), step=step)
    assert at.select_slider[0].value == shown


def test_one_seed_or_all_of_them_can_be_looked_at(home, store):
    at = open_page(runs=",".join(pair_of_groups(store, seeds=3)))
    sheets = lambda: text_of(at).count("· seed ")  # noqa: E731
    assert sheets() == 2
    drawn(at.selectbox(key="shown seed").set_value("all").run())
    assert sheets() == 6


def test_the_table_shows_what_differs_and_what_it_does(home, store):
    at = open_page(runs=",".join(pair_of_groups(store, seeds=2)))
    (table,) = at.dataframe
    what = configs.describe_setting("objective.r1")["help"]
    assert table.value.to_dict("records") == [{"setting": "R1", "A": "1", "B": "2", "what it does": what}]
    at = open_page(runs=",".join(pair_of_groups(store, seeds=2)[:2]))
    assert "Only the seed differs" in text_of(at)


def test_a_setting_is_repeated_with_five_seeds_in_one_click(home, store):
    ids = pair_of_groups(store, seeds=1)
    at = open_page(runs=",".join(ids))
    drawn(at.button(key="repeat B").click().run())
    made = [run for run in store.runs.all() if run.id not in ids and run.state == "queued"]
    assert {run.config.seed for run in made} == {1, 2, 3, 4}
    assert {run.config.objective.r1 for run in made} == {2.0}
    assert set(at.multiselect[0].value) == {*ids, *(run.id for run in made)}
    assert "repeat B" not in {button.key for button in at.button}  # five are enough


def test_on_a_shared_server_hidden_runs_are_unknown(home, store, monkeypatch):
    ids = pair_of_groups(store, seeds=1)
    private = configs.override(store.runs.get(ids[0]).config, {"data.name": "upload-0123456789"})
    secret = store.runs.create(private, owner="ada")
    monkeypatch.setenv("GANOMETER_SHARED", "true")
    at = open_page(runs=",".join([*ids, secret]))
    assert "Unknown run" in text_of(at) and at.multiselect[0].value == ids
