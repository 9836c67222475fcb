"""A plotly figure on a page that keeps what its reader did to it: zoom, hidden curves, marked points.

    plot(figure, key=f"distance {run.id}", alt="Energy distance over steps", on_click=lambda click: go_to(click.x))

`st.plotly_chart` builds a chart anew whenever its data change. Here plotly's own script (the wheel brings it) draws it
once, and then brings it up to date; `plot.js` says how, and `plot_loader.js` fetches both. Streamlit serves them from
`static/`, which is filled at the first chart; where that cannot be done, the chart is drawn by `st.plotly_chart`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st
from streamlit.components.v2 import component

Selection = Mapping[str, Sequence[int]]
"""Which points are marked: indices by the name of their curve."""

STATIC = Path(__file__).parents[2] / "static"
CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["autoScale2d", "sendChartToCloud"],
}
"""The buttons that do something here; those that mark points only where somebody listens."""
HEIGHT = 320


HERE = Path(__file__)
_chart = component(
    "chart",
    html='<div class="note" role="status"></div>\n<div class="plot" role="figure"></div>',
    css=HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=HERE.with_name("plot_loader.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Click:
    """A point that was clicked: its place, its curve's name, its index there ((row, column) in a heat map)."""

    x: float | str | None
    y: float | str | None
    curve: str
    index: int | tuple[int, ...]
    custom: Any = None


def packed(figure: go.Figure | dict) -> dict:
    """A figure as a browser is given it, to be kept and drawn many times: nobody changes it."""
    if isinstance(figure, dict):
        return figure
    drawn = json.loads(figure.to_json(validate=False) or "{}")  # typed arrays stay packed
    drawn["layout"].pop("template", None)  # it is Streamlit's, with colours that only its own chart replaces
    return drawn


def plot(
    figure: go.Figure | dict,
    *,
    key: str,
    alt: str,
    height: int | None = None,
    on_click: Callable[[Click], object] | None = None,
    on_select: Callable[[dict[str, list[int]]], object] | None = None,
    selected: Selection | None = None,
) -> None:
    """Draw a figure, or a packed one; for as long as a chart of this `key` stays on the page it is the same one.

    So `key` names what is shown (the run, the metric): of something else nobody wants to keep the zoom. `on_select`
    gets the marked points by curve, none of them when the marking is taken away; `selected` marks points, and None
    leaves the marking to the reader. Callbacks run before the page or the fragment around is drawn again.
    """
    drawn = packed(figure)
    height = height or drawn["layout"].get("height") or HEIGHT
    files = _served(STATIC) if st.get_option("server.enableStaticServing") else None
    if files is None:
        _plainly(go.Figure(figure), key, alt, height, on_click, on_select, selected)
        return
    callbacks = {}
    if on_click:
        callbacks["on_click_change"] = partial(_handle, key, "click", _click, on_click)
    if on_select:
        callbacks["on_select_change"] = partial(_handle, key, "select", _selection, on_select)
    data = {
        "figure": drawn,
        "height": height,
        "alt": alt,
        "clicks": on_click is not None,
        "selects": on_select is not None,
        "selected": None if selected is None else {name: [int(i) for i in found] for name, found in selected.items()},
        "config": _config(on_select is not None),
        **files,
    }
    _chart(key=key, data=data, height=height, **callbacks)


def _config(marking: bool) -> dict:
    buttons = CONFIG["modeBarButtonsToRemove"] + ([] if marking else ["select2d", "lasso2d"])
    return CONFIG | {"modeBarButtonsToRemove": buttons}


# ---------------------------------------------------------------- what the browser fetches


@cache
def _served(folder: Path) -> dict[str, str] | None:
    """The names of both scripts in `folder`, put there if need be; None where that cannot be done.

    A name changes with what is in the file, so a browser may keep it for ever.
    """
    script = HERE.with_suffix(".js").read_bytes()
    library = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    names = {
        "script": f"plot-{hashlib.sha256(script).hexdigest()[:12]}.js",
        "library": f"plotly-{plotly.__version__}.min.js",
    }
    try:
        folder.mkdir(exist_ok=True)
        _put(folder / names["script"], script)
        _put(folder / names["library"], library.read_bytes())
    except OSError:
        return None
    return names


def _put(file: Path, content: bytes) -> None:
    """Write it whole or not at all: other processes may be doing the same, and browsers be reading."""
    if file.exists() and file.stat().st_size == len(content):
        return
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        os.chmod(name, 0o644)
        # Nothing says how long a browser may keep it. So it keeps it for a tenth of its age: make that decades.
        os.utime(name, (0, 0))
        os.replace(name, file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


# ---------------------------------------------------------------- what the browser sends


def _handle(key: str, event: str, read: Callable[[object], object], act: Callable[[Any], object]) -> None:
    """Hand on what came from the chart, if it has the shape of an event: anybody can send anything."""
    found = read(st.session_state[key].get(event))
    if found is not None:
        act(found)


def _click(event: object) -> Click | None:
    if not isinstance(event, Mapping):
        return None
    x, y, curve, index = (event.get(name) for name in ("x", "y", "curve", "index"))
    several = isinstance(index, (list, tuple))
    indices: tuple[Any, ...] = tuple(index) if several else (index,)
    places = all(place is None or (isinstance(place, (int, float, str)) and place == place) for place in (x, y))
    if not places or not isinstance(curve, str) or not all(_is_index(i) for i in indices):
        return None
    return Click(x, y, curve, indices if several else indices[0], event.get("custom"))


def _selection(event: Any) -> dict[str, list[int]] | None:
    try:
        found = {curve: indices for curve, indices in event}
    except (TypeError, ValueError):
        return None
    sound = all(isinstance(c, str) and isinstance(i, list) and all(map(_is_index, i)) for c, i in found.items())
    return found if sound else None


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# ---------------------------------------------------------------- without the scripts


def _plainly(figure, key, alt, height, on_click, on_select, selected) -> None:
    """The same by Streamlit's own chart, which forgets a zoom when the data change."""
    if selected:
        for trace in figure.data:
            trace.selectedpoints = list(selected.get(trace.name, []))
    modes = (["points"] if on_click else []) + (["box", "lasso"] if on_select else [])
    listening = {"on_select": partial(_handle_plainly, figure, key, on_click, on_select), "selection_mode": modes}
    st.plotly_chart(
        figure,
        key=key,
        alt=alt,
        height=height,
        config=_config(on_select is not None),
        **(listening if modes else {}),
    )


def _handle_plainly(figure, key, on_click, on_select) -> None:
    state = st.session_state[key].selection
    marked = {}
    for point in state.points:
        name = figure.data[point["curve_number"]].name or ""
        marked.setdefault(name, []).append(point["point_index"])
    if on_select and (state.box or state.lasso or not on_click or not state.points):
        on_select(marked)
    elif on_click and state.points:
        first = state.points[0]
        name = figure.data[first["curve_number"]].name or ""
        on_click(Click(first.get("x"), first.get("y"), name, first["point_index"], first.get("customdata")))
