"""One metric over the training, for all groups in one chart."""

import streamlit as st

from gan_core import METRICS, Group, curve_of_group
from ui.charts import compare
from ui.frame.curves import history_of
from ui.frame.glossary import show_caption
from ui.frame.page import Page, chart
from ui.frame.pickers import pick_metric
from ui.frame.text import plain


def show_curves(page: Page, groups: tuple[Group, ...], step: int | None) -> None:
    """One metric over the steps, for each group the mean and the standard deviation of its seeds."""
    histories = {run.id: history_of(page, run) for group in groups for run in group.runs}
    names = [name for name in METRICS if any(name in history.curves for history in histories.values())]
    if not names:
        return
    st.header("Over the training", anchor=False)
    name = pick_metric(names)
    drawn = []
    for group in groups:
        curves = [(run.config.seed, histories[run.id].curves.get(name)) for run in group.runs]
        seeds = [(seed, curve) for seed, curve in curves if curve is not None]
        drawn.append(compare.Drawn(group.name, seeds, curve_of_group([curve for _, curve in seeds])))
    references = [page.lab.results.live_reference(run) for group in groups for run in group.runs]
    sizes = {run.config.recording.rows for group in groups for run in group.runs}
    reference = next((found for found in references if found), None) if len(sizes) == 1 else None
    figure = compare.curves(drawn, name, reference, step)
    names_of_groups = ", ".join(group.name for group in groups)
    chart(figure, "curves", f"{METRICS[name].title} over steps, a curve for each group: {names_of_groups}")
    text = plain(METRICS[name].sentence)
    if any(len(group.runs) > 1 for group in groups):
        text += " Thick: the mean of the seeds, at steps that all of them have; shaded: ± 1 sd; thin: each seed."
    if reference:
        text += " In the blue band the value is like that of real samples."
    if len(sizes) > 1:
        text += f" The runs measured different numbers of samples ({', '.join(map(str, sorted(sizes)))})."
    show_caption(text, "sd")
