"""What stands under a chart follows its data: the same chart of other data gets another sentence."""

import numpy as np
import pytest

from gan_core.records import History, MetricResult, Reference, Report
from ui.charts import captions

STEPS = np.arange(0, 1000, 10, dtype=float)
FLAT = np.ones(100)
REFERENCE = Reference(500, 20, 0, {"energy_distance": (0.001, 0.002), "mean_fake_fake": (2.0, 0.02)})


def history(**curves):
    return History({name: (STEPS, np.broadcast_to(values, 100).astype(float)) for name, values in curves.items()})


def of_players(real, fake, generator=FLAT, discriminator=FLAT):
    return history(score_real=real, score_fake=fake, loss_generator=generator, loss_discriminator=discriminator)


@pytest.mark.parametrize(
    ("real", "fake", "said"),
    [
        (0.99, 0.01, "with ease: the generator learns little"),
        (0.85, 0.2, "with ease"),
        (0.7, 0.4, "can still distinguish"),
        (0.52, 0.49, "cannot distinguish"),
        (0.95, 0.9, "cannot distinguish"),  # both high: it calls everything real
        (0.2, 0.8, "takes generated samples for real"),
    ],
)
def test_d_of_x_says_who_distinguishes_what(real, fake, said):
    assert said in captions.scores(of_players(real, fake))


def test_only_the_end_of_the_curves_counts_and_a_step_looks_back():
    learned = of_players(np.linspace(1, 0.5, 100), np.linspace(0, 0.5, 100))
    assert "cannot distinguish" in captions.scores(learned)
    assert "with ease" in captions.scores(learned, step=100)


def test_no_balance_is_claimed_where_the_discriminator_wins():
    won = captions.losses(of_players(0.99, 0.01), "minimax")
    assert "discriminator wins" in won and "not in balance" in won
    even = captions.losses(of_players(0.5, 0.5), "minimax")
    assert "the two are in balance" in even and "wins" not in even
    moving = captions.losses(of_players(0.5, 0.5, generator=np.linspace(5, 1, 100)), "minimax")
    assert "balance" not in moving and "Neither network is ahead" in moving
    assert "The generator is ahead" in captions.losses(of_players(0.2, 0.8), "hinge")
    assert "The discriminator is ahead" in captions.losses(of_players(0.7, 0.4), "hinge")


def test_the_losses_of_models_without_a_discriminator():
    falling = history(loss_generator=np.linspace(5, 1, 100))
    assert captions.losses(falling, "energy").endswith("It still falls.")
    assert captions.losses(history(loss_generator=FLAT), "energy").endswith("It has settled.")
    assert captions.losses(history(loss_generator=np.linspace(1, 5, 100)), "vae").endswith("The sum rises now.")
    assert "settled" not in captions.losses(History({}), "energy")


@pytest.mark.parametrize(
    ("values", "said", "unsaid"),
    [
        (np.geomspace(5, 0.5, 100), "Above the blue band of real samples: by this number a difference", "since then"),
        (
            np.concatenate([np.geomspace(5, 0.1, 50), np.geomspace(0.1, 4, 50)]),
            "best value was at step 490",
            "In the blue",
        ),
        (np.geomspace(5, 0.002, 100), "In the blue band of real samples: by this number alone no difference", "Above"),
        (np.linspace(1, -0.001, 100), "no better than 0", "Above"),
        (np.linspace(1, -0.02, 100), "look for copies", "In the blue"),
    ],
)
def test_the_distance_beside_its_band(values, said, unsaid):
    text = captions.distance(history(energy_distance=values), REFERENCE)
    assert said in text and unsaid not in text


@pytest.mark.parametrize("last", [0.5, 0.006, 0.002, -0.02])
def test_only_the_verdict_judges_the_samples(last):
    """The chip may say *Nearly* or *Collapsed* beside any place of the curve: it looks at more than this number."""
    text = captions.distance(history(energy_distance=np.linspace(1, last, 100)), REFERENCE)
    assert "like real" not in text and "samples are" not in text


def test_without_a_band_nothing_is_judged():
    text = captions.distance(history(energy_distance=FLAT), None)
    assert "as soon as it has been measured" in text and "blue band:" not in text


@pytest.mark.parametrize(
    ("fake", "across", "said"),
    [
        (1.0, 1.8, "vary less than real ones do, 50 %"),
        (3.0, 3.0, "vary more than real ones do, 150 %"),
        (2.0, 4.0, "lie elsewhere"),
        (2.0, 2.0, "The three curves meet: in variety"),
    ],
)
def test_the_three_mean_distances(fake, across, said):
    curves = history(mean_real_real=2.0, mean_fake_fake=fake, mean_real_fake=across)
    assert said.replace(" %", "%") in captions.spread(curves, REFERENCE).replace(" %", "%")


@pytest.mark.parametrize(
    ("spread", "energy", "said"),
    [
        (1.0, 1.0, "left of blue"),
        (3.0, 1.0, "right of blue"),
        (2.0, 0.001, "three curves coincide"),
        (2.0, 1.0, "lie elsewhere"),
    ],
)
def test_the_histograms_of_a_report(spread, energy, said):
    metrics = {
        "mean_real_real": MetricResult("mean_real_real", 2.0),
        "mean_fake_fake": MetricResult("mean_fake_fake", spread, 2.0, 0.02, (spread - 2) / 0.02),
        "energy_distance": MetricResult(
            "energy_distance", energy, 0.001, 0.002, (energy - 0.001) / 0.002, direction="lower"
        ),
    }
    assert said in captions.histograms(Report("measured", 500, 500, 5, "pixels", 0, metrics))


def test_captions_of_one_measurement():
    assert "42 % of all pairs; 50 % is ideal" in captions.nearest({"auc": 0.42})
    assert "copied" in captions.nearest({"auc": 0.9}) and "unlike" in captions.nearest({"auc": 0.1})
    assert "copied" not in captions.nearest({"auc": 0.5}) and "unlike" not in captions.nearest({"auc": 0.5})
    assert "variety" in captions.prd({"f8": 0.6, "f1_8": 0.9}) and "realism" in captions.prd({"f8": 0.9, "f1_8": 0.6})
    assert "missing" not in captions.prd({"f8": 0.95, "f1_8": 0.95})
    assert "1 of these 2 are nearly copies" in captions.copies([[0, 1, 0.0, 1.0], [2, 3, 0.9, 1.0]])
    assert "None of these is a copy" in captions.copies([[2, 3, 0.9, 1.0]])
    assert "below blue in 1 of 2 classes" in captions.class_nearest(fake=[0.1, 1.0, np.nan], real=[1.0, 1.0, 1.0])
    assert "about as high" in captions.class_nearest(fake=[1.0], real=[1.0])
