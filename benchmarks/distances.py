"""What all distances between n real and n generated samples cost: python -m benchmarks.distances [--n 10000] [--json]

    --peers prdc,sklearn,faiss   beside which libraries; they need requirements-bench.txt
    --real 60000                 another number of real samples; then without peers, unless some are named
    --growth                     time and memory of 1,000 to 16,000 samples of each kind
    --live, --full               one measurement of a training on one core; the full report of 10,000 samples

MNIST pixels in float32, training images as real and test images as generated ones, k = 5, read from the folder
GANOMETER_DATA. Every measurement is a fresh process with the same environment; compiling and starting threads are
outside the clock, and reported apart. Ours and the peers take turns; a ratio is the median of the ratios of turns.
Peers do less: prdc gives four numbers, the others only nearest rows. Memory is the peak during the call less what was
resident before it, with the arrays loaded. Processor time (cpu_seconds) helps to read a run on a busy machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import mnist
from benchmarks.browser import ROOT, machine, verdict
from gan_core import __main__ as command_line

PRDC_GOAL, CACHED_GOAL, MEMORY_GOAL, PRODUCTS_GOAL = 6.0, 9.0, 8.0, 2.5
LIVE, LIVE_GOAL = 1000, 0.6
FULL, FULL_GOAL = 10_000, 60.0
PEERS = ("prdc", "sklearn", "faiss")
GROWTH = (1000, 2000, 4000, 8000, 16_000)
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "GANOMETER_DATA", "OPENBLAS_CORETYPE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000, help="generated samples, and real ones unless --real")
    parser.add_argument("--real", type=int, help="real samples")
    parser.add_argument("--peers", help="of prdc,sklearn,faiss; none: --peers ''")
    parser.add_argument("--pairs", type=int, default=5, help="turns; medians count")
    parser.add_argument("--growth", action="store_true", help="only how time and memory grow with n")
    parser.add_argument("--live", action="store_true", help="only the live panel")
    parser.add_argument("--full", action="store_true", help="only the full report")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    source = mnist.folder()
    asked = options.peers.split(",") if options.peers else []
    peers = [*PEERS] if options.peers is None and not options.real else asked
    if unknown := set(peers) - set(PEERS):
        raise SystemExit(f"--peers names {', '.join(sorted(unknown))}; choose of {', '.join(PEERS)}")
    command_line._prefer_wide_kernels()  # of this process's environment, which all are given: the peers gain as well
    found = {"machine": machine(), "coretype": os.environ.get("OPENBLAS_CORETYPE")}
    with tempfile.TemporaryDirectory(prefix="ganometer-") as folder:
        bench = Bench(Path(folder), source)
        if options.growth:
            found["growth"] = growth(bench, options.pairs)
        if options.live:
            found["live"] = panel(bench, "ours.live", LIVE, options.pairs)
        if options.full:
            found["full"] = panel(bench, "ours.full", FULL, 1)
        if not (options.growth or options.live or options.full):
            found |= compared(bench, options.n, options.real or options.n, peers, options.pairs)
        found["first_use"] = bench.first_use
    print(json.dumps(found)) if options.json else show(found)


class Bench:
    """Arrays in a folder, and processes that measure them. Numba's cache begins empty: the first use compiles."""

    def __init__(self, folder: Path, source: Path):
        self._folder = folder
        with np.load(source / "mnist.npz", allow_pickle=False) as mnist:
            self._train, self._test = mnist["x_train"], mnist["x_test"]
        self.first_use: list[float] = []

    def arrays(self, n_real: int, n_fake: int) -> None:
        """The first training images as real ones, and test images, then the last training images, as generated."""
        if min(n_real, n_fake) < 2 or n_real + n_fake > len(self._train) + len(self._test):
            raise SystemExit(f"{n_real} real and {n_fake} generated samples are wanted; give 2 to 70,000 together")
        fake = np.concatenate([self._test, self._train[::-1]])
        for name, x in (("real", self._train[:n_real]), ("fake", fake[:n_fake])):
            np.save(self._folder / f"{name}.npy", (x.reshape(len(x), -1) / np.float32(255)))

    def measured(self, subject: str) -> dict:
        """seconds, megabytes and numbers of one call in a process of its own."""
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment["NUMBA_CACHE_DIR"] = str(self._folder / "numba")
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers.alone", subject, str(self._folder)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        if ended.returncode:
            raise SystemExit(f"{subject} failed: {(ended.stderr.strip().splitlines() or ['without a word'])[-1]}")
        found = json.loads(ended.stdout)
        if subject == "ours.summary":
            self.first_use.append(found["first_use"])
        return found


