"""The colours of both themes: text is readable, and what a colour means in a chart is seen by colour-blind people too.

Contrast is that of WCAG 2.1 (https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio): 4.5 for text, 3 for what is drawn.
Colour blindness is simulated after Machado, Oliveira & Fernandes 2009 (doi:10.1109/TVCG.2009.113, severity 1), and the
distance of two colours is CIE 1976 (ISO/CIE 11664-4) in Lab under D65.
"""

import colorsys
import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from ui.charts.training import BOTH, FAKE, GREY, REAL

CONFIG = tomllib.loads((Path(__file__).parents[3] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
THEMES = {name: CONFIG["theme"][name] for name in ("light", "dark")}
TEXT, GRAPHIC = 4.5, 3.0
APART = 25.0
"""Ten times what a trained eye tells apart (2.3, Mahy et al. 1994)."""
COLOURS = ("blue", "orange", "violet", "green", "red", "yellow", "gray")

FADED = 0.6
"""How much of the text's colour Streamlit leaves in captions, placeholders and the unit below a number."""
WASHED = {"light": 0.1, "dark": 0.2}
"""How much of a colour Streamlit lays below a badge or a message."""
CHOSEN, POINTED_AT = 0.1, 0.2
"""How much of the primary colour Streamlit lays below the chosen one of several, and below it under the pointer."""
DARKENED = 0.15
"""What Streamlit takes of the lightness (HSL) of a primary button under the pointer."""
ON_PRIMARY = {"light": "#fff", "dark": "#000"}
"""What is written on the primary colour (ui/frame/page.css); under the pointer it is white in both themes."""

SEEN_BY = {
    "everybody": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])
"""Linear sRGB -> XYZ (IEC 61966-2-1)."""


def srgb(colour: str) -> np.ndarray:
    """The three parts of "#rrggbb" or "#rgb", from 0 to 1."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    return np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(one: str | np.ndarray, other: str | np.ndarray) -> float:
    lights = [linear(srgb(c) if isinstance(c, str) else c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)]
    return float((max(lights) + 0.05) / (min(lights) + 0.05))


def over(colour: str, share: float, ground: str) -> np.ndarray:
    """A colour laid so far opaque over another."""
    return share * srgb(colour) + (1 - share) * srgb(ground)


def darkened(colour: str) -> np.ndarray:
    hue, light, saturation = colorsys.rgb_to_hls(*srgb(colour))
    return np.array(colorsys.hls_to_rgb(hue, light - DARKENED, saturation))


def lab(colour: str, matrix=SEEN_BY["everybody"]) -> np.ndarray:
    seen = np.clip(np.asarray(matrix) @ linear(srgb(colour)), 0, 1)
    ratio = (XYZ @ seen) / (XYZ @ np.ones(3))
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, other: str, matrix=SEEN_BY["everybody"]) -> float:
    return float(np.linalg.norm(lab(one, matrix) - lab(other, matrix)))


def failing(pairs: dict[str, float], least: float) -> dict[str, float]:
    return {name: round(value, 2) for name, value in pairs.items() if value < least}


# ---------------------------------------------------------------- the measures themselves


@pytest.mark.parametrize(
    "one, other, ratio",
    [
        ("#000", "#fff", 21),
        ("#fff", "#fff", 1),
        ("#777", "#fff", 4.48),
        ("#767676", "#fff", 4.54),
        ("#00f", "#fff", 8.59),
    ],
)
def test_contrast_is_what_the_published_examples_say(one, other, ratio):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005) == contrast(other, one)


@pytest.mark.parametrize(
    "colour, expected",
    [("#ffffff", (100, 0, 0)), ("#ff0000", (53.24, 80.09, 67.20)), ("#0000ff", (32.30, 79.19, -107.86))],
)
def test_lab_is_what_the_tables_say(colour, expected):
    assert lab(colour) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("kind", SEEN_BY)
def test_greys_look_the_same_to_everybody(kind):
    assert lab("#808080", SEEN_BY[kind]) == pytest.approx(lab("#808080"), abs=0.01)


def test_red_and_green_are_confused_by_those_who_confuse_them():
    red, green = "#c05050", "#6f7a30"
    assert distance(red, green) > 2 * distance(red, green, SEEN_BY["deuteranopia"])


# ---------------------------------------------------------------- the themes


def grounds(theme: str) -> dict[str, tuple[dict, str]]:
    """What text stands on: (the colours that are in force there, the ground) by its name."""
    page = THEMES[theme]
    side = page | page["sidebar"]
    places = {"page": (page, "backgroundColor"), "field": (page, "secondaryBackgroundColor")}
    places |= {"sidebar": (side, "backgroundColor"), "sidebar field": (side, "secondaryBackgroundColor")}
    return {name: (colours, colours[ground]) for name, (colours, ground) in places.items()}


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_readable_on_every_ground(theme):
    found = {}
    for place, (colours, ground) in grounds(theme).items():
        for kind in ("textColor", "linkColor", "primaryColor", *(f"{name}TextColor" for name in COLOURS)):
            found[f"{kind} on {place}"] = contrast(colours[kind], ground)
        found[f"captions on {place}"] = contrast(over(colours["textColor"], FADED, ground), ground)
    assert failing(found, TEXT) == {}


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_readable_on_what_has_a_ground_of_its_own(theme):
    found = {}
    for place, (colours, ground) in grounds(theme).items():
        primary = colours["primaryColor"]
        found[f"buttons, {place}"] = contrast(ON_PRIMARY[theme], primary)
        found[f"buttons under the pointer, {place}"] = contrast("#fff", darkened(primary))
        if "field" not in place:
            found[f"the chosen one, {place}"] = contrast(primary, over(primary, CHOSEN, ground))
            found[f"the chosen one under the pointer, {place}"] = contrast(primary, over(primary, POINTED_AT, ground))
        found[f"code, {place}"] = contrast(colours["codeTextColor"], colours["codeBackgroundColor"])
        found[f"heads of tables, {place}"] = contrast(
            colours["dataframeHeaderTextColor"], colours["dataframeHeaderBackgroundColor"]
        )
        for name in COLOURS:
            below = over(colours[f"{name}Color"], WASHED[theme], ground)
            if "field" not in place:
                found[f"{name} badge, {place}"] = contrast(srgb(colours[f"{name}TextColor"]), below)
    assert failing(found, TEXT) == {}


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_drawn_is_seen(theme):
    found = {}
    for place, (colours, ground) in grounds(theme).items():
        found[f"primaryColor on {place}"] = contrast(colours["primaryColor"], ground)
        found[f"ticks and knobs, {place}"] = contrast("#fff", colours["primaryColor"])
    page = THEMES[theme]
    drawn = {f"{name}Color": page[f"{name}Color"] for name in COLOURS}
    drawn |= {f"chart colour {i}": colour for i, colour in enumerate(page["chartCategoricalColors"])}
    drawn |= {"real": REAL, "generated": FAKE, "both": BOTH, "grey": GREY}
    found |= {name: contrast(colour, page["backgroundColor"]) for name, colour in drawn.items()}
    assert failing(found, GRAPHIC) == {}


@pytest.mark.parametrize("theme", THEMES)
def test_the_theme_and_the_charts_mean_the_same_by_a_colour(theme):
    page = THEMES[theme]
    assert tuple(page["chartCategoricalColors"][:3]) == (REAL, FAKE, BOTH)
    assert (page["blueColor"], page["orangeColor"], page["violetColor"]) == (REAL, FAKE, BOTH)


@pytest.mark.parametrize("kind", SEEN_BY)
def test_real_generated_and_both_stay_apart_for_everybody(kind):
    named = {"real": REAL, "generated": FAKE, "both": BOTH}
    pairs = {
        f"{one}, {other}": distance(named[one], named[other], SEEN_BY[kind])
        for one, other in itertools.combinations(named, 2)
    }
    assert failing(pairs, APART) == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", SEEN_BY)
def test_the_ends_of_the_diverging_colours_stay_apart_for_everybody(theme, kind):
    first, *_, last = THEMES[theme]["chartDivergingColors"]
    assert distance(first, last, SEEN_BY[kind]) > APART
