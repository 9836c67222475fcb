"""The Gallery without a browser: what it asks the worker for, and that it shows what the answers say."""

import functools

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gan_core import Browse, LatentPlane, LatentWalk, Projection, SampleDetail, closeness
from gan_core.config import presets
from gan_core.config import run_config as configs
from gan_core.jobs.registry import asked
from gan_core.store import Commit, pack
from tests.drawing import claim, components, drawn, open_page, pictures, text_of
from ui.frame.sample_orders import ORDERS, ordered

pytestmark = pytest.mark.usefixtures("no_cache_outlives_a_test")

open_gallery = functools.partial(open_page, "pages/gallery.py")
STEPS = (0, 50, 100)


def trained(store, dataset, **changes) -> str:
    """A finished run with three snapshots, whose samples are held-out rows; `changes` are settings, __ for a dot."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = configs.override(presets.preset("auto", data=dataset.name), {"training.steps": 100} | changes)
    run_id = store.runs.create(config)
    run = store.leases.claim("hand", run_id=run_id)
    store.datasets.put(dataset.info())
    store.progress.describe(run_id, "hand", run.claim_no, dataset=dataset.sha256, phase="training")
    about = dict(seconds=3.0, steps_per_second=50.0, values=[(100, "loss_generator", 0.6)])
    taken = [(step, dataset.holdout.x[step : step + 64], b"no weights") for step in STEPS]
    store.progress.commit(
        run_id, "hand", run.claim_no, Commit(state="finished", step=100, taken=taken, checkpoint=b"x", **about)
    )
    return run_id


def image_grid(at: AppTest) -> dict:
    (about,) = components(at, "ganometer_image_grid")
    return about


def alts(at: AppTest) -> list[str]:
    return [picture.alt for picture in pictures(at)]


def newest(store):
    """The job that was asked for last."""
    while job := store.jobs.claim("hand"):
        last = job
    return last


def answer(store, kind, found):
    """Do what a worker would; returns the job."""
    job = claim(store, kind)
    store.jobs.finish(job.id, result=pack(**found))
    return job


def browsed(dataset, n=64, **more) -> dict[str, np.ndarray]:
    """`n` samples whose numbers are all different, and in no order."""
    shuffled = np.random.default_rng(3).permutation(n).astype(np.float32)
    found = {
        "x": dataset.train.x[:n],
        "distances": 1 + shuffled / 1000,
        "realism": np.where(shuffled % 7 == 0, np.nan, np.roll(shuffled, 1) / 500).astype(np.float32),
        "rarity": np.roll(shuffled, 5),
        "scores": np.roll(shuffled, 9),
        "labels": dataset.train.y[:n],
    }
    return found | more


def close_up(dataset, **more) -> dict[str, np.ndarray]:
    found = {"x": dataset.holdout.x[:1], "z": np.linspace(-1, 1, 64, dtype=np.float32), "real_distance": np.float32(2)}
    for space, first in (("pixels", 1.25), ("pca64", 0.75)):
        found |= {
            f"{space}.nearest": dataset.train.x[:6],
            f"{space}.distances": np.float32(first) + np.arange(6, dtype=np.float32) / 8,
            f"{space}.rows": np.arange(6),
            f"{space}.labels": np.arange(6),
        }
    return found | more


# ---------------------------------------------------------------- samples


@pytest.mark.parametrize("query", [{}, {"step": "50"}, {"view": "samples"}, {"view": "<b>"}])
def test_the_run_s_own_samples_of_the_step_are_a_job(store, data, query):
    run_id, step = trained(store, data("digits")), int(query.get("step", 100))
    at = open_gallery(run=run_id, **query)
    assert f"64 generated samples at step {step}" in alts(at)
    job = answer(store, "browse", browsed(data("digits")))
    assert (job.run_id, job.step, asked(job)) == (run_id, step, Browse())
    drawn(at.run())
    shown = image_grid(at)
    assert (shown["count"], shown["width"], shown["height"], shown["picks"]) == (64, 8, 8, True)
    assert shown["alt"] == f"64 generated samples at step {step}"
    assert shown["captions"][0].startswith("no. 1\nto training: 1.")
    assert shown["chosen"] == 0
    job = claim(store, "sample_detail")
    assert (job.run_id, job.step, asked(job)) == (run_id, step, SampleDetail(0, k=6))


def test_every_order_is_the_one_of_its_numbers(store, data):
    at = open_gallery(run=trained(store, data("digits")))
    found = browsed(data("digits"))
    answer(store, "browse", found)
    drawn(at.run())
    assert at.selectbox(key="order").options == [order.title for order in ORDERS.values()]
    for name, values in (
        ("drawn", np.arange(64)),
        ("copied", found["distances"]),
        ("unlike", -found["distances"]),
        ("realistic", -found["realism"]),
        ("unrealistic", found["realism"]),
        ("rare", -found["rarity"]),
        ("convincing", -found["scores"]),
    ):
        drawn(at.selectbox(key="order").set_value(name).run())
        wanted = [f"no. {i + 1}" for i in np.argsort(values, kind="stable")]  # NumPy, too, puts what is none last
        assert [caption.splitlines()[0] for caption in image_grid(at)["captions"]] == wanted, name


def test_what_the_answer_lacks_cannot_be_ordered_by(store, data):
    at = open_gallery(run=trained(store, data("digits")))
    found = browsed(data("digits"))
    answer(store, "browse", {name: found[name] for name in ("x", "distances")})
    drawn(at.run())
    assert len(at.selectbox(key="order").options) == 3
    assert "Looks like class" not in {box.label for box in at.selectbox}


def test_one_class_can_be_looked_at(store, data):
    at = open_gallery(run=trained(store, data("digits")))
    found = browsed(data("digits"))
    answer(store, "browse", found)
    drawn(at.run())
    drawn(at.selectbox(key="looks like").set_value(3).run())
    wanted = [f"no. {i + 1}" for i in np.flatnonzero(found["labels"] == 3)]
    assert [caption.splitlines()[0] for caption in image_grid(at)["captions"]] == wanted
    assert all(caption.endswith("looks like 3") for caption in image_grid(at)["captions"])
    assert dict(newest(store).params)["index"] == np.flatnonzero(found["labels"] == 3)[0]


def test_an_order_within_a_class_is_of_that_class_alone():
    found = {"x": np.zeros(6), "distances": np.array([3.0, 1, 2, 0, np.nan, 1]), "labels": np.array([1, 1, 1, 0, 1, 1])}
    assert ordered(found, "copied", 1).tolist() == [1, 5, 2, 0, 4]
    assert ordered(found, "unlike", 1).tolist() == [0, 2, 1, 5, 4]
    assert ordered(found, "drawn").tolist() == [0, 1, 2, 3, 4, 5]
    assert ordered(found, "copied", 7).tolist() == []


def test_new_samples_are_asked_for_with_all_that_makes_them(store, data):
    run_id = trained(store, data("digits"), data__conditional=True)
    at = open_gallery(run=run_id)
    claim(store, "browse")
    whose = next(group for group in at.get("button_group") if group.label == "Samples")
    drawn(whose.set_value("New samples").run())
    at.selectbox(key="how many").set_value(1_000)
    at.number_input(key="sample seed").set_value(12)
    at.slider(key="samples truncation").set_value(0.7)
    drawn(at.selectbox(key=f"samples class {run_id}").set_value(4).run())
    last = newest(store)
    assert asked(last) == Browse(1000, 12, label=4, truncation=0.7)
    store.jobs.finish(last.id, result=pack(**browsed(data("digits"), n=1000)))
    drawn(at.run())
    assert "Samples 1 to 128 of 1,000." in text_of(at)
    assert image_grid(at)["count"] == 128
    job = claim(store, "sample_detail")
    assert asked(job) == SampleDetail(0, 1000, 12, label=4, truncation=0.7, k=6)


def test_samples_that_failed_can_be_asked_for_again(store, data):
    at = open_gallery(run=trained(store, data("digits")))
    store.jobs.finish(claim(store, "browse").id, error="the **weights** are gone")
    drawn(at.run())
    assert r"the \*\*weights\*\* are gone" in text_of(at)
    drawn(at.button(key="samples answer again").click().run())
    assert claim(store, "browse")


def test_one_sample_is_shown_with_its_nearest_in_every_space(store, data):
    digits = data("digits")
    at = open_gallery(run=trained(store, digits))
    answer(store, "browse", browsed(digits))
    drawn(at.run())
    answer(store, "sample_detail", close_up(digits))
    drawn(at.run())
    assert "Generated sample 1, large" in alts(at)
    for first in (1.25, 0.75):
        for place in range(6):
            wanted = f"A real training image of class {place} at distance {first + place / 8:.3f}"
            assert wanted in alts(at)
    assert sum("real training image" in alt for alt in alts(at)) == 12
    assert "Nearest training sample: 1.25. Held-out real samples have theirs at 2 (median)" in text_of(at)
    assert "closer than real samples are" in text_of(at)
    assert [b.label for b in at.get("download_button")][-2:] == ["These as PNG", "All as NPZ"]


def test_a_close_look_that_failed_leaves_the_rest(store, data):
    at = open_gallery(run=trained(store, data("digits")))
    answer(store, "browse", browsed(data("digits")))
    drawn(at.run())
    store.jobs.finish(claim(store, "sample_detail").id, error="no memory")
    drawn(at.run())
    assert "no memory" in text_of(at) and image_grid(at)["count"] == 64
    drawn(at.button(key="samples detail again").click().run())
    assert claim(store, "sample_detail")


@pytest.mark.parametrize(
    "ratio, words",
    [
        (0.0, "copy"),
        (0.24, "copy"),
        (0.5, "closer"),
        (1.0, "as near as"),
        (1.24, "as near as"),
        (2.0, "unlike any training sample"),
    ],
)
def test_what_a_distance_means_is_said_beside_that_of_real_samples(ratio, words):
    assert words in closeness(ratio)


def test_points_are_a_chart_and_a_number_to_choose(store, data):
    ring = data("ring-8")
    at = open_gallery(run=trained(store, ring))
    answer(store, "browse", browsed(ring))
    drawn(at.run())
    near = {name: array for name, array in close_up(ring).items() if not name.startswith("pca64")}
    answer(store, "sample_detail", near)
    drawn(at.run())
    assert not components(at, "ganometer_image_grid")
    assert "Generated points on real ones" in [about["alt"] for about in components(at, "chart")]
    assert f"x1 = {ring.holdout.x[0, 0]:.4g}" in text_of(at)
    assert {b.label for b in at.get("download_button")} == {"Time-lapse as GIF", "Time-lapse as WebP", "All as NPZ"}
    number = next(box for box in at.number_input if box.label == "Sample")
    drawn(number.set_value(64).run())
    assert asked(claim(store, "sample_detail")) == SampleDetail(63, k=6)


# ---------------------------------------------------------------- walks


def walked(dataset, frames=24) -> dict[str, np.ndarray]:
    length = np.concatenate([[0], np.cumsum(np.full(frames - 1, 0.5))]).astype(np.float32)
    return {"x": dataset.train.x[:frames], "z": np.zeros((frames, 64), np.float32), "length": length}


def choose_end(at: AppTest, store, dataset, end: str, *, seed: int) -> int:
    """Look at the draw with this seed, and press the button under the sample nearest to a training sample."""
    at.query_params["view"] = "samples"
    drawn(at.run())
    whose = next(group for group in at.get("button_group") if group.label == "Samples")
    drawn(whose.set_value("New samples").run())
    drawn(at.number_input(key="sample seed").set_value(seed).run())
    found = browsed(dataset, 256)
    store.jobs.finish(newest(store).id, result=pack(**found))
    drawn(at.run())
    drawn(at.selectbox(key="order").set_value("copied").run())
    store.jobs.finish(newest(store).id, result=pack(**close_up(dataset)))
    drawn(at.run())
    drawn(at.button(key=f"walk {end}").click().run())
    at.query_params["view"] = "walk"
    drawn(at.run())
    return int(found["distances"].argmin())


def test_a_walk_is_one_job_for_all_its_frames(store, data):
    digits = data("digits")
    run_id = trained(store, digits)
    at = open_gallery(run=run_id, view="walk", step="50")
    job = answer(store, "latent_walk", walked(digits))
    assert (job.run_id, job.step) == (run_id, 50)
    assert asked(job) == LatentWalk(0, 1)
    drawn(at.run())
    assert (image_grid(at)["count"], image_grid(at)["picks"]) == (24, False)
    x = digits.train.x.astype(np.float64) / 255
    apart = np.linalg.norm(x[0] - x[23])
    assert f"The walk is 11.5 long, its ends are {apart:.3g} apart" in text_of(at)


def test_the_buttons_under_a_sample_make_it_an_end_of_the_walk(store, data):
    digits = data("digits")
    run_id = trained(store, digits)
    at = open_gallery(run=run_id)
    found = browsed(digits)
    answer(store, "browse", found)
    drawn(at.run())
    answer(store, "sample_detail", close_up(digits))
    drawn(at.run())
    drawn(at.button(key="walk start").click().run())
    assert "Sample 1 is the start of the latent walk" in text_of(at)
    drawn(at.selectbox(key="order").set_value("copied").run())
    answer(store, "sample_detail", close_up(digits))
    drawn(at.run())
    drawn(at.button(key="walk end").click().run())
    place = int(found["distances"].argmin())
    assert f"Sample {place + 1} is the end of the latent walk" in text_of(at)
    at.query_params["view"] = "walk"
    drawn(at.run())
    assert asked(claim(store, "latent_walk")) == LatentWalk(0, place)
    next(box for box in at.number_input if box.label == "From sample").set_value(64)
    drawn(at.slider(key="frames").set_value(12).run())
    assert asked(claim(store, "latent_walk")) == LatentWalk(63, place, frames=12)


def test_a_walk_from_a_sample_there_is_not_is_refused_in_words(store, data):
    """The worker refuses it; the page says why and asks again when told to."""
    at = open_gallery(run=trained(store, data("digits")), view="walk")
    store.jobs.finish(claim(store, "latent_walk").id, error="sample 99 was asked of run x, whose own are 0 to 63")
    drawn(at.run())
    assert "whose own are 0 to 63" in text_of(at)
    drawn(at.button(key="walk again").click().run())
    assert claim(store, "latent_walk")


def test_a_walk_between_new_samples_of_a_run_that_was_told_classes_is_in_one(store, data):
    run_id = trained(store, data("digits"), data__conditional=True)
    at = open_gallery(run=run_id, view="walk")
    assert asked(claim(store, "latent_walk")).label is None  # the run's own samples have a class each
    place = choose_end(at, store, data("digits"), "start", seed=5)
    assert "The ends are from the draw with seed 5 and the run's 64 samples" in text_of(at)
    drawn(at.selectbox(key=f"walk class {run_id}").set_value(7).run())
    assert asked(newest(store)) == LatentWalk(place, 1, start_seed=5, label=7)


# ---------------------------------------------------------------- a plane, and the latent of a real sample


def test_a_plane_is_one_job_for_all_its_cells(store, data):
    digits = data("digits")
    at = open_gallery(run=trained(store, digits), view="plane")
    job = answer(
        store, "latent_plane", {"x": digits.train.x[:225].reshape(15, 15, 8, 8, 1), "z": np.zeros((15, 15, 64))}
    )
    assert asked(job) == LatentPlane()
    drawn(at.run())
    assert (image_grid(at)["count"], image_grid(at)["columns"], image_grid(at)["table"]) == (225, 15, True)
    assert image_grid(at)["captions"][16] == "row 2, column 2"
    at.number_input(key="plane").set_value(3)
    drawn(at.slider(key="plane truncation").set_value(0.5).run())
    assert asked(claim(store, "latent_plane")) == LatentPlane(plane=3, truncation=0.5)


def test_of_two_random_numbers_there_is_one_plane(store, data):
    at = open_gallery(run=trained(store, data("ring-8"), generator__latent_dim=2), view="plane")
    assert asked(claim(store, "latent_plane")) == LatentPlane()
    assert "All samples of this generator" in text_of(at)
    assert "Plane" not in {box.label for box in at.number_input}


@pytest.mark.parametrize("distance, words", [(0.5, "learned to make new samples"), (1.5, "does not reach")])
def test_the_latent_of_a_real_sample_is_looked_for(store, data, distance, words):
    digits = data("digits")
    at = open_gallery(run=trained(store, digits), view="search")
    assert image_grid(at)["alt"] == "64 real samples that are never trained on"
    found = {name: digits.train.x[place] for place, name in enumerate(("target", "x", "start", "nearest"))}
    found |= {"distance": np.float32(distance), "start_distance": np.float32(2.25), "nearest_distance": np.float32(1)}
    job = answer(store, "projection", found | {"curve": np.linspace(2.25, distance, 300, dtype=np.float32)})
    assert asked(job) == Projection(0, "preview")
    drawn(at.run())
    assert words in text_of(at)
    for caption in ("target", "at 2.25", f"at {distance:g}", "at 1"):
        assert caption in text_of(at).splitlines()
    assert "The closest sample the search has found" in alts(at)


def test_a_view_is_chosen_and_lives_in_the_address(store, data):
    at = open_gallery(run=trained(store, data("digits")))
    views = next(group for group in at.get("button_group") if group.label == "What to look at")
    drawn(views.set_value("plane").run())
    assert at.query_params["view"] in ("plane", ["plane"])
    assert claim(store, "latent_plane")


# ---------------------------------------------------------------- the time-lapse


def test_a_browser_that_has_not_heard_of_a_beat_does_not_stop_the_time_lapse(store, data):
    """On a slow machine a live part asks for its next drawing while the beat is on its way to the browser."""
    at = open_gallery(run=trained(store, data("digits")))
    drawn(at.button(key="play").click().run())
    assert at.button(key="play").label == "Pause playback" and at.select_slider[0].value == 0
    del at.query_params["step"]
    drawn(at.select_slider[0].set_value(100).run())  # what it showed when Play was clicked
    assert at.button(key="play").label == "Pause playback" and at.select_slider[0].value == 0
    drawn(at.select_slider[0].set_value(50).run())  # a person's hand
    assert at.button(key="play").label == "Play" and at.select_slider[0].value == 50
    assert at.query_params["step"] in ("50", ["50"])


def test_halt_keeps_the_step_and_play_goes_on_from_there(store, data):
    at = open_gallery(run=trained(store, data("digits")), step="50")
    drawn(at.button(key="play").click().run())
    assert at.button(key="play").label == "Pause playback" and at.select_slider[0].value == 50
    drawn(at.button(key="play").click().run())
    assert at.button(key="play").label == "Play" and at.select_slider[0].value == 50


# ---------------------------------------------------------------- while the next answer is awaited


def test_the_answer_of_the_step_before_stays_until_the_next_one_has_come(store, data):
    digits = data("digits")
    run_id = trained(store, digits)
    at = open_gallery(run=run_id, step="50")
    answer(store, "browse", browsed(digits))
    drawn(at.run())
    assert image_grid(at)["alt"] == "64 generated samples at step 50" and "is being computed" not in text_of(at)
    at.query_params["step"] = "0"
    drawn(at.run())
    assert image_grid(at)["alt"] == "64 generated samples at step 50"
    assert "Step 0 is being computed; this is step 50" in text_of(at)
    job = claim(store, "browse")
    store.jobs.progress(job.id, "hand", 0.4)
    drawn(at.run())
    assert "Step 0 is being computed (40%); this is step 50" in text_of(at)
    store.jobs.finish(job.id, result=pack(**browsed(digits)))
    drawn(at.run())
    assert image_grid(at)["alt"] == "64 generated samples at step 0" and "is being computed" not in text_of(at)


def test_an_answer_of_another_run_does_not_stay(store, data):
    digits = data("digits")
    first, second = trained(store, digits), trained(store, digits, seed=1)
    at = open_gallery(run=first)
    answer(store, "browse", browsed(digits))
    drawn(at.run())
    at.query_params["run"] = second
    drawn(at.run())
    assert not components(at, "ganometer_image_grid") and "is being computed" not in text_of(at)


def test_a_failed_answer_takes_the_place_of_the_one_before(store, data):
    digits = data("digits")
    at = open_gallery(run=trained(store, digits), step="50")
    answer(store, "browse", browsed(digits))
    drawn(at.run())
    at.query_params["step"] = "0"
    drawn(at.run())
    store.jobs.finish(claim(store, "browse").id, error="the weights of step 0 are gone")
    drawn(at.run())
    assert "the weights of step 0 are gone" in text_of(at) and not components(at, "ganometer_image_grid")


def test_a_walk_from_a_sample_to_itself_is_no_walk(store, data):
    at = open_gallery(run=trained(store, data("digits")), view="walk")
    assert claim(store, "latent_walk")
    next(box for box in at.number_input if box.label == "To sample").set_value(1)
    drawn(at.run())
    assert "Both ends are sample 1 of the run's 64 samples" in text_of(at) and "Choose another number" in text_of(at)
    assert store.jobs.claim("hand") is None
    place = choose_end(at, store, data("digits"), "end", seed=5)
    next(box for box in at.number_input if box.label == "From sample").set_value(place + 1)
    drawn(at.run())  # the same number of another draw is another sample
    assert "Both ends" not in text_of(at) and claim(store, "latent_walk")


@pytest.mark.parametrize("name", ["digits", "ring-8"])
def test_a_time_lapse_is_offered_of_images_and_of_the_plane(store, data, name):
    at = open_gallery(run=trained(store, data(name)))
    labels = {element.proto.label for element in at.get("download_button")}
    assert {"Time-lapse as GIF", "Time-lapse as WebP"} <= labels