def compared(bench: Bench, n: int, n_real: int, peers: list[str], pairs: int) -> dict:
    """Ours, ours with the real side known, the bare products and every peer, in turn."""
    bench.arrays(n_real, n)
    subjects = {"ours": "ours.summary", "cached": "ours.cached", "gemm": "ours.products"}
    subjects |= {peer: f"{peer}.summary" for peer in peers}
    turns = [{name: bench.measured(subject) for name, subject in subjects.items()} for _ in range(pairs)]

    def median(name: str, what: str) -> float:
        return statistics.median(turn[name][what] for turn in turns)

    def ratio(one: str, other: str, what: str) -> float:
        return statistics.median(turn[one][what] / turn[other][what] for turn in turns)

    last = turns[-1]
    shared = set(last["ours"]["numbers"]) & set(last.get("prdc", {}).get("numbers", ()))
    return {
        "n": n,
        "n_real": n_real,
        "pairs": pairs,
        "seconds": {name: median(name, "seconds") for name in ("ours", *peers)},
        "cpu_seconds": {name: median(name, "cpu_seconds") for name in subjects},
        "megabytes": {name: median(name, "megabytes") for name in ("ours", *peers)},
        "ratio_to": {peer: ratio(peer, "ours", "seconds") for peer in peers},
        "memory_ratio_to": {peer: median(peer, "megabytes") / median("ours", "megabytes") for peer in peers},
        "cached": {
            "seconds": median("cached", "seconds"),
            "megabytes": median("cached", "megabytes"),
            "ratio_to": {peer: ratio(peer, "cached", "seconds") for peer in peers},
        },
        "gemm": {"seconds": median("gemm", "seconds"), "ratio": ratio("ours", "gemm", "seconds")},
        "differs_from_prdc": {x: abs(last["ours"]["numbers"][x] - last["prdc"]["numbers"][x]) for x in sorted(shared)},
        "numbers": last["ours"]["numbers"],
        "turns": [{name: found["seconds"] for name, found in turn.items()} for turn in turns],
    }


def growth(bench: Bench, turns: int) -> list[dict]:
    rows = []
    for n in GROWTH:
        bench.arrays(n, n)
        found = [bench.measured("ours.summary") for _ in range(turns)]
        rows.append({"n": n} | {x: statistics.median(f[x] for f in found) for x in ("seconds", "megabytes")})
    return rows


def panel(bench: Bench, subject: str, n: int, turns: int) -> dict:
    bench.arrays(n, n)
    found = [bench.measured(subject) for _ in range(turns)]
    return {
        "seconds": statistics.median(f["seconds"] for f in found),
        "cpu_seconds": statistics.median(f["cpu_seconds"] for f in found),
        "megabytes": statistics.median(f["megabytes"] for f in found),
        "turns": [f["seconds"] for f in found],
        "seconds_of": found[-1]["numbers"]["seconds"],
    }


# ---------------------------------------------------------------- what is printed


def show(found: dict) -> None:
    about = found["machine"]
    print(f"{about['cores']} cores, {about['processor']} {about['system']}, load {about['load']} before")
    print(f"kernels: {found['coretype'] or 'as OpenBLAS finds them'}")
    if "n" in found:
        show_compared(found)
    rows = found.get("growth", [])
    for row, before in zip(rows, [None, *rows]):
        line = f"  n = {row['n']:>6,}: {row['seconds']:6.2f} s, {row['megabytes']:5.0f} MB"
        if before:
            time, memory = (row[what] / before[what] for what in ("seconds", "megabytes"))
            line += f"   {time:.1f} times the time, {memory:.1f} times the memory of half as many"
        print(line)
    for name, goal in (("live", LIVE_GOAL), ("full", FULL_GOAL)):
        if name in found:
            seconds, busy, size = (found[name][what] for what in ("seconds", "cpu_seconds", "megabytes"))
            print(f"{name} panel: {seconds:.2f} s ({busy:.2f} s of processor time), {size:.0f} MB", end="")
            print(f"   goal {goal:g} s: {verdict(seconds, goal)}")
    if first := found["first_use"]:
        cached = f", then {min(first):.1f} s" if len(first) > 1 else ""
        print(f"first use, at most 2,100 rows: {first[0]:.1f} s with compiling{cached}")


def show_compared(found: dict) -> None:
    print(f"{found['n_real']:,} real, {found['n']:,} generated samples, medians of {found['pairs']} turns")
    print(f"  {'':<12} {'seconds':>8} {'MB':>7} {'to ours':>8} {'to cached':>10}")
    cached, gemm = found["cached"], found["gemm"]
    print(f"  {'ours':<12} {found['seconds']['ours']:>8.2f} {found['megabytes']['ours']:>7.0f}")
    print(f"  {'ours, cached':<12} {cached['seconds']:>8.2f} {cached['megabytes']:>7.0f}")
    for peer, ratio in found["ratio_to"].items():
        seconds, size = found["seconds"][peer], found["megabytes"][peer]
        print(f"  {peer:<12} {seconds:>8.2f} {size:>7.0f} {ratio:>8.1f} {cached['ratio_to'][peer]:>10.1f}")
    print(f"  {'gemm only':<12} {gemm['seconds']:>8.2f}")
    print(f"  to gemm {gemm['ratio']:.2f}   goal {PRODUCTS_GOAL}: {verdict(gemm['ratio'], PRODUCTS_GOAL)}")
    if "prdc" in found["ratio_to"]:
        for what, value, goal in (
            ("prdc to ours", found["ratio_to"]["prdc"], PRDC_GOAL),
            ("prdc to cached", cached["ratio_to"]["prdc"], CACHED_GOAL),
            ("memory of prdc to ours", found["memory_ratio_to"]["prdc"], MEMORY_GOAL),
        ):
            print(f"  {what} {value:.1f}   goal {goal:g}: {verdict(goal, value)}")
        differs = max(found["differs_from_prdc"].values())
        print(f"  largest difference from prdc's four numbers: {differs:.1e}")


if __name__ == "__main__":
    main()
