"""The script beside a generator's file: it makes samples with nothing of ours installed, and the app's very draws.

Nothing that a person has named stands in it: a run's name, or a class's, could be a line of Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Network = Literal["keras", "onnx"]

_LOAD = {
    "keras": ("import keras", 'keras.models.load_model(here / "{file}")'),
    "onnx": ("import onnxruntime", 'onnxruntime.InferenceSession(here / "{file}")'),
}
_CALL = {
    "keras": ("np.asarray(generator(z, training=False))", "np.asarray(generator([z, classes], training=False))"),
    "onnx": (
        'generator.run(None, {"latents": z})[0]',
        'generator.run(None, {"latents": z, "classes": classes.astype(np.int32)})[0]',
    ),
}
_NEEDS = {"keras": "keras, tensorflow", "onnx": "onnxruntime"}
_IMAGES = """\
rows = np.pad(x, [(0, -len(x) % 8), (0, 0), (0, 0), (0, 0)])  # a grid of eight columns
grid = rows.reshape(-1, 8, *x.shape[1:]).swapaxes(1, 2).reshape(-1, 8 * x.shape[2], x.shape[3])
Image.fromarray(np.uint8(np.clip(grid * 255 + 0.5, 0, 255)).squeeze()).save(asked.out)
"""
_POINTS = """\
np.savetxt(asked.out, x, delimiter=",")
"""


def sampling_script(
    network: Network,
    *,
    file: str,
    latent_dim: int,
    images: bool,
    classes: Sequence[int] = (),
    frequencies: Sequence[float] = (),
) -> str:
    """The text of a script that samples from the network in `file`, which lies in the script's own folder.

    Latents are draws from N(0, I) by the app's own random numbers, times the truncation. `classes` are the labels that
    the run was trained with, () for none, and `frequencies` how often each occurs: so often they are drawn.
    """
    needs = ", ".join([_NEEDS[network], "numpy", *["pillow"] * images])
    load, loaded = _LOAD[network]
    lines = [
        f'"""New samples of a generator that was trained with Ganometer: python FILE --n 64. Needs {needs}."""',
        "",
        "import argparse",
        "from pathlib import Path",
        "",
        *sorted([load, "import numpy as np"], key=lambda line: line.split()[1]),
        *["from PIL import Image"] * images,
        "",
        "here, ask = Path(__file__).parent, argparse.ArgumentParser(description=__doc__)",
        'ask.add_argument("--n", type=int, default=64, help="how many samples")',
        'ask.add_argument("--seed", type=int, default=0, help="the draw: the same as in Ganometer")',
        'ask.add_argument("--truncation", type=float, default=1.0, help="below 1: shorter latents, less variety")',
        *[f'ask.add_argument("--label", type=int, choices={list(classes)}, help="only this class")'] * bool(classes),
        f'ask.add_argument("--out", default="samples.{"png" if images else "csv"}")',
        "asked = ask.parse_args()",
        "",
        "",
        "def random(*more):  # as in Ganometer, where 3 stands for draws on request",
        "    return np.random.Generator(np.random.Philox(np.random.SeedSequence([asked.seed, 3, 0, *more])))",
        "",
        "",
        f"z = random().standard_normal((asked.n, {latent_dim}), dtype=np.float32) * np.float32(asked.truncation)",
    ]
    if classes:
        lines += [
            f"labels, often = {list(classes)}, np.float64({[float(share) for share in frequencies]})",
            "classes = random(1).choice(len(labels), asked.n, p=often / often.sum())",
            "if asked.label is not None:",
            "    classes = np.full(asked.n, labels.index(asked.label))",
        ]
    lines += [
        f"generator = {loaded.format(file=file)}",
        f"x = {_CALL[network][bool(classes)]}",
        _IMAGES if images else _POINTS,
    ]
    return "\n".join(lines)
