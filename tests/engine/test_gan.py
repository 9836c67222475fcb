"""One step and many: who learns from what, against NumPy and finite differences, and the same bits however cut."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from gan_core.config.presets import preset
from gan_core.config.run_config import RunConfig, override
from gan_core.config.sections import ADVERSARIAL_LOSSES
from gan_core.engine import checkpoints
from gan_core.engine.base_model import BLOCK, Batch, LiveHyperparameters, batches_per_step, draw_block
from gan_core.engine.gan import GAN
from gan_core.engine.networks import DataStatistics, statistics
from tests.engine.adversarial_formulas import PAPERS

RNG = np.random.default_rng(0)
SCALE = 2.0
DATA = DataStatistics((2,), np.array([1.0, -1.0], np.float32), SCALE)
TINY = override(
    preset("auto", shape=(2,)),
    {
        "generator.hidden": "6",
        "generator.latent_dim": 3,
        "discriminator.hidden": "7",
        "discriminator.fourier": 0,
        "objective.r1": 0.2,
        "objective.r2": 0.2,
        "objective.penalty_end": 1e-3,
        "objective.penalty_every": 1,
        "training.fresh_samples": True,
        "training.batch": 5,
        "training.steps": 100,
        "optimizer.warmup_steps": 0,
        "optimizer.decay_from": 1,
        "optimizer.beta1": 0.5,
    },
)
REAL, Z = RNG.normal(2.0, 1.0, (5, 2)).astype(np.float32), RNG.normal(size=(5, 3)).astype(np.float32)
REAL_G, Z_G = RNG.normal(2.0, 1.0, (5, 2)).astype(np.float32), RNG.normal(size=(5, 3)).astype(np.float32)
PLAIN = {"objective__r1": 0, "objective__r2": 0, "discriminator__clip": 1000}
"""No penalty, and a clip so wide that it cuts nothing: Wasserstein is not played without either."""
every_game = pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)


def new(data=DATA, **changes):
    """A tiny GAN; changes are dotted keys with __ for the dot."""
    return GAN(override(TINY, {key.replace("__", "."): value for key, value in changes.items()}), data)


def step(gan, number=0, real=REAL, z=Z, real_g=REAL_G, z_g=Z_G, live=None):
    """One whole step; the row as floats."""
    live = live or LiveHyperparameters.of(gan.settings)
    batch = Batch(tf.stack([real, real_g]), tf.stack([z, z_g]))
    row = gan.update(tf.constant(number, tf.int64), live, batch)
    return dict(zip(GAN.STEP_METRICS, (float(value) for value in row)))


def step_discriminator(gan, number=0):
    """The discriminator's part of a step."""
    where = tf.constant(number, tf.int64), LiveHyperparameters.of(gan.settings)
    gradients, *_ = gan.discriminator_gradients(*where, tf.constant(REAL), tf.constant(Z))
    gan.update_discriminator(*where, gradients)


def step_generator(gan):
    gan.update_generator(
        tf.constant(0, tf.int64), LiveHyperparameters.of(gan.settings), tf.constant(REAL), tf.constant(Z)
    )


def kernels(network):
    """Biases aside: a relativistic loss sees differences of logits, so the discriminator's last one learns nothing."""
    return [v for v in network.weights if "kernel" in v.path]


def bits(variables):
    return [np.asarray(v).tobytes() for v in variables]


def values(variables):
    return [np.asarray(v, np.float64) for v in variables]


def everything(gan):
    return bits(gan.variables + gan.generator_optimizer.variables + gan.discriminator_optimizer.variables)


# ---------------------------------------------------------------- NumPy's view of the two networks, in float64


def discriminate(weights, x):
    """Logits (n,) and gradients (n, 2) with respect to the data: one hidden leaky-ReLU layer on (x − mean)/scale."""
    w, b, v, c = weights
    before = (x - DATA.mean) / SCALE @ w + b
    slope = np.where(before > 0, 1.0, 0.2)
    return (before * slope @ v + c)[:, 0], slope * v[:, 0] @ w.T / SCALE


def generate(weights, z):
    w, b, v, c = weights
    before = z @ w + b
    return SCALE * (before * np.where(before > 0, 1.0, 0.2) @ v + c) + DATA.mean


def softplus(x):
    return np.logaddexp(0, x).mean()


DISCRIMINATOR, GENERATOR = (
    {loss: formula for (loss, of), formula in PAPERS.items() if of == side} for side in ("discriminator", "generator")
)


def differences(f, weights, h=1e-6):
    """Central finite differences of f(weights), shaped like the weights."""
    found = [np.zeros_like(w) for w in weights]
    for w, g in zip(weights, found):
        for i in np.ndindex(w.shape):
            kept = w[i]
            w[i] = kept + h
            above = f(weights)
            w[i] = kept - h
            g[i] = (above - f(weights)) / (2 * h)
            w[i] = kept
    return found


