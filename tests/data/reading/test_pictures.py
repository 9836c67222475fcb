"""Archives and folders of pictures as people have them: scales, transparency, labels from folders, broken files."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_core.data.reading.contents import CanLeaveOut
from gan_core.data.uploads import dataset_from_upload, read_upload
from tests.data.files import encoded, texts, zipped

N = 300


def noise(n: int = N) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, size=(n, 8, 8), dtype=np.uint8)


def pictures(arrays, name="{}.png") -> dict[str, bytes]:
    return {name.format(i): encoded(Image.fromarray(x)) for i, x in enumerate(arrays)}


def read(files: dict[str, bytes], **how):
    return read_upload(zipped(files), "a.zip", size=8, **how)


def test_twelve_bits_in_sixteen_are_as_bright_as_they_are():
    deep = np.random.default_rng(3).integers(0, 4096, (N, 8, 8)).astype(np.uint16)
    upload = read(pictures(deep))
    np.testing.assert_array_equal(upload.x[..., 0], np.rint(deep * (255 / 4095)))
    assert "0..4095 (12 bits)" in texts(upload)


def test_eight_bits_in_sixteen_are_not_all_black():
    upload = read(pictures(noise().astype(np.uint16)))
    np.testing.assert_array_equal(upload.x[..., 0], noise())


def test_white_icons_are_drawn_on_black():
    icons = np.full((N, 8, 8, 4), 255, np.uint8)
    icons[..., 3] = noise()
    upload = read(pictures(icons))
    np.testing.assert_array_equal(upload.x[..., 0], noise())
    (note,) = (note for note in upload.notes if note.about == "Transparency")
    assert note.warning and f"{N} of {N} pictures are transparent and were drawn on black" in note.text


def test_other_icons_are_drawn_on_white():
    icons = np.zeros((N, 8, 8, 4), np.uint8)
    icons[..., 3] = noise()
    upload = read(pictures(icons))
    np.testing.assert_array_equal(upload.x[..., 0], 255 - noise())
    assert "were drawn on white." in texts(upload)


@pytest.mark.parametrize("labels", [True, False])
def test_shards_of_stylegan_are_no_labels(labels):
    names = [f"{i // 1000:05}/img{i:08}.png" for i in range(1100)]
    files = dict(zip(names, pictures(noise(1100)).values()))
    about = [[name, i % 3] for i, name in enumerate(names)] if labels else None
    upload = read(files | {"dataset.json": json.dumps({"labels": about}).encode()})
    assert upload.classes == ({"0": 367, "1": 367, "2": 366} if labels else {})
    assert ("Labels were found in dataset.json" if labels else "only divide the pictures") in texts(upload)


def test_a_picture_beside_folders_of_digits_moves_no_label():
    files = {f"{i % 10}/{i}.png": encoded(Image.fromarray(x)) for i, x in enumerate(noise())}
    upload = read(files | {"preview.png": encoded(Image.fromarray(noise()[0][::-1]))})
    assert len(upload.x) == N and upload.y.tolist() == [i % 10 for i in range(N)]
    assert "1 pictures beside the folders, which give the labels, were left out: preview.png" in texts(upload)


def test_many_pictures_without_a_folder_are_the_last_class():
    files = {f"{'ab'[i % 2]}/{i}.png" if i % 3 else f"{i}.png": x for i, x in enumerate(pictures(noise()).values())}
    assert list(read(files).classes) == ["a", "b", "(no folder)"]


def test_folders_of_parts_are_no_labels():
    files = {
        f"{'test' if i % 5 == 0 else 'train'}/{'cat' if i % 2 else 'dog'}/{i}.png": x
        for i, x in enumerate(pictures(noise()).values())
    }
    upload = read(files)
    data = dataset_from_upload(upload, "p")
    assert upload.names.classes == ("cat", "dog") and len(data.test) == 60
    assert {row.tobytes() for row in data.test.x} == {row.tobytes() for row in noise()[::5, :, :, None]}


def test_all_broken_pictures_are_listed_and_can_be_left_out():
    files = pictures(noise()) | {"y.png": b"", "z.png": b"hello"}
    with pytest.raises(CanLeaveOut, match="2 of 302 pictures are damaged or mislabelled: 'y.png', 'z.png'") as caught:
        read(files)
    assert caught.value.items == ("y.png", "z.png")
    upload = read(files, leave_out=True)
    np.testing.assert_array_equal(upload.x[..., 0], noise())
    assert "2 of 302 pictures were left out: y.png, z.png" in texts(upload)


def test_labels_of_what_is_left_out_go_with_it():
    files = {f"{i % 3}/{i:03}.png": x for i, x in enumerate(pictures(noise()).values())}
    files["1/004.png"] = b"broken"
    upload = read(files, leave_out=True)
    assert upload.classes == {"0": 100, "1": 99, "2": 100}
    assert upload.y.tolist() == [i % 3 for i in range(N) if i != 4]
