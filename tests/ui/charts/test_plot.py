"""What a chart sends to the browser, how its script gets into static/, and which events are believed."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import plotly
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from ui.charts.plot import Click, _click, _selection, _served

ROOT = Path(__file__).parents[3]
LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def page() -> None:
    import numpy as np
    import plotly.graph_objects as go

    from ui.charts.plot import plot

    curve = go.Scatter(x=np.arange(500, dtype=np.float32), y=np.full(500, np.nan, np.float32), name="curve")
    plot(go.Figure(curve), key="one", alt="A curve", height=200, selected={"curve": np.arange(2)})


def drawn() -> AppTest:
    at = AppTest.from_function(page).run()
    assert not at.exception
    return at


def sent(at: AppTest) -> dict:
    (element,) = at.get("bidi_component")
    return json.loads(element.proto.json)


# ---------------------------------------------------------------- what is sent


def test_arrays_are_sent_packed_and_nothing_of_the_theme_is():
    data = sent(drawn())
    x = data["figure"]["data"][0]["x"]
    assert (x["dtype"], np.frombuffer(base64.b64decode(x["bdata"]), "f4").tolist()) == ("f4", list(range(500)))
    assert "template" not in data["figure"]["layout"]
    assert (data["alt"], data["height"], data["selected"]) == ("A curve", 200, {"curve": [0, 1]})
    assert not data["clicks"] and not data["selects"]


def test_the_same_figure_is_the_same_bytes():
    one, two = (drawn().get("bidi_component")[0].proto for _ in range(2))
    assert one.SerializeToString(deterministic=True) == two.SerializeToString(deterministic=True)


def test_two_thousand_numbers_cost_less_than_fourteen_kilobytes():
    """Four bytes for a float32, a third more as text, and the rest of a chart."""
    at = drawn()
    (element,) = at.get("bidi_component")
    assert 500 * 2 * 4 * 4 / 3 < element.proto.ByteSize() < 500 * 2 * 4 * 4 / 3 + 4500


# ---------------------------------------------------------------- the scripts


def test_both_scripts_are_served_under_names_that_change_with_them(tmp_path):
    names = _served(tmp_path / "static")
    assert plotly.__version__ in names["library"] and re.fullmatch(r"plot-[0-9a-f]{12}\.js", names["script"])
    assert sorted(file.name for file in (tmp_path / "static").iterdir()) == sorted(names.values())
    assert (tmp_path / "static" / names["library"]).read_bytes() == LIBRARY.read_bytes()


def test_a_file_that_was_cut_off_is_written_again(tmp_path):
    names = _served(tmp_path)
    (tmp_path / names["library"]).write_bytes(b"half")
    _served.cache_clear()  # as another process
    assert _served(tmp_path) == names
    assert (tmp_path / names["library"]).read_bytes() == LIBRARY.read_bytes()


def test_many_processes_may_fill_it_at_once(tmp_path):
    order = "import pathlib, sys, ui.charts.plot; sys.exit(ui.charts.plot._served(pathlib.Path(sys.argv[1])) is None)"
    started = [subprocess.Popen([sys.executable, "-c", order, str(tmp_path)], cwd=ROOT) for _ in range(3)]
    assert [process.wait(100) for process in started] == [0, 0, 0]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(_served(tmp_path).values())


def test_where_nothing_can_be_written_nothing_is_served(tmp_path):
    blocked = tmp_path / "static"
    blocked.write_text("a file where the folder should be")
    assert _served(blocked) is None


@pytest.fixture
def serves_nothing():
    config.set_option("server.enableStaticServing", False)
    yield
    config.set_option("server.enableStaticServing", True)


def test_where_nothing_is_served_streamlits_own_chart_is_drawn(serves_nothing):
    at = drawn()
    (chart,) = at.get("plotly_chart")
    assert not at.get("bidi_component")
    (trace,) = json.loads(chart.proto.spec)["data"]
    assert (trace["name"], trace["selectedpoints"], chart.proto.alt) == ("curve", [0, 1], "A curve")


# ---------------------------------------------------------------- what is heard


@pytest.mark.parametrize(
    "said, click",
    [
        ({"x": 3.5, "y": 1, "curve": "real", "index": 7, "custom": None}, Click(3.5, 1, "real", 7)),
        ({"x": "a", "y": "b", "curve": "", "index": [2, 3], "custom": "c"}, Click("a", "b", "", (2, 3), "c")),
        ({"x": None, "y": None, "curve": "real", "index": 0}, Click(None, None, "real", 0)),
        ({"x": [1], "y": 1, "curve": "real", "index": 7}, None),
        ({"x": float("nan"), "y": 1, "curve": "real", "index": 7}, None),
        ({"x": 1, "y": 1, "curve": 5, "index": 7}, None),
        ({"x": 1, "y": 1, "curve": "real", "index": -1}, None),
        ({"x": 1, "y": 1, "curve": "real", "index": True}, None),
        ({"x": 1, "y": 1, "curve": "real"}, None),
        ("x", None),
        (None, None),
    ],
)
def test_only_what_can_be_a_click_is_heard_as_one(said, click):
    assert _click(said) == click


@pytest.mark.parametrize(
    "said, marked",
    [
        ([["real", [1, 2]], ["generated", [0]]], {"real": [1, 2], "generated": [0]}),
        ([], {}),
        ([["real", [1.5]]], None),
        ([["real", 1]], None),
        ([[["real"], [1]]], None),
        ([["real"]], None),
        (7, None),
        (None, None),
    ],
)
def test_only_what_can_be_a_selection_is_heard_as_one(said, marked):
    assert _selection(said) == marked
