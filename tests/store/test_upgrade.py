"""New, old and unknown stores are opened: what is created, what is upgraded without a loss, what is refused and how."""

import gzip
import hashlib
import json
import logging
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gan_core.bundles import bundle
from gan_core.data.dataset_cache import DatasetCache
from gan_core.records import StoreError
from gan_core.service.lab import Lab
from gan_core.settings import Settings
from gan_core.store import Store, schema, unpack, upgrade

ROOT = Path(__file__).parents[2]
WRITTEN = Path(__file__).with_name("written_by_0_1_0")
UPLOAD = "upload-5b1c08a354b43842b93f7ad7a1cb64e2d8b65f37f17c30f8f7ec21c80539309a"
FINISHED, FORK, PAUSED, QUEUED = "0ce1783e", "cb2bb8e6", "26fb108e", "13d84087"


def rows_of(url: str, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple]]:
    """Every row of every table, in the order of its columns' names; `without` columns of these names."""
    engine, found = sa.create_engine(url), sa.MetaData()
    found.reflect(engine)
    with engine.connect() as db:
        rows = {
            table.name: sorted(  # the repr of a row itself leaves out the middle of long texts
                repr(tuple(row))
                for row in db.execute(sa.select(*sorted(columns_of(table, without), key=lambda column: column.name)))
            )
            for table in found.sorted_tables
        }
    engine.dispose()
    return rows


def columns_of(table: sa.Table, without: tuple[str, ...]) -> list[sa.Column]:
    return [column for column in table.c if f"{table.name}.{column.name}" not in without]


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as db:
        for statement in statements:
            db.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def old_url(store_url, tmp_path):
    """The URL of a store as 0.1.0 left it."""
    file = tmp_path / "store.sqlite"
    file.write_bytes(gzip.decompress((WRITTEN / "store.db.gz").read_bytes()))
    if store_url.startswith("sqlite"):
        return store_url
    execute(store_url, *filter(str.strip, (WRITTEN / "postgresql.sql").read_text().split(";")))
    source, target, tables = sa.create_engine(f"sqlite:///{file}"), sa.create_engine(store_url), sa.MetaData()
    tables.reflect(source)
    with source.connect() as old, target.begin() as new:
        for table in tables.sorted_tables:
            if rows := [dict(row) for row in old.execute(sa.select(table)).mappings()]:
                new.execute(table.insert(), rows)
            if "id" in table.c and isinstance(table.c.id.type, sa.Integer):
                last = sa.select(sa.func.max(table.c.id)).scalar_subquery()
                new.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), last)))
    source.dispose()
    target.dispose()
    return store_url


@pytest.fixture
def old_store(old_url):
    store = Store(old_url)
    yield store
    store.close()


# ---------------------------------------------------------------- a store of 0.1.0


def renamed(rows: list[str]) -> list[str]:
    """Rows as they are after an upgrade, which gives the one upload its whole hash as a name."""
    return sorted(re.sub(f"{UPLOAD[:17]}(?=[\"'])", UPLOAD, row) for row in rows)


def test_an_upgrade_keeps_every_row(old_url):
    before = rows_of(old_url, without=("datasets.owner", "datasets.published"))
    Store(old_url).close()
    for column in ("jobs DROP COLUMN deaths", "runs DROP COLUMN kind"):  # new ones, 0 and "trained" everywhere
        execute(old_url, f"ALTER TABLE {column}")
    new = ("datasets.names", *(f"dataset_owners.{column}" for column in ("created", "file", "names")))
    after = rows_of(old_url, without=new)
    assert after.pop("alembic_version") == [repr((upgrade.HEAD,))]
    new = ("submissions", "job_askers", "turns", "previews", "people", "run_samples")
    assert [after.pop(name) for name in new] == [[]] * 6
    (owner,) = after.pop("dataset_owners")
    assert owner.startswith("('") and owner.endswith("', 'ada', True)")
    assert before.pop("meta") == ["('example', 'seen')", "('schema', '4')"]
    assert after.pop("meta") == ["('example', 'seen')"]
    assert {name: renamed(rows) for name, rows in before.items()} == after and all(before.values())


