"""The words of the pages are explained, and the lines of recipes and settings use no others."""

import re
from pathlib import Path

import pytest

from gan_core.config.presets import PRESETS
from gan_core.config.run_config import RunConfig, describe_setting, flatten_config
from tests.drawing import without_explanations
from ui.frame.glossary import TERMS, as_markdown, explained, meaning, search, term, with_meanings, with_terms

LINES = PRESETS | {key: describe_setting(key)["help"] for key in flatten_config(RunConfig())}
LONGEST = 100
JARGON = (
    "adam|augmentation|autoencoder|batch normalization|class-conditional|convolution(?:s|al)?|critic|dense layers?|ema|"
    "energy distance|feature matching|feature space|fourier features|gradient penalt(?:y|ies)|gradients?|held-out|"
    "hinge loss|instance noise|kl|label smoothing|latent vectors?|latents?|learning rates?|least-squares|minimax|mlp|"
    "mode collapse|octaves?|packing|posterior|r1|r2|regularization|relativistic|residual|singular values?|"
    "spectral normalization|truncation|vae|wasserstein|weight clipping|balls?|z"
)


def is_explained(word: str) -> bool:
    """Whether the glossary holds a word, or the singular of it."""
    spellings = {word, word.removesuffix("s"), word.replace("penalties", "penalty")}
    return any(known.is_called(spelling) for known in TERMS for spelling in spellings)


@pytest.mark.parametrize("key", LINES)
def test_a_recipe_or_setting_has_one_short_line_of_explained_words(key):
    line = LINES[key]
    assert 15 < len(line) <= LONGEST and line.endswith("."), f"{len(line)} characters: {line}"
    for word in re.findall(rf"(?<![\w-])(?:{JARGON})(?![\w-])", line.casefold()):
        assert is_explained(word), word


def test_every_word_is_explained_once_and_briefly():
    names = [name.casefold() for known in TERMS for name in (known.word, *known.also)]
    assert len(names) == len(set(names))
    for known in TERMS:
        assert len(known.sentence) <= 180 and known.sentence.endswith(".") and "|" not in known.sentence, known.word
        assert known.sentence.count(". ") <= 1, f"{known.word}: more than two sentences"


def test_another_spelling_has_the_same_explanation():
    assert explained("PacGAN") == explained("packing") and explained("Z").word == "latent vector z"
    with pytest.raises(KeyError):
        explained("sourdough")


def test_a_word_can_be_focused_and_holds_its_explanation():
    html = term("mode collapse", "<collapsed>")
    assert 'tabindex="0">&lt;collapsed&gt;<' in html and explained("mode collapse").sentence in html


@pytest.mark.parametrize(
    ("text", "words", "explained_there"),
    [
        ("Latent vectors z, and again latent vectors z.", ["latent vector z"], ["Latent vectors z"]),
        ("The critic has two gradient penalties.", ["gradient penalty", "critic"], ["critic", "gradient penalties"]),
        ("D(x) and D(G(z)) of a latent.", ["D(x)", "latent"], ["D(x)", "latent"]),
        ("`loss` is a setting, and <b title='loss'>the loss</b> a number.", ["loss"], ["loss"]),
        ("No such word stands in a z-score or a lossless file.", ["z", "loss"], []),
        ("A step of an autoencoder (VAE), by Adam.", [], ["autoencoder", "VAE", "Adam"]),
    ],
)
def test_a_word_explains_itself_where_it_first_stands(text, words, explained_there):
    marked = with_terms(text, *words)
    assert without_explanations(marked) == text
    assert re.findall(r'tabindex="0">(.*?)<span', marked) == explained_there


def test_no_word_is_looked_for_in_the_explanation_of_another():
    marked = with_terms("mode collapse", "mode collapse", "generator")
    assert meaning("mode collapse").startswith("The generator") and marked.count('class="term"') == 1


def test_an_unknown_word_is_an_error_also_where_it_does_not_stand():
    with pytest.raises(KeyError):
        with_terms("The samples are fine.", "sourdough")


def test_a_widget_says_what_the_words_of_its_line_mean():
    help = with_meanings("R1: weight of the gradient penalty on real samples.")
    assert help.splitlines()[0] == "R1: weight of the gradient penalty on real samples."
    assert f"**R1**: {meaning('R1')}" in help and f"**gradient penalty**: {meaning('gradient penalty')}" in help
    assert with_meanings("The seed of the step.") == "The seed of the step."


def test_the_search_finds_words_before_sentences():
    assert search("generator")[0].word == "generator" and len(search("generator")) > 3
    assert search("pacgan")[0].word == "packing"
    assert search("") == list(TERMS) and search("sourdough") == []


def test_the_page_of_the_docs_holds_the_same_words():
    page = Path(__file__).parents[3] / "docs" / "glossary.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), "write ui.frame.glossary.as_markdown() there"
