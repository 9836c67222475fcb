"""A link and back: every setting survives, and what a stranger may have written is read like any input."""

from dataclasses import replace
from functools import partial
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gan_core.config import presets
from gan_core.config import run_config as configs
from gan_core.config.run_config import ConfigError, RunConfig, override
from gan_core.records import DatasetError
from gan_core.service import share_links
from gan_core.store import Commit, Store

SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "ring-8": (2,), "upload-0123456789": (12, 9, 3)}
VERSIONS = {"ganometer": "0.1.0", "tensorflow": "2.21.0+cpu", "system": "Linux x86_64"}
LINK = {"preset": ["auto"], "data": ["digits"], "seed": ["3"]}


def preset_for(name: str, *, data: str, seconds: float | None = None) -> RunConfig:
    if data not in SHAPES:
        raise DatasetError(f"there is no data set {data!r}")
    return presets.preset(name, data=data, shape=SHAPES[data], seconds=seconds)


query_of = partial(share_links.query_of, preset_for=preset_for, versions=VERSIONS)
read = partial(share_links.config_from_query, preset_for=preset_for)


def through_an_address(query: dict[str, str]) -> dict[str, list[str]]:
    """What a server makes of the text behind the question mark."""
    return parse_qs(share_links.encoded_query(query), strict_parsing=True, keep_blank_values=True)


def values_of(key: str):
    """Everything one setting may be."""
    kind, choices = configs.setting_type(key)
    about = configs.describe_setting(key)
    if kind == "choice":
        return st.sampled_from(choices)
    if kind == "switch":
        return st.booleans()
    whole = st.integers(int(about["low"] or 0), int(about["high"] or 0))
    if kind == "widths":
        return st.lists(whole, min_size=1, max_size=about["longest"]).map(tuple)
    return whole if kind == "whole" else st.floats(about["low"], about["high"])


FREE = sorted(set(configs.SETTINGS) - {"preset", "data.name", "training.seconds"})


@st.composite
def configurations(draw) -> RunConfig:
    seconds = draw(st.none() | st.floats(1, 86_400))
    recipe = preset_for(
        draw(st.sampled_from([*presets.PRESETS])), data=draw(st.sampled_from([*SHAPES])), seconds=seconds
    )
    changed = draw(st.lists(st.sampled_from(FREE), unique=True, max_size=12))
    try:
        return override(recipe, {key: draw(values_of(key)) for key in changed})
    except ConfigError:
        assume(False)


@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
@given(configurations())
@example(RunConfig())
def test_every_configuration_survives_an_address(config):
    query = query_of(config)
    link = read(through_an_address(query))
    assert link.config == config and link.versions == VERSIONS and link.warnings == ()
    assert configs.to_json(link.config) == configs.to_json(config)  # to the last digit
    assert len(share_links.encoded_query(query)) <= share_links.LONGEST


def test_all_settings_at_once_fit_into_a_link():
    other = {"number": 0.12345678901234567, "whole": 7, "switch": True, "widths": (1024,) * 6}
    config = preset_for("dcgan", data="mnist", seconds=86_399.12345678)
    for key in FREE:
        for value in (other.get(configs.setting_type(key)[0]), *configs.setting_type(key)[1]):
            try:
                config = override(config, {key: value})
                break
            except ConfigError:
                continue
    assert len(configs.differences(config, preset_for("dcgan", data="mnist"))) > 30
    assert len(share_links.encoded_query(query_of(config))) < share_links.LONGEST
    assert read(through_an_address(query_of(config))).config == config


def test_a_link_tells_the_recipe_what_differs_the_seed_and_the_versions():
    config = override(preset_for("auto", data="mnist", seconds=60), {"objective.r1": 0.5, "generator.hidden": "64,32"})
    assert query_of(replace(config, seed=3)) == {
        "preset": "auto",
        "data": "mnist",
        "seconds": "60",
        "seed": "3",
        "generator.hidden": "64,32",
        "objective.r1": "0.5",
        "made": "ganometer:0.1.0,tensorflow:2.21.0+cpu,system:Linux x86_64",
    }
    link = read(through_an_address(query_of(replace(config, seed=3))))
    assert link.changes == {"objective.r1": (0.5, 1.0), "generator.hidden": ((64, 32), (256, 256))}


