"""One training against the store: which commands it has seen, when they are done, and what is kept when."""

import threading

import numpy as np
import pytest
import sqlalchemy as sa

from gan_core.config.presets import preset
from gan_core.config.run_config import override
from gan_core.distances.inputs import RealPart
from gan_core.records import StoreError
from gan_core.store import LeaseLost, Store
from gan_core.store import schema as tables
from gan_core.worker.live_measurement import LiveMeasurement
from gan_core.worker.run_session import Session
from gan_core.worker.training_clock import COMMIT_SECONDS
from tests.service.labs import wait_until

CONFIG = override(preset("auto", data="ring-8", shape=(2,)), {"training.steps": 100})
POINTS = np.random.default_rng(0).standard_normal((60, 2)).astype(np.float32)


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def session(store, clock):
    return begin(store, clock)


def begin(store: Store, clock: Clock, **more) -> Session:
    return Session(store, store.leases.claim("w1", run_id=store.runs.create(CONFIG)), "w1", clock=clock, **more)


def ask(session: Session, kind: str, **payload) -> None:
    session.store.commands.send(session.run.id, kind, by="ada", payload=payload)
    session.refresh(beat=True)


def state(session: Session) -> str:
    return session.store.runs.get(session.run.id).state


def waiting(session: Session) -> list[str]:
    return [command.kind for command in session.store.commands.waiting(session.run.id)]


# ---------------------------------------------------------------- commands


def test_no_command_is_go(session):
    session.refresh(beat=True)
    assert session.command(5) == "go"


def test_commands_are_read_from_memory_and_done_by_the_commit(session):
    ask(session, "pause")
    assert session.command(5) == "pause" and waiting(session) == ["pause"]
    session.commit(5, b"state", "paused", None)
    assert waiting(session) == [] and state(session) == "paused"
    ask(session, "resume")
    assert session.command(5) == "go" and session.due()  # a change of state is told at once
    session.commit(5, b"state", "running", None)
    assert waiting(session) == [] and state(session) == "running"


def test_a_commit_finishes_only_what_the_loop_has_seen(session):
    ask(session, "pause")
    assert session.command(5) == "pause"
    ask(session, "resume")  # after the loop looked and before it committed
    session.commit(5, b"state", "paused", None)
    assert waiting(session) == ["resume"]
    assert session.command(5) == "go"


def test_the_last_command_counts(session):
    for kind in ("pause", "resume", "stop"):
        ask(session, kind)
    assert session.command(5) == "stop"
    session.commit(5, b"state", "stopped", None)
    assert waiting(session) == [] and state(session) == "stopped"


def test_a_release_goes_before_every_command(session):
    ask(session, "stop")
    session.release()
    assert session.command(5) == "release"


def test_no_command_undoes_a_stop_of_the_process_itself(session):
    session.stop()
    ask(session, "pause")
    assert session.command(5) == "stop"


def test_a_lost_lease_lets_the_run_go(session):
    session.store.leases.interrupt(["w1"])
    session.refresh(beat=False)
    assert session.command(5) == "go"
    session.refresh(beat=True)
    assert session.command(5) == "release"


def test_a_beat_keeps_the_lease(session):
    with session.store.database.writing() as db:
        db.execute(tables.runs.update().values(heartbeat=tables.runs.c.heartbeat - 100))
    session.refresh(beat=True)
    assert session.store.runs.get(session.run.id).heartbeat_age < 5
    assert session.store.leases.interrupt() == []


# ---------------------------------------------------------------- what is shown in between


def shown(session: Session) -> int | None:
    found = session.store.recordings.preview(session.run.id)
    return found and found.step


def test_a_preview_waits_for_nobody_who_writes(session):
    """One that waited for this transaction would wait for ever."""
    with session.store.database.writing():
        for step in (5, 6, 7):
            session.preview(step, POINTS, POINTS, None)
    session.commit(7, b"state", "running", None)
    session.preview(8, POINTS, POINTS, None)
    wait_until(lambda: shown(session) == 8)


