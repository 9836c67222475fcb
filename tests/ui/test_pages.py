"""Every page in every state a run can be in, drawn without a browser: nothing raises, and the page says what is so."""

import base64
import functools
import io
import re
from dataclasses import replace
from urllib.parse import parse_qs

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core import Corruptions, MeasureParameters, ReferenceParameters, Surface, records
from gan_core.codec import flatten
from gan_core.config import presets
from gan_core.config import run_config as configs
from gan_core.data import datasets
from gan_core.distances import reference
from gan_core.distances.catalogue import CORRUPTION_TITLES, METRICS
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import measure
from gan_core.distances.verdict import BELOW_ZERO, TITLES, beside, shown_value, verdict_of
from gan_core.jobs.corruptions import encode
from gan_core.jobs.registry import asked
from gan_core.records import CorruptionCell, CorruptionTest
from gan_core.store import Commit, Edit, pack
from tests.drawing import (
    chart_of,
    claim,
    descriptions,
    double_click,
    drawn,
    figures,
    form_button,
    message,
    names_of_curves,
    open_page,
    opened,
    send,
    text_of,
    uploaded,
    viewing,
    with_tab,
)
from ui.charts import training as charts
from ui.charts.training import FAKE
from ui.frame import page as frame

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

PAGES = tuple(path for path, *_ in frame.PAGES.values() if path not in ("app.py", "pages/compare.py"))
"""The pages that look at one run."""
STATES = ("queued", "running", "paused", "finished", "stopped", "failed", "interrupted")
STEPS = (0, 50, 100)
ROWS = 150
"""Samples of each kind: a number at which nobody ships real against real."""
MARKDOWN = "**bold** <img src=x onerror=alert(1)> [link](http://example.com) $x^2$ `code`"


def links(at: AppTest) -> set[str]:
    return {element.proto.page for element in at.get("page_link")}


@functools.cache
def real_side(dataset) -> RealPart:
    """The held-out rows, with a little of the training data for what looks at copies and classes."""
    train, holdout = dataset.train, dataset.holdout
    return RealPart.of(
        flatten(reference.test_rows(dataset.test.x, ROWS)),
        train=flatten(train.x[:500]),
        holdout=flatten(holdout.x[:300]),
        train_labels=train.y[:500],
        holdout_labels=holdout.y[:300],
        pool=ROWS,
    )


@functools.cache
def measured(dataset) -> tuple:
    """(step, samples, report) of three snapshots: held-out rows, noised less from step to step."""
    part, rng, found = real_side(dataset), np.random.default_rng(0), []
    for step in STEPS:
        fake = dataset.holdout.x[:ROWS].astype(np.float32)
        fake = fake + rng.normal(0, (100 - step) / 100 * fake.std() + 1e-3, fake.shape)
        fake = np.clip(fake, 0, 255).astype(np.uint8) if dataset.kind == "image" else fake.astype(np.float32)
        report = measure(real=part, fake=flatten(fake), modes=dataset.modes)
        found.append((step, fake[:64], report))
    return tuple(found)


@functools.cache
def calibrated(dataset, panel="live", draws=8):
    """Real against real for the measurements above."""
    pool = np.concatenate([dataset.train.x, dataset.holdout.x])[:2000]
    return reference.calibrate(
        test=dataset.test.x,
        pool=pool,
        n=ROWS,
        train=dataset.train.x[:500],
        real_part=real_side(dataset),
        modes=dataset.modes,
        panel=panel,
        draws=draws,
        transform=flatten,
    )


GAME = ("loss_generator", "loss_discriminator", "score_real", "score_fake")


