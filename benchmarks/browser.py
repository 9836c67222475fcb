"""What the benchmarks share: a Streamlit server of their own, a headless Chromium, and when a page is drawn."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
WIDTH, HEIGHT = 1280, 900

# Between two runs of a script it is idle for a moment only, so idle counts when it has lasted 200 ms.
# The answer is when it began, in milliseconds since the navigation began.
DRAWN = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const idle = app?.dataset.testConnectionState === "CONNECTED" && app.dataset.testScriptState === "notRunning"
        && document.querySelector('[data-testid="stAppViewContainer"]')
        && !document.querySelector('[data-testid="stSkeleton"]')
        && (SHOWN);
    if (!idle) { window.idleSince = undefined; return false; }
    window.idleSince ??= performance.now();
    return performance.now() - window.idleSince > 200 && window.idleSince;
}"""

# When a person presses a button or key for the first time from now on, and forget that anything was idle before.
ARM = """() => {
    window.pressedAt = window.idleSince = undefined;
    const press = () => { window.pressedAt ??= performance.now(); window.idleSince = undefined; };
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, press, { capture: true, once: true });
}"""


@dataclass(frozen=True)
class Server:
    """A running Streamlit: its address without a slash at the end, its process, and its GANOMETER_HOME."""

    url: str
    process: psutil.Process
    home: Path

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.home / 'ganometer.sqlite'}"

    @property
    def processes(self) -> list[psutil.Process]:
        """The server first, then the worker and whatever else it has started."""
        return [self.process, *self.process.children(recursive=True)]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def serve(*command: str, home: Path | None = None, environment: Mapping[str, str] | None = None):
    """`streamlit *command` on a free port, until the block ends: yields a Server that answers.

    It has a fresh home unless one is given. Of this process's GANOMETER_* variables only GANOMETER_DATA is handed on;
    `environment` holds others.
    """
    with tempfile.TemporaryDirectory(prefix="ganometer-", ignore_cleanup_errors=True) as folder:
        home, port = home or Path(folder), free_port()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GANOMETER_") or k == "GANOMETER_DATA"}
        started = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "streamlit",
                *command,
                "--server.headless",
                "true",
                "--server.port",
                str(port),
                "--server.address",
                "127.0.0.1",
                "--browser.gatherUsageStats",
                "false",
            ],
            cwd=ROOT,
            env=kept | {"GANOMETER_HOME": str(home)} | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        server = Server(f"http://127.0.0.1:{port}", psutil.Process(started.pid), home)
        try:
            _wait_healthy(server, started)
            yield server
        finally:
            everything = server.processes if server.process.is_running() else []
            for process in everything:
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
            for process in psutil.wait_procs(everything, timeout=15)[1]:
                process.kill()
            started.wait()


def _wait_healthy(server: Server, started: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and started.poll() is None:
        with suppress(OSError):
            if urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5).read() == b"ok":
                return
        time.sleep(0.1)
    raise SystemExit(f"the server did not come up at {server.url} within {seconds:.0f} s; try it with `make run`")


@contextmanager
def chromium():
    """A headless browser, until the block ends: CHROMIUM, else an installed one, else Playwright's own."""
    named = os.environ.get("CHROMIUM") or next(filter(shutil.which, NAMES), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named and shutil.which(named), args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def visitor(
    browser,
    url: str,
    *,
    dark: bool = False,
    errors: list[str] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
):
    """A new person with an empty cache at `url`; yields the page as soon as it is drawn, closes it afterwards.

    What the browser's console calls an error is added to `errors`. `size` is that of the window, in pixels.
    """
    viewport = dict(zip(("width", "height"), size))
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light")
    page = context.new_page()
    if errors is not None:
        _listen(page, errors)
    page.goto(url)
    drawn(page)
    yield page
    context.close()


@contextmanager
def tabs(browser, url: str, count: int, *, errors: list[str]):
    """A person with `count` tabs at `url`, each a session of its own; yields them as soon as all are drawn."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    pages = [context.new_page() for _ in range(count)]
    for page in pages:
        _listen(page, errors)
        page.goto(url)
    for page in pages:
        drawn(page)
    yield pages
    context.close()


def _listen(page: Page, errors: list[str]) -> None:
    page.on("console", lambda said: said.type == "error" and errors.append(f"{said.text} ({said.location['url']})"))
    page.on("pageerror", lambda error: errors.append(str(error)))


def drawn(page: Page, seconds: float = 60, *, shown: str = "true") -> float:
    """Wait until everything is drawn, the script rests, and `shown`, an expression of JavaScript, is true; returns when
    that was, in seconds since the navigation."""
    return page.wait_for_function(DRAWN.replace("SHOWN", shown), timeout=seconds * 1000).json_value() / 1000


def press(page: Page, act: Callable[[], object]) -> None:
    """Act on the page; `waited` then counts from the moment the browser heard of the first press in it."""
    page.evaluate(ARM)
    act()


def waited(page: Page, shown: str, seconds: float = 60) -> float:
    """Seconds from what was pressed last until `shown` was true and the script rested."""
    at = drawn(page, seconds, shown=shown)
    return at - page.evaluate("window.pressedAt") / 1000


def machine() -> dict[str, str | int | float]:
    """What a measured time depends on; the load is that of the last minute before the benchmark."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else -1.0
    return {"cores": os.cpu_count() or 1, "processor": platform.machine(), "system": platform.system(), "load": load}


def verdict(value: float, goal: float) -> str:
    return "met" if value <= goal else "MISSED"
