"""One array, one number: from a file, from an upload and from Python, in the precision it came in.

The oracle is brute force in float64 on data moved back to the origin: all distances at once, by SciPy.
"""

import io
import json
from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_core import cli
from gan_core.codec import to_storage
from gan_core.data.datasets import dataset_from_bytes, dataset_to_bytes
from gan_core.data.uploads import dataset_from_upload, read_upload
from gan_core.distances import corruptions
from gan_core.distances.energy import mmd_polynomial
from gan_core.distances.inputs import RealPart
from gan_core.distances.pairwise import within
from gan_core.distances.report import measure
from gan_core.jobs import measurement
from gan_core.jobs.measure_parameters import MeasureParameters
from gan_core.records import MeasureError

K = 5


def from_files(tmp_path, capsys, **arrays) -> dict[str, float]:
    options = []
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        options += [f"--{name}", str(tmp_path / f"{name}.npy")]
    assert cli.main(["measure", *options, "--panel", "live", "--k", str(K), "--json"]) == 0
    return {name: metric["value"] for name, metric in json.loads(capsys.readouterr().out)["metrics"].items()}


def from_python(*, real, fake) -> dict[str, float]:
    return {name: metric.value for name, metric in measure(real=RealPart.of(real, k=K), fake=fake).metrics.items()}


def brute_force(real, fake) -> dict[str, float]:
    """By the definitions in catalogue.py, with every pair in memory; n = m."""
    n = len(real)
    rr, ff, rf = cdist(real, real), cdist(fake, fake), cdist(real, fake)
    means = rr.sum() / (n * (n - 1)), ff.sum() / (n * (n - 1)), rf.mean()
    v = 2 * means[2] - (means[0] + means[1]) * (n - 1) / n
    np.fill_diagonal(rr, np.inf)
    np.fill_diagonal(ff, np.inf)
    ours, theirs = (np.sort(x, axis=1)[:, K - 1] for x in (rr, ff))
    in_real, in_fake = rf <= ours[:, None], rf <= theirs
    precision, recall = in_real.any(axis=0).mean(), in_fake.any(axis=1).mean()
    coverage, complement = in_real.any(axis=1).mean(), in_fake.any(axis=0).mean()
    return {
        "energy_distance": 2 * means[2] - means[0] - means[1],
        "energy_coefficient": v / (2 * means[2]),
        "mean_real_real": means[0],
        "mean_fake_fake": means[1],
        "mean_real_fake": means[2],
        "nn_accuracy_real": np.mean(rr.min(axis=1) < rf.min(axis=1)),
        "nn_accuracy_fake": np.mean(ff.min(axis=1) < rf.min(axis=0)),
        "chamfer_real_to_fake": np.mean(rf.min(axis=1) ** 2),
        "chamfer_fake_to_real": np.mean(rf.min(axis=0) ** 2),
        "minimum_matching_distance": rf.min(axis=1).mean(),
        "matching_coverage": len(np.unique(rf.argmin(axis=0))) / n,
        "precision": precision,
        "recall": recall,
        "density": in_real.sum() / (K * n),
        "coverage": coverage,
        "symmetric_precision": min(precision, complement),
        "symmetric_recall": min(recall, coverage),
    }


def drawn(n, d=2, *, offset=0.0, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return {name: offset + scale * rng.uniform(-1, 1, (n, d)) for name in ("real", "fake")}


def test_files_of_points_far_from_the_origin_are_measured_in_float64(tmp_path, capsys):
    points = drawn(500, offset=1e3, scale=0.05)
    found = from_files(tmp_path, capsys, **points)
    assert found == from_python(**points)
    near = {name: x - 1e3 for name, x in points.items()}  # exact: both numbers are within a factor of two
    expected = brute_force(**near)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "offset, scale", [(0, 1), (1e6, 1), (-1e9, 3), (0, 1e-12), (1e-6, 1e-15), (0, 1e12), (1e15, 1e9)]
)
@pytest.mark.parametrize("n, d", [(300, 3), (300, 20), (2100, 3), (2100, 20)])
def test_neither_place_nor_unit_costs_digits(tmp_path, capsys, offset, scale, n, d):
    points = drawn(n, d, offset=offset, scale=scale)
    found = from_files(tmp_path, capsys, **points)
    assert found == from_python(**points)
    expected = brute_force(**{name: x - offset for name, x in points.items()})
    sums = ("energy_distance", "energy_coefficient", "mean_real_real", "mean_fake_fake", "mean_real_fake")
    for name, value in expected.items():
        # The sums of more than 2,000 rows are taken in float32, about the centre of the data.
        error = 1e-6 if n > 2000 and name in sums else 1e-12
        of = {"energy_distance": expected["mean_real_fake"], "energy_coefficient": 1.0}.get(name, value)
        assert found[name] == pytest.approx(value, rel=1e-9, abs=10 * error * of), name


