"""What the app costs, in time and memory: python -m benchmarks.dashboard [--part NAME] [--json]

First paint of Home beside `streamlit hello`, the memory of server and worker together while MNIST trains and
pages are drawn, how soon a command is obeyed, how soon a moved slider is seen, what five open tabs cost a training and
a training costs them, and whether twenty people may start runs at once. MNIST is read from the folder GANOMETER_DATA.
"""

import argparse
import json
import re
import statistics
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks import mnist
from benchmarks.browser import Server, chromium, drawn, machine, press, serve, verdict, visitor
from benchmarks.waiting import answered, end, wait_for, wait_for_worker
from gan_core.config import presets, run_config
from gan_core.data import datasets
from gan_core.store import Store

PAINT_GOAL, MEMORY_GOAL, SPEED_GOAL, SLOWER_GOAL, LATENCY_GOALS = 1.5, 1600.0, 0.9, 2.0, (0.5, 1.5)
LOADS, PAIRS, SAMPLE_SECONDS = 5, 25, 0.2
TABS, TURNS, CLICKS, PEOPLE = 5, 5, 30, 20
PACE_SECONDS = 12.0
SLIDER_GOALS, MOVES = {"digits": 1.5, "mnist": 2.5}, 20
PARTS = ("paint", "training", "slider", "tabs", "people")
MB = 1e6
TRAINING_SECONDS = 10.0
"""How long training is watched alone before other pages are drawn."""
LONG = 400_000
"""Steps of a training that is not to end while it is measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one, or these; all unless said")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    mnist.folder()
    found = {"machine": machine()}
    with chromium() as browser:
        for part in options.part or PARTS:
            print(f"measuring: {part}", file=sys.stderr, flush=True)
            found |= MEASURES[part](browser)
    print(json.dumps(found)) if options.json else show(found)


# ---------------------------------------------------------------- first paint


def first_paint(browser) -> dict[str, dict]:
    """Seconds from navigation to an idle script, for a new visitor of a warm server; ours and hello's in turn."""
    with serve("run", "app.py") as ours, serve("hello") as hello:
        servers = {"home": ours.url, "hello": hello.url}
        for url in servers.values():
            paint(browser, url)
        wait_for_worker(ours)
        loads = {name: [] for name in servers}
        for _ in range(LOADS):
            for name, url in servers.items():
                loads[name].append(paint(browser, url))
    medians = {name: statistics.median(times) for name, times in loads.items()}
    return {"paint": {"loads": loads, **medians, "ratio": medians["home"] / medians["hello"]}}


def paint(browser, url: str) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    seconds = drawn(page)
    context.close()
    return seconds


# ---------------------------------------------------------------- memory


