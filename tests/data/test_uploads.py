"""Uploads: what good files become, and that every bad one ends as its own DatasetError, in memory."""

import io
import os
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_core.data.datasets import dataset_from_bytes, dataset_to_bytes
from gan_core.data.reading.contents import SMALL
from gan_core.data.reading.labels import MAX_CLASSES
from gan_core.data.reading.pictures import MAX_PIXELS
from gan_core.data.safe_archives import MAX_DECOMPRESSED_BYTES
from gan_core.data.sample_checks import MAX_FILE_ROWS, MAX_SIDE, MIN_ROWS
from gan_core.data.uploads import dataset_from_upload, read_upload
from gan_core.records import DatasetError
from tests.data.files import encoded, npy, npz, table, zipped

N = 300


def points(n=N, d=2) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, d))


def noise(*shape) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, size=shape, dtype=np.uint8)


def with_noise(**members) -> bytes:
    """An archive of N good small pictures and, after them, the given ones."""
    good = {f"{i:03}.png": encoded(row) for i, row in enumerate(noise(N, 8, 8))}
    return zipped(good | {name.replace("_", "."): data for name, data in members.items()})


def said(upload, words: str) -> bool:
    return any(words in note.text for note in upload.notes)


def rows(x) -> set[bytes]:
    return {row.tobytes() for row in x}


# ---------------------------------------------------------------- points


@pytest.mark.parametrize(
    "data, name",
    [
        (npy(points()), "p.npy"),
        (npy(np.asfortranarray(points())), "p.npy"),
        (npy(points().astype(">f8")), "P.NPY"),
        (npz(x=points()), "p.npz"),
        (npz(anything=points()), "p.npz"),
        (table(points()), "p.csv"),
        (table(points(), delimiter=";"), "p.csv"),
        (table(points(), "first\tsecond", delimiter="\t"), "p.csv"),
        (b"\xef\xbb\xbf" + table(points(), "x,y").replace(b"\n", b"\r\n"), "p.csv"),
    ],
)
def test_points_come_in_as_they_are(data, name):
    upload = read_upload(data, name)
    assert (upload.kind, upload.shape) == ("points", (2,))
    assert upload.x.dtype == np.float64 and upload.y.dtype == np.int64
    np.testing.assert_array_equal(upload.x, points())
    assert upload.y.tolist() == [0] * N and said(upload, "Without labels")
    assert upload.originals == upload.converted == ()


@pytest.mark.parametrize("header", ["a,b,label", "a,b,Class", "a,b, target ", "a,b,y"])
def test_a_label_column_is_found_by_its_name(header):
    names = ["dog", "cat", "emu"]
    data = table([(*row, names[i % 3]) for i, row in enumerate(points())], header)
    upload = read_upload(data, "p.csv")
    np.testing.assert_array_equal(upload.x, points())
    assert upload.y[:4].tolist() == [1, 0, 2, 1]  # alphabetical: cat 0, dog 1, emu 2
    assert said(upload, "3 of them: cat, dog, emu")


def test_whole_number_labels_keep_their_values():
    y = np.arange(N) % 4 * 5 - 3
    for data, name in ((npz(x=points(), y=y), "p.npz"), (npz(x=points(), labels=y[:, None].astype(float)), "p.npz"),
                       (table(np.column_stack([y, points()]), "label,a,b"), "p.csv")):  # fmt: skip
        upload = read_upload(data, name)
        assert upload.y.tolist() == y.tolist() and upload.shape == (2,)