def gradients_taken(optimizer):
    """What Adam was given in its first step: its momentum is then (1 − beta1) times the gradient."""
    return [np.asarray(v) / (1 - optimizer.beta_1) for v in optimizer.variables if "momentum" in v.path]


def assert_equal(found, expected, rel=2e-4, abs=2e-6):
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected):
        assert a == pytest.approx(b, rel=rel, abs=abs)


# ---------------------------------------------------------------- who learns, and who does not


@every_game
def test_a_discriminator_step_leaves_the_generator_alone(loss):
    gan = new(objective__loss=loss, objective__penalty_every=1)
    others = [*gan.generator.weights, *gan.ema_generator.weights, *gan.generator_optimizer.variables]
    before, learned = bits(others), bits(kernels(gan.discriminator))
    step_discriminator(gan)
    assert bits(others) == before
    assert all(a != b for a, b in zip(learned, bits(kernels(gan.discriminator))))


@every_game
def test_a_generator_step_leaves_the_discriminator_alone(loss):
    gan = new(objective__loss=loss)
    others = [*gan.discriminator.weights, *gan.ema_generator.weights, *gan.discriminator_optimizer.variables]
    before, learned = bits(others), bits(kernels(gan.generator))
    step_generator(gan)
    assert bits(others) == before
    assert all(a != b for a, b in zip(learned, bits(kernels(gan.generator))))


@every_game
def test_they_pull_in_opposite_directions(loss):
    """On the very same latents: the discriminator widens the gap between real and fake, the generator closes it.

    From logits near 0, where every game is still open: hinge asks no more beyond its margin, least squares pulls back.
    """
    gan = new(objective__loss=loss, **PLAIN)
    last = gan.discriminator.trainable_variables[-2]
    last.assign(0.05 * last)

    def logits():
        return [float(tf.reduce_mean(gan.discriminator(x))) for x in (REAL, gan.generator(Z))]

    real, fake = logits()
    step_discriminator(gan)
    real_after, fake_after = logits()
    assert real_after - fake_after > real - fake
    step_generator(gan)
    assert logits()[1] > fake_after


def test_two_optimizers_share_nothing():
    gan = new()
    one, two = gan.generator_optimizer, gan.discriminator_optimizer
    assert one is not two
    assert not {id(v) for v in one.variables} & {id(v) for v in two.variables}
    assert len(one.variables) == 2 + 2 * len(gan.generator.trainable_variables)  # steps, rate, two moments each
    assert len(two.variables) == 2 + 2 * len(gan.discriminator.trainable_variables)
    networks = ({id(v) for v in n.weights} for n in (gan.generator, gan.discriminator, gan.ema_generator))
    assert len(set.union(*networks)) == len(gan.generator.weights) * 2 + len(gan.discriminator.weights)


# ---------------------------------------------------------------- the gradients themselves


@every_game
def test_the_discriminators_gradient_by_finite_differences(loss):
    gan = new(objective__loss=loss, **PLAIN)
    weights, fake = values(gan.discriminator.trainable_variables), gan.generator(Z).numpy().astype(float)

    def total(w):
        return DISCRIMINATOR[loss](discriminate(w, REAL)[0], discriminate(w, fake)[0])

    row = step(gan)
    assert row["loss_discriminator"] == pytest.approx(total(weights), rel=1e-5) and row["penalty"] == 0
    assert_equal(gradients_taken(gan.discriminator_optimizer), differences(total, weights))


@every_game
def test_the_generators_gradient_by_finite_differences(loss):
    """It plays against the discriminator as its step has left it, on latents and real samples of its own."""
    gan = new(objective__loss=loss)
    weights = values(gan.generator.trainable_variables)
    row = step(gan)
    discriminator = values(gan.discriminator.trainable_variables)

    def total(w):
        return GENERATOR[loss](discriminate(discriminator, REAL_G)[0], discriminate(discriminator, generate(w, Z_G))[0])

    assert row["loss_generator"] == pytest.approx(total(weights), rel=1e-5)
    assert_equal(gradients_taken(gan.generator_optimizer), differences(total, weights))


def test_the_energy_distance_is_added_to_what_the_generator_minimises():
    """Against SciPy's distances, and by finite differences through the whole generator."""
    gan = new(objective__energy_weight=0.7)
    weights = values(gan.generator.trainable_variables)
    row = step(gan)
    discriminator = values(gan.discriminator.trainable_variables)

    def total(w):
        fake = generate(w, Z_G)
        within = pdist(REAL_G.astype(float)).mean()
        energy = (2 * cdist(REAL_G.astype(float), fake).mean() - within - pdist(fake).mean()) / within
        game = GENERATOR["relativistic"](discriminate(discriminator, REAL_G)[0], discriminate(discriminator, fake)[0])
        return game + 0.7 * energy

    assert row["loss_generator"] == pytest.approx(total(weights), rel=1e-5)
    assert_equal(gradients_taken(gan.generator_optimizer), differences(total, weights))


