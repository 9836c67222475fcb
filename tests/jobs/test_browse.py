"""What is looked at in a snapshot, against SciPy, scikit-learn and the networks themselves."""

import io

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from gan_core.codec import to_storage
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.data import datasets
from gan_core.distances.modes import Labeller
from gan_core.engine import checkpoints, models, sampling
from gan_core.engine.classifier import train_classifier
from gan_core.engine.networks import statistics
from gan_core.jobs import explore, measure, snapshot_sampler
from gan_core.records import GanometerError
from gan_core.store import Store, schema, unpack

DIGITS, RING = datasets.load("digits"), datasets.load("ring-8")
STEP = 30
TINY = {"generator.hidden": "8", "discriminator.hidden": "8", "generator.latent_dim": 4, "training.batch": 32}


def kept(store: Store, data: datasets.Dataset, **changes) -> str:
    """A run with one snapshot and its checkpoint, of networks that never learned anything."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = override(preset("auto", data=data.name, shape=data.shape), TINY | changes)
    labels = np.searchsorted(data.classes, data.train.y) if config.data.conditional else None
    model, rng = models.new(config, statistics(data.train.x, labels)), np.random.default_rng(1)
    for weight in [*model.ema_generator.weights, *model.discriminator.weights]:
        if len(weight.shape) == 2 and min(weight.shape) > 1:
            weight.assign(np.asarray(weight) + rng.normal(0, 0.4, weight.shape))
    inputs = sampling.inputs(model.ema_generator, config.seed, 64, sampling.PREVIEW)
    shown = to_storage(sampling.generate(model.ema_generator, inputs))
    others = {"discriminator": model.discriminator.weights} if data.shape == (2,) else {}
    weights = checkpoints.weights_to_bytes(model.ema_generator.weights, **others)
    run_id = store.runs.create(config, worker_id="hand")
    store.library.put_dataset(data.info())
    store.runs.describe(run_id, "hand", 1, dataset=data.sha256)
    state = checkpoints.capture(model, STEP, np.zeros((0, len(model.ROW)), np.float32))
    about = dict(seconds=1.0, steps_per_second=None, values=[], measured=[], checkpoint=state)
    store.runs.commit(run_id, "hand", 1, state="finished", step=STEP, taken=[(STEP, shown, weights)], **about)
    return run_id


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def plain(store):
    return kept(store, DIGITS)


@pytest.fixture(scope="module")
def told(store):
    return kept(store, DIGITS, data__conditional=True)


@pytest.fixture(scope="module")
def ring(store):
    return kept(store, RING, generator__latent_dim=2)


@pytest.fixture(scope="module")
def ask(store):
    """The arrays that answer a job."""

    def asked(kind: str, run_id: str, step: int | None = STEP, progress=lambda share: None, **params) -> dict:
        job = store.jobs.get(store.jobs.request(kind, run_id=run_id, step=step, params=params))
        data = {"digits": DIGITS, "ring-8": RING}
        return unpack(measure.answer(store, job, lambda name: data[name], progress))

    return asked


def flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1) / (255.0 if x.dtype == np.uint8 else 1.0)


# ---------------------------------------------------------------- a shelf


@pytest.fixture(scope="module")
def shelf(ask, plain):
    return ask("shelf", plain, n=150, seed=3)


def test_a_shelf_holds_what_it_says(shelf):
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
    assert {name: array.shape for name, array in shelf.items()} == shapes
    single = ("distances", "realism", "rarity", "scores", "xy", "real_xy", "real_distances", "explained")
    assert {shelf[name].dtype for name in single} == {np.dtype(np.float32)} and shelf["x"].dtype == np.uint8


def test_nearest_rows_are_those_that_scikit_learn_finds(shelf):
    finder = NearestNeighbors(n_neighbors=1).fit(flat(DIGITS.train.x))
    for x, distances in (("x", "distances"), ("real_x", "real_distances")):
        far, _ = finder.kneighbors(flat(shelf[x]))
        assert shelf[distances] == pytest.approx(far[:, 0], abs=1e-5)
    gaps = np.linalg.norm(flat(shelf["x"]) - flat(DIGITS.train.x[shelf["rows"]]), axis=1)
    assert shelf["distances"] == pytest.approx(gaps, abs=1e-5)
    exact = cdist(flat(shelf["x"]), flat(shelf["real_x"]))
    assert np.take_along_axis(exact, shelf["nearest_real_rows"][:, None], 1)[:, 0] == pytest.approx(exact.min(axis=1))


def test_real_rows_are_held_out_and_carry_their_labels(shelf):
    rows = {row.tobytes(): label for row, label in zip(DIGITS.test.x, DIGITS.test.y)}
    assert [rows[row.tobytes()] for row in shelf["real_x"]] == shelf["real_labels"].tolist()


def test_realism_and_rarity_follow_from_the_balls_of_real_samples(shelf):
    """Kynkäänniemi et al. 2019, section 5, and Han et al. 2023, by hand."""
    real, fake = flat(shelf["real_x"]), flat(shelf["x"])
    radii = np.sort(cdist(real, real), axis=1)[:, 5]  # the first is the row itself
    apart = cdist(fake, real)
    usual = radii <= np.median(radii)
    assert shelf["realism"] == pytest.approx((radii[usual] / apart[:, usual]).max(axis=1), rel=1e-4)
    smallest = np.where(apart <= radii, radii, np.inf).min(axis=1)
    assert np.array_equal(np.isnan(shelf["rarity"]), np.isinf(smallest))
    inside = np.isfinite(smallest)
    assert shelf["rarity"][inside] == pytest.approx(smallest[inside], rel=1e-5)


def test_classes_are_those_that_the_labeller_guesses(shelf):
    labeller = Labeller.of(train=DIGITS.train.x, train_labels=DIGITS.train.y)
    assert np.array_equal(shelf["labels"], labeller.labels[labeller.find(flat(shelf["x"]))])


def test_distances_between_classes_are_means(shelf):
    exact = cdist(flat(shelf["real_x"]), flat(shelf["x"]))
    inner = cdist(*(flat(shelf["real_x"][start::2]) for start in (0, 1)))
    for i in range(10):
        for j in range(10):
            of = exact[np.ix_(shelf["real_labels"] == i, shelf["labels"] == j)]
            assert shelf["class_distances"][i, j] == pytest.approx(of.mean() if of.size else np.nan, nan_ok=True)
            of = inner[np.ix_(shelf["real_labels"][::2] == i, shelf["real_labels"][1::2] == j)]
            assert shelf["class_real_distances"][i, j] == pytest.approx(of.mean())


def test_the_map_is_scikit_learns_and_the_same_for_every_run(ask, shelf, told):
    pca = PCA(2).fit(flat(DIGITS.train.x))
    for x, xy in (("x", "xy"), ("real_x", "real_xy")):
        assert np.abs(shelf[xy]) == pytest.approx(np.abs(pca.transform(flat(shelf[x]))), abs=1e-4)
    assert shelf["explained"] == pytest.approx(pca.explained_variance_ratio_, rel=1e-5)
    assert np.array_equal(ask("shelf", told)["real_xy"], shelf["real_xy"])


def test_scores_are_the_discriminators_logits(store, shelf, plain):
    network = snapshot_sampler.discriminator_at(store, store.runs.get(plain), STEP)
    sight = snapshot_sampler.Sight.of(store, plain, STEP)
    inputs = sampling.inputs(sight.generator, 3, 150, sampling.REQUEST)
    assert shelf["scores"] == pytest.approx(network(sight.generator(inputs)).numpy()[:, 0], abs=1e-4)


def test_a_step_without_a_checkpoint_has_no_scores(store, ask):
    run_id = kept(store, DIGITS)
    with store.database.writing() as db:
        db.execute(schema.checkpoints.delete().where(schema.checkpoints.c.run_id == run_id))
    assert "scores" not in ask("shelf", run_id)


def test_without_a_seed_it_is_the_snapshot(store, ask, plain):
    shown = ask("shelf", plain, None, n=5)
    assert np.array_equal(shown["x"], store.runs.snapshot(plain).samples)
    assert len(ask("shelf", plain, n=5, seed=0)["x"]) == 5


def test_many_come_in_parts_and_say_how_far_they_are(ask, ring):
    said = []
    found = ask("shelf", ring, n=5500, seed=1, progress=said.append)
    assert said == sorted(said) and len(said) >= 5 and said[-1] <= 1
    exact = NearestNeighbors(n_neighbors=1).fit(RING.train.x.astype(float)).kneighbors(found["x"].astype(float))[0]
    assert found["distances"] == pytest.approx(exact[:, 0], rel=1e-4, abs=1e-6)


def test_a_shelf_of_points_is_a_map_already(store, ask, ring):
    found = ask("shelf", ring)
    assert np.array_equal(found["xy"], found["x"]) and np.array_equal(found["real_xy"], found["real_x"])
    assert found["real_x"].shape == (1000, 2) and found["explained"].sum() == pytest.approx(1)
    network = snapshot_sampler.discriminator_at(store, store.runs.get(ring), STEP)
    assert found["scores"] == pytest.approx(network(found["x"]).numpy()[:, 0], abs=1e-4)


def test_a_run_that_was_told_of_classes_knows_them(ask, told):
    own = ask("shelf", told)
    assert own["labels"].tolist() == [i % 10 for i in range(64)]
    several = ask("shelf", told, n=40, seed=2)
    eights = ask("shelf", told, n=40, seed=2, label=8)
    assert len(set(several["labels"])) > 4 and set(eights["labels"]) == {8}
    assert np.isnan(np.delete(eights["class_distances"], 8, axis=1)).all()
    assert np.isfinite(eights["scores"]).all()


def test_data_without_classes_have_no_labels(store, ask):
    one = {name: datasets.Part(part.x[:400], np.zeros(400, np.int64)) for name, part in RING.parts.items()}
    data = datasets.Dataset("ring-8", "points", (2,), **one)
    run_id = kept(store, data)
    job = store.jobs.get(store.jobs.request("shelf", run_id=run_id, params={}))
    found = unpack(measure.answer(store, job, lambda name: data, lambda share: None))
    assert not {"labels", "classes", "class_distances", "class_real_distances"} & set(found) and "xy" in found


# ---------------------------------------------------------------- one closely


def test_a_closeup_is_a_sample_of_the_shelf(ask, shelf, plain):
    for index in (0, 130):
        found = ask("closeup", plain, n=150, seed=3, index=index, k=6)
        assert np.array_equal(found["x"], shelf["x"][index : index + 1])
        assert np.array_equal(found["z"], sampling.latents(3, 150, 4, sampling.REQUEST)[index])
        assert found["pixels.distances"][0] == shelf["distances"][index]
        assert found["real_distance"] == pytest.approx(np.median(shelf["real_distances"]))
        assert "label" not in found


def test_neighbours_are_those_of_each_space(ask, plain):
    found = ask("closeup", plain, n=9, seed=3, index=8, k=7)
    assert {name.split(".")[0] for name in found if "." in name} == {"pixels", "pca64"}
    pca = PCA(64).fit(flat(DIGITS.train.x))
    for space, seen in (("pixels", flat), ("pca64", lambda x: pca.transform(flat(x)))):
        exact = cdist(seen(found["x"]), seen(DIGITS.train.x))[0]
        rows = found[f"{space}.rows"]
        assert found[f"{space}.distances"] == pytest.approx(np.sort(exact)[:7], abs=1e-4)
        assert exact[rows] == pytest.approx(found[f"{space}.distances"], abs=1e-4)
        assert np.array_equal(found[f"{space}.nearest"], DIGITS.train.x[rows])
        assert np.array_equal(found[f"{space}.labels"], DIGITS.train.y[rows])


def test_a_learned_space_is_used_where_there_is_one(tmp_path, ask):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    run_id = kept(store, DIGITS)
    made = train_classifier(
        *(DIGITS.train.x, DIGITS.train.y), holdout_x=DIGITS.holdout.x, holdout_y=DIGITS.holdout.y, seconds=0.5
    )
    store.library.put_features(DIGITS.sha256, "classifier", made.to_bytes(), made.accuracy, made.sha256, {})
    job = store.jobs.get(store.jobs.request("closeup", run_id=run_id, params={"index": 3, "k": 4}))
    found = unpack(measure.answer(store, job, lambda name: DIGITS, lambda share: None))
    exact = cdist(made.features(found["x"]), made.features(DIGITS.train.x))[0]
    assert found["classifier.distances"] == pytest.approx(np.sort(exact)[:4], rel=1e-3)
    assert exact[found["classifier.rows"]] == pytest.approx(found["classifier.distances"], rel=1e-3)
    store.close()


def test_points_are_looked_at_as_they_are(ask, ring):
    found = ask("closeup", ring, index=63, k=2)
    assert {name.split(".")[0] for name in found if "." in name} == {"pixels"} and found["x"].shape == (1, 2)


def test_a_closeup_says_what_the_sample_was_told(ask, told):
    assert ask("closeup", told, index=13)["label"] == 3
    assert ask("closeup", told, index=13, label=9)["label"] == 9


# ---------------------------------------------------------------- a walk


def test_a_walk_leads_from_one_sample_to_the_other(ask, shelf, plain):
    found = ask("walk", plain, start_seed=3, start_index=2, end_seed=3, end_index=149, frames=9)
    assert np.array_equal(found["x"][[0, -1]], shelf["x"][[2, 149]])
    z = sampling.latents(3, 150, 4, sampling.REQUEST)[[2, 149]].astype(float)
    assert np.array_equal(found["z"][[0, -1]], z)
    omega = np.arccos(z[0] @ z[1] / np.prod(np.linalg.norm(z, axis=1)))
    half = (np.sin(omega / 2) * z[0] + np.sin(omega / 2) * z[1]) / np.sin(omega)
    assert found["z"][4] == pytest.approx(half, abs=1e-5)
    steps = [np.linalg.norm(a - b) for a, b in zip(flat(found["x"]), flat(found["x"][1:]))]
    assert found["length"] == pytest.approx(np.append(0, np.cumsum(steps)), abs=1e-5)


def test_frames_are_the_generators_of_their_latents(store, ask, ring):
    found = ask("walk", ring, start_index=0, end_seed=5, end_index=70, frames=12, truncation=0.7)
    sight = snapshot_sampler.Sight.of(store, ring, STEP)
    assert found["x"] == pytest.approx(sight.generator(found["z"]).numpy(), abs=1e-6)
    ends = ask("shelf", ring, truncation=0.7), ask("shelf", ring, seed=5, n=71, truncation=0.7)
    assert np.array_equal(found["x"][0], ends[0]["x"][0]) and np.array_equal(found["x"][-1], ends[1]["x"][70])


def test_a_walk_stays_in_the_class_of_its_start(store, ask, told):
    own = store.runs.snapshot(told).samples
    same = ask("walk", told, start_index=3, end_index=13, frames=4)
    assert np.array_equal(same["x"][[0, -1]], own[[3, 13]])
    other = ask("walk", told, start_index=3, end_index=14, frames=4)
    assert np.array_equal(other["x"][0], own[3]) and not np.array_equal(other["x"][-1], own[14])
    sight = snapshot_sampler.Sight.of(store, told, STEP)
    threes = np.concatenate([other["z"], np.tile(np.eye(10)[3], (4, 1))], axis=1).astype(np.float32)
    assert flat(other["x"]) == pytest.approx(flat(sight.generator(threes).numpy()), abs=1 / 255)


# ---------------------------------------------------------------- a pad


def test_the_cells_of_two_latents_are_equally_likely(store, ask, ring):
    found = ask("pad", ring, size=7)
    at = norm.ppf((np.arange(7) + 0.5) / 7)
    across, up = np.meshgrid(at, at)
    assert found["z"] == pytest.approx(np.stack([across, up], axis=-1), abs=1e-6)
    made = snapshot_sampler.Sight.of(store, ring, STEP).generator(found["z"].reshape(49, 2)).numpy()
    assert found["x"].shape == (7, 7, 2) and found["x"].reshape(49, 2) == pytest.approx(made, abs=1e-6)


def test_of_more_latents_a_numbered_plane_is_shown(ask, plain):
    first, again, other, half = (
        ask("pad", plain, size=5, **more) for more in ({}, {"plane": 0, "seed": 4}, {"plane": 1}, {"truncation": 0.5})
    )
    assert first["x"].shape == (5, 5, 8, 8, 1) and first["x"].dtype == np.uint8 and first["z"].shape == (5, 5, 4)
    assert np.array_equal(first["z"], again["z"]) and not np.allclose(first["z"], other["z"])
    assert np.linalg.matrix_rank(first["z"].reshape(25, 4), tol=1e-4) == 2 and not first["z"][2, 2].any()
    assert half["z"] == pytest.approx(first["z"] / 2)


def test_a_pad_shows_one_class(store, ask, told):
    first, fives = ask("pad", told, size=5), ask("pad", told, size=5, label=5)
    assert np.array_equal(first["x"], ask("pad", told, size=5, label=0, seed=1)["x"])
    sight = snapshot_sampler.Sight.of(store, told, STEP)
    inputs = np.concatenate([fives["z"].reshape(25, 4), np.tile(np.eye(10)[5], (25, 1))], axis=1).astype(np.float32)
    assert flat(fives["x"].reshape(25, 8, 8, 1)) == pytest.approx(flat(sight.generator(inputs).numpy()), abs=1 / 255)


# ---------------------------------------------------------------- the way back


@pytest.mark.parametrize("part", ["test", "train", "holdout", "preview"])
def test_a_real_sample_is_looked_for(ask, plain, part):
    said = []
    found = ask("project", plain, part=part, index=5, steps=60, starts=4, progress=said.append)
    preview = datasets.Part(DIGITS.info().preview, DIGITS.info().labels)
    real = (DIGITS.parts | {"preview": preview})[part]
    x, y = real.x, real.y
    assert np.array_equal(found["target"], x[5]) and found["label"] == y[5]
    assert found["z"].shape == (4,) and found["curve"].shape == (60,) and found["x"].shape == (8, 8, 1)
    far = np.sort(cdist(flat(x[5:6]), flat(DIGITS.train.x))[0])
    assert found["nearest_distance"] == pytest.approx(far[int(part == "train")], abs=1e-5)
    for name in ("x", "start", "nearest"):
        apart = np.linalg.norm(flat(found[name][None]) - flat(found["target"][None]))
        distance = found[{"x": "distance"}.get(name, f"{name}_distance")]
        assert apart == pytest.approx(distance, abs=8 / 510)  # pixels are rounded to whole ones
    assert found["distance"] <= found["start_distance"] and found["curve"][-1] == pytest.approx(found["distance"])
    assert said == sorted(said) and len(said) > 10


def test_a_generator_that_is_told_looks_within_the_class(store, ask, told):
    found = ask("project", told, part="test", index=0, steps=60)
    sight = snapshot_sampler.Sight.of(store, told, STEP)
    inputs = np.append(found["z"], np.eye(10)[DIGITS.test.y[0]]).astype(np.float32)[None]
    assert flat(found["x"][None]) == pytest.approx(flat(sight.generator(inputs).numpy()), abs=1 / 255)


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("shelf", {"n": 10_001, "seed": 0}, "n is 10001 in a shelf job; give a whole number from 1 to 10,000"),
        ("shelf", {"k": 2}, "k is 2"),
        ("shelf", {"label": 3}, "class 3 was asked of run .* it was not told of classes"),
        ("shelf", {"truncation": 0.0}, "truncation is 0.0"),
        ("shelf", {"seed": "1"}, "seed is '1'"),
        ("shelf", {"colour": 1}, "knows no parameter 'colour'"),
        ("closeup", {}, "a closeup job needs index"),
        ("closeup", {"index": 64}, "index is 64 and there are 64 samples; give 0 to 63"),
        ("closeup", {"index": 5, "n": 5, "seed": 1}, "index is 5 and there are 5 samples; give 0 to 4"),
        ("closeup", {"index": 5, "k": 0}, "k is 0"),
        ("walk", {"start_index": 0}, "a walk job needs end_index"),
        ("walk", {"start_index": 0, "end_index": 64}, "sample 64 was asked .* give a seed"),
        ("walk", {"start_index": 0, "end_index": 1, "frames": 121}, "frames is 121"),
        ("pad", {"size": 4}, "size is 4 in a pad job; give a whole number from 5 to 25"),
        ("pad", {"plane": -1}, "plane is -1"),
        ("pad", {"label": 3}, "it was not told of classes"),
        (
            "project",
            {"index": 0, "part": "x"},
            "part is 'x' in a project job; give one of test, train, holdout, preview",
        ),
        ("project", {"index": 360}, "index is 360 and the test part has 360 rows; give 0 to 359"),
        ("project", {"index": 0, "steps": 49}, "steps is 49"),
        ("project", {"index": 0, "starts": 17}, "starts is 17"),
    ],
)
def test_what_cannot_be_answered_says_why(ask, plain, kind, params, said):
    with pytest.raises(GanometerError, match=said):
        ask(kind, plain, **params)


@pytest.mark.parametrize("kind", explore.KINDS)
def test_every_kind_wants_a_run_with_such_a_snapshot(store, ask, plain, kind):
    params = {"closeup": {"index": 0}, "walk": {"start_index": 0, "end_index": 1}, "project": {"index": 0}}
    with pytest.raises(GanometerError, match="no snapshot of step 29"):
        ask(kind, plain, 29, **params.get(kind, {}))
    with pytest.raises(GanometerError, match="there is no run"):
        ask(kind, None, **params.get(kind, {}))


def test_answers_are_bytes_that_are_read_without_pickles(store, plain):
    job = store.jobs.get(store.jobs.request("closeup", run_id=plain, params={"index": 1}))
    data = measure.answer(store, job, lambda name: DIGITS, lambda share: None)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert {"x", "z", "pixels.nearest"} <= set(arrays.files)