def test_its_runs_are_listed_as_they_were(old_store):
    found = {run.id: (run.name, run.state, run.step, run.total_steps, run.owner) for run in old_store.runs.all()}
    assert found == {
        FINISHED: ("ring of eight", "finished", 300, 300, "ada"),
        FORK: ("ring of eight · from step 300", "finished", 400, 400, "bob"),
        PAUSED: ("paused on the way", "paused", 3186, 200_000, "ada"),
        QUEUED: ("waits in the queue", "queued", 0, 300, "ada"),
    }
    finished, fork = old_store.runs.get(FINISHED), old_store.runs.get(FORK)
    assert (finished.tags, finished.published) == (("first", "to keep"), True)
    assert (fork.tags, fork.published, fork.parent_id, fork.parent_step) == ((), False, FINISHED, 300)
    assert old_store.remembered("example") == "seen"
    assert old_store.submit("nonce", lambda: [QUEUED]) == old_store.submit("nonce", lambda: []) == [QUEUED]


def test_what_its_trainings_wrote_is_read(old_store):
    history = old_store.recordings.history(FINISHED)
    assert history.curves["energy_distance"][0][-1] == 300 and np.isfinite(history.last("energy_distance"))
    steps = old_store.recordings.snapshot_steps(FINISHED)
    assert steps[-1] == 300
    for step in steps:
        samples = old_store.recordings.snapshot(FINISHED, step).samples
        assert samples.shape[1:] == (2,) and np.isfinite(samples).all()
    for run_id, step in ((FINISHED, 300), (FORK, 400), (PAUSED, 3186)):
        assert old_store.recordings.checkpoint(run_id)[0] == step
    assert {report.panel for _, report in old_store.measurements.reports(FINISHED)} == {"live", "full"}
    assert [event.kind for event in old_store.recordings.events(FORK)][::-1] == ["forked", "running", "finished"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ruler", "corruptions"),
        ("shelf", "browse"),
        ("closeup", "sample_detail"),
        ("walk", "latent_walk"),
        ("pad", "latent_plane"),
        ("project", "projection"),
        ("sample", "sample"),
    ],
)
def test_a_job_is_found_under_the_new_name_of_its_kind(old_url, before, after):
    params = {"n": 7, "seed": 3}
    key = hashlib.sha256(json.dumps([before, FINISHED, 300, json.dumps(params, sort_keys=True)]).encode()).hexdigest()
    engine, tables = sa.create_engine(old_url), sa.MetaData()
    tables.reflect(engine, only=["jobs"])
    row = dict(key=key, kind=before, run_id=FINISHED, step=300, params=json.dumps(params), state="done", created=1.0)
    with engine.begin() as db:
        number = db.scalar(
            tables.tables["jobs"].insert().values(progress=1.0, result=b"x", **row).returning(sa.text("id"))
        )
    engine.dispose()
    store = Store(old_url)
    assert store.jobs.request(after, run_id=FINISHED, step=300, params=params) == number
    assert (store.jobs.get(number).kind, store.jobs.get(number).result) == (after, b"x")
    store.close()


def test_its_answers_uploads_and_references_are_read(old_store):
    jobs = [old_store.jobs.get(number) for number in range(1, 10)]
    assert {job.kind for job in jobs if job} >= {"measure", "sample"}
    for job in jobs:
        assert job is None or job.state == "done"
    (sample,) = (job for job in jobs if job and job.kind == "sample")
    assert unpack(sample.result)["x"].shape == (16, 2)
    (upload,) = old_store.datasets.uploads()
    assert (upload.owners, upload.published, upload.shape) == ({"ada": True}, True, (2,))
    dataset = DatasetCache(None, old_store.datasets.upload_bytes).dataset(UPLOAD)
    assert sum(map(len, (dataset.train.x, dataset.holdout.x, dataset.test.x))) == 260
    assert old_store.measurements.features("ring-8", "classifier").accuracy == 0.75
    about = old_store.datasets.named("ring-8")
    assert old_store.measurements.reference(about.sha256, "pixels", 200).n == 200


def test_an_upgrade_says_nothing_that_a_command_line_would_show(tmp_path, caplog):
    file = tmp_path / "store.db"
    file.write_bytes(gzip.decompress((WRITTEN / "store.db.gz").read_bytes()))
    with caplog.at_level(logging.INFO):
        Store(f"sqlite:///{file}").close()
    assert caplog.records == []


