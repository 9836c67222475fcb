"""The learned feature space: its network against NumPy and SciPy, its accuracy, its bytes, and what it refuses."""

import hashlib
import io
import time

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import correlate
from sklearn.metrics import accuracy_score

from gan_core.codec import to_unit
from gan_core.data.datasets import Part, load
from gan_core.engine.classifier import FEATURES, Classifier, train_classifier
from gan_core.records import GanometerError, MeasureError

RNG = np.random.default_rng(0)


def learn(train: Part, holdout: Part, **options) -> Classifier:
    return train_classifier(train.x, train.y, holdout_x=holdout.x, holdout_y=holdout.y, **options)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def of_digits(digits) -> Classifier:
    return learn(digits.train, digits.holdout)


@pytest.fixture(scope="module")
def enlarged(digits) -> list[Part]:
    """The digits at 16 x 16: pictures that are worth convolutions."""
    return [Part(part.x.repeat(2, axis=1).repeat(2, axis=2), part.y) for part in (digits.train, digits.holdout)]


@pytest.fixture(scope="module")
def convolved(enlarged) -> Classifier:
    return learn(*enlarged, seconds=2)


def blobs(n: int, seed: int, centres=((0, 0), (3, 0), (0, 50))) -> Part:
    """Points around a few centres, in classes 3, 7 and 50."""
    rng = np.random.default_rng(seed)
    which = rng.integers(len(centres), size=n)
    x = (np.array(centres)[which] + 0.1 * rng.normal(size=(n, 2))).astype(np.float32)
    return Part(x, np.array([3, 7, 50])[which])


# ---------------------------------------------------------------- what it computes


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def weights_of(classifier: Classifier) -> list[np.ndarray]:
    """The first two are gain and offset, then kernels and biases."""
    gain, offset, *rest = (np.asarray(w, np.float64) for w in classifier.network.get_weights())
    return [gain, offset, *rest]


def test_points_and_small_pictures_go_through_two_hidden_layers(digits, of_digits):
    gain, offset, w1, b1, w2, b2, w3, b3 = weights_of(of_digits)
    x = (gain * to_unit(digits.test.x) + offset).reshape(len(digits.test), -1)
    features = leaky(leaky(x @ w1 + b1) @ w2 + b2)
    assert_allclose(of_digits.features(digits.test.x), features, rtol=1e-4, atol=1e-4)
    classes = (features @ w3 + b3).argmax(axis=1)
    assert np.array_equal(of_digits.predict(digits.test.x), of_digits.labels[classes])


