"""The picture of points: those of this moment, also where the ground is older."""

import numpy as np

from gan_core.records import Preview
from ui.train.picture import game_with

SAMPLES, RAW = np.ones((64, 2), np.float32), np.zeros((64, 2), np.float32)
GAME = {name: np.full((64, 2), 2, np.float32) for name in ("points", "manifold", "pushes")}


def preview(game_step: int) -> Preview:
    return Preview("a run", 500, 0, SAMPLES, RAW, GAME, game_step)


def test_a_game_of_the_same_step_is_drawn_as_it_is():
    assert game_with(SAMPLES, preview(500), raw=False) is GAME


def test_points_are_of_this_moment_and_arrows_never_begin_elsewhere():
    older = game_with(SAMPLES, preview(8), raw=False)
    assert older is not None and older["points"] is SAMPLES and "pushes" not in older and "manifold" in older


def test_the_raw_generator_is_shown_where_it_is_asked_for():
    shown = game_with(RAW, preview(500), raw=True)
    assert shown is not None and shown["points"] is RAW and "pushes" not in shown
