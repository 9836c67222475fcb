"""What the live preview costs, and how soon it shows a change: python -m benchmarks.preview [--part NAME] [--json]

  cost    steps per second of one training whose previews are turned on and off in turn: the share they take
  change  seconds from a changed learning rate until the preview is of networks that have trained with it
MNIST is read from the folder GANOMETER_DATA.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from benchmarks import mnist
from benchmarks.browser import machine, verdict
from benchmarks.waiting import end, wait_for
from gan_core.config import presets, run_config
from gan_core.data import datasets
from gan_core.service.lab import Lab
from gan_core.settings import Settings, settings_from_environment
from gan_core.store import Store

COST_GOAL = 0.02
PAIRS, WINDOW_SECONDS, WARM_SECONDS = 10, 3.0, 6.0
"""So many windows with previews and without, each so long, once the training has run for a while."""
CHANGES = 20
LONG = 900_000
"""Steps of a training that is not to end while it is measured."""
RUNS = {
    "digits": ("auto", "digits", None),
    "MNIST": ("auto", "mnist", None),
    "MNIST, convolutions": ("auto", "mnist", 600.0),
    "ring-8, with the game": ("auto", "ring-8", None),
}
"""Title: recipe, data, and the seconds that the recipe is asked for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=MEASURES, action="append", help="only this one, or these; all unless said")
    parser.add_argument("--run", choices=RUNS, action="append", help="only this training, or these; all unless said")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    mnist.folder()
    found = {"machine": machine()}
    for part in options.part or MEASURES:
        found[part] = {}
        for title in options.run or RUNS:
            print(f"measuring: {part}, {title}", file=sys.stderr, flush=True)
            found[part][title] = MEASURES[part](title)
    print(json.dumps(found)) if options.json else show(found)


def config_of(title: str) -> run_config.RunConfig:
    name, data, seconds = RUNS[title]
    config = presets.preset(name, data=data, shape=datasets.OPTIONS[data].shape, seconds=seconds)
    return run_config.override(config, {"training.seconds": None, "training.steps": LONG})


# ---------------------------------------------------------------- what it costs


def cost(title: str) -> dict[str, object]:
    """One training in this process, with a true store, whose previews are written; commits are left out."""
    from gan_core.data.dataset_cache import DatasetCache
    from gan_core.engine import loop
    from gan_core.worker import run_session, train_run

    windows: list[float] = []

    class Previews(loop._Previews):
        """Shows nothing in every second window; the time in these does not count for when the next one is due."""

        began: tuple[int, float] | None = None
        first = looked = None

        def due(self, step: int, now: float) -> bool:
            self.first = now if self.first is None else self.first
            passed, self.looked = now - (self.looked or now), now
            if now - self.first < WARM_SECONDS:
                return super().due(step, now)
            if self.began is None:
                self.began = step, now
            elif now - self.began[1] >= WINDOW_SECONDS:
                windows.append((step - self.began[0]) / (now - self.began[1]))
                self.began = step, now
            if len(windows) == 2 * PAIRS:
                session.stop()
            if len(windows) % 4 in (1, 2):  # off: on off, off on, on off, ...
                self._due, self._game_due = self._due + passed, self._game_due + passed
                return False
            return super().due(step, now)

    class Session(run_session.Session):
        def due(self) -> bool:
            return False

    usual = loop._Previews
    with tempfile.TemporaryDirectory(prefix="ganometer-") as folder:
        place = settings_from_environment(os.environ | {"GANOMETER_HOME": folder})
        store = Store(f"sqlite:///{folder}/store.sqlite")
        cache = DatasetCache(place.data_folder, store.datasets.upload_bytes)
        run = store.leases.claim("benchmark", run_id=store.runs.create(config_of(title)))
        session = Session(store, run, "benchmark")
        loop._Previews = Previews
        try:
            state = train_run.train_run(session, cache.dataset)
        finally:
            loop._Previews = usual
        if state != "stopped" or len(windows) < 2 * PAIRS:
            raise SystemExit(f"the training of {title} is {state} too early: {store.runs.get(run.id).error}")
        store.close()
    pairs = list(zip(windows[0::2], windows[1::2]))
    ordered = [pair if number % 2 == 0 else pair[::-1] for number, pair in enumerate(pairs)]
    shares = [1 - shown / calm for shown, calm in ordered]
    return {
        "share": statistics.median(shares),
        "shares": shares,
        "steps_per_second": statistics.median(calm for _, calm in ordered),
    }


# ---------------------------------------------------------------- how soon it shows a change


@contextmanager
def trained(title: str):
    """A lab and a run of its worker process that trains, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="ganometer-", ignore_cleanup_errors=True) as folder:
        data = mnist.folder()
        lab = Lab(Settings(Path(folder), f"sqlite:///{folder}/ganometer.sqlite", data, "process"))
        store = Store(lab.settings.store_url)
        try:
            lab.worker.ensure()
            run_id = store.runs.create(config_of(title))
            wait_for(store, run_id, lambda run: run.phase == "training" and run.steps_per_second)
            yield lab, run_id
            end(store, run_id)
        finally:
            store.close()
            lab.close()


def change(title: str) -> dict[str, object]:
    """At another moment of the training's rhythm each time; the rates are those of the recipe and half of them."""
    times = []
    with trained(title) as (lab, run_id):
        rate = lab.runs.get(run_id).config.optimizer.learning_rate_generator
        for turn in range(CHANGES):
            time.sleep(1.0 + turn * 0.137)
            run = lab.runs.get(run_id)
            shown = lab.results.preview(run)
            before, sent = shown.edits if shown else 0, time.monotonic()
            value = rate / 2 if turn % 2 == 0 else rate
            lab.runs.change(run_id, {"optimizer.learning_rate_generator": value})
            while not (shown := lab.results.preview(run)) or shown.edits <= before:
                if time.monotonic() - sent > 60:
                    raise SystemExit(f"change {turn + 1} of {title} was not shown within a minute")
                time.sleep(0.01)
            times.append(time.monotonic() - sent)
    return {"seconds": times, "median": statistics.median(times), "worst": max(times)}


MEASURES = {"cost": cost, "change": change}


def show(found: dict) -> None:
    about = found["machine"]
    print(f"{about['cores']} cores, {about['processor']} {about['system']}, load {about['load']} before")
    for title, told in found.get("cost", {}).items():
        low, _, high = statistics.quantiles(told["shares"], n=4)
        print(
            f"{title}: previews take {told['share']:.1%} of {told['steps_per_second']:,.0f} steps/s, median of {PAIRS} "
            f"pairs, half of them {low:.1%} to {high:.1%}   goal {verdict(told['share'], COST_GOAL)}"
        )
    for title, told in found.get("change", {}).items():
        print(f"{title}: a change is shown after {told['median']:.2f} s, worst of {CHANGES} {told['worst']:.2f} s")


if __name__ == "__main__":
    main()
