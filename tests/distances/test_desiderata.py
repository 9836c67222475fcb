"""The checks of benchmarks/desiderata.py: what they sample is what they say, rules can be passed and failed, and the
page about metrics is written by them."""

import re

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from benchmarks import desiderata
from benchmarks.desiderata import CHECKS, ENDS, PAGE, ROLES, Expected, matrix, replaced, rules, scores
from gan_core.distances.catalogue import METRICS
from gan_core.distances.inputs import RealPart

pytestmark = pytest.mark.filterwarnings("error")

EVERY_ROLE = [(check, role) for check in CHECKS for role in ("fidelity", "diversity", "any")]


def drawn(samples, d, n=400, seed=0):
    """Real and fake by level."""
    return {level: (real, fake) for level, real, fake, _ in samples(d, n, np.random.default_rng(seed))}


def filled(expected: Expected, levels) -> dict:
    """Scores that have every value of a rule, and lie evenly between them along each falling run."""
    known = dict(expected.values)
    for run in expected.falling:
        heights = {i: expected.values[level] for i, level in enumerate(run) if level in expected.values}
        heights = {0: max(heights.values()) + 0.5} | heights  # a run that begins or ends without a value
        heights |= {len(run) - 1: heights.get(len(run) - 1, min(heights.values()) - 0.5)}
        places = sorted(heights)
        line = np.interp(range(len(run)), places, [heights[i] for i in places])
        known = dict(zip(run, line.tolist())) | known
    return {level: known.get(level, 0.5) for level in levels}


def spoiled(expected: Expected, perfect: dict) -> dict:
    """The same but for one score: a fall that ends where it began, or a level that stands out."""
    if expected.falling:
        first, *_, last = expected.falling[0]
        return perfect | {last: perfect[first]}
    return perfect | {expected.flat[0][0]: perfect[expected.flat[0][0]] + 0.1}


# ---------------------------------------------------------------- rules


def test_a_fall_is_clear_and_has_no_step_up():
    expected = Expected(falling=((0, 1, 2),))
    assert expected.shape({0: 1.0, 1: 0.9, 2: 0.8})
    assert expected.shape({0: 0.8, 1: 0.84, 2: 0.6})
    assert not expected.shape({0: 1.0, 1: 0.9, 2: 0.81})
    assert not expected.shape({0: 0.8, 1: 0.86, 2: 0.1})


def test_flat_and_values_are_within_a_twentieth():
    expected = Expected(flat=((0, 1),), values={0: 1.0, 1: 1.0})
    assert expected.shape({0: 0.5, 1: 0.55}) and not expected.bounds({0: 0.5, 1: 0.55})
    assert not expected.shape({0: 0.5, 1: 0.56})
    assert expected.bounds({0: 0.95, 1: 1.05}) and not expected.bounds({0: 0.95, 1: 1.06})


@pytest.mark.parametrize("level", [0, 1])
def test_what_is_not_a_number_passes_nothing(level):
    for expected in (Expected(falling=((0, 1),)), Expected(flat=((0, 1),))):
        assert not expected.shape({0: 1.0, 1: 1.0} | {level: np.nan})
    assert not Expected(values={level: 1.0}).bounds({level: np.nan})


@pytest.mark.parametrize(("check", "role"), EVERY_ROLE, ids=lambda x: getattr(x, "title", x))
def test_every_rule_can_be_passed_and_failed(check, role):
    expected, d = check.expected[role], check.dimensions[0]
    levels = list(drawn(check.samples, d, n=20))
    named = {level for group in (*expected.falling, *expected.flat) for level in group} | set(expected.values)
    assert named <= set(levels)
    perfect = filled(expected, levels)
    assert expected.shape(perfect) and expected.bounds(perfect)
    assert not expected.shape(spoiled(expected, perfect))
    assert not expected.bounds({level: score + 0.06 for level, score in perfect.items()})


def test_there_are_fifteen_checks():
    assert len({check.title for check in CHECKS}) == 15


