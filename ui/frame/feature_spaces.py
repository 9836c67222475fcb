"""How pages call the spaces in which samples are compared."""

SPACES = {
    "pixels": (
        "Pixels",
        "The numbers of an image as they are: exact, but a stroke that moved by one pixel counts as another stroke.",
    ),
    "pca64": (
        "64 main directions",
        "Only along the 64 directions in which training images differ most: fine noise hardly counts.",
    ),
    "classifier": (
        "A classifier's view",
        "What a small network sees that has learned the data's labels: more like a person's eye. It is trained once.",
    ),
}

COORDINATES = ("Coordinates", "The straight line between two points.")
"""The only space of data that are no images."""
