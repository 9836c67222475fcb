"""Files of people, made in memory."""

import io
import zipfile

import numpy as np
from PIL import Image


def npy(array, **how) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **how)
    return stream.getvalue()


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def encoded(picture, kind="PNG", **how) -> bytes:
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    picture.save(stream, kind, **how)
    return stream.getvalue()


def zipped(members, method=zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def table(rows, header=None, delimiter=",") -> bytes:
    lines = ([header] if header else []) + [delimiter.join(map(str, row)) for row in rows]
    return "\n".join(lines).encode()


def texts(upload) -> str:
    """All that is said of a file."""
    return " ".join(note.text for note in upload.notes)
