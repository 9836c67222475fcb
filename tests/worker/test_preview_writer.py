"""What is shown of a training in between: the newest counts, and nothing that is wrong with a store holds it up."""

import threading

import numpy as np

from gan_core.records import StoreError
from gan_core.store import NewPreview
from gan_core.worker.preview_writer import PreviewWriter

PIXELS = np.zeros((64, 2, 2, 1), np.uint8)
SECONDS = 30
"""The longest wait for another thread."""


class Place:
    """Where previews are written: it takes one when a test lets it, and refuses those of the steps `refused`."""

    def __init__(self, *refused: int):
        self.refused, self.written = refused, []
        self.asked, self.open = threading.Semaphore(0), threading.Semaphore(0)

    def write(self, preview: NewPreview) -> None:
        self.asked.release()
        assert self.open.acquire(timeout=SECONDS)
        if preview.step in self.refused:
            raise StoreError("somebody holds the store")
        self.written.append(preview.step)


def put(writer: PreviewWriter, *steps: int) -> None:
    for step in steps:
        writer.put(NewPreview(step, PIXELS, PIXELS))


def test_a_locked_store_delays_nobody_and_the_newest_one_wins():
    place = Place()
    writer = PreviewWriter(place.write)
    put(writer, 1)
    assert place.asked.acquire(timeout=SECONDS)  # it is being written, and will be for long
    put(writer, 2, 3, 4)
    assert place.written == [] and writer.newest is not None and writer.newest.step == 4
    place.open.release(2)
    assert place.asked.acquire(timeout=SECONDS)
    put(writer, 5)
    place.open.release()
    assert place.asked.acquire(timeout=SECONDS)
    assert place.written == [1, 4]


def test_one_that_the_store_refuses_is_dropped_and_the_next_one_is_written():
    place = Place(1)
    writer = PreviewWriter(place.write)
    place.open.release(3)
    for step in (1, 2, 3):
        put(writer, step)
        assert place.asked.acquire(timeout=SECONDS)
    assert place.written[:1] == [2]