def test_text_labels_in_an_npz():
    upload = read_upload(npz(x=points(), y=np.array(["b", "a"] * (N // 2))), "p.npz")
    assert upload.y.tolist() == [1, 0] * (N // 2)


def test_y_is_a_coordinate_beside_x_or_with_decimals():
    lattice = np.stack(np.divmod(np.arange(N), 20), axis=1)
    for values, header in ((lattice, "x,y"), (points(), "a,y"), (points(), "target,b")):
        upload = read_upload(table(values, header), "p.csv")
        np.testing.assert_array_equal(upload.x, values)
        assert upload.y.tolist() == [0] * N
    assert said(upload, "column target was kept as a coordinate")


def test_too_many_classes_are_no_labels():
    upload = read_upload(npz(x=points(), y=np.arange(N)), "p.npz")
    assert upload.y.tolist() == [0] * N
    assert said(upload, f"{N} values, at most {MAX_CLASSES} are classes")


@pytest.mark.parametrize(
    ("labels", "held"),
    [
        ([1, 1.5], "decimals"),
        ([1, np.nan], "NaN, infinite or very large numbers"),
        ([1, np.inf], "NaN, infinite or very large numbers"),
        ([1, 2.0**63], "NaN, infinite or very large numbers"),
    ],
)
def test_what_is_no_class_is_called_what_it_is(labels, held):
    upload = read_upload(npz(x=points(), y=np.array(labels * (N // 2))), "p.npz")
    assert upload.y.tolist() == [0] * N and said(upload, f"it holds {held}, not classes")


def test_equal_rows_of_a_table_are_kept_as_often_as_they_occur():
    x = np.concatenate([points(), points()[:7], -0.0 * points()[:1], 0.0 * points()[:1]])
    upload = read_upload(npz(x=x, y=np.arange(len(x)) % 9), "p.npz")
    np.testing.assert_array_equal(upload.x, x + 0.0)  # -0 and 0 are one point
    assert upload.y.tolist() == (np.arange(len(x)) % 9).tolist()
    assert said(upload, f"8 of {N + 9} rows repeat another one; they are kept")
    data = dataset_from_upload(upload, "u")
    assert sum(len(part) for part in data.parts.values()) == N + 9


def test_equal_pictures_are_dropped_and_said():
    x = np.concatenate([noise(N, 8, 8), noise(N, 8, 8)[:7]])
    upload = read_upload(npz(x=x, y=np.arange(len(x)) % 9), "p.npz", size=8)
    np.testing.assert_array_equal(upload.x[..., 0], noise(N, 8, 8))
    assert upload.y.tolist() == (np.arange(N) % 9).tolist()  # the first of equal ones stays, with its label
    assert said(upload, f"7 of {N + 7} rows were dropped")


# ---------------------------------------------------------------- arrays of images


@pytest.mark.parametrize("top", [1, 16, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_the_range_of_pixels_is_recognised(top, kind):
    x = np.random.default_rng(3).integers(0, top + 1, size=(N, 8, 8))
    x[0, 0, 0] = top
    upload = read_upload(npy(x.astype(kind)), "i.npy", size=8)
    expected = [[round(v * 255 / top) for v in row] for row in x.reshape(N, -1).tolist()]
    np.testing.assert_array_equal(upload.x.reshape(N, -1), expected)
    assert (upload.kind, upload.shape, upload.x.dtype) == ("image", (8, 8, 1), np.uint8)
    assert said(upload, f"read as 0..{top}") and not said(upload, "resized")


def test_yes_or_no_pixels():
    x = noise(N, 8, 8) > 127
    np.testing.assert_array_equal(read_upload(npy(x), "i.npy", size=8).x[..., 0], np.where(x, 255, 0))


@pytest.mark.parametrize("data, name", [(npy(noise(N, 64)), "i.npy"), (table(noise(N, 64)), "i.csv")])
def test_a_square_count_of_columns_is_a_grey_image(data, name):
    upload = read_upload(data, name, size=8)
    np.testing.assert_array_equal(upload.x, noise(N, 64).reshape(N, 8, 8, 1))
    assert said(upload, "grey image of 8 x 8 pixels")


def test_a_label_column_does_not_spoil_the_square():
    data = table(np.column_stack([np.arange(N) % 10, noise(N, 64)]), "label," + ",".join(f"p{i}" for i in range(64)))
    upload = read_upload(data, "i.csv", size=8)
    assert upload.shape == (8, 8, 1) and upload.y.tolist() == [i % 10 for i in range(N)]


def test_colours_stay_or_become_grey():
    x = noise(N, 8, 8, 3)
    np.testing.assert_array_equal(read_upload(npy(x), "i.npy", size=8, colour=True).x, x)
    np.testing.assert_array_equal(read_upload(npy(np.moveaxis(x, 3, 1)), "i.npy", size=8, colour=True).x, x)
    grey = read_upload(npy(x), "i.npy", size=8)
    luma = x @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert np.abs(grey.x[..., 0] - luma).max() <= 1
    assert said(grey, f"{N} of {N} pictures were turned to grey")


def test_grey_in_a_colour_set_is_copied_into_three_channels():
    upload = read_upload(npy(noise(N, 8, 8)), "i.npy", size=8, colour=True)
    np.testing.assert_array_equal(upload.x, np.repeat(noise(N, 8, 8)[..., None], 3, axis=3))
    assert said(upload, "three colour channels")


def test_the_centre_is_cropped():
    upload = read_upload(npy(noise(N, 8, 13)), "i.npy", size=8)
    np.testing.assert_array_equal(upload.x[..., 0], noise(N, 8, 13)[:, :, 2:10])
    tall = read_upload(npy(noise(N, 12, 8)), "i.npy", size=8)
    np.testing.assert_array_equal(tall.x[..., 0], noise(N, 12, 8)[:, 2:10])
    assert said(tall, f"{N} of {N} pictures were cropped") and not said(tall, "resized")


@pytest.mark.parametrize("size", [8, 28, 32])
def test_resizing_averages_what_is_too_fine_to_show(size):
    grey = np.arange(3, 253)  # stripes of one pixel around a grey: a filter that skips pixels would show one of both
    contrast = np.minimum(grey, 255 - grey)
    x = np.empty((250, 64, 64), np.uint8)
    x[:, :, ::2] = (grey - contrast)[:, None, None]
    x[:, :, 1::2] = (grey + contrast)[:, None, None]
    upload = read_upload(npy(x), "i.npy", size=size)
    assert upload.shape == (size, size, 1) and said(upload, f"resized to {size} x {size}")
    middle = upload.x[:, size // 4 : -size // 4, size // 4 : -size // 4].reshape(250, -1)
    assert np.abs(middle.mean(axis=1) - grey).max() < 1
    assert np.ptp(middle.astype(int), axis=1).max() < 32  # the stripes spanned up to 254


# ---------------------------------------------------------------- archives of pictures


def test_folders_become_labels():
    files = {f"pets/{'cat' if i % 3 else 'ant'}/{i}.png": encoded(row) for i, row in enumerate(noise(N, 8, 8))}
    extra = {"pets/": b"", "pets/readme.txt": b"hello", "__MACOSX/pets/cat/._1.png": b"junk", "pets/.DS_Store": b"junk"}
    upload = read_upload(zipped(extra | files), "pets.zip", size=8)
    np.testing.assert_array_equal(upload.x[..., 0], noise(N, 8, 8))
    assert upload.y.tolist() == [1 if i % 3 else 0 for i in range(N)]
    assert said(upload, "2 of them: ant, cat") and said(upload, "1 files that are not pictures")


def test_one_folder_is_no_label():
    files = {f"all/{i}.png": encoded(row) for i, row in enumerate(noise(N, 8, 8))}
    assert said(read_upload(zipped(files), "a.zip", size=8), "Without labels")


@pytest.mark.parametrize("kind, suffix", [("PNG", "png"), ("BMP", "bmp"), ("GIF", "gif"), ("JPEG", "JPG")])
def test_four_kinds_of_pictures(kind, suffix):
    levels = [encoded(np.full((9, 9), i % 250 + 3, np.uint8), kind) for i in range(250)]
    upload = read_upload(zipped({f"{i}.{suffix}": data for i, data in enumerate(levels)}), "a.zip", size=9)
    np.testing.assert_array_equal(upload.x, np.broadcast_to(np.arange(3, 253)[:, None, None, None], (250, 9, 9, 1)))


def last(picture: bytes, **how) -> np.ndarray:
    """What the last picture of an archive became."""
    return read_upload(with_noise(z_png=picture), "a.zip", size=8, **how).x[-1]


def test_sixteen_bits_become_eight():
    deep = np.full((8, 8), 257 * 100, np.uint16)
    deep[0, 0] = 65535
    got = last(encoded(deep))[..., 0]
    assert got[0, 0] == 255 and (got.ravel()[1:] == 100).all()


def test_what_is_transparent_becomes_white():
    layer = np.zeros((8, 8, 4), np.uint8)
    layer[:, 4:] = (10, 20, 30, 255)
    got = last(encoded(layer), colour=True)
    assert (got[:, :4] == 255).all() and (got[:, 4:] == (10, 20, 30)).all()


def test_a_turned_photo_is_set_upright():
    stored = np.zeros((8, 8), np.uint8)
    stored[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF: the stored top row is the right-hand column of the scene
    got = last(encoded(stored, exif=exif))[..., 0]
    assert (got[:, 7] == 255).all() and (got[:, :7] == 0).all()


def test_previews_show_the_same_pictures_before_and_after():
    files = {f"{i:03}.png": encoded(np.full((300, 200, 3), (i % 256, 0, i // 256), np.uint8)) for i in range(257)}
    files |= {"last.png": encoded(noise(8, 8, 3))}
    upload = read_upload(zipped(files), "a.zip", size=28, colour=True)
    assert len(upload.originals) == len(upload.converted) == 8
    for before, after in list(zip(upload.originals, upload.converted))[:-1]:
        assert before.dtype == after.dtype == np.uint8
        assert after.shape == (28, 28, 3) and before.shape[0] <= 128 and before.shape[2] == 3
        assert before.shape[0] / before.shape[1] == pytest.approx(1.5, rel=0.02)
        np.testing.assert_array_equal(before[0, 0], after[0, 0])
    np.testing.assert_array_equal(upload.originals[-1], noise(8, 8, 3))
    assert upload.originals[4][0, 0, 0] > 100  # spread over the file, not its first eight
    grey = read_upload(with_noise(), "a.zip", size=8)
    assert {p.shape for p in (*grey.originals, *grey.converted)} == {(8, 8, 3)}


# ---------------------------------------------------------------- upload -> data set


def test_an_upload_becomes_a_data_set():
    y = np.array([0] * 200 + [1] * 90 + [2] * 10)
    upload = read_upload(npz(x=noise(N, 8, 8), y=y), "i.npz", size=8)
    data = dataset_from_upload(upload, "upload-7")
    assert (data.name, data.kind, data.shape, data.modes) == ("upload-7", "image", (8, 8, 1), None)
    assert np.bincount(data.test.y).tolist() == np.bincount(data.holdout.y).tolist() == [40, 18, 2]
    assert np.bincount(data.train.y).tolist() == [120, 54, 6]
    assert rows(data.train.x) | rows(data.holdout.x) | rows(data.test.x) == rows(noise(N, 8, 8))
    label = {row.tobytes(): k for row, k in zip(noise(N, 8, 8), y)}
    assert all(label[row.tobytes()] == k for part in data.parts.values() for row, k in zip(part.x, part.y))
    assert dataset_from_upload(upload, "other").sha256 == data.sha256
    assert dataset_from_bytes(dataset_to_bytes(data), "upload-7").sha256 == data.sha256


def test_the_smallest_upload_has_parts_large_enough_to_measure():
    data = dataset_from_upload(read_upload(npy(points(MIN_ROWS)), "p.npy"), "u")
    assert (len(data.train), len(data.holdout), len(data.test)) == (150, 50, 50)


# ---------------------------------------------------------------- what is refused


def spoilt(value) -> np.ndarray:
    x = points()
    x[5, 1] = value
    return x


def npy_with_header(shape: str, descr: str = "'<f8'", body: bytes = b"\0" * 16) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises width x height pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def encrypted() -> bytes:
    """The encryption bit set in the archive's directory, as a password sets it."""
    data = bytearray(with_noise())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


GOOD_ZIP = with_noise()
REFUSED = {
    "extension": (b"%PDF", "thesis.pdf", "'thesis.pdf' ends in '.pdf'; give .npy, .npz, .csv"),
    "no extension": (b"123", "numbers", "ends in 'nothing'"),
    "empty file": (b"", "p.csv", "empty \\(0 bytes\\)"),
    "too large": (b"1" * (SMALL.file + 1), "p.csv", "20.0 MB; upload at most 20.0 MB"),
    # wrong content, truncated
    "png called npy": (encoded(noise(8, 8)), "p.npy", "array is damaged or mislabelled"),
    "png called npz": (encoded(noise(8, 8)), "p.npz", "archive is damaged or mislabelled"),
    "text called zip": (b"hello", "p.zip", "archive is damaged or mislabelled"),
    "png called csv": (encoded(noise(8, 8)), "p.csv", "no UTF-8 text \\(see byte 0\\)"),
    "control characters": (b"1,2\n\x00\xff", "p.csv", "no UTF-8 text .*save it as CSV UTF-8"),
    "picture archive called npz": (GOOD_ZIP, "p.npz", "holds no arrays"),
    "array archive called zip": (npz(x=points(), y=points()), "p.zip", "holds 2 tables .x.npy, y.npy.; give one"),
    "truncated npy": (npy(points())[:-9], "p.npy", "should have 4800 bytes but 4791 follow"),
    "truncated zip": (GOOD_ZIP[:-100], "a.zip", "archive is damaged"),
    "truncated picture": (with_noise(z_png=encoded(noise(64, 64))[:-900]), "a.zip", "'z.png' is damaged"),
    "text called png": (with_noise(z_png=b"hello"), "a.zip", "'z.png' is damaged or mislabelled .*leave it out"),
    "icon called png": (with_noise(z_png=encoded(noise(16, 16), "ICO")), "a.zip", "'z.png' is damaged"),
    # empty, not finite, constant, too few
    "empty array": (npy(np.zeros((0, 2))), "p.npy", "array is empty \\(shape \\(0, 2\\)\\)"),
    "header only": (b"a,b\n", "p.csv", "empty \\(no row of numbers\\)"),
    "blank csv": (b"\n\n \n", "p.csv", "no row of numbers"),
    "labels only": (table([(1,)] * N, "label"), "p.csv", "no row of numbers"),
    "empty archive": (zipped({}), "a.zip", "0 files but no pictures"),
    "hidden pictures": (zipped({".a/1.png": b"", ".png": b"", "b": b""}), "a.zip", r"3 files \(2 of them hidden\) but"),
    "empty npz": (zipped({}), "a.npz", "holds no arrays"),
    "all nan": (npy(np.full((N, 2), np.nan)), "p.npy", "All 600 values are NaN"),
    "one nan": (npy(spoilt(np.nan)), "p.npy", "1 of 600 values are NaN"),
    "nan in csv": (table(spoilt(np.nan)), "p.csv", "Line 6 has no number in column 2; correct it, or leave"),
    "infinite": (npy(spoilt(-np.inf)), "p.npy", "1 of 600 values are infinite"),
    "beyond float32": (npy(spoilt(1e300)), "p.npy", "1e\\+300; .* float32, beyond whose range .*Rescale the data"),
    "constant points": (npy(np.full((N, 2), 3.0)), "p.npy", "All 300 rows are the same"),
    "constant pictures": (npy(np.zeros((N, 8, 8))), "p.npy", "All 300 rows are the same"),
    "too few rows": (npy(points(MIN_ROWS - 1)), "p.npy", "249 rows; give at least 250 different ones"),
    "one row": (npy(points(1)), "p.npy", "1 rows"),
    "too few different rows": (npy(np.tile(points(10), (40, 1))), "p.npy", "10 different rows"),
    "too many rows": (npy(np.zeros((MAX_FILE_ROWS + 1, 2), np.uint8)), "p.npy", "2000001 rows; give at most 2000000"),
    # forms
    "single value": (npy(np.float64(3)), "p.npy", "one single value"),
    "text samples": (npy(np.array(["a", "b"] * N)), "p.npy", "samples are text"),
    "complex": (npy(points().astype(complex)), "p.npy", "complex128"),
    "structured": (npy(np.zeros(N, dtype=[("a", "f8")])), "p.npy", "'a'"),
    "40 columns": (npy(points(d=40)), "p.npy", "40 columns"),
    "49 columns": (npy(points(d=49)), "p.npy", "49 columns"),
    "1089 columns": (npy(noise(N, 33 * 33)), "p.npy", "1089 columns"),
    "five axes": (npy(noise(N, 2, 4, 4, 3)), "p.npy", "shape \\(300, 2, 4, 4, 3\\)"),
    "five channels": (npy(noise(N, 8, 8, 5)), "p.npy", "shape \\(300, 8, 8, 5\\)"),
    "pixels below 0": (npy(noise(N, 8, 8) / 64.0 - 2), "p.npy", "pixels run from -2"),
    "pixels of no scale": (npy(noise(N, 8, 8) / 64.0), "p.npy", "0 to 3.98438; give values in 0..1, -1..1"),
    "two unnamed arrays": (npz(a=points(), b=points()), "p.npz", "arrays a, b; name the samples x"),
    "labels too short": (npz(x=points(), y=np.zeros(7, int)), "p.npz", "7 labels for 300 samples"),
    "one-hot labels": (npz(x=points(), y=np.zeros((N, 3))), "p.npz", "labels y have shape \\(300, 3\\)"),
    "single label": (npz(x=points(), y=np.int64(3)), "p.npz", "labels y have shape \\(\\)"),
    "ragged csv": (table(points()) + b"\n1,2,3\n", "p.csv", "Line 301 has 3 columns, line 1 has 2"),
    "text in csv": (table(points()) + b"\n1,oops\n", "p.csv", "Line 301 holds 'oops'"),
    "gap in csv": (table(points(), "a,b") + b"\n1,\n", "p.csv", "Line 302 has no number in b; correct it"),
    "enormous csv field": (table(points()) + b'\n1,"' + b"2" * 200_000, "p.csv", "has over 131,072 characters"),
    # pickles and lying headers
    "objects": (npy(np.array([{}, []], dtype=object), allow_pickle=True), "p.npy", "Python objects .*never opened"),
    "objects in npz": (npz(x=points(), y=np.array([None] * N)), "p.npz", "Python objects .*never opened"),
    "ragged npy": (npy(np.array([[1], [1, 2]], dtype=object), allow_pickle=True), "p.npy", "Python objects"),
    "npy of terabytes": (npy_with_header("(1000000, 1000000)"), "p.npy", "8000000000000 bytes but 16 follow"),
    "negative shape": (npy_with_header("(-1, -2)"), "p.npy", "array is damaged"),
    "code for a shape": (npy_with_header("__import__('os').getcwd()"), "p.npy", "array is damaged"),
    # archives with tricks
    "parent folder": (zipped({"../evil.png": b""}), "a.zip", "names '../evil.png', outside itself"),
    "deep parent folder": (zipped({"a/../../evil.png": b""}), "a.zip", "outside itself"),
    "windows parent folder": (zipped({"..\\evil.png": b""}), "a.zip", "outside itself"),
    "absolute path": (zipped({"/etc/evil.png": b""}), "a.zip", "names '/etc/evil.png', outside itself"),
    "drive": (zipped({"C:\\evil.png": b""}), "a.zip", "outside itself"),
    "path trick in npz": (zipped({"../x.npy": npy(points())}), "a.npz", "outside itself"),
    "nested archive": (zipped({"more/inner.zip": GOOD_ZIP}), "a.zip", "another archive, 'more/inner.zip'"),
    "password": (encrypted(), "a.zip", "'000.png' has a password"),
    "lzma": (zipped({"a.png": b"1" * 99}, zipfile.ZIP_LZMA), "a.zip", "packed by method 14"),
    "wide picture": (with_noise(z_png=png_claiming(MAX_SIDE + 1, 8)), "a.zip", "4097 x 8 pixels; give at most 4096"),
    "pixel bomb": (with_noise(z_png=png_claiming(60_000, 60_000)), "a.zip", "far over 4096 pixels"),
    "wide array": (npy(np.zeros((2, 1, MAX_SIDE + 1), np.uint8)), "p.npy", "4097 x 1 pixels"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path, monkeypatch):
    data, name, message = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=message) as caught:
        read_upload(data, name)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [7, 33, 0, -28])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(DatasetError, match=f"size is {size}; choose 8 to 32"):
        read_upload(npy(noise(N, 8, 8)), "i.npy", size=size)


class Trap:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_is_never_opened(tmp_path):
    trapped = np.array([Trap(tmp_path / "sprung")], dtype=object)
    for data, name in ((npy(trapped, allow_pickle=True), "p.npy"), (npz(x=trapped), "p.npz")):
        with pytest.raises(DatasetError, match="never opened"):
            read_upload(data, name)
    assert not list(tmp_path.iterdir())
    np.load(io.BytesIO(npy(trapped, allow_pickle=True)), allow_pickle=True)[0].close()  # the trap does work
    assert (tmp_path / "sprung").exists()


# ---------------------------------------------------------------- bombs


def peak(data: bytes, name: str, message: str) -> int:
    """Bytes of memory that refusing the file takes."""
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=message):
            read_upload(data, name)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bomb(name: str) -> bytes:
    """After enough good pictures, which an .npz does not look at, one member of very many bytes."""
    good = {f"{i:03}.png": encoded(row) for i, row in enumerate(noise(N, 8, 8))}
    return zipped({name: bytes(MAX_DECOMPRESSED_BYTES + 1)} | good)


@pytest.mark.parametrize("inner, outer", [("a.png", "a.zip"), ("x.npy", "x.npz")])
def test_an_honest_bomb_is_refused_before_it_is_unpacked(inner, outer):
    assert peak(bomb(inner), outer, r"would unpack to 200\.0 MB") < 2 * 2**20


@pytest.mark.parametrize("inner, outer", [("a.png", "a.zip"), ("x.npy", "x.npz")])
def test_a_bomb_with_a_lying_header_is_not_unpacked_either(inner, outer):
    data = bytearray(bomb(inner))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # the size before compression
        at = data.index(signature) + offset
        assert struct.unpack_from("<I", data, at) == (MAX_DECOMPRESSED_BYTES + 1,)
        struct.pack_into("<I", data, at, 1000)
    assert peak(bytes(data), outer, f"'{inner}' is damaged") < 4 * 2**20


def test_small_files_with_very_many_pixels_are_refused():
    picture = encoded(Image.new("1", (MAX_SIDE, MAX_SIDE)))
    count = MAX_PIXELS // MAX_SIDE**2 + 1
    data = with_noise(**{f"z{i}_png": picture for i in range(count)})
    assert len(data) < 2**20
    with pytest.raises(DatasetError, match=f"over {MAX_PIXELS} pixels together"):
        read_upload(data, "a.zip")


# ---------------------------------------------------------------- nothing but DatasetError comes out

NAMES = st.sampled_from(["a.npz", "a.npy", "a.csv", "a.zip"])
SEEDS = {
    "a.npz": npz(x=points(250), y=np.arange(250) % 3),
    "a.npy": npy(points(250)),
    "a.csv": table(points(250).round(3), "a,b"),
    "a.zip": zipped({f"{k}/a.{k.lower()}": encoded(noise(8, 8), k) for k in ("PNG", "JPEG", "GIF", "BMP")}),
}  # fmt: skip
fuzzed = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def read_or_refuse(data: bytes, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders may warn about the damage they meet
        try:
            upload = read_upload(data, name, size=8)
        except DatasetError as error:
            assert str(error)
        else:
            assert len(upload.x) == len(upload.y) >= MIN_ROWS


@fuzzed
@given(st.binary(max_size=300), NAMES)
@example(b"\x93NUMPY\x01\x00", "a.npy")
@example(b"\x93NUMPY\x09\x00\x00\x00", "a.npy")
@example(b"PK\x05\x06" + b"\0" * 18, "a.npz")
@example(b"\0", "a.csv")
@example(b'"', "a.csv")
@example(b"1\r2\r3", "a.csv")
def test_random_bytes(data, name):
    read_or_refuse(data, name)


@fuzzed
@given(st.text(alphabet='01.,;\t"\n\r -e\0nanify', max_size=80), st.text(max_size=20))
def test_random_tables(body, start):
    read_or_refuse((start + body).encode("utf-8", "replace"), "a.csv")


@fuzzed
@given(NAMES, st.data())
def test_damaged_files(name, draw):
    data = bytearray(SEEDS[name])
    for at in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=8)):
        data[at] = draw.draw(st.integers(0, 255))
    read_or_refuse(bytes(data[: draw.draw(st.integers(len(data) // 2, len(data)))]), name)


@fuzzed
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP"]), st.data())
def test_damaged_pictures_in_a_sound_archive(kind, draw):
    data = bytearray(encoded(noise(8, 8, 3), kind))
    for at in draw.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=6)):
        data[at] = draw.draw(st.integers(0, 255))
    read_or_refuse(zipped({f"a.{kind.lower()}": bytes(data)}), "a.zip")


@pytest.mark.skipif("GANOMETER_DATA" not in os.environ, reason="GANOMETER_DATA is unset")
def test_the_mnist_pictures_as_an_upload():
    path = Path(os.environ["GANOMETER_DATA"]) / "mnist.npz"
    if not path.is_file():
        pytest.skip("GANOMETER_DATA holds no mnist.npz")
    with np.load(path, allow_pickle=False) as arrays:
        x, y = arrays["x_test"], arrays["y_test"]
    upload = read_upload(npz(x=x, y=y), "digits.npz")
    np.testing.assert_array_equal(upload.x[..., 0], x)
    np.testing.assert_array_equal(upload.y, y)
