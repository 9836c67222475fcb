"""The pictures of the README and docs/index.md: python -m benchmarks.screenshots

Starts a server with a fresh home, trains on digits, and photographs five pages by day and one by night. Then it
films the Train page while a slider is moved: to a learning rate that is far too large.
"""

import io
import re
import time

from PIL import Image
from playwright.sync_api import Page

from benchmarks.browser import ROOT, chromium, drawn, serve, visitor
from gan_core.store import Store

FOLDER = ROOT / "docs" / "screenshots"
MAX_BYTES, MAX_FILM_BYTES = 200_000, 2_000_000
SIZE = (1366, 768)
FILM_WIDTH, FILM_SECONDS = 900, 12
BREAK_AT, TOO_FAR = 3, 3
"""The second of the film at which the slider is moved, and by how many of its places."""
SHOTS = (  # name, path, dark
    ("home", "/", False),
    ("train", "/train?run={run}", False),
    ("distances", "/distances?run={run}", False),
    ("gallery", "/gallery?run={run}", False),
    ("compare", "/compare?runs={run},{example}", False),
    ("distances-dark", "/distances?run={run}", True),
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, serve("run", "app.py") as server:
        with visitor(browser, server.url) as page:
            page.get_by_role("button", name="Train on digits").click()
            page.wait_for_url(re.compile(r"run=\w{8}"))
            run_id = re.search(r"run=(\w{8})", page.url)[1]
            store = Store(server.store_url)
            while (run := store.runs.get(run_id)).active:
                page.wait_for_timeout(500)
            example = next(other.id for other in store.runs.all() if other.id != run_id)
            store.close()
            if run.state != "finished":
                raise SystemExit(f"the run is {run.state} at step {run.step}: {run.error}")
        for name, path, dark in SHOTS:
            url = server.url + path.format(run=run_id, example=example)
            with visitor(browser, url, dark=dark, size=SIZE) as page:
                if name == "gallery":
                    page.get_by_text("Nearest training sample:").wait_for(timeout=60_000)
                if name == "compare":
                    page.get_by_text("How is this decided?").wait_for(timeout=60_000)
                drawn(page)
                page.wait_for_timeout(500)  # Plotly fades its curves in
                data = small(page.screenshot())
            if len(data) > MAX_BYTES:
                raise SystemExit(f"{name}.png has {len(data):,} bytes; at most {MAX_BYTES:,} are wanted")
            (FOLDER / f"{name}.png").write_bytes(data)
            print(f"{name}.png: {len(data):,} bytes")
        with visitor(browser, f"{server.url}/train?part=new", size=SIZE) as page:
            data = filmed(page)
        if len(data) > MAX_FILM_BYTES:
            raise SystemExit(f"slider.webp has {len(data):,} bytes; at most {MAX_FILM_BYTES:,} are wanted")
        (FOLDER / "slider.webp").write_bytes(data)
        print(f"slider.webp: {len(data):,} bytes")


def filmed(page: Page) -> bytes:
    """A run on the digits whose learning rate is moved far too high: an animated WebP in real time."""
    page.get_by_label("Steps", exact=True).fill("400000")
    page.get_by_label("Steps", exact=True).press("Tab")
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("radio", name="This run", checked=True).wait_for()
    page.get_by_text(re.compile(r"^Generated now, step [4-9],")).wait_for(timeout=240_000)
    slider = page.get_by_test_id("stSlider").filter(has_text="Learning rate").get_by_role("slider")
    frames, times, begin, moved = [], [], time.monotonic(), False
    while (now := time.monotonic() - begin) < FILM_SECONDS:
        if now >= BREAK_AT and not moved:
            for _ in range(TOO_FAR):
                slider.press("ArrowRight")
            moved = True
        times.append(now)
        frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    page.get_by_role("button", name="Stop").click()
    height = round(SIZE[1] * FILM_WIDTH / SIZE[0])
    frames = [frame.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS) for frame in frames]
    lasts = [round(1000 * (after - at)) for at, after in zip(times, [*times[1:], times[-1] + 1.5])]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=lasts, loop=0, quality=60, method=4)
    return out.getvalue()


def small(png: bytes) -> bytes:
    """The same picture in at most 256 colours."""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
