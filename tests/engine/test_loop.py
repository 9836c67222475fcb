"""The loop from its first to its last step: what is recorded when, what people may ask for, and where it went wrong.

Recorder and control are plain objects, time is a number, and the steps in between are counted by hand: until the pace
is known a call runs 8 steps, and it ends early at a snapshot and at the end of a block of 64.
"""

import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.config.sections import GeneratorConfig
from gan_core.engine import checkpoints, cpu_threads, sampling
from gan_core.engine.base_model import BLOCK, LiveHyperparameters, draw_block
from gan_core.engine.gan import GAN
from gan_core.engine.loop import Cost, Diverged, train
from gan_core.engine.models import CompiledModels
from gan_core.engine.networks import statistics
from gan_core.records import SNAPSHOT_SAMPLES

ROWS = 7
MODELS = CompiledModels()
"""One for the whole file, as a worker has one: most of these runs have the same structure."""
SAMPLES = np.random.default_rng(0).normal(3, 2, (40, 2)).astype(np.float32)
CONFIG = override(
    preset("non-saturating", shape=(2,), seed=3),
    {
        "generator.hidden": "4",
        "generator.latent_dim": 2,
        "generator.ema": 0.9,
        "discriminator.hidden": "4",
        "training.batch": 4,
        "training.steps": 150,
        "optimizer.decay_from": 0.5,
        "optimizer.learning_rate_generator": 0.01,
        "optimizer.learning_rate_discriminator": 0.01,
        "recording.log_every": 25,
        "recording.snapshots": 6,
        "recording.rows": 50,
    },
)
LOGGED = [25, 50, 75, 100, 125, 150]
KEPT = [0, 50, 74, 99, 124, 150]
STOPS = [0, 8, 16, 24, 32, 40, 48, 50, 58, 64, 72, 74, 82, 90, 98, 99, 107, 115, 123, 124, 128, 136, 144, 150]


class Book:
    """A recorder that keeps everything in the order it came."""

    def __init__(self, due=False):
        self._due = due
        self.configs, self.phases, self.commits, self.curves, self.snapshots = [], [], [], [], []
        self.previews = []

    def resolved(self, config):
        assert not self.curves and not self.snapshots and not self.commits
        self.configs.append(config)
        return config

    def metrics(self, step, values):
        self.curves.append((step, dict(values)))

    def snapshot(self, step, samples, weights, fake):
        self.snapshots.append((step, samples, weights, fake))

    def preview(self, step, samples, raw, game):
        self.previews.append((step, samples, raw, game))

    def due(self):
        return self._due

    def commit(self, step, checkpoint, state, steps_per_second):
        self.commits.append((step, state, checkpoint, steps_per_second))

    @property
    def states(self):
        return [(step, state) for step, state, *_ in self.commits]

    def after(self, step):
        """Everything recorded after a step, to be compared as a whole."""
        shown = [(s, a.tobytes(), w, b.tobytes()) for s, a, w, b in self.snapshots if s > step]
        return [c for c in self.curves if c[0] > step], shown


class Person:
    """A control that makes its wishes one after the other, and then lets it go on.

    `edits` are {step: configuration}: what it wants from that step on. `at` is a step to be asked at.
    """

    def __init__(self, *wishes, edits=None, at=None):
        self._wishes, self._edits, self._at = iter(wishes), dict(edits or {}), at
        self.waited, self.phases, self.said = 0, [], []

    def new_config(self, step):
        return self._edits.pop(step, None)

    def command(self, step):
        return next(self._wishes, "go")

    def next_command_step(self):
        return self._at

    def wait_while_paused(self):
        self.waited += 1

    def phase(self, name):
        self.said.append(name)
        self.phases.append(name.partition(",")[0])  # how long it may take depends on what ran before


def run(*wishes, config=CONFIG, due=False, samples=SAMPLES, edits=None, at=None, clock=lambda: 0.0, **about):
    book, person = Book(due), Person(*wishes, edits=edits, at=at)
    outcome = train(config, samples, book, person, rows=ROWS, clock=clock, models=MODELS, **about)
    return outcome, book, person


