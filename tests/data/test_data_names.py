"""What a file calls its classes and columns, as pages can show it."""

import pytest

from gan_core.data.data_names import in_one_line, shown_names
from gan_core.records import LONGEST_DATA_NAME, DataNames
from gan_core.validation import Invalid, checked


def test_names_are_shown_in_one_line_and_cut_where_they_are_long():
    assert in_one_line(" a\n\tb \x1b[31m\u202e c", 60) == "a b [31m c"
    assert in_one_line("x" * 61, 60) == "x" * 59 + "…" and in_one_line("x" * 60, 60) == "x" * 60


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], ()),
        (["cat", " dog "], ("cat", "dog")),
        (["a", "", "b"], ("a", "", "b")),
        (["a", "a", "b"], ("a", "", "b")),  # the second one is none: it would be taken for the first
        (["\x00", " "], ()),
        (["y" * 50, "y" * 60], ("y" * 39 + "…", "")),
    ],
)
def test_names_are_all_different_or_none(texts, names):
    assert shown_names(texts) == names


@pytest.mark.parametrize("text", ["Katze 🐈", "名前", "a<b>&c", "x" * LONGEST_DATA_NAME, "\ud800", "a\nb", "\u202eb"])
def test_what_is_read_of_a_file_is_kept(text):
    names = DataNames(shown_names([text, "other"]), shown_names([text]))
    told = {"classes": list(names.classes), "columns": list(names.columns)}
    assert checked(DataNames, told, what="a name in the data") == names


@pytest.mark.parametrize(
    "told",
    [
        {"classes": ["a\nb"]},
        {"classes": ["x" * 41]},
        {"classes": ["\u202eabc"]},
        {"classes": [5]},
        {"columns": ["a"] * 33},
        {"classes": ["a"] * 101},
        {"rows": ["a"]},
    ],
)
def test_what_no_file_gives_is_refused(told):
    with pytest.raises(Invalid):
        checked(DataNames, told, what="a name in the data")
