"""Opening a store: how SQLite is set up, and what is said when a database cannot be used."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from gan_core.records import StoreError
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
        "busy_timeout": 4000,
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
    "opened", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["in use", "being opened, for four seconds"]
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
