"""What a new visitor sees in the first minute: python -m benchmarks.first_minute [--seeds 3] [--json]

For every seed a fresh server and a fresh home: open Home at once, start digits, and measure from the click.
Seed 0 is the button on Home; the others are set on the Train page.
"""

import argparse
import json
import statistics
import time
from dataclasses import asdict, dataclass

from benchmarks.browser import chromium, drawn, machine, serve, verdict, visitor
from gan_core import records
from gan_core.data import datasets
from gan_core.distances import pairwise
from gan_core.distances.modes import Labeller
from gan_core.store import Store, unpack

FIRST_SAMPLES_GOAL, ENERGY_GOAL, SHARE_GOAL = 15.0, 0.02, 0.04
EARLY_STEP, MINUTE = 100, 60.0
FRESH_DRAW = 12_345
"""A seed of latents that no training has used for its own measurements."""
SHARED_SAMPLES = 1000

PICTURES = """() => [...document.images].map(image => image.src)"""
# The step in a picture's description, once the page shows a picture that it did not show before the click.
SHOWN = """([early, before]) => {
    const fresh = [...document.images].filter(image => image.complete && !before.includes(image.src));
    const found = fresh.map(image => image.alt.match(/^64 generated samples at step ([\\d,]+)$/)).find(Boolean);
    const step = found ? Number(found[1].replaceAll(",", "")) : 0;
    return step >= early && step;
}"""


@dataclass(frozen=True)
class Minute:
    """`first_samples`: seconds from the click until samples of step >= 100 were on the page; `step`: after 60 s.

    `energy` is measured against `n` held-out rows; `reference` is (mean, sd) of real against real at the same n.
    """

    seed: int
    first_samples: float
    first_step: int
    step: int
    n: int
    energy: float
    reference: tuple[float, float]
    shares: dict[int, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 to this number less one")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    about = machine()
    digits = datasets.load("digits")
    with chromium() as browser:
        minutes = [measure(browser, seed, digits) for seed in range(options.seeds)]
    if options.json:
        print(
            json.dumps(
                {
                    "machine": about,
                    "goals": [FIRST_SAMPLES_GOAL, ENERGY_GOAL, SHARE_GOAL],
                    "minutes": [asdict(m) for m in minutes],
                }
            )
        )
    else:
        show(minutes, about)


def measure(browser, seed: int, digits: datasets.Dataset) -> Minute:
    with serve("run", "app.py") as server, visitor(browser, server.url) as page:
        if seed == 0:
            button = page.get_by_role("button", name="Train on digits")
        else:
            page.goto(f"{server.url}/train")
            drawn(page)
            page.get_by_label("Seed", exact=True).fill(str(seed))
            page.get_by_label("Seed", exact=True).press("Tab")
            drawn(page)
            button = page.get_by_role("button", name="Start training")
        before = page.evaluate(PICTURES)  # Train shows the example's
        clicked = time.monotonic()
        button.click()
        first_step = page.wait_for_function(SHOWN, arg=[EARLY_STEP, before], timeout=120_000).json_value()
        first_samples = time.monotonic() - clicked
        page.wait_for_timeout(max(0.0, clicked + MINUTE - time.monotonic()) * 1000)

        store = Store(server.store_url)
        run = next(run for run in store.runs.all() if f"run={run.id}" in page.url)
        if run.config.seed != seed:
            raise SystemExit(f"the page started seed {run.config.seed}, not {seed}: its labels may have changed")
        step, n = store.recordings.snapshot_steps(run.id)[-1], len(digits.test)
        report = records.report_from_json(answer(store, "measure", run.id, step, n).decode())
        fake = unpack(answer(store, "sample", run.id, step, SHARED_SAMPLES))["x"]
        store.close()
    labeller = Labeller.of(train=digits.train.x, train_labels=digits.train.y)
    shares = dict(zip(labeller.labels.tolist(), labeller.shares(pairwise.rows(fake)).tolist()))
    energy = report.metrics["energy_distance"]
    reference = (energy.reference_mean, energy.reference_sd)
    return Minute(seed, first_samples, first_step, step, report.n_fake, energy.value, reference, shares)


def answer(store: Store, kind: str, run_id: str, step: int, n: int, seconds: float = 60) -> bytes:
    """What the server's own worker answers, with samples of a draw nobody has seen."""
    job_id = store.jobs.request(kind, run_id=run_id, step=step, params={"n": n, "seed": FRESH_DRAW})
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = store.jobs.get(job_id)
        if job.state == "done":
            return job.result
        if job.state == "failed":
            raise SystemExit(f"{kind} failed: {job.error}")
        time.sleep(0.1)
    raise SystemExit(f"{kind} had no answer within {seconds:.0f} s")


def show(minutes: list[Minute], about: dict) -> None:
    print(f"{about['cores']} cores, {about['processor']} {about['system']}, load {about['load']} before")
    for m in minutes:
        mean, sd = m.reference
        print(
            f"seed {m.seed}: samples of step {m.first_step:,} after {m.first_samples:.1f} s; after {MINUTE:.0f} s "
            f"step {m.step:,}, energy distance {m.energy:.4f} (real against real {mean:.4f} ± {sd:.4f}, n = {m.n})"
        )
        print("        shares of 0 to 9: " + " ".join(f"{share:.1%}" for share in m.shares.values()))
    first = statistics.median(m.first_samples for m in minutes)
    energy = statistics.median(m.energy for m in minutes)
    least = statistics.median(min(m.shares.values()) for m in minutes)
    print(f"median of {len(minutes)}:")
    print(f"  first samples      {first:.1f} s   goal {FIRST_SAMPLES_GOAL:.0f} s: {verdict(first, FIRST_SAMPLES_GOAL)}")
    print(f"  energy distance    {energy:.4f}   goal {ENERGY_GOAL}: {verdict(energy, ENERGY_GOAL)}")
    print(f"  rarest digit       {least:.1%}   goal {SHARE_GOAL:.0%}: {verdict(SHARE_GOAL, least)}")


if __name__ == "__main__":
    main()
