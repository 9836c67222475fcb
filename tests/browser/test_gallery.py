"""Looking closer, as a person does it: one step for all views, the map, the image grid, walks, and files to keep."""

import csv
import io
import re
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from gan_core import Browse, LatentPlane, LatentWalk, Parameters, Projection, SampleDetail
from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.jobs import registry
from gan_core.jobs.kind import Arrays
from gan_core.pictures.grid import grid_pixels
from gan_core.store import Store
from ui.frame.job_answers import WAITING
from ui.frame.pickers import PLAY_SECONDS

pytestmark = pytest.mark.slow  # together they take minutes, which a run of all tests has not got

SOON = 15_000
ANSWERED = 60_000
"""Milliseconds within which the worker has made what was asked of it."""
SMALL = {"generator.hidden": "48", "discriminator.hidden": "48", "training.batch": 64, "recording.snapshots": 6}
RUNS = {
    "digits": override(preset("auto", data="digits"), SMALL | {"training.steps": 400}),
    "ring-8": override(preset("auto", data="ring-8"), SMALL | {"training.steps": 300}),
}
MAP = re.compile("^Map of 1,000 generated and [0-9,]+ real samples$")


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(scope="module")
def finished(server, store, browser) -> dict[str, str]:
    """A run on the digits and one on the ring, trained once by the server's own worker: id by data set."""
    visitor = browser.new_page()
    visitor.goto(server.url)
    expect(visitor.get_by_role("heading", level=1)).to_be_visible(timeout=ANSWERED)  # the first visitor wakes it
    visitor.close()
    ids = {data: store.runs.create(config, name=f"small {data}") for data, config in RUNS.items()}
    deadline = time.monotonic() + 120
    while not all(store.runs.get(run_id).state == "finished" for run_id in ids.values()):
        assert time.monotonic() < deadline, [(run.name, run.state, run.error) for run in store.runs.all()]
        time.sleep(0.2)
    return ids | {"example": next(run.id for run in store.runs.all() if "example" in run.name)}


@pytest.fixture
def digits(finished) -> str:
    return finished["digits"]


@pytest.fixture(autouse=True)
def quiet_console(console_errors):
    """No page reports an error, but for an address that Streamlit itself tries first on a deep link."""
    yield
    assert [error for error in console_errors if not re.search(r"404.*/\w+/_stcore/", error)] == []


# ---------------------------------------------------------------- what is on a page


def chart(page: Page, alt: str | re.Pattern) -> Locator:
    """A chart by its description, as soon as it is drawn."""
    box = page.get_by_role("figure", name=alt)
    expect(box.locator(".main-svg").first).to_be_visible(timeout=ANSWERED)
    return box


def image_grid(page: Page, key: str, count: int) -> Locator:
    """An image grid, as soon as it shows `count` samples."""
    found = page.locator(f".st-key-{key} .cells")
    expect(found).to_have_attribute("data-drawn", str(count), timeout=ANSWERED)
    return found


