"""Logs of other programs: event files as TensorFlow writes them, tables, and samples in every form."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_core.data.event_files import read_event_files
from gan_core.data.training_logs import read_metrics, read_samples, sample_files
from gan_core.records import DatasetError

RNG = np.random.default_rng(0)
SAMPLES = RNG.integers(1, 256, (60, 8, 8, 1), dtype=np.uint8)

TENSORFLOW = """
import sys, tensorflow as tf
for run in ("", "/validation"):
    with tf.summary.create_file_writer(sys.argv[1] + run).as_default():
        for step in (0, 10, 10, 4_000_000_000):
            tf.summary.write("loss" + run[:1], tf.constant(1.5 + step % 7), step=step)
        tf.summary.write("accuracy", tf.constant(0.25, tf.float64), step=3)
        tf.summary.write("weights", tf.constant([1.0, 2.0]), step=3)
        tf.summary.write("note", tf.constant("a text"), step=3)
"""


@pytest.mark.slow
def test_scalars_are_those_that_tensorflow_has_written(tmp_path):
    subprocess.run([sys.executable, "-c", TENSORFLOW, str(tmp_path)], check=True, capture_output=True)
    loss = {0: 1.5, 10: 4.5, 4_000_000_000: 1.5 + 4_000_000_000 % 7}
    assert read_event_files(tmp_path) == {
        "loss": loss,
        "accuracy": {3: 0.25},
        "validation/loss/": loss,
        "validation/accuracy": {3: 0.25},
    }


def field(number: int, wire: int, data: bytes) -> bytes:
    length = bytes([len(data)]) if wire == 2 else b""
    return bytes([number << 3 | wire]) + length + data


def record(step: int, tag: str, value: float) -> bytes:
    """As PyTorch's SummaryWriter writes a scalar: tag and simple_value."""
    of_value = field(1, 2, tag.encode()) + field(2, 5, struct.pack("<f", value))
    event = field(1, 1, struct.pack("<d", 1.0)) + field(2, 0, bytes([step])) + field(5, 2, field(1, 2, of_value))
    return struct.pack("<QI", len(event), 0) + event + bytes(4)


def test_scalars_are_those_that_pytorch_has_written_as_far_as_the_file_goes(tmp_path):
    file = tmp_path / "events.out.tfevents.1.host"
    whole = record(1, "loss/g", 0.5) + record(2, "loss/g", 0.25)
    file.write_bytes(whole + record(3, "loss/g", 9.0)[:-3])
    assert read_event_files(tmp_path) == {"loss/g": {1: 0.5, 2: 0.25}}


@pytest.mark.parametrize("junk", [b"\xff" * 64, struct.pack("<QI", 4, 0) + b"\x0b\x0b\x0b\x0b" + bytes(4)])
def test_an_event_file_of_something_else_is_no_event_file(tmp_path, junk):
    (tmp_path / "a.tfevents").write_bytes(junk)
    try:
        assert read_event_files(tmp_path) == {}
    except DatasetError as error:
        assert "is no event file" in str(error)
    with pytest.raises(DatasetError, match="holds no event files"):
        read_event_files(tmp_path / "elsewhere")


def test_a_table_has_its_steps_in_a_column_of_that_name(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("epoch,Iteration,loss_g, loss_d,note\n1,0,1.5,0.5,a\n1,100,,nan,b\n2,200,0.5,0.25,c\n")
    assert read_metrics(file) == {
        "loss_g": {0: 1.5, 200: 0.5},
        "loss_d": {0: 0.5, 200: 0.25},
        "epoch": {0: 1.0, 100: 1.0, 200: 2.0},
    }


@pytest.mark.parametrize(
    ("text", "said"), [("a,b\n1,2\n", "no column called step"), ("step,a\n-1,2\n", "row 2"), ("step,a\nx,2\n", "'x'")]
)
def test_a_table_without_steps_is_refused(tmp_path, text, said):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_metrics(tmp_path / "log.csv")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_metrics(tmp_path / "none.csv")


def grid(x, columns, padding):
    """As torchvision's make_grid: padding between the pictures and around them, empty places at the end black."""
    h, w = x.shape[1:3]
    rows = -(-len(x) // columns)
    out = np.zeros((rows * (h + padding) + padding, columns * (w + padding) + padding), np.uint8)
    for place, one in enumerate(x[..., 0]):
        row, column = divmod(place, columns)
        top, left = row * (h + padding) + padding, column * (w + padding) + padding
        out[top : top + h, left : left + w] = one
    return out


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_a_picture_of_many_samples_is_cut_into_them(tmp_path, padding):
    file = tmp_path / "step_000100.png"
    Image.fromarray(grid(SAMPLES, 8, padding)).save(file)
    np.testing.assert_array_equal(read_samples(file, (8, 8, 1)), SAMPLES)


def test_samples_of_every_form_have_their_step_in_their_name(tmp_path):
    np.save(tmp_path / "samples_20.npy", SAMPLES)
    np.savez(tmp_path / "step_000300.npz", x=SAMPLES)
    (tmp_path / "4").mkdir()
    for place, one in enumerate(SAMPLES):
        Image.fromarray(one[..., 0]).save(tmp_path / "4" / f"{place:03}.png")
    (tmp_path / "notes.txt").write_text("1")
    found = sample_files(tmp_path)
    assert [step for step, _ in found] == [4, 20, 300]
    np.testing.assert_array_equal(read_samples(found[0][1], (8, 8, 1)), SAMPLES)
    np.testing.assert_allclose(read_samples(found[2][1], (8, 8, 1)) * 255, SAMPLES, rtol=1e-6)


def test_samples_that_do_not_suit_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no samples like"):
        sample_files(tmp_path)
    Image.fromarray(SAMPLES[0, :, :, 0]).save(tmp_path / "1.png")
    with pytest.raises(DatasetError, match="no rows of 7 × 7"):
        read_samples(tmp_path / "1.png", (7, 7, 1))
    with pytest.raises(DatasetError, match="the real samples are points"):
        read_samples(tmp_path / "1.png", (2,))
    (tmp_path / "2.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="no picture that can be read"):
        read_samples(tmp_path / "2.png", (8, 8, 1))
    np.save(tmp_path / "a1.npy", SAMPLES)
    with pytest.raises(DatasetError, match="both of step 1"):
        sample_files(tmp_path)
