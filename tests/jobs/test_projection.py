"""The projection of a real sample, against SciPy and the generator itself."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gan_core.data import datasets
from gan_core.jobs.projection import KIND, Projection
from gan_core.jobs.snapshot_sampler import SnapshotSampler
from gan_core.records import GanometerError
from tests.jobs.small_runs import DIGITS, STEP, flat


@pytest.mark.parametrize("part", ["test", "train", "holdout", "preview"])
def test_a_real_sample_is_looked_for(ask, plain, part):
    said = []
    found = ask(Projection(part=part, index=5, steps=60, starts=4), plain, progress=said.append)
    preview = datasets.Part(DIGITS.info().preview, DIGITS.info().labels)
    real = (DIGITS.parts | {"preview": preview})[part]
    x, y = real.x, real.y
    assert np.array_equal(found["target"], x[5]) and found["label"] == y[5]
    assert found["z"].shape == (4,) and found["curve"].shape == (60,) and found["x"].shape == (8, 8, 1)
    far = np.sort(cdist(flat(x[5:6]), flat(DIGITS.train.x))[0])
    assert found["nearest_distance"] == pytest.approx(far[int(part == "train")], abs=1e-5)
    for name in ("x", "start", "nearest"):
        apart = np.linalg.norm(flat(found[name][None]) - flat(found["target"][None]))
        distance = found[{"x": "distance"}.get(name, f"{name}_distance")]
        assert apart == pytest.approx(distance, abs=8 / 510)  # pixels are rounded to whole ones
    assert found["distance"] <= found["start_distance"] and found["curve"][-1] == pytest.approx(found["distance"])
    assert said == sorted(said) and len(said) > 10


def test_a_run_with_classes_looks_within_the_class(store, ask, conditional):
    found = ask(Projection(part="test", index=0, steps=60), conditional)
    sampler = SnapshotSampler.of(store, conditional, STEP)
    inputs = np.append(found["z"], np.eye(10)[DIGITS.test.y[0]]).astype(np.float32)[None]
    assert flat(found["x"][None]) == pytest.approx(flat(sampler.generator(inputs).numpy()), abs=1 / 255)


def test_a_row_that_the_part_does_not_have_is_refused(ask, plain):
    with pytest.raises(GanometerError, match="index is 360 and the test part has 360 rows; give 0 to 359"):
        ask(Projection(index=360), plain)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"index": 0, "part": "x"}, "part is 'x'; choose one of test, train, holdout, preview"),
        (
            {"index": 0, "steps": 49, "starts": 17},
            "steps is 49; it must be between 50 and 1,000; starts is 17; it must be between 1 and 16",
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_all_that_is_wrong(values, said):
    with pytest.raises(GanometerError) as error:
        KIND.read(values)
    assert str(error.value) == said
