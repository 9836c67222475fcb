"""The pictures of the README and docs/index.md: python -m benchmarks.screenshots

Starts a server with a fresh home, trains on digits, and photographs five pages by day and one by night.
"""

import io
import re

from PIL import Image

from benchmarks.browser import ROOT, chromium, drawn, serve, visitor
from gan_core.store import Store

FOLDER = ROOT / "docs" / "screenshots"
MAX_BYTES = 200_000
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
            with visitor(browser, server.url + path.format(run=run_id, example=example), dark=dark) as page:
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


def small(png: bytes) -> bytes:
    """The same picture in at most 256 colours."""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
