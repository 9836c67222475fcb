"""Array files of a person: .npy, or .npz with key x. Read without unpickling anything."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from gan_core.codec import to_unit
from gan_core.records import DatasetError


def read_array(file: str | Path) -> np.ndarray:
    """The samples of a file in measured form and in their own precision: (n, d), or (n, h, w, c) also of (n, h, w).

    Raises DatasetError for a file that cannot be read, for anything but finite real numbers, and for other shapes.
    """
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            keys = loaded.files
            if "x" not in keys and len(keys) != 1:
                raise DatasetError(f"{file} holds {', '.join(keys)}; name the samples x")
            loaded = loaded["x" if "x" in keys else keys[0]]
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        # NumPy takes whatever it does not know for a pickle, and advises to unpickle it.
        why = "it is of another format, or holds Python objects" if "pickle" in str(error) else error
        raise DatasetError(f"{file} is not a plain .npy or .npz file of numbers ({why})") from None
    if loaded.dtype.kind not in "uif" or loaded.ndim not in (2, 3, 4):
        raise DatasetError(
            f"{file} holds {loaded.dtype} of shape {loaded.shape}; samples are numbers, (n, d) or (n, h, w, c)"
        )
    if not np.isfinite(loaded).all():
        raise DatasetError(f"{file} holds values that are not finite numbers (NaN or infinity)")
    x = to_unit(loaded)
    return x[..., None] if x.ndim == 3 else x
