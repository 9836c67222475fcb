"""Pictures are decoded with Pillow and compared with pictures laid out by hand."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from gan_core import GanometerError
from gan_core.pictures import grid
from gan_core.pictures.scatter import scatter


def decode(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def dots(*values):
    """One-pixel grey images."""
    return np.array(values, np.uint8).reshape(-1, 1, 1, 1)


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_grid_leaves_transparent_gaps_and_a_transparent_rest():
    picture = decode(grid.grid(dots(10, 20, 30), columns=2, scale=2, gap=1))
    grey = [[10, 10, 0, 20, 20], [10, 10, 0, 20, 20], [0, 0, 0, 0, 0], [30, 30, 0, 0, 0], [30, 30, 0, 0, 0]]
    opaque = [[1, 1, 0, 1, 1], [1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 0, 0, 0]]
    assert picture[..., 0].tolist() == grey
    assert (picture[..., 1] // 255).tolist() == opaque


def test_grid_enlarges_pixels_without_blurring_them():
    batch = noise(1, 8, 8, 1)
    picture = decode(grid.grid(batch, scale=5))
    assert np.array_equal(picture[..., 0], np.kron(batch[0, ..., 0], np.ones((5, 5), np.uint8)))


def test_grid_keeps_colours():
    batch = noise(2, 4, 4, 3)
    picture = decode(grid.grid(batch, scale=1, gap=0))
    assert np.array_equal(picture[..., :3], np.hstack(batch))
    assert (picture[..., 3] == 255).all()


@pytest.mark.parametrize(
    ("side", "n", "columns", "width"),
    [
        (8, 64, 8, 8 * 72 + 7),  # 9 times
        (28, 64, 8, 8 * 56 + 7),  # twice
        (28, 3, 8, 3 * 56 + 2),  # a sample is as large as it would be in a full row
        (100, 8, 8, 8 * 100 + 7),  # never shrunk
        (8, 1, 1, 112),  # one sample does not fill the page
    ],
)
def test_grid_chooses_the_largest_whole_scale(side, n, columns, width):
    assert decode(grid.grid(noise(n, side, side, 1), columns=columns)).shape[1] == width


def test_strip_has_a_row_per_latent_and_a_column_per_step():
    picture = decode(grid.strip([dots(1, 2), dots(3, 4), dots(5, 6)], scale=1, gap=0))
    assert picture[..., 0].tolist() == [[1, 3, 5], [2, 4, 6]]


def test_pairs_put_each_query_before_its_neighbours_with_a_wider_gap():
    neighbours = np.array([[3, 4], [5, 6]], np.uint8).reshape(2, 2, 1, 1, 1)
    picture = decode(grid.pairs(dots(1, 2), neighbours, scale=1, gap=1))
    assert picture[0, :, 0].tolist() == [1, *[0] * 9, 3, 0, 4]
    assert picture[2, :, 0].tolist() == [2, *[0] * 9, 5, 0, 6]
    assert picture[0, :, 1].tolist() == [255, *[0] * 9, 255, 0, 255]


@pytest.mark.parametrize(
    ("draw", "value"),
    [
        (lambda: grid.grid(np.zeros((2, 8, 8, 1), np.float32)), "float32"),
        (lambda: grid.grid(np.zeros((2, 8, 8), np.uint8)), r"\(2, 8, 8\)"),
        (lambda: grid.grid(np.zeros((2, 8, 8, 2), np.uint8)), r"\(2, 8, 8, 2\)"),
        (lambda: grid.grid(np.zeros((0, 8, 8, 1), np.uint8)), r"\(0, 8, 8, 1\)"),
        (lambda: grid.strip([]), r"\[\]"),
        (lambda: grid.strip([dots(1), dots(1, 2)]), r"\(2, 1, 1, 1\)"),
        (lambda: grid.pairs(dots(1, 2), np.zeros((3, 2, 1, 1, 1), np.uint8)), r"\(3, 2, 1, 1, 1\)"),
        (lambda: grid.pairs(dots(1, 2), np.zeros((2, 0, 1, 1, 1), np.uint8)), r"\(2, 0, 1, 1, 1\)"),
        (lambda: grid.pairs(dots(1), np.zeros((1, 2, 1, 1, 1))), "float64"),
        (lambda: grid.thumbnail(np.zeros((4, 0))), r"\(4, 0\)"),
    ],
)
def test_what_cannot_be_drawn_is_named(draw, value):
    with pytest.raises(GanometerError, match=value):
        draw()


def test_equal_input_gives_equal_bytes():
    batch = noise(9, 8, 8, 3)
    assert grid.grid(batch) == grid.grid(np.asfortranarray(batch))
    assert grid.grid(batch) != grid.grid(batch[::-1])


def test_thumbnail_of_images_shows_the_first_sixteen():
    batch = noise(20, 8, 8, 1)
    picture = decode(grid.thumbnail(batch, size=160))
    assert picture.shape == (4 * 32 + 3, 4 * 32 + 3, 2)  # four times: five would need 163 pixels
    assert np.array_equal(picture[33 * 3 :, 33 * 3 :, 0], np.kron(batch[15, ..., 0], np.ones((4, 4), np.uint8)))


def test_thumbnail_of_points_lies_over_the_real_ones():
    cloud = np.random.default_rng(2).normal(size=(50, 3))
    real = np.array([[0.0, 0.0, 0.0]])
    assert grid.thumbnail(cloud, real=real, size=80) == scatter(fake=cloud[:, :2], real=real[:, :2], size=80)


def test_an_embedded_picture_is_the_picture():
    picture = grid.grid(dots(1, 2, 3))
    kind, data = grid.embedded(picture).split(",")
    assert kind == "data:image/png;base64" and base64.b64decode(data) == picture


@pytest.mark.parametrize(("shape", "size"), [((40, 20), (20, 40)), ((300, 600), (96, 48)), ((2000, 100), (19, 384))])
def test_a_large_picture_is_shrunk_and_a_small_one_stays(shape, size):
    picture = np.broadcast_to(np.array([200, 100, 50], np.uint8), (*shape, 3)).copy()
    found = decode(grid.shrunk(picture, width=96))
    assert found.shape[1::-1] == size
    assert (found == [200, 100, 50]).all()