def ticking(seconds):
    """A clock that moves on whenever it is looked at."""
    ticks = itertools.count()
    return lambda: next(ticks) * seconds


def untrained(config=CONFIG, samples=SAMPLES):
    return checkpoints.capture(GAN(config, statistics(samples)), 0, np.zeros((0, len(GAN.STEP_METRICS)), np.float32))


def arrays(data):
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return dict(found)


@pytest.fixture(scope="module")
def undisturbed():
    """A run that nobody interferes with, committed at every occasion."""
    outcome, book, person = run(due=True)
    assert outcome == "finished"
    return book, person


@pytest.fixture(scope="module")
def rows():
    """What each of the 150 steps reports, without the loop: three calls of the chunk."""
    gan = GAN(CONFIG, statistics(SAMPLES))
    found = []
    for block in range(3):
        n = min(BLOCK, 150 - block * BLOCK)
        draws = draw_block(CONFIG, len(SAMPLES), block)
        found.append(gan.chunk(tf.constant(SAMPLES), draws, 0, n, block * BLOCK, LiveHyperparameters.of(CONFIG)))
    return np.concatenate(found), checkpoints.capture(gan, 150, np.zeros((0, len(GAN.STEP_METRICS)), np.float32))


# ---------------------------------------------------------------- what is recorded


def test_exactly_the_planned_steps_are_recorded(undisturbed):
    book, person = undisturbed
    assert [step for step, _ in book.curves] == LOGGED
    assert [step for step, *_ in book.snapshots] == KEPT
    assert person.phases == ["building", "compiling", "training"]
    assert person.waited == 0 and book.configs == []


def test_it_is_committed_where_it_is_due_and_at_the_end(undisturbed):
    book, _ = undisturbed
    assert book.states == [(step, "running") for step in STOPS[:-1]] + [(150, "finished")]
    assert {rate for *_, rate in book.commits} == {None}  # no time has passed


def test_a_logged_value_is_the_mean_over_its_steps(undisturbed, rows):
    book, _ = undisturbed
    means = rows[0].astype(np.float64).reshape(6, 25, len(GAN.STEP_METRICS)).mean(axis=1)
    for (_, values), expected in zip(book.curves, means):
        assert list(values) == list(GAN.STEP_METRICS)
        assert list(values.values()) == pytest.approx(expected.tolist(), rel=1e-12)
    assert len(np.unique(means[:, 0])) == 6


def test_the_loop_adds_nothing_to_the_steps(undisturbed, rows):
    book, _ = undisturbed
    assert book.commits[-1][2] == rows[1]
    assert not np.array_equal(arrays(rows[1])["generator.0"], arrays(untrained())["generator.0"])


def test_a_last_window_that_is_shorter_has_its_own_mean(rows):
    """Logged every 60 steps, 130 in all: at 60, at 120, and at 130 over ten steps."""
    config = override(CONFIG, {"recording.log_every": 60, "training.steps": 130, "optimizer.decay_from": 1})
    _, book, _ = run(config=config)
    assert [step for step, _ in book.curves] == [60, 120, 130]
    # Until half-way the rate of the 150-step run is flat too, so its first 60 steps are the same.
    assert list(book.curves[0][1].values()) == pytest.approx(rows[0][:60].mean(0, dtype=np.float64).tolist(), rel=1e-12)
    assert book.states == [(130, "finished")]


def forward(weights, z):
    """The averaged generator in NumPy: one leaky layer, one linear, and the scaling of the data."""
    w, b, v, c, gain, offset = (weights[str(i)].astype(np.float64) for i in range(6))
    hidden = z @ w + b
    return gain * (np.where(hidden > 0, hidden, 0.2 * hidden) @ v + c) + offset


