"""The references that ship with the app: for which data they are, and that measuring again gives the same."""

import pytest

from gan_core import codec
from gan_core.data import datasets
from gan_core.distances import features
from gan_core.distances.catalogue import METRICS, VERSION
from gan_core.jobs import measurement, references
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.records import Reference
from gan_core.store import Store

REMEDY = "Raise VERSION in gan_core/distances/catalogue.py and run `make references`"


@pytest.fixture
def store(home):
    store = Store(f"sqlite:///{home / 'store.sqlite'}")
    yield store
    store.close()


def shipped_of(sha256: str) -> dict[tuple, Reference]:
    return {key[1:]: found for key, found in references.shipped().items() if key[0] == sha256}


@pytest.mark.parametrize(("name", "n"), [("digits", 360), ("ring-8", 1000), ("grid-25", 1000)])
def test_the_data_sets_that_ship_their_references_are_known_by_their_hash(store, name, n):
    dataset = datasets.load(name)
    found = references.known(store, dataset.sha256, "pixels", n, panel="full")
    assert found is not None, f"no reference of version {VERSION} ships: run `make references`"
    modes = {"modes_captured", "high_quality_share"}
    lacking = set(METRICS) - (modes if dataset.modes is None else set()) - set(found.metrics)
    assert not lacking, f"{', '.join(sorted(lacking))}: what real samples give is not known. {REMEDY}"
    assert set(found.metrics) <= set(METRICS), f"a metric that is gone still has references. {REMEDY}"
    assert (found.n, found.k, found.panel, found.version) == (n, 5, "full", VERSION)
    live = references.known(store, dataset.sha256, "pixels", n)
    assert set(live.metrics) == {name for name in found.metrics if METRICS[name].live} and live.draws >= 20
    assert found.draws >= 20 and all(sd >= 0 for _, sd in found.metrics.values())


def test_mnist_is_known_by_its_hash_too(store, mnist_folder):
    dataset = datasets.load("mnist", folder=mnist_folder)
    assert {n for _, n, _, _ in shipped_of(dataset.sha256)} >= {500, 1000, 2000}
    found = references.known(store, dataset.sha256, "pixels", 1000)
    mean, sd = found.metrics["density"]
    assert abs(mean - 1) < 4 * sd + 0.05  # E[density] = 1 exactly for equal distributions


def test_what_nobody_measured_is_not_known(store):
    digits = datasets.load("digits")
    assert references.known(store, digits.sha256, "pixels", 123) is None
    assert references.known(store, digits.sha256, "pixels", 360, k=4) is None
    assert references.known(store, "0" * 64, "pixels", 360) is None


def test_what_this_store_measured_comes_before_what_ships(store):
    digits = datasets.load("digits")
    own = Reference(360, 20, 0, {"density": (7.0, 1.0)}, version=VERSION)
    store.measurements.put_reference(digits.sha256, "pixels", own)
    assert references.known(store, digits.sha256, "pixels", 360) == own
    old = Reference(360, 20, 0, {"density": (7.0, 1.0)}, version=VERSION - 1)
    store.measurements.put_reference(digits.sha256, "pixels", old)
    assert references.known(store, digits.sha256, "pixels", 360).metrics["density"][0] != 7


@pytest.mark.slow
@pytest.mark.parametrize(("name", "space"), [("digits", "pixels"), ("digits", "pca64"), ("ring-8", "pixels")])
def test_measuring_again_gives_what_ships(name, space):
    dataset = datasets.load(name)
    transform = codec.to_unit if space == "pixels" else features.space_of(space, train=dataset.train.x)
    for (of, n, _, panel), known in shipped_of(dataset.sha256).items():
        if of == space and n <= 1000:
            made = measurement.calibration(dataset, MeasureParameters(n, space=space, panel=panel), transform)
            for metric, pair in known.metrics.items():
                # Along four of the digits' 64 directions the training rows do not differ at all, and some test rows do:
                # which four of their plane are taken is the machine's choice. Distances are the same, slices are not.
                rel = 1e-3 if (space, metric) == ("pca64", "sliced_wasserstein") else 1e-6
                assert made.metrics[metric] == pytest.approx(pair, rel=rel, abs=1e-7), (n, metric)
