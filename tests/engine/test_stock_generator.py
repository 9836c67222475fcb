"""A generator as a Keras model of stock layers, and as ONNX: against our own samples, for every recipe."""

import json
import zipfile
from io import BytesIO

import keras
import numpy as np
import pytest

from gan_core.config.presets import PRESETS, preset
from gan_core.engine import networks, sampling
from gan_core.engine.layers import FourierFeatures
from gan_core.engine.stock_generator import CLASSES, LATENTS, keras_file, onnx_file, stock_generator

CLOSE = 1e-5
"""Of images in [0, 1], and of points of the order of 1."""
CASES = [(name, shape, classes) for name in PRESETS for shape, classes in (((2,), 0), ((8, 8, 1), 3))]
CASES += [("auto", (28, 28, 1), 0), ("dcgan", (17, 20, 3), 3), ("r3gan-lite", (28, 28, 1), 3), ("dcgan", (3,), 3)]
SLOW = pytest.param(*CASES[-2], marks=pytest.mark.slow)


def made(name: str, shape: tuple[int, ...], classes: int):
    """A generator as after a training: of a recipe, with weights, moments and statistics that are not those it began
    with; and its inputs."""
    config = preset(name, shape=shape, seconds=500 if name == "auto" else None)
    rng = np.random.default_rng(0)
    mean, scale = rng.random(shape).astype(np.float32), 1.0 if len(shape) == 3 else 2.5
    data = networks.DataStatistics(shape, mean, scale, tuple(np.arange(1, classes + 1) / 6 if classes else ()))
    generator = networks.build_generator(config.generator, data)
    for weight in generator.weights:
        noise = rng.normal(0, 0.03, weight.shape)  # more would give logits so large that float32 has no 1e-5 of them
        weight.assign(np.asarray(weight) + (np.abs(noise) if "variance" in weight.path else noise))
    if classes:
        generator.get_layer("classes").frequencies.assign(data.class_frequencies)
    return generator, sampling.inputs(generator, 5, 20, sampling.REQUEST), config.generator.latent_dim


def fed(inputs: np.ndarray, latent: int):
    """What a stock model takes instead of latents with one-hot classes behind them."""
    z, classes = inputs[:, :latent], inputs[:, latent:]
    return {LATENTS: z} | ({CLASSES: classes.argmax(axis=1).astype(np.int32)} if classes.size else {})


def read(file: bytes, folder):
    (folder / "g.keras").write_bytes(file)
    return keras.models.load_model(folder / "g.keras")


@pytest.mark.parametrize(("name", "shape", "classes"), CASES)
def test_a_keras_file_makes_our_samples(name, shape, classes, tmp_path):
    generator, inputs, latent = made(name, shape, classes)
    file = keras_file(stock_generator(generator))
    loaded, ours = read(file, tmp_path), sampling.generate(generator, inputs)
    given = fed(inputs, latent)
    found = loaded(given if classes else given[LATENTS], training=False).numpy()
    assert np.ptp(ours) > 0.01, "or this test could not fail"
    assert found.dtype == np.float32 and np.abs(found - ours).max() <= CLOSE * max(1, np.abs(ours).max())


def modules_in(value) -> set[str]:
    """Every module that a saved model names."""
    if isinstance(value, dict):
        own = {value["module"]} if isinstance(value.get("module"), str) else set()
        return own.union(*map(modules_in, value.values()))
    return set().union(*map(modules_in, value)) if isinstance(value, list) else set()


def test_a_keras_file_names_no_class_but_those_of_keras():
    for about in (("auto", (28, 28, 1), 3), ("auto", (2,), 0), ("vae", (8, 8, 1), 0)):
        with zipfile.ZipFile(BytesIO(keras_file(stock_generator(made(*about)[0])))) as file:
            config = json.loads(file.read("config.json"))
        assert modules_in(config) <= {"keras", "keras.layers", "keras.initializers", "keras.src.models.functional"}
        assert not any(layer.get("registered_name") for layer in config["config"]["layers"])


@pytest.mark.parametrize(("name", "shape", "classes"), [CASES[0], CASES[-4], CASES[-3], SLOW])
def test_onnx_makes_our_samples_with_onnxruntime(name, shape, classes):
    onnxruntime = pytest.importorskip("onnxruntime", reason="requirements-onnx.txt is not installed")
    generator, inputs, latent = made(name, shape, classes)
    session = onnxruntime.InferenceSession(onnx_file(stock_generator(generator)))
    for n in (20, 3):  # the number of samples is free
        (found,) = session.run(None, fed(inputs[:n], latent))
        ours = sampling.generate(generator, inputs[:n])
        assert found.shape == ours.shape and np.abs(found - ours).max() <= CLOSE


def test_a_layer_that_keras_does_not_have_is_named():
    x = keras.Input((2,))
    with pytest.raises(TypeError, match="FourierFeatures layer has no counterpart"):
        stock_generator(keras.Model(x, FourierFeatures(1)(x)))
