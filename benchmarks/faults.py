"""What Ganometer does when something goes wrong: python -m benchmarks.faults [--part NAME] [--json]

Each fault is made for real: processes are killed or stopped, disks fill up, databases are locked and taken away,
strangers bring hostile files and bundles, thirty people come at once. A browser watches the page of a run meanwhile.

A fault is survived when the page said a true sentence about it (where there is one to say) and the run went on
afterwards, by itself or after Resume. `lost` counts committed steps whose values are gone. `said` is how many seconds
after the fault the sentence was on the page. A fault that cannot be made on this machine is said to be left out.
"""

import argparse
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Error as BrowserError

from benchmarks.browser import Server, chromium, drawn, machine, serve, visitor
from benchmarks.dashboard import MB
from benchmarks.hostile_bundles import hostile_bundles
from benchmarks.waiting import wait_for
from gan_core import Lab
from gan_core.config import presets, run_config
from gan_core.records import BundleError, GanometerError
from gan_core.settings import settings_from_environment
from gan_core.store import Store
from tests import hostile_files

SAID_GOAL, HOME_GOAL, MEMORY_GOAL, MINUTES_GOAL = 5.0, 2.0, 100.0, 40.0
LONG = 1_000_000
"""Steps of a run that is not to end by itself."""
LOG_EVERY = 100
ASLEEP_SECONDS, LOCKED_SECONDS, FULL_SECONDS, GONE_SECONDS = 40.0, 12.0, 15.0, 10.0
RECOVERY_SECONDS = 150.0
"""A worker that hangs is replaced after a while, and TensorFlow takes its time to load again."""
PEOPLE = 30
MOST_BYTES = 19_900_000
"""The browser itself refuses what has more than 20 MB of a million bytes each."""
TEXT = "document.querySelector('[data-testid=stMain]')?.innerText ?? ''"
EXCEPTION = "[data-testid=stException], .stException"


@dataclass(frozen=True)
class Outcome:
    """What came of one fault. `why` says what went wrong, or why the fault was left out."""

    fault: str
    survived: bool
    lost: int = 0
    said: float | None = None
    sentence: str = ""
    why: str = ""
    tried: bool = True


@dataclass
class Scene:
    """A server with a run that trains, and the page that watches the run."""

    server: Server
    store: Store
    run_id: str
    page: object
    committed: int = 0
    happened: float = field(default_factory=time.monotonic)

    @property
    def worker(self) -> psutil.Process:
        """The worker process that this server has started."""
        return next(p for p in self.server.process.children() if p.cmdline()[1:4] == ["-m", "gan_core", "worker"])

    def begin(self) -> None:
        """The fault is made now: what is committed up to here must not be lost."""
        self.committed, self.happened = self.store.runs.get(self.run_id).step, time.monotonic()

    def said(self, words: str, seconds: float = 20.0) -> tuple[float | None, str]:
        """(seconds since the fault, the line of the page) as soon as the page says something that matches `words`."""
        while time.monotonic() - self.happened < seconds:
            for line in text_of(self.page).splitlines():
                if re.search(words, line, re.IGNORECASE):
                    return time.monotonic() - self.happened, line.strip()
            time.sleep(0.1)
        return None, ""

    def went_on(self, *, resume: bool = False, seconds: float = RECOVERY_SECONDS) -> bool:
        """Whether the run trains beyond the step it had; `resume`: a person presses Resume for it."""
        deadline, pressed = time.monotonic() + seconds, False
        while time.monotonic() < deadline:
            with suppress(GanometerError):
                run = self.store.runs.get(self.run_id)
                if run.state == "running" and run.phase == "training" and run.step > self.committed:
                    return True
            if resume and not pressed:
                with suppress(BrowserError):
                    self.page.get_by_role("button", name="Resume", exact=True).click(timeout=1000)
                    pressed = True
            time.sleep(0.2)
        return False

    def lost(self) -> int:
        """How many of the values that were committed before the fault are not there any more."""
        curve = self.store.recordings.history(self.run_id, ["loss_generator"], LONG).curves.get("loss_generator")
        there = set() if curve is None else set(curve[0].astype(int))
        return sum(step not in there for step in range(LOG_EVERY, self.committed + 1, LOG_EVERY))