def test_where_a_run_comes_to_rest_the_commit_itself_shows_its_step(store, clock, monkeypatch):
    def busy(*_):
        raise StoreError("somebody holds the store")

    monkeypatch.setattr(store.progress, "preview", busy)
    session = begin(store, clock)
    session.preview(5, POINTS, POINTS + 1, None)
    session.commit(5, b"state", "running", None)
    assert shown(session) is None  # while it trains the next one comes soon
    session.commit(5, b"state", "paused", None)
    found = store.recordings.preview(session.run.id)
    assert (found.step, found.edits, found.game) == (5, 0, None)
    assert np.array_equal(found.samples, POINTS) and np.array_equal(found.raw, POINTS + 1)
    session.commit(9, b"state", "stopped", None)  # of another step than the last one that was shown
    assert shown(session) == 5


# ---------------------------------------------------------------- some steps, and other settings


def test_a_command_for_some_steps_is_one_for_a_pause_after_them(session):
    ask(session, "step", steps=3)
    assert session.command(5) == "go" and session.next_command_step() == 8
    session.commit(7, b"state", "running", None)
    assert session.command(7) == "go" and session.next_command_step() == 8  # counted from where it was first heard of
    assert waiting(session) == ["step"]
    assert session.command(8) == "pause"
    session.commit(8, b"state", "paused", None)
    assert waiting(session) == [] and state(session) == "paused"
    ask(session, "step", steps=2)
    assert session.command(8) == "go" and session.next_command_step() == 10
    assert session.command(10) == "pause"
    session.commit(10, b"state", "paused", None)
    ask(session, "resume")
    assert session.command(10) == "go" and session.next_command_step() is None


def test_a_release_does_not_wait_for_the_steps(session):
    ask(session, "step", steps=300)
    assert session.command(5) == "go"
    session.release()
    assert session.command(6) == "release"


def test_settings_are_taken_over_once_and_enter_the_diary(session):
    ask(session, "set", changes={"optimizer.learning_rate_generator": 0.5})
    ask(session, "set", changes={"training.steps": 400, "objective.r1": "2"})
    wanted = {"optimizer.learning_rate_generator": 0.5, "training.steps": 400, "objective.r1": 2.0}
    config = session.new_config(7)
    assert config == override(CONFIG, wanted)
    session.refresh(beat=True)  # before it is committed: nothing is heard twice
    session.commit(7, b"state", "running", None)
    session.refresh(beat=True)
    assert session.new_config(7) is None and waiting(session) == []
    run = session.store.runs.get(session.run.id)
    assert (run.config, run.total_steps) == (config, 400)
    told = [(e.step, e.payload) for e in session.store.recordings.events(run.id) if e.kind == "set"]
    first = {"optimizer.learning_rate_generator": [CONFIG.optimizer.learning_rate_generator, 0.5]}
    second = {"training.steps": [100, 400], "objective.r1": [CONFIG.objective.r1, 2.0]}
    assert told == [(7, {"changes": second, "by": "ada"}), (7, {"changes": first, "by": "ada"})]
    assert {outcome for _, outcome in session.store.commands.finished(run.id)} == {"set at step 7"}


def test_what_cannot_be_set_is_refused_with_the_reason_and_the_rest_is_taken_over(session):
    ask(session, "set", changes={"training.steps": 6})
    ask(session, "set", changes={"objective.r1": CONFIG.objective.r1})
    ask(session, "set", changes={"objective.r2": 3.0})
    assert session.new_config(50) == override(CONFIG, {"objective.r2": 3.0})
    said = [outcome for _, outcome in session.store.commands.finished(session.run.id)]
    assert said[0] == "nothing to change"
    assert said[1] == "refused: training.steps is 6 and the run is at step 50 already; give more"


