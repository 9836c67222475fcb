"""Which group is better, whether that is more than noise, and how this is decided."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from gan_core import (
    BELOW_ZERO,
    METRICS,
    Comparison,
    ComparisonReport,
    Group,
    MetricResult,
    Reference,
    below_zero,
    shown_number,
    step_of,
    with_spread,
)
from ui.charts import captions, compare
from ui.compare.groups import show_groups
from ui.frame.glossary import term
from ui.frame.job_answers import WAITING, show_answer
from ui.frame.page import Page, chart
from ui.frame.text import plain

VERDICT = "verdict"
"""Key of the session state: the KnownVerdict."""
INTERVAL = r"\Delta \pm t_{\nu} \cdot \mathrm{SE}, \qquad \mathrm{SE}^2 = s^2_{\text{seeds}} / k + s^2_{\text{samples}}"
FORMULA = r"D^2 = 2\,\overline{|x-y|} - \overline{|x-x'|} - \overline{|y-y'|}"


@dataclass(frozen=True)
class KnownVerdict:
    """The last verdict that was shown to this visitor, and of which step and groups it is."""

    step: int | None
    groups: tuple[str, ...]
    verdict: ComparisonReport


def counted(groups: tuple[Group, ...], steps_of: Mapping[str, tuple[int, ...]], step: int | None) -> dict[str, int]:
    """Which snapshot of each run the verdict looks at; runs that have not come so far are left out."""
    places = {}
    for group in groups:
        for run in group.runs:
            if (at := step_of(run, steps_of[run.id], step)) is not None:
                places[run.id] = at
    return places


def show_verdict(
    page: Page, groups: tuple[Group, ...], steps_of: Mapping[str, tuple[int, ...]], step: int | None
) -> None:
    """Which group is better at a step, or at the end of each run without one; and the legend of the groups."""
    places = counted(groups, steps_of, step)
    with_runs = [group for group in groups if any(run.id in places for run in group.runs)]
    with st.container(border=True, key="verdict"):
        if len(groups) == 1:
            st.markdown("## One setting so far: choose a run of another one, and see which is better.")
        elif len(with_runs) < 2:
            st.markdown("## No verdict yet")
            st.caption(
                "A run counts when its training has ended, or when it has reached the step of the slider below. A "
                "verdict needs such a run of at least two settings."
            )
        if not places or (len(groups) > 1 and len(with_runs) < 2):
            show_groups(page, groups, None, places)
            return
        job_id = page.lab.jobs.compare(places, by=page.me)
        show_answer(
            page,
            job_id,
            lambda job: draw_verdict(page, groups, page.lab.jobs.answer(job.id, by=page.me)),
            key="answer",
            again=lambda: page.lab.jobs.compare(places, by=page.me, retry=True),
        )
        # Not in the live part: a button there would draw that part alone, and the new runs belong to all of the page.
        job = page.lab.jobs.get(job_id, by=page.me, result=False)
        names = tuple(group.name for group in groups)
        if job and job.state == "done":
            st.session_state[VERDICT] = KnownVerdict(step, names, page.lab.jobs.answer(job.id, by=page.me))
        known = last_verdict(groups, step)
        if known and job and job.state in WAITING:
            draw_verdict(page, groups, known)
            st.caption("This is the verdict before one more run ended. The new verdict is being computed.")
        show_groups(page, groups, known, places)
        left_out = sum(run.id not in places for group in groups for run in group.runs)
        if left_out:
            still = "1 run still waits or trains" if left_out == 1 else f"{left_out} runs still wait or train"
            st.caption(f"{still}: not counted before the end.")


def last_verdict(groups: tuple[Group, ...], step: int | None) -> ComparisonReport | None:
    """The verdict that this visitor was shown last, if it is on these groups at this step."""
    last: KnownVerdict | None = st.session_state.get(VERDICT)
    return last.verdict if last and (last.step, last.groups) == (step, tuple(group.name for group in groups)) else None


def draw_verdict(page: Page, groups: tuple[Group, ...], verdict: ComparisonReport) -> None:
    """A verdict: its sentence, its intervals, and what other metrics say."""
    if verdict.headline:
        st.markdown(f"## {plain(verdict.headline)}")
        st.markdown(plain(verdict.sentence))
    with st.container(horizontal=True, vertical_alignment="center"):
        run = groups[0].runs[0]
        reference = page.lab.results.reference_of(run, verdict.n)
        beside = f" Two sets of real samples of this size give {in_words(reference)}" if reference else ""
        st.caption(
            f"{term('energy distance', 'Energy distance')} of {verdict.n:,} samples of each run to as many "
            f"{term('held-out')} real ones; 0 is ideal. They are the samples that its training measured at this step."
            f"{plain(beside)}",
            unsafe_allow_html=True,
        )
        if verdict.comparisons:
            explain()
    if verdict.comparisons:
        figure = compare.intervals(verdict.comparisons)
        chart(figure, "intervals", "Lead of the best group over each other group, with its interval")
        st.caption(captions.intervals(verdict.comparisons))
    if verdict.others:
        with st.expander("By other metrics", icon=":material/straighten:"):
            st.caption(
                "As measured during the training, always against the same held-out samples, so only seeds are noise "
                "here. Each metric has a verdict of its own."
            )
            st.dataframe([row_of(found) for found in verdict.others], hide_index=True, height="content", key="others")


def row_of(found: Comparison) -> dict[str, str]:
    """A comparison by another metric as a row of the table."""
    (one, other), (low, high) = (name.partition(" · ")[0] for name in (found.first, found.second)), found.interval
    better = {"first": f"{one} is better", "second": f"{other} is better", "undecided": "within the noise"}
    return {
        "metric": METRICS[found.metric].title,
        "groups": f"{one} and {other}",
        "means": " and ".join(shown_number(value, found.metric) for value in found.values),
        "difference": f"{shown_number(low)} to {shown_number(high)}",
        "in words": better[found.decided],
    }


def in_words(reference: Reference) -> str:
    """The energy distance of real samples to real ones, with its standard deviation, and why it may be negative."""
    mean, sd = reference.metrics["energy_distance"]
    found = MetricResult("energy_distance", None, mean, sd)
    return f"{with_spread(found)}.{below_zero(found)}"


def explain() -> None:
    """How a verdict is decided, with the formulas and their sources."""
    with st.popover("How is this decided?", icon=":material/help:"):
        st.markdown(
            "Of every run the samples count that its training measured at this step, and the **energy distance** to "
            "the same held-out real samples is taken:"
        )
        st.latex(FORMULA)
        st.markdown(
            "x are real samples, y generated ones, and a bar is the mean over all pairs of different samples. It is 0 "
            f"exactly for equal distributions. {BELOW_ZERO}\n\n"
            "Then the real and generated samples are resampled 1,000 times, in the same way for all runs (a paired "
            f"{term('bootstrap')}), and the spread between seeds is added. "
            "The standard error SE of the difference follows, and from it the interval",
            unsafe_allow_html=True,
        )
        st.latex(INTERVAL)
        st.markdown(
            "with Student's t, which makes it wide for few seeds k. One that contains 0 decides nothing. With "
            "more than two groups the intervals are wider (Holm's rule over all pairs), so that 5 % remains the "
            "chance of any wrong call. With one seed per setting the effect of the seed is unknown: then only the "
            "runs are compared.\n\n"
            "Székely & Rizzo 2013, *Energy statistics*, J. Stat. Plan. Inference 143. Efron & Tibshirani 1993, *An "
            "Introduction to the Bootstrap*. Holm 1979, Scand. J. Stat. 6."
        )
