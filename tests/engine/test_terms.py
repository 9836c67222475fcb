"""What can be added to a game: each term inside one step of a tiny GAN, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.engine import checkpoints
from gan_core.engine.base_model import Batch, LiveHyperparameters, draw_block
from gan_core.engine.gan import GAN
from gan_core.engine.layers import SpectralDense
from gan_core.engine.networks import DataStatistics

RNG = np.random.default_rng(0)
SCALE = 2.0
POINTS = DataStatistics((2,), np.array([1.0, -1.0], np.float32), SCALE)
PIXELS = DataStatistics((8, 8, 1), np.full((8, 8, 1), 0.4, np.float32), 1.0)
PLAIN = {
    "generator.hidden": "6",
    "generator.latent_dim": 3,
    "discriminator.hidden": "7",
    "discriminator.fourier": 0,
    "objective.loss": "non-saturating",
    "objective.r1": 0,
    "objective.r2": 0,
    "training.batch": 6,
    "training.steps": 100,
    "training.fresh_samples": True,
    "optimizer.warmup_steps": 0,
    "optimizer.decay_from": 1,
    "optimizer.beta1": 0.5,
}


def new(data=POINTS, **changes):
    """A tiny GAN without any of the terms; changes are dotted keys with __ for the dot."""
    settings = PLAIN | {key.replace("__", "."): value for key, value in changes.items()}
    return GAN(override(preset("auto", shape=(2,)), settings), data)


def batch_for(gan, seed=0):
    rng, n = np.random.default_rng(seed), gan.settings.training.discriminator_steps + 1
    real = rng.uniform(0, 1 if gan.data.is_image else 8, (n, 6, *gan.data.shape))
    return Batch(*(tf.constant(x, tf.float32) for x in (real, rng.normal(size=(n, 6, 3)))))


def step(gan, number=0, batch=None, **live):
    batch = batch or batch_for(gan)
    row = gan.update(tf.constant(number, tf.int64), LiveHyperparameters.of(gan.settings)._replace(**live), batch)
    return dict(zip(GAN.STEP_METRICS, (float(value) for value in row)))


def step_discriminator(gan, number=0):
    batch = batch_for(gan)
    where = tf.constant(number, tf.int64), LiveHyperparameters.of(gan.settings)
    gradients, *seen = gan.discriminator_gradients(*where, batch.real[0], batch.z[0])
    gan.update_discriminator(*where, gradients)
    return seen


def step_generator(gan, number=0):
    batch = batch_for(gan)
    where = tf.constant(number, tf.int64), LiveHyperparameters.of(gan.settings)
    return gan.update_generator(*where, batch.real[0], batch.z[0])


def bits(variables):
    return [np.asarray(v).tobytes() for v in variables]


class Watched(GAN):
    """Remembers the inputs its discriminator was shown, in the order of a step."""

    def __init__(self, *given):
        super().__init__(*given)
        self.shown, feature_model = [], self.feature_model
        self.feature_model = lambda x, **options: self.shown.append(x) or feature_model(x, **options)


def watched(data=POINTS, **changes):
    return Watched(new(data, **changes).settings, data)


def shown_in(gan, number=0):
    """(the batch, generated samples of the discriminator's half, what each half of the step saw)."""
    batch = batch_for(gan)
    fake = gan.generator(batch.z[0]).numpy()
    step(gan, number, batch)
    return batch, fake, [np.asarray(x) for x in gan.shown]


# ---------------------------------------------------------------- noise and shifts, on both sides


@pytest.mark.parametrize(("number", "share"), [(0, 1.0), (25, 0.75), (99, 0.01), (100, 0.0), (150, 0.0)])
def test_noise_is_on_all_that_is_seen_in_units_of_the_data_and_fades(number, share):
    gan = watched(objective__instance_noise=0.3)
    batch, fake, (by_discriminator, by_generator) = shown_in(gan, number)
    noise = by_discriminator - np.concatenate([batch.real[0], fake])
    assert noise.std() == pytest.approx(0.3 * SCALE * share, rel=0.5, abs=1e-6)
    if share:
        assert (noise != 0).all() and len(np.unique(noise)) > 20
        assert stats.kstest((noise / (0.3 * SCALE * share)).ravel(), "norm").pvalue > 0.01
    assert by_generator.shape == (6, 2) and (by_generator != by_discriminator[6:]).all()


def test_noise_is_new_in_every_step_and_half_and_the_same_again():
    def noises(seed, number):
        gan = watched(seed=seed, objective__instance_noise=0.3, training__discriminator_steps=2)
        batch = batch_for(gan)
        fakes = [gan.generator(z).numpy() for z in batch.z[:2]]
        step(gan, number, batch)
        both = [np.concatenate([real, fake]) for real, fake in zip(batch.real, fakes)]
        return [shown.numpy() - x for shown, x in zip(gan.shown, both)]

    one = noises(0, 0)
    assert len(one) == 2 and (one[0] != one[1]).all()
    assert all((a == b).all() for a, b in zip(one, noises(0, 0)))
    assert not any(np.allclose(a, b) for a, b in zip(one, noises(0, 1)))
    assert not any(np.allclose(a, b) for a, b in zip(one, noises(1, 0)))


def test_shifts_are_on_all_images_that_are_seen():
    """Every image keeps its pixels but for those that left its frame, in both halves of the step."""
    gan = watched(PIXELS, objective__translation=0.25, discriminator__centre=False)
    batch, fake, (by_discriminator, by_generator) = shown_in(gan)
    assert by_generator.shape == (6, 8, 8, 1)
    originals = np.concatenate([batch.real[0], fake])
    shifted = [(seen != image).any() for seen, image in zip(by_discriminator, originals)]
    assert sum(shifted[:6]) >= 3 and sum(shifted[6:]) >= 3
    for seen, image in zip(by_discriminator, originals):
        inside = np.argwhere(seen[..., 0] != 0)
        height, width = inside.max(0) - inside.min(0) + 1
        assert min(height, width) >= 6
        part = seen[inside[:, 0].min() :, inside[:, 1].min() :][:height, :width]
        found = [
            (image[i : i + height, j : j + width] == part).all() for i in range(9 - height) for j in range(9 - width)
        ]
        assert any(found)


def test_the_generator_learns_through_the_shift():
    """A shift that a gradient could not pass would leave it as it was."""
    gan = new(PIXELS, objective__translation=0.25)
    before = bits(gan.generator.trainable_variables)
    step(gan)
    assert all(a != b for a, b in zip(before, bits(gan.generator.trainable_variables)))


# ---------------------------------------------------------------- packing


@pytest.mark.parametrize("data", [POINTS, PIXELS], ids=["points", "images"])
def test_packing_widens_the_first_layer_only(data):
    one, three = new(data), new(data, discriminator__packing=3)
    shapes = [[v.shape for v in gan.discriminator.trainable_variables] for gan in (one, three)]
    assert shapes[1][0] == (3 * shapes[0][0][0], 7) and shapes[1][1:] == shapes[0][1:]
    assert bits(one.generator.weights) == bits(three.generator.weights)


def test_three_samples_share_a_logit():
    gan = new(discriminator__packing=3)
    x = RNG.normal(size=(6, 2)).astype(np.float32)
    _, logits = gan.discriminate(tf.constant(x), step=tf.constant(0), live=LiveHyperparameters.of(gan.settings), turn=0)
    assert logits.shape == (2,)
    assert logits.numpy() == pytest.approx(gan.discriminator(x.reshape(2, 6)).numpy()[:, 0], rel=1e-5)


def test_real_and_generated_samples_are_never_packed_together():
    gan = watched(discriminator__packing=3)
    batch, fake, (by_discriminator, by_generator) = shown_in(gan)
    assert by_discriminator == pytest.approx(np.concatenate([batch.real[0].numpy(), fake]).reshape(4, 6), rel=1e-5)
    assert by_generator.shape == (2, 6)


def test_the_penalty_of_a_packed_discriminator_counts_all_it_judges_together():
    """Straight: D((x, y)) = a·x + b·y, so R1 is half of ||a||² + ||b||², in units of the data's spread."""
    gan = new(discriminator__packing=2, objective__r1=3.0, objective__penalty_every=1)
    kernel, bias, last, _ = gan.discriminator.trainable_variables
    bias.assign(np.full(7, 100.0))
    slope = np.asarray(kernel) @ np.asarray(last)
    assert slope.shape == (4, 1)
    assert step(gan)["penalty"] == pytest.approx(3 / 2 * (slope**2).sum(), rel=1e-5)


# ---------------------------------------------------------------- penalties of a straight discriminator


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("wgan-gp", lambda s: (s - 1) ** 2), ("dragan", lambda s: (s - 1) ** 2), ("wgan-gp0", np.square)],
)
def test_the_penalty_of_a_straight_discriminator_is_the_same_wherever_one_looks(kind, expected):
    gan = new(objective__gradient_penalty=kind, objective__gradient_penalty_weight=5, objective__penalty_every=1)
    kernel, bias, last, _ = gan.discriminator.trainable_variables
    bias.assign(np.full(7, 100.0))
    slope = np.linalg.norm(np.asarray(kernel, float) @ np.asarray(last))
    assert step(gan)["penalty"] == pytest.approx(5 * expected(slope), rel=1e-4)