def test_what_names_its_upload_names_it_by_its_whole_hash(old_url):
    """Its runs, whether they have begun or wait, and the questions about it: each is found as it was."""
    begun = {"config": json.dumps({"data": {"name": UPLOAD[:17]}}), "dataset": UPLOAD[7:], "state": "finished"}
    other = {"config": json.dumps({"data": {"name": "upload-0123456789"}}), "dataset": None, "state": "queued"}
    engine, tables = sa.create_engine(old_url), sa.MetaData()
    tables.reflect(engine, only=["jobs", "runs"])
    jobs, runs = tables.tables["jobs"], tables.tables["runs"]
    params = json.dumps({"dataset": UPLOAD[:17], "n": 100}, sort_keys=True)
    key = hashlib.sha256(json.dumps(["reference", None, None, params]).encode()).hexdigest()
    with engine.begin() as db:
        rest = dict(name="x", tags="[]", phase="", step=1, total_steps=1, version=1, owner="", published=False)
        rest |= dict(claim_no=1, seconds=1.0, versions="{}", created=1.0)
        db.execute(runs.insert(), [dict(id="aaaaaaaa", **begun, **rest), dict(id="bbbbbbbb", **other, **rest)])
        number = db.scalar(
            jobs.insert()
            .values(key=key, kind="reference", params=params, state="done", progress=1.0, result=b"x", created=1.0)
            .returning(sa.text("id"))
        )
    engine.dispose()
    store = Store(old_url)
    names = {run_id: store.runs.get(run_id).config.data.name for run_id in (QUEUED, "aaaaaaaa", "bbbbbbbb")}
    assert names == {QUEUED: UPLOAD, "aaaaaaaa": UPLOAD, "bbbbbbbb": "upload-0123456789"}
    assert store.jobs.request("reference", params={"dataset": UPLOAD, "n": 100}) == number
    store.close()


def test_its_paused_run_can_be_resumed(old_url, tmp_path):
    lab = Lab(Settings(tmp_path, old_url, None, "none"))
    assert lab.runs.resume(PAUSED, by="ada") == "queued"
    assert lab.runs.change(PAUSED, {"objective.r1": 0.75}, by="ada") == "sent"
    waiting = [command.payload["changes"]["objective.r1"] for command in lab.runs.sent_commands(lab.runs.get(PAUSED))]
    assert waiting == [0.25, 0.75]
    lab.close()
    claimed = Store(old_url).leases.claim("w1", run_id=PAUSED)
    assert (claimed.state, claimed.step) == ("running", 3186)


@pytest.mark.parametrize("name", ["ring-8.zip", "fork-of-ring-8.zip"])
def test_its_bundles_are_imported(store, name):
    run = store.runs.get(bundle.unbundle(store, (WRITTEN / name).read_bytes()))
    assert run.state == "finished" and run.step == run.total_steps
    assert store.recordings.snapshot(run.id).samples.shape[1:] == (2,)
    assert store.measurements.reports(run.id) != [] and store.recordings.checkpoint(run.id)[0] == run.step


def test_an_imported_run_is_the_one_that_was_exported(old_store):
    """The bundle and the store were written from the same run."""
    imported = bundle.unbundle(old_store, (WRITTEN / "ring-8.zip").read_bytes())
    here, there = old_store.runs.get(FINISHED), old_store.runs.get(imported)
    assert imported != FINISHED and there.config == here.config
    assert old_store.measurements.reports(imported) == old_store.measurements.reports(FINISHED)
    assert np.array_equal(
        old_store.recordings.snapshot(imported).samples, old_store.recordings.snapshot(FINISHED).samples
    )


# ---------------------------------------------------------------- the tables


def differences(url: str) -> list:
    """What Alembic would change so that the tables of a database are those of schema.py."""
    engine = sa.create_engine(url)
    with engine.connect() as db:
        found = compare_metadata(MigrationContext.configure(db), schema.metadata)
    engine.dispose()
    return found


def test_an_upgraded_store_has_the_tables_of_a_new_one(old_url):
    Store(old_url).close()
    assert differences(old_url) == []


def test_a_new_store_has_the_tables_that_the_revisions_make(store_url):
    """A new store is made from schema.py; the revisions from the first one on lead to the same tables."""
    from alembic import command
    from alembic.config import Config

    engine = sa.create_engine(store_url)
    with engine.begin() as db:
        config = Config(attributes={"connection": db})
        config.set_main_option("script_location", "gan_core.store:migrations")
        command.upgrade(config, "head")
        assert ScriptDirectory.from_config(config).get_heads() == [upgrade.HEAD]
    engine.dispose()
    assert differences(store_url) == []
    Store(store_url).close()


def test_the_comparison_sees_a_difference(store_url):
    Store(store_url).close()
    execute(store_url, "ALTER TABLE runs DROP COLUMN tags", "DROP INDEX ix_jobs_state")
    assert {change[0] for change in differences(store_url)} == {"add_column", "add_index"}