def test_a_snapshot_is_what_its_weights_make_of_the_planned_latents(undisturbed):
    book, _ = undisturbed
    preview = sampling.latents(3, SNAPSHOT_SAMPLES, 2, sampling.PREVIEW)
    for step, samples, weights, fake in book.snapshots:
        fresh = sampling.latents(3, ROWS, 2, sampling.MEASURE, step)
        assert samples == pytest.approx(forward(arrays(weights), preview), rel=1e-4, abs=1e-4)
        assert fake == pytest.approx(forward(arrays(weights), fresh), rel=1e-4, abs=1e-4)
        assert (samples.shape, fake.shape) == ((SNAPSHOT_SAMPLES, 2), (ROWS, 2))
    stored = {step: checkpoint for step, _, checkpoint, _ in book.commits}
    for step, _, weights, _ in book.snapshots:
        assert (arrays(weights)["0"] == arrays(stored[step])["ema.0"]).all()
        kept = {name: a.tobytes() for name, a in arrays(weights).items() if "." in name}  # in the plane it can be drawn
        assert kept == {n: a.tobytes() for n, a in arrays(stored[step]).items() if n.startswith("discriminator.")}


def test_images_are_shown_between_black_and_white():
    images = np.random.default_rng(0).integers(0, 256, (20, 2, 3, 1), dtype=np.uint8)
    config = override(preset("classic-2014", shape=(2, 3, 1)), {"training.steps": 3, "training.batch": 4})
    outcome, book, _ = run(config=replace(config, generator=GeneratorConfig(latent_dim=4, hidden=(4,))), samples=images)
    assert outcome == "finished" and [step for step, *_ in book.snapshots] == [0, 3]
    for _, samples, _, fake in book.snapshots:
        assert (samples.shape, fake.shape) == ((SNAPSHOT_SAMPLES, 2, 3, 1), (ROWS, 2, 3, 1))
        assert samples.dtype == fake.dtype == np.float32
        assert 0 <= min(samples.min(), fake.min()) and max(samples.max(), fake.max()) <= 1


def test_time_decides_how_long_a_call_is_and_nothing_else(undisturbed):
    """Ticks of 1/8 s: after 8 + 8 steps in a quarter of a second the rate is 64, so the next calls run 16 steps each;
    32 steps in the next quarter are 128 a second, and the rate becomes .8 · 64 + .2 · 128.
    """
    calm, _ = undisturbed
    outcome, book, _ = run(due=True, clock=ticking(0.125))
    rates = [(step, rate) for step, _, _, rate in book.commits[:5]]
    assert rates == [(0, None), (8, None), (16, 64), (32, 64), (48, pytest.approx(76.8))]
    assert outcome == "finished"
    assert book.after(-1) == calm.after(-1)
    assert book.commits[-1][:3] == calm.commits[-1][:3]


# ---------------------------------------------------------------- what people ask for


def test_interrupted_twice_and_continued_elsewhere_it_is_the_same_run(undisturbed):
    """Paused before the first step and at step 8, released at 16 in the middle of a log window, taken up again."""
    calm, _ = undisturbed
    outcome, first, person = run("pause", "go", "go", "pause", "pause", "go", "release")
    assert (outcome, person.waited) == ("running", 2)
    assert first.states == [(0, "paused"), (8, "paused"), (16, "running")]
    assert arrays(first.commits[-1][2])["window"].shape == (16, len(GAN.STEP_METRICS))
    assert first.commits[0][2] == untrained()

    outcome, second, person = run(checkpoint=first.commits[-1][2])
    assert outcome == "finished" and second.states == [(150, "finished")]
    assert [step for step, *_ in first.snapshots] == [0, 8]  # where it rests it keeps one more
    assert [step for step, *_ in first.snapshots + second.snapshots if step != 8] == KEPT  # none missing, none twice
    together = Book()
    together.curves = first.curves + second.curves
    together.snapshots = [kept for kept in first.snapshots + second.snapshots if kept[0] != 8]
    assert together.after(-1) == calm.after(-1)
    assert second.commits[-1][2] == calm.commits[-1][2]


@pytest.mark.parametrize("step", [50, 64, 150])
def test_taken_up_at_a_recorded_step_a_new_block_or_the_end(undisturbed, step):
    """What the checkpoint's step recorded is not recorded again."""
    calm, _ = undisturbed
    (checkpoint,) = [data for at, _, data, _ in calm.commits if at == step]
    outcome, book, _ = run(checkpoint=checkpoint)
    assert outcome == "finished" and book.states == [(150, "finished")]
    assert book.after(-1) == calm.after(step)
    assert book.commits[-1][2] == calm.commits[-1][2]