def test_two_penalties_add_up():
    kinds = {"r1": 2.0, "r2": 1.0}, {"gradient_penalty": "wgan-gp"}
    every = {"objective__penalty_every": 1}
    single = [step(new(**every, **{f"objective__{k}": v for k, v in kind.items()}))["penalty"] for kind in kinds]
    both = step(new(**every, **{f"objective__{k}": v for kind in kinds for k, v in kind.items()}))["penalty"]
    assert min(single) > 0 and both == pytest.approx(sum(single), rel=1e-5)


# ---------------------------------------------------------------- what the generator is paid for beside the game


def generator_loss(**changes):
    """(its loss in a step of its own, the same without the term, the real samples, those it made, the GAN)."""
    gan, plain = new(**changes), new()
    batch = batch_for(gan)
    fake = gan.generator(batch.z[0]).numpy().astype(float)
    return float(step_generator(gan)), float(step_generator(plain)), batch.real[0].numpy().astype(float), fake, gan


def test_diversity_pays_for_samples_as_far_apart_as_real_ones():
    with_it, without, real, fake, gan = generator_loss(objective__diversity=0.5)
    lengths = [np.linalg.norm(x[:3] - x[3:], axis=1) for x in (fake, batch_for(gan).z[0].numpy(), real)]
    ratio = lengths[0] / lengths[2].mean() / (lengths[1] / lengths[1].mean())
    assert with_it - without == pytest.approx(0.5 * (1 - np.minimum(1, ratio).mean()), rel=1e-4)
    assert with_it > without


