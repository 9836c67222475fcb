"""Files by name that belong together: as one zip, beside each other in a folder, and what they are called."""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

Files = Mapping[str, bytes]
"""The bytes of each file by its name; folders are in the names, with /."""

LONGEST_STEM = 60
FIXED_TIME = (2014, 6, 10, 0, 0, 0)
"""Of every file in a zip, so that the same content gives the same bytes."""
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
"""What no file may be called on Windows."""


def zipped(files: Files) -> bytes:
    """A zip file of them; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unzipped(data: bytes) -> Files:
    """The files in a zip that `zipped` has written; not for strangers' ones, whose sizes nobody has checked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def placed(files: Files, out: Path, *, main: str) -> dict[Path, bytes]:
    """Where each file goes that a person wants at `out`, by what this ends in.

    `.zip`: all of them in one file. The ending of the file `main`: that file is there, and the others are beside it,
    called after it. Anything else is a folder for all of them. A file whose text names `main` names it as it is called
    there.
    """
    if out.suffix == ".zip":
        return {out: zipped(files)}
    ending = PurePosixPath(main).suffix
    if out.suffix != ending:
        return {out / name: data for name, data in files.items()}
    found = {out: files[main]}
    for name, data in files.items():
        if name != main:
            beside = PurePosixPath(name)
            there = out.with_suffix(beside.suffix) if len(beside.parts) == 1 else out.with_suffix("") / beside
            called = json.dumps(out.name)[1:-1].encode()  # within quotes
            found[there] = data.replace(main.encode(), called) if beside.suffix == ".py" else data
    return found


def file_stem(name: str, id: str) -> str:
    """What a file of a run is called before its ending: the run's name as every disk takes it, then the run's id.

    Anybody may have given the name: letters, digits, and hyphens for all else are left of it, in ASCII.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:LONGEST_STEM].strip("-")
    return "-".join(part for part in (words if words not in RESERVED else "run", id) if part)
