"""How pages call the spaces in which samples are compared."""

from typing import Literal

from gan_core import DatasetInfo

Space = Literal["pixels", "pca64", "classifier"]

SPACES: dict[Space, tuple[str, str]] = {
    "pixels": (
        "Pixels",
        "The pixel values themselves. A stroke that moved by one pixel counts as a different stroke.",
    ),
    "pca64": (
        "64 principal components",
        "The 64 principal components of the training images, along which these vary most: fine noise hardly counts.",
    ),
    "classifier": (
        "Classifier features",
        "The features of a small classifier that is trained once on the labels of the data: closer to human "
        "perception.",
    ),
}

COORDINATES = ("Coordinates", "The straight line between two points.")
"""The only space of data that are not images."""


def compared_by(space: str, data: DatasetInfo) -> str:
    """By what samples are compared, in words: "pixels", "classifier features"; of points "coordinates"."""
    title = SPACES[space][0] if data.kind == "image" and space in SPACES else COORDINATES[0]
    return f"{title[0].lower()}{title[1:]}"
