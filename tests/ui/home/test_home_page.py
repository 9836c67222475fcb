"""Home's cards, the setup form's summary, and links that are opened: without a browser."""

import hashlib
import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gan_core import machine
from gan_core.config import presets
from gan_core.config import run_config as configs
from gan_core.distances.catalogue import VERSION
from gan_core.records import DatasetInfo, MetricResult, Reference, Report
from gan_core.service import share_links
from gan_core.service.lab import Lab
from gan_core.settings import Settings
from gan_core.store import Commit, Store
from tests.drawing import drawn, form_button, open_page, opened, text_of

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

CONFIG = configs.override(presets.preset("auto", data="digits", shape=(8, 8, 1)), {"training.steps": 100})
SHA = "ab" * 32
MARKDOWN = "**bold** <img src=x onerror=alert(1)> [link](http://example.com) $x^2$ `code`"


@pytest.fixture(scope="module")
def emptied(tmp_path_factory) -> Path:
    """A store whose example somebody has deleted."""
    folder = tmp_path_factory.mktemp("emptied")
    lab = Lab(Settings(folder, f"sqlite:///{folder / 'ganometer.sqlite'}", None, "none"))
    lab.runs.delete(lab.bundles.example().id)
    lab.close()
    return folder / "ganometer.sqlite"


@pytest.fixture
def home(home, emptied):
    shutil.copy(emptied, home)
    return home


def measured(energy: float) -> Report:
    """A measurement of a training, with two numbers only."""
    metrics = {"energy_distance": energy, "mean_real_real": 2.0}
    directions = {"energy_distance": "lower"}
    found = {n: MetricResult(n, value, direction=directions.get(n, "diagnostic")) for n, value in metrics.items()}
    return Report("measured", 500, 500, 5, "pixels", 0, found)


def trained(store: Store, name: str, *, state="finished", energy=0.25, seconds=2.0, config=CONFIG, sha=SHA) -> str:
    run = store.leases.claim("hand", run_id=store.runs.create(config, name=name))
    parts = {"train": 900, "holdout": 400, "test": 500}
    data = DatasetInfo("digits", sha, "image", (8, 8, 1), parts, np.zeros((4, 8, 8, 1), np.uint8), np.arange(4))
    store.datasets.put(data)
    store.progress.describe(run.id, "hand", run.claim_no, dataset=sha, versions=machine.versions())
    store.progress.commit(
        run.id,
        "hand",
        run.claim_no,
        Commit(
            state=state,
            step=100,
            seconds=seconds,
            steps_per_second=50.0,
            measured=[(50, measured(9.0)), (100, measured(energy))],
            taken=[(100, np.zeros((16, 8, 8, 1), np.uint8), b"")],
        ),
    )
    return run.id


def cards(at: AppTest) -> list[str]:
    """The runs shown, in their order."""
    return [link.proto.query_string.removeprefix("run=") for link in at.get("page_link") if link.proto.label == "Open"]


# ---------------------------------------------------------------- cards


@pytest.mark.parametrize(
    ("energy", "word"),
    [(0.012, "Like real"), (0.050, "Nearly"), (50.0, "Far off"), (-0.010, "Like real")],
)
def test_a_card_says_how_far_the_samples_are_beside_real_ones(store, energy, word):
    known = {"energy_distance": (0.01, 0.002)}
    store.measurements.put_reference(SHA, "pixels", Reference(500, 20, 0, known, version=VERSION))
    run_id = trained(store, "mine", energy=energy)
    at = open_page()
    assert f"{word}]" in text_of(at) and f"Energy distance **{energy:.4f}**" in text_of(at)
    assert ("(≈ 0)" in text_of(at)) == (energy < 0)
    assert cards(at) == [run_id] and f"`{run_id}`" in text_of(at)
    assert [picture.proto.imgs[0].alt for picture in at.get("image")] == ["Samples of mine at step 100"]


