"""Writes what a run's networks make at this moment, in a thread of its own: a busy store never delays the training."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gan_core.records import GanometerError
from gan_core.store import NewPreview

log = logging.getLogger("ganometer.worker")


class PreviewWriter:
    """Hands the newest preview to `write`; one that comes before the last is written replaces it."""

    def __init__(self, write: Callable[[NewPreview], None]):
        self._write = write
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="preview")
        self._lock = threading.Lock()
        self._waiting: NewPreview | None = None
        self.newest: NewPreview | None = None
        """The last one that was put in, whether it has been written or not."""

    def put(self, preview: NewPreview) -> None:
        """Have this one written soon; returns at once."""
        with self._lock:
            idle, self._waiting, self.newest = self._waiting is None, preview, preview
        if idle:
            self._pool.submit(self._write_waiting)

    def _write_waiting(self) -> None:
        with self._lock:
            preview, self._waiting = self._waiting, None
        if preview is None:
            return
        try:
            self._write(preview)
        except GanometerError as error:  # the next one comes in a second
            log.debug("a preview is not written: %s", error)
        except Exception:  # the pool would keep it to itself
            log.exception("a preview could not be written")
