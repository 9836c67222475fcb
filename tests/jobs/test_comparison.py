"""Runs as groups, curves over seeds, and what a verdict says and does not say."""

from dataclasses import replace

import numpy as np
import pytest

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.config.titles import value_in_words
from gan_core.jobs import compare, comparison
from gan_core.jobs.comparison import Comparison, ComparisonReport
from gan_core.records import RunInfo

CONFIG = preset("auto", data="digits")


def run(number: int, config=CONFIG, *, state="finished", step=100, **more) -> RunInfo:
    """A run with this id; `more` are settings, with __ for a dot, or fields of a run."""
    fields = {key: more.pop(key) for key in ("name", "parent_id", "parent_step") if key in more}
    config = override(config, {key.replace("__", "."): value for key, value in more.items()})
    none = dict.fromkeys(("started", "ended", "steps_per_second", "worker", "heartbeat_age", "threads", "error"))
    about = dict(name="", version=1, owner="", created=0.0, seconds=1.0, phase="", dataset="sha", versions={})
    kept = dict(id=f"{number:08x}", config=config, state=state, step=step, total_steps=config.training.steps)
    return RunInfo(**about | none | kept | fields)


def names(groups) -> list[str]:
    return [group.name for group in groups]


# ---------------------------------------------------------------- groups


def test_runs_that_differ_only_in_seed_and_name_are_one_group():
    runs = [run(1, seed=3), run(2, seed=1, name="mine"), run(3, seed=0, objective__r1=2), run(4, seed=2)]
    first, second = comparison.group_runs(runs)
    assert (first.letter, first.seeds, [r.id for r in first.runs]) == ("A", (1, 2, 3), [f"{i:08x}" for i in (2, 4, 1)])
    assert (second.letter, second.seeds) == ("B", (0,))
    assert names((first, second)) == ["A · R1 = 1", "B · R1 = 2"]


def test_what_a_clock_decided_keeps_no_runs_apart():
    by_clock = [run(i, seed=i, training__seconds=60, training__steps=9000 + i) for i in (0, 1)]
    by_hand = run(2, seed=2, training__steps=9001)  # as a repetition of the second one is
    assert [group.seeds for group in comparison.group_runs([*by_clock, by_hand])] == [(0, 1, 2)]
    # The bridge between two that seemed apart may come last, or first.
    assert len(comparison.group_runs([by_clock[0], by_hand])) == 2
    assert [group.seeds for group in comparison.group_runs([by_clock[0], by_hand, by_clock[1]])] == [(0, 1, 2)]
    other = run(3, training__seconds=90, training__steps=9500)
    assert len(comparison.group_runs([*by_clock, other])) == 2


def test_the_same_run_twice_counts_once():
    group, *others = comparison.group_runs([run(1, step=50, state="stopped"), run(2), run(3, seed=1), run(4, step=100)])
    assert not others and group.seeds == (0, 1)
    assert group.runs[0].step == 100 and {r.id for r in group.again} == {f"{1:08x}", f"{2:08x}"}


def test_a_branch_is_another_setting_than_a_run_from_the_beginning():
    branch = run(2, seed=1, parent_id="x", parent_step=50)
    assert names(comparison.group_runs([run(1), branch])) == ["A · auto", "B · from step 50"]


def test_recipes_name_groups_where_they_differ():
    other = preset("wgan-gp", data="digits")
    groups = comparison.group_runs([run(1), run(2, optimizer__beta1=0.5), run(3, other), run(4, other, seed=1)])
    assert names(groups) == ["A · auto · Beta1 = 0", "B · auto · Beta1 = 0.5", "C · wgan-gp"]
    assert names(comparison.group_runs([run(1)])) == ["A · auto"]


def test_many_differences_are_named_in_short():
    changes = dict(
        objective__r1=2, objective__r2=2, optimizer__beta1=0.5, generator__hidden=(64, 32), training__batch=64
    )
    label = comparison.group_runs([run(1), run(2, **changes)])[1].label
    assert label == "Hidden layers of the generator = 64–32, R1 = 2, R2 = 2, 2 more"


