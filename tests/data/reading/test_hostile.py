"""Files of the newer kinds that somebody may choose to harm a server: refused in one sentence, and in little memory."""

import gzip
import io
import struct
import tracemalloc
import warnings

import numpy as np
import openpyxl
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from gan_core.data.uploads import read_upload
from gan_core.records import DatasetError
from tests.data.files import encoded, zipped

MB = 2**20


def parquet_of(**columns) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), stream, use_dictionary=False)
    return stream.getvalue()


def excel_of(rows) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def swollen_excel() -> bytes:
    """A workbook whose sheet unpacks to more than may be."""
    import zipfile

    stream = io.BytesIO(excel_of([[1.0, 2.0]] * 3))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(201 * MB))
    return stream.getvalue()


REFUSED = {
    "gzip bomb": (lambda: gzip.compress(bytes(201 * MB)), "a.csv.gz", "unpacks to over 200.0 MB"),
    "gzip cut off": (lambda: gzip.compress(b"1,2\n" * 999)[:-20], "a.csv.gz", "damaged"),
    "no gzip": (lambda: b"1,2\n", "a.csv.gz", "damaged"),
    "workbook bomb": (swollen_excel, "a.xlsx", "would unpack to"),
    "no workbook": (lambda: b"hello", "a.xlsx", "damaged"),
    "empty workbook": (lambda: excel_of([]), "a.xlsx", "workbook is empty"),
    "archive called workbook": (lambda: zipped({"a.txt": b"1"}), "a.xlsx", "damaged"),
    "no parquet": (lambda: b"PAR1" + bytes(99) + b"PAR1", "a.parquet", "damaged"),
    "very many rows": (lambda: parquet_of(a=np.zeros(3_000_000, np.int8)), "a.parquet", "3000000 rows; give at most"),
    "swollen parquet": (
        lambda: parquet_of(**{f"c{i}": np.zeros(900_000) for i in range(32)}), "a.parquet", "unpacks to",
    ),
    "idx of terabytes": (lambda: struct.pack(">BBBBII", 0, 0, 8, 2, 2**31, 2**31), "a-ubyte", "bytes but 0 follow"),
    "idx cut off": (lambda: b"\0\0\x08\x03\0", "a-ubyte", "ends within its header"),
    "no idx": (lambda: b"hello", "a-ubyte", "does not begin as an IDX file"),
    "a pickle": (lambda: b"\x80\x04.", "a.pkl", "never opened"),
    "a picture": (lambda: encoded(Image.new("L", (8, 8))), "a.png", "one picture is one sample"),
    "a quotation without an end": (lambda: b'a,b\n"1,2\n' + b"1,2\n" * 300, "a.csv", "Line 2 opens a quotation"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_sentence_and_little_memory(case):
    make, name, said = REFUSED[case]
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=said) as caught:
            read_upload(data, name)
        assert tracemalloc.get_traced_memory()[1] < 250 * MB
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".") and len(str(caught.value)) < 500


SEEDS = {
    "a.xlsx": excel_of([["a", "b"], *np.random.default_rng(0).normal(size=(260, 2)).tolist()]),
    "a.parquet": parquet_of(a=np.arange(260.0), b=np.random.default_rng(0).normal(size=260)),
    "a.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n" * 260),
    "a-ubyte": struct.pack(">BBBBIII", 0, 0, 8, 3, 260, 2, 2) + bytes(1040),
}


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_damaged_files_end_in_a_sentence(name, draw):
    data = bytearray(SEEDS[name])
    for at in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=8)):
        data[at] = draw.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read_upload(bytes(data[: draw.draw(st.integers(len(data) // 2, len(data)))]), name, size=8)
        except DatasetError as error:
            assert str(error)