def test_a_card_without_numbers_says_so(store):
    store.runs.create(CONFIG, name="fresh")
    trained(store, "unknown data")
    text = text_of(open_page())
    assert "No samples yet" in text and "place 1 in the queue" in text
    assert text.count("Cannot tell yet]") == 2


SEARCHES = {
    ("", None): ["b", "a"],
    ("APPLE", None): ["a"],
    ("class 4b", None): ["b"],
    ("digits auto", None): ["b", "a"],
    ("lsgan", None): [],
    ("finished", None): ["a"],
    ("", "stopped"): ["b"],
    ("apple", "stopped"): [],
}
"""The runs that are shown, by what is looked for and the state that is asked for."""


def test_the_search_looks_at_names_tags_data_recipes_states_and_ids(store):
    ids = {"a": trained(store, "Apple"), "b": trained(store, "pear", state="stopped")}
    store.runs.tag(ids["b"], ["class 4b"])
    at = open_page()
    for (words, state), found in SEARCHES.items():
        at.text_input(key="search").set_value(words)
        drawn(at.selectbox(key="state").set_value(state).run())
        assert cards(at) == [ids[name] for name in found], (words, state)
        assert ("No run matches" in text_of(at)) == (not found), (words, state)
    at.selectbox(key="state").set_value(None)
    drawn(at.text_input(key="search").set_value(ids["a"]).run())
    assert cards(at) == [ids["a"]]


def test_more_runs_than_a_page_holds_are_a_page_away(store):
    ids = [store.runs.create(CONFIG, name=f"x{i}y") for i in range(30)]
    for run_id in ids:
        store.commands.send(run_id, "stop")
    at = open_page()
    shown = cards(at)
    assert len(shown) == 24
    at.session_state["page of runs"] = 2  # AppTest has no pagination to click
    drawn(at.run())
    assert len(cards(at)) == 6 and set(shown) | set(cards(at)) == set(ids)
    drawn(at.text_input(key="search").set_value("x29y").run())  # fewer pages than the one that was open
    assert cards(at) == [ids[29]]


def test_a_run_is_renamed_and_tagged(store):
    run_id = trained(store, "old")
    at = open_page()
    at.text_input(key=f"name {run_id}").set_value("  new name ")
    drawn(at.button(key=f"rename {run_id}").click().run())
    at.text_input(key=f"tags {run_id}").set_value("collapse, class 4b,, collapse")
    drawn(at.button(key=f"tag {run_id}").click().run())
    run = store.runs.get(run_id)
    assert (run.name, run.tags) == ("new name", ("collapse", "class 4b"))
    text = text_of(at)
    assert "**new name**" in text and "collapse" in text and "class 4b" in text


@pytest.mark.parametrize(
    ("field", "button", "value", "words"),
    [
        ("name", "rename", " ", "has 0 characters; give 1 to 80"),
        ("tags", "tag", "x" * 30, "has 30 characters; give 1 to 24"),
        ("tags", "tag", "a,b,c,d,e,f,g,h,i", "at most 8"),
    ],
)
def test_a_name_or_tag_that_cannot_be_kept_is_said_and_changes_nothing(store, field, button, value, words):
    run_id = trained(store, "old")
    at = open_page()
    at.text_input(key=f"{field} {run_id}").set_value(value)
    drawn(at.button(key=f"{button} {run_id}").click().run())
    assert words in at.toast[0].value
    assert (store.runs.get(run_id).name, store.runs.get(run_id).tags) == ("old", ())


def test_names_and_tags_are_text_and_no_markdown(store):
    run_id = trained(store, MARKDOWN)
    store.runs.tag(run_id, [":red[x]", "[a](b)", "<b>x</b>"])
    text = text_of(open_page())
    for raw in ("<img", "**bold**", "[link](", "$x^2$", "[a](b)", "<b>"):
        assert raw not in text


def test_others_runs_have_no_menu(store, monkeypatch):
    run_id = trained(store, "theirs")
    monkeypatch.setenv("GANOMETER_SHARED", "true")
    st.cache_resource.clear()  # a server that is started anew
    at = open_page()
    assert cards(at) == [run_id]
    assert not {b.key for b in at.button} & {f"rename {run_id}", f"tag {run_id}", f"delete {run_id}"}


