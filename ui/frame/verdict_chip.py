"""The verdict on a run's samples: a chip that is the same everywhere, its sentence, and the numbers behind it."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from gan_core import TITLES, Report, Verdict, VerdictKind, shown_value, with_spread, with_z
from ui.frame.glossary import in_sentence, term, with_terms
from ui.frame.text import Colour, plain

CHIPS: dict[VerdictKind, tuple[Colour, str]] = {
    "like_real": ("green", ":material/check_circle:"),
    "nearly": ("blue", ":material/trending_up:"),
    "far_off": ("orange", ":material/social_distance:"),
    "collapsed": ("red", ":material/compress:"),
    "copies": ("violet", ":material/content_copy:"),
    "cannot_tell": ("gray", ":material/hourglass_top:"),
}
"""Of each verdict: its colour and its icon."""

OF_Z = f"**z**: {in_sentence('z-score')}"
IN_SENTENCE = ("collapsed", "diverged", "learning rate", "mode")
"""Words of the verdict's sentence that are explained in it."""
IN_NUMBERS = (
    "1-NN accuracy",
    "coverage",
    "MMD",
    "permutation test",
    "sliced Wasserstein",
    "symmetric precision",
    "symmetric recall",
)
"""Words of the numbers behind it that are explained there."""


def chip(verdict: Verdict) -> None:
    """The verdict as a small label, with its sentence as the tooltip."""
    colour, icon = CHIPS[verdict.kind]
    st.badge(TITLES[verdict.kind], icon=icon, color=colour, help=plain(verdict.sentence))


def chips(verdicts: Sequence[Verdict]) -> None:
    """A chip for each kind among the verdicts on several runs, with how many runs have it."""
    counts = Counter(verdict.kind for verdict in verdicts)
    for verdict in {verdict.kind: verdict for verdict in verdicts}.values():
        count = counts[verdict.kind]
        chip(verdict if count == 1 else Verdict(verdict.kind, f"{count} of {len(verdicts)} seeds"))


def show_verdict(verdict: Verdict, report: Report | None = None, *, key: str = "why") -> None:
    """The chip and its sentence; with a report also *Why?*, which opens the numbers behind them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key} verdict"):
        chip(verdict)
        st.markdown(with_terms(plain(verdict.sentence), *IN_SENTENCE), width="content", unsafe_allow_html=True)
        if report is not None and report.panel == "full":  # may be of other samples than the numbers on other pages
            st.caption(plain(draw_in_words(report)), width="content")
        if report is not None:
            with st.popover("Why?", icon=":material/help:", key=key):
                show_numbers(report)


def show_numbers(report: Report) -> None:
    """The energy distance beside real against real, n and z, each explained, and which other metrics agree."""
    distance = report.metrics.get("energy_distance")
    if distance is not None and distance.value is not None:
        of_real = "not known yet" if distance.reference_mean is None else with_spread(distance)
        st.markdown(
            f"{term('energy distance', 'Energy distance')} of the generated samples: **{shown_value(distance)}**  \n"
            f"{term('real against real', 'Two sets of real samples')} give: **{of_real}**"
            + (f"  \n{plain(with_z(distance.z))}" if distance.z is not None else "")
            + f"  \n{with_terms(plain(draw_in_words(report)), 'n', 'draw')}",
            unsafe_allow_html=True,
        )
    st.markdown(with_terms(plain(report.verdict), *IN_NUMBERS), unsafe_allow_html=True)
    st.caption(OF_Z)


def draw_in_words(report: Report) -> str:
    """Of which samples the numbers are: how many, which draw, in which space."""
    n = f"n = {report.n_fake:,}" if report.n_real == report.n_fake else f"n = {report.n_real:,} and {report.n_fake:,}"
    space = "" if report.space == "pixels" else f", in the space of {report.space}"
    return f"{n}, {of_draw(report)}{space}"


def of_draw(report: Report) -> str:
    """Whether the generated samples are those that the training measured."""
    return "the draw of the training" if report.seed == 0 else f"another draw (seed {report.seed})"
