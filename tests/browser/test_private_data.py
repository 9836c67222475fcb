"""Two people in two browsers: one publishes a run on private data, the other downloads all there is to download."""

import io
import re
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect

from gan_core.data import datasets
from gan_core.store import Store

pytestmark = pytest.mark.slow  # a worker trains

SOON = 90_000


@pytest.fixture(scope="module")
def server(serve):
    return serve(env={"GANOMETER_SHARED": "true"})


def upload_and_train(page, file) -> str:
    """Upload a file on the Train page, train a short run on it, and publish the run alone."""
    page.get_by_text("Use your own data").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Use this data").click(timeout=SOON)
    expect(page.get_by_text("Your own data: 600 points")).to_be_visible(timeout=SOON)
    steps = page.get_by_role("spinbutton", name="Steps", exact=True).first
    steps.fill("60")
    steps.press("Tab")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run=\w{8}"))
    expect(page.get_by_text(re.compile(r"\bFinished\b")).first).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Share", exact=True).click()
    page.get_by_text("Everybody may see this run").click()
    return re.search(r"run=(\w+)", page.url)[1]


def downloaded(page, button: str) -> bytes:
    with page.expect_download(timeout=SOON) as found:
        page.get_by_role("button", name=button).click()
    return found.value.path().read_bytes()


def unpacked(data: bytes) -> bytes:
    """All bytes of a zip file, and of those in it."""
    found = b""
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        for name in zipped.namelist():
            member = zipped.read(name)
            found += unpacked(member) if member.startswith(b"PK") else member
    return found


def kept_rows(server) -> list[bytes]:
    """The rows of the upload as the store keeps them, in either precision."""
    store = Store(f"sqlite:///{server.home / 'ganometer.sqlite'}")
    (info,) = store.datasets.uploads()
    dataset = datasets.dataset_from_bytes(store.datasets.upload_bytes(info.name), info.name)
    store.close()
    parts = [part.x for part in dataset.parts.values()]
    return [row.tobytes() for kind in (np.float32, np.float64) for x in parts for row in x.astype(kind)]


def test_downloads_of_a_published_run_hold_no_row_of_its_private_data(server, open_page, wait_idle, tmp_path):
    real = np.random.default_rng(4).normal(size=(600, 2)).round(6)
    np.savez(tmp_path / "own.npz", x=real)

    first = open_page(server, "/train")
    run_id = upload_and_train(first, tmp_path / "own.npz")
    rows = kept_rows(server)
    own = unpacked(downloaded(first, "Download this run"))
    assert sum(row in own for row in rows) >= 600  # or this test could not fail

    second = open_page(server, f"/train?run={run_id}")
    expect(second.get_by_text("The data of this run are private").first).to_be_visible(timeout=SOON)
    second.get_by_role("button", name="Share", exact=True).click()
    bundle = downloaded(second, "Download this run")
    found = unpacked(bundle)
    assert not any(row in found for row in rows)
    with zipfile.ZipFile(io.BytesIO(bundle)) as zipped:
        assert not {"dataset.npz", "preview.npz"} & set(zipped.namelist())

    gallery = open_page(server, f"/gallery?run={run_id}")
    film = downloaded(gallery, "Time-lapse as GIF")
    assert film.startswith(b"GIF8")
    expect(gallery.get_by_role("button", name="All as NPZ")).to_be_visible(timeout=SOON)
    samples = unpacked(downloaded(gallery, "All as NPZ"))
    assert not any(row in samples for row in rows)
    expect(gallery.get_by_text("The data of this run are private").first).to_be_visible()

    store = Store(f"sqlite:///{server.home / 'ganometer.sqlite'}")
    store.runs.publish(run_id, False)
    store.close()
    third = open_page(server, f"/gallery?run={run_id}")
    expect(third.get_by_text("Unknown run")).to_be_visible(timeout=SOON)
