"""A report in a notebook and in a console: what it says, that it is light, and that nobody's text becomes markup."""

import dataclasses
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gan_core import METRICS, MetricResult, Report, record_to_json, report_as_html, report_as_text
from gan_core.display import as_html
from gan_core.distances.catalogue import VERSION
from gan_core.distances.verdict import beside
from gan_core.records import Reference

ROOT = Path(__file__).parents[2]
VALUES = {
    "energy_distance": 0.9,
    "mean_real_real": 2.0,
    "mean_fake_fake": 1.0,
    "sliced_wasserstein": 0.32,
    "symmetric_precision": 0.92,
    "coverage": 0.995,
    "nn_accuracy_real": 0.49,
    "modes_captured": 8.0,
    "frechet_distance": 7.0,
}
OF_REAL = {
    "energy_distance": (0.0, 0.001),
    "mean_fake_fake": (2.0, 0.1),
    "sliced_wasserstein": (0.3, 0.01),
    "symmetric_precision": (0.97, 0.005),
    "coverage": (0.98, 0.002),
    "nn_accuracy_real": (0.5, 0.02),
    "modes_captured": (8.0, 0.0),
}


def report_of(values=VALUES, reference=OF_REAL, **changes) -> Report:
    metrics = {
        name: MetricResult(name, value, direction=METRICS[name].better, ideal=METRICS[name].ideal)
        for name, value in values.items()
    }
    if "modes_captured" in metrics:
        metrics["modes_captured"] = dataclasses.replace(metrics["modes_captured"], ideal=8.0)
    report = Report("measured", 500, 500, 5, "pixels", 0, metrics=metrics, version=VERSION)
    known = Reference(n=500, draws=20, seed=0, metrics=reference, version=VERSION) if reference else None
    return dataclasses.replace(beside(report, known), **changes)


class Page(HTMLParser):
    """The elements of a piece of HTML with their attributes, the text, and the elements that were never closed."""

    def __init__(self, html: str):
        super().__init__()
        self.elements, self.text, self.open = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def lines_of(report: Report) -> dict[str, list[str]]:
    """The rows of the table by the field's name of the metric: the texts of their other cells."""
    rows = re.findall(r"<tr.*?</tr>", report_as_html(report))[1:]
    texts = [[text.strip() for text in Page(row).text if text.strip()] for row in rows]
    return {title: rest for _, title, *rest in texts}


# ---------------------------------------------------------------- what it says


def test_a_line_has_the_value_what_real_samples_give_and_a_mark():
    lines = lines_of(report_of())
    assert lines["Energy distance"] == ["0.9000", "↓", "0.000 ± 0.001", "off", "z > 100"]
    assert lines["Symmetric precision"] == ["0.9200", "↑", "0.970 ± 0.005", "off", "z -10.0"]
    assert lines["Coverage"] == ["0.9950", "↑", "0.980 ± 0.002", "beyond real", "z +7.5"]
    assert lines["1-NN accuracy, real"] == ["0.4900", "≈", "0.50 ± 0.02", "like real", "z -0.5"]
    assert lines["Spread"] == ["0.5000", "≈", "1.00 ± 0.05", "off", "z -10.0"]
    assert lines["Modes captured"] == ["8 of 8", "↑", "8 every time", "like real"]
    assert "Fréchet distance" not in lines  # a small table: all of them are in report.metrics


def test_the_verdict_stands_first_and_the_numbers_behind_it_last():
    text = " ".join(Page(report_as_html(report_of())).text)
    assert text.startswith("Far off The generated samples are far from real ones")
    assert "Why? Energy distance 0.9000 at n = 500; two sets of real samples" in text


def test_the_picture_is_on_one_axis_that_is_even_among_real_samples_and_logarithmic_far_away():
    # asinh(4) = 2.0947 to the left of the mean, asinh(100 / 3) = 4.1999 to the right of it; asinh(1) = 0.8814.
    assert as_html.place(0.0) == pytest.approx(2.0947 / 6.2946, abs=1e-4)
    assert as_html.place(3.0) - as_html.place(0.0) == pytest.approx(0.8814 / 6.2946, abs=1e-4)
    assert [as_html.place(x) for x in (-1e9, -12, 100, float("inf"))] == [0, 0, 1, 1]


def test_discs_lie_by_how_much_worse_they_are_and_arrows_where_that_is_beyond_the_axis():
    drawn = [attrs for tag, attrs in Page(report_as_html(report_of())).elements if tag == "svg" and "x" in attrs]
    titles = [title for title in lines_of(report_of())]
    places = {title: attrs["x"] for title, attrs in zip(titles, drawn, strict=True)}
    assert places["Energy distance"] == "100.0%"
    # Precision is 10 sd too low, and the spread 10 sd away: asinh(10 / 3) = 1.9189 to the right of the mean.
    assert places["Symmetric precision"] == places["Spread"] == f"{100 * (2.0947 + 1.9189) / 6.2946:.1f}%"
    assert places["Coverage"] == f"{100 * (2.0947 - 1.6472) / 6.2946:.1f}%"  # asinh(7.5 / 3), to the left
    html = report_as_html(report_of())
    assert html.count("<path") == 1 and html.count("<circle") == len(drawn) - 1
    assert 'aria-label="Energy distance: off, z &gt; 100"' in html


