"""A file or a folder -> its contents, by its name: the one door for uploads and measurements.

contents = read_contents(Source("cats.zip", path), ReadOptions(size=28), notes)
"""

from __future__ import annotations

from pathlib import Path

from gan_core.data.reading import archives, arrays, endings
from gan_core.data.reading.archives import Member
from gan_core.data.reading.contents import LARGE, Contents, Limits, Progress, ReadOptions
from gan_core.data.reading.endings import ending_of, unknown_kind
from gan_core.data.reading.idx import parse_idx
from gan_core.data.reading.notes import LABELS, Notes
from gan_core.data.reading.source import Source, gunzipped
from gan_core.data.safe_archives import parse_npy
from gan_core.records import DatasetError


def _ignore(share: float) -> None:
    pass


def read_contents(
    source: Source, options: ReadOptions, notes: Notes, limits: Limits = LARGE, progress: Progress = _ignore
) -> Contents:
    """What a file or a folder holds. Raises DatasetError, which says what is wrong with it."""
    if isinstance(source.place, Path) and source.place.is_dir():
        return _read_members(archives.members_of_folder(source.place), options, notes, limits, progress, "folder")
    ending = ending_of(source.name)
    if not ending:
        raise unknown_kind(source.name)
    data = source.bytes()
    if ending == ".zip":
        return _read_members(archives.members_of_zip(data, limits), options, notes, limits, progress, "archive")
    return _read_file(data, ending, options, notes, limits, progress)


def _read_members(
    members: list[Member], options: ReadOptions, notes: Notes, limits: Limits, progress: Progress, what: str
) -> Contents:
    def read_one(member: Member) -> Contents:
        return _read_file(member.read(), ending_of(member.name), options, notes, limits, progress)

    return archives.read_members(members, notes, limits, read_one, what)


def _read_file(
    data: bytes, ending: str, options: ReadOptions, notes: Notes, limits: Limits, progress: Progress
) -> Contents:
    """A single file that is no archive of files; what reads it is imported here, since most of it is large."""
    if not data:
        raise DatasetError("The file is empty (0 bytes); save it again.")
    if ending.endswith(".gz"):
        data, ending = gunzipped(data, limits.unpacked), ending.removesuffix(".gz")
    if ending in endings.TEXTS:
        from gan_core.data.reading.text_tables import read_text_table

        return read_text_table(data, ending, options, notes, progress)
    if ending == ".parquet":
        from gan_core.data.reading.parquet import read_parquet

        return read_parquet(data, limits, options, notes)
    if ending == ".xlsx":
        from gan_core.data.reading.excel import read_excel

        return read_excel(data, limits, options, notes, progress)
    if ending == ".npz":
        return arrays.read_npz(data, limits, options, notes)
    if ending == ".npy":
        return Contents(parse_npy(data))
    x = parse_idx(data)
    if x.ndim > 1:
        notes.add(LABELS, "The labels of IDX images lie in a file of their own: zip both files to have them.")
    return Contents(x)
