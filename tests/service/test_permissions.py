"""Who may see and change what on a shared server, and how much one person gets."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gan_core.config.run_config import override
from gan_core.records import DatasetError, GanometerError, UnknownRun, short_data_name
from gan_core.service.permissions import NotAllowed
from gan_core.settings import Limits
from gan_core.store import Commit
from tests.service.labs import CONFIG, opened, points, seeds_of, shared, store_of


def test_people_see_all_runs_and_control_their_own(tmp_path):
    with shared(tmp_path) as lab:
        run_id = lab.runs.start(CONFIG, by="ada")
        assert [run.id for run in lab.runs.newest(by="bob")] == [run_id] and lab.runs.get(run_id, by="").owner == "ada"
        run = lab.runs.get(run_id)
        owners = [who for who in ("ada", "bob", "", "root@here", None) if lab.runs.may_change(run, by=who)]
        assert owners == ["ada", "root@here", None]
        for forbidden in (
            lambda by: lab.runs.pause(run_id, by=by),
            lambda by: lab.runs.resume(run_id, by=by),
            lambda by: lab.runs.stop(run_id, by=by),
            lambda by: lab.runs.step(run_id, 5, by=by),
            lambda by: lab.runs.change(run_id, {"objective.r1": 2}, by=by),
            lambda by: lab.runs.extend(run_id, 5, by=by),
            lambda by: lab.runs.rename(run_id, "mine", by=by),
            lambda by: lab.runs.tag(run_id, ["mine"], by=by),
            lambda by: lab.runs.publish(run_id, True, by=by),
            lambda by: lab.runs.delete(run_id, by=by),
        ):
            for by in ("bob", ""):
                with pytest.raises(NotAllowed, match=f"run {run_id} belongs to somebody else"):
                    forbidden(by)
        assert lab.runs.get(run_id) == run
        assert lab.runs.change(run_id, {"objective.r1": 2}, by="ada") == "sent"
        assert lab.runs.stop(run_id, by="Root@here") == "stopped"
        lab.runs.delete(run_id, by="ada")
        with pytest.raises(NotAllowed, match="sign in"):
            lab.runs.start(CONFIG, by="")


def test_uploads_and_runs_on_them_are_private_until_published(tmp_path):
    with shared(tmp_path) as lab:
        upload = lab.uploads.read(points(), "points.csv")
        name = lab.uploads.keep(upload, by="ada")
        config = override(lab.recipes.preset("auto", data=name, by="ada"), {"training.steps": 20})
        run_id = lab.runs.start(config, by="ada")
        everybody = ("ada", "root@here", None, "bob", "")
        assert [len(lab.uploads.visible(by=who)) for who in everybody] == [1, 1, 1, 0, 0]
        assert [len(lab.runs.newest(by=who)) for who in everybody] == [1, 1, 1, 0, 0]
        for hidden in (
            lambda: lab.recipes.preset("auto", data=name, by="bob"),
            lambda: lab.uploads.about(name, by=""),
            lambda: lab.bundles.export(run_id, by="bob"),
        ):
            with pytest.raises((DatasetError, UnknownRun)):
                hidden()
        with pytest.raises(UnknownRun):
            lab.runs.get(run_id, by="bob")
        with pytest.raises(UnknownRun):
            lab.runs.stop(run_id, by="bob")
        with pytest.raises(DatasetError, match=short_data_name(name)):
            lab.runs.start(config, by="bob")
        with pytest.raises(DatasetError):
            lab.uploads.publish(name, True, by="bob")
        lab.runs.publish(run_id, True, by="ada")
        assert lab.runs.get(run_id, by="bob").published and lab.uploads.visible(by="bob") == []
        with pytest.raises(DatasetError):
            lab.runs.fork(run_id, 0, by="bob")  # the data are still ada's
        lab.runs.publish(run_id, False, by="ada")
        lab.uploads.publish(name, True, by="ada")
        assert len(lab.runs.newest(by="bob")) == 1
        assert lab.runs.get(lab.runs.start(config, by="bob", again=True)).owner == "bob"
        with pytest.raises(NotAllowed):
            lab.uploads.publish(name, False, by="bob")
        lab.uploads.publish(name, False, by="ada")
        assert lab.uploads.keep(upload, by="bob") == name  # he has the file himself
        assert [len(lab.uploads.visible(by=who)) for who in ("ada", "bob", "eve")] == [1, 1, 0]


def test_nobody_asks_for_more_than_the_server_gives(tmp_path):
    with shared(tmp_path, queued=2, steps=100, batch=64, minutes=1) as lab:
        large = override(CONFIG, {"training.steps": 200, "training.batch": 128, "training.seconds": 90})
        with pytest.raises(NotAllowed) as error:
            lab.runs.start(large, by="ada")
        said = str(error.value)
        assert "training.steps is 200 and this server allows 100" in said and "training.batch is 128" in said
        assert "training.seconds is 90 and this server allows 60" in said
        assert lab.runs.get(lab.runs.start(large, by="root@here")).owner == "root@here"
        first = lab.runs.start(CONFIG, by="ada")
        lab.runs.start(override(CONFIG, {"seed": 1}), by="ada")
        with pytest.raises(NotAllowed, match="you have 2 runs .* at most 2 are allowed"):
            lab.runs.start(override(CONFIG, {"seed": 2}), by="ada")
        assert lab.runs.start(override(CONFIG, {"seed": 2}), by="bob")
        with pytest.raises(NotAllowed, match="training.steps is 101"):
            lab.runs.change(first, {"training.steps": 101}, by="ada")
        assert lab.runs.change(first, {"training.steps": 90}, by="ada") == "sent"
        lab.runs.stop(first, by="ada")
        assert lab.runs.start(override(CONFIG, {"seed": 2}), by="ada")


def test_the_limits_of_a_server_hold_for_the_person_at_its_pages_and_not_at_its_command_line(tmp_path):
    with opened(tmp_path, limits=Limits(steps=30)) as lab:
        with pytest.raises(NotAllowed, match="training.steps is 40 and this server allows 30"):
            lab.runs.start(CONFIG, by="")
        run = lab.runs.get(lab.runs.start(CONFIG, by=None), by="")
        assert (run.owner, run.state) == ("", "queued")


def test_whoever_sits_at_the_command_line_may_do_everything(tmp_path):
    with shared(tmp_path, queued=0) as lab:
        run_id = lab.runs.start(CONFIG, by=None)
        assert lab.runs.stop(run_id, by=None) == "stopped"
        with pytest.raises(NotAllowed, match="belongs to somebody else"):
            lab.runs.delete(run_id, by="")  # a run of nobody's is not everybody's
        lab.runs.delete(run_id, by=None)


def test_on_a_machine_of_one_s_own_nothing_is_asked(lab):
    name = lab.uploads.keep(lab.uploads.read(points(), "points.csv"), by="ada")
    run_id = lab.runs.start(override(lab.recipes.preset("auto", data=name), {"training.steps": 20}), by="ada")
    assert lab.runs.get(run_id, by="bob").id == run_id and lab.runs.stop(run_id, by="") == "stopped"


def test_data_of_several_owners_can_be_published_by_each_of_them(tmp_path):
    with shared(tmp_path) as lab:
        upload = lab.uploads.read(points(), "points.csv")
        names = {lab.uploads.keep(upload, by=who) for who in ("ada", "bob")}
        (name,) = names
        lab.uploads.publish(name, True, by="bob")
        assert lab.uploads.visible(by="eve")[0].published
        with pytest.raises(NotAllowed, match="points.csv belongs to somebody else"):
            lab.uploads.publish(name, False, by="eve")
        with pytest.raises(NotAllowed, match="sign in"):
            lab.uploads.keep(upload, by="")


def test_repetitions_respect_the_limits_all_or_nothing(tmp_path):
    with shared(tmp_path, queued=4) as lab:
        first = lab.runs.start(CONFIG, by="ada")
        with pytest.raises(NotAllowed, match="you have 1 runs .* these would be 4 more, and at most 4 are allowed"):
            lab.runs.repeat(first, by="ada")
        assert len(lab.runs.newest()) == 1
        assert seeds_of(lab, lab.runs.repeat(first, 4, by="ada")) == [0, 1, 2, 3]
        ids = lab.runs.repeat(first, 5, by="bob")  # whoever wants to know more repeats a run of somebody else
        assert [lab.runs.get(run_id).owner for run_id in ids] == ["ada"] * 4 + ["bob"]
        with pytest.raises(NotAllowed, match="sign in"):
            lab.runs.repeat(first, 6, by="")


def test_private_runs_are_neither_repeated_nor_compared_by_others(tmp_path):
    with shared(tmp_path) as lab:
        name = lab.uploads.keep(lab.uploads.read(points(), "points.csv"), by="ada")
        hidden = lab.runs.start(
            override(lab.recipes.preset("auto", data=name, by="ada"), {"training.steps": 20}), by="ada"
        )
        open_ = lab.runs.start(CONFIG, by="ada")
        with pytest.raises(UnknownRun):
            lab.runs.repeat(hidden, by="bob")
        with pytest.raises(UnknownRun):
            lab.jobs.compare({open_: 0, hidden: 0}, 100, by="bob")
        with pytest.raises(GanometerError, match="different data .digits, points.csv."):
            lab.jobs.compare({open_: 0, hidden: 0}, 100, by="ada")
        with pytest.raises(GanometerError, match="n is 5"):
            lab.jobs.compare({open_: 0}, 5, by="ada")


# ---------------------------------------------------------------- limits, by every door


def stopped(lab, *, seed: int, by: str = "ada", **settings) -> str:
    """A run that was stopped before it began; by an admin's grace also one that passes a limit."""
    run_id = store_of(lab).runs.create(override(CONFIG, {"seed": seed} | settings), owner=by)
    lab.runs.stop(run_id, by=None)
    return run_id


