"""One damaged value in the store hides nothing sound: every listing, every column, every value."""

from contextlib import suppress
from pathlib import Path

import pytest

from gan_core.records import GanometerError, RunInfo, Unreadable, UnreadableRun
from gan_core.service.lab import Lab
from gan_core.settings import Settings
from gan_core.store.schema import metadata
from tests.damage import SOUND, VICTIM, Damage, all_damages, build, damaged, sampled

DAMAGES = all_damages()


@pytest.fixture(scope="module")
def damageable(tmp_path_factory):
    """(lab, file, ids) of the sound store."""
    file = tmp_path_factory.mktemp("damaged") / "ganometer.sqlite"
    ids = build(file)
    lab = Lab(Settings(file.parent, f"sqlite:///{file}", None, "none"), examples=Path("nowhere"))
    yield lab, file, ids
    lab.close()


def look_at_everything(lab: Lab, ids: dict[str, str]) -> None:
    """What pages and the command line ask for: of listings always an answer, of the victim one, or a sentence."""
    runs = {run.name: run for run in lab.runs.newest(by=None)}
    assert set(SOUND) <= set(runs), "a sound run is hidden"
    listed = lab.runs.listed(by=None)
    assert len(listed) == len(ids)
    assert all(run.why and "\n" not in run.why for run in listed if isinstance(run, UnreadableRun))
    lab.results.headlines(runs.values(), by=None)
    lab.worker.workers(), lab.worker.reap(), lab.uploads.visible(by=None), lab.system(by=None)
    for run in runs.values():
        lab.worker.why_a_training_waits(run), lab.runs.seconds_to_wait(run), lab.recipes.estimate(run.config)
        assert lab.runs.events(run) or run.name == VICTIM
        lab.runs.sent_commands(run), lab.runs.last_command(run), lab.runs.done_commands(run)
        lab.runs.kept_steps(run), lab.results.size(run), lab.results.snapshot_steps(run)
        lab.results.lineage(run, by=None), lab.results.curves(run, by=None), lab.results.measured(run)
        lab.results.unreadable_reports(run)
        for ask in (
            lambda run=run: lab.results.reports(run),
            lambda run=run: lab.results.snapshot(run),
            lambda run=run: lab.results.dataset_of(run),
            lambda run=run: lab.results.live_reference(run),
        ):
            if run.name in SOUND:
                assert ask() is not None
            else:
                with suppress(GanometerError):
                    ask()
    victim = runs.get(VICTIM)
    if victim:
        with suppress(GanometerError):
            lab.bundles.export(victim.id, by=None)
    for job_id in (1, 2):
        lab.jobs.get(job_id, by=None)


@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables])
@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_no_damaged_value_hides_what_is_sound(damageable, table, every):
    lab, file, ids = damageable
    for damage in sampled(DAMAGES, every):
        if damage.table == table:
            with damaged(file, ids[VICTIM], damage):
                try:
                    look_at_everything(lab, ids)
                except Exception as error:
                    raise AssertionError(f"{damage}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("column", ["events.payload", "reports.report"])
def test_a_value_of_endless_depth_is_told_by_an_export(damageable, column):
    lab, file, ids = damageable
    with damaged(file, ids[VICTIM], Damage(*column.split("."), "[" * 5_000)):
        with pytest.raises(Unreadable, match="cannot be exported: a part of it cannot be read"):
            lab.bundles.export(ids[VICTIM], by=None)


def test_the_sound_store_is_sound(damageable):
    """So that nothing above passes because everything is unreadable anyway."""
    lab, _, ids = damageable
    assert all(isinstance(run, RunInfo) for run in lab.runs.listed(by=None))
    victim = lab.runs.get(ids[VICTIM], by=None)
    assert len(lab.results.reports(victim)) == 3 and lab.results.live_reference(victim) is not None
    assert [event.kind for event in lab.runs.events(victim) if event.kind in ("set", "unreadable")] == ["set"]
