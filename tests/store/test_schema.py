"""Opening a store: how SQLite is set up, and what is said when a database cannot be used."""

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from gan_core.config import presets
from gan_core.config import run_config as configs
from gan_core.records import MetricResult, Reference, Report, StoreError
from gan_core.store import Store
from gan_core.store import schema as tables


def test_sqlite_is_opened_safely(tmp_path):
    path = tmp_path / "store.sqlite"
    store = Store(f"sqlite:///{path}")
    with store.database.reading() as db:
        found = {
            name: db.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("auto_vacuum", "journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    # sqlite.org/pragma.html: auto_vacuum 2 is incremental, synchronous 2 is full.
    assert found == {
        "auto_vacuum": 2,
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }
    store.close()
    with sqlite3.connect(path) as db:  # these two live in the file itself
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_store_can_be_opened_again(store_url):
    first = Store(store_url)
    first.remember("key", "word")
    first.remember("key", "other word")
    first.close()
    second = Store(store_url)
    assert second.remembered("key") == "other word" and second.remembered("nothing") is None
    second.close()


def test_many_may_open_an_empty_database_at_the_same_moment(store_url):
    barrier = threading.Barrier(6)

    def open_it(_):
        barrier.wait(timeout=30)
        Store(store_url).close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(open_it, range(6))) == [None] * 6


def test_a_failed_transaction_leaves_nothing(store_url):
    store = Store(store_url)
    with pytest.raises(StoreError), store.database.writing() as db:
        db.execute(tables.meta.insert().values(key="a", value="1"))
        db.execute(tables.meta.insert().values(key="a", value="2"))
    assert store.remembered("a") is None
    store.close()


def test_the_clock_is_the_database_s(store_url):
    import time

    store = Store(store_url)
    with store.database.reading() as db:
        assert db.scalar(sa.select(tables.now())) == pytest.approx(time.time(), abs=5)
    store.close()


@pytest.mark.parametrize("found", ["6", "99", "0", "what?"])
def test_another_schema_is_refused_and_left_as_it_is(store_url, found):
    store = Store(store_url)
    with store.database.writing() as db:
        db.execute(tables.meta.update().where(tables.meta.c.key == "schema").values(value=found))
        db.execute(sa.text("DROP TABLE jobs"))
    store.close()
    with pytest.raises(StoreError) as error:
        Store(store_url)
    assert f"schema {found}" in str(error.value) and "GANOMETER_STORE" in str(error.value)
    engine = sa.create_engine(store_url)
    assert not sa.inspect(engine).has_table("jobs")
    engine.dispose()


# ---------------------------------------------------------------- an older schema

VERSION_1 = """
CREATE TABLE meta (key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key));
CREATE TABLE runs (id TEXT NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL, state TEXT NOT NULL,
    phase TEXT NOT NULL, step BIGINT NOT NULL, total_steps BIGINT NOT NULL, version BIGINT NOT NULL,
    owner TEXT NOT NULL, dataset TEXT, parent_id TEXT, parent_step BIGINT, worker_id TEXT, claim_no BIGINT NOT NULL,
    heartbeat DOUBLE PRECISION, seconds DOUBLE PRECISION NOT NULL, steps_per_second DOUBLE PRECISION, threads BIGINT,
    versions TEXT NOT NULL, error TEXT, created DOUBLE PRECISION NOT NULL, queued DOUBLE PRECISION,
    started DOUBLE PRECISION, ended DOUBLE PRECISION, PRIMARY KEY (id));
CREATE INDEX ix_runs_state ON runs (state);
CREATE TABLE reports (run_id TEXT NOT NULL, step BIGINT NOT NULL, space TEXT NOT NULL, n BIGINT NOT NULL,
    seed BIGINT NOT NULL, report TEXT NOT NULL, PRIMARY KEY (run_id, step, space, n, seed),
    FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE);
CREATE TABLE "references" (dataset TEXT NOT NULL, space TEXT NOT NULL, n BIGINT NOT NULL, seed BIGINT NOT NULL,
    reference TEXT NOT NULL, PRIMARY KEY (dataset, space, n, seed));
INSERT INTO meta (key, value) VALUES ('schema', '1'), ('example', 'seen');
"""
METRIC = dict(name="energy_distance", value=0.25, reference_mean=0.01, reference_sd=0.005, z=48.0, p=None)
METRIC |= dict(direction="lower", ideal=0.0, seconds=0.1, needs=None)


def old_report(k, n=50, seed=0) -> dict:
    """A report as version 1 wrote it: without a panel."""
    report = dict(status="measured", n_real=n, n_fake=n, k=k, space="pixels", seed=seed, verdict="far", seconds=1.5)
    return report | dict(metrics={"energy_distance": METRIC}, histogram=None)


def version_1(url: str, reports: list[tuple[int, dict]]) -> None:
    """A database as version 1 left it, with one run, a reference, and reports as (step, report)."""
    engine = sa.create_engine(url)
    with engine.begin() as db:
        for statement in filter(str.strip, VERSION_1.split(";")):
            db.exec_driver_sql(statement)
        values = dict(config=configs.to_json(presets.preset("auto", data="digits")), reference=json.dumps({"n": 50}))
        run = "'r', 'old', :config, 'finished', '', 30, 30, 4, 'ada', 'd', 0, 2.5, '{}', 1.0"
        columns = "id, name, config, state, phase, step, total_steps, version, owner, dataset, claim_no, seconds"
        db.execute(sa.text(f"INSERT INTO runs ({columns}, versions, created) VALUES ({run})"), values)
        db.execute(sa.text("INSERT INTO \"references\" VALUES ('d', 'pixels', 50, 0, :reference)"), values)
        for step, report in reports:
            row = dict(step=step, n=report["n_fake"], seed=report["seed"], report=json.dumps(report))
            db.execute(sa.text("INSERT INTO reports VALUES ('r', :step, 'pixels', :n, :seed, :report)"), row)
    engine.dispose()


def key_of(url: str, table: str) -> list[str]:
    engine = sa.create_engine(url)
    found = sa.inspect(engine).get_pk_constraint(table)["constrained_columns"]
    engine.dispose()
    return found


def columns_of(url: str, table: str) -> set[tuple[str, bool]]:
    """The columns of a table, each with whether it may be empty."""
    engine = sa.create_engine(url)
    found = {(column["name"], column["nullable"]) for column in sa.inspect(engine).get_columns(table)}
    engine.dispose()
    return found


def test_version_1_is_upgraded_and_keeps_its_runs_and_reports(store_url):
    version_1(store_url, [(10, old_report(5)), (30, old_report(5, n=80)), (30, old_report(3, seed=1))])
    store = Store(store_url)
    small = Report(
        "measured", 50, 50, 5, "pixels", 0, {"energy_distance": MetricResult(**METRIC)}, None, "far", 1.5, panel="live"
    )
    large, other = replace(small, n_real=80, n_fake=80), replace(small, k=3, seed=1)
    assert store.library.reports("r") == [(10, small), (30, other), (30, large)]
    with store.database.reading() as db:
        keys = db.execute(sa.select(tables.reports.c.k, tables.reports.c.panel).order_by(tables.reports.c.k)).all()
    assert keys == [(3, "live"), (5, "live"), (5, "live")]
    assert (store.runs.get("r").name, store.runs.get("r").step, store.remembered("example")) == ("old", 30, "seen")
    assert store.library.reference("d", "pixels", 50) is None  # a cache: it is measured again
    store.close()


@pytest.mark.parametrize(
    ("version", "unknown"),
    [
        ("2", [("runs", "at_risk"), ("runs", "published"), ("runs", "tags"), ("datasets", "published")]),
        ("3", [("runs", "tags")]),
        ("4", []),
    ],
)
def test_later_versions_are_upgraded_and_keep_their_runs(store_url, version, unknown):
    """As that version left it: the same tables without what later ones have added."""
    Store(store_url).close()
    engine = sa.create_engine(store_url)
    with engine.begin() as db:
        for table, column in unknown:
            db.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        db.execute(sa.text("DROP TABLE submissions"))
        db.execute(sa.text(f"UPDATE meta SET value = '{version}' WHERE key = 'schema'"))
        values = dict(config=configs.to_json(presets.preset("auto", data="digits")))
        run = "'r', 'old', :config, 'finished', '', 30, 30, 4, 'ada', 0, 2.5, '{}', 1.0"
        columns = "id, name, config, state, phase, step, total_steps, version, owner, claim_no, seconds"
        if version in ("3", "4"):
            columns, run = f"published, {columns}", f"FALSE, {run}"
        if version == "4":
            columns, run = f"tags, {columns}", f"'[]', {run}"
        db.execute(sa.text(f"INSERT INTO runs ({columns}, versions, created) VALUES ({run})"), values)
    engine.dispose()
    store = Store(store_url)
    run = store.runs.get("r")
    assert (run.at_risk, run.published, run.step, run.tags) == (None, False, 30, ())
    assert store.remembered("schema") == str(tables.SCHEMA_VERSION)
    assert store.submit("word", lambda: ["r"]) == store.submit("word", lambda: []) == ["r"]
    store.runs.tag("r", ["kept"])
    assert store.runs.get("r").tags == ("kept",)
    store.close()


def test_an_upgraded_store_has_the_tables_of_a_new_one(store_url, tmp_path):
    version_1(store_url, [(10, old_report(5))])
    new_url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    upgraded, new = Store(store_url), Store(new_url)
    for store in (upgraded, new):
        store.library.put_reference("d", "pixels", Reference(50, 20, 0, {}, k=7, panel="full"))
        store.library.put_features("d", "classifier", b"", 1.0, "", {})
        store.close()
    for table in tables.metadata.tables:
        assert key_of(store_url, table) == key_of(new_url, table)
        assert columns_of(store_url, table) == columns_of(new_url, table)
    assert key_of(store_url, "reports") == ["run_id", "step", "space", "n", "k", "seed", "panel"]
    assert key_of(store_url, "references") == ["dataset", "space", "n", "k", "seed", "panel"]
    assert key_of(store_url, "features") == ["dataset", "space"]


def test_the_reports_of_an_upgraded_run_still_go_with_it(store_url):
    version_1(store_url, [(10, old_report(5))])
    store = Store(store_url)
    store.runs.delete("r")
    with store.database.reading() as db:
        assert db.execute(sa.select(tables.reports)).all() == []
    store.close()


def test_opening_an_upgraded_store_again_changes_nothing(store_url):
    version_1(store_url, [(10, old_report(5))])
    store = Store(store_url)
    later = Reference(60, 20, 0, {})
    store.library.put_reference("d", "pixels", later)
    found = store.library.reports("r")
    store.close()
    again = Store(store_url)
    assert again.library.reports("r") == found and again.remembered("schema") == str(tables.SCHEMA_VERSION)
    assert again.library.reference("d", "pixels", 60) == later
    again.close()


def test_many_may_open_an_old_database_at_the_same_moment(store_url):
    version_1(store_url, [(step, old_report(5)) for step in range(50)])
    barrier = threading.Barrier(4)

    def open_it(_):
        barrier.wait(timeout=30)
        store = Store(store_url)
        steps = [step for step, _ in store.library.reports("r")]
        store.close()
        return steps

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_it, range(4))) == [list(range(50))] * 4


