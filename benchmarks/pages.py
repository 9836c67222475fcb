"""What the pages cost when there is much to show: python -m benchmarks.pages [--turns 9] [--part NAME] [--json]

An MNIST run is trained for real, 4,000 steps with a row for every loss at every step. Between its measurements, rows on
the straight line from one to the next are written into the store until there are 100,000 rows: to measure that often
would take hours, and to the pages a row is a row. The worker generates 10,000 of its samples. A second, shorter
run is there to compare, and copies of it (its last picture and its numbers) fill Home.

An interaction is timed in the browser, from the press of a button or key until the page shows the result and its
script rests. Of that, Streamlit itself waits 200 ms before it sends where a slider was put. What is done for the first
time takes the worker's time too: it is told apart, and the page is to show all but the answer at once. Memory is the
resident memory of the server without the worker, before, with ten sessions on a page, and after they have ended; of
Gallery once as it opens, and once with the 10,000 samples. MNIST is read from the folder GANOMETER_DATA.
"""

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from playwright.sync_api import Page

from benchmarks import mnist
from benchmarks.browser import Server, chromium, drawn, machine, press, serve, tabs, verdict, visitor, waited
from benchmarks.dashboard import MB, mnist_recipe
from benchmarks.waiting import answered, finish, wait_for_worker
from gan_core import METRICS
from gan_core.config import run_config
from gan_core.store import Store
from ui.frame.sample_orders import ORDERS

SECONDS_GOAL, SESSION_GOAL = 0.5, 30.0
TURNS, SESSIONS = 9, 10
ROWS, SAMPLES, COPIES, STEPS, SHORT_STEPS = 100_000, 10_000, 40, 4000, 600
SETTLED = 2.0
"""Seconds after which a page that was opened or closed holds what it holds."""
ITS_OWN = re.compile(r"404.*/\w+/_stcore/")
"""What Streamlit itself tries first on a deep link."""
PAGES = ("home", "train", "distances", "gallery", "compare")
PARTS = ("open", "distances", "gallery", "train", "compare", "home", "memory")
A_PAGE, CARDS_A_PAGE, SIDE = 128, 24, 28
"""Samples on a page, runs on one of Home, and pixels along a sample."""

# What shows that a page is as it was asked to be: expressions of JavaScript.
CURVE = "[...document.querySelectorAll('[role=figure]')].some(f => f.layout?.shapes?.some(s => s.x0 === {}))"
FIGURE = "document.querySelector('[role=figure][aria-label^=\"{}\"] .main-svg')"
IMAGE = "document.querySelector('img[alt$=\"at step {:,}\"]')"
CAPTION = "[...document.querySelectorAll('[data-testid=stCaptionContainer]')].some(c => c.textContent.includes('{}'))"
CLOSEUP = "[...document.querySelectorAll('strong')].some(s => s.textContent === 'Generated sample {}')"
CARDS = "document.querySelectorAll('[class*=st-key-run-]').length === {}"
NOTHING_AWAITED = "!document.querySelector('[data-testid=stProgress], [class*=st-key-pending]')"

CHOSEN = ("coverage", "sliced_wasserstein", "precision", "energy_distance")
CHOSEN_ORDERS = ("rare", "unrealistic", "convincing", "unlike")
KNOWN, AT_ONCE, ANSWER = "step slider", "step slider, new step, at once", "step slider, new step, with the answer"
CLICK, FIRST_CLICK = "click on a sample", "click on a new sample, with the answer"
WORKERS_TIME = (ANSWER, FIRST_CLICK)
"""What takes the worker's time too, and so has no goal here."""
BROWSERS_TIME = PAGES
"""What begins with a browser that loads Streamlit itself, and so has no goal here either."""


@dataclass(frozen=True)
class Place:
    """What was made to be looked at: two runs, the steps of the snapshots of the first and of both, and its rows."""

    run_id: str
    other_id: str
    steps: tuple[int, ...]
    steps_of_both: tuple[int, ...]
    rows: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS, help=f"how often each thing is done; default {TURNS}")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this one, or these; all unless said")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    if options.turns < 1:
        raise SystemExit(f"--turns is {options.turns}; give 1 or more")
    mnist.folder()
    about = machine()
    with chromium() as browser, serve("run", "app.py") as server:
        with visitor(browser, server.url):  # the first one wakes the worker
            wait_for_worker(server)
        place = build(server)
        found = measured(Visits(browser, server, place, options.turns), options.part or PARTS)
    found |= {"machine": about, "turns": options.turns, "rows": place.rows, "steps": len(place.steps)}
    print(json.dumps(found)) if options.json else show(found)