def paused(lab, *, seed: int) -> str:
    run_id = store_of(lab).runs.create(override(CONFIG, {"seed": seed}), owner="ada")
    lab.runs.pause(run_id, by="ada")
    return run_id


def trained_for(lab, seconds: float, state: str) -> str:
    """A run of ada's that has trained for so long, and has a checkpoint of step 20."""
    run_id = store_of(lab).runs.create(CONFIG, owner="ada")
    run = store_of(lab).leases.claim("w1", run_id=run_id)
    about = dict(step=run.total_steps if state == "finished" else 20, seconds=seconds, checkpoint=b"state")
    store_of(lab).progress.commit(run.id, "w1", run.claim_no, Commit(state, **about))
    return run_id


DOORS = {
    "resume": lambda lab, run_id: lab.runs.resume(run_id, by="ada"),
    "step": lambda lab, run_id: lab.runs.step(run_id, 5, by="ada"),
    "queue": lambda lab, run_id: lab.runs.queue(run_id, by="ada"),
    "extend": lambda lab, run_id: lab.runs.extend(run_id, 5, by="ada"),
}


@pytest.mark.parametrize("door", DOORS)
def test_runs_that_go_on_count_as_new_ones_do(tmp_path, door):
    with shared(tmp_path, queued=2) as lab:
        runs = [stopped(lab, seed=seed) for seed in range(4)]
        for run_id in runs[:2]:
            DOORS[door](lab, run_id)
        with pytest.raises(NotAllowed, match="you have 2 runs .* at most 2 are allowed"):
            DOORS[door](lab, runs[2])
        assert [lab.runs.get(run_id).state for run_id in runs] == ["queued", "queued", "stopped", "stopped"]
        assert lab.runs.resume(runs[2], by="root@here") == "queued"