def test_the_energy_distance_may_be_taken_in_what_the_discriminator_sees():
    changes = {"objective__energy_weight": 0.5, "objective__energy_space": "features"}
    fresh = new(**changes)
    kernel, bias = (np.asarray(v, float) for v in fresh.discriminator.trainable_variables[:2])
    with_it, without, real, fake, _ = generator_loss(**changes)

    def features(x):
        before = (x - POINTS.mean) / SCALE @ kernel + bias
        return np.where(before > 0, before, 0.2 * before)

    a, b = features(real), features(fake)
    energy = (2 * cdist(a, b).mean() - pdist(a).mean() - pdist(b).mean()) / pdist(a).mean()
    assert with_it - without == pytest.approx(0.5 * energy, rel=1e-3)


def test_terms_of_the_generator_do_not_touch_the_discriminator():
    terms = {"energy_weight": 0.5, "energy_space": "features", "feature_matching": 0.5, "diversity": 0.5}
    gan = new(**{f"objective__{key}": value for key, value in terms.items()})
    before = bits(gan.discriminator.weights)
    step_generator(gan)
    assert bits(gan.discriminator.weights) == before


@pytest.mark.parametrize(
    "term", ["energy_weight", "feature_matching", "diversity", "label_smoothing", "instance_noise"]
)
def test_the_weight_of_a_term_is_a_dial(term):
    """Turned to nothing it is a step without the term."""
    still = {"generator__output_gain": 0.1}  # samples that lie closer together than real ones
    gan, plain = new(**still, **{f"objective__{term}": 0.3}), new(**still)
    assert step(gan, **{term: tf.constant(0.0)}) == pytest.approx(step(plain), rel=1e-5)
    assert step(gan) != pytest.approx(step(plain), rel=1e-5)