def test_what_is_recorded_names_a_group_only_where_nothing_else_differs():
    other = run(2, objective__r1=2, recording__snapshots=9)
    assert names(comparison.group_runs([run(1), other])) == ["A · R1 = 1", "B · R1 = 2"]
    (_, alone) = comparison.group_runs([run(1), run(2, recording__snapshots=9)])
    assert alone.label == "Snapshots = 9"


def test_the_table_of_settings_holds_what_differs_and_nothing_else():
    configs = [run(1).config, run(2, objective__r1=2, seed=4).config, run(3, generator__batch_norm=True).config]
    found = comparison.settings_diff(configs)
    assert found == {"seed": (0, 4, 0), "generator.batch_norm": (False, False, True), "objective.r1": (1.0, 2.0, 1.0)}
    assert comparison.settings_diff(configs[:1]) == {} and comparison.settings_diff([]) == {}
    words = [value_in_words(value) for value in ((64, 32), True, False, None, 0.0003, 12000, "mlp")]
    assert words == ["64–32", "on", "off", "none", "0.0003", "12,000", "mlp"]


# ---------------------------------------------------------------- curves


def test_the_mean_of_seeds_is_taken_where_all_have_values():
    curve = comparison.curve_of_group([([0, 100, 200], [1, 2, 4]), ([0, 50, 100], [3, 5, 8]), ([], [])])
    assert curve.steps.tolist() == [0, 50, 100] and curve.n == 2
    assert curve.mean.tolist() == [2, (1.5 + 5) / 2, 5]
    assert curve.sd == pytest.approx([np.std([1, 3], ddof=1), np.std([1.5, 5], ddof=1), np.std([2, 8], ddof=1)])


def test_one_seed_has_no_spread_and_seeds_that_never_meet_no_mean():
    alone = comparison.curve_of_group([(np.array([0.0, 10]), np.array([1.0, 2]))])
    assert alone.mean.tolist() == [1, 2] and alone.sd is None and alone.n == 1
    assert comparison.curve_of_group([([0, 10], [1, 2]), ([20, 30], [1, 2])]) is None
    assert comparison.curve_of_group([]) is None


@pytest.mark.parametrize(
    "state, asked, found",
    [
        ("finished", None, 100),
        ("finished", 60, 50),
        ("stopped", 500, 100),
        ("running", None, None),
        ("running", 50, 50),
        ("running", 99, 100),
        ("running", 500, None),
        ("queued", 0, 0),
    ],
)
def test_a_run_counts_where_it_has_come_to(state, asked, found):
    assert comparison.step_of(run(1, state=state), (0, 50, 100), asked) == found
    assert comparison.step_of(run(1, state=state), (), asked) is None


# ---------------------------------------------------------------- the verdict


def groups_of(*sizes, **settings):
    runs = [run(10 * i + seed, seed=seed, objective__r1=i + 1) for i, size in enumerate(sizes) for seed in range(size)]
    return comparison.group_runs(runs)


def verdicts(*values, metric="energy_distance", noise=0.001):
    """Groups with these values per seed, and samples with this much noise (None: seeds alone)."""
    groups, rng = groups_of(*(len(v) for v in values)), np.random.default_rng(0)
    table = {group.name: np.array(v) for group, v in zip(groups, values)}
    drawn = {name: v[:, None] + rng.normal(0, noise, (len(v), 500)) for name, v in table.items()} if noise else None
    return compare.of_groups(metric, groups, table, drawn)


def test_a_clear_lead_over_seeds_is_called_one():
    (found,) = verdicts([0.5, 0.52, 0.49], [0.1, 0.12, 0.11])
    assert (found.first[0], found.second[0], found.decided, found.covers) == ("B", "A", "first", "seeds and samples")
    assert found.difference == pytest.approx(0.11 - 0.5033, abs=1e-3) and found.interval[1] < 0
    assert comparison.headline(found) == "B is better than A"
    assert "means of 3 seeds each" in found.sentence and "more than noise" in found.sentence