@pytest.mark.parametrize(
    ("wishes", "outcome", "states", "waited"),
    [
        (["stop"], "stopped", [(0, "stopped")], 0),
        (["release"], "running", [(0, "running")], 0),
        (["pause", "release"], "paused", [(0, "paused")], 1),
        (["go", "pause", "stop", "stop"], "stopped", [(8, "paused"), (8, "stopped")], 1),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) and isinstance(value[0], str) else "",
)
def test_wishes_are_honoured_at_once(wishes, outcome, states, waited):
    """Also one made before the first step: nothing is trained then, but step 0 is recorded and kept."""
    found, book, person = run(*wishes)
    assert (found, book.states, person.waited) == (outcome, states, waited)
    assert [step for step, *_ in book.snapshots] == sorted({0, states[0][0]}) and book.curves == []
    assert [step for step, *_ in book.previews] == [step for step, state in states[:1] if state != "running"]
    assert (book.commits[0][2] == untrained()) == (states[0][0] == 0)


def test_it_asks_at_the_step_it_is_told():
    _, book, _ = run(due=True, at=21)
    assert [step for step, _ in book.states][:5] == [0, 8, 16, 21, 21 + 8]


# ---------------------------------------------------------------- what is shown at this moment


def test_previews_come_with_time_show_both_generators_and_change_no_bit(undisturbed):
    """Ticks of 1/4 s: a few looks at the clock are a second."""
    calm, _ = undisturbed
    _, book, _ = run(clock=ticking(1 / 4))
    assert len(book.previews) >= 2 and book.previews[-1][0] == 150
    assert book.commits[-1][2] == calm.commits[-1][2] and book.after(-1) == calm.after(-1)
    _, samples, raw, _ = book.previews[-1]
    assert (samples == book.snapshots[-1][1]).all()  # at rest it is the snapshot
    assert raw.shape == (SNAPSHOT_SAMPLES, 2) and not np.allclose(samples, raw)
    games = [game for *_, game in book.previews if game is not None]
    assert games and {"points", "manifold", "x", "y", "belief", "pushes"} == games[0].keys()


def test_a_slow_clock_shows_seldom(undisturbed):
    """Making a preview seems to take two ticks of 8 s, so the next one is due 16 / .0075 = 2,133 s later, which is
    more than 130 of the run's 150 calls."""
    _, book, _ = run(clock=ticking(8))
    assert [step for step, *_ in book.previews][0::2] == [0, 150] and len(book.previews) == 3
    assert book.previews[-1][3] is not None  # at rest the game is that of the last step


def test_what_is_compiled_first_makes_no_later_picture_wait():
    """Compiling took two seconds, for which the picture of the game stood still for minutes."""
    cost = Cost()
    assert cost.after(2.0) == 0
    assert [cost.after(took) for took in (0.03, 0.5, 0.02)] == [0.03, 0.03, 0.02], "others made it slow once"


def test_changes_in_quick_succession_keep_no_snapshot_each():
    config = override(CONFIG, {"training.steps": 100_000})
    faster = override(config, {"optimizer.learning_rate_generator": 0.02})
    _, book, _ = run("go", "go", "go", "release", config=config, edits={8: faster, 16: config})
    assert [step for step, *_ in book.snapshots] == [0] and [step for step, _ in book.states] == [8, 16]


# ---------------------------------------------------------------- other settings from a step on

SLOWER = override(CONFIG, {"optimizer.learning_rate_generator": 0.001})
OTHER_GAME = override(CONFIG, {"objective.loss": "hinge", "objective.r1": 0.5, "training.simultaneous": False})