# ---------------------------------------------------------------- spectral normalization


def spectral(gan):
    return [layer for layer in gan.discriminator.layers if isinstance(layer, SpectralDense)]


@pytest.mark.parametrize("times", [1, 3])
def test_power_iteration_is_done_once_in_every_discriminator_update(times, monkeypatch):
    gan, calls = new(discriminator__spectral_norm=True, training__discriminator_steps=times), []
    monkeypatch.setattr(SpectralDense, "power_iteration", lambda layer: calls.append(layer.name))
    step(gan)
    assert sorted(calls) == sorted(layer.name for layer in spectral(gan) * times)


def test_a_generator_step_leaves_a_normalised_discriminator_alone():
    gan = new(discriminator__spectral_norm=True)
    before, learned = bits(gan.discriminator.weights), bits(gan.discriminator.trainable_variables)
    step_generator(gan)
    assert bits(gan.discriminator.weights) == before
    step_discriminator(gan)
    assert all(a != b for a, b in zip(learned, bits(gan.discriminator.trainable_variables)))


def test_a_normalised_discriminator_is_never_steep():
    """Over many steps at a high rate its slope stays at the product of layers of 1; u and v follow the kernels."""
    gan = new(
        objective__loss="wasserstein",
        discriminator__spectral_norm=True,
        discriminator__hidden="7,7",
        optimizer__learning_rate_discriminator=0.01,
    )
    for number in range(20):
        step_discriminator(gan, number)
    for layer in spectral(gan):
        assert np.linalg.svd(layer.normalised_kernel().numpy(), compute_uv=False)[0] == pytest.approx(1, rel=0.1)
    a, b = RNG.normal(size=(2, 200, 2)).astype(np.float32)
    rises = np.abs(gan.discriminator(a) - gan.discriminator(b))[:, 0]
    assert (rises / np.linalg.norm((a - b) / SCALE, axis=1)).max() <= 1.2
    assert max(np.abs(np.asarray(layer.kernel)).max() for layer in spectral(gan)) > 0.4


# ---------------------------------------------------------------- batch normalization