# ---------------------------------------------------------------- what is looked at


def build(server: Server) -> Place:
    """Two runs, trained one after the other, and everything else that the pages are to show."""
    store = Store(server.store_url)
    every = {"training.steps": STEPS, "recording.log_every": 1}
    run_id = store.runs.create(run_config.override(mnist_recipe(), every))
    other_id = store.runs.create(run_config.override(mnist_recipe(seed=1), {"training.steps": SHORT_STEPS}))
    finish(store, run_id)
    finish(store, other_id)
    rows = fill(store, run_id)
    copy(store, other_id)
    steps, others = (store.recordings.snapshot_steps(name) for name in (run_id, other_id))
    samples = store.jobs.request("browse", run_id=run_id, step=steps[-1], params={"n": SAMPLES, "seed": 1})
    answered(store, samples, seconds=300)
    store.close()
    return Place(run_id, other_id, steps, tuple(sorted({*steps, *others})), rows)


def fill(store: Store, run_id: str) -> int:
    """Rows between the measurements of a run, so that it has ROWS of them; returns how many it has."""
    curves = store.recordings.history(run_id, points=10**9).curves
    missing = ROWS - sum(len(steps) for steps, _ in curves.values())
    measured = {name: curve for name, curve in curves.items() if name in METRICS}
    rows = []
    for (name, (steps, values)), share in zip(measured.items(), np.array_split(np.arange(missing), len(measured))):
        free = np.setdiff1d(np.arange(steps[0], steps[-1]), steps)
        at = free[np.linspace(0, len(free) - 1, len(share)).astype(int)]
        between = zip(at.tolist(), np.interp(at, steps, values).tolist())
        rows += [dict(run_id=run_id, step=int(step), name=name, value=value) for step, value in between]
    store.recordings.add_rows({"metrics": rows})
    return sum(len(steps) for steps, _ in store.recordings.history(run_id, points=10**9).curves.values())


def copy(store: Store, run_id: str) -> None:
    """As many runs as fill Home, each with a picture and a number."""
    whole = store.recordings.rows(run_id)
    last = whole["snapshots"][-1]
    energy = [row for row in whole["metrics"] if row["name"] == "energy_distance"]
    for number in range(COPIES):
        own = {"run_id": f"{number:08x}"}
        of_it = {"runs": [whole["runs"][0] | {"id": own["run_id"], "name": f"copy-{number}"}]}
        store.recordings.add_rows(of_it | {"snapshots": [last | own], "metrics": [row | own for row in energy]})


# ---------------------------------------------------------------- what is done


class Visits:
    """Pages that a person opens, and what each has told the browser's console."""

    def __init__(self, browser, server: Server, place: Place, turns: int):
        self._browser, self.server, self.place, self.turns = browser, server, place, turns
        self._said: dict[str, list[str]] = {name: [] for name in PAGES}

    def open(self, name: str):
        return visitor(self._browser, self._address(name), errors=self._said[name])

    def open_many(self, name: str, count: int):
        return tabs(self._browser, self._address(name), count, errors=self._said[name])

    def _address(self, name: str) -> str:
        which = f"runs={self.place.run_id},{self.place.other_id}" if name == "compare" else f"run={self.place.run_id}"
        which += "&part=curves" if name == "distances" else ""
        return self.server.url if name == "home" else f"{self.server.url}/{name}?{which}"

    @property
    def errors(self) -> dict[str, list[str]]:
        return {name: [error for error in said if not ITS_OWN.search(error)] for name, said in self._said.items()}


