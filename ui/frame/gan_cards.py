"""What is a GAN: four cards with a moving picture each, and the dialog that shows them and the glossary again.

The pictures in `cards/` are true runs; `python -m benchmarks.gan_cards` makes them. A reader who has asked the system
for less motion sees their last frames.
"""

import base64
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from ui.frame.faults import guarded
from ui.frame.glossary import as_list, search, term

PICTURES = Path(__file__).with_name("cards")
TITLE = "What is a GAN?"
OPEN = "help is open"
"""The key of the session state that says whether the dialog is open; it stays so when the page is drawn again."""


@dataclass(frozen=True)
class Card:
    """`picture` names two files of `cards/`; `text` is HTML of two sentences; `alt` says what the picture shows."""

    picture: str
    title: str
    text: str
    alt: str


CARDS = (
    Card(
        "game",
        "The game",
        f"One network, the {term('generator')}, makes fakes out of random numbers. Another one, the "
        f"{term('discriminator')}, judges whether a sample is real or fake.",
        "Sixteen generated digits turn from noise into digits while a run trains",
    ),
    Card(
        "steps",
        "How it learns",
        "They learn in turn, thousands of times: the discriminator at spotting fakes, the generator at fooling it. "
        "Here the fakes (orange) move to where the real points (blue) are.",
        "Orange crosses spread from the middle to the eight blue clusters of a ring",
    ),
    Card(
        "collapse",
        "What can go wrong",
        f"The generator may make the same sample over and over ({term('mode collapse')}), as here. Or one network gets "
        "far ahead, and the other no longer learns from it.",
        "Orange crosses shrink to one point in the middle of a ring of eight blue clusters",
    ),
    Card(
        "measure",
        "How we measure",
        f"The {term('Euclidean distance')} between samples gives one number: the {term('energy distance')} from fakes "
        f"to real samples. It is good when it is as small as for {term('real against real', 'two sets of real ones')}.",
        "The energy distance of a run falls, step by step, towards the band of real against real",
    ),
)


@cache
def cards_html() -> str:
    """All cards as one list."""
    return f'<ul class="gan-cards">{"".join(map(_card, enumerate(CARDS, 1)))}</ul>'


def _card(numbered: tuple[int, Card]) -> str:
    number, card = numbered
    moving, still = (_picture(f"{card.picture}{end}.webp", kind, card.alt) for end, kind in ENDS)
    return f"<li>{moving}{still}<div><strong>{number}. {card.title}</strong><p>{card.text}</p></div></li>"


ENDS = (("", "moving"), ("-still", "still"))


def _picture(file: str, kind: str, alt: str) -> str:
    data = base64.b64encode((PICTURES / file).read_bytes()).decode()
    return f'<img class="{kind}" src="data:image/webp;base64,{data}" alt="{alt}" width="200" height="200">'


def show_help_button() -> None:
    """The button of the header, and the dialog that it opens."""
    st.button(
        TITLE,
        key="help",
        icon=":material/help:",
        type="tertiary",
        on_click=guarded(lambda: st.session_state.update({OPEN: True})),
    )
    if st.session_state.get(OPEN):
        _dialog()


@st.dialog(TITLE, width="large", on_dismiss=lambda: st.session_state.pop(OPEN, None))
def _dialog() -> None:
    st.markdown(cards_html(), unsafe_allow_html=True)
    st.subheader("Glossary", anchor=False)
    words = st.text_input("Search the glossary", key="glossary search", icon=":material/search:")
    if found := search(words or ""):
        st.html(as_list(found))
    else:
        st.caption("No word of the glossary matches. Try another spelling, or a shorter word.")