def normal_layers(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_the_moments_that_the_generator_counts_by_hand():
    """moving ← .9 moving + .1 of the batch, once for every batch it makes; the average has the same, not its mean."""
    gan = new(generator__batch_norm=True, generator__ema=0.9)
    (layer,) = normal_layers(gan.generator)
    batch, mean, variance = batch_for(gan), np.zeros(6), np.ones(6)
    kernel, bias = (np.asarray(v, float) for v in gan.generator.trainable_variables[:2])
    for z in batch.z.numpy():
        before = z @ kernel + bias
        mean, variance = 0.9 * mean + 0.1 * before.mean(0), 0.9 * variance + 0.1 * before.var(0)
    step(gan, 50, batch)
    assert np.asarray(layer.moving_mean) == pytest.approx(mean, rel=1e-4, abs=1e-6)
    assert np.asarray(layer.moving_variance) == pytest.approx(variance, rel=1e-4)
    (averaged,) = normal_layers(gan.ema_generator)
    for name in ("moving_mean", "moving_variance"):
        assert (np.asarray(getattr(averaged, name)) == np.asarray(getattr(layer, name))).all()
    assert (np.asarray(averaged.gamma) != np.asarray(layer.gamma)).any()


def test_a_normalising_discriminator_sees_real_and_generated_samples_apart():
    """Each batch has the moments of its own: how many standard deviations away the other is does not matter."""
    gan = watched(discriminator__batch_norm=True)
    batch, fake, shown = shown_in(gan)
    assert [x.shape for x in shown] == [(6, 2)] * 3
    assert shown[0] == pytest.approx(batch.real[0].numpy()) and shown[1] == pytest.approx(fake, rel=1e-5)
    kernel, bias, gamma, beta, last, end = (
        np.asarray(v, float)
        for v in new().discriminator.trainable_variables[:2]
        + (new(discriminator__batch_norm=True).discriminator.trainable_variables[2:])
    )

    def loss(x, sign):
        before = (x - POINTS.mean) / SCALE @ kernel + bias
        normal = gamma * (before - before.mean(0)) / np.sqrt(before.var(0) + 1e-5) + beta
        return np.logaddexp(0, sign * (np.where(normal > 0, normal, 0.2 * normal) @ last + end)).mean()

    found = step_discriminator(new(discriminator__batch_norm=True))[0]
    assert float(found) == pytest.approx(loss(batch.real[0].numpy(), -1) + loss(fake.astype(float), 1), rel=1e-4)


def test_the_generator_is_used_with_its_moments_and_not_with_those_of_a_batch():
    """A sample is the same alone and among others."""
    gan = new(generator__batch_norm=True)
    for number in range(3):
        step(gan, number)
    z = RNG.normal(size=(8, 3)).astype(np.float32)
    together = gan.ema_generator(z, training=False).numpy()
    alone = [gan.ema_generator(z[i : i + 1], training=False).numpy()[0] for i in range(8)]
    assert together == pytest.approx(np.stack(alone), rel=1e-4, abs=1e-5)


# ---------------------------------------------------------------- classes


def conditional(data=POINTS, **changes):
    told = DataStatistics(data.shape, data.mean, data.scale, (0.5, 0.3, 0.2))
    gan = new(told, data__conditional=True, **changes)
    classes = tf.one_hot(RNG.integers(0, 3, (2, 6)), 3)
    return gan, batch_for(gan)._replace(classes=classes)


def test_both_networks_are_told_the_class_and_learn_what_it_means():
    gan, batch = conditional()
    assert gan.generator.input_shape == (None, 3 + 3)
    embeddings = [
        v for v in gan.generator.trainable_variables + gan.discriminator.trainable_variables if "embedding" in v.path
    ]
    before = [np.asarray(v) for v in embeddings]
    step(gan, 0, batch)
    assert [v.shape for v in embeddings] == [(3, 3), (3, 7)]
    assert all((a != np.asarray(v)).all() for a, v in zip(before, embeddings))


def test_the_same_latents_are_another_sample_as_another_class():
    gan, _ = conditional()
    z, x = RNG.normal(size=(3, 3)).astype(np.float32), RNG.normal(size=(3, 2)).astype(np.float32)
    one, other = (np.eye(3, dtype=np.float32)[[k] * 3] for k in (0, 2))
    samples = [gan.generator(np.concatenate([z, c], axis=1)).numpy() for c in (one, other)]
    assert (samples[0] != samples[1]).all()
    logits = [gan.discriminator([x, c]).numpy() for c in (one, other)]
    features = gan.feature_model([x, one])[0].numpy()
    projection = np.asarray(gan.discriminator.layers[-2].kernel)
    difference = features @ (projection[0] - projection[2])
    assert (logits[0] - logits[1])[:, 0] == pytest.approx(difference, rel=1e-3, abs=1e-5)


def test_a_class_that_no_sample_of_the_batch_has_is_not_learned():
    gan, batch = conditional(optimizer__beta1=0.0)
    embeddings = [
        v for v in gan.generator.trainable_variables + gan.discriminator.trainable_variables if "embedding" in v.path
    ]
    before = [np.asarray(v) for v in embeddings]
    step(gan, 0, batch._replace(classes=tf.one_hot(tf.zeros((2, 6), tf.int32), 3)))
    for start, v in zip(before, embeddings):
        assert (start[0] != np.asarray(v)[0]).all() and (start[1:] == np.asarray(v)[1:]).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"objective__r1": 1, "objective__r2": 1, "objective__penalty_every": 1},
        {"objective__gradient_penalty": "wgan-gp", "objective__penalty_every": 1},
        {"objective__loss": "relativistic", "objective__feature_matching": 1, "objective__energy_weight": 1},
        {"discriminator__spectral_norm": True, "objective__diversity": 1, "training__fresh_samples": False},
        {"discriminator__batch_norm": True, "objective__instance_noise": 0.1},
    ],
)
def test_classes_go_with_every_other_term(changes):
    gan, batch = conditional(**changes)
    for number in range(3):
        row = step(gan, number, Batch(*(x[-1:] for x in batch)) if "training__fresh_samples" in changes else batch)
        assert np.isfinite(list(row.values())).all()


