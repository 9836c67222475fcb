"""Every kind of job on a run that keeps samples instead of networks: what can be answered is, the rest is refused."""

import numpy as np
import pytest

from gan_core.codec import to_unit
from gan_core.config.run_config import RunConfig, override
from gan_core.distances.report import measure
from gan_core.jobs.browse import Browse
from gan_core.jobs.compare import Compare
from gan_core.jobs.comparison import group_runs
from gan_core.jobs.latent_plane import LatentPlane
from gan_core.jobs.latent_walk import LatentWalk
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.jobs.measurement import real_part
from gan_core.jobs.neighbours import Neighbours
from gan_core.jobs.projection import Projection
from gan_core.jobs.sample import Sample
from gan_core.jobs.sample_detail import SampleDetail
from gan_core.jobs.surface import Surface
from gan_core.records import GanometerError
from gan_core.store import Commit
from tests.jobs.small_runs import DIGITS, STEP, flat

KEPT = np.random.default_rng(3).permutation(DIGITS.test.x)[:90]


def foreign(store, kept=KEPT, name="mine", kind="samples", seed=0, rows=60):
    """A finished run that keeps these samples."""
    config = override(RunConfig(), {"data.name": "digits", "recording.rows": rows, "seed": seed})
    run_id = store.runs.create(config, name=name, worker_id="hand", kind=kind, total_steps=0)
    store.datasets.put(DIGITS.info())
    store.progress.describe(run_id, "hand", 1, dataset=DIGITS.sha256)
    about = dict(taken=[(STEP, kept[:64], b"")], kept=[(STEP, kept)])
    store.progress.commit(run_id, "hand", 1, Commit("finished", STEP, 1.0, **about))
    return run_id


@pytest.fixture(scope="module")
def mine(store):
    return foreign(store)


def test_a_report_is_of_the_samples_that_were_kept(store, mine, ask):
    asked = MeasureParameters(60)
    report = ask(asked, mine)
    part = real_part(DIGITS, asked, lambda x: to_unit(x).reshape(len(x), -1))
    again = measure(real=part, fake=to_unit(KEPT[:60]).reshape(60, -1))
    assert report.n_fake == 60
    assert report.metrics["energy_distance"].value == again.metrics["energy_distance"].value
    assert report.metrics["energy_distance"].z is not None  # beside real against real at this number


def test_more_than_was_kept_is_all_there_is_and_the_report_says_how_many(mine, ask):
    report = ask(MeasureParameters(300, panel="full"), mine)
    assert (report.n_real, report.n_fake) == (90, 90)


def test_a_seed_is_an_order_of_the_same_samples(mine, ask):
    first, again, other = (ask(Sample(40, seed), mine)["x"] for seed in (0, 5, 6))
    np.testing.assert_array_equal(first, KEPT[:40])
    np.testing.assert_array_equal(again, ask(Sample(90, 5), mine)["x"][:40])
    assert not np.array_equal(again, other)
    everything = ask(Sample(500, 5), mine)["x"]
    assert len(everything) == 90 and {x.tobytes() for x in everything} == {x.tobytes() for x in KEPT}


def test_browsing_shows_the_64_or_all_with_all_that_sorts_them_but_no_scores(mine, ask):
    own, every = ask(Browse(), mine), ask(Browse(1_000, 0), mine)
    np.testing.assert_array_equal(own["x"], KEPT[:64])
    np.testing.assert_array_equal(every["x"], KEPT)
    assert len(every["distances"]) == len(every["labels"]) == len(every["xy"]) == 90 and "scores" not in every


def test_a_sample_in_detail_has_neighbours_and_no_latent(mine, ask):
    found = ask(SampleDetail(70, n=90, seed=0, k=3), mine)
    nearest = np.sort(np.linalg.norm(flat(DIGITS.train.x) - flat(KEPT[70:71]), axis=1))[:3]
    np.testing.assert_allclose(found["pixels.distances"], nearest, rtol=1e-5)
    assert "z" not in found and "label" not in found
    with pytest.raises(GanometerError, match="sample 95 was asked of run .* keeps 90"):
        ask(SampleDetail(95, n=200, seed=0), mine)


def test_neighbours_are_those_of_the_kept_samples(mine, ask):
    np.testing.assert_array_equal(ask(Neighbours(1), mine)["x"], KEPT[:64])
    np.testing.assert_array_equal(ask(Neighbours(1, 30, 0), mine)["x"], KEPT[:30])


@pytest.mark.parametrize("asked", [LatentWalk(0, 1), LatentPlane(), Projection(0), Surface()])
def test_what_needs_a_network_is_refused(mine, ask, asked):
    with pytest.raises(GanometerError, match="keeps samples and no networks"):
        ask(asked, mine)


@pytest.mark.parametrize(
    ("asked", "said"),
    [(Browse(64, 0, label=3), "nobody knows the classes"), (Browse(64, 0, truncation=0.5), "leave it out")],
)
def test_what_only_a_generator_can_do_is_refused(mine, ask, asked, said):
    with pytest.raises(GanometerError, match=said):
        ask(asked, mine)


def test_runs_are_compared_with_as_many_samples_as_all_keep(store, plain, mine, ask):
    other = foreign(store, np.flip(KEPT, 1)[:70], name="flipped")
    verdict = ask(Compare(((mine, STEP), (other, STEP), (plain, STEP))), data=DIGITS)
    assert verdict.n == 60  # as they were measured
    assert ask(Compare(((mine, STEP), (other, STEP)), 200), data=DIGITS).n == 70
    values = {name: dict(pairs)[0] for name, pairs in verdict.values.items()}
    assert [name.partition(" · ")[2] for name in values] == ["mine", "flipped", "auto"]
    assert min(values, key=lambda name: values[name]).endswith("mine")


def test_runs_of_one_name_are_repetitions_if_their_seeds_differ(store, mine):
    runs = [store.runs.get(foreign(store, name=name, seed=seed)) for name, seed in (("a", 0), ("a", 1), ("b", 0))]
    assert [(group.label, group.seeds) for group in group_runs(runs)] == [("a", (0, 1)), ("b", (0,))]
    same = store.runs.get(foreign(store, name="b"))
    assert [group.label for group in group_runs([runs[2], same])] == ["b", "b"]
