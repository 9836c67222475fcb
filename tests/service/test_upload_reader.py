"""Strangers' files are read outside the server, within bounds, one after the other, and each only once."""

import os
import threading
import time

import numpy as np
import psutil
import pytest

from gan_core.data.datasets import dataset_from_bytes
from gan_core.data.uploads import dataset_from_upload, read_upload
from gan_core.records import DataNames, DatasetError
from gan_core.service import upload_folder, upload_reader
from gan_core.service.upload_folder import UploadFolder
from gan_core.service.upload_reader import Asked, UploadReader
from tests import hostile_files
from tests.service.labs import points, wait_until

MB = 2**20


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path):
    return UploadFolder(tmp_path)


@pytest.fixture
def readers(folder):
    """`readers(**bounds)`: a reader on the folder, ended when the test is done."""
    made = []

    def make(**bounds) -> UploadReader:
        made.append(UploadReader(folder, **bounds))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "gan_core.data.read_process" in p.cmdline()]


def endless() -> bytes:
    """A file that takes many seconds to read."""
    return hostile_files.SLOW["large pictures among small ones"][1]()


# ---------------------------------------------------------------- what is read


def test_a_file_becomes_what_reading_it_here_would_give(folder, readers):
    answer = readers().wait(Asked(folder.put(points(), "points.csv")), "ada")
    here = dataset_from_upload(read_upload(points(), "points.csv"), "here")
    about, info = here.info(), answer.reading.info
    assert (info.name, info.sha256) == (f"upload-{here.sha256}", here.sha256)
    assert (info.kind, info.shape, info.parts) == (about.kind, about.shape, about.parts)
    assert np.array_equal(info.preview, about.preview) and np.array_equal(info.labels, about.labels)
    assert answer.reading.notes == read_upload(points(), "points.csv").notes
    assert info.names == read_upload(points(), "points.csv").names == DataNames((), ("x", "y"))
    assert dataset_from_bytes(readers().packed(answer.key), "here").sha256 == here.sha256


