"""Losses on logits: closed forms, gradients by finite differences, signs, and no overflow anywhere."""

import math

import numpy as np
import pytest
import tensorflow as tf

from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine.objectives import OBJECTIVES, scores
from tests.engine.adversarial_formulas import PAPERS, log_sigmoid

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(1, 2, 7), RNG.normal(-1, 2, 7)
LOG2 = math.log(2)


every_loss = pytest.mark.parametrize(("loss", "side"), PAPERS)


def value(loss, side, real, fake):
    real, fake = (tf.constant(np.atleast_1d(x), tf.float64) for x in (real, fake))
    return float(getattr(OBJECTIVES[loss], side)(real_logits=real, fake_logits=fake))


def gradients(loss, side, real, fake):
    """With respect to real and fake logits; zeros where a side does not matter."""
    both = [tf.constant(np.atleast_1d(x), tf.float64) for x in (real, fake)]
    with tf.GradientTape() as tape:
        tape.watch(both)
        result = getattr(OBJECTIVES[loss], side)(real_logits=both[0], fake_logits=both[1])
    return [g.numpy() for g in tape.gradient(result, both, unconnected_gradients="zero")]


def test_every_game_of_the_settings_is_there():
    named, formulas = set(ADVERSARIAL_LOSSES), {loss for loss, _ in PAPERS}
    assert set(OBJECTIVES) == named, "OBJECTIVES in gan_core/engine/objectives.py and AdversarialLoss in config differ"
    assert formulas == named, f"write both formulas into tests/engine/adversarial_formulas.py: {named ^ formulas}"


@every_loss
def test_the_formula_of_the_paper(loss, side):
    assert value(loss, side, REAL, FAKE) == pytest.approx(PAPERS[loss, side](REAL, FAKE), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "discriminator", "generator"),
    [("minimax", 2 * LOG2, -LOG2), ("non-saturating", 2 * LOG2, LOG2), ("relativistic", LOG2, LOG2)]
    + [("least-squares", 0.5, 0.5), ("hinge", 2, 0), ("wasserstein", 0, 0)],
)
def test_where_the_discriminator_knows_nothing(loss, discriminator, generator):
    assert value(loss, "discriminator", 0, 0) == pytest.approx(discriminator, rel=1e-12)
    assert value(loss, "generator", 0, 0) == pytest.approx(generator, rel=1e-12)


def test_where_the_discriminator_is_right_by_a_margin_hinge_asks_no_more():
    assert value("hinge", "discriminator", [1, 3], [-1, -5]) == 0
    assert [g.tolist() for g in gradients("hinge", "discriminator", [2], [-2])] == [[0], [0]]


def test_least_squares_is_lowest_at_its_targets_and_pulls_back_beyond_them():
    assert value("least-squares", "discriminator", 1, 0) == value("least-squares", "generator", 0, 1) == 0
    assert [float(gradients("least-squares", "generator", 0, b)[1][0]) for b in (-3, 1, 4)] == [-4, 0, 3]


@every_loss
def test_gradients_by_finite_differences(loss, side):
    found, h = gradients(loss, side, REAL, FAKE), 1e-6
    for i in range(len(REAL)):
        e = h * np.eye(len(REAL))[i]
        by_real = (value(loss, side, REAL + e, FAKE) - value(loss, side, REAL - e, FAKE)) / (2 * h)
        by_fake = (value(loss, side, REAL, FAKE + e) - value(loss, side, REAL, FAKE - e)) / (2 * h)
        assert (found[0][i], found[1][i]) == pytest.approx((by_real, by_fake), abs=1e-9)


@every_loss
def test_what_each_side_wants(loss, side):
    """The discriminator gains from higher real and lower fake logits, the generator from the reverse."""
    real, fake = np.tanh(REAL) / 2 + 0.5, np.tanh(FAKE) / 2 + 0.5  # least squares wants this up to its targets only
    by_real, by_fake = gradients(loss, side, real, fake)
    sign = 1 if side == "discriminator" else -1
    assert (-sign * by_real >= 0).all() and (sign * by_fake > 0).all()
    assert (by_real != 0).any() == (side == "discriminator" or OBJECTIVES[loss].paired)


@pytest.mark.parametrize(("loss", "limit"), [("minimax", 0), ("non-saturating", -1), ("relativistic", -1)])
def test_how_hard_a_losing_generator_is_pushed(loss, limit):
    """As the fake logit falls, the minimax gradient vanishes: the reason for the non-saturating loss."""
    assert gradients(loss, "generator", 0, -40)[1] == pytest.approx(limit, abs=1e-15)
    assert gradients(loss, "generator", 0, 0)[1] == pytest.approx(-0.5)


def test_minimax_is_one_value_with_two_signs():
    real_part = -np.mean(log_sigmoid(REAL))
    total = value("minimax", "discriminator", REAL, FAKE) + value("minimax", "generator", REAL, FAKE)
    assert total == pytest.approx(real_part, rel=1e-12)


@every_loss
def test_only_some_losses_see_differences_alone(loss, side):
    """A Wasserstein generator's value moves with a constant, but no gradient of it does."""
    moved, still = gradients(loss, side, REAL + 5, FAKE + 5), gradients(loss, side, REAL, FAKE)
    same = np.allclose(moved, still)
    critic = getattr(OBJECTIVES[loss], side) is OBJECTIVES["hinge"].generator  # −E D(G(z)), whatever else D learns
    assert same == (OBJECTIVES[loss].logit == "rank" or critic)
    if loss == "relativistic":
        assert value(loss, side, REAL + 5, FAKE + 5) == pytest.approx(value(loss, side, REAL, FAKE))


