"""Data sets in the store, and the bytes of the uploaded ones."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from gan_core.records import DataNames, DatasetInfo, Reference
from gan_core.store.schema import dataset_owners, datasets

PREVIEW = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2, 1)
INFO = DatasetInfo(
    "upload-x",
    "cd" * 32,
    "image",
    (2, 2, 1),
    {"train": 5, "holdout": 2, "test": 3},
    PREVIEW,
    np.array([0, 1, 1]),
)


def same(a: DatasetInfo, b: DatasetInfo) -> bool:
    rest = [replace(info, preview=None, labels=None) for info in (a, b)]
    return rest[0] == rest[1] and np.array_equal(a.preview, b.preview) and np.array_equal(a.labels, b.labels)


def test_a_data_set_comes_back_as_it_was(store):
    assert store.datasets.get(INFO.sha256) is None and store.datasets.named("upload-x") is None
    store.datasets.put(INFO, b"rows")
    for found in (
        store.datasets.get(INFO.sha256),
        store.datasets.named("upload-x"),
        *store.datasets.uploads(),
    ):
        assert same(found, INFO)
        assert found.preview.dtype == np.uint8
    assert store.datasets.upload_bytes("upload-x") == b"rows"


def test_who_has_the_samples_replaces_what_was_claimed_of_them(store):
    claimed = replace(INFO, name="upload-y", kind="points", preview=PREVIEW[:1])
    store.datasets.put(claimed, b"other rows")
    store.datasets.put(INFO)  # a worker has loaded them
    assert same(store.datasets.get(INFO.sha256), replace(INFO, name="upload-y"))
    assert store.datasets.upload_bytes("upload-y") == b"other rows"
    store.datasets.put(INFO, b"rows")  # somebody has uploaded them
    assert same(store.datasets.get(INFO.sha256), INFO)
    assert store.datasets.upload_bytes("upload-x") == b"rows" and store.datasets.upload_bytes("upload-y") is None


def test_only_uploads_are_listed_as_uploads(store):
    store.datasets.put(replace(INFO, name="digits", sha256="ef" * 32))
    assert store.datasets.uploads() == [] and store.datasets.upload_bytes("digits") is None
    store.datasets.put(INFO, b"rows")
    assert [info.name for info in store.datasets.uploads()] == ["upload-x"]


def test_everyone_may_put_the_same_thing_at_the_same_moment(store):
    barrier = threading.Barrier(4)
    reference = Reference(10, 20, 0, {})

    def put(_):
        barrier.wait(timeout=30)
        store.datasets.put(INFO, b"rows")
        store.measurements.put_reference("data", "pixels", reference)
        store.remember("key", "word")

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(pool.map(put, range(4)))
    assert store.measurements.reference("data", "pixels", 10) == reference
    assert store.remembered("key") == "word" and same(store.datasets.get(INFO.sha256), INFO)


def test_an_upload_has_several_owners_and_each_publishes_alone(store):
    store.datasets.put(INFO, b"rows")
    assert store.datasets.owners() == {"upload-x": {}}
    for owner in ("ada", "bob", "ada", "eve adams"):
        store.datasets.add_owner("upload-x", owner)
    store.datasets.publish("upload-x", True, owner="bob")
    store.datasets.add_owner("upload-x", "bob")  # the same file once more hides nothing
    shares = {"ada": False, "bob": True, "eve adams": False}
    assert store.datasets.owners() == {"upload-x": shares} and store.datasets.named("upload-x").owners == shares
    store.datasets.publish("upload-x", False)
    assert not store.datasets.named("upload-x").published


def test_what_is_known_of_an_upload_without_its_rows_gives_way_to_the_upload(store):
    store.datasets.put(replace(INFO.without_rows(), name="upload-y"))
    assert store.datasets.get(INFO.sha256).rows_hidden and store.datasets.owners() == {}
    store.datasets.put(INFO, b"rows")
    assert same(store.datasets.get(INFO.sha256), INFO) and store.datasets.upload_bytes("upload-x") == b"rows"


PETS = DataNames(("cat", "dog"))


def test_each_owner_has_the_names_of_the_own_file(store):
    store.datasets.put(INFO, b"rows")
    store.datasets.add_owner("upload-x", "ada", "pets.zip", PETS)
    store.datasets.add_owner("upload-x", "bob", "numbers.npz")
    assert store.datasets.names(INFO.sha256) == {"ada": PETS} and store.datasets.names("ef" * 32) == {}
    store.datasets.add_owner("upload-x", "ada", "katzen.zip", names := DataNames(("Hund", "Katze")))
    assert store.datasets.names(INFO.sha256) == {"ada": names}
    assert store.datasets.get(INFO.sha256).names == DataNames()


def test_names_that_came_with_a_bundle_stay_when_a_worker_has_loaded_the_data(store):
    store.datasets.put(replace(INFO, names=PETS), b"rows")
    store.datasets.put(INFO)
    assert store.datasets.get(INFO.sha256).names == store.datasets.named("upload-x").names == PETS


@pytest.mark.parametrize("text", ["", "5", "{", '{"classes": [1]}', '{"classes": "cat"}', '{"rows": []}', "[" * 5_000])
def test_data_with_damaged_names_are_used_without_them(store, text):
    store.datasets.put(INFO, b"rows")
    store.datasets.add_owner("upload-x", "ada", "pets.zip", PETS)
    with store.database.writing() as db:
        for table in (datasets, dataset_owners):
            db.execute(table.update().values(names=text))
    assert same(store.datasets.get(INFO.sha256), replace(INFO, owners={"ada": False}))
    assert store.datasets.names(INFO.sha256) == {"ada": DataNames()}
