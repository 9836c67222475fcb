"""One store for all kinds of jobs, with a run on digits, one with classes, and one in the plane."""

from functools import partial

import pytest

from gan_core.store import Store
from tests.jobs.small_runs import DIGITS, RING, answered, kept


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('jobs') / 'store.sqlite'}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def plain(store):
    return kept(store, DIGITS)


@pytest.fixture(scope="session")
def conditional(store):
    return kept(store, DIGITS, data__conditional=True)


@pytest.fixture(scope="session")
def ring(store):
    return kept(store, RING, generator__latent_dim=2)


@pytest.fixture(scope="session")
def ask(store):
    """`ask(parameters, run_id)`: the decoded answer of a job."""
    return partial(answered, store)