@pytest.mark.parametrize("door", ["resume", "step", "queue"])
def test_a_paused_run_counts_already(tmp_path, door):
    with shared(tmp_path, queued=2) as lab:
        runs = [paused(lab, seed=seed) for seed in range(2)]
        with pytest.raises(NotAllowed):
            lab.runs.start(CONFIG, by="ada")
        for run_id in runs:
            DOORS[door](lab, run_id)
        assert [lab.runs.get(run_id).state for run_id in runs] == ["queued"] * 2


def test_resumes_at_the_same_moment_do_not_pass_a_limit_together(tmp_path):
    with shared(tmp_path, queued=2) as lab:
        runs, barrier = [stopped(lab, seed=seed) for seed in range(6)], threading.Barrier(6)

        def resume(run_id: str) -> str:
            barrier.wait(timeout=30)
            try:
                return lab.runs.resume(run_id, by="ada")
            except NotAllowed:
                return "refused"

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(resume, runs)) == ["queued"] * 2 + ["refused"] * 4


@pytest.mark.parametrize("door", DOORS)
def test_settings_beyond_a_limit_are_refused_whenever_a_run_goes_on(tmp_path, door):
    with shared(tmp_path, steps=50, batch=64) as lab:
        with pytest.raises(NotAllowed, match="training.batch is 128 and this server allows 64"):
            DOORS[door](lab, stopped(lab, seed=0, **{"training.batch": 128}))
        with pytest.raises(NotAllowed, match="training.steps is [1-9]"):
            DOORS[door](lab, stopped(lab, seed=0, **{"training.steps": 100}))


