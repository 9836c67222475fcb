"""Tables as people have them: which columns are coordinates, labels and numbers of rows, and which rows are lost."""

import io

import numpy as np
import pandas
import pytest

from gan_core.data.reading.contents import CanLeaveOut
from gan_core.data.uploads import dataset_from_upload, read_upload
from gan_core.records import DatasetError
from tests.data.files import npy, table, texts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2)).round(6)
PETS = ["dog", "cat", "emu"] * 100


def csv_of(frame: pandas.DataFrame, **how) -> bytes:
    return frame.to_csv(**how).encode()


def written(text: str) -> bytes:
    return text.encode()


@pytest.mark.parametrize("index", [np.arange(300), np.arange(1, 301), np.random.default_rng(1).permutation(900)[:300]])
def test_the_index_that_pandas_writes_is_no_coordinate(index):
    upload = read_upload(csv_of(pandas.DataFrame(X, columns=["a", "b"], index=index)), "p.csv")
    np.testing.assert_array_equal(upload.x, X)
    assert upload.names.columns == ("a", "b") and "Left out: column 1, since it only" in texts(upload)


def test_the_names_that_pandas_gives_to_unnamed_columns_are_no_row():
    for index in (True, False):
        upload = read_upload(csv_of(pandas.DataFrame(X), index=index), "p.csv")
        np.testing.assert_array_equal(upload.x, X)


def test_row_names_of_r_without_a_name_of_their_own_are_no_coordinate():
    rows = "\n".join(f'"{i + 1}" {a} {b}' for i, (a, b) in enumerate(X))
    upload = read_upload(written(f'"a" "b"\n{rows}'.replace(" ", "\t")), "p.txt")
    np.testing.assert_array_equal(upload.x, X)
    assert upload.names.columns == ("a", "b")


def test_a_column_that_counts_nothing_stays():
    x = np.column_stack([np.arange(300)[::-1], X])
    upload = read_upload(table(x, "time,a,b"), "p.csv")
    assert upload.shape == (3,)


# ---------------------------------------------------------------- labels


def test_a_class_of_0_and_1_is_the_label():
    outcome = (np.arange(300) % 3 == 0).astype(int)
    data = table([(round(100 + 9 * a), b, c) for (a, b), c in zip(X, outcome)], "Glucose,BMI,Outcome")
    upload = read_upload(data, "diabetes.csv")
    assert upload.shape == (2,) and upload.classes == {"0": 200, "1": 100}
    assert (upload.label, upload.choices) == ("Outcome", ("Glucose", "Outcome"))
    assert any(note.about == "Labels" and note.warning and "Outcome" in note.text for note in upload.notes)
    kept = read_upload(data, "diabetes.csv", label="")
    assert kept.shape == (3,) and kept.classes == {}


def test_any_column_may_be_chosen_as_the_label():
    data = table([(*row, i % 4) for i, row in enumerate(X)], "a,b,flag")
    asked = read_upload(data, "p.csv")
    assert asked.shape == (3,) and "flag holds 0, 1, 2, 3 only" in texts(asked) and asked.choices == ("flag",)
    chosen = read_upload(data, "p.csv", label="flag")
    assert chosen.shape == (2,) and chosen.classes == {"0": 75, "1": 75, "2": 75, "3": 75}
    with pytest.raises(DatasetError, match="no column 'colour' for the labels; the columns are a, b, flag"):
        read_upload(data, "p.csv", label="colour")


@pytest.mark.parametrize("header", ["a,b,kind", "a,b,species", None])
def test_the_only_column_of_words_is_the_label(header):
    upload = read_upload(table([(*row, pet) for row, pet in zip(X, PETS)], header), "iris.data")
    np.testing.assert_array_equal(upload.x, X)
    assert upload.classes == {"cat": 100, "dog": 100, "emu": 100}
    assert upload.names.classes == ("cat", "dog", "emu")


def test_words_and_dates_that_are_no_label_are_left_out_and_said():
    days = pandas.date_range("2020-01-01", periods=300).strftime("%Y-%m-%d")
    rows = [(*row, f"id-{i}", day, pet) for i, (row, day, pet) in enumerate(zip(X, days, PETS))]
    upload = read_upload(table(rows, "a,b,name,day,species"), "p.csv")
    assert upload.shape == (2,) and upload.names.classes == ("cat", "dog", "emu")
    assert "Left out: name, since it holds words" in texts(upload)
    assert "Left out: day, since it holds dates" in texts(upload)


def test_rows_of_pixels_after_a_digit_are_pictures_with_labels():
    pixels = np.random.default_rng(2).integers(0, 256, (300, 784))
    data = table(np.column_stack([np.arange(300) % 10, pixels]))
    upload = read_upload(data, "mnist_train.csv")
    assert upload.shape == (28, 28, 1) and list(upload.classes) == [str(i) for i in range(10)]
    np.testing.assert_array_equal(upload.x.reshape(300, -1), pixels)
    assert "Column 1 looks like the label, since the other 784 columns are a square" in texts(upload)


