"""Each kind of file, written by another library than the one that reads it, or by the one that defines the format."""

import gzip
import io
import json
from pathlib import Path

import idx2numpy
import numpy as np
import pandas
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from gan_core import cli
from gan_core.data.measured_files import read_array
from gan_core.data.uploads import dataset_from_upload, read_upload
from tests.data.files import encoded, npy, npz, texts, zipped

X = np.random.default_rng(0).normal(size=(300, 2)).round(6)
PETS = np.array(["cat", "dog", "emu"] * 100)
FRAME = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "pet": PETS})
DIGITS = np.random.default_rng(2).integers(0, 256, size=(300, 8, 8), dtype=np.uint8)
Y = (np.arange(300) % 10).astype(np.uint8)


def excel() -> bytes:
    stream = io.BytesIO()
    FRAME.to_excel(stream)  # with an index column, as pandas does it
    return stream.getvalue()


def idx(array) -> bytes:
    return idx2numpy.convert_to_string(array)


def huggingface() -> bytes:
    """As `datasets` saves pictures: bytes in a structure, and the names of classes in the description."""
    images = [{"bytes": encoded(Image.fromarray(x)), "path": f"{i}.png"} for i, x in enumerate(DIGITS)]
    table = pyarrow.table({"image": images, "label": (np.arange(300) % 3).tolist()})
    about = {"info": {"features": {"label": {"names": ["cat", "dog", "emu"], "_type": "ClassLabel"}}}}
    stream = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(about)}), stream)
    return stream.getvalue()


def pictures(kind: str, suffix: str, **how) -> bytes:
    return zipped(
        {f"{PETS[i]}/{i:03}.{suffix}": encoded(Image.fromarray(x), kind, **how) for i, x in enumerate(DIGITS)}
    )


TABLES = {
    "table.csv": lambda: FRAME.to_csv().encode(),
    "table.csv.gz": lambda: gzip.compress(FRAME.to_csv(index=False).encode()),
    "table.tsv": lambda: FRAME.to_csv(index=False, sep="\t").encode(),
    "table.txt": lambda: FRAME.to_string(index=False).encode(),
    "table.parquet": lambda: FRAME.set_index(np.arange(300)[::-1] * 7).to_parquet(),
    "table.xlsx": excel,
    "table.zip": lambda: zipped({"data/table.csv": FRAME.to_csv(index=False).encode()}),
}
LABELLED = {
    "labelled.npz": lambda: npz(x=X, y=PETS),
    "keras.npz": lambda: npz(x_train=DIGITS[:240], y_train=Y[:240], x_test=DIGITS[240:], y_test=Y[240:]),
    "idx.zip": lambda: zipped({"train-images-idx3-ubyte": idx(DIGITS), "train-labels-idx1-ubyte": idx(Y)}),
    "hf.parquet": huggingface,
}
UNLABELLED = {
    "points.npy": lambda: npy(X),
    "train-images-idx3-ubyte": lambda: idx(DIGITS),
    "t10k-images-idx3-ubyte.gz": lambda: gzip.compress(idx(DIGITS)),
}
PICTURES = {
    "png.zip": lambda: pictures("PNG", "png"),
    "webp.zip": lambda: pictures("WEBP", "webp", lossless=True),
    "tiff.zip": lambda: pictures("TIFF", "tif", compression="tiff_lzw"),
    "pgm.zip": lambda: pictures("PPM", "pgm"),
    "bmp.zip": lambda: pictures("BMP", "bmp"),
    "gif.zip": lambda: pictures("GIF", "gif"),
}
ALL = TABLES | LABELLED | UNLABELLED | PICTURES


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_read_to_the_last_digit_with_its_names(name):
    upload = read_upload(TABLES[name](), name)
    np.testing.assert_array_equal(upload.x, X)
    assert upload.names.columns == ("a", "b") and upload.classes == {"cat": 100, "dog": 100, "emu": 100}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_every_kind_become_the_same_images(name):
    upload = read_upload(PICTURES[name](), name, size=8)
    np.testing.assert_array_equal(upload.x[..., 0], DIGITS)
    assert upload.classes == {"cat": 100, "dog": 100, "emu": 100}


