"""Films: what Pillow reads back is what went in, frame by frame."""

import io

import numpy as np
import pytest
from PIL import Image

from gan_core.pictures import colours
from gan_core.pictures.film import FORMATS, HEAD, WIDTH, film, scatter_frames
from gan_core.records import GanometerError

RNG = np.random.default_rng(0)
REAL, FAKE, PAPER = (colours.rgb(name) for name in (colours.REAL, colours.FAKE, colours.PAPER))


def played(data: bytes) -> tuple[list[np.ndarray], list[float]]:
    """Every frame as RGB, and how many milliseconds each stays."""
    frames, durations = [], []
    with Image.open(io.BytesIO(data)) as picture:
        for number in range(picture.n_frames):
            picture.seek(number)
            picture.load()
            frames.append(np.asarray(picture.convert("RGB")))
            durations.append(picture.info["duration"])
    return frames, durations


def enlarged(picture: np.ndarray, scale: int) -> np.ndarray:
    squares = np.kron(picture, np.ones((scale, scale, 1), np.uint8))
    return np.broadcast_to(squares, (*squares.shape[:2], 3))


@pytest.mark.parametrize("format", FORMATS)
def test_grey_pictures_come_back_bit_for_bit(format):
    pictures = [RNG.integers(0, 256, (20, 24, 1), dtype=np.uint8) for _ in range(5)]
    frames, durations = played(film(pictures, format, fps=10))
    assert len(frames) == 5 and durations == [100] * 4 + [2000]
    for frame, picture in zip(frames, pictures):
        assert np.array_equal(frame, enlarged(picture, 20))  # 480 of 24: whole squares for pixels


def test_a_webp_keeps_every_colour():
    pictures = [RNG.integers(0, 256, (30, 40, 3), dtype=np.uint8) for _ in range(3)]
    frames, _ = played(film(pictures, "webp"))
    assert all(np.array_equal(frame, enlarged(picture, 12)) for frame, picture in zip(frames, pictures, strict=True))


def test_a_gif_keeps_colours_about():
    flat = [np.full((8, 8, 3), colour, np.uint8) for colour in ((200, 30, 30), (30, 30, 200))]
    frames, _ = played(film(flat, "gif"))
    assert [frame.shape for frame in frames] == [(480, 480, 3)] * 2
    assert np.abs(np.array([frame[0, 0] for frame in frames], int) - [(200, 30, 30), (30, 30, 200)]).max() < 12


@pytest.mark.parametrize("format", FORMATS)
def test_images_are_laid_out_eight_in_a_row(format):
    images = [RNG.random((11, 5, 6, 1), dtype=np.float32) for _ in range(2)]
    frames, _ = played(film(images, format))
    for frame, x in zip(frames, images, strict=True):
        assert frame.shape == (2 * 5 * 10, 8 * 6 * 10, 3)
        cell = frame[50:100:10, 120:180:10, 0]  # the second row's third
        assert np.array_equal(cell, np.floor(x[10, ..., 0] * 255 + 0.5))
        assert not frame[50:, 180:].any()  # and none after it


def test_a_film_of_one_frame_is_a_picture():
    frames, _ = played(film([np.zeros((4, 4, 1), np.uint8)], "gif"))
    assert len(frames) == 1


def test_pictures_that_are_wide_already_are_not_enlarged():
    with Image.open(io.BytesIO(film([RNG.integers(0, 256, (4, 700, 1), dtype=np.uint8)] * 2, "webp"))) as picture:
        assert picture.size == (700, 4)


