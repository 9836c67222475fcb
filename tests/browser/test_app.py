"""The whole app as a person meets it: a real server with its worker, and a real Chromium."""

import json
import os
import re
import sys
import time
from contextlib import suppress

import psutil
import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from gan_core.store import Store

SOON = 5_000
"""Milliseconds within which a button's effect shows."""
FIRST = 40_000
"""Milliseconds within which a run's first samples show; the benchmarks hold it to fifteen seconds."""


@pytest.fixture(scope="module")
def server(serve):
    return serve()


@pytest.fixture(scope="module")
def example(server, browser) -> str:
    """The run that ships with the app, which the first visitor of a server finds."""
    visitor = browser.new_page()
    visitor.goto(server.url)
    expect(visitor.get_by_text("A finished run")).to_be_visible(timeout=FIRST)
    visitor.close()
    store = Store(f"sqlite:///{server.home / 'ganometer.sqlite'}")
    run_id = next(run.id for run in store.runs.all() if "example" in run.name)
    store.close()
    return run_id


@pytest.fixture(autouse=True)
def idle_worker(store):
    """The next test finds the worker free, however this one ends."""
    yield
    for run in store.runs.all():
        if run.active:
            end(store, run.id)


@pytest.fixture(autouse=True)
def quiet_console(console_errors):
    """No page reports an error, but for an address that Streamlit itself tries first on a deep link."""
    yield
    assert [error for error in console_errors if not re.search(r"404.*/\w+/_stcore/", error)] == []


def number(page: Page, label: str):
    named = page.get_by_text(label, exact=True)
    return page.get_by_test_id("stMetric").filter(has=named).get_by_test_id("stMetricValue")


def step_of(page: Page) -> int:
    return int(re.search(r"step ([\d,]+) of", page.locator(".st-key-state").inner_text())[1].replace(",", ""))


def expect_state(page: Page, state: str, timeout: float = SOON) -> None:
    expect(page.locator(".st-key-state")).to_contain_text(state, timeout=timeout)


def wait_past(page: Page, step: int, timeout: float = FIRST) -> None:
    page.wait_for_function(
        """step => {
            const found = /step ([\\d,]+) of/.exec(document.querySelector(".st-key-state")?.innerText ?? "");
            return found && parseInt(found[1].replace(/,/g, "")) > step;
        }""",
        arg=step,
        timeout=timeout,
    )


def start(page: Page, steps: int) -> str:
    """Begin a long run on the digits from the Train page; returns its id."""
    page.get_by_role("radio", name="New run").click()
    page.wait_for_url(re.compile("part=new"))
    before = run_in(page.url)
    steps_field = page.get_by_label("Steps", exact=True)
    steps_field.fill(str(steps))
    steps_field.press("Tab")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(lambda url: run_in(url) not in (None, before))
    return run_in(page.url)


def run_in(url: str) -> str | None:
    """The run that an address names."""
    found = re.search(r"run=(\w+)", url)
    return found[1] if found else None


def wait_trained(store: Store, run_id: str) -> None:
    """Until the run's first steps are in the store."""
    deadline = time.monotonic() + FIRST / 1_000
    while not store.runs.get(run_id).step:
        assert time.monotonic() < deadline, f"run {run_id} does not begin"
        time.sleep(0.1)


def end(store: Store, run_id: str) -> None:
    """Leave the worker free for the next test."""
    store.commands.send(run_id, "stop")
    deadline = time.monotonic() + 30
    while store.runs.get(run_id).active:
        assert time.monotonic() < deadline, f"run {run_id} does not stop"
        time.sleep(0.1)


