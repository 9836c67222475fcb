"""Importing the public door stays cheap: pages and the command line do it before anything else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("tensorflow", "keras", "streamlit", "scipy", "sklearn", "numba")
USES = {
    "the door": "import gan_core",
    "settings and errors through the door": "import gan_core; gan_core.RunConfig, gan_core.GanometerError",
}


@pytest.mark.parametrize("statement", USES.values(), ids=USES)
def test_loads_nothing_heavy(statement):
    """In a fresh interpreter, because this one has loaded everything already."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_what_others_take_along_stays_out_of_the_worker_and_can_be_imported_later():
    """Libraries look for a loaded pandas: a trace of one that is not there would break them."""
    code = """
from gan_core.skip_import import skipped
with skipped("pandas"):
    from gan_core.cli import main
import gan_core.engine.loop, sys
assert "pandas" not in sys.modules
import pandas
with skipped("pandas"):
    import pandas as still_there
assert still_there is pandas and sys.modules["pandas"] is pandas
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
