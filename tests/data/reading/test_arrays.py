"""Arrays as people have them: keys, parts, axes and scales."""

import re

import numpy as np
import pytest

from gan_core.data.reading.contents import CanLeaveOut
from gan_core.data.uploads import dataset_from_upload, read_upload
from gan_core.records import DatasetError
from tests.data.files import npy, npz, texts

RNG = np.random.default_rng(0)


def noise(*shape) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, size=shape, dtype=np.uint8)


def test_x_and_y_of_one_length_are_two_coordinates():
    x, y = np.random.default_rng(1).normal(size=(2, 300))
    upload = read_upload(npz(x=x, y=y), "p.npz")
    np.testing.assert_array_equal(upload.x, np.stack([x, y], axis=1))
    assert upload.names.columns == ("x", "y") and upload.classes == {}
    labelled = read_upload(npz(x=x, y=np.arange(300) % 3), "p.npz")
    assert labelled.shape == (1,) and labelled.classes == {"0": 100, "1": 100, "2": 100}


def test_the_parts_of_keras_are_kept():
    x, y = noise(700, 8, 8), np.arange(700) % 10
    upload = read_upload(npz(x_train=x[:600], y_train=y[:600], x_test=x[600:], y_test=y[600:]), "p.npz", size=8)
    data = dataset_from_upload(upload, "p")
    np.testing.assert_array_equal(data.test.x[..., 0], x[600:])
    assert (len(data.train), len(data.holdout)) == (500, 100) and "600 train, 100 test" in texts(upload)
    drawn = {row.tobytes() for part in (data.train, data.holdout) for row in part.x}
    assert drawn == {row.tobytes() for row in x[:600, :, :, None]}


def test_the_parts_of_medmnist_are_kept():
    x, y = noise(600, 8, 8, 3), (np.arange(600) % 9)[:, None]
    cuts = {"train": slice(0, 400), "val": slice(400, 500), "test": slice(500, 600)}
    arrays = {f"{part}_images": x[cut] for part, cut in cuts.items()}
    arrays |= {f"{part}_labels": y[cut] for part, cut in cuts.items()}
    data = dataset_from_upload(read_upload(npz(**arrays), "p.npz", size=8, colour=True), "p")
    for part, name in (("train", "train"), ("holdout", "val"), ("test", "test")):
        np.testing.assert_array_equal(data.parts[part].x, x[cuts[name]])
        np.testing.assert_array_equal(data.parts[part].y, y[cuts[name]].ravel())


def test_one_hot_labels_and_names_of_classes():
    y = np.arange(300) % 3
    upload = read_upload(
        npz(x=noise(300, 8, 8), y=np.eye(3)[y], class_names=np.array(["cat", "dog", "emu"])), "p.npz", size=8
    )
    assert upload.y.tolist() == y.tolist() and upload.classes == {"cat": 100, "dog": 100, "emu": 100}


@pytest.mark.parametrize("axes", [(1, 2, 0), (1, 2, 3, 0)])
def test_samples_on_the_last_axis_are_moved(axes):
    x = noise(300, 28, 28, 3)[..., :1] if len(axes) == 4 else noise(300, 28, 28)
    upload = read_upload(npy(np.transpose(x, axes)), "p.npy")
    np.testing.assert_array_equal(upload.x.reshape(300, 28, 28), x.reshape(300, 28, 28))
    assert "counted by the last axis" in texts(upload)


def test_points_on_the_last_axis_are_refused_for_what_they_are():
    with pytest.raises(DatasetError, match="3000 samples of 2 numbers on the last axis, turn the array"):
        read_upload(npy(RNG.normal(size=(2, 3000))), "p.npy")


def test_a_series_is_no_picture():
    with pytest.raises(DatasetError, match="24 x 6 numbers, which looks like a series and not like a picture"):
        read_upload(npy(RNG.random((300, 24, 6))), "p.npy")


@pytest.mark.parametrize(
    ("x", "expected", "said"),
    [
        (noise(300, 8, 8) / 250, np.clip(np.rint(noise(300, 8, 8) / 250 * 255), 0, 255), "read as 0..1 .*cut off"),
        (noise(300, 8, 8) / 127.5 - 1, noise(300, 8, 8), "read as -1..1"),
        (noise(300, 8, 8) * np.uint16(16), np.rint(noise(300, 8, 8) * 16.0 * (255 / 4095)), r"0..4095 \(12 bits\)"),
        (noise(300, 8, 8) * np.uint16(257), noise(300, 8, 8), r"0..65535 \(16 bits\)"),
        (noise(300, 8, 8).astype(np.uint16), noise(300, 8, 8), "run from 0 to 255. Pixel values were read as 0..255"),
    ],
)
def test_the_scale_of_pixels_is_found_and_said(x, expected, said):
    upload = read_upload(npy(x), "p.npy", size=8)
    np.testing.assert_array_equal(upload.x[..., 0], expected)
    assert re.search(said, texts(upload))


def test_rows_that_are_not_finite_can_be_left_out():
    x = RNG.normal(size=(300, 2))
    x[5, 1] = np.nan
    with pytest.raises(CanLeaveOut, match="1 of 600 values are NaN .*leave them out"):
        read_upload(npy(x), "p.npy")
    assert len(read_upload(npy(x), "p.npy", leave_out=True).x) == 299