def test_a_lead_within_the_noise_is_refused():
    (found,) = verdicts([0.5, 0.1, 0.3], [0.2, 0.45, 0.11])
    assert found.decided == "undecided" and found.interval[0] < 0 < found.interval[1]
    assert comparison.headline(found) == "Between B and A nothing is decided"
    assert "within the noise" in found.sentence and "Few seeds (3)" in found.sentence
    (found,) = verdicts([0.5, 0.1, 0.3, 0.2, 0.4], [0.2, 0.45, 0.11, 0.3, 0.35])
    assert found.decided == "undecided" and "Few seeds" not in found.sentence


@pytest.mark.parametrize("first, said", [([0.5], "the run of A"), ([0.5, 0.51], "the runs of A")])
def test_with_one_seed_only_runs_are_compared_and_never_settings(first, said):
    (found,) = verdicts(first, [0.1])
    assert (found.decided, found.covers) == ("first", "samples")
    assert comparison.headline(found) == f"The run of B is closer to real than {said}"
    assert "better" not in comparison.headline(found) + found.sentence
    assert "noise of sampling only" in found.sentence and "no comparison of the settings" in found.sentence


def test_seeds_alone_are_enough_for_other_metrics_and_higher_may_be_better():
    (found,) = verdicts([0.5, 0.52, 0.49], [0.1, 0.12, 0.11], metric="coverage", noise=None)
    assert (found.first[0], found.decided, found.covers) == ("A", "first", "seeds")
    assert found.difference > 0 and found.interval[0] > 0


def test_the_best_of_several_is_held_against_each_with_levels_for_all_pairs():
    found = verdicts([0.5, 0.52, 0.49], [0.1, 0.12, 0.11], [0.1, 0.13, 0.12], [0.9, 0.92, 0.95])
    assert [(c.first[0], c.second[0], c.decided) for c in found] == [
        ("B", "A", "first"),
        ("B", "C", "undecided"),
        ("B", "D", "first"),
    ]
    assert max(c.level for c in found) == pytest.approx(0.99)  # 5 % over five: the clearest of six pairs is A and D
    for c in found:
        assert (c.interval[0] < 0 < c.interval[1]) == (c.decided == "undecided")
    headline, sentence = comparison.summary(found)
    assert headline == "B is better than A and D; between B and C nothing is decided"
    assert "settings" not in sentence


@pytest.mark.parametrize(
    "values, said",
    [
        (([0.5], [0.1], [0.3]), "What was trained as B is closer to real than A and C"),
        (([0.5, 0.51], [0.1, 0.11], [0.9, 0.91]), "B is better than A and C"),
        (([0.1, 0.2], [0.11, 0.19], [0.1, 0.21]), "Nothing is decided"),
    ],
)
def test_a_summary_claims_no_more_than_its_comparisons(values, said):
    headline, sentence = comparison.summary(verdicts(*values))
    assert headline.startswith(said)
    assert ("no comparison of the settings" in sentence) == (len(values[0]) == 1)


def test_equal_runs_are_undecided_without_a_division_by_nothing():
    (found,) = verdicts([0.25], [0.25], noise=1e-300)
    assert (found.decided, found.difference, found.p) == ("undecided", 0, 1)


def test_a_verdict_survives_its_json():
    comparisons = verdicts([0.5, 0.52, 0.49], [0.1, 0.12, 0.11])
    told = ComparisonReport(
        1000, {"a": 100}, {"A · x": ((0, 0.5), (1, 0.25))}, comparisons, (), *comparison.summary(comparisons)
    )
    assert comparison.from_json(comparison.to_json(told)) == told
    assert isinstance(told.comparisons[0], Comparison)


def test_letters_go_on_after_the_alphabet():
    found = comparison.group_runs([run(i, objective__r1=i) for i in range(28)])
    assert [group.letter for group in found][-3:] == ["Z", "A2", "B2"]
    assert replace(found[0]).name.startswith("A · ")