def samples_in(cells: Locator, width: int, height: int) -> np.ndarray:
    """The pixels an image grid really shows: (rows, columns, height, width), grey."""
    across, down, pixels = cells.locator("canvas").evaluate(
        """canvas => {
            const { width, height } = canvas, { data } = canvas.getContext("2d").getImageData(0, 0, width, height)
            return [width, height, Array.from({ length: width * height }, (_, i) => data[4 * i])]
        }"""
    )
    picture = np.pad(np.array(pixels, np.uint8).reshape(down, across), ((0, 1), (0, 1)))
    table = picture.reshape((down + 1) // (height + 1), height + 1, (across + 1) // (width + 1), width + 1)
    return table.swapaxes(1, 2)[:, :, :height, :width]


def click_sample(grid: Locator, place: int, width: int) -> None:
    """Click the middle of the sample at a place, counted from 0."""
    grid.scroll_into_view_if_needed()
    cells = grid.locator("canvas").evaluate("canvas => [canvas.width, canvas.clientWidth / canvas.width]")
    columns, cell = (cells[0] + 1) // (width + 1), (width + 1) * cells[1]
    grid.click(position={"x": (place % columns + 0.45) * cell, "y": (place // columns + 0.45) * cell})


def choose(page: Page, wait_idle, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label, exact=True)
    wait_idle(page)
    box.click()
    try:
        page.get_by_role("option", name=option, exact=True).click(timeout=SOON)
    except PlaywrightTimeout:  # an answer came just now: a page that is drawn anew closes the list
        wait_idle(page)
        box.click()
        page.get_by_role("option", name=option, exact=True).click(timeout=SOON)
    expect(box).to_have_value(option)


def step_slider(page: Page) -> Locator:
    return page.locator(".st-key-time").get_by_role("slider")


def answer(store: Store, asked: Parameters, run_id: str, step: int) -> Arrays:
    """What the worker answers to a page: the same request is the same job."""
    job_id = registry.request(store, asked, run_id=run_id, step=step)
    deadline = time.monotonic() + ANSWERED / 1000
    while (job := store.jobs.get(job_id)).state in WAITING:
        assert time.monotonic() < deadline, (job.kind, job.state, job.progress)
        time.sleep(0.1)
    assert job.state == "done", (job.kind, job.error)
    return registry.decoded(job)


# ---------------------------------------------------------------- one step for everything


def test_the_step_slider_moves_all_views_and_goes_along(server, open_page, store, digits):
    steps = store.recordings.snapshot_steps(digits)
    reports = dict(store.measurements.reports(digits))
    page = open_page(server, f"/distances?run={digits}")
    slider = step_slider(page)
    expect(slider).to_have_attribute("aria-valuetext", f"{steps[-1]:,}")
    energy = page.get_by_test_id("stMetric").filter(has=page.get_by_text("Energy distance", exact=True))

    slider.press("Home")
    slider.press("ArrowRight")
    step = steps[1]
    expect(page).to_have_url(re.compile(rf"[?&]step={step}(&|$)"), timeout=SOON)
    value = reports[step].metrics["energy_distance"].value
    expect(energy.get_by_test_id("stMetricValue")).to_have_text(f"{value:.4f}", timeout=SOON)
    page.get_by_role("radio", name="Curves").click()
    curve = chart(page, "Energy distance over steps")
    page.wait_for_function(
        "([box, step]) => box.layout.shapes.some(line => line.x0 === step && line.x1 === step)",
        arg=[curve.element_handle(), step],
    )
    # The map is there as soon as the worker has drawn the samples of that step.
    x = answer(store, Browse(n=1000, seed=0), digits, step)["xy"][:, 0]
    assert not np.allclose(x, answer(store, Browse(n=1000, seed=0), digits, steps[-1])["xy"][:, 0])
    page.get_by_role("radio", name="Samples").click()
    page.get_by_role("figure", name=MAP).scroll_into_view_if_needed()
    page.wait_for_function(
        """x => [...document.querySelectorAll('[role=figure]')].some(box => /^Map of/.test(box.ariaLabel)
            && box.calcdata?.some(c => c[0].trace.name === 'generated' && c.every((p, i) => p.x === x[i])))""",
        arg=x.tolist(),
        timeout=ANSWERED,
    )

    for name in ("Gallery", "Train"):
        page.locator(".st-key-menu").get_by_role("link", name=name).click()
        page.wait_for_url(re.compile(rf"/{name.lower()}\?(.*&)?step={step}(&|$)"))
        expect(page.get_by_alt_text(f"64 generated samples at step {step:,}")).to_be_visible(timeout=SOON)
        expect(step_slider(page)).to_have_attribute("aria-valuetext", f"{step:,}")


def test_the_time_lapse_plays_to_the_end_and_can_be_paused(server, open_page, store, digits):
    steps = store.recordings.snapshot_steps(digits)
    page = open_page(server, f"/gallery?run={digits}")
    seen = []
    page.on("framenavigated", lambda frame: seen.append(re.search(r"step=(\d+)", frame.url)))
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause playback")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=ANSWERED)
    expect(page).to_have_url(re.compile(r"^((?!step=).)*$"))
    shown = [int(found[1]) if found else steps[-1] for found in seen]
    assert list(dict.fromkeys(shown)) == list(steps)
    expect(page.get_by_alt_text(f"64 generated samples at step {steps[-1]:,}")).to_be_visible()

    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_url(re.compile(rf"step={steps[1]}(&|$)"), timeout=ANSWERED)
    page.get_by_role("button", name="Pause playback").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=SOON)
    paused = page.url
    page.wait_for_timeout(3_000 * PLAY_SECONDS)  # three beats, in which nothing may happen
    assert page.url == paused and "step=" in paused


# ---------------------------------------------------------------- the map


PIXELS = """box => {
    const { xaxis, yaxis } = box._fullLayout, { left, top } = box.getBoundingClientRect()
    return box.calcdata.map(curve => [curve[0].trace.name, Array.from(curve, p =>
        [left + xaxis._offset + xaxis.l2p(p.x), top + yaxis._offset + yaxis.l2p(p.y)])])
}"""
"""The name of each curve of a chart, and where its points are in the window."""


def pixels(box: Locator) -> dict[str, np.ndarray]:
    box.scroll_into_view_if_needed()
    return {name: np.array(points) for name, points in box.evaluate(PIXELS)}


def loneliest(points: dict[str, np.ndarray], curve: str) -> int:
    """The point of a curve that has the most room around it, so that a click means this one and no other."""
    everything = np.concatenate(list(points.values()))
    gaps = np.linalg.norm(points[curve][:, None] - everything[None], axis=2)
    return int(np.sort(gaps, axis=1)[:, 1].argmax())


def test_a_click_on_the_map_shows_the_sample_with_its_nearest_real_images(server, open_page, store, digits):
    page = open_page(server, f"/distances?part=samples&run={digits}")
    step = store.recordings.snapshot_steps(digits)[-1]
    box = chart(page, MAP)
    points = pixels(box)
    index = loneliest(points, "generated")
    x, y = points["generated"][index]
    page.mouse.move(x, y)
    expect(box.locator(".hoverlayer text").first).to_contain_text(f"generated sample {index},")
    page.mouse.click(x, y)
    expect(page.get_by_text(f"Generated sample {index + 1}", exact=False).first).to_be_visible(timeout=ANSWERED)
    expect(page.get_by_alt_text(f"Generated sample {index + 1}, large")).to_be_visible()
    found = answer(store, SampleDetail(n=1000, seed=0, index=index, k=6), digits, step)
    for distance in found["pixels.distances"]:
        expect(
            page.get_by_alt_text(re.compile(rf"^A real training image.* at distance {distance:.3f}$"))
        ).not_to_have_count(0)
    expect(page.get_by_alt_text(re.compile("^A real training image"))).to_have_count(12)  # in pixels, and by PCA
    everything = answer(store, Browse(n=1000, seed=0), digits, step)
    assert found["pixels.distances"][0] == pytest.approx(everything["distances"][index], rel=1e-4)


def test_a_box_on_the_map_shows_each_sample_beside_its_nearest_real_one(server, open_page, store, digits):
    page = open_page(server, f"/distances?part=samples&run={digits}")
    box = chart(page, MAP)
    points = pixels(box)["generated"]
    middle = np.median(points, axis=0)
    box.hover()
    box.get_by_role("button", name="Box Select").click()
    page.mouse.move(*(middle - 12))
    page.mouse.down()
    page.mouse.move(*middle, steps=4)
    page.mouse.move(*(middle + 12), steps=4)
    page.mouse.up()
    marked = int((abs(points - middle) < 12).all(axis=1).sum())
    words = page.get_by_text(re.compile(r"^\d+ samples, each with the real one nearest to it$"))
    expect(words).to_be_visible(timeout=SOON)
    shown = int(words.inner_text().split()[0])
    assert 1 < shown <= 24 and shown >= min(24, marked) - 2  # a point on the edge may fall to either side
    expect(page.get_by_alt_text(f"{shown} generated samples, and beside each the nearest real one")).to_be_visible()


def test_on_the_ring_the_map_is_the_plane_itself(server, open_page, store, finished):
    run_id = finished["ring-8"]
    page = open_page(server, f"/distances?part=samples&run={run_id}")
    box = chart(page, MAP)
    step = store.recordings.snapshot_steps(run_id)[-1]
    found = answer(store, Browse(n=1000, seed=0), run_id, step)
    np.testing.assert_allclose(found["xy"], found["x"], rtol=1e-6)
    points = pixels(box)
    index = loneliest(points, "generated")
    page.mouse.move(*points["generated"][index])
    expect(box.locator(".hoverlayer text").first).to_contain_text(f"generated sample {index},")
    page.mouse.click(*points["generated"][index])
    expect(page.get_by_text(f"x1 = {found['x'][index, 0]:.4g}")).to_be_visible(timeout=ANSWERED)


# ---------------------------------------------------------------- the image grid


def test_a_sample_is_picked_by_mouse_and_by_keyboard(server, open_page, store, digits):
    page = open_page(server, f"/gallery?run={digits}")
    cells = image_grid(page, "samples-grid", 64)
    x = store.recordings.snapshot(digits, store.recordings.snapshot_steps(digits)[-1]).samples
    shown = samples_in(cells, 8, 8).reshape(-1, 8, 8)
    assert np.array_equal(shown[:64], x[..., 0])
    expect(page.get_by_alt_text("Generated sample 1, large")).to_be_visible(timeout=ANSWERED)

    click_sample(cells, 9, 8)
    expect(page.get_by_alt_text("Generated sample 10, large")).to_be_visible(timeout=ANSWERED)
    expect(page.get_by_text("Generated sample 10", exact=True)).to_be_visible()
    expect(cells.locator(".chosen")).to_be_visible()

    cells.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(cells).to_have_attribute("aria-label", re.compile(r"Number 11\. no\. 11\b"))
    page.keyboard.press("Enter")
    expect(page.get_by_alt_text("Generated sample 11, large")).to_be_visible(timeout=ANSWERED)


def test_samples_are_ordered_and_filtered_as_their_numbers_say(server, open_page, wait_idle, store, digits):
    page = open_page(server, f"/gallery?run={digits}")
    image_grid(page, "samples-grid", 64)
    found = answer(store, Browse(), digits, store.recordings.snapshot_steps(digits)[-1])

    def first() -> np.ndarray:
        return samples_in(page.locator(".st-key-samples-grid .cells"), 8, 8)[0, 0]

    for order, place in (
        ("Farthest from the training samples first", found["distances"].argmax()),
        ("Nearest to a training sample first", found["distances"].argmin()),
        ("Most realistic first", found["realism"].argmax()),
        ("Highest discriminator output first", found["scores"].argmax()),
    ):
        choose(page, wait_idle, "Order", order)
        cells = page.locator(".st-key-samples-grid .cells")
        cells.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_alt_text("64 generated samples at step 400")).to_be_visible()
        page.wait_for_function(
            "([cells, words]) => cells.getRootNode().querySelector('.enlarged').innerText.includes(words)",
            arg=[cells.element_handle(), f"to training: {found['distances'][place]:.3g}"],
        )
        assert np.array_equal(first(), found["x"][place, ..., 0]), order

    label = np.bincount(found["labels"]).argmax()
    choose(page, wait_idle, "Looks like class", str(label))
    image_grid(page, "samples-grid", int((found["labels"] == label).sum()))


def test_a_thousand_new_samples_are_paged(server, open_page, wait_idle, digits):
    page = open_page(server, f"/gallery?run={digits}")
    page.get_by_role("radio", name="New samples").click()
    image_grid(page, "samples-grid", 128)
    choose(page, wait_idle, "How many", "1000")
    expect(page.get_by_text("Samples 1 to 128 of 1,000.")).to_be_visible(timeout=ANSWERED)
    first = samples_in(image_grid(page, "samples-grid", 128), 8, 8)
    page.locator("[data-testid=stPagination]").get_by_role("button", name="8", exact=False).last.click()
    expect(page.get_by_text("Samples 897 to 1,000 of 1,000.")).to_be_visible(timeout=SOON)
    last = samples_in(image_grid(page, "samples-grid", 104), 8, 8)
    assert not np.array_equal(first[0, 0], last[0, 0])


# ---------------------------------------------------------------- latent space


def test_a_walk_leads_from_the_one_chosen_sample_to_the_other(server, open_page, store, digits):
    page = open_page(server, f"/gallery?run={digits}&view=samples")
    cells = image_grid(page, "samples-grid", 64)
    for place, button in ((5, "Walk from here"), (20, "Walk to here")):
        click_sample(cells, place, 8)
        expect(page.get_by_alt_text(f"Generated sample {place + 1}, large")).to_be_visible(timeout=ANSWERED)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text(re.compile(rf"^Sample {place + 1} is the"))).to_be_visible(timeout=SOON)
    page.get_by_role("radio", name="Latent walk").click()
    expect(page).to_have_url(re.compile("view=walk"))
    frames = samples_in(image_grid(page, "walk-grid", 24), 8, 8).reshape(-1, 8, 8)[:24]
    step = store.recordings.snapshot_steps(digits)[-1]
    x = store.recordings.snapshot(digits, step).samples[..., 0]
    assert np.array_equal(frames[0], x[5]) and np.array_equal(frames[-1], x[20])
    assert len(np.unique(frames, axis=0)) > 12


def test_walk_plane_and_search_open_from_a_link(server, open_page, store, digits):
    step = store.recordings.snapshot_steps(digits)[-1]
    x = store.recordings.snapshot(digits, step).samples[..., 0]
    page = open_page(server, f"/gallery?run={digits}&view=walk")
    frames = samples_in(image_grid(page, "walk-grid", 24), 8, 8).reshape(-1, 8, 8)[:24]
    assert np.array_equal(frames[0], x[0]) and np.array_equal(frames[-1], x[1])
    length = chart(page, "Length of the walk up to each frame")
    found = answer(store, LatentWalk(frames=24, start_index=0, end_index=1), digits, step)
    assert length.evaluate("box => box.calcdata[0].at(-1).y") == pytest.approx(float(found["length"][-1]), rel=1e-5)

    page.get_by_role("radio", name="Latent plane").click()
    cells = samples_in(image_grid(page, "plane-grid", 225), 8, 8)
    assert cells.shape[:2] == (15, 15)
    assert np.array_equal(cells, answer(store, LatentPlane(size=15, plane=0), digits, step)["x"][..., 0])

    page.get_by_role("radio", name="Latent of a real sample").click()
    expect(page.get_by_alt_text("The closest sample the search has found")).to_be_visible(timeout=ANSWERED)
    real = image_grid(page, "real-grid", 64)
    click_sample(real, 3, 8)
    found = answer(store, Projection(part="preview", index=3, steps=300, starts=8), digits, step)
    assert found["distance"] <= found["start_distance"]
    for distance in ("start_distance", "distance", "nearest_distance"):
        expect(page.get_by_text(f"at {float(found[distance]):.3g}", exact=True).first).to_be_visible(timeout=SOON)
    chart(page, "Distance to the real sample during the search")


# ---------------------------------------------------------------- files


def downloaded(page: Page, name: str) -> Download:
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible(timeout=ANSWERED)
    with page.expect_download(timeout=ANSWERED) as download:
        button.click()
    return download.value


def test_downloads_of_the_gallery_hold_what_they_say(server, open_page, store, digits):
    steps = store.recordings.snapshot_steps(digits)
    x = store.recordings.snapshot(digits, steps[-1]).samples
    page = open_page(server, f"/gallery?run={digits}")
    image_grid(page, "samples-grid", 64)

    png = downloaded(page, "These as PNG")
    assert png.suggested_filename == f"ganometer-{digits}-step-{steps[-1]}.png"
    with Image.open(png.path()) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture.convert("RGBA"))
    scale = (pixels.shape[1] + 2) // 16 - 2  # sixteen samples in a row, two free pixels between them
    size = 8 * (scale // 8)
    corner = pixels[: size : size // 8, : size : size // 8]
    assert np.array_equal(corner[..., 0], x[0, ..., 0]) and (corner[..., 3] == 255).all()

    for title, form in (("GIF", "GIF"), ("WebP", "WEBP")):
        with Image.open(downloaded(page, f"Time-lapse as {title}").path()) as film:
            assert (film.format, film.n_frames) == (form, len(steps))
            film.seek(film.n_frames - 1)
            last = np.asarray(film.convert("L"))
            wanted = grid_pixels(x)[..., 0]
            factor = last.shape[0] // wanted.shape[0]
            assert np.array_equal(last[::factor, ::factor], wanted)

    with np.load(downloaded(page, "All as NPZ").path(), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["x"], x)
        found = answer(store, Browse(), digits, steps[-1])
        for name in ("distances", "realism", "labels", "scores"):
            assert np.array_equal(arrays[name], found[name], equal_nan=name != "labels"), name


def test_the_history_of_the_metrics_is_a_table_to_take_away(server, open_page, store, digits):
    page = open_page(server, f"/distances?part=curves&run={digits}")
    text = downloaded(page, "Metric history as CSV").path().read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    reports = dict(store.measurements.reports(digits))
    told = {int(row["step"]): float(row["energy_distance"]) for row in rows if row["energy_distance"]}
    assert told == {step: report.metrics["energy_distance"].value for step, report in reports.items()}
    assert [int(row["step"]) for row in rows] == sorted({int(row["step"]) for row in rows})
    assert int(rows[-1]["step"]) == 400


# ---------------------------------------------------------------- hands off the mouse


FOCUSED = """() => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return `${at.tagName.toLowerCase()} ${at.ariaLabel ?? ""} ${at === document.body ? "" : at.innerText}`.trim()
}"""
"""What has the focus: its tag, its label, its words."""


def tab_to(page: Page, wanted: str, most: int = 120) -> None:
    """Press Tab until what has the focus says `wanted`."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if re.search(wanted, page.evaluate(FOCUSED), re.DOTALL):
            return
    pytest.fail(f"{most} times Tab does not lead to {wanted!r}")


def test_the_keyboard_alone_starts_pauses_and_stops_a_run(server, open_page, store, finished):
    page = open_page(server, "/train")
    tab_to(page, "^input Steps$")
    page.keyboard.press("Control+a")
    page.keyboard.type("400000")
    tab_to(page, "^input Seed$")
    page.keyboard.press("ArrowUp")
    tab_to(page, "^button .*Start training$")
    before = page.url
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "run=" in url and url != before)
    run_id = re.search(r"run=(\w+)", page.url)[1]
    state = page.locator(".st-key-state")
    expect(state).to_contain_text("Running", timeout=ANSWERED)
    config = store.runs.get(run_id).config
    assert (config.training.steps, config.seed) == (400_000, 1)
    tab_to(page, "^button .*Pause$")
    page.keyboard.press("Space")
    expect(state).to_contain_text("Paused", timeout=ANSWERED)  # what is being compiled is compiled first
    tab_to(page, "^button .*Stop$")
    page.keyboard.press("Enter")
    expect(state).to_contain_text("Stopped", timeout=ANSWERED)
    assert store.runs.get(run_id).state == "stopped"


# ---------------------------------------------------------------- any window, both themes


@pytest.mark.parametrize("path", ["/", "/train", "/distances", "/gallery", "/compare"])
def test_a_finished_run_fits_a_telephone_in_the_dark(server, open_page, store, finished, path):
    two = f"{finished['digits']},{finished['example']}"
    query = "" if path == "/" else f"?runs={two}" if path == "/compare" else f"?run={finished['digits']}"
    query += "&part=samples" if path == "/distances" else ""
    page = open_page(server, path + query, color_scheme="dark", width=390)
    drawn = {
        "/": page.get_by_text("small digits").first,
        "/train": page.get_by_role("figure", name="Energy distance over steps"),
        "/distances": page.get_by_role("figure", name=MAP),
        "/gallery": page.get_by_alt_text("Generated sample 1, large"),
        "/compare": page.get_by_alt_text(re.compile("^64 generated samples of B")),
    }
    expect(drawn[path]).to_be_visible(timeout=ANSWERED)
    for box in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{box}.scrollWidth <= innerWidth"), box
    colour = page.locator("[data-testid=stApp]").evaluate("app => getComputedStyle(app).backgroundColor")
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 64, colour


def test_the_map_keeps_its_zoom_and_its_place_from_step_to_step(server, open_page, store, digits):
    """It is never gone while the next step's samples are made: not in a single frame that the browser shows.

    Meanwhile a note lies on its upper right corner.
    """
    page = open_page(server, f"/distances?part=samples&run={digits}")
    box = chart(page, MAP)
    box.scroll_into_view_if_needed()
    inside = box.locator(".nsewdrag").first.bounding_box()
    places = [
        [inside[at] + share * inside[size] for at, size in (("x", "width"), ("y", "height"))] for share in (0.3, 0.7)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()
    ranges = "box => [box.layout.xaxis.range, box.layout.yaxis.range]"
    page.wait_for_function("box => box.layout.xaxis.autorange === false", arg=box.element_handle())
    zoomed = box.evaluate(ranges)
    box.evaluate(
        """box => {
            window.gone = 0
            window.notes = []
            const look = () => {
                const note = document.querySelector("[data-testid=stLayoutWrapper]:has(> .st-key-pending-map-answer)")
                if (note?.innerText && note.nextElementSibling) {
                    const here = note.getBoundingClientRect(), map = note.nextElementSibling.getBoundingClientRect()
                    window.notes.push([note.innerText, here.top - map.top, map.right - here.right])
                }
                if (!box.isConnected || !box.clientHeight || !box.querySelector(".main-svg")) window.gone++
                requestAnimationFrame(look)
            }
            look()
        }"""
    )
    for step in store.recordings.snapshot_steps(digits)[:2]:
        step_slider(page).press("Home") if not step else step_slider(page).press("ArrowRight")
        box.scroll_into_view_if_needed()
        x = answer(store, Browse(n=1000, seed=0), digits, step)["xy"][:, 0]
        page.wait_for_function(
            "([box, x]) => box.calcdata.some(c => c[0].trace.name === 'generated' && c.every((p, i) => p.x === x[i]))",
            arg=[box.element_handle(), x.tolist()],
            timeout=ANSWERED,
        )
        assert box.evaluate(ranges) == zoomed
    assert page.evaluate("window.gone") == 0
    # Where the worker is quicker than the page there is no note to see.
    for words, down, left in page.evaluate("window.notes"):
        assert "is being computed" in words and abs(down) < 2 and abs(left) < 2
