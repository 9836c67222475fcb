"""The data sets of a process: loaded once, two at a time, uploads from their bytes."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gan_core.data import datasets
from gan_core.data.dataset_cache import DatasetCache
from gan_core.records import DatasetError, upload_name


def test_the_last_two_are_kept():
    cache = DatasetCache(None, lambda name: None)
    digits, ring = cache.dataset("digits"), cache.dataset("ring-8")
    assert cache.dataset("digits") is digits and cache.dataset("ring-8") is ring
    cache.dataset("grid-25")
    assert cache.dataset("ring-8") is ring and cache.dataset("digits") is not digits


def test_an_upload_is_read_from_its_bytes_once():
    digits, asked = datasets.load("digits"), []
    name, data = upload_name(digits.sha256), datasets.dataset_to_bytes(digits)
    cache = DatasetCache(None, lambda name: asked.append(name) or data)
    found = cache.dataset(name)
    assert cache.dataset(name) is found and asked == [name]
    assert (found.name, found.sha256) == (name, digits.sha256)


@pytest.mark.parametrize("stored", ["digits", "ring-8"])
def test_an_upload_that_is_not_what_its_name_says_is_not_used(stored):
    """Not other samples, and not the right ones with modes beside them, which the hash does not cover."""
    data, name = datasets.dataset_to_bytes(datasets.load(stored)), upload_name(datasets.load("ring-8").sha256)
    with pytest.raises(DatasetError, match=f"holds as {name[:17]} is other data than the name says"):
        DatasetCache(None, lambda name: data).dataset(name)


def test_nobody_waits_for_another_data_set_and_two_who_want_one_load_it_once():
    digits = datasets.load("digits")
    large, data = upload_name(digits.sha256), datasets.dataset_to_bytes(digits)
    asked, begun, go_on = [], threading.Event(), threading.Event()

    def slowly(name):
        asked.append(name)
        begun.set()
        assert go_on.wait(30)
        return data

    cache = DatasetCache(None, slowly)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(cache.dataset, large) for _ in range(2)]
        assert begun.wait(30) and cache.dataset("digits").name == "digits"  # while the other one is being read
        go_on.set()
        assert both[0].result() is both[1].result() and asked == [large]


def test_data_that_nobody_has_are_named_with_what_there_is():
    with pytest.raises(DatasetError, match="no data set 'nothing': choose one of .*digits.*, or upload one"):
        DatasetCache(None, lambda name: None).dataset("nothing")