def measured(visits: Visits, parts: Iterable[str]) -> dict:
    acts = {"distances": distances, "gallery": gallery, "train": train, "compare": compare, "home": home}
    acts["open"] = opening
    times, memory = {}, {}
    for part in parts:
        print(f"measuring: {part}", file=sys.stderr, flush=True)
        if part == "memory":
            memory = {name: sessions(visits, name) for name in PAGES}
            memory["gallery, 10,000 samples"] = sessions(visits, "gallery", ten_thousand)
        else:
            times[part] = acts[part](visits)
    return {"memory": memory, "times": times, "errors": visits.errors}


def sessions(visits: Visits, name: str, prepare: Callable[[Page], object] = lambda page: None) -> dict[str, float]:
    """Megabytes of the server with nobody there, with SESSIONS of them on one page, and after them."""

    def megabytes() -> float:
        time.sleep(SETTLED)
        return visits.server.process.memory_info().rss / MB

    with visits.open(name) as page:  # what the first visitor of all brings is not what one more costs
        prepare(page)
    before = megabytes()
    with visits.open_many(name, SESSIONS) as pages:
        for page in pages:
            prepare(page)
        during = megabytes()
    return {"before": before, "during": during, "after": megabytes(), "each": (during - before) / SESSIONS}


def opening(visits: Visits) -> dict[str, list[float]]:
    """From the address to the page at rest, for a browser that has never been here; the pages in turn."""
    times: dict[str, list[float]] = {name: [] for name in PAGES}
    for _ in range(visits.turns):
        for name in PAGES:
            with visits.open(name) as page:
                times[name].append(drawn(page, shown=NOTHING_AWAITED))
    return times


def distances(visits: Visits) -> dict[str, list[float]]:
    steps = visits.place.steps
    with visits.open("distances") as page:
        drawn(page, shown=NOTHING_AWAITED)
        page.locator("[role=figure][aria-label$=' over steps']").first.scroll_into_view_if_needed()
        times = new_and_known(page, steps, visits.turns, CURVE)
    with visits.open("distances") as page:
        times["another metric"] = []
        for title in islice(cycle(METRICS[name].title for name in CHOSEN), visits.turns):
            choose(page, "Metric", title)
            times["another metric"].append(waited(page, FIGURE.format(f"{title} over")))
    return times


def new_and_known(page: Page, steps: tuple[int, ...], turns: int, shown: str) -> dict[str, list[float]]:
    """The slider moved where nobody has been, which the worker has work with, and then over the same steps again."""
    drawn(page, shown=NOTHING_AWAITED)
    times: dict[str, list[float]] = {KNOWN: [], AT_ONCE: [], ANSWER: []}
    first = min(turns, len(steps) - 1)
    for step in islice(stroll(page, steps), first):
        times[AT_ONCE].append(waited(page, shown.format(step)))
        times[ANSWER].append(waited(page, f"{shown.format(step)} && {NOTHING_AWAITED}", seconds=120))
    for step in islice(stroll(page, steps, from_place=len(steps) - 1 - first, way=1), turns):
        times[KNOWN].append(waited(page, f"{shown.format(step)} && {NOTHING_AWAITED}"))
    return times


def gallery(visits: Visits) -> dict[str, list[float]]:
    times = {name: [] for name in (CLICK, FIRST_CLICK, "next page", "another order")}
    with visits.open("gallery") as page:
        ten_thousand(page)
        for name in (FIRST_CLICK, CLICK):
            for place in range(1, visits.turns + 1):
                pick(page, place)
                times[name].append(waited(page, f"{CLOSEUP.format(place + 1)} && {NOTHING_AWAITED}"))
        for turn in range(1, visits.turns + 1):
            press(page, page.get_by_role("button", name="Next page").click)
            times["next page"].append(waited(page, CAPTION.format(f"Samples {turn * A_PAGE + 1:,} to ")))
        for name in islice(cycle(CHOSEN_ORDERS), visits.turns):
            choose(page, "Order", ORDERS[name].title)
            times["another order"].append(waited(page, CAPTION.format(ORDERS[name].sentence[:24])))
    return times


def train(visits: Visits) -> dict[str, list[float]]:
    with visits.open("train") as page:
        walk = islice(stroll(page, visits.place.steps), visits.turns)
        return {KNOWN: [waited(page, IMAGE.format(step)) for step in walk]}