def test_feature_matching_is_added_to_what_the_generator_minimises():
    """||mean of real features − mean of generated ones||² in the last hidden layer, and the game beside it."""
    gan = new(objective__feature_matching=0.7)
    weights = values(gan.generator.trainable_variables)
    row = step(gan)
    w, b, *_ = discriminator = values(gan.discriminator.trainable_variables)

    def features(x):
        before = (x - DATA.mean) / SCALE @ w + b
        return np.where(before > 0, before, 0.2 * before).mean(axis=0)

    def total(weights):
        fake = generate(weights, Z_G)
        game = GENERATOR["relativistic"](discriminate(discriminator, REAL_G)[0], discriminate(discriminator, fake)[0])
        return game + 0.7 * ((features(REAL_G) - features(fake)) ** 2).sum()

    assert row["loss_generator"] == pytest.approx(total(weights), rel=1e-5)
    assert_equal(gradients_taken(gan.generator_optimizer), differences(total, weights))


def test_smoothed_labels_by_finite_differences():
    """Real samples are real only to 1 − s: their cross-entropy is with both answers."""
    gan = new(**PLAIN, objective__loss="non-saturating", objective__label_smoothing=0.2)
    weights, fake = values(gan.discriminator.trainable_variables), gan.generator(Z).numpy().astype(float)

    def total(w):
        real = discriminate(w, REAL)[0]
        return 0.8 * softplus(-real) + 0.2 * softplus(real) + softplus(discriminate(w, fake)[0])

    assert step(gan)["loss_discriminator"] == pytest.approx(total(weights), rel=1e-5)
    assert_equal(gradients_taken(gan.discriminator_optimizer), differences(total, weights))


@pytest.mark.parametrize(("r1", "r2", "every", "number"), [(3, 0, 1, 0), (0, 3, 1, 7), (1, 0.2, 4, 0), (1, 0.2, 4, 20)])
def test_the_penalised_gradient_by_finite_differences(r1, r2, every, number):
    """R1 looks at real samples, R2 at fakes; both in units of the data's spread, and scaled up when they are rare."""
    gan = new(objective__r1=r1, objective__r2=r2, objective__penalty_every=every, objective__penalty_end=0.01)
    weights, fake = values(gan.discriminator.trainable_variables), gan.generator(Z).numpy().astype(float)
    shrink = 0.01 ** min(1, 2 * number / 100)

    def penalty(w):
        on_real, on_fake = ((discriminate(w, x)[1] ** 2).sum(1).mean() for x in (REAL, fake))
        return every * shrink * SCALE**2 / 2 * (r1 * on_real + r2 * on_fake)

    def total(w):
        return DISCRIMINATOR["relativistic"](discriminate(w, REAL)[0], discriminate(w, fake)[0]) + penalty(w)

    row = step(gan, number)
    assert row["penalty"] == pytest.approx(penalty(weights), rel=1e-5)
    assert row["loss_discriminator"] == pytest.approx(total(weights) - penalty(weights), rel=1e-5)
    assert_equal(gradients_taken(gan.discriminator_optimizer), differences(total, weights))


@pytest.mark.parametrize("kind", ["wgan-gp", "wgan-gp0", "dragan"])
def test_the_gradient_of_a_penalty_between_the_two_by_finite_differences(kind):
    """The draws are TensorFlow's; where they put the points, and what the penalty is there, NumPy says."""
    gan = new(**PLAIN, objective__gradient_penalty=kind, objective__gradient_penalty_weight=3)
    number = tf.constant(20, tf.int64)
    weights, fake = values(gan.discriminator.trainable_variables), gan.generator(Z).numpy().astype(float)
    share = tf.random.stateless_uniform((5,), gan.random_seed(number, 0, 4)).numpy()[:, None]
    noise = tf.random.stateless_uniform((5, 2), gan.random_seed(number, 0, 5)).numpy()
    end, target = (REAL + REAL.std() / 2 * noise, 1) if kind == "dragan" else (fake, int(kind == "wgan-gp"))
    points = (1 - share) * REAL + share * end

    def penalty(w):
        slopes = np.linalg.norm(SCALE * discriminate(w, points)[1], axis=1)
        return 3 * 1e-3 ** (2 * 20 / 100) * ((slopes - target) ** 2).mean()

    def total(w):
        return DISCRIMINATOR["relativistic"](discriminate(w, REAL)[0], discriminate(w, fake)[0]) + penalty(w)

    row = step(gan, 20)
    assert row["penalty"] == pytest.approx(penalty(weights), rel=1e-4)
    assert_equal(gradients_taken(gan.discriminator_optimizer), differences(total, weights))


