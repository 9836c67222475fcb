"""One sample in detail, against SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from gan_core.engine import sampling
from gan_core.engine.classifier import train_classifier
from gan_core.jobs.browse import Browse
from gan_core.jobs.sample_detail import KIND, SampleDetail
from gan_core.records import GanometerError
from gan_core.store import Store
from tests.jobs.small_runs import DIGITS, answered, flat, kept


def test_it_is_one_of_the_samples_that_are_browsed(ask, plain):
    browsed = ask(Browse(n=150, seed=3), plain)
    for index in (0, 130):
        found = ask(SampleDetail(n=150, seed=3, index=index, k=6), plain)
        assert np.array_equal(found["x"], browsed["x"][index : index + 1])
        assert np.array_equal(found["z"], sampling.latents(3, 150, 4, sampling.REQUEST)[index])
        assert found["pixels.distances"][0] == browsed["distances"][index]
        assert found["real_distance"] == pytest.approx(np.median(browsed["real_distances"]))
        assert "label" not in found


def test_neighbours_are_those_of_each_space(ask, plain):
    found = ask(SampleDetail(n=9, seed=3, index=8, k=7), plain)
    assert {name.split(".")[0] for name in found if "." in name} == {"pixels", "pca64"}
    pca = PCA(64).fit(flat(DIGITS.train.x))
    for space, seen in (("pixels", flat), ("pca64", lambda x: pca.transform(flat(x)))):
        exact = cdist(seen(found["x"]), seen(DIGITS.train.x))[0]
        rows = found[f"{space}.rows"]
        assert found[f"{space}.distances"] == pytest.approx(np.sort(exact)[:7], abs=1e-4)
        assert exact[rows] == pytest.approx(found[f"{space}.distances"], abs=1e-4)
        assert np.array_equal(found[f"{space}.nearest"], DIGITS.train.x[rows])
        assert np.array_equal(found[f"{space}.labels"], DIGITS.train.y[rows])


def test_a_learned_space_is_used_where_there_is_one(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    run_id = kept(store, DIGITS)
    made = train_classifier(
        *(DIGITS.train.x, DIGITS.train.y), holdout_x=DIGITS.holdout.x, holdout_y=DIGITS.holdout.y, seconds=0.5
    )
    store.measurements.put_features(DIGITS.sha256, "classifier", made.to_bytes(), made.accuracy, made.sha256, {})
    found = answered(store, SampleDetail(index=3, k=4), run_id)
    exact = cdist(made.features(found["x"]), made.features(DIGITS.train.x))[0]
    assert found["classifier.distances"] == pytest.approx(np.sort(exact)[:4], rel=1e-3)
    assert exact[found["classifier.rows"]] == pytest.approx(found["classifier.distances"], rel=1e-3)
    store.close()


def test_points_are_looked_at_as_they_are(ask, ring):
    found = ask(SampleDetail(index=63, k=2), ring)
    assert {name.split(".")[0] for name in found if "." in name} == {"pixels"} and found["x"].shape == (1, 2)


def test_the_class_is_the_one_the_sample_was_made_for(ask, conditional):
    assert ask(SampleDetail(index=13), conditional)["label"] == 3
    assert ask(SampleDetail(index=13, label=9), conditional)["label"] == 9


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "index is missing; expected a whole number"),
        ({"index": 64}, "index is 64 and there are 64 samples; give 0 to 63"),
        ({"index": 5, "n": 5, "seed": 1}, "index is 5 and there are 5 samples; give 0 to 4"),
        ({"index": 5, "k": 0}, "k is 0; it must be between 1 and 100"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