def test_a_store_with_the_table_of_submissions_is_not_given_it_again(store_url):
    """As versions between 0.1.0 and Alembic left it: schema 5 is schema 4 with one more table."""
    Store(store_url).close()
    execute(
        store_url,
        "DROP TABLE alembic_version",
        "DROP TABLE dataset_owners",
        "ALTER TABLE datasets DROP COLUMN names",
        "ALTER TABLE datasets ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE datasets ADD COLUMN published BOOLEAN NOT NULL DEFAULT false",
        *(f"DROP TABLE {name}" for name in ("run_samples", "people", "previews", "turns", "job_askers")),
        "ALTER TABLE runs DROP COLUMN kind",
        "ALTER TABLE jobs DROP COLUMN deaths",
        "INSERT INTO meta VALUES ('schema', '5')",
        "INSERT INTO submissions VALUES ('nonce', '[]', 1.5)",
    )
    Store(store_url).close()
    assert rows_of(store_url)["submissions"] == [repr((1.5, "nonce", "[]"))] and differences(store_url) == []


def test_a_new_store_and_one_that_is_up_to_date_are_opened_without_alembic(store_url):
    code = "import sys; from gan_core.store import Store; Store(sys.argv[1]).close(); print('alembic' in sys.modules)"
    for _ in ("new", "up to date"):
        done = subprocess.run([sys.executable, "-c", code, store_url], cwd=ROOT, text=True, capture_output=True)
        assert done.stdout.split() == ["False"], done.stderr


# ---------------------------------------------------------------- several at the same moment


def open_in_processes(url: str, number: int) -> None:
    """Open a store in so many processes at the same moment. Fails with what they say unless all of them can."""
    code = (
        "import sys; from gan_core.store import Store; print('ready', flush=True); input(); Store(sys.argv[1]).close()"
    )
    command = [sys.executable, "-c", code, url]
    pipes = dict(text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    processes = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(number)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * number, said


def test_processes_that_open_an_empty_database_at_the_same_moment(store_url):
    open_in_processes(store_url, 4)
    assert differences(store_url) == [] and rows_of(store_url)["alembic_version"] == [repr((upgrade.HEAD,))]


def test_processes_that_open_an_old_database_at_the_same_moment(old_url):
    runs = rows_of(old_url)["runs"]
    open_in_processes(old_url, 4)
    assert differences(old_url) == []
    after = rows_of(old_url, without=("runs.kind",))
    assert after["runs"] == renamed(runs)
    assert after["alembic_version"] == [repr((upgrade.HEAD,))]


def test_an_upgrade_that_fails_changes_nothing(old_url):
    execute(old_url, "CREATE TABLE submissions (key TEXT)")  # stands in the way of the new table of this name
    before = rows_of(old_url)
    with pytest.raises(StoreError, match="submissions.* already exists"):
        Store(old_url)
    assert rows_of(old_url) == before


# ---------------------------------------------------------------- what is refused


def refused(url: str) -> str:
    """What is said about a store that cannot be opened; it stays as it was."""
    before = rows_of(url)
    with pytest.raises(StoreError) as error:
        Store(url)
    assert rows_of(url) == before
    return str(error.value)


@pytest.mark.parametrize("number", ["6", "99", "0", "what?"])
def test_an_unknown_schema_is_refused(old_url, number):
    execute(old_url, f"UPDATE meta SET value = '{number}' WHERE key = 'schema'", "DROP TABLE jobs")
    said = refused(old_url)
    assert f"schema {number}" in said and "GANOMETER_STORE" in said


def test_the_revision_of_a_newer_ganometer_is_refused(store_url):
    Store(store_url).close()
    execute(store_url, "UPDATE alembic_version SET version_num = '9999'")
    said = refused(store_url)
    assert "schema 9999" in said and "use the version that made it" in said and "GANOMETER_STORE" in said


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_a_schema_older_than_0_1_0_is_refused_with_what_to_do(old_url, number):
    execute(old_url, f"UPDATE meta SET value = '{number}' WHERE key = 'schema'")
    assert "open it once with Ganometer 0.1.0" in refused(old_url)


def test_tables_of_somebody_else_are_left_alone(store_url):
    execute(store_url, "CREATE TABLE runs (id INTEGER, marathon TEXT)")
    assert "runs" in refused(store_url) and "already exists" in refused(store_url)


def test_a_file_that_cannot_be_read_as_a_store_is_left_as_it_is(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        db.execute("INSERT INTO meta VALUES ('schema', 'crm-7')")
    assert "schema crm-7" in refused(f"sqlite:///{path}")