# ---------------------------------------------------------------- rows


def test_whole_numbers_keep_their_frequencies():
    rng = np.random.default_rng(3)
    x = np.stack([rng.choice(40, 20_000, p=[0.61, *[0.01] * 39]), rng.integers(0, 200, 20_000)], axis=1)
    upload = read_upload(table(x, "visits,age"), "p.csv")
    assert len(upload.x) == 20_000 and upload.x.dtype == np.float32
    assert np.mean(upload.x[:, 0] == 0) == np.mean(x[:, 0] == 0)
    parts = dataset_from_upload(upload, "p").parts
    assert {name: len(part) for name, part in parts.items()} == {"train": 12_000, "holdout": 4_000, "test": 4_000}
    assert all(abs(np.mean(part.x[:, 0] == 0) - 0.61) < 0.03 for part in parts.values())


def test_coordinates_of_a_map_stay_different():
    x = (np.array([597164, 4492557]) + np.random.default_rng(4).normal(scale=1.4, size=(1000, 2))).round(2)
    different = len(np.unique(x, axis=0))
    upload = read_upload(table(x, "east,north"), "p.csv")
    assert len(np.unique(upload.x.astype(np.float32), axis=0)) == different and len(upload.x) == 1000
    assert upload.names.columns == ("east - 597164", "north - 4492557")
    np.testing.assert_array_equal(upload.x + [597164, 4492557], x)


def test_unix_seconds_keep_their_seconds():
    rng = np.random.default_rng(5)
    seconds = np.sort(1_600_000_000 + rng.integers(0, 31_536_000, 500))
    upload = read_upload(table(np.column_stack([seconds, rng.normal(size=500)]), "time,v"), "p.csv")
    moved = upload.x[:, 0].astype(np.float32).astype(np.float64)
    assert np.abs((moved - moved[0]) - (seconds - seconds[0])).max() <= 1
    assert "was subtracted from time" in texts(upload)


def test_a_blank_cell_is_called_one_and_its_row_can_be_left_out():
    rows = [[*row] for row in X]
    rows[7][1], rows[20][0] = "", "oops"
    with pytest.raises(CanLeaveOut, match="2 of 300 rows cannot be used .line 9 has no number in b; line 22") as caught:
        read_upload(table(rows, "a,b"), "p.csv")
    assert caught.value.items == ("line 9 has no number in b", "line 22 holds 'oops' in a where a number should be")
    upload = read_upload(table(rows, "a,b"), "p.csv", leave_out=True)
    np.testing.assert_array_equal(upload.x, np.delete(X, [7, 20], axis=0))
    assert "2 of 300 rows were left out" in texts(upload)


def test_more_rows_than_are_kept_are_drawn_from():
    x = np.random.default_rng(6).normal(size=(70_500, 2)).astype(np.float32)
    upload = read_upload(npy(x), "p.npy")
    assert len(upload.x) == 70_000 and "70,000 of 70,500 samples were drawn at random" in texts(upload)


# ---------------------------------------------------------------- values


def test_columns_of_very_different_spread_are_named():
    upload = read_upload(table(X * [1, 1e5], "a,b"), "p.csv")
    assert "The columns are of very different spread: b varies by" in texts(upload)
    assert "spread" not in texts(read_upload(table(X * [1, 9], "a,b"), "p.csv"))


@pytest.mark.parametrize(("scale", "said"), [(1e30, "reaches .*e.30; .* float32, beyond"), (1e-20, "vary by at most")])
def test_values_whose_squares_leave_float32_are_refused(scale, said):
    with pytest.raises(DatasetError, match=f"{said}.* Rescale the data"):
        read_upload(npy(X * scale), "p.npy")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (table([[f"{v}".replace(".", ",") for v in row] for row in X], "a;b", ";"), "p.csv"),
        (written("# a b\n" + "\n".join(f"  {a:.6e}   {b:.6e}" for a, b in X)), "p.txt"),
        (written("\n".join(f"{a}|{b}" for a, b in X)), "p.txt"),
        (table(X, "größe,höhe").decode().encode("cp1252"), "p.csv"),
        (table(X, "größe,höhe").decode().encode("utf-16"), "p.csv"),
        (table([(f'"{a}"', f'"{b}"') for a, b in X], '"a","b"'), "p.csv"),
        (b"\n\n" + table(X, "a,b").replace(b"\n", b"\r\n\r\n"), "p.csv"),
    ],
)
def test_tables_are_written_in_many_ways(data, name):
    np.testing.assert_array_equal(read_upload(data, name).x, X)


def test_what_numpy_writes_is_read_to_the_last_digit():
    x = np.random.default_rng(7).normal(size=(300, 3)) * [1e-9, 1, 1e9]
    stream = io.StringIO()
    np.savetxt(stream, x, fmt="%.17g")
    np.testing.assert_array_equal(read_upload(stream.getvalue().encode(), "p.txt").x, x)