def test_what_was_set_and_not_committed_is_not_lost(session):
    """The next worker hears of it again."""
    ask(session, "set", changes={"objective.r2": 3.0})
    assert session.new_config(5) is not None
    session.store.leases.interrupt(["w1"])
    assert waiting(session) == ["set"] and session.store.runs.get(session.run.id).config == CONFIG
    session.store.commands.send(session.run.id, "resume")
    again = Session(session.store, session.store.leases.claim("w2"), "w2")
    again.refresh(beat=False)
    assert again.new_config(5).objective.r2 == 3.0


def test_a_paused_session_takes_settings_over_at_once(session):
    ask(session, "pause")
    assert session.command(5) == "pause"
    session.commit(5, b"state", "paused", None)
    waiter = threading.Thread(target=session.wait_while_paused)
    waiter.start()
    ask(session, "set", changes={"objective.r2": 3.0})
    waiter.join(timeout=30)
    assert not waiter.is_alive() and session.command(5) == "pause" and session.new_config(5).objective.r2 == 3.0
    session.commit(5, b"state", "paused", None)
    assert state(session) == "paused" and waiting(session) == []


# ---------------------------------------------------------------- pausing


def test_a_paused_session_goes_on_when_a_command_comes(session):
    ask(session, "pause")
    session.command(5)
    session.commit(5, b"state", "paused", None)
    waiter = threading.Thread(target=session.wait_while_paused)
    waiter.start()
    ask(session, "resume")
    waiter.join(timeout=30)
    assert not waiter.is_alive() and session.command(5) == "go"


def test_a_long_pause_gives_the_place_up(store, clock):
    session = begin(store, clock, pause_seconds=0.01)
    ask(session, "pause")
    session.command(5)
    session.commit(5, b"state", "paused", None)
    session.wait_while_paused()
    assert session.command(5) == "release"
    run = store.runs.get(session.run.id)
    assert (run.state, run.worker) == ("paused", None)


def test_a_step_that_is_done_holds_the_place_no_longer_than_a_pause(store, clock):
    session = begin(store, clock, pause_seconds=0.01)
    ask(session, "step", steps=2)
    assert session.command(5) == "go" and session.next_command_step() == 7 and session.command(7) == "pause"
    session.commit(7, b"state", "paused", None)
    session.wait_while_paused()
    assert session.command(7) == "release"
    run = store.runs.get(session.run.id)
    assert (run.state, run.worker) == ("paused", None)


def test_while_others_wait_all_pauses_of_a_run_count_together(store):
    class Racing(Clock):
        """Half a minute has passed whenever somebody looks."""

        def __call__(self) -> float:
            self.now += 30
            return self.now

    session = begin(store, Racing(), pause_seconds=25)
    ask(session, "pause")
    session.command(5)
    session.commit(5, b"state", "paused", None)
    ask(session, "step", steps=1)
    session.wait_while_paused()  # half a minute later there is that command
    assert session.command(5) == "go" and session.command(6) == "pause"
    session.commit(6, b"state", "paused", None)
    store.runs.create(CONFIG, owner="bob")
    session.wait_while_paused()  # without any more waiting
    assert session.command(6) == "release" and store.runs.get(session.run.id).worker is None


def test_a_trial_that_finds_more_steps_than_the_server_gives(store, clock):
    session = begin(store, clock, most_steps=30)
    found = override(session.config, {"training.steps": 500})
    assert session.resolved(found).training.steps == session.config.training.steps == 30
    run = store.runs.get(session.run.id)
    assert run.total_steps == run.config.training.steps == 30
    event = store.recordings.events(run.id)[0]
    assert event.kind == "set" and event.payload["changes"] == {"training.steps": [500, 30]}
    assert event.payload["by"] == "the limits of this server"
    few = override(session.config, {"training.steps": 20})
    assert session.resolved(few) == few and len(store.recordings.events(run.id)) == 3