@pytest.mark.parametrize(
    "offset, scale", [(1e3, 0.05), (1e6, 1), (-1e9, 3), (0, 1e-12), (0, 1e12), (0.3, 1), (2, 0.01)]
)
def test_the_cubic_kernel_agrees_with_exact_fractions(offset, scale):
    points = drawn(12, 3, offset=offset, scale=scale)
    real, fake = ([[Fraction(v) for v in row] for row in x.tolist()] for x in points.values())

    def mean(a, b, pairs):
        return sum((sum(v * w for v, w in zip(x, y)) / 3 + 1) ** 3 for x in a for y in b if x is not y) / pairs

    expected = mean(real, real, 12 * 11) + mean(fake, fake, 12 * 11) - 2 * mean(real, fake, 144)
    assert mmd_polynomial(**points) == pytest.approx(float(expected), rel=1e-9, abs=0)


@pytest.mark.parametrize("kind", ["i8", "u8", ">i4", "f2", ">f8", "i2", "g"])
def test_every_type_of_number_keeps_its_digits(tmp_path, capsys, kind):
    top = {"i8": 2**40, "u8": 2**40, ">i4": 2**30, "i2": 2**14}.get(kind, 0)
    points = {name: (x + top).astype(kind) for name, x in drawn(300, scale=1000).items()}
    expected = from_python(**{name: x.astype(np.float64) for name, x in points.items()})
    assert from_files(tmp_path, capsys, **points) == expected == from_python(**points)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_infinity_is_found_in_every_type(kind):
    points = {name: x.astype(kind) for name, x in drawn(30).items()}
    points["fake"][3, 1] = np.inf
    assert measure(**points).status == "diverged"
    with pytest.raises(MeasureError, match="1 of 60 values"):
        measure(real=points["fake"], fake=points["real"])


def npy(x) -> bytes:
    stream = io.BytesIO()
    np.save(stream, x)
    return stream.getvalue()


def test_an_upload_gives_the_numbers_of_a_file_and_of_python(tmp_path, capsys):
    points = drawn(1500, offset=0.2, scale=0.05)
    upload = read_upload(npy(points["real"]), "mine.npy")
    dataset = dataset_from_bytes(dataset_to_bytes(dataset_from_upload(upload, "mine")), "mine")
    request = MeasureParameters(len(dataset.test))
    side = measurement.real_part(dataset, request, measurement.transform_for(None, dataset, request.space))
    places = {row.tobytes(): i for i, row in enumerate(points["real"])}
    real = points["real"][[places[row.tobytes()] for row in side.rows]]  # the very rows of the file
    fake = points["fake"][: len(real)]
    page = {name: metric.value for name, metric in measure(real=side, fake=fake).metrics.items()}
    found = from_files(tmp_path, capsys, real=real, fake=fake)
    measured = {name for name, value in found.items() if value is not None}
    assert found == from_python(real=real, fake=fake)
    assert {name: page[name] for name in measured} == {name: found[name] for name in measured}


def test_an_upload_takes_no_more_room_than_its_digits_need():
    real = drawn(300)["real"]
    assert read_upload(npy(real.astype(np.float32).astype(np.float64)), "mine.npy").x.dtype == np.float32
    assert read_upload(npy(np.rint(1000 * real).astype(np.int64)), "mine.npy").x.dtype == np.float32
    exact = read_upload(npy(real), "mine.npy").x
    assert exact.dtype == np.float64 and (exact == real).all()
    large = (2**26 + np.rint(1000 * real)).astype(np.int64)
    assert (np.ptp(read_upload(npy(large), "mine.npy").x - large, axis=0) == 0).all()


def test_what_is_trained_on_and_shown_is_float32():
    dataset = dataset_from_upload(read_upload(npy(drawn(300)["real"]), "mine.npy"), "mine")
    assert to_storage(dataset.train.x).dtype == dataset.info().preview.dtype == np.float32
    assert dataset_from_bytes(dataset_to_bytes(dataset), "mine").sha256 == dataset.sha256


def test_an_upload_far_from_zero_is_moved_to_where_float32_keeps_its_digits():
    def read(**where):
        real = drawn(300, **where)["real"]
        return real, read_upload(npy(real), "mine.npy")

    for where in ({}, dict(offset=10), dict(scale=1e-12), dict(scale=1e12), dict(offset=1e6, scale=1e6)):
        real, upload = read(**where)
        assert np.array_equal(upload.x, real) and not any("float32" in note.text for note in upload.notes)
    for offset in (1e6, -1e9):
        real, upload = read(offset=offset)
        sign = "-" if offset > 0 else "+"
        assert upload.names.columns == tuple(f"{name} {sign} {abs(offset):.12g}" for name in ("x1", "x2"))
        moved = upload.x.astype(np.float64)
        assert np.array_equal(moved + offset, real) and np.abs(moved).max() < 2  # not one bit is lost
        assert len(np.unique(upload.x.astype(np.float32), axis=0)) == 300
        assert any(f"{offset:.12g} was subtracted from x1" in note.text and note.warning for note in upload.notes)
    beside_a_constant = np.insert(drawn(300)["real"], 0, 1e6 / 3, axis=1)
    assert not any("float32" in note.text for note in read_upload(npy(beside_a_constant), "mine.npy").notes)


def test_rows_are_corrupted_in_their_own_precision():
    pool = drawn(300, offset=1e6)["real"]
    material = corruptions.material_of(pool, n=50)
    assert {row.tobytes() for row in material.rows} <= {row.tobytes() for row in pool}
    shrunk = within(corruptions.corrupted(material, "shrink", 0.5)).moments.mean
    assert shrunk == pytest.approx(within(material.rows).moments.mean / 2, rel=1e-8)
