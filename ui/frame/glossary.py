"""The technical words of all pages, each in one or two plain sentences, and a word that explains itself.

    st.markdown(f"The samples show {term('mode collapse')}.", unsafe_allow_html=True)
    show_caption("The critic is ahead.", "critic")
    st.slider("Truncation", help=meaning("truncation"))

A caption explains a word where it first stands. A widget's label cannot be pointed at, so its help has the sentence.
`docs/glossary.md` is `as_markdown()`, and a test holds them equal.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache

import streamlit as st


@dataclass(frozen=True)
class Term:
    """A word, the sentences that explain it, its paper where there is one, and its other spellings."""

    word: str
    sentence: str
    source: str = ""
    also: tuple[str, ...] = ()

    def is_called(self, word: str) -> bool:
        """Whether the word is this one, in whatever case."""
        return word.casefold() in {name.casefold() for name in (self.word, *self.also)}


_GAN = "Goodfellow et al. 2014, arXiv:1406.2661"
_KYNKAANNIEMI = "Kynkäänniemi et al. 2019, arXiv:1904.06991"
_NAEEM = "Naeem et al. 2020, arXiv:2002.09797"
_R1 = "Mescheder et al. 2018, arXiv:1801.04406"
_SYMMETRIC = "Khayatkhoei & AbdAlmageed 2023, arXiv:2306.09618"
_VAE = "Kingma & Welling 2013, arXiv:1312.6114"
_XU = "Lopez-Paz & Oquab 2017, arXiv:1610.06545"

_ALL = (
    Term(
        "1-NN accuracy",
        "How often a sample's nearest neighbour is of its own kind, real or generated. One half is "
        "ideal: the two kinds cannot be told apart.",
        _XU,
    ),
    Term(
        "Adam",
        "The usual rule that turns gradients into changes of the weights. It adapts the size of the change to "
        "each weight.",
        "Kingma & Ba 2014, arXiv:1412.6980",
    ),
    Term(
        "augmentation",
        "Changing the images a little, for example by shifting them, before the discriminator sees "
        "them. It then cannot learn the training images by heart.",
        "Zhao et al. 2020, arXiv:2006.10738",
    ),
    Term(
        "autoencoder",
        "A network that squeezes a sample into a few numbers, and a second one that rebuilds the sample from them.",
    ),
    Term("batch", "The samples that one training step uses.", also=("batch size",)),
    Term(
        "batch normalization",
        "Scaling the values inside a network so that they have mean 0 and spread 1 over the "
        "batch. It makes deep networks easier to train.",
        "Ioffe & Szegedy 2015, arXiv:1502.03167",
    ),
    Term(
        "bootstrap",
        "Drawing from the same samples again and again, to learn how much a number varies by chance.",
        "Efron & Tibshirani 1993, An Introduction to the Bootstrap",
    ),
    Term("checkpoint", "Everything that is needed to go on with a training later exactly as if it had not stopped."),
    Term(
        "chi-squared test",
        "Says whether the counts of several kinds differ by more than chance.",
        "Pearson 1900, Philosophical Magazine 50",
    ),
    Term(
        "class-conditional",
        "Both networks are told the class of a sample, for example which digit it is. You can "
        "then ask the generator for one class.",
        "Mirza & Osindero 2014, arXiv:1411.1784",
        ("conditional",),
    ),
    Term(
        "convolution",
        "A layer that looks at small patches of an image and treats every place in the same way. It suits images.",
        also=("convolutional",),
    ),
    Term(
        "coverage",
        "The share of real samples that have a generated sample close by. It is low when something real "
        "is never generated.",
        _NAEEM,
    ),
    Term(
        "critic",
        "A discriminator that gives a score without limits instead of a probability.",
        "Arjovsky et al. 2017, arXiv:1701.07875",
    ),
    Term(
        "D(x)",
        "The discriminator's answer for a sample x: the probability that x is real, from 0 to 1. Near one half "
        "it cannot tell.",
        _GAN,
    ),
    Term(
        "DCR share",
        "The share of generated samples that lie closer to the training data than to held-out data. Much "
        "more than one half means that training samples were copied.",
        "Platzer & Reutterer 2021, Front. Big Data 4",
        ("dcr_share", "distance to closest record"),
    ),
    Term("dense layer", "A layer in which every input is connected to every output.", also=("mlp",)),
    Term(
        "density",
        "In how many neighbourhoods of real samples a generated sample lies, on average; 1 is ideal. Above "
        "1 the generator stays where real samples are crowded.",
        _NAEEM,
    ),
    Term(
        "discriminator",
        "The network that judges: it sees real and generated samples and learns to tell them apart.",
        _GAN,
    ),
    Term(
        "distribution",
        "Which samples there are, and how often each kind occurs. A good generator has the same "
        "distribution as the data.",
    ),
    Term(
        "DragAN",
        "A gradient penalty at points near the real samples.",
        "Kodali et al. 2017, arXiv:1705.07215",
    ),
    Term(
        "diverge",
        "To go wrong for good: the numbers of a training grow without limit, and its samples are of no use.",
        also=("diverged",),
    ),
    Term("draw", "Which random samples are measured. Another draw gives a slightly different number."),
    Term(
        "EMA",
        "Exponential moving average: the weights averaged over the last steps. The averaged generator gives "
        "calmer samples than the one that is being trained.",
        "Yazıcı et al. 2018, arXiv:1806.04498",
        ("moving average",),
    ),
    Term(
        "energy distance",
        "How far two sets of samples are apart: twice the mean distance between them, minus the mean "
        "distances within each. Two sets from one source give 0 on average, sometimes less.",
        "Székely & Rizzo 2013, J. Stat. Plan. Inference 143",
    ),
    Term(
        "Euclidean distance", "The straight-line distance between two points. For images every pixel is one coordinate."
    ),
    Term("F-score", "One number for precision and recall. It is high only where both are."),
    Term(
        "feature matching",
        "The generator is also trained to give the discriminator's inner values the same mean as real samples do.",
        "Salimans et al. 2016, arXiv:1606.03498",
    ),
    Term(
        "feature space",
        "Where distances are computed: on the pixels themselves, or on what a network has computed "
        "from them. Distances between such features come closer to what people see.",
        also=("features",),
    ),
    Term(
        "fork",
        "A new run that goes on from a step of another one. It takes over the networks and the settings of that step.",
    ),
    Term(
        "Fourier features",
        "Sines and cosines of the coordinates as further inputs. They help a network to see fine structure.",
        "Tancik et al. 2020, arXiv:2006.10739",
    ),
    Term(
        "Fréchet distance",
        "A distance that compares only the means and the spreads of two sets of samples. FID is "
        "this on features of a large network.",
        "Heusel et al. 2017, arXiv:1706.08500",
        ("FID",),
    ),
    Term(
        "GAN",
        "Generative adversarial network: a generator and a discriminator that learn by playing against each other.",
        _GAN,
    ),
    Term("generator", "The network that makes samples: it turns random numbers into an image or a point.", _GAN),
    Term("gradient", "In which direction, and how strongly, a small change of each weight changes the loss."),
    Term(
        "gradient penalty",
        "A cost for a discriminator whose answer changes too steeply. It keeps the training calm.",
        "Gulrajani et al. 2017, arXiv:1704.00028",
    ),
    Term(
        "held-out",
        "Real samples that are kept away from training, so that the measurement is fair.",
        also=("held-out data", "holdout"),
    ),
    Term(
        "hinge loss",
        "A loss that stops pushing as soon as a sample is judged right by a clear margin.",
        "Lim & Ye 2017, arXiv:1705.02894",
        ("hinge",),
    ),
    Term(
        "instance noise",
        "Random noise added to everything the discriminator sees. It makes its task harder, so the "
        "generator is not left behind.",
        "Sønderby et al. 2016, arXiv:1610.04490",
    ),
    Term(
        "k-NN ball",
        "The neighbourhood of a sample: everything closer to it than its k-th nearest neighbour.",
        _KYNKAANNIEMI,
        ("ball", "neighbourhood", "k-NN"),
    ),
    Term(
        "KL divergence",
        "How much one distribution differs from another; 0 when they are equal. A VAE uses it to keep "
        "its latent vectors close to plain random numbers.",
        _VAE,
        ("KL", "Kullback–Leibler"),
    ),
    Term(
        "label smoothing",
        "Telling the discriminator that real samples are real with, say, 90 % instead of 100 %. It "
        "becomes less sure of itself.",
        "Salimans et al. 2016, arXiv:1606.03498",
    ),
    Term(
        "latent grid",
        "Where the generator puts an even grid of latent vectors: a net that shows how it bends random numbers into "
        "samples. Where its cells are small, samples are dense.",
    ),
    Term(
        "latent vector z",
        "The random numbers from which the generator makes one sample. The same numbers give the same sample.",
        _GAN,
        ("latent vector", "latent", "z"),
    ),
    Term(
        "learning rate", "How large a step the weights take at each update. Too large is unstable, too small is slow."
    ),
    Term(
        "least-squares loss",
        "A loss that squares the difference between the judgement and the right answer.",
        "Mao et al. 2016, arXiv:1611.04076",
        ("least-squares", "LSGAN"),
    ),
    Term("loss", "The number that a network makes as small as it can by changing its weights."),
    Term(
        "minimax loss",
        "The loss of the first GAN: what one network wins the other loses. Its gradient vanishes when "
        "the discriminator is far ahead.",
        _GAN,
        ("minimax",),
    ),
    Term(
        "MMD",
        "Maximum mean discrepancy: compares two sets of samples through how similar their pairs are. It is 0 on "
        "average when both come from the same source.",
        "Gretton et al. 2012, JMLR 13",
        ("maximum mean discrepancy",),
    ),
    Term("mode", "One kind of sample among the data, for example one digit or one cluster of points."),
    Term(
        "mode collapse",
        "The generator makes only a few kinds of samples, and the others never.",
        "Goodfellow 2016, arXiv:1701.00160",
        ("collapse", "collapsed"),
    ),
    Term(
        "non-saturating loss",
        "A loss for the generator that still teaches it when the discriminator is far ahead.",
        _GAN,
        ("non-saturating",),
    ),
    Term(
        "n",
        "How many samples of each kind are measured. The more there are, the smaller the differences that can be seen.",
        also=("sample size",),
    ),
    Term(
        "normal distribution",
        "The bell curve: most values lie near the middle, and few far away from it.",
        also=("Gaussian",),
    ),
    Term(
        "optimizer",
        "The rule that turns gradients into changes of the weights; here it is always Adam.",
    ),
    Term(
        "p-value",
        "How often chance alone gives a difference at least as large. A small one means that the difference "
        "is hardly chance.",
    ),
    Term(
        "packing",
        "The discriminator gets several samples as one input, so it notices when they are all alike.",
        "Lin et al. 2018, arXiv:1712.04086",
        ("PacGAN",),
    ),
    Term(
        "permutation test",
        "Mixing two sets of samples at random many times, to learn how large a difference chance alone gives.",
    ),
    Term("posterior", "In a VAE: which latent vectors fit a given sample, as a distribution.", _VAE),
    Term(
        "precision",
        "The share of generated samples that lie close to real ones. It is low when samples look wrong.",
        _KYNKAANNIEMI,
    ),
    Term(
        "principal component",
        "A direction in which the samples vary most. The first few hold most of what differs from sample to sample.",
        "Pearson 1901, Philosophical Magazine 2",
        ("PCA",),
    ),
    Term("R1", "A gradient penalty on real samples.", _R1, ("R1 penalty",)),
    Term("R2", "A gradient penalty on generated samples.", _R1, ("R2 penalty",)),
    Term(
        "real against real",
        "The same measurement between two sets of real samples. It says which value a perfect generator would get.",
        also=("reference",),
    ),
    Term(
        "recall",
        "The share of real samples that lie close to generated ones. It is low when kinds of samples are missing.",
        _KYNKAANNIEMI,
    ),
    Term("recipe", "A complete set of settings for a training, with a name."),
    Term(
        "relativistic loss",
        "The discriminator says which sample of a pair, one real and one generated, is more real, "
        "instead of judging each alone.",
        "Jolicoeur-Martineau 2018, arXiv:1807.00734",
        ("relativistic",),
    ),
    Term(
        "residual network",
        "A network whose layers add a correction to their input instead of replacing it.",
        "He et al. 2015, arXiv:1512.03385",
        ("residual",),
    ),
    Term("seed", "The number from which all random choices of a run follow. The same seed and settings repeat a run."),
    Term(
        "sliced Wasserstein",
        "The Wasserstein distance of the samples' shadows along many directions, averaged. It is quick to compute.",
        "Bonneel et al. 2015, J. Math. Imaging Vis. 51",
    ),
    Term("snapshot", "The generator and its 64 fixed samples as they were at one step."),
    Term(
        "spectral normalization",
        "Dividing each layer's weights by their largest singular value, by which the layer enlarges differences "
        "most. The discriminator's answer then cannot change too steeply.",
        "Miyato et al. 2018, arXiv:1802.05957",
        ("spectral norm",),
    ),
    Term("step", "One update of the generator, together with the discriminator's updates before it."),
    Term("standard deviation", "How far values usually lie from their mean. It stands behind a ±.", also=("sd",)),
    Term(
        "symmetric precision",
        "Precision that is counted from both sides, so that blurred samples do not raise it.",
        _SYMMETRIC,
    ),
    Term(
        "symmetric recall",
        "The smaller of recall and coverage: the share of the real variety that is generated.",
        _SYMMETRIC,
    ),
    Term(
        "truncation",
        "Using only latent vectors near the middle. Samples become more typical and less varied.",
        "Brock et al. 2018, arXiv:1809.11096",
    ),
    Term(
        "VAE",
        "Variational autoencoder: learns to squeeze samples into latent vectors and to rebuild them, without a "
        "discriminator.",
        _VAE,
        ("variational autoencoder",),
    ),
    Term(
        "Wasserstein distance",
        "How far samples have to be moved, on average, to turn one set into the other.",
        "Peyré & Cuturi 2019, arXiv:1803.00567",
        ("Wasserstein-2",),
    ),
    Term(
        "Wasserstein loss",
        "The critic's scores estimate how far generated samples have to be moved to become real "
        "ones. The generator makes that distance smaller.",
        "Arjovsky et al. 2017, arXiv:1701.07875",
        ("Wasserstein",),
    ),
    Term(
        "weight clipping",
        "Cutting every weight of the critic to a small range, the first way to keep its answer from "
        "changing too steeply.",
        "Arjovsky et al. 2017, arXiv:1701.07875",
    ),
    Term(
        "z-score",
        "How many standard deviations (±) a value lies from what two sets of real samples give. Beyond 3 it is hardly "
        "ever chance.",
        also=("z =",),
    ),
)

TERMS: tuple[Term, ...] = tuple(sorted(_ALL, key=lambda term: term.word.casefold()))


EVERYDAY = {
    "batch",
    "discriminator",
    "distribution",
    "draw",
    "GAN",
    "generator",
    "loss",
    "mode",
    "n",
    "recipe",
    "seed",
    "snapshot",
    "step",
}
"""Terms that stand in nearly every line, and whose everyday meaning will do there."""

TECHNICAL: tuple[str, ...] = tuple(
    name
    for known in TERMS
    if known.word not in EVERYDAY
    for name in (known.word, *known.also)
    if len(name) > 1 and name != "reference"
)
"""The words and spellings that lines of recipes and settings explain."""


@cache
def explained(word: str) -> Term:
    """The term of this word, or of another spelling of it. Raises KeyError for a word that nobody has explained."""
    for known in TERMS:
        if known.is_called(word):
            return known
    raise KeyError(word)


def search(words: str) -> list[Term]:
    """The terms whose word, spellings or sentences hold all these words; those that hold them in the word first."""
    wanted = words.casefold().split()
    names = {known.word: " ".join((known.word, *known.also)).casefold() for known in TERMS}
    found = [k for k in TERMS if all(w in names[k.word] or w in k.sentence.casefold() for w in wanted)]
    return sorted(found, key=lambda known: not all(word in names[known.word] for word in wanted))


def term(word: str, text: str | None = None) -> str:
    """HTML of a word (or of `text` in its place) with its explanation, which the pointer, Tab or a finger opens.

    page.css shows it, and terms.js keeps it inside the window.

    For `st.html`, or `st.markdown(..., unsafe_allow_html=True)` of text that nobody else has written. The explanation
    is part of the word's own text, so it needs no id, and one word may stand on a page twice. Raises KeyError for a
    word that nobody has explained.
    """
    sentence = html.escape(explained(word).sentence, quote=False)
    shown = html.escape(text or word, quote=False)
    return f'<span class="term" tabindex="0">{shown}<span class="term-explained" role="note">{sentence}</span></span>'


def with_terms(text: str, *words: str) -> str:
    """Text in which each of these words, or the plural of one, explains itself where it first stands.

    Markdown or HTML that nobody else has written; what stands between backticks or in a tag is left alone. A word that
    does not stand there is left out, for captions follow their data. Without words: every technical one.
    """
    left = {explained(word).word for word in words or TECHNICAL}

    def mark(found: re.Match[str]) -> str:
        known = _named(found, words or TECHNICAL)
        if known is None or known.word not in left:
            return found[0]
        left.remove(known.word)
        return term(known.word, found[0])

    return _pattern(words or TECHNICAL).sub(mark, text)


def show_caption(text: str, *words: str) -> None:
    """A caption in which these words explain themselves, as `with_terms` says."""
    st.caption(with_terms(text, *words), unsafe_allow_html=True)


def with_meanings(line: str) -> str:
    """Markdown of a line and, below it, of what each technical word in it means: for the help of a widget."""
    found = (_named(match, TECHNICAL) for match in _pattern(TECHNICAL).finditer(line))
    known = {one.word: one.sentence for one in found if one}
    return "\n\n".join([line, *(f"**{word}**: {sentence}" for word, sentence in known.items())])


def meaning(word: str) -> str:
    """The sentences that explain a word. Raises KeyError for a word that nobody has explained."""
    return explained(word).sentence


def in_sentence(word: str) -> str:
    """The same, to follow the word and a colon."""
    return meaning(word)[0].lower() + meaning(word)[1:]


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Finds each word and its plural, the longest first, in a group of its own."""
    plurals = [re.sub(r"y$", "(?:y|ies)", re.escape(word)).replace(r"\ ", "s? ") + "s?" for word in _longest(words)]
    return re.compile(rf"`[^`]*`|<[^>]*>|(?<![\w-])(?:{'|'.join(f'({one})' for one in plurals)})(?![\w-])", re.I)


def _named(found: re.Match[str], words: tuple[str, ...]) -> Term | None:
    """The term whose group has matched; None for what is left alone."""
    return explained(_longest(words)[found.lastindex - 1]) if found.lastindex else None


def _longest(words: tuple[str, ...]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def as_list(terms: list[Term] | tuple[Term, ...]) -> str:
    """HTML of the terms as a list of definitions."""
    rows = [
        f"<dt>{html.escape(known.word)}</dt><dd>{html.escape(known.sentence)}"
        + (f" <small>{html.escape(known.source)}</small>" if known.source else "")
        + "</dd>"
        for known in terms
    ]
    return f'<dl class="glossary">{"".join(rows)}</dl>'


def as_markdown() -> str:
    """The page docs/glossary.md."""
    rows = [f"| {', '.join((known.word, *known.also))} | {known.sentence} | {known.source} |" for known in TERMS]
    return "\n".join(
        [
            "# Glossary",
            "",
            "The technical words of Ganometer in plain sentences. The same list stands in the app behind *What is a "
            "GAN?*, with a search.",
            "",
            "| Word | What it means | Source |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