def text_of(page) -> str:
    with suppress(BrowserError):
        return page.evaluate(TEXT)
    return ""


@contextmanager
def scene(browser, home: Path | None = None, **environment: str) -> Iterator[Scene]:
    """A run on ring-8 that trains on a server of its own, watched by a browser."""
    with serve("run", "app.py", home=home, environment=environment) as server:
        with visitor(browser, f"{server.url}/train") as page:
            store = Store(environment.get("GANOMETER_STORE") or server.store_url)
            config = presets.preset("auto", data="ring-8", shape=(2,), seed=1)
            changes = {"training.steps": LONG, "recording.log_every": LOG_EVERY}
            run_id = store.runs.create(run_config.override(config, changes))
            wait_for(store, run_id, lambda run: run.phase == "training" and run.step > 0)
            page.goto(f"{server.url}/train?run={run_id}")
            drawn(page)
            try:
                yield Scene(server, store, run_id, page)
            finally:
                store.close()


# ---------------------------------------------------------------- processes


def worker_killed(browser, *, resume: bool = False, number: int = signal.SIGKILL) -> Outcome:
    with scene(browser, GANOMETER_RESUME=str(resume).lower()) as now:
        now.begin()
        now.worker.send_signal(number)
        said, sentence = (None, "") if resume else now.said("worker .*(ended|gone|interrupted)|interrupted")
        return judged(now, said, sentence, now.went_on(resume=not resume), must_say=not resume)


def server_ended(browser, *, number: int, resume: bool) -> Outcome:
    """The server ends, and is started again on the same home: its run goes on, by itself or after Resume."""
    with tempfile.TemporaryDirectory(prefix="ganometer-", ignore_cleanup_errors=True) as folder:
        home, environment = Path(folder), {"GANOMETER_RESUME": str(resume).lower()}
        with scene(browser, home, **environment) as now:
            now.begin()
            run_id, committed = now.run_id, now.committed
            children = now.server.process.children(recursive=True)
            now.server.process.send_signal(number)
            psutil.wait_procs([now.server.process, *children], timeout=30)
        with serve("run", "app.py", home=home, environment=environment) as server:
            with visitor(browser, f"{server.url}/train?run={run_id}") as page:
                store = Store(server.store_url)
                after = Scene(server, store, run_id, page, committed)
                said, sentence = (None, "") if resume else after.said("interrupted|ended")
                outcome = judged(after, said, sentence, after.went_on(resume=not resume), must_say=not resume)
                store.close()
                return outcome


def worker_hangs(browser) -> Outcome:
    """A worker that is there and does nothing: it is replaced, and the run can be resumed."""
    with scene(browser) as now:
        now.begin()
        hanging = now.worker
        hanging.send_signal(signal.SIGSTOP)
        said, sentence = now.said(r"silent for \d+ s")
        went_on = now.went_on(resume=True)
        if hanging.is_running():
            hanging.kill()
        return judged(now, said, sentence, went_on)


def machine_sleeps(browser) -> Outcome:
    """Server and worker stand still together, as when a laptop is closed, and wake up: nothing is interrupted."""
    with scene(browser) as now:
        now.begin()
        claims = now.store.runs.get(now.run_id).claim_no
        for process in now.server.processes:
            process.suspend()
        time.sleep(ASLEEP_SECONDS)
        for process in now.server.processes:
            process.resume()
        went_on = now.went_on()
        same = now.store.runs.get(now.run_id).claim_no == claims
        return judged(now, None, "", went_on and same, must_say=False)


