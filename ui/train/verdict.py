"""What the samples are worth: the verdict, the distance beside that of real samples, and its curve."""

import streamlit as st

from gan_core import Headline, RunInfo, shown_value, with_spread
from ui.charts import captions
from ui.frame.curves import history_of
from ui.frame.glossary import term
from ui.frame.navigation import navigation, shown_step
from ui.frame.page import Page, chart
from ui.frame.verdict_chip import show_verdict
from ui.train.curves import distance_curve, reference_of


def marked_step(page: Page, run: RunInfo) -> int | None:
    """The step that somebody asks for; None where the newest is shown."""
    steps = page.lab.results.snapshot_steps(run)
    return shown_step(steps) if steps and navigation().place.step is not None else None


def show_worth(page: Page, run_id: str, *, large: bool = False) -> None:
    """Of the step that is shown, or the newest measurement before it."""
    run = page.lab.runs.get(run_id, by=page.me)
    step = marked_step(page, run)
    headline = page.lab.results.headlines([run], {} if step is None else {run.id: step}, by=page.me)[run.id]
    with st.container(key="worth large" if large else "worth", gap="small"):
        show_verdict(headline.verdict, headline.report)
        changed = last_change(page, run) if step is None else None
        if line := distance_in_words(headline, changed):
            st.markdown(line, unsafe_allow_html=True)
        figure = distance_curve(page, run, step, large=large)
        if figure is not None:
            chart(figure, f"distance {run.id} {large}", "Energy distance over steps")
            st.caption(captions.distance(history_of(page, run), reference_of(page, run), step))


def last_change(page: Page, run: RunInfo) -> int | None:
    """The step at which the settings were changed last."""
    return next((event.step for event in page.lab.runs.events(run, by=page.me) if event.kind == "set"), None)


def distance_in_words(headline: Headline, changed: int | None) -> str:
    """The energy distance beside that of real samples, where the modes are known how many have been found, and whether
    that was before the settings were changed: the picture may be of other networks by now.
    """
    energy, said = headline.energy, []
    if energy is not None and energy.value is not None:
        said = [f"{term('energy distance', 'Distance')} **{shown_value(energy)}**"]
        if energy.reference_mean is not None:
            said.append(f"{term('real against real', 'real samples')} {with_spread(energy)} (blue band)")
    modes = headline.report.details.get("modes") if headline.report else None
    if modes and modes.get("counts"):
        said.append(f"{term('mode', 'modes')} found **{modes['captured']} of {len(modes['counts'])}**")
    if not said or headline.step is None:
        return ""
    early = changed is not None and headline.step <= changed
    when = f"measured at step {headline.step:,}" + (", **before the change**" if early else "")
    return " · ".join([*said, when])
