"""Files of samples: what is read of them, in which form, and what is refused in one sentence."""

import struct

import numpy as np
import pytest

from gan_core.data.measured_files import read_array
from gan_core.records import DatasetError
from tests import hostile_files


def test_points_keep_their_precision(tmp_path):
    x = np.array([[1.0, 2.0], [1 / 3, 1e300]])
    np.save(tmp_path / "x.npy", x)
    read = read_array(tmp_path / "x.npy")
    assert read.dtype == np.float64 and np.array_equal(read, x)


def test_bytes_are_shares_of_255_and_grey_images_get_a_channel(tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 3, 3), 51, np.uint8))
    read = read_array(str(tmp_path / "x.npy"))
    assert read.shape == (2, 3, 3, 1) and np.allclose(read, 0.2)


def test_an_npz_names_its_samples_x_or_holds_nothing_else(tmp_path):
    x, y = np.zeros((2, 3)), np.arange(2)
    np.savez(tmp_path / "both.npz", x=x, y=y)
    np.savez(tmp_path / "only.npz", samples=x)
    np.savez(tmp_path / "neither.npz", p=x, q=x)
    assert read_array(tmp_path / "both.npz").shape == read_array(tmp_path / "only.npz").shape == (2, 3)
    with pytest.raises(DatasetError, match="neither.npz: The .npz holds the arrays p, q; name the samples x"):
        read_array(tmp_path / "neither.npz")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(5), r"holds float64 of shape \(5,\)"),
        (np.array([["a"]]), "samples are numbers"),
        (np.array([[1j]]), "save plain real numbers"),
        (np.array([[np.inf, 0]]), "not finite"),
        (np.array([{"a": 1}] * 3, dtype=object), "Python objects .*never opened"),
    ],
)
def test_anything_but_finite_numbers_is_refused(tmp_path, array, said):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(DatasetError, match=f"x.npy: .*{said}"):
        read_array(tmp_path / "x.npy")


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.npy").write_text("no array at all")
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.mat").write_text("another program's")
    for name, said in (
        ("x.npy", "x.npy: The array is damaged or mislabelled"),
        ("gone.npy", "gone.npy cannot be read: there is no such file or folder"),
        ("empty", "The folder holds 0 files but no pictures"),
        ("x.mat", "ends in '.mat', which is not read: save the arrays with numpy.savez"),
    ):
        with pytest.raises(DatasetError, match=said):
            read_array(tmp_path / name)


def header(shape: str, descr: str = "'<f8'") -> bytes:
    """An .npy file of sixteen bytes that says what it likes."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(16)


HOSTILE = {
    "exabytes": ("x.npy", header(f"({10**18},)")),
    "more than any number": ("x.npy", header(f"({10**30}, 2)")),
    "a shape below zero": ("x.npy", header("(-1, -2)")),
    "brackets": ("x.npy", header("(" * 5000)),
    "code": ("x.npy", header("__import__('os').getcwd()")),
    "a type that is none": ("x.npy", header("(2, 1)", "'<q99'")),
    "a version that is none": ("x.npy", b"\x93NUMPY\x09\x00" + bytes(100)),
    "a member that is no array": ("x.npz", hostile_files.zipped({"x": b"hello"})),
    "an empty archive": ("x.npz", hostile_files.zipped({})),
    "very many arrays": ("x.npz", hostile_files.directory(20_000, ".npy")),
    "an archive cut off": ("x.npz", hostile_files.npz(x=np.zeros((9, 2)))[:-20]),
    "an archive with a damaged member": (
        "x.npz",
        (good := hostile_files.npz(x=np.ones((99, 2))))[:60] + b"?" + good[61:],
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(tmp_path, case):
    name, data = HOSTILE[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DatasetError) as caught:
        read_array(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < len(str(tmp_path)) + 300


def test_nobody_is_advised_to_unpickle_a_file(tmp_path):
    (tmp_path / "x.npy").write_text("hello")
    with pytest.raises(DatasetError, match="damaged or mislabelled") as caught:
        read_array(tmp_path / "x.npy")
    assert "unsafely" not in str(caught.value) and "allow_pickle" not in str(caught.value)