def test_without_real_against_real_there_is_no_picture_and_it_says_what_is_missing():
    html, text = (show(report_of(reference=None)) for show in (report_as_html, report_as_text))
    assert "<svg" not in html and "real vs real" not in html + text
    assert "reference=" in html and "reference=" in text
    assert text.startswith("Cannot tell yet.")


def test_a_diverged_generator_has_a_verdict_and_no_table():
    lost = report_of(values=dict.fromkeys(VALUES), status="diverged", verdict="5 numbers are not finite.")
    assert "<table" not in report_as_html(lost) and "Why?" in report_as_html(lost)
    assert report_as_text(lost).splitlines() == [report_as_text(lost)] and "diverged" in report_as_text(lost)


def test_numbers_that_are_not_finite_are_shown_without_a_mark_on_the_axis():
    values = VALUES | {"sliced_wasserstein": float("nan"), "coverage": float("inf")}
    found = lines_of(report_of(values))
    assert found["Sliced Wasserstein"][0] == "nan" and found["Coverage"][0] == "inf"
    assert "Sliced Wasserstein" not in " ".join(re.findall(r'aria-label="(.*?)"', report_as_html(report_of(values))))


# ---------------------------------------------------------------- in a console


def test_a_console_shows_a_short_table():
    lines = report_as_text(report_of()).splitlines()
    assert lines[0].startswith("Far off. The generated samples are far from real ones")
    assert lines[2].split() == ["value", "real", "vs", "real", "z"]
    assert lines[3].split("  ")[1:] == [
        "How far apart the two sets are", "", "", "", "", "0.9000 ↓", "0.000 ± 0.001", "> 100", "off",
    ]  # fmt: skip
    assert lines[-2] == "500 real and 500 generated samples, k = 5, seed 0."
    assert len({line.index("±") for line in lines if "±" in line and line.startswith("  ")}) > 0
    assert max(map(len, lines[2:])) <= 100


def test_print_and_str_give_it_and_repr_is_still_the_whole_record():
    report = report_of()
    assert str(report) == f"{report}" == report_as_text(report)
    assert repr(report).startswith("Report(status='measured', n_real=500")


def test_a_notebook_is_given_both():
    report = report_of()
    assert report._repr_mimebundle_() == {"text/plain": str(report), "text/html": report._repr_html_()}
    assert report._repr_html_() == report_as_html(report)


# ---------------------------------------------------------------- light, and safe


def test_it_is_light_and_has_no_script_and_loads_nothing():
    html = report_as_html(report_of())
    page = Page(html)
    assert len(html.encode()) < 50_000 and page.open == [] and "\n" not in html
    assert {tag for tag, _ in page.elements} <= {
        "div", "span", "table", "thead", "tbody", "tr", "th", "td", "svg", "circle", "path", "details", "summary",
    }  # fmt: skip
    names = {name for _, attrs in page.elements for name in attrs}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href")}
    assert "url(" not in html


def test_what_a_report_from_elsewhere_says_is_text_and_nothing_else():
    bad = '<img src=x onerror="alert(1)">\n\n&\x1b[2J'
    report = report_of(space=bad, verdict=bad)
    metrics = {name: dataclasses.replace(metric, verdict=bad, needs=bad) for name, metric in report.metrics.items()}
    metrics["energy_distance"] = dataclasses.replace(metrics["energy_distance"], value=None)
    for hostile in (report, dataclasses.replace(report, metrics=metrics)):
        page = Page(report_as_html(hostile))
        assert "img" not in {tag for tag, _ in page.elements} and "\n" not in report_as_html(hostile)
        assert any("<img src=x" in text for text in page.text)
        assert "\x1b" not in report_as_text(hostile)


def test_text_takes_the_colour_of_the_notebook_so_both_themes_can_read_it():
    styles = [attrs.get("style", "") for _, attrs in Page(report_as_html(report_of())).elements]
    assert not [style for style in styles if re.search(r"(^|;)color:", style)]


def test_what_is_written_to_files_is_what_it_was():
    report = report_of()
    assert json.loads(record_to_json(report)) == json.loads(json.dumps(dataclasses.asdict(report)))


def test_records_load_no_drawing_until_a_report_is_shown():
    code = "import gan_core.records, sys; print([m for m in sys.modules if m.startswith('gan_core.d')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