# ---------------------------------------------------------------- the store


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own in memory. Raises OSError where this user may not mount one."""
    with tempfile.TemporaryDirectory(prefix="ganometer-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
            raise OSError("only root on Linux can mount a small disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], capture_output=True)


def disk_full(browser, seconds: float = FULL_SECONDS, *, went_on_by_itself: bool = True) -> Outcome:
    """The disk of the store is full for a while."""
    with small_disk(64) as disk, scene(browser, disk / "home") as now:
        now.begin()
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb") as out:
            while True:
                out.write(bytes(2**16))
        now.happened = time.monotonic()
        said, sentence = now.said("disk is full|full")
        time.sleep(max(0.0, seconds - (time.monotonic() - now.happened)))
        state = now.store.runs.get(now.run_id).state
        ballast.unlink()
        return judged(now, said, sentence, state != "failed" and now.went_on(resume=not went_on_by_itself))


def store_locked(browser) -> Outcome:
    """Another program holds the SQLite file for itself for a while."""
    with scene(browser) as now:
        now.begin()
        other = sqlite3.connect(now.server.home / "ganometer.sqlite", timeout=60, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        now.happened = time.monotonic()
        said, sentence = now.said("locked")
        time.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - now.happened)))
        other.execute("ROLLBACK")
        other.close()
        return judged(now, said, sentence, now.went_on() and "locked" not in settled(now.page))


def store_moved(browser) -> Outcome:
    """The database's file is taken away for a while, and put back."""
    with scene(browser) as now:
        now.begin()
        file = now.server.home / "ganometer.sqlite"
        file.rename(file.with_suffix(".away"))
        now.happened = time.monotonic()
        said, sentence = now.said("deleted, moved or replaced")
        time.sleep(GONE_SECONDS)
        file.with_suffix(".away").rename(file)
        return judged(now, said, sentence, now.went_on(resume=True))


def home_deleted(browser) -> Outcome:
    """Nothing can go on without its home: the page says so, without a traceback."""
    with scene(browser) as now:
        now.begin()
        shutil.rmtree(now.server.home, ignore_errors=True)
        said, sentence = now.said("deleted|gone")
        return Outcome("", said is not None and not now.page.locator(EXCEPTION).count(), 0, said, sentence)


@contextmanager
def postgresql() -> Iterator[tuple[str, Callable[[str], None]]]:
    """(URL, control): a PostgreSQL server of its own; `control("stop")` and `control("start")`."""
    with tempfile.TemporaryDirectory(prefix="ganometer-pg-", ignore_cleanup_errors=True) as folder:
        if not shutil.which("pg_ctl"):
            raise OSError("there is no pg_ctl on the PATH")
        from benchmarks.browser import free_port

        data, port = Path(folder) / "data", free_port()
        become = ["runuser", "-u", "nobody", "--"] if _is_root() else []
        if become:
            shutil.chown(folder, "nobody")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"

        def control(what: str) -> None:
            about = ["-o", options, "-l", f"{folder}/log"] if what == "start" else ["-m", "immediate"]
            subprocess.run([*become, "pg_ctl", "-D", str(data), "-w", *about, what], check=True, capture_output=True)

        made = [*become, "initdb", "-D", str(data), "-U", "ganometer", "-A", "trust"]
        subprocess.run(made, check=True, capture_output=True)
        control("start")
        try:
            yield f"postgresql+psycopg://ganometer@127.0.0.1:{port}/postgres", control
        finally:
            with suppress(subprocess.CalledProcessError):
                control("stop")


def _is_root() -> bool:
    import os

    return hasattr(os, "geteuid") and os.geteuid() == 0


def database_lost(browser) -> Outcome:
    """PostgreSQL is stopped, and started again after a while."""
    with postgresql() as (url, control), scene(browser, GANOMETER_STORE=url) as now:
        now.begin()
        control("stop")
        now.happened = time.monotonic()
        said, sentence = now.said("cannot be|refused|connection")
        time.sleep(GONE_SECONDS)
        control("start")
        return judged(now, said, sentence, now.went_on(resume=True))


# ---------------------------------------------------------------- strangers


def files(browser) -> list[Outcome]:
    """Each hostile file at the upload form of a shared server, while another person opens Home."""
    found = []
    with serve("run", "app.py", environment={"GANOMETER_SHARED": "true"}) as server:
        with visitor(browser, f"{server.url}/train") as page, visitor(browser, server.url) as other:
            page.get_by_text("Use your own data", exact=True).click()
            time.sleep(5)  # what the first pages leave behind
            for what, (name, data, *_) in {**hostile_files.REFUSED, **hostile_files.SLOW}.items():
                made = data()[:MOST_BYTES] if name.endswith(".csv") else data()
                found.append(file_read(server, page, other, what, name, made))
    return found


