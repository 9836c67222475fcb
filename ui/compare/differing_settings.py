"""The settings that differ between the groups, as a table."""

import streamlit as st

from gan_core import Group, describe_setting, setting_title, settings_diff, value_in_words


def show_settings(groups: tuple[Group, ...]) -> None:
    """Every setting that is not the same in all groups, with its values and its sentence."""
    st.header("Settings that differ", anchor=False)
    everything, groups = groups, tuple(group for group in groups if group.runs[0].trained_here)
    if len(groups) < len(everything):
        st.caption("Of runs that were not trained here the settings are not known.")
    if not groups:
        return
    differing = settings_diff([group.runs[0].config for group in groups])
    rows = [
        {"setting": setting_title(key)}
        | {group.letter: value_in_words(value) for group, value in zip(groups, values)}
        | {"what it does": describe_setting(key)["help"]}
        for key, values in differing.items()
        if key != "seed"
    ]
    if not rows:
        st.caption("Only the seed differs." if len(groups[0].runs) > 1 else "There is only one setting.")
        return
    text = st.column_config.TextColumn
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        column_config={"setting": text(pinned=True), "what it does": text(width="large")},
        key="settings",
    )
