"""Samples as files: a picture for each image, a table for points, and one file of arrays for both."""

from __future__ import annotations

import io

import numpy as np

from gan_core.bundles.files import Files
from gan_core.codec import to_storage
from gan_core.pictures.png import png


def sample_files(x: np.ndarray, z: np.ndarray, labels: np.ndarray | None) -> Files:
    """Samples `x` (n, *shape) in measured form, their latents `z` (n, d), and the label `labels` (n,) of each if any.

    `samples.npz` holds all of it. Images are `images/0000.png`, or `images/LABEL/0000.png`, too; points are
    `samples.csv`.
    """
    out = io.BytesIO()
    if labels is None:
        np.savez_compressed(out, x=x.astype(np.float32), z=z)
    else:
        np.savez_compressed(out, x=x.astype(np.float32), z=z, y=labels)
    files = {"samples.npz": out.getvalue()}
    if x.ndim == 4:
        folders = [""] * len(x) if labels is None else [f"{label}/" for label in labels.tolist()]
        pictures = zip(folders, to_storage(x)[..., 0] if x.shape[3] == 1 else to_storage(x))
        return files | {f"images/{folder}{i:04}.png": png(image) for i, (folder, image) in enumerate(pictures)}
    table = io.StringIO()
    columns = [f"x{place + 1}" for place in range(x.shape[1])] + ["label"] * (labels is not None)
    rows = x.astype(np.float64) if labels is None else np.column_stack([x, labels]).astype(np.float64)
    np.savetxt(table, rows, fmt="%.9g", delimiter=",", header=",".join(columns), comments="")
    return files | {"samples.csv": table.getvalue().encode()}