@pytest.mark.parametrize("after", [SLOWER, OTHER_GAME], ids=["dial", "program"])
def test_from_the_step_of_a_change_on_it_is_as_if_continued_with_other_settings(undisturbed, after):
    calm, _ = undisturbed
    outcome, book, person = run(edits={24: after})
    assert outcome == "finished" and book.states == [(24, "running"), (150, "finished")]
    assert person.phases == ["building", "compiling", "training"] * (1 if after is SLOWER else 2)
    assert [step for step, *_ in book.snapshots] == sorted([24, *KEPT])
    assert [step for step, *_ in book.previews] == [32, 150]  # the first steps with the new settings, and the end
    (kept,) = [data for at, _, data, _ in calm.commits if at == 24]
    assert book.commits[0][2] == kept  # until then it is the same run
    _, expected, _ = run(config=after, checkpoint=kept)
    assert book.after(24) == expected.after(24) and book.commits[-1][2] == expected.commits[-1][2]
    assert book.after(24) != calm.after(24)


def test_a_dial_compiles_nothing():
    run("stop")  # now it is compiled
    _, _, person = run(edits={8: SLOWER, 16: CONFIG})
    assert person.said == ["building", "compiling", "training"]
    model = MODELS.borrow(CONFIG, statistics(SAMPLES))
    assert model._compiled.experimental_get_tracing_count() == 1
    MODELS.give_back(model)


def test_a_program_that_was_not_compiled_yet_says_about_how_long_it_takes():
    never = override(CONFIG, {"objective.loss": "least-squares", "optimizer.beta1": 0.123})
    _, _, person = run("go", "go", "stop", edits={8: never})
    assert person.said[4].startswith("compiling, about ") and person.said[4].endswith(" s last time")


def test_a_finished_run_that_is_made_longer_goes_on():
    longer = override(CONFIG, {"training.steps": 170})
    outcome, book, _ = run(edits={150: longer})
    assert outcome == "finished" and book.states == [(150, "running"), (170, "finished")]
    assert book.curves[-1][0] == 170


def test_a_change_while_it_rests_leaves_it_resting():
    _, book, person = run("go", *["pause"] * 5, "stop", edits={8: SLOWER})
    assert book.states == [(8, "paused"), (8, "paused"), (8, "paused"), (8, "stopped")] and person.waited == 2


def test_it_can_begin_with_what_another_run_made(undisturbed):
    """The generator and its average are the snapshot's; in the plane the discriminator too. Moments are new."""
    calm, _ = undisturbed
    _, _, weights, _ = calm.snapshots[3]
    outcome, book, _ = run("stop", start_from=(87, weights))
    assert outcome == "stopped" and book.snapshots == [] and book.states == [(87, "stopped")]
    found, kept = arrays(book.commits[0][2]), arrays(weights)
    fresh = arrays(untrained())
    for name, array in found.items():
        kind, _, number = name.partition(".")
        if kind in ("generator", "ema"):
            assert (array == kept[number]).all()
        elif kind == "discriminator":
            assert (array == kept[name]).all()
        elif kind.endswith("optimizer"):
            assert (array == fresh[name]).all()
    outcome, book, _ = run(start_from=(87, weights))
    assert outcome == "finished" and [step for step, *_ in book.snapshots] == [99, 124, 150]


# ---------------------------------------------------------------- so many seconds


def test_seconds_become_steps_by_a_trial_that_leaves_no_trace():
    """16 steps in a tick of 1/4 s: nine tenths of one second at that rate are 57.6 steps.

    A pause before the first step does not prevent it.
    """
    asked = override(CONFIG, {"training.seconds": 1})
    outcome, book, person = run("pause", config=asked, clock=ticking(0.25))
    (resolved,) = book.configs
    assert resolved == override(asked, {"training.steps": 58})
    assert outcome == "finished" and book.states == [(0, "paused"), (58, "finished")]
    assert [step for step, *_ in book.snapshots] == [0, *range(50, 59, 2)]
    assert [step for step, _ in book.curves] == [25, 50, 58]
    assert book.commits[0][2] == untrained()
    assert person.phases == ["building", "compiling", "timing some steps", "training"]

    # The resolved configuration, continued from there, does not ask the clock again.
    outcome, again, _ = run(config=resolved, checkpoint=untrained(), clock=ticking(0.01))
    assert again.configs == [] and again.after(0) == book.after(0)
    assert again.commits[-1][:3] == book.commits[-1][:3]


