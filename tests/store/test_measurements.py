"""References, reports and learned feature spaces come back as they were put."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from gan_core.config.presets import preset
from gan_core.records import FeatureSpace, Histogram, MetricResult, Reference, Report
from gan_core.store import schema as tables


def test_references_are_found_by_all_they_depend_on(store):
    kept = Reference(100, 20, 0, {"energy_distance": (0.01, 0.002)}, overlap=True)
    store.measurements.put_reference("data", "pixels", kept)
    assert store.measurements.reference("data", "pixels", 100) == kept
    for other in (("other", "pixels", 100), ("data", "pca64", 100), ("data", "pixels", 99)):
        assert store.measurements.reference(*other) is None
    for other in ({"k": 4}, {"seed": 1}, {"panel": "full"}):
        assert store.measurements.reference("data", "pixels", 100, **other) is None
    better = replace(kept, draws=40)
    store.measurements.put_reference("data", "pixels", better)
    assert store.measurements.reference("data", "pixels", 100) == better


def test_references_that_differ_in_k_seed_or_panel_live_side_by_side(store):
    first = Reference(100, 20, 0, {"precision": (0.9, 0.01)})
    every = [first, replace(first, k=3), replace(first, seed=1), replace(first, panel="full")]
    for reference in every:
        store.measurements.put_reference("data", "pixels", reference)
    for r in every:
        assert store.measurements.reference("data", "pixels", 100, k=r.k, seed=r.seed, panel=r.panel) == r


def test_neither_panel_answers_for_the_other(store):
    full = Reference(100, 20, 0, {"dcr_share": (0.5, 0.01)}, panel="full")
    store.measurements.put_reference("data", "pixels", full)
    assert store.measurements.reference("data", "pixels", 100) is None
    assert store.measurements.reference("data", "pixels", 100, panel="full") == full


def test_reports_come_back_in_order_of_steps(store):
    run_id = store.runs.create(preset("auto", data="digits"))
    histogram = Histogram((0.0, 1.0, 2.0), (0.5, 0.5), (0.25, 0.75), (1.0, 0.0))
    first = Report(
        "measured", 50, 50, 5, "pixels", 0, {"p": MetricResult("p", None, needs="train")}, histogram, "so", 1.5
    )
    bigger = replace(first, n_fake=80, n_real=80, histogram=None, status="diverged")
    for step, report in ((30, first), (10, bigger), (10, first)):
        store.measurements.put_report(run_id, step, report)
    assert store.measurements.reports(run_id) == [(10, first), (10, bigger), (30, first)]
    store.measurements.put_report(run_id, 30, replace(first, verdict="other"))
    assert store.measurements.reports(run_id)[-1] == (30, replace(first, verdict="other"))
    assert store.measurements.reports("nobody") == []


def test_reports_that_differ_in_space_k_seed_or_panel_live_side_by_side(store):
    run_id = store.runs.create(preset("auto", data="digits"))
    first = Report("measured", 50, 50, 5, "pixels", 0)
    every = [
        first,
        *(replace(first, **other) for other in ({"space": "pca64"}, {"k": 3}, {"seed": 1}, {"panel": "full"})),
    ]
    for report in (*every, *every):
        store.measurements.put_report(run_id, 10, report)
    found = [report for _, report in store.measurements.reports(run_id)]
    assert len(found) == len(every) and all(report in found for report in every)


# ---------------------------------------------------------------- learned feature spaces

WEIGHTS = bytes(range(256)) * 40


def put(store, data: bytes, accuracy: float = 0.99) -> FeatureSpace:
    sha256 = hashlib.sha256(data).hexdigest()
    return store.measurements.put_features("data", "classifier", data, accuracy, sha256, {"keras": "3.0"})


def test_a_learned_space_comes_back_as_it_was(store):
    assert store.measurements.features("data", "classifier") is None
    kept = FeatureSpace(
        "data", "classifier", WEIGHTS, 0.99, hashlib.sha256(WEIGHTS).hexdigest(), versions={"keras": "3.0"}
    )
    assert put(store, WEIGHTS) == kept
    assert store.measurements.features("data", "classifier") == kept
    assert store.measurements.features("other", "classifier") is store.measurements.features("data", "other") is None


def test_the_first_learned_space_is_the_one_that_counts(store):
    """Whoever trained one at the same time learns which, so that all of them measure in the same space."""
    first = put(store, WEIGHTS)
    assert put(store, b"other weights", 0.5) == first == store.measurements.features("data", "classifier")


def test_a_damaged_learned_space_is_none_and_can_be_replaced(store):
    put(store, WEIGHTS)
    with store.database.writing() as db:
        db.execute(tables.features.update().values(weights=WEIGHTS[:-1]))
    assert store.measurements.features("data", "classifier") is None
    assert put(store, b"again") == store.measurements.features("data", "classifier")
    assert store.measurements.features("data", "classifier").weights == b"again"


def test_of_spaces_learned_at_the_same_moment_one_is_kept(store):
    barrier = threading.Barrier(4)

    def learned(i: int) -> FeatureSpace:
        barrier.wait(timeout=30)
        return put(store, b"%d" % i, i / 10)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(learned, range(4)))
    assert found == [store.measurements.features("data", "classifier")] * 4
