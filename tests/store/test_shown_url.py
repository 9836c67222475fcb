"""No secret of a store's URL stands in what is shown of it, said about it, or written into a log."""

import logging
import traceback

import pytest

from gan_core.records import StoreError
from gan_core.store import Store
from gan_core.store.shown_url import shown_url, without_secrets

SECRET = "hunter2secret"
URLS = [
    f"postgresql://ada:{SECRET}@127.0.0.1:1/db",
    f"postgres://ada:{SECRET}@127.0.0.1:1/db",
    f"postgresql+psycopg://{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p%40{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p@{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p@x/{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p/{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p?{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p#{SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:p {SECRET}@127.0.0.1:1/db",
    f"postgresql://ada:{SECRET}@127.0.0.1:port/db",
    f"postgresql://ada:{SECRET}@127.0.0.1:99999999/db",
    f"postgresql://ada:{SECRET}@..:1/db",
    f"postgresql://127.0.0.1/db?port=1&user=ada&password={SECRET}",
    f"postgresql://127.0.0.1/db?port=1&user=ada&password=p@{SECRET}",
    f"postgresql://127.0.0.1/db?port=1&user={SECRET}",
    f"postgresql://127.0.0.1/db?port=1&sslmode=verify-full&sslkey=/{SECRET}",
    f"postgresql://127.0.0.1/db?port=1&service={SECRET}",
    f"postgresql://127.0.0.1/db?port=1&passfile=/{SECRET}",
    f"postgresql://127.0.0.1/db?port=1&connect_timeout={SECRET}",
    f"postgresql://127.0.0.1/db?port=1&options={SECRET}",
    f"postgresql:/ada:{SECRET}@127.0.0.1:1/db",
    f"postgresql//ada:{SECRET}@127.0.0.1:1/db",
    f"ada:{SECRET}@127.0.0.1/db",
    f"ada:{SECRET}",
    f"POSTGRESQL://ada:{SECRET}@127.0.0.1/db",
    f"host=127.0.0.1 port=1 user=ada password={SECRET}",
    f"host=127.0.0.1 password='a@{SECRET}'",
    f"mysql+unknown://ada:{SECRET}@127.0.0.1/db",
    f"mysql://ada:{SECRET}@127.0.0.1/db",
    f"sqlite+pysqlcipher://:{SECRET}@/file.sqlite",
    f"sqlite://ada:{SECRET}@host/file.sqlite",
    f"sqlite:////proc/no/file.sqlite?key={SECRET}",
    f"sqlite:////proc/no/file.sqlite?timeout={SECRET}",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_a_store_that_cannot_be_opened_says_so_without_a_secret(url, caplog):
    with pytest.raises(StoreError) as error:
        Store(url)
    logging.getLogger("gan_core").error("cannot be opened", exc_info=error.value)
    logged = caplog.handler.formatter.formatException(caplog.records[-1].exc_info)
    printed = "".join(traceback.format_exception(error.value))
    for said in (str(error.value), repr(error.value), shown_url(url), logged, printed):
        assert SECRET not in said and "\n" not in str(error.value)


def test_what_is_no_secret_is_shown():
    assert shown_url("postgresql+psycopg://ada:pw@db.example:5432/lab?sslmode=require") == (
        "postgresql+psycopg://db.example:5432/lab"
    )
    assert shown_url("postgresql://localhost/lab") == "postgresql://localhost/lab"
    assert shown_url("postgresql://ada:pw@[::1]:5432/lab") == "postgresql://[::1]:5432/lab"
    assert shown_url("sqlite:////srv/lab@home/a b.sqlite") == "sqlite:////srv/lab@home/a b.sqlite"
    assert shown_url("sqlite:///C:\\lab\\a.sqlite") == "sqlite:///C:\\lab\\a.sqlite"
    assert shown_url("postgresql://ada:p@ss@db.example/lab") == "postgresql://***"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('authentication failed for user "ada lovelace"', 'authentication failed for user "***"'),
        ("invalid dsn: password=it's", "invalid dsn: password=***"),
        ("invalid dsn: password='it\\'s'", "invalid dsn: password='***'"),
        ("cannot read it%27s", "cannot read ***"),
        ("there is no file /keys/a.pem", "there is no file ***"),
        ("mode off is not one; offset", "mode *** is not one; offset"),
    ],
)
def test_a_driver_s_words_are_kept_but_for_the_secrets(said, kept):
    url = "postgresql://ada%20lovelace:it%27s@host/db?sslkey=/keys/a.pem&gssencmode=off"
    assert without_secrets(said, url) == kept
