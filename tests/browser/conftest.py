"""A real server and a real Chromium. `serve()` starts the app, `open_page(server, path)` waits until it is drawn."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, sync_playwright

from gan_core.store import Store

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FAILED = pytest.StashKey[bool]()
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")
MAC_APPS = tuple(f"/Applications/{app}.app/Contents/MacOS/{app}" for app in ("Chromium", "Google Chrome"))

# The readiness that Streamlit's own browser tests wait for, held for 200 ms: between two runs of a
# script it is idle for a moment only.
IDLE = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const idle = app?.dataset.testConnectionState === "CONNECTED" && app.dataset.testScriptState === "notRunning"
        && document.querySelector('[data-testid="stAppViewContainer"]')
        && !document.querySelector('[data-testid="stSkeleton"]');
    if (!idle) { window.idleSince = undefined; return false; }
    window.idleSince ??= performance.now();
    return performance.now() - window.idleSince > 200;
}"""


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Server:
    """A running app: its address without a slash at the end, its process, what it prints, and its GANOMETER_HOME."""

    url: str
    process: subprocess.Popen
    log: Path
    home: Path


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """`serve(home=None, env=None, below="", app=None) -> Server`: the app on a free port, until the tests are done.

    A fresh home unless one is given, at the address's path `below`; of this process's GANOMETER_* variables only
    GANOMETER_DATA is handed on. `app` is a command that takes `--port` and Streamlit's options, run in an empty folder;
    without one it is the checkout that is served.
    """
    servers = []

    def start(
        home: Path | None = None, env: dict[str, str] | None = None, below: str = "", app: list[str] | None = None
    ) -> Server:
        folder = tmp_path_factory.mktemp("server")
        home = home or folder / "home"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GANOMETER_") or k == "GANOMETER_DATA"}
        port = free_port()
        command = [*app, "--port"] if app else [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port"]
        command += [str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
        command += ["--browser.gatherUsageStats", "false", "--server.baseUrlPath", below]
        command += ["--server.fileWatcherType", "none"]  # a server that polls its files takes ten seconds to end
        log = folder / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=tmp_path_factory.mktemp("elsewhere") if app else ROOT,
                env=inherited | {"GANOMETER_HOME": str(home)} | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        servers.append(Server(f"http://127.0.0.1:{port}{below}", process, log, home))
        wait_healthy(servers[-1])
        return servers[-1]

    yield start
    for server in servers:
        stop(server.process)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_healthy(server: Server, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(OSError, urllib.error.URLError):
            if urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5).read() == b"ok":
                return
        time.sleep(0.1)
    printed = server.log.read_text(errors="replace")[-4000:]
    pytest.fail(f"the app did not come up at {server.url}; it printed:\n{printed}")


def stop(process: subprocess.Popen, seconds: float = 15) -> None:
    """Ask it to end, then end what is left of its process group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def store(server):
    """The store of a module's `server`."""
    store = Store(f"sqlite:///{server.home / 'ganometer.sqlite'}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def chromium(lacking) -> str:
    """The path of a Chromium: CHROMIUM, else an installed one, else Playwright's own, downloaded if need be."""
    if named := os.environ.get("CHROMIUM"):
        if not (path := shutil.which(named)):
            pytest.fail(f"CHROMIUM is {named}, which cannot be run")
        return path
    for name in (*NAMES, *MAC_APPS):
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    if not own.exists():
        install = [sys.executable, "-m", "playwright", "install", "chromium"]
        done = subprocess.run(install, capture_output=True, text=True, timeout=240)
        if done.returncode or not own.exists():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            lacking(f"Chromium is missing: none of {', '.join(NAMES)} on PATH, and `playwright install` said {last}")
    return str(own)


@pytest.fixture(scope="module")
def browser(chromium, lacking):
    """One browser a module: Playwright keeps an event loop running, which other modules' tests must not meet."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        except Error as error:
            lacking(f"{chromium} does not start: {error.message.strip().splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def console_errors() -> list[str]:
    """Errors in the console of any page this test opened, so far; a sound page leaves it empty."""
    return []


@pytest.fixture
def wait_idle():
    """`wait_idle(page, timeout=30)`: until Streamlit has drawn everything and been idle for 200 ms (seconds)."""

    def wait(page: Page, timeout: float = 30) -> None:
        page.wait_for_function(IDLE, timeout=timeout * 1000)

    return wait


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


def told(page: Page) -> str:
    """What a page shows, for whoever reads of a test that failed on another machine."""
    try:
        return f"--- {page.url}\n{page.locator('body').inner_text(timeout=5_000)}"
    except Error as error:
        return f"--- {page.url}: {error.message}"


@pytest.fixture
def open_page(browser, console_errors, wait_idle, request):
    """`open_page(server, path="/", color_scheme=None, width=1280, timeout=30) -> Page`: a fresh visitor, page drawn
    and idle.

    `color_scheme` is "light", "dark" or None (the browser's); `width` in CSS pixels; `timeout` in seconds.
    """
    contexts = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            console_errors.append(f"{message.text} ({message.location['url']})")

    def visit(
        server: Server, path: str = "/", color_scheme: str | None = None, width: int = 1280, timeout: float = 30
    ) -> Page:
        context = browser.new_context(color_scheme=color_scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        page.goto(f"{server.url}/{path.lstrip('/')}", timeout=timeout * 1000)
        wait_idle(page, timeout)
        return page

    yield visit
    if request.node.stash.get(FAILED, False):
        shown = "\n".join([*console_errors, *(told(page) for context in contexts for page in context.pages)])
        request.node.add_report_section("teardown", "pages", shown)
    for context in contexts:
        context.close()


@pytest.fixture
def page(serve, open_page) -> Page:
    """The home page of a server that nobody has used yet."""
    return open_page(serve())