def trained(
    store, dataset, state="finished", *, error=None, name="", pending=None, preset="auto", curves=GAME, **changes
) -> str:
    """A run in `state`, with three snapshots; `changes` are settings, with __ for a dot."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = configs.override(
        presets.preset(preset, data=dataset.name, shape=dataset.shape),
        {"training.steps": 100, "recording.rows": ROWS} | changes,
    )
    run_id = store.runs.create(config, name=name)
    if state == "queued":
        return run_id
    run = store.leases.claim("hand", run_id=run_id)
    store.datasets.put(dataset.info())
    store.progress.describe(run_id, "hand", run.claim_no, dataset=dataset.sha256, phase="training")
    values, taken = [], []
    for step, samples, report in measured(dataset):
        taken.append((step, samples, b"no weights"))
        values += [(step, key, result.value) for key, result in report.metrics.items() if result.value is not None]
        values += [(step, curve, 0.6) for curve in curves]
    kept = "running" if state == "interrupted" else state
    store.progress.commit(
        run_id,
        "hand",
        run.claim_no,
        Commit(
            state=kept,
            step=100,
            seconds=3.0,
            steps_per_second=50.0,
            values=values,
            measured=[(step, report) for step, _, report in measured(dataset)],
            taken=taken,
            checkpoint=b"state",
            error=error,
        ),
    )
    if pending:
        store.commands.send(run_id, pending)
    if state == "interrupted":
        assert store.leases.interrupt(["hand"]) == [run_id]
    return run_id


def answer_jobs(store, kind, **result) -> None:
    """Do what a worker would: answer the job of this kind that waits."""
    store.jobs.finish(claim(store, kind).id, result=pack(**result))


# ---------------------------------------------------------------- no run, no store, wrong addresses


def test_home_shows_the_finished_example_and_three_starts(home):
    at = open_page()
    assert [b.key for b in at.button if b.key.startswith("start ")] == ["start ring-8", "start digits", "start mnist"]
    text = text_of(at)
    assert "A finished run" in text and "The smaller, the nearer. Two sets of real samples give" in text
    assert BELOW_ZERO in text  # the first negative number is explained where it stands
    assert len(at.get("image")) == 2  # how it grew, and its thumbnail
    assert {"train", "distances", "gallery"} <= links(at)
    assert not figures(at)


def test_a_second_visit_does_not_import_the_example_again(home, store):
    open_page()
    open_page()
    assert len(store.runs.all()) == 1


@pytest.mark.parametrize("path", PAGES)
def test_a_first_visit_to_any_page_shows_the_example(home, store, path):
    at = open_page(path)
    assert next(s for s in at.selectbox if s.label == "Run").value == store.runs.all()[0].id
    assert "example" in store.runs.all()[0].name


@pytest.mark.parametrize("path", PAGES)
def test_without_a_run_a_page_says_so_and_leads_on(home, store, path):
    open_page()
    store.runs.delete(store.runs.all()[0].id)  # who deletes the example has seen it
    at = open_page(path)
    assert "No run yet" in text_of(at)
    assert "train" in links(at)


@pytest.mark.parametrize(
    "path, run",
    [
        *((path, "<script>alert(1)</script>") for path in PAGES),
        *(("pages/train.py", run) for run in ("00000000", "**x**", "'; drop table runs;--", "x" * 5000)),
    ],
)
def test_an_unknown_run_is_said_and_the_newest_is_one_click_away(home, store, data, path, run):
    newest = trained(store, data("digits"))
    at = open_page(path, run=run)
    assert "Unknown run" in text_of(at)
    assert "<script" not in text_of(at) and "**x**" not in text_of(at)
    drawn(next(b for b in at.button if "newest" in b.label).click().run())
    assert "Unknown run" not in text_of(at)
    assert next(s for s in at.selectbox if s.label == "Run").value == newest


NEAREST = {
    "": 100,
    "0": 0,
    "60": 50,
    "-1": 100,
    "9999999999": 100,
    "999999999": 100,
    "abc": 100,
    "²": 100,
    "1e2": 100,
    "50": 50,
}
"""The snapshot that is shown, by the step in the address."""


@pytest.mark.parametrize(
    "path, asked",
    [*(("pages/distances.py", asked) for asked in NEAREST), *(("pages/gallery.py", s) for s in ("60", "abc"))],
)
def test_the_step_in_the_address_is_the_nearest_snapshot_or_the_newest(home, store, data, path, asked):
    run_id = trained(store, data("digits"))
    at = open_page(path, run=run_id, step=asked)
    assert at.select_slider[0].value == NEAREST[asked]


@pytest.mark.parametrize("path", ["app.py", *PAGES])
def test_a_store_that_cannot_be_opened_is_a_sentence(home, monkeypatch, path):
    monkeypatch.setenv("GANOMETER_STORE", "sqlite:////proc/nope/x.sqlite")
    assert "The store cannot be used" in text_of(open_page(path))


@pytest.mark.parametrize("path", ["app.py", *PAGES])
def test_a_wrong_setting_of_the_server_is_a_sentence(home, monkeypatch, path):
    monkeypatch.setenv("GANOMETER_WORKER", "three")
    text = text_of(open_page(path))
    assert "A setting of this server is wrong" in text and "three" in text


# ---------------------------------------------------------------- steering


def decoded(values) -> np.ndarray:
    """An array of a figure: as numbers, or as plotly packs them."""
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]) if "bdata" in values else np.array(values)


def test_some_steps_can_be_asked_for(home, store, data):
    run_id = trained(store, data("digits"), "running")
    at = open_page("pages/train.py", run=run_id)
    at.number_input(key="step by").set_value(25)
    drawn(at.button(key="step").click().run())
    assert [(c.kind, c.payload) for c in store.commands.waiting(run_id)] == [("step", {"steps": 25})]
    assert "Stepping …" in text_of(open_page("pages/train.py", run=run_id))


@pytest.mark.parametrize("state", ["queued", "running", "paused", "stopped", "interrupted"])
def test_settings_can_be_changed_until_a_run_is_over(home, store, data, state):
    run_id = trained(store, data("digits"), state, training__steps=1000)
    at = opened(open_page("pages/train.py", run=run_id), "All settings")
    at.number_input(key=f"edit {run_id} objective.r1").set_value(2.5)
    at.number_input(key=f"edit {run_id} training.steps").set_value(900)
    drawn(at.button(key="set").click().run())
    (command,) = store.commands.waiting(run_id)
    assert (command.kind, command.payload) == ("set", {"changes": {"objective.r1": 2.5, "training.steps": 900}})
    assert "Waits for the worker: R1 = 2.5" in text_of(at)


def overwritten(at) -> set[str]:
    """The widgets whose value the server writes into the browser, over what is being entered there, in a rerun that it
    begins itself. The switches that show what is in the address say with their serial number what they belong to.
    """
    drawn(at._run())  # the browser has sent nothing
    kinds = ("button_group", "checkbox", "number_input", "select_slider", "selectbox", "slider", "text_input", "toggle")
    widgets = [widget for kind in kinds for widget in at.get(kind)]
    assert widgets
    return {widget.label for widget in widgets if widget.proto.set_value} - {
        "Run",
        "Kept step",
        "Snapshot at step",
        "Step (measured, or saved as a snapshot)",
        "Part of this page",
        "Beside the picture",
        "What to look at",
    }


@pytest.mark.parametrize("level", ["Basic", "Expert"])
def test_what_is_entered_in_all_settings_is_not_overwritten_when_the_page_is_drawn_anew(home, store, data, level):
    run_id = trained(store, data("digits"), "paused", training__steps=1000)
    at = opened(open_page("pages/train.py", run=run_id), "All settings")
    assert overwritten(at) == set()
    drawn(at.segmented_control(key=f"edit {run_id} level").set_value(level).run())
    fields = [box for box in at.number_input if (box.key or "").startswith(f"edit {run_id} ")]
    entered = {box.key: (box.max if box.value == box.min else box.min) for box in fields}
    for key, value in entered.items():
        at.number_input(key=key).set_value(value)
    drawn(at.run())
    assert overwritten(at) == set()
    assert {key: at.number_input(key=key).value for key in entered} == entered


def test_what_is_entered_in_the_form_is_not_overwritten_when_the_page_is_drawn_anew(home, store, data):
    at = opened(open_page("pages/train.py", part="new"), "All settings")
    assert overwritten(at) == set()
    at.selectbox(key="data").set_value("ring-8")
    at.number_input(key="seed").set_value(7)
    drawn(at.run())
    drawn(at.selectbox(key="preset").set_value("wgan-gp").run())
    steps = next(box for box in at.number_input if box.label == "Steps")
    drawn(steps.set_value(1234).run())
    at.text_input(key="form search").set_value("learning")
    drawn(at.segmented_control(key="length").set_value("time").run())
    assert overwritten(at) == set()
    assert (at.selectbox(key="data").value, at.selectbox(key="preset").value) == ("ring-8", "wgan-gp")
    assert (at.number_input(key="seed").value, at.text_input(key="form search").value) == (7, "learning")


@pytest.mark.parametrize(
    "path, query, chosen",
    [
        ("pages/train.py", {}, {}),
        ("pages/distances.py", {"part": "report"}, {"k": 7, "draw seed": 3, "n": 200}),
        ("pages/distances.py", {"part": "check"}, {"corruption data": "ring-8", "corruption n": 1000}),
        ("pages/distances.py", {"part": "curves"}, {"metric": "coverage"}),
        ("pages/gallery.py", {}, {"whose samples": "New samples"}),
        ("app.py", {}, {"sort": "best"}),
    ],
)
def test_a_choice_is_not_overwritten_when_a_page_is_drawn_anew(home, store, data, path, query, chosen):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    at = open_page(path, run=run_id, **query)
    assert overwritten(at) == set()
    for key, value in chosen.items():
        choices = [*at.number_input, *at.selectbox, *at.segmented_control]
        (widget,) = (choice for choice in choices if choice.key == key)
        drawn(widget.set_value(value).run())
    assert overwritten(at) == set()
    for key, value in chosen.items():
        assert at.session_state[key] == value


def test_a_late_message_does_not_move_the_sliders_back(home, store, data):
    """A page has several timers, and on a busy machine a message of each is on its way while a button is pressed."""
    run_id = trained(store, data("digits"), "running", training__steps=1000, objective__energy_weight=10.0)
    at = open_page("pages/train.py", run=run_id)

    def slider(label: str):
        (found,) = (one for one in at.select_slider if one.label == label)
        return found

    drawn(slider("Learning rate").set_value(0.05).run())
    late = message(at)
    drawn(at.button(key="back to the recipe").click().run())
    sent = [command.payload for command in store.commands.waiting(run_id)]
    assert len(sent) == 2 and slider("Learning rate").value != 0.05 and slider("Energy weight").value == 0
    for _ in range(2):
        send(at, late)
        drawn(at.run())
    assert [command.payload for command in store.commands.waiting(run_id)] == sent
    drawn(slider("Energy weight").set_value(5.0).run())
    assert store.commands.waiting(run_id)[-1].payload == {"changes": {"objective.energy_weight": 5.0}}


def test_a_run_is_picked_by_a_label_that_has_changed_since(home, store, data):
    """A browser sends the label that it was shown, and a run's state, which is in it, changes by itself."""
    older, newer = (trained(store, data("digits"), "finished") for _ in range(2))
    at = open_page("pages/train.py", run=newer)
    box = next(box for box in at.selectbox if box.label == "Run")
    label = next(option for option in box.options if option.endswith(older)).replace("finished", "running")
    box.options.append(label)
    drawn(box.select(label).run())
    assert at.query_params["run"] == older