def visitor_of_a_shared_server(monkeypatch, letter: str) -> tuple[AppTest, str]:
    """Home for one of several visitors, and what the store calls this one."""
    monkeypatch.setenv("GANOMETER_SHARED", "true")
    browser_id = letter * 32
    st.cache_resource.clear()  # a server that is started anew
    owner = f"browser-{hashlib.sha256(browser_id.encode()).hexdigest()[:16]}"
    return open_page(browser_id=browser_id), owner


def test_runs_stand_by_setting_and_are_sorted(store):
    conditional = configs.override(CONFIG, {"preset": "dcgan"})
    ids = {
        "b": trained(store, "b", energy=0.2),
        "c": trained(store, "c", energy=0.3, config=conditional),
        "a": trained(store, "a", energy=0.1),
    }
    at = open_page()
    titles = [box.value for box in at.markdown if box.value.startswith("### ")]
    assert titles == ["### digits · auto", "### digits · dcgan"]
    for order, found in {"newest": "abc", "best": "abc", "name": "abc"}.items():
        drawn(at.selectbox(key="sort").set_value(order).run())
        assert cards(at) == [ids[name] for name in found], order
    store.runs.rename(ids["a"], "z")
    drawn(at.run())
    assert cards(at) == [ids[name] for name in "bac"]


def test_several_runs_are_tagged_and_deleted_at_once(store):
    one, other, kept = (trained(store, name) for name in ("one", "other", "kept"))
    active = store.runs.create(CONFIG, name="waits")
    at = open_page()
    assert at.button(key="compare selected").disabled
    for run_id in (one, other, active):
        at.checkbox(key=f"select {run_id}").check()
    drawn(at.run())
    assert "3 selected" in text_of(at) and not at.button(key="compare selected").disabled
    at.text_input(key="tag of the selected").set_value("class 4b")
    drawn(at.button(key="add tag").click().run())
    assert [store.runs.get(run_id).tags for run_id in (one, kept)] == [("class 4b",), ()]
    for run_id in (one, other, active):
        at.checkbox(key=f"select {run_id}").check()
    drawn(at.run())
    assert "Delete 2 runs" in text_of(at) and "1 of the selected stay" in text_of(at)
    drawn(at.button(key="delete all selected").click().run())
    assert {run.id for run in store.runs.all()} == {kept, active}


def test_a_visitor_sees_whose_run_is_whose_and_may_ask_for_their_own(store, monkeypatch):
    store.people.call("anna@x.org", "Anna")
    hers = store.runs.create(CONFIG, name="hers", owner="anna@x.org")
    at, me = visitor_of_a_shared_server(monkeypatch, "a")
    mine = store.runs.create(CONFIG, name="mine", owner=me)
    drawn(at.run())
    assert set(cards(at)) == {hers, mine} and "by Anna" in text_of(at) and "by you" in text_of(at)
    assert not at.checkbox(key=f"select {hers}").disabled
    drawn(at.segmented_control(key="whose runs").set_value("mine").run())
    assert cards(at) == [mine]


def test_a_nickname_is_asked_once(store, monkeypatch):
    store.runs.create(CONFIG, name="a run")
    at, me = visitor_of_a_shared_server(monkeypatch, "b")
    at.text_input(key="nickname").set_value("Ben")
    drawn(at.button(key="save nickname").click().run())
    assert store.people.nicknames() == {me: "Ben"}
    again = open_page(browser_id="b" * 32)
    assert [box.proto.popover.label for box in again.get("popover") if "Ben" in box.proto.popover.label] == ["Ben"]


