"""The autoencoder: its two terms against SciPy, its gradients by finite differences, and what one step does."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.engine.base_model import Batch, LiveHyperparameters
from gan_core.engine.networks import DataStatistics
from gan_core.engine.vae import VAE, divergence, reconstruction

RNG = np.random.default_rng(0)
POINTS = DataStatistics((2,), np.array([1.0, -1.0], np.float32), 2.0)
PIXELS = DataStatistics((2, 3, 1), np.full((2, 3, 1), 0.4, np.float32), 1.0)
SMALL = {
    "generator.hidden": "6",
    "generator.latent_dim": 3,
    "discriminator.hidden": "7",
    "training.batch": 5,
    "training.steps": 100,
    "optimizer.decay_from": 1,
    "optimizer.beta1": 0.5,
}
REAL = {
    POINTS.shape: RNG.normal(2.0, 1.0, (5, 2)).astype(np.float32),
    PIXELS.shape: RNG.uniform(size=(5, 2, 3, 1)).astype(np.float32),
}
NOISE = RNG.normal(size=(5, 3)).astype(np.float32)
both_kinds = pytest.mark.parametrize("data", [POINTS, PIXELS], ids=["points", "images"])


def new(data=POINTS, **changes):
    settings = SMALL | {key.replace("__", "."): value for key, value in changes.items()}
    return VAE(override(preset("vae", shape=data.shape), settings), data)


def step(vae, number=0, classes=None):
    """One step as floats; at step 0 the divergence has no weight, from 10 of 100 on its full one."""
    batch = Batch(*(tf.constant(x[None]) for x in (REAL[vae.data.shape], NOISE)), classes)
    row = vae.update(tf.constant(number, tf.int64), LiveHyperparameters.of(vae.settings), batch)
    return dict(zip(VAE.STEP_METRICS, (float(value) for value in row)))


def bits(variables):
    return [np.asarray(v).tobytes() for v in variables]


def dense(weights, x):
    """Leaky ReLU after the hidden layer, none after the last."""
    w, b, v, c = weights
    before = x @ w + b
    return np.where(before > 0, before, 0.2 * before) @ v + c


# ---------------------------------------------------------------- the two terms


def test_the_divergence_against_an_integral():
    """∫ q log(q / p) for each latent, summed over them and averaged over samples."""
    mean, log_variance = RNG.normal(size=(2, 4, 2)) * 0.7
    x = np.linspace(-15, 15, 30_001)
    expected = 0.0
    for m, lv in zip(mean.ravel(), log_variance.ravel()):
        q = stats.norm(m, np.exp(lv / 2))
        expected += np.trapezoid(q.pdf(x) * (q.logpdf(x) - stats.norm.logpdf(x)), x)
    assert float(divergence(tf.constant(mean), tf.constant(log_variance))) == pytest.approx(expected / 4, rel=1e-6)


def test_the_divergence_is_nothing_for_the_prior_alone():
    zero = np.zeros((4, 3))
    assert float(divergence(tf.constant(zero), tf.constant(zero))) == 0
    for mean, log_variance in ((0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        assert float(divergence(tf.constant(zero + mean), tf.constant(zero + log_variance))) > 0


def test_images_are_coins_for_every_pixel():
    real, logits = (x.astype(np.float32) for x in (RNG.uniform(size=(5, 2, 3, 1)), 3 * RNG.normal(size=(5, 2, 3, 1))))
    p = 1 / (1 + np.exp(-logits))
    expected = -(real * np.log(p) + (1 - real) * np.log(1 - p)).sum() / 5
    found = reconstruction(PIXELS, real=tf.constant(real), decoded=tf.constant(logits))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    black = np.round(real)
    found = reconstruction(PIXELS, real=tf.constant(black), decoded=tf.constant(logits))
    assert float(found) == pytest.approx(-stats.bernoulli(p).logpmf(black).sum() / 5, rel=1e-5)


def test_sure_pixels_that_are_wrong_cost_their_logit_and_no_more():
    found = reconstruction(PIXELS, real=tf.zeros((1, 2, 3, 1)), decoded=tf.fill((1, 2, 3, 1), 1000.0))
    assert float(found) == 6000


def test_points_are_gaussians_of_their_own_most_likely_variance():
    """Up to the constant d/2 (1 + log 2π): the likelihood at the variance that makes it largest."""
    real, decoded = REAL[2,].astype(float), RNG.normal(size=(5, 2))
    target = (real - POINTS.mean) / POINTS.scale
    error = ((target - decoded) ** 2).mean()

    def nats(variance):
        return -stats.norm(decoded, np.sqrt(variance)).logpdf(target).sum() / 5

    found = float(reconstruction(POINTS, real=tf.constant(real), decoded=tf.constant(decoded)))
    assert found + 2 / 2 * (1 + np.log(2 * np.pi)) == pytest.approx(nats(error), rel=1e-6)
    assert nats(error) < min(nats(0.9 * error), nats(1.1 * error))


def test_a_perfect_copy_of_points_is_finite():
    decoded = tf.Variable((REAL[2,] - POINTS.mean) / POINTS.scale)
    with tf.GradientTape() as tape:
        found = reconstruction(POINTS, real=tf.constant(REAL[2,]), decoded=decoded)
    assert np.isfinite(float(found)) and np.isfinite(tape.gradient(found, decoded).numpy()).all()


# ---------------------------------------------------------------- one step


def total(data, decoder, encoder, weight):
    """(the loss, the reconstruction, the divergence) in NumPy, for dense networks of one hidden layer."""
    real = REAL[data.shape].astype(float)
    shown = (real - data.mean) / data.scale if not data.is_image else 2 * (real - data.mean)
    mean, log_variance = np.split(dense(encoder, shown.reshape(5, -1)), 2, axis=1)
    decoded = dense(decoder, mean + np.exp(log_variance / 2) * NOISE)
    if data.is_image:
        x = real.reshape(5, -1)
        missing = (x * np.logaddexp(0, -decoded) + (1 - x) * np.logaddexp(0, decoded)).sum() / 5
    else:
        missing = np.log(((shown - decoded) ** 2).mean())
    apart = ((mean**2 + np.exp(log_variance) - 1 - log_variance) / 2).sum() / 5
    return missing + weight * apart, missing, apart


@both_kinds
@pytest.mark.parametrize(("number", "weight"), [(0, 0.0), (3, 0.3), (10, 1.0), (60, 1.0)])
def test_its_terms_and_gradients_by_finite_differences(data, number, weight):
    """The divergence grows to its full weight over a tenth of the run."""
    vae = new(data)
    networks = vae.generator, vae.encoder
    weights = [[np.asarray(v, np.float64) for v in network.trainable_variables] for network in networks]
    row = step(vae, number)
    _, missing, apart = total(data, *weights, weight)
    assert row == pytest.approx(
        {"loss_generator": missing + apart, "loss_reconstruction": missing, "loss_divergence": apart}, rel=1e-4
    )
    h = 1e-6
    for ours, optimizer in zip(weights, (vae.generator_optimizer, vae.encoder_optimizer)):
        taken = [np.asarray(v) / 0.5 for v in optimizer.variables if "momentum" in v.path]
        assert len(taken) == len(ours) == 4
        for w, found in zip(ours, taken):
            for index in list(np.ndindex(w.shape))[::3]:
                kept = w[index]
                w[index] = kept + h
                above = total(data, *weights, weight)[0]
                w[index] = kept - h
                below = total(data, *weights, weight)[0]
                w[index] = kept
                assert found[index] == pytest.approx((above - below) / (2 * h), rel=1e-3, abs=1e-5)


def test_the_first_images_and_the_decoder_are_the_generator():
    """What it learns with is what it draws with: the same weights, up to the sigmoid."""
    vae = new(PIXELS)
    logits = vae._decoder(NOISE).numpy()
    assert vae.generator(NOISE).numpy() == pytest.approx(1 / (1 + np.exp(-logits)), rel=1e-5)


@both_kinds
def test_both_networks_learn_and_the_average_follows(data):
    vae = new(data)
    state = {name: bits(network.trainable_variables) for name, network in vae.networks.items() if name != "ema"}
    average = bits(vae.ema_generator.weights)
    step(vae, 50)
    for name, before in state.items():
        assert all(a != b for a, b in zip(before, bits(vae.networks[name].trainable_variables)))
    assert bits(vae.ema_generator.weights) != average
    assert set(vae.networks) == {"generator", "ema", "encoder"}


def test_each_network_has_a_step_size_of_its_own():
    for frozen, moves in (("generator", "encoder"), ("discriminator", "generator")):
        vae = new(**{f"optimizer__learning_rate_{frozen}": 1e-7})
        before = [np.asarray(v) for v in vae.networks[moves].trainable_variables]
        kept = vae.networks["encoder" if frozen == "discriminator" else "generator"]
        start = [np.asarray(v) for v in kept.trainable_variables]
        step(vae)
        assert (
            max(np.abs(a - np.asarray(b)).max() for a, b in zip(before, vae.networks[moves].trainable_variables)) > 5e-4
        )
        assert max(np.abs(a - np.asarray(b)).max() for a, b in zip(start, kept.trainable_variables)) < 1e-6


@both_kinds
def test_what_it_minimises_falls(data):
    vae = new(data, optimizer__learning_rate_generator=0.01, optimizer__learning_rate_discriminator=0.01)
    losses = [step(vae, 20 + number)["loss_generator"] for number in range(12)]
    assert np.isfinite(losses).all() and np.mean(losses[-3:]) < np.mean(losses[:3])


# ---------------------------------------------------------------- with classes


def test_a_conditional_one_tells_its_generator_the_class():
    """The encoder sees samples alone; one sample is repeated in another way as another class."""
    data = DataStatistics((2,), POINTS.mean, POINTS.scale, (0.5, 0.3, 0.2))
    vae = new(data, data__conditional=True)
    assert vae.generator.input_shape == (None, 6) and vae.encoder.input_shape == (None, 2)
    assert vae.encoder.output_shape == (None, 6)
    rows = []
    for numbers in ([0, 1, 2, 0, 1], [1, 2, 0, 1, 2]):
        vae = new(data, data__conditional=True)
        rows.append(step(vae, 50, tf.one_hot([numbers], 3)))
        embedding = vae.generator.get_layer("classes").embedding
        start = new(data, data__conditional=True).generator.get_layer("classes").embedding
        assert (np.asarray(embedding) != np.asarray(start)).all()
    assert rows[0]["loss_divergence"] == rows[1]["loss_divergence"]
    assert rows[0]["loss_reconstruction"] != rows[1]["loss_reconstruction"]


@pytest.mark.parametrize("kind", ["dcgan", "subpixel", "residual"])
def test_an_autoencoder_may_be_convolutional(kind):
    shape = (8, 8, 1)
    data = DataStatistics(shape, np.full(shape, 0.4, np.float32), 1.0)
    vae = new(data, generator__architecture=kind, discriminator__architecture=kind, generator__channels=4)
    batch = Batch(tf.constant(RNG.uniform(size=(1, 5, *shape)), tf.float32), tf.constant(NOISE[None]))
    before = bits(vae.generator.trainable_variables + vae.encoder.trainable_variables)
    for number in range(3):
        row = vae.update(tf.constant(number, tf.int64), LiveHyperparameters.of(vae.settings), batch)
        assert np.isfinite([float(x) for x in row]).all()
    assert all(
        a != b for a, b in zip(before, bits(vae.generator.trainable_variables + vae.encoder.trainable_variables))
    )
