"""A person's own data on the Train page: what is shown of a file from its choice to its use."""

import pytest

from tests import hostile_files
from tests.drawing import drawn, open_page, text_of, uploaded
from tests.service.labs import points

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test", "home")


def buttons(at) -> set[str]:
    return {button.key for button in at.button}


def chosen(name: str, data: bytes):
    at = open_page("pages/train.py")
    return drawn(at.file_uploader(key="upload").upload(name, data).run())


def test_a_file_that_takes_long_is_awaited_and_can_be_removed():
    at = chosen("a.zip", hostile_files.SLOW["large pictures among small ones"][1]())
    assert [info.value for info in at.info if "Reading the file" in info.value or "Waiting" in info.value]
    assert "a.zip" in text_of(at) and "keep upload" not in buttons(at) and not at.file_uploader
    drawn(at.button(key="remove file").click().run())
    assert "a.zip" not in text_of(at) and len(at.file_uploader) == 1


def test_a_file_that_was_used_leaves_the_form(store):
    at = uploaded(open_page("pages/train.py"), "points.csv", points())
    assert "Without labels every row counts as class 0" in text_of(at)
    drawn(at.button(key="keep upload").click().run())
    (info,) = store.datasets.uploads()
    assert at.selectbox(key="data").value == info.name == f"upload-{info.sha256}"
    assert "The data set is ready" in text_of(at) and len(at.file_uploader) == 1
    shown = at.selectbox(key="data").options
    assert any(one.startswith("points.csv") for one in shown) and info.name not in str(shown)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("short.csv", b"1,2\n3,4\n", "2 rows; give at least 250"),
        ("wide.csv", hostile_files.REFUSED["a line of five million cells"][1](), "over 131,072 characters"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_until_it_is_removed(store, name, data, said):
    at = uploaded(open_page("pages/train.py"), name, data)
    for page in (at, drawn(at.run())):
        assert said in text_of(page).replace("\\", "") and "This file cannot be used" in text_of(page)
    assert "keep upload" not in buttons(at) and store.datasets.uploads() == []
    drawn(at.button(key="remove file").click().run())
    assert "This file cannot be used" not in text_of(at) and len(at.file_uploader) == 1


def test_other_options_are_another_reading_of_the_same_file():
    at = uploaded(open_page("pages/train.py"), "a.zip", hostile_files.zipped(hostile_files.small_pictures()))
    assert "resized to 28 x 28 pixels" in text_of(at)
    at.select_slider(key="upload size").set_value(8)
    at = drawn(at.run())
    while "Reading the file" in text_of(at) or "Waiting" in text_of(at):
        drawn(at.run())
    assert "resized to" not in text_of(at) and "keep upload" in buttons(at)


def awaited(at):
    """The page once the file has been read again."""
    drawn(at)
    while "Reading the file" in text_of(at) or "Waiting" in text_of(at):
        drawn(at.run())
    return at


def notes(at) -> str:
    """The table of notes, as it is read."""
    (table,) = (element.value for element in at.markdown if "| About |" in element.value)
    return table.replace("\\", "")


def test_a_table_of_notes_says_what_was_done_and_the_label_can_be_chosen():
    rows = "\n".join(f"{i},{100 + i * 7 % 90},{i * 31 % 97 / 7:.3f},{i % 2}" for i in range(300))
    at = uploaded(open_page("pages/train.py"), "diabetes.csv", f",Glucose,BMI,Outcome\n{rows}".encode())
    table = notes(at)
    assert "Left out: column 1, since it only counts the rows from 0." in table and ":material/warning:" in table
    assert "Labels were found in the column Outcome" in table and "0 (150), 1 (150)" in table
    (label,) = (box for box in at.selectbox if box.label == "Label column")
    assert label.value == "Outcome"
    at = awaited(label.set_value("").run())
    assert "Used as coordinates: Glucose, BMI, Outcome." in notes(at)


def test_broken_pictures_are_listed_and_left_out_on_request():
    files = hostile_files.small_pictures() | {"y.png": b"?", "z.png": b"?"}
    at = uploaded(open_page("pages/train.py"), "a.zip", hostile_files.zipped(files))
    assert "2 of 302 pictures are damaged" in text_of(at) and "keep upload" not in buttons(at)
    assert at.dataframe[0].value["cannot be used"].tolist() == ["y.png", "z.png"]
    at = awaited(at.button(key="leave out").click().run())
    assert "keep upload" in buttons(at)
    assert "2 of 302 pictures were left out: y.png, z.png." in notes(at)