def file_read(server: Server, page, other, what: str, name: str, data: bytes) -> Outcome:
    before = peak = server.process.memory_info().rss / MB
    slowest, answered, begun = 0.0, "", time.monotonic()
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": data})
    while time.monotonic() - begun < 60 and not answered:
        opened = time.monotonic()
        other.goto(server.url)
        drawn(other)
        slowest = max(slowest, time.monotonic() - opened)
        peak = max(peak, server.process.memory_info().rss / MB)
        form = page.locator("[data-testid=stExpander]", has_text="Use your own data")
        errors = form.locator("[data-testid=stAlertContentError]")
        if errors.count():
            answered = errors.first.inner_text().replace("\n", " ")
        elif form.get_by_role("button", name="Use this data").count():
            answered = "accepted"
    seconds = time.monotonic() - begun
    exceptions = page.locator(EXCEPTION).count()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.locator("input[type=file]").wait_for(state="attached")
    allowed = 2 * len(data) / MB + MEMORY_GOAL
    problems = [
        *([f"no answer after {seconds:.0f} s"] if not answered else []),
        *([f"server grew by {peak - before:.0f} MB"] if peak - before > allowed else []),
        *([f"another's Home took {slowest:.1f} s"] if slowest > HOME_GOAL else []),
        *(["an exception is on the page"] if exceptions else []),
    ]
    return Outcome(f"file: {what}", not problems, 0, seconds, answered, "; ".join(problems))


