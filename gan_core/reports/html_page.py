"""A report as one HTML file: it needs no network, runs on a disk, and trusts no name in it.

All text goes through the template's one function for escaping, and what the script reads is JSON in which no tag can
begin. The page's own policy allows its one style and its one script by their hashes, pictures inside the page, and
nothing else: whatever slipped through could neither run nor ask anybody for anything.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gan_core.records import GanometerError
from gan_core.reports.run_report import LARGEST, Document

HERE = Path(__file__).parent


def html_of(document: Document) -> bytes:
    """The file in UTF-8. Raises GanometerError where it would be larger than `LARGEST`."""
    drawn = {"charts": [asdict(chart) for chart in document.together], "runs": []}
    for run in document.runs:
        pictures = [[picture.step, picture.url] for picture in run.pictures.shown]
        drawn["runs"].append({"charts": [asdict(chart) for chart in run.charts], "pictures": pictures})
    style, script = (_part(name) for name in ("report.css", "report.js"))
    page = _template().render(
        document=document,
        title=", ".join(run.name for run in document.runs),
        drawn=drawn,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    data = page.encode("utf-8", "replace")
    if len(data) > LARGEST:
        raise GanometerError(
            f"the report would have {len(data) / 2**20:.1f} MB, and {LARGEST / 2**20:.0f} MB are the most: "
            "choose fewer runs"
        )
    return data


@cache
def _template():  # noqa: ANN202
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["date"] = lambda time: f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"
    return environment.get_template("report.html")


@cache
def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