def test_pictures_are_shown_before_and_after(folder, readers):
    data = hostile_files.zipped(hostile_files.small_pictures())
    answer = readers().wait(Asked(folder.put(data, "a.zip"), size=12, colour=True), "ada")
    here = read_upload(data, "a.zip", size=12, colour=True)
    assert len(answer.reading.originals) == len(answer.reading.converted) == 8
    for found, wanted in ((answer.reading.originals, here.originals), (answer.reading.converted, here.converted)):
        assert all(np.array_equal(one, other) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("case", hostile_files.REFUSED)
def test_a_hostile_file_is_refused_for_what_it_is_in_little_memory(folder, readers, case):
    name, make, said = hostile_files.REFUSED[case]
    answer = readers(memory=300 * MB).wait(Asked(folder.put(make(), name)), "eve")
    assert answer.state == "refused" and said in answer.reason
    assert "\n" not in answer.reason and str(folder) not in answer.reason and answer.reason.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize("case", hostile_files.SLOW)
def test_a_file_that_takes_long_is_read_in_little_memory(folder, readers, case):
    name, make = hostile_files.SLOW[case]
    answer = readers(memory=400 * MB, seconds=240).wait(Asked(folder.put(make(), name)), "eve")
    assert answer.state == "read"


# ---------------------------------------------------------------- bounds


def test_a_file_that_takes_too_much_time_is_given_up_and_can_be_tried_again(folder, readers):
    reader, file = readers(seconds=0.5), Asked(folder.put(endless(), "a.zip"))
    answer = reader.wait(file, "eve")
    assert (answer.state, answer.reason[:51]) == ("failed", "Reading this file takes more than 0 seconds; give f")
    assert reader.look(file, "eve").state == "failed" and not children()
    reader.forget(answer.key)
    assert reader.look(file, "eve").state in ("waiting", "reading")


def test_a_file_that_takes_too_much_memory_is_given_up(folder, readers):
    answer = readers(memory=60 * MB).wait(Asked(folder.put(endless(), "a.zip")), "eve")
    assert answer.state == "failed" and "takes more than 60.0 MB of memory; give fewer rows" in answer.reason


def test_a_process_that_is_killed_becomes_one_sentence(folder, readers):
    reader, file = readers(), Asked(folder.put(endless(), "a.zip"))
    reader.look(file, "eve")
    wait_until(children)[0].kill()
    answer = reader.wait(file, "eve")
    assert answer.state == "failed" and answer.reason.startswith("The process that read this file has ended before")


def test_the_process_knows_nothing_of_this_server(folder, readers, monkeypatch):
    monkeypatch.setenv("GANOMETER_STORE", "postgresql://ada:secret@here/db")
    readers().look(Asked(folder.put(endless(), "a.zip")), "eve")
    child = wait_until(children)[0]
    known = wait_until(lambda: child.environ())
    assert not any("secret" in value or name.startswith("GANOMETER") for name, value in known.items())
    wait_until(lambda: child.nice() != psutil.Process().nice())  # the pages go first


def test_whoever_closes_the_reader_ends_the_process(folder, readers):
    reader = readers()
    reader.look(Asked(folder.put(endless(), "a.zip")), "eve")
    wait_until(children)
    reader.close()
    assert not children()


# ---------------------------------------------------------------- once


@pytest.mark.parametrize("data, name, state", [(points(), "a.csv", "read"), (b"1,2\n3\n", "a.csv", "refused")])
def test_a_file_is_read_once(folder, readers, data, name, state):
    """Also by another server process on the same home, whoever asks, and if it was refused."""
    asked = Asked(folder.put(data, name))
    assert readers().wait(asked, "ada").state == state
    again = readers().look(Asked(folder.put(data, "other.csv")), "bob")
    assert again.state == state and again.key == asked.key


def test_other_options_and_another_ending_are_another_reading(folder):
    file = folder.put(points(), "a.csv")
    other = folder.put(points(), "a.npy")
    keys = {Asked(file).key, Asked(file, size=12).key, Asked(file, colour=True).key, Asked(other).key}
    assert len(keys) == 4


def test_a_damaged_reading_is_read_again(folder, readers):
    asked = Asked(folder.put(points(), "a.csv"))
    key = readers().wait(asked, "ada").key
    (folder.reading(key) / "shown.npz").write_bytes(b"noise")
    assert readers().wait(asked, "ada").state == "read"


# ---------------------------------------------------------------- one after the other


def test_people_wait_in_turn_and_each_with_one_file(folder, readers):
    reader = readers()
    hostile = Asked(folder.put(endless(), "a.zip"))
    reader.look(hostile, "eve")
    wait_until(lambda: reader.look(hostile, "eve").state == "reading")
    first, second, third = (Asked(folder.put(points(300 + i), "a.csv")) for i in range(3))
    assert (reader.look(first, "ada").state, reader.look(first, "ada").ahead) == ("waiting", 1)
    assert reader.look(second, "bob").ahead == 2
    assert reader.look(third, "ada").ahead == 1  # in the place of her first one
    wait_until(children)  # a file is being read from the moment on that its process is asked for
    assert len(children()) == 1


def test_the_queue_has_an_end_and_whoever_comes_then_waits_too(folder, readers):
    reader, asked = readers(), Asked(folder.put(endless(), "a.zip"))
    reader.look(asked, "eve")
    wait_until(lambda: reader.look(asked, "eve").state == "reading")
    file = Asked(folder.put(points(), "a.csv"))
    ahead = [reader.look(file, f"visitor {i}").ahead for i in range(upload_reader.MAX_WAITING + 5)]
    assert ahead == [*range(1, upload_reader.MAX_WAITING + 1), *[upload_reader.MAX_WAITING + 1] * 5]


def test_a_file_that_nobody_waits_for_any_more_keeps_nobody_waiting(folder, readers):
    clock = Clock()
    reader, gone = readers(clock=clock), Asked(folder.put(endless(), "a.zip"))
    reader.look(gone, "eve")
    wait_until(children)
    file = Asked(folder.put(points(), "a.csv"))
    assert reader.look(file, "ada").state == "waiting"
    clock.now += upload_reader.FORGOTTEN_SECONDS
    reader.look(file, "ada")
    assert reader.wait(file, "ada").state == "read"


def test_many_may_ask_for_the_same_file_at_the_same_moment(folder, readers):
    reader, found = readers(), []
    asked = Asked(folder.put(points(), "a.csv"))
    threads = [threading.Thread(target=lambda i=i: found.append(reader.wait(asked, f"visitor {i}"))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [answer.state for answer in found] == ["read"] * 8


# ---------------------------------------------------------------- the folder


def test_what_has_not_been_asked_for_longest_makes_room(folder, monkeypatch):
    monkeypatch.setattr(upload_folder, "MAX_ENTRIES", 2)
    now = time.time()
    files = [folder.put(b"1,%d" % i, "a.csv") for i in range(2)]
    for age, file in zip((10, 20), files):
        os.utime(folder.file(file), (now - age, now - age))
    third = folder.put(b"3", "a.csv")
    assert folder.file(files[0]) and folder.file(third)
    with pytest.raises(DatasetError, match="no longer keeps the file you chose; choose it again"):
        folder.file(files[1])


def test_what_another_visitor_s_file_leaves_at_the_same_moment_is_no_fault(folder, tmp_path):
    folder.put(b"1,2", "a.csv")
    for place in (tmp_path / "uploads", tmp_path / "uploads" / "files"):  # names without a file
        (place / "new-gone").symlink_to(place / "nowhere")
    assert folder.file(folder.put(b"3,4", "b.csv"))
    with folder.new_reading("key") as place:
        (place / "data").write_bytes(b"5")
    assert folder.reading("key")


def test_a_disk_that_keeps_nothing_is_said_without_its_path(tmp_path):
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(DatasetError, match=r"^This server cannot keep the file \([A-Z][a-z ]+\); try again later.$"):
        UploadFolder(tmp_path).put(points(), "a.csv")
