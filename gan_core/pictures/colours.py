"""The colours of charts, pictures and films: blue is real, orange is generated, violet is both together."""

REAL, FAKE, BOTH = "#3b82f6", "#e0682b", "#9840a0"
GREY = "#8a8f98"
"""Lines and marks that belong to neither."""
PAPER, INK, LINE = "#ffffff", "#55637a", "#d5dbe3"
"""Background, text and border of films, which have no theme."""


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue from 0 to 255 of a colour "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
