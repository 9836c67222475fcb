"""The notebook of the documentation runs, and shows what is kept of it; the page is made of that."""

import re

import pytest

from benchmarks import notebook

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def shown(cell) -> list[tuple[str, str]]:
    """What a cell shows: the kind and the text of each output."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data") or {output["name"]: output["text"]}
        found += sorted(data.items())
    return found


def words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    return NUMBER.split(text), [float(number) for number in NUMBER.findall(text)]


def test_every_cell_of_it_was_run_and_none_failed():
    cells = notebook.read().cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for cell in code for output in cell.outputs} == {"execute_result", "stream"}
    assert {output.get("name", "stdout") for cell in code for output in cell.outputs} == {"stdout"}


def test_its_reports_are_shown_as_a_table_with_a_picture():
    html = [text for cell in notebook.read().cells for kind, text in shown(cell) if kind == "text/html"]
    assert len(html) == 3 and all("<table" in text and "<svg" in text for text in html)


@pytest.mark.slow
def test_a_kernel_shows_what_is_kept():
    """Words are the same; numbers, which another processor may round in another way, nearly so."""
    kept = notebook.read()
    again = notebook.executed(kept)
    assert len(again.cells) == len(kept.cells)
    for before, after in zip(kept.cells, again.cells):
        assert [kind for kind, _ in shown(after)] == [kind for kind, _ in shown(before)], before.source
        for (_, old), (_, new) in zip(shown(before), shown(after)):
            (words, numbers), (words_now, numbers_now) = words_and_numbers(old), words_and_numbers(new)
            assert words_now == words, before.source
            assert numbers_now == pytest.approx(numbers, rel=0.05, abs=0.11), before.source
