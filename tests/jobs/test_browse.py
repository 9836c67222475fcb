"""Browsing samples, against SciPy, scikit-learn and the networks themselves."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from gan_core.data import datasets
from gan_core.distances.modes import Labeller
from gan_core.engine import sampling
from gan_core.jobs.browse import KIND, Browse
from gan_core.jobs.snapshot_sampler import SnapshotSampler, discriminator_at
from gan_core.records import GanometerError
from gan_core.store import schema
from tests.jobs.small_runs import DIGITS, RING, STEP, flat, kept


@pytest.fixture(scope="module")
def browsed(ask, plain):
    return ask(Browse(n=150, seed=3), plain)


def test_an_answer_holds_what_it_says(browsed):
    n, m = 150, len(DIGITS.test)
    shapes = {
        "x": (n, 8, 8, 1),
        **dict.fromkeys(("distances", "rows", "realism", "rarity", "labels", "scores", "nearest_real_rows"), (n,)),
        "xy": (n, 2),
        "real_x": (m, 8, 8, 1),
        **dict.fromkeys(("real_labels", "real_distances"), (m,)),
        "real_xy": (m, 2),
        "explained": (2,),
        "classes": (10,),
        **dict.fromkeys(("class_distances", "class_real_distances"), (10, 10)),
    }
    assert {name: array.shape for name, array in browsed.items()} == shapes
    single = ("distances", "realism", "rarity", "scores", "xy", "real_xy", "real_distances", "explained")
    assert {browsed[name].dtype for name in single} == {np.dtype(np.float32)} and browsed["x"].dtype == np.uint8


def test_nearest_rows_are_those_that_scikit_learn_finds(browsed):
    finder = NearestNeighbors(n_neighbors=1).fit(flat(DIGITS.train.x))
    for x, distances in (("x", "distances"), ("real_x", "real_distances")):
        far, _ = finder.kneighbors(flat(browsed[x]))
        assert browsed[distances] == pytest.approx(far[:, 0], abs=1e-5)
    gaps = np.linalg.norm(flat(browsed["x"]) - flat(DIGITS.train.x[browsed["rows"]]), axis=1)
    assert browsed["distances"] == pytest.approx(gaps, abs=1e-5)
    exact = cdist(flat(browsed["x"]), flat(browsed["real_x"]))
    assert np.take_along_axis(exact, browsed["nearest_real_rows"][:, None], 1)[:, 0] == pytest.approx(exact.min(axis=1))


def test_real_rows_are_held_out_and_carry_their_labels(browsed):
    rows = {row.tobytes(): label for row, label in zip(DIGITS.test.x, DIGITS.test.y)}
    assert [rows[row.tobytes()] for row in browsed["real_x"]] == browsed["real_labels"].tolist()


def test_realism_and_rarity_follow_from_the_balls_of_real_samples(browsed):
    """Kynkäänniemi et al. 2019, section 5, and Han et al. 2023, by hand."""
    real, fake = flat(browsed["real_x"]), flat(browsed["x"])
    radii = np.sort(cdist(real, real), axis=1)[:, 5]  # the first is the row itself
    apart = cdist(fake, real)
    usual = radii <= np.median(radii)
    assert browsed["realism"] == pytest.approx((radii[usual] / apart[:, usual]).max(axis=1), rel=1e-4)
    smallest = np.where(apart <= radii, radii, np.inf).min(axis=1)
    assert np.array_equal(np.isnan(browsed["rarity"]), np.isinf(smallest))
    inside = np.isfinite(smallest)
    assert browsed["rarity"][inside] == pytest.approx(smallest[inside], rel=1e-5)


def test_classes_are_those_that_the_labeller_guesses(browsed):
    labeller = Labeller.of(train=DIGITS.train.x, train_labels=DIGITS.train.y)
    assert np.array_equal(browsed["labels"], labeller.labels[labeller.find(flat(browsed["x"]))])


def test_distances_between_classes_are_means(browsed):
    exact = cdist(flat(browsed["real_x"]), flat(browsed["x"]))
    inner = cdist(*(flat(browsed["real_x"][start::2]) for start in (0, 1)))
    for i in range(10):
        for j in range(10):
            of = exact[np.ix_(browsed["real_labels"] == i, browsed["labels"] == j)]
            assert browsed["class_distances"][i, j] == pytest.approx(of.mean() if of.size else np.nan, nan_ok=True)
            of = inner[np.ix_(browsed["real_labels"][::2] == i, browsed["real_labels"][1::2] == j)]
            assert browsed["class_real_distances"][i, j] == pytest.approx(of.mean())


def test_the_map_is_scikit_learns_and_the_same_for_every_run(ask, browsed, conditional):
    pca = PCA(2).fit(flat(DIGITS.train.x))
    for x, xy in (("x", "xy"), ("real_x", "real_xy")):
        assert np.abs(browsed[xy]) == pytest.approx(np.abs(pca.transform(flat(browsed[x]))), abs=1e-4)
    assert browsed["explained"] == pytest.approx(pca.explained_variance_ratio_, rel=1e-5)
    assert np.array_equal(ask(Browse(), conditional)["real_xy"], browsed["real_xy"])


def test_scores_are_the_discriminators_logits(store, browsed, plain):
    network = discriminator_at(store, store.runs.get(plain), STEP)
    sampler = SnapshotSampler.of(store, plain, STEP)
    inputs = sampling.inputs(sampler.generator, 3, 150, sampling.REQUEST)
    assert browsed["scores"] == pytest.approx(network(sampler.generator(inputs)).numpy()[:, 0], abs=1e-4)


def test_a_step_without_a_checkpoint_has_no_scores(store, ask):
    run_id = kept(store, DIGITS)
    with store.database.writing() as db:
        db.execute(schema.checkpoints.delete().where(schema.checkpoints.c.run_id == run_id))
    assert "scores" not in ask(Browse(), run_id)


def test_without_a_seed_it_is_the_snapshot(store, ask, plain):
    shown = ask(Browse(n=5), plain, None)
    assert np.array_equal(shown["x"], store.recordings.snapshot(plain).samples)
    assert len(ask(Browse(n=5, seed=0), plain)["x"]) == 5


def test_many_come_in_parts_and_say_how_far_they_are(ask, ring):
    said = []
    found = ask(Browse(n=5500, seed=1), ring, progress=said.append)
    assert said == sorted(said) and len(said) >= 5 and said[-1] <= 1
    exact = NearestNeighbors(n_neighbors=1).fit(RING.train.x.astype(float)).kneighbors(found["x"].astype(float))[0]
    assert found["distances"] == pytest.approx(exact[:, 0], rel=1e-4, abs=1e-6)


def test_points_are_a_map_already(store, ask, ring):
    found = ask(Browse(), ring)
    assert np.array_equal(found["xy"], found["x"]) and np.array_equal(found["real_xy"], found["real_x"])
    assert found["real_x"].shape == (1000, 2) and found["explained"].sum() == pytest.approx(1)
    network = discriminator_at(store, store.runs.get(ring), STEP)
    assert found["scores"] == pytest.approx(network(found["x"]).numpy()[:, 0], abs=1e-4)


def test_a_run_with_classes_knows_the_class_of_each_sample(ask, conditional):
    own = ask(Browse(), conditional)
    assert own["labels"].tolist() == [i % 10 for i in range(64)]
    several = ask(Browse(n=40, seed=2), conditional)
    eights = ask(Browse(n=40, seed=2, label=8), conditional)
    assert len(set(several["labels"])) > 4 and set(eights["labels"]) == {8}
    assert np.isnan(np.delete(eights["class_distances"], 8, axis=1)).all()
    assert np.isfinite(eights["scores"]).all()


def test_data_without_classes_have_no_labels(store, ask):
    one = {name: datasets.Part(part.x[:400], np.zeros(400, np.int64)) for name, part in RING.parts.items()}
    data = datasets.Dataset("ring-8", "points", (2,), **one)
    run_id = kept(store, data)
    found = ask(Browse(), run_id, data=data)
    assert not {"labels", "classes", "class_distances", "class_real_distances"} & set(found) and "xy" in found


def test_a_class_is_refused_where_the_run_has_none(ask, plain):
    with pytest.raises(GanometerError, match="class 3 was asked of run .* it was trained without classes"):
        ask(Browse(label=3), plain)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n": 10_001}, "n is 10001; it must be between 1 and 10,000"),
        ({"truncation": 0.0}, "truncation is 0.0; it must be above 0 and at most 1"),
        ({"truncation": float("nan")}, "truncation is nan; it must be above 0 and at most 1"),
        ({"seed": "1", "n": 0}, "seed is '1'; expected a whole number; n is 0; it must be between 1 and 10,000"),
        (
            {"colour": 1},
            "colour is not a parameter of a browse job; choose from n, seed, label, truncation",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