def test_settings_that_were_trained_lead_to_their_run_and_can_be_trained_anyway(store):
    config = presets.preset("auto", data="digits", shape=(8, 8, 1))
    done = trained(store, "done", config=config)
    at = open_page("pages/train.py", run=trained(store, "other"), part="new")
    drawn(form_button(at, "start").click().run())
    assert "This run has been trained already" in text_of(at) and len(store.runs.all()) == 2
    assert at.query_params["run"] == done
    drawn(at.button(key="train anyway").click().run())
    assert len(store.runs.all()) == 3 and "has been trained already" not in text_of(at)


# ---------------------------------------------------------------- what will run


def test_the_summary_tells_what_will_run_and_how_long_it_takes_here(store):
    at = opened(open_page("pages/train.py"), "All settings")
    assert "Trains **12,000 steps** on digits, 256 samples a step. Takes about half a minute on a" in text_of(at)
    assert "Discriminator: dense layers of 128, 128." in text_of(at)
    assert "Takes about half a minute on a laptop." in text_of(open_page())
    trained(store, "the same, shorter", seconds=2.0)
    at = opened(open_page("pages/train.py"), "All settings")
    assert "Takes about 4 min here." in text_of(at) and "Takes about 4 min here." in text_of(open_page())
    drawn(at.number_input(key="training.steps auto digits mlp").set_value(500).run())
    assert "Trains **500 steps**" in text_of(at) and "Takes about 10 s here." in text_of(at)
    drawn(at.text_input(key="generator.hidden auto digits mlp").set_value("9").run())
    assert "samples a step. Generator: dense layers of 9." in text_of(at)
    drawn(at.segmented_control(key="length").set_value("time").run())
    assert "Takes about 60 s here." in text_of(at)


def test_the_summary_of_what_cannot_run_says_so(store):
    at = opened(open_page("pages/train.py"), "All settings")
    drawn(at.text_input(key="generator.hidden auto digits mlp").set_value("abc").run())
    assert "cannot be combined" in text_of(at) and "share" not in {p.key for p in at.get("popover")}


# ---------------------------------------------------------------- links


def link_to(config, made=None) -> dict[str, str]:
    def preset_for(name, *, data, seconds):
        shape = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "ring-8": (2,)}[data]
        return presets.preset(name, data=data, shape=shape, seconds=seconds)

    return share_links.query_of(config, preset_for=preset_for, versions=made or machine.versions())


CHANGES = {
    "auto digits": {"objective.r1": 0.5, "generator.hidden": "64,32", "training.steps": 345, "data.conditional": True},
    "auto ring-8": {"optimizer.beta1": 0.12345678901, "optimizer.schedule": "cosine", "recording.snapshots": 7},
    "dcgan mnist": {"generator.channels": 24, "generator.hidden": "7", "objective.label_smoothing": 0.1},
    "vae mnist": {"generator.ema": 0.99999, "training.batch": 64},
    "energy-only digits": {},
}


@pytest.mark.parametrize(
    "case, seconds", [*((case, None) for case in CHANGES), *((case, 600) for case in ("auto digits", "dcgan mnist"))]
)
def test_a_link_fills_the_form_and_the_run_has_exactly_its_settings(store, case, seconds):
    recipe, data = case.split()
    shape = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "ring-8": (2,)}[data]
    base = presets.preset(recipe, data=data, shape=shape, seed=7, seconds=seconds)
    config = configs.override(base, CHANGES[case])
    at = open_page("pages/train.py", **link_to(config))
    assert not at.error and "Default" not in text_of(at) and not at.warning
    assert "This link brings the recipe" in text_of(at) and "seed 7" in text_of(at)
    assert store.runs.all() == []  # opening starts nothing
    drawn(form_button(at, "start").click().run())
    (run,) = store.runs.all()
    assert run.config == config
    assert {*at.query_params} == {"run"} and at.query_params["run"] in (run.id, [run.id])


def test_a_link_says_what_it_brings_and_when_versions_differ(store):
    config = configs.override(CONFIG, {"objective.r1": 0.5})
    text = text_of(open_page("pages/train.py", **link_to(config)))
    assert "R1 0.5 instead of 1" in text and "the run will be identical" in text
    other = machine.versions() | {"tensorflow": "1.15.0"}
    text = text_of(open_page("pages/train.py", **link_to(config, other))).replace("\\", "")
    assert "made with tensorflow 1.15.0, and this server has tensorflow 2." in text and "identical" not in text