def test_larger_pictures_go_through_two_convolutions(enlarged, convolved):
    gain, offset, *kernels, w, b, _, _ = weights_of(convolved)
    x = enlarged[1].x[:5]
    a = gain * to_unit(x) + offset
    for kernel, bias in zip(kernels[::2], kernels[1::2]):
        padded = np.pad(a, ((0, 0), (1, 1), (1, 1), (0, 0)))
        maps = [correlate(image, kernel[..., c], "valid")[..., 0] for image in padded for c in range(len(bias))]
        a = np.reshape(maps, (len(x), len(bias), *a.shape[1:3])).transpose(0, 2, 3, 1) + bias
        n, h, width, c = a.shape
        a = leaky(a.reshape(n, h // 2, 2, width // 2, 2, c).max(axis=(2, 4)))
    assert_allclose(convolved.features(x), leaky(a.reshape(len(x), -1) @ w + b), rtol=1e-4, atol=1e-4)


def test_features_are_64_numbers_and_the_same_in_both_forms_and_any_batch(digits, of_digits):
    features = of_digits.features(digits.test.x)
    assert features.dtype == np.float32 and features.shape == (len(digits.test), FEATURES) and FEATURES == 64
    assert np.array_equal(of_digits.features(to_unit(digits.test.x)), features)
    assert_allclose(of_digits.features(digits.test.x, batch=7), features, rtol=1e-5, atol=1e-5)


# ---------------------------------------------------------------- how well it learns


def test_it_tells_the_digits_apart(digits, of_digits):
    assert of_digits.accuracy == accuracy_score(digits.holdout.y, of_digits.predict(digits.holdout.x)) >= 0.95
    assert accuracy_score(digits.test.y, of_digits.predict(digits.test.x)) >= 0.95


@pytest.mark.parametrize("name", [pytest.param("ring-8", marks=pytest.mark.slow), "grid-25"])
def test_it_tells_the_modes_apart(name):
    dataset = load(name)
    assert learn(dataset.train, dataset.holdout).accuracy > 0.999


@pytest.mark.slow
def test_it_tells_the_digits_of_mnist_apart(mnist_folder):
    mnist = load("mnist", folder=mnist_folder)
    learned = learn(mnist.train, mnist.holdout)
    assert learned.accuracy >= 0.985
    assert accuracy_score(mnist.test.y, learned.predict(mnist.test.x)) >= 0.985


def test_two_seconds_of_convolutions_tell_digits_apart(convolved):
    assert convolved.accuracy > 0.5  # 0.98 on an idle machine; a tenth is luck


def test_a_person_s_labels_come_back_and_the_same_seed_gives_the_same_network():
    """Labels need not be 0, 1, 2, nor the axes be of one scale; being told of the progress changes nothing."""
    train, holdout, told = blobs(500, 1), blobs(200, 2), []
    first, again = learn(train, holdout, seed=5), learn(train, holdout, seed=5, progress=told.append)
    assert first.accuracy == 1.0 and first.labels.tolist() == [3, 7, 50]
    assert np.array_equal(first.predict(holdout.x), holdout.y) and first.predict(holdout.x).dtype == np.int64
    assert first.to_bytes() == again.to_bytes()
    assert told == pytest.approx(np.arange(21) / 20)


def test_another_seed_gives_another_network():
    train = blobs(50, 1)
    one, other = (learn(train, train, seed=seed, seconds=0.5) for seed in (0, 1))
    assert one.sha256 != other.sha256


def test_other_people_s_random_numbers_are_left_alone():
    train = blobs(50, 1)

    def drawn(between) -> tuple:
        np.random.seed(3)
        keras.utils.set_random_seed(3)
        between()
        return np.random.random(), float(keras.random.uniform(()))

    assert drawn(lambda: learn(train, train, seconds=0.3)) == drawn(lambda: None)


def test_a_class_that_only_the_holdout_has_counts_as_wrong():
    train, holdout = blobs(500, 1), blobs(200, 2)
    strange = np.where(holdout.y == 3, 4, holdout.y)
    learned = learn(train, Part(holdout.x, strange), seconds=0.5)
    assert learned.accuracy == accuracy_score(strange, learned.predict(holdout.x)) <= np.mean(strange != 4)


def test_constant_data_gives_numbers_too():
    train = Part(np.full((20, 2), 7, np.float32), np.arange(20) % 2)
    learned = learn(train, train, seconds=0.3)
    assert learned.accuracy == 0.5 and np.isfinite(learned.features(train.x)).all()


def test_the_clock_ends_a_training_and_nothing_is_printed(enlarged, capfd):
    start, told = time.monotonic(), []
    learn(*enlarged, seconds=0.5, progress=told.append)
    assert time.monotonic() - start < 10  # building the network is not cut short
    assert told[-1] == 1 and told == sorted(told)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- bytes


@pytest.mark.parametrize("which", ["of_digits", "convolved"])
def test_bytes_give_the_same_classifier_back(which, request, digits, enlarged):
    learned = request.getfixturevalue(which)
    x = digits.holdout.x if which == "of_digits" else enlarged[1].x
    data = learned.to_bytes()
    again = Classifier.from_bytes(data)
    assert np.array_equal(again.features(x), learned.features(x))
    assert np.array_equal(again.predict(x), learned.predict(x))
    assert (again.accuracy, again.shape) == (learned.accuracy, learned.shape)
    assert again.to_bytes() == data and again.sha256 == learned.sha256 == hashlib.sha256(data).hexdigest()


def test_bytes_are_plain_arrays(of_digits):
    with np.load(io.BytesIO(of_digits.to_bytes()), allow_pickle=False) as arrays:
        assert all(array.dtype.kind in "fi" for array in dict(arrays).values())


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_other_bytes_are_refused(of_digits):
    data = of_digits.to_bytes()
    shape = dict(labels=np.arange(2), shape=np.array([2]), accuracy=np.float64(1))
    damaged = data[:2000] + bytes([data[2000] ^ 255]) + data[2001:]
    others = npz(x=np.zeros(3)), npz(**shape), npz(**shape, **{"weight.0": np.zeros(3)})
    for wrong in (b"", b"junk", data[:-100], damaged, *others):
        with pytest.raises(GanometerError, match=f"^{len(wrong)} bytes hold no classifier .*train the feature space"):
            Classifier.from_bytes(wrong)


# ---------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.zeros(300, int), "contain 1 class and a classifier needs at least 2"),
        (np.arange(300) % 101, "contain 101 classes and a classifier has at most 100"),
        (np.arange(299), r"labels are int64 \(299,\) for 300 samples"),
        (np.linspace(0, 1, 300), r"labels are float64 \(300,\) for 300 samples; give one whole number"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(y, said):
    x = RNG.normal(size=(300, 2)).astype(np.float32)
    with pytest.raises(GanometerError, match=said):
        train_classifier(x, y, holdout_x=x, holdout_y=y)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_no_time_at_all_is_refused(seconds):
    with pytest.raises(GanometerError, match=f"seconds is {seconds}; give"):
        learn(blobs(50, 1), blobs(50, 2), seconds=seconds)


def test_other_samples_are_refused(of_digits):
    for wrong in (np.zeros((3, 28, 28, 1)), np.zeros((3, 64)), np.zeros((0, 8, 8, 1))):
        with pytest.raises(MeasureError, match=r"the classifier needs \('n', 8, 8, 1\)"):
            of_digits.features(wrong)
    x = np.zeros((3, 8, 8, 1), np.float32)
    x[1, 2, 3], x[2, 2, 3] = np.nan, np.inf
    with pytest.raises(MeasureError, match="2 of 192 values that are NaN or infinite"):
        of_digits.predict(x)
