"""The programs of docs/follow.md: Keras with a real `fit`, PyTorch with a class that behaves like its tensors."""

import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gan_core.codec import to_unit
from gan_core.data import datasets
from gan_core.store import Store
from tests.data.test_given_arrays import Tensor

DOCUMENT = (Path(__file__).parents[2] / "docs" / "follow.md").read_text(encoding="utf-8")
TEST = datasets.load("digits").test.x


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("GANOMETER_STORE", f"sqlite:///{tmp_path / 'store.sqlite'}")
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


def example(title: str) -> str:
    """The program below a heading of the document, on the small digits."""
    section = DOCUMENT.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.search(r"```python\n(.*?)```", section, re.DOTALL)[1].replace('"mnist"', '"digits"')


def test_the_example_for_keras_follows_a_fit(store):
    import keras

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, activation="sigmoid")])
    model.add(keras.layers.Reshape((8, 8, 1)))
    model.generator = model
    model.compile("adam", "mse", metrics=["mae"])
    data = keras.utils.PyDataset
    x = np.random.default_rng(0).standard_normal((320, 64)).astype(np.float32)

    class Batches(data):
        def __len__(self):
            return 10

        def __getitem__(self, place):
            rows = slice(32 * place, 32 * place + 32)
            return x[rows], to_unit(TEST[rows])

    exec(example("Keras"), {"keras": keras, "model": model, "data": Batches()})  # noqa: S102
    (run,) = store.runs.all()
    curves = store.recordings.history(run.id).curves
    assert (run.state, run.step, run.name) == ("finished", 200, "dcgan in Keras")
    assert len(curves["loss/loss"][0]) == len(curves["metric/mae"][0]) == 200 and "keras" in run.versions
    assert curves["energy_distance"][0][-1] == 200


def test_the_example_for_pytorch_follows_a_loop_of_at_most_ten_more_lines(store):
    program = example("PyTorch")
    torch = SimpleNamespace(randn=lambda *shape: Tensor(np.zeros(shape)), no_grad=nullcontext)
    added = [line for line in program.splitlines() if line.endswith("#")]
    assert len(added) <= 10
    noise = np.random.default_rng(0)
    given = dict(
        loader=range(5),
        epochs=2,
        batches=lambda loader, epochs: [(np.zeros((4, 1)), None)] * 10,
        discriminator_step=lambda real: Tensor(np.float32(0.5)),
        generator_step=lambda n: Tensor(np.float32(0.25)),
        generator=lambda z: Tensor(noise.random((len(z.array), 1, 8, 8)).astype(np.float32)),
    )
    exec(program.replace("import torch\n", ""), given | {"torch": torch})  # noqa: S102
    (run,) = store.runs.all()
    assert (run.state, run.step, run.total_steps) == ("finished", 9, 10)
    assert store.recordings.history(run.id).curves["loss/generator"][1].tolist() == [0.25] * 10
    assert store.recordings.kept_samples(run.id, 9).shape == (500, 8, 8, 1)
    told = [event.payload["note"] for event in store.recordings.events(run.id) if event.kind == "read_as"]
    assert told == ["Samples are read as pictures of 8 × 8 × 1 pixels, channels first, with values in 0..1."]
