"""Every test of the store runs on SQLite and on PostgreSQL."""

import pytest

from gan_core.store import Store


@pytest.fixture
def store(store_url):
    """An empty store, once of each kind."""
    store = Store(store_url)
    yield store
    store.close()
