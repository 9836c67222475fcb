"""The game in the plane as a job; tests/engine/test_surface.py holds what is drawn against the networks."""

import pytest

from gan_core.jobs.surface import KIND, Surface
from gan_core.records import GanometerError
from tests.jobs.small_runs import RING, kept


def test_a_snapshot_in_the_plane_is_drawn(store, ask):
    run_id = kept(store, RING, data__conditional=True)
    drawn = ask(Surface(), run_id)
    assert drawn["manifold"].shape == (8, 21, 21, 2) and drawn["belief"].shape == (61, 61)
    assert ask(Surface(label=5), run_id)["manifold"] == pytest.approx(drawn["manifold"][5:6], abs=1e-6)
    with pytest.raises(GanometerError, match="class 8 was asked .* it knows 0, 1, 2, 3, 4, 5, 6, 7"):
        ask(Surface(label=8), run_id)


def test_images_cannot_be_drawn_in_the_plane(ask, plain):
    with pytest.raises(GanometerError, match="only networks on points in the plane .* data of 8 × 8 × 1"):
        ask(Surface(), plain)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"label": "3"}, "label is '3'; expected a whole number"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