def test_a_link_is_read_once_and_then_the_form_is_a_person_s_own(store):
    at = open_page("pages/train.py", **link_to(CONFIG))
    drawn(at.number_input(key="seed").set_value(9).run())
    assert at.number_input(key="seed").value == 9
    drawn(form_button(at, "start").click().run())
    assert store.runs.all()[0].config.seed == 9 and "This link brings" not in text_of(at)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"preset": "magic"}, ["preset is 'magic'"]),
        ({"preset": "<script>alert(1)</script>"}, ["preset is '"]),
        ({"preset": "auto", "data": "upload-0123456789"}, ["there is no data set 'upload-0123456789'"]),
        ({"preset": "auto", "data": "ring-8", "data.conditional": "true", "generator.architecture": "dcgan"}, ["mlp"]),
        ({"preset": "auto", "seed": "x", "objective.r9": "1"}, ["seed is 'x'", "objective.r9 is not a setting"]),
        ({"preset": "auto", "objective.loss": "vae"}, ["which has no discriminator"]),
        ({"preset": "auto", "objective.r1": "1" * 5000}, ["the link has 5,"]),
        ({"preset": "**x** :material/home: [a](http://b)"}, ["preset is '"]),
    ],
)
def test_a_hostile_link_is_a_sentence_and_the_form_keeps_what_it_had(store, query, words):
    at = open_page("pages/train.py", **query)
    text = text_of(at).replace("\\", "")
    assert "This link cannot be used" in text and all(word in text for word in words)
    assert "<script" not in text_of(at) and "[a](" not in text_of(at) and "**x**" not in text_of(at)
    assert (at.selectbox(key="data").value, at.selectbox(key="preset").value) == ("digits", "auto")
    assert store.runs.all() == []
    drawn(form_button(at, "start").click().run())
    assert store.runs.all()[0].config == presets.preset("auto", data="digits", shape=(8, 8, 1))


def test_what_somebody_else_added_to_a_link_is_left_out_and_said(store):
    at = open_page("pages/train.py", **link_to(CONFIG), utm_source="mail")
    assert "Left out" in text_of(at) and not at.error


def query_in(at: AppTest) -> list[dict]:
    """The queries of the links on the page."""
    found = [about["query"] for c in at.get("bidi_component") if "query" in (about := json.loads(c.proto.json))]
    return [{key: values[0] for key, values in parse_qs(text).items()} for text in found]


def test_the_form_s_link_has_what_the_widgets_say(store):
    at = opened(open_page("pages/train.py"), "All settings")
    at.number_input(key="objective.r1 auto digits mlp").set_value(0.125)
    at.number_input(key="seed").set_value(4)
    opened(at, "Share these settings")
    (query,) = query_in(at)
    assert query == link_to(configs.override(presets.preset(seed=4), {"objective.r1": 0.125}))


def test_a_run_s_link_has_the_steps_its_trial_found_and_the_versions_it_was_made_with(store):
    timed = configs.override(CONFIG, {"training.seconds": 60, "training.steps": 100})
    run_id = trained(store, "timed", config=timed)
    at = opened(open_page("pages/train.py", run=run_id), "Share")
    (query,) = query_in(at)
    assert query == link_to(CONFIG) and "bit for bit" in text_of(at)
    run = store.runs.get(run_id)
    store.runs.extend(run_id, configs.override(run.config, {"training.steps": 200}))
    assert "changed or forked" in text_of(opened(open_page("pages/train.py", run=run_id), "Share"))


def test_a_run_on_data_that_are_gone_has_no_link_and_says_so(store):
    gone = configs.override(CONFIG, {"data.name": "upload-0123456789"})
    run_id = store.runs.create(gone, name="old")
    text = text_of(open_page("pages/train.py", run=run_id))
    assert "upload-0123456789" in text