def test_a_resume_in_the_last_moment_keeps_the_place(store, clock):
    session = begin(store, clock, pause_seconds=0.01)
    ask(session, "pause")
    session.command(5)
    session.commit(5, b"state", "paused", None)
    store.commands.send(session.run.id, "resume")  # in the store, not yet heard of
    session.wait_while_paused()
    assert store.runs.get(session.run.id).worker == "w1"
    session.refresh(beat=True)
    assert session.command(5) == "go"


def test_resting_and_loading_are_not_training_time(session, clock):
    clock.now += 50
    session.phase("compiling")
    clock.now += 3
    session.commit(5, b"state", "running", None)
    assert session.store.runs.get(session.run.id).seconds == 3.0
    session.release()
    clock.now += 1000
    session.wait_while_paused()
    clock.now += 4
    session.commit(6, b"state", "running", None)
    assert session.store.runs.get(session.run.id).seconds == 7.0


# ---------------------------------------------------------------- recording


def test_a_commit_is_due_after_a_while(session, clock):
    """A second at first, later longer and longer, and COMMIT_SECONDS at last."""
    waits = []
    for step in range(30):
        assert not session.due()
        began = clock.now
        while not session.due():
            clock.now += 0.01
        session.commit(step, b"state", "running", None)
        waits.append(clock.now - began)
    assert waits[:3] == pytest.approx([1.0, 1.2, 1.44], abs=0.03)
    assert min(np.diff(waits)) > -0.02 and waits[-1] == pytest.approx(COMMIT_SECONDS, abs=0.02)


def test_a_run_gets_no_more_time_than_there_is_for_one(store, clock):
    """Also over several workers: what it trained before counts."""
    session = begin(store, clock, most_minutes=1)
    clock.now += 40
    assert session.command(5) == "go"
    session.commit(5, b"state", "running", None)
    store.leases.interrupt(["w1"])
    store.commands.send(session.run.id, "resume")
    session = Session(store, store.leases.claim("w2"), "w2", clock=clock, most_minutes=1)
    assert session.command(5) == "go"
    clock.now += 21
    assert session.command(9) == "stop"
    session.commit(9, b"state", "stopped", None)
    run = store.runs.get(session.run.id)
    assert (run.state, run.error) == ("stopped", "stopped after 1 minutes: this server gives a run no more")


class Far(Store):
    """A store elsewhere."""

    is_sqlite = False


def test_far_away_there_are_as_few_commits_as_cost_a_twentieth(tmp_path, clock):
    """A commit that takes a second is made every twenty, and the page can say how much a crash would cost."""
    store = Far(f"sqlite:///{tmp_path / 'store.sqlite'}")
    session = begin(store, clock)
    write = store.progress.commit

    def slowly(*about):
        write(*about)
        clock.now += 1.0

    store.progress.commit = slowly
    session.commit(1, b"state", "running", None)
    began = clock.now
    while not session.due():
        clock.now += 0.1
    assert clock.now - began == pytest.approx(20, abs=0.2)
    session.commit(2, b"state", "running", None)
    assert store.runs.get(session.run.id).at_risk == pytest.approx(20)
    store.close()


def recorded(session: Session) -> Session:
    session.measure_with(LiveMeasurement(RealPart.of(POINTS[:30]), None, lambda: None))
    session.metrics(5, {"loss": 1.5, "broken": float("nan"), "endless": float("inf")})
    session.snapshot(5, POINTS[:4], b"weights", POINTS[30:])
    return session


def test_what_is_recorded_lands_with_the_commit_and_only_once(session):
    recorded(session)
    before = session.store.recordings.rows(session.run.id)
    assert before["metrics"] == before["snapshots"] == before["reports"] == []
    session.commit(5, b"state", "running", 50.0)
    session.commit(6, b"state", "running", 50.0)
    run, store = session.run, session.store
    curves = store.recordings.history(run.id).curves
    assert {"loss", "energy_distance", "mean_real_real", "symmetric_recall", "nn_accuracy_fake"} <= set(curves)
    assert not {"broken", "endless", "wasserstein2"} & set(curves)  # not finite, and not of the live panel
    assert store.recordings.history(run.id).last("loss") == 1.5
    assert np.array_equal(store.recordings.snapshot(run.id, 5).samples, POINTS[:4])
    ((step, report),) = store.measurements.reports(run.id)
    assert (step, report.n_real, report.n_fake) == (5, 30, 30)
    assert report.metrics["energy_distance"].value == store.recordings.history(run.id).last("energy_distance")


