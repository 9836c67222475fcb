"""What is shown of a training in between: the newest counts, and nothing that is wrong with a store holds it up."""

import queue
import threading

import numpy as np

from gan_core.records import StoreError
from gan_core.store import NewPreview
from gan_core.worker.preview_writer import PreviewWriter

PIXELS = np.zeros((64, 2, 2, 1), np.uint8)
SECONDS = 30
"""The longest wait for another thread."""


class Place:
    """Where previews are written: it takes one when a test lets it, and refuses that of the step `refused`."""

    def __init__(self, refused: int | None = None):
        self._refused, self._written = refused, queue.Queue()
        self.asked, self.open = threading.Semaphore(0), threading.Semaphore(0)

    def write(self, preview: NewPreview) -> None:
        self.asked.release()
        assert self.open.acquire(timeout=SECONDS)
        if preview.step == self._refused:
            raise StoreError("somebody holds the store")
        self._written.put(preview.step)

    def next(self) -> int:
        """The step that is written next."""
        return self._written.get(timeout=SECONDS)


def put(writer: PreviewWriter, step: int) -> None:
    writer.put(NewPreview(step, PIXELS, PIXELS))


def test_a_locked_store_delays_nobody_and_the_newest_one_wins():
    place = Place()
    writer = PreviewWriter(place.write)
    put(writer, 1)
    assert place.asked.acquire(timeout=SECONDS)  # it is being written, and will be for long
    for step in (2, 3, 4):
        put(writer, step)
    assert writer.newest is not None and writer.newest.step == 4
    place.open.release(2)
    assert (place.next(), place.next()) == (1, 4)
    put(writer, 5)
    place.open.release()
    assert place.next() == 5


def test_one_that_the_store_refuses_is_dropped_and_the_next_one_is_written():
    place = Place(refused=1)
    writer = PreviewWriter(place.write)
    place.open.release(2)
    for step in (1, 2):
        put(writer, step)
        assert place.asked.acquire(timeout=SECONDS)
    assert place.next() == 2