# ---------------------------------------------------------------- schedules


def test_step_sizes_on_half_a_cosine_to_what_is_left():
    """The whole run from 1 to decay_to; with decay_from, only what lies behind it."""
    for start, left in ((0.0, 0.25), (0.5, 0.0)):
        gan = new(optimizer__schedule="cosine", optimizer__decay_from=start, optimizer__decay_to=left)
        numbers = np.array([0, 10, 50, 75, 99, 100, 120])
        done = np.clip((numbers / 100 - start) / (1 - start), 0, 1)
        found = [
            float(gan.learning_rate_factor(tf.constant(int(n), tf.int64), LiveHyperparameters.of(gan.settings)))
            for n in numbers
        ]
        assert found == pytest.approx(left + (1 - left) * (1 + np.cos(np.pi * done)) / 2, abs=1e-6)


def test_step_sizes_on_a_line_to_what_is_left():
    gan = new(optimizer__decay_from=0.6, optimizer__decay_to=0.1, optimizer__warmup_steps=10)
    numbers = [0, 9, 60, 80, 100, 120]
    found = [
        float(gan.learning_rate_factor(tf.constant(n, tf.int64), LiveHyperparameters.of(gan.settings))) for n in numbers
    ]
    assert found == pytest.approx([0.1, 1, 1, 0.55, 0.1, 0.1], rel=1e-5)


def test_penalties_on_half_a_cosine_over_the_whole_run():
    """From 1 to penalty_end at the last step, and no further where training goes on."""
    gan = new(objective__r1=1, objective__penalty_every=1, objective__penalty_end=0.2, optimizer__schedule="cosine")
    start, found = checkpoints.capture(gan, 0, np.zeros((0, 5))), []
    numbers = np.array([0, 25, 50, 100, 150])
    for number in numbers:
        checkpoints.restore(gan, start)
        found.append(step(gan, int(number))["penalty"])
    expected = 0.2 + 0.8 * (1 + np.cos(np.pi * np.minimum(1, numbers / 100))) / 2
    assert np.array(found) / found[0] == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------- all of them, compiled


def test_a_compiled_chunk_with_every_term_is_the_same_steps_one_by_one():
    """Random terms have a weight of 0: they are compiled too, but XLA makes other floats of the same random bits."""
    everything = {
        "generator__batch_norm": True,
        "discriminator__spectral_norm": True,
        "discriminator__clip": 0.5,
        "discriminator__packing": 2,
        "objective__r1": 1,
        "objective__gradient_penalty": "dragan",
        "objective__penalty_every": 2,
        "objective__energy_weight": 0.3,
        "objective__energy_space": "features",
        "objective__feature_matching": 0.3,
        "objective__diversity": 0.3,
        "objective__label_smoothing": 0.1,
        "objective__instance_noise": 0.1,
        "optimizer__schedule": "cosine",
        "optimizer__decay_from": 0,
        "training__discriminator_steps": 2,
    }
    x = RNG.uniform(0, 8, (40, 2)).astype(np.float32)
    compiled, single = (new(**everything) for _ in range(2))
    still = {"instance_noise": tf.constant(0.0), "gradient_penalty_weight": tf.constant(0.0)}
    draws, live = draw_block(compiled.settings, 40, 0), LiveHyperparameters.of(compiled.settings)._replace(**still)
    rows = compiled.chunk(tf.constant(x), draws, 0, 4, 0, live)
    for k in range(4):
        batch = Batch(tf.constant(x[draws.rows[k].numpy()]), draws.z[k])
        assert list(step(single, k, batch, **still).values()) == pytest.approx(rows[k].tolist(), rel=2e-3, abs=1e-5)
    assert (rows[:, GAN.STEP_METRICS.index("penalty")] > 0).tolist() == [True, False, True, False]
    for name, network in single.networks.items():
        pairs = zip(network.weights, compiled.networks[name].weights)
        for a, b in [(a, b) for a, b in pairs if "kernel" in a.path]:  # a bias before a normalization learns nothing
            assert np.asarray(a) == pytest.approx(np.asarray(b), rel=1e-2, abs=2e-4)