TRIED = ["building", "compiling", "timing some steps"]
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 1), dtype=np.uint8)
TIMED = {"training.seconds": 400, "training.batch": 4, "generator.channels": 4, "discriminator.channels": 4}
CONVOLUTIONS = override(preset("auto", shape=(16, 16, 1), seed=3, seconds=400), TIMED)


def test_a_machine_too_slow_for_convolutions_gets_dense_layers():
    """14.4 steps a second are left for training. Dense layers have a trial of their own.

    What a person has changed stays changed.
    """
    outcome, book, person = run("stop", config=CONVOLUTIONS, samples=IMAGES, clock=ticking(1.0))
    dense = override(preset("auto", shape=(16, 16, 1), seed=3), TIMED | {"training.steps": 5760})
    assert dense.generator.architecture == "mlp" and book.configs == [dense]
    assert outcome == "stopped" and person.phases == [*TRIED, *TRIED, "training"]
    shapes = [array.shape for array in arrays(book.snapshots[-1][2]).values()]
    assert shapes == [(100, 256), (256,), (256, 256), (256,), (256, 256), (256,)]


def test_a_process_whose_cores_are_divided_for_convolutions_leaves_the_dense_layers_to_another(monkeypatch):
    monkeypatch.setattr(cpu_threads, "configure", lambda config: config.generator.architecture != "mlp")
    outcome, book, person = run(config=CONVOLUTIONS, samples=IMAGES, clock=ticking(1.0))
    assert outcome == "queued" and person.phases == TRIED
    (dense,) = book.configs
    assert dense == override(preset("auto", shape=(16, 16, 1), seed=3), TIMED) and not book.commits
    monkeypatch.undo()
    outcome, book, person = run("stop", config=dense, samples=IMAGES, clock=ticking(1.0))  # as that one does
    assert outcome == "stopped" and book.configs == [override(dense, {"training.steps": 5760})]


def test_a_machine_that_is_fast_enough_keeps_them():
    """57.6 steps a second are left for training."""
    outcome, book, person = run("stop", config=CONVOLUTIONS, samples=IMAGES, clock=ticking(0.25))
    assert book.configs == [override(CONVOLUTIONS, {"training.steps": 23_040})]
    assert outcome == "stopped" and person.phases == [*TRIED, "training"]


def test_a_machine_that_is_busy_for_part_of_the_trial_keeps_them_too():
    """A hundredth of the time is tried, 4 s: one call of 2 s while a page is drawn, and nine of 1/4 s."""
    looks = itertools.chain([0.0, 2.0], itertools.count(2.0, 0.25))
    outcome, book, _ = run("stop", config=CONVOLUTIONS, samples=IMAGES, clock=lambda: next(looks))
    assert outcome == "stopped" and book.configs == [override(CONVOLUTIONS, {"training.steps": 23_040})]


# ---------------------------------------------------------------- other teachers, other networks

