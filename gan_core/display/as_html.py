"""A report as HTML for a notebook: the verdict, a table, and how far each number lies from those of real samples.

It stands on whatever ground the notebook has: text and lines take its colour, and only marks have their own. There is
no script and no style sheet, which some viewers take away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from gan_core.display.rows import BETTER, UNJUDGED, Row, judged, rows_of, sizes_of
from gan_core.distances.verdict import NOTABLE, TITLES, verdict_of
from gan_core.pictures.colours import BOTH, FAKE, GREY, REAL
from gan_core.records import Report, Verdict, VerdictKind

CHIPS: Mapping[VerdictKind, str] = {
    "like_real": "#1f9d57",
    "nearly": REAL,
    "far_off": FAKE,
    "collapsed": "#d64545",
    "copies": BOTH,
    "cannot_tell": GREY,
}
"""The colour of each verdict, as on the pages."""
AXIS = (-12.0, 100.0)
"""Standard deviations towards worse, at both ends of the axis of the picture; what lies beyond is an arrow there."""
PICTURE_WIDTH = 130
"""Of the column with the picture, in pixels, at least."""

_SMALL = "font-size:.85em;opacity:.8"
_CELL = "padding:3px 10px 3px 0;text-align:left;vertical-align:middle;border:0;background:none"
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"


def report_as_html(report: Report) -> str:
    """The report as one <div> without blank lines. All text in it is escaped, whoever wrote the report."""
    rows, known = rows_of(report), judged(report)
    parts = [_verdict(verdict_of(report))]
    if rows:
        parts.append(_table(rows, pictured=any(row.worse is not None for row in rows)))
        parts.append(_small(" ".join([sizes_of(report), _legend(rows)] + ([] if known else [UNJUDGED]))))
    if report.verdict:
        summary = '<summary style="cursor:pointer">Why?</summary>'
        parts.append(f'<details style="margin-top:6px">{summary}{_said(report.verdict)}</details>')
    return f'<div style="max-width:64em;line-height:1.4">{"".join(parts)}</div>'


def place(worse: float) -> float:
    """Where a number of standard deviations stands on the axis, 0 at its left end and 1 at its right one.

    The scale is even among real samples and logarithmic far from them (asinh).
    """
    low, high, at = (math.asinh(x / NOTABLE) for x in (*AXIS, min(max(worse, AXIS[0]), AXIS[1])))
    return (at - low) / (high - low)


def _verdict(verdict: Verdict) -> str:
    colour = CHIPS[verdict.kind]
    chip = (
        f"display:inline-block;padding:1px 10px;margin-right:8px;border:1px solid {colour};border-radius:99px;"
        f"background:{colour}33;font-weight:600"
    )
    return f'<div><span style="{chip}">{TITLES[verdict.kind]}</span>{_said(verdict.sentence)}</div>'


def _table(rows: tuple[Row, ...], *, pictured: bool) -> str:
    heads = [f'<td style="{_CELL}"></td>']
    heads += [f'<th scope="col" style="{_ground()};font-weight:400">{_axis()}</th>'] if pictured else []
    titles = ["value", "", "real vs real", ""] if pictured else ["value", ""]
    heads += [f'<th scope="col" style="{_NUMBER};font-weight:600">{t}</th>' if t else heads[0] for t in titles]
    body = "".join(f'<tr style="background:none">{_line(row, pictured)}</tr>' for row in rows)
    style = "border-collapse:collapse;border:0;margin:8px 0;font-size:.95em;display:table;width:auto"
    return (
        f'<div style="overflow-x:auto"><table class="ganometer" style="{style}">'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _line(row: Row, pictured: bool) -> str:
    words = f'{escape(row.words)} <span style="{_SMALL};white-space:nowrap">{escape(row.title)}</span>'
    arrow = f'<span title="{BETTER[row.arrow]}">{row.arrow}</span>' if row.arrow in BETTER else ""
    cells = [f'<th scope="row" style="{_CELL};font-weight:400">{words}</th>']
    cells += [f'<td style="{_ground()}">{_dot(row)}</td>'] if pictured else []
    cells += [f'<td style="{_NUMBER};padding-left:10px">{escape(row.value)}</td><td style="{_CELL}">{arrow}</td>']
    if pictured:
        weight = ";font-weight:700" if row.mark in ("off", "beyond real") else ""
        z = f' <span style="{_SMALL}">z {escape(row.z)}</span>' if row.z else ""
        cells += [
            f'<td style="{_NUMBER}">{escape(row.real)}</td>',
            f'<td style="{_CELL};white-space:nowrap{weight}">{row.mark}{z}</td>',
        ]
    return "".join(cells)


def _ground() -> str:
    """The style of a cell of the picture: the band of real samples behind it, which runs through all lines."""
    left, middle, right = (f"{100 * place(x):.1f}%" for x in (-NOTABLE, 0, NOTABLE))
    band, line = f"{REAL}40", f"{REAL}b0"
    return (
        f"min-width:{PICTURE_WIDTH}px;width:220px;padding:0;border:0;vertical-align:middle;background:linear-gradient(90deg,"
        f"transparent {left},{band} {left} {middle},{line} {middle} calc({middle} + 1px),"
        f"{band} calc({middle} + 1px) {right},transparent {right})"
    )


def _axis() -> str:
    """What the three parts of the axis are, above them."""
    low, high = 100 * place(-NOTABLE), 100 * place(NOTABLE)
    widths = {"closer": low, "real": high - low, "worse →": 100 - high}
    style = "display:flex;justify-content:center;white-space:nowrap"  # a word may be wider than its part
    parts = "".join(f'<span style="{style};width:{width:.1f}%">{title}</span>' for title, width in widths.items())
    return f'<span style="display:flex;font-size:.75em">{parts}</span>'


def _dot(row: Row) -> str:
    """How far a number lies from those of real samples: a disc, or an arrow where that is beyond the axis."""
    if row.worse is None or math.isnan(row.worse):
        return ""
    inside = AXIS[0] < row.worse < AXIS[1]
    shape = '<circle r="5"/>' if inside else f'<path d="M{"-8-6L4 0L-8 6" if row.worse > 0 else "8-6L-4 0L8 6"}Z"/>'
    said = f"{row.title}: {row.mark}{f', z {row.z}' if row.z else ''}"
    return (
        f'<svg role="img" aria-label="{escape(said)}" width="100%" height="18" style="display:block;overflow:visible">'
        f'<svg x="{100 * place(row.worse):.1f}%" y="9" overflow="visible" fill="{FAKE}">{shape}</svg></svg>'
    )


def _legend(rows: tuple[Row, ...]) -> str:
    arrows = [f"{arrow} {words}" for arrow, words in BETTER.items() if any(row.arrow == arrow for row in rows)]
    text = f"{', '.join(arrows)}."
    if any(row.worse is not None for row in rows):
        text += (
            f" Blue: two sets of real samples, {NOTABLE:g} standard deviations to each side of their mean. Orange: the "
            f"generated samples; an arrow where they are more than {AXIS[1]:g} standard deviations worse."
        )
    return text


def _small(text: str) -> str:
    return f'<div style="{_SMALL}">{_said(text)}</div>'


def _said(text: str) -> str:
    """A text of the report, on one line, as text and not as markup."""
    return escape(" ".join(text.split()))
