"""Array files of a person: .npy, or .npz with key x. Read without unpickling anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gan_core.codec import to_unit
from gan_core.data.tables import listed
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
                raise DatasetError(f"{file} holds {listed(keys) or 'no arrays'}; name the samples x")
            loaded = loaded["x" if "x" in keys else keys[0]]
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"{file} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise DatasetError(f"{file} says that it holds more than there is memory for; give fewer rows") from None
    except Exception as error:  # decoders raise a dozen kinds on damaged bytes, and all of them mean one thing
        # NumPy takes whatever it does not know for a pickle, and advises to unpickle it.
        why = "it is of another format, or holds Python objects" if "pickle" in str(error) else _first_line(error)
        raise DatasetError(f"{file} is not a plain .npy or .npz file of numbers ({why})") from None
    if not isinstance(loaded, np.ndarray):
        raise DatasetError(f"{file} is not a plain .npy or .npz file of numbers (a member is no .npy)")
    if loaded.dtype.kind not in "uif" or loaded.ndim not in (2, 3, 4):
        raise DatasetError(
            f"{file} holds {loaded.dtype} of shape {loaded.shape}; samples are numbers, (n, d) or (n, h, w, c)"
        )
    if not np.isfinite(loaded).all():
        raise DatasetError(f"{file} holds values that are not finite numbers (NaN or infinity)")
    x = to_unit(loaded)
    return x[..., None] if x.ndim == 3 else x


def _first_line(error: Exception) -> str:
    """What an error says, without what a decoder adds below it; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