def test_a_linear_discriminator_has_an_r1_of_half_gamma_times_its_weights_squared():
    """All units on their straight side make D linear: D(x) = (x − mean)/scale · W v, so ||∇||² scale² = ||W v||²."""
    gan = new(objective__r1=3.0, objective__r2=0, objective__penalty_every=1)
    kernel, bias, last, _ = gan.discriminator.trainable_variables
    bias.assign(np.full(7, 100.0))
    slope = np.asarray(kernel) @ np.asarray(last)
    assert step(gan)["penalty"] == pytest.approx(3.0 / 2 * (slope**2).sum(), rel=1e-5)


def test_between_penalties_a_step_is_a_plain_one():
    lazy, plain = new(objective__penalty_every=4), new(objective__r1=0, objective__r2=0)
    for number in (1, 2, 3):
        assert step(lazy, number) == pytest.approx(step(plain, number), rel=1e-5)
    assert step(lazy, 4)["penalty"] > 0 and step(plain, 4)["penalty"] == 0


def test_penalties_shrink_geometrically_until_half_way():
    """From 1 to penalty_end over the first half of 100 steps, then flat; the networks are the same every time."""
    gan = new(objective__penalty_every=1, objective__penalty_end=0.01)
    start = checkpoints.capture(gan, 0, np.zeros((0, 5)))
    found = []
    for number in (0, 10, 25, 50, 75, 99):
        checkpoints.restore(gan, start)
        found.append(step(gan, number)["penalty"])
    assert np.array(found) / found[0] == pytest.approx(10 ** np.array([0, -0.4, -1, -2, -2, -2]), rel=1e-4)


def test_the_unit_of_the_data_does_not_matter():
    """Metres or millimetres: the same run, and so the same meaning of every penalty weight."""
    rows = []
    for unit in (1.0, 1000.0):
        gan = new(statistics(unit * np.concatenate([REAL, REAL_G])), objective__penalty_every=1)
        rows.append([list(step(gan, number, real=unit * REAL, real_g=unit * REAL_G).values()) for number in range(3)])
    assert np.array(rows[0]) == pytest.approx(np.array(rows[1]), rel=1e-3)
    assert min(row[GAN.STEP_METRICS.index("penalty")] for row in rows[0]) > 0


def test_the_scores_are_the_discriminators_beliefs_before_its_step():
    gan = new(objective__loss="non-saturating")
    weights, fake = values(gan.discriminator.trainable_variables), gan.generator(Z).numpy().astype(float)
    expected = [np.mean(1 / (1 + np.exp(-discriminate(weights, x)[0]))) for x in (REAL, fake)]
    row = step(gan)
    assert [row["score_real"], row["score_fake"]] == pytest.approx(expected, rel=1e-5)


# ---------------------------------------------------------------- schedules and averages


@pytest.mark.parametrize(("warmup", "decay_from"), [(0, 1), (10, 1), (0, 0.6), (10, 0.6), (80, 0.5), (0, 0)])
def test_the_learning_rates_warm_up_stay_flat_and_fall_to_zero(warmup, decay_from):
    gan = new(
        optimizer__warmup_steps=warmup,
        optimizer__decay_from=decay_from,
        optimizer__learning_rate_generator=2e-3,
        optimizer__learning_rate_discriminator=5e-4,
    )
    numbers = np.array([0, 1, 9, 10, 50, 60, 61, 80, 99])
    up = np.minimum(1, (numbers + 1) / warmup) if warmup else 1
    down = np.interp(numbers, [100 * decay_from, 100], [1, 0]) if decay_from < 1 else 1
    found = []
    for number in numbers:
        step(gan, int(number))
        optimizers = gan.generator_optimizer, gan.discriminator_optimizer
        found.append([float(o.learning_rate.numpy()) for o in optimizers])
    assert np.array(found) == pytest.approx(np.outer(up * down * np.ones(9), [2e-3, 5e-4]), rel=1e-5)