def test_digits_in_one_click_seen_by_every_tab(server, open_page, store, capsys):
    earlier_train, earlier_home = open_page(server, "/train"), open_page(server)
    page = open_page(server)
    expect(page.get_by_text("A finished run")).to_be_visible()
    for name in ("ring-8", "digits", "MNIST"):
        expect(page.get_by_role("button", name=f"Train on {name}")).to_be_visible()

    clicked = time.monotonic()
    page.get_by_role("button", name="Train on digits").click()
    shown = page.locator("img[alt^='64 generated samples at step ']")
    expect(shown).to_have_attribute("alt", re.compile(r"step (\d{3}|[\d,]{5,}), after 0"), timeout=FIRST)
    with capsys.disabled():
        sys.stdout.write(f"\nsamples of step >= 100 after {time.monotonic() - clicked:.1f} s\n")
    run_id = re.search(r"run=(\w+)", page.url)[1]

    expect_state(page, "Running")
    expect(page.locator("img[alt^='64 real samples']")).to_be_visible()
    expect(page.get_by_test_id("stProgress").first).to_be_visible()
    pace = re.compile(r"\d+ (s|min) left · [\d,]+ steps/s")  # known with the first commit
    expect(page.locator(".st-key-state")).to_contain_text(pace, timeout=20_000)
    expect(page.locator(".st-key-worth strong").first).to_have_text(re.compile(r"^-?\d+\.\d{4}$"), timeout=20_000)
    charts = page.get_by_role("figure")
    expect(charts.and_(page.get_by_label("Energy distance over steps"))).to_be_visible(timeout=20_000)
    charts.and_(page.get_by_label("Losses over steps")).scroll_into_view_if_needed()  # else it is not drawn
    expect(charts.filter(has_text="discriminator").first).to_be_visible(timeout=20_000)
    page.get_by_role("tab", name="D(x)").click()
    for words in ("real, D(x)", "generated, D(G(z))"):
        expect(charts.filter(has_text=words).first).to_be_visible(timeout=20_000)

    expect_state(earlier_train, "Running", timeout=15_000)
    expect(earlier_home.get_by_text("Running")).to_be_visible(timeout=15_000)
    page.reload()
    expect_state(page, "Running", timeout=20_000)
    assert store.runs.get(run_id).state == "running"
    assert step_of(page) >= 100


def test_the_run_goes_on_whatever_the_browser_does(server, open_page, store, wait_idle):
    page = open_page(server, "/train")
    run_id = start(page, 400_000)
    wait_trained(store, run_id)
    second = open_page(server, f"/train?run={run_id}")
    expect_state(second, "Running", timeout=20_000)

    for name in ("Distances", "Gallery", "Home", "Train"):
        page.locator(".st-key-menu").get_by_role("link", name=name).click()
        page.wait_for_url(re.compile(rf"/{'' if name == 'Home' else name.lower()}(\?|$)"))
    expect_state(page, "Running", timeout=20_000)
    before = step_of(page)
    page.get_by_role("radio", name="New run").click()
    seed = page.get_by_label("Seed", exact=True)
    seed.fill("3")
    seed.press("Tab")
    wait_past(page, before)
    page.context.close()
    second.context.close()

    there = store.runs.get(run_id).step
    again = open_page(server, f"/train?run={run_id}")
    wait_past(again, there)
    expect_state(again, "Running")
    end(store, run_id)


def test_a_timer_s_word_from_before_a_click_does_not_bring_the_run_before_back(server, open_page, store, browser):
    """A timer says where the browser is: it may say so before, and be heard after, a click that chose another run."""
    open_page(server)
    before = next(run.id for run in store.runs.all() if not run.active)
    context = browser.new_context()
    page, timers, lines = context.new_page(), [], []

    def between(socket):
        line = socket.connect_to_server()
        lines.append(line)

        def to_server(said):
            words = BackMsg.FromString(said).rerun_script if isinstance(said, bytes) else None
            if words and words.is_auto_rerun and f"run={before}" in words.query_string:
                timers.append(said)
            line.send(said)

        socket.on_message(to_server)
        line.on_message(socket.send)

    page.route_web_socket(re.compile("_stcore/stream"), between)
    page.goto(f"{server.url}/train?run={before}")
    deadline = time.monotonic() + 30
    while not timers:
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)
    run_id = start(page, 400_000)
    deadline = time.monotonic() + 2  # meanwhile the page is drawn again, as the run is claimed and compiled
    while time.monotonic() < deadline:
        lines[-1].send(timers[-1])
        page.wait_for_timeout(50)
    wait_trained(store, run_id)
    # Links carry it along. They are not clicked: a browser that hears answers it did not ask for may shut its page.
    gallery = page.locator(".st-key-menu").get_by_role("link", name="Gallery")
    expect(gallery).to_have_attribute("href", re.compile(rf"gallery\?(.*&)?run={run_id}"))
    context.close()
    end(store, run_id)


