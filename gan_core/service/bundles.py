"""Runs as files: export, import, and the finished run that ships with the app."""

from __future__ import annotations

import hashlib
import struct
import threading
from pathlib import Path

from gan_core.bundles import bundle
from gan_core.records import NO_NAMES, RunInfo, UnknownRun, Unreadable
from gan_core.service import permissions
from gan_core.service.data_names import names_of
from gan_core.service.runs import RunService
from gan_core.settings import Settings
from gan_core.store import Store

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class BundleService:
    """Writes runs to bundles and reads them from there. `examples` is the folder with the example's bundle."""

    def __init__(self, store: Store, settings: Settings, runs: RunService, examples: Path = EXAMPLES):
        self._store, self._settings, self._runs, self._examples = store, settings, runs, examples
        self._lock = threading.Lock()
        self._example: str | None = None

    def export(self, run_id: str, *, by: str | None = "") -> bytes:
        """Everything of a run as a zip file: for whom its data are hidden, without a row of them; for anybody, without
        who made it and where.

        Raises UnknownRun for one that `by` may not see, and Unreadable for one of which a part cannot be read.
        """
        run = self._runs.get(run_id, by=by)
        parent_hidden = run.parent_id is not None and not self._runs.sees(run.parent_id, by=by)
        try:
            data = self._store.datasets.get(run.dataset) if run.dataset else None
            names = names_of(self._store, run, data) if data else NO_NAMES
            hidden = dict(data_hidden=run.data_hidden, parent_hidden=parent_hidden)
            return bundle.bundle(self._store, run.id, name=run.name, names=names, **hidden)
        except (ValueError, TypeError, ArithmeticError, RecursionError, struct.error) as error:  # values of other kinds
            raise Unreadable(f"run {run.id} cannot be exported: a part of it cannot be read ({error})") from error

    def load(self, data: bytes, *, by: str | None = None) -> str:
        """Add the run of a bundle to the store, where it belongs to nobody; returns its id.

        Raises BundleError when the file is not sound, and NotAllowed for whoever is no admin of a shared server.
        """
        if not permissions.is_admin(self._settings, by):
            raise permissions.NotAllowed("a run from a file would be everybody's: ask whoever runs this server")
        return bundle.unbundle(self._store, data)

    def example(self) -> RunInfo | None:
        """The finished run that ships with the app, imported on first sight; None when somebody has deleted it."""
        with self._lock:  # two first visitors see one example
            if self._example is None and (path := self._examples / "digits.zip").exists():
                data = path.read_bytes()
                key = f"example {hashlib.sha256(data).hexdigest()[:16]}"
                self._example = bundle.unbundle_once(self._store, data, key=key)
        try:
            return self._runs.get(self._example, by=None) if self._example else None
        except (UnknownRun, Unreadable):
            return None
