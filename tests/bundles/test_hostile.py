"""Bundles with one change, by the hundred: each is refused in one sentence, or is a run like any other."""

import copy
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_core.bundles import bundle as export
from gan_core.records import BundleError, GanometerError
from gan_core.service.lab import Lab
from gan_core.settings import Settings
from gan_core.store import Store, pack
from tests.bundles.test_bundle import contents, repacked
from tests.damage import ARRAYS, IMAGES, SOUND, build, sampled
from tests.drawing import open_page, text_of

VALUES = (
    None, True, -1, 0, 7, 1.5, 10**10, 10**18, 10**400, 1e308, -1e308, float("nan"), float("inf"), "", "abc", "\ud800",
    "a\0b", "x\u202e**b** <script>", "x" * 1_000_000, [], {}, [1], {"a": 1}, [[[[]]]], "../../etc", 253_402_300_800,
)  # fmt: skip
"""What is put into every place of run.json."""


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value in tables and lists; of a list the first one stands for all."""
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def put(about: Any, path: tuple, value: Any) -> Any:
    about = copy.deepcopy(about)
    if not path:
        return value
    part = about
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return about


def without(about: Any, path: tuple) -> Any:
    about = copy.deepcopy(about)
    part = about
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return about


def raw(about: str):
    """A run.json that no encoder writes."""
    return lambda members, _: members.update({"run.json": about.encode("utf-8", "surrogatepass")})


def changes(sound: bytes) -> list[tuple[str, Any]]:
    """(what is changed, the change as `repacked` takes it), of every kind."""
    with zipfile.ZipFile(io.BytesIO(sound)) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist() if name != "manifest.json"}
    about = json.loads(members["run.json"])
    found: list[tuple[str, Any]] = []
    for path in places(about):
        for value in VALUES:
            found.append((f"{path} = {repr(value)[:40]}", raw(_written(put(about, path, value)))))
        if path:
            found.append((f"without {path}", raw(_written(without(about, path)))))
    for name in members:
        for number, data in enumerate(
            (*ARRAYS, b"", many_arrays(), pack(x=IMAGES[:65].repeat(3, 0), y=np.arange(192)))
        ):
            found.append((f"{name} is array file {number}", lambda m, _, name=name, data=data: m.update({name: data})))
        found.append((f"without {name}", lambda m, _, name=name: m.pop(name)))
    for step in (101, 10**6, 999_999_999):
        late = {f"snapshots/{step}": members["snapshots/0"], f"weights/{step}": members["weights/0"]}
        found.append((f"a snapshot at {step}", lambda m, _, late=late: m.update(late)))
        late = {f"checkpoints/{step}": members["checkpoints/100"]}
        found.append((f"a checkpoint at {step}", lambda m, _, late=late: m.update(late)))
    for about_step, value in ((10**15, 0.5), (2**62, 0.5), (-1, 0.5), (50, 1e308), (50, np.inf), (50, np.nan)):
        curve = dict(name=np.array(["energy_distance"]), step=np.array([about_step]), value=np.array([value]))
        data = pack(**curve)
        found.append((f"a curve with {value} at {about_step}", lambda m, _, data=data: m.update({"metrics.npz": data})))
    text, report = json.dumps(about), about["reports"][0][1]
    found += [
        ("its own parent", raw(_written(about | {"parent_id": about["id"], "parent_step": 0}))),
        ("20,000 events", raw(_written(about | {"events": about["events"] * 20_000}))),
        ("2,000 reports", raw(_written(about | {"reports": [[0, report | {"seed": n}] for n in range(2_000)]}))),
        ("deep lists", raw(text.replace('"events": [', '"events": ' + "[" * 100_000 + "]" * 100_000 + ', "e": ['))),
        ("a name twice", raw(text.replace('"step":', '"step": 5, "step":', 1))),
        ("no JSON", raw(text[:-1])),
        ("a byte order mark", raw("\ufeff" + text)),
        ("an unknown setting", raw(_written(put(about, ("config", "magic"), 1)))),
    ]  # fmt: skip
    return found


def many_arrays() -> bytes:
    return pack(**{f"a{n}": np.zeros(1) for n in range(2_500)})


def _written(about: Any) -> str:
    return json.dumps(about)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    file = tmp_path_factory.mktemp("sound") / "store.sqlite"
    ids = build(file)
    store = Store(f"sqlite:///{file}")
    try:
        return export.bundle(store, ids[SOUND[0]])
    finally:
        store.close()


@pytest.mark.parametrize("every", [151, pytest.param(4, marks=pytest.mark.slow)])
def test_a_bundle_is_refused_in_one_sentence_or_is_a_run_like_any_other(sound, home, every, no_cache_outlives_a_test):
    lab = Lab(Settings(home, f"sqlite:///{home / 'ganometer.sqlite'}", None, "none"), examples=Path("nowhere"))
    store = Store(f"sqlite:///{home / 'ganometer.sqlite'}")
    imported = refused = 0
    for what, change in sampled(changes(sound), every):
        data, before = repacked(sound, change, whole=True), contents(store)
        try:
            run_id = lab.bundles.load(data)
        except BundleError as error:
            refused += 1
            assert "\n" not in str(error) and len(str(error)) < 800, f"{what}: {error}"
            assert contents(store) == before, what
            continue
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
        imported += 1
        for page in ("app.py", "pages/train.py", "pages/distances.py", "pages/gallery.py", "pages/compare.py"):
            text = text_of(open_page(page, run=run_id))
            assert not any(words in text for words in ("unforeseen", "cannot be shown", "cannot be read")), (
                f"{what}: {page}: {text[-1500:]}"
            )
        with suppress(GanometerError):
            lab.bundles.load(lab.bundles.export(run_id, by=None))
        for run in lab.runs.listed(by=None):
            lab.runs.delete(run.id, by=None)
    assert imported and refused > imported
    store.close()
    lab.close()


def test_the_sound_bundle_is_accepted(sound, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    assert store.runs.get(export.unbundle(store, sound)).name == SOUND[0]
    store.close()