def test_a_change_that_waits_is_seen_by_the_next_visitor(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    store.commands.send(run_id, "set", payload={"changes": {"objective.r1": 2.5}})
    at = opened(open_page("pages/train.py", run=run_id), "All settings")
    assert "Waits for the worker: R1 = 2.5" in text_of(at)


def test_another_loss_is_compiled_first_and_said_so(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    at = opened(open_page("pages/train.py", run=run_id), "All settings")
    at.selectbox(key=f"edit {run_id} objective.loss").set_value("hinge")
    drawn(at.button(key="set").click().run())
    assert store.commands.waiting(run_id)[0].payload == {"changes": {"objective.loss": "hinge"}}
    assert "compiled first" in at.toast[0].value


def test_what_does_not_go_together_or_changes_nothing_is_said_and_not_sent(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    at = opened(open_page("pages/train.py", run=run_id), "All settings")
    drawn(at.button(key="set").click().run())
    assert "Nothing was changed" in at.toast[0].value
    at.selectbox(key=f"edit {run_id} objective.loss").set_value("vae")
    drawn(at.button(key="set").click().run())
    assert "no discriminator" in at.toast[0].value
    assert store.commands.waiting(run_id) == []


def test_a_change_enters_the_event_log_and_the_charts(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    store.commands.send(run_id, "set", payload={"changes": {"objective.r1": 2.0}})
    (command,) = store.commands.waiting(run_id)
    run = store.runs.get(run_id)
    after = configs.override(run.config, {"objective.r1": 2.0})
    nothing = dict(seconds=1.0, steps_per_second=50.0, checkpoint=b"")
    edits = [Edit(command.id, {"objective.r1": (1.0, 2.0)}, "ada")]
    store.progress.commit(run_id, "hand", 1, Commit(state="running", step=130, edits=edits, config=after, **nothing))
    at = open_page("pages/train.py", run=run_id)
    assert "step 130: settings changed\\: R1 1 → 2" in text_of(at)  # beside the slider of steps
    assert "measured at step 100, **before the change**" in text_of(at)
    told = [[a.get("hovertext") for a in figure["layout"].get("annotations", [])] for figure in figures(at)]
    assert told == [["step 130: settings changed: R1 1 → 2"]] * 2
    log = text_of(with_tab(at, "Event log")).split("MB in the store")[1]
    assert "step 130: settings changed\\: R1 1 → 2" in log


def test_a_finished_run_can_be_made_longer(home, store, data):
    run_id = trained(store, data("digits"))
    at = open_page("pages/train.py", run=run_id)
    at.number_input(key="more by").set_value(30)
    drawn(form_button(at, "more steps").click().run())
    run = store.runs.get(run_id)
    assert (run.state, run.total_steps) == ("queued", 130)


@pytest.mark.parametrize("form", ["start", "fork", "more steps"])
def test_a_browser_that_sends_a_click_twice_asks_once(home, store, data, form):
    """The second click comes from the page as it was, whatever the server has drawn meanwhile."""
    run_id = trained(store, data("digits"))
    at = open_page("pages/train.py", run=run_id, part="new" if form == "start" else "run")
    at = opened(at, "Fork from here") if form == "fork" else at
    before = len(store.runs.all())
    double_click(at, form_button(at, form))
    made = len(store.runs.all()) - before
    assert (made, store.runs.get(run_id).total_steps) == ((0, 150) if form == "more steps" else (1, 100))
    assert not at.toast and at.query_params["run"] == store.runs.all()[0].id


def test_uploads_are_listed_and_deleted_unless_a_run_needs_them(home, store, upload_noise):
    name = upload_noise(store)
    run_id = store.runs.create(presets.preset("auto", data=name, shape=(16, 16, 1)), name="needs them")
    at = open_page("pages/train.py", part="new")
    assert any(box.label == "Your uploads: 1" for box in at.expander)
    delete = at.button(key=f"delete {name}")
    assert delete.disabled and "your run needs them needs these data" in delete.help
    store.commands.send(run_id, "stop")
    store.runs.delete(run_id)
    drawn(drawn(at.run()).button(key=f"delete {name}").click().run())
    assert store.datasets.uploads() == [] and not any(box.label.startswith("Your uploads") for box in at.expander)


def test_whoever_presses_start_again_on_the_page_that_followed_gets_another_run(home, store):
    at = open_page("pages/train.py")
    before = len(store.runs.all())
    for count in (1, 2):
        drawn(form_button(viewing(at, "new"), "start").click().run())
        assert len(store.runs.all()) == before + count


def test_a_double_click_on_home_starts_one_run_and_a_later_visit_another(home, store):
    at = open_page()
    before = len(store.runs.all())
    assert before == 1  # the example
    double_click(at, at.button(key="start digits"))
    assert len(store.runs.all()) == before + 1 and "Place 1 in the queue" in text_of(at)
    run_id = at.query_params["run"]
    drawn(at.switch_page("app.py").run())
    drawn(at.button(key="start digits").click().run())
    assert len(store.runs.all()) == before + 2 and at.query_params["run"] != run_id


def test_a_fork_is_another_run_whose_page_opens(home, store, data):
    run_id = trained(store, data("digits"))
    at = opened(open_page("pages/train.py", run=run_id, step="50"), "Fork from here")
    assert at.selectbox(key=f"fork step {run_id}").value == 50
    assert "the generator's weights, the settings of that step, the seed 0 and the data digits" in text_of(at)
    at.number_input(key=f"fork {run_id} steps from 50").set_value(250)
    drawn(form_button(at, "fork").click().run())
    child = next(run for run in store.runs.all() if run.parent_id == run_id)
    assert (child.parent_step, child.total_steps, child.state) == (50, 300, "queued")
    assert at.query_params["run"] == child.id and "step" not in at.query_params
    (picker,) = (box for box in at.selectbox if box.label == "Run")
    assert "from step 50" in picker.options[0]


def test_a_fork_of_the_last_step_asks_how_many_steps_it_trains(home, store, data):
    run_id = trained(store, data("digits"))
    at = opened(open_page("pages/train.py", run=run_id), "Fork from here")
    assert "no step left after step 100" in text_of(at)
    assert at.number_input(key=f"fork {run_id} steps from 100").value == 100
    drawn(form_button(at, "fork").click().run())
    child = next(run for run in store.runs.all() if run.parent_id == run_id)
    assert (child.parent_step, child.total_steps) == (100, 200)


def test_a_fork_has_the_settings_of_its_step_and_says_which_came_later(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    changed(store, run_id, {"objective.r1": (1.0, 2.5)})
    at = opened(open_page("pages/train.py", run=run_id, step="50"), "Fork from here")
    assert "the fork does not: R1 = 2.5" in text_of(at)
    assert at.number_input(key=f"fork {run_id} objective.r1").value == 1.0
    drawn(at.selectbox(key=f"fork step {run_id}").set_value(100).run())
    assert "the fork does not" not in text_of(at)
    assert at.number_input(key=f"fork {run_id} objective.r1").value == 2.5


def changed(store, run_id, changes) -> None:
    """As a worker leaves a run that trains, once its settings {key: (before, after)} have been changed."""
    run = store.runs.get(run_id)
    config = configs.override(run.config, {key: after for key, (_, after) in changes.items()})
    edit = Edit(0, changes, "")
    about = dict(state="running", step=run.step, seconds=1.0, steps_per_second=1.0)
    store.progress.commit(run_id, "hand", run.claim_no, Commit(edits=[edit], config=config, **about))


def test_a_run_is_duplicated_into_the_form_as_it_began(home, store, data):
    run_id = trained(store, data("ring-8"), "running", preset="wgan-gp", seed=7, training__steps=1000)
    began = store.runs.get(run_id).config
    changed(store, run_id, {"training.batch": (128, 64), "objective.gradient_penalty_weight": (0.1, 5.0)})
    at = open_page("pages/train.py", run=run_id)
    drawn(at.button(key="duplicate").click().run())
    assert (at.selectbox(key="data").value, at.selectbox(key="preset").value) == ("ring-8", "wgan-gp")
    assert started(at, store) == began
    assert at.query_params["run"] == store.runs.all()[0].id != run_id


def test_settings_are_basic_or_for_experts_and_can_be_searched(home):
    at = opened(open_page("pages/train.py"), "All settings")
    of = " auto digits mlp"

    def keys() -> set[str]:
        boxes = [*at.number_input, *at.slider, *at.text_input, *at.selectbox, *at.toggle]
        return {box.key.removesuffix(of) for box in boxes if box.key and box.key.endswith(of)}

    basic = keys()
    assert "optimizer.learning_rate_generator" in basic and "optimizer.beta2" not in basic
    drawn(at.segmented_control(key="form level").set_value("Expert").run())
    assert "optimizer.beta2" in keys() and not (basic & keys()) - {"training.steps", "data.conditional"}
    drawn(at.text_input(key="form search").set_value("learning rate").run())
    assert {"optimizer.learning_rate_generator", "optimizer.decay_to"} <= keys() and "generator.hidden" not in keys()
    drawn(at.text_input(key="form search").set_value("zebra").run())
    assert "No setting that has an effect here matches" in text_of(at)


def test_a_setting_that_is_out_of_sight_keeps_its_value(home, store):
    at = opened(open_page("pages/train.py"), "All settings")
    at.number_input(key="objective.r1 auto digits mlp").set_value(2.5)
    drawn(at.segmented_control(key="form level").set_value("Expert").run())
    at.session_state["all settings"] = False
    drawn(at.run())
    assert started(at, store).objective.r1 == 2.5


def test_curves_are_worked_out_once_for_all_who_watch(home, store, data, monkeypatch):
    made, losses = [], charts.losses
    monkeypatch.setattr(charts, "losses", lambda *about: made.append(about) or losses(*about))
    run_id = trained(store, data("digits"))
    one, other = (figures(open_page("pages/train.py", run=run_id)) for _ in range(2))
    assert one == other and len(made) == 1


def forked(store, dataset) -> tuple[str, str]:
    """A run, and one that branched off it at step 50 and measured itself at step 75."""
    run_id = trained(store, dataset)
    child = store.runs.fork(run_id, 50, store.runs.get(run_id).config)
    run = store.leases.claim("hand", run_id=child)
    nothing = dict(seconds=1.0, steps_per_second=50.0, checkpoint=b"")
    values = [(75, "loss_generator", 0.1), (75, "energy_distance", 0.2)]
    report = measured(dataset)[1][2]
    about = dict(values=values, measured=[(75, report)], **nothing)
    store.progress.commit(child, "hand", run.claim_no, Commit(state="finished", step=100, **about))
    return run_id, child


@pytest.mark.parametrize("page, name", [("train", "run"), ("distances", "run"), ("compare", "runs")])
def test_every_page_shows_the_distance_of_a_fork_from_the_first_step_of_its_parent(home, store, data, page, name):
    _, child = forked(store, data("digits"))
    at = open_page(f"pages/{page}.py", **{name: child} | ({"part": "curves"} if page == "distances" else {}))
    drawn_at = [decoded(trace["x"]).tolist() for figure in figures(at) for trace in figure["data"] if "x" in trace]
    assert [0, 50, 75] in drawn_at and [75] not in drawn_at


def test_the_curves_of_a_fork_begin_with_those_of_its_parent(home, store, data):
    run_id, child = forked(store, data("digits"))
    at = open_page("pages/train.py", run=child)
    curves = {trace["name"]: trace for figure in figures(at) for trace in figure["data"]}
    steps = decoded(curves["generator"]["x"])
    assert steps.tolist() == [s for s in STEPS if s <= 50] + [75]
    assert f"forked from run {run_id}" in text_of(at)
    store.runs.delete(run_id)
    at = open_page("pages/train.py", run=child)  # the parent's part is gone with it
    curves = {trace["name"]: trace for figure in figures(at) for trace in figure["data"]}
    assert decoded(curves["generator"]["x"]).tolist() == [75]


def test_on_a_shared_server_others_runs_can_be_watched_and_forked_only(home, store, data, monkeypatch):
    monkeypatch.setenv("GANOMETER_SHARED", "true")
    run_id = trained(store, data("digits"), "running")
    at = open_page("pages/train.py", run=run_id)
    assert {key: at.button(key=key).disabled for key in ("pause", "stop")} == {"pause": True, "stop": True}
    assert "somebody else" in text_of(at) and "edit" not in {e.key for e in at.get("expander")}
    drawn(form_button(viewing(at, "new"), "start").click().run())
    assert "sign in" in text_of(at) and len(store.runs.all()) == 1


# ---------------------------------------------------------------- every state


@pytest.mark.parametrize(
    "state, name",
    [*((state, "digits") for state in STATES), *((state, "ring-8") for state in ("queued", "running", "finished"))],
)
def test_every_page_in_every_state(home, store, data, state, name):
    run_id = trained(store, data(name), state)
    assert store.runs.get(run_id).state == state
    label = state.capitalize()
    assert label in text_of(open_page())
    train = open_page("pages/train.py", run=run_id)
    assert label in text_of(train)
    buttons = {b.label for b in train.button} & {"Pause", "Resume", "Stop"}
    assert (
        buttons
        == {
            "queued": {"Pause", "Stop"},
            "running": {"Pause", "Stop"},
            "paused": {"Resume", "Stop"},
            "stopped": {"Resume"},
            "interrupted": {"Resume"},
            "finished": set(),
            "failed": set(),
        }[state]
    )
    recorded = state != "queued"
    curves = {"Energy distance over steps", "Losses over steps"}
    images = {"64 generated samples at step 100", "64 real samples that are never trained on"}
    points = {"Points at step 100", "Real points that are never trained on"}
    shown = curves | (images if name == "digits" else points)
    assert set(descriptions(train)) == (shown if recorded else set())
    if recorded:
        assert "D(x) and D(G(z)) over steps" in descriptions(with_tab(train, "D(x)"))
    distances, gallery = (
        open_page(path, run=run_id, **part)
        for path, part in (("pages/distances.py", {"part": "curves"}), ("pages/gallery.py", {}))
    )
    shown = {"Energy distance over steps", "Mean distances over steps", "Histograms of the distances"}
    shown |= {"Cumulative shares of nearest distances"}
    assert set(descriptions(distances)) == (shown if recorded else set())
    if recorded:
        assert gallery.get("image") if name == "digits" else figures(gallery)
        assert "Waiting for the worker" in gallery.get("progress")[0].proto.text
    else:
        assert "not been measured yet" in text_of(distances) and "no samples yet" in text_of(gallery)


def test_the_numbers_of_a_running_run(home, store, data):
    run_id = trained(store, data("digits"), "running")
    at = open_page("pages/train.py", run=run_id)
    energy = store.measurements.reports(run_id)[-1][1].metrics["energy_distance"].value
    assert "step **100** of 100 · **0 s** left · 50 steps/s" in text_of(at)
    assert f"Distance **{energy:.4f}**" in text_of(at) and "measured at step 100" in text_of(at)


@pytest.mark.parametrize("wish, words", [("pause", "Pausing …"), ("stop", "Stopping …")])
def test_a_command_not_yet_obeyed_shows_as_pending(home, store, data, wish, words):
    run_id = trained(store, data("digits"), "running", pending=wish)
    at = open_page("pages/train.py", run=run_id)
    assert words in text_of(at)
    assert at.button(key=wish).disabled


@pytest.mark.parametrize(
    "state, button, asked",
    [
        ("running", "pause", ["pause"]),
        ("running", "stop", ["stop"]),
        ("paused", "resume", ["resume"]),
        ("paused", "stop", ["stop"]),
    ],
)
def test_a_button_asks_the_worker(home, store, data, state, button, asked):
    run_id = trained(store, data("digits"), state)
    drawn(open_page("pages/train.py", run=run_id).button(key=button).click().run())
    assert [command.kind for command in store.commands.waiting(run_id)] == asked


@pytest.mark.parametrize(
    "state, button, after",
    [("queued", "stop", "stopped"), ("stopped", "resume", "queued"), ("interrupted", "resume", "queued")],
)
def test_what_needs_no_worker_happens_at_once(home, store, data, state, button, after):
    run_id = trained(store, data("digits"), state)
    at = drawn(open_page("pages/train.py", run=run_id).button(key=button).click().run())
    assert store.runs.get(run_id).state == after
    assert after.capitalize() in text_of(at)


def test_a_button_for_a_run_deleted_meanwhile_says_so(home, store, data):
    run_id = trained(store, data("digits"), "stopped")
    at = open_page("pages/train.py", run=run_id)
    store.runs.delete(run_id)
    drawn(at.button(key="resume").click().run())
    assert run_id in at.toast[0].value and "Unknown run" in text_of(at)


def test_an_error_and_a_name_are_text_and_no_markdown(home, store, data):
    run_id = trained(store, data("digits"), "failed", error=MARKDOWN, name=MARKDOWN)
    for path in ("app.py", *PAGES):
        text = text_of(open_page(path, run=run_id))
        for obeyed in ("**bold**", "<img src=x", " [link](", "$x^2$", "`code`"):
            assert obeyed not in text, path
    failed = open_page("pages/train.py", run=run_id).error[0]
    assert failed.value.startswith(r"\*\*bold\*\* &lt;img src=x")


def test_without_a_run_in_the_address_train_shows_the_active_one(home, store, data):
    running = trained(store, data("digits"), "running")
    finished = trained(store, data("ring-8"), "queued")
    store.commands.send(finished, "stop")
    at = open_page("pages/train.py")
    assert next(s for s in at.selectbox if s.label == "Run").value == running


def test_deleting_needs_two_clicks_and_leaves_the_others(home, store, data):
    gone, kept = trained(store, data("digits"), "stopped"), trained(store, data("digits"), "running")
    at = open_page()
    assert {b.key for b in at.button if b.key.startswith("delete ")} >= {f"delete {gone}"}
    assert f"delete {kept}" not in {b.key for b in at.button}
    drawn(at.button(key=f"delete {gone}").click().run())
    left = {run.id for run in store.runs.all()}
    assert gone not in left and kept in left


# ---------------------------------------------------------------- without a discriminator


ENERGY = {"preset": "energy-only", "curves": ("loss_generator",)}
VAE = {"preset": "vae", "curves": ("loss_generator", "loss_reconstruction", "loss_divergence")}


@pytest.mark.parametrize("name", ["digits", "ring-8"])
@pytest.mark.parametrize(
    "how, lines, unit",
    [
        (ENERGY, {"generator"}, "loss (mean distances of real samples)"),
        (VAE, {"sum of both", "reconstruction", "divergence"}, "loss (nats)"),
    ],
    ids=["energy-only", "vae"],
)
def test_without_a_discriminator_there_is_one_loss_chart_and_no_discriminator_output(
    home, store, data, name, how, lines, unit
):
    at = open_page("pages/train.py", run=trained(store, data(name), **how))
    assert "Discriminator output" not in text_of(at) and "in balance" not in text_of(at)
    assert "D(x) and D(G(z)) over steps" not in descriptions(at) and all(figure["data"] for figure in figures(at))
    losses = chart_of(at, "Loss over steps")
    assert set(names_of_curves(losses)) == lines
    assert losses["layout"]["yaxis"]["title"]["text"] == unit


@pytest.mark.parametrize("loss, improper", [("energy", False), ("mean-distance", True), ("nearest-distance", True)])
def test_an_objective_that_collapses_by_design_is_called_improper(home, store, data, loss, improper):
    at = open_page("pages/train.py", run=trained(store, data("ring-8"), **ENERGY, objective__loss=loss))
    assert (
        "This loss makes the generator collapse" in text_of(at) and "collapses by design" in text_of(at)
    ) == improper


# ---------------------------------------------------------------- distances


CARDS = {
    "Energy distance": "energy_distance",
    "Energy coefficient": "energy_coefficient",
    "Sliced Wasserstein": "sliced_wasserstein",
    "Real to real": "mean_real_real",
    "Generated to generated": "mean_fake_fake",
    "Real to generated": "mean_real_fake",
    "Symmetric precision": "symmetric_precision",
    "Symmetric recall": "symmetric_recall",
    "Coverage": "coverage",
    "1-NN accuracy, real": "nn_accuracy_real",
    "1-NN accuracy, generated": "nn_accuracy_fake",
    "Closer to training data": "dcr_share",
}


@pytest.mark.parametrize("name", ["digits", "ring-8"])
def test_distances_state_each_number_beside_real_against_real(home, store, data, name):
    dataset = data(name)
    run_id, known = trained(store, dataset), calibrated(dataset)
    store.measurements.put_reference(dataset.sha256, "pixels", known)
    at = open_page("pages/distances.py", run=run_id, step="0")
    shown = {m.label: m for m in at.metric}
    report = measured(dataset)[0][2]
    cards = CARDS | ({"High-quality share": "high_quality_share"} if dataset.modes else {})
    assert {label: float(shown[label].value) for label in cards} == {
        label: pytest.approx(report.metrics[name].value, abs=5e-5) for label, name in cards.items()
    }
    assert set(shown) == set(cards) | {"Spread"} | ({"Modes captured"} if dataset.modes else set())
    ratio = report.metrics["mean_fake_fake"].value / report.metrics["mean_real_real"].value
    assert float(shown["Spread"].value) == pytest.approx(ratio, abs=5e-5)
    mean, sd = known.metrics["energy_distance"]
    energy = report.metrics["energy_distance"]
    z = (energy.value - mean) / sd
    assert shown["Energy distance"].delta == "off" and z > 3
    said_z, said_p = re.findall(r"^[zp] = (\S+)\. ", shown["Energy distance"].help, re.M)
    assert float(said_z) == pytest.approx(z, abs=0.5) and float(said_p) == pytest.approx(energy.p, rel=0.05)
    for label in cards:
        assert shown[label].delta in ("like real", "off", "beyond real", "for comparison"), label
        assert shown[label].help, f"{label} is not explained"
    assert "Original precision" in shown["Symmetric precision"].help
    text = text_of(at)
    assert "two sets of real samples of this size give" in text and "is being measured" not in text
    assert text.casefold().count("real samples give") + text.count("real samples, which give") >= len(cards) - 1


def test_the_identity_is_spelled_out(home, store, data):
    run_id, report = trained(store, data("digits")), measured(data("digits"))[-1][2]
    at = open_page("pages/distances.py", run=run_id)
    rf, rr, ff, u = (
        report.metrics[n].value for n in ("mean_real_fake", "mean_real_real", "mean_fake_fake", "energy_distance")
    )
    assert 2 * rf - rr - ff == pytest.approx(u, abs=1e-9)
    formula = next(e.value for e in at.get("latex") or at.markdown if "cdot" in e.value)
    for number in (rf, rr, ff, u):
        assert f"{number:.4f}" in formula


def test_samples_like_the_real_ones_are_marked_so(home, store, data):
    digits = data("digits")
    run_id = trained(store, digits)
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    shown = {m.label: m for m in open_page("pages/distances.py", run=run_id).metric}
    assert shown["Energy distance"].delta == "like real"
    assert shown["Real to real"].delta == "for comparison"


def test_without_a_reference_it_is_being_measured_and_then_shown(home, store, data):
    digits = data("digits")
    run_id = trained(store, digits)
    at = open_page("pages/distances.py", run=run_id)
    assert f"Real against real is being measured for {ROWS} samples" in text_of(
        at
    ) and "Waiting for the worker" in progress(at)
    assert {m.delta for m in at.metric} == {"not judged yet"}
    job = claim(store, "reference")
    assert (job.run_id, asked(job)) == (None, ReferenceParameters("digits", ROWS))
    store.jobs.progress(job.id, "hand", 0.25)
    assert "Working" in progress(drawn(at.run()))
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    store.jobs.finish(job.id, result=b"{}")
    drawn(at.run())
    assert "being measured" not in text_of(at) and "not judged yet" not in {m.delta for m in at.metric}


def test_a_calibration_that_failed_can_be_asked_for_again(home, store, data):
    at = open_page("pages/distances.py", run=trained(store, data("digits")))
    store.jobs.finish(claim(store, "reference").id, error="the data are gone")
    drawn(at.run())
    assert "the data are gone" in text_of(at)
    drawn(at.button(key="reference again").click().run())
    assert claim(store, "reference")


def progress(at: AppTest) -> str:
    return "\n".join(element.proto.text for element in at.get("progress"))


@pytest.mark.parametrize("name", ["digits", "ring-8"])
def test_the_metric_over_the_training_is_anyones_choice(home, store, data, name):
    dataset = data(name)
    run_id = trained(store, dataset)
    store.measurements.put_reference(dataset.sha256, "pixels", calibrated(dataset))
    at = open_page("pages/distances.py", part="curves", run=run_id)
    choice = at.selectbox(key="metric")
    assert choice.value == "energy_distance"
    known = {name for name, metric in measured(dataset)[-1][2].metrics.items() if metric.value is not None}
    assert set(choice.options) == {METRICS[name].title for name in known}
    drawn(choice.set_value("coverage").run())
    curve = next(spec for spec in figures(at) if spec["layout"]["yaxis"]["title"]["text"] == "Coverage")
    mean, sd = calibrated(dataset).metrics["coverage"]
    band = next(shape for shape in curve["layout"]["shapes"] if shape["type"] == "rect")
    assert (band["y0"], band["y1"]) == pytest.approx((mean - 2 * sd, mean + 2 * sd))


def test_train_draws_the_same_band(home, store, data):
    digits = data("digits")
    run_id = trained(store, digits, "running")
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    at = open_page("pages/train.py", run=run_id)
    mean, sd = calibrated(digits).metrics["energy_distance"]
    (band,) = chart_of(at, "Energy distance over steps")["layout"]["shapes"]
    assert band["y1"] == pytest.approx(max(mean + 2 * sd, sd))
    assert f"real samples {mean:.3f} ± {sd:.3f} (blue band)" in text_of(at)


PARTS = ("verdict", "samples", "curves", "report", "check")
ONLY_IN = {
    "verdict": "At a glance",
    "samples": "How often each class is drawn",
    "curves": "Over the training",
    "report": "Neighbours (k)",
    "check": "a good metric detects it",
}


@pytest.mark.parametrize("name", [*PARTS, "unknown", ""])
def test_a_link_opens_one_part_and_nothing_of_the_others(home, store, data, name):
    at = open_page("pages/distances.py", run=trained(store, data("digits")), **({"part": name} if name else {}))
    said = text_of(at) + " ".join(field.label for field in at.number_input)
    assert [part for part in PARTS if ONLY_IN[part] in said] == [name if name in PARTS else "verdict"]


def test_a_part_is_in_the_address_and_what_was_asked_for_stays(home, store, data):
    at = ask_for_everything(store, data("digits"))
    (choice,) = at.get("segmented_control") or at.get("button_group")
    drawn(choice.set_value("curves").run())
    assert at.query_params["part"] in ("curves", ["curves"]) and "Over the training" in text_of(at)
    (choice,) = at.get("segmented_control") or at.get("button_group")
    drawn(choice.set_value("report").run())
    assert "Waiting for the worker" in progress(at)
    assert (at.number_input(key="draw seed").value, at.number_input(key="k").value) == (7, 3)


# ---------------------------------------------------------------- a full report


@functools.cache
def full_report(dataset):
    fake = dataset.train.x[600 : 600 + ROWS]
    report = measure(
        real=real_side(dataset),
        fake=flatten(fake),
        reference=calibrated(dataset, "full", 2),
        modes=dataset.modes,
        panel="full",
    )
    return replace(report, seed=7)


def ask_for_everything(store, dataset) -> AppTest:
    store.measurements.put_reference(dataset.sha256, "pixels", calibrated(dataset))
    at = open_page("pages/distances.py", part="report", run=trained(store, dataset))
    at.number_input(key="draw seed").set_value(7)
    at.number_input(key="k").set_value(3)
    return drawn(at.button(key="measure").click().run())


@pytest.mark.parametrize("name", ["digits", "ring-8"])
def test_a_full_report_is_a_job_that_is_drawn_when_it_is_done(home, store, data, name):
    dataset = data(name)
    at = ask_for_everything(store, dataset)
    assert "Waiting for the worker" in progress(at)
    job = claim(store, "measure")
    assert (job.kind, job.run_id, job.step) == ("measure", store.runs.all()[0].id, 100)
    n = min(store.runs.get(job.run_id).config.recording.rows, len(dataset.test.x))
    assert asked(job) == MeasureParameters(n, 7, panel="full", k=3)
    report = full_report(dataset)
    store.jobs.finish(job.id, result=records.record_to_json(report).encode())
    drawn(at.run())
    assert report.verdict in text_of(at).replace("\\", "")
    rows = {
        row["metric"]: row
        for table in at.dataframe
        if "metric" in table.value
        for row in table.value.to_dict("records")
    }
    assert set(rows) == {METRICS[name].title for name in report.metrics}
    for name, metric in report.metrics.items():
        row = rows[METRICS[name].title]
        assert row["in words"] == metric.verdict
        assert row["value"] == shown_value(metric)  # as on the cards
        assert metric.value is not None or "needs" in row["in words"]
    assert [b.label for b in at.get("download_button")] == [
        "Download all as CSV",
        "Download all as JSON",
        "Report as HTML",
    ]
    at.session_state["report view"] = "Charts"
    drawn(at.run())
    assert "Highest precision at each recall" in descriptions(at)
    image = "The direction of the largest difference, as an image"
    assert (image in descriptions(at)) == (dataset.kind == "image")
    assert "Historical: Parzen log-likelihood in comparison" in text_of(at) and "proves nothing" in text_of(at)


def test_a_new_snapshot_does_not_take_the_report_away(home, store, data):
    digits = data("digits")
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    run_id = trained(store, digits, "running")
    at = drawn(open_page("pages/distances.py", part="report", run=run_id).button(key="measure").click().run())
    job = claim(store, "measure")
    store.jobs.finish(job.id, result=records.record_to_json(full_report(digits)).encode())
    commit_report(store, run_id, measured(digits)[-1][2], state="running", error=None)
    drawn(at.run())
    assert (
        at.select_slider[0].value == job.step == 100
        and "Download all as JSON" in [b.label for b in at.get("download_button")]
    )


def test_the_seed_0_and_the_live_panel_stay_what_was_measured_in_training(home, store, data):
    run_id, report = trained(store, data("digits")), full_report(data("digits"))
    store.measurements.put_report(run_id, 100, report)
    shown = {m.label: m.value for m in open_page("pages/distances.py", run=run_id).metric}
    assert shown["Energy distance"] != f"{report.metrics['energy_distance'].value:.4f}"


def test_a_report_that_failed_is_said_and_can_be_asked_for_again(home, store, data):
    at = ask_for_everything(store, data("digits"))
    store.jobs.finish(claim(store, "measure").id, error="there is **nothing** to measure")
    drawn(at.run())
    assert r"there is \*\*nothing\*\* to measure" in text_of(at)
    drawn(at.button(key="measured again").click().run())
    assert claim(store, "measure")


def test_a_report_is_cancelled_and_asked_for_again(home, store, data):
    at = ask_for_everything(store, data("digits"))
    job = claim(store, "measure")
    drawn(at.run())
    drawn(at.button(key="measured cancel").click().run())
    assert store.jobs.get(job.id).state == "cancelled" and "This request was cancelled." in text_of(at)
    drawn(at.button(key="measured again").click().run())
    assert store.jobs.get(job.id).state == "waiting" and "was cancelled" not in text_of(at)


def test_a_quick_answer_has_no_button_to_cancel(home, store, data):
    at = open_page("pages/gallery.py", run=trained(store, data("digits")))
    assert claim(store, "browse") and not [button for button in at.button if button.label == "Cancel"]


def test_points_have_no_other_spaces(home, store, data):
    ring, digits = (
        open_page("pages/distances.py", part="report", run=trained(store, data(n))) for n in ("ring-8", "digits")
    )
    assert len(ring.selectbox(key="space").options) == 1
    assert len(digits.selectbox(key="space").options) == 3


def test_a_report_becomes_a_file(data):
    import csv

    from ui.distances.full_report import to_csv

    report = full_report(data("digits"))
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(to_csv(report)))}
    verdict = rows.pop("verdict")
    assert verdict["verdict"].startswith(TITLES[verdict["group"]])
    assert set(rows) == set(report.metrics)
    for name, metric in report.metrics.items():
        assert (rows[name]["n"], rows[name]["draw"]) == (str(report.n_fake), str(report.seed))
        assert rows[name]["value"] == ("" if metric.value is None else repr(metric.value))
        assert rows[name]["group"] == METRICS[name].group and rows[name]["verdict"] == metric.verdict
    assert rows["modes_captured"]["needs"].startswith("modes")


# ---------------------------------------------------------------- corrupted real data


def test_corrupted_real_data_are_a_job_that_is_drawn_as_a_map(home, store, data):
    store.measurements.put_reference(data("ring-8").sha256, "pixels", calibrated(data("ring-8")))
    at = open_page("pages/distances.py", part="check", run=trained(store, data("ring-8")))
    assert at.selectbox(key="corruption data").value == "ring-8"
    assert len(at.selectbox(key="corruption data").options) == 4
    at.selectbox(key="corruption data").set_value("digits")
    drawn(at.selectbox(key="corruption").set_value("blur").run())
    assert CORRUPTION_TITLES["blur"][1] in text_of(at)
    drawn(at.button(key="corruptions").click().run())
    job = claim(store, "corruptions")
    assert (job.run_id, asked(job)) == (None, Corruptions("digits", 600, corruptions=("blur",)))
    known = {"value": 1.0, "reference_mean": 0.5, "reference_sd": 0.1}
    levels = (0.3, 0.5, 1.0)
    cells = tuple(CorruptionCell("blur", level, "energy_distance", z=40 * level, **known) for level in levels)
    store.jobs.finish(job.id, result=encode(CorruptionTest(360, "image", "live", 0, cells)))
    drawn(at.run())
    rows = chart_of(at, "How every metric rates every corruption")["data"][0]["y"]
    assert rows == [f"blur {level:.3g}" for level in levels]
    assert "360 corrupted real samples" in text_of(at) and CORRUPTION_TITLES["blur"][0] in text_of(at)
    assert CORRUPTION_TITLES["noise"][0] not in text_of(at)


def test_the_metrics_can_be_checked_on_every_corruption(home, store, data):
    store.measurements.put_reference(data("digits").sha256, "pixels", calibrated(data("digits")))
    at = open_page("pages/distances.py", part="check", run=trained(store, data("digits")))
    drawn(at.button(key="corruptions").click().run())
    assert asked(claim(store, "corruptions")).corruptions == ()


# ---------------------------------------------------------------- collapsed and diverged


def commit_report(store, run_id, report, **end) -> None:
    """One more measurement of a running run, at step 101."""
    run = store.runs.get(run_id)
    store.progress.commit(
        run_id,
        "hand",
        run.claim_no,
        Commit(step=101, seconds=1.0, measured=[(101, report)], **end),
    )


def test_a_run_has_one_number_and_one_chip_on_every_page(home, store, data):
    digits, known = data("digits"), calibrated(data("digits"))
    store.measurements.put_reference(digits.sha256, "pixels", known)
    run_id = trained(store, digits)
    report = beside(store.measurements.reports(run_id)[-1][1], known)
    chip = f"{TITLES[verdict_of(report).kind]}]"
    for path in ("app.py", "pages/train.py", "pages/distances.py"):
        at = open_page(path, run=run_id)
        shown = [text_of(at), *(f"{metric.label} {metric.value}" for metric in at.metric)]
        assert chip in shown[0], path
        assert any(f"{report.metrics['energy_distance'].value:.4f}" in words for words in shown), path
    assert chip in text_of(open_page("pages/compare.py", runs=run_id))


def test_a_diverged_measurement_has_no_numbers(home, store, data):
    run_id, part = trained(store, data("ring-8"), "running"), real_side(data("ring-8"))
    report = measure(real=part, fake=np.full_like(part.rows, np.nan))
    commit_report(store, run_id, report, state="failed", error="diverged at step 101")
    at = open_page("pages/distances.py", run=run_id)
    assert "Far off]" in text_of(at) and "The training has diverged" in text_of(at)
    assert not at.metric
    at = open_page("pages/distances.py", part="curves", run=run_id)
    assert set(descriptions(at)) == {"Energy distance over steps", "Mean distances over steps"}  # measured before


def test_a_collapsed_generator_is_said_beside_its_numbers(home, store, data):
    digits = data("digits")
    run_id, part = trained(store, digits, "running"), real_side(digits)
    report = measure(real=part, fake=np.tile(part.rows.mean(axis=0), (ROWS, 1)))
    commit_report(store, run_id, report, state="running", error=None)
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    at = open_page("pages/distances.py", run=run_id)
    assert "Collapsed]" in text_of(at) and "all" in text_of(at)
    shown = {m.label: m for m in at.metric}
    assert float(shown["Generated to generated"].value) == 0 and shown["Spread"].delta == "off"
    assert float(shown["1-NN accuracy, generated"].value) == 1


# ---------------------------------------------------------------- gallery


def test_a_run_that_was_told_no_classes_offers_none(home, store, data):
    at = open_page("pages/gallery.py", run=trained(store, data("digits")))
    assert "Class" not in {box.label for box in at.selectbox}
    assert "label" not in store.jobs.claim("hand").params


SURFACE = {
    "points": np.zeros((64, 2), np.float32),
    "manifold": np.zeros((1, 21, 21, 2), np.float32),
    "x": np.linspace(-1, 1, 61, dtype=np.float32),
    "y": np.linspace(-1, 1, 61, dtype=np.float32),
    "belief": np.full((61, 61), 0.5, np.float32),
    "pushes": np.zeros((64, 2), np.float32),
}
LEGEND = ("Colours: discriminator output", "Grey lines: the generator's output", "Arrows: the direction")


@pytest.mark.parametrize(
    "how, explained",
    [({}, (True, True, True)), (ENERGY, (False, True, True)), (VAE, (False, True, False))],
    ids=["auto", "energy-only", "vae"],
)
def test_in_the_plane_the_networks_are_drawn_and_explained(home, store, data, how, explained):
    run_id = trained(store, data("ring-8"), **how)
    at = open_page("pages/gallery.py", run=run_id, step=50)
    assert tuple(words in text_of(at) for words in LEGEND) == explained
    job = store.jobs.claim("hand")
    assert (job.run_id, job.step, asked(job)) == (run_id, 50, Surface())
    store.jobs.finish(job.id, result=pack(**SURFACE))
    drawn(at.run())
    figure = chart_of(at, "Real and generated points, the latent grid and the gradients at step 50")
    assert names_of_curves(figure) == ["latent grid", "real", "generated", "gradient"]


def test_the_networks_are_drawn_for_the_class_that_was_chosen(home, store, data):
    run_id = trained(store, data("ring-8"), data__conditional=True)
    at = open_page("pages/gallery.py", run=run_id)
    assert asked(claim(store, "surface")) == Surface()
    drawn(at.selectbox(key=f"surface class {run_id}").set_value(5).run())
    assert asked(claim(store, "surface")) == Surface(label=5)


def test_a_surface_that_cannot_be_drawn_says_why_and_leaves_the_rest(home, store, data):
    run_id = trained(store, data("ring-8"))
    at = open_page("pages/gallery.py", run=run_id)
    store.jobs.finish(store.jobs.claim("hand").id, error="this snapshot holds no discriminator")
    drawn(at.run())
    assert "holds no discriminator" in text_of(at) and "Look closer" in text_of(at)
    assert {"surface answer again", "play"} <= {button.key for button in at.button}


def test_several_samples_judged_together_have_no_surface(home, store, data):
    at = open_page("pages/gallery.py", run=trained(store, data("ring-8"), discriminator__packing=2))
    assert tuple(words in text_of(at) for words in LEGEND) == (False, True, True)


@pytest.mark.parametrize(
    "latents, words", [(2, "Every cell has the same probability"), (64, "Two of the 64 latent dimensions are shown")]
)
def test_the_grid_of_many_latents_is_called_a_part_of_them(home, store, data, latents, words):
    at = open_page("pages/gallery.py", run=trained(store, data("ring-8"), generator__latent_dim=latents))
    assert words in text_of(at)


# ---------------------------------------------------------------- setting up


def labels(at: AppTest) -> set[str]:
    """The settings on the page by the keys in their help."""
    kinds = ("selectbox", "toggle", "text_input", "number_input", "slider")
    keys = {widget.key.split()[0] for kind in kinds for widget in getattr(at, kind) if widget.key}
    return keys & set(configs.SETTINGS)


def all_settings(at: AppTest) -> set[str]:
    """The settings that the form offers, Basic and Expert."""
    found = labels(opened(at, "All settings"))
    return found | labels(drawn(at.segmented_control(key="form level").set_value("Expert").run()))


def set_up(at: AppTest, **choices) -> AppTest:
    for key, value in choices.items():
        at.selectbox(key=key).set_value(value)
    return drawn(at.run())


@pytest.mark.parametrize(
    "seconds, architecture, words",
    [(60, "mlp", "Networks: dense layers. A short speed trial"), (600, "subpixel", "Networks: convolutions, or dense")],
)
def test_a_time_resolves_the_recipe_and_goes_into_the_run(home, store, seconds, architecture, words):
    at = set_up(open_page("pages/train.py"), data="mnist")
    assert "Networks: dense layers." in text_of(at)
    drawn(at.segmented_control(key="length").set_value("time").run())
    drawn(at.number_input(key="seconds").set_value(seconds).run())
    assert words in text_of(at)
    assert "Steps" not in {box.label for box in at.number_input}
    drawn(form_button(at, "start").click().run())
    config = store.runs.all()[0].config
    assert (config.training.seconds, config.generator.architecture) == (seconds, architecture)
    assert config == presets.preset("auto", data="mnist", shape=(28, 28, 1), seconds=seconds)
    assert "changed:" not in text_of(at)


def test_steps_after_all_leave_no_time_behind(home, store):
    at = open_page("pages/train.py")
    for length in ("time", "steps"):
        drawn(at.segmented_control(key="length").set_value(length).run())
    drawn(form_button(at, "start").click().run())
    assert store.runs.all()[0].config == presets.preset("auto", data="digits", shape=(8, 8, 1))


@pytest.mark.parametrize("preset", ["auto", "vae"])
def test_the_networks_are_told_the_class_when_asked_to(home, store, preset):
    at = set_up(open_page("pages/train.py", part="new"), preset=preset)
    at.toggle(key=f"data.conditional {preset} digits mlp").set_value(True)
    drawn(form_button(at, "start").click().run())
    assert store.runs.all()[0].config.data.conditional
    assert "conditional" in store.runs.all()[0].name


@pytest.mark.parametrize("classes, offered", [(1, False), (2, True), (64, True)])
def test_the_class_is_offered_where_there_are_several(home, store, classes, offered):
    file = io.BytesIO()
    rng = np.random.default_rng(0)
    y = np.arange(10 * 65) % classes
    np.savez(file, x=rng.integers(0, 256, (len(y), 8, 8), dtype=np.uint8), y=y)
    at = open_page("pages/train.py")
    uploaded(at, "mine.npz", file.getvalue())
    drawn(at.button(key="keep upload").click().run())
    assert ("Class-conditional" in {toggle.label for toggle in at.toggle}) == offered


def test_a_recipe_without_a_discriminator_offers_no_class(home, store):
    at = set_up(open_page("pages/train.py"), preset="energy-only")
    assert "data.conditional" not in labels(at)


@pytest.mark.parametrize(
    "preset, shown, hidden",
    [
        ("auto", "generator.hidden objective.r1 discriminator.fourier", "generator.channels discriminator.channels"),
        ("dcgan", "generator.channels discriminator.channels", "generator.hidden discriminator.hidden"),
        ("vae", "discriminator.hidden optimizer.learning_rate_discriminator", "objective.r1 discriminator.clip"),
        ("energy-only", "objective.loss generator.hidden", "objective.r1 discriminator.hidden discriminator.clip"),
    ],
)
def test_settings_that_mean_nothing_are_not_shown(home, store, preset, shown, hidden):
    settings = all_settings(set_up(open_page("pages/train.py"), preset=preset))
    assert set(shown.split()) <= settings and not set(hidden.split()) & settings


def test_every_setting_of_a_game_has_its_place(home, store):
    about_channels = {"generator.channels", "discriminator.channels"}
    rest = {"preset", "seed", "data.name", "training.seconds"} | about_channels
    assert all_settings(open_page("pages/train.py")) | rest == set(configs.SETTINGS)


def test_another_loss_or_architecture_brings_its_settings(home, store):
    at = opened(set_up(open_page("pages/train.py"), data="mnist"), "All settings")
    at.selectbox(key="generator.architecture auto mnist mlp").set_value("dcgan")
    drawn(at.run())
    assert "generator.channels" in labels(at) and "Networks: convolutions." in text_of(at)
    at = set_up(at, preset="energy-only")
    at = drawn(at.selectbox(key="objective.loss energy-only mnist mlp").set_value("hinge").run())
    at.number_input(key="objective.r1 energy-only mnist mlp").set_value(0.5)
    drawn(form_button(at, "start").click().run())
    config = store.runs.all()[0].config
    assert (config.objective.loss, config.objective.r1) == ("hinge", 0.5)


def test_a_loss_that_forbids_the_penalties_of_the_recipe_keeps_them_in_sight(home, store):
    at = opened(open_page("pages/train.py"), "All settings")
    drawn(at.selectbox(key="objective.loss auto digits mlp").set_value("energy").run())
    drawn(form_button(at, "start").click().run())
    assert "R1" in at.error[0].value and "objective.r1" not in at.error[0].value
    for key in ("objective.r1", "objective.r2"):
        at.number_input(key=f"{key} auto digits mlp").set_value(0.0)
    drawn(form_button(at, "start").click().run())
    assert store.runs.all()[0].config.objective.loss == "energy"


@pytest.mark.parametrize("name", ["ring-8", "digits", "mnist"])
def test_one_click_starts_a_run_on_these_data(home, store, name):
    at = drawn(open_page().button(key=f"start {name}").click().run())
    run = store.runs.all()[0]
    assert (run.config.data.name, run.config.preset, run.state) == (name, "auto", "queued")
    assert "Place 1 in the queue" in text_of(at)


def test_start_trains_what_the_widgets_say(home, store):
    at = opened(open_page("pages/train.py"), "All settings")
    drawn(at.selectbox(key="preset").set_value("classic-2014").run())
    at.number_input(key="seed").set_value(5)
    at.number_input(key="training.steps classic-2014 digits mlp").set_value(777)
    at.text_input(key="generator.hidden classic-2014 digits mlp").set_value("32, 16")
    drawn(form_button(at, "start").click().run())
    config = store.runs.all()[0].config
    assert (config.preset, config.seed, config.training.steps, config.generator.hidden) == (
        "classic-2014",
        5,
        777,
        (32, 16),
    )
    expected = presets.preset("classic-2014", data="digits", shape=(8, 8, 1))
    assert set(configs.differences(config, expected)) == {"seed", "training.steps", "generator.hidden"}


def test_wrong_settings_are_all_said_and_start_nothing(home, store):
    at = opened(open_page("pages/train.py"), "All settings")
    at.text_input(key="generator.hidden auto digits mlp").set_value("abc")
    at.text_input(key="discriminator.hidden auto digits mlp").set_value("1,2,3,4,5,x")
    drawn(form_button(at, "start").click().run())
    assert "This run cannot start" in text_of(at)
    for named in ("Hidden layers of the generator", "abc", "Hidden layers of the discriminator"):
        assert named in at.error[0].value.replace("\\", "")
    assert [run.state for run in store.runs.all()] == ["finished"]  # the example
    at.text_input(key="generator.hidden auto digits mlp").set_value("32")
    at.text_input(key="discriminator.hidden auto digits mlp").set_value("32")
    drawn(form_button(at, "start").click().run())
    assert not at.error and [run.state for run in store.runs.all()] == ["queued", "finished"]


def started(at: AppTest, store):
    """What a click on Start makes of the form: the settings of the newest run."""
    drawn(form_button(at, "start").click().run())
    return store.runs.all()[0].config


@pytest.mark.parametrize("name", ["ring-8", "digits", "mnist"])
def test_every_recipe_can_be_set_up_for_every_shape_of_data(home, store, name):
    """One after the other by the same visitor: no recipe keeps anything of the one before."""
    at, shape, found = set_up(open_page("pages/train.py", part="new"), data=name), datasets.OPTIONS[name].shape, {}
    for preset in presets.PRESETS:
        found[preset] = started(set_up(at, preset=preset), store)
        (view,) = (choice for choice in at.segmented_control if choice.label == "Beside the picture")
        drawn(view.set_value("new").run())
    assert found == {preset: presets.preset(preset, data=name, shape=shape) for preset in presets.PRESETS}
    assert len(store.runs.all()) == 1 + len(presets.PRESETS)  # with the example


def test_every_data_set_can_be_chosen(home, store):
    found = {}
    for name in datasets.OPTIONS:
        found[name] = started(set_up(open_page("pages/train.py", part="new"), data=name), store)
    assert found == {name: presets.preset(data=name, shape=about.shape) for name, about in datasets.OPTIONS.items()}


def test_an_upload_can_be_trained_on(home, store):
    file = io.BytesIO()
    rng = np.random.default_rng(0)
    np.savez(file, x=rng.integers(0, 256, (300, 12, 12), dtype=np.uint8), y=rng.integers(0, 3, 300))
    at = open_page("pages/train.py")
    uploaded(at, "mine.npz", file.getvalue())
    drawn(at.button(key="keep upload").click().run())
    name = at.selectbox(key="data").value
    assert name.startswith("upload-") and "300 images" in text_of(at)
    drawn(form_button(at, "start").click().run())
    run = store.runs.all()[0]
    assert run.config.data.name == name and run.state == "queued"


@pytest.mark.parametrize("file", ["mine.npz", "mine.csv", "mine.zip", "mine.npy"])
def test_a_bad_file_is_said_and_cannot_be_kept(home, store, file):
    at = open_page("pages/train.py")
    uploaded(at, file, b"\x93no such thing")
    assert "This file cannot be used" in text_of(at)
    assert "keep upload" not in {b.key for b in at.button}
    assert store.datasets.uploads() == []


def test_system_tells_versions_and_places(home):
    at = with_tab(open_page("pages/train.py"), "System")
    assert str(home) in at.table[0].value.to_csv().replace("\\", "")


def test_on_a_shared_server_data_and_runs_are_private_until_they_are_published(home, store, monkeypatch):
    monkeypatch.setenv("GANOMETER_SHARED", "true")
    file = io.BytesIO()
    np.savez(file, x=np.random.default_rng(0).integers(0, 256, (300, 12, 12), dtype=np.uint8))
    mine = open_page("pages/train.py", browser_id="a" * 32)
    uploaded(mine, "mine.npz", file.getvalue())
    drawn(mine.button(key="keep upload").click().run())
    drawn(form_button(mine, "start").click().run())
    run = store.runs.all()[0]
    name = run.config.data.name
    assert re.fullmatch("browser-[0-9a-f]{16}", run.owner)

    def seen_by_another() -> bool:
        return "Unknown run" not in text_of(open_page("pages/train.py", browser_id="b" * 32, run=run.id))

    assert not seen_by_another()
    drawn(opened(mine, "Share").toggle(key=f"publish run {run.id}").set_value(True).run())
    assert store.runs.get(run.id).published and seen_by_another()
    drawn(viewing(mine, "new").toggle(key=f"publish {name}").set_value(True).run())
    assert store.datasets.named(name).published


# ---------------------------------------------------------------- what goes along, and what a card shows


@pytest.mark.parametrize("query, step", [({}, None), ({"step": "50"}, "50"), ({"step": "60"}, "50")])
def test_the_links_beside_the_controls_take_the_step_along(home, store, data, query, step):
    run_id = trained(store, data("digits"))
    at = open_page("pages/train.py", run=run_id, **query)
    for label in ("Distances", "Gallery"):
        in_menu, beside = (e.proto for e in at.get("page_link") if e.proto.label == label)
        asked = parse_qs(beside.query_string)
        assert asked == {"run": [run_id]} | ({"step": [step]} if step else {}), label
        assert parse_qs(in_menu.query_string)["run"] == [run_id]


def test_a_card_shows_its_curve_beside_the_band_of_real_samples(home, store, data):
    digits = data("digits")
    run_id = trained(store, digits)
    store.measurements.put_reference(digits.sha256, "pixels", calibrated(digits))
    at = open_page("pages/distances.py", run=run_id, step="50")
    drawn_ones = [e.value for e in at.markdown if e.value.startswith("<img")]
    coded = [re.search('svg\\+xml;base64,([^"]*)', picture) for picture in drawn_ones]
    pictures = [base64.b64decode(found[1]).decode() for found in coded]
    assert len(pictures) == len(at.metric)
    assert all("<rect" in picture for picture in pictures)
    alts = [re.search('alt="([^"]*)"', picture)[1] for picture in drawn_ones]
    words = "over the training, with the band of real samples"
    assert alts == [f"{card.label} {words}" for card in at.metric]
    assert sum(f'stroke="{FAKE}"' in picture for picture in pictures) > 5
    assert "Each **small curve** shows the value over the training" in text_of(at)


def test_a_slider_acts_when_it_is_let_go(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000)
    at = open_page("pages/train.py", run=run_id)
    slider = next(slider for slider in at.select_slider if slider.label == "Energy weight")
    drawn(slider.set_value(0.5).run())
    (command,) = store.commands.waiting(run_id)
    assert (command.kind, command.payload) == ("set", {"changes": {"objective.energy_weight": 0.5}})
    again = open_page("pages/train.py", run=run_id)
    assert next(s for s in again.select_slider if s.label == "Energy weight").value == 0.5


def test_back_to_the_recipe_sends_the_recipes_values(home, store, data):
    run_id = trained(store, data("digits"), "running", training__steps=1000, objective__energy_weight=0.5)
    drawn(open_page("pages/train.py", run=run_id).button(key="back to the recipe").click().run())
    (command,) = store.commands.waiting(run_id)
    assert command.payload["changes"]["objective.energy_weight"] == 0.0
