"""Anybody's samples measured against real ones: arrays or files, with no store and no run.

report = measure(real=real, fake=fake, reference=more_real)
report = measure(real="real.npy", fake=generated, space="pca64")

An array and a file that holds it give the same numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from gan_core.arrays import Array, ArrayLike
from gan_core.codec import to_unit
from gan_core.data.measured_files import FileNote, read_measured
from gan_core.distances import reference as references
from gan_core.distances import report as reports
from gan_core.distances.features import SPACES, space_of
from gan_core.distances.inputs import RealPart
from gan_core.records import MeasureError, Modes, Panel, Reference, Report

__all__ = ["SPACES", "FileNote", "Samples", "measure"]

Samples = ArrayLike | str | PathLike[str]
"""An array, whatever NumPy makes one of, or the path of a file or folder of any kind that can be uploaded."""
CALIBRATION = 0.9
"""The share of the time that real against real takes, where it is measured."""


def measure(
    *,
    real: Samples,
    fake: Samples,
    reference: Samples | Reference | None = None,
    train: Samples | None = None,
    holdout: Samples | None = None,
    modes: Modes | None = None,
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
    """Every metric of a panel of the generated samples `fake` against the samples `real`, in a feature space.

    Samples are arrays or files alike: points (n, d), or images (n, h, w) or (n, h, w, c), or images here and rows of
    their pixels there; uint8 pixels become [0, 1]. Pictures in files keep their size, unless `size` brings them to one;
    of a file with parts the test part is real, and what is broken is left out with `leave_out`. `note` is called with
    each thing that was found in the files, or done. `reference` are more real samples: with them real-vs-real is
    measured first, and all three are cut to the number of the fewest. It may also be a Reference that was measured
    before, for as many samples. `train` is what the generator was trained on, and
    `holdout` real samples it never saw, for the metrics of copying. `modes` are those that points are drawn from, if
    they are known. `k`: neighbours of the k-NN metrics; `seed`: of every random draw. `progress` is told the share that
    is done, `warn` what makes a difference that may not be meant.

    Raises MeasureError for arrays that do not fit together, for a space or panel there is not, and for images whose
    values are on different scales, and DatasetError for a file that cannot be used.
    """
    others = {"train": train, "holdout": holdout}
    if not isinstance(reference, Reference):
        others["reference"] = reference
    chosen = {"real": real, "fake": fake} | {name: x for name, x in others.items() if x is not None}
    files = {name: x for name, x in chosen.items() if isinstance(x, (str, PathLike))}
    arrays, found = read_measured(files, size=size, leave_out=leave_out)
    if note is not None:
        for one in found:
            note(one)
    given = {name: arrays[name] if name in arrays else _checked(x, name) for name, x in chosen.items()}
    if len({x.shape[1:] for x in given.values()}) > 1:  # pictures here and rows of their pixels there
        given = {name: x.reshape(len(x), -1) for name, x in given.items()}
    if reports.pairwise.count_unusable(given["fake"]):  # the generator diverged, which the report says
        return reports.measure(
            real=RealPart.of(given["real"], k=k, seed=seed), fake=given["fake"], space=space, panel=panel
        )
    for name, x in given.items():
        if name != "real":
            reports.check_ranges(real=given["real"], fake=x, names=("real", name))
            if said := reports.different_signs(real=given["real"], fake=x, names=("real", name)):
                if x.ndim == 4:
                    raise MeasureError(said)
                warn(said)
    if space != "pixels":
        if modes is not None:
            raise MeasureError(f"modes lie among the data themselves, not in the space {space!r}; leave them out")
        transform = space_of(space, train=given.get("train", given["real"]))
        given = {name: transform(x) for name, x in given.items()}
    x_real, x_fake, pool = given["real"], given["fake"], given.get("reference")
    about: dict[str, Any] = {"train": given.get("train"), "holdout": given.get("holdout"), "k": k, "seed": seed}
    known = reference if isinstance(reference, Reference) else None
    if pool is not None:
        # Real-vs-real speaks about one n only: all three are taken at the number of the fewest.
        n = min(len(x_real), len(x_fake), len(pool))
        known = references.calibrate(
            test=x_real, pool=pool, n=n, modes=modes, panel=panel, progress=_part(progress, 0, CALIBRATION), **about
        )
        x_real, x_fake = (references.test_rows(x, n, seed) for x in (x_real, x_fake))
    real_part = RealPart.of(x_real, **about)
    return reports.measure(
        real=real_part,
        fake=x_fake,
        reference=known,
        modes=modes,
        space=space,
        panel=panel,
        progress=_part(progress, CALIBRATION if pool is not None else 0.0, 1.0),
    )


def _part(progress: Callable[[float], None] | None, begin: float, end: float) -> Callable[[float], None] | None:
    """What is told the share of a part that goes from one share of the whole to another."""
    return None if progress is None else lambda share: progress(begin + (end - begin) * share)


def _checked(samples: Any, name: str) -> Array:
    """The samples in measured form, images with an axis of channels. Raises MeasureError."""
    try:
        x = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as error:  # the last is what tensors with a gradient say
        raise MeasureError(f"{name} is {type(samples).__name__}, which NumPy cannot read ({error})") from None
    if x.dtype.kind not in "buif" or x.ndim not in (2, 3, 4) or not x.size:
        raise MeasureError(f"{name} is {x.dtype} {x.shape}; give numbers, (n, d) points or (n, h, w, c) images")
    x = to_unit(x)
    return x[..., None] if x.ndim == 3 else x
