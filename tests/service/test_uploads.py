"""People's own data: what is kept of a file, and that a data set is what its name says."""

from dataclasses import replace

import pytest

from gan_core.data import datasets
from gan_core.data.dataset_cache import DatasetCache
from gan_core.records import DatasetError, upload_name
from tests.service.labs import points, store_of


def test_what_is_kept_has_the_hash_of_its_content_for_a_name(lab):
    name = lab.uploads.keep(lab.uploads.read(points(), "points.csv"))
    store = store_of(lab)
    dataset = DatasetCache(None, store.datasets.upload_bytes).dataset(name)
    assert name == upload_name(dataset.sha256) and len(name) == 71
    assert sum(map(len, dataset.parts.values())) == 300
    assert lab.uploads.keep(lab.uploads.read(points(), "copy.csv")) == name and len(store.datasets.uploads()) == 1


@pytest.mark.parametrize("claimed", [None, b"noise", datasets.dataset_to_bytes(datasets.load("digits"))])
def test_an_upload_puts_right_what_the_store_has_under_its_hash(lab, claimed):
    """As a bundle of an earlier version may have left it: of another shape, without samples, or with other ones."""
    answer, store = lab.uploads.read(points(), "points.csv"), store_of(lab)
    wrong = datasets.load("digits").info()
    store.datasets.put(replace(wrong, sha256=answer.reading.info.sha256, name=answer.reading.info.name), claimed)
    name = lab.uploads.keep(answer)
    assert lab.uploads.about(name).shape == (2,)
    assert DatasetCache(None, store.datasets.upload_bytes).dataset(name).sha256 == answer.reading.info.sha256


def test_a_file_that_cannot_be_used_is_refused_with_its_reason(lab):
    for data, name, said in ((b"", "a.csv", "empty"), (b"1,2", "a.txt", "ends in '.txt'"), (b"1,2", "a.csv", "1 rows")):
        with pytest.raises(DatasetError, match=said):
            lab.uploads.read(data, name)
    assert lab.uploads.visible() == []


def test_what_was_not_read_is_not_kept(lab):
    waiting = lab.uploads.look(lab.uploads.choose(points(), "points.csv"))
    with pytest.raises(DatasetError, match="has not been read yet"):
        lab.uploads.keep(waiting)


def test_a_reading_that_made_room_for_others_is_not_kept(lab):
    answer = lab.uploads.read(points(), "points.csv")
    (lab.settings.home / "uploads" / "readings" / answer.key / "dataset.npz").unlink()
    with pytest.raises(DatasetError, match="choose it again"):
        lab.uploads.keep(answer)