SMALL = {
    "generator.hidden": "4",
    "generator.latent_dim": 2,
    "discriminator.hidden": "4",
    "training.batch": 4,
    "training.steps": 60,
    "recording.snapshots": 3,
}
KINDS = {
    "vae": (preset("vae", shape=(2,)), {}, ["loss_generator", "loss_reconstruction", "loss_divergence"]),
    "energy-only": (preset("energy-only", shape=(2,)), {}, ["loss_generator"]),
    "normalised": (
        preset("sn-hinge", shape=(2,)),
        {"discriminator.batch_norm": True, "generator.batch_norm": True, "objective.instance_noise": 0.1},
        list(GAN.STEP_METRICS),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_its_own_curves_and_resumes_bit_by_bit(kind):
    """A VAE, a generator without a discriminator, and a GAN whose networks count moments and singular vectors."""
    config, changes, names = KINDS[kind]
    config = override(config, SMALL | changes)
    outcome, calm, _ = run(config=config)
    assert outcome == "finished" and [list(values) for _, values in calm.curves] == [names] * 3
    assert np.isfinite([list(values.values()) for _, values in calm.curves]).all()
    assert [step for step, *_ in calm.snapshots] == [0, 50, 60]

    outcome, first, _ = run("go", "go", "release", config=config)
    assert (outcome, first.states) == ("running", [(16, "running")])
    outcome, second, _ = run(config=config, checkpoint=first.commits[-1][2])
    assert outcome == "finished" and second.after(-1) == calm.after(0)
    assert second.commits[-1][2] == calm.commits[-1][2]


LABELS = np.random.default_rng(1).choice(3, 40, p=[0.5, 0.3, 0.2]).astype(np.int32)
TOLD = override(CONFIG, SMALL | {"data.conditional": True})


def test_a_run_that_is_told_of_classes_shows_them_in_turn():
    """Preview i is of class i mod 3: latents beside the class's own vector, and then the layers as ever."""
    outcome, book, _ = run(config=TOLD, labels=LABELS)
    assert outcome == "finished"
    z = sampling.latents(3, SNAPSHOT_SAMPLES, 2, sampling.PREVIEW)
    for _, samples, weights, fake in book.snapshots:
        embedding, shares, *others = arrays(weights).values()
        assert shares == pytest.approx(np.bincount(LABELS) / 40)
        told = np.concatenate([z, embedding[np.arange(SNAPSHOT_SAMPLES) % 3]], axis=1)
        network = {str(i): array for i, array in enumerate(others)}
        assert samples == pytest.approx(forward(network, told), rel=1e-4, abs=1e-4)
        assert (samples.shape, fake.shape) == ((SNAPSHOT_SAMPLES, 2), (ROWS, 2))


def test_a_run_that_is_told_of_classes_learns_from_them():
    """Other labels for the same samples are another run, and the first weights apart from that the same."""
    _, told, _ = run(config=TOLD, labels=LABELS)
    again, other = (run(config=TOLD, labels=labels)[1] for labels in (LABELS, LABELS[::-1].copy()))
    assert again.after(-1) == told.after(-1)
    assert other.snapshots[0][2] == told.snapshots[0][2] and other.snapshots[-1][2] != told.snapshots[-1][2]
    assert other.curves != told.curves


def test_the_game_of_a_run_that_is_told_of_classes_is_shown_class_by_class_and_changes_no_bit():
    calm, (_, book, _) = run(config=TOLD, labels=LABELS)[1], run(config=TOLD, labels=LABELS, clock=ticking(1 / 4))
    games = [game for *_, game in book.previews if game is not None]
    assert games and all(game["manifold"].shape == (3, 21, 21, 2) for game in games)
    assert all(np.isfinite(game["pushes"]).all() and game["pushes"].shape == game["points"].shape for game in games)
    assert book.commits[-1][2] == calm.commits[-1][2] and book.after(-1) == calm.after(-1)


# ---------------------------------------------------------------- where it goes wrong


def test_samples_that_are_not_finite_diverge_at_once():
    spoilt = SAMPLES.copy()
    spoilt[0, 0] = np.inf
    book = Book(due=True)
    with np.errstate(invalid="ignore"), pytest.raises(Diverged, match="diverged at step 0") as error:
        train(CONFIG, spoilt, book, Person(), rows=ROWS, clock=lambda: 0.0)
    assert error.value.step == 0
    assert (book.snapshots, book.curves, book.commits) == ([], [], [])


def test_the_step_of_the_first_value_that_is_not_finite_is_named_and_the_ones_before_are_kept():
    """With an infinite momentum, step 9 still reports finite losses but ruins the generator: step 10 sees it."""
    config = override(CONFIG, {"recording.log_every": 1})
    _, calm, _ = run("go", "release", config=config)
    ((at, _, checkpoint, _),) = calm.commits
    spoilt = arrays(checkpoint)
    spoilt["generator_optimizer.2"][:] = np.inf
    out = io.BytesIO()
    np.savez(out, **spoilt)
    book = Book(due=True)
    with pytest.raises(Diverged, match="diverged at step 10") as error:
        train(config, SAMPLES, book, Person(), rows=ROWS, checkpoint=out.getvalue(), clock=lambda: 0.0)
    assert (at, error.value.step) == (8, 10)
    assert book.states == [(8, "running")] and not book.snapshots
    assert [step for step, _ in book.curves] == [9]