class Memory:
    """Resident megabytes of the server and of the worker with all else it started, sampled in a thread by phase."""

    def __init__(self, server: Server):
        self._server, self._phase, self._over = server, "", threading.Event()
        self.peaks: dict[str, dict[str, float]] = {}

    @contextmanager
    def sampling(self):
        thread = threading.Thread(target=self._sample, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def phase(self, name: str) -> None:
        self.peaks[name] = {"server": 0.0, "worker": 0.0, "together": 0.0}
        self._phase = name

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            if self._phase:
                peak, now = self.peaks[self._phase], resident(self._server)
                self.peaks[self._phase] = {name: max(peak[name], now[name]) for name in peak}


def resident(server: Server) -> dict[str, float]:
    first, *others = (_megabytes(process) for process in server.processes)
    return {"server": first, "worker": sum(others), "together": first + sum(others)}


def _megabytes(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return process.memory_info().rss / MB
    return 0.0


def training(browser) -> dict[str, dict]:
    """Memory while MNIST trains and its pages are drawn, then how soon a second MNIST run obeys."""
    with serve("run", "app.py") as server, visitor(browser, server.url) as page:
        store, memory = Store(server.store_url), Memory(server)
        wait_for_worker(server)
        with memory.sampling():
            memory.phase("before training")
            page.wait_for_timeout(1500)
            before = resident(server)["worker"]
            memory.phase("Train, live")
            page.get_by_role("button", name="Train on MNIST").click()
            page.wait_for_url(re.compile(r"run=\w{8}"))
            run_id = re.search(r"run=(\w{8})", page.url)[1]
            wait_for(store, run_id, lambda run: run.phase == "training")
            page.wait_for_timeout(TRAINING_SECONDS * 1000)
            memory.phase("Distances")
            page.goto(f"{server.url}/distances?run={run_id}")
            drawn(page)
            page.wait_for_timeout(3000)
            memory.phase("Gallery, nearest images")
            page.goto(f"{server.url}/gallery?run={run_id}&step={store.recordings.snapshot_steps(run_id)[-1]}")
            page.get_by_alt_text(re.compile("^A real training image")).first.wait_for(timeout=60_000)
            memory.phase("Gallery, more samples")
            page.locator(".st-key-whose-samples").get_by_text("New samples", exact=True).click()
            page.get_by_text(re.compile("^Samples 1 to 128 of 256")).wait_for(timeout=60_000)
            step = store.recordings.snapshot_steps(run_id)[-1]
            answered(store, store.jobs.request("sample", run_id=run_id, step=step, params={"n": 1000, "seed": 2}))
            memory.phase("Train, live again")
            page.goto(f"{server.url}/train?run={run_id}")
            page.wait_for_timeout(3000)
        reached = store.runs.get(run_id)
        end(store, run_id)
        latency = commands(store)
        store.close()
    added = max(peak["worker"] for name, peak in memory.peaks.items() if name.startswith("Train, live")) - before
    return {
        "memory": {
            "phases": memory.peaks,
            "peak": max(peak["together"] for peak in memory.peaks.values()),
            "added_by_training": added,
            "estimate": estimate(mnist.folder()),
            "step": reached.step,
            "total_steps": reached.total_steps,
        },
        "latency": latency,
    }


def estimate(folder: Path) -> float:
    """The worker's own forecast for this run in megabytes; worked out here, in another process than the measured."""
    from gan_core.worker.memory_estimate import memory_estimate

    mnist = datasets.load("mnist", folder=folder)
    return memory_estimate(mnist_recipe(), mnist) / MB


def mnist_recipe(seed: int = 0) -> run_config.RunConfig:
    return presets.preset("auto", data="mnist", shape=datasets.OPTIONS["mnist"].shape, seed=seed)


# ---------------------------------------------------------------- commands


def commands(store: Store) -> dict[str, list[float]]:
    """Seconds from a command in the store to its state in the store, for each kind.

    A page shows the state at its next drawing, within another half a second.
    """
    run_id = store.runs.create(run_config.override(mnist_recipe(seed=1), {"training.steps": LONG}))
    wait_for(store, run_id, lambda run: run.phase == "training" and run.steps_per_second)
    times: dict[str, list[float]] = {"pause": [], "resume": []}
    for turn in range(PAIRS):
        time.sleep(0.5 + turn * 0.037)  # at another moment of the worker's rhythm each time
        for kind, state in (("pause", "paused"), ("resume", "running")):
            sent = time.monotonic()
            store.commands.send(run_id, kind)
            wait_for(store, run_id, lambda run, state=state: run.state == state)
            times[kind].append(time.monotonic() - sent)
    end(store, run_id)
    return times


# ---------------------------------------------------------------- from a slider to the picture

# After how many changes of settings the live picture on the page was made; -1 without one.
CHANGES = """() => Math.max(-1, ...[...document.images].filter(image => image.complete)
    .map(image => image.alt.match(/^64 generated samples at step [\\d,]+, after (\\d+) changes? of settings$/))
    .filter(Boolean).map(found => Number(found[1])))"""
SHOWN = f"wanted => ({CHANGES})() >= wanted && performance.now()"


def sliders(browser) -> dict[str, dict]:
    """Seconds from the press of a key that moves a slider of a run that trains, until its picture shows what it did."""
    found = {}
    with serve("run", "app.py") as server, visitor(browser, server.url) as page:
        store = Store(server.store_url)
        wait_for_worker(server)
        for data in SLIDER_GOALS:
            config = presets.preset("auto", data=data, shape=datasets.OPTIONS[data].shape)
            run_id = store.runs.create(run_config.override(config, {"training.seconds": None, "training.steps": LONG}))
            wait_for(store, run_id, lambda run: run.phase == "training" and run.steps_per_second)
            page.goto(f"{server.url}/train?run={run_id}")
            found[data] = moves(page)
            end(store, run_id)
        store.close()
    return {"slider": found}


def moves(page) -> list[float]:
    times = []
    page.wait_for_function(SHOWN, arg=0, timeout=60_000)
    slider = page.get_by_test_id("stSlider").filter(has_text="Learning rate").get_by_role("slider")
    for turn in range(MOVES):
        page.wait_for_timeout(1500 + turn * 137)  # at another moment of the page's rhythm each time
        before = page.evaluate(CHANGES)
        slider.focus()
        press(page, lambda turn=turn: slider.press(("ArrowRight", "ArrowLeft")[turn % 2]))
        seen = page.wait_for_function(SHOWN, arg=before + 1, timeout=60_000).json_value()
        times.append((seen - page.evaluate("window.pressedAt")) / 1000)
    return times


# ---------------------------------------------------------------- many tabs, many people


def watched(browser) -> dict[str, dict]:
    """The speed of a training with five live tabs beside its speed without, in turn; and the time from a click on
    *Length* to the widgets it brings, without and with a training and the tabs."""
    with serve("run", "app.py") as server, visitor(browser, f"{server.url}/train") as page:
        store = Store(server.store_url)
        wait_for_worker(server)
        idle = clicks(page)
        run_id = store.runs.create(run_config.override(mnist_recipe(seed=2), {"training.steps": LONG}))
        wait_for(store, run_id, lambda run: run.phase == "training" and run.steps_per_second)
        page.goto("about:blank")
        ratios, busy = [], []
        for _ in range(TURNS):
            alone = pace(store, run_id)
            with ExitStack() as stack:
                address = f"{server.url}/train?run={run_id}"
                forms = [f"{address}&part=new", *[address] * (TABS - 1)]  # the first one is clicked in
                tabs = [stack.enter_context(visitor(browser, form)) for form in forms]
                tabs[0].wait_for_timeout(PACE_SECONDS * 1000)  # all have found the rhythm of so many
                ratios.append(pace(store, run_id) / alone)
                busy += clicks(tabs[0], CLICKS // TURNS)
        end(store, run_id)
        store.close()
    return {"tabs": {"speed": ratios, "idle": idle, "busy": busy}}


def pace(store: Store, run_id: str) -> float:
    """Steps a second between two commits at least PACE_SECONDS apart."""

    def commit() -> tuple[float, int]:
        before = store.runs.get(run_id).step
        wait_for(store, run_id, lambda run: run.step > before)
        return time.monotonic(), store.runs.get(run_id).step

    begun, first = commit()
    ended, last = commit()
    while ended - begun < PACE_SECONDS:
        ended, last = commit()
    return (last - first) / (ended - begun)


def clicks(page, count: int = CLICKS) -> list[float]:
    times = []
    for turn in range(count):
        kind, label = (("Time", "Seconds"), ("Steps", "Steps"))[turn % 2]
        clicked = time.monotonic()
        page.locator(".st-key-length").get_by_text(kind, exact=True).click()
        page.get_by_label(label, exact=True).wait_for()
        times.append(time.monotonic() - clicked)
    if count % 2:
        page.locator(".st-key-length").get_by_text("Steps", exact=True).click()
        page.get_by_label("Steps", exact=True).wait_for()
    return times


def crowd(browser) -> dict[str, dict]:
    """Twenty people on the Train page press *Start training*, one after the other without waiting for each other."""
    with serve("run", "app.py") as server, ExitStack() as stack:
        store = Store(server.store_url)
        pages = [stack.enter_context(visitor(browser, f"{server.url}/train")) for _ in range(PEOPLE)]
        for seed, page in enumerate(pages):
            page.get_by_label("Seed", exact=True).fill(str(seed))
            page.get_by_label("Seed", exact=True).press("Tab")
        for page in pages:
            page.get_by_role("button", name="Start training").click(no_wait_after=True)
        for page in pages:
            page.wait_for_url(re.compile(r"run=\w{8}"), timeout=60_000)
            drawn(page)
        errors = sum(
            page.locator("[data-testid=stException], [data-testid=stAlertContentError]").count() for page in pages
        )
        found = {"runs": len({run.config.seed for run in store.runs.all() if run.active}), "errors": errors}
        for run in store.runs.all():
            end(store, run.id)
        store.close()
    return {"people": found}


MEASURES = {"paint": first_paint, "training": training, "slider": sliders, "tabs": watched, "people": crowd}


# ---------------------------------------------------------------- words


def show(found: dict) -> None:
    about = found["machine"]
    print(f"{about['cores']} cores, {about['processor']} {about['system']}, load {about['load']} before")
    told = {"paint": show_paint, "memory": show_memory, "latency": show_latency, "tabs": show_tabs}
    for name, tell in (told | {"slider": show_slider, "people": show_people}).items():
        if name in found:
            tell(found[name])


def show_paint(paint: dict) -> None:
    print(f"first paint, median of {LOADS} loads each, taken in turn")
    for name in ("home", "hello"):
        print(f"  {name:<26} {paint[name]:.2f} s   ({', '.join(f'{t:.2f}' for t in paint['loads'][name])})")
    print(f"  {'ratio':<26} {paint['ratio']:.2f}   goal {PAINT_GOAL}: {verdict(paint['ratio'], PAINT_GOAL)}")


def show_memory(memory: dict) -> None:
    print(f"peak resident memory in MB while MNIST trains, up to step {memory['step']:,} of {memory['total_steps']:,}")
    print(f"  {'':<26} {'server':>8} {'worker':>8} {'together':>9}")
    for name, peak in memory["phases"].items():
        print(f"  {name:<26} {peak['server']:>8,.0f} {peak['worker']:>8,.0f} {peak['together']:>9,.0f}")
    peak, added, forecast = memory["peak"], memory["added_by_training"], memory["estimate"]
    print(f"  {'peak':<26} {peak:,.0f} MB   goal {MEMORY_GOAL:,.0f} MB: {verdict(peak, MEMORY_GOAL)}")
    print(f"  training added {added:,.0f} MB to the worker, which expected {forecast:,.0f} MB")


def show_latency(latency: dict[str, list[float]]) -> None:
    both = [time for times in latency.values() for time in times]
    for kind, times in (latency | {"all commands": both}).items():
        median, worst = statistics.median(times), max(times)
        said = f"goals {verdict(median, LATENCY_GOALS[0])}, {verdict(worst, LATENCY_GOALS[1])}"
        print(f"{kind}, {len(times)} times: median {median:.2f} s, worst {worst:.2f} s   {said}")


def show_slider(slider: dict[str, list[float]]) -> None:
    for data, times in slider.items():
        median, goal = statistics.median(times), SLIDER_GOALS[data]
        said = f"worst {max(times):.2f} s   goal {goal} s: {verdict(median, goal)}"
        print(f"{data}: a moved slider is seen after {median:.2f} s, median of {len(times)}, {said}")


def show_tabs(tabs: dict[str, list[float]]) -> None:
    speed, idle, busy = (statistics.median(tabs[name]) for name in ("speed", "idle", "busy"))
    print(f"training with {TABS} tabs open: {speed:.1%} of its speed   goal {verdict(SPEED_GOAL, speed)}")
    said = verdict(busy, SLOWER_GOAL * idle)
    print(f"a click, median of {CLICKS}: {busy:.2f} s with tabs and training, {idle:.2f} s idle   goal {said}")


def show_people(people: dict[str, int]) -> None:
    print(f"{PEOPLE} people: {people['runs']} runs wait or train, {people['errors']} errors on their pages")


if __name__ == "__main__":
    main()
