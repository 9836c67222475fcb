"""The kinds of jobs: each is registered, its parameters survive JSON, and asking or decoding loads nothing heavy."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gan_core.jobs import registry
from gan_core.jobs.browse import Browse
from gan_core.jobs.compare import Compare
from gan_core.jobs.corruptions import Corruptions
from gan_core.jobs.export import Export
from gan_core.jobs.latent_plane import LatentPlane
from gan_core.jobs.latent_walk import LatentWalk
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.neighbours import Neighbours
from gan_core.jobs.projection import Projection
from gan_core.jobs.reference import ReferenceParameters
from gan_core.jobs.sample import Sample
from gan_core.jobs.sample_detail import SampleDetail
from gan_core.jobs.surface import Surface
from gan_core.records import GanometerError, Job, UnknownRun

JOBS = Path(registry.__file__).parent
ASKED = {
    "sample": Sample(n=5, seed=1, label=-3),
    "neighbours": Neighbours(k=2, n=7, seed=1),
    "measure": MeasureParameters(n=50, space="pca64", panel="full", k=3),
    "reference": ReferenceParameters("digits", 50),
    "corruptions": Corruptions("digits", 50, corruptions=("blur", "noise")),
    "surface": Surface(),
    "compare": Compare((("a", 1), ("b", 2)), 100),
    "browse": Browse(n=3, seed=1, truncation=0.5),
    "sample_detail": SampleDetail(index=3),
    "latent_walk": LatentWalk(0, 1, end_seed=4),
    "latent_plane": LatentPlane(size=5, plane=2),
    "projection": Projection(index=3, part="preview"),
    "export": Export("samples", n=5, seed=2),
}


def test_every_file_that_declares_a_kind_is_registered_under_its_name():
    declared = {
        file.stem
        for file in JOBS.glob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "KIND"
    }
    assert sorted(registry.NAMES) == sorted(declared), "NAMES in gan_core/jobs/registry.py: a line for each such file"
    assert set(ASKED) == declared, "ASKED in this file: one example of parameters for each kind"
    assert {name: kind.name for name, kind in registry.kinds().items()} == {name: name for name in registry.NAMES}


@pytest.mark.parametrize("name", ASKED)
def test_parameters_survive_json(name):
    kind, asked = registry.kind_named(name), ASKED[name]
    assert registry.kind_of(asked) is kind
    assert kind.read(json.loads(json.dumps(kind.written(asked)))) == asked


def test_what_has_its_default_is_not_written():
    kind = registry.kind_named("browse")
    assert kind.written(Browse(n=64, seed=2, truncation=1)) == {"seed": 2}
    assert kind.written(Browse()) == {}


def test_a_request_is_checked_before_anybody_waits_for_it(store, plain):
    with pytest.raises(GanometerError, match="n is 0; .*; seed is -1; "):
        registry.request(store, Sample(n=0, seed=-1), run_id=plain)
    with pytest.raises(GanometerError, match="a browse job is about a run and names none"):
        registry.request(store, Browse())
    with pytest.raises(UnknownRun, match="there is no run 'nobody'"):
        registry.request(store, Browse(), run_id="nobody")


def test_equal_requests_are_one_job_however_they_are_written(store, plain):
    one = registry.request(store, Browse(n=64, seed=9), run_id=plain, step=30)
    assert registry.request(store, Browse(seed=9, truncation=1.0), run_id=plain, step=30) == one
    assert registry.asked(store.jobs.get(one)) == Browse(seed=9)


def waiting(kind: str, params: dict, run_id: str | None = None, result: bytes | None = None) -> Job:
    return Job(1, kind, run_id, None, params, "waiting", 0.0, None, result)


@pytest.mark.parametrize("name", [name for name in ASKED if registry.kind_named(name).of_run])
def test_every_kind_about_a_run_wants_one_with_such_a_snapshot(store, ask, plain, name):
    with pytest.raises(GanometerError, match="has no snapshot of step 29|pca64"):
        ask(ASKED[name], plain, 29)
    params = registry.kind_named(name).written(ASKED[name])
    with pytest.raises(GanometerError, match="is about a run and names none"):
        registry.answer(store, waiting(name, params), lambda _: None)


def test_a_job_that_somebody_else_has_written_is_checked_again(store, plain):
    with pytest.raises(GanometerError, match="n is 'many'; expected a whole number"):
        registry.answer(store, waiting("sample", {"n": "many"}, plain), lambda _: None)


@pytest.mark.parametrize("kind", ["shelf", "explode", "registry", "kind"])
def test_a_kind_that_is_not_there_any_more_is_a_sentence(store, kind):
    for asked in (
        lambda: registry.answer(store, waiting(kind, {}), lambda _: None),
        lambda: registry.asked(waiting(kind, {})),
        lambda: registry.decoded(waiting(kind, {}, result=b"x")),
    ):
        with pytest.raises(GanometerError, match=f"'{kind}' is no kind of job; choose one of sample, "):
            asked()


def test_an_answer_that_is_gone_is_a_sentence():
    with pytest.raises(GanometerError, match="deleted, or is not there yet: ask again"):
        registry.decoded(waiting("browse", {}))


DECODES = """
import sys
from gan_core.jobs import registry
from gan_core.records import Job
for name in registry.NAMES:
    registry.kind_named(name)
result = open(sys.argv[1], "rb").read()
job = Job(1, "corruptions", None, None, {}, "done", 1.0, None, result)
assert registry.decoded(job).n == 40
print(*sorted({"numba", "scipy", "sklearn", "tensorflow", "keras"} & {name.partition(".")[0] for name in sys.modules}))
"""


def test_asking_and_decoding_loads_nothing_heavy(store, tmp_path):
    job = store.jobs.get(registry.request(store, Corruptions("ring-8", 40, corruptions=("noise",))))
    from tests.jobs.small_runs import RING

    file = tmp_path / "answer"
    file.write_bytes(registry.answer(store, job, lambda name: RING))
    run = [sys.executable, "-c", DECODES, str(file)]
    done = subprocess.run(run, cwd=JOBS.parents[1], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("\n", "")
