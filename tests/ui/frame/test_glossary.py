"""The words of the pages are explained, and the lines of recipes and settings use no others."""

import re
from pathlib import Path

import pytest

from gan_core.config.presets import PRESETS
from gan_core.config.run_config import RunConfig, describe_setting, flatten_config
from ui.frame.glossary import TERMS, as_markdown, explained, search, term

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


def test_the_search_finds_words_before_sentences():
    assert search("generator")[0].word == "generator" and len(search("generator")) > 3
    assert search("pacgan")[0].word == "packing"
    assert search("") == list(TERMS) and search("sourdough") == []


def test_the_page_of_the_docs_holds_the_same_words():
    page = Path(__file__).parents[3] / "docs" / "glossary.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), "write ui.frame.glossary.as_markdown() there"
