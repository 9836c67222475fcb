"""Settings: what is accepted, what is refused and in which words, and that nothing is lost on the way through JSON."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_core.config.presets import FEWEST_CONVOLUTIONAL_STEPS, PRESETS, fallback, preset
from gan_core.config.rules import WITHOUT_DISCRIMINATOR
from gan_core.config.run_config import (
    SETTINGS,
    ConfigError,
    RunConfig,
    describe_setting,
    differences,
    flatten_config,
    from_json,
    override,
    recorded_steps,
    setting_type,
    to_json,
)
from gan_core.config.sections import (
    ADVERSARIAL_LOSSES,
    LOSSES,
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    ObjectiveConfig,
    OptimizerConfig,
    RecordingConfig,
    TrainingConfig,
)


def values_of(key):
    """Any value that the setting `key` may have."""
    kind, choices = setting_type(key)
    about = describe_setting(key)
    low, high = about["low"], about["high"]
    return {
        "choice": lambda: st.sampled_from(choices),
        "switch": lambda: st.booleans(),
        "whole": lambda: st.integers(low, high),
        "number": lambda: st.floats(low, high),
        "widths": lambda: st.lists(st.integers(low, high), min_size=1, max_size=about["longest"]).map(tuple),
        "text": lambda: st.text(min_size=1, max_size=100),
    }[kind]()


ALONE = {
    "objective.r1": 0.0,
    "objective.r2": 0.0,
    "objective.gradient_penalty": "none",
    "objective.energy_weight": 0.0,
    "objective.feature_matching": 0.0,
    "objective.diversity": 0.0,
    "objective.label_smoothing": 0.0,
    "objective.instance_noise": 0.0,
    "objective.translation": 0.0,
    "discriminator.spectral_norm": False,
    "discriminator.clip": 0.0,
    "discriminator.packing": 1,
    "training.discriminator_steps": 1,
}
"""What a loss without a discriminator leaves at nothing."""


def suiting_each_other(change):
    """The change without settings that do not go together. Which ones these are, the refusal itself must say."""
    if change.get("objective.loss") in WITHOUT_DISCRIMINATOR:
        change = change | ALONE
    try:
        override(RunConfig(), change)
    except ConfigError as error:
        named = {key for key in change if any(key in problem for problem in error.problems)}
        assert named, f"{error} names nothing of {change}"
        return suiting_each_other({key: value for key, value in change.items() if key not in named})
    return change


changes = st.fixed_dictionaries({}, optional={key: values_of(key) for key in SETTINGS}).map(suiting_each_other)


def as_text(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def refused(change):
    """What is said about a change, one sentence per problem."""
    with pytest.raises(ConfigError) as error:
        override(RunConfig(), change)
    assert str(error.value) == "; ".join(error.value.problems)
    return error.value.problems


# ---------------------------------------------------------------- there and back


@given(changes)
def test_nothing_is_lost_in_json(change):
    config = override(RunConfig(), change)
    assert from_json(to_json(config)) == config
    assert {key: flatten_config(config)[key] for key in change} == change


@given(changes)
def test_text_is_read_as_the_type_of_the_setting(change):
    """As the command line gives it: repr of a float is read back to the very same float."""
    texts = {key: as_text(value) for key, value in change.items()}
    assert override(RunConfig(), texts) == override(RunConfig(), change)


def test_json_is_nested_by_section_and_sorted():
    values = json.loads(to_json(RunConfig()))
    assert list(values) == sorted(values)
    assert values["generator"]["hidden"] == [128, 128] and values["optimizer"]["beta1"] == 0.0


def test_what_json_leaves_out_has_its_default():
    assert from_json("{}") == RunConfig()
    assert from_json('{"training": {"batch": 8}}') == RunConfig(training=TrainingConfig(batch=8))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("seed", "7", 7),
        ("training.steps", "2e3", 2000),
        ("optimizer.beta1", ".5", 0.5),
        ("optimizer.learning_rate_generator", "1e-4", 1e-4),
        ("generator.hidden", "64, 32", (64, 32)),
        ("generator.hidden", "64", (64,)),
        ("generator.output_bias", "False", False),
        ("discriminator.centre", "true", True),
        ("training.seconds", "90", 90.0),
        ("training.seconds", "none", None),
        ("training.seconds", "", None),
        ("objective.loss", "minimax", "minimax"),
        ("data.name", "ring-8", "ring-8"),
    ],
)
def test_text_by_dotted_key(key, text, value):
    found = flatten_config(override(RunConfig(), {key: text}))[key]
    assert found == value and type(found) is type(value)


def test_differences_are_what_was_changed():
    config = override(RunConfig(), {"seed": 3, "optimizer.beta1": 0.5, "training.batch": 256})
    assert differences(config, RunConfig()) == {"seed": (3, 0), "optimizer.beta1": (0.5, 0.0)}  # 256 is the default


def test_flatten_names_every_setting_once():
    nested = dataclasses.asdict(RunConfig())
    dotted = {f"{k}.{name}" for k, part in nested.items() if isinstance(part, dict) for name in part}
    assert set(flatten_config(RunConfig())) == set(SETTINGS) == dotted | {"preset", "seed"}


# ---------------------------------------------------------------- refusals


def test_everything_that_is_wrong_is_named_at_once():
    problems = refused(
        {
            "optimizer.beta9": 0.5,
            "training.batch": 0,
            "generator.hidden": "64,x",
            "objective.loss": "earth-mover",
            "recording.rows": 49,
            "speed": 1,
        }
    )
    said = "\n".join(problems)
    assert len(problems) == 6
    for part in ("optimizer.beta9", "training.batch is 0", "'64,x'", "'earth-mover'", "recording.rows is 49", "speed"):
        assert part in said


def test_json_names_everything_that_is_wrong_at_once():
    with pytest.raises(ConfigError) as error:
        from_json('{"seed": -1, "generator": {"ema": 1, "depth": 3}, "optimizer": 5, "colour": "red"}')
    named = [problem.split()[0] for problem in error.value.problems]
    assert named == ["seed", "generator.ema", "generator.depth", "optimizer", "colour"]


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"auto"', "NaN"])
def test_what_is_not_a_json_object_is_refused(text):
    with pytest.raises(ConfigError, match="the configuration is"):
        from_json(text)


def test_a_near_miss_is_pointed_out():
    assert refused({"optimizer.beta_1": 0.5}) == ("optimizer.beta_1 is not a setting; did you mean optimizer.beta1?",)


NUMBERS = [key for key in SETTINGS if setting_type(key)[0] in ("whole", "number", "widths")]
NOT_NUMBERS = [math.nan, math.inf, -math.inf, "nan", "inf", "-inf", True, False, "true", 10**400, "9" * 5000, "ten", {}]


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda v: str(v)[:9] if not isinstance(v, int) or v < 2 else "huge")
def test_what_is_no_usable_number_is_refused(key, value):
    value = (value,) if setting_type(key)[0] == "widths" and not isinstance(value, (str, dict)) else value
    (problem,) = refused({key: value})
    assert problem.startswith(f"{key} is ")


@pytest.mark.parametrize("key", [key for key in SETTINGS if key != "training.seconds"])
def test_none_is_refused(key):
    assert refused({key: None})
    if key != "data.name" and "none" not in setting_type(key)[1]:
        assert refused({key: "none"})


@pytest.mark.parametrize("key", [key for key in SETTINGS if describe_setting(key)["low"] is not None])
def test_the_range_includes_its_ends_and_nothing_beyond(key):
    about, open_to_all = describe_setting(key), override(RunConfig(), {"objective.loss": "minimax"})
    widths = setting_type(key)[0] == "widths"
    for end, beyond in ((about["low"], -math.inf), (about["high"], math.inf)):
        outside = end + math.copysign(1, beyond) if setting_type(key)[0] != "number" else math.nextafter(end, beyond)
        assert override(open_to_all, {key: [end] if widths else end})
        (problem,) = refused({key: [outside] if widths else outside})
        assert problem.startswith(f"{key} is ") and "it must be between" in problem


def test_ranges_are_said_in_figures_a_person_reads():
    assert refused({"training.steps": 0}) == ("training.steps is 0; it must be between 1 and 1,000,000",)
    assert refused({"seed": -1}) == ("seed is -1; it must be between 0 and 2,147,483,647",)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"generator.hidden": ()}, "0 layers; give 1 to 6"),
        ({"discriminator.hidden": (8,) * 7}, "7 layers; give 1 to 6"),
        ({"generator.hidden": 64}, "expected whole numbers, for example 128,128"),
        ({"generator.hidden": (8.5,)}, "expected whole numbers"),
        ({"training.batch": 8.5}, "training.batch is 8.5; expected a whole number"),
        ({"generator.output_bias": 1}, "expected true or false"),
        ({"generator.output_bias": "yes"}, "expected true or false"),
        ({"objective.loss": 5}, f"choose one of {', '.join(LOSSES)}"),
        ({"objective.loss": "earth-mover"}, f"choose one of {', '.join(LOSSES)}"),
        ({"generator.init": "zeros"}, "choose one of glorot_uniform, he_normal"),
        ({"preset": "best"}, f"choose one of {', '.join(PRESETS)}"),
        ({"data.name": ""}, "name a data set"),
        ({"data.name": "x" * 101}, "name a data set"),
        ({"data.name": 5}, "name a data set"),
    ],
)
def test_the_sentence_says_what_is_wanted(change, part):
    (problem,) = refused(change)
    assert problem.startswith(*change) and part in problem


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (dict(seed=True), "seed"),
        (dict(seed=1.0), "seed"),
        (dict(preset=["auto"]), "preset"),
        (dict(data=DataConfig(None)), "data.name"),
        (dict(generator=GeneratorConfig(hidden=[8])), "generator.hidden"),
        (dict(generator=GeneratorConfig(hidden=(8, True))), "generator.hidden"),
        (dict(generator=GeneratorConfig(output_bias=1)), "generator.output_bias"),
        (dict(discriminator=DiscriminatorConfig(init=None)), "discriminator.init"),
        (dict(objective=ObjectiveConfig(r1=math.nan)), "objective.r1"),
        (dict(optimizer=OptimizerConfig(beta1="0.5")), "optimizer.beta1"),
        (dict(training=TrainingConfig(steps=10.5)), "training.steps"),
        (dict(training=TrainingConfig(seconds=True)), "training.seconds"),
        (dict(recording=RecordingConfig(rows=10)), "recording.rows"),
    ],
)
def test_a_configuration_made_by_hand_is_checked_too(wrong, key):
    with pytest.raises(ConfigError) as error:
        RunConfig(**wrong)
    (problem,) = error.value.problems
    assert problem.startswith(f"{key} is ")


def test_a_whole_number_does_for_a_number():
    assert RunConfig(objective=ObjectiveConfig(r1=2)).objective.r1 == 2


PARTS = [RunConfig(), *filter(dataclasses.is_dataclass, vars(RunConfig()).values())]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_frozen(part):
    name = dataclasses.fields(part)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(part, name, getattr(part, name))


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_has_a_help_sentence_and_its_range(key):
    about = describe_setting(key)
    assert about["help"][0].isupper() and about["help"].endswith(".") and 10 <= len(about["help"]) <= 100
    assert (about["low"] is None) == (about["high"] is None) == (setting_type(key)[0] in ("choice", "switch", "text"))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("objective.loss", ("choice", LOSSES)),
        ("generator.architecture", ("choice", ("mlp", "dcgan", "subpixel", "residual"))),
        ("generator.output_bias", ("switch", ())),
        ("training.batch", ("whole", ())),
        ("training.seconds", ("number", ())),
        ("generator.hidden", ("widths", ())),
        ("data.name", ("text", ())),
    ],
)
def test_kinds(key, kind):
    assert setting_type(key) == kind


# ---------------------------------------------------------------- presets


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", [(2,), (8, 8, 1), (28, 28, 1), (16, 16, 3)])
def test_a_preset_is_a_valid_configuration_that_knows_its_name(name, shape):
    config = preset(name, data="x", shape=shape, seed=5)
    assert (config.preset, config.data.name, config.seed) == (name, "x", 5)
    assert from_json(to_json(config)) == config


def test_auto_follows_the_shape_and_not_the_name():
    points, small, large = (preset("auto", shape=shape) for shape in ((2,), (8, 8, 1), (28, 28, 1)))
    assert [c.generator.latent_dim for c in (points, small, large)] == [2, 32, 100]
    assert preset("auto", data="mnist", shape=(8, 8, 1)).generator == small.generator
    assert {c.objective.loss for c in (points, small, large)} == {"relativistic"}


def test_an_unknown_preset_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match=f"preset is 'stylegan'; choose one of {', '.join(PRESETS)}"):
        preset("stylegan")


def test_auto_follows_the_seconds_there_are():
    """Convolutions for images that are large enough when there is time for them; never for 8 × 8."""

    def kinds(shape, seconds):
        config = preset("auto", shape=shape, seconds=seconds)
        assert config.training.seconds == seconds
        return config.generator.architecture, config.discriminator.architecture

    large = (28, 28, 1)
    assert kinds(large, 400) == kinds(large, 600) == kinds((16, 16, 3), 600) == ("subpixel", "subpixel")
    for shape, seconds in ((large, 60), (large, 180), (large, None), ((8, 8, 1), 600), ((2,), 600)):
        assert kinds(shape, seconds) == ("mlp", "mlp")


def test_only_auto_falls_back_to_dense_layers_and_only_where_steps_are_few():
    large = (28, 28, 1)
    config = preset("auto", data="mnist", shape=large, seed=7, seconds=600)
    slow, fast = (
        override(config, {"training.steps": steps, "optimizer.beta1": 0.5, "data.conditional": True})
        for steps in (FEWEST_CONVOLUTIONAL_STEPS - 1, FEWEST_CONVOLUTIONAL_STEPS)
    )
    kept = {"training.seconds": 600, "optimizer.beta1": 0.5, "data.conditional": True}
    assert fallback(slow, large) == override(preset("auto", data="mnist", shape=large, seed=7), kept)
    assert fallback(fast, large) is None
    chosen = override(config, {"training.steps": 1, "discriminator.architecture": "residual"})
    assert fallback(chosen, large) is None  # somebody wanted convolutions
    for name in ("dcgan", "r3gan-lite"):
        other = preset(name, shape=large, seconds=10)
        assert other.generator.architecture != "mlp" and fallback(other, large) is None
    assert fallback(override(preset("auto", shape=large), {"training.steps": 1}), large) is None


# ---------------------------------------------------------------- what is recorded when


@given(st.integers(1, 10**6), st.integers(2, 48))
def test_recorded_steps_start_at_0_end_at_the_last_and_are_at_most_that_many(total, count):
    steps = recorded_steps(total, count)
    assert steps[0] == 0 and steps[-1] == total
    assert len(steps) <= count
    assert all(a < b for a, b in zip(steps, steps[1:])) and all(type(s) is int for s in steps)


def test_recorded_steps_by_hand():
    """From 50 to 100 the scale .2 log(1 + t/50) / log 3 + .8 t/100 goes from .526 to 1; at 75 it is .767."""
    assert recorded_steps(100, 3) == (0, 50, 100)
    assert recorded_steps(100, 4) == (0, 50, 75, 100)
    assert recorded_steps(12_000, 2) == (0, 12_000)
    assert recorded_steps(20, 10) == (0, 20)
    assert recorded_steps(1, 10) == (0, 1)


@given(st.integers(5000, 10**6), st.integers(10, 48))
def test_recorded_steps_are_dense_early_and_then_even_in_time(total, count):
    steps = recorded_steps(total, count)
    gaps = [after - before for before, after in zip(steps[1:], steps[2:])]
    assert all(before <= after + 2 for before, after in zip(gaps, gaps[1:]))  # never closer again
    assert sum(step >= 2 * total / 3 for step in steps) >= 0.28 * (count - 1) - 1  # one is no share of few
    assert gaps[-1] <= 1.25 * total / (count - 2)


def test_the_last_third_of_a_usual_run_has_several_pictures():
    late = [step for step in recorded_steps(12_000, 24) if step >= 8_000]
    assert len(late) >= 7 and max(after - before for before, after in zip(late, late[1:])) < 700


def test_the_energy_distance_needs_pairs_of_samples():
    with pytest.raises(ConfigError, match="energy_weight needs pairs of samples and training.batch is 1"):
        override(preset(), {"objective.energy_weight": 1, "training.batch": 1})
    assert override(preset(), {"objective.energy_weight": 1, "training.batch": 2}).training.batch == 2


def test_settings_that_do_not_go_together_are_said_once_each_of_them_is_right():
    wrong = {"training.batch": 1, "objective.energy_weight": 1, "objective.diversity": 1}
    assert [problem.split()[0] for problem in refused(wrong)] == ["objective.energy_weight", "objective.diversity"]
    assert [problem.split()[0] for problem in refused(wrong | {"seed": -1})] == ["seed"]


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_the_penalties_of_the_default_suit_every_game(loss):
    assert override(RunConfig(), {"objective.loss": loss}).objective.loss == loss


@pytest.mark.parametrize("loss", WITHOUT_DISCRIMINATOR)
def test_a_loss_without_a_discriminator_refuses_what_only_one_could_use(loss):
    """And names all of it at once."""
    (problem,) = refused({"objective.loss": loss, "objective.instance_noise": 0.1})
    wrong = "objective.r1, objective.r2, objective.instance_noise"
    assert problem == f"objective.loss is {loss!r}, which has no discriminator; set {wrong} back to nothing"
    assert override(RunConfig(), ALONE | {"objective.loss": loss}).objective.loss == loss


def test_every_loss_is_adversarial_or_has_no_discriminator():
    assert sorted((*ADVERSARIAL_LOSSES, *WITHOUT_DISCRIMINATOR)) == sorted(LOSSES)
