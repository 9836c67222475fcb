"""Errors in words: one line, and for strangers no place on this machine."""

import pytest

from gan_core.plain_errors import A_FILE, place, sentence, without_paths
from gan_core.records import StoreError


def test_our_own_errors_are_sentences_already_and_others_get_their_type():
    assert sentence(StoreError("the store is gone")) == "the store is gone"
    assert sentence(KeyError("x")) == "KeyError: 'x'"
    assert sentence(RuntimeError("one\ntwo")) == "RuntimeError: one"
    assert sentence(RuntimeError()) == "RuntimeError"


def test_the_place_of_an_error_names_the_file_without_its_folders():
    try:
        raise ValueError
    except ValueError as error:
        assert place(error).startswith("test_plain_errors.py, line ")


@pytest.mark.parametrize(
    "text",
    [
        "[Errno 2] No such file or directory: '/srv/my user/runs/x.npy'",
        "/srv/my user/g cannot be written (Permission denied)",
        "the store sqlite:////srv/u/.ganometer/g.sqlite refused: database is locked",
        "the store sqlite+pysqlite:////srv/x.db refused",
        "C:\\Users\\me\\my runs\\z.txt is gone",
        "\\\\server\\share\\x is gone",
        "'/data' is gone",
        "error:/tmp/a",
        "Error parsing secrets file at /srv/app/.streamlit/secrets.toml: Expected '='",
        "~/.ganometer cannot be written",
        'File "/usr/lib/python3/x.py", line 3',
        "file:///etc/passwd",
        "(see /var/log/x.log).",
    ],
)
def test_no_path_is_left(text):
    told = without_paths(text)
    assert A_FILE in told
    assert not any(part in told for part in ("home", "user", "srv", "Users", "server\\", "data'", "/", "\\"))


@pytest.mark.parametrize(
    "text",
    [
        "60 /s and 3/4, n/a, 1 / 2",
        "see https://example.com/a/b",
        "step 12 of 34; energy 5e-3/2e-3",
        "postgresql+psycopg://u:***@h/db refused",
        "ring-8 · auto · seed 1/2",
        "",
    ],
)
def test_what_is_no_path_stays(text):
    assert without_paths(text) == text


def test_the_marks_of_the_sentence_stay():
    assert without_paths("it is in /var/log/x.log. Look there (/tmp/a), please") == (
        f"it is in {A_FILE}. Look there ({A_FILE}), please"
    )
