"""Workers give signs of life, fall silent, and are forgotten after a day."""

from gan_core.store import Store
from gan_core.store import schema as tables


def report(store: Store, worker: str, **more) -> None:
    about = dict(host="here", pid=7, phase="idle", memory=10**10, versions={"python": "3"}) | more
    store.workers.report(worker, **about)


def test_a_worker_s_last_word_counts(store):
    report(store, "w1")
    report(store, "w1", phase="run", error="it hurt")
    report(store, "w1", phase="idle")
    (worker,) = store.workers.all()
    assert (worker.id, worker.host, worker.pid, worker.phase, worker.memory) == ("w1", "here", 7, "idle", 10**10)
    assert worker.alive and worker.age < 5 and worker.versions == {"python": "3"} and worker.error == "it hurt"
    store.workers.remove("w1")
    assert store.workers.all() == []


def test_the_silent_are_not_alive_and_are_forgotten_after_a_day(store):
    for worker in ("old", "quiet", "fresh"):
        report(store, worker)
    for worker, seconds in (("old", 25 * 3600), ("quiet", 20)):
        with store.database.writing() as db:
            silent = tables.workers.c.heartbeat - seconds
            db.execute(tables.workers.update().where(tables.workers.c.id == worker).values(heartbeat=silent))
    assert [(w.id, w.alive) for w in store.workers.all()] == [("fresh", True), ("quiet", False), ("old", False)]
    report(store, "new")
    assert {w.id for w in store.workers.all()} == {"fresh", "quiet", "new"}
