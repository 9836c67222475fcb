"""What one visitor may do with another's run: every act, on private and published runs and data, by everybody."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from gan_core.config.run_config import override
from gan_core.jobs.reference import ReferenceParameters
from gan_core.jobs.sample import Sample
from gan_core.records import DatasetError, GanometerError, UnknownRun
from gan_core.service.permissions import NotAllowed
from gan_core.store import pack
from tests.service.labs import finish_by_hand, points, shared, store_of

ADA, BOB, ROOT = "ada@example.org", "bob@example.org", "root@here"
REFUSED = (UnknownRun, DatasetError, NotAllowed)

OF_ITS_OWNER = {
    "pause": lambda lab, run, by: lab.runs.pause(run.id, by=by),
    "resume": lambda lab, run, by: lab.runs.resume(run.id, by=by),
    "stop": lambda lab, run, by: lab.runs.stop(run.id, by=by),
    "step": lambda lab, run, by: lab.runs.step(run.id, 5, by=by),
    "change": lambda lab, run, by: lab.runs.change(run.id, {"objective.r1": 2}, by=by),
    "extend": lambda lab, run, by: lab.runs.extend(run.id, 5, by=by),
    "queue": lambda lab, run, by: lab.runs.queue(run.id, by=by),
    "delete": lambda lab, run, by: lab.runs.delete(run.id, by=by),
    "rename": lambda lab, run, by: lab.runs.rename(run.id, "mine", by=by),
    "tag": lambda lab, run, by: lab.runs.tag(run.id, ["mine"], by=by),
    "publish": lambda lab, run, by: lab.runs.publish(run.id, True, by=by),
    "withdraw": lambda lab, run, by: lab.runs.publish(run.id, False, by=by),
    "train": lambda lab, run, by: lab.foreground.go_on(run.id, by=by),
    "publish the data": lambda lab, run, by: lab.uploads.publish(run.config.data.name, True, by=by),
    "withdraw the data": lambda lab, run, by: lab.uploads.publish(run.config.data.name, False, by=by),
}
OF_WHO_SEES_IT = {
    "look": lambda lab, run, by: lab.runs.get(run.id, by=by),
    "download": lambda lab, run, by: lab.bundles.export(run.id, by=by),
    "ask for a job": lambda lab, run, by: lab.jobs.request(Sample(7), run_id=run.id, by=by),
    "compare": lambda lab, run, by: lab.jobs.compare({run.id: 0}, 100, by=by),
    "read an answer": lambda lab, run, by: lab.jobs.answer(job_of(lab, run), by=by),
    "download samples": lambda lab, run, by: lab.jobs.samples_npz(job_of(lab, run), by=by),
    "see a job": lambda lab, run, by: there(lab.jobs.get(job_of(lab, run), by=by)),
    "see a job's state": lambda lab, run, by: there(lab.jobs.state(job_of(lab, run), by=by)),
}
OF_WHO_MAY_USE_THE_DATA = {
    "set up a run": lambda lab, run, by: lab.recipes.preset("auto", data=run.config.data.name, by=by),
    "ask for the shape": lambda lab, run, by: lab.uploads.about(run.config.data.name, by=by),
    "measure the data": lambda lab, run, by: lab.jobs.request(ReferenceParameters(run.config.data.name, 60), by=by),
}
OF_WHO_IS_KNOWN = {
    "start": lambda lab, run, by: lab.runs.start(run.config, by=by),
    "fork": lambda lab, run, by: lab.runs.fork(run.id, run.step, by=by),
    "repeat": lambda lab, run, by: lab.runs.repeat(run.id, 2, by=by),
}
ACTS = OF_ITS_OWNER | OF_WHO_SEES_IT | OF_WHO_MAY_USE_THE_DATA | OF_WHO_IS_KNOWN


def there(found):
    """What a job service says of a job; one that is not there for a visitor is None."""
    if found is None:
        raise UnknownRun("no such job")
    return found


def state_of(lab) -> tuple:
    """All runs, but for their age, and who has published the data."""
    runs = [replace(run, heartbeat_age=None) for run in lab.runs.newest(by=None)]
    return runs, lab.uploads.visible(by=ADA)[0].owners


def job_of(lab, run) -> int:
    """A finished job about the run."""
    store = store_of(lab)
    job_id = store.jobs.request("sample", run_id=run.id, params={"n": 1})
    store.jobs.finish(job_id, result=pack(x=np.zeros((1, 2), np.float32)))
    return job_id


def allowed(act: str, run_is_public: bool, data_are_public: bool, by: str) -> bool:
    """The rule, in one place."""
    if by == ROOT:
        return True
    sees = run_is_public or data_are_public
    if act in OF_ITS_OWNER:
        return False
    if act in OF_WHO_SEES_IT:
        return sees
    return data_are_public and (act in OF_WHO_MAY_USE_THE_DATA or by != "")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A shared server, and on it ADA's data."""
    with shared(tmp_path_factory.mktemp("acts")) as lab:
        yield lab, lab.uploads.keep(lab.uploads.read(points(), "points.csv"), by=ADA)


@contextlib.contextmanager
def finished_run(lab, name: str, run_is_public: bool, data_are_public: bool):
    """A finished run of ADA's; afterwards there is no run."""
    config = override(lab.recipes.preset("auto", data=name, by=ADA), {"training.steps": 40})
    run_id = lab.runs.start(config, by=ADA, name="her own")
    store = store_of(lab)
    run = store.leases.claim("w1", run_id=run_id)
    store.progress.describe(run_id, "w1", run.claim_no, dataset=store.datasets.named(name).sha256)
    finish_by_hand(lab, run)
    lab.runs.publish(run_id, run_is_public, by=ADA)
    lab.uploads.publish(name, data_are_public, by=ADA)
    yield lab.runs.get(run_id, by=ADA)
    for run in store.runs.all():
        store.runs.delete(run.id)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("data_are_public", [False, True], ids=["private data", "published data"])
@pytest.mark.parametrize("run_is_public", [False, True], ids=["private run", "published run"])
def test_an_act_on_another_s_run_is_allowed_or_changes_nothing(place, act, run_is_public, data_are_public):
    lab, name = place
    for by in (BOB, "", ROOT):
        with finished_run(lab, name, run_is_public, data_are_public) as run:
            before = state_of(lab)
            if allowed(act, run_is_public, data_are_public, by):
                with contextlib.suppress(GanometerError) if act in OF_ITS_OWNER else contextlib.nullcontext():
                    try:
                        ACTS[act](lab, run, by)
                    except REFUSED as refusal:
                        pytest.fail(f"{by or 'nobody'} may {act}, and was refused: {refusal}")
            else:
                with pytest.raises(GanometerError if act in OF_WHO_SEES_IT else REFUSED) as error:
                    ACTS[act](lab, run, by)
                assert "her own" not in str(error.value) and ADA not in str(error.value)
                assert state_of(lab) == before
