"""Data sets: the published numbers of each, three parts that share no row, and the same hash every time."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gan_core.data.datasets import (
    OPTIONS,
    Dataset,
    Modes,
    Part,
    dataset_from_bytes,
    dataset_to_bytes,
    disjoint,
    load,
    split,
)
from gan_core.records import DatasetError

QUICK = ("ring-8", "grid-25", "swiss-roll", "digits")
MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # the official test file


@pytest.fixture(scope="module", params=QUICK)
def dataset(request):
    return load(request.param)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """A stand-in for the MNIST file: picture i of the 70,000 carries i in its first three pixels."""
    i = np.arange(70_000)
    x = np.zeros((70_000, 28, 28), np.uint8)
    x[:, 0, :3] = np.stack([i // 65536, i // 256 % 256, i % 256], axis=1)
    y = (i % 10).astype(np.uint8)
    arrays = {"x_train": x[:60_000], "y_train": y[:60_000], "x_test": x[60_000:], "y_test": y[60_000:]}
    folder = tmp_path_factory.mktemp("data")
    np.savez_compressed(folder / "mnist.npz", **arrays)
    return SimpleNamespace(folder=folder, arrays=arrays)


def numbers(part: Part) -> np.ndarray:
    return part.x[:, 0, :3, 0].astype(int) @ [65536, 256, 1]


def rows(part: Part) -> set[bytes]:
    return {row.tobytes() for row in part.x}


def small(n: int = 5, **changes) -> Dataset:
    points = np.arange(6 * n, dtype=np.float32).reshape(3, n, 2)
    parts = {name: Part(points[i], np.arange(n)) for i, name in enumerate(("train", "holdout", "test"))}
    return Dataset("small", "points", (2,), **(parts | changes))


# ---------------------------------------------------------------- the import, the list


def test_importing_loads_no_heavy_library():
    heavy = ("sklearn", "keras", "tensorflow", "PIL")
    code = f"import sys, gan_core.data.datasets, gan_core.data.uploads; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_options_are_listed_in_order_and_true(dataset):
    assert [*OPTIONS] == ["ring-8", "grid-25", "swiss-roll", "digits", "mnist", "fashion-mnist"]
    option = OPTIONS[dataset.name]
    assert (option.name, option.kind, option.shape) == (dataset.name, dataset.kind, dataset.shape)
    assert option.title and option.sentence.endswith((".", "?"))
    assert len(dataset.classes) == option.classes and dataset.info().classes == tuple(dataset.classes)


def test_classes_are_the_labels_of_the_train_part():
    """Class number i is the i-th label that occurs there, whatever the labels are and whatever other parts hold."""
    parts = {
        name: Part(np.zeros((3, 2), np.float32), np.array(y))
        for name, y in (("train", [7, -1, 7]), ("holdout", [0, 0, 0]), ("test", [9, -1, 9]))
    }
    data = Dataset("odd", "points", (2,), **parts)
    assert data.classes.tolist() == [-1, 7]
    assert data.info().classes == (-1, 9)  # of the rows it shows


def test_an_unknown_name_is_refused_with_the_list():
    with pytest.raises(DatasetError, match="'cifar'.*ring-8, grid-25, swiss-roll, digits, mnist, fashion-mnist"):
        load("cifar")


# ---------------------------------------------------------------- what every data set promises


def test_parts_are_in_storage_form_and_share_no_row(dataset):
    for part in dataset.parts.values():
        assert part.x.dtype == (np.uint8 if dataset.kind == "image" else np.float32)
        assert part.y.dtype == np.int64 and part.y.shape == (len(part.x),) == (len(part),)
        assert part.x.shape[1:] == dataset.shape
        assert np.unique(part.y).tolist() == np.unique(dataset.test.y).tolist()
    for one, other in itertools.combinations(dataset.parts.values(), 2):
        assert not rows(one) & rows(other)


def test_the_same_name_is_the_same_data(dataset):
    again = load(dataset.name)
    assert again.sha256 == dataset.sha256 and len(dataset.sha256) == 64
    np.testing.assert_array_equal(again.train.x, dataset.train.x)


def test_two_dimensional_sets_have_seventy_thousand_rows():
    for name in ("ring-8", "grid-25", "swiss-roll"):
        assert {k: len(p) for k, p in load(name).parts.items()} == {"train": 50_000, "holdout": 10_000, "test": 10_000}


def test_bytes_keep_the_hash_and_numpy_reads_them(dataset, tmp_path):
    data = dataset_to_bytes(dataset)
    back = dataset_from_bytes(data, "renamed")
    assert (back.name, back.kind, back.shape, back.sha256) == ("renamed", dataset.kind, dataset.shape, dataset.sha256)
    (tmp_path / "data.npz").write_bytes(data)
    with np.load(tmp_path / "data.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["x_holdout"], dataset.holdout.x)
        np.testing.assert_array_equal(arrays["y_test"], dataset.test.y)
    if dataset.modes:
        np.testing.assert_array_equal(back.modes.centres, dataset.modes.centres)
        assert back.modes.std == dataset.modes.std


def test_parts_are_read_only(dataset):
    with pytest.raises(ValueError, match="read-only"):
        dataset.train.x[0] = 0


def test_info_previews_the_test_part_class_by_class(dataset):
    info = dataset.info()
    assert (info.name, info.sha256, info.kind) == (dataset.name, dataset.sha256, dataset.kind)
    assert info.shape == dataset.shape and info.owners == {}
    assert info.parts == {name: len(part.y) for name, part in dataset.parts.items()}
    assert info.preview.shape == (64, *dataset.shape) and info.preview.dtype == dataset.test.x.dtype
    labelled = {(row.tobytes(), label) for row, label in zip(dataset.test.x, dataset.test.y)}
    assert {(row.tobytes(), label) for row, label in zip(info.preview, info.labels)} <= labelled
    counts = np.unique(info.labels, return_counts=True)[1]
    assert len(counts) == len(np.unique(dataset.test.y)) and np.ptp(counts) <= 1


def test_a_small_test_part_is_previewed_whole():
    info = small(3).info()
    np.testing.assert_array_equal(info.preview, [[12, 13], [14, 15], [16, 17]])


# ---------------------------------------------------------------- the sources against their definitions


@pytest.mark.parametrize(
    "name, centres, std",
    [
        ("ring-8", [np.exp(2j * np.pi * i / 8) for i in range(8)], 0.01),
        ("grid-25", [complex(a, b) for a, b in itertools.product((-4, -2, 0, 2, 4), repeat=2)], 0.05),
    ],
)
def test_mixtures_have_their_modes(name, centres, std):
    data = load(name)
    expected = np.array([(c.real, c.imag) for c in centres])
    np.testing.assert_allclose(data.modes.centres, expected, atol=1e-15)
    assert data.modes.std == std
    offset = data.train.x - expected[data.train.y]
    n = len(data.train)
    # Standard errors of a mean, of a standard deviation (two axes) and of a share; five of them is never luck.
    assert np.abs(offset.mean(axis=0)).max() < 5 * std / np.sqrt(n)
    assert abs(offset.std() / std - 1) < 5 / np.sqrt(4 * n)
    shares = np.bincount(data.train.y) / n
    k = len(centres)
    assert np.abs(shares - 1 / k).max() < 5 * np.sqrt((1 / k) * (1 - 1 / k) / n)


def test_the_ring_has_eight_different_modes():
    centres = load("ring-8").modes.centres
    gaps = np.linalg.norm(centres[:, None] - centres, axis=-1)[~np.eye(8, dtype=bool)]
    assert gaps.min() == pytest.approx(2 * np.sin(np.pi / 8))  # chord between neighbours


def test_the_swiss_roll_is_a_spiral_of_about_unit_size():
    data = load("swiss-roll")
    assert 0.8 < data.train.x.std() < 1.1
    radius = 7.5 * np.linalg.norm(data.train.x, axis=1)  # on the noiseless curve the radius is the angle
    band = (radius - 1.5 * np.pi) / (0.5 * np.pi)
    assert data.modes is None and np.unique(data.train.y).tolist() == [0, 1, 2, 3, 4, 5]
    # The noise, .25, is a sixth of a band's length: five standard deviations are .8 bands.
    assert (band - data.train.y).min() > -0.8 and (band - data.train.y).max() < 1.8


def test_digits_are_scikit_learns_with_ink_stretched_to_255():
    from sklearn.datasets import load_digits

    source = load_digits()
    ink = {v: int(f"{v * 255 / 16:.0f}") for v in range(17)}
    assert ink[0] == 0 and ink[8] == 128 and ink[16] == 255
    expected = {bytes(ink[int(v)] for v in image): label for image, label in zip(source.data, source.target)}
    data = load("digits")
    found = {r.tobytes(): label for p in data.parts.values() for r, label in zip(p.x, p.y)}
    assert found == expected and len(expected) == 1797
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 1077, "holdout": 360, "test": 360}
    # Any run of consecutive rows dealt by fives is within one row of a fifth; train takes what both others leave.
    for part, share, slack in ((data.train, 0.6, 2), (data.holdout, 0.2, 1), (data.test, 0.2, 1)):
        assert np.abs(np.bincount(part.y) - share * np.bincount(source.target)).max() < slack


def test_parts_of_a_split_are_not_sorted_by_label():
    assert (np.diff(load("digits").test.y) < 0).any()


def test_split_deals_out_every_row_once():
    x, y = np.arange(503, dtype=np.float32)[:, None], np.repeat([7, 3, 5], [300, 200, 3])
    parts = split(x, y)
    assert sorted(int(v) for part in parts.values() for v in part[0][:, 0]) == list(range(503))
    assert {name: len(part[1]) for name, part in parts.items()} == {"train": 301, "holdout": 101, "test": 101}
    for part_x, part_y in parts.values():
        np.testing.assert_array_equal(part_y, y[part_x[:, 0].astype(int)])


def test_a_row_in_two_parts_stays_in_the_more_precious_one():
    def pair(*values):
        return np.array(values, np.float32)[:, None], np.array(values, np.int64)

    data = disjoint("d", {"train": pair(1, 2, 3, 4, 4), "holdout": pair(2, 5, 6), "test": pair(3, 6, 7, 7)})
    assert data.test.y.tolist() == [3, 6, 7, 7]
    assert data.holdout.y.tolist() == [2, 5]
    assert data.train.y.tolist() == [1, 4, 4]
    np.testing.assert_array_equal(data.train.x[:, 0], [1, 4, 4])


# ---------------------------------------------------------------- the hash, the borders


def test_the_hash_is_over_dtypes_shapes_and_bytes_of_the_parts():
    expected = hashlib.sha256()
    for start in (0, 10, 20):
        expected.update(b"<f4(5, 2)" + np.arange(start, start + 10, dtype="<f4").tobytes())
        expected.update(b"<i8(5,)" + np.arange(5, dtype="<i8").tobytes())
    assert small().sha256 == expected.hexdigest()


def test_the_hash_follows_the_data_and_not_the_name():
    data = small()
    other = np.array(data.test.x)
    other[4, 1] += 1
    relabelled = Part(data.test.x, data.test.y + 1)
    assert small(test=Part(other, data.test.y)).sha256 != data.sha256 != small(test=relabelled).sha256
    assert Dataset("other", "points", (2,), data.train, data.holdout, data.test).sha256 == data.sha256


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.zeros((3, 2), np.float16), np.zeros(3, np.int64), r"float16 \(3, 2\)"),
        (np.zeros((3, 8, 8), np.uint8), np.zeros(3, np.int64), r"uint8 \(3, 8, 8\)"),
        (np.zeros((0, 2), np.float32), np.zeros(0, np.int64), r"\(0, 2\)"),
        (np.zeros((3, 2), np.float32), np.zeros(3), "float64"),
        (np.zeros((3, 2), np.float32), np.zeros(4, np.int64), r"\(4,\) for 3 samples"),
    ],
)
def test_a_part_refuses_other_forms(x, y, message):
    with pytest.raises(DatasetError, match=message):
        Part(x, y)


def test_parts_of_different_shapes_are_refused():
    with pytest.raises(DatasetError, match=r"test part holds \(3,\)"):
        small(test=Part(np.zeros((5, 3), np.float32), np.zeros(5, np.int64)))


def test_bytes_that_are_no_data_set_are_refused(tmp_path):
    good = dataset_to_bytes(small())
    np.savez(tmp_path / "half.npz", x_train=np.zeros((3, 2), np.float32), y_train=np.zeros(3, np.int64))
    for bad in (b"", b"nonsense", good[: len(good) // 2], (tmp_path / "half.npz").read_bytes()):
        with pytest.raises(DatasetError):
            dataset_from_bytes(bad, "bad")


def test_modes_survive_the_bytes():
    modes = Modes(np.array([[0.1, 0.2], [0.3, 0.4]]), 0.7)
    back = dataset_from_bytes(dataset_to_bytes(small(modes=modes)), "small")
    assert back.modes.centres.tolist() == [[0.1, 0.2], [0.3, 0.4]] and back.modes.std == 0.7


# ---------------------------------------------------------------- MNIST and its sister


def test_mnist_is_cut_as_its_files_are(numbered):
    told = []
    data = load("mnist", folder=numbered.folder, progress=lambda share, message: told.append((share, message)))
    np.testing.assert_array_equal(numbers(data.train), np.arange(50_000))
    np.testing.assert_array_equal(numbers(data.holdout), np.arange(50_000, 60_000))
    np.testing.assert_array_equal(numbers(data.test), np.arange(60_000, 70_000))
    np.testing.assert_array_equal(data.test.y, np.arange(60_000, 70_000) % 10)
    assert data.shape == (28, 28, 1) == OPTIONS["mnist"].shape
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and (shares[0], shares[-1]) == (0.0, 1.0)
    assert any("Reading mnist.npz" in message for _, message in told)


def test_a_folder_without_the_file_means_a_download(numbered, tmp_path, monkeypatch):
    a = numbered.arrays
    module = SimpleNamespace(load_data=lambda: ((a["x_train"], a["y_train"]), (a["x_test"], a["y_test"])))
    stand_in = SimpleNamespace(mnist=None, fashion_mnist=module)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(datasets=stand_in))
    monkeypatch.setitem(sys.modules, "keras.datasets", stand_in)
    told = []
    data = load("fashion-mnist", folder=tmp_path, progress=lambda share, message: told.append(message))
    np.testing.assert_array_equal(numbers(data.holdout), np.arange(50_000, 60_000))
    assert any(message.startswith("Downloading Fashion-MNIST") for message in told)


def test_without_network_the_error_says_where_to_put_the_file(tmp_path):
    code = (
        "from gan_core.data.datasets import load\n"
        "from gan_core.records import DatasetError\n"
        "try: load('fashion-mnist')\n"
        "except DatasetError as error: print('CAUGHT', error)"
    )
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "HTTP", "HTTPS")}
    env = {k: v for k, v in os.environ.items() if k.lower() != "no_proxy"} | nowhere | {"KERAS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    told = next(line for line in done.stdout.splitlines() if line.startswith("CAUGHT"))
    for word in ("GANOMETER_DATA", "fashion-mnist.npz", "x_train, y_train, x_test, y_test"):
        assert word in told


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x_train": np.zeros((60_000, 28, 28), np.uint8)}, "y_train of mnist.npz is missing"),
        ({"x_train": np.zeros((100, 28, 28), np.uint8)}, r"x_train of mnist.npz is uint8 \(100, 28, 28\)"),
        ({"x_train": np.array([{}], dtype=object)}, "mnist.npz cannot be read .*pickled"),
    ],
)
def test_another_file_by_that_name_is_refused(arrays, message, tmp_path):
    np.savez_compressed(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(DatasetError, match=message):
        load("mnist", folder=tmp_path)


@pytest.mark.skipif("GANOMETER_DATA" not in os.environ, reason="GANOMETER_DATA is unset")
def test_the_real_mnist():
    folder = Path(os.environ["GANOMETER_DATA"])
    if not (folder / "mnist.npz").is_file():
        pytest.skip("GANOMETER_DATA holds no mnist.npz")
    data = load("mnist", folder=folder)
    assert [len(data.train), len(data.holdout), len(data.test)] == [50_000, 10_000, 10_000]
    assert data.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.test.y).tolist() == MNIST_TEST_COUNTS
    assert data.classes.tolist() == [*range(10)] and OPTIONS["mnist"].classes == 10
    # The training file's published mean and standard deviation, .1307 and .3081, are over all 60,000 pictures.
    pixels = np.concatenate([data.train.x, data.holdout.x]) / np.float32(255)
    assert pixels.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert pixels.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)