def compare(visits: Visits) -> dict[str, list[float]]:
    with visits.open("compare") as page:
        return new_and_known(page, visits.place.steps_of_both, visits.turns, IMAGE)


def home(visits: Visits) -> dict[str, list[float]]:
    """One of the copies is searched for, then all of them, and so on."""
    times = []
    with visits.open("home") as page:
        field = page.get_by_label("Search", exact=True)
        for turn in range(visits.turns):
            words, count = (f"copy-{10 + turn % 30}", 1) if turn % 2 == 0 else ("copy", CARDS_A_PAGE)
            field.fill(words)
            press(page, lambda: field.press("Enter"))
            times.append(waited(page, CARDS.format(count)))
    return {"search": times}


# ---------------------------------------------------------------- a person's hands


def stroll(page: Page, steps: tuple[int, ...], *, from_place: int | None = None, way: int = -1) -> Iterator[int]:
    """Press the slider from its place, the newest step if not said, to the end of its way, then to and fro; yields each
    step. What is in sight stays in sight: a chart that is not is not drawn."""
    slider = page.locator(".st-key-time").get_by_role("slider")
    place = len(steps) - 1 if from_place is None else from_place
    while True:
        if not 0 <= place + way < len(steps):
            way = -way
        place += way
        slider.evaluate("slider => slider.focus({ preventScroll: true })")
        press(page, lambda key="ArrowRight" if way > 0 else "ArrowLeft": page.keyboard.press(key))
        yield steps[place]


def choose(page: Page, label: str, option: str) -> None:
    """Time counts from the press on the option. A long list holds only what is in sight, so it is searched first."""
    box = page.get_by_role("combobox", name=label, exact=True)
    box.click()
    box.fill(option)
    press(page, page.get_by_role("option", name=option, exact=True).click)


def pick(page: Page, place: int) -> None:
    """Click a sample of the grid."""
    field = page.locator(".st-key-samples-grid .cells")
    field.scroll_into_view_if_needed()
    across, pixel = field.locator("canvas").evaluate("canvas => [canvas.width, canvas.clientWidth / canvas.width]")
    row, column = divmod(place, (across + 1) // (SIDE + 1))
    middle = {axis: (at + 0.45) * (SIDE + 1) * pixel for axis, at in (("x", column), ("y", row))}
    press(page, lambda: field.click(position=middle))


def ten_thousand(page: Page) -> None:
    """Gallery: the samples that `build` has had generated."""
    page.locator(".st-key-whose-samples").get_by_text("New samples", exact=True).click()
    choose(page, "How many", str(SAMPLES))
    drawn(page, shown=f"{CAPTION.format(f'of {SAMPLES:,}.')} && {NOTHING_AWAITED}")


# ---------------------------------------------------------------- words


def show(found: dict) -> None:
    about = found["machine"]
    print(f"{about['cores']} cores, {about['processor']} {about['system']}, load {about['load']} before")
    print(f"a run of {found['rows']:,} rows of metrics and {found['steps']} snapshots, {SAMPLES:,} generated samples")
    print(f"seconds from a press until the page rests, {found['turns']} times   goal: median {SECONDS_GOAL}")
    for name, kinds in found["times"].items():
        for kind, times in kinds.items():
            median, worst = statistics.median(times), max(times)
            others = "worker" if kind in WORKERS_TIME else "browser" if kind in BROWSERS_TIME else ""
            said = f"with the {others}'s time" if others else verdict(median, SECONDS_GOAL)
            print(f"  {name + ', ' + kind:<58} median {median:5.2f}   worst {worst:5.2f}   {said}")
    print(f"memory of the server in MB, {SESSIONS} sessions on a page   goal: {SESSION_GOAL:g} for each")
    print(f"  {'':<26} {'before':>8} {'during':>8} {'after':>8} {'each':>8}")
    for name, m in found["memory"].items():
        numbers = " ".join(f"{m[what]:>8,.1f}" for what in ("before", "during", "after", "each"))
        print(f"  {name:<26} {numbers}   {verdict(m['each'], SESSION_GOAL)}")
    for name, errors in found["errors"].items():
        print(f"console of {name}: {len(errors)} errors" + "".join(f"\n  {error}" for error in errors))


if __name__ == "__main__":
    main()