def test_what_a_link_leaves_out_is_the_recipe_s():
    of_the_page = {"run": ["0a1b2c3d"], "step": ["50"], "space": ["pixels"], "part": ["new"]}
    link = read({"preset": ["vae"], "data": ["ring-8"], **of_the_page})
    assert link.config == link.recipe == preset_for("vae", data="ring-8")
    assert (link.versions, link.warnings) == ({}, ())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"preset": ["magic"]}, ["preset is 'magic'; choose one of auto"]),
        ({"data": ["upload-gone"]}, ["there is no data set 'upload-gone'"]),
        ({"data": ["../../etc/passwd"]}, ["there is no data set '../../etc/passwd'"]),
        ({"seed": ["-1"]}, ["seed is -1; it must be between"]),
        ({"seed": [""]}, ["seed is ''; expected a whole number"]),
        ({"seed": ["1", "2"]}, ["seed is given 2 times"]),
        ({"seconds": ["1e9"]}, ["training.seconds is 1000000000.0"]),
        ({"objective.r1": ["nan"]}, ["objective.r1 is nan"]),
        ({"objective.r1": ["inf"]}, ["objective.r1 is inf"]),
        ({"objective.r1": ["<script>alert(1)</script>"]}, ["objective.r1 is '<script>"]),
        ({"objective.loss": ["vae"]}, ["which has no discriminator"]),
        ({"objective.magic": ["1"]}, ["objective.magic is not a setting"]),
        ({"__class__.__init__": ["1"]}, ["__class__.__init__ is not a setting"]),
        ({"generator.hidden": ["8," * 80 + "8"]}, ["generator.hidden has 81 layers; give 1 to 6"]),
        ({"generator.hidden": ["9" * 400]}, ["generator.hidden has 400 characters"]),
        ({"training.steps": ["10000000"]}, ["training.steps is 10000000"]),
        ({"seed": ["3\x00"]}, ["'seed' has characters that no link"]),
        ({"a\u202eb": ["1"]}, ["'a\\u202eb' has characters that no link"]),
        ({"objective.r1": ["0.5" * 2000]}, ["the link has 6,"]),
        ({f"k{i}": ["1"] for i in range(1000)}, ["the link has 6,"]),
        (
            {"preset": ["x"], "data": ["y"], "seed": ["z"], "objective.r1": ["-1"], "objective.r9": ["1"]},
            ["preset is 'x'", "no data set 'y'", "seed is 'z'", "objective.r1 is -1", "objective.r9 is not a setting"],
        ),
    ],
)
def test_a_wrong_or_hostile_link_is_refused_naming_everything_that_is_wrong(changed, said):
    with pytest.raises(ConfigError) as error:
        read(LINK | changed)
    assert len(error.value.problems) == len(said)
    assert all(any(words in problem for problem in error.value.problems) for words in said)
    assert all(len(problem) < 500 for problem in error.value.problems)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.text(max_size=30) | st.sampled_from(configs.SETTINGS), st.lists(st.text(max_size=40)), max_size=6
    )
)
def test_whatever_a_link_says_it_is_read_or_refused(query):
    try:
        config = read(LINK | query).config
    except ConfigError:
        return
    assert configs.from_json(configs.to_json(config)) == config


def test_what_a_messenger_adds_is_left_out_and_said():
    link = read(LINK | {"utm_source": ["mail"], "sed": ["4"]})
    assert link.config.seed == 3
    assert link.warnings == ("'utm_source' is no part of a link of this app", "'sed' is no part of a link of this app")


@pytest.mark.parametrize("made", ["x", "a:b,,c:d", "tensorflow:<b>", "t" * 30 + ":1", "a:1," * 20 + "a:1"])
def test_versions_that_cannot_be_read_are_left_out_and_said(made):
    link = read(LINK | {"made": [made]})
    assert link.versions == {} and link.warnings == ("which versions it was made with cannot be read",)
    assert link.config.seed == 3


# ---------------------------------------------------------------- the link of a run


def test_a_link_of_a_run_has_the_steps_that_its_speed_trial_found(store_url):
    """Or another trial, on a busier day, would make it another run."""
    store = Store(store_url)
    asked = preset_for("auto", data="mnist", seconds=600)
    run = store.leases.claim("w", run_id=store.runs.create(asked))
    assert share_links.repeating(run) == asked  # nobody knows the steps yet
    found = override(asked, {"training.steps": 9_876})
    store.progress.describe(run.id, "w", run.claim_no, config=found)
    about = dict(seconds=1.0, steps_per_second=50.0)
    store.progress.commit(run.id, "w", run.claim_no, Commit(state="running", step=10, **about))
    query = query_of(share_links.repeating(store.runs.get(run.id)))
    assert query["training.steps"] == "9876" and "seconds" not in query
    assert read(through_an_address(query)).config == override(found, {"training.seconds": None})
    store.close()


def test_a_link_may_give_every_visitor_a_seed_of_their_own():
    query = {"preset": ["auto"], "data": ["digits"], "seed": [share_links.EACH]}
    pupils = [f"pupil{i}@x.org" for i in range(30)]
    read = partial(share_links.config_from_query, query, preset_for=preset_for)
    seeds = [read(visitor=me).config.seed for me in pupils]
    assert len(set(seeds)) == 30 and seeds == [read(visitor=me).config.seed for me in pupils]
    link = read(visitor=pupils[0])
    assert link.own_seed and link.changes == {}
    assert not share_links.config_from_query(LINK, preset_for=preset_for, visitor="a").own_seed
