"""A report as a short table of plain text, for a console."""

from __future__ import annotations

from gan_core.display.rows import BETTER, UNJUDGED, Row, judged, rows_of, sizes_of
from gan_core.distances.verdict import TITLES, verdict_of
from gan_core.records import Report


def report_as_text(report: Report) -> str:
    """The verdict with its sentence, and a line for each of the numbers one looks at first.

    What cannot be printed, as in a report from elsewhere, is replaced.
    """
    verdict, rows = verdict_of(report), rows_of(report)
    lines = [f"{TITLES[verdict.kind]}. {verdict.sentence}"]
    if rows:
        lines += ["", *_table(rows, judged(report)), "", sizes_of(report)]
        lines.append(f"{'; '.join(f'{arrow} {words}' for arrow, words in _arrows(rows).items())}.")
        lines += [] if judged(report) else [UNJUDGED]
    return "\n".join(map(_printable, lines))


def _table(rows: tuple[Row, ...], judged: bool) -> list[str]:
    cells = [("", "value", "", "real vs real", "z", "")] if judged else [("", "value", "", "", "", "")]
    cells += [(row.words, row.value, row.arrow, row.real, row.z, row.mark if judged else "") for row in rows]
    words, value, arrow, real, z, _ = (max(map(len, column)) for column in zip(*cells))
    return [
        f"  {a:<{words}}  {b:>{value}} {c:<{arrow}}  {d:>{real}}  {e:>{z}}  {f}".rstrip() for a, b, c, d, e, f in cells
    ]


def _arrows(rows: tuple[Row, ...]) -> dict[str, str]:
    """The arrows of the table, explained."""
    return {arrow: words for arrow, words in BETTER.items() if any(row.arrow == arrow for row in rows)}


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