@pytest.mark.parametrize("k", ["many", None, 2.5, True, 2**70, -1])
def test_a_report_that_an_import_brought_does_not_keep_the_store_shut(store_url, k):
    version_1(store_url, [(10, old_report(k))])
    store = Store(store_url)
    with store.database.reading() as db:
        assert db.scalar(sa.select(tables.reports.c.k)) == 5
    store.close()


def test_an_upgrade_that_fails_changes_nothing(tmp_path):
    """Version 2's key cannot hold this file, where somebody has taken the old key away: it stays at version 1."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    version_1(url, [(10, old_report(5))])
    with sqlite3.connect(tmp_path / "store.sqlite") as db:
        db.execute("ALTER TABLE reports RENAME TO kept")
        db.execute("CREATE TABLE reports AS SELECT * FROM kept UNION ALL SELECT * FROM kept")
    with pytest.raises(StoreError, match="UNIQUE constraint"):
        Store(url)
    with sqlite3.connect(tmp_path / "store.sqlite") as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == ("1",)
        assert db.execute("SELECT count(*) FROM reports").fetchone() == (2,)
        assert db.execute('SELECT count(*) FROM "references"').fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'features'").fetchone() == (0,)


# ---------------------------------------------------------------- what cannot be opened


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear Ada, this is no database. " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"Dear Ada")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / 'file' / 'store.sqlite'}")


def test_a_folder_in_the_place_of_the_file(tmp_path):
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "nonsense"),
        ("", "not a database URL"),
        ("nobodysql://host/name", "nobodysql"),
        ("sqlite://", "keep nothing"),
        ("sqlite:///:memory:", "keep nothing"),
        ("postgresql://ada:s3cret@host:port/name", "host:port/name"),
        ("postgresql+psycopg//ada:s3cret@host/name", "host/name"),
    ],
)
def test_a_bad_url_is_named_without_its_password(url, said):
    with pytest.raises(StoreError) as error:
        Store(url)
    assert said in str(error.value) and "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql", "postgres"])
def test_an_unreachable_postgresql_gives_its_reason_and_no_password(scheme):
    with pytest.raises(StoreError) as error:  # port 1 is reserved: nobody listens there
        Store(f"{scheme}://ada:s3cret@127.0.0.1:1/name")
    assert "refused" in str(error.value) and "127.0.0.1" in str(error.value)
    assert "s3cret" not in str(error.value) and "\n" not in str(error.value)


def test_the_shown_url_hides_the_password(store_url):
    store = Store(store_url)
    assert store.is_sqlite == store_url.startswith("sqlite")
    if store.is_sqlite:
        assert store.shown_url == store_url
    else:
        assert sa.engine.make_url(store.shown_url).password in (None, "***")
    store.close()


def test_a_database_that_goes_away_is_a_store_error(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with store.database.writing() as db:
        db.execute(sa.text("DROP TABLE runs"))
    with pytest.raises(StoreError, match="no such table"):
        store.runs.all()
    store.close()


# ---------------------------------------------------------------- when it breaks while it is in use


def test_a_file_that_is_deleted_or_replaced_in_use_is_said(tmp_path):
    """Not written on into the void, and no empty store in its place."""
    file, other = tmp_path / "store.sqlite", tmp_path / "other.sqlite"
    store = Store(f"sqlite:///{file}")
    Store(f"sqlite:///{other}").close()
    file.rename(tmp_path / "away.sqlite")
    for call in (store.runs.all, lambda: store.remember("a", "b")):
        with pytest.raises(StoreError, match="is gone: its file was deleted, moved or replaced.*put it back"):
            call()
    assert not file.exists()
    other.rename(file)
    with pytest.raises(StoreError, match="is gone"):
        store.runs.all()
    (tmp_path / "away.sqlite").rename(file)
    assert store.runs.all() == []
    store.close()


@pytest.mark.parametrize(
    ("pragma", "said"), [("max_page_count=1", "disk is full"), ("query_only=ON", "readonly database")]
)
def test_a_full_disk_and_a_write_protected_file_are_said_and_lose_nothing(tmp_path, pragma, said):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    store.remember("before", "kept")
    listen = sa.event.listen
    store.database.engine.dispose()
    listen(store.database.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
    with pytest.raises(StoreError, match=said):
        store.remember("after", "x" * 100_000)
    assert store.remembered("before") == "kept" and store.remembered("after") is None
    store.close()


@pytest.mark.parametrize(
    "opened", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["in use", "being opened, for ten seconds"]
)
def test_a_file_that_somebody_holds_is_waited_for_and_then_said(tmp_path, opened):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    store.database.engine.dispose()
    sa.event.listen(store.database.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout=50"))
    if opened:
        store.remember("a", "before")
    holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="database is locked"):
        store.remember("a", "b")
    holder.execute("ROLLBACK")
    store.remember("a", "b")
    assert store.remembered("a") == "b"
    holder.close()
    store.close()