# ---------------------------------------------------------------- samples


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.title)
def test_samples_have_one_width_and_another_draw_is_as_large_as_the_fakes(check):
    for d in check.dimensions:
        for _, real, fake, again in check.samples(d, 30, np.random.default_rng(0)):
            assert real.shape[1] == fake.shape[1] and again().shape == fake.shape
            assert np.isfinite(real).all() and np.isfinite(fake).all()


@pytest.mark.parametrize("d", [1, 8])
def test_another_draw_comes_from_the_real_distribution_of_its_level(d):
    """Also when it is asked for late: a function made in a loop would know only the last level."""
    for samples in (desiderata.one_and_two, desiderata.units, desiderata.rounded):
        late = [(real, again) for _, real, _, again in samples(d, 2000, np.random.default_rng(0))]
        for real, again in late:
            assert again().std(axis=0) == pytest.approx(real.std(axis=0), rel=0.15)


@pytest.mark.parametrize("d", [1, 8, 64])
def test_means_move_to_the_ends(d):
    for level, (real, fake) in drawn(desiderata.means, d).items():
        assert (fake - real).mean(axis=0) == pytest.approx(np.full(d, level * ENDS[d]), abs=0.35)


def test_the_outlier_is_one_row_at_the_end():
    for (who, level), (real, fake) in drawn(desiderata.means_and_outlier, 8).items():
        assert ((real if who == "real" else fake) == ENDS[8]).all(axis=1).tolist() == [True] + [False] * 399
        assert fake[1:].mean() == pytest.approx(level * ENDS[8], abs=0.1)


def labels_of(x, real):
    """Which cluster of the real samples each row is in: far modes are told apart by distance alone."""
    return cdist(x, real).argmin(axis=1) % 10


@pytest.mark.parametrize("d", [1, 8])
def test_modes_are_dropped(d):
    for level, (real, fake) in drawn(desiderata.dropped, d).items():
        assert set(labels_of(fake, real)) == set(range(level, 10))
    for level, (real, fake) in drawn(desiderata.thinned, d).items():
        assert np.mean(labels_of(fake, real) == 0) == pytest.approx(0.1 + 0.9 * level, abs=0.08)


def test_modes_are_dropped_and_then_invented():
    for level, (real, fake) in drawn(desiderata.invented, 8).items():
        known = cdist(fake, real).min(axis=1) < 6  # of unit Gaussians in 8-D; the modes are much farther apart
        assert known.mean() == pytest.approx(min(1, 5 / level), abs=0.02)
        assert (cdist(real, fake).min(axis=1) < 6).mean() == pytest.approx(min(1, level / 5), abs=0.02)


@pytest.mark.parametrize("d", [2, 128])
def test_spheres_have_their_radius(d):
    for level, (real, fake) in drawn(desiderata.spheres, d).items():
        assert np.linalg.norm(real, axis=1) == pytest.approx(np.ones(400), rel=1e-12)
        assert np.linalg.norm(fake, axis=1) == pytest.approx(np.full(400, level), rel=1e-12)


@pytest.mark.parametrize("samples", [desiderata.cubes, desiderata.cubes_of_fakes])
@pytest.mark.parametrize("d", [1, 8, 64])
def test_cubes_share_a_fifth_of_their_volume(samples, d):
    real, fake = drawn(samples, d)[10_000]
    assert len(real) == (10_000 if samples is desiderata.cubes else 400) and len(fake) == 10_000
    assert (fake <= 1).all(axis=1).mean() == pytest.approx(0.2, abs=0.02)  # 5 sd
    assert real.min() >= 0 and real.max() <= 1


def test_the_ball_lies_in_the_hole_of_the_torus():
    found = drawn(desiderata.ball_and_torus, 3)
    ball, torus = found["ball", "torus"]
    assert np.linalg.norm(ball, axis=1).max() < 0.5
    assert np.linalg.norm(torus[:, :2], axis=1).min() > 0.7
    assert cdist(ball, torus).min() > 0.2
    assert {len(x) for pair in found.values() for x in pair} == {400}