def test_pause_resume_and_stop_answer(server, open_page, store):
    page = open_page(server, "/train")
    run_id = start(page, 400_000)
    other = open_page(server, f"/train?run={run_id}")
    wait_trained(store, run_id)

    page.get_by_role("button", name="Pause").click()
    expect_state(page, "Paused")
    expect_state(other, "Paused", timeout=10_000)
    paused_at = store.runs.get(run_id).step
    page.get_by_role("button", name="Resume").click()
    expect_state(page, "Running")
    wait_past(page, paused_at)
    other.locator(".st-key-controls").get_by_role("button", name="Stop").click()
    expect_state(other, "Stopped")
    expect_state(page, "Stopped", timeout=10_000)
    assert store.runs.get(run_id).state == "stopped"


def test_a_wish_during_import_and_compilation_is_honoured_first(serve, open_page):
    fresh = serve()  # its worker imports TensorFlow and compiles for several seconds
    page = open_page(fresh, "/train")
    page.get_by_role("radio", name="New run").click()
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("button", name="Pause").click(timeout=20_000)
    expect_state(page, "Paused", timeout=30_000)
    run_id = re.search(r"run=(\w+)", page.url)[1]
    store = Store(f"sqlite:///{fresh.home / 'ganometer.sqlite'}")
    assert store.runs.get(run_id).step == 0
    page.get_by_role("button", name="Resume").click()
    expect_state(page, "Running", timeout=30_000)
    page.locator(".st-key-controls").get_by_role("button", name="Stop").click()
    expect_state(page, "Stopped", timeout=30_000)
    store.close()


