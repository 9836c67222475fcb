"""The Lab: everything pages and the command line may ask for. One a server; safe to call from any thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Mapping

import psutil

from gan_core import machine
from gan_core.service import permissions
from gan_core.service.bundles import EXAMPLES, BundleService
from gan_core.service.foreground import ForegroundService
from gan_core.service.jobs import JobService
from gan_core.service.people import PeopleService
from gan_core.service.recipes import RecipeService
from gan_core.service.reports import ReportService
from gan_core.service.results import ResultService
from gan_core.service.runs import RunService
from gan_core.service.samples import SampleService
from gan_core.service.uploads import UploadService
from gan_core.service.worker_host import WorkerHost
from gan_core.settings import Settings
from gan_core.store import Store


class Lab:
    """A store, a worker that trains what is queued in it, and one service for each kind of request.

    Opens the store and starts the worker that `settings` ask for. Raises StoreError when the store cannot be opened.
    """

    def __init__(self, settings: Settings, *, examples: Path = EXAMPLES, clock: Callable[[], float] = time.monotonic):
        self.settings = settings
        self._store = Store(settings.store_url)
        self.worker = WorkerHost(self._store, settings, clock)
        self.uploads = UploadService(self._store, settings)
        self.people = PeopleService(self._store, settings)
        self.recipes = RecipeService(self._store, self.uploads)
        self.runs = RunService(self._store, settings, self.worker, self.uploads, self.recipes)
        self.results = ResultService(self._store, self.runs)
        self.jobs = JobService(self._store, settings, self.runs, self.uploads, self.worker.ensure)
        self.samples = SampleService(self._store, settings, self.runs, self.uploads, self.worker.ensure)
        self.bundles = BundleService(self._store, settings, self.runs, examples)
        self.reports = ReportService(self._store, self.runs, self.results, self.uploads)
        self.foreground = ForegroundService(self._store, settings, self.uploads, self.recipes, self.runs)
        self.worker.ensure()

    def close(self) -> None:
        """End the worker (with a commit), the process that reads a file, and the store's connections."""
        self.worker.close()
        self.uploads.close()
        self._store.close()

    def is_admin(self, by: str | None) -> bool:
        """Whether `by` runs this server: everybody does on a machine of their own."""
        return permissions.is_admin(self.settings, by)

    def notice(self, *, by: str | None = "") -> str:
        """What a person should know about where runs are kept; "" for nothing. Only an admin is told the folders."""
        if self.settings.notice and not self.is_admin(by):
            return "Runs are kept in a temporary place, and may be lost when this server restarts."
        return self.settings.notice

    def system(self, *, by: str | None = "") -> Mapping[str, str]:
        """What one wants to know when something is wrong: versions, memory, places, the worker's last words.

        Whoever is no admin of a shared server is told the versions alone.
        """
        if not self.is_admin(by):
            return machine.versions()
        memory = psutil.Process().memory_info().rss
        facts = {
            **machine.versions(),
            "store": self._store.shown_url,
            "home": str(self.settings.home),
            "memory of this server": f"{memory / 2**20:,.0f} MB",
            "memory free": f"{machine.free_memory() / 2**20:,.0f} MB",
        }
        for worker in self.worker.workers():
            state = worker.phase if worker.alive else f"silent for {worker.age:.0f} s"
            facts[f"worker {worker.id}"] = f"{state} · {worker.memory / 2**20:,.0f} MB"
            if worker.error:
                facts[f"last error of {worker.id}"] = worker.error
        return facts