@pytest.mark.parametrize("name", [name for name in LABELLED | UNLABELLED if name != "labelled.npz"])
def test_arrays_of_digits(name):
    if name == "points.npy":
        pytest.skip("points are no digits")
    upload = read_upload(ALL[name](), name, size=8)
    np.testing.assert_array_equal(upload.x[..., 0], DIGITS)
    assert bool(upload.classes) == (name in LABELLED)


def test_the_labels_of_idx_and_of_a_described_table():
    assert read_upload(ALL["idx.zip"](), "idx.zip", size=8).y.tolist() == Y.tolist()
    named = read_upload(ALL["hf.parquet"](), "hf.parquet", size=8)
    assert named.classes == {"cat": 100, "dog": 100, "emu": 100}
    assert "names of the classes come from the file's own description" in texts(named)


def test_both_parts_of_idx_in_one_archive():
    files = {"train-images-idx3-ubyte.gz": gzip.compress(idx(DIGITS[:240]))}
    files |= {"train-labels-idx1-ubyte.gz": gzip.compress(idx(Y[:240]))}
    files |= {"t10k-images-idx3-ubyte.gz": gzip.compress(idx(DIGITS[240:]))}
    files |= {"t10k-labels-idx1-ubyte.gz": gzip.compress(idx(Y[240:]))}
    data = dataset_from_upload(read_upload(zipped(files), "mnist.zip", size=8), "p")
    np.testing.assert_array_equal(data.test.x[..., 0], DIGITS[240:])
    np.testing.assert_array_equal(data.test.y, Y[240:])


@pytest.mark.parametrize("name", [name for name in ALL if name != "keras.npz"])
def test_measurements_read_the_same_samples(tmp_path, name):
    (tmp_path / name).write_bytes(ALL[name]())
    expected = X if name in TABLES or name in ("labelled.npz", "points.npy") else (DIGITS / np.float32(255))[..., None]
    np.testing.assert_array_equal(read_array(tmp_path / name), expected)


def test_a_folder_is_read_as_the_archive_of_it(tmp_path, capsys, monkeypatch):
    for i, x in enumerate(DIGITS):
        path = tmp_path / "pets" / str(PETS[i]) / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x).save(path)
    monkeypatch.setenv("GANOMETER_HOME", str(tmp_path / "home"))
    assert cli.main(["upload", str(tmp_path / "pets"), "--size", "8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["shape"], found["rows"]) == ("image", [8, 8, 1], 300)
    assert found["classes"] == {"cat": 100, "dog": 100, "emu": 100} and found["data"].startswith("upload-")
    assert any("Labels were found in the folder names" in note for note in found["notes"])


def test_the_command_line_lists_what_is_broken_and_goes_on_without_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GANOMETER_HOME", str(tmp_path / "home"))
    files = {f"{i}.png": encoded(Image.fromarray(x)) for i, x in enumerate(DIGITS)}
    (tmp_path / "a.zip").write_bytes(zipped(files | {f"broken{i}.png": b"?" for i in range(5)}))
    assert cli.main(["upload", str(tmp_path / "a.zip")]) == 2
    said = capsys.readouterr().err
    assert "5 of 305 pictures are damaged" in said and all(f"broken{i}.png" in said for i in range(5))
    assert cli.main(["upload", str(tmp_path / "a.zip"), "--size", "8", "--leave-out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 300


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_file_can_be_trained_on(tmp_path: Path, capsys, monkeypatch, name):
    monkeypatch.setenv("GANOMETER_HOME", str(tmp_path / "home"))
    (tmp_path / name).write_bytes(ALL[name]())
    assert cli.main(["upload", str(tmp_path / name), "--size", "8", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert cli.main(["train", "--data", data, "--steps", "200", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert (run["state"], run["step"]) == ("finished", 200)
