"""A generator of ours -> the same function as a Keras model of stock layers, which loads without a line of our code.

What our own layers save is written in layers that Keras has: the scaling to the data's units is a product and a sum for
each number of a sample, depth-to-space is a reshape between two others, and a class is a row of an embedding. A run
with classes gives a model of two inputs, latents (n, latent) and class numbers (n,) from 0; every other one takes
latents alone.
"""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from gan_core.engine.layers import Affine, Bias, ClassEmbedding, DepthToSpace, OneChannelConv2D
from gan_core.records import GanometerError

LATENTS, CLASSES = "latents", "classes"
"""What the inputs of the stock model are called, here and in other formats."""
STOCK = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.Cropping2D,
    keras.layers.LeakyReLU,
    keras.layers.Reshape,
    keras.layers.UpSampling2D,
)
"""Layers of Keras without weights, which are taken as they are."""


def stock_generator(generator: keras.Model) -> keras.Model:
    """The same samples (n, *shape) from stock layers, in measured form: images in [0, 1], points in the data's units.

    Raises TypeError for a layer that nothing here can write in layers of Keras.
    """
    begin = generator.layers[0]
    embedding = next((layer for layer in generator.layers if isinstance(layer, ClassEmbedding)), None)
    inputs = [_input((embedding.latent_dim if embedding else begin.output.shape[-1],), name=LATENTS)]
    found = {id(begin.output): inputs[0]}
    if embedding is not None:
        inputs.append(_input((), name=CLASSES, dtype="int32"))
        rows = keras.layers.Embedding(*embedding.embedding.shape, name="class_embedding")
        joined = keras.layers.Concatenate(name="latents_and_class")([inputs[0], rows(inputs[1])])
        rows.set_weights([embedding.embedding])
        found = {id(embedding.output): joined}
    for layer in generator.layers:
        if layer is begin or layer is embedding:
            continue
        new, before = _stock(layer), layer.input
        several = isinstance(before, list)
        found[id(layer.output)] = new([found[id(one)] for one in before] if several else found[id(before)])
        new.set_weights(_weights(layer, new))
    return keras.Model(inputs if embedding else inputs[0], found[id(generator.output)], name="generator")


def keras_file(stock: keras.Model) -> bytes:
    """The bytes of a `.keras` file."""
    return _written("generator.keras", stock.save)


def onnx_file(stock: keras.Model) -> bytes:
    """The bytes of an ONNX file of the same inputs and output; the number of samples is free.

    Raises GanometerError where what Keras writes the format with is not installed.
    """
    if importlib.util.find_spec("tf2onnx") is None:
        raise GanometerError(
            "ONNX needs tf2onnx, which is not installed where this would be made: "
            "run `pip install -r requirements-onnx.txt` there, or export the generator as a .keras file"
        )
    stock([np.zeros((1, *put.shape[1:]), put.dtype) for put in stock.inputs])  # Keras exports what has been called
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx asks NumPy for a name that NumPy has no more
        return _written("generator.onnx", lambda file: stock.export(file, format="onnx", verbose=False))


def _written(name: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def _stock(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A layer of Keras that does what `layer` does, without its weights."""
    make = _STOCK_FOR.get(type(layer))
    if make is not None:
        return make(layer)
    if type(layer) in STOCK:
        return type(layer).from_config(layer.get_config())
    raise TypeError(f"a {type(layer).__name__} layer has no counterpart among the layers of Keras")


def _input(shape: tuple[int, ...], **about: Any) -> keras.KerasTensor:
    return cast(keras.KerasTensor, keras.Input(shape, **about))


def _weights(layer: keras.layers.Layer, new: keras.layers.Layer) -> list[Any]:
    if isinstance(layer, Affine):
        return [np.broadcast_to(layer.gain, new.weights[0].shape), layer.offset]
    if isinstance(layer, Bias):
        return [np.ones(new.weights[0].shape, np.float32), layer.bias]
    return layer.get_weights()


def _product_and_sum(layer: Any) -> keras.layers.Layer:
    """x · kernel + bias with one number of each for each number of a sample."""
    shape = layer.output.shape[1:]
    axes = "bcd"[: len(shape)]
    return keras.layers.EinsumDense(f"a{axes},{axes}->a{axes}", shape, bias_axes=axes, name=layer.name)


def _depth_to_space(layer: Any) -> keras.layers.Layer:
    height, width, channels = layer.output.shape[1:]
    parts = [
        keras.layers.Reshape((height // 2, width // 2, 2, 2, channels)),
        keras.layers.Permute((1, 3, 2, 4, 5)),
        keras.layers.Reshape((height, width, channels)),
    ]
    return keras.Sequential(parts, name=layer.name)


def _convolution(kind: Callable[..., keras.layers.Layer]) -> Callable[[Any], keras.layers.Layer]:
    return lambda layer: kind(layer.filters, layer.kernel_size, layer.strides, padding=layer.padding, name=layer.name)


_STOCK_FOR: dict[type, Callable[[Any], keras.layers.Layer]] = {
    Affine: _product_and_sum,
    Bias: _product_and_sum,
    DepthToSpace: _depth_to_space,
    OneChannelConv2D: _convolution(keras.layers.Conv2D),
    keras.layers.Conv2D: _convolution(keras.layers.Conv2D),
    keras.layers.Conv2DTranspose: _convolution(keras.layers.Conv2DTranspose),
    keras.layers.Dense: lambda layer: keras.layers.Dense(layer.units, name=layer.name),
    keras.layers.BatchNormalization: lambda layer: keras.layers.BatchNormalization(
        momentum=layer.momentum, epsilon=layer.epsilon, name=layer.name
    ),
}
"""How a layer is written whose start values, or whose class, are ours."""