@pytest.mark.parametrize(
    ("frames", "options", "said"),
    [
        ([np.zeros((4, 4, 1), np.uint8)], {"format": "mp4"}, "'mp4' is not a format of films; choose gif or webp"),
        ([np.zeros((4, 4, 1), np.uint8)], {"fps": 0}, "fps is 0; give 0.1 to 50"),
        ([np.zeros((4, 4, 1), np.uint8)], {"fps": float("nan")}, "fps is nan"),
        ([], {}, "there are none"),
        ([np.zeros((4, 4, 1), np.uint8), np.zeros((4, 5, 1), np.uint8)], {}, r"\(4, 4, 1\), \(4, 5, 1\)"),
        ([np.zeros((4, 4), np.uint8)], {}, r"\(4, 4\)"),
        ([np.zeros((4, 4, 2), np.uint8)], {}, r"\(4, 4, 2\)"),
        ([np.zeros((4, 4, 1))], {}, "of uint8"),
    ],
)
def test_what_cannot_be_shown_is_said(frames, options, said):
    with pytest.raises(GanometerError, match=said):
        film(frames, **options)


# ---------------------------------------------------------------- points

CORNERS = np.array([[-2, -2], [2, -2], [-2, 2], [2, 2]], np.float32)


def pixel(frame: np.ndarray, x: float, y: float, half: float) -> tuple[int, ...]:
    """The colour at a place of the plane, where the film shows -half to half of both axes, upwards."""
    across, down = ((place / half + 1) / 2 * (WIDTH - 1) for place in (x, -y))
    return tuple(frame[HEAD + round(down), round(across)])


@pytest.mark.parametrize("format", FORMATS)
def test_points_stand_in_every_frame_where_they_are_in_the_plane(format):
    generated = [np.array(points, np.float32) for points in ([[0, 1]], [[1, -1]], [[-1.5, 0.5]])]
    frames, _ = played(film(scatter_frames(generated, [0, 10, 2000], real=CORNERS), format))
    assert [frame.shape for frame in frames] == [(HEAD + WIDTH, WIDTH, 3)] * 3
    for frame, ((x, y),) in zip(frames, generated):
        assert pixel(frame, x, y, 2.2) == FAKE  # a tenth wider than the real points need
        assert [pixel(frame, *corner, 2.2) for corner in CORNERS] == [REAL] * 4
        elsewhere = [other for (other,) in generated if other[0] != x]
        assert [pixel(frame, *other, 2.2) for other in elsewhere] == [PAPER] * 2
        seen = {tuple(colour) for colour in frame[HEAD + 1 : -1, 1:-1].reshape(-1, 3)}
        assert {PAPER, REAL, FAKE} <= seen


def test_the_axes_of_a_film_hold_all_its_points_and_never_move():
    """They reach to 3, half as far again as the real points do, in every frame."""
    generated = [np.array([[3, 0]], np.float32), np.array([[0, 0]], np.float32)]
    for frame, ((x, y),) in zip(scatter_frames(generated, [0, 1], real=CORNERS), generated):
        assert pixel(frame, x, y, 3.3) == FAKE
        assert [pixel(frame, *corner, 3.3) for corner in CORNERS] == [REAL] * 4


def test_a_diverged_generator_does_not_shrink_the_real_points_to_a_dot():
    far = np.array([[1e30, 0], [np.nan, 1], [np.inf, -np.inf]], np.float32)
    (frame,) = scatter_frames([far], [7], real=CORNERS)
    assert [pixel(frame, *corner, 4.4) for corner in CORNERS] == [REAL] * 4
    assert not (frame[HEAD + 1 :] == FAKE).all(axis=-1).any()


@pytest.mark.parametrize(
    ("samples", "real", "said"),
    [
        ([np.zeros((4, 3))], np.zeros((4, 3)), "points of 3 coordinates at 1 of 1 steps"),
        ([np.zeros((4, 3))], CORNERS, "points of 2, 3 coordinates"),
        ([CORNERS, CORNERS], CORNERS, "at 2 of 1 steps"),
    ],
)
def test_what_is_no_film_of_the_plane_is_said(samples, real, said):
    with pytest.raises(GanometerError, match=said):
        scatter_frames(samples, [0], real=real)