def test_distances_of_the_example(server, open_page, example):
    page = open_page(server, f"/distances?part=curves&run={example}")
    histograms = page.get_by_role("figure", name="Histograms of the distances")
    for kind in ("real–real", "generated–generated", "real–generated"):
        expect(histograms.get_by_text(re.compile(rf"^{kind}, mean"))).to_be_visible(timeout=20_000)
    page.get_by_role("radio", name="Verdict").click()
    expect(page).to_have_url(re.compile("part=verdict"))
    for label in ("Energy distance", "Real to real", "Generated to generated", "Real to generated"):
        expect(number(page, label).first).to_have_text(re.compile(r"^-?\d\.[\de-]+$"))
    page.get_by_role("button", name="Why?").first.click()
    expect(page.get_by_text("two sets of real samples of this size give").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("stMetric").first.get_by_test_id("stTooltipIcon").hover()
    expect(page.get_by_text("Székely & Rizzo 2013").first).to_be_visible()


def test_a_full_report_and_a_check_of_the_metrics(server, open_page, example, wait_idle):
    page = open_page(server, f"/distances?part=report&run={example}")

    def choose(label: str, option: str) -> None:
        box = page.get_by_role("combobox", name=label, exact=True)
        box.fill(option)
        box.press("ArrowDown")
        page.get_by_role("option", name=option, exact=True).click()
        expect(box).to_have_value(option)
        wait_idle(page)  # a choice draws the page anew, and would close the next list

    choose("Samples of each kind", "200")
    page.get_by_role("button", name="Measure everything").click()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=90_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all as JSON").click()
    report = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert (report["panel"], report["n_fake"], report["seed"]) == ("full", 200, 0)
    page.get_by_role("tab", name="Charts").click()
    expect(page.get_by_text("Historical: Parzen log-likelihood in comparison")).to_be_visible(timeout=20_000)

    page.get_by_role("radio", name="Check the metrics").click()
    choose("Data set", "ring-8")
    choose("Corruption", "Noise")
    choose("Samples", "200")
    page.get_by_role("button", name="Test", exact=True).click()
    heat_map = page.get_by_role("figure").last
    for words in ("no corruption", "noise 0.02", "Symmetric precision", "rated worse"):
        expect(heat_map.get_by_text(words, exact=True)).to_be_visible(timeout=60_000)


def test_gallery_of_the_example(server, open_page, store, example):
    first = store.recordings.snapshot_steps(example)[1]
    page = open_page(server, f"/gallery?run={example}&step={first}")
    expect(page.get_by_alt_text(f"64 generated samples at step {first:,}")).to_be_visible()
    near = page.get_by_alt_text(re.compile(r"^A real training image of class \d at distance \d+\.\d{3}$"))
    expect(near).to_have_count(12, timeout=30_000)  # six by pixels, six by principal components
    page.get_by_role("slider").press("End")
    expect(page.get_by_alt_text("64 generated samples at step 12,000")).to_be_visible(timeout=10_000)
    expect(page).to_have_url(re.compile(r"^((?!step=).)*$"))
    page.get_by_role("slider").press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"step=\d+"))
    page.get_by_role("radio", name="New samples").click()
    expect(page.get_by_text("Samples 1 to 128 of 256.")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(
    "path, query",
    [
        ("/train", "run=%3Cscript%3Ealert(1)%3C/script%3E"),
        ("/distances", "run=&step=9999999999"),
        ("/gallery", "step=abc"),
    ],
)
def test_a_deep_link_to_nowhere_is_answered_in_words(server, open_page, path, query):
    page = open_page(server, f"{path}?{query}")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Unknown run")).to_have_count(1 if re.search("run=[^&]", query) else 0)


def test_a_deep_link_is_the_first_request_of_a_server(serve, open_page, server, example):
    fresh = serve(home=server.home, env={"GANOMETER_WORKER": "none"})
    for path in ("/distances", "/gallery", "/train"):
        page = open_page(fresh, f"{path}?run={example}")
        expect(page.get_by_role("combobox", name="Run", exact=True)).to_have_value(re.compile(example))
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_name_is_shown_letter_by_letter(server, open_page, store, example):
    name = "**b** <b>x</b> $x^2$ :smile: :red[x] :material/home: [a](b) `c`"
    run_id = store.runs.create(store.runs.get(example).config, name=name)
    store.commands.send(run_id, "stop")
    page = open_page(server)
    expect(page.get_by_text(name.replace("l/", "l\N{WORD JOINER}/"), exact=True).first).to_be_visible()
    page = open_page(server, f"/train?run={run_id}")
    expect(page.get_by_role("combobox", name="Run", exact=True)).to_have_value(re.compile(re.escape("**b** <b>x</b>")))
    store.runs.delete(run_id)


def test_nothing_is_wider_than_a_telephone(server, open_page, wait_idle):
    page = open_page(server, "/", width=390)
    for path in ("/", "/train", "/distances", "/gallery"):
        page.goto(server.url + path)
        wait_idle(page)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390, path


@pytest.mark.slow
def test_mnist_in_one_click(server, open_page, store):
    if not os.environ.get("GANOMETER_DATA"):
        pytest.skip("GANOMETER_DATA is not set to a folder with mnist.npz")
    page = open_page(server)
    page.get_by_role("button", name="Train on MNIST").click()
    shown = page.locator("img[alt^='64 generated samples at step ']")
    expect(shown).to_have_attribute("alt", re.compile(r"step (\d{3}|[\d,]{5,}), after 0"), timeout=60_000)
    end(store, re.search(r"run=(\w+)", page.url)[1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the libraries of another process")
def test_the_server_has_drawn_every_page_and_never_loaded_what_computes(server, open_page):
    for path in ("", "/train", "/distances", "/gallery"):
        open_page(server, path)
    process = psutil.Process(server.process.pid)
    (worker,) = (child for child in process.children() if "gan_core" in child.cmdline())

    def loaded(by: psutil.Process, library: str) -> bool:
        return any(library in path.path for path in by.memory_maps())

    deadline = time.monotonic() + 30  # the gallery asks for the nearest images, and the worker finds them
    for library in ("libtensorflow", "/scipy/", "/numba/", "/sklearn/"):
        while not loaded(worker, library):
            assert time.monotonic() < deadline, library
            time.sleep(0.1)
        assert not loaded(process, library), library


def test_a_run_is_steered_while_it_trains(server, open_page, store):
    """A few steps, another step size from then on, and a branch: in the store, on the page and in the charts."""
    page = open_page(server, "/train")
    run_id = start(page, 400_000)
    wait_trained(store, run_id)  # not the page: until it is drawn anew it shows the run before
    page.get_by_role("button", name="Pause").click()
    expect_state(page, "Paused")
    paused_at = store.runs.get(run_id).step
    expect(page.get_by_role("button", name="Resume")).to_be_enabled()  # until then the buttons are drawn anew
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_label("Number of steps N").fill("40")
    page.get_by_label("Number of steps N").press("Tab")
    page.get_by_role("button", name="Run N steps, then pause").click()
    expect(page.locator(".st-key-state")).to_contain_text(f"step {paused_at + 40:,} of", timeout=10_000)
    expect_state(page, "Paused")

    page.get_by_text("All settings", exact=True).click()
    rate = page.get_by_role("spinbutton", name="Learning rate generator").first
    rate.fill("0.0005")
    rate.press("Tab")
    page.get_by_role("button", name="Change from the next step on").click()
    expect(page.get_by_text(re.compile(rf"step {paused_at + 40:,}: settings changed")).first).to_be_visible(
        timeout=15_000
    )
    assert store.runs.get(run_id).config.optimizer.learning_rate_generator == 0.0005
    page.get_by_role("figure", name="Losses over steps").scroll_into_view_if_needed()  # else it is not drawn
    expect(page.get_by_text("✎").first).to_be_attached(timeout=20_000)

    page.get_by_text("Fork from here").click()
    page.get_by_role("button", name="Start a new run from here").click()
    page.wait_for_url(lambda url: f"run={run_id}" not in url)
    child = re.search(r"run=(\w+)", page.url)[1]
    run = store.runs.get(child)
    assert (run.parent_id, run.parent_step) == (run_id, paused_at + 40)
    end(store, run_id)
    wait_past(page, paused_at + 40)
    end(store, child)


def test_on_a_shared_server_a_browser_keeps_its_owner(serve, open_page):
    """Two visitors: each controls what it has started, also after a reload; the other one only looks."""
    shared = serve(env={"GANOMETER_SHARED": "true", "GANOMETER_WORKER": "none"})  # whose run it is, is known at once
    store = Store(f"sqlite:///{shared.home / 'ganometer.sqlite'}")
    ada, bob = open_page(shared, "/train"), open_page(shared, "/train")
    run_id = start(ada, 400_000)
    owner = store.runs.get(run_id).owner
    assert re.fullmatch("browser-[0-9a-f]{16}", owner)
    expect(ada.get_by_role("button", name="Pause")).to_be_enabled()
    bob.goto(f"{shared.url}/train?run={run_id}")
    expect(bob.get_by_text("This run belongs to somebody else")).to_be_visible(timeout=15_000)
    expect(bob.get_by_role("button", name="Pause")).to_be_disabled()
    ada.goto(f"{shared.url}/train?run={run_id}")  # the same browser, a new session
    expect(ada.get_by_role("button", name="Pause")).to_be_enabled(timeout=15_000)
    ada.locator(".st-key-controls").get_by_role("button", name="Stop").click()
    expect_state(ada, "Stopped")
    bob.goto(f"{shared.url}/train")
    assert store.runs.get(start(bob, 400_000)).owner not in ("", owner)
    store.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux shows what a process has open")
def test_the_server_does_not_listen_to_every_file_of_the_virtual_environment(server, example):
    """Streamlit's own choice watches the folder with all that is below it: a core for ever, beside the training."""
    folder = f"/proc/{server.process.pid}/fd"
    opened = []
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):  # closed since
            opened.append(os.readlink(f"{folder}/{name}"))
    assert opened and not [name for name in opened if "inotify" in name]
