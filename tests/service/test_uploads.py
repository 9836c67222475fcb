"""People's own data: what is kept of a file, how much of it, and how what nobody needs is deleted again."""

import csv
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.data.dataset_cache import DatasetCache
from gan_core.records import DatasetError, GanometerError, short_data_name, upload_name
from gan_core.service.permissions import NotAllowed
from tests.service.labs import points, shared, store_of


def keep(lab, *, by: str, seed: int = 5, n: int = 300) -> str:
    """Upload `n` points of somebody's own, other ones for another seed."""
    out = io.StringIO()
    csv.writer(out).writerows([["x", "y"], *np.random.default_rng(seed).standard_normal((n, 2)).round(6).tolist()])
    return lab.uploads.keep(lab.uploads.read(out.getvalue().encode(), "points.csv"), by=by)


def start(lab, name: str, *, by: str) -> str:
    config = override(lab.recipes.preset("auto", data=name, by=by), {"training.steps": 20})
    return lab.runs.start(config, by=by, again=True)


def test_a_visitor_keeps_so_many_uploads(tmp_path):
    with shared(tmp_path, uploads=2) as lab:
        first, _ = (keep(lab, by="ada", seed=seed) for seed in (1, 2))
        with pytest.raises(NotAllowed, match="you keep 2 uploads, and at most 2 are allowed: delete one"):
            keep(lab, by="ada", seed=3)
        assert keep(lab, by="ada", seed=1) == first  # what is there already takes no more room
        assert keep(lab, by="bob", seed=3) and keep(lab, by="root@here", seed=4)
        lab.uploads.delete(first, by="ada")
        assert keep(lab, by="ada", seed=3) and len(lab.uploads.kept(by="ada")) == 2


def test_uploads_have_so_many_megabytes_of_one_visitor_and_in_all(tmp_path):
    with shared(tmp_path, upload_mb=0.05, all_uploads_mb=0.055) as lab:
        keep(lab, by="ada", seed=1, n=2000)
        size = lab.uploads.kept(by="ada")[0].size
        assert 0.028 * 2**20 < size < 0.05 * 2**20
        with pytest.raises(NotAllowed, match=r"your uploads would take 0\.1 MB, and at most 0\.05 MB are allowed"):
            keep(lab, by="ada", seed=2, n=2000)
        keep(lab, by="bob", seed=1, n=2000)  # the same bytes: nothing more for the server
        with pytest.raises(NotAllowed, match=r"the uploads of everybody would take 0\.1 MB.* keeps 0\.055 MB"):
            keep(lab, by="eve", seed=2, n=2000)


def test_uploads_at_the_same_moment_do_not_pass_a_limit_together(tmp_path):
    with shared(tmp_path, uploads=2) as lab:
        barrier = threading.Barrier(6)

        def one(seed: int) -> str:
            barrier.wait(timeout=30)
            try:
                return keep(lab, by="ada", seed=seed)
            except NotAllowed:
                return "refused"

        with ThreadPoolExecutor(6) as pool:
            assert [*pool.map(one, range(6))].count("refused") == 4
        assert len(lab.uploads.kept(by="ada")) == 2


def test_deleting_gives_the_room_back(tmp_path):
    with shared(tmp_path) as lab:
        name = keep(lab, by="ada", n=60_000)
        file = tmp_path / "store.sqlite"
        store_of(lab).datasets.shrink()
        before = file.stat().st_size
        size = lab.uploads.kept(by="ada")[0].size
        lab.uploads.delete(name, by="ada")
        assert file.stat().st_size < before - 0.8 * size
        assert lab.uploads.kept(by="ada") == [] and store_of(lab).datasets.upload_bytes(name) is None
        with pytest.raises(DatasetError):
            lab.uploads.about(name, by="ada")
        assert keep(lab, by="ada", n=60_000) == name


def test_what_a_run_of_one_s_own_needs_is_not_deleted(tmp_path):
    with shared(tmp_path) as lab:
        name = keep(lab, by="ada")
        runs = [start(lab, name, by="ada")]
        lab.runs.rename(runs[0], "the first", by="ada")
        with pytest.raises(GanometerError, match="your run the first needs these data: delete it first"):
            lab.uploads.delete(name, by="ada")
        runs += [start(lab, name, by="ada") for _ in range(4)]
        with pytest.raises(GanometerError, match="your runs .* and 2 more need these data: delete them first"):
            lab.uploads.delete(name, by="ada")
        for run_id in runs:
            lab.runs.stop(run_id, by="ada")
            lab.runs.delete(run_id, by="ada")
        lab.uploads.delete(name, by="ada")
        assert lab.uploads.visible(by="ada") == []