def test_the_first_step_of_adam_by_hand():
    """Both moments corrected for their start, Adam moves every weight by rate · g / (|g| + ε)."""
    gan = new(optimizer__learning_rate_generator=2e-3, optimizer__learning_rate_discriminator=5e-4)
    networks = (gan.generator, gan.generator_optimizer, 2e-3), (gan.discriminator, gan.discriminator_optimizer, 5e-4)
    before = [values(network.trainable_variables) for network, _, _ in networks]
    step(gan)
    for (network, optimizer, rate), start in zip(networks, before):
        moved = [after - w for after, w in zip(values(network.trainable_variables), start)]
        expected = [-rate * g / (np.abs(g) + 1e-8) for g in gradients_taken(optimizer)]
        assert_equal(moved, expected, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("ema", [0.5, 0.999])
def test_the_average_of_the_generator_by_hand(ema):
    """w̄ ← β w̄ + (1 − β) w with β = min(ema, (1 + step) / (10 + step)): .1, 2/11, 3/12, ..."""
    gan = new(generator__ema=ema)
    average = values(gan.ema_generator.weights)
    assert_equal(average, values(gan.generator.weights), rel=0, abs=0)  # they start as one
    for number in (0, 1, 2, 3, 30):
        step(gan, number)
        beta = min(ema, (1 + number) / (10 + number))
        average = [beta * a + (1 - beta) * w for a, w in zip(average, values(gan.generator.weights))]
        assert_equal(values(gan.ema_generator.weights), average, rel=1e-5)
    assert bits(gan.ema_generator.weights) != bits(gan.generator.weights)


def test_what_no_optimizer_trains_is_copied_into_the_average():
    """The moments that batch normalization has counted are averages already; only what is trained is averaged."""
    gan = new(generator__ema=0.9, generator__batch_norm=True)
    start = values(gan.generator.weights)
    step(gan, 50)
    pairs = zip(gan.ema_generator.weights, gan.generator.weights, start)
    counted = {w.path.split("/")[-1]: (np.asarray(a), np.asarray(w), s) for a, w, s in pairs if not w.trainable}
    assert {"moving_mean", "moving_variance"} <= counted.keys()
    assert all((average == weight).all() for average, weight, _ in counted.values())
    assert all((counted[name][1] != counted[name][2]).any() for name in ("moving_mean", "moving_variance"))
    assert bits(kernels(gan.ema_generator)) != bits(kernels(gan.generator))


def test_an_average_of_zero_memory_is_a_copy():
    gan = new(generator__ema=0)
    step(gan)
    assert bits(gan.ema_generator.weights) == bits(gan.generator.weights)


# ---------------------------------------------------------------- how many updates a step has


def test_several_discriminator_updates_each_learn_from_a_batch_of_their_own():
    """Three of them and one of the generator: the same as their parts one after the other."""
    whole, parts = (new(training__discriminator_steps=3) for _ in range(2))
    assert batches_per_step(whole.settings) == 4
    real, z = RNG.normal(size=(4, 5, 2)).astype(np.float32), RNG.normal(size=(4, 5, 3)).astype(np.float32)
    number, live = tf.constant(0, tf.int64), LiveHyperparameters.of(whole.settings)
    row = whole.update(number, live, Batch(tf.constant(real), tf.constant(z)))
    for turn in range(3):
        gradients, *seen = parts.discriminator_gradients(
            number, live, tf.constant(real[turn]), tf.constant(z[turn]), turn=turn
        )
        parts.update_discriminator(number, live, gradients)
    loss = parts.update_generator(number, live, tf.constant(real[3]), tf.constant(z[3]))
    assert [float(x) for x in row] == [float(x) for x in (seen[0], loss, *seen[1:])]
    assert bits(whole.discriminator.weights) == bits(parts.discriminator.weights)
    assert bits(whole.generator.weights) == bits(parts.generator.weights)
    counted = [int(o.iterations.numpy()) for o in (whole.discriminator_optimizer, whole.generator_optimizer)]
    assert counted == [3, 1]


@every_game
def test_without_fresh_samples_both_networks_learn_from_the_same(loss):
    """One batch for both: as with fresh ones that happen to be the same again."""
    saving, fresh = (new(objective__loss=loss, training__fresh_samples=flag) for flag in (False, True))
    assert [batches_per_step(gan.settings) for gan in (saving, fresh)] == [1, 2]
    batch = Batch(tf.constant(REAL[None]), tf.constant(Z[None]))
    row = saving.update(tf.constant(0, tf.int64), LiveHyperparameters.of(saving.settings), batch)
    assert [float(x) for x in row] == pytest.approx(list(step(fresh, real_g=REAL, z_g=Z).values()), rel=1e-5)
    for name in ("generator", "discriminator", "ema_generator"):
        assert_equal(*(values(kernels(getattr(gan, name))) for gan in (saving, fresh)), rel=1e-4)


AT_ONCE = {"training__fresh_samples": False, "training__simultaneous": True}


def step_of_one_batch(gan, number=0):
    batch = Batch(tf.constant(REAL[None]), tf.constant(Z[None]))
    row = gan.update(tf.constant(number, tf.int64), LiveHyperparameters.of(gan.settings), batch)
    return dict(zip(GAN.STEP_METRICS, (float(value) for value in row)))


@every_game
def test_simultaneously_the_generator_plays_against_the_discriminator_as_it_was(loss):
    """Both gradients by finite differences at the weights before the step, on the same samples."""
    gan = new(objective__loss=loss, **PLAIN, **AT_ONCE)
    assert batches_per_step(gan.settings) == 1
    generator, discriminator = (values(net.trainable_variables) for net in (gan.generator, gan.discriminator))

    def of_generator(w):
        return GENERATOR[loss](discriminate(discriminator, REAL)[0], discriminate(discriminator, generate(w, Z))[0])

    def of_discriminator(w):
        return DISCRIMINATOR[loss](discriminate(w, REAL)[0], discriminate(w, generate(generator, Z))[0])

    expected = of_discriminator(discriminator), of_generator(generator)
    row = step_of_one_batch(gan)
    assert [row["loss_discriminator"], row["loss_generator"]] == pytest.approx(expected, rel=1e-5)
    assert_equal(gradients_taken(gan.generator_optimizer), differences(of_generator, generator))
    assert_equal(gradients_taken(gan.discriminator_optimizer), differences(of_discriminator, discriminator))


@pytest.mark.parametrize(("every", "number"), [(1, 0), (1, 1), (4, 0), (4, 1)])
def test_simultaneously_the_discriminator_is_penalised_as_ever(every, number):
    """It learns what it learns in turn, penalty or not; the generator, which sees another discriminator, does not."""
    changes = {"objective__penalty_every": every, "training__fresh_samples": False}
    at_once, in_turn = new(**changes, training__simultaneous=True), new(**changes)
    rows = [step_of_one_batch(gan, number) for gan in (at_once, in_turn)]
    for name in ("loss_discriminator", "penalty", "score_real", "score_fake"):
        assert rows[0][name] == pytest.approx(rows[1][name], rel=1e-5)
    assert (rows[0]["penalty"] > 0) == (number % every == 0)
    assert_equal(*(values(gan.discriminator.trainable_variables) for gan in (at_once, in_turn)), rel=1e-4)
    assert rows[0]["loss_generator"] != pytest.approx(rows[1]["loss_generator"], rel=1e-5)


def test_clipped_weights_stay_within_the_limit():
    gan = new(**{**PLAIN, "discriminator__clip": 0.01}, objective__loss="wasserstein")
    step(gan)
    sizes = np.concatenate([np.abs(w).ravel() for w in values(gan.discriminator.trainable_variables)])
    assert sizes.max() == pytest.approx(0.01) and (sizes < 0.0099).any()
    assert max(np.abs(w).max() for w in values(kernels(gan.generator))) > 0.1


# ---------------------------------------------------------------- the draws of a run


def test_every_step_has_fresh_latents_and_each_side_its_own():
    blocks = [draw_block(TINY, 1000, number) for number in (0, 1)]
    z = np.concatenate([b.z.numpy() for b in blocks])
    assert z.shape == (2 * BLOCK, 2, 5, 3) and z.dtype == np.float32
    assert len(np.unique(z.reshape(-1, 3), axis=0)) == 2 * BLOCK * 2 * 5
    rows = np.concatenate([b.rows.numpy() for b in blocks])
    assert rows.shape == (2 * BLOCK, 2, 5) and rows.dtype == np.int32
    assert len(np.unique(rows.reshape(-1, 5), axis=0)) == 2 * BLOCK * 2  # no batch comes twice


def test_draws_are_a_function_of_seed_and_block_alone():
    other_settings = override(TINY, {"training.steps": 7, "objective.loss": "minimax", "generator.hidden": "9"})
    for a, b in zip(draw_block(TINY, 50, 3), draw_block(other_settings, 50, 3)):
        assert (a.numpy() == b.numpy()).all()
    for a, b in zip(draw_block(TINY, 50, 3), draw_block(override(TINY, {"seed": 1}), 50, 3)):
        assert (a.numpy() != b.numpy()).mean() > 0.9


@pytest.mark.parametrize(
    ("changes", "batches"),
    [
        ({}, 2),
        ({"training.discriminator_steps": 5}, 6),
        ({"training.fresh_samples": False}, 1),
        ({"training.discriminator_steps": 5, "training.fresh_samples": False}, 5),
        ({"objective.loss": "energy", "objective.r1": 0, "objective.r2": 0}, 1),
        ({"objective.loss": "vae", "objective.r1": 0, "objective.r2": 0}, 1),
    ],
)
def test_every_update_of_a_step_has_a_batch(changes, batches):
    draws = draw_block(override(TINY, changes), 50, 0)
    assert draws.rows.shape == (BLOCK, batches, 5) and draws.z.shape == (BLOCK, batches, 5, 3)


def test_draws_are_uniform_rows_and_normal_latents():
    config = override(TINY, {"training.batch": 64})
    rows, z = (x.numpy() for x in draw_block(config, 10, 0))
    counts = np.bincount(rows.ravel(), minlength=10)
    assert len(counts) == 10 and stats.chisquare(counts).pvalue > 0.01
    assert stats.kstest(z.ravel(), "norm").pvalue > 0.01


# ---------------------------------------------------------------- plain fit


class Watched(GAN):
    """Remembers what each step was given."""

    def update(self, number, live, batch):
        self.seen = [*getattr(self, "seen", []), (int(number), *batch.z.numpy())]
        return super().update(number, live, batch)


def test_plain_fit_trains_both_networks():
    gan = new()
    before = bits(kernels(gan.generator) + kernels(gan.discriminator))
    x = RNG.normal(size=(23, 2)).astype(np.float32)
    history = gan.fit(x, batch_size=5, epochs=2, verbose=0).history
    assert all(a != b for a, b in zip(before, bits(kernels(gan.generator) + kernels(gan.discriminator))))
    assert int(gan.step) == 10  # the last, smaller batch of each epoch too
    assert set(history) == set(GAN.STEP_METRICS) and np.isfinite(list(history.values())).all()
    assert gan.predict(Z, verbose=0) == pytest.approx(gan.generator(Z).numpy(), rel=1e-5)


def test_fit_draws_fresh_latents_for_every_step_and_side():
    gan = Watched(TINY, DATA)
    for _ in range(3):
        gan.train_step(REAL)
    assert [number for number, *_ in gan.seen] == [0, 1, 2]
    z = np.concatenate([z for _, *both in gan.seen for z in both])
    assert len(np.unique(z, axis=0)) == 3 * 2 * 5


# ---------------------------------------------------------------- many steps in one call

PIXELS = RNG.integers(0, 256, (40, 2, 2, 1), dtype=np.uint8)
IMAGES = override(
    RunConfig(generator=TINY.generator, discriminator=TINY.discriminator, training=TINY.training),
    {"optimizer.warmup_steps": 10, "objective.penalty_every": 3, "generator.ema": 0.9},
)


@pytest.fixture(scope="module")
def compiled():
    """A GAN on tiny images whose chunk is compiled once, and its first state."""
    gan = GAN(IMAGES, statistics(PIXELS))
    return gan, checkpoints.capture(gan, 0, np.zeros((0, 5)))


@pytest.fixture
def fresh(compiled):
    gan, start = compiled
    checkpoints.restore(gan, start)
    return gan


def walk(gan, cuts, live=None):
    """From cut to cut, each at most to the end of its block; returns all rows."""
    rows = []
    for begin, end in zip(cuts, cuts[1:]):
        draws = draw_block(IMAGES, len(PIXELS), begin // BLOCK)
        chunk = gan.chunk(
            tf.constant(PIXELS), draws, begin % BLOCK, end - begin, begin, live or LiveHyperparameters.of(IMAGES)
        )
        assert chunk.shape == (end - begin, len(GAN.STEP_METRICS))
        rows.append(chunk)
    return np.concatenate(rows)


def test_a_chunk_is_that_many_single_steps(fresh):
    """Against the same steps taken one by one outside XLA, on pixels that NumPy brought to [0, 1]."""
    rows = walk(fresh, [0, 7])
    single = GAN(IMAGES, statistics(PIXELS))
    draws = draw_block(IMAGES, len(PIXELS), 0)
    unit = (PIXELS / 255).astype(np.float32)
    for k in range(7):
        (real, real_g), (z, z_g) = unit[draws.rows[k].numpy()], draws.z[k].numpy()
        row = step(single, k, real, z, real_g, z_g)
        assert list(row.values()) == pytest.approx(rows[k].tolist(), rel=1e-3, abs=1e-6)
    for network in ("generator", "discriminator", "ema_generator"):
        in_one_call, one_by_one = (values(kernels(getattr(gan, network))) for gan in (fresh, single))
        assert_equal(in_one_call, one_by_one, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("cuts", [[0, 1, 8, 16], [0, 15, 16], list(range(17)), [0, 0, 9, 9, 16]])
def test_the_bits_do_not_depend_on_how_steps_are_cut(compiled, fresh, cuts):
    rows, state = walk(fresh, [0, 16]), everything(fresh)
    checkpoints.restore(fresh, compiled[1])
    assert (walk(fresh, cuts) == rows).all()
    assert everything(fresh) == state


def test_nor_at_the_border_of_a_block(compiled, fresh):
    rows, state = walk(fresh, [60, 64, 70]), everything(fresh)
    checkpoints.restore(fresh, compiled[1])
    assert (walk(fresh, [60, 61, 64, 65, 70]) == rows).all()
    assert everything(fresh) == state


def test_the_steps_of_a_chunk_are_counted_from_its_first(compiled, fresh):
    """A penalty every third step of the run, wherever a chunk begins."""
    penalty = walk(fresh, [0, 4, 12])[:, GAN.STEP_METRICS.index("penalty")]
    assert np.flatnonzero(penalty).tolist() == [0, 3, 6, 9]


def test_each_side_of_a_chunk_has_its_own_draws(compiled, fresh):
    """Other latents for the generator's half of one step leave the discriminator's half as it was."""
    draws = draw_block(IMAGES, len(PIXELS), 0)
    mask = np.array([0, 1], np.float32).reshape(1, 2, 1, 1)
    states = []
    for change in (0, mask, 1 - mask):
        checkpoints.restore(fresh, compiled[1])
        fresh.chunk(tf.constant(PIXELS), draws._replace(z=draws.z + change), 0, 1, 0, LiveHyperparameters.of(IMAGES))
        states.append((bits(fresh.discriminator.weights), bits(fresh.generator.weights)))
    same, other_g, other_d = states
    assert other_g[0] == same[0] and other_g[1] != same[1]
    assert other_d[0] != same[0]


def test_no_steps_change_nothing(fresh):
    before = everything(fresh)
    assert walk(fresh, [5, 5]).shape == (0, len(GAN.STEP_METRICS))
    assert everything(fresh) == before


def test_past_the_end_of_a_block_is_refused(fresh):
    with pytest.raises(ValueError, match="5 steps from row 60 pass the end of a block of 64; take the next block"):
        fresh.chunk(tf.constant(PIXELS), draw_block(IMAGES, len(PIXELS), 0), 60, 5, 60, LiveHyperparameters.of(IMAGES))


def test_one_program_serves_every_place_number_step_and_dial(fresh):
    """What XLA is given does not contain them: otherwise each new value would compile for seconds."""
    draws = draw_block(IMAGES, len(PIXELS), 0)

    def program(first, n, number, live):
        scalars = tf.constant(first), tf.constant(n), tf.constant(number, tf.int64)
        given = tf.constant(PIXELS), None, draws.rows, draws.z, *scalars, live
        return fresh._compiled.experimental_get_compiler_ir(*given)(stage="hlo")

    other = override(IMAGES, {"optimizer.learning_rate_generator": 1e-5, "objective.r1": 9.0, "training.steps": 50})
    one = program(0, 0, 0, LiveHyperparameters.of(IMAGES))
    assert len(one) > 10_000
    assert program(3, 5, 777, LiveHyperparameters.of(other)) == one
    assert fresh._compiled.experimental_get_tracing_count() == 1


def test_a_plain_number_as_a_dial_does_what_a_tensor_does(compiled, fresh):
    live = LiveHyperparameters.of(IMAGES)._replace(learning_rate_generator=tf.constant(0.01), r1=tf.constant(0.5))
    rows, state = walk(fresh, [0, 5], live), everything(fresh)
    checkpoints.restore(fresh, compiled[1])
    assert (walk(fresh, [0, 5], live._replace(learning_rate_generator=0.01, r1=0.5)) == rows).all()
    assert everything(fresh) == state
    assert fresh._compiled.experimental_get_tracing_count() == 1


def test_the_dials_are_the_settings():
    assert [float(d) for d in LiveHyperparameters.of(IMAGES)] == pytest.approx([3e-3, 3e-3, 1, 1, 10, *[0] * 5, 100])
    assert {d.dtype for d in LiveHyperparameters.of(IMAGES)} == {tf.float32} and {
        d.shape.rank for d in LiveHyperparameters.of(IMAGES)
    } == {0}


def test_a_dial_turns_at_once(compiled, fresh):
    """A learning rate of 0 freezes one side and not the other."""
    start = bits(fresh.generator.weights)
    walk(fresh, [0, 3], LiveHyperparameters.of(IMAGES)._replace(learning_rate_generator=0.0))
    assert bits(fresh.generator.weights) == start
    walk(fresh, [3, 6])
    assert bits(fresh.generator.weights) != start


def test_the_same_seed_is_the_same_run_and_another_is_not(fresh):
    weights = bits(fresh.generator.weights + fresh.discriminator.weights)
    same, other = (GAN(override(IMAGES, {"seed": seed}), statistics(PIXELS)) for seed in (0, 1))
    assert bits(same.generator.weights + same.discriminator.weights) == weights
    pairs = zip(values(kernels(fresh.generator)), values(kernels(other.generator)))
    assert all((a != b).all() for a, b in pairs)


@pytest.mark.parametrize("loss", ("relativistic", "non-saturating"))
@pytest.mark.parametrize("every", (1, 2))
def test_the_halves_of_a_batch_side_by_side_are_the_batch(loss, every):
    """Five samples: two and three. But for roundings, nothing may tell the two ways from each other."""
    whole, halves = (new(objective__loss=loss, objective__penalty_every=every) for _ in range(2))
    halves.halves_batches = True
    for number in range(3):
        at = tf.constant(number, tf.int64), LiveHyperparameters.of(whole.settings), tf.constant(REAL), tf.constant(Z)
        for mine, theirs in zip(
            halves.discriminator_gradients(*at)[0], whole.discriminator_gradients(*at)[0], strict=True
        ):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
        assert step(halves, number) == pytest.approx(step(whole, number), rel=1e-4, abs=1e-6)
    for mine, theirs in zip(halves.generator.weights, whole.generator.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_what_halves_are_made_of():
    classes = tf.one_hot([0, 1, 0, 2, 1], 3)
    seen = []

    def network(x, training):
        seen.append([len(part) for part in x])
        return x[0] * 2, tf.reduce_sum(x[1], axis=1)

    halves = new()
    halves.halves_batches = True
    doubled, ones = halves.forward(network, [REAL, classes])
    np.testing.assert_array_equal(doubled, 2 * REAL)
    np.testing.assert_array_equal(ones, np.ones(5))
    assert seen == [[2, 2], [3, 3]]
