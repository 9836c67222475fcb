"""A Lab without a worker."""

import pytest

from tests.service.labs import opened


@pytest.fixture
def lab(tmp_path):
    """A lab on an empty store."""
    with opened(tmp_path) as lab:
        yield lab