def test_units_widths_and_whole_numbers():
    for level, (real, fake) in drawn(desiderata.units, 8).items():
        for x in (real, fake):
            assert x[:, 0].std() == pytest.approx(10.0**level, rel=0.15) and x[:, 1].std() == pytest.approx(1, rel=0.15)
    for level, (_, fake) in drawn(desiderata.deviations, 8).items():
        assert fake.std() == pytest.approx(10.0**level, rel=0.1)
    for kinds, pair in drawn(desiderata.rounded, 8).items():
        assert [("any", "whole")[int((x == np.round(x)).all())] for x in pair] == list(kinds)


def test_only_one_coordinate_is_disjoint():
    for level, (real, fake) in drawn(desiderata.one_disjoint, 1).items():
        assert real.shape == (400, 1 + level)
        assert real[:, 0].max() < 1 and fake[:, 0].min() > 2
        assert np.r_[real[:, 1:].ravel(), 0].mean() == pytest.approx(np.r_[fake[:, 1:].ravel(), 0].mean(), abs=0.1)


# ---------------------------------------------------------------- scores and the page


def test_scores_of_equal_and_of_far_samples():
    rng = np.random.default_rng(0)
    part, equal = RealPart.of(rng.normal(size=(500, 2))), rng.normal(size=(500, 2))
    same, far = scores(part, equal, null=np.inf), scores(part, equal + 1000, null=1.0)
    assert {name: score for name, score in same.items() if not 0.8 < score < 1.2} == {}
    assert same["sliced_wasserstein"] == 1 and far["sliced_wasserstein"] == pytest.approx(1 / 1414, rel=0.1)
    assert same["energy_coefficient"] == pytest.approx(1, abs=0.02)
    assert far["energy_coefficient"] == pytest.approx(1.77 / 1414, rel=0.1)  # mean real-real over mean real-fake
    assert {far[name] for name in set(ROLES) - {"sliced_wasserstein", "energy_coefficient"}} == {0.0}


def test_a_metric_that_is_not_defined_has_no_score():
    part = RealPart.of(np.random.default_rng(0).normal(size=(50, 2)))
    found = scores(part, part.rows[:40], null=1.0)
    assert {name for name, score in found.items() if np.isnan(score)} == {"nn_accuracy_real", "nn_accuracy_fake"}


def test_a_shift_is_judged_as_it_should_be():
    """Coverage is known to pass this check, and a mean that moves is what the energy distance is best at."""
    shifted = next(check for check in CHECKS if check.title == "Shifted Gaussian")
    verdicts = desiderata.judged(shifted, 8, n=1000, seeds=1)
    assert verdicts["coverage"] == (True, True)
    assert verdicts["energy_coefficient"] == (True, False)  # far apart it is well below 1, but not there


def test_the_matrix_counts_what_passes():
    yes, no = {name: (True, True) for name in ROLES}, {name: (True, False) for name in ROLES}
    table = matrix({"one": {1: yes, 8: yes}, "two": {1: yes, 8: no}}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")][:3] for line in table[2:]]
    assert cells[:4] == [["one", "shape", "●"], ["", "bounds", "●"], ["two", "shape", "●"], ["", "bounds", "1"]]
    assert cells[4:] == [["**passed of 4**", "every d", "3"], ["**passed of 4**", "some d", "4"]]
    assert {len(re.findall(r"\|", line)) for line in table} == {len(ROLES) + 3}


def test_writing_replaces_only_what_is_between_the_markers():
    page = f"before\n{desiderata.BEGIN}\nold\n{desiderata.END}\nafter\n"
    assert replaced(page, r"new \1") == f"before\n{desiderata.BEGIN}\nnew \\1\n{desiderata.END}\nafter\n"


def test_the_page_has_today_s_rules_and_every_metric():
    page = PAGE.read_text(encoding="utf-8")
    assert rules() in page
    explained = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)))
    assert sorted(explained) == sorted(METRICS)