def test_live_changes_and_forks_stay_within_the_limits(tmp_path):
    with shared(tmp_path, steps=50, batch=64, queued=2) as lab:
        run_id = trained_for(lab, 1.0, "stopped")
        for changes, said in (({"training.batch": 65}, "training.batch is 65"), ({"training.steps": 51}, "is 51")):
            with pytest.raises(NotAllowed, match=said):
                lab.runs.change(run_id, changes, by="ada")
            with pytest.raises(NotAllowed, match=said):
                lab.runs.fork(run_id, 20, changes, by="ada")
        for _ in range(2):
            lab.runs.fork(run_id, 20, by="ada")
        for more in (lab.runs.fork, lambda *about, **by: lab.runs.repeat(about[0], 2, **by)):
            with pytest.raises(NotAllowed, match="you have 2 runs"):
                more(run_id, 20, by="ada")


@pytest.mark.parametrize(("state", "door"), [("stopped", d) for d in DOORS] + [("finished", "extend")])
def test_a_run_that_has_had_its_minutes_does_not_go_on(tmp_path, state, door):
    with shared(tmp_path, minutes=2) as lab:
        with pytest.raises(NotAllowed, match="has trained for 2.0 minutes, and this server gives a run 2: fork it"):
            DOORS[door](lab, trained_for(lab, 120.0, state))
        DOORS[door](lab, trained_for(lab, 60.0, state))
        assert lab.runs.fork(trained_for(lab, 120.0, "stopped"), 20, by="ada")  # a new run begins at 0 minutes


def test_an_imported_run_goes_on_within_the_limits_only(tmp_path):
    with shared(tmp_path, batch=64) as lab:
        data = lab.bundles.export(stopped(lab, seed=0, **{"training.batch": 128}), by=None)
        run_id = lab.bundles.load(data)
        with pytest.raises(NotAllowed):
            lab.runs.resume(run_id, by="ada")
        with opened(tmp_path, limits=Limits(batch=64)) as alone:
            with pytest.raises(NotAllowed, match="training.batch is 128"):
                alone.runs.resume(run_id)
            assert alone.runs.resume(run_id, by=None) == "queued"
