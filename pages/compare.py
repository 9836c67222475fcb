"""Compare: which setting is better, and is the difference more than noise? Runs, seeds and settings side by side."""

import streamlit as st

from gan_core import group_runs
from ui.compare.differing_settings import show_settings
from ui.compare.group_curves import show_curves
from ui.compare.group_samples import show_samples, step_of_all
from ui.compare.run_choice import known_runs, other_data, pick_runs, runs_in_address, suggest
from ui.compare.verdict import last_verdict, show_verdict
from ui.frame.faults import part
from ui.frame.navigation import navigation
from ui.frame.page import open_page, page_link
from ui.frame.report_button import report_button

with open_page("compare") as page:
    st.title("Compare", anchor=False)
    st.caption("Which setting is better, and is the difference more than noise?")
    listed = page.lab.runs.newest(by=page.me)
    if not listed and page.lab.bundles.example() is None:
        st.info("No run yet, so there is nothing to compare.", icon=":material/compare:")
        page_link("train", "Train the first one")
        page.wait_for_run()
        st.stop()
    listed = listed or page.lab.runs.newest(by=page.me)
    chosen = known_runs(page, runs_in_address())
    pick_runs(chosen, listed)
    if not chosen:
        suggest(page, listed)
    elif len({run.config.data.name for run in chosen}) > 1:
        other_data(page, chosen)
    else:
        groups = group_runs(chosen)
        steps_of = {run.id: page.lab.results.snapshot_steps(run) for run in chosen}
        above = st.container()
        step = step_of_all(page, steps_of)
        with above:
            # A verdict takes longer than a step of the time-lapse: meanwhile that on the newest steps stays.
            with part("The verdict"):
                show_verdict(page, groups, steps_of, None if navigation().playing else step)
        with part("The curves"):
            show_curves(page, groups, step)
        with part("The samples"):
            show_samples(page, groups, steps_of, step)
        with part("The settings"):
            show_settings(groups)
        report_button(page, chosen, key="report", step=step, compared=last_verdict(groups, step))
    if chosen:
        page.watch(*chosen)
