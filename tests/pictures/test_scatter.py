"""Scatter pictures: every point where it belongs, in its colour, and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from gan_core import GanometerError
from gan_core.pictures.scatter import plane, scatter, window

BLUE, ORANGE = [0x3B, 0x82, 0xF6], [0xE0, 0x68, 0x2B]
SQUARE = ((0.0, 10.0), (0.0, 10.0))
NOTHING = np.empty((0, 2))


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(("point", "row", "column"), [((2, 9), 10, 20), ((5, 5), 50, 50), ((8, 1), 90, 80)])
def test_scatter_draws_a_point_where_it_is(point, row, column):
    alpha = decode(scatter(fake=np.array([point]), size=100, limits=SQUARE))[..., 3].astype(float)
    rows, columns = np.indices(alpha.shape) + 0.5  # a pixel's middle
    assert (rows * alpha).sum() / alpha.sum() == pytest.approx(row, abs=0.5)
    assert (columns * alpha).sum() / alpha.sum() == pytest.approx(column, abs=0.5)


def test_scatter_colours_generated_over_real():
    real, fake = np.array([[2, 5]]), np.array([[8, 5]])
    picture = decode(scatter(fake=fake, real=real, size=300, limits=SQUARE))
    assert picture[150, 60, :3].tolist() == BLUE
    assert picture[150, 240, :3].tolist() == ORANGE
    assert picture[5, 5, 3] == 0
    both = decode(scatter(fake=real, real=real, size=300, limits=SQUARE))[150, 60]
    orange = 0.65 * 7 / 9  # the cross leaves two of this pixel's nine parts free
    blue = 0.45 * (1 - orange)  # what of the disc shows through it
    mixed = (orange * np.array(ORANGE) + blue * np.array(BLUE)) / (orange + blue)
    assert both == pytest.approx([*mixed, 255 * (orange + blue)], abs=0.5)


def test_scatter_deepens_where_points_coincide_and_smooths_edges():
    once, twice = (
        decode(scatter(fake=NOTHING, real=np.full((n, 2), 5.0), size=300, limits=SQUARE))[..., 3] for n in (1, 2)
    )
    assert once[150, 150] == 115 and twice[150, 150] == 178  # 255 * .45 and 255 * (1 - .55 ** 2)
    assert ((once > 0) & (once < 115)).any()


def test_discs_and_crosses_differ_in_shape():
    one = np.full((1, 2), 5.0)
    disc = decode(scatter(fake=NOTHING, real=one, size=300, limits=SQUARE))[..., 3] > 0
    cross = decode(scatter(fake=one, size=300, limits=SQUARE))[..., 3] > 0
    assert disc[148, 150] and not cross[148, 150]


def test_scatter_leaves_out_what_lies_outside_or_is_not_finite():
    wild = np.array([[np.nan, 5], [np.inf, 5], [1e300, 5], [-0.01, 5], [10.01, 5], [5, 10.01], [5, -9]])
    assert not decode(scatter(fake=wild, size=100, limits=SQUARE)).any()
    assert decode(scatter(fake=NOTHING, size=64)).shape == (64, 64, 4)


def test_plane_shows_the_first_two_coordinates():
    assert plane(np.array([[1, 2, 3], [4, np.nan, 6]])).tolist() == [[1, 2]]
    assert plane(np.array([[7.0], [8.0]])).tolist() == [[7, 0], [8, 0]]


def test_window_is_square_with_a_margin():
    (left, right), (bottom, top) = window(np.array([[0, 0], [4, 2]]))
    assert (left, right, bottom, top) == pytest.approx((-0.2, 4.2, -1.2, 3.2))
    assert window(np.full((3, 2), 5.0)) == ((4.0, 6.0), (4.0, 6.0))
    assert window(np.full((3, 2), np.nan)) == ((-1.0, 1.0), (-1.0, 1.0))


def test_equal_points_give_equal_bytes():
    cloud = np.random.default_rng(1).normal(size=(300, 2))
    assert scatter(fake=cloud, real=cloud + 1) == scatter(fake=cloud.copy(), real=cloud + 1)
    assert scatter(fake=cloud, real=cloud + 1) != scatter(fake=cloud + 1, real=cloud)


def test_points_without_two_axes_are_refused():
    with pytest.raises(GanometerError, match=r"\(4,\)"):
        scatter(fake=np.zeros(4))