def test_the_relativistic_sides_are_each_other_with_the_data_swapped():
    assert value("relativistic", "generator", REAL, FAKE) == value("relativistic", "discriminator", FAKE, REAL)


def test_the_relativistic_loss_is_paired_within_the_batch():
    assert value("relativistic", "discriminator", [3, -3], [3, -3]) == pytest.approx(LOG2)
    expected = (np.logaddexp(0, 6) + np.logaddexp(0, -6)) / 2
    assert value("relativistic", "discriminator", [3, -3], [-3, 3]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "discriminator", "generator"),
    [("minimax", 2000, -1000), ("non-saturating", 2000, 0), ("relativistic", 2000, 0)]
    + [("least-squares", 1001**2 / 2 + 1000**2 / 2, 999**2 / 2), ("hinge", 2002, -1000), ("wasserstein", 2000, -1000)],
)
def test_huge_logits_stay_finite(loss, discriminator, generator):
    """The discriminator is as wrong as can be: real −1000, fake +1000, in single precision as in training."""
    real, fake = tf.constant([-1000.0]), tf.constant([1000.0])
    for side, expected in (("discriminator", discriminator), ("generator", generator)):
        with tf.GradientTape() as tape:
            tape.watch([real, fake])
            result = getattr(OBJECTIVES[loss], side)(real_logits=real, fake_logits=fake)
        assert float(result) == pytest.approx(expected)
        pulls = tape.gradient(result, [real, fake], unconnected_gradients="zero")
        assert all(np.isfinite(pull.numpy()).all() for pull in pulls)
        swapped = getattr(OBJECTIVES[loss], side)(real_logits=fake, fake_logits=real)
        assert np.isfinite(float(swapped))


@pytest.mark.parametrize("loss", ["minimax", "non-saturating", "hinge"])
def test_scores_are_mean_probabilities(loss):
    real, fake = (float(s) for s in scores(OBJECTIVES[loss], real_logits=REAL, fake_logits=FAKE))
    assert (real, fake) == pytest.approx((np.exp(log_sigmoid(REAL)).mean(), np.exp(log_sigmoid(FAKE)).mean()))


def test_least_squares_outputs_are_probabilities_already():
    real, fake = scores(
        OBJECTIVES["least-squares"], real_logits=np.array([0.5, 1.5]), fake_logits=np.array([-1.0, 0.2])
    )
    assert (float(real), float(fake)) == pytest.approx((0.75, 0.1))


@pytest.mark.parametrize("loss", ["relativistic", "wasserstein"])
def test_ranks_are_read_against_the_mean_of_the_other_side(loss):
    real, fake = (float(s) for s in scores(OBJECTIVES[loss], real_logits=REAL, fake_logits=FAKE))
    assert real == pytest.approx(np.mean(1 / (1 + np.exp(-(REAL - FAKE.mean())))))
    assert fake == pytest.approx(np.mean(1 / (1 + np.exp(-(FAKE - REAL.mean())))))
    moved = scores(OBJECTIVES[loss], real_logits=REAL + 9, fake_logits=FAKE + 9)
    assert [float(s) for s in moved] == pytest.approx([real, fake])


# ---------------------------------------------------------------- the Dirac-GAN of Mescheder et al. 2018


def dirac(loss, r1=0.0, r2=0.0, steps=500, h=0.1):
    """Real data are the point 0, the generator is the point theta, D(x) = psi x; both move at once from (1, 1).

    arXiv:1801.04406, section 2. Returns the distance from the solution (0, 0) after every step.
    """
    theta, psi, radii = 1.0, 1.0, []
    for _ in range(steps):
        _, by_fake = gradients(loss, "discriminator", 0.0, psi * theta)
        _, pull = gradients(loss, "generator", 0.0, psi * theta)
        slope = float(by_fake[0]) * theta + (r1 + r2) * psi  # of r/2 psi^2 on either side: the gradient of D is psi
        theta, psi = theta - h * float(pull[0]) * psi, psi - h * slope
        radii.append(math.hypot(theta, psi))
    return radii


@pytest.mark.parametrize(
    ("loss", "penalties", "end"),
    [
        ("wasserstein", {}, 17.0),  # spirals outwards: every simultaneous step lengthens the vector by sqrt(1 + h^2)
        ("minimax", {}, 2.18),
        ("non-saturating", {}, 0.52),  # inwards, but ever more slowly
        ("relativistic", {}, 0.52),
        ("non-saturating", {"r1": 0.3}, 0.0011),
    ],
)
def test_where_each_game_goes_when_both_players_move_at_once(loss, penalties, end):
    assert dirac(loss, **penalties)[-1] == pytest.approx(end, rel=0.05)


def test_the_wasserstein_spiral_is_known_exactly():
    assert dirac("wasserstein", steps=100)[-1] == pytest.approx(math.sqrt(2) * 1.01**50, rel=1e-9)


@pytest.mark.parametrize("loss", ["minimax", "non-saturating", "hinge", "wasserstein", "relativistic"])
def test_both_penalties_make_every_game_converge(loss):
    assert dirac(loss, r1=0.3, r2=0.3)[-1] < 5e-4