def bundles(browser) -> list[Outcome]:
    """Each hostile bundle is refused in a sentence, or imported: then Home shows its card and the others."""
    found, imported = [], 0
    with tempfile.TemporaryDirectory(prefix="ganometer-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        lab = Lab(settings_from_environment({"GANOMETER_HOME": folder, "GANOMETER_WORKER": "none"}))
        for name, data in hostile_bundles().items():
            try:
                lab.bundles.load(data)
                imported, sentence, survived = imported + 1, "imported", True
            except BundleError as error:
                sentence, survived = str(error), True
            except Exception as error:  # whatever else comes out is the fault that is looked for
                sentence, survived = f"{type(error).__name__}: {error}", False
            found.append(Outcome(f"bundle: {name}", survived, 0, None, sentence))
        lab.close()
        environment = {"GANOMETER_WORKER": "none"}
        with serve("run", "app.py", home=home, environment=environment) as server, visitor(browser, server.url) as page:
            cards = page.locator("[class*=st-key-run-]").count()
            sound = cards >= min(imported, 24) and not page.locator(EXCEPTION).count()
            found.append(Outcome("Home after the bundles", sound, 0, None, f"{cards} cards"))
    return found


def visitors(browser) -> list[Outcome]:
    """Thirty people of a shared server press *Train* on Home at once: all get a run or a sentence that says why not."""
    with serve("run", "app.py", environment={"GANOMETER_SHARED": "true"}) as server, ExitStack() as stack:
        pages = [stack.enter_context(visitor(browser, server.url)) for _ in range(PEOPLE)]
        begun = time.monotonic()
        for page in pages:
            page.get_by_role("button", name="Train on digits").click(no_wait_after=True)
        for page in pages:
            page.wait_for_url(re.compile(r"run=\w{8}"), timeout=120_000)
            page.locator(".st-key-state").wait_for(timeout=120_000)  # thirty browsers on one machine never rest
        seconds = time.monotonic() - begun
        store = Store(server.store_url)
        runs = sum(run.owner != "" for run in store.runs.all())
        store.close()
        errors = sum(page.locator(f"{EXCEPTION}, [data-testid=stAlertContentError]").count() for page in pages)
        return [Outcome(f"{PEOPLE} visitors at once", runs == PEOPLE and not errors, 0, seconds, f"{runs} runs")]


# ---------------------------------------------------------------- all of them


def judged(now: Scene, said: float | None, sentence: str, went_on: bool, *, must_say: bool = True) -> Outcome:
    lost = now.lost()
    problems = [
        *(["nothing was said"] if must_say and said is None else []),
        *(["the run did not go on"] if not went_on else []),
        *([f"{lost} committed values are gone"] if lost else []),
        *(["an exception is on the page"] if now.page.locator(EXCEPTION).count() else []),
    ]
    return Outcome("", not problems, lost, said, sentence, "; ".join(problems))


def settled(page, seconds: float = 10.0) -> str:
    """What the page says when it has had time to notice that all is well."""
    time.sleep(seconds)
    return text_of(page)


SINGLE: dict[str, Callable[[object], Outcome]] = {
    "worker killed, Resume pressed": worker_killed,
    "worker killed, resume = true": lambda browser: worker_killed(browser, resume=True),
    "worker ended by SIGTERM": lambda browser: worker_killed(browser, number=signal.SIGTERM),
    "server killed, Resume pressed": lambda browser: server_ended(browser, number=signal.SIGKILL, resume=False),
    "server killed, resume = true": lambda browser: server_ended(browser, number=signal.SIGKILL, resume=True),
    "server ended by SIGTERM, resume = true": lambda browser: server_ended(browser, number=signal.SIGTERM, resume=True),
    "worker hangs": worker_hangs,
    f"machine sleeps for {ASLEEP_SECONDS:.0f} s": machine_sleeps,
    f"disk full for {FULL_SECONDS:.0f} s": disk_full,
    "disk full for 75 s": lambda browser: disk_full(browser, 75.0, went_on_by_itself=False),
    f"SQLite locked for {LOCKED_SECONDS:.0f} s": store_locked,
    f"SQLite file away for {GONE_SECONDS:.0f} s": store_moved,
    "home deleted": home_deleted,
    f"PostgreSQL stopped for {GONE_SECONDS:.0f} s": database_lost,
}
PARTS = {"processes and stores": None, "files": files, "bundles": bundles, "visitors": visitors}


def one_after_the_other(browser) -> list[Outcome]:
    found = []
    for name, fault in SINGLE.items():
        print(f"  {name}", file=sys.stderr, flush=True)
        found.append(attempted(name, fault, browser))
    return found


def attempted(name: str, fault: Callable[[object], Outcome], browser) -> Outcome:
    try:
        return Outcome(**asdict(fault(browser)) | {"fault": name})
    except OSError as error:
        return Outcome(name, False, why=f"left out: {error}", tried=False)
    except (BrowserError, SystemExit, StopIteration, psutil.Error) as error:
        return Outcome(name, False, why=str(error).splitlines()[0] if str(error) else type(error).__name__)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=list(PARTS), action="append", help="only this one, or these; all unless said")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    options = parser.parse_args()
    begun, found = time.monotonic(), {}
    with chromium() as browser:
        for part in options.part or PARTS:
            print(f"trying: {part}", file=sys.stderr, flush=True)
            found[part] = (PARTS[part] or one_after_the_other)(browser)
    minutes = (time.monotonic() - begun) / 60
    if options.json:
        outcomes = {part: [asdict(outcome) for outcome in outcomes] for part, outcomes in found.items()}
        print(json.dumps({"machine": machine(), "minutes": minutes, "outcomes": outcomes}))
    else:
        show(found, minutes)


def show(found: dict[str, list[Outcome]], minutes: float) -> None:
    print("| faults | tried | survived | values lost | slowest sentence |\n|---|---:|---:|---:|---:|")
    for part, outcomes in found.items():
        tried = [outcome for outcome in outcomes if outcome.tried]
        slowest = max((outcome.said for outcome in tried if outcome.said is not None), default=None)
        survived, lost = sum(outcome.survived for outcome in tried), sum(outcome.lost for outcome in tried)
        print(f"| {part} | {len(tried)} | {survived} | {lost} | {'' if slowest is None else f'{slowest:.1f} s'} |")
    print(f"\n{minutes:.0f} minutes")
    for outcome in (outcome for outcomes in found.values() for outcome in outcomes):
        mark = "survived" if outcome.survived else "left out" if not outcome.tried else "NOT SURVIVED"
        after = f" after {outcome.said:.1f} s" if outcome.said is not None else ""
        print(f"{mark}: {outcome.fault}{after}: {outcome.why or outcome.sentence}")


if __name__ == "__main__":
    main()