def test_a_training_waits_for_a_store_that_cannot_be_written(session):
    """A full disk: the commit is made as soon as there is room again, and nothing was lost."""
    recorded(session)
    tried, write = [], session.store.progress.commit

    def full(run_id, worker_id, claim_no, commit):
        tried.append(commit.step)
        if len(tried) < 3:
            raise StoreError("the store refused: database or disk is full")
        write(run_id, worker_id, claim_no, commit)

    session.store.progress.commit = full
    waiter = threading.Thread(target=session.commit, args=(5, b"state", "running", None))
    waiter.start()
    while waiter.is_alive():
        session.refresh(beat=True)  # any news lets it try again
    assert tried == [5, 5, 5] and session.store.recordings.snapshot_steps(session.run.id) == (5,)


def test_but_not_for_ever_and_not_when_it_is_to_let_go(session, clock):
    def never(*about):
        clock.now += 40
        raise StoreError("the store refused: attempt to write a readonly database")

    session.store.progress.commit = never
    session.release()
    with pytest.raises(StoreError, match="readonly"):
        session.commit(5, b"state", "running", None)
    assert clock.now == 140.0


def test_what_could_not_be_committed_is_kept_for_the_next_time(session):
    recorded(session)
    with session.store.database.writing() as db:
        db.execute(sa.text("ALTER TABLE checkpoints RENAME TO away"))
    with pytest.raises(StoreError):
        session.commit(5, b"state", "running", None, patience=0)
    with session.store.database.writing() as db:
        db.execute(sa.text("ALTER TABLE away RENAME TO checkpoints"))
    session.commit(5, b"state", "running", None)
    assert session.store.recordings.snapshot_steps(session.run.id) == (5,)
    assert session.store.recordings.history(session.run.id).last("loss") == 1.5


def test_a_commit_after_the_lease_was_lost_writes_nothing(session):
    recorded(session)
    session.store.leases.interrupt(["w1"])
    before = session.store.recordings.rows(session.run.id)
    with pytest.raises(LeaseLost):
        session.commit(5, b"state", "running", None)
    assert session.store.recordings.rows(session.run.id) == before
    assert session.command(5) == "release"


def test_a_failure_keeps_what_was_recorded(session):
    recorded(session).fail(7, "diverged at step 7")
    run = session.store.runs.get(session.run.id)
    assert (run.state, run.step, run.error) == ("failed", 7, "diverged at step 7")
    assert session.store.recordings.snapshot_steps(run.id) == (5,)


def test_a_failure_is_told_even_when_what_was_recorded_is_refused(session):
    recorded(session).commit(5, b"state", "running", None)
    session.metrics(5, {"loss": 2.5})  # the same step again
    session.fail(7, "something else")
    run = session.store.runs.get(session.run.id)
    assert (run.state, run.error) == ("failed", "something else")
    assert session.store.recordings.history(run.id).last("loss") == 1.5


def test_phases_are_told_to_the_store_and_to_the_worker(store, clock):
    told = []
    session = begin(store, clock, on_phase=told.append)
    session.phase("compiling")
    assert told == ["compiling"] and store.runs.get(session.run.id).phase == "compiling"


def test_resolved_settings_are_kept(session):
    longer = override(CONFIG, {"training.steps": 321})
    session.resolved(longer)
    run = session.store.runs.get(session.run.id)
    assert (run.config, run.total_steps) == (longer, 321)
