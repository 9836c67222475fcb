"""A report as a file: every name in it is text, its policy lets nothing else run, and it is as small as it says."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from gan_core.records import GanometerError, Snapshot
from gan_core.reports.html_page import html_of
from gan_core.reports.pictures import pictures_of
from gan_core.reports.run_report import LARGEST, ROOM_FOR_PICTURES
from tests.reports.documents import HOSTILE, document, run_report, snapshots


class Read(HTMLParser):
    """The tags of a page with their attributes, the text in each kind of tag, and the scripts."""

    def __init__(self, page: bytes):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.within = [], {}, []
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input", "br"):
            self.within.append(tag)

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data):
        if self.within:
            self.text.setdefault(self.within[-1], []).append(data)


def shape_of(page: bytes) -> list[tuple[str, tuple[str, ...]]]:
    return [(tag, tuple(sorted(attributes))) for tag, attributes in Read(page).tags]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_adds_no_tag_and_no_attribute(text):
    for names in ((text,), (text, "other")):
        plain = ["digits", *names[1:]]
        page = html_of(document(*names))
        assert shape_of(page) == shape_of(html_of(document(*plain)))
        read, shown = Read(page), text.encode("utf-8", "replace").decode()
        texts = ["".join(parts) for parts in read.text.values()]
        assert any(shown in part for part in texts), "it is told as it is"
        assert not any(name.startswith("on") or name == "style" for _, attributes in read.tags for name in attributes)
        drawn = json.loads(re.search(rb'id="drawn">(.*?)</script>', page, re.DOTALL)[1])
        assert len(drawn["runs"]) == len(names) and drawn["runs"][0]["charts"][0]["lines"][0]["steps"][:2] == [0, 40]


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else():
    read = Read(html_of(document("digits", "mnist")))
    policy = next(a["content"] for tag, a in read.tags if tag == "meta" and a.get("http-equiv"))
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    hashes = {}
    for tag in ("style", "script"):
        text = read.text[tag][-1]
        hashes[tag] = f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert parts == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": hashes["style"],
        "script-src": hashes["script"],
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    urls = [value for _, a in read.tags for name, value in a.items() if name in ("src", "href")]
    assert urls and all(url.startswith(("data:image/png;base64,", "#run-")) for url in urls)
    assert "http://" not in "".join(read.text["style"]) and "@import" not in "".join(read.text["style"])


@pytest.mark.parametrize(("shape", "steps"), [((64, 64, 3), 48), ((28, 28, 1), 48), ((2,), 48)])
def test_pictures_of_all_steps_have_room_and_the_last_is_always_there(shape, steps):
    """Noise is what no format packs."""
    kept = snapshots(steps, shape, 64)
    for room in (ROOM_FOR_PICTURES, ROOM_FOR_PICTURES // 12):
        found = pictures_of(kept, real=None, room=room)
        assert found.shown[-1].step == 10 * (steps - 1) and found.kept == steps
        assert [picture.step for picture in found.shown] == sorted(picture.step for picture in found.shown)
        assert sum(len(picture.url) for picture in found.shown) <= room and len(found.shown) >= 3
    page = html_of(document("digits", pictures=pictures_of(kept, real=None, room=ROOM_FOR_PICTURES)))
    assert len(page) <= LARGEST == 5 * 2**20


def test_a_file_that_would_be_too_large_is_refused():
    huge = pictures_of([Snapshot("r", 0, np.zeros((64, 8, 8, 1), np.uint8))], real=None, room=10)
    with pytest.raises(GanometerError, match="5 MB are the most: choose fewer runs"):
        html_of(document("digits", pictures=huge, notes=("x" * LARGEST,)))


def test_what_is_not_there_yet_is_said():
    nothing = dict(numbers=(), charts=(), pictures=pictures_of([], real=None, room=9), real_picture="", findings=())
    page = html_of(document("digits", **nothing)).decode()
    for words in ("No samples have been kept yet.", "Nothing has been measured yet.", "The event log is empty."):
        assert words in page


def test_a_value_that_is_no_number_is_a_gap():
    report = run_report()
    values = report.charts[0].lines[0].values
    assert all(isinstance(value, float) for value in values)
    assert "NaN" not in html_of(document("digits")).decode().split('id="drawn">')[1].split("</script>")[0]