def test_what_runs_of_others_need_is_not_deleted(tmp_path):
    with shared(tmp_path) as lab:
        name = keep(lab, by="ada")
        lab.uploads.publish(name, True, by="ada")
        run_id = start(lab, name, by="bob")
        assert "1 run of somebody else" in lab.uploads.kept(by="ada")[0].needed
        with pytest.raises(GanometerError, match="1 run of somebody else needs these data") as error:
            lab.uploads.delete(name, by="ada")
        assert "bob" not in str(error.value)
        with pytest.raises(NotAllowed):
            lab.uploads.delete(name, by="bob")
        with pytest.raises(GanometerError):
            lab.uploads.delete(name, by="root@here")
        lab.runs.stop(run_id, by="bob")
        lab.runs.delete(run_id, by="bob")
        lab.uploads.delete(name, by="ada")


def test_of_several_owners_each_deletes_only_the_own_share(tmp_path):
    with shared(tmp_path) as lab:
        name = keep(lab, by="ada")
        assert keep(lab, by="bob") == name
        start(lab, name, by="bob")
        lab.uploads.delete(name, by="ada")
        assert lab.uploads.kept(by="ada") == lab.uploads.visible(by="ada") == []
        assert [one.name for one in lab.uploads.kept(by="bob")] == [name]
        with pytest.raises(DatasetError):
            lab.uploads.delete(name, by="ada")
        with pytest.raises(GanometerError, match="your run"):
            lab.uploads.delete(name, by="bob")


def test_others_see_and_delete_nothing(tmp_path):
    with shared(tmp_path) as lab:
        name = keep(lab, by="ada")
        assert lab.uploads.kept(by="bob") == lab.uploads.kept(by="") == []
        for by in ("bob", ""):
            with pytest.raises(DatasetError):
                lab.uploads.delete(name, by=by)
        lab.uploads.delete(name, by="root@here")
        assert lab.uploads.kept(by="ada") == []


def test_a_start_on_data_that_were_deleted_a_moment_ago_is_refused(tmp_path):
    with shared(tmp_path) as lab:
        name = keep(lab, by="ada")
        config = lab.recipes.preset("auto", data=name, by="ada")
        lab.uploads.delete(name, by="ada")
        with pytest.raises(DatasetError, match=short_data_name(name)):
            lab.runs.start(config, by="ada")


def test_on_a_machine_of_one_s_own_every_upload_is_one_s_own(lab):
    name = lab.uploads.keep(lab.uploads.read(points(), "points.csv"))
    run_id = start(lab, name, by="")
    with pytest.raises(GanometerError, match="your run .* needs these data"):
        lab.uploads.delete(name)
    lab.runs.stop(run_id)
    lab.runs.delete(run_id)
    lab.uploads.delete(name)
    assert lab.uploads.kept() == []


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
    for data, name, said in ((b"", "a.csv", "empty"), (b"1,2", "a.doc", "ends in '.doc'"), (b"1,2", "a.csv", "1 rows")):
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


def test_a_file_keeps_its_name_for_whoever_has_brought_it(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.uploads.keep(lab.uploads.read(points(), "cats.csv"), by="ada")
        assert lab.uploads.titles(by="ada") == {name: "cats.csv"} and lab.uploads.titles(by="bob") == {}
        assert lab.uploads.keep(lab.uploads.read(points(), "C:\\\\mine\\\\dogs.csv"), by="bob") == name
        assert lab.uploads.titles(by="bob") == {name: "dogs.csv"} and lab.uploads.titles(by="ada") == {name: "cats.csv"}
        lab.uploads.publish(name, True, by="bob")
        assert lab.uploads.titles(by="eve") == {name: "dogs.csv"}  # ada's name for them stays hers
        lab.uploads.keep(lab.uploads.read(points(), "cats 2.csv"), by="ada")
        assert lab.uploads.titles(by="ada") == {name: "cats 2.csv"}
