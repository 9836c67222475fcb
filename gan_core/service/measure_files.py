"""Anybody's samples measured against real ones: of files or of arrays, with no store and no run.

    report = measure_samples(real=real, fake=fake, reference=more_real)
    report = measure_files(real="real.npy", fake="fake.npz", space="pca64")

The same arrays give the same numbers through both.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_core.data.measured_files import FileNote, read_measured
from gan_core.distances import reference as references
from gan_core.distances.features import SPACES, space_of
from gan_core.distances.inputs import RealPart
from gan_core.distances.report import check_ranges, different_signs, measure
from gan_core.records import MeasureError, Panel, Report

__all__ = ["SPACES", "FileNote", "measure_files", "measure_samples"]

CALIBRATION = 0.9
"""The share of the time that real against real takes, where it is measured."""


def measure_files(
    *,
    real: str | Path,
    fake: str | Path,
    reference: str | Path | None = None,
    train: str | Path | None = None,
    holdout: str | Path | None = None,
    size: int | None = None,
    leave_out: bool = False,
    note: Callable[[FileNote], None] | None = None,
    space: str = "pixels",
    panel: Panel = "full",
    k: int = 5,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Report:
    """`measure_samples` of files and folders of any kind that can be uploaded.

    Pictures keep their size, unless `size` brings them to one; of a file with parts the test part is real. What is
    broken is left out with `leave_out`. `note` is called with each thing that was found in the files, or done. Raises
    what `measure_samples` does, and DatasetError for a file that cannot be used.
    """
    given = {"real": real, "fake": fake, "reference": reference, "train": train, "holdout": holdout}
    files = {name: file for name, file in given.items() if file is not None}
    arrays, found = read_measured(files, size=size, leave_out=leave_out)
    if note is not None:
        for one in found:
            note(one)
    return measure_samples(
        real=arrays["real"],
        fake=arrays["fake"],
        reference=arrays.get("reference"),
        train=arrays.get("train"),
        holdout=arrays.get("holdout"),
        space=space,
        panel=panel,
        k=k,
        seed=seed,
        progress=progress,
        warn=warn,
    )


def measure_samples(
    *,
    real: np.ndarray,
    fake: np.ndarray,
    reference: np.ndarray | None = None,
    train: np.ndarray | None = None,
    holdout: np.ndarray | None = None,
    space: str = "pixels",
    panel: Panel = "full",
    k: int = 5,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Report:
    """Every metric of a panel of `fake` against `real`, in a feature space.

    All are samples in measured form: points (n, d) or images (n, h, w, c), or images here and rows of their pixels
    there. `reference` are more real samples: with them real-vs-real is measured first, and all three are cut to the
    number of the fewest. `train` is what the generator was trained on, and `holdout` real samples it never saw, for the
    metrics of copying. `progress` is told the share that is done, `warn` what makes a difference that may not be meant.
    Raises MeasureError for arrays that do not fit together, for a space or panel there is not, and for images whose
    values are on different scales.
    """
    arrays = dict(real=real, fake=fake, reference=reference, train=train, holdout=holdout)
    given = {name: x for name, x in arrays.items() if x is not None}
    if len({x.shape[1:] for x in given.values()}) > 1:  # pictures here and rows of their pixels there
        given = {name: x.reshape(len(x), -1) for name, x in given.items()}
    for name, x in given.items():
        if name != "real":
            check_ranges(real=given["real"], fake=x, names=("real", name))
            if said := different_signs(real=given["real"], fake=x, names=("real", name)):
                if x.ndim == 4:
                    raise MeasureError(said)
                warn(said)
    if space != "pixels":
        transform = space_of(space, train=given.get("train", given["real"]))
        given = {name: transform(x) for name, x in given.items()}
    real, fake, pool = given["real"], given["fake"], given.get("reference")
    train, holdout, known = given.get("train"), given.get("holdout"), None
    if pool is not None:
        # Real-vs-real speaks about one n only: all three are taken at the number of the fewest.
        n = min(len(real), len(fake), len(pool))
        known = references.calibrate(
            test=real,
            pool=pool,
            n=n,
            train=train,
            holdout=holdout,
            panel=panel,
            k=k,
            seed=seed,
            progress=None if progress is None else lambda share: progress(CALIBRATION * share),
        )
        real, fake = (references.test_rows(x, n, seed) for x in (real, fake))
    real_part = RealPart.of(real, train=train, holdout=holdout, k=k, seed=seed)
    done = CALIBRATION if known else 0.0
    return measure(
        real=real_part,
        fake=fake,
        reference=known,
        space=space,
        panel=panel,
        progress=None if progress is None else lambda share: progress(done + (1 - done) * share),
    )
