"""Arrays of somebody's own program: what they mean is found out or declared, never guessed in silence."""

import numpy as np
import pytest

from gan_core.data.given_arrays import Form, as_numpy, dataset_of, form_of
from gan_core.records import DatasetError, upload_name

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (400, 8, 8, 1), dtype=np.uint8)
COLOURS = RNG.integers(0, 256, (400, 8, 8, 3), dtype=np.uint8)
POINTS = RNG.standard_normal((400, 3))


class Tensor:
    """Behaves like a tensor of PyTorch: it has to be released before NumPy may read it."""

    def __init__(self, array, free=False):
        self.array, self.free = array, free

    def detach(self):
        return Tensor(self.array, True)

    def __float__(self):
        return float(self.array)

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        if not self.free:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return self.array


def scaled(x, scale):
    return {"0..1": x / 255, "-1..1": x / 127.5 - 1, "0..255": x, "0..16": x / 255 * 16}[scale]


@pytest.mark.parametrize("scale", ["0..1", "-1..1", "0..255", "0..16"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pictures_of_every_scale_are_the_same_pictures(scale, dtype):
    given = dataset_of(scaled(BYTES.astype(dtype), scale))
    assert given.scale == scale and given.dataset.sha256 == dataset_of(BYTES).dataset.sha256
    assert any(f"values in {scale}" in note for note in given.notes)


@pytest.mark.parametrize(
    ("x", "order"),
    [
        (COLOURS, "channels last"),
        (COLOURS.transpose(0, 3, 1, 2), "channels first"),
        (COLOURS.transpose(0, 3, 1, 2) / 255, "channels first"),
    ],
)
def test_both_orders_of_the_axes_are_the_same_pictures(x, order):
    given = dataset_of(x)
    assert given.dataset.sha256 == dataset_of(COLOURS).dataset.sha256
    assert order in given.notes[0]


def test_grey_pictures_need_no_axis_of_channels_and_rows_of_pixels_a_declared_shape():
    assert dataset_of(BYTES[..., 0]).dataset.sha256 == dataset_of(BYTES).dataset.sha256
    flat = dataset_of(BYTES.reshape(400, 64), shape=(8, 8))
    assert flat.dataset.sha256 == dataset_of(BYTES).dataset.sha256 and "rows of pixels" in flat.notes[0]
    assert dataset_of(BYTES.reshape(400, 64).astype(float)).dataset.kind == "points"  # without one they are points


def test_a_tensor_is_read_without_its_library():
    np.testing.assert_array_equal(as_numpy(Tensor(POINTS)), POINTS)
    assert dataset_of(Tensor(BYTES), labels=Tensor(np.arange(400) % 3)).dataset.classes.tolist() == [0, 1, 2]


def test_real_samples_alone_are_divided_and_no_row_stands_in_two_parts():
    given = dataset_of(POINTS, labels=np.arange(400) % 2)
    dataset = given.dataset
    assert [len(part) for part in dataset.parts.values()] == [100, 100, 200]
    rows = np.concatenate([part.x for part in dataset.parts.values()])
    np.testing.assert_array_equal(np.unique(rows, axis=0), np.unique(POINTS, axis=0))
    assert all(np.bincount(part.y).tolist() == [len(part) / 2] * 2 for part in dataset.parts.values())
    assert dataset.name == upload_name(dataset.sha256)
    assert "a fourth of the real ones" in given.notes[-1]


def test_what_is_given_is_not_taken_from_the_real_samples():
    train, holdout = RNG.standard_normal((300, 3)), RNG.standard_normal((80, 3))
    both = dataset_of(POINTS, train=train, holdout=holdout)
    assert [len(part) for part in both.dataset.parts.values()] == [300, 80, 400]
    assert len(both.notes) == 1
    one = dataset_of(POINTS, train=train).dataset
    assert [len(part) for part in one.parts.values()] == [300, 100, 300]


def test_rows_that_are_among_the_real_ones_are_no_training_rows():
    train = np.concatenate([POINTS[:100], RNG.standard_normal((50, 3))])
    assert len(dataset_of(POINTS, train=train, holdout=RNG.standard_normal((60, 3))).dataset.train) == 50
    with pytest.raises(DatasetError, match="leave out train and holdout"):
        dataset_of(POINTS, train=POINTS, holdout=POINTS)


def test_duplicates_are_left_out_and_said():
    given = dataset_of(np.concatenate([POINTS, POINTS[:7]]))
    assert sum(map(len, given.dataset.parts.values())) == 400
    assert "7 of 407" in given.notes[1]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (dict(real=POINTS[:90]), "46 different real samples"),
        (dict(real=np.full((400, 3), np.nan)), "not finite"),
        (dict(real=BYTES / 100), "nobody can tell what is black"),
        (dict(real=BYTES.transpose(0, 3, 1, 2)[:, :, None]), "give points"),
        (dict(real=np.zeros((300, 200, 200, 3), np.uint8)), "120,000 numbers"),
        (dict(real=np.array([["a"]])), "give numbers"),
        (dict(real=POINTS, labels=np.arange(3)), "400 real samples"),
        (dict(real=POINTS, train=POINTS[:, :2]), "train: samples are (400, 2)"),
        (dict(real=BYTES, scale="0-1"), "choose one of"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_why(about, said):
    with pytest.raises(DatasetError) as error:
        dataset_of(**about)
    assert said in str(error.value)


# ---------------------------------------------------------------- generated samples

SHAPE = (8, 8, 1)


@pytest.mark.parametrize(
    ("x", "real_scale", "form"),
    [
        (scaled(BYTES, "0..1"), None, Form(SHAPE, "last", "0..1")),
        (scaled(BYTES, "-1..1"), None, Form(SHAPE, "last", "-1..1")),
        (BYTES, None, Form(SHAPE, "last", "0..255")),
        (BYTES // 20, "0..255", Form(SHAPE, "last", "0..255")),  # dark, and yet no 0..16
        (scaled(BYTES, "0..16"), "0..16", Form(SHAPE, "last", "0..16")),
        (scaled(BYTES, "-1..1"), "0..255", Form(SHAPE, "last", "-1..1")),
        (scaled(BYTES, "-1..1") * 0.1 - 0.05, "-1..1", Form(SHAPE, "last", "-1..1")),  # a generator that has just begun
        (scaled(BYTES, "0..1").transpose(0, 3, 1, 2), "0..1", Form(SHAPE, "first", "0..1")),
        (scaled(BYTES, "0..1")[..., 0], "0..1", Form(SHAPE, "none", "0..1")),
        (scaled(BYTES, "0..1").reshape(400, 64), "0..1", Form(SHAPE, "flat", "0..1")),
    ],
)
def test_how_generated_samples_are_read_follows_from_them_and_from_the_real_ones(x, real_scale, form):
    found = form_of(x, SHAPE, real_scale=real_scale)
    assert found == form
    assert f"values in {form.scale}" in found.said


@pytest.mark.parametrize("scale", ["0..1", "-1..1", "0..255"])
def test_generated_samples_come_out_in_storage_form(scale):
    x = scaled(BYTES, scale)
    np.testing.assert_array_equal(form_of(x, SHAPE).read(Tensor(x)), BYTES)


@pytest.mark.parametrize(
    ("x", "about", "said"),
    [
        (scaled(BYTES, "-1..1"), dict(real_scale="0..1"), "0..1 and the generated ones run from -1 to 1"),
        (scaled(BYTES, "0..1"), dict(real_scale="-1..1"), "-1..1 and the generated ones run from 0 to 1"),
        (scaled(BYTES, "0..1"), dict(scale="0..255"), "which is not 0..255"),
        (scaled(BYTES, "0..1") * 7 - 3, {}, "nobody can tell"),
        (BYTES[:, :7], {}, "a real one is 8 × 8 × 1"),
        (np.zeros((100, 192)), dict(shape=(8, 8, 3)), "or (n, 3, 8, 8)"),  # rows of colours have several orders
        (np.full((400, *SHAPE), np.nan), {}, "not finite"),
    ],
)
def test_a_mismatch_is_an_error_with_a_remedy(x, about, said):
    with pytest.raises(DatasetError) as error:
        form_of(x, about.pop("shape", SHAPE), **about)
    assert said in str(error.value)


def test_a_declared_scale_counts_and_what_passes_it_by_is_clipped():
    x = scaled(BYTES, "0..1") * 1.05 - 0.02
    form = form_of(x, SHAPE, scale="0..1")
    assert form.clips(x) and not form.clips(scaled(BYTES, "0..1"))
    assert form.read(x).max() == 255 and form.read(x).min() == 0


def test_points_are_taken_as_they_are():
    form = form_of(POINTS, (3,))
    np.testing.assert_array_equal(form.read(POINTS), POINTS.astype(np.float32))
    with pytest.raises(DatasetError, match="leave it out"):
        form_of(POINTS, (3,), scale="0..1")
